"""Live events: what arrives, what was refused and why, and how to connect an app."""

from __future__ import annotations

from starlette.responses import Response

from renwei.core.errors import BadInput
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.live.stroll import stroll
from renwei.doors.http.problems import sentence_of


@page("GET /live", scope="read")
def live(visit: Visit) -> Response:
    """The newest events; asked again each second for those that came meanwhile."""
    after = int(visit.query["after"]) if visit.query.get("after", "").isdigit() else 0
    stroll(visit.house)
    answer = visit.call("events", after=after, limit=50)
    if visit.partial:
        # Nothing new: htmx leaves the page as it is.
        if not answer.events:
            return Response(status_code=204)
        return visit.show("live/rows.html", answer=answer)
    base = str(visit.request.base_url).rstrip("/")
    return visit.show("live/live.html", answer=answer, base=base)


@page("GET /live/rejected", scope="read")
def rejected(visit: Visit) -> Response:
    """What was refused: which field, why, and the event as it came."""
    asked = {name: visit.query.get(name, "") for name in ("code", "cursor")}
    answer = visit.call("rejected", **asked)
    return visit.show(
        "live/rejected.html",
        answer=answer,
        asked=asked,
        counted=sum(minute.count for minute in answer.counted),
    )


@page("GET /live/rejected/{id}", scope="write")
def one(visit: Visit) -> Response:
    """One refused event, ready to be corrected."""
    answer = visit.call("rejected show", rejected_id=visit.path["id"])
    return visit.show("live/one.html", answer=answer, body=answer.retry, said="")


@page("POST /live/rejected/{id}", scope="write")
def replay(visit: Visit) -> Response:
    """Try it again as corrected; what is still wrong is said beside what was typed."""
    name, body = visit.path["id"], visit.fields.get("body", "").strip()
    try:
        visit.call("rejected replay", rejected_id=name, body=body)
    except BadInput as fault:
        answer = visit.call("rejected show", rejected_id=name)
        said = sentence_of(fault, visit.language)
        return visit.show("live/one.html", 400, answer=answer, body=body, said=said)
    return visit.back("/live/rejected", "console.live.replayed")
