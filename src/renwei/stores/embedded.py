"""The embedded store: ten contracts on one data directory.

    log.db                events and the ids of all that ever came
    state.db              people and vault, catalogue, tallies, counters, timers, outbox, papers,
                          decisions
    lake/events/          sealed events, Parquet, by day of arrival and bucket of actor
    lake/decisions/       sealed batches of decisions
    blobs/                sealed files under hashed names
    tombstones/           who was forgotten, by keyed hash
    lock, guest           held by who writes, see `renwei.stores.lock`

The master key lies outside, see `renwei.stores.keys`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from renwei.core.clock import Clock, WallClock
from renwei.core.errors import Unavailable
from renwei.stores.apart import Apart
from renwei.stores.blobs import EmbeddedBlobs
from renwei.stores.counters import EmbeddedCounters
from renwei.stores.database import Database
from renwei.stores.faults import told
from renwei.stores.items import EmbeddedItems
from renwei.stores.keys import Keyring, keys_folder, make_master, read_master
from renwei.stores.ledger import EmbeddedLedger
from renwei.stores.lock import Lock, look, take
from renwei.stores.log import EmbeddedLog
from renwei.stores.outbox import EmbeddedOutbox
from renwei.stores.papers import EmbeddedPapers
from renwei.stores.people import EmbeddedPeople
from renwei.stores.queries import queries
from renwei.stores.snapshot import Moved, snapshot, sweep
from renwei.stores.tallies import EmbeddedTallies
from renwei.stores.timers import EmbeddedTimers
from renwei.stores.tombstones import Stone, Tombstones
from renwei.stores.upgrades import keep_copies

_SQL = queries("people")
Returning = Callable[["EmbeddedStore", Sequence[str]], None]


def open_store(
    directory: Path,
    *,
    keys: Path | None = None,
    clock: Clock | None = None,
    create: bool = True,
    write: bool = True,
    server: bool = False,
    returning: Returning | None = None,
) -> EmbeddedStore:
    """Open a workspace, made when missing.

    Args:
        directory: The data directory.
        keys: The folder of master keys; default RENWEI_KEYS, else the user's settings folder.
        clock: Says which holds expired when they are given back; default the machine's.
        create: Make a workspace where there is none.
        write: Hold the directory for writing. Without, other processes may write meanwhile,
            and every writing call raises `read_only`.
        server: Hold it for long, and let commands write beside us, one at a time.
        returning: Told what tells those apart whom an older file brought back, before their
            keys go for good; clears what lies beside the people, and may be asked again.

    Raises:
        Unavailable: `not_a_workspace`, `in_use`, `read_only`, `disk_full`, `damaged`,
            `newer_schema`, `older_server`, `key_missing`, `key_wrong`, `key_inside`; each with the path.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     store = open_store(Path(folder) / "shop", keys=Path(folder) / "keys")
        ...     store.log.position()
        ...     store.close()
        0
    """
    folder = keys_folder(keys)
    new = _is_new(directory)
    if new and not create:
        raise Unavailable("not_a_workspace", path=str(directory), found="nothing")
    if new:
        _apart(directory, folder)
        with told(directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not write and (new or _needs_work(directory, folder)):
        open_store(directory, keys=keys, clock=clock, create=create, returning=returning).close()
    lock = take(directory, server=server) if write else None
    try:
        store = EmbeddedStore(
            directory, folder, clock or WallClock(), lock, returning=returning, server=server
        )
    except BaseException:
        if lock:
            lock.release()
        raise
    if lock and server:
        lock.share()
    return store


class EmbeddedStore:
    """A workspace on disk; use `open_store`. Safe for many threads, one writing at a time."""

    def __init__(
        self,
        directory: Path,
        keys: Path,
        clock: Clock,
        lock: Lock | None,
        *,
        returning: Returning | None = None,
        server: bool = False,
    ) -> None:
        self._directory = directory
        self._keys, self._clock = keys, clock
        self._lock = lock
        self._returning = returning
        write = lock is not None
        self._log_db = Database(directory / "log.db", "log", write=write)
        self._state_db = Database(directory / "state.db", "state", write=write)
        beside = lock is not None and not server and lock.beside()
        for file in (self._log_db, self._state_db):
            file.tended, file.gives_way = server, beside
        try:
            self._open(write=write)
        except BaseException:
            self._close_files()
            raise

    def _open(self, *, write: bool) -> None:
        if write:
            self._migrate()
        keys, clock = self._keys, self._clock
        self._workspace, ring = self._unlock(keys, write=write)
        self._stones = stones = Tombstones(self._directory, keys, self._workspace)
        self._log = EmbeddedLog(self._log_db, self._directory)
        self._people = EmbeddedPeople(self._state_db, ring, stones)
        self._items = EmbeddedItems(self._state_db)
        self._tallies = EmbeddedTallies(self._state_db)
        self._counters = EmbeddedCounters(self._state_db, clock)
        self._timers = EmbeddedTimers(self._state_db)
        self._outbox = EmbeddedOutbox(self._state_db, ring)
        self._ledger = EmbeddedLedger(self._state_db, self._outbox, self._directory)
        self._papers = EmbeddedPapers(self._state_db)
        self._blobs = EmbeddedBlobs(self._directory / "blobs", ring)
        if write:
            self._replay(stones)
        if self._lock and self._lock.first:
            self._sweep()

    def _migrate(self) -> None:
        files = (self._state_db, self._log_db)
        if all(file.version() == file.known for file in files):
            return
        if self._lock and self._lock.guest:
            # A server that still runs the older program would no longer know its files.
            raise Unavailable("older_server", path=str(self._directory))
        if any(file.version() for file in files):
            keep_copies(self._directory, files, self._clock.now())
        for file in files:
            file.migrate()

    def _unlock(self, keys: Path, *, write: bool) -> tuple[str, Keyring]:
        row = self._state_db.one(_SQL["value"], ("workspace",))
        if row is None:
            workspace = str(uuid.uuid4())
            ring = Keyring(make_master(keys, workspace))
            with self._state_db.transaction() as connection:
                connection.execute(_SQL["set_value"], ("key_check", ring.hash("check", workspace)))
                connection.execute(_SQL["set_value"], ("workspace", workspace))
            return workspace, ring
        _apart(self._directory, keys)
        workspace = str(row[0])
        ring = Keyring(read_master(keys, workspace))
        check = self._state_db.one(_SQL["value"], ("key_check",))
        if check is None or bytes(check[0]) != ring.hash("check", workspace):
            raise Unavailable("key_wrong", path=str(keys / f"{workspace}.key"))
        return workspace, ring

    def settle(self) -> None:
        """Finish what a process that died while forgetting left undone; quick when nothing."""
        self._replay(self._stones)

    def _replay(self, stones: Tombstones) -> None:
        # What was promised stays so: after a crash half-way, and after a backup was put back.
        everybody = stones.read()
        known = set(self._people.forgotten())
        missing = [stone for stone in everybody if stone[0] not in known]
        if missing:
            texts = self._people.returned(missing) if self._returning else []
            if self._returning and texts:
                self._returning(self, texts)
            self._people.bury(missing)
        if any(actor not in self._log.forgotten() for actor, _ in everybody):
            self._log.forget([actor for actor, _ in everybody])
        unsettled = self._people.unsettled()
        if unsettled:
            self._ledger.forget(unsettled)
        stones.even()

    def is_clean(self) -> bool:
        """Whether nothing changed since `note_clean`: neither tombstones nor blobs.

        An older database, older blobs or both, put back, differ from what was noted; so do
        blobs that a crash left unnoted. Where nobody was forgotten there is nothing to clear,
        and where a server works it looked when it opened.
        """
        if self._lock.guest if self._lock else look(self._directory).server:
            return True
        everybody = self._stones.read()
        if not everybody:
            return True
        row = self._state_db.one(_SQL["value"], ("clean",))
        return row is not None and row[0] == self._seen(everybody)

    def note_clean(self) -> None:
        """Note that no blob names anybody who was forgotten until now."""
        everybody = self._stones.read()
        if everybody and not self.is_clean():
            with self._state_db.transaction() as connection:
                connection.execute(_SQL["set_value"], ("clean", self._seen(everybody)))

    def _seen(self, stones: Sequence[Stone]) -> str:
        whole = hashlib.blake2b(digest_size=16)
        for actor, digest in sorted(stones):
            whole.update(actor.to_bytes(8, "little") + digest)
        for line in self._blobs.seen():
            whole.update(line.encode())
        return whole.hexdigest()

    def checkpoint(self, least_bytes: int) -> None:
        """Move what was committed into the main files, where the WAL has grown so large.

        A store opened with `server` must be asked for it now and then: its commits do not.
        """
        for file in (self._state_db, self._log_db):
            if file.wal_bytes() >= least_bytes:
                file.checkpoint()

    def snapshot(self, moved: Moved) -> AbstractContextManager[Path]:
        """A folder with everything as of now, while others go on writing; for backups."""
        return snapshot(self._directory, (self._state_db, self._log_db), moved)

    def _sweep(self) -> None:
        sweep(self._directory)
        self._log.sweep()
        self._ledger.sweep()
        self._blobs.sweep()

    @property
    def directory(self) -> Path:
        """Where everything lies; one directory is one workspace."""
        return self._directory

    @property
    def keys(self) -> Path:
        """The folder of the master key and of what must survive an older directory."""
        return self._keys

    @property
    def workspace(self) -> str:
        """The id under which the master key is kept."""
        return self._workspace

    @property
    def apart(self) -> Apart:
        """What was ended for good, known also to an older directory put in this one's place."""
        return Apart(self._keys, self._workspace)

    @property
    def log(self) -> EmbeddedLog:
        """Events."""
        return self._log

    @property
    def ledger(self) -> EmbeddedLedger:
        """Decisions."""
        return self._ledger

    @property
    def people(self) -> EmbeddedPeople:
        """Actors, persons, profiles, vault."""
        return self._people

    @property
    def items(self) -> EmbeddedItems:
        """The catalogue."""
        return self._items

    @property
    def tallies(self) -> EmbeddedTallies:
        """Sums kept by folds."""
        return self._tallies

    @property
    def counters(self) -> EmbeddedCounters:
        """Caps, quotas, budgets."""
        return self._counters

    @property
    def timers(self) -> EmbeddedTimers:
        """Things to do later."""
        return self._timers

    @property
    def outbox(self) -> EmbeddedOutbox:
        """Effects to deliver."""
        return self._outbox

    @property
    def papers(self) -> EmbeddedPapers:
        """Versioned documents."""
        return self._papers

    @property
    def blobs(self) -> EmbeddedBlobs:
        """Sealed bytes."""
        return self._blobs

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is one transaction, all or nothing; not the log, not blobs."""
        with self._state_db.transaction():
            yield

    def steady(self) -> AbstractContextManager[None]:
        """Inside, what is read of people, papers, items and sums is of one moment.

        For what takes milliseconds. The log is not among it: an event that is durable when
        it is asked for is seen.
        """
        return self._state_db.steady()

    def gathering(self) -> AbstractContextManager[None]:
        """Decisions that this thread records inside are durable when the block has ended.

        Nothing may leave before: one commit does for all of them and for others' writes.
        """
        return self._state_db.joint.gathering()

    def forget(self, person: int, at: datetime) -> Mapping[str, int]:
        """Forget a person everywhere: people and tallies, then log and ledger; counts by what."""
        actors = self._people.actors_of(person)
        counts = dict(self._people.forget(person, at))
        counts["events"] = self._log.forget(actors)
        counts["decisions"] = self._ledger.forget(actors)
        return counts

    def integrity(self) -> list[str]:
        """What is wrong on disk, in words for a log; empty when sound."""
        return self._state_db.check() + self._log.check() + self._ledger.check()

    def close(self) -> None:
        """Let go of files and locks."""
        self._close_files()
        if self._lock:
            self._lock.release()

    def _close_files(self) -> None:
        self._log_db.close()
        self._state_db.close()


def _is_new(directory: Path) -> bool:
    if directory.exists() and not directory.is_dir():
        raise Unavailable("not_a_workspace", path=str(directory), found="a file")
    with told(directory):
        state, log = ((directory / name).exists() for name in ("state.db", "log.db"))
    if log and not state:
        raise Unavailable("damaged", path=str(directory / "state.db"), found="the file is missing")
    return not state


def _apart(directory: Path, keys: Path) -> None:
    if keys.resolve().is_relative_to(directory.resolve()):
        # Whoever copied the directory would have copied the key with it.
        raise Unavailable("key_inside", path=str(keys), directory=str(directory))


def _needs_work(directory: Path, keys: Path) -> bool:
    """Whether a reader would see an old schema, or somebody who was forgotten."""
    state = Database(directory / "state.db", "state", write=False)
    log = Database(directory / "log.db", "log", write=False)
    try:
        if not (directory / "log.db").exists():
            return True
        if state.version() < state.known or log.version() < log.known:
            return True
        row = state.one(_SQL["value"], ("workspace",))
        if row is None:
            return True
        known = {row[0] for row in state.rows(_SQL["tombstones"])}
        stones = Tombstones(directory, keys, str(row[0])).read()
        return any(actor not in known for actor, _ in stones)
    finally:
        state.close()
        log.close()
