from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from renwei.learn import score
from renwei.learn.calibrate import (
    conformal_level,
    fit_isotonic,
    fit_platt,
    log_odds,
    reliability,
    to_mean,
)

ROWS = st.lists(st.tuples(st.booleans(), st.floats(0.001, 0.999)), min_size=2, max_size=60)


@given(ROWS)
def test_scores_equal_those_of_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    y, p = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    assert score.brier(y, p) == pytest.approx(oracle.brier_score_loss(y, p))
    assert score.logloss(y, p) == pytest.approx(oracle.log_loss(y, p, labels=[0, 1]))
    if 0 < y.sum() < len(y):
        assert score.auc(y, p) == pytest.approx(oracle.roc_auc_score(y, p))
    else:
        assert np.isnan(score.auc(y, p))


def test_errors_and_totals() -> None:
    y, p = [1.0, 3.0], [2.0, 1.0]
    assert score.mae(y, p) == 1.5
    assert score.rmse(y, p) == pytest.approx(np.sqrt(2.5))
    assert score.bias(y, p) == -0.5
    assert score.total_ratio(y, p) == 0.75
    assert np.isnan(score.total_ratio([0, 0], p))
    assert score.corr(y, p) == pytest.approx(-1)
    assert score.corr(y, [1, 1]) == 0


def test_ece_is_the_mean_distance_of_bins() -> None:
    happened, said = [0, 0, 1, 1], [0.1, 0.1, 0.6, 0.6]
    assert score.ece(happened, said, bins=2) == pytest.approx((0.1 + 0.4) / 2)


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        y = chance.normal(0, 1, 80)
        got = score.with_interval(score.mae, y, np.zeros(80), level=0.9, rounds=100)
        held += got.low <= np.sqrt(2 / np.pi) <= got.high
    # 90 expected, standard deviation 3; the percentile interval is a little narrow at n = 80.
    assert 78 <= held <= 98


def test_scores_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        score.mae([], [])


@pytest.mark.parametrize("fit", [fit_platt, fit_isotonic])
def test_a_chance_stated_wrong_is_put_right(fit: object) -> None:
    chance = np.random.default_rng(1)
    truth = chance.beta(2, 5, 20_000)
    y = (chance.random(20_000) < truth).astype(float)
    said = 1 / (1 + np.exp(-(1.7 * log_odds(truth) + 0.9)))
    right = fit(y[:10_000], said[:10_000])  # type: ignore[operator]
    assert score.ece(y[10_000:], said[10_000:]) > 0.06
    assert score.ece(y[10_000:], right(said[10_000:])) < 0.02


@pytest.mark.parametrize("happened", [[0.0], [1.0], [0.0, 0.0], [1.0, 1.0]])
def test_recalibration_stands_one_class(happened: list[float]) -> None:
    said = np.full(len(happened), 0.3)
    for fit in (fit_platt, fit_isotonic):
        assert ((fit(happened, said)(said) >= 0) & (fit(happened, said)(said) <= 1)).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_a_shift_to_a_mean_reaches_it_and_keeps_the_order(said: list[float], mean: float) -> None:
    moved = to_mean(said, mean)
    assert moved.mean() == pytest.approx(mean, abs=1e-3)
    assert (np.diff(moved[np.argsort(said, kind="stable")]) >= -1e-12).all()


@given(st.lists(st.floats(0, 1), min_size=5, max_size=200), st.floats(0.1, 0.95))
def test_the_conformal_level_holds_what_it_promises(position: list[float], wanted: float) -> None:
    level = conformal_level(position, wanted)
    assert np.mean(np.array(position) <= level) >= wanted - 1e-12


def test_reliability_counts_everybody_once() -> None:
    bins = reliability([0, 1, 1, 0, 1], [0.1, 0.9, 0.8, 0.2, 0.5], bins=2)
    assert bins.count.sum() == 5
    assert bins.happened @ bins.count == 3
