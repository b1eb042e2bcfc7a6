"""PostHog's wire: batches, single captures, base64 forms; its presets become plain context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.reading import Moment, plain_bytes, read_plain, refusal, to_replay
from renwei.collect.live.times import instant_us, skew_us
from renwei.core.errors import BadInput
from renwei.doors.foreign.opening import (
    Parsed,
    bad_json,
    form_of,
    is_form,
    json_of,
    opened,
    unpacked,
)
from renwei.doors.foreign.salvage import lines_of, pieces_of

_TYPES: Final = {
    "$identify": "identify",
    "$set": "identify",
    "$create_alias": "alias",
    "$merge_dangerously": "merge",
    "$groupidentify": "group",
    "$pageview": "page",
    "$pageleave": "page",
    "$screen": "screen",
}
_KEYS: Final = ("api_key", "token", "$token")


def parse(
    body: bytes, kind: str = "", *, received_us: int, query: Mapping[str, str] | None = None
) -> Parsed:
    """Read one request body.

    Args:
        body: As it came: JSON, gzip, or a form with base64 in `data`.
        kind: Taken for symmetry with the other wires; the body says everything.
        received_us: When it came, microseconds since 1970.
        query: `data` of a GET; `_` is when it was sent, in milliseconds.

    Raises:
        BadInput: As `renwei.doors.foreign.segment.parse`.

    Example:
        >>> sent = b'{"api_key": "k", "event": "Liked", "distinct_id": "u1", "properties": {}}'
        >>> parse(sent, received_us=0).incoming[0].user_id
        'u1'
    """
    query = query or {}
    text = _text_of(body or query.get("data", "").encode())
    try:
        value = json_of(text)
    except BadInput as error:
        pieces = lines_of(text) or pieces_of(text)
        if pieces is None:
            raise
        del error
        value = [_piece(piece) for piece in pieces]
    events, envelope = _split(value)
    sent_us = _instant(envelope.get("sent_at", query.get("_")))
    moment = Moment(received_us, skew_us(sent_us, received_us))
    key = _key_of(envelope) or next(filter(None, map(_key_of, events)), "")
    results = [_read(event, index, moment) for index, event in enumerate(events)]
    parsed = Parsed.of(results, key, sent_us)
    for one in parsed.refused:
        to_replay(one, moment)
    return parsed


def asker(body: bytes, query: Mapping[str, str] | None = None) -> str:
    """The key in a body that asks for flags, however it is packed; "" where there is none.

    Example:
        >>> asker(b'{"token": "k", "distinct_id": "u1"}'), asker(b"data=eyJ0b2tlbiI6ImsifQ=="), asker(b"?")
        ('k', 'k', '')
    """
    try:
        return _key_of(json_of(_text_of(body or (query or {}).get("data", "").encode())))
    except BadInput:
        return ""


def _text_of(body: bytes) -> bytes:
    text = opened(body)
    if text[:1] in (b"{", b"["):
        return text
    if is_form(text):
        return unpacked(form_of(text).get("data", ""))
    if text[:3] in (b"eyJ", b"W3s", b"H4s"):
        return unpacked(text.decode("latin-1"))
    raise bad_json(text, ValueError("no object and no list at byte 0"))


def _piece(piece: bytes) -> Any:
    try:
        return json_of(piece)
    except BadInput:
        return piece


def _split(value: Any) -> tuple[list[Any], dict[str, Any]]:
    if isinstance(value, list):
        return value, {}
    if not isinstance(value, dict):
        raise BadInput("not_events", found=type(value).__name__)
    for name in ("batch", "data"):
        if isinstance(value.get(name), list):
            return value[name], value
    return [value], value


def _key_of(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    inner = value.get("properties")
    for where in (value, inner if isinstance(inner, dict) else {}):
        for name in _KEYS:
            if isinstance(where.get(name), str) and where[name]:
                return str(where[name])
    return ""


def _instant(value: Any) -> int | None:
    return instant_us(value) if isinstance(value, str | int | float) else None


def _read(event: Any, index: int, moment: Moment) -> Incoming | Refusal:
    if isinstance(event, bytes):
        return refusal(index, ("", "bad_json", {"found": "a broken event"}), event, "posthog")
    raw = plain_bytes(event)
    if not isinstance(event, dict):
        values = {"found": type(event).__name__}
        return refusal(index, ("", "not_an_object", values), raw, "posthog")
    return read_plain(_plain(event, moment), raw, index, moment, wire="posthog")


def _plain(event: Mapping[str, Any], moment: Moment) -> dict[str, Any]:
    """The event in the words of the Segment specification."""
    name = event.get("event")
    given = event.get("properties")
    properties: Any = {} if given is None else given
    inner: dict[str, Any] = properties if isinstance(properties, dict) else {}
    kind = _TYPES.get(name, "track") if isinstance(name, str) else "track"
    once, facts = _object(event, inner, "$set_once"), _object(event, inner, "$set")
    plain: dict[str, Any] = {
        "type": kind,
        "messageId": event.get("uuid") or event.get("$insert_id") or inner.get("$insert_id"),
        "timestamp": _when(event, moment),
        "properties": properties,
        "context": _context(inner) | ({"once": sorted(once.keys() - facts)} if once else {}),
        **_names(kind, name, inner),
        **_ids(kind, event, inner),
    }
    if once or facts or kind == "identify":
        plain["traits"] = {**once, **facts}
    if kind == "group":
        plain["traits"] = inner.get("$group_set")
    return plain


def _object(event: Mapping[str, Any], inner: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = inner.get(name, event.get(name))
    return value if isinstance(value, dict) else {}


def _when(event: Mapping[str, Any], moment: Moment) -> Any:
    offset = event.get("offset")
    if event.get("timestamp") is None and isinstance(offset, int | float) and offset >= 0:
        # posthog-js in batches: how many milliseconds ago by its own clock.
        return (moment.received_us + moment.skew_us) / 1_000_000 - min(offset, 1e11) / 1_000
    return event.get("timestamp")


def _names(kind: str, name: Any, inner: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "page" and name == "$pageview":
        return {"name": _text(inner.get("title") or inner.get("$pathname")) or "$pageview"}
    if kind == "screen":
        return {"name": _text(inner.get("$screen_name")) or "$screen"}
    if kind == "group":
        return {"event": name, "groupId": inner.get("$group_key")}
    return {"event": name}


def _text(value: Any) -> str:
    return value[:300] if isinstance(value, str) else ""


def _ids(kind: str, event: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    distinct = event.get("distinct_id", inner.get("distinct_id", event.get("$distinct_id")))
    other = inner.get("alias")
    if kind == "alias":
        return {"userId": other, "previousId": inner.get("distinct_id", distinct)}
    if kind == "merge":
        return {"userId": distinct, "previousId": other}
    if kind == "group":
        # Servers make up an id for calls about a company.
        return {"anonymousId": distinct}
    device = inner.get("$anon_distinct_id") or inner.get("$device_id")
    unknown = inner.get("$is_identified") is False or inner.get("$user_state") == "anonymous"
    if unknown or (device is not None and device == distinct):
        return {"anonymousId": distinct}
    return {"userId": distinct, "anonymousId": device}


def _context(inner: Mapping[str, Any]) -> dict[str, Any]:
    def named(**names: str) -> dict[str, Any]:
        return {ours: inner[theirs] for ours, theirs in names.items() if inner.get(theirs)}

    parts = {
        "library": named(name="$lib", version="$lib_version"),
        "os": named(name="$os", version="$os_version"),
        "device": named(type="$device_type", manufacturer="$device_manufacturer"),
        "page": named(url="$current_url", path="$pathname", referrer="$referrer"),
        "network": named(type="$network_type"),
    }
    found: dict[str, Any] = {name: part for name, part in parts.items() if part}
    found |= named(locale="$browser_language", timezone="$timezone", ip="$ip")
    return found
