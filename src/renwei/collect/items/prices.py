"""What an item cost, and what was in stock, over time.

Every change is an event of the log: kind "price" (value_minor, currency, body {"was"}) and kind
"stock" (body {"now", "was"}), of nobody, with the item's number. The latest changes are kept
in the item's facts as well, so that a page of one item does not read the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from renwei.collect.items.told import told_of
from renwei.core.clock import from_us, to_us
from renwei.core.nouns import NOBODY, Event, Item
from renwei.core.shop import Shop

PRICE, STOCK = "price", "stock"
PRICES, STOCKS, CHANGES = "prices", "stocks", "changes"
KEPT: Final = {PRICES: 30, STOCKS: 20}


class Priced(msgspec.Struct, frozen=True):
    """A price from a time on."""

    at: datetime
    price_minor: int
    currency: str


class Stocked(msgspec.Struct, frozen=True):
    """What was in stock from a time on."""

    at: datetime
    stock: int


def changes(shop: Shop, before: Item, now: Item, at: datetime, source: str) -> list[Event]:
    """The events of price and stock that lie between two states of one item.

    The message id holds how many changes the item had before, so that what a crash cut off
    half-way is written once when it is told again.
    """
    found: list[Event] = []
    if "price" in told_of(now):
        had = "price" in told_of(before) and before.currency == now.currency
        was = before.price_minor if had else None
        if was != now.price_minor:
            body = {"was": was}
            found.append(_event(PRICE, now, at, source, body))
    stock, was = now.facts.get("stock"), before.facts.get("stock")
    if stock is not None and stock != was:
        found.append(_event(STOCK, now, at, source, {"now": stock, "was": was}))
    n = int(before.facts.get(CHANGES) or 0)
    keyed = shop.store.people.keyed
    return [
        replace(event, message_id=keyed(f"item|{now.number}|{event.kind}|{n}|{_value(event)}"))
        for event in found
    ]


def remembered(item: Item, events: Sequence[Event]) -> Item:
    """The item with these events among the changes that it keeps."""
    if not events:
        return item
    facts = dict(item.facts)
    for event in events:
        us = to_us(event.at)
        if event.kind == PRICE:
            _add(facts, PRICES, [us, event.value_minor, event.currency])
        else:
            _add(facts, STOCKS, [us, event.body["now"]])
    facts[CHANGES] = int(facts.get(CHANGES) or 0) + len(events)
    return replace(item, facts=facts)


def prices(shop: Shop, item: Item, since: datetime | None = None) -> list[Priced]:
    """The prices that were told of an item, the oldest first; those from a time on, if given.

    The price in force at that time comes first. The log is read only where the item's own
    memory does not reach back so far.
    """
    kept = [Priced(from_us(us), minor, currency) for us, minor, currency in _kept(item, PRICES)]
    whole = len(kept) < KEPT[PRICES]
    if not whole and (since is None or kept[0].at > since):
        events = _of(shop, PRICE, item)
        kept = [Priced(event.at, event.value_minor, event.currency) for event in events]
    if since is None:
        return kept
    first = max((n for n, one in enumerate(kept) if one.at <= since), default=0)
    return kept[first:]


def stocks(item: Item) -> list[Stocked]:
    """The latest changes of an item's stock, the oldest first."""
    return [Stocked(from_us(us), now) for us, now in _kept(item, STOCKS)]


def lowest_price(shop: Shop, item: Item, until: datetime, days: int = 30) -> int | None:
    """The lowest price in force at any moment of the last days, in minor units.

    This is the price that a reduction must be measured against (EU 2019/2161, article 2:
    the lowest of the 30 days before). Prices in another currency than the last are left out.

    Args:
        shop: The workspace.
        item: As stored.
        until: The end of the window, counted in.
        days: How long the window is.

    Returns:
        None where no price had been told by then.
    """
    known = [one for one in prices(shop, item, until - timedelta(days=days)) if one.at <= until]
    if not known:
        return None
    return min(one.price_minor for one in known if one.currency == known[-1].currency)


def _event(kind: str, item: Item, at: datetime, source: str, body: dict[str, Any]) -> Event:
    value, currency = (item.price_minor, item.currency) if kind == PRICE else (0, "")
    return Event(NOBODY, kind, at, b"", item.number, value, currency, body, source)


def _value(event: Event) -> str:
    return f"{event.value_minor}|{event.currency}|{event.body.get('now')}"


def _add(facts: dict[str, Any], name: str, row: list[Any]) -> None:
    facts[name] = [*facts.get(name, ()), row][-KEPT[name] :]


def _kept(item: Item, name: str) -> Iterable[Any]:
    found: Iterable[Any] = item.facts.get(name, ())
    return found


def _of(shop: Shop, kind: str, item: Item) -> list[Event]:
    return [event for event in shop.store.log.read(kinds=(kind,)) if event.item == item.number]
