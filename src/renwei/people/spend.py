"""What each person will spend within the window: a mean and an 80 % predictive interval.

Most people order nothing within a window, so a spend is zero with some chance and
otherwise a person's usual amount times what the shop's past shows of scatter. The level of
the interval is set on past windows (split conformal), so that it holds as often as it says in
each of several groups that overlap: like chances, the best customers, those likely listed.

Where an order is less likely than 0.2 nothing at all is the usual end, and any interval that
begins at zero holds more often than in 80 of 100 cases; these are as narrow as they can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from renwei.learn.calibrate import conformal_groups
from renwei.learn.gamma_gamma import fit_spend
from renwei.learn.snapshots import Snapshot
from renwei.people.features import Floats
from renwei.people.likely import CHANCES, Bools, Ripe, groups_of

NOMINAL = 0.8
# Demand moves between windows by more than people do within one: aim a little wide.
_DRIFT = 0.01
# How far totals missed is believed as if seen twice before the first real look.
_USUAL_MISS = 0.15
_DOUBT = 2
# A window one step older counts so much less.
_FADE = 0.8
# Demand a little lower, as expected and a little higher, as a bell has it (Gauss-Hermite).
_DEMANDS = ((-np.sqrt(3.0), 1 / 6), (0.0, 2 / 3), (np.sqrt(3.0), 1 / 6))
_LEAST, _MOST = 0.02, 0.995
_ENOUGH = 60
_AT_MOST = 20_000
_PRIOR_SCATTER = 0.8
_PRIOR_LEVEL = 0.85


@dataclass(frozen=True)
class Moment:
    """Everybody known at a moment, and what is said of them from what was known then.

    Attributes:
        shot: Their histories.
        chance: Shape (people,). Of an order within the window.
        ripe: Their needs.
        amounts: Log of how much more an order comes to lately than over the whole past.
    """

    shot: Snapshot
    chance: Floats
    ripe: Ripe
    amounts: float = 0.0

    @cached_property
    def design(self) -> Floats:
        """Own usual amount pooled with the shop's, and pace; shape (people, columns)."""
        columns = self.shot.columns
        orders, mean = columns["orders"], np.maximum(columns["money_mean"], 1.0)
        model = fit_spend(orders, columns["money_mean"])
        pooled = model.mean(orders, columns["money_mean"])
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
    """A window of the past: the moment of its start, and what came.

    Attributes:
        moment: Its start.
        spend: Shape (people,). Minor units spent within it.
    """

    moment: Moment
    spend: Floats


@dataclass(frozen=True)
class SpendModel:
    """How much those who order spend, and how far that scatters.

    Attributes:
        weights: Of log spend on the design.
        scatter: Ratios of what was spent to what was expected, ascending.
        total: Factor that makes past totals come true.
        levels: Shape (groups,). What each group adds to the nominal level of its people.
    """

    weights: Floats
    scatter: Floats
    total: float
    levels: Floats

    def usual(self, moment: Moment) -> Floats:
        """Median spend of those who order, shape (people,)."""
        return np.exp(np.clip(moment.design @ self.weights + moment.amounts, -5, 40))

    def mean(self, moment: Moment) -> Floats:
        """Expected spend, zeros included."""
        return self.total * moment.chance * self.usual(moment)

    def groups(self, moment: Moment) -> Bools:
        """The groups that levels are for, shape (groups, people)."""
        late = moment.shot.columns["late"]
        usual = self.usual(moment)
        return groups_of(moment.chance, self.mean(moment), usual, late, moment.ripe)

    def interval(self, moment: Moment) -> tuple[Floats, Floats, Floats]:
        """value, low, high at the calibrated levels; low <= value <= high."""
        level = np.clip(self.levels @ self.groups(moment), _LEAST, _MOST)
        value, usual = self.mean(moment), self.usual(moment)
        low = self._quantile(usual, moment.chance, (1 - level) / 2)
        high = self._quantile(usual, moment.chance, (1 + level) / 2)
        return value, np.minimum(low, value), np.maximum(high, value)

    def position(self, moment: Moment, spend: Floats) -> Floats:
        """The level from which the interval holds what was spent; 0 where every one does."""
        value, usual, chance = self.mean(moment), self.usual(moment), moment.chance
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


def learn_spend(windows: Sequence[Window], now: Moment) -> SpendModel:
    """Teach amounts, scatter and levels on past windows.

    A shop's demand drifts, so the last windows are no fair draw of the next. Each is replayed
    with demand a little lower and a little higher than it was; how much, the shop's own past
    says: by how far totals forecast from earlier windows alone missed what came.

    Args:
        windows: Oldest first, may be empty; where too few people ordered in them, usual
            scatter stands in.
        now: The present.

    Source:
        Mondrian conformal prediction, Vovk, Gammerman & Shafer (2005); for groups that overlap
        see `conformal_groups`.
    """
    model = _taught(windows)
    if model is None:
        return _from_prior(now)
    drift = _drift(windows)
    positions, groups, weights = [], [], []
    for age, window in enumerate(reversed(windows)):
        moment, spend = window.moment, window.spend
        some = slice(None, None, -(-len(spend) // _AT_MOST) or 1)
        inside = model.groups(moment)[:, some]
        for times, share in _DEMANDS:
            at = model.position(moment, spend * np.exp(times * drift))[some]
            positions.append(at)
            groups.append(inside)
            weights.append(np.full(len(at), share * _FADE**age))
    everybody = np.concatenate(positions), np.concatenate(groups, axis=1), np.concatenate(weights)
    levels = conformal_groups(*everybody, NOMINAL + _DRIFT)
    return SpendModel(model.weights, model.scatter, model.total, levels)


def _taught(windows: Sequence[Window]) -> SpendModel | None:
    """Amounts and scatter from past windows, without levels; None where too few ordered."""
    if not windows:
        return None
    x = np.concatenate([one.moment.design for one in windows])
    log_more = np.concatenate([np.full(len(one.spend), one.moment.amounts) for one in windows])
    spend = np.concatenate([one.spend for one in windows])
    chance = np.concatenate([one.moment.chance for one in windows])
    ages = range(len(windows) - 1, -1, -1)
    counts = [np.full(len(one.spend), _FADE**age) for one, age in zip(windows, ages, strict=True)]
    count = np.concatenate(counts)
    paid = spend > 0
    if paid.sum() < _ENOUGH:
        return None
    weights = _ridge(x[paid], np.log(spend[paid]) - log_more[paid], count[paid])
    usual = np.exp(np.clip(x @ weights + log_more, -5, 40))
    scatter = np.quantile(spend[paid] / usual[paid], np.linspace(0.002, 0.998, 250))
    total = _total(spend, chance * usual, count)
    return SpendModel(weights, scatter, total, np.zeros(0))


def _drift(windows: Sequence[Window]) -> float:
    """Standard deviation of the log of a window's total about what earlier ones forecast."""
    missed = []
    for k in range(1, len(windows)):
        before = _taught(windows[:k])
        if before is None:
            continue
        spend = windows[k].spend
        came = np.minimum(spend, np.quantile(spend, 0.999)).sum()
        said = before.mean(windows[k].moment).sum()
        missed.append(float(np.log((came + 1) / (said + 1))))
    squares = sum(one * one for one in missed) + _DOUBT * _USUAL_MISS**2
    return float(np.sqrt(squares / (len(missed) + _DOUBT)))


def coverage(model: SpendModel, window: Window) -> dict[str, float]:
    """How often the interval held in a window: of everybody, and of likely buyers."""
    _, low, high = model.interval(window.moment)
    inside = (window.spend >= low) & (window.spend <= high)
    likely = window.moment.chance >= CHANCES[0]
    found = {"coverage": round(float(inside.mean()), 4)}
    if likely.sum() >= 20:
        found["coverage_likely"] = round(float(inside[likely].mean()), 4)
    return found


def _ridge(x: Floats, y: Floats, count: Floats) -> Floats:
    centre = np.zeros(x.shape[1])
    centre[1] = 1.0  # without evidence: the person's pooled amount as it is
    heavy = x * count[:, None]
    bend = heavy.T @ x + np.diag([1e-6, 3.0, 3.0, 3.0, 3.0])
    return np.asarray(np.linalg.solve(bend, heavy.T @ (y - x @ centre)) + centre)


def _total(spend: Floats, expected: Floats, count: Floats) -> float:
    # One whale must not lift everybody: the top thousandth counts as much as the next.
    capped = np.minimum(spend, np.quantile(spend, 0.999))
    return float(np.clip((count @ capped) / max(float(count @ expected), 1.0), 0.3, 3.0))


def _from_prior(now: Moment) -> SpendModel:
    from scipy.special import ndtri

    weights: Any = np.zeros(now.design.shape[1])
    weights[1] = 1.0
    scatter = np.exp(_PRIOR_SCATTER * ndtri(np.linspace(0.01, 0.99, 99)))
    mean = float(np.exp(_PRIOR_SCATTER**2 / 2))
    levels = np.zeros(len(groups_of(*(np.zeros(1),) * 4, Ripe(np.zeros(1), np.zeros(1)))))
    levels[0] = _PRIOR_LEVEL
    return SpendModel(weights, scatter, mean, levels)
