"""Told outranks seen: what the shop said of an item is not overwritten by what orders show.

An item's facts hold under `told` which of its fields were told. Orders and live events describe
products as well; what they say fills the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from renwei.core.nouns import Item

TOLD = "told"
_OWN = ("title", "category", "price")


def told_of(item: Item) -> Sequence[str]:
    """The fields of an item that its shop told."""
    found = item.facts.get(TOLD, ())
    return found if isinstance(found, list | tuple) else ()


def outranked(before: Item, seen: Item) -> Item:
    """An item as just seen, but for what was told of it.

    Args:
        before: As it is stored.
        seen: As an order or an event describes it.

    Example:
        >>> told = Item(1, "product", "A", "Cream", price_minor=9900, facts={"told": ["price"]})
        >>> now = outranked(told, replace(told, title="Cream 50 ml", price_minor=8900))
        >>> now.title, now.price_minor
        ('Cream 50 ml', 9900)
    """
    names = told_of(before)
    if not names:
        return seen
    own: dict[str, Any] = {}
    if "title" in names:
        own["title"] = before.title
    if "category" in names:
        own["category"] = before.category
    if "price" in names:
        own |= {"price_minor": before.price_minor, "currency": before.currency}
    facts = dict(seen.facts)
    for name in names:
        if name in _OWN:
            continue
        if name in before.facts:
            facts[name] = before.facts[name]
        else:
            facts.pop(name, None)
    return replace(seen, **own, facts=facts)
