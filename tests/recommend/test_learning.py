from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import numpy as np
from tests.recommend.shops import Bench, codes

from renwei.people.learning import Learn, learn
from renwei.recommend.learning import LearnTaste, learn_taste


def _bought(stocked: Bench) -> dict[int, set[int]]:
    """Who bought each item, counted by hand from the log."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for event in stocked.store.log.read(kinds=("order",)):
        for line in event.body["lines"]:
            found[line[0]].add(event.actor)
    return found


def test_what_is_learnt_of_an_item_is_what_happened_to_it(stocked: Bench) -> None:
    stocked.crowd(30)
    learn(stocked.shop, Learn(at=stocked.clock.now()))
    done = learn_taste(stocked.shop, LearnTaste(at=stocked.clock.now()))
    held = stocked.shop.shelf.get("taste-items")
    assert held is not None
    bought = _bought(stocked)
    learnt = dict(zip(held.columns["item"].tolist(), held.columns["buyers"].tolist(), strict=True))
    assert learnt == {item: len(people) for item, people in bought.items()}
    assert done.people == 30
    assert done.purchases == sum(len(people) for people in bought.values())


def test_what_sells_now_is_what_most_people_bought_lately(stocked: Bench) -> None:
    taken = {"mask-2": 9, "cream-7": 5, "soap-11": 2}
    orders = [
        stocked.bought(f"u-{item}-{k}", [item], 1) for item, people in taken.items()
        for k in range(people)
    ]  # fmt: skip
    stocked.store.log.append(orders, stocked.clock.now())
    learn_taste(stocked.shop, LearnTaste(at=stocked.clock.now()))
    held = stocked.shop.shelf.get("taste-items")
    assert held is not None
    rate = np.asarray(held.columns["popular"])
    first = np.asarray(held.columns["item"])[np.argsort(-rate)]
    assert first.tolist() == [stocked.number[item] for item in taken]


def test_neighbours_are_those_that_the_same_people_take(stocked: Bench) -> None:
    pairs = (("mask-2", "soap-4"), ("cream-7", "cream-9"))
    orders = [
        stocked.bought(f"{one}-{k}", [one, other], 2) for one, other in pairs for k in range(6)
    ]
    stocked.store.log.append(orders, stocked.clock.now())
    learn_taste(stocked.shop, LearnTaste(at=stocked.clock.now()))
    held = stocked.shop.shelf.get("taste-near")
    assert held is not None
    found = set(zip(held.columns["item"].tolist(), held.columns["other"].tolist(), strict=True))
    together = {(stocked.number[a], stocked.number[b]) for a, b in pairs}
    assert found == together | {(b, a) for a, b in together}


def test_a_first_look_after_years_of_silence_ends_no_past(stocked: Bench) -> None:
    stocked.crowd(40)

    def lesson() -> list[str]:
        done = learn_taste(stocked.shop, LearnTaste(at=stocked.clock.now()))
        assert set(done.ways.values()) != {"crowd"}
        return codes(stocked.calm().ask("u-3", n=6))

    stocked.later(timedelta(days=3_650))
    asleep = lesson()
    stocked.saw("u-0", "mask-2")
    stocked.store.log.append([stocked.bought("new", ["soap-1"], 0)], stocked.clock.now())
    assert lesson() == asleep
    back = stocked.ask("u-0", n=8)
    assert back.personal
    assert "foreseen" in {item.source for item in back.items}


def test_a_month_of_new_orders_is_the_past_to_learn_from(stocked: Bench) -> None:
    stocked.crowd(40)
    stocked.later(timedelta(days=400))
    orders = [stocked.bought(f"v-{k}", [f"soap-{k % 6}"], k % 20) for k in range(60)]
    stocked.store.log.append(orders, stocked.clock.now())
    learn_taste(stocked.shop, LearnTaste(at=stocked.clock.now()))
    held = stocked.shop.shelf.get("taste-items")
    assert held is not None
    assert held.meta["still_us"] == 0
