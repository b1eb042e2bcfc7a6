"""The ledger: decisions of recent days in state.db, whole batches in sealed segments."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any, TypeVar

from renwei.core.chance import new_number
from renwei.core.clock import from_us, to_us
from renwei.core.errors import Unavailable
from renwei.core.nouns import NOBODY, Decision
from renwei.core.store import Effect
from renwei.stores.codec import to_json
from renwei.stores.database import Database
from renwei.stores.ids import from_key, to_key
from renwei.stores.outbox import EmbeddedOutbox
from renwei.stores.packed import forgotten, outlined, pack, unpack
from renwei.stores.queries import queries
from renwei.stores.remembered import Remembered
from renwei.stores.segments import Sealed, Segments
from renwei.stores.words import WordList

if TYPE_CHECKING:
    from renwei.core.batch import Decisions
    from renwei.stores.outlines import Outline

PAGE = 1_000
CHUNK = 16_384
SEAL_ROWS = 100_000
LOOKS = 5
LONGEST_DAY_US = 26 * 3_600_000_000
Found = TypeVar("Found")
_SQL = queries("ledger")
_PEOPLE = queries("people")


class OvertakenError(Exception):
    """What was read has changed meanwhile."""


class EmbeddedLedger:
    """Decisions on disk."""

    def __init__(self, database: Database, outbox: EmbeddedOutbox, directory: Path) -> None:
        self._db = database
        self._outbox = outbox
        self._words = WordList(database)
        self._segments = Segments(directory / "lake" / "decisions", directory)
        self._outlines = Remembered[tuple[int, int, "Outline"]](most=2)

    def record(self, decision: Decision, effects: Sequence[Effect] = ()) -> Decision:
        """Store one decision and its effects in one transaction, durable on return.

        Inside `EmbeddedStore.gathering` it is durable when that block has ended.

        About somebody who was forgotten while it was made it is nobody's, without effects.

        Raises:
            ValueError: A decision of this id was recorded before.
        """
        self._db.joint.later(partial(self._record, decision, effects))
        return decision

    def _record(
        self, decision: Decision, effects: Sequence[Effect], connection: Connection
    ) -> None:
        row = self._row(decision)
        if self._db.one(_PEOPLE["is_tombstone"], (decision.person,)):
            units = {decision.person: new_number()}
            body = forgotten(row[4], lambda unit: units.get(unit, unit))
            row, effects = (row[0], NOBODY, *row[2:4], body), ()
        if connection.execute(_SQL["add"], row).rowcount == 0:
            raise ValueError(f"recorded before: {decision.id}")
        self._outbox.queue(connection, effects, decision.at)

    def _row(self, decision: Decision) -> tuple[Any, ...]:
        return (
            to_key(decision.id),
            decision.person,
            self._words.number_of(decision.surface),
            to_us(decision.at),
            pack(decision, self._words.number_of),
        )

    def record_all(self, decisions: Iterable[Decision]) -> int:
        """Store many as one sealed segment, visible all at once or not at all.

        Raises:
            ValueError: An id is no UUID.
        """
        from renwei.stores.columns import from_decisions

        return self._seal(from_decisions(batch) for batch in _batches(decisions))

    def record_columns(self, decisions: Decisions) -> int:
        """`record_all` for the columns of `decide_many`, without an object a decision."""
        from renwei.stores.columns import from_columns

        n = len(decisions)
        starts = range(0, n, CHUNK)
        return self._seal(from_columns(decisions, k, min(k + CHUNK, n)) for k in starts)

    def _seal(self, tables: Iterable[Any]) -> int:
        with self._segments.written(tables) as made, self._db.transaction() as connection:
            if made.rows:
                self._register(connection, made)
        if not made.rows:
            self._segments.remove(made)
            return 0
        # Somebody may have been forgotten while a long batch was made.
        gone = [row[0] for row in self._db.rows(_PEOPLE["tombstones"])]
        if gone and self._segments.rows_about(made, gone):
            self.forget(gone)
        return made.rows

    def get(self, decision: str) -> Decision | None:
        """One decision by id."""
        key = to_key(decision)
        return self._looking(lambda: self._get(key))

    def _get(self, key: bytes | str) -> Decision | None:
        # Hot rows first: a decision that moves meanwhile is then found in its segment.
        row = self._db.one(_SQL["get"], (key,))
        if row:
            return self._decision(row)
        if isinstance(key, bytes):
            for segment in self._sealed():
                found = self._segments.find(segment, key)
                if found:
                    return found
        return None

    def of(self, persons: Sequence[int], *, limit: int = 100) -> list[Decision]:
        """The newest decisions about these persons, newest first.

        A decision keeps the person as resolved then: ask for all actors of a person.
        """
        return self._looking(lambda: self._of(persons, limit))

    def _of(self, persons: Sequence[int], limit: int) -> list[Decision]:
        rows = self._db.rows(_SQL["of"], (to_json(list(persons)), limit))
        found = {row[0]: self._decision(row) for row in rows}
        for segment in self._sealed():
            newer = sum(to_us(decision.at) > segment.last_us for decision in found.values())
            if newer >= limit:
                break
            places = self._segments.rows_about(segment, persons)
            for decision in self._segments.decisions(segment, places):
                found.setdefault(to_key(decision.id), decision)
        return sorted(found.values(), key=_by_time, reverse=True)[:limit]

    def _looking(self, look: Callable[[], Found]) -> Found:
        # A segment may be replaced between its listing and its reading; then list again.
        for _ in range(LOOKS):
            try:
                return look()
            except FileNotFoundError:
                continue
        raise Unavailable("damaged", path=str(self._db.path), found="a segment is missing")

    def between(self, since: datetime, until: datetime, surface: str = "") -> Iterator[Decision]:
        """Decisions made in [since, until), oldest first."""
        since_us, until_us = to_us(since), to_us(until)
        parts = [self._between_hot(since_us, until_us)]
        for segment in self._sealed():
            if segment.last_us >= since_us and segment.first_us < until_us:
                rows = self._segments.in_order(segment)
                parts.append(decision for decision in rows if since <= decision.at < until)
        seen: set[str] = set()
        for decision in heapq.merge(*parts, key=_by_time):
            if surface in ("", decision.surface) and decision.id not in seen:
                if len(parts) > 1:
                    seen.add(decision.id)
                yield decision

    def _between_hot(self, since_us: int, until_us: int) -> Iterator[Decision]:
        place = (since_us, 0)
        while True:
            rows = self._db.rows(_SQL["page"], (*place, until_us, PAGE))
            yield from map(self._decision, rows)
            if len(rows) < PAGE:
                return
            place = (rows[-1][3], rows[-1][5])

    def outline(self, since: datetime, until: datetime) -> Outline:
        """`between` in outline, oldest first: for counting a day of a large shop.

        Of what is not sealed only what came since the same was asked last is read.
        """
        return self._looking(lambda: self._outline(to_us(since), to_us(until)))

    def _outline(self, since_us: int, until_us: int) -> Outline:
        import numpy as np

        from renwei.stores.outlines import Outline

        # Hot rows first: a decision that moves meanwhile is then found twice, not never.
        hot = self._outline_hot(since_us, until_us)
        sealed = [
            self._segments.outline(segment)
            for segment in self._sealed()
            if segment.last_us >= since_us and segment.first_us < until_us
        ]
        whole = Outline.joined([hot, *sealed])
        within = np.flatnonzero((whole.at_us >= since_us) & (whole.at_us < until_us))
        return whole.pick(within[np.argsort(whole.at_us[within], kind="stable")])

    def _outline_hot(self, since_us: int, until_us: int) -> Outline:
        from renwei.stores.outlines import Outline

        # A day that is not over yet is asked again with a later end.
        end_us = max(until_us, since_us + LONGEST_DAY_US)
        changes, last = self._changes(), int(self._db.one(_SQL["last_number"])[0])
        held = self._outlines.get((since_us, end_us))
        if held is None or held[0] != changes:
            rows = self._db.rows(_SQL["outline"], (since_us, end_us, last))
            found = Outline.of_rows(map(self._outlined, rows))
        else:
            rows = self._db.rows(_SQL["outline_newer"], (held[1], last, since_us, end_us))
            found = Outline.joined([held[2], Outline.of_rows(map(self._outlined, rows))])
        self._outlines.put((since_us, end_us), (changes, last, found))
        return found

    def _outlined(self, row: Sequence[Any]) -> tuple[str, int, int, bool, set[str]]:
        return (self._words.text_of(row[1]), row[0], row[2], *outlined(row[3], self._words.text_of))

    def seal(self, before: datetime) -> int:
        """Move decisions made before a time from state.db into a segment; returns the count.

        For quiet hours: a `between` under way may miss what moves meanwhile.
        """
        from renwei.stores.columns import from_decisions

        before_us, total = to_us(before), 0
        while True:
            changes = self._changes()
            rows = self._db.rows(_SQL["before"], (before_us, SEAL_ROWS))
            if not rows:
                return total
            decisions = map(self._decision, rows)
            tables = (from_decisions(batch) for batch in _batches(decisions))
            with (
                suppress(OvertakenError),
                self._segments.written(tables) as made,
                self._turning(changes) as connection,
            ):
                self._register(connection, made)
                connection.executemany(_SQL["drop"], ((row[5],) for row in rows))
                total += len(rows)

    def forget(self, persons: Sequence[int]) -> int:
        """Give these persons' decisions to nobody and drop their reasons' values.

        A unit that is the person's own number is replaced by a fresh one: those draws can no
        longer be replayed.
        """
        wanted = [person for person in persons if person != NOBODY]
        stand_ins = {person: new_number() for person in wanted}
        given = 0
        while True:
            try:
                for segment in self._sealed():
                    given += self._forget_sealed(segment, wanted, stand_ins)
                given += self._forget_hot(wanted, stand_ins)
                break
            except OvertakenError:
                continue
        self._db.truncate()
        return given

    def _forget_sealed(
        self, segment: Sealed, wanted: Sequence[int], stand_ins: Mapping[int, int]
    ) -> int:
        changes = self._changes()
        places = self._segments.rows_about(segment, wanted)
        if not places:
            return 0
        about = self._segments.decisions(segment, places)
        tables = self._segments.forgotten(
            segment, frozenset(wanted), lambda unit: stand_ins.get(unit, unit)
        )
        with self._segments.written(tables) as made, self._turning(changes) as connection:
            connection.execute(_SQL["drop_segment"], (segment.number,))
            self._register(connection, made)
            for decision in about:
                self._outbox.clear(connection, to_key(decision.id))
        self._segments.remove(segment)
        return len(places)

    def _forget_hot(self, wanted: Sequence[int], stand_ins: Mapping[int, int]) -> int:
        numbers = to_json(list(wanted))
        changes, sealed = self._changes(), {segment.number for segment in self._sealed()}
        with self._turning(changes) as connection:
            if any(
                segment.number not in sealed or self._segments.rows_about(segment, wanted)
                for segment in self._sealed()
            ):
                raise OvertakenError
            rows = self._db.rows(_SQL["about"], (numbers,))
            for row in rows:
                body = forgotten(row[4], lambda unit: stand_ins.get(unit, unit))
                connection.execute(_SQL["rewrite"], (NOBODY, body, row[5]))
                self._outbox.clear(connection, row[0])
            connection.execute(_SQL["settle"], (numbers,))
        return len(rows)

    def count_before(self, before: datetime) -> int:
        """How many decisions `drop_before` would drop."""
        old = [segment for segment in self._sealed() if segment.last_us < to_us(before)]
        return self.hot_before(before) + sum(segment.rows for segment in old)

    def hot_before(self, before: datetime) -> int:
        """How many decisions made before a time are not in a sealed segment."""
        return int(self._db.one(_SQL["count_before"], (to_us(before),))[0])

    def drop_before(self, before: datetime) -> int:
        """Drop decisions made before a time, and what was sent for them (retention).

        Of a sealed batch all go together, once the last one is old enough.
        """
        before_us, dropped = to_us(before), 0
        while True:
            with self._db.transaction() as connection:
                gone = connection.execute(_SQL["drop_before"], (before_us, PAGE)).rowcount
                connection.execute(_SQL["drop_effects"], (before_us, PAGE))
            dropped += gone
            if gone < PAGE:
                break
        for segment in self._sealed():
            if segment.last_us < before_us:
                with self._db.transaction() as connection:
                    connection.execute(_SQL["drop_segment"], (segment.number,))
                    connection.execute(_SQL["turned"])
                self._segments.remove(segment)
                dropped += segment.rows
        return dropped

    def sweep(self) -> int:
        """Remove segments that no register names (left by a crash); returns the count."""
        return self._segments.sweep({segment.path for segment in self._sealed()})

    def check(self) -> list[str]:
        """What is wrong with the segments; empty when sound."""
        return self._segments.check(self._sealed())

    def _sealed(self) -> list[Sealed]:
        found = [Sealed(*row) for row in self._db.rows(_SQL["segments"])]
        self._segments.stand(found)
        return found

    def _register(self, connection: Connection, made: Sealed) -> None:
        row = (made.path, made.rows, made.first_us, made.last_us)
        connection.execute(_SQL["add_segment"], row)

    def _changes(self) -> int:
        return int(self._db.one(_SQL["changes"])[0])

    @contextmanager
    def _turning(self, changes: int) -> Iterator[Connection]:
        with self._db.transaction() as connection:
            if connection.execute(_SQL["turn"], (changes,)).rowcount == 0:
                raise OvertakenError
            yield connection

    def _decision(self, row: Sequence[Any]) -> Decision:
        return unpack(
            row[4],
            self._words.text_of,
            id=from_key(row[0]),
            person=row[1],
            surface=self._words.text_of(row[2]),
            at=from_us(row[3]),
        )


def _by_time(decision: Decision) -> datetime:
    return decision.at


def _batches(decisions: Iterable[Decision]) -> Iterator[list[Decision]]:
    left = iter(decisions)
    while batch := list(islice(left, CHUNK)):
        yield batch
