"""The catalogue that order files show: one item a code, or a title and variant without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from renwei.collect.items.showing import time_in
from renwei.collect.items.told import outranked
from renwei.collect.records import ItemRecord, Reading
from renwei.core.clock import from_us, to_us
from renwei.core.nouns import Item
from renwei.core.store import Items

KIND = "product"


def item_code(record: ItemRecord) -> str:
    """By what an item is known: the shop's code, else title and variant."""
    return record.code or f"{record.title}|{record.variant}"


def keep_items(items: Items, reading: Reading) -> list[int]:
    """Store new and changed items; returns their numbers, aligned with `reading.items`.

    The latest order says the price; a title or category that is known is not lost to a file
    without one, and what the shop itself told of an item stands.
    """
    codes = [item_code(record) for record in reading.items]
    found: dict[str, Item] = {}
    held = _held(items, list(dict.fromkeys(codes)))
    seen = _seen(reading)
    for index, record in enumerate(reading.items):
        code = codes[index]
        before = found.get(code) or held.get(code)
        found[code] = _joined(before, record, code, seen.get(index), reading.currency)
    fresh = [item for code, item in found.items() if item != held.get(code)]
    numbers = {code: item.number for code, item in held.items()}
    numbers |= dict(zip([item.code for item in fresh], items.upsert(fresh), strict=True))
    return [numbers[code] for code in codes]


def _held(items: Items, codes: list[str]) -> dict[str, Item]:
    numbers = items.by_code(KIND, codes)
    known = [number for number in numbers if number]
    stored = dict(zip(known, items.get(known), strict=True))
    return {
        code: item
        for code, number in zip(codes, numbers, strict=True)
        if number and (item := stored[number]) is not None
    }


def _seen(reading: Reading) -> dict[int, tuple[int, int, int, str]]:
    """By item: first and latest order (microseconds), price and currency of the latest."""
    seen: dict[int, tuple[int, int, int, str]] = {}
    for order in reading.orders:
        at = order.created_at or order.paid_at
        if at is None or order.status == "returned":
            continue
        us = to_us(at)
        for item, _, price, _ in order.lines:
            known = seen.get(item)
            if known is None:
                seen[item] = (us, us, price, order.currency)
            elif us >= known[1]:
                seen[item] = (known[0], us, price, order.currency)
            elif us < known[0]:
                seen[item] = (us, *known[1:])
    return seen


def _joined(
    before: Item | None,
    record: ItemRecord,
    code: str,
    seen: tuple[int, int, int, str] | None,
    currency: str,
) -> Item:
    first, last, price, paid_in = seen or (0, 0, 0, currency)
    facts: dict[str, Any] = {}
    if record.variant:
        facts["variant"] = record.variant
    if first:
        facts |= _times(first, last)
    if before is None:
        return Item(0, KIND, code, record.title, record.category, price, paid_in, facts)
    newer = last >= _us(before.facts, "last_seen")
    firsts = [us for us in (first, _us(before.facts, "first_seen")) if us]
    now = replace(
        before,
        title=(record.title if newer else "") or before.title or record.title,
        category=(record.category if newer else "") or before.category or record.category,
        price_minor=price if newer and price else before.price_minor,
        currency=paid_in if newer and price else before.currency,
        facts={**before.facts, **facts}
        | (_times(min(firsts), max(last, _us(before.facts, "last_seen"))) if firsts else {}),
    )
    return outranked(before, now)


def _times(first: int, last: int) -> dict[str, str]:
    """When it was first and last seen; `last_seen` is of orders alone."""
    own = {"first_seen": from_us(first).isoformat()}
    return own | ({"last_seen": from_us(last).isoformat()} if last else {})


def _us(facts: Mapping[str, Any], name: str) -> int:
    at = time_in(facts, name)
    return to_us(at) if at else 0
