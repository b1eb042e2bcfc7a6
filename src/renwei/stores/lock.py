"""Who may write in a directory: one command at a time, and a server that stays beside it.

Two files. `guest` belongs to whoever writes now, and nobody takes `lock` without it. `lock`
tells what sort of writer it is:

    a command alone       holds `guest`, and `lock` for itself alone
    a server              holds both while it opens, then shares `lock` and lets `guest` go
    a command beside it   holds `guest` and shares `lock`: a guest

A server also holds one more file for each thing that only one process may do here: `serving`
(HTTP) and `working` (what goes on behind it); see `doing`.

The operating system lets go of all when a process dies, however it dies. A child that the
holder started with RENWEI_LOCK_HELD in its environment writes on the holder's account.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from renwei.core.clock import ticks
from renwei.core.errors import Unavailable
from renwei.stores.faults import told

HELD = "RENWEI_LOCK_HELD"
WAIT_S = 2.0
SERVER_WAIT_S = 15.0
"""A server that starts again waits for the guest of the one before."""
_LOCK, _GUEST = "lock", "guest"
PARTS = ("serving", "working")
"""What a server does; each is done by one process at most."""
_guard = threading.Lock()


@dataclass
class _Held:
    """What this process holds of a directory, however often it opened it."""

    lock: BinaryIO
    guest: BinaryIO | None
    alone: bool
    count: int = 1


_held: dict[str, _Held] = {}


class Lock:
    """A directory held for writing, until `release`.

    `first`: nobody else worked there when it was taken. `guest`: a server works there too.
    """

    def __init__(self, directory: Path, *, first: bool, borrowed: bool, guest: bool) -> None:
        self.directory = directory
        self.first = first
        self.guest = guest
        self._borrowed = borrowed
        self._open = True

    def beside(self) -> bool:
        """Whether a server works here while we write, whose answers must not wait for us."""
        return self.guest or (self._borrowed and look(self.directory).server)

    def share(self) -> None:
        """Let commands write beside us from now on (a server that has opened its files)."""
        if self._borrowed:
            return
        with _guard:
            held = _held[str(self.directory)]
            if held.guest is not None:
                # Nobody keeps `lock` without `guest`, but somebody may be looking.
                while held.alone and not _try_share(held.lock):
                    time.sleep(0.01)
                held.alone = False
                _unlock(held.guest)
                held.guest.close()
                held.guest = None

    def release(self) -> None:
        """Let go; more than once does no harm."""
        if not self._open:
            return
        self._open = False
        if not self._borrowed:
            _let_go(str(self.directory))


@dataclass(frozen=True, slots=True)
class Seen:
    """Who works in a directory: a server, somebody who writes now, and their process."""

    server: bool
    writing: bool
    pid: str = ""


def child_environment(directory: Path) -> dict[str, str]:
    """What a child must find in its environment to write while its parent holds the lock."""
    return {HELD: str(directory.resolve())}


def take(directory: Path, *, server: bool = False, wait_s: float | None = None) -> Lock:
    """Hold a directory for writing; a server calls `share` once its files are open.

    Opening it again in the same process, or in a child marked by `child_environment`, is
    allowed: they share one lock and take turns inside the database.

    Raises:
        Unavailable: `in_use` (with path and pid) after `wait_s` seconds.
    """
    directory = directory.resolve()
    name = str(directory)
    if os.environ.get(HELD) == name:
        return Lock(directory, first=False, borrowed=True, guest=False)
    if wait_s is None:
        wait_s = SERVER_WAIT_S if server else WAIT_S
    with _guard:
        if name in _held:
            _held[name].count += 1
            return Lock(directory, first=False, borrowed=False, guest=False)
        held = _held[name] = _acquire(directory, wait_s)
    guest = not held.alone and not server
    return Lock(directory, first=held.alone, borrowed=False, guest=guest)


@contextmanager
def hold(directory: Path, *, wait_s: float = WAIT_S) -> Iterator[Lock]:
    """`take` for the length of a block."""
    lock = take(directory, wait_s=wait_s)
    try:
        yield lock
    finally:
        lock.release()


@contextmanager
def doing(
    directory: Path, parts: Sequence[str], *, where: str = "", wait_s: float = WAIT_S
) -> Iterator[None]:
    """Be the one process that does these PARTS for a directory, for the length of a block.

    Args:
        directory: The data directory; made when missing.
        parts: Some of PARTS: a whole server does both.
        where: Its address, for whoever comes second.
        wait_s: A server that is just ending is waited for.

    Raises:
        Unavailable: `already_served`, with path, pid and address of who does it.
    """
    directory = directory.resolve()
    with told(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    until = ticks() + wait_s
    with ExitStack() as held:
        for part in parts:
            file = held.enter_context(_opened(directory / part))
            while not _try_alone(file):
                if ticks() >= until:
                    values = {"path": str(directory), "pid": _pid(file), "where": _where(file)}
                    raise Unavailable("already_served", **values)
                time.sleep(0.05)
            held.callback(_unlock, file)
            _sign(file, where)
        yield


def look(directory: Path) -> Seen:
    """Who works in a directory now; asks for a moment only."""
    directory = directory.resolve()
    if not (directory / _LOCK).exists():
        return Seen(server=False, writing=False)
    found: list[bool] = []
    pids = ""
    for name in (_GUEST, _LOCK):
        with _opened(directory / name) as file:
            taken = not _try_alone(file)
            found.append(taken)
            pids = pids or (_pid(file) if taken else "")
            if not taken:
                _unlock(file)
    writing, held = found
    return Seen(server=held and not _alone_inside(directory, writing), writing=writing, pid=pids)


def _alone_inside(directory: Path, writing: bool) -> bool:
    """Whether one command holds both: then nobody can share."""
    if not writing:
        return False
    with _opened(directory / _LOCK) as file:
        shared = _try_share(file)
        if shared:
            _unlock(file)
        return not shared


def _acquire(directory: Path, wait_s: float) -> _Held:
    until = ticks() + wait_s
    guest, lock = _open(directory / _GUEST), _open(directory / _LOCK)
    held: _Held | None = None
    try:
        while (held := _try_both(lock, guest)) is None and ticks() < until:
            time.sleep(0.05)
        pid = _pid(guest) or _pid(lock) or "?"
    finally:
        if held is None:
            guest.close()
            lock.close()
    if held is None:
        raise Unavailable("in_use", path=str(directory), pid=pid)
    return held


def _try_both(lock: BinaryIO, guest: BinaryIO) -> _Held | None:
    if not _try_alone(guest):
        return None
    _sign(guest)
    # Whoever holds `lock` alone has `guest` too, so here it is free or shared.
    alone = _try_alone(lock)
    if alone:
        _sign(lock)
    elif not _try_share(lock):
        _unlock(guest)
        return None
    return _Held(lock, guest, alone=alone)


def _open(path: Path) -> BinaryIO:
    with told(path.parent):
        path.touch(mode=0o600)
        return path.open("r+b")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    file = _open(path)
    try:
        yield file
    finally:
        file.close()


def _sign(file: BinaryIO, where: str = "") -> None:
    with told(Path(file.name).parent):
        file.seek(0)
        file.write(f"{os.getpid():<20}{where}\n".encode())
        file.truncate()
        file.flush()


def _pid(file: BinaryIO) -> str:
    file.seek(0)
    return file.read(20).decode("utf-8", "replace").strip()


def _where(file: BinaryIO) -> str:
    file.seek(20)
    return file.readline(200).decode("utf-8", "replace").strip()


def _let_go(name: str) -> None:
    with _guard:
        held = _held[name]
        held.count -= 1
        if held.count:
            return
        del _held[name]
        for file in (held.lock, held.guest):
            if file is not None:
                _unlock(file)
                file.close()


if sys.platform == "win32":
    import msvcrt

    # Windows locks are mandatory: bytes far behind the pid, so that others can read it. All of
    # them are one who is alone; any one of them is one who shares.
    _FAR, _PLACES = 1 << 20, 64
    _bytes: dict[int, tuple[int, int]] = {}

    def _try_bytes(file: BinaryIO, start: int, count: int) -> bool:
        file.seek(start)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, count)
        except OSError:
            return False
        finally:
            file.seek(0)
        _bytes[file.fileno()] = (start, count)
        return True

    def _try_alone(file: BinaryIO) -> bool:
        return _try_bytes(file, _FAR, _PLACES)

    def _try_share(file: BinaryIO) -> bool:
        if file.fileno() in _bytes:
            _unlock(file)
        return any(_try_bytes(file, _FAR + place, 1) for place in range(_PLACES))

    def _unlock(file: BinaryIO) -> None:
        start, count = _bytes.pop(file.fileno())
        file.seek(start)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, count)
else:
    import fcntl

    def _try(file: BinaryIO, how: int) -> bool:
        try:
            fcntl.flock(file.fileno(), how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _try_alone(file: BinaryIO) -> bool:
        return _try(file, fcntl.LOCK_EX)

    def _try_share(file: BinaryIO) -> bool:
        return _try(file, fcntl.LOCK_SH)

    def _unlock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)
