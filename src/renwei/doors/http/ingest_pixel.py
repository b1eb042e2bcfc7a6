"""Pixels: one event in the query of a GET, for mails and pages without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from renwei.doors.foreign import segment
from renwei.doors.foreign.opening import Parsed

_NOT_OURS = ("data", "writeKey", "write_key", "api_key", "strict")
_encode = msgspec.json.Encoder().encode


def parse(kind: str, query: Mapping[str, str], *, received_us: int) -> Parsed:
    """The event of a pixel: in `data` (base64 of JSON), or field by field.

    `properties.dwell_ms=3000` and `properties[dwell_ms]=3000` are fields of properties.

    Raises:
        BadInput: `data` cannot be read.

    Example:
        >>> parse("page", {"anonymousId": "a1", "name": "home"}, received_us=0).incoming[0].name
        'home'
    """
    if "data" not in query:
        event = _event(query)
        return segment.parse(_encode(event), kind, received_us=received_us, query=query)
    return segment.parse(b"", kind, received_us=received_us, query=query)


def _event(query: Mapping[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = {}
    for name, text in query.items():
        if name in _NOT_OURS:
            continue
        outer, _, inner = name.replace("[", ".").replace("]", "").partition(".")
        if not inner:
            event[outer] = text
        elif isinstance(event.setdefault(outer, {}), dict):
            event[outer][inner] = text
    return event
