"""Limits that people share, as prices: the human's minutes, the lines, and variety (law 9).

A price is what one unit of a limit costs in grid steps. It is solved beforehand on the
columns of the whole shop, recorded with each decision, and subtracted from the score, so
that a person is listed where she is worth it at these prices. A hard reserve backs it up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

LINES, MINUTES, WHAT = "today/lines", "today/minutes", "today/what/"
NEVER = -(1 << 60)
"""The score of what is no candidate."""

_ROUNDS = 400
_SHORTLIST = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """What the list may take. `share` is the largest share of lines with one `what`."""

    lines: int
    minutes: int = 0
    share: float = 1.0

    def same(self, lines: int) -> int:
        """How many of so many lines may share one `what`; one always may."""
        return max(1, int(self.share * lines + 1e-9))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Columns of shape (people, candidates).

    Grid scores (NEVER where there is no candidate or a guard removed it), the human's
    minutes, and what lines are counted by.
    """

    scores: Any
    minutes: Any
    groups: Any

    def rows(self, rows: Any) -> Wanted:
        """Some of the people."""
        return Wanted(self.scores[rows], self.minutes[rows], self.groups[rows])


def solve(wanted: Wanted, limits: Limits) -> dict[str, int]:
    """Prices in grid steps a unit, by counter; a limit that does not bind has none.

    Only the people with the best raw scores can come into a short list, so the rest is left
    out; where variety needs more of them, the circle is drawn wider until it does not.

    Example:
        >>> one = np.array
        >>> solve(Wanted(one([[9], [7], [5]]), one([[2], [2], [2]]), one([[1], [2], [3]])), Limits(2))
        {'today/lines': 5}
    """
    best = wanted.scores.max(axis=1) if len(wanted.scores) else np.zeros(0, np.int64)
    worth = np.flatnonzero(best > 0)
    size = _SHORTLIST * max(limits.lines, 10)
    while True:
        rows = worth
        if size < len(worth):
            floor = np.partition(best[worth], len(worth) - size)[len(worth) - size]
            rows = worth[best[worth] >= floor]
        prices, chosen = _solve(wanted.rows(rows), limits)
        lowest = prices.get(LINES, 0)
        # Nobody left out can beat the price of a line: the circle was wide enough.
        if len(rows) == len(worth) or lowest >= int(best[rows].min()):
            return prices
        if chosen >= limits.lines and not limits.minutes and size >= len(worth) // 2:
            return prices
        size *= 4


def _solve(wanted: Wanted, limits: Limits) -> tuple[dict[str, int], int]:
    if not limits.minutes:
        return _with_minute_price(wanted, limits, 0)[:2]
    prices, chosen, minutes = _with_minute_price(wanted, limits, 0)
    if minutes <= limits.minutes:
        return prices, chosen
    low, high = 0, int(max(wanted.scores.max(), 1))
    while high - low > 1:
        middle = (low + high) // 2
        if _with_minute_price(wanted, limits, middle)[2] <= limits.minutes:
            high = middle
        else:
            low = middle
    return _with_minute_price(wanted, limits, high)[:2]


def _with_minute_price(
    wanted: Wanted, limits: Limits, minute: int
) -> tuple[dict[str, int], int, int]:
    """Raise prices of lines and of single groups until nothing is asked for too often."""
    paid = np.where(wanted.scores > NEVER, wanted.scores - minute * wanted.minutes, NEVER)
    of_group: dict[int, int] = {}
    line = chosen = minutes = 0
    for _ in range(_ROUNDS):
        column = paid.argmax(axis=1)
        best = np.take_along_axis(paid, column[:, None], 1)[:, 0]
        line = _threshold(best, limits.lines)
        inside = best > line
        chosen = int(inside.sum())
        minutes = int(np.take_along_axis(wanted.minutes, column[:, None], 1)[inside].sum())
        group = np.take_along_axis(wanted.groups, column[:, None], 1)[:, 0]
        over = _most_wanted(group[inside], limits.same(chosen))
        if not over:
            break
        step = _margin(paid, wanted.groups == over, line, limits.same(chosen))
        paid = np.where(wanted.groups == over, np.maximum(paid - step, NEVER), paid)
        of_group[over] = of_group.get(over, 0) + step
    prices = {LINES: line, MINUTES: minute} | {f"{WHAT}{g}": p for g, p in of_group.items()}
    return {counter: price for counter, price in sorted(prices.items()) if price}, chosen, minutes


def _threshold(best: Any, lines: int) -> int:
    if (best > 0).sum() <= lines:
        return 0
    place = len(best) - lines - 1
    return int(np.partition(best, place)[place])


def _most_wanted(groups: Any, most: int) -> int:
    found, counts = np.unique(groups, return_counts=True)
    if not len(found) or counts.max() <= most:
        return 0
    return int(found[counts.argmax()])


def _margin(paid: Any, inside: Any, line: int, most: int) -> int:
    """By how much a group must rise so that at most so many still prefer it."""
    own = np.where(inside, paid, NEVER).max(axis=1)
    other = np.maximum(np.where(inside, NEVER, paid).max(axis=1), line)
    margins = np.sort((own - other)[own > NEVER])[::-1]
    return max(int(margins[most]) + 1, 1) if len(margins) > most else 1


@dataclass(frozen=True, slots=True)
class Line:
    """A person the policy chose, as the reserve sees her."""

    person: int
    item: int
    score: int
    minutes: int
    group: int
    explored: bool = False


def within(lines: list[Line], limits: Limits) -> list[Line]:
    """The lines that the limits have room for, best first: what is asked of the reserve.

    Lines that chance chose come first, else no exploration would ever be seen; the policy
    keeps them few.
    """
    order = sorted(lines, key=lambda line: (not line.explored, -line.score, line.item, line.person))
    kept: list[Line] = []
    minutes = 0
    for line in order:
        if len(kept) < limits.lines and (
            not limits.minutes or minutes + line.minutes <= limits.minutes
        ):
            kept.append(line)
            minutes += line.minutes
    while True:
        over = _most_wanted(np.array([k.group for k in kept]), limits.same(len(kept)))
        if not over:
            return sorted(kept, key=lambda line: (-line.score, line.item, line.person))
        kept.remove(next(line for line in reversed(kept) if line.group == over))
