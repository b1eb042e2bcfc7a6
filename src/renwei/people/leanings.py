"""What people lean towards, from what they do without buying; each with the events behind it.

Looks, likes, searches and follows of the last two months. A leaning needs three events at the
least and a third of all; a follow is their own word. What was taken back does not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from renwei.core.nouns import Event, Item
from renwei.core.shop import Shop
from renwei.people.preferences import at_least
from renwei.people.sight import Evidence, Preference

KINDS = (
    "view", "like", "unlike", "wish", "cart", "uncart", "checkout", "share", "comment", "search",
    "follow", "unfollow",
)  # fmt: skip
LOOKED_BACK = timedelta(days=60)
LEAST, LEAST_SHARE, MOST = 3, 0.3, 3
_READ = 500
_TAKEN_BACK = {"unlike": "like", "uncart": "cart", "unfollow": "follow"}


def leanings(shop: Shop, actors: Sequence[int], at: datetime) -> list[Preference]:
    """Leanings by kind and strength, as of a time."""
    events = shop.store.log.of(actors, until=at, kinds=KINDS, limit=_READ)
    events = standing([event for event in events if event.at > at - LOOKED_BACK])
    items = _items(shop, events)
    seen: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        for sign in _signs(event, items.get(event.item)):
            seen[sign].append(event)
    about = sum(event.item > 0 for event in events)
    found = [
        _leaning(sign, own, max(about, len(own)))
        for sign, own in seen.items()
        if _strong(sign, own, about)
    ]
    found.sort(key=lambda one: (one.kind, -one.events, -one.seconds, one.value))
    kept: dict[str, int] = defaultdict(int)
    answer = []
    for one in found:
        kept[one.kind] += 1
        if kept[one.kind] <= MOST:
            answer.append(one)
    return answer


def standing(events: Sequence[Event]) -> list[Event]:
    """Newest first, without what was taken back later and without the taking back."""
    taken: set[tuple[str, int, str]] = set()
    kept = []
    for event in sorted(events, key=lambda e: (e.at, e.seq), reverse=True):
        creator = str(event.body.get("creator") or "").casefold()
        creator = creator if event.kind in ("follow", "unfollow") else ""
        if event.kind in _TAKEN_BACK:
            taken.add((_TAKEN_BACK[event.kind], event.item, creator))
        elif (event.kind, event.item, creator) not in taken:
            kept.append(event)
    return kept


def _items(shop: Shop, events: Sequence[Event]) -> Mapping[int, Item]:
    wanted = sorted({event.item for event in events} - {0})
    return {i.number: i for i in shop.store.items.get(wanted) if i is not None}


def _signs(event: Event, item: Item | None) -> Iterator[tuple[str, str]]:
    if event.kind == "search":
        keyword = str(event.body.get("keyword") or "").strip().casefold()
        if keyword:
            yield "keyword", keyword
    elif event.kind == "follow":
        creator = str(event.body.get("creator") or "").strip()
        if creator:
            yield "creator", creator
    elif item is not None:
        yield "item", item.title
        if item.category:
            yield "category", item.category
        brand = str(item.facts.get("brand") or "")
        if brand:
            yield "brand", brand


def _strong(sign: tuple[str, str], events: Sequence[Event], about: int) -> bool:
    if sign[0] == "creator":
        return True
    if sign[0] == "keyword":
        return len(events) >= LEAST - 1
    liked = any(event.kind in ("like", "wish", "cart") for event in events)
    return len(events) >= (LEAST - 1 if liked else LEAST) and len(events) >= LEAST_SHARE * about


def _leaning(sign: tuple[str, str], events: Sequence[Event], about: int) -> Preference:
    kind, value = sign
    told = kind == "creator"
    return Preference(
        kind=kind,
        value=value,
        share=1.0 if told else round(len(events) / about, 4),
        orders=0,
        confidence=1.0 if told else round(at_least(len(events), about), 4),
        evidence=[
            Evidence(seq=e.seq, at=e.at, value_minor=e.value_minor, kind=e.kind) for e in events[:3]
        ],
        basis="behaviour",
        events=len(events),
        seconds=round(sum(_dwell(event.body) for event in events) / 1000),
    )


def _dwell(body: Mapping[str, Any]) -> float:
    dwell = body.get("dwell_ms")
    return min(max(float(dwell), 0.0), 1_800_000.0) if isinstance(dwell, int | float) else 0.0
