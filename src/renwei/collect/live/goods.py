"""Products that events speak of: found in the catalogue, or added to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

from renwei.collect.catalogue import KIND
from renwei.collect.items.kinds import KINDS
from renwei.collect.items.told import outranked
from renwei.collect.live.naming import ANY_PRODUCT, found, number_of, text_of
from renwei.collect.live.traits import clean
from renwei.core.clock import to_us
from renwei.core.nouns import Item
from renwei.core.store import Items, Store
from renwei.core.words import EXPONENTS

KEPT: Final = 100_000
MOST: Final = 10**12
"""Minor units; what is larger is no price, and sums of it would not fit."""
_AGAIN_US: Final = 60_000_000
"""A product that events describe in two ways is written anew once a minute, not each time."""
Signature = tuple[Any, ...]


def minor(value: Any, currency: str) -> int:
    """An amount as sent (a number or its text, in whole units) in minor units; 0 for none, at most `MOST`.

    Example:
        >>> minor(59.9, "CNY"), minor("59.9", "CNY"), minor(500, "JPY"), minor("x", "CNY")
        (5990, 5990, 500, 0)
    """
    number = number_of(value)
    if number is None:
        return 0
    least = 10.0 ** EXPONENTS.get(currency, 2)
    return round(max(-MOST, min(number * least, MOST)))


class Goods:
    """The numbers of products by what apps call them; one a store."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Signature, int, int]] = {}
        """Id as sent -> what was said of it, its number, when that was written."""

    def number(self, properties: Mapping[str, Any], *, named: bool) -> int | None:
        """The number of the product of an event where it is known; 0 without product.

        Args:
            properties: As sent.
            named: Whether a bare `name` is the product's (the event is about a product).
        """
        key = self._key(properties, named=named)
        if key == "":
            return 0
        known = self._known.get(key)
        return known[1] if known is not None and known[0] == _signature(properties) else None

    def numbers(
        self,
        items: Items,
        asked: Sequence[tuple[Mapping[str, Any], bool]],
        currency: str,
        at: datetime,
    ) -> list[int]:
        """The numbers of many, aligned; new products come into the catalogue."""
        wanted: dict[str, Mapping[str, Any]] = {}
        keys = [self._key(properties, named=named) for properties, named in asked]
        now, fresh = to_us(at), []
        for key, (properties, _) in zip(keys, asked, strict=True):
            if key and (key not in self._known or self._known[key][2] + _AGAIN_US <= now):
                wanted[key] = properties
        if wanted:
            if len(self._known) >= KEPT:
                self._known.clear()
            held = _held(items, wanted)
            for key, properties in wanted.items():
                fresh.append(_item(key, properties, held.get(key), currency))
            changed = [
                item for key, item in zip(wanted, fresh, strict=True) if item != held.get(key)
            ]
            numbers = dict(zip((item.code for item in changed), items.upsert(changed), strict=True))
            for (key, properties), item in zip(wanted.items(), fresh, strict=True):
                number = item.number or numbers[item.code]
                self._known[key] = _signature(properties), number, now
        return [self._known[key][1] if key else 0 for key in keys]

    @staticmethod
    def _key(properties: Mapping[str, Any], *, named: bool) -> str:
        code = properties.get("product_id")
        if type(code) is str and code:
            return code[:200]
        if not ANY_PRODUCT.isdisjoint(properties):
            text = text_of(found(properties, "product")) or text_of(found(properties, "sku"))
            if text:
                return text
        if not named:
            return ""
        title = text_of(found(properties, "title")) or text_of(properties.get("name"))
        return clean(title, 200)


def _signature(properties: Mapping[str, Any]) -> Signature:
    said = properties.get
    return said("name"), said("price"), said("category"), said("brand"), said("variant")


def _codes(key: str, properties: Mapping[str, Any]) -> list[str]:
    """By what the catalogue may know a product, the surest first."""
    codes = [key, text_of(found(properties, "sku"))]
    title = text_of(found(properties, "title")) or text_of(properties.get("name"))
    if title:
        # So are products called that order files bring without a code.
        codes += [f"{title}|{text_of(found(properties, 'variant'))}", f"{title}|"]
    return list(dict.fromkeys(code for code in codes if code))


def _held(items: Items, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Item]:
    codes = {key: _codes(key, properties) for key, properties in wanted.items()}
    every = list(dict.fromkeys(code for some in codes.values() for code in some))
    numbers = dict(zip(every, items.by_code(KIND, every), strict=True))
    known = [number for number in numbers.values() if number]
    stored = dict(zip(known, items.get(known), strict=True))
    held = {}
    for key, some in codes.items():
        for code in some:
            item = stored.get(numbers[code])
            if item is not None:
                held[key] = item
                break
    return held | _of_other_kinds(items, [key for key in wanted if key not in held])


def _of_other_kinds(items: Items, keys: Sequence[str]) -> dict[str, Item]:
    """Videos, songs, articles that the shop told, by their ids."""
    held: dict[str, Item] = {}
    if not keys:
        return held
    for kind in KINDS:
        numbers = [number for number in items.by_code(kind, keys) if number]
        for item in items.get(numbers) if numbers else ():
            if item is not None:
                held.setdefault(item.code, item)
    return held


def _item(key: str, properties: Mapping[str, Any], held: Item | None, currency: str) -> Item:
    paid_in = currency_of(properties, currency)
    facts = {
        name: text
        for name in ("brand", "creator", "variant")
        if (text := clean(text_of(found(properties, name)), 100))
    }
    title = text_of(found(properties, "title")) or text_of(properties.get("name"))
    category = clean(text_of(found(properties, "category")), 100)
    price = minor(found(properties, "price"), paid_in)
    if held is None:
        return Item(0, KIND, key, title or key, category, max(price, 0), paid_in, facts)
    seen = replace(
        held,
        title=title or held.title,
        category=category or held.category,
        price_minor=price if price > 0 else held.price_minor,
        currency=paid_in if price > 0 else held.currency,
        facts={**held.facts, **facts},
    )
    return outranked(held, seen)


def currency_of(properties: Mapping[str, Any], currency: str) -> str:
    """The currency an event names, else the shop's."""
    told = properties.get("currency") or found(properties, "currency")
    if type(told) is str and len(told) == 3 and told.isascii() and told.isalpha():
        return told.upper()
    return currency


_goods: WeakKeyDictionary[Store, Goods] = WeakKeyDictionary()


def goods(store: Store) -> Goods:
    """The products of a store, the same each time."""
    return _goods.setdefault(store, Goods())
