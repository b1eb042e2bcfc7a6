"""What the log says of orders: the body of an order's events is read in one place.

An order is the state after all that became known of it: "order", then "order-change", by log
position. Ribs read orders here, so that none counts them in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from renwei.core.clock import from_us
from renwei.core.nouns import Event

ORDER_KINDS = ("order", "order-change", "return")


@dataclass(frozen=True, slots=True)
class Purchase:
    """One counted order as it stood at a time.

    `lines` are (item, quantity, price_minor, amount_minor); `value_minor` is what was paid,
    less what was given back.
    """

    seq: int
    at: datetime
    lines: tuple[tuple[int, int, int, int], ...]
    value_minor: int = 0
    actor: int = 0

    def quantity(self, item: int) -> int:
        """How many of an item it held."""
        return sum(line[1] for line in self.lines if line[0] == item)


def counted(events: Sequence[Event]) -> list[Purchase]:
    """The counted orders among these events as they stand after all of them, newest first."""
    states: dict[str, Event] = {}
    first: dict[str, Event] = {}
    for event in sorted(events, key=lambda e: e.seq):
        if event.kind not in ORDER_KINDS[:2]:
            continue
        order = str(event.body.get("order") or event.message_id.hex())
        states[order] = event
        first.setdefault(order, event)
    found = [
        Purchase(
            state.seq, bought_at(first[order], state), lines_of(state), _paid(state), state.actor
        )
        for order, state in states.items()
        if is_counted(state)
    ]
    return sorted(found, key=lambda p: (p.at, p.seq), reverse=True)


def is_counted(state: Event) -> bool:
    """Whether an order counts as it stands after this event."""
    return bool(state.body.get("status", "paid") == "paid")


def bought_at(first: Event, state: Event) -> datetime:
    """When an order was made, from the first that became known of it and the last."""
    if first.kind == "order":
        return first.at
    return from_us(int(state.body.get("paid") or 0)) if state.body.get("paid") else state.at


def lines_of(event: Event) -> tuple[tuple[int, int, int, int], ...]:
    """(item, quantity, price_minor, amount_minor) of each line of an order."""
    lines: Sequence[Sequence[int]] = event.body.get("lines") or ()
    return tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in lines)


def _paid(event: Event) -> int:
    return max(event.value_minor - int(event.body.get("refunded") or 0), 0)
