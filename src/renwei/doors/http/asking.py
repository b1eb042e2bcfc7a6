"""From a request to the fields of an operation: path, query and JSON body, strictly.

A field nobody knows is refused by name, a wrong type with what was expected. Times without a
zone are UTC, as on the command line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.datastructures import QueryParams

from renwei.core.errors import BadInput, Refused
from renwei.doors.http.places import CONFIRM, Asks, bare, many

SAFE_INTEGER = 2**53 - 1
"""JSON numbers beyond are not the same in every language (RFC 8259, section 6)."""
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_EXPECTED = re.compile(r"Expected (.+?)(?:, got (.+))?")
_SPACE_FOR_PLUS = re.compile(r" (\d\d:?\d\d)$")


def fields_of(
    asks: Sequence[Asks], path: Mapping[str, str], query: QueryParams, body: bytes
) -> dict[str, Any]:
    """The fields that were sent, by the struct's own names, each of its type.

    Raises:
        BadInput: unknown_field, bad_field, missing_field, bad_json.
        Refused: needs_confirm.
    """
    given = {one.field: _one(one, path[one.field]) for one in asks if one.where == "path"}
    given |= _from_query([one for one in asks if one.where == "query"], query)
    in_body = [one for one in asks if one.where == "body"]
    given |= _from_body(in_body, body)
    if any(one.field == CONFIRM for one in asks) and not given.pop(CONFIRM, False):
        raise Refused("needs_confirm")
    for one in asks:
        if one.required and one.field not in given and one.field != CONFIRM:
            raise BadInput("missing_field", field=one.name)
    return given


def _from_query(asks: Sequence[Asks], query: QueryParams) -> dict[str, Any]:
    known = {one.name: one for one in asks}
    given: dict[str, Any] = {}
    for name in query:
        one = known.get(name)
        if one is None:
            raise _unknown(name, known)
        texts = query.getlist(name)
        if many(one.kind):
            given[one.field] = converted(one, texts, strict=False)
        elif len(texts) > 1:
            raise BadInput("given_twice", field=name, times=len(texts))
        else:
            given[one.field] = _one(one, texts[0])
    return given


def _from_body(asks: Sequence[Asks], body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        sent = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as wrong:
        raise BadInput("bad_json", found=str(wrong)[:200]) from None
    if not isinstance(sent, dict):
        raise BadInput("not_an_object", got=_named(sent))
    known = {one.name: one for one in asks}
    for name in sent:
        if name not in known:
            raise _unknown(name, known)
    return {
        known[name].field: converted(known[name], value, strict=True)
        for name, value in sent.items()
    }


def _one(one: Asks, text: str) -> Any:
    if bare(one.kind) is datetime:
        try:
            return _within(one, datetime.fromisoformat(_SPACE_FOR_PLUS.sub(r"+\1", text.strip())))
        except ValueError:
            pass
    return converted(one, text, strict=False)


def converted(one: Asks, value: Any, *, strict: bool) -> Any:
    """One value as its type.

    Raises:
        BadInput: bad_field, with the field and what was expected.
    """
    try:
        return _within(one, msgspec.convert(value, one.kind, strict=strict))
    except (msgspec.ValidationError, RecursionError) as wrong:
        raise _wrong(one, str(wrong), value) from None


def _wrong(one: Asks, told: str, value: Any) -> BadInput:
    # "Expected `int`, got `str` - at `$[2]`"
    said, _, where = told.partition(" - at `$")
    field = one.name + where.rstrip("`")
    found = _EXPECTED.fullmatch(said)
    if found is None:
        return BadInput("bad_field", field=field, found=said)
    return BadInput("wrong_type", field=field, expected=found[1], got=found[2] or _shown(value))


def _shown(value: Any) -> str:
    """A value that is of the right type and out of range; nothing of what is longer."""
    return str(value)[:40] if isinstance(value, int | float | str) else ""


def _within(one: Asks, value: Any) -> Any:
    if isinstance(value, datetime):
        at = value if value.tzinfo else value.replace(tzinfo=UTC)
        if not FIRST <= at <= LAST:
            raise BadInput("wrong_type", field=one.name, expected="1970…2200", got=at.isoformat())
        return at
    if isinstance(value, int) and abs(value) > SAFE_INTEGER:
        raise BadInput("wrong_type", field=one.name, expected="±(2^53 - 1)", got=str(value)[:40])
    if isinstance(value, str) and ("\0" in value or not _is_unicode(value)):
        raise BadInput("wrong_type", field=one.name, expected="UTF-8", got="NUL")
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unknown(name: str, known: Mapping[str, Asks]) -> BadInput:
    return BadInput("unknown_field", field=name[:100], known=", ".join(known) or "-")


def _named(value: Any) -> str:
    return {list: "array", str: "str", bool: "bool", type(None): "null"}.get(type(value), "number")
