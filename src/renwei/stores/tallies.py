"""Tallies: additive sums behind the log, in state.db beside what else a fold writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from renwei.core.nouns import NOBODY
from renwei.core.tallies import Tally
from renwei.stores.codec import to_json
from renwei.stores.database import Database
from renwei.stores.queries import queries

CHUNK = 2_000
COLUMNS = ("actor", "name", "item", "day", "n", "amount", "last_us")
_SQL = queries("tallies")


class EmbeddedTallies:
    """Sums on disk, kept by fold, actor, name, item and day."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def position(self, fold: str) -> int:
        """How far a fold has read; 0 at first."""
        row = self._db.once(("fold", fold), lambda: self._db.one(_SQL["position"], (fold,)))
        return int(row[0]) if row else 0

    def add(self, fold: str, rows: Iterable[Tally], position: int) -> None:
        """Add to the sums of a fold and move its position, together.

        Sums of nobody and of forgotten actors are let go: an event may be folded while its
        person is being forgotten.

        Raises:
            ValueError: The fold stands behind that position: somebody else added these rows.
        """
        sums = _summed(rows)
        with self._db.transaction() as connection:
            if connection.execute(_SQL["move"], (fold, position)).rowcount == 0:
                raise ValueError(f"the fold {fold!r} has read past {position}")
            if not sums:
                return
            numbers = self._numbers(fold, {key[1] for key in sums})
            actors = to_json(sorted({key[0] for key in sums}))
            gone = {row[0] for row in connection.execute(_SQL["gone"], (actors,))}
            connection.executemany(
                _SQL["add"],
                [
                    (actor, numbers[name], item, day, *added)
                    for (actor, name, item, day), added in sorted(sums.items())
                    if actor not in gone
                ],
            )

    def _numbers(self, fold: str, names: set[str]) -> dict[str, int]:
        numbers: dict[str, int] = dict(self._db.rows(_SQL["names"], (fold,)))
        for name in sorted(names - numbers.keys()):
            numbers[name] = int(self._db.one(_SQL["add_name"], (fold, name))[0])
        return numbers

    def of(self, actors: Sequence[int], names: Sequence[str] = ()) -> list[Tally]:
        """The sums of some actors, newest day first."""
        values = (to_json(list(actors)), to_json(list(names)))
        return [Tally(*row) for row in self._db.rows(_SQL["of"], values)]

    def columns(self, names: Sequence[str] = (), *, since_day: int = 0) -> Mapping[str, list[Any]]:
        """All sums as aligned columns: actor, name, item, day, n, amount, last_us."""
        texts = dict(self._db.rows(_SQL["numbered"], (to_json(list(names)),)))
        rows = self._db.rows(_SQL["all"], (since_day, to_json(list(texts))))
        columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
        named = dict(zip(COLUMNS, columns or [[] for _ in COLUMNS], strict=True))
        named["name"] = [texts[number] for number in named["name"]]
        return named

    def forget(self, actors: Sequence[int]) -> int:
        """Remove the sums of actors; returns the rows removed."""
        with self._db.transaction() as connection:
            gone = connection.execute(_SQL["forget"], (to_json(list(actors)),)).rowcount
        self._db.truncate()
        return int(gone)

    def count_before(self, day: int) -> int:
        """How many sums `drop_before` would remove."""
        return int(self._db.one(_SQL["count_before"], (day,))[0])

    def drop_before(self, day: int) -> int:
        """Remove sums of days before one (retention); returns the rows removed.

        A few at a time, so that nobody waits long to write.
        """
        dropped = 0
        while rows := self._db.rows(_SQL["before"], (day, CHUNK)):
            with self._db.transaction() as connection:
                connection.executemany(_SQL["drop"], rows)
            dropped += len(rows)
        return dropped

    def reset(self, fold: str) -> None:
        """Remove every sum of a fold and set its position to 0, so that it reads anew."""
        with self._db.transaction() as connection:
            connection.execute(_SQL["reset_sums"], (fold,))
            connection.execute(_SQL["reset_position"], (fold,))


def _summed(rows: Iterable[Tally]) -> dict[tuple[int, str, int, int], tuple[int, int, int]]:
    sums: dict[tuple[int, str, int, int], tuple[int, int, int]] = {}
    for row in rows:
        if row.actor == NOBODY:
            continue
        key = (row.actor, row.name, row.item, row.day)
        known = sums.get(key)
        if known is None:
            sums[key] = (row.n, row.amount, row.last_us)
        else:
            n, amount, last_us = known
            sums[key] = (n + row.n, amount + row.amount, max(last_us, row.last_us))
    return sums
