"""Decisions: what was chosen for whom, from what, with what odds, and why."""

from __future__ import annotations

from starlette.responses import Response

from renwei.doors.console.frame import Visit, page


@page("GET /decisions", scope="read")
def decisions(visit: Visit) -> Response:
    """Those of a day's list, or those about one person."""
    asked = {"person": visit.query.get("person", "").strip(), "day": visit.query.get("day", "")}
    return visit.show("decisions/list.html", answer=visit.call("decisions", **asked), asked=asked)


@page("GET /decisions/{decision}", scope="read")
def decision(visit: Visit) -> Response:
    """One decision whole, and whether drawing it again gives the same."""
    return visit.show(
        "decisions/one.html", answer=visit.call("why", decision=visit.path["decision"])
    )
