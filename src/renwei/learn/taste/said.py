"""What sources say of people where items are too many for an array of people times items.

Three shapes: few items of each person, the same items of every person, and one list for all.
Each tells the scores of given pairs, and which items it puts first; below, arrays do the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from renwei.learn.taste.table import Asked, Bools, Csr, Floats, Ints

MOST_CELLS = 1_000_000
"""People at once times items: what an array of scores may hold."""
MOST_DENSE = 10_000
"""Items above which no such array is made."""
MOST_AT_ONCE = 256


@dataclass(frozen=True)
class Gone:
    """What each person has: person k has items item[ptr[k]:ptr[k + 1]], ascending."""

    ptr: Ints
    item: Ints

    @classmethod
    def of(cls, asked: Asked) -> Gone:
        """What they reached the goal for."""
        goals, items = asked.past.goals(), max(asked.past.items, 1)
        key = np.unique(goals.user * items + goals.item)
        return cls(np.searchsorted(key, np.arange(len(asked) + 1) * items), key % items)

    def row(self, person: int) -> Ints:
        """The items of one person."""
        return self.item[self.ptr[person] : self.ptr[person + 1]]

    def has(self, person: Ints, item: Ints) -> Bools:
        """Whether each person has each item; shapes (rows,)."""
        if not len(self.item):
            return np.zeros(len(person), bool)
        most = int(max(self.item.max(), item.max(initial=0))) + 1
        key = np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr)) * most + self.item
        own = person * most + item
        at = np.minimum(np.searchsorted(key, own), len(key) - 1)
        has: Bools = key[at] == own
        return has


class Said(Protocol):
    """Scores of n people, 0 where a source has nothing to say."""

    def at(self, person: Ints, item: Ints) -> Floats:
        """Scores of pairs in the order of people, shape (rows,)."""
        ...

    def first(self, k: int, gone: Gone | None, keep: Bools | None) -> tuple[Ints, Ints]:
        """People and items: the k best of each above 0, without what is gone or not kept."""
        ...


@dataclass(frozen=True)
class Few:
    """A sparse matrix (people, items)."""

    rows: Csr

    def at(self, person: Ints, item: Ints) -> Floats:
        """Scores of pairs in the order of people, shape (rows,)."""
        out = np.zeros(len(item), np.float32)
        # One row at a time in an array of all items: no row needs to be sorted.
        spread = np.zeros(self.rows.shape[1], np.float32)
        ptr = np.searchsorted(person, np.arange(self.rows.shape[0] + 1)).tolist()
        for row, (to, score) in enumerate(_each(self.rows)):
            part = slice(ptr[row], ptr[row + 1])
            spread[to] = score
            out[part] = spread[item[part]]
            spread[to] = 0.0
        return out

    def first(self, k: int, gone: Gone | None, keep: Bools | None) -> tuple[Ints, Ints]:
        """People and items: the k best of each above 0, without what is gone or not kept."""
        shut = np.zeros(self.rows.shape[1], bool)

        def best(row: int) -> Ints:
            to, score = pieces[row]
            own = gone.row(row) if gone is not None else to[:0]
            shut[own] = True
            fine = (score > 0) & ~shut[to]
            shut[own] = False
            if keep is not None:
                fine &= kept_of(keep, row)[to]
            to, score = to[fine], score[fine]
            return to if len(to) <= k else to[np.argpartition(-score, k - 1)[:k]]

        pieces = list(_each(self.rows))
        return _gathered(len(pieces), best)


@dataclass(frozen=True)
class Some:
    """`table` has shape (people, columns); `columns` are its items, ascending, of `items`."""

    columns: Ints
    table: Floats

    def at(self, person: Ints, item: Ints) -> Floats:
        """Scores of pairs in the order of people, shape (rows,)."""
        if not len(self.columns):
            return np.zeros(len(item), np.float32)
        at, known = self._places(item)
        out: Floats = np.where(known, self.table[person, at], np.float32(0.0))
        return out

    def _places(self, item: Ints) -> tuple[Ints, Bools]:
        at = np.minimum(np.searchsorted(self.columns, item), len(self.columns) - 1)
        return at, self.columns[at] == item

    def first(self, k: int, gone: Gone | None, keep: Bools | None) -> tuple[Ints, Ints]:
        """People and items: the k best of each above 0, without what is gone or not kept."""
        k = min(k, len(self.columns))
        none = np.zeros(0, np.int64)
        if not k or not len(self.table):
            return none, none
        table = self.table
        if keep is not None:
            table = np.where(keep[..., self.columns], table, np.float32(0.0))
        elif gone is not None:
            table = table.copy()
        if gone is not None:
            at, known = self._places(gone.item)
            person = np.repeat(np.arange(len(table)), np.diff(gone.ptr))
            table[person[known], at[known]] = 0.0
        top = np.argpartition(-table, k - 1, axis=1)[:, :k]
        has = (np.take_along_axis(table, top, 1) > 0).ravel()
        return np.repeat(np.arange(len(table)), k)[has], self.columns[top.ravel()[has]]


@dataclass(frozen=True)
class Same:
    """Person k is told lists[which[k]], shape (lists, items); orders[w] are its items above 0."""

    lists: Floats
    which: Ints
    orders: Callable[[int], Ints]

    def at(self, person: Ints, item: Ints) -> Floats:
        """Scores of pairs in the order of people, shape (rows,)."""
        out: Floats = np.asarray(self.lists)[self.which[person], item]
        return out

    def first(self, k: int, gone: Gone | None, keep: Bools | None) -> tuple[Ints, Ints]:
        """People and items, the best first; without what is gone or not kept."""
        kept: dict[int, Ints] = {}

        def best(row: int) -> Ints:
            own = gone.row(row) if gone is not None else self.which[:0]
            which = int(self.which[row])
            if which not in kept or (keep is not None and keep.ndim == 2):
                order = self.orders(which)
                kept[which] = order if keep is None else order[kept_of(keep, row)[order]]
            order = kept[which][: k + len(own)]
            return order[~np.isin(order, own)][:k]

        return _gathered(len(self.which), best)


Heard = Mapping[str, Any]
"""By source: an array of shape (people, items), or what was `Said`."""


def at(said: Said | Floats, person: Ints, item: Ints) -> Floats:
    """Scores of pairs in the order of people, of an array as well, shape (rows,)."""
    if isinstance(said, np.ndarray):
        out: Floats = said[person, item]
        return out
    return said.at(person, item)


def kept_of(keep: Bools, person: int) -> Bools:
    """What may be shown to one person, of shape (items,)."""
    return keep if keep.ndim == 1 else keep[person]


def in_parts(asked: Asked) -> Iterator[tuple[slice, Asked]]:
    """As many people at once as scores have room for."""
    items = asked.past.items
    room = MOST_AT_ONCE if items > MOST_DENSE else max(MOST_CELLS // max(items, 1), 1)
    if len(asked) <= room:
        yield slice(0, len(asked)), asked
        return
    for start in range(0, len(asked), room):
        part = slice(start, min(start + room, len(asked)))
        yield part, asked.part(part)


def _each(rows: Csr) -> Iterator[tuple[Ints, Floats]]:
    ptr = rows.indptr.tolist()
    for begin, end in itertools.pairwise(ptr):
        yield rows.indices[begin:end], rows.data[begin:end]


def _gathered(people: int, best: Callable[[int], Ints]) -> tuple[Ints, Ints]:
    found = [best(row) for row in range(people)]
    person = np.repeat(np.arange(people), [len(one) for one in found])
    return person, np.concatenate(found).astype(np.int64) if found else person
