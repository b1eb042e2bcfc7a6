from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.recommend.shops import Bench, codes

from renwei.core.nouns import Item
from renwei.recommend.exposure import LISTS, Exposure, exposure
from renwei.recommend.surfaces import SurfaceRequest, surfaces_set


def mixed(shop: Bench, **place: object) -> None:
    videos = [Item(0, "video", f"video-{k}", f"Film {k}", "film", 0, "", {}) for k in range(9)]
    songs = [Item(0, "song", f"song-{k}", f"Song {k}", "song", 0, "", {}) for k in range(2)]
    shop.items(*videos, *songs)
    whole = {"kinds": ["product", "video", "song"], "explore": 0.0, "holdout": 0, **place}
    surfaces_set(shop.shop, SurfaceRequest(name="mixed", place=whole))


def test_each_kind_gets_its_slots_and_products_the_rest(shop: Bench) -> None:
    mixed(shop, slots={"video": 3, "song": 1})
    for user in ("u-0", "u-1", "never-seen"):
        kinds = Counter(item.kind for item in shop.ask(user, surface="mixed", n=10).items)
        assert kinds == {"product": 6, "video": 3, "song": 1}, user


def test_slots_that_nothing_is_left_for_go_to_the_others(shop: Bench) -> None:
    mixed(shop, slots={"video": 3, "song": 5})
    kinds = Counter(item.kind for item in shop.ask("u-0", surface="mixed", n=12).items)
    assert kinds == {"product": 7, "video": 3, "song": 2}


def test_slots_hold_also_with_variety_and_caps(shop: Bench) -> None:
    mixed(shop, slots={"video": 2}, diversity=0.6, per_category=4)
    shown = shop.ask("u-0", surface="mixed", n=8).items
    assert sum(item.kind == "video" for item in shown) == 2
    assert max(Counter(item.category for item in shown).values()) <= 4
    assert [item.rank for item in shown] == list(range(1, 9))


def test_variety_gives_the_rest_of_the_shelf_a_share(shop: Bench) -> None:
    def breadth(diversity: float) -> int:
        surfaces_set(
            shop.shop, SurfaceRequest(name="home", place={"diversity": diversity, "new": 0})
        )
        shown = [codes(shop.ask(f"u-{k}", n=2)) for k in range(60)]
        return len({code for one in shown for code in one})

    plain, varied = breadth(0.0), breadth(0.8)
    assert varied >= 1.2 * plain


def test_a_list_stays_as_it_is_while_nothing_new_is_known(shop: Bench) -> None:
    surfaces_set(shop.shop, SurfaceRequest(name="home", place={"diversity": 0.5}))
    first = codes(shop.ask("u-0", n=8))
    for k in range(1, 40):
        shop.ask(f"u-{k}", n=8)
    assert codes(shop.ask("u-0", n=8)) == first


def test_a_list_keeps_to_the_mix_that_the_person_takes(shop: Bench) -> None:
    events = [shop.bought("both", [f"cream-{k}", f"mask-{k}"], 3 + k) for k in range(4)]
    events += [shop.bought("both", [f"soap-{k}"], 40 + k) for k in range(2)]
    shop.store.log.append(events, shop.clock.now())
    surfaces_set(shop.shop, SurfaceRequest(name="home", place={"own_mix": 1.0, "new": 0}))
    shown = Counter(item.category for item in shop.ask("both", n=10).items)
    # Of ten: 4.2 creams, 4.2 masks and, as they are longer ago, 1.6 soaps.
    assert shown["cream"] == pytest.approx(4, abs=1)
    assert shown["mask"] == pytest.approx(4, abs=1)
    assert shown["soap"] == pytest.approx(2, abs=1)


def test_what_was_shown_fades_with_the_lists_that_came_after() -> None:
    shown = Exposure()
    shown.note([5])
    for _ in range(LISTS):
        shown.note([7])
    five, seven, none = shown.of(np.array([5, 7, 10**6])).tolist()
    # (1 + 1/n)^-n is near 1/e; what is shown in every list counts near n (1 - 1/e).
    assert five == pytest.approx(np.exp(-1), rel=0.01)
    assert seven == pytest.approx(LISTS * (1 - np.exp(-1)), rel=0.01)
    assert none == 0


def test_counts_stay_finite_however_long_a_process_lives() -> None:
    shown = Exposure()
    for _ in range(60 * LISTS):
        shown.note([1])
    assert shown.of(np.array([1]))[0] == pytest.approx(LISTS, rel=0.01)


def test_only_feeds_are_counted(shop: Bench) -> None:
    item = shop.ask("", surface="product", item_id="mask-3", n=3).items[0].id
    number = np.array([shop.number[item]])
    assert exposure(shop.store).of(number)[0] == 0
