"""Orders as numpy columns, as they stood at any moment; read once from the log.

What the batch reads and what is served for one person are the same code on the same
columns (law 8): `Frame.read` takes everybody, `Frame.of` one person's events, `as_of`
folds either. Nothing later than its time can enter, because states, refunds and returns
are kept with the time at which they became known.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Event
from renwei.core.store import Store
from renwei.people.returns import given_back

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY_US = 86_400_000_000
KINDS = ("order", "order-change", "return")
MOST_APART = 5_000
"""Of more people than this it is quicker to read what everybody ordered."""


@dataclass(frozen=True)
class Orders:
    """Counted orders as of a time, oldest first; columns of shape (orders,).

    Attributes:
        person: 0 for orders held by nobody.
        at_us: Microseconds since 1970.
        value: Minor units paid, less what had been given back by then; never negative.
        row: Row of the frame that holds the order's state.
    """

    person: Ints
    at_us: Ints
    value: Ints
    row: Ints

    def __len__(self) -> int:
        """How many."""
        return len(self.person)

    def pick(self, mask: Any) -> Orders:
        """Some of them, by mask or rows."""
        return Orders(self.person[mask], self.at_us[mask], self.value[mask], self.row[mask])

    @cached_property
    def time_s(self) -> NDArray[np.float64]:
        """Seconds since 1970, as the mathematics in learn/ takes them."""
        return self.at_us / 1e6


@dataclass(frozen=True)
class Lines:
    """Lines of counted orders, columns of shape (lines,); `order` is a row of the Orders."""

    order: Ints
    item: Ints
    quantity: Ints
    price: Ints
    amount: Ints


class Frame:
    """Every state of every order that the log holds, in log order.

    Attributes:
        person, at_us, value, refunded, counted, order: Shape (states,).
        keys: Of every order ever, ascending (see `order_key`); `order` indexes into it.
        places: Platforms and shops that orders came from.
        currency: As asked for, or where nobody ordered in it what most orders are in; orders in
            others count with value 0.
        position: Of the log when it was read.
    """

    def __init__(
        self,
        events: Iterable[Event],
        persons: Mapping[int, int] | None,
        store: Store,
        currency: str,
    ) -> None:
        rows, some = _Rows(), persons is not None
        for event in events:
            rows.add(event)
        ints: dict[str, Ints] = {
            name: np.frombuffer(column, dtype=np.int64) if len(column) else np.zeros(0, np.int64)
            for name, column in rows.columns.items()
        }
        if persons is None:
            persons = _persons(store, ints["actor"])
        who = np.array([persons.get(a, a) for a in ints["actor"].tolist()], dtype=np.int64)
        back = ints["kind"] == KINDS.index("return")
        state = ~back
        counts = rows.currencies
        # Of some people's orders none may be in the shop's currency, which it is all the same.
        known = currency in counts or (currency and some)
        self.currency = currency if known else max(counts, key=counts.__getitem__, default="")
        main = ints["currency"] == rows.currency_number(self.currency)
        self.strange = int((~main & state).sum())
        self.person, self.at_us = who[state], ints["at_us"][state]
        self.value = np.where(main, ints["value"], 0)[state]
        self.refunded = np.where(main, ints["refunded"], 0)[state]
        self.counted: Bools = ints["counted"][state] > 0
        self.is_first: Bools = ints["kind"][state] == 0
        self.seq = ints["seq"][state]
        self.keys, self.order = np.unique(ints["order"][state], return_inverse=True)
        self.orders_ever = len(self.keys)
        self.places = sorted(rows.places)
        table = np.frombuffer(rows.lines, dtype=np.int64) if len(rows.lines) else np.zeros(0, int)
        self._table = table.reshape(-1, 4)
        ends = np.cumsum(ints["lines"])
        self._begin, self._count = (ends - ints["lines"])[state], ints["lines"][state]
        take = main & back
        self._backs = (who[take], ints["at_us"][take], ints["value"][take])
        self.position = 0

    @classmethod
    def read(cls, store: Store, currency: str = "") -> Frame:
        """Everybody's orders; without a currency the commonest one is the shop's."""
        position = store.log.position()
        frame = cls(store.log.read(kinds=KINDS), None, store, currency)
        frame.position = position
        return frame

    @classmethod
    def of(cls, store: Store, person: int, at: datetime, currency: str = "") -> Frame:
        """One person's orders, as an answer needs them at once."""
        return cls.of_many(store, [person], at, currency)

    @classmethod
    def of_many(
        cls, store: Store, persons: Sequence[int], at: datetime, currency: str = ""
    ) -> Frame:
        """Some people's orders; where they are many, everybody's."""
        if len(persons) > MOST_APART:
            return cls.read(store, currency)
        whose = {actor: person for person in persons for actor in store.people.actors_of(person)}
        events = store.log.of(list(whose), until=at, kinds=KINDS, limit=1_000_000)
        events.sort(key=lambda event: event.seq)
        return cls(events, whose, store, currency)

    @cached_property
    def _first_row(self) -> Ints:
        first = np.full(self.orders_ever, -1, dtype=np.int64)
        rows = np.arange(len(self.order))[::-1]
        first[self.order[::-1]] = rows
        return first

    def placed(self, until_us: int) -> tuple[Ints, Ints]:
        """Keys of the orders made by a time, ascending, and who made each; 0 for nobody."""
        first = self._first_row
        by_then = self.at_us[first] <= until_us
        return self.keys[by_then], self.person[first][by_then]

    @cached_property
    def _given_back(self) -> tuple[Ints, Ints, Ints]:
        first = self._first_row
        return given_back(
            (self.person[first], self.at_us[first], self.value[first]),
            self._backs,
        )

    def as_of(self, at: datetime | int) -> Orders:
        """The counted orders as they stood at a time, oldest first.

        Args:
            at: Aware time or microseconds since 1970; what happened or became known later
                has no part in the answer.
        """
        until = at if isinstance(at, int) else to_us(at)
        known = np.flatnonzero(self.at_us <= until)
        state = np.full(self.orders_ever, -1, dtype=np.int64)
        # Of rows with the same order the last written stays: the latest state known.
        state[self.order[known]] = known
        order = np.flatnonzero(state >= 0)
        row = state[order]
        keep = self.counted[row]
        order, row = order[keep], row[keep]
        first = self._first_row[order]
        net = self.value[row] - self.refunded[row]
        back_order, back_at, back_amount = self._given_back
        seen = back_at <= until
        taken = np.zeros(self.orders_ever, dtype=np.int64)
        np.add.at(taken, back_order[seen], back_amount[seen])
        net = np.maximum(net - taken[order], 0)
        when = self.at_us[first]
        oldest = np.lexsort((self.seq[first], when))
        return Orders(
            self.person[first][oldest], when[oldest], net[oldest].astype(np.int64), row[oldest]
        )

    def lines(self, orders: Orders) -> Lines:
        """The lines of these orders, in their order."""
        count = self._count[orders.row]
        which = np.repeat(np.arange(len(orders)), count)
        inside = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        rows = self._table[self._begin[orders.row][which] + inside]
        return Lines(which, *(rows[:, k] for k in range(4)))


class _Rows:
    """Columns under construction; one row an event."""

    def __init__(self) -> None:
        names = (
            "actor kind at_us seq value currency order counted refunded lines".split()  # noqa: SIM905
        )
        self.columns = {name: array("q") for name in names}
        self.lines = array("q")
        self.currencies: dict[str, int] = {}
        self.places: set[tuple[str, str]] = set()
        self._numbers: dict[str, int] = {}

    def currency_number(self, code: str) -> int:
        return self._numbers.setdefault(code, len(self._numbers))

    def add(self, event: Event) -> None:
        body: Mapping[str, Any] = event.body
        lines: Sequence[Sequence[int]] = body.get("lines") or ()
        kind = KINDS.index(event.kind)
        if kind < 2:
            self.currencies[event.currency] = self.currencies.get(event.currency, 0) + 1
            self.places.add((str(body.get("platform", "")), str(body.get("shop", ""))))
        put = self.columns
        put["actor"].append(event.actor)
        put["kind"].append(kind)
        put["at_us"].append(to_us(event.at))
        put["seq"].append(event.seq)
        put["value"].append(event.value_minor)
        put["currency"].append(self.currency_number(event.currency))
        put["order"].append(order_key(body.get("order")))
        put["counted"].append(body.get("status", "paid") == "paid")
        put["refunded"].append(int(body.get("refunded") or 0))
        put["lines"].append(len(lines))
        self.lines.extend(chain.from_iterable(lines))


def order_key(key: Any) -> int:
    """The number of an order's keyed hash, as it stands in events; signed 64 bits, 0 without."""
    if not key:
        return 0
    number = int(str(key), 16) & 0xFFFFFFFFFFFFFFFF
    return number - (1 << 64) if number >> 63 else number


def _persons(store: Store, actors: Ints) -> dict[int, int]:
    unique = [a for a in np.unique(actors).tolist() if a != NOBODY]
    persons = dict(zip(unique, store.people.persons_of(unique), strict=True))
    for gone in store.people.forgotten():
        persons[gone] = NOBODY
    persons[NOBODY] = NOBODY
    return persons
