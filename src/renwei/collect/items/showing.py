"""Items of the store as answers show them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from renwei.collect.items.answers import ItemShown
from renwei.collect.items.money import shown as shown_price
from renwei.collect.items.told import told_of
from renwei.core.clock import from_us
from renwei.core.nouns import Item


def shown(item: Item) -> ItemShown:
    """One item for an answer."""
    facts, told = item.facts, list(told_of(item))
    priced = bool(item.price_minor) or "price" in told
    stock = facts.get("stock")
    available = facts.get("available", True) is not False
    gone = bool(facts.get("gone"))
    texts = {name: str(facts.get(name) or "") for name in _TEXTS}
    return ItemShown(
        id=item.code,
        kind=item.kind,
        title=item.title,
        category=item.category,
        price=shown_price(item.price_minor, item.currency) if priced else None,
        price_minor=item.price_minor if priced else None,
        currency=item.currency,
        stock=stock,
        available=available,
        offered=available and not gone and (stock is None or stock > 0),
        gone=gone,
        gone_at=time_in(facts, "gone"),
        cost_minor=facts.get("cost_minor"),
        tags=list(facts.get("tags", ())),
        attributes=dict(facts.get("attributes", {})),
        first_seen=time_in(facts, "first_seen"),
        told=told,
        **texts,
    )


_TEXTS = (
    "brand", "creator", "artist", "url", "image", "variant", "group", "language", "repeat",
)  # fmt: skip


def time_in(facts: Mapping[str, Any], name: str) -> datetime | None:
    """A time of an item's facts: ISO text, or microseconds as order files wrote them once."""
    value = facts.get(name)
    if type(value) is int and value:
        return from_us(value)
    if type(value) is str:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return None
