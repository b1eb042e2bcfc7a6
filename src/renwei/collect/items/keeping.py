"""Told items into the catalogue: new, changed, removed, brought back, with their history.

A number is given first, in a transaction of its own; then, a few hundred items at a time, what is
stored is read, changed and written back in one transaction, the events of the log being on disk
before it ends. A crash in between loses nothing that was answered, and telling the same again
writes no event twice.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec

from renwei.collect.items.checking import FACTS, Draft
from renwei.collect.items.finding import CATALOGUE, Book, book
from renwei.collect.items.kinds import PRODUCT
from renwei.collect.items.prices import changes, remembered
from renwei.collect.items.told import TOLD, told_of
from renwei.core.chance import new_id
from renwei.core.errors import Ambiguous, RenweiError, UnknownName
from renwei.core.nouns import NOBODY, Event, Item
from renwei.core.shop import Shop
from renwei.core.store import Store

AT_ONCE: Final = 500
_UNFINISHED: Final = {"available": False, TOLD: ["available"]}
"""What a new item has until what was told of it is written: nobody is offered it."""
Key = tuple[str, str]


class How(msgspec.Struct, frozen=True):
    """How items are told: whole or only some fields, by whom, when."""

    partial: bool
    source: str
    at: datetime


class Kept(msgspec.Struct):
    """What became of them. `done` has each item once: new, changed, unchanged, back, removed.

    `items` are those that were stored, as they are now, in the order of `done`; `again` are
    (index, index of the last that told the same item).
    """

    done: list[str] = []
    items: list[Item] = []
    refused: list[tuple[int, RenweiError]] = []
    again: list[tuple[int, int]] = []


def keep(shop: Shop, drafts: Sequence[tuple[int, Draft]], how: How) -> Kept:
    """Store what was told.

    Args:
        shop: The workspace, open for writing.
        drafts: Index and item; where two tell of the same, the later one wins.
        how: Whole or partly, by whom, when.
    """
    kept, known = Kept([], [], [], []), book(shop.store)
    with _lock(shop.store):
        known.refresh(shop)
        groups: dict[Key, list[tuple[int, Draft]]] = {}
        for index, draft in drafts:
            try:
                key = (_kind(draft, known, groups), draft.id)
            except Ambiguous as several:
                kept.refused.append((index, several))
                continue
            groups.setdefault(key, []).append((index, draft))
        every = list(groups.items())
        work = _Work(shop, how, kept)
        work.number(every)
        for start in range(0, len(every), AT_ONCE):
            work.write(every[start : start + AT_ONCE])
    kept.refused.sort(key=lambda one: one[0])
    return kept


def _kind(draft: Draft, known: Book, groups: dict[Key, Any]) -> str:
    """The kind told, else that of the one item that has this id, else a product."""
    if draft.kind:
        return draft.kind
    kinds = known.kinds_of(draft.id)
    if len(kinds) > 1:
        raise Ambiguous("ambiguous_item", name=draft.id, field="kind", kinds=", ".join(kinds))
    if kinds:
        return kinds[0]
    return PRODUCT


class _Work:
    """Items on their way into the store."""

    def __init__(self, shop: Shop, how: How, kept: Kept) -> None:
        self._shop, self._how, self._kept = shop, how, kept
        self._new: set[Key] = set()

    def write(self, groups: Sequence[tuple[Key, list[tuple[int, Draft]]]]) -> None:
        """Write a few hundred, in one transaction."""
        with self._shop.store.together():
            held = self._held([key for key, _ in groups])
            written, events = [], []
            for key, told in groups:
                before = held.get(key)
                if before is None:
                    self._refuse(told)
                    continue
                now = self._applied(before, told)
                if now is None:
                    continue
                own = changes(self._shop, before, now, self._how.at, self._how.source)
                now = remembered(now, own)
                events += own
                self._kept.done.append(_done(before, now, new=key in self._new))
                self._kept.items.append(now)
                if now != before:
                    written.append(now)
            if written:
                events.append(self._told([item.number for item in written]))
                self._shop.store.log.append(events, self._how.at)
                self._shop.store.items.upsert(written)
        book(self._shop.store).note(written)

    def number(self, groups: Sequence[tuple[Key, list[tuple[int, Draft]]]]) -> None:
        """Give numbers to new items, before an event names one."""
        if self._how.partial:
            return
        held = self._held([key for key, _ in groups])
        self._new = {
            key
            for key, told in groups
            if key not in held and not all(draft.gone for _, draft in told)
        }
        facts = {**_UNFINISHED, "first_seen": self._how.at.isoformat()}
        fresh = [Item(0, *key, key[1], facts=facts) for key, _ in groups if key in self._new]
        if fresh:
            self._shop.store.items.upsert(fresh)

    def _held(self, keys: Sequence[Key]) -> dict[Key, Item]:
        by_kind: dict[str, list[str]] = {}
        for kind, code in keys:
            by_kind.setdefault(kind, []).append(code)
        items = self._shop.store.items
        numbers = [n for kind, codes in by_kind.items() for n in items.by_code(kind, codes) if n]
        found = [item for item in items.get(numbers) if item is not None]
        return {(item.kind, item.code): item for item in found}

    def _refuse(self, told: Sequence[tuple[int, Draft]]) -> None:
        for index, draft in told:
            fault = UnknownName("unknown_item", field="id", name=draft.id, kind=draft.kind)
            self._kept.refused.append((index, fault))

    def _applied(self, before: Item, told: Sequence[tuple[int, Draft]]) -> Item | None:
        now, last = before, None
        for index, draft in told:
            if self._how.partial and draft.gone is None and now.facts.get("gone"):
                fault = UnknownName("item_gone", field="id", name=draft.id)
                self._kept.refused.append((index, fault))
                continue
            now = applied(now, draft, self._how)
            last = index
        again = [(index, last) for index, _ in told if last is not None and index < last]
        self._kept.again += again
        return None if last is None else now

    def _told(self, numbers: list[int]) -> Event:
        name = self._shop.store.people.keyed(f"{CATALOGUE}|{new_id(self._how.at)}")
        body = {"items": numbers}
        return Event(NOBODY, CATALOGUE, self._how.at, name, body=body, source=self._how.source)


def applied(item: Item, draft: Draft, how: How) -> Item:
    """An item after something was told of it.

    Told whole, a field that was told before and is left out now is emptied; what only orders
    or events showed of it stays, and so does a title.
    """
    partial = how.partial or bool(draft.gone)
    told, facts, names = draft.told, dict(item.facts), set(told_of(item))
    emptied = {name for name, value in told.items() if value is None}
    if not partial:
        emptied |= names - told.keys() - {"title"}
    # An item was first seen some time, whatever is told of it.
    emptied.discard("first_seen")
    for name in FACTS:
        if name in emptied:
            facts.pop(name, None)
        elif name in told:
            facts[name] = told[name]
    own: dict[str, Any] = {}
    if told.get("title") is not None:
        own["title"] = told["title"]
    elif "title" in emptied:
        own["title"] = item.code
    if "category" in told or "category" in emptied:
        own["category"] = told.get("category") or ""
    if "price" in told or "price" in emptied:
        own["price_minor"], own["currency"] = told.get("price") or (0, "")
    facts[TOLD] = sorted((names - emptied) | {n for n, value in told.items() if value is not None})
    if draft.gone:
        # Removed twice is removed once: the first time stands.
        facts["gone"] = facts.get("gone") or how.at.isoformat()
    else:
        facts.pop("gone", None)
    return replace(item, **own, facts=facts)


def _done(before: Item, now: Item, *, new: bool) -> str:
    if new:
        return "new"
    if now == before:
        return "unchanged"
    gone, was_gone = bool(now.facts.get("gone")), bool(before.facts.get("gone"))
    if gone and not was_gone:
        return "removed"
    return "back" if was_gone and not gone else "changed"


_LOCKS: WeakKeyDictionary[Store, threading.RLock] = WeakKeyDictionary()
_GUARD = threading.Lock()


def _lock(store: Store) -> Any:
    with _GUARD:
        return _LOCKS.setdefault(store, threading.RLock())
