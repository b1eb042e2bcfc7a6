"""Orders as events: what one file says, what several say together, and what is new in it.

The state of an order is a join: whatever order the files come in, and however often, the
same state results. It has four parts that grow on their own: standing (unpaid, paid, closed,
refunded), the amount given back, the lines, the country. So an older export after a newer
one changes nothing, and a refund that was seen once never shrinks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from renwei.collect.records import OrderRecord
from renwei.core.clock import from_us, to_us
from renwei.core.nouns import NOBODY, Event
from renwei.core.store import Log

KINDS = ("order", "order-change", "return")
CHANGES = "/changes"
"""Changes are booked under a source of their own, so that an undo can lay them anew."""
ANONYMOUS, PLACEHOLDER, ROUGH = 1, 2, 4
_RANK = {"unpaid": 0, "paid": 1, "returned": 1, "closed": 2, "refunded": 3}
Lines = tuple[tuple[int, int, int, int], ...]


class Seen(msgspec.Struct, array_like=True, frozen=True):
    """One order as one file shows it; no personal data. Lines name items by our number.

    `key` is the keyed hash that stands for platform, shop and number; `marks` what is odd
    about it: ANONYMOUS (the file names nobody), PLACEHOLDER (a contact of nobody), ROUGH (the
    lines are titles of a list of whole orders).
    """

    key: bytes
    actor: int
    at_us: int
    value: int
    currency: str
    platform: str
    shop: str
    status: str
    paid_us: int | None
    refunded: int
    shipping: int
    country: str
    row: int
    marks: int
    lines: Lines

    @property
    def name(self) -> str:
        """What stands for the order in event bodies: 16 hex digits."""
        return self.key[:8].hex()


@dataclass(frozen=True, slots=True)
class State:
    """What is known of an order now, all files together.

    `actor` is whose order the log knows it to be; it says nothing of the state, and two that
    differ in it alone are the same.
    """

    status: str
    paid_us: int | None
    value: int
    shipping: int
    refunded: int
    country: str
    lines: Lines
    rough: bool = False
    actor: int = field(default=NOBODY, compare=False)

    def join(self, other: State) -> State:
        """Both together; commutative, associative, idempotent.

        Example:
            >>> a = State("paid", 5, 900, 0, 200, "", ((1, 1, 900, 900),))
            >>> b = State("refunded", 5, 900, 0, 0, "", ())
            >>> c = a.join(b)
            >>> c.status, c.refunded, len(c.lines), c == b.join(a)
            ('refunded', 200, 1, True)
        """
        if self == other:
            return self
        ahead = max(self, other, key=State._standing)
        told = max(self, other, key=State._telling)
        return State(
            status=ahead.status,
            paid_us=ahead.paid_us,
            value=ahead.value,
            shipping=ahead.shipping,
            refunded=max(self.refunded, other.refunded),
            country=max(self.country, other.country),
            lines=told.lines,
            rough=told.rough,
            actor=self.actor or other.actor,
        )

    def _standing(self) -> tuple[int, int, int, int]:
        paid = -1 if self.paid_us is None else self.paid_us
        return _RANK[self.status], paid, self.value, self.shipping

    def _telling(self) -> tuple[bool, bool, int, Lines]:
        """Lines of an item list tell more than the titles of an order list."""
        return bool(self.lines), not self.rough, len(self.lines), self.lines

    def mark(self, key: bytes) -> bytes:
        """Sixteen bytes that stand for this state of the order with this key."""
        parts = (self.status, self.paid_us, self.value, self.shipping, self.refunded)
        packed = msgspec.msgpack.encode((*parts, self.country, self.lines))
        return hashlib.blake2b(packed, key=key, digest_size=16).digest()


def order_key(order: OrderRecord, keyed: Callable[[str], bytes]) -> bytes:
    """The message id of an order: the same in every export, and it shows nothing."""
    return keyed(f"order|{order.platform}|{order.shop}|{order.number}")


def live_key(number: str, keyed: Callable[[str], bytes]) -> bytes:
    """The message id of an order that an app sent: its number is all that both know."""
    return keyed(f"order|live||{number}")


def order_keys(
    orders: Sequence[OrderRecord], log: Log, keyed: Callable[[str], bytes]
) -> list[bytes]:
    """The message id of each order; that of the app's event where an app sent it before."""
    live = [live_key(order.number, keyed) for order in orders]
    sent = log.has(live)
    own = [order_key(order, keyed) for order in orders]
    return [there if known else here for here, there, known in zip(own, live, sent, strict=True)]


def seen_order(
    order: OrderRecord, *, key: bytes, actor: int, items: Sequence[int], marks: int = 0
) -> Seen | None:
    """An order of a reading as it will be kept; None where no time at all is known."""
    at = order.created_at or order.paid_at
    if at is None:
        return None
    return Seen(
        key=key,
        actor=actor,
        at_us=to_us(at),
        value=abs(order.total_minor),
        currency=order.currency,
        platform=order.platform,
        shop=order.shop,
        status=order.status,
        paid_us=None if order.paid_at is None else to_us(order.paid_at),
        refunded=order.refunded_minor,
        shipping=order.shipping_minor,
        country=order.country,
        row=order.row,
        marks=marks | ROUGH * order.rough,
        lines=tuple([(items[item], q, price, amount) for item, q, price, amount in order.lines]),
    )


def state_seen(seen: Seen) -> State:
    """The state that one file shows."""
    return State(
        status=seen.status,
        paid_us=seen.paid_us,
        value=seen.value,
        shipping=seen.shipping,
        refunded=seen.refunded,
        country=seen.country,
        lines=seen.lines,
        rough=bool(seen.marks & ROUGH),
    )


def state_of(event: Event) -> State:
    """The state that an event of the log holds."""
    body = event.body
    return State(
        status=body["status"],
        paid_us=body["paid"],
        value=event.value_minor,
        shipping=body["shipping"],
        refunded=body["refunded"],
        country=body["country"],
        lines=tuple([(a, b, c, d) for a, b, c, d in body["lines"]]),
        rough=bool(body.get("marks", 0) & ROUGH),
        actor=event.actor,
    )


def states(events: Iterable[Event], wanted: frozenset[str] | None = None) -> dict[str, State]:
    """The current state of each (wanted) order, from its events in log order."""
    found: dict[str, State] = {}
    for event in events:
        name = str(event.body["order"])
        if wanted is None or name in wanted:
            state, before = state_of(event), found.get(name)
            found[name] = replace(state, actor=before.actor or state.actor) if before else state
    return found


@dataclass(slots=True)
class Plan:
    """What has to be appended so that the log knows what the files say.

    `known` are orders that the log held before, as these files show them.
    """

    events: list[Event] = field(default_factory=list)
    known: list[Seen] = field(default_factory=list)
    added: int = 0
    updated: int = 0
    duplicates: int = 0


def plan(
    orders: Sequence[Seen], current: Mapping[str, State], *, source: str, at: datetime
) -> Plan:
    """Compare what files say with what the log knows.

    Args:
        orders: As the files show them; an order that comes twice is joined with itself.
        current: State of those that the log holds, by name.
        source: Who says so: the id of the import.
        at: When changes of known orders became known.
    """
    result = Plan()
    for seen in _joined(orders):
        before, says = current.get(seen.name), state_seen(seen)
        if before is None:
            result.events.append(_order(seen, says, source))
            result.added += 1
            continue
        result.known.append(seen)
        after = before.join(says)
        if after == before:
            result.duplicates += 1
        else:
            result.events.append(_change(seen, after, source, at))
            result.updated += 1
    return result


def _joined(orders: Sequence[Seen]) -> Iterable[Seen]:
    first: dict[bytes, Seen] = {}
    for seen in orders:
        known = first.get(seen.key)
        if known is None:
            first[seen.key] = seen
            continue
        both = state_seen(known).join(state_seen(seen))
        first[seen.key] = msgspec.structs.replace(
            known,
            actor=known.actor or seen.actor,
            marks=known.marks & seen.marks & ~ROUGH | ROUGH * both.rough,
            status=both.status,
            paid_us=both.paid_us,
            value=both.value,
            shipping=both.shipping,
            refunded=both.refunded,
            country=both.country,
            lines=both.lines,
        )
    return first.values()


def _order(seen: Seen, state: State, source: str) -> Event:
    return Event(
        actor=seen.actor,
        kind="return" if seen.status == "returned" else "order",
        at=from_us(seen.at_us),
        message_id=seen.key,
        value_minor=state.value,
        currency=seen.currency,
        body=_body(seen, state),
        source=source,
    )


def _change(seen: Seen, state: State, source: str, at: datetime) -> Event:
    return Event(
        # A file that names nobody, or them otherwise, does not take the order from its buyer.
        actor=state.actor or seen.actor,
        kind="order-change",
        at=at,
        message_id=state.mark(seen.key),
        value_minor=state.value,
        currency=seen.currency,
        body=_body(seen, state),
        source=source + CHANGES,
    )


def _body(seen: Seen, state: State) -> dict[str, Any]:
    body: dict[str, Any] = {
        "order": seen.name,
        "platform": seen.platform,
        "shop": seen.shop,
        "status": state.status,
        "paid": state.paid_us,
        "refunded": state.refunded,
        "shipping": state.shipping,
        "lines": state.lines,
        "country": state.country,
        "row": seen.row,
    }
    marks = seen.marks & ~ROUGH | ROUGH * state.rough
    if marks:
        body["marks"] = marks
    return body
