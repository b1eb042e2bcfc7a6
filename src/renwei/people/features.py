"""What is known of each person as of a time, defined once for the batch and for one person.

The sums are those of renwei.learn.features; here they meet the frame, which is the only
thing that decides what had been known by then (law 8).
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.store import Store
from renwei.learn.features import rfm_features
from renwei.learn.snapshots import Orders as Past
from renwei.people.frame import Frame, Ints, Orders

Floats = NDArray[np.float64]


def features_of(orders: Orders, at_us: int) -> tuple[Ints, dict[str, Floats]]:
    """Persons ascending and their columns, from orders as of `at_us` (microseconds)."""
    known = persons_only(orders)
    if not len(known):
        return known.person, {}
    return rfm_features(known.person, known.time_s, known.value, as_of=at_us / 1e6)


def batch_features(frame: Frame, at: datetime) -> tuple[Ints, dict[str, Floats]]:
    """Everybody's features as of a time; shape (people,) a column."""
    return features_of(frame.as_of(at), to_us(at))


def person_features(store: Store, person: int, at: datetime, currency: str) -> dict[str, float]:
    """One person's features as an answer needs them at once; empty without an order by then."""
    orders = Frame.of(store, person, at, currency).as_of(at)
    found, columns = features_of(orders, to_us(at))
    return {name: float(column[0]) for name, column in columns.items()} if len(found) else {}


def persons_only(orders: Orders) -> Orders:
    """Without the orders that are held by nobody."""
    return orders.pick(orders.person != 0)


def as_past(orders: Orders) -> Past:
    """The same orders as the mathematics in learn/ takes them: seconds, floats."""
    known = persons_only(orders)
    return Past(known.person, known.time_s, known.value.astype(np.float64))
