from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.learn.tiers import HIGH, LOW, POTENTIAL, Borders, assign_tiers, find_borders


def three_groups(seed: int = 0) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return np.concatenate(
        [chance.lognormal(m, 0.25, n) for m, n in ((4.0, 700), (6.0, 220), (8.0, 80))]
    )


def test_three_groups_are_found() -> None:
    value = three_groups()
    tier = assign_tiers(value, find_borders(value))
    truth = np.repeat([LOW, POTENTIAL, HIGH], [700, 220, 80])
    assert (tier == truth).mean() > 0.98


def test_one_whale_moves_no_border() -> None:
    value = three_groups()
    calm, whale = find_borders(value), find_borders(np.append(value, 1e12))
    assert whale.potential == pytest.approx(calm.potential, rel=0.1)
    assert whale.high == pytest.approx(calm.high, rel=0.1)


def test_tiers_hardly_change_while_nothing_does() -> None:
    chance = np.random.default_rng(5)
    value = three_groups()
    borders = find_borders(value)
    tier = assign_tiers(value, borders)
    for _ in range(6):
        noisy = value * chance.lognormal(0, 0.08, len(value))
        borders = find_borders(noisy, before=borders)
        later = assign_tiers(noisy, borders, before=tier)
        assert (later != tier).mean() < 0.02
        tier = later


def test_a_clear_rise_changes_the_tier_and_a_slight_one_does_not() -> None:
    borders = Borders(potential=100, high=1_000)
    before = [LOW, LOW, HIGH, HIGH, -1]
    value = [110, 150, 950, 700, 110]
    assert assign_tiers(value, borders, before=before).tolist() == [
        LOW,
        POTENTIAL,
        HIGH,
        POTENTIAL,
        POTENTIAL,
    ]


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60))
def test_any_shop_has_borders_and_more_value_is_never_a_lower_tier(value: list[float]) -> None:
    borders = find_borders(value)
    assert borders.potential <= borders.high
    tier = assign_tiers(sorted(value), borders)
    assert (np.diff(tier) >= 0).all()


def test_nobody_has_no_tiers() -> None:
    with pytest.raises(ValueError, match="at least one person"):
        find_borders([])
