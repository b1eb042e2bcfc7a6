"""The catalogue as columns in memory, kept up with what is written to it.

A request must not read a hundred thousand items; it asks for what was written since the last
request, which is one look into an index. Rows are never taken away: a product that is gone is
a row that may not be shown.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.nouns import Item
from renwei.core.store import Store
from renwei.learn.interest import creator_number

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
UNCOUNTED = -1
"""Stock of what is not counted."""


@dataclass(frozen=True, eq=False)
class Goods:
    """Columns of shape (items,), sorted by item number.

    Attributes:
        number: Our item numbers.
        code: The shop's own.
        kind, category, brand: Numbers of words, 0 is none; see `words`.
        maker: Number of the creator or brand that people follow, 0 is none.
        price: Minor units. stock: UNCOUNTED where it is not counted.
        offered: Whether it may be shown at all.
        told_repeat: 1 is bought again, -1 is not, 0 is not told.
        first_us: When it was first there, 0 where that is not told.
        words: Of kinds, categories and brands, by number.
        items: Every item whole, aligned.
    """

    number: Ints
    code: tuple[str, ...]
    kind: Ints
    category: Ints
    brand: Ints
    maker: Ints
    price: Ints
    stock: Ints
    offered: Bools
    told_repeat: Ints
    first_us: Ints
    words: Mapping[str, int]
    items: tuple[Item, ...]
    mark: int = 0
    places: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many items."""
        return len(self.number)

    @cached_property
    def n_offered(self) -> int:
        """How many may be shown at all."""
        return int(self.offered.sum())

    def rows(self, numbers: Any) -> Ints:
        """Row of each item number, -1 where it is unknown."""
        wanted = np.asarray(numbers, dtype=np.int64)
        row = self._row
        return row[np.where((wanted > 0) & (wanted < len(row)), wanted, 0)]

    @cached_property
    def _row(self) -> Ints:
        """The row of every number there is or was, -1 where none is; numbers are given in turn."""
        found = np.full(int(self.number[-1]) + 1 if len(self.number) else 1, -1, dtype=np.int64)
        found[self.number] = np.arange(len(self.number))
        return found

    def row_of(self, code: str, kinds: Sequence[str] = ()) -> int:
        """Row of the item that the shop knows by a code, one of these kinds first; -1 for none."""
        rows = self.places.get(code, ())
        wanted = [row for row in rows if self.items[row].kind in kinds]
        return next(iter([*wanted, *rows]), -1)

    def of_kinds(self, kinds: Iterable[str]) -> Bools:
        """Mask of items of these kinds."""
        wanted = [self.words[f"kind|{kind}"] for kind in kinds if f"kind|{kind}" in self.words]
        return np.isin(self.kind, wanted)


_KEPT: WeakKeyDictionary[Store, Goods] = WeakKeyDictionary()
_LOCK = threading.Lock()


def goods(store: Store) -> Goods:
    """The catalogue as it is now; what was written since the last call is taken in."""
    held = _KEPT.get(store)
    held = _first(store) if held is None else held
    mark, written = store.items.changed(held.mark)
    if not written:
        return held
    with _LOCK:
        held = _KEPT[store]
        if held.mark < mark:
            held = _KEPT[store] = joined(held, written, mark)
        return held


def _first(store: Store) -> Goods:
    """The whole catalogue: of those who ask first one reads it, and the others wait for it."""
    with _LOCK:
        held = _KEPT.get(store)
        if held is None:
            mark, written = store.items.changed()
            held = _KEPT[store] = joined(None, written, mark)
        return held


def joined(held: Goods | None, written: Sequence[Item], mark: int = 0) -> Goods:
    """The catalogue with these items in it; the columns held before stay as they were.

    Numbers only ever grow, so that what is new comes after everything that is known.
    """
    ordered = sorted(written, key=lambda item: item.number)
    words: dict[str, int] = dict(held.words) if held else {}
    part = _columns(ordered, words)
    held = held or _NONE
    rows = held.rows(part["number"])
    old, new = rows >= 0, rows < 0
    both = {}
    for name, column in part.items():
        both[name] = np.concatenate([getattr(held, name), column[new]])
        both[name][rows[old]] = column[old]
    items, codes, places = list(held.items), list(held.code), dict(held.places)
    for item, row in zip(ordered, rows.tolist(), strict=True):
        if row >= 0:
            items[row] = item
            continue
        places[item.code] = (*places.get(item.code, ()), len(items))
        items.append(item)
        codes.append(item.code)
    whole = tuple(items)
    return Goods(**both, code=tuple(codes), words=words, items=whole, mark=mark, places=places)


def _columns(items: Sequence[Item], words: dict[str, int]) -> dict[str, Any]:
    facts = [item.facts for item in items]
    return {
        "number": _ints(item.number for item in items),
        "kind": _named(words, "kind", [item.kind for item in items]),
        "category": _named(words, "category", [item.category for item in items]),
        "brand": _named(words, "brand", [_text(told, "brand") for told in facts]),
        "maker": _ints(_maker(told) for told in facts),
        "price": _ints(item.price_minor for item in items),
        "stock": _ints(_stock(told) for told in facts),
        "offered": np.array([_offered(told) for told in facts], dtype=bool),
        "told_repeat": _ints(_REPEATS.get(str(told.get("repeat", "")), 0) for told in facts),
        "first_us": _ints(_first_us(told.get("first_seen")) for told in facts),
    }


_REPEATS = {"yes": 1, "no": -1}


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


def _named(words: dict[str, int], field_: str, texts: Sequence[str]) -> Ints:
    return _ints(
        words.setdefault(f"{field_}|{text}", len(words) + 1) if text else 0 for text in texts
    )


def _text(facts: Mapping[str, Any], name: str) -> str:
    found = facts.get(name)
    return found if isinstance(found, str) else ""


def _maker(facts: Mapping[str, Any]) -> int:
    for name in ("creator", "artist", "brand"):
        if told := _text(facts, name):
            return creator_number(told)
    return 0


def _stock(facts: Mapping[str, Any]) -> int:
    found = facts.get("stock")
    return max(int(found), 0) if isinstance(found, int | float) else UNCOUNTED


def _first_us(told: object) -> int:
    if not isinstance(told, str):
        return 0
    try:
        at = datetime.fromisoformat(told)
        return to_us(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return 0


def _offered(facts: Mapping[str, Any]) -> bool:
    return facts.get("available") is not False and not facts.get("gone") and _stock(facts) != 0


_NONE = Goods(**_columns((), {}), code=(), words={}, items=(), places={})
