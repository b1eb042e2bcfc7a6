"""Young events: stored, and not yet in the trees of message ids and of actors' places.

Both trees are random in their keys: an event put into them at once costs two pages of 4 KB,
written twice. So the log appends events alone; what came since `indexed` is known here, in
memory, by whoever asks: read from the file itself, so that another process's events are known
too and nothing is lost with the memory. When there are enough, they go into the trees in order
of key, a slice at a time; `indexed` moves when the last slice is in. A process that dies on the
way begins that round anew, and what is in already stays as it is.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from renwei.stores.database import Database
from renwei.stores.many import in_lists, insert_many
from renwei.stores.queries import queries

MANY = 32_000
SLICE = 1_000
AT_ONCE = 8_000
"""An append of so many is itself put in order, so that they never fill anybody's memory."""
_SQL = queries("log")
Row = tuple[Any, ...]


@dataclass(slots=True)
class _Round:
    """What is being put in order: everything after `since` up to `until`."""

    stand: tuple[int, int]
    until: int
    slices: list[tuple[list[Row], list[Row]]]


class Young:
    """The events after `indexed`, by message id and by actor. Safe for many threads."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._lock = threading.Lock()
        self._stand: tuple[int, int] | None = None
        self._last = 0
        self._ids: dict[bytes, int] = {}
        self._places: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self._round: _Round | None = None
        database.on_rollback.append(self._forget)

    def _forget(self) -> None:
        # What was read inside a transaction that failed never was.
        with self._lock:
            self._stand = None
            self._round = None

    def _sync(self) -> None:
        """Know what the file holds as this thread sees it; call with the lock held."""
        changes, indexed, last = self._db.one(_SQL["stand"])
        if (changes, indexed) != self._stand:
            self._stand, self._last = (changes, indexed), indexed
            self._ids, self._places = {}, defaultdict(list)
        if last > self._last:
            rows = self._db.rows(_SQL["young"], (self._last,))
            for seq, key, actor, at_us in rows:
                self._ids[key] = seq
                self._places[actor].append((at_us, seq))
            # Positions may be skipped: taking back and forgetting move on.
            self._last = max(last, rows[-1][0] if rows else 0)

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those message ids that came before, young or old; for appending, in a transaction."""
        with self._lock:
            self._sync()
            young = self._ids
            found = {key for key in keys if key in young}
        left = [key for key in keys if key not in found] if found else keys
        for sql, some in in_lists(_SQL["has_ids"], left):
            found.update(row[0] for row in self._db.rows(sql, some))
        return found

    def add(self, rows: Sequence[Row]) -> None:
        """Know rows of events that were stored just now, without reading them again."""
        with self._lock:
            # Where another thread knows them already, or began anew, there is nothing to add.
            if rows and self._stand is not None and self._last + 1 == rows[0][0]:
                ids, places = self._ids, self._places
                for row in rows:
                    ids[row[1]] = row[0]
                    places[row[2]].append((row[5], row[0]))
                self._last = rows[-1][0]

    def of(self, actors: Sequence[int]) -> list[int]:
        """Positions of the young events of some actors."""
        with self._lock:
            self._sync()
            return [seq for actor in actors for _, seq in self._places.get(actor, ())]

    def tidy(self, appended: int) -> None:
        """After an append: put a part of what is young in order, once there is much of it."""
        for _ in range(1 + 2 * appended // SLICE):
            if self._last - (self._stand[1] if self._stand else self._last) < MANY:
                return
            if not self._slice():
                return

    def tidy_all(self) -> None:
        """Put everything in order that came before this call."""
        until = int(self._db.one(_SQL["stand"])[2])
        while self._slice():
            if self._stand is not None and self._stand[1] >= until:
                return

    def _slice(self) -> bool:
        """Do one slice; False when there is nothing (more) to do."""
        with self._db.transaction() as connection, self._lock:
            self._sync()
            todo = self._round
            if todo is None or todo.stand != self._stand:
                todo = self._round = self._begin()
            if todo is None:
                return False
            ids, places = todo.slices.pop()
            insert_many(connection, _SQL["add_id"], ids)
            insert_many(connection, _SQL["add_place"], places)
            if not todo.slices:
                connection.execute(_SQL["set_indexed"], (todo.until,))
                self._round = None
                self._sync()
        return True

    def tidy_now(self, connection: Connection, position: int) -> None:
        """Put everything in order inside the transaction of a large append."""
        for query in ("tidy_ids", "tidy_places"):
            connection.execute(_SQL[query])
        connection.execute(_SQL["set_indexed"], (position,))

    def _begin(self) -> _Round | None:
        if self._stand is None or self._last <= self._stand[1]:
            return None
        ids = sorted(self._ids.items())
        places = sorted((a, at, seq) for a, rows in self._places.items() for at, seq in rows)
        count = 1 + len(places) // SLICE
        cuts = [(k * len(ids) // count, (k + 1) * len(ids) // count) for k in range(count)]
        spots = [(k * len(places) // count, (k + 1) * len(places) // count) for k in range(count)]
        slices: list[tuple[list[Row], list[Row]]] = [
            ([*ids[a:b]], [*places[c:d]]) for (a, b), (c, d) in zip(cuts, spots, strict=True)
        ]
        return _Round(self._stand, self._last, slices)
