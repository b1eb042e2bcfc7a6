"""Items that the same people bought, by weighted cosines: the way where items are too many.

Each item keeps its k nearest; the score is a sum over the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from renwei.learn.taste.ease import rising
from renwei.learn.taste.said import MOST_DENSE, Few
from renwei.learn.taste.source import Evidence, Links, State, nearest
from renwei.learn.taste.table import Asked, Csr, Floats, Past, binary

Weighting = Literal["cosine", "tfidf", "bm25"]
MOST_OF_ONE = 2_000
"""Among many items, a person with more of them than this (a reseller) is not listened to."""


@dataclass(frozen=True)
class Neighbours(State):
    """`links` leads from an item in a history to the items that it speaks for.

    `rise`, shape (items,), is what a sum is multiplied by.
    """

    links: Links
    rise: Floats
    half_life_days: float | None
    name: ClassVar[str] = "neighbours"

    @classmethod
    def fit(
        cls,
        past: Past,
        as_of_us: int,
        *,
        weighting: Weighting = "tfidf",
        k: int = 100,
        half_life_days: float | None = None,
        rise_power: float = 0.0,
    ) -> Neighbours:
        """Find each item's k nearest on what happened before `as_of_us`.

        Args:
            past: Interactions; later rows are dropped.
            as_of_us: The moment.
            weighting: How a person counts: alike, less with many items, or by BM25.
            k: Neighbours that an item listens to.
            half_life_days: Of the history that is scored, None: each item once.
            rise_power: As in `Ease.fit`.
        """
        rise = rising(past, as_of_us, rise_power)
        people = heard(binary(past.before(as_of_us).matrix()))
        near = nearest(weighted(people.T.tocsr(), weighting), k)
        return cls(Links.of(near.T.tocsr()), rise, half_life_days)

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items)."""
        history = asked.faded(self.half_life_days)
        return self.of_history(binary(history) if self.half_life_days is None else history)

    def of_history(self, history: Csr) -> Floats:
        """The same of amounts by person and item, sparse (people, items)."""
        out: Floats = (history @ self.links.matrix()).toarray()
        out *= self.rise
        return out

    def said(self, asked: Asked) -> Few:
        """The scores without an array of all items."""
        return self.said_of(_history(asked, self.half_life_days))

    def said_of(self, history: Csr) -> Few:
        """The same of amounts by person and item."""
        rows = history @ self.links.matrix()
        rows.data *= np.asarray(self.rise)[rows.indices]
        return Few(rows)

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """What each row of the history adds; exact."""
        found = linked_why(self.links, asked, (person, item), self.half_life_days)
        return Evidence.of(found.rows, found.amount * self.rise[item])


def heard(people: Csr, most: int = MOST_OF_ONE) -> Csr:
    """Rows of people without those who have too many of many items: each costs their square."""
    if people.shape[1] <= MOST_DENSE:
        return people
    size = np.diff(people.indptr)
    if int(size.max(initial=0)) <= most:
        return people
    rest = people.copy()
    rest.data[np.repeat(size > most, size)] = 0.0
    rest.eliminate_zeros()
    return rest


def weighted(rows: Csr, weighting: Weighting) -> Csr:
    """Rows of length 1 over columns weighted by how rare they are in rows, float32."""
    import scipy.sparse as sp

    if weighting == "bm25":
        k1, b = 1.2, 0.75
        size = np.asarray(rows.sum(1)).ravel()
        grown = k1 * (1 - b + b * size / max(size.mean(), 1e-9))
        row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        rows = rows.copy()
        rows.data = (rows.data * (k1 + 1) / (grown[row] + rows.data)).astype(np.float32)
    if weighting != "cosine":
        often = np.asarray((rows > 0).sum(0)).ravel()
        rare = (np.log(rows.shape[0] / (1.0 + often)) + 1.0).astype(np.float32)
        rows = (rows @ sp.diags(np.maximum(rare, 0.01))).tocsr()
    return unit(rows)


def unit(rows: Csr) -> Csr:
    """Rows of Euclidean length 1; empty ones stay empty."""
    import scipy.sparse as sp

    size = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel())
    return (sp.diags((1.0 / np.maximum(size, 1e-9)).astype(np.float32)) @ rows).tocsr()


def linked_score(links: Links, asked: Asked, half_life_days: float | None) -> Floats:
    """Sums over the histories of what their items lead to, shape (people, items)."""
    out: Floats = linked_said(links, asked, half_life_days).rows.toarray()
    return out


def linked_said(links: Links, asked: Asked, half_life_days: float | None) -> Few:
    """The same without an array of all items."""
    return Few(_history(asked, half_life_days) @ links.matrix())


def linked_why(
    links: Links, asked: Asked, which: tuple[int, int], half_life_days: float | None
) -> Evidence:
    """What each row of one history adds to (person, item)."""
    person, item = which
    rows = np.arange(asked.ptr[person], asked.ptr[person + 1])
    items = asked.past.item[rows]
    strength = links.onto(item, items)
    if half_life_days is None:
        _, same, count = np.unique(items, return_inverse=True, return_counts=True)
        amount = (1.0 / count[same]).astype(np.float32)
    else:
        amount = asked.row_weights(half_life_days)[rows]
    return Evidence.of(rows, strength * amount)


def _history(asked: Asked, half_life_days: float | None) -> Csr:
    history = asked.faded(half_life_days)
    return binary(history) if half_life_days is None else history
