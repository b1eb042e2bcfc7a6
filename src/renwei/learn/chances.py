"""Ways to turn what is known of a person into the chance that something happens, simplest first."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import expit

from renwei.learn.calibrate import Platt, fit_platt, log_odds
from renwei.learn.cells import Floats
from renwei.learn.snapshots import Snapshot

Way = Literal["rate", "recency", "rfm", "value", "logistic", "mean"]
Chance = Callable[[Snapshot], Floats]

PLAIN: Mapping[Way, tuple[str, ...]] = {
    "recency": ("recency",),
    "rfm": ("recency", "orders", "money"),
}
RIDGE = 10.0
EDGE = 0.001
TREES = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.03,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.5,
    "min_data_in_leaf": 30,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
ROUNDS = 300


@dataclass(frozen=True)
class Logistic:
    """A line in log odds over standardised columns.

    Attributes:
        low, high: Shape (columns,). Values beyond what was seen in fitting count as the nearest.
        centre, scale: Shape (columns,). weight: Shape (columns + 1,), the last is the constant.
    """

    low: Floats
    high: Floats
    centre: Floats
    scale: Floats
    weight: Floats

    def log_odds(self, matrix: Floats) -> Floats:
        """Return log odds, shape (rows,), for shape (rows, columns)."""
        z = (np.clip(matrix, self.low, self.high) - self.centre) / self.scale
        return np.asarray(z @ self.weight[:-1] + self.weight[-1])


def fit_logistic(matrix: Floats, happened: Floats, *, ridge: float = RIDGE) -> Logistic:
    """Fit by Newton's method with a ridge; never raises, even with one class.

    Args:
        matrix: Shape (rows, columns), finite.
        happened: Shape (rows,). 0 or 1.
        ridge: Weight of the squared coefficients, in rows of information.
    """
    # A line goes on for ever: an age or a whale beyond what was seen must not run away with it.
    low, high = np.quantile(matrix, [EDGE, 1 - EDGE], axis=0)
    inside = np.clip(matrix, low, high)
    centre, scale = inside.mean(axis=0), inside.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    z = np.column_stack([(inside - centre) / scale, np.ones(len(matrix))])
    hold = np.full(z.shape[1], ridge)
    hold[-1] = 1e-3
    weight = np.zeros(z.shape[1])
    mean = (happened.sum() + 0.5) / (len(happened) + 1)
    weight[-1] = np.log(mean / (1 - mean))
    loss = _ridge_loss(z, happened, hold, weight)
    for _ in range(50):
        p = expit(z @ weight)
        slope = z.T @ (happened - p) - hold * weight
        bend = (z * (p * (1 - p))[:, None]).T @ z + np.diag(hold)
        step = np.linalg.solve(bend, slope)
        # Rare events make Newton's step overshoot: halve it until it helps.
        tried = _ridge_loss(z, happened, hold, weight + step)
        while tried > loss and float(np.abs(step).max()) > 1e-9:
            step = step / 2
            tried = _ridge_loss(z, happened, hold, weight + step)
        weight, gained, loss = weight + step, loss - tried, tried
        if gained <= 1e-9 * abs(loss):
            break
    return Logistic(low, high, centre, scale, weight)


def _ridge_loss(z: Floats, happened: Floats, hold: Floats, weight: Floats) -> float:
    u = z @ weight
    return float((np.logaddexp(0.0, u) - happened * u).sum() + (hold * weight**2).sum() / 2)


@functools.cache
def trees_run() -> bool:
    """Whether LightGBM loads here: minimal systems lack the OpenMP runtime that it needs.

    Without it the mean is of two ways instead of three.
    """
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


def fit_trees(matrix: Floats, happened: Floats, *, seed: int) -> Any:
    """Fit LightGBM with settings that suit thousands of rows, not its own defaults.

    Returns:
        A booster; `predict(matrix, raw_score=True)` gives log odds.
    """
    import lightgbm as lgb

    data = lgb.Dataset(matrix, label=happened, free_raw_data=True)
    return lgb.train({**TREES, "seed": seed}, data, num_boost_round=ROUNDS)


def fit_way(way: Way, past: Sequence[Snapshot], *, seed: int, trees: bool) -> Chance:
    """Fit one way on snapshots of the past.

    Args:
        way: "rate" is the same for all, "recency" a line in log days since the last order,
            "rfm" one in log recency, frequency and money, "value" a value model recalibrated, "logistic" a line over all columns, "mean" the
            mean of log odds of value, logistic and (with `trees`) LightGBM.
        past: At least one.
        seed: Of the trees.
        trees: Whether there are people enough for trees.

    Returns:
        A function from a snapshot to chances, shape (people,).
    """
    happened = np.concatenate([shot.happened for shot in past])
    if way == "rate":
        rate = float((happened.sum() + 0.5) / (len(happened) + 1))
        return lambda shot: np.full(len(shot.person), rate)
    if way in PLAIN:
        line = fit_logistic(np.concatenate([_plain(way, shot) for shot in past]), happened)
        return lambda shot: np.asarray(expit(line.log_odds(_plain(way, shot))))
    if way == "value":
        platt = _platt(past, happened)
        return lambda shot: platt(shot.chance)
    lined = fit_logistic(np.concatenate([shot.logs() for shot in past]), happened)
    if way == "logistic":
        return lambda shot: np.asarray(expit(lined.log_odds(shot.logs())))
    platt = _platt(past, happened)
    wood = None
    if trees:
        wood = fit_trees(np.concatenate([shot.matrix() for shot in past]), happened, seed=seed)

    def mean(shot: Snapshot) -> Floats:
        parts = [log_odds(platt(shot.chance)), lined.log_odds(shot.logs())]
        if wood is not None:
            parts.append(np.asarray(wood.predict(shot.matrix(), raw_score=True), dtype=np.float64))
        return np.asarray(expit(np.mean(parts, axis=0)))

    return mean


def _platt(past: Sequence[Snapshot], happened: Floats) -> Platt:
    return fit_platt(happened, np.concatenate([shot.chance for shot in past]))


def _plain(way: Way, shot: Snapshot) -> Floats:
    return np.column_stack([np.log1p(np.maximum(shot.columns[name], 0)) for name in PLAIN[way]])
