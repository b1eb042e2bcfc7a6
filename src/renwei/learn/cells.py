"""Orders of many people as distinct (x, t_x, T) cells with a count.

The likelihood of a buy-till-you-die model depends on a person only through the number of
repeat orders, the age at the last one and the age now, so equal people are scored once:
ten million customers in weekly stamps are about a hundred thousand cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_S = 86_400


@dataclass(frozen=True)
class Cells:
    """Distinct histories and how many people share each.

    Attributes:
        x: Shape (cells,). Repeat orders, i.e. orders after the first.
        t_x: Shape (cells,). Age at the last order, 0 where x is 0.
        T: Shape (cells,). Age at the end of the observation, in the unit of t_x.
        count: Shape (cells,). People in the cell.
    """

    x: Floats
    t_x: Floats
    T: Floats
    count: Floats

    @property
    def people(self) -> float:
        """Return how many people the cells hold together."""
        return float(self.count.sum())

    def take(self, rows: Ints) -> Cells:
        """Return the cells with these numbers."""
        return Cells(self.x[rows], self.t_x[rows], self.T[rows], self.count[rows])


@dataclass(frozen=True)
class Histories:
    """What a value model needs to know of each person, one row a person.

    Attributes:
        x: Repeat order days. t_x, T: Age at the last order day and now, in days.
        orders: Order days with money, first included. spend: Mean money of one of them.
        person: The numbers that the rows stand for, ascending.
    """

    x: Floats
    t_x: Floats
    T: Floats
    orders: Floats
    spend: Floats
    person: Ints


def cells_of(x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[Cells, Ints]:
    """Group people with equal histories.

    Args:
        x: Shape (people,). Repeat orders, >= 0.
        t_x: Shape (people,). Age at the last order, 0 <= t_x <= T.
        T: Shape (people,). Age now, in the same unit.

    Returns:
        The cells, and shape (people,) the cell of each person.

    Raises:
        ValueError: Shapes differ, a value is not finite, or 0 <= t_x <= T does not hold.

    Example:
        >>> cells, where = cells_of([0, 1, 0], [0, 2, 0], [5, 5, 5])
        >>> cells.count.tolist(), where.tolist()
        ([2.0, 1.0], [0, 1, 0])
    """
    rows = [np.asarray(a, dtype=np.float64).ravel() for a in (x, t_x, T)]
    if len({len(a) for a in rows}) != 1:
        raise ValueError("x, t_x and T must have one value a person")
    if not all(np.isfinite(a).all() for a in rows):
        raise ValueError("x, t_x and T must be finite")
    if (rows[0] < 0).any() or (rows[1] < 0).any() or (rows[1] > rows[2]).any():
        raise ValueError("x must be >= 0 and 0 <= t_x <= T")
    order = np.lexsort((rows[2], rows[1], rows[0]))
    table = np.column_stack([a[order] for a in rows])
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (table[1:] != table[:-1]).any(axis=1)
    number = np.cumsum(fresh) - 1
    where = np.empty(len(order), dtype=np.int64)
    where[order] = number
    cells = table[fresh]
    count = np.bincount(number, minlength=len(cells)).astype(np.float64)
    return Cells(cells[:, 0], cells[:, 1], cells[:, 2], count), where


def histories(
    person: ArrayLike, time: ArrayLike, value: ArrayLike, *, as_of: float, stamp_s: float = DAY_S
) -> Histories:
    """Fold orders up to and including `as_of` into one history a person.

    Orders of one person with the same stamp (by default: the same UTC day) count as one,
    because the models have no two orders at once.

    Args:
        person: Shape (orders,). Integer number of the person.
        time: Shape (orders,). Seconds since 1970.
        value: Shape (orders,). Money in minor units.
        as_of: Nothing later is read. Seconds since 1970.
        stamp_s: Width of a stamp in seconds.

    Returns:
        One row for each person with an order by then.
    """
    when = np.asarray(time, dtype=np.float64).ravel()
    seen = when <= as_of
    who = np.asarray(person, dtype=np.int64).ravel()[seen]
    stamp = np.floor(when[seen] / stamp_s).astype(np.int64)
    money = np.asarray(value, dtype=np.float64).ravel()[seen]
    order = np.lexsort((stamp, who))
    who, stamp, money = who[order], stamp[order], money[order]
    fresh = np.ones(len(who), dtype=bool)
    fresh[1:] = (who[1:] != who[:-1]) | (stamp[1:] != stamp[:-1])
    begin = np.flatnonzero(fresh)
    total = np.add.reduceat(money, begin) if len(begin) else money
    who, stamp = who[begin], stamp[begin]
    people, at, n = np.unique(who, return_index=True, return_counts=True)
    days = stamp_s / DAY_S
    first, last = stamp[at], stamp[at + n - 1] if len(at) else stamp
    paid = np.bincount(np.repeat(np.arange(len(at)), n), weights=total > 0, minlength=len(at))
    money_of = np.bincount(
        np.repeat(np.arange(len(at)), n), weights=np.maximum(total, 0), minlength=len(at)
    )
    age = np.maximum(np.floor(as_of / stamp_s) - first, 0) * days
    return Histories(
        x=(n - 1).astype(np.float64),
        t_x=((last - first) * days).astype(np.float64),
        T=age.astype(np.float64),
        orders=paid.astype(np.float64),
        spend=np.divide(money_of, paid, out=np.zeros(len(at)), where=paid > 0),
        person=people,
    )
