"""Young events: stored, and not yet in the trees of message ids and of actors' places.

Both trees are random in their keys: an event put into them at once costs two pages of 4 KB,
written twice. So the log appends events alone; what came since `indexed` is known here, in
memory, by whoever asks: read from the file itself, so that another process's events are known
too and nothing is lost with the memory. When there are enough, they go into the trees in order
of key, a part of the keys at a time; `indexed` moves when the last part is in. A process that
dies on the way begins that round anew, and what is in already stays as it is.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from renwei.stores.codec import to_json
from renwei.stores.database import Database
from renwei.stores.many import in_lists
from renwei.stores.queries import queries

MANY = 32_000
PARTS = 32
AT_ONCE = 8_000
"""An append of so many is itself put in order, so that they never fill anybody's memory."""
_SQL = queries("log")
Row = Sequence[Any]


@dataclass(slots=True)
class _Round:
    """What is being put in order: everything young up to `until`.

    `left` are parts: positions of some message ids, and of some actors' events, near each other.
    """

    stand: tuple[int, int]
    until: int
    left: list[tuple[list[int], list[int]]]


class Young:
    """The events after `indexed`, by message id and by actor. Safe for many threads."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._lock = threading.Lock()
        self._stand: tuple[int, int] | None = None
        self._last = 0
        self._ids: dict[bytes, int] = {}
        self._rows: list[tuple[int, int]] = []
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        self._placed = 0
        """So many of `_rows` are in `_places`: they are put there when somebody asks."""
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
            self._leave(changes, indexed)
        if last > self._last:
            rows = self._db.rows(_SQL["young"], (self._last,))
            self._take(rows)
            # Positions may be skipped: taking back and forgetting move on.
            self._last = max(last, rows[-1][0] if rows else 0)

    def _leave(self, changes: int, indexed: int) -> None:
        """Know no longer what is in order now, or anything where events were changed."""
        stand = self._stand
        if stand and stand[0] == changes and stand[1] < indexed <= self._last:
            self._ids = {key: seq for key, seq in self._ids.items() if seq > indexed}
            self._rows = [row for row in self._rows if row[1] > indexed]
        else:
            self._ids, self._rows, self._last = {}, [], indexed
        self._stand, self._placed = (changes, indexed), 0
        self._places.clear()

    def _take(self, rows: Sequence[Row]) -> None:
        self._ids.update([(row[1], row[0]) for row in rows])
        self._rows += [(row[2], row[0]) for row in rows]

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
        """Know events that were stored just now without reading them; seq, id, actor, ..."""
        with self._lock:
            # Where another thread knows them already, or began anew, there is nothing to add.
            if rows and self._stand is not None and self._last + 1 == rows[0][0]:
                self._take(rows)
                self._last = rows[-1][0]

    def of(self, actors: Sequence[int]) -> list[int]:
        """Positions of the young events of some actors."""
        with self._lock:
            self._sync()
            for actor, seq in self._rows[self._placed :]:
                self._places[actor].append(seq)
            self._placed = len(self._rows)
            return [seq for actor in actors for seq in self._places.get(actor, ())]

    def tidy(self, appended: int) -> None:
        """After an append: put a part of what is young in order, once there is much of it."""
        for _ in range(1 + 2 * appended * PARTS // MANY):
            if self._last - (self._stand[1] if self._stand else self._last) < MANY:
                return
            if not self._part():
                return

    def tidy_all(self) -> None:
        """Put everything in order that came before this call."""
        until = int(self._db.one(_SQL["stand"])[2])
        while self._part():
            if self._stand is not None and self._stand[1] >= until:
                return

    def tidy_now(self, connection: Connection, position: int) -> None:
        """Put everything in order inside the transaction of a large append."""
        for query in ("tidy_ids", "tidy_places"):
            connection.execute(_SQL[query])
        connection.execute(_SQL["set_indexed"], (position,))

    def _part(self) -> bool:
        """Do one part of a round; False when there is nothing (more) to do."""
        with self._db.transaction() as connection:
            with self._lock:
                self._sync()
                todo = self._round
                if todo is None or todo.stand != self._stand:
                    todo = self._round = self._begin()
            if todo is None:
                return False
            ids, places = todo.left.pop()
            # Others may ask meanwhile: SQLite sorts and writes without the interpreter's lock.
            connection.execute(_SQL["order_ids"], (to_json(ids),))
            connection.execute(_SQL["order_places"], (to_json(places),))
            if not todo.left:
                connection.execute(_SQL["set_indexed"], (todo.until,))
                with self._lock:
                    self._round = None
                    self._sync()
        return True

    def _begin(self) -> _Round | None:
        if self._stand is None or self._last <= self._stand[1]:
            return None
        parts: list[tuple[list[int], list[int]]] = [([], []) for _ in range(PARTS)]
        # Message ids are keyed hashes and actors are drawn, so parts by their first bits are alike.
        for key, seq in self._ids.items():
            parts[int.from_bytes(key[:2].ljust(2, b"\0")) * PARTS >> 16][0].append(seq)
        for actor, seq in self._rows:
            parts[actor * PARTS >> 63][1].append(seq)
        return _Round(self._stand, self._last, parts)
