"""Tending: what a running server does by itself once an hour so that it can run for years."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from renwei.app import finished
from renwei.app.upkeep.retention import dropped, embedded
from renwei.app.uploads import Uploads
from renwei.core.errors import RenweiError
from renwei.core.shop import Shop

EVERY_S = 3_600.0
FIRST_S = 60.0
"""A server that just started has better things to do."""
SEAL_AFTER = timedelta(days=2)
SEAL_DECISIONS_AFTER = timedelta(days=14)
SEAL_DECISIONS = 100_000
"""Fewer decisions than that are read faster where they are."""
COPIES_FOR = timedelta(days=30)
_log = logging.getLogger(__name__)
Chore = Callable[[Shop, datetime], int]


def _settle(shop: Shop, at: datetime) -> int:
    embedded(shop.store).settle()
    return 0


def _seal_events(shop: Shop, at: datetime) -> int:
    return shop.store.log.seal(at - SEAL_AFTER)


def _seal_decisions(shop: Shop, at: datetime) -> int:
    ledger, before = embedded(shop.store).ledger, at - SEAL_DECISIONS_AFTER
    return ledger.seal(before) if ledger.hot_before(before) >= SEAL_DECISIONS else 0


def _drop_old(shop: Shop, at: datetime) -> int:
    return sum(one.n for one in dropped(shop, at))


def _drop_copies(shop: Shop, at: datetime) -> int:
    from renwei.stores.upgrades import drop_old_copies

    return drop_old_copies(shop.store.directory, at - COPIES_FOR)


def _note_clean(shop: Shop, at: datetime) -> int:
    # What came in since was cleared on its way in; a server that dies need not look again.
    embedded(shop.store).note_clean()
    return 0


def _drop_uploads(shop: Shop, at: datetime) -> int:
    return Uploads(shop.store.directory).sweep(at)


CHORES: tuple[tuple[str, Chore], ...] = (
    ("settle", _settle),
    ("seal_events", _seal_events),
    ("seal_decisions", _seal_decisions),
    ("drop_old", _drop_old),
    ("drop_uploads", _drop_uploads),
    ("drop_jobs", finished.sweep),
    ("drop_copies", _drop_copies),
    ("note_clean", _note_clean),
)


def tend(shop: Shop, at: datetime) -> dict[str, int]:
    """Do every chore once; one that fails is logged and the others are done.

    Returns:
        What each chore did, as a count; -1 where it failed.
    """
    done: dict[str, int] = {}
    for name, chore in CHORES:
        try:
            done[name] = chore(shop, at)
        except RenweiError as error:
            _log.error("chore_failed", extra={"chore": name, "code": error.code})
            done[name] = -1
    _log.info("tended", extra={"done": done})
    return done


class Tending:
    """Tends a workspace in a thread of its own until closed.

    Args:
        shop_of: Gives the workspace with the settings in force.
        every_s: Seconds between two rounds.
    """

    def __init__(
        self, shop_of: Callable[[], Shop], *, every_s: float = EVERY_S, first_s: float = FIRST_S
    ) -> None:
        self._shop_of = shop_of
        self._every_s, self._first_s = every_s, first_s
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; the first round comes a little later."""
        self._thread = threading.Thread(target=self._run, name="tending", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the chore under way."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        wait = self._first_s
        while not self._closed.wait(wait):
            wait = self._every_s
            try:
                shop = self._shop_of()
                tend(shop, shop.clock.now())
            except Exception as error:  # noqa: BLE001 - the thread must outlive a full disk
                _log.error("tending_failed", extra={"code": type(error).__name__}, exc_info=True)
