"""Interactions as columns: who, what, when, how much it counts, at which price.

Two shapes. `Past` is everything that happened before a moment, and sources are fitted on it.
`Asked` is the histories of the people a question is about, and sources are scored on it; one
request is an `Asked` of one person, so that serving and training read the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Csr = Any  # scipy.sparse.csr_matrix, which has no types

DAY_US = 86_400_000_000
BASKET_GAP_US = 30 * 60_000_000
WEIGHTS = {"view": 0.1, "like": 0.3, "wish": 0.4, "cart": 0.5, "purchase": 1.0}


@dataclass(frozen=True)
class Past:
    """Interactions in the order of (user, time, item), columns of shape (rows,).

    Attributes:
        user: Numbers from 0 to users - 1.
        item: Numbers from 0 to items - 1.
        at_us: When, in microseconds since 1970.
        weight: How much it counts; a purchase 1, a look less.
        value: Price of one unit, in one currency; nan where none was seen.
        goal: Whether it is what is to be foreseen (as a rule: a purchase).
        users: How many users there may be.
        items: How many items there may be.
    """

    user: Ints
    item: Ints
    at_us: Ints
    weight: Floats
    value: Floats
    goal: Bools
    users: int
    items: int

    @classmethod
    def of(
        cls,
        user: Sequence[int] | Ints,
        item: Sequence[int] | Ints,
        at_us: Sequence[int] | Ints,
        **more: Any,
    ) -> Past:
        """From columns in any order; what is left out counts 1, has no price and is the goal.

        Raises:
            ValueError: The columns differ in length, or a number is negative.

        Example:
            >>> Past.of([1, 0], [5, 5], [20, 10]).user.tolist()
            [0, 1]
        """
        columns: dict[str, Any] = {
            "user": np.asarray(user, np.int64),
            "item": np.asarray(item, np.int64),
            "at_us": np.asarray(at_us, np.int64),
        }
        n = len(columns["user"])
        blank = {"weight": np.ones(n), "value": np.full(n, np.nan), "goal": np.ones(n, bool)}
        kinds = {"weight": np.float32, "value": np.float32, "goal": np.bool_}
        for name, column in blank.items():
            given = more.get(name)
            columns[name] = np.asarray(column if given is None else given, kinds[name])
        if len({len(column) for column in columns.values()}) != 1:
            raise ValueError("the columns of interactions differ in length")
        if n and min(columns["user"].min(), columns["item"].min()) < 0:
            raise ValueError("users and items are numbers from 0")
        users = int(more.get("users") or (columns["user"].max() + 1 if n else 0))
        items = int(more.get("items") or (columns["item"].max() + 1 if n else 0))
        order = np.lexsort((columns["item"], columns["at_us"], columns["user"]))
        return cls(**{k: column[order] for k, column in columns.items()}, users=users, items=items)

    def __len__(self) -> int:
        """How many rows."""
        return len(self.user)

    def pick(self, rows: Bools | Ints | slice) -> Past:
        """Some rows, which keep their order."""
        taken = {f.name: getattr(self, f.name)[rows] for f in fields(self)[:6]}
        return Past(**taken, users=self.users, items=self.items)

    def before(self, as_of_us: int) -> Past:
        """What had happened before a moment; all that anything here may know of it."""
        return self.pick(self.at_us < as_of_us)

    def between(self, from_us: int, to_us: int) -> Past:
        """What happened in [from_us, to_us)."""
        return self.pick((self.at_us >= from_us) & (self.at_us < to_us))

    def goals(self) -> Past:
        """The goal rows alone."""
        return self if self.goal.all() else self.pick(self.goal)

    def age_days(self, as_of_us: int) -> Floats:
        """How long ago each row was, in days, shape (rows,)."""
        return ((as_of_us - self.at_us) / DAY_US).astype(np.float32)

    def matrix(self, amount: Floats | None = None) -> Csr:
        """Sums of `amount` (default: the weights) by user and item, float32 (users, items)."""
        import scipy.sparse as sp

        amount = self.weight if amount is None else amount
        shape = (self.users, self.items)
        return _float32(sp.coo_matrix((amount, (self.user, self.item)), shape=shape).tocsr())


@dataclass(frozen=True)
class Asked:
    """The histories of n people at a moment, one after the other.

    Attributes:
        ptr: Shape (n + 1,). History of person k is rows ptr[k]:ptr[k + 1], oldest first.
        past: The rows; `past.user` is k.
        as_of_us: The moment; later rows have been dropped.
        known: Shape (n,). The number of each in the fitted past, -1 for somebody new.
        segment: Shape (n,). The segment (country, region, ...), -1 unknown.
    """

    ptr: Ints
    past: Past
    as_of_us: int
    known: Ints
    segment: Ints
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        """How many people."""
        return len(self.ptr) - 1

    @classmethod
    def of(cls, past: Past, users: Ints, as_of_us: int, *, segment: Ints | None = None) -> Asked:
        """The histories of these users of a past; `segment` is by user of the past."""
        users = np.asarray(users, np.int64)
        starts = np.searchsorted(past.user, users)
        ends = np.searchsorted(past.user, users, side="right")
        rows = _ranges(starts, ends)
        who = np.repeat(np.arange(len(users)), ends - starts)
        keep = past.at_us[rows] < as_of_us
        rows, who = rows[keep], who[keep]
        part = past.pick(rows)
        columns = {f.name: getattr(part, f.name) for f in fields(part)[1:6]}
        part = Past(user=who, **columns, users=len(users), items=past.items)
        ptr = np.searchsorted(who, np.arange(len(users) + 1))
        own = np.full(len(users), -1) if segment is None else np.asarray(segment)[users]
        return cls(ptr, part, as_of_us, users, own.astype(np.int64))

    @classmethod
    def one(cls, past: Past, as_of_us: int, *, known: int = -1, segment: int = -1) -> Asked:
        """One person whose whole history is `past`, for one request."""
        part = past.before(as_of_us)
        part = Past(
            **{f.name: getattr(part, f.name) for f in fields(part)[1:6]},
            user=np.zeros(len(part), np.int64),
            users=1,
            items=past.items,
        )
        order = np.lexsort((part.item, part.at_us))
        return cls(
            np.array([0, len(part)]),
            part.pick(order),
            as_of_us,
            np.array([known], np.int64),
            np.array([segment], np.int64),
        )

    def part(self, people: slice) -> Asked:
        """Some people after each other, by their places from `people.start` to `people.stop`."""
        begin, end = int(self.ptr[people.start]), int(self.ptr[people.stop])
        part = self.past.pick(slice(begin, end))
        part = replace(part, user=part.user - people.start, users=people.stop - people.start)
        ptr = self.ptr[people.start : people.stop + 1] - begin
        return Asked(ptr, part, self.as_of_us, self.known[people], self.segment[people])

    def without(self, rows: Ints) -> Asked:
        """The same people, had these rows of their histories not happened."""
        keep = np.ones(len(self.past), bool)
        keep[rows] = False
        part = self.past.pick(keep)
        ptr = np.searchsorted(part.user, np.arange(len(self) + 1))
        return Asked(ptr, part, self.as_of_us, self.known, self.segment)

    def each_without(self, gone: Sequence[Ints]) -> Asked:
        """The first person as many times over, each time without some items of the history.

        Example:
            >>> one = Asked.one(Past.of([0, 0], [3, 5], [1, 2]), 9)
            >>> one.each_without([np.array([3]), np.array([], np.int64)]).past.item.tolist()
            [5, 3, 5]
        """
        own = np.arange(self.ptr[0], self.ptr[1])
        rows = [own[~np.isin(self.past.item[own], items)] for items in gone]
        n = len(rows)
        who = np.repeat(np.arange(n), [len(part) for part in rows])
        part = self.past.pick(np.concatenate(rows) if n else own[:0])
        columns = {f.name: getattr(part, f.name) for f in fields(part)[1:6]}
        part = Past(user=who, **columns, users=n, items=part.items)
        ptr = np.searchsorted(who, np.arange(n + 1))
        known, segment = np.repeat(self.known[:1], n), np.repeat(self.segment[:1], n)
        return Asked(ptr, part, self.as_of_us, known, segment)

    def faded(self, half_life_days: float | None) -> Csr:
        """Weights that fade with a half-life, by person and item, float32 (n, items)."""
        name = f"faded {half_life_days}"
        if name not in self.kept:
            self.kept[name] = self.past.matrix(self.row_weights(half_life_days))
        faded: Csr = self.kept[name]
        return faded

    def row_weights(self, half_life_days: float | None) -> Floats:
        """What each row of the history counts now, shape (rows,)."""
        if half_life_days is None:
            return self.past.weight
        age = self.past.age_days(self.as_of_us)
        now: Floats = self.past.weight * np.exp2(-age / np.float32(half_life_days))
        return now.astype(np.float32)

    def owned(self) -> Bools:
        """Which items each person has the goal behind them for, shape (n, items)."""
        if "owned" not in self.kept:
            has = np.zeros((len(self), self.past.items), bool)
            goals = self.past.goals()
            has[goals.user, goals.item] = True
            self.kept["owned"] = has
        owned: Bools = self.kept["owned"]
        return owned


def binary(matrix: Csr) -> Csr:
    """The same places, each 1."""
    ones = matrix.copy()
    ones.data[:] = 1.0
    return ones


def baskets(past: Past, gap_us: int = BASKET_GAP_US) -> Ints:
    """Number the baskets of rows in order: a pause longer than `gap_us` begins a new one.

    Example:
        >>> baskets(Past.of([0, 0, 0], [1, 2, 1], [0, 60_000_000, 7_200_000_000])).tolist()
        [0, 0, 1]
    """
    if not len(past):
        return np.zeros(0, np.int64)
    fresh = (np.diff(past.user) != 0) | (np.diff(past.at_us) > gap_us)
    return np.concatenate([[0], np.cumsum(fresh)]).astype(np.int64)


def _ranges(starts: Ints, ends: Ints) -> Ints:
    counts = ends - starts
    shift = np.repeat(starts - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    rows: Ints = np.arange(counts.sum()) + shift
    return rows


def _float32(matrix: Csr) -> Csr:
    matrix.sum_duplicates()
    matrix.data = matrix.data.astype(np.float32)
    return matrix
