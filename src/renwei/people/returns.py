"""Which order a return belongs to, where the file does not say (credit notes of their own)."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def given_back(
    orders: tuple[Ints, Ints, Ints], returns: tuple[Ints, Ints, Ints]
) -> tuple[Ints, Ints, Ints]:
    """Book each return on orders of the same person that came before it.

    A return that equals an order to the cent takes that order; else the latest orders give
    until it is used up. What finds no order is left out: no order turns negative. Only what
    came before a return decides where it goes, so a later event never changes an earlier
    booking.

    Args:
        orders: Columns person, at_us, value of shape (orders,).
        returns: Columns person, at_us, amount (positive) of shape (returns,).

    Returns:
        Columns order (row of `orders`), at_us and amount of the bookings.

    Example:
        >>> one = lambda *v: np.array(v)
        >>> [c.tolist() for c in given_back((one(7, 7), one(1, 2), one(500, 300)),
        ...                                 (one(7), one(5), one(500)))]
        [[0], [5], [500]]
    """
    person, at, value = orders
    wanted = set(np.unique(returns[0]).tolist()) - {0}
    mine = np.flatnonzero(np.isin(person, list(wanted)))
    mine = mine[np.lexsort((mine, at[mine]))]
    history: dict[int, tuple[list[int], list[int]]] = {who: ([], []) for who in wanted}
    for row, who, when in zip(mine.tolist(), person[mine].tolist(), at[mine].tolist(), strict=True):
        history[who][0].append(when)
        history[who][1].append(row)
    left = value.tolist()
    booked: list[tuple[int, int, int]] = []
    sequence = np.lexsort((returns[2], returns[1]))
    for who, when, amount in zip(*(c[sequence].tolist() for c in returns), strict=True):
        if who:
            times, rows = history[who]
            before = rows[: bisect_right(times, when)]
            booked += [(row, when, part) for row, part in _book(before, amount, left)]
    table = np.array(booked, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _book(before: list[int], amount: int, left: list[int]) -> list[tuple[int, int]]:
    for row in reversed(before):
        if left[row] == amount:
            left[row] = 0
            return [(row, amount)]
    parts = []
    for row in reversed(before):
        part = min(left[row], amount)
        if part > 0:
            left[row] -= part
            amount -= part
            parts.append((row, part))
        if not amount:
            break
    return parts
