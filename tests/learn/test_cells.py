from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.learn.cells import cells_of, histories

DAY = 86_400.0
ORDERS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 60), st.integers(0, 10_000)),
    min_size=1,
    max_size=40,
)


def test_equal_people_share_a_cell_and_everyone_finds_theirs() -> None:
    x, t_x, T = np.array([0, 2, 0, 2]), np.array([0, 9, 0, 9]), np.array([10, 12, 10, 13])
    cells, where = cells_of(x, t_x, T)
    assert len(cells.x) == 3
    assert cells.people == 4
    assert (cells.x[where] == x).all()
    assert (cells.T[where] == T).all()


@pytest.mark.parametrize(
    ("x", "t_x", "T"),
    [([1], [5], [4]), ([-1], [0], [4]), ([1, 2], [1], [4, 4]), ([np.nan], [0], [4])],
)
def test_impossible_histories_are_refused(x: list[float], t_x: list[float], T: list[float]) -> None:
    with pytest.raises(ValueError, match="x"):
        cells_of(x, t_x, T)


def test_two_orders_on_one_day_are_one_and_their_money_adds_up() -> None:
    past = histories([1, 1, 1], np.array([0.0, 3600.0, 10 * DAY]), [100, 300, 500], as_of=20 * DAY)
    assert past.x.tolist() == [1.0]
    assert past.t_x.tolist() == [10.0]
    assert past.T.tolist() == [20.0]
    assert past.orders.tolist() == [2.0]
    assert past.spend.tolist() == [450.0]


def test_free_orders_count_as_orders_but_not_in_the_mean_spend() -> None:
    past = histories([1, 1], np.array([0.0, DAY]), [0, 500], as_of=2 * DAY)
    assert past.x.tolist() == [1.0]
    assert past.orders.tolist() == [1.0]
    assert past.spend.tolist() == [500.0]


@given(ORDERS, st.integers(0, 60))
def test_later_orders_change_no_history(rows: list[tuple[int, int, int]], cut: int) -> None:
    person, day, value = (np.array(column) for column in zip(*rows, strict=True))
    whole = histories(person, day * DAY, value, as_of=cut * DAY)
    early = day <= cut
    part = histories(person[early], day[early] * DAY, value[early], as_of=cut * DAY)
    for name in ("x", "t_x", "T", "orders", "spend", "person"):
        assert getattr(whole, name).tolist() == getattr(part, name).tolist()


@given(ORDERS)
def test_histories_are_always_possible(rows: list[tuple[int, int, int]]) -> None:
    person, day, value = (np.array(column) for column in zip(*rows, strict=True))
    past = histories(person, day * DAY, value, as_of=60 * DAY)
    cells, _ = cells_of(past.x, past.t_x, past.T)
    assert cells.people == len(set(person.tolist()))
