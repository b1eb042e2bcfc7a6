"""Jobs that outlive the server that did them: their answer or error, sealed, for seven days.

A job that was under way when the server stopped is told as interrupted. What a job answered
before somebody was forgotten may tell of them, so it is no longer shown, and scrubbed.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from renwei.app import asof
from renwei.app.jobs import answer_type, paths_back, plain
from renwei.app.work import Job
from renwei.core import errors
from renwei.core.errors import RenweiError, Unavailable
from renwei.core.shop import Shop

PREFIX = "job/"
KEPT = timedelta(days=7)
MOST_BYTES = 8 << 20
"""A longer answer is not kept; that it was done is."""
_log = logging.getLogger(__name__)


class Record(msgspec.Struct, kw_only=True):
    """One job on disk; `gone`: it was answered, and the answer is no longer kept."""

    operation: str
    by: str
    at: datetime
    state: str = "running"
    what: str = ""
    done: int = 0
    of: int = 0
    answer: bytes | None = None
    error: tuple[str, str, bytes] | None = None
    gone: bool = False
    forgotten: int = 0


class Finished:
    """Keeps the jobs of one running workspace, and finds those of earlier runs."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def keep(self, job: Job) -> None:
        """Note a job as it is now; a disk that does not take it spoils no job."""
        try:
            record = self._record(job)
            self._shop.store.blobs.put(PREFIX + job.id, msgspec.msgpack.encode(record))
        except Exception as error:  # noqa: BLE001 - the store may be closing; the job is done
            code = error.code if isinstance(error, RenweiError) else type(error).__name__
            _log.error("job_not_kept", extra={"job": job.id, "code": code})

    def _record(self, job: Job) -> Record:
        record = Record(
            operation=job.operation,
            by=job.by,
            at=job.begun,
            state=job.state,
            what=job.what,
            done=job.done,
            of=job.of,
            forgotten=len(self._shop.store.people.forgotten()),
        )
        if job.state == "done":
            record.answer = msgspec.json.encode(job.answer, enc_hook=plain)
            if len(record.answer) > MOST_BYTES:
                record.answer, record.gone = None, True
        if job.error is not None:
            values = msgspec.json.encode(dict(job.error.values), enc_hook=plain)
            record.error = type(job.error).__name__, job.error.code, values
        return record

    def find(self, name: str) -> Job | None:
        """A job of the last seven days, ended or interrupted."""
        record = _read(self._shop, PREFIX + name)
        if record is None or self._shop.clock.now() - record.at >= KEPT:
            return None
        job = Job(
            name, record.operation, record.by, begun=record.at, since=record.at,
            state=record.state, what=record.what, done=record.done, of=record.of,
        )  # fmt: skip
        if record.state == "running":
            job.state = "interrupted"
            job.error = Unavailable("job_interrupted", operation=record.operation)
        elif record.gone or record.forgotten != len(self._shop.store.people.forgotten()):
            job.error = _gone(record)
        else:
            _fill(job, record)
        job.ended.set()
        return job


def sweep(shop: Shop, at: datetime) -> int:
    """Drop what is older than seven days; returns how many."""
    dropped = 0
    for name in shop.store.blobs.names(PREFIX):
        record = _read(shop, name)
        if record is None or at - record.at >= KEPT:
            dropped += shop.store.blobs.drop(name)
    return dropped


def scrub(shop: Shop, texts: Sequence[str]) -> int:
    """Drop what jobs answered before somebody was forgotten: it may tell of them.

    Returns 0: a receipt counts what was held of a person, and these are only echoes of it.
    """
    asof.scrub(shop)
    forgotten = len(shop.store.people.forgotten())
    for name in shop.store.blobs.names(PREFIX):
        record = _read(shop, name)
        if record is None or record.forgotten == forgotten:
            continue
        if record.answer is not None or record.error is not None:
            record.answer, record.error, record.gone = None, None, True
            shop.store.blobs.put(name, msgspec.msgpack.encode(record))
    return 0


def _read(shop: Shop, name: str) -> Record | None:
    held = shop.store.blobs.get(name)
    if held is None:
        return None
    with contextlib.suppress(msgspec.DecodeError):  # of another version of the program
        return msgspec.msgpack.decode(held, type=Record)
    return None


def _gone(record: Record) -> RenweiError:
    return Unavailable("job_answer_gone", operation=record.operation)


def _fill(job: Job, record: Record) -> None:
    from renwei.app import build

    if record.error is not None:
        kind, code, values = record.error
        job.error = getattr(errors, kind, RenweiError)(code, **msgspec.json.decode(values))
        return
    operation = build.operations().get(record.operation)
    try:
        kept: Any = answer_type(operation) if operation else Any
        job.answer = msgspec.json.decode(record.answer or b"null", type=kept, dec_hook=paths_back)
    except msgspec.DecodeError:
        job.error = _gone(record)
