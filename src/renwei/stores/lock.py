"""One writing process a directory, held by a lock on an open file.

The operating system lets go of the lock when the process dies, however it dies. A child that
the holder started with RENWEI_LOCK_HELD in its environment writes on the holder's account.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from renwei.core.clock import ticks
from renwei.core.errors import Unavailable
from renwei.stores.faults import told

HELD = "RENWEI_LOCK_HELD"
WAIT_S = 2.0
_guard = threading.Lock()
_held: dict[str, tuple[BinaryIO, int]] = {}


class Lock:
    """A directory held for writing, until `release`. `first`: nobody held it before us."""

    def __init__(self, directory: Path, *, first: bool, borrowed: bool) -> None:
        self.directory = directory
        self.first = first
        self._borrowed = borrowed
        self._open = True

    def release(self) -> None:
        """Let go; more than once does no harm."""
        if not self._open:
            return
        self._open = False
        if not self._borrowed:
            _let_go(str(self.directory))


def child_environment(directory: Path) -> dict[str, str]:
    """What a child must find in its environment to write while its parent holds the lock."""
    return {HELD: str(directory.resolve())}


def take(directory: Path, *, wait_s: float = WAIT_S) -> Lock:
    """Hold a directory for writing.

    Opening it again in the same process, or in a child marked by `child_environment`, is
    allowed: they share one lock and take turns inside the database.

    Raises:
        Unavailable: `in_use` (with path and pid) after `wait_s` seconds.
    """
    directory = directory.resolve()
    name = str(directory)
    if os.environ.get(HELD) == name:
        return Lock(directory, first=False, borrowed=True)
    with _guard:
        if name in _held:
            file, count = _held[name]
            _held[name] = (file, count + 1)
            return Lock(directory, first=False, borrowed=False)
        _held[name] = (_acquire(directory / "lock", wait_s), 1)
    return Lock(directory, first=True, borrowed=False)


@contextmanager
def hold(directory: Path, *, wait_s: float = WAIT_S) -> Iterator[Lock]:
    """`take` for the length of a block."""
    lock = take(directory, wait_s=wait_s)
    try:
        yield lock
    finally:
        lock.release()


def _acquire(path: Path, wait_s: float) -> BinaryIO:
    with told(path.parent):
        path.touch(mode=0o600)
        file = path.open("r+b")
    until = ticks() + wait_s
    while not _try_lock(file):
        if ticks() >= until:
            pid = file.read(20).decode("utf-8", "replace").strip()
            file.close()
            raise Unavailable("in_use", path=str(path.parent), pid=pid or "?")
        time.sleep(0.05)
    with told(path.parent):
        file.seek(0)
        file.write(f"{os.getpid():<20}".encode())
        file.flush()
    return file


def _let_go(name: str) -> None:
    with _guard:
        file, count = _held[name]
        if count > 1:
            _held[name] = (file, count - 1)
            return
        del _held[name]
        _unlock(file)
        file.close()


if sys.platform == "win32":
    import msvcrt

    # Windows locks are mandatory: a byte far behind the pid, so that others can read it.
    _FAR = 1 << 20

    def _try_lock(file: BinaryIO) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

    def _unlock(file: BinaryIO) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)
