"""When somebody will buy again: their own rhythm, pooled with everybody's.

A rhythm belongs to a unit: a person, or a person and an item. The log of the days between two
orders is Normal around the unit's own mean; unit means are Normal around their group's (an
item), groups around the shop's. A share never comes back. So the chance of an order within a
window is known at every moment after the last one, and fades when a unit is long overdue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from renwei.learn.cells import DAY_S, Floats, Ints

ROUNDS = 30
LEAST_GAP_DAYS = 0.5
# What is believed of a shop with hardly an order: a gap of a month or so, give or take.
_MEAN, _WITHIN, _BETWEEN, _LEAVE = np.log(45.0), 0.7, 0.5, 0.5
_BELIEF = 5.0
_DOUBT = 20.0
LEAST = 0.01


@dataclass(frozen=True)
class Units:
    """What a rhythm needs to know of each unit, one row a unit.

    Attributes:
        unit: Numbers, ascending. group: The group of each.
        gaps: Gaps between orders seen. log_sum, log_square: Sums of their log days, and squares.
        log_last: Log days of the latest gap, nan where there is none.
        since: Days since the last order.
    """

    unit: Ints
    group: Ints
    gaps: Floats
    log_sum: Floats
    log_square: Floats
    log_last: Floats
    since: Floats


@dataclass(frozen=True)
class Due:
    """When each unit's next order is due, all of shape (units,).

    Attributes:
        unit: Numbers, ascending.
        chance: P(an order within the window).
        returns: P(an order ever again).
        low_days, high_days: From now, 80 % interval of the next order if there is one.
        gap_days: The unit's usual gap (median).
    """

    unit: Ints
    chance: Floats
    returns: Floats
    low_days: Floats
    high_days: Floats
    gap_days: Floats


@dataclass(frozen=True)
class Rhythm:
    """A fitted rhythm of a shop.

    Attributes:
        mean: Mean log gap in days. within, between: Standard deviations of a gap around its
            unit's mean, and of unit means around their group's.
        leave: Share of orders after which a unit never comes back.
        group: Numbers of groups, ascending. group_mean: Mean log gap of each, shrunken.
    """

    mean: float
    within: float
    between: float
    leave: float
    group: Ints
    group_mean: Floats

    def due(self, units: Units, window_days: float) -> Due:
        """Return when each unit is due, and its chance within `window_days` from now."""
        centre, spread = self._own(units)
        start = np.log(np.maximum(units.since, LEAST_GAP_DAYS))
        end = np.log(np.maximum(units.since + window_days, LEAST_GAP_DAYS))
        before, by_end = ndtr((start - centre) / spread), ndtr((end - centre) / spread)
        waiting = np.maximum(1 - before, 1e-12)
        comes = (1 - self.leave) * waiting / ((1 - self.leave) * waiting + self.leave)

        def at(share: float) -> Floats:
            level = np.clip(before + share * waiting, 1e-12, 1 - 1e-12)
            days = np.exp(centre + spread * ndtri(level)) - units.since
            return np.asarray(np.maximum(days, 0))

        chance = comes * np.clip((by_end - before) / waiting, 0, 1)
        return Due(units.unit, chance, comes, at(0.1), at(0.9), np.exp(centre))

    def lateness(self, units: Units) -> Floats:
        """Return the share of the unit's usual gaps that would have ended by now, shape (units,)."""
        centre, spread = self._own(units)
        return np.asarray(ndtr((np.log(np.maximum(units.since, LEAST_GAP_DAYS)) - centre) / spread))

    def _own(self, units: Units) -> tuple[Floats, Floats]:
        prior = np.full(len(units.unit), self.mean)
        if len(self.group):
            known = np.searchsorted(self.group, units.group)
            known = np.minimum(known, len(self.group) - 1)
            match = self.group[known] == units.group
            prior = np.where(match, self.group_mean[known], self.mean)
        return _pooled(units, prior, self.within, self.between)


def units_of(
    unit: ArrayLike, time: ArrayLike, *, as_of: float, group: ArrayLike | None = None
) -> Units:
    """Fold orders up to `as_of` into one row a unit; orders on one day count once.

    Args:
        unit: Shape (orders,). Integer number of the person, or of the person and item.
        time: Shape (orders,). Seconds since 1970.
        as_of: Nothing later is read.
        group: Shape (orders,). Integer group of each unit, such as the item.
    """
    when = np.asarray(time, dtype=np.float64).ravel()
    seen = when <= as_of
    who = np.asarray(unit, dtype=np.int64).ravel()[seen]
    kind = np.zeros(len(when), dtype=np.int64) if group is None else np.asarray(group).ravel()
    day = np.floor(when[seen] / DAY_S).astype(np.int64)
    order = np.lexsort((day, who))
    who, day, kind = who[order], day[order], kind[seen][order].astype(np.int64)
    fresh = np.ones(len(who), dtype=bool)
    fresh[1:] = (np.diff(who) != 0) | (np.diff(day) != 0)
    who, day, kind = who[fresh], day[fresh], kind[fresh]
    number, at, n = np.unique(who, return_index=True, return_counts=True)
    row = np.repeat(np.arange(len(number)), n)
    inside = np.diff(row) == 0
    log_gap, mine = np.log(np.diff(day)[inside]), row[1:][inside]

    def per(weight: Floats) -> Floats:
        return np.bincount(mine, weights=weight, minlength=len(number)).astype(np.float64)

    latest = np.full(len(number), np.nan)
    latest[mine] = log_gap
    last = day[at + n - 1] if len(at) else day
    return Units(
        unit=number,
        group=kind[at],
        gaps=per(np.ones(len(mine))),
        log_sum=per(log_gap),
        log_square=per(log_gap**2),
        log_last=latest,
        since=np.maximum(as_of / DAY_S - last, 0).astype(np.float64),
    )


def fit_rhythm(
    unit: ArrayLike, time: ArrayLike, *, as_of: float, group: ArrayLike | None = None
) -> Rhythm:
    """Fit a rhythm to orders up to `as_of`; never raises, even on no order at all.

    Args:
        unit: Shape (orders,). Integer number of the person, or of the person and item.
        time: Shape (orders,). Seconds since 1970.
        as_of: Nothing later is read.
        group: Shape (orders,). Integer group of each unit, such as the item.

    Source:
        Normal means pooled by moments (Efron & Morris 1975, JASA 70); the share that never
        returns by expectation-maximisation, as in cure models (Boag 1949, JRSS B 11).
    """
    units = units_of(unit, time, as_of=as_of, group=group)
    return _fit(units)


def _fit(units: Units) -> Rhythm:
    mean, leave = float(_MEAN), _LEAVE
    within, between = _spreads(units)
    open_log = np.log(np.maximum(units.since, LEAST_GAP_DAYS))
    for _ in range(ROUNDS):
        centre, spread = _pooled(units, mean, within, between)
        z = (open_log - centre) / spread
        still = np.maximum(1 - ndtr(z), 1e-12)
        comes = (1 - leave) * still / ((1 - leave) * still + leave)
        # Gaps still open are longer than those closed: count their expected length too, or
        # a young shop looks faster than it is.
        longer = spread * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / still
        number = units.gaps + comes
        own = (units.log_sum + comes * (centre + longer)) / np.maximum(number, 1e-12)
        # Each unit counts about once: by gaps, the fast ones would speak for all.
        weight = np.where(number > 1e-9, 1 / (between**2 + within**2 / np.maximum(number, 1e-9)), 0)
        hold = _BELIEF / (between**2 + within**2)
        mean = float((weight @ own + hold * _MEAN) / (weight.sum() + hold))
        gone = float(len(comes) - comes.sum())
        total = float(units.gaps.sum()) + len(comes)
        leave = (gone + _BELIEF * _LEAVE) / (total + _BELIEF)
    group, group_mean = _groups(units, mean, within, between)
    return Rhythm(mean, within, between, float(leave), group, group_mean)


def _pooled(
    units: Units, prior: float | Floats, within: float, between: float
) -> tuple[Floats, Floats]:
    """Return each unit's own mean log gap, pooled, and the deviation of its next one."""
    weight, hold = units.gaps / within**2, 1 / between**2
    centre = (units.log_sum / within**2 + prior * hold) / (weight + hold)
    return centre, np.sqrt(within**2 + 1 / (weight + hold))


def _spreads(units: Units) -> tuple[float, float]:
    """Return standard deviations within units and between them, by pulled moments."""
    some = units.gaps > 0
    gaps, own = units.gaps[some], units.log_sum[some] / units.gaps[some]
    inside = float((units.log_square[some] - gaps * own**2).sum())
    free = float((gaps - 1).sum())
    within2 = (max(inside, 0.0) + _DOUBT * _WITHIN**2) / (free + _DOUBT)
    # Var(own mean) = between^2 + within^2 / gaps.
    middle = own.mean() if len(own) else 0.0
    around = float(((own - middle) ** 2 - within2 / gaps).sum())
    between2 = (around + _DOUBT * _BETWEEN**2) / (float(some.sum()) + _DOUBT)
    return float(np.sqrt(max(within2, LEAST))), float(np.sqrt(max(between2, LEAST)))


def _groups(units: Units, mean: float, within: float, between: float) -> tuple[Ints, Floats]:
    group, row = np.unique(units.group, return_inverse=True)
    own = np.divide(units.log_sum, units.gaps, out=np.zeros_like(units.since), where=units.gaps > 0)
    variance = between**2 + within**2 / np.maximum(units.gaps, 1)
    weight = np.where(units.gaps > 0, 1 / variance, 0.0)
    total = np.bincount(row, weights=weight, minlength=len(group))
    pulled = np.bincount(row, weights=weight * own, minlength=len(group))
    raw = np.divide(pulled, total, out=np.full(len(group), mean), where=total > 0)
    sure = total > 0
    apart = float(((raw[sure] - mean) ** 2 - 1 / total[sure]).mean()) if sure.any() else 0.0
    hold = 1 / max(apart, 0.02)
    return group, (pulled + hold * mean) / (total + hold)
