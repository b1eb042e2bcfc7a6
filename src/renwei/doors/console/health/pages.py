"""Is my data enough yet: what hurts, which feature is ready, which level comes next."""

from __future__ import annotations

from starlette.responses import Response

from renwei.app.house import IN_TURN
from renwei.doors.console import gate, kept
from renwei.doors.console.frame import Visit, page


@page("GET /health", scope="read")
def health(visit: Visit) -> Response:
    """The page; in a large shop what hurts, and always the back-test, come after."""
    known = kept.known(visit, "health")
    return visit.show(
        "health/health.html",
        known=known,
        shown=kept.shown(known),
        levels=visit.call("levels"),
        running=any(job.operation in IN_TURN for job in visit.house.jobs.running().values()),
        job=_tried(visit) if "lights" in visit.query else None,
    )


@page("GET /health/problems", scope="read")
def problems(visit: Visit) -> Response:
    """What hurts and the place for the lights, once it is known or known anew."""
    known = kept.known(visit, "health")
    if not kept.is_newer(visit, known):
        return Response(status_code=204)
    return visit.show("health/problems.html", known=known, shown=kept.shown(known), job=None)


@page("GET /health/lights", scope="read")
def lights(visit: Visit) -> Response:
    """The lights alone, once the back-test is through; until then how far it is."""
    return visit.show("health/lights.html", job=_tried(visit))


@page("POST /health/lights", scope="read")
def again(visit: Visit) -> Response:
    """Try the shop's past anew."""
    visit.house.lately("readiness", visit.language, anew=True)
    return visit.back("/health?lights=1")


def _tried(visit: Visit) -> dict[str, object]:
    gate.insist(visit.visitor, "readiness")
    job = visit.house.lately("readiness", visit.language)
    newest = max((one.at for one in visit.call("imports list").imports), default=None)
    if newest and str(newest) > str(job.begun):
        # What was tried before the last files came in says nothing of them.
        job = visit.house.lately("readiness", visit.language, anew=True)
    if job.error and job.state == "failed":
        raise job.error
    return {"state": job.state, "answer": job.answer, "what": job.what}
