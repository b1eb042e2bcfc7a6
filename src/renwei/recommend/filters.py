"""What a filter expression can name: the catalogue's fields and the shop's own attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from renwei.core.errors import BadInput
from renwei.core.nouns import Item
from renwei.core.words import EXPONENTS
from renwei.learn.filtering import LIST, NUMBER, TEXT, YES_NO, FilterError, compiled
from renwei.recommend.goods import UNCOUNTED, Goods

Bools = NDArray[np.bool_]
FIELDS: Mapping[str, str] = {
    "id": TEXT, "kind": TEXT, "title": TEXT, "category": TEXT, "brand": TEXT, "creator": TEXT,
    "artist": TEXT, "language": TEXT, "currency": TEXT, "price": NUMBER, "stock": NUMBER,
    "available": YES_NO, "tags": LIST,
}  # fmt: skip
_KEPT = 64
"""Masks of so many expressions are remembered for one version of the catalogue."""


class _Held:
    """Columns and masks of one version of the catalogue, made when first asked for."""

    def __init__(self, goods: Goods) -> None:
        self.mark = goods.mark
        self.kinds = dict(FIELDS)
        self.columns: dict[str, Any] = {}
        self.masks: dict[str, Bools] = {}
        for item in goods.items:
            for name, value in _attributes(item).items():
                kind = _kind(value)
                if self.kinds.setdefault(name, kind) != kind and name not in FIELDS:
                    self.kinds[name] = TEXT


_HELD: WeakKeyDictionary[Goods, _Held] = WeakKeyDictionary()


def passing(goods: Goods, text: str) -> Bools:
    """The rows that an expression lets through: shape (items,).

    Raises:
        BadInput: bad_filter (position, expected, found).
    """
    if not text.strip():
        return np.ones(len(goods), dtype=bool)
    held = _HELD.get(goods)
    if held is None:
        held = _HELD[goods] = _Held(goods)
    mask = held.masks.get(text)
    if mask is None:
        mask = _mask(goods, held, text)
        if len(held.masks) < _KEPT:
            held.masks[text] = mask
    return mask


def _mask(goods: Goods, held: _Held, text: str) -> Bools:
    try:
        read = compiled(text, held.kinds)
    except FilterError as wrong:
        raise BadInput("bad_filter", **vars(wrong)) from None
    for name in read.names:
        if name not in held.columns:
            held.columns[name] = _column(goods, name, held.kinds[name])
    return read.mask(held.columns)


def _column(goods: Goods, name: str, kind: str) -> Any:
    if name == "stock":
        return np.where(goods.stock == UNCOUNTED, np.inf, goods.stock.astype(np.float64))
    values = [_value(item, name) for item in goods.items]
    if kind == NUMBER:
        return np.array([_number(value) for value in values])
    if kind == YES_NO:
        return np.array(
            [value is not False if name == "available" else bool(value) for value in values]
        )
    if kind == LIST:
        return [tuple(map(str, value)) if isinstance(value, list) else () for value in values]
    return np.array(["" if value is None else str(value) for value in values], dtype=object)


def _value(item: Item, name: str) -> Any:
    if name == "id":
        return item.code
    if name in ("kind", "title", "category", "currency"):
        return getattr(item, name)
    if name == "price":
        return item.price_minor / 10 ** EXPONENTS.get(item.currency, 2)
    if name in FIELDS:
        return item.facts.get(name)
    return _attributes(item).get(name)


def _attributes(item: Item) -> Mapping[str, Any]:
    found = item.facts.get("attributes")
    return found if isinstance(found, dict) else {}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return YES_NO
    if isinstance(value, int | float):
        return NUMBER
    return LIST if isinstance(value, list) else TEXT


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
