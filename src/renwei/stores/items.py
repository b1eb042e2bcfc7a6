"""The catalogue, in state.db."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from renwei.core.nouns import Item
from renwei.stores.codec import from_json, to_json
from renwei.stores.database import Database
from renwei.stores.queries import queries

PORTION = 200
_SQL = queries("work")


class EmbeddedItems:
    """Items on disk."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def upsert(self, items: Sequence[Item]) -> list[int]:
        """Store by (kind, code); number 0 asks for one. Returns numbers, aligned."""
        # Beside a server a few at a time: whoever decides there waits for us.
        most = PORTION if self._db.gives_way else len(items) or 1
        numbers: list[int] = []
        for start in range(0, len(items), most):
            with self._db.transaction() as connection:
                for item in items[start : start + most]:
                    row = connection.execute(_SQL["put_item"], _to_row(item)).fetchone()
                    numbers.append(int(row[0]))
        return numbers

    def get(self, numbers: Sequence[int]) -> list[Item | None]:
        """Items by number, aligned."""
        known: dict[int, Item | None] = self._db.once("items", dict)
        unread = [number for number in numbers if number not in known]
        if unread:
            rows = self._db.rows(_SQL["items"], (to_json(unread),))
            known |= dict.fromkeys(unread) | {row[0]: _to_item(row) for row in rows}
        return [known[number] for number in numbers]

    def by_code(self, kind: str, codes: Sequence[str]) -> list[int]:
        """Numbers by code, aligned; 0 where unknown."""
        found = dict(self._db.rows(_SQL["items_by_code"], (kind, to_json(list(codes)))))
        return [found.get(code, 0) for code in codes]

    def all_items(self, kind: str = "") -> list[Item]:
        """The whole catalogue, by number."""
        return [_to_item(row) for row in self._db.rows(_SQL["all_items"], (kind,))]

    def changed(self, after: int = 0) -> tuple[int, list[Item]]:
        """Items written after a mark (0: all of them), and the mark to ask with next time."""
        rows = self._db.rows(_SQL["items_changed"], (after,))
        return max([row[-1] for row in rows], default=after), [_to_item(row[:-1]) for row in rows]


def _to_row(item: Item) -> tuple[Any, ...]:
    return (
        item.number or None,
        item.kind,
        item.code,
        item.title,
        item.category,
        item.price_minor,
        item.currency,
        to_json(item.facts),
    )


def _to_item(row: Sequence[Any]) -> Item:
    number, kind, code, title, category, price_minor, currency, facts = row
    return Item(number, kind, code, title, category, price_minor, currency, from_json(facts))
