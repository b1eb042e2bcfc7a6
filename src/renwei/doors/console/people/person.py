"""One person: portrait with evidence, consent, what is next, timeline."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from renwei.doors.console.amounts import hour, whole
from renwei.doors.console.frame import Visit, page

PURPOSES = ("service", "care", "marketing", "profiling", "sensitive", "location")
CHANNELS = ("*", "wechat", "wecom", "sms", "email", "phone", "hand")
MOST = 20


@page("GET /people/{person}", scope="read")
def person(visit: Visit) -> Response:
    """Everything known of one person, with where it comes from."""
    answer = visit.call("person", person=visit.path["person"])
    return visit.show(
        "people/person.html",
        p=answer,
        wordings=_wordings(visit) if visit.may("write") else {},
        channels=CHANNELS,
        touches=touches(answer.touches),
        whole=whole(visit),
    )


@page("GET /people/{person}/next", scope="read")
def following(visit: Visit) -> Response:
    """What to do for this person now, or why nothing; a decision like every other."""
    answer = visit.call("next", person=visit.path["person"])
    today = visit.house.clock.now().date()
    return visit.show(
        "people/next_part.html" if visit.partial else "people/next.html",
        next=answer,
        whole=whole(visit),
        hour=hour(visit, today),
    )


def touches(found: list[Any]) -> list[Any]:
    """What happened between the shop and the person: of a day's lists one line is enough."""
    kept: list[Any] = []
    seen: set[tuple[str, ...]] = set()
    for touch in found:
        if touch.kind == "decision":
            mark = (f"{touch.at:%Y-%m-%d}", touch.surface, *touch.what)
            if touch.status == "nothing" or mark in seen:
                continue
            seen.add(mark)
        kept.append(touch)
    return kept[:MOST]


def _wordings(visit: Visit) -> dict[str, Any]:
    """The wording in force by purpose, in the shop's language."""
    language = visit.house.shop().settings.language
    found = visit.house.call("texts", visit.language, language=language).texts
    return {one.purpose: one for one in found}
