"""What is known of each person at a moment, from orders up to that moment and nothing later."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from renwei.learn.cells import DAY_S, Floats, Ints

WINDOWS_DAYS = (30, 60, 90, 180)
MONEY_WINDOWS_DAYS = (60, 180)
HALF_LIVES_DAYS = (15, 45, 120)
FADE_DAYS = 60


def rfm_features(
    order_person: ArrayLike,
    order_time: ArrayLike,
    order_value: ArrayLike,
    *,
    as_of: float,
    extra: Mapping[str, ArrayLike] | None = None,
) -> tuple[Ints, dict[str, Floats]]:
    """Fold orders with time <= as_of into named columns, one row a person.

    An order is everything one person placed at one moment of `order_time`; pass one row an
    order. Adding or changing later orders changes nothing: that is what makes a row of the
    past equal to what would have been served then.

    Args:
        order_person: Shape (orders,). Integer number of the person.
        order_time: Shape (orders,). Seconds since 1970.
        order_value: Shape (orders,). Money in minor units.
        as_of: Seconds since 1970.
        extra: Further numbers of each order, such as how many lines it had, shape (orders,);
            each gives a mean, a last and a fading sum.

    Returns:
        Shape (people,) numbers of all people with an order by then, ascending, and columns of
        shape (people,). Times are in days, money in the unit given, nan where one order is not
        enough to say.

    Example:
        >>> person, column = rfm_features([7, 7], [0, 86400 * 10], [500, 300], as_of=86400 * 12)
        >>> person.tolist(), column["recency"].tolist(), column["gap_mean"].tolist()
        ([7], [2.0], [10.0])
    """
    names = sorted(extra or {})
    rows = [order_value, *((extra or {})[name] for name in names)]
    who, when, (money, *others) = _past(order_person, order_time, rows, as_of)
    people, at, n = np.unique(who, return_index=True, return_counts=True)
    if not len(people):
        raise ValueError("nobody has an order by then")
    days = (as_of - when) / DAY_S
    row = np.repeat(np.arange(len(people)), n)

    def per(weight: Floats) -> Floats:
        return np.bincount(row, weights=weight, minlength=len(people)).astype(np.float64)

    orders, last = n.astype(np.float64), at + n - 1
    total = per(money)
    column = {
        "orders": orders,
        "order_days": per(_fresh(who, np.floor(when / DAY_S))),
        "months": per(_fresh(who, np.floor(days / 30))),
        "recency": days[last],
        "age": days[at],
        **_gaps(days, row, n, last),
        "money": total,
        "money_mean": total / orders,
        "money_last": money[last],
        "money_most": np.maximum.reduceat(money, at),
        "money_fading": per(money * np.exp2(-days / FADE_DAYS)),
    }
    column["late"] = column["recency"] / np.maximum(column["gap_mean"], 1.0)
    for width in WINDOWS_DAYS:
        column[f"orders_{width}"] = per((days < width).astype(np.float64))
    for width in MONEY_WINDOWS_DAYS:
        column[f"money_{width}"] = per(np.where(days < width, money, 0.0))
    for life in HALF_LIVES_DAYS:
        column[f"fading_{life}"] = per(np.exp2(-days / life))
    for name, number in zip(names, others, strict=True):
        column[f"{name}_mean"] = per(number) / orders
        column[f"{name}_last"] = number[last]
        column[f"{name}_fading"] = per(number * np.exp2(-days / FADE_DAYS))
    return people, column


def _past(
    order_person: ArrayLike, order_time: ArrayLike, numbers: list[ArrayLike], as_of: float
) -> tuple[Ints, Floats, list[Floats]]:
    when = np.asarray(order_time, dtype=np.float64).ravel()
    seen = when <= as_of
    who = np.asarray(order_person, dtype=np.int64).ravel()[seen]
    columns = [np.asarray(a, dtype=np.float64).ravel()[seen] for a in numbers]
    when = when[seen]
    # The numbers are keys too, so that the order of the rows never shows in a column.
    order = np.lexsort((*columns[::-1], when, who))
    return who[order], when[order], [a[order] for a in columns]


def _fresh(who: Ints, stamp: Floats) -> Floats:
    """Return 1 where a row starts a new stamp of its person, else 0; rows sorted by both."""
    fresh = np.ones(len(who))
    fresh[1:] = (who[1:] != who[:-1]) | (stamp[1:] != stamp[:-1])
    return fresh


def _gaps(days: Floats, row: Ints, n: Ints, last: Ints) -> dict[str, Floats]:
    inside = row[1:] == row[:-1]
    gap, gap_row = (days[:-1] - days[1:])[inside], row[1:][inside]
    gaps, unknown = n - 1, np.full(len(n), np.nan)
    total = np.bincount(gap_row, weights=gap, minlength=len(n))
    mean = np.divide(total, gaps, out=unknown.copy(), where=gaps > 0)
    off = np.bincount(gap_row, weights=(gap - mean[gap_row]) ** 2, minlength=len(n))
    variance = np.divide(off, gaps - 1, out=unknown.copy(), where=gaps > 1)
    latest = unknown.copy()
    many = n > 1
    latest[many] = days[last[many] - 1] - days[last[many]]
    return {"gap_mean": mean, "gap_spread": np.sqrt(variance), "gap_last": latest}
