from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.recommend.shops import Bench, codes

from renwei.people.learning import Learn, learn
from renwei.recommend.learning import LearnTaste, learn_taste


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.catalogue()
    yield made
    made.store.close()


def _bought(shop: Bench) -> dict[int, set[int]]:
    """Who bought each item, counted by hand from the log."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for event in shop.store.log.read(kinds=("order",)):
        for line in event.body["lines"]:
            found[line[0]].add(event.actor)
    return found


def test_what_is_learnt_of_an_item_is_what_happened_to_it(shop: Bench) -> None:
    shop.crowd(30)
    learn(shop.shop, Learn(at=shop.clock.now()))
    done = learn_taste(shop.shop, LearnTaste(at=shop.clock.now()))
    held = shop.shop.shelf.get("taste-items")
    assert held is not None
    bought = _bought(shop)
    learnt = dict(zip(held.columns["item"].tolist(), held.columns["buyers"].tolist(), strict=True))
    assert learnt == {item: len(people) for item, people in bought.items()}
    assert done.people == 30
    assert done.purchases == sum(len(people) for people in bought.values())


def test_what_sells_now_is_what_most_people_bought_lately(shop: Bench) -> None:
    taken = {"mask-2": 9, "cream-7": 5, "soap-11": 2}
    orders = [
        shop.bought(f"u-{item}-{k}", [item], 1) for item, people in taken.items()
        for k in range(people)
    ]  # fmt: skip
    shop.store.log.append(orders, shop.clock.now())
    learn_taste(shop.shop, LearnTaste(at=shop.clock.now()))
    held = shop.shop.shelf.get("taste-items")
    assert held is not None
    rate = np.asarray(held.columns["popular"])
    first = np.asarray(held.columns["item"])[np.argsort(-rate)]
    assert first.tolist() == [shop.number[item] for item in taken]


def test_neighbours_are_those_that_the_same_people_take(shop: Bench) -> None:
    pairs = (("mask-2", "soap-4"), ("cream-7", "cream-9"))
    orders = [shop.bought(f"{one}-{k}", [one, other], 2) for one, other in pairs for k in range(6)]
    shop.store.log.append(orders, shop.clock.now())
    learn_taste(shop.shop, LearnTaste(at=shop.clock.now()))
    held = shop.shop.shelf.get("taste-near")
    assert held is not None
    found = set(zip(held.columns["item"].tolist(), held.columns["other"].tolist(), strict=True))
    together = {(shop.number[a], shop.number[b]) for a, b in pairs}
    assert found == together | {(b, a) for a, b in together}


def test_a_first_look_after_years_of_silence_ends_no_past(shop: Bench) -> None:
    shop.crowd(40)

    def lesson() -> list[str]:
        done = learn_taste(shop.shop, LearnTaste(at=shop.clock.now()))
        assert set(done.ways.values()) != {"crowd"}
        return codes(shop.calm().ask("u-3", n=6))

    shop.later(timedelta(days=3_650))
    asleep = lesson()
    shop.saw("u-0", "mask-2")
    shop.store.log.append([shop.bought("new", ["soap-1"], 0)], shop.clock.now())
    assert lesson() == asleep
    back = shop.ask("u-0", n=8)
    assert back.personal
    assert "foreseen" in {item.source for item in back.items}


def test_a_month_of_new_orders_is_the_past_to_learn_from(shop: Bench) -> None:
    shop.crowd(40)
    shop.later(timedelta(days=400))
    orders = [shop.bought(f"v-{k}", [f"soap-{k % 6}"], k % 20) for k in range(60)]
    shop.store.log.append(orders, shop.clock.now())
    learn_taste(shop.shop, LearnTaste(at=shop.clock.now()))
    held = shop.shop.shelf.get("taste-items")
    assert held is not None
    assert held.meta["still_us"] == 0
