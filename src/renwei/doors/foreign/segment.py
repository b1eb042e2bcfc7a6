"""Segment's and RudderStack's wire: single calls, batches, the short paths, forms, pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.reading import KINDS, Moment, read, to_replay
from renwei.collect.live.times import instant_us, skew_us
from renwei.core.errors import BadInput
from renwei.doors.foreign.opening import Parsed, bad_json, form_of, is_form, opened, unpacked
from renwei.doors.foreign.salvage import lines_of, pieces_of

SHORT: Final = {
    "t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias",
    "b": "batch", "import": "batch",
}  # fmt: skip
"""The short paths of analytics-next and what they stand for."""
Time = str | int | float | None


class _Body(msgspec.Struct, gc=False):
    batch: list[msgspec.Raw] | None = None
    sentAt: Time = None  # noqa: N815
    writeKey: str | None = None  # noqa: N815


class _Loose(msgspec.Struct, gc=False):
    batch: list[msgspec.Raw] | None = None
    sentAt: Any = None  # noqa: N815
    writeKey: Any = None  # noqa: N815


_body: Final = msgspec.json.Decoder(_Body).decode
_loose: Final = msgspec.json.Decoder(_Loose).decode
_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def parse(
    body: bytes,
    kind: str,
    *,
    received_us: int,
    query: Mapping[str, str] | None = None,
    wire: str = "segment",
) -> Parsed:
    """Read one request body.

    Args:
        body: As it came, compressed or not.
        kind: The last word of the path: track, t, batch, b, import ...; "" = as the body says.
        received_us: When it came, microseconds since 1970.
        query: The query of the request; a pixel (GET) has its event in `data`.
        wire: "segment" or "rudder".

    Raises:
        BadInput: The body as a whole cannot be read: `empty_body`, `bad_json` (line, column,
            byte), `body_too_large` (limit, size), `bad_gzip`, `bad_form`, `bad_base64`,
            `not_events`.

    Example:
        >>> sent = b'{"userId": "u1", "event": "Product Liked", "properties": {"product_id": 7}}'
        >>> parse(sent, "track", received_us=0).incoming[0].name
        'Product Liked'
    """
    kind = SHORT.get(kind, kind)
    body = body or (query or {}).get("data", "").encode()
    text = _text_of(body)
    events, envelope, whole = _split(text)
    sent_at = envelope.sentAt
    sent_us = instant_us(sent_at) if isinstance(sent_at, str | int | float) else None
    # A single call says itself when it was sent; `read` sees to it.
    moment = Moment(received_us, skew_us(sent_us, received_us))
    usual = kind if kind in KINDS else ""
    key = envelope.writeKey if isinstance(envelope.writeKey, str) else ""
    results: list[Incoming | Refusal] = [
        read(raw, index, moment, kind=usual, wire=wire) for index, raw in enumerate(events)
    ]
    if not whole and usual:
        results = [_as_called(one, usual) for one in results]
    parsed = Parsed.of(results, key or (query or {}).get("writeKey", ""), sent_us)
    for one in parsed.refused:
        to_replay(one, moment, usual)
    return parsed


def _as_called(one: Incoming | Refusal, kind: str) -> Incoming | Refusal:
    """A body that came by /v1/track is a track, whatever it calls itself (Segment's rule)."""
    if type(one) is Incoming and one.kind != kind and "merge" not in (kind, one.kind):
        one.kind = kind
    return one


def _text_of(body: bytes) -> bytes:
    text = opened(body)
    if text[:1] in (b"{", b"["):
        return text
    if is_form(text):
        form = form_of(text)
        return unpacked(form.get("data") or form.get("data_list") or "")
    # sendBeacon and pixels may send bare base64.
    if text[:3] in (b"eyJ", b"W3s", b"H4s"):
        return unpacked(text.decode("latin-1"))
    raise bad_json(text, ValueError("no object and no list at byte 0"))


def _split(text: bytes) -> tuple[Sequence[bytes | msgspec.Raw], _Body | _Loose, bool]:
    """The events of a body, its envelope, and whether it is a batch."""
    if text[:1] == b"[":
        return _items(text), _Body(), True
    try:
        envelope: _Body | _Loose = _envelope(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return _salvaged(text, error), _Body(), True
    if envelope.batch is None:
        return [text], envelope, False
    return envelope.batch, envelope, True


def _envelope(text: bytes) -> _Body | _Loose:
    try:
        return _body(text)
    except msgspec.ValidationError:
        # An odd sentAt or key must not cost the events.
        pass
    try:
        return _loose(text)
    except msgspec.ValidationError as error:
        raise BadInput("not_events", found=str(error)[:120]) from error


def _items(text: bytes) -> Sequence[bytes | msgspec.Raw]:
    try:
        return _list(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return _salvaged(text, error)


def _salvaged(text: bytes, error: Exception) -> Sequence[bytes]:
    found = lines_of(text) or pieces_of(text)
    if not found:
        raise bad_json(text, error) from error
    return found
