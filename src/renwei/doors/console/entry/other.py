"""The other shop: from the demo to one's own with one click, and back from an empty one."""

from __future__ import annotations

from starlette.responses import Response

from renwei.core.errors import Refused, Unavailable
from renwei.doors.console import handover
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.kept import is_empty
from renwei.doors.console.screen import sentence
from renwei.doors.http.problems import status_of


@page("GET /leave-demo", scope="public")
def leave_demo(visit: Visit) -> Response:
    """How to go on with one's own data: a button, and the command for whoever cannot use it."""
    return visit.show("entry/leave_demo.html", said="", where="")


@page("POST /leave-demo", scope="admin")
def left(visit: Visit) -> Response:
    """Prepare one's own workspace and let its server take this one's place."""
    offer = handover.offered(visit.house, visit.request)
    if not visit.house.demo or offer is None:
        raise Refused("no_handover")
    try:
        to = handover.way_in(offer, visit.house)
    except Unavailable as fault:
        served = fault.code == "already_served"
        where = str(fault.values.get("where", "")) if served else ""
        said = visit.say("console.entry.own_is_open") if served else sentence(visit, fault)
        values = {"said": said, "where": where if where.startswith("http://") else ""}
        return visit.show("entry/leave_demo.html", status_of(fault), **values)
    return _over(visit, offer, to, "get")


@page("POST /to-demo", scope="admin")
def to_demo(visit: Visit) -> Response:
    """Let the demo take this server's place, while there is nothing here that would be missed."""
    offer = handover.offered(visit.house, visit.request)
    if visit.house.demo or offer is None or not is_empty(visit.house):
        raise Refused("no_handover")
    handover.ready(offer.other)
    return _over(visit, offer, "/enter-demo", "post")


@page("GET /handover/{mark}", scope="public")
def handed(visit: Visit) -> Response:
    """204 once another server stands here than the one that gave the mark."""
    return Response(status_code=204 if handover.is_other(visit.house, visit.path["mark"]) else 202)


def _over(visit: Visit, offer: handover.Handover, to: str, method: str) -> Response:
    answer = visit.show("entry/handover.html", mark=offer.mark, to=to, method=method, visitor=None)
    offer.begin()
    return answer
