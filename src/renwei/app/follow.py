"""The follower: folds run behind the log, so that an event changes profiles and sums at once.

A fold reads the log from its position, and what it writes and the new position are one
transaction: a crash replays and never doubles. Intake wakes the follower; because imports and
commands beside the server write too, it looks by itself as well.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from renwei.core.clock import ticks
from renwei.core.nouns import Event
from renwei.core.shop import Shop

CHUNK = 2_000
LOOKS_S = 0.5
HOLD_S = 0.05
TRIES = 3
_log = logging.getLogger(__name__)
Fold = Callable[[Shop, Sequence[Event]], Any]


class Follower:
    """Runs folds in a thread of its own until closed.

    Args:
        shop_of: Gives the workspace with the settings in force.
        folds: Name, and "module:function" called as `(shop, events)`.
    """

    def __init__(self, shop_of: Callable[[], Shop], folds: Sequence[tuple[str, str]]) -> None:
        self._shop_of = shop_of
        self._folds = folds
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._chunk = dict.fromkeys((name for name, _ in folds), CHUNK)

    def start(self) -> None:
        """Begin to follow."""
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to read."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the chunk under way."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def lag(self) -> tuple[int, float]:
        """Events that the slowest fold has not read, and how long ago the first of them came."""
        return 0, 0.0

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(LOOKS_S)
            self._wake.clear()
