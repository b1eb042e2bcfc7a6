"""What the log says of one person's orders: read for shown people only, to name causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from renwei.core.clock import from_us
from renwei.core.nouns import Event
from renwei.core.store import Store

KINDS = ("order", "order-change", "return")


@dataclass(frozen=True, slots=True)
class Purchase:
    """One counted order of a person as it stood at a time, with the lines it held."""

    seq: int
    at: datetime
    lines: tuple[tuple[int, int, int, int], ...]

    def quantity(self, item: int) -> int:
        """How many of an item it held."""
        return sum(line[1] for line in self.lines if line[0] == item)


def purchases(store: Store, person: int, at: datetime) -> list[Purchase]:
    """The counted orders of a person by then, newest first; later events are not looked at."""
    states: dict[str, Event] = {}
    first: dict[str, Event] = {}
    events = store.log.of(store.people.actors_of(person), until=at, kinds=KINDS, limit=2_000)
    for event in sorted(events, key=lambda e: e.seq):
        if event.kind == "return":
            continue
        order = str(event.body.get("order") or event.message_id.hex())
        states[order] = event
        first.setdefault(order, event)
    found = [
        Purchase(state.seq, _when(first[order], state), _lines(state))
        for order, state in states.items()
        if state.body.get("status", "paid") == "paid"
    ]
    return sorted(found, key=lambda p: (p.at, p.seq), reverse=True)


def _when(first: Event, state: Event) -> datetime:
    if first.kind == "order":
        return first.at
    return from_us(int(state.body.get("paid") or 0)) if state.body.get("paid") else state.at


def _lines(event: Event) -> tuple[tuple[int, int, int, int], ...]:
    lines: Sequence[Sequence[int]] = event.body.get("lines") or ()
    return tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in lines)
