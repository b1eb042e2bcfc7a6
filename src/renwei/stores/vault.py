"""The vault: personal texts, each sealed under its actor's own data key.

A keyed hash of each text stands beside it, so that the same text is kept once and can be
looked up without opening anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from renwei.core.nouns import NOBODY
from renwei.stores.cabinet import Cabinet
from renwei.stores.codec import to_json
from renwei.stores.database import Database
from renwei.stores.keys import Box, Keyring
from renwei.stores.queries import queries

BATCH = 500
_SQL = queries("people")
Text = tuple[int, str, str]
"""Actor, name of the entry, text."""


class Vault:
    """Sealed texts of actors, in state.db."""

    def __init__(self, database: Database, ring: Keyring) -> None:
        self._db = database
        self._ring = ring
        self.cabinet = Cabinet(database, ring)

    def keep(self, rows: Iterable[Text], source: str) -> None:
        """Seal texts, each once; those of nobody and of forgotten actors are let go.

        Raises:
            ValueError: A row names an actor that never existed.
        """
        for batch in _batches(rows):
            boxes = self.cabinet.boxes({actor for actor, _, _ in batch if actor != NOBODY})
            kept = [
                self.sealed(boxes[actor], actor, name, text, own=False, source=source)
                for actor, name, text in batch
                if actor in boxes and text
            ]
            # Sealing takes longer than storing, and nobody waits for it here.
            with self._db.transaction() as connection:
                alive = self.cabinet.boxes(set(boxes))
                connection.executemany(_SQL["add_text"], [row for row in kept if row[0] in alive])

    def sealed(
        self, box: Box, actor: int, name: str, text: str, *, own: bool, source: str
    ) -> tuple[int, str, bytes, int, bytes, str]:
        """The row that keeps a text. `own`: it is the identifier of its actor."""
        digest = self.text_hash(name, text)
        data = box.seal(text.encode(), _about(actor, name, digest))
        return actor, name, digest, own, data, source

    def text_hash(self, name: str, text: str) -> bytes:
        """By what a text of a name is looked up."""
        return self._ring.hash("text", f"{name}|{text}")

    def open(self, actors: Sequence[int], names: Sequence[str] = ()) -> Iterator[Text]:
        """Texts of some actors under some names (all when empty), in the order kept."""
        boxes: dict[int, Box] = {}
        values = (to_json(list(actors)), to_json(list(names)))
        for actor, key, name, digest, sealed in self._db.rows(_SQL["texts"], values):
            box = boxes.get(actor)
            if box is None:
                box = boxes[actor] = self._ring.data_box(actor, key)
            yield actor, name, box.open(sealed, _about(actor, name, digest)).decode()

    def telling(self, actors: Sequence[int]) -> list[str]:
        """Texts that point at these actors: their identifiers, and what no other actor has."""
        found: dict[str, None] = {}
        for actor, key, name, digest, sealed in self._db.rows(
            _SQL["telling"], (to_json(list(actors)),)
        ):
            box = self._ring.data_box(actor, key)
            found[box.open(sealed, _about(actor, name, digest)).decode()] = None
        return list(found)

    def grouped(
        self, groups: Sequence[Sequence[int]], names: Sequence[str] = ()
    ) -> list[dict[str, list[str]]]:
        """Texts by name for each group of actors, aligned; a repeated text once."""
        places = {actor: place for place, group in enumerate(groups) for actor in group}
        found: list[dict[str, dict[str, None]]] = [defaultdict(dict) for _ in groups]
        for actor, name, text in self.open(list(places), names):
            found[places[actor]][name][text] = None
        return [{name: list(texts) for name, texts in entry.items()} for entry in found]


def _about(actor: int, name: str, digest: bytes) -> bytes:
    return actor.to_bytes(8, "little") + name.encode() + digest


def _batches(rows: Iterable[Text]) -> Iterator[list[Text]]:
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        yield batch
