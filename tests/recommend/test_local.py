from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.recommend.shops import AT, EACH, SORTS, Bench, codes, copied

from renwei.core.chance import u
from renwei.core.nouns import Consent, ConsentState, Event, Fact, Item, Told
from renwei.core.store import Named
from renwei.recommend.answers import RecommendAnswer
from renwei.recommend.local import KINDS
from renwei.recommend.model import model
from renwei.recommend.surfaces import SurfaceRequest, surfaces_set

HOME = {"cream": "浙江省", "mask": "Sichuan"}


def lives(shop: Bench, who: str, place: str, sort: str = "province") -> None:
    fact = Fact(sort, place, Told.TOLD, "test", AT - timedelta(days=200))
    shop.store.people.learn_facts(shop.who(who), [fact])


def order_at(shop: Bench, who: str, items: list[str], days_ago: int, hour: int) -> Event:
    """An order at an hour of a day in Shanghai."""
    midnight = AT.astimezone(UTC).replace(hour=0) - timedelta(hours=8)
    at = midnight - timedelta(days=days_ago) + timedelta(hours=hour)
    return shop.bought(who, items, (AT - at) / timedelta(days=1))


def some(sort: str, draw: float) -> list[str]:
    """Two neighbouring products of a sort, the first ones more often."""
    pick = int(draw * draw * (EACH - 1))
    return [f"{sort}-{pick}", f"{sort}-{pick + 1}"]


def crowd(shop: Bench, *, by: str, people: int = 120) -> None:
    """People who come four times in 75 days and take what their place, or the hour, is for."""
    events = []
    for k in range(people):
        sort = ("cream", "mask")[k % 2]
        for turn in range(4):
            early = u(k, "hour", turn) < 0.5
            if by == "hour":
                sort = "cream" if early else "mask"
            days = int(2 + 18 * turn + 18 * u(k, "day", turn))
            taken = some(sort if by != "chance" else SORTS[int(u(k, "sort", turn) * 3)],
                         u(k, "pick", turn))  # fmt: skip
            events.append(order_at(shop, f"u-{k}", taken, days, 7 if early else 20))
        if by != "hour":
            lives(shop, f"u-{k}", HOME[("cream", "mask")[k % 2]])
    shop.store.log.append(events, shop.clock.now())


def built(folder: Path, by: str) -> tuple[Path, dict[str, int]]:
    made = Bench(folder)
    made.catalogue()
    crowd(made, by=by)
    made.learnt()
    made.calm()
    made.store.close()
    return folder, made.number


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, int]]]:
    """Shops where the place, the hour, or neither says what people take."""
    return {by: built(tmp_path_factory.mktemp(by), by) for by in ("place", "hour", "chance")}


@pytest.fixture
def places(grown: Any, tmp_path: Path) -> Iterator[Bench]:
    made = copied(grown["place"], tmp_path / "place")
    yield made
    made.store.close()


@pytest.fixture
def hours(grown: Any, tmp_path: Path) -> Iterator[Bench]:
    made = copied(grown["hour"], tmp_path / "hour")
    yield made
    made.store.close()


@pytest.fixture
def aimless(grown: Any, tmp_path: Path) -> Iterator[Bench]:
    made = copied(grown["chance"], tmp_path / "chance")
    yield made
    made.store.close()


def share(answer: RecommendAnswer, sort: str, first: int = 8) -> float:
    return sum(item.category == sort for item in answer.items[:first]) / first


def reasons(answer: RecommendAnswer) -> set[str]:
    return {item.reason.code for item in answer.items}


def card(shop: Bench) -> dict[str, Any]:
    held = shop.shop.shelf.get("taste-items")
    assert held is not None
    found: dict[str, Any] = held.meta["card"]["local"]
    return found


# What is shown.


def test_two_places_get_what_sells_there_and_the_reason_names_the_place(places: Bench) -> None:
    for region, sort in (("浙江", "cream"), ("四川省", "mask")):
        answer = places.ask("", n=8, context={"region": region})
        assert share(answer, sort) >= 0.75
        assert not answer.personal
        for item in answer.items:
            if item.category == sort and item.reason.code == "popular_here":
                assert {"浙江": "浙江省", "四川省": "Sichuan"}[region] in item.reason.text
        assert "popular_here" in reasons(answer)
    everywhere = places.ask("", n=8)
    assert 0.25 <= share(everywhere, "cream") <= 0.75
    assert reasons(everywhere) == {"popular"}


def test_a_reason_names_a_place_only_where_people_there_take_more_of_it(places: Bench) -> None:
    answer = places.ask("", n=36, context={"region": "浙江"})
    assert share(answer, "mask", 36) > 0
    for item in answer.items:
        if item.category != "cream":
            assert item.reason.code in ("popular", "new"), item.id


def test_an_unknown_place_gets_what_the_whole_shop_takes(places: Bench) -> None:
    plain = places.ask("", n=12)
    for region in ("Atlantis", "", "  ", "省", "，", "x" * 200):
        answer = places.ask("", n=12, context={"region": region})
        assert codes(answer) == codes(plain)
        assert reasons(answer) == reasons(plain)


def test_a_known_person_gets_the_list_of_their_place_unless_the_page_names_another(
    places: Bench,
) -> None:
    lives(places, "newcomer", "四川", "province")
    own = places.ask("newcomer", n=8)
    assert share(own, "mask") >= 0.75
    assert "popular_here" in reasons(own)
    away = places.ask("newcomer", n=8, context={"region": "浙江省杭州市"})
    assert share(away, "cream") >= 0.75


def test_of_a_person_who_said_no_to_profiling_no_place_is_used(places: Bench) -> None:
    lives(places, "private", "四川")
    no = Consent("profiling", "*", ConsentState.WITHDRAWN, AT - timedelta(days=1), "test", "")
    places.store.people.state_consent(places.who("private"), [no])
    assert codes(places.ask("private", n=12)) == codes(places.ask("", n=12))


def test_whoever_is_held_out_keeps_the_list_of_the_whole_shop(places: Bench) -> None:
    plain = codes(places.ask("", n=12))
    surfaces_set(places.shop, SurfaceRequest(name="home", place={"holdout": 1.0, "explore": 0.0}))
    lives(places, "held", "四川")
    answer = places.ask("held", n=12, context={"region": "四川"})
    assert answer.holdout
    assert [code for code in codes(answer) if code in plain] == codes(answer)
    assert codes(answer) == plain
    assert reasons(answer) <= {"popular"}


def test_the_hour_is_that_of_the_shops_zone(hours: Bench) -> None:
    # AT is ten in the morning in Shanghai.
    morning = hours.ask("", n=8)
    assert share(morning, "cream") >= 0.75
    assert "popular_now" in reasons(morning)
    told = hours.ask("", n=8, context={"hour": 21})
    assert share(told, "mask") >= 0.75
    hours.later(timedelta(hours=11))
    evening = hours.ask("", n=8)
    assert share(evening, "mask") >= 0.75
    assert codes(evening) == codes(told)
    for bad in (-1, 24, 99):
        assert codes(hours.ask("", n=8, context={"hour": bad})) == codes(evening)


def test_where_neither_place_nor_hour_says_anything_the_shop_speaks(aimless: Bench) -> None:
    assert card(aimless)["serves"] == []
    plain = aimless.ask("", n=12)
    assert codes(aimless.ask("", n=12, context={"region": "浙江", "hour": 3})) == codes(plain)
    assert not {code for code in reasons(plain) if code.startswith("popular_")}


def test_the_card_says_what_was_compared_and_by_how_much_it_won(
    places: Bench, hours: Bench
) -> None:
    for shop, step in ((places, "region"), (hours, "hour")):
        said = card(shop)
        assert step in said["serves"]
        rows = {row["slice"]: row for row in said["trials"]}
        assert set(rows) == {"region", "hour", *KINDS}
        won = rows[step]
        assert won["why"] == "serves"
        assert 0 < won["low"] <= won["gain"] <= won["high"]
        assert won["ndcg"] > won["ndcg_without"]
        assert won["recall"] >= won["recall_without"]
        assert won["people"] >= 50
        for row in rows.values():
            assert (row["why"] == "serves") == (row["slice"] in said["serves"])


def test_a_filter_and_what_is_gone_hold_in_every_slice(places: Bench) -> None:
    answer = places.ask("", n=10, filter="brand = 'River'", context={"region": "浙江"})
    assert len(answer.items) == 10
    assert {item.brand for item in answer.items} == {"River"}
    assert share(answer, "cream", 5) >= 0.8


def test_lists_of_a_slice_are_made_once_for_a_version_of_the_catalogue(places: Bench) -> None:
    places.ask("", n=4, context={"region": "浙江"})
    (mine,) = [one for one in model(places.shop).masks.values() if one.around]
    ((key, made),) = mine.around.items()
    places.ask("", n=4, context={"region": "浙江省"})
    assert mine.around[key] is made
    assert len(mine.around) == 1


# Slices as they lie on the shelf.


Cut = tuple[str, str, float, dict[str, tuple[float, int]]]
"""Sort, name, rest, and lift and takers by item."""


def shelve(shop: Bench, serves: list[str], *cuts: Cut) -> None:
    """Put slices on the shelf as learning does."""
    rows = [
        (k, number, *told[code])
        for k, (_, _, _, told) in enumerate(cuts)
        for code, number in sorted(shop.number.items(), key=lambda one: one[1])
        if code in told
    ]
    kinds = {"slice": np.int32, "item": np.int64, "lift": np.float32, "takers": np.int32}
    columns = {
        name: np.array([row[k] for row in rows], dtype=kind)
        for k, (name, kind) in enumerate(kinds.items())
    }
    slices = [
        {"sort": sort, "name": name, "shown": name.title(), "rest": rest, "people": 50}
        for sort, name, rest, _ in cuts
    ]
    meta = {"serves": serves, "slices": slices, "as_of": AT.isoformat(), "model": "taste@1"}
    shop.shop.shelf.put("taste-local", columns, meta)


def first(shop: Bench, who: str = "", **fields: Any) -> tuple[str, str]:
    item = shop.ask(who, n=1, **fields).items[0]
    return item.id, item.reason.code


def test_the_closest_place_speaks_if_it_is_large_else_the_one_that_says_most(
    places: Bench,
) -> None:
    far = ("country", "france", 0.1, {"mask-4": (1e5, 40)})
    near = {"cream-5": (1e5, 40)}
    asked = {"region": "Lyon, France"}
    shelve(places, ["region"], ("city", "lyon", 0.9, near), far)
    assert first(places, context=asked) == ("mask-4", "popular_here")
    shelve(places, ["region"], ("city", "lyon", 0.5, near), far)
    assert places.ask("", n=1, context=asked).items[0].reason.text == "Popular in Lyon"
    lives(places, "lyonnaise", "Lyon", "city")
    lives(places, "lyonnaise", "France", "country")
    assert first(places, "lyonnaise") == ("cream-5", "popular_here")


def test_what_hardly_anybody_of_a_place_took_is_not_called_popular_there(places: Bench) -> None:
    for lift, takers, code in ((1e5, 2, "popular"), (1e5, 3, "popular_here")):
        shelve(places, ["region"], ("city", "lyon", 0.4, {"cream-5": (lift, takers)}))
        assert first(places, context={"region": "lyon"}) == ("cream-5", code)
    top = codes(places.ask("", n=1))[0]
    shelve(places, ["region"], ("city", "lyon", 0.4, {top: (1.05, 30)}))
    assert first(places, context={"region": "lyon"}) == (top, "popular")


def test_whoever_never_ordered_gets_what_others_began_with(places: Bench) -> None:
    shelve(
        places,
        ["new", "back"],
        ("kind", "new", 0.4, {"cream-5": (1e5, 40)}),
        ("kind", "back", 0.4, {"mask-4": (1e5, 40)}),
    )
    assert first(places) == ("cream-5", "popular_first")
    # Where a ranker foresees what somebody buys, no kind of customer is asked for.
    places.shop.shelf.drop("taste")
    places.store.log.append([places.bought("once", ["soap-3"], 1)], places.clock.now())
    said = {one.id: one for one in places.ask("once", n=36).items}
    assert said["mask-4"].reason.code == "popular_back"
    assert all(one.reason.code != "popular_first" for one in said.values())


def test_slices_that_did_not_win_do_not_speak(places: Bench) -> None:
    plain = codes(places.ask("", n=12))
    shelve(places, ["hour"], ("city", "lyon", 0.4, {"cream-5": (1e5, 40)}))
    assert codes(places.ask("", n=12, context={"region": "lyon"})) != ["cream-5"]
    assert "cream-5" not in codes(places.ask("", n=1, context={"region": "lyon"}))
    places.shop.shelf.drop("taste-local")
    again = places.ask("", n=12, context={"region": "浙江"})
    assert set(reasons(again)) == {"popular"}
    assert len(plain) == len(codes(again))


def test_of_several_kinds_each_keeps_its_room_in_every_slice(places: Bench) -> None:
    places.items(Item(0, "video", "film", "Film", "", 0, "", {}))
    place = {"kinds": ["product", "video"], "slots": {"video": 1}, "explore": 0.0, "holdout": 0}
    surfaces_set(places.shop, SurfaceRequest(name="mixed", place=place))
    shelve(places, ["region"], ("city", "lyon", 0.4, {"cream-5": (1e5, 40)}))
    answer = places.ask("", surface="mixed", n=5, context={"region": "lyon"})
    assert [item.kind for item in answer.items].count("video") == 1
    assert "cream-5" in codes(answer)


def test_a_slice_may_hold_items_that_the_catalogue_lost_or_never_had(places: Bench) -> None:
    places.number["never"] = 10**7
    told = {"never": (1e5, 40), "cream-5": (1e5, 40)}
    shelve(places, ["region"], ("city", "lyon", 0.4, told))
    assert first(places, context={"region": "lyon"}) == ("cream-5", "popular_here")
    places.items(Item(0, "product", "cream-5", "Cream F", "cream", 1_000, "CNY", {"stock": 0}))
    assert "cream-5" not in codes(places.ask("", n=36, context={"region": "lyon"}))


# Cold start: where somebody came in, and what they do first.


def test_where_somebody_came_in_counts_as_their_first_look(places: Bench) -> None:
    plain = places.ask("", n=8)
    landed = places.ask("", n=8, context={"landing_item_id": "mask-3"})
    assert codes(landed) != codes(plain)
    assert share(landed, "mask") >= 0.5
    near = [item for item in landed.items if item.reason.evidence == ["mask-3"]]
    assert near
    assert all(item.source not in ("popular", "new") for item in near)
    assert codes(places.ask("", n=8, context={"landing_item_id": "gone"})) == codes(plain)


@pytest.mark.parametrize("sort", ["cream", "mask"])
def test_after_two_looks_the_list_of_an_unknown_visitor_is_about_them(
    places: Bench, sort: str
) -> None:
    plain = places.ask(n=8, anonymous_id="a-1")
    (visitor,) = places.store.people.actors([Named("anonymous", "a-1")], AT)
    looks = [
        replace(places.event("", "view", f"{sort}-{k}", dwell_ms=8_000), actor=visitor)
        for k in (2, 4)
    ]
    places.store.log.append(looks, places.clock.now())
    after = places.ask(n=8, anonymous_id="a-1")
    assert codes(after) != codes(plain)
    assert share(after, sort) >= 0.5
    assert share(after, sort) > share(plain, sort)
    assert after.personal
    assert all(item.reason.text for item in after.items)
