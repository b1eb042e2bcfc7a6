"""Impressions as columns, and what must be told apart of them before anything is counted."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
POSITIONS = 100
"""What stands lower counts as standing there."""
BY_CHANCE = 0.5
"""Whatever had lower odds of its place was put there by chance, not for its score."""
BINS, CLICKS_A_BIN = 24, 25
"""Scores are told apart in so many steps, fewer where so few clicks do not allow it."""


@dataclass(frozen=True, eq=False)
class Impressions:
    """One row an item of a list that somebody was shown: columns of shape (rows,).

    Any numbers serve as names of lists, persons, items, surfaces and sources.

    Attributes:
        shown_in: Which list. person: Whose; intervals cluster on it.
        item: What. position: Where in the list, from 0.
        surface: Which kind of list: each has its own curve.
        source: Whose word the score was. odds: Of the item at its place, in (0, 1].
        score: As it was ranked by. clicked: Whether it was. at_us: When, in microseconds.

    Example:
        >>> one, two = np.zeros(2, np.int64), np.arange(2)
        >>> rows = Impressions(one, one, two, two, one, one, np.ones(2), np.ones(2), two > 0, one)
        >>> len(rows), rows.clicks
        (2, 1)
    """

    shown_in: Ints
    person: Ints
    item: Ints
    position: Ints
    surface: Ints
    source: Ints
    odds: Floats
    score: Floats
    clicked: Bools
    at_us: Ints

    def __post_init__(self) -> None:
        if len({len(getattr(self, one.name)) for one in fields(self)}) > 1:
            raise ValueError("columns of impressions differ in length")

    def __len__(self) -> int:
        """How many."""
        return len(self.item)

    @property
    def clicks(self) -> int:
        """How many were clicked."""
        return int(self.clicked.sum())

    @property
    def explored(self) -> Bools:
        """What chance put there, shape (rows,)."""
        return self.odds < BY_CHANCE

    def pick(self, rows: Bools | Ints) -> Self:
        """Some of them, by mask or places."""
        return replace(self, **{one.name: getattr(self, one.name)[rows] for one in fields(self)})

    def sound(self) -> Self:
        """Each item of a list once, where it stood highest, oldest first.

        The order in which rows were given makes no difference from here on.
        """
        fine = np.isfinite(self.score) & (self.odds > 0) & (self.position >= 0)
        rows = self if fine.all() else self.pick(fine)
        order = np.lexsort((rows.item, rows.position, rows.shown_in, rows.at_us))
        rows = rows.pick(order)
        both = paired(codes(rows.shown_in), codes(rows.item))
        _, first, place = np.unique(both, return_index=True, return_inverse=True)
        clicked = sums(place, rows.clicked, len(first)) > 0
        order = np.argsort(first)
        return replace(rows.pick(first[order]), clicked=clicked[order])


@dataclass(frozen=True, eq=False)
class Coded:
    """Rows by what is counted of them: small numbers from 0, shape (rows,).

    Attributes:
        item: Place in `items`. slot: Surface times POSITIONS, and position.
        stratum: What chose the row where. bin: Stratum with a step of its scores.
        of_bin: Stratum of each bin, shape (bins,).
    """

    items: Ints
    surfaces: Ints
    item: Ints
    slot: Ints
    stratum: Ints
    bin: Ints
    of_bin: Ints

    @classmethod
    def of(cls, rows: Impressions) -> Coded:
        """Number everything; scores in steps of equal size within surface and source."""
        items, item = np.unique(rows.item, return_inverse=True)
        surfaces, surface = np.unique(rows.surface, return_inverse=True)
        chosen = 2 * paired(surface, codes(rows.source)) + rows.explored
        stratum = codes(chosen)
        bins, of_bin = _bins(stratum, rows)
        slot = surface * POSITIONS + np.minimum(rows.position, POSITIONS - 1)
        return cls(items, surfaces, item, slot, stratum, bins, of_bin)


def codes(names: Ints) -> Ints:
    """Small numbers for large ones, shape (rows,)."""
    return np.unique(names, return_inverse=True)[1]


def sums(by: Ints, what: Floats | Bools, n: int) -> Floats:
    """What rows of each number add up to, shape (n,)."""
    return np.bincount(by, what, minlength=n).astype(np.float64)


def paired(one: Ints, other: Ints) -> Ints:
    """One number for two small ones: numbers of persons must be made small first."""
    return one * (int(other.max(initial=0)) + 1) + other


def _bins(stratum: Ints, rows: Impressions) -> tuple[Ints, Ints]:
    n = int(stratum.max(initial=-1)) + 1
    sizes = np.bincount(stratum, minlength=n)
    clicks = sums(stratum, rows.clicked, n)
    many = np.clip(clicks // CLICKS_A_BIN, 1, BINS).astype(np.int64)
    order = np.lexsort((rows.score, stratum))
    sorted_, score = stratum[order], rows.score[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (np.diff(sorted_) != 0) | (np.diff(score) != 0)
    # Steps are narrow where rows are many and where scores are high: there clicks are.
    high = np.maximum(score, 0.0)
    means = sums(sorted_, high, n) / np.maximum(sizes, 1)
    weight = 1.0 + high / np.where(means > 0, means, 1.0)[sorted_]
    before = np.cumsum(weight) - weight
    whole = sums(sorted_, weight, n)
    begins = (np.cumsum(whole) - whole)[sorted_]
    # Rows of one score stand in one step, wherever its first row falls.
    first = np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))
    share = (before[first] - begins) / whole[sorted_]
    step = np.clip((share * many[sorted_]).astype(np.int64), 0, many[sorted_] - 1)
    offsets = np.cumsum(many) - many
    bins = np.empty(len(order), dtype=np.int64)
    bins[order] = offsets[sorted_] + step
    return bins, np.repeat(np.arange(n), many)
