"""Papers: versioned documents with history and undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Any

from renwei.core.clock import from_us, to_us
from renwei.core.store import Paper
from renwei.stores.codec import from_json, to_json
from renwei.stores.database import Database
from renwei.stores.queries import queries

_SQL = queries("work")


class EmbeddedPapers:
    """Papers on disk. Bodies are JSON and hold no personal data."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, kind: str, name: str, body: Mapping[str, Any], *, by: str, at: datetime) -> Paper:
        """Store a new version."""
        text = to_json(body)
        row = (kind, name, text, by, to_us(at))

        def write(connection: Connection) -> int:
            connection.execute(_SQL["turn_papers"], (kind,))
            return int(connection.execute(_SQL["put_paper"], row).fetchone()[0])

        version: int = self._db.joint.join(write)
        return Paper(kind, name, version, from_json(text), by, at)

    def get(self, kind: str, name: str, version: int | None = None) -> Paper | None:
        """The newest (or one) version, or None."""
        if version is None:
            newest = partial(self._db.one, _SQL["newest_paper"], (kind, name))
            row = self._db.once(("paper", kind, name), newest)
        else:
            row = self._db.one(_SQL["paper"], (kind, name, version))
        return _to_paper(row) if row else None

    def names(self, kind: str) -> list[str]:
        """Names of a kind that exist now."""
        names = partial(self._db.rows, _SQL["paper_names"], (kind,))
        return [row[0] for row in self._db.once(("papers", kind), names)]

    def history(self, kind: str, name: str) -> list[Paper]:
        """Every version, newest first."""
        return [_to_paper(row) for row in self._db.rows(_SQL["paper_history"], (kind, name))]

    def undo(self, kind: str, name: str, *, by: str, at: datetime) -> Paper | None:
        """Put the version before the newest on top again; None where there is none."""
        with self._db.transaction():
            history = self.history(kind, name)
            if len(history) < 2:
                return None
            return self.put(kind, name, history[1].body, by=by, at=at)

    def drop(self, kind: str, name: str) -> bool:
        """Remove a document and its history (privacy, undo of an import)."""
        with self._db.transaction() as connection:
            dropped = connection.execute(_SQL["drop_paper"], (kind, name)).rowcount > 0
            connection.execute(_SQL["turn_papers"], (kind,))
        return dropped

    def turns(self, kind: str, other: str) -> int:
        """A number that grows whenever a paper of either kind changes, in whatever process."""
        return int(self._db.one(_SQL["papers_turned"], (kind, other))[0])


def _to_paper(row: Sequence[Any]) -> Paper:
    return Paper(row[0], row[1], row[2], from_json(row[3]), row[4], from_us(row[5]))
