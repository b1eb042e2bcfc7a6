from __future__ import annotations

import numpy as np
import pytest

from renwei.learn.readiness import Curve, Gain, learning_curve, light, paired_gain, still_needed


def losses(gain: float, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    model = chance.gamma(2, 0.3, n)
    return model + chance.normal(gain, 0.4, n), model


def test_a_real_gain_is_ready_and_none_is_not() -> None:
    assert light(paired_gain(*losses(0.1, 1_000)), happened=300) == "ready"
    assert light(paired_gain(*losses(-0.1, 1_000)), happened=300) == "not_yet"
    assert light(Gain(0.01, -0.02, 0.04, 500), happened=100) == "weak"


@pytest.mark.parametrize(("n", "happened"), [(12, 6), (5_000, 3)])
def test_too_little_is_not_judged(n: int, happened: int) -> None:
    assert light(paired_gain(*losses(1.0, n)), happened=happened) == "not_enough"


def test_no_gain_is_called_ready_no_oftener_than_stated() -> None:
    lit = sum(
        light(paired_gain(*losses(0.0, 300, seed), rounds=150), happened=100) == "ready"
        for seed in range(200)
    )
    # 5 % of 200 is 10, standard deviation 3.1.
    assert lit <= 20


def test_rows_of_one_person_are_not_independent_evidence() -> None:
    baseline, model = losses(0.05, 100)
    once = paired_gain(baseline, model)
    many = paired_gain(
        np.repeat(baseline, 9), np.repeat(model, 9), unit=np.repeat(np.arange(100), 9)
    )
    assert many.n == once.n == 100
    assert many.high - many.low == pytest.approx(once.high - once.low, rel=0.2)


def test_what_is_still_needed_is_about_right() -> None:
    # At n = 100 the half-width is .10 and the gain .05: it takes four times as many.
    assert still_needed(Gain(0.05, -0.05, 0.15, 100)) == pytest.approx(300, abs=2)
    assert still_needed(Gain(0.05, 0.01, 0.15, 100)) == 0
    assert still_needed(Gain(-0.05, -0.15, 0.05, 100)) is None


def test_a_curve_that_still_rises_needs_fewer() -> None:
    size = np.array([100, 200, 400])
    rising = Curve(size, 0.2 - 3 / np.sqrt(size), np.zeros(3))
    gain = Gain(0.05, -0.05, 0.15, 400)
    with_curve, without = still_needed(gain, rising), still_needed(gain)
    assert with_curve is not None
    assert without is not None
    assert with_curve < without


def test_the_curve_is_measured_on_nested_sizes_and_repeats() -> None:
    asked: list[int] = []

    def gain_of(rows: np.ndarray) -> float:
        asked.append(len(rows))
        assert len(np.unique(rows)) == len(rows)
        return float(1 - 1 / np.sqrt(len(rows)))

    curve = learning_curve(gain_of, 400, seed=3)
    assert curve.size.tolist() == [100, 200, 400]
    assert sorted(set(asked)) == [100, 200, 400]
    assert (np.diff(curve.gain) > 0).all()


def test_a_gain_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        paired_gain([], [])
