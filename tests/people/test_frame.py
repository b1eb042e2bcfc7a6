from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.core.clock import from_us, to_us
from renwei.people.features import batch_features, person_features
from renwei.people.frame import Frame
from renwei.people.listing import PeopleRequest, people
from renwei.people.returns import given_back

DAY = timedelta(days=1)


def test_a_later_state_of_an_order_counts_from_the_time_it_became_known(town: Any) -> None:
    now = town.shop.clock.now()
    town.add(town.event("+8613900000001", now - 10 * DAY, value=900, order="aa"))
    town.add(
        town.event(
            "+8613900000001", now - 2 * DAY, value=900, order="aa", kind="order-change",
            status="refunded", refunded=900,
        )
    )  # fmt: skip
    frame = Frame.read(town.shop.store)
    assert frame.as_of(now - 3 * DAY).value.tolist() == [900]
    assert len(frame.as_of(now)) == 0


def test_a_partial_refund_lowers_the_value_and_keeps_the_order(town: Any) -> None:
    now = town.shop.clock.now()
    town.add(town.event("+8613900000001", now - 10 * DAY, value=900, order="aa"))
    change = {"order": "aa", "kind": "order-change", "refunded": 200}
    town.add(town.event("+8613900000001", now - DAY, value=900, **change))
    orders = Frame.read(town.shop.store).as_of(now)
    assert orders.value.tolist() == [700]
    assert from_us(int(orders.at_us[0])) == now - 10 * DAY


def test_unpaid_and_closed_orders_do_not_count(town: Any) -> None:
    now = town.shop.clock.now()
    town.add(
        *(town.event("+8613900000001", now - DAY, status=s) for s in ("unpaid", "closed", "paid"))
    )
    assert len(Frame.read(town.shop.store).as_of(now)) == 1


def test_orders_of_nobody_are_kept_without_a_person(town: Any) -> None:
    now = town.shop.clock.now()
    town.add(town.event("", now - DAY, value=500), town.event("+8613900000001", now - DAY))
    orders = Frame.read(town.shop.store).as_of(now)
    assert sorted(orders.person.tolist())[0] == 0
    assert orders.value.sum() == 1500
    people, _ = batch_features(Frame.read(town.shop.store), now)
    assert people.tolist() == [town.person("+8613900000001")]


def test_lines_follow_their_orders(town: Any) -> None:
    now = town.shop.clock.now()
    town.add(
        town.event("+8613900000001", now - 2 * DAY, [("soap", 2), ("towel", 1)]),
        town.event("+8613900000002", now - DAY, [("oil", 3)]),
    )
    frame = Frame.read(town.shop.store)
    lines = frame.lines(frame.as_of(now))
    assert lines.order.tolist() == [0, 0, 1]
    assert lines.item.tolist() == [town.item("soap"), town.item("towel"), town.item("oil")]
    assert lines.quantity.tolist() == [2, 1, 3]


def test_money_in_another_currency_is_never_added_up(town: Any) -> None:
    now = town.shop.clock.now()
    town.add(
        town.event("+8613900000001", now - DAY, value=500),
        town.event("+8613900000001", now - DAY, value=700, currency="EUR"),
    )
    frame = Frame.read(town.shop.store, "CNY")
    assert frame.as_of(now).value.sum() == 500
    assert frame.strange == 1


def test_whoever_pays_in_another_currency_alone_is_read_alone_as_with_all_others(
    town: Any,
) -> None:
    now = town.shop.clock.now()
    for k in range(5):
        town.buys(f"+861390000{k:04d}", 3, 9)
    town.add(town.event("+8613900009999", now - 2 * DAY, currency="USD", value=5_000))
    town.learn()
    abroad = town.person("+8613900009999")
    everybody = Frame.read(town.shop.store, "CNY").as_of(now)
    alone = Frame.of(town.shop.store, abroad, now, "CNY").as_of(now)
    assert everybody.value[everybody.person == abroad].tolist() == alone.value.tolist() == [0]
    town.add(town.event("+8613900009999", now - DAY, currency="USD", value=5_000))
    (line,) = people(town.shop, PeopleRequest(query="+8613900009999")).people
    assert (line.orders, line.spend_minor) == (2, 0)


def test_merged_people_are_one_in_the_frame_and_two_again_after(town: Any) -> None:
    now = town.shop.clock.now()
    town.buys("+8613900000001", 5)
    town.buys("+8613900000002", 3)
    a, b = town.person("+8613900000001"), town.person("+8613900000002")
    merge = town.shop.store.people.merge(a, b, reason="test", at=now)
    assert set(Frame.read(town.shop.store).as_of(now).person.tolist()) == {a}
    town.shop.store.people.unmerge(merge.id, now)
    assert set(Frame.read(town.shop.store).as_of(now).person.tolist()) == {a, b}


def test_law_8_a_thousand_answers_online_equal_the_batch_exactly(crowded: Any) -> None:
    store, now = crowded.shop.store, crowded.shop.clock.now()
    frame = Frame.read(store, "CNY")
    dice = np.random.default_rng(8)
    persons = np.array(store.people.all_persons())
    checked = 0
    for at_us in (to_us(now) - dice.integers(0, 400 * 86_400 * 10**6, 50)).tolist():
        at = from_us(int(at_us))
        known, columns = batch_features(frame, at)
        for person in dice.choice(persons, 20).tolist():
            online = person_features(store, person, at, "CNY")
            row = np.flatnonzero(known == person)
            batch = {k: float(c[row[0]]) for k, c in columns.items()} if len(row) else {}
            np.testing.assert_equal(online, batch)
            checked += 1
    assert checked == 1_000


def test_law_8_planting_later_events_changes_nothing(town: Any) -> None:
    town.crowd(30)
    now = town.shop.clock.now()
    at = now - 40 * DAY
    before = batch_features(Frame.read(town.shop.store), at)
    town.add(
        *(town.event(f"+86139{k:08d}", at + DAY * (k % 5 + 1), value=10**7) for k in range(30)),
        town.event("+8613900000001", at + DAY, value=10**6, kind="return"),
    )
    after = batch_features(Frame.read(town.shop.store), at)
    assert before[0].tolist() == after[0].tolist()
    for name, column in before[1].items():
        np.testing.assert_array_equal(column, after[1][name])


def test_a_return_takes_the_order_that_it_equals_to_the_cent(town: Any) -> None:
    now = town.shop.clock.now()
    town.add(
        town.event("+8613900000001", now - 9 * DAY, value=500),
        town.event("+8613900000001", now - 8 * DAY, value=300),
        town.event("+8613900000001", now - 2 * DAY, value=500, kind="return"),
    )
    frame = Frame.read(town.shop.store)
    assert frame.as_of(now - 3 * DAY).value.tolist() == [500, 300]
    assert frame.as_of(now).value.tolist() == [0, 300]


def test_a_return_without_an_order_before_it_is_left_out() -> None:
    order = tuple(np.array([v], dtype=np.int64) for v in (7, 100, 500))
    back = tuple(np.array(v, dtype=np.int64) for v in ((7, 8), (50, 200), (500, 10)))
    booked = given_back((order[0], order[1], order[2]), (back[0], back[1], back[2]))
    assert [len(column) for column in booked] == [0, 0, 0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 50), st.integers(0, 900)), max_size=20),
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 50), st.integers(1, 900)), max_size=10),
)
def test_no_order_gives_back_more_than_it_was_worth_nor_before_its_time(
    orders: list[tuple[int, int, int]], returns: list[tuple[int, int, int]]
) -> None:
    o, r = (np.array(rows, dtype=np.int64).reshape(-1, 3) for rows in (orders, returns))
    order, at, amount = given_back((o[:, 0], o[:, 1], o[:, 2]), (r[:, 0], r[:, 1], r[:, 2]))
    taken = np.zeros(len(o), dtype=np.int64)
    np.add.at(taken, order, amount)
    assert (taken <= o[:, 2]).all()
    assert (amount > 0).all() or not len(amount)
    assert (at >= o[order, 1]).all()
    assert amount.sum() <= r[:, 2].sum()


@pytest.mark.parametrize("count", [0, 1])
def test_an_empty_log_gives_an_empty_frame(town: Any, count: int) -> None:
    if count:
        town.add(town.event("", town.shop.clock.now(), status="unpaid"))
    orders = Frame.read(town.shop.store).as_of(town.shop.clock.now())
    assert len(orders) == 0
