"""Checkpoints: what was committed moves from the WAL into the files behind everybody's back.

A commit that did it would keep one answer in some hundreds waiting for a fifth of a second.
Here nobody waits: others read and commit while pages are moved.
"""

from __future__ import annotations

import logging
import threading

from renwei.core.errors import RenweiError
from renwei.stores.embedded import EmbeddedStore

EVERY_S = 0.5
LEAST_BYTES = 4 << 20
"""A smaller WAL is left alone: pages that change again and again are moved once."""
_log = logging.getLogger(__name__)


class Checkpoints:
    """Moves what was committed in a thread of its own until closed.

    Args:
        store: Opened with `server`.
    """

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the checkpoint under way."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._closed.wait(EVERY_S * (1 + min(failures, 20))):
            try:
                self._store.checkpoint(LEAST_BYTES)
                failures = 0
            except RenweiError as fault:
                # A full disk: what was committed is safe in the WAL until there is room.
                _log.error("checkpoint_waits", extra={"code": fault.code})
                failures += 1
