"""Items found by words, kind and category, a page at a time; files of items brought in."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from renwei.app.uploads import Uploads
from renwei.core.errors import BadInput, RenweiError, UnknownName
from renwei.core.nouns import OUR_OWN
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.screen import sentence
from renwei.doors.console.surfaces.looked import asked
from renwei.doors.http.problems import status_of
from renwei.recommend.goods import goods as columns

SIZE = 50
MOST_CATEGORIES = 300
"""So many are offered while somebody types; every other can be typed too."""
SERVER_FAULT = 500


@page("GET /goods", scope="read")
def goods(visit: Visit) -> Response:
    """What the shop sells, plays and publishes, and what of it is never offered."""
    return _list(visit)


@page("POST /goods", scope="write")
def bring(visit: Visit) -> Response:
    """Bring a file of items in."""
    sent = [one for one in visit.form.getlist("files") if isinstance(one, UploadFile)]
    uploads = Uploads(visit.house.directory)
    uploads.sweep(visit.house.clock.now())
    try:
        token = uploads.keep([(one.filename or "", one.file) for one in sent if one.filename][:1])
    except RenweiError as fault:
        if status_of(fault) >= SERVER_FAULT:
            raise
        return _list(visit, fault=sentence(visit, fault))
    file = str(uploads.paths(token)[0])
    partial = visit.fields.get("partial", "no") == "yes"
    job = visit.start("items import", file=file, partial=partial)
    return RedirectResponse(f"/jobs/{job}?then=/goods/~brought/{token}/JOB", 303)


@page("GET /goods/~brought/{token}/{job}", scope="write")
def brought(visit: Visit) -> Response:
    """What came in of a file, and what did not and why."""
    job = visit.house.jobs.get(visit.path["job"])
    mine = visit.visitor.id if visit.visitor else ""
    if job is None or job.by != mine:
        raise UnknownName("unknown_job", name=visit.path["job"])
    if job.operation != "items import" or job.state == "running":
        raise BadInput("bad_field", field="job", found=job.operation)
    Uploads(visit.house.directory).drop(visit.path["token"])
    if job.error:
        if status_of(job.error) >= SERVER_FAULT:
            raise job.error
        return _list(visit, fault=sentence(visit, job.error))
    return _list(visit, answer=job.answer)


def kinds_and_categories(visit: Visit) -> tuple[list[str], list[str]]:
    """Every kind and category there is, in their own order."""
    words = columns(visit.house.shop().store).words
    found: dict[str, list[str]] = {"kind": [], "category": []}
    for word in words:
        field, _, text = word.partition("|")
        if field in found and text not in OUR_OWN:
            found[field].append(text)
    return sorted(found["kind"]), sorted(found["category"])[:MOST_CATEGORIES]


def _list(visit: Visit, *, fault: str = "", answer: Any = None) -> Response:
    names = ("query", "kind", "category")
    told = {name: visit.query.get(name, "").strip()[:200] for name in names}
    gone = visit.query.get("gone", "") == "yes"
    after = visit.query.get("after", "")
    try:
        found = asked(visit, "items list", **told, gone=gone, limit=SIZE, after=after)
    except BadInput as wrong:
        fault, told["kind"] = sentence(visit, wrong), ""
        found = asked(visit, "items list", **told, gone=gone, limit=SIZE)
    kinds, categories = kinds_and_categories(visit)
    return visit.show(
        "goods/list.html",
        400 if fault else 200,
        found=found,
        wanted=told,
        gone=gone,
        after=after,
        kinds=kinds,
        categories=categories,
        filtered=any(told.values()) or gone,
        fault=fault,
        brought=answer,
    )
