"""What apps call things, and what we call them: event names, property names, units of time."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from math import isfinite
from typing import Any, Final

LOOKS: Final = frozenset(("view", "page", "screen"))
BEHAVIOUR: Final = frozenset(
    "view search like unlike comment share wish follow unfollow cart uncart checkout shown".split()  # noqa: SIM905
)
ORDERS: Final = {"paid": "paid", "refunded": "refunded", "closed": "closed", "changed": ""}
"""What a name says of an order, and the status that follows ("" = as the event says)."""
_NAMES_KEPT: Final = 20_000
_MILLISECONDS: Final = {"ms": 1.0, "s": 1_000.0, "min": 60_000.0}
_UNITS: Final = {
    "ms": "ms", "msec": "ms", "millisecond": "ms", "milliseconds": "ms", "毫秒": "ms",
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "秒": "s",
    "m": "min", "min": "min", "mins": "min", "minute": "min", "minutes": "min", "分钟": "min",
}  # fmt: skip
_WITH_UNIT: Final = re.compile(r"\s*([-+]?\d+(?:\.\d+)?)\s*([a-z]*|毫秒|秒|分钟)\s*$")
_TOO_LONG_TO_LOOK: Final = 1_800
"""Seconds: a plain whole number from here on is more likely milliseconds."""
DAY_MS: Final = 86_400_000


def _bare(name: str) -> str:
    return "".join([letter for letter in name.casefold() if letter.isalnum()])


def _forms(name: str) -> Iterable[str]:
    """The same property name in the cases that apps use.

    Example:
        >>> sorted(_forms("product_id"))
        ['ProductId', 'product id', 'product-id', 'productID', 'productId', 'product_id', 'productid']
    """
    words = name.split("_")
    if name.startswith("$") or len(words) == 1 or not all(words):
        return {name}
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    found = {name, camel, camel[0].upper() + camel[1:], " ".join(words), "-".join(words)}
    found.add("".join(words))
    if words[-1] == "id":
        found.add(camel[:-2] + "ID")
    return found


_DATA: Final = tomllib.loads(
    files("renwei.collect.live").joinpath("naming.toml").read_text("utf-8")
)
_KIND_OF: Final = {_bare(name): kind for kind, names in _DATA["events"].items() for name in names}
_NOT_VIEWS: Final = tuple(_DATA["not_views"]["words"])
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    field: tuple(dict.fromkeys(form for name in names for form in (name, *sorted(_forms(name)))))
    for field, names in _DATA["fields"].items()
}
"""Our field -> the property names that may hold it, the likeliest first."""
KEYS: Final = {field: frozenset(names) for field, names in FIELDS.items()}
_DWELL: Final = {
    form: unit
    for unit in ("plain", "min", "s", "ms")
    for name in _DATA["dwell"][unit]
    for form in _forms(name)
}
_WEAK: Final = frozenset(form for name in _DATA["dwell"]["weak"] for form in _forms(name))
_UNIT_KEYS: Final = tuple(_DATA["dwell"]["unit"])
DWELL_KEYS: Final = frozenset(_DWELL) | _WEAK
ANY_PRODUCT: Final = KEYS["product"] | KEYS["sku"]
_kinds: dict[str, str] = {}


def event_kind(name: str) -> str:
    """Our kind for an event as apps name it, "" where no list has it.

    Example:
        >>> event_kind("Product Viewed"), event_kind("加入购物车"), event_kind("order completed")
        ('view', 'cart', 'paid')
        >>> event_kind("Badge Earned")
        ''
    """
    kind = _kinds.get(name)
    if kind is None:
        if len(_kinds) >= _NAMES_KEPT:
            _kinds.clear()
        kind = _kinds[name] = _KIND_OF.get(_bare(name), "")
    return kind


def is_look(name: str) -> bool:
    """Whether an event that no list names, but that has a product, is a look at it."""
    lower = name.casefold()
    return not any(word in lower for word in _NOT_VIEWS)


def found(properties: Mapping[str, Any], field: str) -> Any:
    """The first of the values that the properties hold for a field of ours, else None.

    Example:
        >>> found({"skuId": "", "productId": 7}, "product")
        7
    """
    if KEYS[field].isdisjoint(properties):
        return None
    for key in FIELDS[field]:
        value = properties.get(key)
        if value is not None and value != "":
            return value
    return None


def text_of(value: Any, limit: int = 200) -> str:
    """A short text of a text or a number, "" of anything else.

    Example:
        >>> text_of(" a "), text_of(12.0), text_of(True), text_of([1])
        ('a', '12', '', '')
    """
    if type(value) is str:
        return value.strip()[:limit]
    if type(value) is float and isfinite(value) and value.is_integer():
        return str(int(value))[:limit]
    return str(value)[:limit] if type(value) in (int, float) else ""


def number_of(value: Any) -> float | None:
    """A finite number of a number or of its text, else None."""
    if type(value) in (int, float):
        number = float(value) if abs(value) < 1e15 else None
    elif type(value) is str and len(value) < 32:
        try:
            number = float(value)
        except ValueError:
            return None
    else:
        return None
    return number if number is not None and isfinite(number) else None


def dwell_of(
    properties: Mapping[str, Any], kind: str, names: Sequence[str] | None = None
) -> tuple[str, float | None] | None:
    """How long somebody looked: the property's name and milliseconds (None: no length at all).

    The name tells the unit (dwell_ms, $event_duration), else a unit beside it, else what is
    likelier: a plain whole number of half an hour and more is milliseconds, up to a day. `names`
    are those of the properties that are in `DWELL_KEYS`, where the caller knows them.

    Example:
        >>> dwell_of({"dwell_ms": 8200}, "view"), dwell_of({"dwell": 12}, "view")
        (('dwell_ms', 8200.0), ('dwell', 12000.0))
        >>> dwell_of({"duration": 12}, "track"), dwell_of({"stay_time": "9s"}, "view")
        (None, ('stay_time', 9000.0))
    """
    if names is None:
        names = [key for key in properties if key in DWELL_KEYS]
    for key in names:
        value = properties[key]
        if value is not None and (key not in _WEAK or kind in LOOKS):
            return key, _milliseconds(value, _DWELL.get(key, "plain"), properties)
    return None


def _milliseconds(value: Any, unit: str, properties: Mapping[str, Any]) -> float | None:
    if unit == "ms" and type(value) is int and 0 <= value <= DAY_MS:
        return float(value)
    if type(value) is str:
        match = _WITH_UNIT.match(value.casefold()[:40])
        if match is None or (match[2] and match[2] not in _UNITS):
            return None
        unit = _UNITS[match[2]] if match[2] else unit
        value = float(match[1])
    number = number_of(value)
    if number is None:
        return None
    if unit == "plain":
        beside = next((properties[key] for key in _UNIT_KEYS if key in properties), "")
        unit = _UNITS.get(beside.casefold(), unit) if type(beside) is str else unit
    if unit == "plain":
        likelier_ms = _TOO_LONG_TO_LOOK <= number <= DAY_MS / 1_000 and number.is_integer()
        unit = "ms" if likelier_ms else "s"
    return number * _MILLISECONDS[unit]
