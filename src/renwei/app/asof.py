"""Answers about the whole shop: the last one with its time, while a newer one is worked out.

Reading a hundred thousand people takes seconds and much memory. A server that showed them anew
at every visit would keep its visitors waiting and the memory for itself; so such an answer is
worked out as a job in a child process, kept sealed, and stands until something came in since.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

import renwei
from renwei.app.jobs import answer_type, paths_back, plain
from renwei.app.work import Job
from renwei.core.errors import RenweiError
from renwei.core.operations import Operation
from renwei.core.shop import Progress, Shop
from renwei.stores.embedded import EmbeddedStore

PREFIX = "asof/"
REST = timedelta(minutes=1)
"""An app's events never stop coming: because of them alone nothing is worked out more often."""
FRESH_FOR = timedelta(hours=1)
"""Some of what an answer says changes without any event, such as how long ago something was."""

Do = Callable[[Operation, str, Progress], Any]
Start = Callable[[str, Callable[[Progress], Any]], Job]


@dataclass(frozen=True)
class Known:
    """What is known now: an answer and when it was true, and the job that makes a newer one.

    `answer` is None while the first is worked out; `at` is None where it is so now; `error` is
    why there is none newer.
    """

    answer: Any = None
    at: datetime | None = None
    job: Job | None = None
    error: RenweiError | None = None


class Record(msgspec.Struct, kw_only=True):
    """One answer on disk; `stood` and `position` are those of the workspace it was made from."""

    at: datetime
    stood: str
    position: int
    forgotten: int
    answer: bytes


class AsOf:
    """Keeps the last answers of one running workspace.

    Args:
        store: The workspace.
        start: Begins a job under a name.
        do: Does an operation in a language.
    """

    def __init__(self, store: EmbeddedStore, start: Start, do: Do) -> None:
        self._store, self._start, self._do = store, start, do
        self._guard = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def ask(self, operation: Operation, language: str, now: datetime) -> Known:
        """What is known of an operation that needs no fields; begins a newer answer if it is old.

        Args:
            operation: One that reads.
            language: Of the sentences in its answer.
            now: The moment, aware UTC.
        """
        name = f"{PREFIX}{operation.name}|{language}"
        with self._guard:
            # The job first: what has ended has left its answer before.
            job, error = self._jobs.get(name), None
            if job is not None and job.ended.is_set():
                job, error = None, self._jobs.pop(name).error
            held = self._read(name)
            if job is None and error is None and self._is_old(held, now):
                job = self._jobs[name] = self._begin(operation, language, now)
        return Known(_answer(operation, held), held.at if held else None, job, error)

    def _is_old(self, held: Record | None, now: datetime) -> bool:
        if held is None or held.stood != self._stands() or now - held.at >= FRESH_FOR:
            return True
        return held.position != self._store.log.position() and now - held.at >= REST

    def _stands(self) -> str:
        """Changes when files come or go, people are merged, settings change, or the program."""
        store = self._store
        turns = store.papers.turns("import", "setting")
        return f"{store.people.map_version()}|{turns}|{renwei.__version__}"

    def _begin(self, operation: Operation, language: str, now: datetime) -> Job:
        name = f"{PREFIX}{operation.name}|{language}"
        made = Record(
            at=now,
            stood=self._stands(),
            position=self._store.log.position(),
            forgotten=self._forgotten(),
            answer=b"",
        )

        def work(progress: Progress) -> None:
            answer = self._do(operation, language, progress)
            made.answer = msgspec.json.encode(answer, enc_hook=plain)
            # Of somebody who was forgotten meanwhile it may still tell.
            if made.forgotten == self._forgotten():
                self._store.blobs.put(name, msgspec.msgpack.encode(made))

        return self._start(operation.name, work)

    def _read(self, name: str) -> Record | None:
        held = _record(self._store, name)
        return held if held is not None and held.forgotten == self._forgotten() else None

    def _forgotten(self) -> int:
        return len(self._store.people.forgotten())


def scrub(shop: Shop) -> None:
    """Drop what was answered before somebody was forgotten: it may tell of them."""
    forgotten = len(shop.store.people.forgotten())
    for name in shop.store.blobs.names(PREFIX):
        held = _record(shop.store, name)
        if held is None or held.forgotten != forgotten:
            shop.store.blobs.drop(name)


def _record(store: Any, name: str) -> Record | None:
    held = store.blobs.get(name)
    if held is not None:
        with contextlib.suppress(msgspec.DecodeError):  # of another version of the program
            return msgspec.msgpack.decode(held, type=Record)
    return None


def _answer(operation: Operation, held: Record | None) -> Any:
    if held is None:
        return None
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(held.answer, type=answer_type(operation), dec_hook=paths_back)
    return None
