"""Rows that belong together, and what an amount that stands on several of them means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from renwei.collect.facts import Facts, Ints, Mask, Money, ids
from renwei.collect.mapping import BUYERS

Mode = Literal["repeated", "summed"]


@dataclass(slots=True)
class Groups:
    """Rows by order. `of` is the order of a row, -1 for rows of none; `numbers` name them."""

    of: Ints
    numbers: list[str]
    missing: Mask
    """Live rows that should have an order number and have none."""

    @property
    def n(self) -> int:
        """How many orders."""
        return len(self.numbers)

    def first(self, where: Mask) -> Ints:
        """The first row of each order among `where`, -1 where there is none."""
        found = np.full(self.n, -1, dtype=np.int64)
        rows = np.flatnonzero(where & (self.of >= 0))[::-1]
        found[self.of[rows]] = rows
        return found

    def count(self, where: Mask) -> Ints:
        """Rows of each order among `where`."""
        inside = where & (self.of >= 0)
        return np.bincount(self.of[inside], minlength=self.n).astype(np.int64)

    def sum(self, values: NDArray[np.int64], where: Mask) -> Ints:
        """Sums over the rows of each order among `where`; exact below 2**53."""
        inside = where & (self.of >= 0)
        total = np.bincount(self.of[inside], weights=values[inside], minlength=self.n)
        return np.rint(total).astype(np.int64)

    def any(self, where: Mask) -> Mask:
        """Orders with a row among `where`."""
        return self.count(where) > 0


def group(facts: Facts) -> Groups:
    """Put rows into orders: by number, else by buyer and time, else each by itself."""
    if "order" in facts.mapped.fields:
        return _by_number(facts)
    return _by_moment(facts)


def _by_number(facts: Facts) -> Groups:
    column = facts.mapped.fields["order"]
    keys = ids(column)
    numbers = sorted(set(keys) - {""})
    place = {number: n for n, number in enumerate(numbers)}
    key = np.array([place.get(k, -1) for k in keys], dtype=np.int64)[column.codes]
    key[~facts.live] = -1
    blank = facts.live & (key < 0)
    if blank.any():
        key = _continued(facts, key, blank)
    return _in_order_of_rows(key, numbers, facts.live & (key < 0))


def _continued(facts: Facts, key: Ints, blank: Mask) -> Ints:
    """A row with items and nothing of an order goes on with the order above it (merged cells)."""
    own = np.zeros(facts.rows, dtype=bool)
    for name in ("created", "paid_at", "paid", "total", "status", *BUYERS):
        own |= facts.present(name)
    item = facts.present("title") | facts.present("code")
    follows = blank & ~own & item
    rows = np.arange(len(key))
    above = np.maximum.accumulate(np.where(facts.live & ~follows, rows, -1))
    return np.where(follows & (above >= 0), key[np.maximum(above, 0)], key)


def _in_order_of_rows(key: Ints, numbers: list[str], missing: Mask) -> Groups:
    """Number the orders as the file has them."""
    first = np.full(len(numbers), len(key), dtype=np.int64)
    rows = np.flatnonzero(key >= 0)[::-1]
    first[key[rows]] = rows
    order = np.argsort(first, kind="stable")
    used = order[first[order] < len(key)]
    rank = np.full(len(numbers) + 1, -1, dtype=np.int64)
    rank[used] = np.arange(len(used))
    return Groups(rank[key], [numbers[n] for n in used], missing)


def _by_moment(facts: Facts) -> Groups:
    """Without numbers: lines of one buyer at one second are one order, days are not enough."""
    fields = facts.mapped.fields
    buyer = next(fields[f] for f in (*BUYERS, "name") if f in fields)
    name = "created" if "created" in facts.times else "paid_at"
    times = facts.times[name]
    live = facts.live & times.has
    exact = bool(((times.seconds % 86_400) != 0)[live].mean() > 0.5) if live.any() else False
    lines = exact and bool({"title", "code"} & fields.keys())
    who = buyer.codes.astype(np.int64)
    _, moment = np.unique(times.seconds, return_inverse=True)
    width = int(moment.max(initial=0)) + 1
    both = who * width + moment
    pair, key = np.unique(both, return_inverse=True)
    labels = ids(buyer)
    nth = np.zeros(facts.rows, dtype=np.int64) if lines else _nth(key, facts.live)
    deep = int(nth.max(initial=0)) + 1
    whole, key = np.unique(key * deep + nth, return_inverse=True)
    sample = np.zeros(len(whole), dtype=np.int64)
    sample[key] = np.arange(len(key))
    numbers = [
        f"{labels[buyer.codes[row]]}-{int(times.seconds[row])}-{int(nth[row]) + 1}"
        for row in sample
    ]
    del pair
    return _in_order_of_rows(np.where(facts.live, key, -1), numbers, np.zeros(facts.rows, bool))


def _nth(key: Ints, live: Mask) -> Ints:
    """How many rows of the same key came before each row."""
    order = np.argsort(np.where(live, key, key.max(initial=0) + 1), kind="stable")
    sorted_key = key[order]
    starts = np.flatnonzero(np.r_[True, sorted_key[1:] != sorted_key[:-1]])
    since = np.arange(len(key)) - np.repeat(starts, np.diff(np.r_[starts, len(key)]))
    nth = np.empty(len(key), dtype=np.int64)
    nth[order] = since
    return nth


def repeats(facts: Facts, groups: Groups) -> Mask:
    """Rows of orders that stand in the file a second time, whole and unchanged.

    Two equal lines within an order are two lines; an order that comes back further down with
    all its rows is an export pasted under itself.
    """
    again = np.zeros(facts.rows, dtype=bool)
    rows = np.flatnonzero(facts.live & (groups.of >= 0))
    if not len(rows):
        return again
    order = groups.of[rows]
    starts = np.flatnonzero(np.r_[True, order[1:] != order[:-1]])
    split = np.bincount(order[starts], minlength=groups.n) > 1
    ends = np.r_[starts[1:], len(rows)]
    seen: set[tuple[tuple[int, ...], ...]] = set()
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if split[order[start]]:
            run = rows[start:end]
            codes = [c.codes[run].tolist() for c in facts.mapped.table.columns]
            key = tuple(zip(*codes, strict=True))
            again[run] = key in seen
            seen.add(key)
    return again


def mode_of(
    money: Money, groups: Groups, rows: Mask, worth: Money | None, prior: Mode = "repeated"
) -> Mode:
    """Whether an amount belongs to the order (and repeats) or to the line (and adds up).

    Judged over all orders in which it stands on several rows: amounts of an order that differ
    belong to lines; amounts that never differ belong to the order, unless their sum is nearer
    to the order's worth by its prices than one of them is.

    Args:
        money: The amounts.
        groups: The orders.
        rows: Rows that count.
        worth: Quantity x price a row, where the file has both.
        prior: The answer when nothing speaks for either.
    """
    has = rows & money.has & (groups.of >= 0)
    count = groups.count(has)
    several = count >= 2
    if not several.any():
        return "repeated"  # one amount an order: both mean the same
    first = groups.first(has)
    value = np.where(first >= 0, money.value[np.maximum(first, 0)], 0)
    differs = groups.count(has & (money.value != value[np.maximum(groups.of, 0)])) > 0
    several &= groups.any(has & (money.value != 0))
    n = int(several.sum())
    if not n:
        return "repeated"
    constant = several & ~differs
    votes = _votes(groups, (money, worth), (has, constant), value) if worth is not None else 0
    share = constant.sum() / n
    if share >= 0.9:
        return "summed" if votes < 0 else "repeated" if votes > 0 or n >= 3 else prior
    if share < 0.5:
        return "summed"
    return "repeated" if votes > 0 else "summed"


def _votes(
    groups: Groups, amounts: tuple[Money, Money], masks: tuple[Mask, Mask], value: Ints
) -> int:
    """Orders whose worth is nearer to one amount (+) less those nearer to the sum (-)."""
    money, worth = amounts
    has, constant = masks
    expected = groups.sum(worth.value, has & worth.has)
    total = groups.sum(money.value, has)
    known = constant & (expected > 0)
    once = np.abs(value - expected)[known]
    added = np.abs(total - expected)[known]
    return int((once < added).sum() - (added < once).sum())


def resolve(money: Money, groups: Groups, rows: Mask, mode: Mode) -> tuple[Ints, Mask, Mask]:
    """One amount an order: (value, known, in conflict)."""
    has = rows & money.has
    known = groups.any(has)
    if mode == "summed":
        return groups.sum(np.where(has, money.value, 0), has), known, np.zeros(groups.n, bool)
    first = groups.first(has)
    value = np.where(first >= 0, money.value[np.maximum(first, 0)], 0)
    differs = groups.any(has & (money.value != value[np.maximum(groups.of, 0)]))
    return value, known, differs
