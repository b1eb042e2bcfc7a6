"""One SQLite file: a connection a thread, one writer at a time, schema brought up to date.

WAL with synchronous=FULL, so that what was committed survives a power cut; secure_delete, so
that what was deleted is overwritten; temporary tables in memory, so that no row leaves the
file by another way.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from renwei.core.clock import ticks
from renwei.core.errors import Unavailable
from renwei.stores.faults import told
from renwei.stores.joint import Joint

APPLICATION = 0x52454E57  # "RENW"
BUSY_MS = 10_000
CACHE_KIB = 32_768
# 16 MB: appends of 500 events are a fifth faster than with SQLite's own 4 MB, and the one
# commit in a while that moves it all into the file waits 20 ms, as before (measured).
WAL_PAGES = 4_000
WAL_MOST_PAGES = 64_000
"""Where somebody else does it, a commit moves nothing unless that one fell far behind."""
REST_S, LONGEST_REST_S = 0.001, 0.1

Read = TypeVar("Read")


class _Handle:
    """A connection that closes with the thread that owned it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """A SQLite file with our settings.

    Args:
        path: The file; made when missing and `write`.
        owner: The folder of migrations/ that describes it: "log" or "state".
        write: False opens for reading alone.
        migrations: Another folder of migrations, for tests.

    `tended`: somebody calls `checkpoint` now and then, so no commit has to. `gives_way`: after
    each transaction others get at the file for as long as it took.
    """

    def __init__(
        self, path: Path, owner: str, *, write: bool, migrations: Traversable | None = None
    ) -> None:
        self.path = path
        self.write = write
        self.tended = self.gives_way = False
        self.on_rollback: list[Callable[[], None]] = []
        self._steps = _steps(migrations or files("renwei.stores") / "migrations" / owner)
        self._local = threading.local()
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._lock = threading.RLock()
        self.joint = Joint(self, self._lock)
        self._depth = 0
        self._closed = False
        self._truncate_later = False

    @property
    def known(self) -> int:
        """The newest schema version that this program knows."""
        return len(self._steps)

    def version(self) -> int:
        """The schema version of the file; opening it refused what is newer than we know."""
        return int(self.one("PRAGMA user_version")[0])

    def _vet(self, connection: sqlite3.Connection) -> None:
        # Before anything is written: somebody else's file stays as it is.
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != APPLICATION and (application or tables):
            raise Unavailable("not_a_workspace", path=str(self.path.parent), found=self.path.name)
        if version > self.known:
            raise Unavailable("newer_schema", path=str(self.path), found=version, known=self.known)

    def migrate(self) -> int:
        """Bring the schema up to date, one transaction a step; returns the steps taken."""
        found = self.version()
        with told(self.path):
            for number in range(found + 1, self.known + 1):
                self._step(number)
        return self.known - found

    def _step(self, number: int) -> None:
        connection = self._connection()
        try:
            # executescript would commit first, so the transaction is part of the script.
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{self._steps[number - 1]}\n"
                f"PRAGMA user_version={number:d};\n"
                f"PRAGMA application_id={APPLICATION:d};\nCOMMIT;"
            )
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Every row of a query."""
        try:
            return self._connection().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            # Entering `told` would cost more than most queries.
            with told(self.path):
                raise error from None

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first row of a query, or None."""
        try:
            return self._connection().execute(sql, values).fetchone()
        except sqlite3.Error as error:
            with told(self.path):
                raise error from None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable at the end; inside another it becomes part of that one."""
        with self._lock:
            try:
                with self._level():
                    begun = ticks()
                    yield self._connection()
            except sqlite3.Error as error:
                # Only ours: what the caller's own files raise keeps its own name.
                with told(self.path):
                    raise error from None
            outermost = not self._depth
            if self._truncate_later and outermost:
                self.truncate()
        if self.gives_way and outermost:
            time.sleep(min(ticks() - begun, LONGEST_REST_S) + REST_S)

    @contextmanager
    def _level(self) -> Iterator[None]:
        connection = self._connection()
        begin, end, back = _INNER if self._depth else _OUTER
        steady = self._let_go(connection)
        if self._depth:
            connection.execute(begin)
        else:
            _begin(connection, begin)
        self._depth += 1
        try:
            yield
            connection.execute(end)
        except BaseException:
            self._roll_back(connection, back)
            raise
        finally:
            self._depth -= 1
            if steady:
                self._stand_still(connection)

    def _roll_back(self, connection: sqlite3.Connection, words: Sequence[str]) -> None:
        # SQLite rolls back by itself on a full disk; then there is nothing left to undo.
        if connection.in_transaction:
            for word in words:
                connection.execute(word)
        for forget in self.on_rollback:
            forget()

    def inside(self) -> bool:
        """Whether this thread is inside a transaction."""
        if self._closed or self._noted() is not None:
            return False
        return self._connection().in_transaction

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Until the block ends, what this thread reads is of one moment; for milliseconds.

        A transaction inside it ends that moment and begins the next: what it wrote is seen.
        """
        connection = self._connection()
        if connection.in_transaction:
            yield
            return
        with told(self.path):
            self._stand_still(connection)
        try:
            yield
        finally:
            self._let_go(connection)

    def once(self, name: Hashable, read: Callable[[], Read]) -> Read:
        """What `read` gives; inside `steady` it is asked once a moment under a name."""
        noted = self._noted()
        if noted is None:
            return read()
        if name not in noted:
            noted[name] = read()
        found: Read = noted[name]
        return found

    @contextmanager
    def moved_on(self) -> Iterator[None]:
        """End the moment this thread stands in, for the length of a block; then begin the next."""
        connection = self._connection()
        steady = self._let_go(connection)
        try:
            yield
        finally:
            if steady:
                self._stand_still(connection)

    def _noted(self) -> dict[Hashable, Any] | None:
        return getattr(self._local, "noted", None)

    def _stand_still(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        self._local.noted = {}

    def _let_go(self, connection: sqlite3.Connection) -> bool:
        """End the moment that this thread stands in; whether there was one."""
        if self._noted() is None:
            return False
        self._local.noted = None
        if connection.in_transaction:
            connection.execute("COMMIT")
        return True

    def truncate(self) -> bool:
        """Move everything into the main file and empty the WAL; False if readers prevent it.

        Inside a transaction it is done as soon as that ends.
        """
        self._truncate_later = self.inside()
        if self._truncate_later:
            return False
        return not self.one("PRAGMA wal_checkpoint(TRUNCATE)")[0]

    def checkpoint(self) -> int:
        """Move what is committed into the main file, in nobody's way; pages the WAL holds."""
        _, pages, _ = self.one("PRAGMA wal_checkpoint(PASSIVE)")
        return int(pages)

    def wal_bytes(self) -> int:
        """How large the WAL is on disk."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def reading(self) -> sqlite3.Connection:
        """A connection of its own that only reads; the caller closes it."""
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, isolation_level=None)

    def check(self) -> list[str]:
        """What SQLite finds wrong with the file; empty when sound."""
        try:
            found = [str(row[0]) for row in self.rows("PRAGMA integrity_check")]
            loose = [f"{row[0]}: loose row" for row in self.rows("PRAGMA foreign_key_check")]
        except Unavailable as fault:
            return [f"{self.path.name}: {fault.values['found']}"]
        return [f"{self.path.name}: {line}" for line in found + loose if line != "ok"]

    def close(self) -> None:
        """Close the connections of every thread."""
        self._closed = True
        for handle in list(self._handles):
            handle.connection.close()

    def _connection(self) -> sqlite3.Connection:
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is None:
            handle = self._local.handle = _Handle(self._connect())
            self._handles.add(handle)
        return handle.connection

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.ProgrammingError(f"{self.path.name} is closed")
        if self.write:
            # SQLite would make it readable by all, and gives its WAL the same rights.
            with told(self.path), suppress(FileExistsError):
                self.path.touch(mode=0o600, exist_ok=False)
            return self._prepared(f"{self.path.absolute().as_uri()}?mode=rwc")
        try:
            return self._prepared(f"{self.path.absolute().as_uri()}?mode=ro")
        except sqlite3.OperationalError:
            # On read-only media there is no WAL to share, so the file cannot change either.
            return self._prepared(f"{self.path.absolute().as_uri()}?immutable=1")

    def _prepared(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            connection.execute(f"PRAGMA busy_timeout={BUSY_MS:d}")
            self._vet(connection)
            if self.write:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                pages = WAL_MOST_PAGES if self.tended else WAL_PAGES
                connection.execute(f"PRAGMA wal_autocheckpoint={pages:d}")
                connection.execute("PRAGMA secure_delete=ON")
                connection.execute(f"PRAGMA cache_size=-{CACHE_KIB:d}")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA temp_store=MEMORY")
        except BaseException:
            connection.close()
            raise
        return connection


def _begin(connection: sqlite3.Connection, begin: str) -> None:
    # While another process writes SQLite would sleep up to 100 ms at a time; answers cannot.
    connection.execute("PRAGMA busy_timeout=0")
    try:
        until = ticks() + BUSY_MS / 1_000
        while True:
            try:
                connection.execute(begin)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or ticks() >= until:
                    raise
                time.sleep(0.001)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS:d}")


_OUTER = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_INNER = ("SAVEPOINT s", "RELEASE s", ("ROLLBACK TO s", "RELEASE s"))


def _steps(folder: Traversable) -> list[str]:
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    for number, name in enumerate(names, start=1):
        if int(name[:4]) != number:
            raise ValueError(f"migration {name} should be number {number}")
    return [(folder / name).read_text("utf-8") for name in names]
