from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.learn.worlds import rhythmic

from renwei.learn.features import rfm_features
from renwei.learn.snapshots import Orders, take_snapshot

DAY = 86_400.0
ROW = st.tuples(
    st.integers(0, 6),
    st.floats(0, 400, allow_nan=False),
    st.integers(-500, 90_000),
    st.integers(1, 9),
)


def columns(rows: list[tuple[int, float, int, int]], as_of: float) -> dict[str, list[float]]:
    person, day, value, lines = (np.array(column) for column in zip(*rows, strict=True))
    people, column = rfm_features(
        person, day * DAY, value, as_of=as_of * DAY, extra={"lines": lines}
    )
    return {"person": people.tolist(), **{k: v.tolist() for k, v in column.items()}}


@given(st.lists(ROW, min_size=1, max_size=30), st.lists(ROW, max_size=30), st.floats(0, 400))
def test_law_8_later_orders_change_no_feature(
    early: list[tuple[int, float, int, int]], late: list[tuple[int, float, int, int]], as_of: float
) -> None:
    before = [(p, min(d, as_of), v, n) for p, d, v, n in early]
    after = [(p, as_of + 0.001 + d, v, n) for p, d, v, n in late]
    assert repr(columns(before, as_of)) == repr(columns(after + before, as_of))


@given(st.lists(ROW, min_size=2, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_show(
    rows: list[tuple[int, float, int, int]], mixed: object
) -> None:
    other = list(rows)
    mixed.shuffle(other)  # type: ignore[attr-defined]
    one, two = columns(rows, 401), columns(other, 401)
    for name in one:
        assert one[name] == pytest.approx(two[name], nan_ok=True, rel=1e-9)


def test_columns_say_what_their_names_say() -> None:
    rows = [(7, 0.0, 500, 1), (7, 10.0, 300, 3), (7, 40.0, 100, 2), (9, 95.0, 50, 1)]
    got = columns(rows, 100)
    assert got["person"] == [7, 9]
    assert got["orders"] == [3, 1]
    assert got["recency"] == [60, 5]
    assert got["age"] == [100, 5]
    assert got["gap_mean"][0] == 20
    assert got["gap_last"][0] == 30
    assert np.isnan(got["gap_mean"][1])
    assert got["money"] == [900, 50]
    assert got["money_most"] == [500, 50]
    assert got["orders_30"] == [0, 1]
    assert got["orders_90"] == [1, 1]
    assert got["lines_mean"] == [2, 1]
    assert got["lines_last"] == [2, 1]


def test_nobody_by_then_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="nobody has an order"):
        rfm_features([1], [100.0], [5], as_of=50.0)


def test_a_snapshot_of_the_past_is_what_was_known_then() -> None:
    shop = rhythmic(80)
    cut = 200 * DAY
    whole, part = take_snapshot(shop, cut, 30), take_snapshot(shop.until(cut), cut, 30)
    assert (whole.matrix().astype(str) == part.matrix().astype(str)).all()
    assert (whole.chance == part.chance).all()
    assert part.happened.sum() == 0
    assert whole.happened.sum() > 0


def test_a_line_sees_only_finite_columns() -> None:
    shop = Orders(
        np.array([1, 1, 2]), np.array([0.0, 5 * DAY, 3 * DAY]), np.array([5.0, -3.0, 0.0])
    )
    assert np.isfinite(take_snapshot(shop, 20 * DAY, 30).logs()).all()
