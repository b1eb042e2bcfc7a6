"""Intake: what the ingest door takes in is on disk before anybody is told so (group commit).

Requests hand over what they parsed and wait. A group is whatever has come; it is appended in
one transaction, and then all of it is answered; meanwhile the next group gathers. Nobody sleeps
to fill a group, so a lone event costs one commit and a thousand cost little more.

One thread prepares groups, another writes them, in the order in which they were taken: SQLite
and the disk need no Python, so a large group is written while the next one is prepared.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from renwei.app import build
from renwei.core.errors import RenweiError, Unavailable
from renwei.core.shop import Shop

if TYPE_CHECKING:
    from renwei.collect.live.preparing import Prepared

WAITING_EVENTS = 50_000
WAITING_BYTES = 64 << 20
GROUP_EVENTS = 2_000
GROUP_BYTES = 8 << 20
BREATH_S, PAUSE_S, CROWD, HEAP = 0.001, 0.008, 12, 100
"""After a group of fewer events than a heap others get at the file, and answers go out while the
next group gathers. After few requests that pause is longer: a commit costs the same for one as
for many, and whoever decides meanwhile needs the processor.
"""
_log = logging.getLogger(__name__)


class Receipt(msgspec.Struct, kw_only=True, gc=False):
    """What became of one request: `fresh[k]` tells whether the k-th incoming was new.

    `refused` are those that could be read and yet could not become events; `position` is the
    log's after the group.
    """

    fresh: list[bool]
    refused: list[Any]
    position: int


class _Request:
    __slots__ = ("answer", "bytes", "future", "incoming", "loop", "refused", "size", "source")

    def __init__(
        self,
        source: str,
        incoming: Sequence[Any],
        refused: Sequence[Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.source = source
        self.incoming = incoming
        self.refused = refused
        self.loop = loop
        self.future: asyncio.Future[Receipt] = loop.create_future()
        self.size = len(incoming) + len(refused)
        self.bytes = sum(one.size for one in incoming) + sum(len(one.raw) for one in refused)
        self.answer: Receipt | RenweiError | None = None


class _Ready(NamedTuple):
    shop: Shop
    seen: datetime
    prepared: Prepared


class Intake:
    """Takes live events in; one a workspace.

    Args:
        shop: The workspace, open for writing.

    `on_commit` are called in the thread that wrote, after each group. `totals` count events since
    the start by what became of them: stored, duplicate, refused, failed.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.on_commit: list[Callable[[], None]] = []
        self.totals = dict.fromkeys(("stored", "duplicate", "refused", "failed"), 0)
        self._waiting: list[_Request] = []
        self._events = self._bytes = 0
        self._guard = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._written: Future[None] | None = None

    def take(
        self, source: str, incoming: Sequence[Any], refused: Sequence[Any] = ()
    ) -> asyncio.Future[Receipt]:
        """Hand over one request; the future resolves when it is durable. Call in an event loop.

        Args:
            source: "key:<id>", "form:<question>" or "console".
            incoming: `renwei.collect.live.incoming.Incoming`.
            refused: `renwei.collect.live.incoming.Refusal`, kept durably as well.

        Raises:
            Unavailable: `busy`, more waits than memory should hold; in the future, whatever
                kept the group from being written.
        """
        request = _Request(source, incoming, refused, asyncio.get_running_loop())
        with self._guard:
            if self._closed:
                raise Unavailable("closing")
            full = self._events + request.size > WAITING_EVENTS
            if self._waiting and (full or self._bytes + request.bytes > WAITING_BYTES):
                raise Unavailable("busy", waiting=self._events)
            self._waiting.append(request)
            self._events += request.size
            self._bytes += request.bytes
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
                self._thread.start()
            self._guard.notify()
        return request.future

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._guard:
            self._closed = True
            self._guard.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(1, "intake-writer") as writer:
            while group := self._next_group():
                ready = self._ready(group)
                self._settle()
                self._written = writer.submit(self._finish, group, ready)
                if sum(request.size for request in group) < HEAP:
                    self._settle()
                    time.sleep(BREATH_S if len(group) >= CROWD else PAUSE_S)

    def _settle(self) -> None:
        """Wait until every group that was taken before is written."""
        if self._written is not None:
            self._written.result()

    def _ready(self, group: Sequence[_Request]) -> _Ready | None:
        """Prepare a group while another is written; None where that fails: see `_commit`."""
        from renwei.collect.live import preparing

        if preparing.looks_back(one for request in group for one in request.incoming):
            self._settle()
        try:
            return self._prepared(group)
        except Exception:  # noqa: BLE001 - it is tried again when its turn has come
            return None

    def _finish(self, group: Sequence[_Request], ready: _Ready | None) -> None:
        self._commit(group, ready)
        _answer(group)

    def _next_group(self) -> list[_Request]:
        with self._guard:
            while not self._waiting and not self._closed:
                self._guard.wait()
            events = size = count = 0
            for request in self._waiting:
                if count and (events + request.size > GROUP_EVENTS or size > GROUP_BYTES):
                    break
                count, events, size = count + 1, events + request.size, size + request.bytes
            group = self._waiting[:count]
            del self._waiting[:count]
            self._events -= events
            self._bytes -= size
            return group

    def _commit(self, group: Sequence[_Request], ready: _Ready | None = None) -> None:
        try:
            self._write(group, ready or self._prepared(group))
        except Unavailable as fault:
            _log.error("group_not_written", extra={"code": fault.code})
            self._fail(group, fault)
        except Exception as broken:  # noqa: BLE001 - whoever waits must hear of it
            if len(group) == 1:
                _log.exception("request_not_written")
                self._fail(group, Unavailable("not_taken", kind=type(broken).__name__))
                return
            # One of them cannot be written: the others shall not suffer for it.
            for request in group:
                self._commit([request])
        else:
            for notify in self.on_commit:
                notify()

    def _fail(self, group: Sequence[_Request], fault: RenweiError) -> None:
        for request in group:
            request.answer = fault
            self.totals["failed"] += request.size

    def _prepared(self, group: Sequence[_Request]) -> _Ready:
        from renwei.collect.live import preparing

        shop, seen = _fresh(self._shop), self._shop.clock.now()
        arrived = [(request.source, one) for request in group for one in request.incoming]
        return _Ready(shop, seen, preparing.prepare(shop, arrived, seen))

    def _write(self, group: Sequence[_Request], ready: _Ready) -> None:
        from renwei.collect.live import rejected

        shop, seen, prepared = ready.shop, ready.seen, ready.prepared
        ends = list(accumulate(len(request.incoming) for request in group))
        refused: list[list[Any]] = [[] for _ in group]
        for place, refusal in prepared.refused:
            refused[bisect_right(ends, place)].append(refusal)
        by_source: dict[str, list[Any]] = {}
        for request, late in zip(group, refused, strict=True):
            if request.refused or late:
                by_source.setdefault(request.source, []).extend((*request.refused, *late))
        for source, refusals in by_source.items():
            rejected.keep(shop, source, refusals, seen)
        appended = shop.store.log.append(prepared.events, seen)
        fresh = [False] * (ends[-1] if ends else 0)
        for place, new in zip(prepared.owners, appended.fresh, strict=True):
            fresh[place] = fresh[place] or new
        self.totals["stored"] += appended.added
        self.totals["duplicate"] += appended.duplicates
        self.totals["refused"] += sum(map(len, by_source.values()))
        for request, late, end in zip(group, refused, ends, strict=True):
            request.answer = Receipt(
                fresh=fresh[end - len(request.incoming) : end],
                refused=late,
                position=appended.position,
            )


def _fresh(shop: Shop) -> Shop:
    # Zone and currency may have been set since the server began.
    return build.renewed(shop, build.settings_of(shop.store))


def _answer(group: Sequence[_Request]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Request]] = {}
    for request in group:
        by_loop.setdefault(request.loop, []).append(request)
    for loop, requests in by_loop.items():
        # A loop that was closed meanwhile has nobody left who waits.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, requests)


def _resolve(requests: Sequence[_Request]) -> None:
    for request in requests:
        if request.future.done():
            continue
        if isinstance(request.answer, Receipt):
            request.future.set_result(request.answer)
        else:
            request.future.set_exception(request.answer or Unavailable("not_taken", kind="?"))
