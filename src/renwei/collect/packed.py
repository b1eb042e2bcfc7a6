"""Several items in one cell: how exports of one row an order write what was bought."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

# A number on both sides of the x is a size, not a count.
_BREAK = re.compile(r"\s*[;；|\n]\s*|\s*[,，、]\s*")
_BEFORE = re.compile(r"^(?P<n>\d{1,4})\s*[x×✕*]\s*(?P<title>[^\d\s].*)$", re.I)
_AFTER = re.compile(r"^(?P<title>.*[^\d\s])\s*[x×✕*]\s*(?P<n>\d{1,4})\s*[件个]?$", re.I)
_TITLES = ("name", "title", "product_name", "商品名称", "product")
_COUNTS = ("quantity", "qty", "num", "count", "数量")


@dataclass(frozen=True, slots=True)
class Part:
    """One item of a cell; `amount` in whole units of currency, None where it is not said."""

    title: str
    quantity: int
    code: str = ""
    amount: Decimal | None = None


@lru_cache(maxsize=65_536)
def parts(text: str) -> tuple[Part, ...]:
    """Take a cell apart; empty where it is the title of one item.

    Nothing is guessed: every part must say how many there are.

    Example:
        >>> [(p.title, p.quantity) for p in parts("1× Mug, 2× Tea")]
        [('Mug', 1), ('Tea', 2)]
        >>> parts("name:Mug|sku:M|quantity:2|total:40.00")[0].amount, parts("Tea, green")
        (Decimal('40.00'), ())
    """
    for reader in (_documents, _pairs, _counted):
        found = reader(text)
        if found:
            return tuple(found)
    return ()


def _documents(text: str) -> list[Part]:
    if text[:1] != "[":
        return []
    try:
        listed = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return []
    sound = isinstance(listed, list) and all(isinstance(one, dict) for one in listed)
    return _each(listed, lambda one: {str(k).lower(): v for k, v in one.items()}) if sound else []


def _pairs(text: str) -> list[Part]:
    """WooCommerce's `name:Mug|sku:M|quantity:2|total:40.00;name:...`."""
    if "|" not in text or not re.search(r"(^|\|)name:", text):
        return []
    return _each(
        re.split(r";\s*(?=[a-z_]+:)", text),
        lambda one: dict(p.split(":", 1) for p in str(one).split("|") if ":" in p),
    )


def _each(ones: Sequence[Any], told: Callable[[Any], dict[str, Any]]) -> list[Part]:
    found = [_part(told(one)) for one in ones]
    return [part for part in found if part] if all(found) else []


def _part(told: dict[str, Any]) -> Part | None:
    title = next((str(told[k]) for k in _TITLES if told.get(k)), "")
    count = next((str(told[k]) for k in _COUNTS if told.get(k)), "")
    if not title or not re.fullmatch(r"\d{1,6}(\.0+)?", count) or float(count) < 1:
        return None
    return Part(title, int(float(count)), str(told.get("sku") or ""), _money(told.get("total")))


def _money(value: Any) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None


def _counted(text: str) -> list[Part]:
    """`1× Mug, 2× Tea` and `面膜*2；口红*1`."""
    words = [word for word in _BREAK.split(text) if word]
    for pattern in (_BEFORE, _AFTER):
        matches = [pattern.match(word) for word in words]
        if words and all(m and int(m["n"]) for m in matches):
            return [Part(m["title"].strip(), int(m["n"])) for m in matches if m]
    return []
