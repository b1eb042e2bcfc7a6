"""Data keys of actors, unwrapped and at hand, as long as they exist.

Unwrapping a key takes longer than sealing a few bytes under it, so those used last are kept.
Whoever destroys keys, in this process or another, counts it in the file (`turn_keys`); a count
that changed empties the cabinet before the next key is used.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from itertools import islice

from renwei.core.nouns import NOBODY
from renwei.stores.codec import to_json
from renwei.stores.database import Database
from renwei.stores.keys import NONCE, Box, Keyring
from renwei.stores.queries import queries

MOST = 20_000
_SQL = queries("people")


class Cabinet:
    """At most `MOST` unwrapped keys, the oldest going first."""

    def __init__(self, database: Database, ring: Keyring) -> None:
        self._db = database
        self._ring = ring
        self._lock = threading.Lock()
        self._boxes: dict[int, Box] = {}
        self._turns = -1
        database.on_rollback.append(self.clear)

    def clear(self) -> None:
        """Let go of every key."""
        with self._lock:
            self._boxes.clear()

    def __len__(self) -> int:
        return len(self._boxes)

    def _fresh(self) -> int:
        row = self._db.one(_SQL["value"], ("keys_gone",))
        turns = int(row[0]) if row else 0
        if turns != self._turns:
            with self._lock:
                self._boxes.clear()
                self._turns = turns
        return turns

    def boxes(self, actors: set[int]) -> dict[int, Box]:
        """The boxes of actors; those of forgotten ones are missing.

        Raises:
            ValueError: An actor never existed.
        """
        turns = self._fresh()
        known = self._boxes
        found = {actor: box for actor in actors if (box := known.get(actor)) is not None}
        if len(found) < len(actors):
            found |= self._unwrapped(actors - found.keys(), turns)
        return found

    def _unwrapped(self, actors: set[int], turns: int) -> dict[int, Box]:
        rows = self._db.rows(_SQL["keys"], (to_json(sorted(actors)),))
        boxes = {actor: self._ring.data_box(actor, key) for actor, key in rows}
        for actor in actors - boxes.keys():
            if self._db.one(_SQL["is_tombstone"], (actor,)) is None:
                raise ValueError(f"no such actor: {actor}")
        with self._lock:
            # Keys read before somebody else emptied the cabinet must not come back into it.
            if turns == self._turns:
                self._boxes |= boxes
                over = len(self._boxes) - MOST
                if over > 0:
                    for actor in list(islice(self._boxes, over)):
                        del self._boxes[actor]
        return boxes

    def seal_many(self, rows: Sequence[tuple[int, bytes]]) -> list[bytes]:
        """Seal bytes of (actor, bytes), aligned; b"" where the actor is nobody or forgotten."""
        boxes = self.boxes({actor for actor, _ in rows} - {NOBODY})
        # One call to the system for every nonce: each would cost as much as the sealing.
        nonces = os.urandom(NONCE * len(rows))
        sealed: list[bytes] = []
        at = 0
        for actor, data in rows:
            box = boxes.get(actor)
            if box is None:
                sealed.append(b"")
                continue
            nonce = nonces[at : at + NONCE]
            at += NONCE
            sealed.append(nonce + box.encrypt(nonce, data, _about(actor)))
        return sealed

    def open(self, actor: int, sealed: bytes) -> bytes | None:
        """Open what `seal_many` sealed; None once the key is gone."""
        if actor == NOBODY or not sealed:
            return None
        self._fresh()
        box = self._boxes.get(actor)
        if box is None:
            # A number that never was somebody's has no key either.
            row = self._db.one(_SQL["keys"], (to_json([actor]),))
            if row is None:
                return None
            box = self.boxes({actor}).get(actor)
        return box.open(sealed, _about(actor)) if box else None


def _about(actor: int) -> bytes:
    return actor.to_bytes(8, "little") + b"|sealed"
