from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from renwei.core.clock import to_us
from renwei.people.frame import DAY_US, Frame
from renwei.people.needs import Needs, Purchases, Rhythms, learn_rhythms, needs_at, purchases
from renwei.people.together import local_hours, pairs_of

DAY = timedelta(days=1)


def folded(town: Any) -> tuple[Purchases, Rhythms, Needs]:
    now = town.shop.clock.now()
    frame = Frame.read(town.shop.store)
    orders = frame.as_of(now)
    bought = purchases(orders, frame.lines(orders))
    rhythms = learn_rhythms(bought, to_us(now))
    return bought, rhythms, needs_at(bought, rhythms, to_us(now), 30)


def plant(town: Any, title: str, gap: float, *, people: int = 25, seed: int = 3) -> None:
    dice = np.random.default_rng(seed)
    for k in range(people):
        days = np.cumsum(gap * dice.lognormal(0, 0.15, 6)) + dice.uniform(1, gap * 0.9)
        town.buys(f"+86138{seed:03d}{k:05d}", *days.tolist(), title=title)


def test_planted_gaps_are_found_for_each_item(town: Any) -> None:
    plant(town, "soap", 30, seed=1)
    plant(town, "cream", 75, seed=2)
    _, rhythms, _ = folded(town)
    cycle = dict(zip(rhythms.item.tolist(), np.exp(rhythms.log_gap).tolist(), strict=True))
    # 25 people x 5 gaps with a log spread of .15: the mean is known to about 1.5 %.
    assert cycle[town.item("soap")] == pytest.approx(30, rel=0.1)
    assert cycle[town.item("cream")] == pytest.approx(75, rel=0.1)


def test_what_is_never_used_up_is_never_called_due(town: Any) -> None:
    plant(town, "soap", 30, seed=1)
    for k in range(40):
        town.buys(f"+86137000{k:05d}", 300 + k, title="mirror")
    town.buys("+8613700000001", 40, title="mirror")
    _, rhythms, needs = folded(town)
    assert town.item("soap") in set(needs.item.tolist())
    assert town.item("mirror") not in set(needs.item.tolist())
    used = dict(zip(rhythms.item.tolist(), rhythms.used_up.tolist(), strict=True))
    assert not used[town.item("mirror")]


def test_own_gaps_outweigh_the_items_once_there_are_some(town: Any) -> None:
    plant(town, "soap", 30, seed=1)
    town.buys("+8613700000001", 10, 70, 130, 190, 250, title="soap")
    town.buys("+8613700000002", 10, title="soap")
    _, _, needs = folded(town)
    cycle = dict(zip(needs.person.tolist(), needs.cycle_days.tolist(), strict=True))
    slow, fresh = (cycle[town.person(f"+861370000000{k}")] for k in (1, 2))
    assert 45 < slow < 66
    assert 25 < fresh < 40


def test_somebody_nearly_due_is_likelier_than_somebody_who_just_bought(town: Any) -> None:
    plant(town, "soap", 60, seed=1)
    town.buys("+8613700000001", 52, 112, 172, title="soap")
    town.buys("+8613700000002", 1, 61, 121, title="soap")
    _, _, needs = folded(town)
    chance = dict(zip(needs.person.tolist(), needs.p.tolist(), strict=True))
    due, early = (chance[town.person(f"+861370000000{k}")] for k in (1, 2))
    assert due > 2 * early


def test_two_bottles_last_longer_when_the_shops_gaps_say_so(town: Any) -> None:
    now = town.shop.clock.now()
    dice = np.random.default_rng(5)
    for k in range(60):
        quantity = 1 + k % 2
        at, events = now - timedelta(days=float(dice.uniform(1, 25))), []
        for _ in range(6):
            events.append(town.event(f"+86136000{k:05d}", at, [("soap", quantity)]))
            at -= timedelta(days=30 * quantity * float(dice.lognormal(0, 0.1)))
        town.add(*events[::-1])
    _, rhythms, _ = folded(town)
    assert rhythms.per_quantity == pytest.approx(1.0, abs=0.15)


def test_orders_of_one_day_are_one_purchase_with_the_sum_of_quantities(town: Any) -> None:
    now = town.shop.clock.now()
    town.add(
        town.event("+8613700000001", now - 5 * DAY, [("soap", 1)]),
        town.event("+8613700000001", now - 5 * DAY + timedelta(hours=1), [("soap", 2)]),
    )
    bought, _, _ = folded(town)
    assert bought.quantity.tolist() == [3]


def test_nobodys_purchases_and_empty_shops_have_no_needs(town: Any) -> None:
    town.add(town.event("", town.shop.clock.now() - DAY))
    bought, rhythms, needs = folded(town)
    assert (len(bought.pair), len(rhythms.item), len(needs.person)) == (0, 0, 0)


def test_things_bought_together_more_than_chance_are_pairs(town: Any) -> None:
    now = town.shop.clock.now()
    for k in range(40):
        lines = [("brush", 1), ("paste", 1)] if k < 12 else [(f"thing {k % 9}", 1)]
        town.add(town.event(f"+86136000{k:05d}", now - timedelta(days=k + 1), lines))
    bought, _, _ = folded(town)
    table = pairs_of(bought)
    found = set(zip(table["item"].tolist(), table["with_item"].tolist(), strict=True))
    brush, paste = town.item("brush"), town.item("paste")
    assert found == {(brush, paste), (paste, brush)}
    assert table["buyers"].tolist() == [12, 12]
    assert table["lift"] == pytest.approx([40 / 12, 40 / 12])


def test_however_much_somebody_buys_every_pair_counts_each_buyer_once(town: Any) -> None:
    now = town.shop.clock.now()
    for k in range(10):
        # Much lies between the two, as in the baskets of a wholesaler.
        lines = [("brush", 1), *((f"thing {n}", 1) for n in range(90)), ("paste", 1)]
        for day in (5, 9):
            town.add(town.event(f"+86136000{k:05d}", now - timedelta(days=day), lines))
    town.buys("+8613500000001", 3, title="paste")
    town.add(*(town.event(f"+86134000{k:05d}", now - DAY, [("x", 1)]) for k in range(40)))
    bought, _, _ = folded(town)
    by_hand: dict[tuple[int, int], set[int]] = {}
    rows = list(
        zip(bought.person.tolist(), bought.item.tolist(), bought.at_us.tolist(), strict=True)
    )
    for who, item, at in rows:
        for other, with_item, then in rows:
            if who == other and item < with_item and abs(at - then) <= 30 * DAY_US:
                by_hand.setdefault((item, with_item), set()).add(who)
    table = pairs_of(bought)
    pairs = zip(table["item"].tolist(), table["with_item"].tolist(), strict=True)
    wanted = [len(by_hand[min(pair), max(pair)]) for pair in pairs]
    assert table["buyers"].tolist() == wanted
    assert set(wanted) == {10}


def test_things_bought_more_than_thirty_days_apart_are_no_pair(town: Any) -> None:
    now = town.shop.clock.now()
    for k in range(12):
        town.buys(f"+86136000{k:05d}", 50, title="brush")
        town.buys(f"+86136000{k:05d}", 10, title="paste")
    town.add(*(town.event(f"+86135000{k:05d}", now - DAY, [("x", 1)]) for k in range(20)))
    bought, _, _ = folded(town)
    assert len(pairs_of(bought)["item"]) == 0


def test_hours_are_the_shops_own_across_a_change_of_clocks() -> None:
    summer, winter = 1_751_371_200_000_000, 1_735_732_800_000_000  # 12:00 UTC, July and January
    hours = local_hours(np.array([summer, winter]), "Europe/Berlin")
    assert hours.tolist() == [14, 13]
    assert local_hours(np.array([summer]), "+05:30").tolist() == [17]
    assert DAY_US == 86_400_000_000
