"""Limits that people share, as prices: the human's minutes, the lines, and variety (law 9).

The planner fills the list from the best candidate down, as far as lines, minutes and variety
go. A price is what the first candidate left outside would have paid for one more unit: at
these prices the chosen are worth it and the others are not. Prices are in grid steps, are
recorded with each decision and subtracted from its scores; where they cannot tell two
contacts apart, the reserve does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

LINES, MINUTES, WHAT = "today/lines", "today/minutes", "today/what/"
NEVER = -(1 << 60)
"""The score of what is no candidate."""

_CIRCLE = 200_000
"""Only so many of the best candidates are looked at; a list is a few dozen lines."""


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


@dataclass(frozen=True)
class Plan:
    """Which column each planned row gets, and prices in grid steps a unit, by counter."""

    columns: dict[int, int]
    prices: dict[str, int] = field(default_factory=dict)


def plan(wanted: Wanted, limits: Limits) -> Plan:
    """Fill the list and find the prices that go with it; a limit that does not bind has none.

    Example:
        >>> one = np.array
        >>> plan(Wanted(one([[9], [7], [5]]), one([[2], [2], [2]]), one([[1], [2], [3]])), Limits(2))
        Plan(columns={0: 0, 1: 0}, prices={'today/lines': 5})
    """
    pairs = _Pairs.of(wanted)
    if not limits.minutes:
        return pairs.fill(limits, 0)[0]
    found, minutes = pairs.fill(limits, 0)
    if minutes <= limits.minutes:
        return found
    low, high = 0, int(pairs.scores.max())
    while high - low > 1:
        middle = (low + high) // 2
        if pairs.fill(limits, middle)[1] <= limits.minutes:
            high = middle
        else:
            low = middle
    return pairs.fill(limits, high)[0]


@dataclass(frozen=True)
class _Pairs:
    """Every (person, candidate) worth something, as flat columns of one length."""

    rows: Any
    columns: Any
    scores: Any
    minutes: Any
    groups: Any

    @classmethod
    def of(cls, wanted: Wanted) -> _Pairs:
        rows, columns = np.nonzero(wanted.scores > 0)
        scores = wanted.scores[rows, columns]
        if len(scores) > _CIRCLE:
            best = np.sort(np.argpartition(-scores, _CIRCLE)[:_CIRCLE])
            rows, columns, scores = rows[best], columns[best], scores[best]
        return cls(
            rows, columns, scores, wanted.minutes[rows, columns], wanted.groups[rows, columns]
        )

    def fill(self, limits: Limits, minute: int) -> tuple[Plan, int]:
        """The plan at a price of the minute, and the minutes it takes."""
        paid = self.scores - minute * self.minutes
        order = np.argsort(-paid, kind="stable")
        order = order[paid[order] > 0]
        aim = min(limits.lines, len(order))
        while True:
            taken = self._taken(order, aim, limits.same(aim))
            if len(taken) == aim:
                break
            # Fewer lines leave each subject fewer: aim at what can be filled.
            aim = max(len(taken), aim - 1) if len(taken) < aim - 1 else aim - 1
        prices = self._prices(paid, order, taken, limits.same(aim), aim == limits.lines)
        prices |= {MINUTES: minute} if minute else {}
        columns = {int(self.rows[k]): int(self.columns[k]) for k in taken}
        return Plan(columns, dict(sorted(prices.items()))), int(self.minutes[taken].sum())

    def _taken(self, order: Any, lines: int, most: int) -> list[int]:
        taken: list[int] = []
        rows: set[int] = set()
        counts: dict[int, int] = {}
        columns = zip(
            order.tolist(), self.rows[order].tolist(), self.groups[order].tolist(), strict=True
        )
        for k, row, group in columns:
            if len(taken) == lines:
                break
            if row not in rows and counts.get(group, 0) < most:
                taken.append(k)
                rows.add(row)
                counts[group] = counts.get(group, 0) + 1
        return taken

    def _prices(
        self, paid: Any, order: Any, taken: list[int], most: int, full: bool
    ) -> dict[str, int]:
        """What the first candidate outside would have paid: for a line, for a full subject."""
        groups, counts = np.unique(self.groups[taken], return_counts=True)
        crowded = groups[counts >= most]
        outside = order[~np.isin(self.rows[order], self.rows[taken])]
        free = outside[~np.isin(self.groups[outside], crowded)]
        line = int(paid[free[0]]) if full and len(free) else 0
        prices = {LINES: line} if line else {}
        for group in crowded.tolist():
            waiting = outside[self.groups[outside] == group]
            price = int(paid[waiting[0]]) - line if len(waiting) else 0
            if price > 0:
                prices[f"{WHAT}{group}"] = price
        return prices


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
    aim, kept = min(len(order), limits.lines), _filled(order, limits, min(len(order), limits.lines))
    while len(kept) < aim:
        # Fewer lines than aimed at leave each subject fewer: aim lower until it fits.
        aim -= 1
        kept = _filled(order, limits, aim)
    return sorted(kept, key=lambda line: (-line.score, line.item, line.person))


def _filled(order: list[Line], limits: Limits, aim: int) -> list[Line]:
    kept: list[Line] = []
    counts: dict[int, int] = {}
    minutes = 0
    for line in order:
        late = limits.minutes and minutes + line.minutes > limits.minutes
        if len(kept) < aim and counts.get(line.group, 0) < limits.same(aim) and not late:
            kept.append(line)
            counts[line.group] = counts.get(line.group, 0) + 1
            minutes += line.minutes
    return kept
