"""What can be done with live events: look at refused ones, try them again, see floods."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from renwei.collect.live.answers import (
    RejectedAnswer,
    RejectedEvent,
    RejectedMinute,
    RejectedReplayAnswer,
    RejectedReplayRequest,
    RejectedRequest,
    RejectedShowAnswer,
    RejectedShowRequest,
    SuspiciousAnswer,
    SuspiciousPerson,
    SuspiciousRequest,
)
from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.joining import not_merged
from renwei.collect.live.preparing import prepare
from renwei.collect.live.reading import EVENT_LIMIT, Moment, read
from renwei.collect.live.rejected import (
    Kept,
    arrived_at,
    counted,
    entries_of,
    let_go,
    newest,
    one_of,
)
from renwei.collect.live.suspicious import TALLY, names
from renwei.core.chance import to_id
from renwei.core.clock import from_us, to_us
from renwei.core.errors import BadInput
from renwei.core.nouns import NOBODY
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.core.store import Paper

_MOST: Final = 500
_DAY_US: Final = 86_400_000_000


@operation("rejected", RejectedRequest, http="GET /v1/rejected")
def rejected(shop: Shop, request: RejectedRequest) -> RejectedAnswer:
    """Refused events, the newest first, with field and reason."""
    limit = max(1, min(request.limit, _MOST))
    after, _, number = request.cursor.rpartition(".")
    found: list[RejectedEvent] = []
    following = ""
    for paper in newest(shop, before=after):
        at = arrived_at(paper)
        if request.since is not None and at < request.since:
            break
        if request.code and request.code not in paper.body["codes"]:
            continue
        for one in entries_of(shop, paper):
            is_past = paper.name == after and number.isdecimal() and one.number < int(number)
            if is_past or (request.code and one.code != request.code):
                continue
            if len(found) == limit:
                following = f"{paper.name}.{one.number}"
                break
            found.append(_shown(shop, paper, one))
        if following:
            break
    minutes = [] if request.cursor else _minutes(shop, request.since)
    return RejectedAnswer(rejected=found, counted=minutes, next=following)


@operation("rejected show", RejectedShowRequest, http="GET /v1/rejected/{rejected_id}")
def rejected_show(shop: Shop, request: RejectedShowRequest) -> RejectedShowAnswer:
    """One refused event with what was sent."""
    paper, one = one_of(shop, request.rejected_id)
    return RejectedShowAnswer(
        event=_shown(shop, paper, one),
        values=one.values,
        raw=one.raw.decode("utf-8", "replace"),
        retry=(one.plain or one.raw).decode("utf-8", "replace"),
    )


@operation(
    "rejected replay",
    RejectedReplayRequest,
    writes=True,
    http="POST /v1/rejected/{rejected_id}/replay",
)
def rejected_replay(shop: Shop, request: RejectedReplayRequest) -> RejectedReplayAnswer:
    """Try a refused event again, as it was sent or corrected.

    Raises:
        UnknownName: code `unknown_rejected`.
        BadInput: code `still_rejected` (field, reason): nothing was stored, it stays listed;
            `not_replayable`: it was cut or cleared, so a corrected one is needed.
    """
    paper, one = one_of(shop, request.rejected_id)
    at = arrived_at(paper)
    if not request.body and not _is_whole(one):
        raise BadInput("not_replayable", name=request.rejected_id)
    raw = request.body.encode() if request.body else one.plain or one.raw
    result = read(raw, one.index, Moment(to_us(at), one.skew_us), wire=one.wire or "segment")
    if isinstance(result, Refusal):
        reason = _sentence(shop, result.field, result.code, result.values)
        raise BadInput("still_rejected", field=result.field or "-", reason=reason)
    stored, kind = _store(shop, str(paper.body["source"]), result, at)
    let_go(shop, paper, one.number)
    return RejectedReplayAnswer(rejected_id=request.rejected_id, stored=stored, kind=kind)


@operation("suspicious", SuspiciousRequest, http="GET /v1/suspicious")
def suspicious(shop: Shop, request: SuspiciousRequest) -> SuspiciousAnswer:
    """Who does within a minute what no hand can: flagged, and weighed less."""
    since = to_us(shop.clock.now()) // _DAY_US - max(0, request.days)
    columns = shop.store.tallies.columns(names(), since_day=since)
    rows = list(
        zip(
            *(columns[name] for name in ("actor", "name", "n", "day", "last_us")),
            strict=True,
        )
    )
    persons = shop.store.people.persons_of([int(row[0]) for row in rows])
    found: dict[tuple[int, str], list[tuple[int, int, int]]] = {}
    for person, (_, name, n, day, last_us) in zip(persons, rows, strict=True):
        if person != NOBODY:
            found.setdefault((person, str(name)), []).append((int(n), int(day), int(last_us)))
    lines = [
        SuspiciousPerson(
            person=to_id(person),
            kind=name.removeprefix(TALLY),
            events=sum(n for n, _, _ in days),
            days=len({day for _, day, _ in days}),
            last=from_us(max(last_us for _, _, last_us in days)),
        )
        for (person, name), days in found.items()
    ]
    lines.sort(key=lambda line: (-line.events, line.person, line.kind))
    limit = max(1, min(request.limit, _MOST))
    return SuspiciousAnswer(suspicious=lines[:limit], not_merged=not_merged(shop))


def _store(shop: Shop, source: str, one: Incoming, at: datetime) -> tuple[bool, str]:
    # Its own time, or when it first came: not when it is tried again.
    if one.at_us is None:
        one = msgspec.structs.replace(one, at_us=to_us(at))
    now = shop.clock.now()
    prepared = prepare(shop, [(source, one)], now)
    appended = shop.store.log.append(prepared.events, now)
    return appended.added > 0, prepared.events[0].kind if prepared.events else ""


def _is_whole(one: Kept) -> bool:
    return bool(one.raw) and one.code not in ("event_too_large", "bad_json")


def _shown(shop: Shop, paper: Paper, one: Kept) -> RejectedEvent:
    return RejectedEvent(
        id=f"{paper.name}.{one.number}",
        at=arrived_at(paper),
        source=str(paper.body["source"]),
        wire=one.wire,
        index=one.index,
        field=one.field,
        code=one.code,
        text=_sentence(shop, one.field, one.code, one.values),
        message_id=one.message_id,
        replayable=_is_whole(one),
    )


def _sentence(shop: Shop, field: str, code: str, values: dict[str, object]) -> str:
    named = {"field": field, "value": "", "limit": EVENT_LIMIT, **values}
    return shop.say(f"refusals.{code}", **named)


def _minutes(shop: Shop, since: datetime | None) -> list[RejectedMinute]:
    found = [
        RejectedMinute(
            at=from_us(int(body["at"])),
            source=str(body["source"]),
            count=int(body["n"]),
            codes={str(code): int(n) for code, n in body["codes"].items()},
        )
        for body in counted(shop)
    ]
    return [one for one in found if since is None or one.at >= since][:_MOST]
