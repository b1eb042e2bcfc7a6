"""Joint commits: small writes of many threads become durable in one transaction.

A commit costs the same for one write as for twenty, most of it waiting for the disk. Whoever
wants to write lines up; whoever gets the file first writes for all who wait there, each in a
savepoint of its own, commits once, and wakes them. Nobody ever waits for company.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

from renwei.stores.faults import told

if TYPE_CHECKING:
    from renwei.stores.database import Database

Write = Callable[[Connection], Any]


class _Waiting:
    """A write that somebody waits for, and what came of it."""

    __slots__ = ("done", "error", "found", "write")

    def __init__(self, write: Write) -> None:
        self.write = write
        self.found: Any = None
        self.error: BaseException | None = None
        self.done = False


class Joint:
    """The line of those who wait to write in one file.

    Args:
        database: The file.
        turn: Held by whoever writes there.
    """

    def __init__(self, database: Database, turn: threading.RLock) -> None:
        self._db = database
        self._turn = turn
        self._line: deque[_Waiting] = deque()
        self._local = threading.local()

    def join(self, write: Write) -> Any:
        """Do a write with those that others wait to do, durable on return; what it returned.

        It runs in whatever thread commits first, inside a transaction; what it raises is
        raised here, and undoes itself alone. Inside a transaction of this thread it is a part
        of that one.
        """
        if self._db.inside():
            with self._db.transaction() as connection:
                return write(connection)
        return self._join([*self._put_off(), write])

    def later(self, write: Write) -> None:
        """The same; inside `gathering` it waits for the next `join` or for the block's end."""
        held: list[Write] | None = getattr(self._local, "held", None)
        if held is None or self._db.inside():
            self.join(write)
        else:
            held.append(write)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """What this thread writes `later` inside is durable when the block has ended."""
        if getattr(self._local, "held", None) is not None:
            yield
            return
        self._local.held = []
        try:
            yield
        finally:
            left = self._put_off()
            self._local.held = None
            if left:
                self._join(left)

    def _put_off(self) -> list[Write]:
        held: list[Write] = getattr(self._local, "held", None) or []
        if held:
            self._local.held = []
        return held

    def _join(self, writes: list[Write]) -> Any:
        mine = [_Waiting(write) for write in writes]
        with self._db.moved_on():
            self._line.extend(mine)
            with self._turn:
                if not mine[-1].done:
                    self._write_all()
        for one in mine:
            if one.error is not None:
                raise one.error
        return mine[-1].found

    def _write_all(self) -> None:
        group: list[_Waiting] = []
        try:
            with self._db.transaction() as connection:
                # Only now: who came while another process was writing comes along.
                group = self._take()
                for one in group:
                    self._write(one, connection, alone=len(group) == 1)
        except BaseException as error:  # noqa: BLE001 - each of them must hear of it
            for one in group or self._take():
                one.error = error
                one.done = True

    def _take(self) -> list[_Waiting]:
        group = []
        while self._line:
            group.append(self._line.popleft())
        return group

    def _write(self, one: _Waiting, connection: Connection, *, alone: bool) -> None:
        one.done = True
        if alone:
            one.found = one.write(connection)
            return
        try:
            with told(self._db.path), self._db.transaction() as inner:
                one.found = one.write(inner)
        except Exception as error:
            one.error = error
            if not connection.in_transaction:
                # SQLite gave the whole of it up (a full disk): nobody's write stands.
                raise
