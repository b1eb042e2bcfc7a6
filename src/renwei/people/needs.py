"""Who will need which item when: own gaps pooled with the item's, the item's with the shop's.

A gap is the time between two orders of the same item by the same person. Its logarithm is
taken as normal, with a mean of the person and item that leans on the item's, and the item's
on the shop's (one-way random effects, twice). Whether somebody buys an item again at all is
a chance of its own, so that what is never used up is never called due.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from renwei.learn.cells import DAY_S
from renwei.people.features import Floats
from renwei.people.frame import DAY_US, Ints, Lines, Orders

_LEAST_BUYERS = 3
_MOST_A_PERSON = 40
_MIN_GAP_DAYS = 2.0
_LEAST_WINDOW_DAYS = 6.0
_FARTHEST_DAYS = 1_825.0
_LONGEST_DAYS = 730.0


@dataclass(frozen=True)
class Purchases:
    """Distinct days on which a person bought an item; sorted by person, item, day.

    Columns of shape (purchases,); `pair` numbers the person-item pairs from 0 up and
    `begin` is the first row of each pair.
    """

    person: Ints
    item: Ints
    at_us: Ints
    quantity: Ints
    pair: Ints
    begin: Ints

    @property
    def last(self) -> Ints:
        """The last row of each pair."""
        return np.append(self.begin[1:], len(self.pair)) - 1 if len(self.begin) else self.begin


@dataclass(frozen=True)
class Rhythms:
    """What the shop's gaps say.

    Attributes:
        item: Shape (items,), ascending. buyers, again, orders: People who bought it, who did
            so more than once, and purchases in all. last_us: The latest purchase.
        log_gap: Mean log gap of each item, pooled. repeats: Chance that a purchase is
            followed by another. used_up: Whether it counts as bought repeatedly.
        within: Spread of log gaps within a person and item; between: of persons round items.
        per_quantity: How the gap grows with log quantity.
    """

    item: Ints
    buyers: Ints
    again: Ints
    orders: Ints
    last_us: Ints
    log_gap: Floats
    repeats: Floats
    used_up: np.ndarray[tuple[int], np.dtype[np.bool_]]
    within: float
    between: float
    per_quantity: float


def purchases(orders: Orders, lines: Lines) -> Purchases:
    """Fold lines of counted orders into purchases of items by persons."""
    keep = (orders.person[lines.order] != 0) & (lines.item > 0) & (lines.quantity > 0)
    row, item, quantity = lines.order[keep], lines.item[keep], lines.quantity[keep]
    person, at = orders.person[row], orders.at_us[row]
    order = np.lexsort((at, item, person))
    person, item, at, quantity = person[order], item[order], at[order], quantity[order]
    day = at // DAY_US
    same_pair = np.zeros(len(at), dtype=bool)
    same_pair[1:] = (person[1:] == person[:-1]) & (item[1:] == item[:-1])
    fresh = np.ones(len(at), dtype=bool)
    fresh[1:] = ~same_pair[1:] | (day[1:] != day[:-1])
    first = np.flatnonzero(fresh)
    amount = np.add.reduceat(quantity, first) if len(first) else quantity
    new_pair = ~same_pair[first]
    pair = np.cumsum(new_pair) - 1
    return Purchases(person[first], item[first], at[first], amount, pair, np.flatnonzero(new_pair))


def learn_rhythms(bought: Purchases, at_us: int) -> Rhythms:
    """Pool gaps over people and items."""
    item, of_item = np.unique(bought.item, return_inverse=True)
    n, last = len(item), bought.last
    times = last - bought.begin + 1
    pair_item = of_item[bought.begin]
    buyers = np.bincount(pair_item, minlength=n)
    again = np.bincount(pair_item, weights=times > 1, minlength=n).astype(np.int64)
    orders = np.bincount(of_item, minlength=n)
    latest = np.zeros(n, dtype=np.int64)
    np.maximum.at(latest, of_item, bought.at_us)
    later, gap, quantity = _gaps(bought)
    slope = _slope(quantity, gap)
    level = gap - slope * quantity
    within, between = spreads(level, bought.pair[later])
    log_gap = _pooled_items(level, of_item[later], n, within + between)
    spread = np.sqrt(within + between)
    repeats = _repeats(bought, pair_item, (at_us, log_gap, spread))
    used_up = (again >= _LEAST_BUYERS) & (repeats >= max(0.15, 0.35 * _typical(repeats, again)))
    return Rhythms(
        item, buyers, again, orders, latest, log_gap, repeats, used_up,
        float(np.sqrt(within)), float(np.sqrt(between)), slope,
    )  # fmt: skip


@dataclass(frozen=True)
class Needs:
    """Rows (person, item) sorted by person and falling chance; columns of shape (needs,)."""

    person: Ints
    item: Ints
    times: Ints
    quantity: Floats
    last_us: Ints
    cycle_days: Floats
    p: Floats
    due_low_us: Ints
    due_high_us: Ints


def needs_at(bought: Purchases, rhythms: Rhythms, at_us: int, days: int) -> Needs:
    """Chances and windows of the next purchase of every pair whose item is used up.

    Args:
        bought: What had been bought by `at_us`.
        rhythms: Learnt from the same.
        at_us: Now.
        days: Within how many days.
    """
    item = np.searchsorted(rhythms.item, bought.item[bought.begin])
    pair = np.flatnonzero(rhythms.used_up[item]) if len(item) else item
    item, begin, last = item[pair], bought.begin[pair], bought.last[pair]
    times = last - begin + 1
    mean, spread = _own(bought, rhythms, pair)
    elapsed = np.maximum((at_us - bought.at_us[last]) / 1e6 / DAY_S, 0.01)
    repeats = _own_repeats(times, rhythms.repeats[item])
    start, end = (ndtr((np.log(e) - mean) / spread) for e in (elapsed, elapsed + days))
    alive = np.maximum(1 - repeats * start, 1e-9)
    p = repeats * (end - start) / alive
    low, high = (_left(mean, spread, start, q) - elapsed for q in (0.3, 0.7))
    # Nobody plans to the hour: a window is a week or so at the least.
    low = np.clip(low, 0, _FARTHEST_DAYS)
    high = np.clip(high, low + _LEAST_WINDOW_DAYS, 2 * _FARTHEST_DAYS)
    quantity = np.add.reduceat(bought.quantity, bought.begin)[pair] / times if len(pair) else mean
    order = np.lexsort((bought.item[begin], -p, bought.person[begin]))
    order = order[_rank(bought.person[begin][order]) < _MOST_A_PERSON]
    due = [at_us + (d * DAY_US).astype(np.int64) for d in (low, high)]
    return Needs(
        bought.person[begin][order], bought.item[begin][order], times[order], quantity[order],
        bought.at_us[last][order], np.exp(mean)[order], p[order], due[0][order], due[1][order],
    )  # fmt: skip


def _gaps(bought: Purchases) -> tuple[Ints, Floats, Floats]:
    """Rows that follow another of their pair, log days since, log quantity bought before."""
    later = (
        np.flatnonzero(bought.pair[1:] == bought.pair[:-1]) + 1 if len(bought.pair) else bought.pair
    )
    days = (bought.at_us[later] - bought.at_us[later - 1]) / 1e6 / DAY_S
    gap = np.log(np.clip(days, _MIN_GAP_DAYS, _LONGEST_DAYS))
    return later, gap, np.log(np.maximum(bought.quantity[later - 1], 1))


def _slope(quantity: Floats, gap: Floats) -> float:
    # Two bottles last longer than one; how much longer the shop's gaps say, between 0 and 1.
    if len(gap) < 30 or quantity.std() < 1e-6:
        return 0.0
    centred = quantity - quantity.mean()
    return float(np.clip(centred @ gap / (centred @ centred + 1.0), 0, 1))


def spreads(level: Floats, group: Ints) -> tuple[float, float]:
    """Variance within and between groups by moments; usual values lean in where data is thin."""
    _, index, count = np.unique(group, return_inverse=True, return_counts=True)
    if not len(level):
        return 0.25, 0.1
    mean = np.bincount(index, weights=level) / count
    inside = float(((level - mean[index]) ** 2).sum())
    free = len(level) - len(count)
    within = (inside + 10 * 0.25) / (free + 10)
    outside = float((count * (mean - level.mean()) ** 2).sum())
    spread = (len(level) - (count**2).sum() / len(level)) or 1.0
    between = (outside - (len(count) - 1) * within) / spread
    return float(within), float(np.clip(between, 0.02, 1.0))


def _pooled_items(level: Floats, item: Ints, n: int, spread: float) -> Floats:
    count = np.bincount(item, minlength=n)
    total = np.bincount(item, weights=level, minlength=n)
    shop = float(level.mean()) if len(level) else np.log(60.0)
    seen = count > 2
    apart = float(np.var(total[seen] / count[seen])) if seen.sum() > 3 else 0.1
    strength = spread / max(apart, 0.02)
    return np.asarray((total + strength * shop) / (count + strength))


def _repeats(bought: Purchases, pair_item: Ints, gaps: tuple[int, Floats, float]) -> Floats:
    """Chance that a purchase is followed by another, counting only time enough to do so."""
    at_us, log_gap, spread = gaps
    n, last = len(log_gap), bought.last
    times = last - bought.begin + 1
    elapsed = np.maximum((at_us - bought.at_us[last]) / 1e6 / DAY_S, 0.01)
    due = ndtr((np.log(elapsed) - log_gap[pair_item]) / spread)
    followed = np.bincount(pair_item, weights=times - 1.0, minlength=n)
    missed = np.bincount(pair_item, weights=due, minlength=n)
    shop = (followed.sum() + 1) / (followed.sum() + missed.sum() + 3)
    return np.asarray((followed + 4 * shop) / (followed + missed + 4))


def _typical(repeats: Floats, again: Ints) -> float:
    seen = again >= _LEAST_BUYERS
    return float(np.quantile(repeats[seen], 0.75)) if seen.any() else 1.0


def _own(bought: Purchases, rhythms: Rhythms, pair: Ints) -> tuple[Floats, Floats]:
    """Mean and spread of the log of the next gap of these pairs."""
    later, gap, quantity = _gaps(bought)
    level = gap - rhythms.per_quantity * quantity
    pairs = len(bought.begin)
    count = np.bincount(bought.pair[later], minlength=pairs)[pair]
    total = np.bincount(bought.pair[later], weights=level, minlength=pairs)[pair]
    item = rhythms.log_gap[np.searchsorted(rhythms.item, bought.item[bought.begin[pair]])]
    within, between = rhythms.within**2, rhythms.between**2
    strength = within / between
    mean = (total + strength * item) / (count + strength)
    known = between * strength / (count + strength)
    mean = mean + rhythms.per_quantity * np.log(np.maximum(bought.quantity[bought.last[pair]], 1))
    return mean, np.sqrt(within + known)


def _own_repeats(times: Ints, item: Floats) -> Floats:
    # Each repeat is a success of this person; two of the item's stand in before.
    return np.asarray((times - 1 + 2 * item) / (times - 1 + 2))


def _left(mean: Floats, spread: Floats, start: Floats, share: float) -> Floats:
    """The gap by which a share of those still waiting will have bought."""
    at = np.clip(start + share * (1 - start), 1e-9, 1 - 1e-9)
    return np.asarray(np.exp(mean + spread * ndtri(at)))


def _rank(group: Ints) -> Ints:
    first = np.ones(len(group), dtype=bool)
    first[1:] = group[1:] != group[:-1]
    begin = np.flatnonzero(first)
    return np.arange(len(group)) - begin[np.cumsum(first) - 1] if len(group) else group
