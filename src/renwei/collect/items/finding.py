"""Finding items: by id, and in lists by words, kind and category, fast with 100,000 of them.

What is searched lies in memory, one row an item. New items are noticed by their numbers and
told ones by the log (kind "catalogue"), whoever wrote them; what orders and events change of an
item is read again bit by bit, some hundred a second while lists are asked for. Answers show
items as they are stored now.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from renwei.collect.items.kinds import PRODUCT
from renwei.core.errors import Ambiguous, UnknownName
from renwei.core.nouns import OUR_OWN, Item
from renwei.core.shop import Shop
from renwei.core.store import Store

CATALOGUE: Final = "catalogue"
"""Kind of the events that name which items were told anew: body {"items": [numbers]}."""
AGAIN: Final = timedelta(seconds=1)
_STEP, _SLICE, _LISTS = 512, 250, 64


class Asked(NamedTuple):
    """What a list shall hold; empty texts ask for nothing."""

    query: str = ""
    kind: str = ""
    category: str = ""
    ids: tuple[str, ...] = ()
    gone: bool = False


_Row = tuple[str, str, str, str, bool]
"""Code, kind, category, searched text, whether it is gone."""


class Book:
    """Every item by number and by code; one a store."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._rows: dict[int, _Row] = {}
        self._numbers: dict[str, list[int]] = {}
        self._newest = 0
        self._position = 0
        self._looked = 0
        self._read_at: datetime | None = None
        self._version = 0
        self._lists: dict[tuple[int, Asked], list[int]] = {}

    def refresh(self, shop: Shop) -> None:
        """Take in what was written since."""
        with self._guard:
            at, position = shop.clock.now(), shop.store.log.position()
            if self._read_at is None:
                self._read_all(shop)
                self._read_at = at
            elif position != self._position:
                events = shop.store.log.read(after=self._position, kinds=(CATALOGUE,))
                told = {number for event in events for number in event.body.get("items", ())}
                self._take(filter(None, shop.store.items.get(sorted(told))))
            self._position = position
            self._take_new(shop)
            if not timedelta(0) <= at - self._read_at < AGAIN:
                self._read_on(shop)
                self._read_at = at

    def note(self, items: Iterable[Item]) -> None:
        """Take in what was just written."""
        with self._guard:
            self._take(items)

    def named(self, code: str, kind: str = "") -> list[int]:
        """The numbers of the items of this code."""
        return [n for n in self._numbers.get(code, ()) if not kind or self._rows[n][1] == kind]

    def kinds_of(self, code: str) -> list[str]:
        """The kinds that have an item of this code."""
        return sorted(self._rows[number][1] for number in self._numbers.get(code, ()))

    def find(self, asked: Asked) -> list[int]:
        """The numbers of everything that belongs in a list, ascending."""
        key = (self._version, asked)
        found = self._lists.get(key)
        if found is None:
            found = self._found(asked)
            if len(self._lists) >= _LISTS:
                self._lists.clear()
            self._lists[key] = found
        return found

    def _found(self, asked: Asked) -> list[int]:
        rows, numbers = self._rows, self._numbers
        if asked.ids:
            among = sorted(n for code in set(asked.ids) for n in numbers.get(code, ()))
            found = [(number, rows[number]) for number in among if number in rows]
        else:
            # Numbers only grow, and rows are added in their order.
            found = list(rows.items())
        for word in plain(asked.query).split():
            found = [one for one in found if word in one[1][3]]
        if asked.kind:
            found = [one for one in found if one[1][1] == asked.kind]
        if asked.category:
            category = plain(asked.category)
            found = [one for one in found if one[1][2] == category]
        return [number for number, row in found if asked.gone or not row[4]]

    def _read_all(self, shop: Shop) -> None:
        # Whoever lists meanwhile reads the rows of before: never half of the new ones.
        fresh = Book()
        fresh._take(shop.store.items.all_items())
        self._rows, self._numbers, self._newest = fresh._rows, fresh._numbers, fresh._newest
        self._version += 1

    def _read_on(self, shop: Shop) -> None:
        """Read some again: what orders and events change of an item is told by nobody."""
        numbers = range(self._looked + 1, self._looked + 1 + _SLICE)
        self._take(item for item in shop.store.items.get(numbers) if item is not None)
        self._looked = numbers[-1] if numbers[-1] < self._newest else 0

    def _take_new(self, shop: Shop) -> None:
        while True:
            numbers = range(self._newest + 1, self._newest + 1 + _STEP)
            found = [item for item in shop.store.items.get(numbers) if item is not None]
            if not found:
                return
            self._take(found)

    def _take(self, items: Iterable[Item]) -> None:
        for item in items:
            self._newest = max(self._newest, item.number)
            if item.kind in OUR_OWN:
                continue
            if item.number not in self._rows:
                self._numbers.setdefault(item.code, []).append(item.number)
            row = _row(item)
            if self._rows.get(item.number) != row:
                self._rows[item.number] = row
                self._version += 1


def _row(item: Item) -> _Row:
    facts = item.facts
    said = (item.code, item.title, item.category, *(str(facts.get(n) or "") for n in _SEARCHED))
    return (
        item.code,
        item.kind,
        plain(item.category),
        plain(" ".join(said)),
        bool(facts.get("gone")),
    )


_SEARCHED: Final = ("brand", "creator", "artist", "variant", "group")


def plain(text: str) -> str:
    """A text as it is compared: one width, one case.

    Example:
        >>> plain(" Ｃream　ABC ")
        'cream abc'
    """
    return unicodedata.normalize("NFKC", text).casefold().strip()


def item_of(shop: Shop, code: str, kind: str = "") -> Item:
    """The item of an id, of a kind where it is told; what is gone is found as well.

    Raises:
        UnknownName: unknown_item.
        Ambiguous: ambiguous_item, several kinds have this id.
    """
    if kind:
        numbers = [number for number in shop.store.items.by_code(kind, [code]) if number]
    else:
        kept = book(shop.store)
        kept.refresh(shop)
        numbers = kept.named(code)
    if len(numbers) > 1:
        kinds = book(shop.store).kinds_of(code)
        raise Ambiguous("ambiguous_item", name=code, kinds=", ".join(kinds))
    item = shop.store.items.get(numbers)[0] if numbers else None
    if item is None or item.kind in OUR_OWN:
        raise UnknownName("unknown_item", name=code, kind=kind or PRODUCT)
    return item


_BOOKS: WeakKeyDictionary[Store, Book] = WeakKeyDictionary()
_GUARD = threading.Lock()


def book(store: Store) -> Book:
    """The book of a store, the same each time."""
    with _GUARD:
        return _BOOKS.setdefault(store, Book())
