from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from renwei.core.clock import to_us
from renwei.people.estimates import estimate, stability, window_of
from renwei.people.frame import Frame

DAY = timedelta(days=1)
PEOPLE = {
    "person": "int64", "orders": "int32", "spend_minor": "int64", "first_us": "int64",
    "last_us": "int64", "gap_days": "float32", "p_alive": "float32", "p30": "float32",
    "spend_window_value": "float64", "spend_window_low": "float64", "spend_window_high": "float64",
    "year_orders": "float64", "year_value": "float64", "year_low": "float64",
    "year_high": "float64", "stage": "int8", "tier": "int8", "hour": "float32",
}  # fmt: skip
NEEDS = {
    "person": "int64", "item": "int64", "times": "int16", "quantity": "float32",
    "last_us": "int64", "cycle_days": "float32", "p": "float32", "due_low_us": "int64",
    "due_high_us": "int64",
}  # fmt: skip
ITEMS = {
    "item": "int64", "cycle_days": "float32", "buyers": "int32", "repeat_buyers": "int32",
    "orders": "int32", "last_us": "int64",
}  # fmt: skip
PAIRS = {"item": "int64", "with_item": "int64", "buyers": "int32", "lift": "float32"}


@pytest.mark.parametrize(
    ("name", "columns"),
    [("people", PEOPLE), ("needs", NEEDS), ("items", ITEMS), ("pairs", PAIRS)],
)
def test_each_table_has_the_agreed_columns_and_meta(
    crowded: Any, name: str, columns: dict[str, str]
) -> None:
    held = crowded.shop.shelf.get(name)
    kinds = {key: str(column.dtype) for key, column in held.columns.items()}
    assert kinds.items() >= columns.items()
    assert len({len(column) for column in held.columns.values()}) == 1
    assert {"model", "as_of", "position", "window_days", "quality", "map_version"} <= set(held.meta)
    assert held.meta["as_of"] == crowded.shop.clock.now().isoformat()
    assert held.meta["position"] == crowded.shop.store.log.position()


def test_everybody_with_a_counted_order_has_one_row_in_order(crowded: Any) -> None:
    column = crowded.shop.shelf.get("people").columns
    orders = Frame.read(crowded.shop.store).as_of(crowded.shop.clock.now())
    assert column["person"].tolist() == np.unique(orders.person[orders.person != 0]).tolist()
    assert column["orders"].sum() == (orders.person != 0).sum()
    assert column["spend_minor"].sum() == orders.value[orders.person != 0].sum()


@pytest.mark.parametrize("name", ["spend_window", "year"])
def test_intervals_hold_their_value(crowded: Any, name: str) -> None:
    column = crowded.shop.shelf.get("people").columns
    low, value, high = (column[f"{name}_{end}"] for end in ("low", "value", "high"))
    assert (low <= value).all()
    assert (value <= high).all()
    assert (low >= 0).all()
    assert np.isfinite(high).all()


def test_chances_are_chances(crowded: Any) -> None:
    people, needs = (crowded.shop.shelf.get(n).columns for n in ("people", "needs"))
    for column in (people["p30"], people["p_alive"], people["p_window"], needs["p"]):
        assert ((column >= 0) & (column <= 1)).all()


def test_needs_are_sorted_by_person_and_falling_chance_with_windows_ahead(crowded: Any) -> None:
    needs = crowded.shop.shelf.get("needs").columns
    assert len(needs["person"]) > 20
    keys = list(zip(needs["person"].tolist(), (-needs["p"]).tolist(), strict=True))
    assert keys == sorted(keys)
    now = to_us(crowded.shop.clock.now())
    assert (needs["due_low_us"] >= now).all()
    assert (needs["due_high_us"] > needs["due_low_us"]).all()


def test_law_8_estimates_do_not_change_when_later_events_are_planted(town: Any) -> None:
    town.crowd(60)
    at = town.shop.clock.now() - 60 * DAY
    before = estimate(Frame.read(town.shop.store, "CNY"), at, zone="UTC")
    town.add(*(town.event(f"+86139{k:08d}", at + DAY, value=10**7) for k in range(60)))
    after = estimate(Frame.read(town.shop.store, "CNY"), at, zone="UTC")
    for name, table in before.items():
        for key, column in table.columns.items():
            np.testing.assert_array_equal(column, after[name].columns[key], err_msg=key)


def test_twelve_customers_still_get_estimates_and_are_told_that_they_are_wide(town: Any) -> None:
    town.crowd(12)
    learnt = town.learn()
    assert learnt.people == 12
    assert "value_wide" in learnt.notes
    column = town.shop.shelf.get("people").columns
    assert (column["year_high"] > column["year_value"]).any()


def test_one_order_is_enough_not_to_fail(town: Any) -> None:
    town.buys("+8613900000001", 1)
    assert town.learn().people == 1
    column, meta = (getattr(town.shop.shelf.get("people"), part) for part in ("columns", "meta"))
    assert meta["stages"][int(column["stage"][0])] == "new"


def test_an_empty_shop_learns_nothing_and_does_not_fail(town: Any) -> None:
    learnt = town.learn()
    assert (learnt.people, learnt.needs, learnt.pairs) == (0, 0, 0)
    assert learnt.notes == ["nobody"]


def test_orders_of_nobody_are_learnt_from_by_nobody(town: Any) -> None:
    town.add(town.event("", town.shop.clock.now() - DAY))
    assert town.learn().people == 0


def test_a_yearly_buyer_is_not_at_risk_after_two_months(town: Any) -> None:
    town.crowd(60)
    town.buys("+8613700000001", 60, 425, 790, 1155, title="sunscreen")
    town.buys("+8613700000002", 60, 75, 90, 105, 120, 135, 150, title="soap")
    town.learn()
    held = town.shop.shelf.get("people")

    def stage(phone: str) -> str:
        row = int(np.searchsorted(held.columns["person"], town.person(phone)))
        return str(held.meta["stages"][int(held.columns["stage"][row])])

    assert stage("+8613700000001") == "active"
    assert stage("+8613700000002") in ("at_risk", "lost")


def test_one_new_order_changes_its_own_person(town: Any) -> None:
    town.crowd(60)
    town.learn()
    before = {k: v.copy() for k, v in town.shop.shelf.get("people").columns.items()}
    last = int(np.argmin(before["last_us"]))
    person = int(before["person"][last])
    known = town.shop.store.people.open(person)["phone"][0]
    town.add(town.event(known, town.shop.clock.now() - DAY, value=9_000))
    town.learn()
    after = town.shop.shelf.get("people").columns
    assert after["orders"][last] == before["orders"][last] + 1
    assert after["year_value"][last] > before["year_value"][last]
    assert after["p_alive"][last] > before["p_alive"][last]


def test_the_window_follows_the_rhythm_and_the_length_of_the_history(town: Any) -> None:
    now = town.shop.clock.now()
    town.crowd(40, days=60)
    assert window_of(Frame.read(town.shop.store).as_of(now), to_us(now)) == 30
    town.buys("+8613700000001", 900)
    assert window_of(Frame.read(town.shop.store).as_of(now), to_us(now)) >= 45


def test_a_month_of_moves_between_tiers_adds_up() -> None:
    before = np.array([0, 0, 1, 2, -1], dtype=np.int8)
    now = np.array([0, 1, 1, 2, 2], dtype=np.int8)
    told = stability(now, before)
    assert told["moves"] == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert told["stayed"] == 0.75
    assert stability(now, np.full(5, -1, dtype=np.int8)) == {}
