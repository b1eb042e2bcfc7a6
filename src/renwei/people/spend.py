"""What each person will spend within the window: a mean and an 80 % predictive interval.

Most people order nothing within a window, so a spend is zero with some chance and
otherwise a person's usual amount times what the shop's past shows of scatter. The level of
the interval is set on past windows (split conformal), in groups of like chances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from renwei.learn.calibrate import conformal_level
from renwei.learn.gamma_gamma import fit_spend
from renwei.learn.snapshots import Snapshot
from renwei.people.features import Floats

EDGES = (0.2, 0.35, 0.5, 0.65, 0.8)
NOMINAL = 0.8
_FLOOR = 0.785
_LEARNS = 0.5
# Demand moves between windows by more than people do within one: aim a little wide.
_DRIFT = 0.03
_ENOUGH = 60
_PRIOR_SCATTER = 0.8


@dataclass(frozen=True)
class SpendModel:
    """How much those who order spend, and how far that scatters.

    Attributes:
        weights: Of log spend on the design.
        scatter: Ratios of what was spent to what was expected, ascending.
        levels: Nominal level of the interval for each group of chances.
        total: Factor that makes past totals come true.
    """

    weights: Floats
    scatter: Floats
    levels: Floats
    total: float

    def usual(self, x: Floats) -> Floats:
        """Median spend of those who order, shape (people,)."""
        return np.exp(np.clip(x @ self.weights, -5, 40))

    def mean(self, x: Floats, chance: Floats) -> Floats:
        """Expected spend, zeros included."""
        return self.total * chance * self.usual(x)

    def bounds(self, x: Floats, chance: Floats, level: Floats | float) -> tuple[Floats, Floats]:
        """The interval at a nominal level, widened to hold the mean; nested in the level."""
        value, usual = self.mean(x, chance), self.usual(x)
        low = self._quantile(usual, chance, (1 - np.asarray(level)) / 2)
        high = self._quantile(usual, chance, (1 + np.asarray(level)) / 2)
        return np.minimum(low, value), np.maximum(high, value)

    def interval(self, x: Floats, chance: Floats) -> tuple[Floats, Floats, Floats]:
        """value, low, high at the calibrated levels."""
        low, high = self.bounds(x, chance, self.levels[np.digitize(chance, EDGES)])
        return self.mean(x, chance), low, high

    def position(self, x: Floats, chance: Floats, spend: Floats) -> Floats:
        """The level from which the interval holds what was spent; 0 where every one does."""
        value, usual = self.mean(x, chance), self.usual(x)
        share = np.interp(spend / usual, self.scatter, self._steps(), left=0.0, right=1.0)
        below = np.where(spend > 0, 1 - chance + chance * share, 1 - chance)
        level = np.abs(2 * below - 1)
        # At zero the whole atom counts: it is held as soon as the low end reaches it.
        level = np.where((spend <= 0) & (below >= 0.5), 0.0, level)
        inside = np.where(below >= 0.5, spend <= value, spend >= value)
        return np.where(inside & (spend > 0), 0.0, level)

    def _steps(self) -> Floats:
        return (np.arange(len(self.scatter)) + 0.5) / len(self.scatter)

    def _quantile(self, usual: Floats, chance: Floats, level: Floats) -> Floats:
        rest = (level - (1 - chance)) / np.maximum(chance, 1e-9)
        return np.where(rest > 0, usual * np.interp(rest, self._steps(), self.scatter), 0.0)


def spend_design(columns: Mapping[str, Floats]) -> Floats:
    """Own usual amount pooled with the shop's, and pace; shape (people, columns)."""
    orders, mean = columns["orders"], np.maximum(columns["money_mean"], 1.0)
    pooled = fit_spend(orders, columns["money_mean"]).mean(orders, columns["money_mean"])
    pace = orders / (columns["age"] + 60)
    return np.column_stack(
        [
            np.ones(len(orders)),
            np.log(np.maximum(pooled, 1.0)),
            np.log(pace),
            np.log1p(columns["fading_45"]),
            np.log(mean) * (orders > 3),
        ]
    )


@dataclass(frozen=True)
class Window:
    """A window of the past: who was known before, what was said of them, what they spent.

    Attributes:
        shot: Everybody known at its start.
        chance: Shape (people,). Of an order within it, from what was known at its start.
        spend: Shape (people,). Minor units spent within it.
    """

    shot: Snapshot
    chance: Floats
    spend: Floats


def learn_spend(windows: Sequence[Window], now: Snapshot) -> SpendModel:
    """Teach amounts, scatter and levels on past windows.

    A shop's demand drifts, so the last window is no fair draw of the next. Each past window is
    therefore first predicted from those before it, and the share aimed at moves half of the
    way by which the intervals held too little or too much.

    Args:
        windows: Oldest first, may be empty; where too few people ordered in them, usual
            scatter stands in.
        now: The present.

    Source:
        Gibbs & Candes (2021), Adaptive conformal inference under distribution shift.
    """
    aim = NOMINAL + _DRIFT
    for k in range(1, len(windows)):
        held = coverage(_taught(windows[:k], now, aim), windows[k])
        aim += _LEARNS * (NOMINAL - held.get("coverage_likely", NOMINAL))
    return _taught(windows, now, min(max(aim, 0.7), 0.92))


def _taught(windows: Sequence[Window], now: Snapshot, aim: float) -> SpendModel:
    x = np.concatenate([spend_design(one.shot.columns) for one in windows] or [np.zeros((0, 5))])
    spend = np.concatenate([one.spend for one in windows] or [np.zeros(0)])
    chance = np.concatenate([one.chance for one in windows] or [np.zeros(0)])
    paid = spend > 0
    if paid.sum() < _ENOUGH:
        return _from_prior(now)
    weights = _ridge(x[paid], np.log(spend[paid]))
    usual = np.exp(x @ weights)
    scatter = np.quantile(spend[paid] / usual[paid], np.linspace(0.002, 0.998, 250))
    total = _total(spend, chance * usual)
    model = SpendModel(weights, scatter, np.full(len(EDGES) + 1, NOMINAL), total)
    return SpendModel(weights, scatter, _levels(model, (x, chance, spend), aim), total)


def _levels(model: SpendModel, rows: tuple[Floats, Floats, Floats], aim: float) -> Floats:
    x, chance, spend = rows
    group = np.digitize(chance, EDGES)
    sure = group == 0
    narrow = model.bounds(x[sure], chance[sure], 0.02)
    held = _covered(narrow, spend[sure]) if sure.any() else NOMINAL
    share = float(sure.mean())
    # People who will hardly order are covered by any interval; the others make up for it a
    # little, so that all together and those worth listing are both held about as often as said.
    less = (NOMINAL - share * held) / max(1 - share, 1e-9) if held > NOMINAL else NOMINAL
    aim += min(max(less, _FLOOR), NOMINAL) - NOMINAL
    levels = np.full(len(EDGES) + 1, _level(model, _at(rows, ~sure), aim))
    levels[0] = 0.02 if held >= NOMINAL else _level(model, _at(rows, sure), aim)
    for k in range(1, len(levels)):
        inside = group == k
        if inside.sum() >= 2 * _ENOUGH:
            levels[k] = _level(model, _at(rows, inside), aim)
    return levels


def _level(model: SpendModel, rows: tuple[Floats, Floats, Floats], aim: float) -> float:
    if len(rows[2]) < 20:
        return NOMINAL
    return float(np.clip(conformal_level(model.position(*rows), aim), 0.02, 0.995))


def _at(rows: tuple[Floats, Floats, Floats], mask: Any) -> tuple[Floats, Floats, Floats]:
    return rows[0][mask], rows[1][mask], rows[2][mask]


def _covered(bounds: tuple[Floats, Floats], spend: Floats) -> float:
    return float(((spend >= bounds[0]) & (spend <= bounds[1])).mean())


def coverage(model: SpendModel, window: Window) -> dict[str, float]:
    """How often the interval held in a window: of everybody, and of likely buyers."""
    _, low, high = model.interval(spend_design(window.shot.columns), window.chance)
    inside = (window.spend >= low) & (window.spend <= high)
    likely = window.chance >= EDGES[0]
    found = {"coverage": round(float(inside.mean()), 4)}
    if likely.sum() >= 20:
        found["coverage_likely"] = round(float(inside[likely].mean()), 4)
    return found


def _ridge(x: Floats, y: Floats) -> Floats:
    centre = np.zeros(x.shape[1])
    centre[1] = 1.0  # without evidence: the person's pooled amount as it is
    bend = x.T @ x + np.diag([1e-6, 3.0, 3.0, 3.0, 3.0])
    return np.asarray(np.linalg.solve(bend, x.T @ (y - x @ centre)) + centre)


def _total(spend: Floats, expected: Floats) -> float:
    # One whale must not lift everybody: the top thousandth counts as much as the next.
    cap = np.quantile(spend, 0.999)
    return float(np.clip(np.minimum(spend, cap).sum() / max(expected.sum(), 1.0), 0.3, 3.0))


def _from_prior(now: Snapshot) -> SpendModel:
    from scipy.special import ndtri

    weights = np.zeros(spend_design(now.columns).shape[1])
    weights[1] = 1.0
    scatter = np.exp(_PRIOR_SCATTER * ndtri(np.linspace(0.01, 0.99, 99)))
    mean = float(np.exp(_PRIOR_SCATTER**2 / 2))
    return SpendModel(weights, scatter, np.full(len(EDGES) + 1, 0.85), mean)
