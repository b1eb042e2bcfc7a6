"""Working ahead: estimates are learnt before somebody waits for them.

A page shows what is known within seconds; what an order changes for everybody is learnt
behind it, in a child process, one at a time. What one order changes for its own person is
known at once in another way (renwei.people.now).
"""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from renwei.app import build
from renwei.app.jobs import run_child
from renwei.core.clock import ticks
from renwei.core.errors import RenweiError
from renwei.core.shop import Shop

EVERY_S, SETTLES_S = 30.0, 60.0
LOOKS = ("view", "cart", "like", "wish")
FLOW_AFTER = timedelta(days=1)
TASTE_AFTER = timedelta(days=1)
TASTE_SOON = timedelta(minutes=10)
GROWN = 0.1
"""When so much of the log is new, what is recommended is learnt sooner, but not all the time."""
MOST_TO_WARM = 200_000
"""With more people than this, pages load what they need when they are opened."""
_log = logging.getLogger("renwei.ahead")


class Ahead:
    """Keeps estimates fresh in a thread of its own until closed.

    Args:
        shop_of: Gives the workspace with the settings in force.
        learning: Held while something is learnt; whoever must wait for it waits for this.
        settles_s: For so long after the start only what somebody waits for is learnt.
    """

    def __init__(
        self,
        shop_of: Callable[[], Shop],
        learning: threading.Lock,
        *,
        settles_s: float = SETTLES_S,
    ) -> None:
        self._shop_of, self._learning = shop_of, learning
        self._settled = ticks() + settles_s
        self._child: subprocess.Popen[bytes] | None = None
        self._wanted, self._closed = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._warm = False

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after what is under way."""
        self._closed.set()
        self._wanted.set()
        child = self._child
        if child is not None:
            # What is learnt for a minute can be learnt again; who stops us will not wait.
            child.kill()
        if self._thread is not None:
            self._thread.join()

    @property
    def learns(self) -> bool:
        """Whether something that takes long is being learnt now."""
        child = self._child
        return child is not None and child.poll() is None

    def covers(self, at: datetime) -> bool:
        """Whether estimates that are there will do while newer ones are learnt behind them."""
        if self._thread is None or not build.will_do(self._shop_of(), at):
            return False
        self._wanted.set()
        return True

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self.work()
            except RenweiError as fault:
                _log.warning("learning_waits", extra={"code": fault.code})
            except Exception as error:  # noqa: BLE001 - the thread must outlive one bad round
                _log.error("learning_failed", extra={"code": type(error).__name__}, exc_info=True)
            self._wanted.wait(EVERY_S)
            self._wanted.clear()

    def work(self) -> None:
        """One round: learn what is missing or stale now."""
        shop = self._shop_of()
        at = shop.clock.now()
        ordered = _has(shop, build.ORDERS)
        if ordered and not build.serves(shop, at):
            self._learn(shop, "learn", at=at)
        flow = shop.shelf.get("flow")
        if ordered and (flow is None or at - _as_of(flow.meta) > FLOW_AFTER):
            self._learn(shop, "learn-flow")
        if ordered:
            self._warm_up(shop)
        if ticks() < self._settled or not (ordered or _has(shop, LOOKS)):
            return
        if self._is_stale(shop, at):
            # It takes a minute in a big shop: nobody who needs other estimates waits for it.
            for name in ("learn-taste", "learn-audience"):
                operation = build.operations()[name]
                run_child(operation, shop, operation.request(at=at), begun=self._begun)
                self._child = None

    def _begun(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        if self._closed.is_set():
            child.kill()

    def _warm_up(self, shop: Shop) -> None:
        if not self._warm and len(shop.store.people.all_persons()) <= MOST_TO_WARM:
            # The first page after a start would else read everybody while somebody waits.
            self._warm = True
            for name in ("people", "attributes", "questions list", "decisions"):
                operation = build.operations()[name]
                operation.call(shop, operation.request())
            shop.store.people.search("13800138000")

    def _is_stale(self, shop: Shop, at: datetime) -> bool:
        """Whether what is recommended was learnt long ago, or before a tenth of all that is known.

        What one person does counts at once without it.
        """
        taste = shop.shelf.get("taste-items")
        if taste is None:
            return True
        age = at - _as_of(taste.meta)
        behind = shop.store.log.position() - int(taste.meta.get("position", 0))
        grown = behind > GROWN * shop.store.log.position()
        return age > TASTE_AFTER or (grown and age > TASTE_SOON)

    def _learn(self, shop: Shop, name: str, **fields: datetime) -> None:
        operation = build.operations()[name]
        with self._learning:
            run_child(operation, shop, msgspec.convert(fields, operation.request))


def _has(shop: Shop, kinds: Sequence[str]) -> bool:
    return next(iter(shop.store.log.read(kinds=kinds)), None) is not None


def _as_of(meta: object) -> datetime:
    found = meta.get("as_of") if isinstance(meta, dict) else None
    return datetime.fromisoformat(str(found)) if found else build.LONG_AGO
