"""Everything between a person and the shop, in time order, each with when it happened and came in.

What an app sent beside the structured values lies sealed under the person's own key; it is
opened here, and gone for good when the person is forgotten. Who of the team looked is no part
of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from renwei.core.chance import to_id
from renwei.core.clock import from_us, to_us
from renwei.core.errors import BadInput
from renwei.core.finding import person as find_person
from renwei.core.nouns import Decision, Event, Fact, Profile
from renwei.core.operations import PRIVATE, operation
from renwei.core.shop import Shop
from renwei.people.dossier import order_names
from renwei.people.sealed import details

HIDDEN = ("viewed",)
_MORE = 10_000
_OPEN = (
    "name", "path", "keyword", "list", "position", "quantity", "on", "creator", "dwell_ms",
    "status", "done", "place", "wire",
)  # fmt: skip


class TimelineRequest(msgspec.Struct, kw_only=True):
    """Whose; `cursor` is the `next` of the page before."""

    person: str
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    cursor: str = ""


class Entry(msgspec.Struct, kw_only=True):
    """One thing that happened.

    `at` is when it happened, `seen` when it came in. `values` are structured and tell nobody
    apart; `details` is whatever else was sent, opened from under the person's key.
    """

    kind: str
    at: datetime
    seen: datetime | None
    text: str
    seq: int = 0
    item: str = ""
    value_minor: int = 0
    currency: str = ""
    source: str = ""
    decision_id: str = ""
    order: Annotated[str, PRIVATE] = ""
    values: dict[str, Any] = {}
    details: Annotated[dict[str, Any], PRIVATE] = {}


class TimelineAnswer(msgspec.Struct, kw_only=True):
    """Newest first; `next` is the cursor of the page after, "" on the last."""

    person: str
    at: datetime
    zone: str
    entries: list[Entry]
    next: str


@operation("timeline", TimelineRequest, http="GET /v1/people/{person}/timeline")
def timeline(shop: Shop, request: TimelineRequest) -> TimelineAnswer:
    """Show everything between one person and the shop, newest first.

    Raises:
        UnknownName: Nobody goes by that name.
        BadInput: The cursor cannot be read (code bad_cursor).
    """
    at = shop.clock.now().astimezone(UTC)
    person = find_person(shop, request.person)
    profile = shop.store.people.profile(person)
    until, skip = _cursor(request.cursor, at)
    entries = _entries(shop, profile, until, request.limit + skip + 1)
    entries.sort(key=lambda entry: (entry.at, entry.seq, entry.kind, entry.text), reverse=True)
    page = entries[skip : skip + request.limit]
    more = len(entries) > skip + request.limit
    return TimelineAnswer(
        person=to_id(profile.person),
        at=at,
        zone=shop.settings.zone,
        entries=page,
        next=_next(entries, skip + request.limit, until, skip) if more and page else "",
    )


def _cursor(text: str, at: datetime) -> tuple[datetime, int]:
    """Until when to read, and how many entries of that very moment were shown already."""
    if not text:
        # Clocks of apps run ahead; what they sent is shown all the same.
        return at + timedelta(days=366), 0
    us, _, skip = text.partition("|")
    if not (us.isdigit() and skip.isdigit() and int(us) < 1 << 53 and int(skip) < _MORE):
        raise BadInput("bad_cursor", found=text)
    return from_us(int(us)), int(skip)


def _next(entries: Sequence[Entry], end: int, until: datetime, skip: int) -> str:
    last = entries[end - 1].at
    same = sum(entry.at == last for entry in entries[:end])
    # Entries of one moment that fill more than a page are passed over by their number.
    return f"{to_us(last)}|{same if last != until else max(same, skip)}"


def _entries(shop: Shop, profile: Profile, until: datetime, most: int) -> list[Entry]:
    store = shop.store
    # One more than wanted of each kind: together they hold the newest of all.
    events = [
        event
        for event in store.log.of(profile.actors, until=until, limit=most + _hidden(shop, profile))
        if event.kind not in HIDDEN
    ]
    decisions = store.ledger.of([profile.person, *profile.actors], limit=_MORE)
    decisions = [decision for decision in decisions if decision.at <= until][:most]
    titles = _titles(shop, events, decisions)
    orders = store.people.open_many([profile.person], ["order"])[0] if profile.person else {}
    found = [_of_event(shop, event, titles, orders) for event in events]
    found += [_of_decision(shop, decision, titles) for decision in decisions]
    found += [entry for entry in _of_profile(shop, profile) if entry.at <= until]
    return found


def _hidden(shop: Shop, profile: Profile) -> int:
    return len(shop.store.log.of(profile.actors, kinds=HIDDEN, limit=_MORE))


def _titles(
    shop: Shop, events: Iterable[Event], decisions: Iterable[Decision]
) -> Mapping[int, str]:
    numbers = {event.item for event in events}
    numbers |= {int(line[0]) for e in events for line in e.body.get("lines") or ()}
    numbers |= {item for decision in decisions for item in decision.chosen}
    wanted = sorted(number for number in numbers if number > 0)
    found = zip(wanted, shop.store.items.get(wanted), strict=True)
    return {number: item.title for number, item in found if item is not None}


def _of_event(
    shop: Shop, event: Event, titles: Mapping[int, str], orders: Mapping[str, Sequence[str]]
) -> Entry:
    body = event.body
    things = [titles.get(int(line[0]), "") for line in body.get("lines") or ()]
    item = titles.get(event.item, "") or ", ".join(thing for thing in things if thing)
    values = {key: body[key] for key in _OPEN if body.get(key) not in (None, "")}
    if isinstance(body.get("facts"), dict):
        values["facts"] = body["facts"]
    if isinstance(body.get("ctx"), dict):
        values["ctx"] = body["ctx"]
    return Entry(
        kind=event.kind,
        at=event.at,
        seen=event.seen,
        text=_text(shop, event.kind, {**values, "item": item}),
        seq=event.seq,
        item=item,
        value_minor=event.value_minor,
        currency=event.currency,
        source=event.source,
        decision_id=str(body.get("decision") or ""),
        order=order_names(shop, event, orders) if body.get("order") else "",
        values=values,
        details=details(shop, event),
    )


def _text(shop: Shop, kind: str, values: Mapping[str, Any]) -> str:
    key = f"timeline.{kind}"
    if not shop.words.has(key):
        return shop.say("timeline.other", name=values.get("name") or kind)
    if kind == "view" and values.get("dwell_ms"):
        seconds = max(round(float(values["dwell_ms"]) / 1000), 1)
        return shop.say("timeline.view_for", seconds=seconds, **values)
    about = values.get("item") or values.get("creator") or values.get("name") or ""
    return shop.say(key, **{**values, "about": about})


def _of_decision(shop: Shop, decision: Decision, titles: Mapping[int, str]) -> Entry:
    about = ", ".join(titles[item] for item in decision.chosen if item in titles)
    key = "decision" if any(decision.chosen) else "decision_nothing"
    return Entry(
        kind="decision",
        at=decision.at,
        seen=decision.at,
        text=shop.say(f"timeline.{key}", about=about),
        item=about,
        source=decision.surface,
        decision_id=decision.id,
        values={"consent": decision.consent, "odds": list(decision.odds)},
    )


def _of_profile(shop: Shop, profile: Profile) -> list[Entry]:
    found = [
        Entry(
            kind="consent",
            at=said.at,
            seen=said.at,
            text=shop.say(
                f"timeline.consent_{said.state.value}", purpose=shop.say(f"purposes.{said.purpose}")
            ),
            source=said.source,
            values={"purpose": said.purpose, "channel": said.channel, "state": said.state.value},
        )
        for said in profile.consents
    ]
    found += [_of_fact(shop, fact) for fact in profile.facts.values()]
    for merge in shop.store.people.merges(profile.person):
        key = "unmerge" if merge.undone else "merge"
        values = {"merge": merge.id, "kept": to_id(merge.kept), "gone": to_id(merge.gone)}
        text = shop.say(f"timeline.{key}", reason=reason_text(shop, merge.reason))
        found.append(Entry(kind=key, at=merge.at, seen=merge.at, text=text, values=values))
    return found


def reason_text(shop: Shop, reason: str) -> str:
    """Why two people were found to be one, in words."""
    key = f"merge_reasons.{reason}"
    return shop.say(key) if shop.words.has(key) else reason


def _of_fact(shop: Shop, fact: Fact) -> Entry:
    return Entry(
        kind="fact",
        at=fact.at,
        seen=fact.at,
        text=shop.say(f"timeline.fact_{fact.told.value}", name=fact.name, value=fact.value),
        source=fact.source,
        values={"name": fact.name, "value": fact.value, "told": fact.told.value},
    )
