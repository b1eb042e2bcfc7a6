"""Answers as a viewer may see them: what tells who somebody is, is masked.

Fields of answers that tell it carry `PRIVATE` (core/operations.py). What the types say is
worked out once a type; a type from which no private field can be reached is handed to
msgspec whole, so that a list of a thousand products costs what it costs unmasked.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from renwei.core.chance import from_id
from renwei.core.operations import PRIVATE

HIDDEN = "•••"
_STARS = "****"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s().-]+")
_INSIDE = re.compile(r"[^@\s,;:<>]+@[^@\s,;:<>]+\.\w+|(?<![\d+])(?:\+\d{8,15}|1[3-9]\d{9})(?!\d)")
_DIGITS = re.compile(r"\d")
_CALLED = frozenset(
    "name nick customer openid unionid external_userid device anonymous buyer_name".split()  # noqa: SIM905
)
"""Fields, and kinds of identifiers, of which the first sign may stand."""

_PLAIN = frozenset({str, int, float, bool, bytes, datetime, date, type(None)})
_OPEN = (Any, object, dict, list, tuple, set, frozenset)
_Part = tuple[str, str, bool, Any, Any]


def masked(answer: Any) -> Any:
    """An answer as plain dicts, lists and scalars (times stay times), private texts masked.

    Example:
        >>> from typing import Annotated
        >>> class Line(msgspec.Struct):
        ...     person: str
        ...     name: Annotated[str, PRIVATE]
        >>> masked([Line("p1", "李雷")])
        [{'person': 'p1', 'name': '李**'}]
    """
    if isinstance(answer, msgspec.Struct):
        return _struct(answer)
    if isinstance(answer, Mapping):
        return {_key(key): masked(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple | set | frozenset):
        return [masked(value) for value in answer]
    if isinstance(answer, str):
        # Of untyped values (facts, details) nobody has said what may stand in them.
        return _INSIDE.sub(lambda found: mask(found[0]), answer)
    return _plain(answer)


def mask(text: str, name: str = "") -> str:
    """One text masked by its looks, and by the name of the field it stands in.

    Our own ids say nothing and stay. Phones keep their ends, e-mails their first sign and
    domain, names their first sign; anything else is gone.

    Example:
        >>> mask("13812348888"), mask("+8613812348888"), mask("ann@example.com")
        ('138****8888', '+86138****8888', 'a***@example.com')
        >>> mask("李雷", "name"), mask("call her at noon"), mask("")
        ('李**', '•••', '')
    """
    shown = text.strip()
    if not shown or from_id(shown) is not None:
        return text
    if _EMAIL.fullmatch(shown):
        return f"{shown[0]}***@{shown.rpartition('@')[2]}"
    if _PHONE.fullmatch(shown) and len(_DIGITS.findall(shown)) >= 7:
        return _phone(shown)
    # A platform's nick is stored as "taobao:mei".
    platform, colon, rest = shown.partition(":")
    if name in _CALLED:
        return f"{platform}:{rest[:1]}**" if colon and rest else f"{shown[0]}**"
    return HIDDEN


def _phone(text: str) -> str:
    plus = "+" if text.startswith("+") else ""
    digits = "".join(_DIGITS.findall(text))
    if len(digits) < 11:
        # A short number is soon guessed from seven signs of it.
        return f"{_STARS}{digits[-2:]}"
    return f"{plus}{digits[:-8]}{_STARS}{digits[-4:]}"


def _struct(answer: msgspec.Struct) -> Any:
    kind = type(answer)
    if not reaches_private(kind):
        return _plain(answer)
    config = answer.__struct_config__
    found: dict[str, Any] = {}
    if config.tag is not None:
        found[config.tag_field or "type"] = config.tag
    for name, key, private, clean, default in _parts(kind):
        value = getattr(answer, name)
        if value is msgspec.UNSET or (config.omit_defaults and value == default):
            continue
        if private:
            found[key] = _hidden(value, key)
        else:
            found[key] = _plain(value) if clean else masked(value)
    return found


def _hidden(value: Any, name: str) -> Any:
    """A private value: texts masked, numbers and times gone, the shape kept."""
    if isinstance(value, str):
        return mask(value, name)
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        return {_key(key): _hidden(one, _called(key, name)) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden(one, name) for one in value]
    return value if isinstance(value, bool) else None


def _called(key: object, name: str) -> str:
    return key if isinstance(key, str) else name


def _key(key: object) -> str:
    """A key of a mapping; one that is itself somebody's number or address is masked."""
    text = str(key)
    looks = _EMAIL.fullmatch(text) or (
        _PHONE.fullmatch(text) and len(_DIGITS.findall(text)) >= 7 and "-" not in text[1:]
    )
    return mask(text) if looks else text


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(datetime,), str_keys=True, enc_hook=str)


@functools.cache
def _parts(kind: type[msgspec.Struct]) -> tuple[_Part, ...]:
    """By field: name, key in the answer, whether it is private, whether nothing under it is."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        (
            field.name,
            field.encode_name,
            is_private(hints[field.name]),
            not _reaches(hints[field.name], _struct_reaches),
            field.default,
        )
        for field in msgspec.structs.fields(kind)
    )


def is_private(hint: Any) -> bool:
    """Whether a field's annotation says PRIVATE, also inside an Optional."""
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        return any(note is PRIVATE for note in notes) or is_private(inner)
    if get_origin(hint) in (Union, UnionType):
        return any(is_private(one) for one in get_args(hint))
    return False


@functools.cache
def reaches_private(kind: type) -> bool:
    """Whether a value of this type can hold something private, as far as types tell."""
    return _search(kind, set())


def _struct_reaches(kind: type) -> bool:
    return reaches_private(kind)


def _search(kind: type, seen: set[type]) -> bool:
    """Over structs that may hold each other; what was begun counts as clean meanwhile."""
    if kind in seen:
        return False
    seen.add(kind)
    hints = get_type_hints(kind, include_extras=True)
    return any(
        is_private(hint) or _reaches(hint, lambda inner: _search(inner, seen))
        for hint in hints.values()
    )


def _reaches(hint: Any, of_struct: Callable[[type], bool]) -> bool:
    if hint in _PLAIN or get_origin(hint) is Literal:
        return False
    if hint in _OPEN:
        # Whatever comes is looked at when it comes.
        return True
    args = get_args(hint)
    if get_origin(hint) is Annotated:
        return _reaches(args[0], of_struct)
    if args:
        return any(_reaches(one, of_struct) for one in args if one is not Ellipsis)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return of_struct(hint)
    return not isinstance(hint, type)
