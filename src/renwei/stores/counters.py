"""Counters: caps, quotas, budgets, stock and coupons, reserved in one statement each."""

from __future__ import annotations

from datetime import datetime

from renwei.core.chance import new_id
from renwei.core.clock import Clock, to_us
from renwei.core.store import Hold
from renwei.stores.database import Database
from renwei.stores.queries import queries

_SQL = queries("work")


class EmbeddedCounters:
    """Counters on disk. `clock` says which holds have expired when one is given back."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def reserve(
        self, key: str, amount: int, limit: int, *, at: datetime, until: datetime
    ) -> Hold | None:
        """Set aside if used + held + amount <= limit, else None. An expired hold is spent.

        Raises:
            ValueError: The amount is negative.
        """
        if amount < 0:
            raise ValueError(f"a negative amount: {amount}")
        hold = Hold(new_id(at), key, amount, until)
        with self._db.transaction() as connection:
            connection.execute(_SQL["spend_expired"], (key, to_us(at)))
            if connection.execute(_SQL["reserve"], (key, amount, limit)).rowcount != 1:
                return None
            connection.execute(_SQL["add_hold"], (hold.id, key, amount, to_us(until)))
        return hold

    def settle(self, hold: str, amount: int | None = None) -> None:
        """Turn a hold into use (of this amount, at most the held one); expired: as it is.

        Raises:
            ValueError: The amount is negative or more than was held.
        """
        with self._db.transaction() as connection:
            row = self._db.one(_SQL["hold"], (hold, to_us(self._clock.now())))
            if row is None:
                return
            key, held = row
            used = held if amount is None else amount
            if not 0 <= used <= held:
                raise ValueError(f"settling {used} of a hold of {held}")
            connection.execute(_SQL["give_back"], (held - used, key))
            connection.execute(_SQL["drop_hold"], (hold,))

    def release(self, hold: str) -> None:
        """Give a hold back, unless it has expired."""
        self.settle(hold, 0)

    def used(self, key: str) -> int:
        """Used plus held."""
        row = self._db.one(_SQL["total"], (key,))
        return int(row[0]) if row else 0
