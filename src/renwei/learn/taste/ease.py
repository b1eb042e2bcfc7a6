"""Item to item by a closed form: each item foreseen from all others of the same person.

Rows are people whose interactions fade, divided by a power of their size, so that the shop's
biggest customers do not decide alone; what is foreseen is multiplied by how an item is selling
now over how it sold. The score is an exact sum over the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from renwei.learn.taste.said import Some
from renwei.learn.taste.source import Evidence, State
from renwei.learn.taste.table import Asked, Csr, Floats, Ints, Past, binary

TOO_MANY_ITEMS = 10_000
BLOCK = 512


@dataclass(frozen=True)
class Ease(State):
    """Weights between active items.

    Attributes:
        active: Shape (a,). Items that have weights, ascending.
        weights: Shape (a, a), float32. weights[h, i] is what h in a history adds to i.
        rise: Shape (items,). What a sum is multiplied by.
        half_life_days: Of a history; None does not fade and counts each item once.
    """

    active: Ints
    weights: Floats
    rise: Floats
    half_life_days: float | None
    name: ClassVar[str] = "ease"

    @classmethod
    def fit(
        cls,
        past: Past,
        as_of_us: int,
        *,
        l2: float = 5.0,
        half_life_days: float | None = 90.0,
        size_power: float = 0.5,
        rise_power: float = 0.5,
        most: int = TOO_MANY_ITEMS,
    ) -> Ease:
        """Solve for the weights on what happened before `as_of_us`.

        Args:
            past: Interactions; later rows are dropped.
            as_of_us: The moment.
            l2: Ridge; with size_power 0 a few hundred, with 0.5 a few.
            half_life_days: Of an interaction; None: each (user, item) counts 1.
            size_power: A row is divided by its sum to this power.
            rise_power: The sum is multiplied by (recent over all-time popularity) to this power.
            most: Items kept; the most popular ones. Memory is 8 * most**2 bytes while fitting.

        Source:
            Steck (2019), Embarrassingly shallow autoencoders for sparse data. WWW.
            doi:10.1145/3308558.3313710.
        """
        past = past.before(as_of_us)
        if half_life_days is None:
            rows = binary(past.matrix())
        else:
            fade = np.exp2(-past.age_days(as_of_us) / np.float32(half_life_days))
            rows = past.matrix((past.weight * fade).astype(np.float32))
        heat = np.asarray((rows > 0).sum(0)).ravel()
        active = np.sort(np.argsort(-heat, kind="stable")[: min(most, int((heat > 0).sum()))])
        rows = rows[:, active]
        if size_power:
            rows = over_size(rows, size_power)
        weights = solve(rows, l2)
        rise = rising(past, as_of_us, rise_power)
        return cls(active.astype(np.int64), weights, rise, half_life_days)

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items); sums over the history times the rise."""
        history = asked.faded(self.half_life_days)
        return self.of_history(binary(history) if self.half_life_days is None else history)

    def of_history(self, history: Csr) -> Floats:
        """The same of amounts by person and item, sparse (people, items)."""
        out = np.zeros(history.shape, np.float32)
        out[:, self.active] = history[:, self.active] @ self.weights
        out *= self.rise
        return out

    def said(self, asked: Asked) -> Some:
        """The scores of items that have weights."""
        history = asked.faded(self.half_life_days)
        return self.said_of(binary(history) if self.half_life_days is None else history)

    def said_of(self, history: Csr) -> Some:
        """The same of amounts by person and item."""
        table = np.asarray(history[:, self.active] @ self.weights)
        return Some(np.asarray(self.active), table * np.asarray(self.rise)[self.active])

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """What each row of the history adds; exact."""
        spot = int(np.searchsorted(self.active, item))
        if spot == len(self.active) or self.active[spot] != item:
            return None
        rows = np.arange(asked.ptr[person], asked.ptr[person + 1])
        return Evidence.of(rows, self._amounts(asked, rows, spot) * self.rise[item])

    def _amounts(self, asked: Asked, rows: Ints, spot: int) -> Floats:
        items = asked.past.item[rows]
        if self.half_life_days is None:
            # An item counts once however often it was bought: its rows share it evenly.
            _, same, count = np.unique(items, return_inverse=True, return_counts=True)
            amount = (1.0 / count[same]).astype(np.float32)
        else:
            amount = asked.row_weights(self.half_life_days)[rows]
        at = np.minimum(np.searchsorted(self.active, items), len(self.active) - 1)
        known = self.active[at] == items
        weight: Floats = np.asarray(self.weights[at, spot])
        return np.where(known, amount * weight, np.float32(0.0)).astype(np.float32)


def solve(rows: Csr, l2: float) -> Floats:
    """The weights with a zero diagonal that best rebuild each column from the others.

    Args:
        rows: Sparse (people, items).
        l2: Ridge, > 0.
    """
    from scipy.linalg import lapack

    gram = _gram(rows)
    items = len(gram)
    if not items:
        return gram
    gram[np.diag_indices(items)] += np.float32(l2)
    # Cholesky and its inverse in place: half the work and a quarter of the memory of inv().
    factor, wrong = lapack.spotrf(gram.T, lower=1, overwrite_a=1)
    if wrong:
        raise ValueError(f"the ridge {l2} is too small for these rows")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    # Only the half below the diagonal was written: as rows it is the half above.
    weights: Floats = inverse.T
    for begin in range(0, items, BLOCK):
        part = slice(begin, begin + BLOCK)
        weights[begin:, part] = np.triu(weights[part, begin:]).T
        corner = weights[part, part]
        corner += np.tril(corner, -1).T
    weights *= -1.0 / np.diag(weights)
    weights[np.diag_indices(items)] = 0.0
    return weights


def _gram(rows: Csr) -> Floats:
    """Rows' rows; in parts, because as a sparse matrix it is thrice as large."""
    items = rows.shape[1]
    gram = np.empty((items, items), np.float32)
    across = rows.T.tocsr()
    for begin in range(0, items, BLOCK):
        part = across[begin : begin + BLOCK] @ rows
        part.toarray(out=gram[begin : begin + BLOCK])
    return gram


def over_size(rows: Csr, power: float, least: float = 0.05) -> Csr:
    """Each row divided by its sum to a power; a sum below `least` counts as that."""
    import scipy.sparse as sp

    total = np.maximum(np.asarray(rows.sum(1)).ravel(), least)
    return (sp.diags((total**-power).astype(np.float32)) @ rows).tocsr()


def rising(past: Past, as_of_us: int, power: float, half_life_days: float = 7.0) -> Floats:
    """How each item sells now over how it sold, to a power, shape (items,); 1 at power 0.

    Now is interactions that fade with `half_life_days`; before is its distinct users.
    """
    past = past.before(as_of_us).goals()
    fade = np.exp2(-past.age_days(as_of_us) / half_life_days)
    now = np.bincount(past.item, fade, past.items)
    pairs = np.unique(past.user * past.items + past.item)
    users = np.bincount(pairs % past.items, minlength=past.items) if past.items else now
    rise: Floats = (((now + 0.5) / (users + 5.0)) ** power).astype(np.float32)
    return rise
