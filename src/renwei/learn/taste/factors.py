"""People and items as vectors, by alternating least squares; a new history is folded in.

A score is the product of two vectors. With the items fixed, a person's vector is linear in what
they bought given how much they bought, so each score is a sum over the history as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from renwei.learn.taste.said import Some
from renwei.learn.taste.source import Evidence, State
from renwei.learn.taste.table import Asked, Csr, Floats, Ints, Past

MOST_VECTORS = 20_000
"""People, and items, whose vectors are learnt: the most active ones."""


@dataclass(frozen=True)
class Factors(State):
    """Item vectors and what is needed to fold a history in.

    Attributes:
        items: Shape (items, factors), float32; zeros for an item that has no vector.
        gram: Shape (factors, factors). items' items plus the ridge.
        trust: How much an interaction of weight 1 counts over none at all.
        half_life_days: Of an interaction.
    """

    items: Floats
    gram: Floats
    trust: float
    half_life_days: float
    name: ClassVar[str] = "factors"

    @classmethod
    def fit(  # noqa: PLR0913 - each is a knob of the method
        cls,
        past: Past,
        as_of_us: int,
        *,
        factors: int = 48,
        l2: float = 10.0,
        trust: float = 5.0,
        rounds: int = 8,
        half_life_days: float = 180.0,
        begin: Factors | None = None,
        most: int = MOST_VECTORS,
        seed: int = 1,
    ) -> Factors:
        """Alternate between people and items on what happened before `as_of_us`.

        Args:
            past: Interactions; later rows are dropped.
            as_of_us: The moment.
            factors: Length of a vector.
            l2: Ridge.
            trust: Alpha of the source.
            rounds: Of both halves; 4 are enough when beginning from another fit.
            half_life_days: Of an interaction.
            begin: An earlier fit of the same items, to begin from.
            most: People, and items, that get vectors: those with the most that has not faded.
            seed: Of the first vectors.

        Source:
            Hu, Koren, Volinsky (2008), Collaborative filtering for implicit feedback datasets.
            ICDM. doi:10.1109/ICDM.2008.22.
        """
        past = past.before(as_of_us)
        fade = np.exp2(-past.age_days(as_of_us) / np.float32(half_life_days))
        rows = past.matrix((past.weight * fade).astype(np.float32))
        rows = rows[_heaviest(rows, 1, most)]
        known = _heaviest(rows, 0, most)
        rows = rows[:, known]
        columns = rows.T.tocsr()
        own = np.zeros((len(known), factors), np.float32) if begin is None else begin.items[known]
        # Who has no vector from before begins somewhere near nothing.
        blank = ~own.any(1)
        chance = np.random.default_rng(seed)
        own[blank] = chance.normal(0.0, 0.01, (int(blank.sum()), factors)).astype(np.float32)
        for _ in range(rounds):
            people = solve(rows, own, ridged(own, l2), trust)
            own = solve(columns, people, ridged(people, l2), trust)
        items = np.zeros((past.items, factors), np.float32)
        items[known] = own
        return cls(items, ridged(own, l2), trust, half_life_days)

    def fold_in(self, asked: Asked) -> Floats:
        """The vectors of people from their histories, shape (people, factors)."""
        history = asked.faded(self.half_life_days)
        return solve(history, np.asarray(self.items), self.gram, self.trust)

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items)."""
        out: Floats = self.fold_in(asked) @ np.asarray(self.items).T
        return out

    def said(self, asked: Asked) -> Some:
        """The scores of items that have a vector."""
        known, vectors = self._known
        return Some(known, self.fold_in(asked) @ vectors.T)

    @cached_property
    def _known(self) -> tuple[Ints, Floats]:
        items = np.asarray(self.items)
        known = np.flatnonzero(items.any(1))
        return known, np.ascontiguousarray(items[known])

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """What each row of the history adds; exact while the amount of history is given."""
        rows = np.arange(asked.ptr[person], asked.ptr[person + 1])
        if not len(rows):
            return Evidence.of(rows, np.zeros(0, np.float32))
        history = asked.faded(self.half_life_days)[person]
        own = np.asarray(self.items)[history.indices]
        system = self.gram + (own.T * (self.trust * history.data)) @ own
        toward = np.linalg.solve(system, np.asarray(self.items)[item])
        _, same, count = np.unique(asked.past.item[rows], return_inverse=True, return_counts=True)
        # 1 + trust * weight for each item: the 1 is shared by the item's rows.
        amount = 1.0 / count[same] + self.trust * asked.row_weights(self.half_life_days)[rows]
        pull = np.asarray(self.items)[asked.past.item[rows]] @ toward
        return Evidence.of(rows, (amount * pull).astype(np.float32))


def ridged(vectors: Floats, l2: float) -> Floats:
    """Vectors' vectors plus the ridge."""
    gram: Floats = vectors.T @ vectors
    gram[np.diag_indices(len(gram))] += np.float32(l2)
    return gram


def solve(rows: Csr, others: Floats, gram: Floats, trust: float) -> Floats:
    """One half: the vector of each row given the vectors of the columns, float32."""
    n, size = rows.shape[0], others.shape[1]
    out = np.zeros((n, size), np.float32)
    some = np.flatnonzero(np.diff(rows.indptr))
    for start in range(0, len(some), 1024):
        block = some[start : start + 1024]
        systems = np.empty((len(block), size, size), np.float32)
        sides = np.zeros((len(block), size, 1), np.float32)
        for k, row in enumerate(block.tolist()):
            part = slice(rows.indptr[row], rows.indptr[row + 1])
            own = others[rows.indices[part]]
            extra = np.float32(trust) * rows.data[part]
            systems[k] = gram + (own.T * extra) @ own
            sides[k, :, 0] = (1 + extra) @ own
        out[block] = np.linalg.solve(systems, sides)[:, :, 0]
    return out


def _heaviest(rows: Csr, axis: int, most: int) -> Ints:
    """The rows (axis 1) or columns (axis 0) with the largest sums, in their order."""
    total = np.asarray(rows.sum(axis)).ravel()
    order = np.argsort(-total, kind="stable")[:most]
    return np.sort(order[total[order] > 0])
