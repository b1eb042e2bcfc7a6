"""Bringing files in: drop, look at the guess, correct it, bring it in, mend, undo."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from renwei.app.house import IN_TURN
from renwei.app.uploads import Uploads
from renwei.app.work import Job
from renwei.collect.headers import known_fields
from renwei.collect.refused import refused_of
from renwei.core.errors import BadInput, RenweiError, UnknownName
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.imports.samples import samples
from renwei.doors.console.imports.sheet import sheet
from renwei.doors.console.screen import sentence
from renwei.doors.console.today.pages import begin
from renwei.doors.http.problems import status_of

SERVER_FAULT = 500
MEANS = "means:"
"""Names of the fields that say what a column means begin so; the rest is the header."""


@page("GET /imports", scope="read")
def imports(visit: Visit) -> Response:
    """Where files are dropped, and every import so far."""
    mine = visit.visitor.id if visit.visitor else ""
    running = [job for job in visit.house.jobs.running().values() if job.operation in IN_TURN]
    return visit.show(
        "imports/list.html",
        imports=visit.call("imports list").imports,
        running=[(job, job.by == mine) for job in running],
    )


@page("POST /imports", scope="write")
def dropped(visit: Visit) -> Response:
    """Keep what was dropped and find out what it is."""
    sent = [one for one in visit.form.getlist("files") if isinstance(one, UploadFile)]
    uploads = _uploads(visit)
    uploads.sweep(visit.house.clock.now())
    try:
        token = uploads.keep([(one.filename or "", one.file) for one in sent if one.filename])
    except RenweiError as fault:
        return _again(visit, fault)
    return _look(visit, token, [])


@page("GET /imports/look/{token}/{job}", scope="write")
def look(visit: Visit) -> Response:
    """What the files would bring, and how their columns are understood."""
    token = visit.path["token"]
    _uploads(visit).paths(token)
    named = dict(one.rpartition("=")[::2] for one in visit.request.query_params.getlist("column"))
    try:
        answer = _job(visit, "import").answer
    except RenweiError as fault:
        if fault.code != "no_orders_in_table":
            _uploads(visit).drop(token)
            return _again(visit, fault)
        values = {"fault": fault.values, "token": token, "fields": known_fields(), "named": named}
        return visit.show("imports/strange.html", status_of(fault), **values)
    return visit.show(
        "imports/look.html",
        answer=answer,
        token=token,
        fields=known_fields(),
        named=named,
        samples=samples(_uploads(visit).paths(token), answer.preview or []),
    )


@page("POST /imports/look/{token}", scope="write")
def look_again(visit: Visit) -> Response:
    """Read the files once more with what somebody said their columns mean."""
    _uploads(visit).paths(visit.path["token"])
    return _look(visit, visit.path["token"], _columns(visit))


@page("POST /imports/bring/{token}", scope="write")
def bring(visit: Visit) -> Response:
    """Bring the files in."""
    uploads, token = _uploads(visit), visit.path["token"]
    files = [str(path) for path in uploads.paths(token)]
    job = uploads.noted(token)
    # Pressed twice, or in two tabs, it still comes in once.
    if visit.house.jobs.get(job) is None:
        job = visit.start("import", files=files, columns=_columns(visit))
        uploads.note(token, job)
    return RedirectResponse(f"/jobs/{job}?then=/imports/done/{token}/JOB", 303)


@page("POST /imports/drop/{token}", scope="write")
def drop(visit: Visit) -> Response:
    """Put the files away without bringing them in."""
    _uploads(visit).drop(visit.path["token"])
    return visit.back("/imports", "console.imports.dropped")


@page("GET /imports/done/{token}/{job}", scope="write")
def done(visit: Visit) -> Response:
    """What came in, and what to do next."""
    job = _job(visit, "import", ended=False)
    _uploads(visit).drop(visit.path["token"])
    if job.error:
        return _again(visit, job.error)
    # While the numbers are read the list is drawn: it begins with learning from the orders.
    begin(visit)
    return visit.show("imports/done.html", answer=job.answer)


@page("GET /imports/{import_id}", scope="read")
def show(visit: Visit) -> Response:
    """One import whole: numbers, files, what was refused and why."""
    answer = visit.call("imports show", import_id=visit.path["import_id"])
    return visit.show("imports/show.html", answer=answer)


@page("GET /imports/{import_id}/refused.csv", scope="write")
def refused(visit: Visit) -> Response:
    """The refused rows as they were, to be mended and sent again."""
    answer = visit.call("imports show", import_id=visit.path["import_id"])
    rows = refused_of(visit.house.shop().store.blobs, answer.import_id).refused
    reasons = {(line.file, line.row): line.text for line in answer.refused}
    name = f"refused-{answer.import_id}.csv"
    return Response(
        sheet(rows, reasons, visit.say("console.imports.reason")),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@page("POST /imports/{import_id}/replay", scope="write")
def replay(visit: Visit) -> Response:
    """Try the refused rows again, from a mended copy where one was sent."""
    import_id, sent = visit.path["import_id"], visit.form.get("file")
    fields: dict[str, Any] = {"import_id": import_id}
    token = ""
    if isinstance(sent, UploadFile) and sent.filename:
        token = _uploads(visit).keep([(sent.filename, sent.file)])
        fields["file"] = str(_uploads(visit).paths(token)[0])
    job = visit.start("imports replay", **fields)
    then = f"/imports/{import_id}/replayed/JOB" + (f"?token={token}" if token else "")
    return RedirectResponse(f"/jobs/{job}?then={then}", 303)


@page("GET /imports/{import_id}/replayed/{job}", scope="write")
def replayed(visit: Visit) -> Response:
    """What came in of what had been refused."""
    job = _job(visit, "imports replay", ended=False)
    _uploads(visit).drop(visit.query.get("token", ""))
    if job.error:
        raise job.error
    answer = job.answer
    values = {"rows": answer.rows, "left": answer.left, "added": answer.added}
    return visit.back(f"/imports/{answer.import_id}", "console.imports.replayed", **values)


@page("POST /imports/{import_id}/undo", scope="write")
def undo(visit: Visit) -> Response:
    """Take an import back."""
    job = visit.start("undo", import_id=visit.path["import_id"])
    return RedirectResponse(f"/jobs/{job}?then=/imports/undone/JOB", 303)


@page("GET /imports/undone/{job}", scope="write")
def undone(visit: Visit) -> Response:
    """What was taken back."""
    answer = _job(visit, "undo").answer
    values = {"orders": answer.orders, "kept": answer.kept, "people": answer.people}
    return visit.back("/imports", "console.imports.undone", **values)


def _again(visit: Visit, fault: RenweiError) -> Response:
    """What was wrong with the files, and the place to drop others."""
    if status_of(fault) >= SERVER_FAULT:
        raise fault
    return visit.show("imports/again.html", status_of(fault), said=sentence(visit, fault))


def _look(visit: Visit, token: str, columns: list[str]) -> Response:
    from urllib.parse import quote, urlencode

    files = [str(path) for path in _uploads(visit).paths(token)]
    job = visit.start("import", files=files, columns=columns, dry_run=True)
    told = urlencode([("column", one) for one in columns])
    then = quote(f"/imports/look/{token}/JOB" + (f"?{told}" if told else ""))
    return RedirectResponse(f"/jobs/{job}?then={then}", 303)


def _columns(visit: Visit) -> list[str]:
    """Only what differs from the guess is said: the rest stays a guess."""
    columns = []
    for name, field in visit.fields.items():
        header = name.removeprefix(MEANS)
        if name.startswith(MEANS) and field != visit.fields.get(f"was:{header}", ""):
            columns.append(f"{header}={field}")
        elif name.startswith("told:"):
            columns.append(f"{name.removeprefix('told:')}={field}")
    return columns


def _job(visit: Visit, operation: str, *, ended: bool = True) -> Job:
    """A job of the visitor's own; with `ended`, its error is raised."""
    job = visit.house.jobs.get(visit.path["job"])
    if job is None or visit.visitor is None or job.by != visit.visitor.id:
        raise UnknownName("unknown_job", name=visit.path["job"])
    if job.operation != operation or job.state == "running":
        raise BadInput("bad_field", field="job", found=job.operation)
    if job.error and ended:
        raise job.error
    return job


def _uploads(visit: Visit) -> Uploads:
    return Uploads(visit.house.directory)
