"""Live events: what arrives, what was refused and why, and how to connect an app."""

from __future__ import annotations

from starlette.responses import Response

from renwei.doors.console.frame import Visit, page


@page("GET /live", scope="read")
def live(visit: Visit) -> Response:
    """The newest events; asked again each second for those that came meanwhile."""
    after = int(visit.query["after"]) if visit.query.get("after", "").isdigit() else 0
    answer = visit.call("events", after=after, limit=50)
    if visit.partial:
        # Nothing new: htmx leaves the page as it is.
        if not answer.events:
            return Response(status_code=204)
        return visit.show("live/rows.html", answer=answer)
    base = str(visit.request.base_url).rstrip("/")
    return visit.show("live/live.html", answer=answer, base=base, waiting=_waiting(visit))


@page("GET /live/rejected", scope="read")
def rejected(visit: Visit) -> Response:
    """What was refused: which field, why, and the event as it came."""
    asked = {name: visit.query.get(name, "") for name in ("code", "cursor")}
    return visit.show("live/rejected.html", answer=visit.call("rejected", **asked), asked=asked)


@page("POST /live/rejected/{id}/replay", scope="write")
def replay(visit: Visit) -> Response:
    """Try one again, as it came or corrected."""
    body = visit.fields.get("body", "").strip()
    fields = {"body": body} if body else {}
    visit.call("rejected replay", id=visit.path["id"], **fields)
    return visit.back("/live/rejected", "console.live.replayed")


def _waiting(visit: Visit) -> int:
    return int(visit.call("rejected", limit=1).total)
