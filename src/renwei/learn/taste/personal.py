"""What a person buys again: how often, how lately, and whether it is due.

A score is a sum of fading purchases times how much more often an item comes back at this share
of its usual interval than on average; the table of those shares is counted on the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from renwei.learn.taste.said import Few
from renwei.learn.taste.source import Evidence, State
from renwei.learn.taste.table import DAY_US, Asked, Floats, Ints, Past

EDGES = np.array([0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0], np.float32)
PRIOR_GAPS, PRIOR_RATE = 5.0, 50.0


@dataclass(frozen=True)
class Personal(State):
    """Usual intervals and how often an item comes back at each share of them.

    Attributes:
        gap_days: Shape (items,). Usual days between two purchases by one person.
        due: Shape (10,). What a sum is multiplied by, by share of the interval since.
        half_life_days: Of a purchase.
    """

    gap_days: Floats
    due: Floats
    half_life_days: float
    name: ClassVar[str] = "personal"

    @classmethod
    def fit(
        cls, past: Past, as_of_us: int, *, half_life_days: float = 180.0, days: float = 30.0
    ) -> Personal:
        """Count on the goal rows before `as_of_us`; the last `days` say what came back."""
        past = past.before(as_of_us).goals()
        gap = gaps(past)
        edge = as_of_us - int(days * DAY_US)
        pair, last = last_of_pairs(past.before(edge))
        due = np.ones(len(EDGES) + 1, np.float32)
        if len(pair):
            later = past.between(edge, as_of_us)
            back = np.isin(pair, later.user * past.items + later.item)
            since = ((edge - last) / DAY_US).astype(np.float32)
            place = np.digitize(since / gap[pair % past.items], EDGES)
            n = np.bincount(place, minlength=len(due))
            mean = back.mean()
            rate = (np.bincount(place, back, len(due)) + PRIOR_RATE * mean) / (n + PRIOR_RATE)
            due = (rate / mean).astype(np.float32) if mean > 0 else due
        return cls(gap, due, half_life_days)

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items); 0 for what somebody never bought."""
        out: Floats = self.said(asked).rows.toarray()
        return out

    def said(self, asked: Asked) -> Few:
        """The scores without an array of all items."""
        goals = asked.past.goals()
        fade = np.exp2(-goals.age_days(asked.as_of_us) / np.float32(self.half_life_days))
        rows = goals.matrix((goals.weight * fade).astype(np.float32))
        # Both are in the order of person and item.
        pair, last = last_of_pairs(goals)
        rows.data *= self._due(pair % max(goals.items, 1), last, asked.as_of_us)
        return Few(rows)

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """The purchases of the item itself; exact, while the last one stays."""
        rows = np.arange(asked.ptr[person], asked.ptr[person + 1])
        rows = rows[(asked.past.item[rows] == item) & asked.past.goal[rows]]
        if not len(rows):
            return None
        last = asked.past.at_us[rows].max(keepdims=True)
        due = self._due(np.array([item]), last, asked.as_of_us)[0]
        return Evidence.of(rows, asked.row_weights(self.half_life_days)[rows] * due)

    def _due(self, item: Ints, last_us: Ints, as_of_us: int) -> Floats:
        since = ((as_of_us - last_us) / DAY_US).astype(np.float32)
        due: Floats = np.asarray(self.due)[np.digitize(since / self.gap_days[item], EDGES)]
        return due


def last_of_pairs(past: Past) -> tuple[Ints, Ints]:
    """Each (user, item) as user * items + item, ascending, and its last time."""
    key = past.user * max(past.items, 1) + past.item
    pair, place = np.unique(key, return_inverse=True)
    last = np.full(len(pair), np.iinfo(np.int64).min)
    np.maximum.at(last, place, past.at_us)
    return pair.astype(np.int64), last


def gaps(past: Past) -> Floats:
    """Usual days between two purchases of an item by one person, shape (items,), at least 1.

    An item with few such intervals borrows the mean of all.
    """
    key = past.user * max(past.items, 1) + past.item
    order = np.lexsort((past.at_us, key))
    key, at = key[order], past.at_us[order]
    again = np.flatnonzero((np.diff(key) == 0) & (np.diff(at) > DAY_US // 2))
    gap = (at[again + 1] - at[again]) / DAY_US
    item = key[again] % max(past.items, 1)
    usual = gap.mean() if len(gap) else 60.0
    n = np.bincount(item, minlength=past.items)
    total = np.bincount(item, gap, past.items)
    out: Floats = np.maximum((total + PRIOR_GAPS * usual) / (n + PRIOR_GAPS), 1.0)
    return out.astype(np.float32)
