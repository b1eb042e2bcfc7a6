"""The verdict is honest: as rarely wrong as it says, and not blind."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.report.noise import COUNT, ENOUGH, MEAN, SUM, judge, missing, ranges

WEEKDAY = np.array([0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 1.4])


def shop(rng: np.random.Generator, days: int, mean: float) -> list[np.ndarray]:
    """Orders, revenue and average order value of a shop with weekdays, growth and overdispersion."""
    level = mean * WEEKDAY[np.arange(days) % 7] * np.exp(0.0005 * np.arange(days))
    orders = rng.poisson(level * rng.gamma(20.0, 1 / 20.0, days)).astype(float)
    revenue = np.array([rng.lognormal(4.0, 0.8, int(n)).sum() for n in orders])
    with np.errstate(invalid="ignore"):
        return [orders, revenue, np.where(orders > 0, revenue / orders, np.nan)]


def rates(days: int, tries: int, *, mean: float, step: int) -> tuple[float, float]:
    """How often a number lies outside of its range, and a report calls something unusual."""
    rng = np.random.default_rng(5)
    outside = numbers = false = 0
    for _ in range(tries):
        made = shop(rng, days, mean)
        found = judge(made, [COUNT, SUM, MEAN], np.ones(days, bool), step)
        known = [one for one in found if one.verdict != "not_enough"]
        outside += sum(one.verdict != "usual" for one in known)
        numbers += len(known)
        false += any(one.verdict == "unusual" for one in known)
    return outside / numbers, false / tries


@pytest.mark.parametrize("days", [300, 150])
def test_nine_in_ten_quiet_days_lie_in_the_range_and_one_report_in_twenty_cries(days: int) -> None:
    outside, false = rates(days, 400, mean=18.0, step=7)
    # Three numbers of 400 reports move together: a binomial error of 400 is the honest one.
    assert abs(outside - 0.10) < 3 * math.sqrt(0.1 * 0.9 / 400)
    assert false < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_a_young_shop_is_judged_by_the_spread_of_its_few_weeks() -> None:
    outside, false = rates(64, 400, mean=18.0, step=7)
    assert 0.02 < outside < 0.16
    assert false < 0.08


@pytest.mark.parametrize("factor", [0.2, 2.5])
def test_a_real_change_is_seen(factor: float) -> None:
    rng = np.random.default_rng(11)
    seen = 0
    for _ in range(60):
        orders = rng.poisson(30 * WEEKDAY[np.arange(300) % 7]).astype(float)
        orders[-1] = rng.poisson(30 * WEEKDAY[299 % 7] * factor)
        (found,) = judge([orders], [COUNT], np.ones(300, bool), 7)
        seen += found.verdict == "unusual"
    assert seen >= 55


def test_with_fewer_than_four_comparable_days_nothing_is_said() -> None:
    (found,) = judge([np.full(28, 10.0)], [COUNT], np.ones(28, bool), 7)
    assert (found.verdict, found.spans, found.chance) == ("not_enough", 3, None)
    assert math.isnan(found.low)


def test_looking_at_more_numbers_makes_each_less_surprising() -> None:
    rng = np.random.default_rng(3)
    orders = rng.poisson(20, 400).astype(float)
    orders[-1] = 36.0
    others = [rng.poisson(20, 400).astype(float) for _ in range(5)]
    alone = judge([orders], [COUNT], np.ones(400, bool), 7)[0]
    among = judge([orders, *others], [COUNT] * 6, np.ones(400, bool), 7)[0]
    assert alone.chance is not None
    assert among.chance is not None
    assert alone.chance < among.chance
    assert (alone.low, alone.high) == (among.low, among.high)


def test_a_chance_is_never_smaller_than_the_past_can_show() -> None:
    orders = np.append(np.tile(WEEKDAY * 20, 50), 10_000.0)
    (found,) = judge([orders], [COUNT], np.ones(351, bool), 7)
    assert found.chance is not None
    assert found.chance >= 1 / 351


@given(st.lists(st.integers(0, 60), min_size=40, max_size=140), st.integers(0, 90))
@settings(max_examples=60, deadline=None)
def test_the_verdict_and_the_range_never_contradict_each_other(past: list[int], now: int) -> None:
    series = np.array([*past, now], dtype=float)
    (found,) = judge([series], [COUNT], np.ones(len(series), bool), 7)
    if found.verdict == "not_enough":
        return
    assert 0 <= found.low <= found.high
    if found.verdict == "usual":
        assert found.low - 1e-6 <= now <= found.high + 1e-6
    else:
        assert now < found.low + 1e-6 or now > found.high - 1e-6


def test_days_without_data_are_told_from_quiet_ones() -> None:
    busy, slow = np.full(100, 25.0), np.full(100, 2.0)
    busy[40] = slow[40] = 0.0
    assert np.flatnonzero(missing(busy, 7)).tolist() == [40]
    assert not missing(slow, 7).any()


def test_a_missing_day_does_not_lower_what_is_usual() -> None:
    rng = np.random.default_rng(2)
    orders = rng.poisson(30, 200).astype(float)
    orders[[185, 192]] = 0.0
    with_gap = judge([orders], [COUNT], ~missing(orders, 7), 7)[0]
    assert with_gap.spans == 6
    assert with_gap.usual == pytest.approx(30, abs=6)


def test_the_band_of_a_chart_ends_in_the_range_of_the_last_day() -> None:
    rng = np.random.default_rng(4)
    orders = rng.poisson(25, 300).astype(float)
    (found,) = judge([orders], [COUNT], np.ones(300, bool), 7)
    low, high = ranges(orders, COUNT, np.ones(300, bool), 7)
    assert (low[-1], high[-1]) == pytest.approx((found.low, found.high))
    assert np.isnan(low[:28]).all()
    held = (orders[28:] >= low[28:]) & (orders[28:] <= high[28:])
    assert 0.85 < held.mean() < 0.95
    assert ENOUGH < 272
