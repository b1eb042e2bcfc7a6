"""The follower: folds run behind the log, so that an event changes profiles and sums at once.

A fold reads the log from its position, and what it writes and the new position are one
transaction: a crash replays and never doubles. Intake wakes the follower; because imports and
commands beside the server write too, it looks by itself as well.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from importlib import import_module
from itertools import islice

from renwei.core.clock import ticks
from renwei.core.errors import RenweiError, Unavailable
from renwei.core.nouns import Event
from renwei.core.shop import Shop
from renwei.core.tallies import Tally

CHUNK, SMALLEST = 2_000, 16
LOOKS_S = 0.5
GATHER_S = 0.05
"""Folds run at most so often, because each time they keep others from writing for a moment."""
HOLD_S = 0.05
RUSH = 20
"""While intake is writing, folds that are far behind rest so many times as long as they work."""
TRIES = 3
SKIPPED = "fold_skipped"
"""The kind of Paper that says which event a fold could not digest."""
_BACK_OFF_S = (0.05, 0.25, 1.0, 5.0)
_log = logging.getLogger(__name__)
Fold = Callable[[Shop, Sequence[Event]], Iterable[Tally] | None]
"""May write to the store, and returns what is to be added to its sums."""


class _OvertakenError(Exception):
    """Another process moved the fold on meanwhile."""


class Follower:
    """Runs folds in a thread of its own until closed.

    Args:
        shop_of: Gives the workspace with the settings in force.
        folds: Name, and "module:function", called as `(shop, events)` inside the transaction
            that moves its position; what it returns is added to its sums in it.
    """

    def __init__(self, shop_of: Callable[[], Shop], folds: Sequence[tuple[str, str]]) -> None:
        self._shop_of = shop_of
        self._folds = folds
        self._calls: dict[str, Fold] = {}
        self._size = dict.fromkeys((name for name, _ in folds), CHUNK)
        self._reading: datetime | None = None
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to follow."""
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to read."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the transaction under way; what is unread is read after the next start."""
        self._closed.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def lag(self) -> tuple[int, float]:
        """How many events the slowest fold has not read, and seconds since the first arrived."""
        shop = self._shop_of()
        positions = [shop.store.tallies.position(name) for name, _ in self._folds]
        behind = max((shop.store.log.position() - least for least in positions), default=0)
        first = self._reading
        if behind <= 0 or first is None:
            return max(behind, 0), 0.0
        return behind, max((shop.clock.now() - first).total_seconds(), 0.0)

    def catch_up(self) -> int:
        """Read everything that is in the log now, in the calling thread; returns the events read.

        Raises:
            RenweiError: The store cannot be read or written now.
        """
        shop = self._shop_of()
        tallies, last = shop.store.tallies, shop.store.log.position()
        at = {name: tallies.position(name) for name, _ in self._folds}
        start = min(at.values(), default=last)
        read = 0
        if start < last:
            self._load()
            for chunk in self._chunks(shop, start):
                self._reading = chunk[0].seen
                self._digest(shop, chunk, at)
                read += len(chunk)
            self._move(shop, last)
        self._reading = None
        return read

    def _load(self) -> None:
        for name, where in self._folds:
            if name not in self._calls:
                module, _, function = where.partition(":")
                self._calls[name] = getattr(import_module(module), function)

    def _chunks(self, shop: Shop, start: int) -> Iterator[list[Event]]:
        events = shop.store.log.read(after=start)
        begun = ticks()
        while not self._closed.is_set() and (chunk := list(islice(events, CHUNK))):
            if len(chunk) == CHUNK:
                self._rest(ticks() - begun)
            yield chunk
            begun = ticks()

    def _rest(self, worked_s: float) -> None:
        """Far behind: whoever posts or asks goes first, all the more in a rush."""
        rush = RUSH if self._wake.is_set() else 1
        self._closed.wait(rush * min(worked_s, HOLD_S))

    def _digest(self, shop: Shop, chunk: Sequence[Event], at: dict[str, int]) -> None:
        # The log is read once for all folds; one that is ahead skips what it knows.
        for name, _ in self._folds:
            left = [event for event in chunk if event.seq > at[name]]
            while left and not self._closed.is_set():
                some = left[: self._size[name]]
                begun = ticks()
                self._apply(shop, name, some, at[name])
                self._adapt(name, ticks() - begun, len(some))
                at[name], left = some[-1].seq, left[len(some) :]
                if left or len(chunk) == CHUNK:
                    self._rest(ticks() - begun)

    def _apply(self, shop: Shop, name: str, events: Sequence[Event], after: int) -> None:
        """Fold some events; where one of them cannot be folded, all others are."""
        tries = TRIES if len(events) == 1 else 1
        for left in reversed(range(tries)):
            try:
                self._fold(shop, name, events, after)
            except (_OvertakenError, Unavailable):
                raise
            except Exception as broken:  # noqa: BLE001 - one event shall not stop all that follow
                if left:
                    self._closed.wait(_BACK_OFF_S[0])
                elif len(events) == 1:
                    _skip(shop, name, events[0], broken)
                else:
                    half = len(events) // 2
                    self._apply(shop, name, events[:half], after)
                    self._apply(shop, name, events[half:], events[half - 1].seq)
            else:
                return

    def _fold(self, shop: Shop, name: str, events: Sequence[Event], after: int) -> None:
        store = shop.store
        with store.together():
            if store.tallies.position(name) != after:
                raise _OvertakenError
            rows = self._calls[name](shop, events)
            store.tallies.add(name, rows or (), events[-1].seq)

    def _adapt(self, name: str, took_s: float, events: int) -> None:
        # While a fold writes nobody else can, so it shall not hold on for long.
        if took_s > HOLD_S:
            self._size[name] = max(SMALLEST, events // 2)
        elif took_s < HOLD_S / 3 and events == self._size[name]:
            self._size[name] = min(CHUNK, 2 * events)

    def _move(self, shop: Shop, last: int) -> None:
        """Stand at the end also where the last positions hold nothing (undone, forgotten)."""
        if self._closed.is_set():
            return
        behind = [name for name, _ in self._folds if shop.store.tallies.position(name) < last]
        if behind:
            with shop.store.together():
                for name in behind:
                    if shop.store.tallies.position(name) < last:
                        shop.store.tallies.add(name, (), last)

    def _run(self) -> None:
        failures = 0
        while not self._closed.is_set():
            self._wake.wait(LOOKS_S)
            self._wake.clear()
            try:
                if self.catch_up():
                    self._closed.wait(GATHER_S)
                failures = 0
            except _OvertakenError:
                continue
            except Exception as error:  # noqa: BLE001 - the thread must outlive a full disk
                code = error.code if isinstance(error, RenweiError) else type(error).__name__
                _log.error("folds_wait", extra={"code": code}, exc_info=failures == 0)
                self._closed.wait(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
                failures += 1


def _skip(shop: Shop, name: str, event: Event, broken: Exception) -> None:
    """Leave an event out for good, and say so where the diary and the log will tell."""
    _log.error("fold_skipped", exc_info=broken, extra={"fold": name, "seq": event.seq})
    body = {"fold": name, "seq": event.seq, "kind": event.kind, "error": type(broken).__name__}
    with shop.store.together():
        shop.store.papers.put(
            SKIPPED, f"{name}-{event.seq}", body, by="renwei", at=shop.clock.now()
        )
        shop.store.tallies.add(name, (), event.seq)
