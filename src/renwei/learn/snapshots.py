"""The shop as it stood at moments of its past, with what happened in the window after each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from renwei.learn.cells import DAY_S, Floats, Ints, cells_of, histories
from renwei.learn.features import rfm_features
from renwei.learn.likelihood import fit_orders
from renwei.learn.rhythm import fit_rhythm, units_of

WEEK = 7.0
FIT_CELLS = 5_000


@dataclass(frozen=True)
class Orders:
    """Orders as columns, one row an order, in any order of rows.

    Attributes:
        person: Shape (orders,). Integer numbers.
        time: Shape (orders,). Seconds since 1970.
        value: Shape (orders,). Money in minor units.
        extra: Further numbers of each order by name, such as its lines, shape (orders,).
    """

    person: Ints
    time: Floats
    value: Floats
    extra: Mapping[str, Floats] = field(default_factory=dict)

    def where(self, keep: NDArray[np.bool_]) -> Orders:
        """Return the rows to keep, a mask of shape (orders,)."""
        extra = {name: number[keep] for name, number in self.extra.items()}
        return Orders(self.person[keep], self.time[keep], self.value[keep], extra)

    def until(self, as_of: float) -> Orders:
        """Return the orders with time <= as_of."""
        return self.where(self.time <= as_of)


@dataclass(frozen=True)
class Snapshot:
    """Everyone known at a moment.

    Attributes:
        as_of: The moment, seconds since 1970.
        person: Shape (people,). Numbers, ascending.
        columns: Names to shape (people,), all from orders up to the moment.
        chance: Shape (people,). A value model's chance of an order in the window.
        happened: Shape (people,). 1 where an order came in (as_of, as_of + window], else 0.
    """

    as_of: float
    person: Ints
    columns: Mapping[str, Floats]
    chance: Floats
    happened: Floats

    def matrix(self) -> Floats:
        """Return the columns side by side, shape (people, columns), nan where unknown."""
        return np.column_stack(list(self.columns.values()))

    def logs(self) -> Floats:
        """Return the columns for a linear model: on a log scale, with no nan."""
        return np.column_stack([_log(name, self.columns) for name in self.columns])


def take_snapshot(orders: Orders, as_of: float, days: float) -> Snapshot:
    """Return the shop at `as_of`, with what happened in the `days` after it.

    Everything but `happened` comes from orders up to `as_of`, models included; where the
    window reaches beyond the data, `happened` says only what is in the data.
    """
    past = orders.until(as_of)
    person, columns = rfm_features(
        past.person, past.time, past.value, as_of=as_of, extra=past.extra
    )
    history = histories(past.person, past.time, past.value, as_of=as_of)
    cells, where = cells_of(history.x, history.t_x / WEEK, history.T / WEEK)
    model = fit_orders(cells, at_most=FIT_CELLS).model
    expected = model.expected(cells, days / WEEK)[where]
    rhythm = fit_rhythm(past.person, past.time, as_of=as_of)
    due = rhythm.due(units_of(past.person, past.time, as_of=as_of), days)
    columns = {
        **columns,
        "expected": np.log(expected + 1e-6),
        "alive": model.alive(cells)[where],
        "due": due.chance,
    }
    after = (orders.time > as_of) & (orders.time <= as_of + days * DAY_S)
    return Snapshot(
        as_of=as_of,
        person=person,
        columns=columns,
        chance=np.clip(1 - model.none(cells, days / WEEK)[where], 0.0, 1.0),
        happened=np.isin(person, orders.person[after]).astype(np.float64),
    )


class Album:
    """Snapshots of one shop with one window, each taken once however many models learn from it.

    Args:
        orders: All there are; a snapshot itself reads no further than its window.
        days: The window.
    """

    def __init__(self, orders: Orders, days: float) -> None:
        self.orders = orders
        self.days = days
        self._taken: dict[float, Snapshot] = {}

    def at(self, as_of: float) -> Snapshot:
        """`take_snapshot` at this moment."""
        if as_of not in self._taken:
            self._taken[as_of] = take_snapshot(self.orders, as_of, self.days)
        return self._taken[as_of]


def sampled(orders: Orders, people: int) -> Orders:
    """Return the orders of at most `people`, taken at even steps: the same ones each time.

    Example:
        >>> shop = Orders(np.array([1, 2, 2, 3]), np.arange(4.0), np.ones(4))
        >>> sampled(shop, 2).person.tolist()
        [1, 3]
    """
    number, row = np.unique(orders.person, return_inverse=True)
    if len(number) <= people:
        return orders
    keep = np.zeros(len(number), dtype=bool)
    keep[np.linspace(0, len(number) - 1, people).astype(np.int64)] = True
    return orders.where(keep[row])


def _log(name: str, columns: Mapping[str, Floats]) -> Floats:
    number = columns[name]
    if name in ("expected", "alive", "due"):
        return number
    if name.startswith("gap_") or name == "late":
        # Somebody with one order has waited at least as long as their age.
        number = np.where(np.isnan(number), columns["age"] if name != "late" else 1.0, number)
    return np.asarray(np.sign(number) * np.log1p(np.abs(number)))
