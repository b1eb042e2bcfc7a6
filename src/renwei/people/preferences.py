"""What a person's orders say about their taste, each with the orders that say so.

A preference needs two orders at the least; one order infers nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from math import sqrt

from renwei.core.nouns import Event, Item
from renwei.people.sight import Evidence, Preference
from renwei.people.zones import zone_named

_Z80 = 1.2816
_LEAST_SHARE = 0.3
_HOURS = ((5, 9, "morning"), (9, 12, "forenoon"), (12, 14, "noon"), (14, 18, "afternoon"))
_LATE = ((18, 22, "evening"), (22, 29, "night"))
_MOST = 3


def preferences(
    orders: Sequence[Event],
    items: Mapping[int, Item],
    *,
    zone: str,
    price_edges: Sequence[float] = (),
) -> list[Preference]:
    """Preferences by kind and strength.

    Args:
        orders: Counted orders as they stand, newest first.
        items: Those that occur in them, by number.
        zone: The shop's, for hours.
        price_edges: Unit prices below which a third, and two thirds, of the shop's lines lie.
    """
    if len(orders) < 2:
        return []
    seen: dict[tuple[str, str], list[Event]] = defaultdict(list)
    place = zone_named(zone)
    for order in orders:
        for key in _signs(order, items, place, price_edges):
            seen[key].append(order)
    n = len(orders)
    strong = [
        key
        for key, events in seen.items()
        if len(events) >= 2 and (len(events) >= _LEAST_SHARE * n or key[0] == "item")
    ]
    # Confidence rises with the count, so the count sorts; only what is kept is built.
    strong.sort(key=lambda key: (key[0], -len(seen[key]), key[1]))
    kept: dict[str, int] = defaultdict(int)
    answer = []
    for key in strong:
        kept[key[0]] += 1
        if kept[key[0]] <= (_MOST if key[0] in ("category", "item") else 1):
            answer.append(_preference(key, seen[key], n))
    return answer


def at_least(k: int, n: int) -> float:
    """The share that k of n shows with 80 % certainty (Wilson 1927).

    Example:
        >>> round(at_least(4, 5), 2), round(at_least(40, 50), 2)
        (0.5, 0.72)
    """
    share, z2 = k / n, _Z80 * _Z80
    middle = share + z2 / (2 * n)
    return (middle - _Z80 * sqrt(share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)


def _signs(
    order: Event, items: Mapping[int, Item], place: tzinfo, price_edges: Sequence[float]
) -> set[tuple[str, str]]:
    signs = {("hour", part_of_day(order.at.astimezone(place)))}
    prices = []
    for number, _, price, _ in order.body.get("lines") or ():
        item = items.get(number)
        if item is not None:
            signs.add(("item", item.title))
            prices.append(price)
            if item.category:
                signs.add(("category", item.category))
    if prices and len(price_edges) == 2:
        middle = sorted(prices)[len(prices) // 2]
        level = sum(middle > edge for edge in price_edges)
        signs.add(("price", ("low", "middle", "high")[level]))
    return signs


def part_of_day(at: datetime) -> str:
    """The part of the day of a local time, as a word."""
    hour = at.hour if at.hour >= 5 else at.hour + 24
    return next(name for low, high, name in (*_HOURS, *_LATE) if low <= hour < high)


def _preference(key: tuple[str, str], events: list[Event], n: int) -> Preference:
    return Preference(
        kind=key[0],
        value=key[1],
        share=round(len(events) / n, 4),
        orders=len(events),
        confidence=round(at_least(len(events), n), 4),
        evidence=[Evidence(seq=e.seq, at=e.at, value_minor=e.value_minor) for e in events[:3]],
    )
