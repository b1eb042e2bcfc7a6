"""The fold "interests": what people looked at, liked and searched for, added up day by day.

A person's taste today is read at every decision; the log is too long for that and a model too
slow. Sums by actor, name, item and day are neither, and adding them twice is impossible: they
are written together with the position they stand at (app/follow.py).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from renwei.core.chance import hash64
from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Event
from renwei.core.shop import Shop
from renwei.core.tallies import Tally

FOLD = "interests"
DAY_US = 86_400_000_000
OF_ITEM = ("view", "like", "unlike", "wish", "cart", "uncart", "checkout", "share", "comment")
OF_CREATOR = ("follow", "unfollow")
SOUGHT, HELP = "sought", "help"
NAMES = (*OF_ITEM, "search", *OF_CREATOR, SOUGHT, HELP)
"""Every name of a sum. "sought" counts an item that a search would have found; "help" (item 0)
counts calls for help; the others are kinds of events."""

A_DAY = 20
"""Of a flood (a broken page, a robot) so many events of one name a day are believed."""

LONGEST_MS = 1_800_000
"""Nobody looks at one thing for longer: the page was left open."""

FOUND = 5
"""A search lifts so many items at most; one that finds half the shop says nothing."""

_HELP = re.compile(
    r"\b(?:help|support|refunds?|returns?|complain\w*|cancel\w*|contact us|faq|broken)\b"
    r"|客服|售后|退款|退货|换货|投诉|怎么退|人工|帮助|取消订单|过敏",
    re.IGNORECASE,
)


def fold(shop: Shop, events: Sequence[Event]) -> list[Tally]:
    """The sums that these events add; the caller writes them with its position.

    Args:
        shop: Whose catalogue tells what a search would have found.
        events: In log order; kinds that are no behaviour are passed over.
    """
    behaved = [event for event in events if event.actor != NOBODY and event.kind in _KINDS]
    if not behaved:
        return []
    wanted = {_keyword(event) for event in behaved if event.kind == "search"} - {""}
    found = sought(shop, wanted) if wanted else {}
    room = _Room(shop, behaved)
    return [
        tally
        for event in behaved
        if not event.body.get("flood") or room.takes(event)
        for tally in _tallies(event, found)
    ]


def creator_number(name: str) -> int:
    """The number under which sums of a creator or brand are kept: positive, 63 bits.

    Example:
        >>> creator_number("Pebble ") == creator_number("pebble")
        True
    """
    return hash64(f"creator|{name.strip().casefold()}") >> 1 or 1


def sought(shop: Shop, keywords: Iterable[str]) -> dict[str, list[int]]:
    """The items that each keyword finds: by title, category or brand; none where many do."""
    items = [
        (item.number, f"{item.title}|{item.category}|{item.facts.get('brand', '')}".casefold())
        for item in shop.store.items.all_items("product")
    ]
    answer = {}
    for keyword in keywords:
        words = keyword.casefold().split()
        hits = [number for number, text in items if all(word in text for word in words)]
        answer[keyword] = hits if len(hits) <= max(FOUND, len(items) // 10) else []
    return {keyword: hits[:FOUND] for keyword, hits in answer.items()}


def asks_for_help(event: Event) -> bool:
    """Whether an event is a call for help: a page of returns, a search for "refund".

    Example:
        >>> from datetime import UTC, datetime
        >>> at = datetime(2026, 1, 1, tzinfo=UTC)
        >>> asks_for_help(Event(1, "page", at, b"", body={"path": "/help/returns"}))
        True
    """
    if event.kind not in _ASKING:
        return False
    body: Mapping[str, Any] = event.body
    texts = (str(body.get(key) or "") for key in ("name", "path", "keyword"))
    return any(_HELP.search(text.replace("/", " ").replace("-", " ")) for text in texts)


_ASKING = ("page", "screen", "search", "track")
_KINDS = frozenset((*OF_ITEM, *OF_CREATOR, *_ASKING))


def _keyword(event: Event) -> str:
    return str(event.body.get("keyword") or "").strip()


def _tallies(event: Event, found: Mapping[str, Sequence[int]]) -> Iterator[Tally]:
    at = to_us(event.at)

    def tally(name: str, item: int, amount: int = 1) -> Tally:
        return Tally(event.actor, name, item, at // DAY_US, 1, amount, at)

    if event.kind == "view":
        yield tally("view", event.item, min(max(_whole(event.body.get("dwell_ms")), 0), LONGEST_MS))
    elif event.kind in OF_ITEM:
        yield tally(event.kind, event.item)
    elif event.kind in OF_CREATOR:
        creator = str(event.body.get("creator") or "")
        yield tally(event.kind, creator_number(creator) if creator else 0)
    elif event.kind == "search":
        yield tally("search", 0)
        for item in found.get(_keyword(event), ()):
            yield tally(SOUGHT, item)
    if asks_for_help(event):
        yield tally(HELP, 0)


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0


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
