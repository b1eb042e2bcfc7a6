"""Orders out of events: completed, refunded, cancelled, changed.

They are the same orders that files bring: an order that an import knows is not counted again,
and a state never goes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from renwei.collect.imports import PAPER
from renwei.collect.live.goods import currency_of, minor
from renwei.collect.live.naming import found, number_of, text_of
from renwei.collect.states import KINDS, Seen, State, plan, state_of
from renwei.core.clock import to_us
from renwei.core.nouns import Event
from renwei.core.shop import Shop

PLATFORM: Final = "live"
_LINES: Final = 500
_QUANTITY: Final = 100_000
Known = dict[str, tuple[State, Event]]
"""Name of an order in event bodies -> its state now and the latest of its events."""


class Sold(msgspec.Struct):
    """An event about an order, read: `status` is what its name says ("" = a change)."""

    index: int
    number: str
    status: str
    actor: int
    at: datetime
    message_id: bytes
    source: str
    properties: dict[str, Any]
    currency: str
    lines: tuple[tuple[int, int, int, int], ...] = ()


def order_number(properties: Mapping[str, Any]) -> str:
    """The number of an order as the shop writes it, "" where there is none."""
    return text_of(found(properties, "order"))


def lines_in(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The products of an order as sent; the order's own properties where it is one product."""
    listed = found(properties, "lines")
    if isinstance(listed, list):
        return [_line(one) for one in listed[:_LINES] if isinstance(one, dict)]
    return [dict(properties)]


def _line(given: dict[str, Any]) -> dict[str, Any]:
    # RudderStack's and GA's lines may say only `id`.
    if "id" in given and found(given, "product") is None and found(given, "sku") is None:
        return {**given, "product_id": given["id"]}
    return given


def amounts(
    given: Sequence[Mapping[str, Any]], numbers: Sequence[int], currency: str
) -> tuple[tuple[int, int, int, int], ...]:
    """Lines as event bodies keep them: item, quantity, unit price, amount (minor units)."""
    lines = []
    for one, number in zip(given, numbers, strict=True):
        if not number:
            continue
        told = number_of(found(one, "quantity"))
        quantity = max(1, min(round(told), _QUANTITY)) if told is not None else 1
        price = max(0, minor(found(one, "price"), currency))
        lines.append((number, quantity, price, quantity * price))
    return tuple(lines)


def order_events(shop: Shop, sold: Sequence[Sold]) -> dict[int, list[Event]]:
    """The events that follow from these, by their index; none where nothing is new."""
    keys = _keys(shop, sold)
    known = _known(shop, sold, [key for key, _, _ in keys])
    found_events: dict[int, list[Event]] = {}
    for one, (key, platform, name) in zip(sold, keys, strict=True):
        order = key[:8].hex()
        held = known.get(order)
        seen = _seen(one, key, (platform, name), held)
        current = {order: held[0]} if held else {}
        events = plan([seen], current, source=one.source, at=one.at).events
        if held and events:
            # The sender's message tells a refund sent twice from two refunds.
            events = [replace(event, message_id=one.message_id) for event in events]
        if events:
            known[order] = state_of(events[-1]), events[-1]
        found_events.setdefault(one.index, []).extend(events)
    return found_events


def _keys(shop: Shop, sold: Sequence[Sold]) -> list[tuple[bytes, str, str]]:
    """Key, platform and shop of each order: an import's where an import knows the number."""
    keyed, has = shop.store.people.keyed, shop.store.log.has
    places = [(PLATFORM, ""), *_imported(shop)]
    found_keys = []
    for one in sold:
        keys = [keyed(f"order|{platform}|{name}|{one.number}") for platform, name in places]
        held = has(keys) if len(keys) > 1 else [False]
        at = held.index(True) if any(held) else 0
        found_keys.append((keys[at], *places[at]))
    return found_keys


def _imported(shop: Shop) -> list[tuple[str, str]]:
    papers = shop.store.papers
    bodies = [paper.body for name in papers.names(PAPER) if (paper := papers.get(PAPER, name))]
    platforms = {str(body.get("platform", "")) for body in bodies if body["state"] == "done"}
    return [(platform, "") for platform in sorted(platforms - {""})]


def _known(shop: Shop, sold: Sequence[Sold], keys: Sequence[bytes]) -> Known:
    held = shop.store.log.has(keys)
    wanted = {key[:8].hex() for key, is_held in zip(keys, held, strict=True) if is_held}
    if not wanted:
        return {}
    people, log = shop.store.people, shop.store.log
    persons = set(people.persons_of([one.actor for one in sold])) - {0}
    actors = [actor for person in persons for actor in people.actors_of(person)]
    events = sorted(log.of(actors, kinds=KINDS, limit=5_000), key=lambda event: event.seq)
    known = _latest(events, wanted)
    if wanted - known.keys():
        # Booked under somebody else, or under nobody: the whole log tells.
        known |= _latest(log.read(kinds=KINDS), wanted - known.keys())
    return known


def _latest(events: Iterable[Event], wanted: set[str]) -> Known:
    known: Known = {}
    for event in events:
        name = str(event.body["order"])
        if name in wanted:
            known[name] = state_of(event), event
    return known


def _seen(one: Sold, key: bytes, place: tuple[str, str], held: tuple[State, Event] | None) -> Seen:
    said = one.properties
    currency = currency_of(said, one.currency)
    shipping = max(0, minor(found(said, "shipping"), currency))
    at_us = to_us(one.at)
    seen = Seen(
        key=key,
        actor=one.actor,
        at_us=at_us,
        value=_value(said, currency, one.lines),
        currency=currency,
        platform=place[0],
        shop=place[1],
        status=one.status or "unpaid",
        paid_us=at_us if one.status == "paid" else None,
        refunded=0,
        shipping=shipping,
        country="",
        row=0,
        marks=0,
        lines=one.lines,
    )
    if one.status == "refunded":
        return _refunded(one, seen, held)
    if held is None:
        return seen
    # Only a change says anew what an order is; what others leave out, or say again, stays.
    before, event = held
    anew = not one.status
    paid_us = before.paid_us
    if before.status == "unpaid" and one.status == "paid":
        paid_us = at_us
    return msgspec.structs.replace(
        seen,
        actor=event.actor,
        currency=event.currency,
        status=one.status or before.status,
        paid_us=paid_us,
        value=seen.value or before.value if anew else before.value or seen.value,
        shipping=before.shipping,
        refunded=before.refunded,
        country=before.country,
        lines=seen.lines or before.lines if anew else before.lines or seen.lines,
    )


def _refunded(one: Sold, seen: Seen, held: tuple[State, Event] | None) -> Seen:
    """A refund: of everything, or of what it names."""
    named = found(one.properties, "refund")
    partly = named is not None or bool(found(one.properties, "lines"))
    back = max(0, minor(named, seen.currency)) if named is not None else seen.value
    if held is None:
        return msgspec.structs.replace(seen, refunded=seen.value, paid_us=seen.at_us)
    before, event = held
    whole = back == 0 or (not partly and back >= before.value)
    total = before.value if whole else min(before.value, before.refunded + back)
    done = total >= before.value
    return msgspec.structs.replace(
        seen,
        actor=event.actor,
        currency=event.currency,
        status="refunded" if done else before.status,
        paid_us=before.paid_us,
        value=before.value,
        shipping=before.shipping,
        refunded=total,
        country=before.country,
        lines=before.lines,
    )


def _value(
    said: Mapping[str, Any], currency: str, lines: Sequence[tuple[int, int, int, int]]
) -> int:
    """What the buyer paid: the total, else the parts that it is made of.

    Segment's `total` includes shipping and tax less discounts; its `revenue` is neither.
    """
    for field in ("total", "value"):
        told = found(said, field)
        if number_of(told) is not None:
            return max(0, minor(told, currency))
    revenue = found(said, "revenue")
    goods = minor(revenue, currency) if number_of(revenue) is not None else None
    if goods is None:
        goods = sum(amount for _, _, _, amount in lines) - minor(found(said, "discount"), currency)
    return max(
        0, goods + minor(found(said, "shipping"), currency) + minor(found(said, "tax"), currency)
    )
