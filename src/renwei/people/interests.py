"""The fold "interests": what people looked at, liked and searched for, added up day by day.

A person's taste today is read at every decision; the log is too long for that and a model too
slow. Sums by actor, name, item and day are neither, and adding them twice is impossible: they
are written together with the position they stand at (app/follow.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Event, Item
from renwei.core.shop import Shop
from renwei.core.tallies import Tally
from renwei.learn.behaviour import KINDS, found_by, keyword_of, rows_of
from renwei.learn.interest import NAMES

FOLD = "interests"
DAY_US = 86_400_000_000
A_DAY = 20
"""Of a flood (a broken page, a robot) so many events of one kind a day are believed."""


def fold(shop: Shop, events: Sequence[Event]) -> list[Tally]:
    """The sums that these events add; the caller writes them with its position.

    Args:
        shop: Whose catalogue tells what a search would have found.
        events: In log order; kinds that are no behaviour are passed over.
    """
    behaved = [event for event in events if event.actor != NOBODY and event.kind in _KINDS]
    if not behaved:
        return []
    wanted = {keyword_of(event.body) for event in behaved if event.kind == "search"} - {""}
    found = sought(shop, wanted) if wanted else {}
    room = _Room(shop, behaved)
    return [
        Tally(event.actor, name, item, to_us(event.at) // DAY_US, 1, amount, to_us(event.at))
        for event in behaved
        if not event.body.get("flood") or room.takes(event)
        for name, item, amount in rows_of(event.kind, event.item, event.body, found)
    ]


def sought(shop: Shop, keywords: Iterable[str]) -> dict[str, list[int]]:
    """The items that each keyword finds: by title, category or brand; none where many do."""
    return found_by(keywords, texts_of(shop.store.items.all_items("product")))


def texts_of(products: Iterable[Item]) -> dict[int, str]:
    """What each item is found by, in lower case."""
    return {
        item.number: f"{item.title}|{item.category}|{item.facts.get('brand', '')}".casefold()
        for item in products
    }


_KINDS = frozenset(KINDS)


class _Room:
    """How many events of a flood are still believed, by actor, kind and day."""

    def __init__(self, shop: Shop, events: Sequence[Event]) -> None:
        flooded = sorted({event.actor for event in events if event.body.get("flood")})
        self._used: Counter[tuple[int, str, int]] = Counter()
        for row in shop.store.tallies.of(flooded, NAMES) if flooded else ():
            self._used[row.actor, row.name, row.day] += row.n

    def takes(self, event: Event) -> bool:
        key = event.actor, event.kind, to_us(event.at) // DAY_US
        self._used[key] += 1
        return self._used[key] <= A_DAY
