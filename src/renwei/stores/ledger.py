"""The ledger: decisions of recent days in state.db, whole batches in sealed segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from renwei.core.chance import new_number
from renwei.core.clock import from_us, to_us
from renwei.core.nouns import NOBODY, Decision
from renwei.core.store import Effect
from renwei.stores.codec import to_json
from renwei.stores.database import Database
from renwei.stores.ids import from_key, to_key
from renwei.stores.outbox import EmbeddedOutbox
from renwei.stores.packed import forgotten, pack, unpack
from renwei.stores.queries import queries
from renwei.stores.words import WordList

PAGE = 1_000
_SQL = queries("ledger")


class EmbeddedLedger:
    """Decisions on disk."""

    def __init__(self, database: Database, outbox: EmbeddedOutbox, directory: Path) -> None:
        self._db = database
        self._outbox = outbox
        self._words = WordList(database)

    def record(self, decision: Decision, effects: Sequence[Effect] = ()) -> Decision:
        """Store one decision and its effects in one transaction."""
        with self._db.transaction() as connection:
            connection.execute(_SQL["add"], self._row(decision))
            self._outbox.queue(connection, effects, decision.at)
        return decision

    def _row(self, decision: Decision) -> tuple[Any, ...]:
        return (
            to_key(decision.id),
            decision.person,
            self._words.number_of(decision.surface),
            to_us(decision.at),
            pack(decision, self._words.number_of),
        )

    def record_all(self, decisions: Iterable[Decision]) -> int:
        """Store many as one sealed segment, visible all at once or not at all."""
        with self._db.transaction() as connection:
            rows = [self._row(decision) for decision in decisions]
            connection.executemany(_SQL["add"], rows)
        return len(rows)

    def get(self, decision: str) -> Decision | None:
        """One decision by id."""
        row = self._db.one(_SQL["get"], (to_key(decision),))
        return self._decision(row) if row else None

    def of(self, persons: Sequence[int], *, limit: int = 100) -> list[Decision]:
        """The newest decisions about these persons, newest first.

        A decision keeps the person as resolved then: ask for all actors of a person.
        """
        rows = self._db.rows(_SQL["of"], (to_json(list(persons)), limit))
        return [self._decision(row) for row in rows]

    def between(self, since: datetime, until: datetime, surface: str = "") -> Iterator[Decision]:
        """Decisions made in [since, until), oldest first."""
        found = self._between_hot(to_us(since), to_us(until))
        return (decision for decision in found if surface in ("", decision.surface))

    def _between_hot(self, since_us: int, until_us: int) -> Iterator[Decision]:
        place = (since_us, 0)
        while True:
            rows = self._db.rows(_SQL["page"], (*place, until_us, PAGE))
            yield from map(self._decision, rows)
            if len(rows) < PAGE:
                return
            place = (rows[-1][3], rows[-1][5])

    def forget(self, persons: Sequence[int]) -> int:
        """Give these persons' decisions to nobody and drop their reasons' values."""
        wanted = [person for person in persons if person != NOBODY]
        numbers = to_json(wanted)
        stand_ins = {person: new_number() for person in wanted}
        with self._db.transaction() as connection:
            rows = self._db.rows(_SQL["about"], (numbers,))
            for row in rows:
                body = forgotten(row[4], lambda unit: stand_ins.get(unit, unit))
                connection.execute(_SQL["rewrite"], (NOBODY, body, row[5]))
                self._outbox.clear(connection, row[0])
            connection.execute(_SQL["settle"], (numbers,))
        self._db.truncate()
        return len(rows)

    def _decision(self, row: Sequence[Any]) -> Decision:
        return unpack(
            row[4],
            self._words.text_of,
            id=from_key(row[0]),
            person=row[1],
            surface=self._words.text_of(row[2]),
            at=from_us(row[3]),
        )
