"""Work that lasts: 202 and an address to ask at, or the answer itself for who waits.

`Prefer: wait=20` waits so many seconds (RFC 7240); `Prefer: wait` as long as it takes. Without
it, a GET waits half a minute and everything else does not wait.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import anyio
import msgspec
from starlette.responses import Response

from renwei.app import build
from renwei.app.work import Job
from renwei.core.clock import ticks
from renwei.core.errors import UnknownName
from renwei.core.shop import Progress
from renwei.doors.http import callers, problems
from renwei.doors.http.calling import answered
from renwei.doors.http.places import Call

LONGEST_S = 600.0
READER_WAITS_S = 30.0
_LOOKS_S = 0.05
_WAIT = re.compile(r"(?:^|[,;\s])wait(?:\s*=\s*\"?(\d{1,6}))?", re.IGNORECASE)


class JobShown(msgspec.Struct, kw_only=True):
    """How far a job is: `state` running, done, failed or interrupted; `of` is 0 while unknown.

    `answer` is the operation's own answer once it is done, `problem` what refused it, or why
    there is no answer any more. Ended jobs are kept for seven days, also across a restart.
    """

    id: str
    operation: str
    state: str
    begun: datetime
    what: str = ""
    done: int = 0
    of: int = 0
    answer: Any = None
    problem: dict[str, Any] | None = None


async def started(call: Call, name: str, work: Callable[[Progress], Any]) -> Response:
    """Begin a job and answer for it.

    Args:
        call: The request.
        name: The operation's name.
        work: Does it, telling its progress.

    Raises:
        RenweiError: What the job was refused with, where it was waited for.
    """
    job = call.house.jobs.start(name, work, by=call.caller.id)
    wait_s = patience(call.request.headers.get("prefer", ""), call.request.method)
    until = ticks() + wait_s
    # Whoever is told its address finds it there, even after a crash.
    while not job.kept.is_set() or (not job.ended.is_set() and ticks() < until):
        await anyio.sleep(_LOOKS_S)
    if not job.ended.is_set():
        told = {"location": f"/v1/jobs/{job.id}", "retry-after": "1"}
        return answered(call, _shown(call, job), 202, **told)
    if job.error is not None:
        raise job.error
    return answered(call, callers.shown(call.caller, job.answer))


def patience(prefer: str, method: str) -> float:
    """How many seconds the client would wait.

    Example:
        >>> patience("wait=5", "POST"), patience("respond-async, wait", "POST"), patience("", "GET")
        (5.0, 600.0, 30.0)
    """
    found = _WAIT.search(prefer)
    if found is None:
        return READER_WAITS_S if method == "GET" and "respond-async" not in prefer else 0.0
    return min(float(found[1]), LONGEST_S) if found[1] else LONGEST_S


async def show(call: Call) -> Response:
    """How far a job is, for who began it and for administrators.

    Raises:
        UnknownName: unknown_job, also where it is somebody else's.
    """
    name = str(call.fields["job"])
    job = call.house.jobs.get(name)
    if job is None or not (job.by == call.caller.id or call.caller.may("admin")):
        raise UnknownName("unknown_job", name=name)
    return answered(call, _shown(call, job))


def _shown(call: Call, job: Job) -> JobShown:
    problem = None
    if job.error is not None:
        status = problems.status_of(job.error)
        name = problems.request_id(call.request)
        problem = problems.document_of(job.error, status, name, call.language)
    return JobShown(
        id=job.id,
        operation=job.operation,
        state=job.state,
        begun=job.begun,
        what=_said(job.what, call.language),
        done=job.done,
        of=job.of,
        answer=callers.shown(call.caller, job.answer),
        problem=problem,
    )


def _said(what: str, language: str) -> str:
    key = f"progress.{what}"
    return build.words().say(key, {}, language) if build.words().has(key) else what
