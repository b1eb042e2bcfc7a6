"""Many incoming events, of many requests, to events of the log: called once a group commit."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from renwei.collect.live.goods import currency_of, goods, minor
from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.made import new_event
from renwei.collect.live.naming import BEHAVIOUR, ORDERS, event_kind, found
from renwei.collect.live.orders import Sold, amounts, lines_in, order_events, order_number
from renwei.collect.live.resolving import Whose, resolver
from renwei.collect.live.suspicious import flood
from renwei.collect.live.times import EPOCH, US
from renwei.collect.live.turning import body_of, coordinates, has_place, kind_of, rest_of
from renwei.core.clock import from_us, to_us
from renwei.core.nouns import NOBODY, ConsentState, Event, consent_by
from renwei.core.shop import Shop

_ABOUT_GOODS: Final = BEHAVIOUR - {"search", "follow", "unfollow", "comment", "checkout"}
_WITH_VALUE: Final = frozenset(("cart", "uncart", "wish"))
_GONE: Final = "$item_delete"
_OF_ITEMS: Final = frozenset(("$item_set", _GONE))
Arrived = tuple[str, Incoming]
"""Source ("key:<id>") and what came."""


class Prepared(msgspec.Struct, kw_only=True):
    """Events to append, and for each the index of what it came from.

    What came may yield no event (an order known already), one, or two (a place beside it).
    `refused` are (index, refusal) of what could not become events.
    """

    events: list[Event]
    owners: list[int]
    refused: list[tuple[int, Refusal]]


class _Draft(msgspec.Struct, gc=False):
    """An event to be, before its rest is sealed; `suffix` tells apart two of one message."""

    index: int
    kind: str
    item: int
    body: dict[str, Any]
    rest: bytes = b""
    value: int = 0
    currency: str = ""
    suffix: str = ""


def looks_back(came: Iterable[Incoming]) -> bool:
    """Whether preparing these reads the log: orders do, to know what an order is by now."""
    return any(one.kind == "track" and event_kind(one.name) in ORDERS for one in came)


def prepare(shop: Shop, arrived: Sequence[Arrived], at: datetime) -> Prepared:
    """Resolve and turn what came; nothing is appended to the log yet.

    Args:
        shop: The workspace, open for writing: new actors and products are stored.
        arrived: (source, incoming) of one group, in order of arrival.
        at: When the group arrived.

    Raises:
        Unavailable: The store cannot be written now.
    """
    known = resolver(shop.store)
    with known.lock:
        try:
            return _prepared(shop, arrived, at)
        except ValueError:
            # An actor that we remember was taken back meanwhile (undo of an import).
            known.clear()
            return _prepared(shop, arrived, at)


def _prepared(shop: Shop, arrived: Sequence[Arrived], at: datetime) -> Prepared:
    whose = resolver(shop.store).resolve(shop, arrived, at)
    numbers, lines = _numbers(shop, arrived, at)
    places = _places(shop, arrived, whose, at)
    drafts: list[_Draft] = []
    sold: list[Sold] = []
    keyed, over, arrival_us = shop.store.people.keyed, flood(shop.store).is_over, to_us(at)
    for index, ((source, one), who, item) in enumerate(zip(arrived, whose, numbers, strict=True)):
        if index in lines:
            sold.append(_deal(shop, (index, source, one), who, lines[index], at))
            continue
        kind = kind_of(one, has_product=item != 0)
        if kind in ORDERS:
            kind = "track"
        body = body_of(one, kind, item=item, keyed=keyed)
        draft = _Draft(index, kind, item, body)
        drafts.append(draft)
        if who.others:
            body["with"], body["how"] = list(who.others), one.kind
        if who.numbered:
            body["numbered"] = who.numbered
        if kind in BEHAVIOUR:
            if over(who.actor, kind, arrival_us if one.at_us is None else one.at_us):
                body["flood"] = True
            if kind in _WITH_VALUE:
                _price(shop, one, draft)
        if index in places:
            drafts += _placed(draft, places[index])
        draft.rest = rest_of(one, body, without_place=index in places)
    return _sealed(shop, arrived, whose, at, (drafts, sold))


def _deal(
    shop: Shop,
    told: tuple[int, str, Incoming],
    who: Whose,
    lines: tuple[tuple[int, int, int, int], ...],
    at: datetime,
) -> Sold:
    index, source, one = told
    return Sold(
        index=index,
        number=order_number(one.properties) or one.message_id,
        status=ORDERS[event_kind(one.name)],
        actor=who.actor,
        at=from_us(one.at_us) if one.at_us is not None else at,
        message_id=shop.store.people.keyed(_marked(source) + one.message_id),
        source=source,
        properties=one.properties,
        currency=shop.settings.currency,
        lines=lines,
    )


def _price(shop: Shop, one: Incoming, draft: _Draft) -> None:
    draft.currency = currency_of(one.properties, shop.settings.currency)
    each = minor(found(one.properties, "price"), draft.currency)
    draft.value = max(0, min(each * draft.body.get("quantity", 1), 1 << 53))


def _marked(source: str) -> str:
    # The same message id of two keys is two messages.
    return f"live|{source.removeprefix('key:')}|"


# Products.


def _numbers(
    shop: Shop, arrived: Sequence[Arrived], at: datetime
) -> tuple[list[int], dict[int, tuple[tuple[int, int, int, int], ...]]]:
    """The product of each event (0 = none), and the lines of those that are orders."""
    known = goods(shop.store)
    numbers: list[int] = []
    asked: list[tuple[dict[str, Any], bool]] = []
    places: list[int] = []
    orders: dict[int, list[dict[str, Any]]] = {}
    for index, (_, one) in enumerate(arrived):
        number: int | None = 0
        if one.properties:
            ours = event_kind(one.name) if one.kind == "track" else ""
            if ours in ORDERS and _is_order(one):
                orders[index] = lines_in(one.properties)
            else:
                named = ours in _ABOUT_GOODS
                said = one.properties
                number = known.number(said, named=named)
                if number == 0 and named and (only := _only_line(said)):
                    said, number = only, None
                if number is None:
                    asked.append((said, named))
                    places.append(index)
        numbers.append(number or 0)
    given = [(line, True) for lines in orders.values() for line in lines]
    if asked or given:
        # One transaction: what the shop tells of a product meanwhile is not overwritten.
        with shop.store.together():
            currency = shop.settings.currency
            found_numbers = known.numbers(shop.store.items, asked + given, currency, at)
        for index, one_number in zip(places, found_numbers, strict=False):
            numbers[index] = one_number
        _mark_gone(shop, arrived, places, numbers)
        rest = iter(found_numbers[len(asked) :])
        return numbers, {
            index: amounts(
                lines,
                [next(rest) for _ in lines],
                currency_of(arrived[index][1].properties, shop.settings.currency),
            )
            for index, lines in orders.items()
        }
    return numbers, {}


def _only_line(properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """The product that GA4 and others put into a list of one."""
    if found(properties, "lines") is None:
        return None
    lines = lines_in(properties)
    return lines[0] if len(lines) == 1 else None


def _is_order(one: Incoming) -> bool:
    """Whether it names an order, or says what was bought or paid."""
    said = one.properties
    return bool(order_number(said)) or any(
        found(said, field) is not None for field in ("total", "value", "revenue", "lines")
    )


def _mark_gone(
    shop: Shop, arrived: Sequence[Arrived], places: Sequence[int], numbers: Sequence[int]
) -> None:
    gone = [numbers[index] for index in places if arrived[index][1].name == _GONE]
    if gone:
        items = [item for item in shop.store.items.get(gone) if item is not None]
        shop.store.items.upsert([replace(i, facts={**i.facts, "gone": True}) for i in items])


# Places: only where somebody said that they may be known.


def _places(
    shop: Shop, arrived: Sequence[Arrived], whose: Sequence[Whose], at: datetime
) -> dict[int, tuple[float, float] | None]:
    """By event that tells a place: the place where consent for it is given, else None."""
    telling = [index for index, (_, one) in enumerate(arrived) if has_place(one)]
    if not telling:
        return {}
    people = shop.store.people
    consents = people.consents_of(people.persons_of([whose[index].actor for index in telling]))
    places: dict[int, tuple[float, float] | None] = {}
    for index, said in zip(telling, consents, strict=True):
        one = arrived[index][1]
        moment = at if one.at_us is None else max(at, from_us(one.at_us))
        state = consent_by(said, "location", "*", moment)
        given = state is ConsentState.GIVEN and whose[index].actor != NOBODY
        places[index] = coordinates(one) if given else None
    return places


def _placed(draft: _Draft, place: tuple[float, float] | None) -> list[_Draft]:
    if place is None:
        draft.body["place"] = "no_consent"
        return []
    where = {"lat": round(place[0], 3), "lon": round(place[1], 3)}
    if draft.kind == "location":
        draft.body |= where
        return []
    context = {name: draft.body[name] for name in ("wire", "ctx") if name in draft.body}
    return [_Draft(draft.index, "location", 0, where | context, suffix="|place")]


# Sealing.


def _sealed(
    shop: Shop,
    arrived: Sequence[Arrived],
    whose: Sequence[Whose],
    at: datetime,
    found_drafts: tuple[Sequence[_Draft], Sequence[Sold]],
) -> Prepared:
    drafts, sold = found_drafts
    people = shop.store.people
    keyed = people.keyed
    owners = [draft.index for draft in drafts]
    actors = [whose[index].actor for index in owners]
    sealed = people.seal_for_many(
        [(actor, draft.rest) for actor, draft in zip(actors, drafts, strict=True)]
    )
    marks = {source: _marked(source) for source in {source for source, _ in arrived}}
    events: list[Event] = []
    for draft, actor, rest in zip(drafts, actors, sealed, strict=True):
        source, one = arrived[draft.index]
        if draft.rest and rest:
            draft.body["_"] = b2a_base64(rest, newline=False).decode()
        # By position: this runs for every event that ever comes in.
        event = new_event(
            NOBODY if one.name in _OF_ITEMS else actor,
            draft.kind,
            at if one.at_us is None else EPOCH + one.at_us * US,
            keyed(marks[source] + one.message_id + draft.suffix),
            draft.item,
            draft.value,
            draft.currency,
            draft.body,
            source,
        )
        events.append(event)
    if sold:
        _add_orders(shop, arrived, whose, sold, (events, owners))
    return Prepared(events=events, owners=owners, refused=[])


def _add_orders(
    shop: Shop,
    arrived: Sequence[Arrived],
    whose: Sequence[Whose],
    sold: Sequence[Sold],
    into: tuple[list[Event], list[int]],
) -> None:
    events, owners = into
    made = order_events(shop, sold)
    people = shop.store.people
    numbers = [(one.actor, "order", one.number) for one in sold if made[one.index]]
    people.keep_many([row for row in numbers if row[0] != NOBODY], "live")
    actors = {one.index: one.actor for one in sold}
    rows = [(index, event) for index, found_events in made.items() for event in found_events]
    rests = [
        (actors[index], rest_of(arrived[index][1], {"name": "-"}, without_place=True))
        for index, _ in rows
    ]
    for (index, event), rest in zip(rows, people.seal_for_many(rests), strict=True):
        body = {**event.body, "wire": arrived[index][1].wire}
        if whose[index].others:
            body |= {"with": list(whose[index].others), "how": "track"}
        if whose[index].numbered:
            body["numbered"] = whose[index].numbered
        # An order of an import stays under its own actor, whose key is not this one's.
        if rest and event.actor == actors[index]:
            body["_"] = b2a_base64(rest, newline=False).decode()
        events.append(replace(event, body=body))
        owners.append(index)
