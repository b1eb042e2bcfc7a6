"""What the log says of one person's orders: read for shown people only, to name causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from renwei.core.nouns import Event, Item
from renwei.core.orders import ORDER_KINDS, Purchase, counted
from renwei.core.store import Store
from renwei.learn.interest import creator_number

LOOKS = ("view", "like", "wish", "cart", "checkout", "share", "comment", "search", "follow")
DONE = ("cart", "like", "wish")
"""What says more than looks do, the strongest first."""
LOOKED_BACK = timedelta(days=60)
_MOST_EVIDENCE = 3
AT_ONCE = 300
"""More events than that are not read for an answer that may need a few of them."""


class Past:
    """What the log says of one person by a time; later events are not looked at.

    Args:
        store: The workspace's.
        person: Whose.
        at: By when.
        at_once: Read what will be asked for in one go, where that is not much.
    """

    def __init__(
        self, store: Store, person: int, at: datetime, *, at_once: Sequence[str] = ()
    ) -> None:
        self._store, self._at = store, at
        self._actors = store.people.actors_of(person)
        self._read: frozenset[str] = frozenset()
        self._events: list[Event] = []
        if at_once:
            self._events = self._of(at_once, AT_ONCE)
            self._read = frozenset(at_once if len(self._events) < AT_ONCE else ())

    def events(self, kinds: Sequence[str], limit: int) -> list[Event]:
        """The newest events of some kinds, newest first."""
        if self._read.issuperset(kinds):
            return [event for event in self._events if event.kind in kinds][:limit]
        return self._of(kinds, limit)

    def orders(self) -> list[Event]:
        """Every order, change and return, newest first."""
        return self.events(ORDER_KINDS, 2_000)

    def purchases(self) -> list[Purchase]:
        """The counted orders, newest first."""
        return counted(self.orders())

    def _of(self, kinds: Sequence[str], limit: int) -> list[Event]:
        return self._store.log.of(self._actors, until=self._at, kinds=kinds, limit=limit)


@dataclass(frozen=True, slots=True)
class Looks:
    """What one person did about one thing: the search that found it, what was done, by which.

    `done` is cart, like, wish or "" (looks alone); `creator` the one whose follow led here.
    """

    done: str
    searched: str
    creator: str
    evidence: tuple[int, ...]


def looks(past: Past, product: Item | None, item: int, since: datetime) -> Looks:
    """What a past says of an item since a time; the strongest and newest first."""
    events = [event for event in past.events(LOOKS, 500) if event.at > since]
    mine = [event for event in events if event.item == item]
    searches = [e for e in events if e.kind == "search" and _finds(e, product)]
    follows = [e for e in events if e.kind == "follow" and _made(e, product)]
    done = next((word for word in DONE if any(e.kind == word for e in mine)), "")
    strong = [event for event in mine if event.kind == done]
    found = [*strong[:1], *[e for e in mine if e not in strong[:1]], *searches, *follows]
    if searches and len(mine) >= _MOST_EVIDENCE:
        found = [*found[: _MOST_EVIDENCE - 1], searches[0]]
    return Looks(
        done,
        str(searches[0].body.get("keyword")) if searches else "",
        str(follows[0].body.get("creator")) if follows else "",
        tuple(event.seq for event in found[:_MOST_EVIDENCE]),
    )


def _finds(event: Event, product: Item | None) -> bool:
    words = str(event.body.get("keyword") or "").casefold().split()
    if product is None or not words:
        return False
    text = f"{product.title}|{product.category}|{product.facts.get('brand', '')}".casefold()
    return all(word in text for word in words)


def _made(event: Event, product: Item | None) -> bool:
    creator = str(event.body.get("creator") or "")
    return bool(creator) and product is not None and creator_number(creator) in makers(product)


def makers(product: Item) -> set[int]:
    """The numbers under which follows of an item's brand and creator are kept."""
    names = (str(product.facts.get(key) or "") for key in ("brand", "creator"))
    return {creator_number(name) for name in names if name.strip()}
