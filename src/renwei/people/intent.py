"""What somebody is about just now: browsing, comparing, about to buy, in need of help.

Read from the sums of behaviour and, for what the fold has not reached yet, from the log, by
the one definition in learn/interest.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from renwei.core.clock import to_us
from renwei.core.nouns import ConsentState, Event, consent_by
from renwei.core.shop import Shop
from renwei.learn.behaviour import KINDS, asks_for_help
from renwei.people.sight import Evidence

MOST_LIVE = 2_000
LOOKED_BACK = timedelta(days=60)


def intents(shop: Shop, ordered: Mapping[int, int], at: datetime) -> dict[int, str]:
    """The intent of some people, as a word; people without recent behaviour are left out.

    Args:
        shop: The workspace.
        ordered: Microseconds of the last order by person, 0 without any.
        at: Nothing later is read.
    """
    from renwei.learn.interest import INTENTS, intents_of

    sums = sums_now(shop, list(ordered), at)
    if not len(sums):
        return {}
    kinds = families(shop, {int(item) for item in sums.item.tolist()})
    persons, codes = intents_of(sums, to_us(at), ordered, kinds)
    pairs = zip(persons.tolist(), codes.tolist(), strict=True)
    return {person: INTENTS[code] for person, code in pairs}


def intent_with_evidence(
    shop: Shop, person: int, last_order: datetime | None, at: datetime
) -> tuple[str, list[Evidence]]:
    """The intent of one person, "" without any, and the newest three events that say so."""
    ordered = to_us(last_order) if last_order else 0
    intent = intents(shop, {person: ordered}, at).get(person, "")
    if not intent:
        return "", []
    events = shop.store.log.of(
        shop.store.people.actors_of(person), until=at, kinds=KINDS, limit=200
    )
    said = [event for event in events if _says(event, intent) and event.at > at - LATELY]
    return intent, [
        Evidence(seq=e.seq, at=e.at, value_minor=e.value_minor, kind=e.kind) for e in said[:3]
    ]


LATELY = timedelta(days=7)


def _says(event: Event, intent: str) -> bool:
    if intent == "needs_help":
        return asks_for_help(event.kind, event.body)
    if intent == "about_to_buy":
        return event.kind in ("cart", "checkout")
    return event.kind == "view" or intent == "browsing"


def sums_now(shop: Shop, persons: Sequence[int], at: datetime) -> Any:
    """Sums of behaviour of some people as of now; those who asked not to be profiled have none."""
    from renwei.learn.interest import Sums

    store = shop.store
    shut = closed(shop, persons, at)
    open_ = [person for person in persons if person not in shut]
    of = {actor: person for person in open_ for actor in store.people.actors_of(person)}
    for _ in range(3):
        position = store.tallies.position("interests")
        rows = store.tallies.of(list(of))
        live = store.log.of(list(of), until=at, kinds=KINDS, limit=MOST_LIVE) if of else []
        if store.tallies.position("interests") == position:
            break
    table = [
        (of[row.actor], row.name, row.item, row.n, row.amount, row.last_us)
        for row in rows
        if row.last_us > to_us(at - LOOKED_BACK)
    ]
    table += added(shop, [event for event in live if event.seq > position], of)
    names = ("person", "name", "item", "n", "amount", "last_us")
    columns = zip(*table, strict=True) if table else [()] * len(names)
    return Sums.of(dict(zip(names, columns, strict=True))).added_up()


def added(
    shop: Shop, events: Sequence[Event], persons: Mapping[int, int]
) -> list[tuple[int, str, int, int, int, int]]:
    """What events add to the sums: person, name, item, n, amount, last_us.

    Of a flood the fold believes a few events; until it has, none of it counts.
    """
    from renwei.learn.behaviour import keyword_of, rows_of
    from renwei.people.interests import sought

    events = [event for event in events if not event.body.get("flood")]
    words = {keyword_of(event.body) for event in events if event.kind == "search"} - {""}
    found = sought(shop, words) if words else {}
    return [
        (persons[event.actor], name, item, 1, amount, to_us(event.at))
        for event in events
        for name, item, amount in rows_of(event.kind, event.item, event.body, found)
    ]


def closed(shop: Shop, persons: Sequence[int], at: datetime) -> set[int]:
    """Those of these people who asked not to be profiled."""
    said = zip(persons, shop.store.people.consents_of(persons), strict=True) if persons else ()
    return {
        person
        for person, consents in said
        if any(
            consent_by(consents, "profiling", channel, at) is ConsentState.WITHDRAWN
            for channel in ("*", "hand")
        )
    }


def families(shop: Shop, items: set[int]) -> dict[int, int]:
    """Items of one category have one number; 0 where there is none."""
    wanted = sorted(item for item in items if 0 < item < 1 << 32)
    numbers: dict[str, int] = {"": 0}
    found = shop.store.items.get(wanted)
    return {i.number: numbers.setdefault(i.category, len(numbers)) for i in found if i is not None}
