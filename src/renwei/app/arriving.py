"""What has just come in, for whoever connects an app and wants to see it arrive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from renwei.core.chance import to_id
from renwei.core.nouns import NOBODY, Event
from renwei.core.operations import PRIVATE, operation
from renwei.core.shop import Shop

SHOWN = ("dwell_ms", "keyword", "path", "name", "on", "creator", "quantity", "list", "facts")
"""What of an event's body is shown here; all of it stands on the person's page."""
_UNSEEN = frozenset({"viewed"})
_LOOKED = 2_000


class EventsRequest(msgspec.Struct, kw_only=True):
    """The newest events, or those after a position; `kind` picks one kind.

    What files brought is left out unless `imports` asks for it.
    """

    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    kind: str = ""
    imports: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class Arrived(msgspec.Struct, kw_only=True):
    """One event: its own time, when it came in, who, what, and from where."""

    seq: int
    at: datetime
    seen: datetime
    kind: str
    person: str
    name: Annotated[str, PRIVATE]
    item: str
    details: Annotated[dict[str, Any], PRIVATE]
    value_minor: int
    currency: str
    source: str
    wire: str


class EventsAnswer(msgspec.Struct, kw_only=True):
    """Newest first; `position` is what to ask `after` next time."""

    position: int
    events: list[Arrived]


@operation("events", EventsRequest, http="GET /v1/events")
def events(shop: Shop, request: EventsRequest) -> EventsAnswer:
    """The events that came in last, newest first."""
    log = shop.store.log
    position = log.position()
    after = request.after or max(position - _LOOKED, 0)
    kinds = (request.kind,) if request.kind else ()
    found = [
        event
        for event in log.read(after=after, kinds=kinds)
        if event.kind not in _UNSEEN and (request.imports or not event.source.startswith("i-"))
    ]
    newest = found[::-1][: request.limit]
    return EventsAnswer(position=position, events=_arrived(shop, newest))


def _arrived(shop: Shop, found: Sequence[Event]) -> list[Arrived]:
    actors = sorted({event.actor for event in found if event.actor != NOBODY})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    known = sorted(set(persons.values()))
    texts = shop.store.people.open_many(known, ["name", "nick", "email", "phone"])
    names = {
        p: next((v[0] for v in t.values() if v), "") for p, t in zip(known, texts, strict=True)
    }
    numbers = sorted({event.item for event in found if event.item})
    titles = {i.number: i.title for i in shop.store.items.get(numbers) if i is not None}
    return [
        Arrived(
            seq=event.seq,
            at=event.at,
            seen=event.seen or event.at,
            kind=event.kind,
            person=to_id(persons[event.actor]) if event.actor in persons else "",
            name=names.get(persons.get(event.actor, 0), ""),
            item=titles.get(event.item, ""),
            details={key: event.body[key] for key in SHOWN if event.body.get(key)},
            value_minor=event.value_minor,
            currency=event.currency,
            source=event.source,
            wire=str(event.body.get("wire", "")),
        )
        for event in found
    ]
