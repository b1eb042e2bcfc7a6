"""One item as it was told: every field checked, cleaned, or refused with its name and a reason."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from renwei.collect.items.kinds import id_of, kind_of
from renwei.collect.items.money import price_of
from renwei.core.errors import BadInput

TITLE, TEXT, LINK, TAG, TAGS, VALUE, ATTRIBUTES, LARGEST = 500, 200, 2_000, 64, 64, 500, 64, 16_384
MOST: Final = 1_000_000_000
_NAME: Final = re.compile(r"[^\W\d][\w.-]{0,63}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_YES_NO: Final = {"yes": "yes", "no": "no", True: "yes", False: "no"}


class Draft(msgspec.Struct, frozen=True):
    """What somebody told of one item. `told` are fields by our names; None empties one.

    `kind` is "" where none was told. `told["price"]` is (minor units, currency) or None.
    """

    id: str
    kind: str
    told: dict[str, Any]
    gone: bool | None = None


def draft_of(given: Any, currency: str) -> Draft:
    """Check one item.

    Args:
        given: An object as JSON has it.
        currency: The shop's, for prices that name none.

    Raises:
        BadInput: Any code item_...; `field` is in the values.
    """
    if not isinstance(given, Mapping):
        raise BadInput("item_not_an_object", field="", found=type(given).__name__)
    code, kind = id_of(given.get("id")), kind_of(given.get("kind"))
    told: dict[str, Any] = {}
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is not None:
            told[name] = None if value is None or value == "" else check(name, value)
        elif name not in _APART:
            raise _unknown(str(name))
    if not given.keys().isdisjoint(("price", "price_minor")):
        told["price"] = price_of(given, currency)
    if len(msgspec.json.encode(told)) > LARGEST:
        raise BadInput("item_too_large", field="", most=LARGEST)
    gone = given.get("gone")
    return Draft(code, kind, told, None if gone is None else _flag("gone", gone))


def _unknown(name: str) -> BadInput:
    near = difflib.get_close_matches(name[:60], FIELDS, n=1)
    return BadInput(
        "item_unknown_field", field=name[:60], near=near[0] if near else "attributes",
        known=", ".join(FIELDS),
    )  # fmt: skip


def text_of(name: str, value: Any, most: int = TEXT) -> str | None:
    """A text on one line; markup in it stays what it is, text.

    Raises:
        BadInput: item_bad_text.
    """
    if type(value) in (int, float):
        value = str(value)
    if type(value) is not str or not _is_unicode(value):
        raise BadInput("item_bad_text", field=name, most=most)
    text = _BLANKS.sub(" ", value).strip()
    if len(text) > most:
        raise BadInput("item_bad_text", field=name, most=most)
    return text or None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _title(name: str, value: Any) -> str | None:
    return text_of(name, value, TITLE)


def _link(name: str, value: Any) -> str:
    """An address that a browser may follow without running anything."""
    text = value.strip() if type(value) is str else ""
    try:
        parts = urlsplit(text)
        sound = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
        sound = sound and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound or len(text) > LINK or not text.isprintable() or re.search(r"[\s\\<>\"]", text):
        raise BadInput("item_bad_link", field=name, found=str(value)[:60])
    return text


def _stock(name: str, value: Any) -> int:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not -MOST <= value <= MOST:
        raise BadInput("item_bad_stock", field=name, found=str(value)[:40])
    return value


def _flag(name: str, value: Any) -> bool:
    if type(value) is not bool:
        raise BadInput("item_bad_yes_no", field=name, found=str(value)[:40])
    return value


def _tags(name: str, value: Any) -> list[str] | None:
    if type(value) is not list or len(value) > TAGS:
        raise BadInput("item_bad_tags", field=name, most=TAGS, longest=TAG)
    try:
        tags = [text_of(name, one, TAG) for one in value]
    except BadInput:
        raise BadInput("item_bad_tags", field=name, most=TAGS, longest=TAG) from None
    return list(dict.fromkeys(tag for tag in tags if tag)) or None


def _attributes(name: str, value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping) or len(value) > ATTRIBUTES:
        raise BadInput("item_bad_attributes", field=name, most=ATTRIBUTES)
    found = {}
    for key, one in value.items():
        if type(key) is not str or not _NAME.fullmatch(key):
            raise BadInput("item_attribute_name", field=f"{name}.{str(key)[:40]}")
        if one is None:
            continue
        found[key] = _value(f"{name}.{key}", one)
    return found or None


def _value(field: str, value: Any) -> Any:
    if type(value) is str and len(value) <= VALUE and _is_unicode(value):
        return _BLANKS.sub(" ", value).strip()
    if type(value) is bool:
        return value
    if type(value) in (int, float) and isfinite(value) and abs(value) <= 2**53:
        return value
    raise BadInput("item_attribute_value", field=field, longest=VALUE)


def _language(name: str, value: Any) -> str:
    if type(value) is not str or not _LANGUAGE.fullmatch(value):
        raise BadInput("item_bad_language", field=name, found=str(value)[:40])
    return value


def _cost(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value <= 1000 * MOST:
        raise BadInput("item_bad_price", field=name, found=str(value)[:40])
    return value


def _repeat(name: str, value: Any) -> str:
    found = _YES_NO.get(value) if type(value) in (str, bool) else None
    if found is None:
        raise BadInput("item_bad_yes_no", field=name, found=str(value)[:40])
    return found


def _time(name: str, value: Any) -> str:
    try:
        at = datetime.fromisoformat(value) if type(value) is str else None
    except ValueError:
        at = None
    if at is None or not 1990 <= at.year <= 2100:
        raise BadInput("item_bad_time", field=name, found=str(value)[:40])
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


Check = Callable[[str, Any], Any]
_CHECKS: Final[Mapping[str, Check]] = {
    "title": _title, "category": text_of, "brand": text_of, "creator": text_of, "artist": text_of,
    "variant": text_of, "group": text_of, "url": _link, "image": _link, "stock": _stock,
    "available": _flag, "tags": _tags, "attributes": _attributes, "language": _language,
    "cost_minor": _cost, "repeat": _repeat, "first_seen": _time,
}  # fmt: skip
FACTS: Final = tuple(name for name in _CHECKS if name not in ("title", "category"))
"""Fields that lie in an item's facts, under the same names."""
_APART: Final = ("id", "kind", "price", "price_minor", "currency", "gone")
FIELDS: Final = (*_APART, *_CHECKS)
"""Every field that can be told of an item."""
