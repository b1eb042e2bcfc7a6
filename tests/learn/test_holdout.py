from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.learn.holdout import LEAST, Group, lopsided, means, shares, wilson

TRIALS = 800


@pytest.mark.parametrize(("n", "held", "p"), [(1900, 100, 0.3), (4750, 250, 0.1)])
def test_the_interval_of_shares_holds_the_truth_as_often_as_it_says(
    n: int, held: int, p: float
) -> None:
    chance = np.random.default_rng(3)
    hits = 0
    for _ in range(TRIALS):
        apart = shares((int(chance.binomial(n, p)), n), (int(chance.binomial(held, p)), held))
        hits += apart.low <= 0 <= apart.high
    # Four standard errors of the count around 80 %.
    assert abs(hits / TRIALS - 0.8) < 4 * np.sqrt(0.16 / TRIALS)


@pytest.mark.parametrize("p", [0.05, 0.3])
def test_money_that_few_spend_is_never_told_apart_by_chance_more_often_than_it_says(
    p: float,
) -> None:
    chance = np.random.default_rng(5)
    held = clear = 0
    for _ in range(TRIALS):
        one, other = (
            Group.of(chance.lognormal(4, 1, n) * (chance.random(n) < p)) for n in (1900, 100)
        )
        apart = means(one, other, looks=4)
        held += apart.low <= 0 <= apart.high
        clear += apart.verdict == "clear"
    error = np.sqrt(0.16 / TRIALS)
    assert held / TRIALS > 0.8 - 4 * error
    assert clear / TRIALS < 0.05 / 4 + 4 * np.sqrt(0.0125 / TRIALS)


def test_a_large_effect_is_clear_and_no_effect_is_not() -> None:
    assert shares((400, 1000), (20, 100), looks=4).verdict == "clear"
    assert shares((200, 1000), (20, 100), looks=4).verdict == "unclear"
    chance = np.random.default_rng(7)
    rich, poor = chance.exponential(300, 5_000), chance.exponential(100, 500)
    assert means(Group.of(rich), Group.of(poor), looks=4).verdict == "clear"


def test_what_only_eighty_percent_hold_is_a_leaning_and_no_more() -> None:
    apart = means(Group(950, 11.2, 100.0), Group(50, 9.0, 100.0), looks=4)
    assert apart.low > 0
    assert apart.verdict == "leaning"


def test_a_small_group_says_nothing_however_far_apart() -> None:
    assert shares((900, 1000), (0, LEAST - 1)).verdict == "not_enough"
    assert means(Group(1000, 50.0, 1.0), Group(LEAST - 1, 1.0, 1.0)).verdict == "not_enough"
    assert shares((0, 0), (0, 0)).verdict == "not_enough"
    assert means(Group.of([]), Group.of([])).verdict == "not_enough"


def test_a_held_out_group_without_a_single_buyer_is_not_certain() -> None:
    shown = np.zeros(1000)
    shown[:20] = 5_000.0
    apart = means(Group.of(shown), Group.of(np.zeros(50)), looks=4)
    assert apart.low < 0
    assert apart.verdict == "unclear"
    assert apart.needed is None


def test_the_people_it_takes_are_enough() -> None:
    held = Group(100, 10.0, 400.0)
    apart = means(Group(1900, 10.0, 400.0), held)
    assert apart.needed is not None
    times = apart.needed / 2000
    more = means(Group(round(1900 * times), 10.0, 400.0), Group(round(100 * times), 10.0, 400.0))
    assert (more.high - more.low) / 2 == pytest.approx(1.0, rel=0.05)


@given(st.integers(30, 3_000), st.integers(30, 3_000), st.floats(0, 1), st.floats(0, 1))
def test_shares_stay_within_their_bounds_and_turn_round_with_the_groups(
    n: int, m: int, p: float, q: float
) -> None:
    one, other = (int(p * n), n), (int(q * m), m)
    apart, back = shares(one, other), shares(other, one)
    assert -1 <= apart.low <= apart.value <= apart.high <= 1
    assert (apart.low, apart.high) == pytest.approx((-back.high, -back.low))


@given(st.integers(0, 200), st.integers(1, 200))
def test_a_score_interval_holds_its_share(hits: int, n: int) -> None:
    low, high = wilson(min(hits, n), n)
    assert 0 <= low <= min(hits, n) / n + 1e-12
    assert min(hits, n) / n - 1e-12 <= high <= 1


def test_a_split_that_chance_does_not_make_is_noticed() -> None:
    assert not lopsided(50, 1000, 0.05)
    assert lopsided(10, 1000, 0.05)
    assert lopsided(120, 1000, 0.05)
    assert not lopsided(0, 0, 0.05)
    assert not lopsided(0, 10, 0.0)
