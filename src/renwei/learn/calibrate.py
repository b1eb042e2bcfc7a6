"""Make stated chances and intervals come true at the stated rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from renwei.learn.cells import Floats

_TINY = 1e-6
# Of `conformal_groups`: rounds, the part of a step taken, and what counts as a small group.
TURNS = 6
CALM = 0.7
SMALL_GROUP = 100
LEAST_IN_GROUP = 60


@dataclass(frozen=True)
class Reliability:
    """One row a bin of equal count: what was said, what happened, how many rows, both (bins,)."""

    predicted: Floats
    happened: Floats
    count: Floats


@dataclass(frozen=True)
class Platt:
    """Recalibrates by a line in log odds: two numbers, safe on little data."""

    slope: float
    shift: float

    def __call__(self, predicted: ArrayLike) -> Floats:
        """Return recalibrated chances, same shape."""
        return np.asarray(expit(self.slope * log_odds(predicted) + self.shift))


@dataclass(frozen=True)
class Isotonic:
    """Recalibrates by a rising staircase, which needs some thousand rows."""

    at: Floats
    chance: Floats

    def __call__(self, predicted: ArrayLike) -> Floats:
        """Return recalibrated chances, same shape."""
        return np.asarray(np.interp(np.asarray(predicted, dtype=np.float64), self.at, self.chance))


def log_odds(chance: ArrayLike) -> Floats:
    """Return log odds, with chances kept 1e-6 from 0 and 1."""
    return np.asarray(logit(np.clip(np.asarray(chance, dtype=np.float64), _TINY, 1 - _TINY)))


def reliability(happened: ArrayLike, predicted: ArrayLike, bins: int = 10) -> Reliability:
    """Return what was said against what happened, on equal-count bins."""
    y = np.asarray(happened, dtype=np.float64).ravel()
    p = np.asarray(predicted, dtype=np.float64).ravel()
    parts = np.array_split(np.argsort(p, kind="stable"), max(min(bins, len(p)), 1))
    parts = [part for part in parts if len(part)]
    return Reliability(
        predicted=np.array([p[part].mean() for part in parts]),
        happened=np.array([y[part].mean() for part in parts]),
        count=np.array([float(len(part)) for part in parts]),
    )


def fit_platt(happened: ArrayLike, predicted: ArrayLike) -> Platt:
    """Fit slope and shift of the log odds; never raises, even with one class.

    Source:
        Platt (1999), with his targets pulled off 0 and 1 by the class counts.
    """
    y = np.asarray(happened, dtype=np.float64).ravel()
    z = log_odds(predicted).ravel()
    yes = y.sum()
    target = np.where(y > 0, (yes + 1) / (yes + 2), 1 / (len(y) - yes + 2))

    def loss(line: Floats) -> tuple[float, Floats]:
        u = line[0] * z + line[1]
        value = np.logaddexp(0, u) - target * u
        off = expit(u) - target
        # One row's worth of pull to "leave as it is" decides where the data cannot.
        keep = line - np.array([1.0, 0.0])
        return float(value.sum() + keep @ keep / 2), np.array([off @ z, off.sum()]) + keep

    best = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B")
    return Platt(float(max(best.x[0], 0.0)), float(best.x[1]))


def fit_isotonic(happened: ArrayLike, predicted: ArrayLike) -> Isotonic:
    """Fit a rising staircase; outside the range seen the ends are held."""
    # Half a second to import, and only some callers need it.
    from sklearn.isotonic import IsotonicRegression

    y = np.asarray(happened, dtype=np.float64).ravel()
    p = np.asarray(predicted, dtype=np.float64).ravel()
    fit = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, y)
    return Isotonic(
        np.asarray(fit.X_thresholds_, dtype=np.float64),
        np.asarray(fit.y_thresholds_, dtype=np.float64),
    )


def to_mean(predicted: ArrayLike, mean: float) -> Floats:
    """Shift all log odds by one number so that the chances average to `mean`.

    This moves the level and keeps the order: the right repair when the season, not the
    person, has changed.
    """
    z = log_odds(predicted)
    if not len(z):
        return z
    aim = float(np.clip(mean, _TINY, 1 - _TINY))
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        if expit(z + middle).mean() < aim:
            low = middle
        else:
            high = middle
    return np.asarray(expit(z + (low + high) / 2))


def conformal_level(position: ArrayLike, coverage: float = 0.8) -> float:
    """Find the nominal level whose intervals held the stated share of a past period.

    Args:
        position: Shape (n,). For each outcome of the past period the level at which an interval
            starts to hold it: 0 where every interval does, 1 or more where none does.
        coverage: The share wanted.

    Returns:
        The level in [0, 1]. Where most people do nothing even the narrowest interval may hold
        more than `coverage`: then 0.

    Source:
        Split conformal prediction; Vovk, Gammerman & Shafer (2005). The level, not a margin, is
        calibrated, so that a whale's interval grows with the whale.

    Example:
        >>> conformal_level([0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0, 0.1], coverage=0.8)
        0.95
    """
    at = np.sort(np.asarray(position, dtype=np.float64).ravel())
    if not len(at):
        return coverage
    # (n + 1) in place of n guards a small sample against its own optimism.
    rank = min(int(np.ceil(coverage * (len(at) + 1))), len(at))
    return float(np.clip(at[rank - 1], 0.0, 1.0))


def conformal_groups(
    position: ArrayLike, groups: NDArray[np.bool_], weight: ArrayLike, coverage: float = 0.8
) -> Floats:
    """Find levels that hold the stated share in each of several groups that overlap.

    Args:
        position: Shape (n,). As for `conformal_level`.
        groups: Shape (groups, n). Who is in which; the first should hold all the others.
        weight: Shape (n,). What each outcome counts, such as less for older ones.
        coverage: The share wanted.

    Returns:
        Shape (groups,). A person's level is the sum over the person's groups. A small group
        moves the level of its people little, one of under 60 rows not at all.

    Source:
        Jung, Noarov, Ramalingam & Roth (2023), Batch multivalid conformal prediction: the level
        is mended group by group until none is left that is held too seldom or too often.
    """
    at = np.asarray(position, dtype=np.float64).ravel()
    counts = np.asarray(weight, dtype=np.float64).ravel()
    moves, level = np.zeros(len(groups)), np.zeros(len(at))
    rows = [np.flatnonzero(group) for group in groups]
    for turn in range(TURNS):
        for k, inside in enumerate(rows):
            if len(inside) < LEAST_IN_GROUP:
                continue
            off = _held_by((at - level)[inside], counts[inside], coverage)
            whole = turn == 0 and k == 0
            step = off if whole else off * CALM * len(inside) / (len(inside) + SMALL_GROUP)
            moves[k] += step
            level[inside] += step
    return moves


def _held_by(position: Floats, weight: Floats, coverage: float) -> float:
    """Return the position below which the share lies, with room for a small sample's optimism."""
    order = np.argsort(position, kind="stable")
    held = np.cumsum(weight[order])
    n = weight.sum() ** 2 / (weight**2).sum()
    rank = np.searchsorted(held / held[-1], min(coverage * (n + 1) / n, 1.0))
    return float(position[order[min(int(rank), len(order) - 1)]])
