"""The house: one running workspace, as the server's doors see it.

It holds the directory for writing, hands out a Shop with the settings of the moment, runs
operations, jobs, intake and folds. Doors know nothing else of the program's inside.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from renwei.app import build
from renwei.app.ahead import Ahead
from renwei.app.asof import AsOf, Known
from renwei.app.checkpoints import Checkpoints
from renwei.app.finished import Finished
from renwei.app.follow import Follower
from renwei.app.intake import Intake
from renwei.app.jobs import run_child
from renwei.app.showing import DEMO
from renwei.app.standing import Standing
from renwei.app.upkeep.retention import embedded
from renwei.app.upkeep.tending import Tending
from renwei.app.uploads import Uploads
from renwei.app.work import Job, Jobs
from renwei.core.clock import Clock
from renwei.core.errors import BadInput
from renwei.core.operations import Operation
from renwei.core.shop import Progress, Shop, silent
from renwei.stores.embedded import EmbeddedStore
from renwei.trust import audit

LATELY = timedelta(hours=6)
"""For so long a back-test of the shop's past stays on the page before it is tried anew."""

BRIEF = frozenset({"next"})
"""Operations of milliseconds: all that one reads is of one moment, and read once."""

BESIDE = frozenset(("health", "questions suggest"))
"""Operations that read the whole shop: of a large one in a child, whose memory goes with it."""

SMALL = 5_000
"""A shop of so few events is read at once: a child would take longer to start."""

IN_TURN = frozenset(("import", "imports replay", "undo"))
"""Operations of which one runs at a time; another waits and says so."""


class House:
    """A workspace that is open; use `open_house`.

    Args:
        shop: The opened workspace.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._store = embedded(shop.store)
        self._standing = Standing(shop)
        self._thinking = threading.Lock()
        self._learning = threading.Lock()
        self.ahead = Ahead(self.shop, self._learning)
        self._writing = threading.Lock()
        self._guard = threading.Lock()
        self._latest: dict[tuple[str, str], Job] = {}
        self.directory = shop.store.directory
        self.clock: Clock = shop.clock
        self.jobs = Jobs(shop.clock, Finished(shop))
        self._asof = AsOf(self._store, self.jobs.start, self._beside)
        self.intake = Intake(shop)
        self.follower = Follower(self.shop, build.FOLDS)
        self.intake.on_commit.append(self.follower.wake)

    @property
    def store(self) -> EmbeddedStore:
        """The workspace on disk."""
        return self._store

    @property
    def demo(self) -> bool:
        """Whether this is the generated shop; said on every page."""
        return self._shop.store.papers.get("label", DEMO) is not None

    def shop(self, language: str = "", progress: Progress = silent) -> Shop:
        """The workspace with the settings in force now, for one request."""
        shop = self._standing.now()
        return replace(
            shop,
            language=language or shop.settings.language,
            progress=progress,
            ready_estimates=self._ready,
        )

    def call(self, name: str, language: str = "", /, **fields: Any) -> Any:
        """Do one operation by name and return its answer.

        Raises:
            BadInput: A field is wrong (code bad_field, with field and what was expected).
            RenweiError: Whatever the operation refuses.
        """
        operation = build.operations()[name]
        return self.run(operation, asked(operation, fields), language)

    def run(
        self, operation: Operation, request: Any, language: str, progress: Progress = silent
    ) -> Any:
        """Do one operation with a request as its struct."""
        if operation.name in BRIEF:
            # One thinks at a time: two would only take the interpreter from each other. What
            # they wait for, the disk, comes after this, for all of them at once.
            with self._thinking, self._store.steady():
                return self._run(operation, request, language, progress)
        return self._run(operation, request, language, progress)

    def _run(self, operation: Operation, request: Any, language: str, progress: Progress) -> Any:
        shop = self.shop(language, progress)
        if hasattr(request, "by") and audit.current() != audit.CONSOLE:
            # Whoever is signed in did it, whatever the request says.
            request = msgspec.structs.replace(request, by=audit.current())
        if operation.name in IN_TURN:
            with self._in_turn(progress):
                return run_child(operation, shop, request)
        if operation.child or (operation.name in BESIDE and not self._is_small()):
            return run_child(operation, shop, request)
        return operation.call(shop, request)

    def _beside(self, operation: Operation, language: str, progress: Progress) -> Any:
        return self.run(operation, operation.request(), language, progress)

    def _is_small(self) -> bool:
        return self._store.log.position() <= SMALL

    def answering(self, operation: Operation) -> AbstractContextManager[None]:
        """For the length of one answer: what a brief operation writes is durable at its end."""
        return self._store.gathering() if operation.name in BRIEF else nullcontext()

    def start(self, name: str, language: str = "", *, by: str = "", **fields: Any) -> Job:
        """Do one operation as a job that is watched."""
        operation = build.operations()[name]
        request = asked(operation, fields)
        return self.jobs.start(
            name, lambda progress: self.run(operation, request, language, progress), by=by
        )

    def lately(self, name: str, language: str = "", *, by: str = "", anew: bool = False) -> Job:
        """The last job of an operation that takes long and changes slowly, begun anew if old."""
        with self._guard:
            job = self._latest.get((name, language))
            old = job is None or self.clock.now() - job.begun > LATELY or job.state == "failed"
            if job is None or (job.state != "running" and (anew or old)):
                job = self._latest[name, language] = self.start(name, language, by=by)
            return job

    def known(self, name: str, language: str = "") -> Known:
        """What is known of the whole shop by an operation of BESIDE, without waiting for it.

        Of a small shop it is what is so now; of a large one the last answer with its time, and
        a newer one is worked out behind it where something came in since.
        """
        operation, now = build.operations()[name], self.clock.now()
        if self._is_small():
            return Known(self.call(name, language))
        return self._asof.ask(operation, language, now)

    @contextmanager
    def _in_turn(self, progress: Progress) -> Iterator[None]:
        """Imports one after another: two at once would take twice the memory, no less time."""
        if not self._writing.acquire(blocking=False):
            progress("waiting", 0, 0)
            self._writing.acquire()
        try:
            yield
        finally:
            self._writing.release()

    def _ready(self, at: datetime) -> None:
        if self.ahead.covers(at):
            return
        # Two pages opened at once must not learn the same thing twice.
        with self._learning:
            self._shop.ready_estimates(at)


def asked(operation: Operation, fields: Mapping[str, Any]) -> Any:
    """The request struct of an operation, from plain values or texts.

    Raises:
        BadInput: bad_field, naming the field; unknown_field with those that exist.
    """
    known = _fields(operation.request)
    for name in fields:
        if name not in known:
            raise BadInput("unknown_field", field=name, known=", ".join(known))
    try:
        return msgspec.convert(fields, operation.request, strict=False, dec_hook=_as_is)
    except msgspec.ValidationError as wrong:
        # "Expected `int`, got `str` - at `$.limit`"
        said, _, where = str(wrong).partition(" - at `$.")
        raise BadInput("bad_field", field=where.rstrip("`") or "?", found=said) from None


@functools.cache
def _fields(request: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(request))


def _as_is(kind: type, value: Any) -> Any:
    return value if isinstance(value, kind) else kind(value)


@contextmanager
def open_house(
    directory: Path, *, clock: Clock | None = None, work: bool = True, serve: bool = True
) -> Iterator[House]:
    """Open a workspace to be served; with `work`, folds and chores run until it closes.

    Without `serve` another process beside us may hold files that a browser sent just now.

    Raises:
        Unavailable: As `open_shop`.
    """
    with ExitStack() as stack:
        shop = stack.enter_context(build.open_shop(directory, clock=clock, server=True))
        house = House(shop)
        if serve:
            Uploads(house.directory).clear()
        checkpoints = Checkpoints(embedded(shop.store))
        checkpoints.start()
        stack.callback(checkpoints.close)
        stack.callback(house.intake.close)
        stack.callback(house.jobs.close)
        if work:
            house.follower.start()
            stack.callback(house.follower.close)
            tending = Tending(house.shop)
            tending.start()
            stack.callback(tending.close)
            stack.callback(house.ahead.close)
        yield house
