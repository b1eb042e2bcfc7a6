"""Timers: things to do later, at least once, by lease."""

from __future__ import annotations

from datetime import datetime, timedelta

from renwei.core.chance import new_id
from renwei.core.clock import from_us, to_us
from renwei.core.store import Due
from renwei.stores.database import Database
from renwei.stores.queries import queries

_SQL = queries("work")


class EmbeddedTimers:
    """Timers on disk."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def set(self, key: str, due: datetime, payload: bytes) -> str:
        """Set or move the timer of this key; returns its id."""
        # A moved timer gets a new id: finishing the old one must not drop the new one.
        timer, due_us = new_id(due), to_us(due)
        with self._db.transaction() as connection:
            connection.execute(_SQL["set_timer"], (key, timer, due_us, due_us, payload))
        return timer

    def claim(self, at: datetime, *, limit: int, lease_s: float) -> list[Due]:
        """Take what is due; it comes back if not done within the lease."""
        until = to_us(at + timedelta(seconds=lease_s))
        with self._db.transaction() as connection:
            rows = connection.execute(_SQL["due_timers"], (to_us(at), limit)).fetchall()
            connection.executemany(_SQL["lease_timer"], ((until, row[0]) for row in rows))
        return [Due(row[0], row[1], from_us(row[2]), row[3]) for row in rows]

    def done(self, timer: str) -> None:
        """Finish a claimed timer."""
        with self._db.transaction() as connection:
            connection.execute(_SQL["drop_timer"], (timer,))

    def cancel(self, key: str) -> bool:
        """Drop the timer of a key."""
        with self._db.transaction() as connection:
            return connection.execute(_SQL["cancel_timer"], (key,)).rowcount == 1
