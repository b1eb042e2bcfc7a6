"""One event in the shape of the Segment specification: read, checked, or refused with a reason.

Every wire ends here, and so does a refused event that is tried again.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import msgspec

from renwei.collect.live.checking import Fault, fault_in
from renwei.collect.live.contexts import context_of
from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.times import AHEAD_US, EARLIEST_US, instant_us, skew_us

EVENT_LIMIT: Final = 32 * 1024
KINDS: Final = frozenset(("track", "identify", "page", "screen", "group", "alias", "merge"))
_ID_LIMIT: Final = 512
_IDS: Final = ("userId", "anonymousId", "previousId", "groupId")
_NAME_LIMIT: Final = 300
_SHOWN: Final = 2_048
"""Of an event that is too large only the beginning is kept."""
_NOBODY: Final = frozenset(
    "null (null) undefined none nil nan 0 -1 anonymous unknown false true [object object] n/a 匿名 未知".split()  # noqa: SIM905
) | {"[object object]"}
Id = str | int | float | None
Time = str | int | float | None


class Sent(msgspec.Struct, gc=False):
    """An event as it is written, but its context; names as in the Segment specification."""

    type: str | None = None
    event: str | None = None
    name: str | None = None
    userId: Id = None  # noqa: N815
    anonymousId: Id = None  # noqa: N815
    previousId: Id = None  # noqa: N815
    groupId: Id = None  # noqa: N815
    messageId: str | int | None = None  # noqa: N815
    timestamp: Time = None
    originalTimestamp: Time = None  # noqa: N815
    sentAt: Time = None  # noqa: N815
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    category: str | None = None
    mergeProperties: list[dict[str, Any]] | None = None  # noqa: N815


class _Whole(Sent, gc=False):
    context: dict[str, Any] | None = None


class _Bytes(Sent, gc=False):
    context: msgspec.Raw = msgspec.Raw()


class Moment(msgspec.Struct, frozen=True):
    """When a body arrived, and how far its sender's clock is ahead; microseconds."""

    received_us: int
    skew_us: int = 0


_decode = msgspec.json.Decoder(_Bytes).decode
_decode_whole = msgspec.json.Decoder(_Whole).decode


def read(
    raw: bytes | msgspec.Raw, index: int, moment: Moment, *, kind: str = "", wire: str = "segment"
) -> Incoming | Refusal:
    """Read one event from its bytes.

    Args:
        raw: One JSON object.
        index: Where it stands in its body.
        moment: When it arrived.
        kind: What it is where it does not say (the path it came by).
        wire: The family of the SDK.

    Example:
        >>> read(b'{"type": "track", "event": "Liked", "userId": 7}', 0, Moment(0)).user_id
        '7'
        >>> read(b'{"type": "trakc", "userId": "u"}', 3, Moment(0)).code
        'unknown_type'
    """
    size = len(memoryview(raw))
    if size > EVENT_LIMIT:
        return _too_large(bytes(raw), size, index, wire)
    try:
        sent, context = _opened(raw)
    except msgspec.ValidationError as error:
        fault = _wrong_type(str(error))
        return refusal(index, fault, bytes(raw), wire)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, OverflowError) as error:
        return refusal(index, ("", "bad_json", {"found": str(error)[:120]}), bytes(raw), wire)
    return judged(sent, context, (raw, size), index, moment, kind=kind, wire=wire)


def _opened(raw: bytes | msgspec.Raw) -> tuple[Sent, dict[str, Any]]:
    sent = _decode(raw)
    try:
        return sent, context_of(sent.context)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Read with the rest, it says where the fault is.
        whole = _decode_whole(raw)
        return whole, whole.context or {}


def read_plain(
    plain: dict[str, Any], raw: bytes, index: int, moment: Moment, *, wire: str
) -> Incoming | Refusal:
    """Read one event that another wire has put into the same words; `raw` is what it sent."""
    if len(raw) > EVENT_LIMIT:
        return _too_large(raw, len(raw), index, wire)
    try:
        sent = msgspec.convert(plain, _Whole)
    except (msgspec.ValidationError, RecursionError) as error:
        result: Incoming | Refusal = refusal(index, _wrong_type(str(error)), raw, wire)
    else:
        whole = raw, len(raw)
        result = judged(sent, sent.context or {}, whole, index, moment, kind="", wire=wire)
    if type(result) is Refusal:
        result.plain = plain_bytes(plain)
    return result


def plain_bytes(value: Any) -> bytes:
    """JSON of what came as JSON, whatever its numbers."""
    try:
        return msgspec.json.encode(value)
    except (OverflowError, ValueError, RecursionError):
        # Whole numbers beyond 64 bits; nothing deeper than what was read.
        return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace")


def judged(
    sent: Sent,
    context: dict[str, Any],
    came: tuple[bytes | msgspec.Raw, int],
    index: int,
    moment: Moment,
    *,
    kind: str,
    wire: str,
) -> Incoming | Refusal:
    """Check what an event says; the first fault refuses it. `came`: its bytes and their size."""
    raw, size = came
    kind = sent.type or kind
    name = sent.event or sent.name or sent.category or ""
    properties = sent.properties or {}
    user = "" if sent.userId is None else id_of(sent.userId)
    anonymous = "" if sent.anonymousId is None else id_of(sent.anonymousId)
    at_us, fault = _time_of(sent, moment)
    fault = (
        fault
        or _shape_fault(sent, kind, name)
        or (None if user or anonymous else _nobody(sent, context))
        or fault_in(kind, name, properties, context)
    )
    message_id = "" if sent.messageId is None else str(sent.messageId)
    if fault is not None:
        return refusal(index, fault, bytes(raw), wire, message_id)
    traits = sent.traits
    if traits is None:
        traits = context.get("traits") if kind == "identify" else None
    return Incoming(
        index=index,
        kind=kind,
        name=name,
        message_id=message_id[:_ID_LIMIT] or _made_id(raw, index, moment, timed=at_us is not None),
        user_id=user,
        anonymous_id=anonymous,
        previous_id="" if sent.previousId is None else id_of(sent.previousId),
        group_id="" if sent.groupId is None else id_of(sent.groupId),
        at_us=at_us,
        properties=properties,
        traits=_merged(sent) if kind == "merge" else traits if type(traits) is dict else {},
        context=context,
        size=size,
        wire=wire,
    )


def to_replay(refused: Refusal, moment: Moment, kind: str = "") -> None:
    """Note on a refusal what the body around it said: the sender's clock, the kind of call."""
    refused.skew_us = moment.skew_us
    if not kind or refused.plain or b'"type"' in refused.raw:
        return
    try:
        value = msgspec.json.decode(refused.raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return
    if isinstance(value, dict):
        refused.plain = plain_bytes({"type": kind, **value})


def refusal(index: int, fault: Fault, raw: bytes, wire: str, message_id: str = "") -> Refusal:
    """A refusal of one event."""
    field, code, values = fault
    return Refusal(
        index=index,
        field=field,
        code=code,
        values=values,
        message_id=message_id[:_ID_LIMIT],
        raw=raw,
        wire=wire,
    )


def id_of(value: Id) -> str:
    """An identifier as text; "" for what stands for nobody.

    Example:
        >>> id_of(" u1 "), id_of(42), id_of(42.0), id_of("undefined"), id_of("000-000")
        ('u1', '42', '42', '', '')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if len(text) <= 15 and text.casefold() in _NOBODY:
        return ""
    # 00000000-0000-0000-0000-000000000000, which is what iOS says after "do not track".
    return text if text[:1] != "0" or text.strip("0-") else ""


def _shape_fault(sent: Sent, kind: str, name: str) -> Fault | None:
    if kind not in KINDS:
        return ("type", "unknown_type" if kind else "no_type", {"value": kind[:60]})
    if len(name) > _NAME_LIMIT:
        return "event", "too_long", {"limit": _NAME_LIMIT, "size": len(name)}
    for value in (sent.userId, sent.anonymousId, sent.previousId, sent.groupId):
        if value is not None and type(value) is str and len(value) > _ID_LIMIT:
            field = next(name for name in _IDS if getattr(sent, name) is value)
            return field, "too_long", {"limit": _ID_LIMIT, "size": len(value)}
    return _missing(sent, kind, name)


def _missing(sent: Sent, kind: str, name: str) -> Fault | None:
    if kind == "track" and not name.strip():
        return "event", "no_name", {}
    if kind == "group" and not id_of(sent.groupId):
        return "groupId", "no_group", {}
    if kind in ("alias", "merge") and not (id_of(sent.previousId) or sent.mergeProperties):
        return "previousId", "no_previous", {}
    return None


def _nobody(sent: Sent, context: dict[str, Any]) -> Fault | None:
    device = context.get("device")
    if type(device) is dict and type(device.get("id")) is str and id_of(device["id"]):
        return None
    if sent.mergeProperties:
        return None
    for field in ("userId", "anonymousId"):
        value = getattr(sent, field)
        if value is not None and str(value).strip():
            return field, "placeholder_id", {"value": str(value)[:60]}
    return "userId", "nobody", {}


def _time_of(sent: Sent, moment: Moment) -> tuple[int | None, Fault | None]:
    """When it happened by our clock, microseconds; None where it does not say."""
    written = sent.originalTimestamp
    field = "originalTimestamp"
    if written is None:
        written, field = sent.timestamp, "timestamp"
    if written is None:
        return None, None
    own = instant_us(written)
    if own is None:
        return None, (field, "bad_timestamp", {"value": str(written)[:60]})
    skew = moment.skew_us
    if sent.sentAt is not None and not skew:
        skew = skew_us(instant_us(sent.sentAt), moment.received_us)
    at_us = own - skew
    if at_us <= moment.received_us:
        if at_us < EARLIEST_US:
            return None, (field, "too_old", {"value": str(written)[:60]})
        return at_us, None
    if at_us > moment.received_us + AHEAD_US:
        return None, (field, "in_future", {"value": str(written)[:60]})
    return moment.received_us, None


def _made_id(raw: bytes | msgspec.Raw, index: int, moment: Moment, *, timed: bool) -> str:
    """An id for an event that came without; one without a time too is another each time."""
    made = hashlib.blake2b(memoryview(raw), digest_size=16)
    if not timed:
        made.update(b"%d|%d" % (moment.received_us, index))
    return "r" + made.hexdigest()


def _merged(sent: Sent) -> dict[str, Any]:
    """RudderStack's merge names identifiers by kind."""
    pairs = sent.mergeProperties or []
    return {
        str(pair["type"])[:60]: pair["value"]
        for pair in pairs
        if "type" in pair and "value" in pair
    }


def _too_large(raw: bytes, size: int, index: int, wire: str) -> Refusal:
    values = {"limit": EVENT_LIMIT, "size": size}
    return refusal(index, ("", "event_too_large", values), raw[:_SHOWN], wire)


def _wrong_type(message: str) -> Fault:
    """A fault from what msgspec says: "Expected `str | null`, got `array` - at `$.event`"."""
    found, _, where = message.partition(" - at `$")
    field = where.rstrip("`").lstrip(".")
    if not field:
        return "", "not_an_object", {"found": found.partition("got ")[2].strip("`")[:40]}
    return field, "wrong_type", {"found": found[:120]}
