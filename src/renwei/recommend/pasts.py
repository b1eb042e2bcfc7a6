"""What happened in a shop as rows of person, item and time: what taste is learnt from.

The log of everybody and the moment of one person are read by the same rules (law 8): an item
counts once an order, and a look counts by its kind and how long it lasted.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from renwei.core.chance import hash64
from renwei.core.clock import to_us
from renwei.core.nouns import Event
from renwei.core.orders import ORDER_KINDS, bought_at, is_counted, lines_of
from renwei.core.store import Store
from renwei.recommend.moment import WEIGHTS, Moment, meant_by

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

A_LOOK = 0.1
"""What a plain look counts beside a purchase."""
LOOKED_BACK = timedelta(days=150)
MOST_LOOKS = 3_000_000
STILL = timedelta(days=2)
"""A shop of which nothing was heard for longer stands still: its past ends with its last event."""
MONTH, SILENCE = timedelta(days=30), timedelta(days=60)
ENOUGH = 50
"""Lines of orders in a month: with fewer after a silence, the past ends before the silence."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Interactions, columns of shape (rows,): whose, with what, when.

    Attributes:
        who: Person; 0 where the rows are one person's.
        item: Item number. at_us: Microseconds since 1970.
        weight: 1 for a purchase, less for a look. price: Minor units, nan of a look.
        goal: Whether it is a purchase.
    """

    who: Ints
    item: Ints
    at_us: Ints
    weight: Floats
    price: Floats
    goal: Bools

    def __len__(self) -> int:
        """How many."""
        return len(self.item)

    def pick(self, rows: Bools | Ints) -> Rows:
        """Some of them."""
        return Rows(
            self.who[rows], self.item[rows], self.at_us[rows], self.weight[rows],
            self.price[rows], self.goal[rows],
        )  # fmt: skip


class _Gathered:
    """Rows on their way into columns."""

    def __init__(self) -> None:
        self.whole = array("q")
        self.amounts = array("f")

    def add(self, who: int, item: int, at_us: int, weight: float, price: float) -> None:
        self.whole.extend((who, item, at_us))
        self.amounts.extend((weight, price))

    def rows(self) -> Rows:
        whole = np.array(self.whole, dtype=np.int64).reshape(-1, 3)
        amounts = np.array(self.amounts, dtype=np.float32).reshape(-1, 2)
        goal = np.isfinite(amounts[:, 1])
        return Rows(
            whole[:, 0].copy(), whole[:, 1].copy(), whole[:, 2].copy(),
            amounts[:, 0].copy(), amounts[:, 1].copy(), goal,
        )  # fmt: skip


def rows_of(moment: Moment) -> Rows:
    """One person's own."""
    made = _Gathered()
    for purchase in moment.bought:
        _add_lines(made, 0, to_us(purchase.at), purchase.lines)
    for item, at_us, weight in moment.looks:
        made.add(0, item, at_us, A_LOOK * weight, np.nan)
    return made.rows()


def rows_of_log(store: Store, at: datetime) -> Rows:
    """Everybody's up to a time: all that was bought, and what was looked at lately."""
    bought, looked = _bought(store, at), _looked(store, at)
    persons = _persons(store, np.concatenate([bought.who, looked.who]))
    both = Rows(
        persons,
        np.concatenate([bought.item, looked.item]),
        np.concatenate([bought.at_us, looked.at_us]),
        np.concatenate([bought.weight, looked.weight]),
        np.concatenate([bought.price, looked.price]),
        np.concatenate([bought.goal, looked.goal]),
    )
    both = both.pick((both.who > 0) & (both.item > 0))
    since = edge_us(both, at) - _us(LOOKED_BACK)
    return both.pick(both.goal | (both.at_us > since))


def edge_us(rows: Rows, at: datetime) -> int:
    """Where the past ends, in microseconds: at a time, or where the shop fell silent.

    A file of an old year is judged as of its last day, not as of a shop that died since; and the
    first events after a long silence, a look or a few orders, are no month to learn from.
    """
    last, now = int(rows.at_us.max(initial=0)) + 1, to_us(at) + 1
    edge = last if len(rows) and now - last > _us(STILL) else now
    bought = np.sort(rows.at_us[rows.goal & (rows.at_us < edge)])
    busy = np.arange(1, len(bought) + 1) - np.searchsorted(bought, bought - _us(MONTH)) >= ENOUGH
    busy_us = int(bought[np.flatnonzero(busy)[-1]]) + 1 if busy.any() else edge
    lately = len(bought) - int(np.searchsorted(bought, edge - _us(MONTH)))
    return busy_us if lately < ENOUGH and edge - busy_us > _us(SILENCE) else edge


def _us(span: timedelta) -> int:
    return round(span.total_seconds() * 1e6)


def _bought(store: Store, at: datetime) -> Rows:
    """Lines of the orders as they stand, of each only what its last state says."""
    last: dict[int, int] = {}
    first: dict[int, tuple[Event, int]] = {}
    made, of_state, states = _Gathered(), array("q"), 0
    for event in store.log.read(kinds=ORDER_KINDS[:2]):
        if event.at > at:
            continue
        order = hash64(str(event.body.get("order") or event.message_id.hex()))
        was, begun_us = first.get(order, (None, 0))
        if was is None:
            begun_us = to_us(bought_at(event, event))
            # Only what began with a change needs its first event again.
            first[order] = (event if event.kind != ORDER_KINDS[0] else _SETTLED, begun_us)
        elif was is not _SETTLED:
            begun_us = to_us(bought_at(was, event))
        states += 1
        last[order] = states
        if is_counted(event):
            n = _add_lines(made, event.actor, begun_us, lines_of(event))
            of_state.extend([states] * n)
    rows = made.rows()
    kept = np.isin(np.array(of_state, dtype=np.int64), np.array([*last.values()], dtype=np.int64))
    return rows.pick(kept)


_SETTLED = Event(0, "", datetime.min.replace(tzinfo=UTC), b"")


def _looked(store: Store, at: datetime) -> Rows:
    made = _Gathered()
    for event in store.log.read(kinds=tuple(WEIGHTS)):
        if event.at <= at and event.item and not event.body.get("flood"):
            made.add(event.actor, event.item, to_us(event.at), A_LOOK * meant_by(event), np.nan)
    rows = made.rows()
    return rows.pick(np.arange(max(len(rows) - MOST_LOOKS, 0), len(rows)))


def _add_lines(made: _Gathered, who: int, at_us: int, lines: Iterable[Sequence[int]]) -> int:
    prices: dict[int, int] = {}
    for item, _, price, _ in lines:
        if item:
            prices.setdefault(item, price)
    for item, price in prices.items():
        made.add(who, item, at_us, 1.0, max(price, 0) / 100)
    return len(prices)


def _persons(store: Store, actors: Ints) -> Ints:
    known, place = np.unique(actors, return_inverse=True)
    persons = np.array(store.people.persons_of(known.tolist()), dtype=np.int64)
    return persons[place] if len(known) else actors
