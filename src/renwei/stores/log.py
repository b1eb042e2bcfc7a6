"""The log: hot events in log.db, sealed ones in the lake; readers see no difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import compress
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from renwei.core.clock import from_us, to_us
from renwei.core.errors import Unavailable
from renwei.core.nouns import NOBODY, Event
from renwei.core.store import Appended
from renwei.stores.codec import from_json, to_json
from renwei.stores.database import Database
from renwei.stores.lake import Lake, Segment
from renwei.stores.many import insert_many
from renwei.stores.queries import queries
from renwei.stores.young import AT_ONCE, Young

EVER = (1 << 63) - 1
WINDOW, HOT_WINDOW = 50_000, 4_000
"""Events read at once: few where no file must be opened anew for the next, and first of all,
because whoever asks whether there is any reads no further."""
TOLD_ROWS = 1_000
ADRIFT_US = 3_600_000_000
"""An import writes its events under the time at which it began, among those that come meanwhile."""
TOLD = frozenset(("answer", "contact"))
"""Kinds with an index of their own (see migrations): few among many, asked for often, and
never sealed."""
# One transaction drops so many hot rows: appends wait for it (150 ms measured; 850 for 100,000).
SEAL_ROWS = 20_000
_LOOKS = 5
_SQL = queries("log")


class _OvertakenError(Exception):
    """What was read has changed meanwhile."""


class EmbeddedLog:
    """Events on disk. `lake` keeps those that `seal` moved on."""

    def __init__(self, database: Database, directory: Path) -> None:
        self._db = database
        self._lake = Lake(directory / "lake" / "events", directory)
        self._young = Young(database)
        self._gone: frozenset[int] | None = None
        database.on_rollback.append(self._reload)

    def append(self, events: Sequence[Event], seen: datetime) -> Appended:
        """Store what is new by message_id, all or nothing, durable on return."""
        rows, fresh = self._db.joint.join(partial(self._append, events, to_us(seen)))
        added = len(rows)
        if added < AT_ONCE:
            self._young.add(rows)
        # What is stored is stored, whether there is room to put it in order now or later.
        with suppress(Unavailable):
            self._young.tidy(added)
        position = rows[-1][0] if rows else self.position()
        return Appended(added, len(fresh) - added, position, tuple(fresh))

    def _append(
        self, events: Sequence[Event], seen_us: int, connection: Connection
    ) -> tuple[list[tuple[Any, ...]], list[bool]]:
        position = self.position()
        gone = self._forgotten()
        fresh = self._fresh([event.message_id for event in events])
        new = compress(events, fresh)
        rows = [
            _to_row(event, seq, NOBODY if event.actor in gone else event.actor, seen_us)
            for seq, event in enumerate(new, start=position + 1)
        ]
        insert_many(connection, _SQL["add_event"], rows)
        if len(rows) >= AT_ONCE:
            self._young.tidy_now(connection, position + len(rows))
        return rows, fresh

    def has(self, message_ids: Sequence[bytes]) -> list[bool]:
        """Which of these are stored already."""
        known = self._young.known(message_ids)
        return [key in known for key in message_ids]

    def _fresh(self, keys: Sequence[bytes]) -> list[bool]:
        taken = self._young.known(keys)
        fresh = []
        for key in keys:
            fresh.append(key not in taken)
            taken.add(key)
        return fresh

    def read(
        self, *, after: int = 0, kinds: Sequence[str] = (), seen_by: datetime | None = None
    ) -> Iterator[Event]:
        """Events in log order from a position on, in bounded memory.

        What is appended meanwhile is not read: the iterator ends at the position of its start.
        """
        for row in self._read(after, kinds, seen_by):
            yield _to_event(row)

    def _read(
        self, after: int, kinds: Sequence[str], seen_by: datetime | None
    ) -> Iterator[tuple[Any, ...]]:
        seen_us = EVER if seen_by is None else to_us(seen_by)
        last, wanted = self.position(), to_json(list(kinds)) if kinds else ""
        told = bool(kinds) and TOLD.issuperset(kinds)
        size = last if told else HOT_WINDOW
        while after < last:
            until = min(after + size, last)
            # Hot rows first: what is sealed between the two reads is then seen twice, not never.
            rows = {row[0]: row for row in self._hot(after, until, kinds, seen_us)}
            if told and len(rows) == TOLD_ROWS:
                until = max(rows)
            sealed = self._looking(
                partial(self._within, after, until, wanted),
                partial(self._lake.read, after=after, until=until, kinds=kinds),
            )
            for row in sealed:
                if row[6] <= seen_us:
                    rows.setdefault(row[0], row)
            yield from (row for _, row in sorted(rows.items())) if sealed else rows.values()
            after = until
            if size < WINDOW and self._within(after, after + WINDOW, wanted):
                size = WINDOW
            elif size < WINDOW and not rows:
                size = min(2 * size, WINDOW)

    def _within(self, after: int, until: int, wanted: str) -> list[Segment]:
        values = (after, until, wanted, wanted or "[]")
        return [Segment(*row) for row in self._db.rows(_SQL["segments_within"], values)]

    def _looking(
        self, list_files: Callable[[], list[Segment]], look: Callable[[list[Segment]], list[Any]]
    ) -> list[Any]:
        # A file may be replaced between its listing and its reading; then list again.
        for _ in range(_LOOKS):
            files = list_files()
            try:
                return look(files) if files else []
            except FileNotFoundError:
                continue
        raise self._missing()

    def _missing(self) -> Unavailable:
        return Unavailable("damaged", path=str(self._db.path), found="a lake file is missing")

    def _hot(
        self, after: int, until: int, kinds: Sequence[str], seen_us: int
    ) -> list[tuple[Any, ...]]:
        wanted = to_json(list(kinds)) if kinds else ""
        if kinds and TOLD.issuperset(kinds):
            return self._db.rows(_SQL["read_told"], (wanted, after, until, seen_us, TOLD_ROWS))
        return self._db.rows(_SQL["read"], (after, until, wanted, wanted or "[]", seen_us))

    def of(
        self,
        actors: Sequence[int],
        *,
        until: datetime | None = None,
        kinds: Sequence[str] = (),
        limit: int = 1_000,
    ) -> list[Event]:
        """The newest events (by `at`) of these actors, newest first."""
        until_us = EVER if until is None else to_us(until)
        wanted = to_json(list(kinds)) if kinds else ""
        numbers = to_json(list(actors))
        young = to_json(self._young.of(actors))
        values = (numbers, until_us, young, wanted, wanted or "[]", limit)
        rows = self._db.rows(_SQL["of"], values)
        sealed = self._looking(
            lambda: self._files_of(numbers), lambda files: self._lake.of(files, actors)
        )
        if sealed:
            found = {row[0]: row for row in rows}
            for row in sealed:
                if row[5] <= until_us and (not kinds or row[3] in kinds):
                    found.setdefault(row[0], row)
            rows = sorted(found.values(), key=_newest, reverse=True)[:limit]
        return [_to_event(row) for row in rows]

    def _files_of(self, numbers: str) -> list[Segment]:
        return [Segment(*row) for row in self._db.rows(_SQL["segments_of"], (numbers,))]

    def position(self) -> int:
        """The last sequence number; grows with every append, withdrawal and forgetting."""
        row = self._db.one(_SQL["position"])
        return int(row[0]) if row else 0

    def columns(
        self, *, after: int = 0, kinds: Sequence[str] = (), seen_by: datetime | None = None
    ) -> dict[str, list[Any]]:
        """Events in log order as columns, for frames: everything at once, in memory.

        Returns:
            seq, actor, kind, item, at_us, seen_us, source, value_minor, currency, version and
            body (JSON text); each a list of length (events,).
        """
        rows = list(self._read(after, kinds, seen_by))
        columns = zip(*rows, strict=True) if rows else [()] * len(Lake.NAMES)
        named = dict(zip(Lake.NAMES, map(list, columns), strict=True))
        del named["message_id"]
        return named

    def arrived(
        self, since: datetime, until: datetime, most: int
    ) -> tuple[list[tuple[str, str, str]], bool]:
        """Kind, source and body (JSON text) of what came in [since, until], the newest first.

        Returns:
            At most so many, and whether those are all.
        """
        since_us, until_us = to_us(since), to_us(until)
        after, last = self._came_by(since_us - ADRIFT_US), self._came_by(until_us + ADRIFT_US)
        values = (after, last, since_us, until_us, most + 1)
        rows = {row[0]: row[1:] for row in self._db.rows(_SQL["arrived"], values)}
        days = [f"day={at.astimezone(UTC).date().isoformat()}" for at in (since, until)]
        sealed = self._looking(
            lambda: [s for s in self._segments() if days[0] <= s.path.split("/")[-3] <= days[1]],
            partial(self._lake.arrived, since_us=since_us, until_us=until_us, most=most + 1),
        )
        for row in sealed:
            rows.setdefault(row[0], row[1:])
        newest = sorted(rows, reverse=True)
        return [rows[seq] for seq in newest[:most]], len(rows) <= most

    def _came_by(self, at_us: int) -> int:
        """A position up to which hot events came before a time, by halving; the end if all did."""
        low, high = 0, self.position()
        while low < high:
            middle = (low + high) // 2
            row = self._db.one(_SQL["arrival"], (middle,))
            if row is not None and row[0] < at_us:
                low = middle + 1
            else:
                high = middle
        return low

    def withdraw(self, source: str) -> int:
        """Take back everything one source brought (undo of an import); returns the count."""
        return self._steadily(lambda changes: self._withdraw(changes, source))

    def _withdraw(self, changes: int, source: str) -> int:
        with (
            self._lake.rewritten(self._segments(), without_source=source) as change,
            self._turning(changes) as connection,
        ):
            ids = [row[0] for row in connection.execute(_SQL["ids_of_source"], (source,))]
            ids += change.dropped
            places = connection.execute(_SQL["places_of_source"], (source,)).fetchall()
            connection.executemany(_SQL["drop_place"], places)
            connection.execute(_SQL["drop_source"], (source,))
            connection.executemany(_SQL["drop_id"], ((key,) for key in ids))
            self._register(connection, change.made, change.replaced)
            if ids:
                connection.execute(_SQL["move_on"])
        return len(ids)

    def forget(self, actors: Sequence[int]) -> int:
        """Give these actors' events to nobody: hot rows, lake files and traces on disk."""
        gone = [actor for actor in actors if actor != NOBODY]
        given = self._steadily(lambda changes: self._forget(changes, gone))
        self._reload()
        self._db.truncate()
        return given

    def _forget(self, changes: int, gone: Sequence[int]) -> int:
        numbers = to_json(gone)
        with (
            self._lake.rewritten(self._files_of(numbers), nobody=gone) as change,
            self._turning(changes) as connection,
        ):
            given = int(connection.execute(_SQL["give_away"], (numbers,)).rowcount) + change.given
            connection.execute(_SQL["give_places_away"], (numbers,))
            connection.executemany(_SQL["remember_forgotten"], ((actor,) for actor in gone))
            self._register(connection, change.made, change.replaced)
            if given:
                connection.execute(_SQL["move_on"])
        return given

    def seal(self, before: datetime) -> int:
        """Move events that arrived before a time into lake files; returns the count.

        A file is written and on disk before one transaction registers it and drops the hot
        rows; whatever a crash leaves behind is either unregistered (swept on open) or done.
        """
        total = 0
        # Only what is in order may leave: its message id must be known for ever.
        self._young.tidy_all()
        while moved := self._steadily(lambda changes: self._seal(changes, to_us(before))):
            total += moved
        return total

    def _seal(self, changes: int, before_us: int) -> int:
        rows = self._db.rows(_SQL["arrived_before"], (before_us, SEAL_ROWS))
        if rows:
            with self._lake.written(rows) as made, self._turning(changes) as connection:
                connection.executemany(_SQL["drop_event"], ((row[0],) for row in rows))
                places = ((row[2], row[5], row[0]) for row in rows)
                connection.executemany(_SQL["drop_place"], places)
                self._register(connection, made, ())
        return len(rows)

    def count_before(self, before: datetime) -> int:
        """How many events `drop_before` would drop."""
        row = self._db.one(_SQL["count_before"], (to_us(_midnight(before)),))
        return int(row[0]) + sum(segment.rows for segment in self._older(before))

    def drop_before(self, before: datetime) -> int:
        """Drop what arrived before the day of a time (retention); returns the count.

        Message ids stay, so that what was dropped does not come back with an old file.
        """
        self.seal(_midnight(before))
        dropped = self._steadily(lambda changes: self._drop(changes, before))
        self._db.truncate()
        return dropped

    def _drop(self, changes: int, before: datetime) -> int:
        old = self._older(before)
        told = self._db.rows(_SQL["told_before"], (to_us(_midnight(before)),))
        if old or told:
            with self._turning(changes) as connection:
                self._register(connection, (), old)
                connection.executemany(_SQL["drop_event"], ((row[0],) for row in told))
                places = ((row[1], row[2], row[0]) for row in told)
                connection.executemany(_SQL["drop_place"], places)
                connection.execute(_SQL["move_on"])
            self._lake.remove(old)
        return len(told) + sum(segment.rows for segment in old)

    def _older(self, before: datetime) -> list[Segment]:
        day = f"day={before.date().isoformat()}"
        return [s for s in self._segments() if s.path.split("/")[-3] < day]

    def _steadily(self, act: Callable[[int], int]) -> int:
        """Do what reads first and writes later; again, if another change came between."""
        missing = 0
        while missing < _LOOKS:
            try:
                return act(int(self._db.one(_SQL["changes"])[0]))
            except _OvertakenError:
                continue
            except FileNotFoundError:
                missing += 1
        raise self._missing()

    @contextmanager
    def _turning(self, changes: int) -> Iterator[Connection]:
        with self._db.transaction() as connection:
            if connection.execute(_SQL["turn"], (changes,)).rowcount == 0:
                raise _OvertakenError
            yield connection

    def sweep(self) -> int:
        """Remove lake files that no register names (left by a crash); returns the count."""
        return self._lake.sweep({segment.path for segment in self._segments()})

    def check(self) -> list[str]:
        """What is wrong with the log and its files; empty when sound."""
        problems = self._db.check()
        if not problems and (untidy := self._db.one(_SQL["untidy"])[0]):
            problems = [f"{self._db.path.name}: {untidy} events without their place"]
        return problems + self._lake.check(self._segments())

    def forgotten(self) -> frozenset[int]:
        """Actors whose events belong to nobody now."""
        return self._forgotten()

    def _register(self, connection: Any, made: Sequence[Any], replaced: Sequence[Segment]) -> None:
        for segment in replaced:
            connection.execute(_SQL["drop_segment"], (segment.id,))
        for file in made:
            cursor = connection.execute(
                _SQL["add_segment"],
                (file.path, file.bucket, file.rows, file.first_seq, file.last_seq),
            )
            connection.executemany(
                _SQL["add_hold"], ((actor, cursor.lastrowid) for actor in file.actors)
            )
            connection.executemany(
                _SQL["add_kind"], ((kind, cursor.lastrowid) for kind in file.kinds)
            )

    def _segments(self) -> list[Segment]:
        return [Segment(*row) for row in self._db.rows(_SQL["segments"])]

    def _forgotten(self) -> frozenset[int]:
        # Another process may forget too. Nobody is ever taken off this table.
        if self._gone is None or len(self._gone) != self._db.one(_SQL["forgotten_count"])[0]:
            self._gone = frozenset(row[0] for row in self._db.rows(_SQL["forgotten"]))
        return self._gone

    def _reload(self) -> None:
        self._gone = None


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _newest(row: Sequence[Any]) -> tuple[int, int]:
    return row[5], row[0]


def _to_row(event: Event, seq: int, actor: int, seen_us: int) -> tuple[Any, ...]:
    return (
        seq,
        event.message_id,
        actor,
        event.kind,
        event.item,
        to_us(event.at),
        seen_us,
        event.source,
        event.value_minor,
        event.currency,
        event.version,
        to_json(event.body),
    )


def _to_event(row: Sequence[Any]) -> Event:
    return Event(
        seq=row[0],
        message_id=row[1],
        actor=row[2],
        kind=row[3],
        item=row[4],
        at=from_us(row[5]),
        seen=from_us(row[6]),
        source=row[7],
        value_minor=row[8],
        currency=row[9],
        version=row[10],
        body=from_json(row[11]),
    )
