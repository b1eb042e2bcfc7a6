from __future__ import annotations

import numpy as np
import pytest

from renwei.learn.calibrate import conformal_groups, conformal_level


def crowd(seed: int, n: int = 6_000) -> tuple[np.ndarray, np.ndarray]:
    """Positions that rise with two traits that overlap; groups everybody, first, second."""
    dice = np.random.default_rng(seed)
    first, second = dice.random(n) < 0.3, dice.random(n) < 0.2
    position = dice.random(n) * (0.5 + 0.2 * first + 0.15 * second)
    return position, np.array([np.ones(n, dtype=bool), first, second])


def test_every_group_of_several_that_overlap_is_held_as_often_as_asked() -> None:
    position, groups = crowd(1)
    levels = conformal_groups(position, groups, np.ones(len(position)), 0.8)
    fresh, same = crowd(2)
    held = fresh <= levels @ same
    for group in same:
        # Of 1,200 people or more: three standard deviations are 3.5 points, and the past's own.
        assert held[group].mean() == pytest.approx(0.8, abs=0.045)


def test_one_level_for_all_would_have_failed_a_group() -> None:
    position, groups = crowd(1)
    alone = conformal_level(position, 0.8)
    assert (position[groups[1] & groups[2]] <= alone).mean() < 0.7


def test_without_further_groups_the_level_is_the_plain_one() -> None:
    position = np.random.default_rng(3).random(500)
    levels = conformal_groups(position, np.ones((1, 500), dtype=bool), np.ones(500), 0.8)
    assert levels[0] == pytest.approx(conformal_level(position, 0.8), abs=0.01)


def test_a_group_of_a_few_moves_nothing() -> None:
    position, groups = crowd(4)
    few = np.zeros(len(position), dtype=bool)
    few[:20] = True
    levels = conformal_groups(position, np.vstack([groups, few]), np.ones(len(position)))
    assert levels[-1] == 0.0


def test_what_counts_less_weighs_less() -> None:
    dice = np.random.default_rng(5)
    position = np.concatenate([dice.random(2_000) * 0.4, dice.random(2_000)])
    everybody = np.ones((1, 4_000), dtype=bool)
    recent = np.repeat([0.1, 1.0], 2_000)
    old = conformal_groups(position, everybody, recent[::-1])[0]
    new = conformal_groups(position, everybody, recent)[0]
    assert old < conformal_level(position) < new


def test_nobody_at_all_moves_nothing() -> None:
    assert conformal_groups([], np.zeros((2, 0), dtype=bool), []).tolist() == [0.0, 0.0]
