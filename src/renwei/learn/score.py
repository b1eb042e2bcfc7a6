"""How good a forecast was, each number with an interval when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from renwei.learn.cells import Floats

Metric = Callable[[Floats, Floats], float]
_TINY = 1e-6


@dataclass(frozen=True)
class Scored:
    """A number with its interval (same unit)."""

    value: float
    low: float
    high: float


def mae(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean absolute error of shape (n,) arrays."""
    y, p = _pair(actual, predicted)
    return float(np.abs(y - p).mean())


def rmse(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return the root mean squared error of shape (n,) arrays."""
    y, p = _pair(actual, predicted)
    return float(np.sqrt(((y - p) ** 2).mean()))


def bias(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return mean predicted minus mean actual; positive is too high."""
    y, p = _pair(actual, predicted)
    return float(p.mean() - y.mean())


def total_ratio(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return total predicted over total actual; nan where nothing happened."""
    y, p = _pair(actual, predicted)
    return float(p.sum() / y.sum()) if y.sum() else float("nan")


def corr(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Return Pearson's correlation; 0 where either side is constant."""
    y, p = _pair(actual, predicted)
    y, p = y - y.mean(), p - p.mean()
    size = np.sqrt((y @ y) * (p @ p))
    return float(y @ p / size) if size > 0 else 0.0


def auc(happened: ArrayLike, predicted: ArrayLike) -> float:
    """Return the chance that one it happened to was ranked above one it did not; ties half.

    nan where only one of the two exists.
    """
    y, p = _pair(happened, predicted)
    yes = float(y.sum())
    no = len(y) - yes
    if not yes or not no:
        return float("nan")
    _, same, count = np.unique(p, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[same]
    return float((rank[y > 0].sum() - yes * (yes + 1) / 2) / (yes * no))


def log_losses(happened: ArrayLike, predicted: ArrayLike) -> Floats:
    """Return the log-loss of each row, shape (n,); predictions are kept 1e-6 from 0 and 1."""
    y, p = _pair(happened, predicted)
    p = np.clip(p, _TINY, 1 - _TINY)
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log1p(-p)))


def logloss(happened: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean log-loss."""
    return float(log_losses(happened, predicted).mean())


def brier(happened: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean squared error of probabilities."""
    return rmse(happened, predicted) ** 2


def ece(happened: ArrayLike, predicted: ArrayLike, bins: int = 10) -> float:
    """Return the expected calibration error on equal-count bins of the prediction.

    Example:
        >>> ece([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], bins=1)
        0.0
    """
    y, p = _pair(happened, predicted)
    order = np.argsort(p, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return float(sum(abs(y[i].sum() - p[i].sum()) for i in parts) / len(y))


def with_interval(
    metric: Metric,
    actual: ArrayLike,
    predicted: ArrayLike,
    *,
    level: float = 0.95,
    rounds: int = 200,
    seed: int = 1,
) -> Scored:
    """Score, with a percentile bootstrap interval over rows.

    Args:
        metric: Takes (actual, predicted).
        actual: Shape (n,).
        predicted: Shape (n,).
        level: Of the interval.
        rounds: Resamples.
        seed: Same seed, same answer.

    Source:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    y, p = _pair(actual, predicted)
    chance = np.random.default_rng(seed)
    tried = np.empty(rounds)
    for k in range(rounds):
        rows = chance.integers(0, len(y), len(y))
        tried[k] = metric(y[rows], p[rows])
    tried = tried[np.isfinite(tried)]
    value = metric(y, p)
    if not len(tried):
        return Scored(value, float("nan"), float("nan"))
    low, high = np.quantile(tried, [(1 - level) / 2, (1 + level) / 2])
    return Scored(value, float(low), float(high))


def scores(
    metrics: Mapping[str, Metric], actual: ArrayLike, predicted: ArrayLike, *, seed: int = 1
) -> dict[str, Scored]:
    """Return each named metric with its 95 % interval."""
    return {k: with_interval(m, actual, predicted, seed=seed) for k, m in metrics.items()}


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    y = np.asarray(first, dtype=np.float64).ravel()
    p = np.asarray(second, dtype=np.float64).ravel()
    if len(y) != len(p) or not len(y):
        raise ValueError("a score needs two arrays of the same length, at least 1")
    return y, p
