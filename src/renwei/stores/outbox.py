"""The outbox: effects of decisions, each sealed until it is delivered.

`queued` counts all that were ever queued; each of them is `held` (waiting), `sent`, `failed`
or `unknown`, so that the four always add up to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection

from renwei.core.clock import from_us, to_us
from renwei.core.store import Delivery, Effect
from renwei.stores.database import Database
from renwei.stores.ids import from_key, to_key
from renwei.stores.keys import Keyring
from renwei.stores.queries import queries

_STATES = {"sent": "sent", "failed": "failed", "retry": "held", "unknown": "unknown"}
_SQL = queries("work")


class EmbeddedOutbox:
    """Effects on disk. The ledger queues them, in the transaction of their decision."""

    def __init__(self, database: Database, ring: Keyring) -> None:
        self._db = database
        self._ring = ring

    def queue(self, connection: Connection, effects: Sequence[Effect], at: datetime) -> None:
        """Queue effects inside a transaction; a send id that is known stays as it was."""
        for effect in effects:
            due_us = to_us(effect.due)
            sealed = self._ring.own.seal(effect.payload, _about(effect.send_id))
            row = (effect.send_id, effect.channel, to_key(effect.decision), sealed, due_us, due_us)
            connection.execute(_SQL["queue_effect"], (*row, to_us(at)))

    def clear(self, connection: Connection, decision: bytes | str) -> None:
        """Empty the effects of a forgotten decision; what waited will never be sent."""
        for (send_id,) in connection.execute(_SQL["effects_of"], (decision,)).fetchall():
            sealed = self._ring.own.seal(b"", _about(send_id))
            connection.execute(_SQL["clear_effect"], (sealed, send_id))

    def claim(self, at: datetime, *, limit: int, lease_s: float) -> list[Effect]:
        """Take what is due for delivery; it comes back if not marked within the lease."""
        until = to_us(at + timedelta(seconds=lease_s))
        with self._db.transaction() as connection:
            rows = connection.execute(_SQL["due_effects"], (to_us(at), limit)).fetchall()
            connection.executemany(_SQL["lease_effect"], ((until, row[0]) for row in rows))
        return [
            Effect(
                send_id=row[0],
                channel=row[1],
                decision=from_key(row[2]),
                payload=self._ring.own.open(row[3], _about(row[0])),
                due=from_us(row[4]),
            )
            for row in rows
        ]

    def mark(self, send_id: str, delivery: Delivery, at: datetime) -> None:
        """Book what the channel answered; what was sent or failed for good stays so.

        Raises:
            ValueError: The delivery's state is none of sent, failed, retry, unknown.
        """
        state = _STATES.get(delivery.state)
        if state is None:
            raise ValueError(f"no such delivery state: {delivery.state}")
        due = to_us(at + timedelta(seconds=delivery.retry_after_s)) if state == "held" else 0
        with self._db.transaction() as connection:
            row = (state, delivery.detail, due, to_us(at), send_id)
            connection.execute(_SQL["book_effect"], row)

    def counts(self) -> Mapping[str, int]:
        """Effects by state: queued, sent, held, failed, unknown."""
        found = dict(self._db.rows(_SQL["effects_by_state"]))
        counts = {state: found.get(state, 0) for state in ("sent", "held", "failed", "unknown")}
        return {"queued": sum(counts.values()), **counts}


def _about(send_id: str) -> bytes:
    return b"effect|" + send_id.encode()
