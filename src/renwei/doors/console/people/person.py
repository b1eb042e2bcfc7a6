"""One person: portrait with evidence, consent, what is next, timeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response

from renwei.core.chance import from_id
from renwei.core.shop import Shop
from renwei.doors.console import gate
from renwei.doors.console.amounts import hour, whole
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.people.called import Called

PURPOSES = ("service", "care", "marketing", "profiling", "sensitive", "location")
CHANNELS = ("*", "wechat", "wecom", "sms", "email", "phone", "hand")
MOST, ALL = 20, 300
LOOKED_AT = 60
"""So many of somebody's newest events are looked at to see whether there is a new one."""


@page("GET /people/{person}", scope="read")
def person(visit: Visit) -> Response:
    """Everything known of one person, with where it comes from."""
    answer = visit.call("person", person=visit.path["person"])
    found, names = _timeline(visit, answer.person, MOST), Called(visit)
    return visit.show(
        "people/person.html",
        p=answer,
        wordings=_wordings(visit) if visit.may("write") else {},
        channels=CHANNELS,
        t=found,
        most=MOST,
        laid_flat=laid_flat,
        entries=names.entries(told(found.entries, _silence(visit))),
        names=names,
        mark=_mark(visit.house.shop(), answer.person),
        whole=whole(visit),
    )


@page("GET /people/{person}/next", scope="read")
def following(visit: Visit) -> Response:
    """What to do for this person now, or why nothing; a decision like every other."""
    answer = visit.call("next", person=visit.path["person"])
    zone = ZoneInfo(visit.house.shop().settings.zone)
    today = visit.house.clock.now().astimezone(zone).date()
    return visit.show(
        "people/next_part.html" if visit.partial else "people/next.html",
        next=answer,
        whole=whole(visit),
        hour=hour(visit, today),
    )


@page("GET /people/{person}/timeline", scope="read")
def timeline(visit: Visit) -> Response:
    """The newest part of the timeline; whoever knows it already (`mark`) gets nothing."""
    shop, name = visit.house.shop(), visit.path["person"]
    mark = _mark(shop, name)
    if visit.partial and visit.query.get("mark") == mark and "more" not in visit.query:
        return Response(status_code=204)
    # The look itself was noted when the page was opened.
    most = ALL if visit.query.get("all") else MOST
    answer = _timeline(visit, name, most)
    if not visit.partial:
        return RedirectResponse(f"/people/{answer.person}#timeline", 303)
    return visit.show(
        "people/timeline.html",
        laid_flat=laid_flat,
        t=answer,
        entries=Called(visit).entries(told(answer.entries, _silence(visit))),
        mark=mark,
        most=most,
    )


def told(entries: list[Any], silence: str) -> list[Any]:
    """What happened; of the same decision several times a day one line is enough.

    Decisions for silence (whose text is `silence`) are no news: every list makes one.
    """
    kept: list[Any] = []
    seen: set[tuple[str, ...]] = set()
    for entry in entries:
        if entry.kind == "decision":
            mark = (f"{entry.at:%Y-%m-%d}", entry.source, entry.text)
            if mark in seen or entry.text == silence:
                continue
            seen.add(mark)
        kept.append(entry)
    return kept


def _timeline(visit: Visit, name: str, most: int) -> Any:
    answer = visit.house.call("timeline", visit.language, person=name, limit=most)
    return gate.shown(visit.visitor, answer)


def laid_flat(details: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """What was sent, one value a line, named by where it stood.

    Example:
        >>> laid_flat({"properties": {"query": "sun", "tags": ["a", "b"]}})
        [('properties.query', 'sun'), ('properties.tags', 'a, b')]
    """
    found: list[tuple[str, str]] = []
    for name, value in details.items():
        if isinstance(value, Mapping):
            found += laid_flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            found.append((before + name, ", ".join(map(str, value))))
        elif value not in (None, ""):
            found.append((before + name, str(value)))
    return found


def _silence(visit: Visit) -> str:
    return visit.say("timeline.decision_nothing", about="")


def _mark(shop: Shop, name: str) -> str:
    """Says whether something came in about somebody; a look of the team is nothing."""
    number = from_id(name)
    actors = shop.store.people.actors_of(number) if number is not None else []
    newest = shop.store.log.of(actors, limit=LOOKED_AT) if actors else []
    seqs = [event.seq for event in newest if event.kind != "viewed"]
    return f"{max(seqs, default=0)}-{len(seqs)}"


def _wordings(visit: Visit) -> dict[str, Any]:
    """The wording in force by purpose, in the shop's language."""
    language = visit.house.shop().settings.language
    found = visit.house.call("texts", visit.language, language=language).texts
    return {one.purpose: one for one in found}
