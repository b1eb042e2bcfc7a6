"""What people with such a history bought for the first time in the month after.

The other sources say what goes with a history; this one says what came next, because it is
fitted on the last month's new purchases from the histories before that month.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from renwei.learn.taste.said import Some
from renwei.learn.taste.source import Evidence, Links, State
from renwei.learn.taste.table import DAY_US, Asked, Csr, Floats, Ints, Past, binary

MOST_PEOPLE = 3_000


@dataclass(frozen=True)
class Sequel(State):
    """A ridge regression in its dual form, over people.

    Attributes:
        histories: Row i (an item) leads to the people who had it before the month.
        inverse: Shape (p, p). Of their common items plus the ridge.
        after: Row p leads to what this person bought for the first time in the month.
    """

    histories: Links
    inverse: Floats
    after: Links
    name: ClassVar[str] = "sequel"

    @classmethod
    def fit(
        cls,
        past: Past,
        as_of_us: int,
        *,
        days: float = 30.0,
        l2: float = 300.0,
        most: int = MOST_PEOPLE,
    ) -> Sequel:
        """Fit on the goal rows before `as_of_us`; the last `days` are what is foreseen.

        Args:
            past: Interactions; later rows are dropped.
            as_of_us: The moment.
            days: Length of the month.
            l2: Ridge.
            most: People who are learnt from, the most active in the month.
        """
        past = past.before(as_of_us).goals()
        edge = as_of_us - int(days * DAY_US)
        before = binary(past.before(edge).matrix())
        month = binary(past.between(edge, as_of_us).matrix())
        new = (month - month.multiply(before)).tocsr()
        new.eliminate_zeros()
        size = np.asarray(new.sum(1)).ravel()
        size[np.asarray(before.sum(1)).ravel() == 0] = 0
        people = np.sort(np.argsort(-size, kind="stable")[: min(most, int((size > 0).sum()))])
        before, new = before[people], new[people]
        common = (before @ before.T).toarray().astype(np.float32)
        common[np.diag_indices(len(people))] += np.float32(l2)
        inverse = np.linalg.inv(common) if len(people) else common
        return cls(Links.of(before.T.tocsr()), inverse, Links.of(new))

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items)."""
        alike = (binary(_goals(asked)) @ self.histories.matrix()).toarray()
        # The dense product is done on the smaller side: (people, p) at (p, p), then sparse.
        out: Floats = np.asarray(alike @ self.inverse) @ self.after.matrix()
        return out

    def said(self, asked: Asked) -> Some:
        """The scores of what was bought in the month at all."""
        alike = (binary(_goals(asked)) @ self.histories.matrix()).toarray()
        columns, after = self._bought
        return Some(columns, np.asarray(np.asarray(alike @ self.inverse) @ after))

    @cached_property
    def _bought(self) -> tuple[Ints, Csr]:
        after = self.after.matrix()
        columns = np.unique(after.indices).astype(np.int64)
        return columns, after[:, columns].tocsr()

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """What each row of the history adds; exact."""
        rows = np.arange(asked.ptr[person], asked.ptr[person + 1])
        rows = rows[asked.past.goal[rows]]
        column = np.zeros(len(self.inverse), np.float32)
        bought = self.after.matrix()[:, [item]].tocoo()
        column[bought.row] = bought.data
        toward = self.inverse @ column
        items: Ints = asked.past.item[rows]
        _, same, count = np.unique(items, return_inverse=True, return_counts=True)
        pull = np.zeros(len(rows), np.float32)
        for k, own in enumerate(items):
            people, one = self.histories.row(int(own))
            pull[k] = (one * toward[people]).sum()
        return Evidence.of(rows, (pull / count[same]).astype(np.float32))


def _goals(asked: Asked) -> Csr:
    return asked.past.goals().matrix()
