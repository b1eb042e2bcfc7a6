"""神策's wire (Sensors Data): forms of base64 of gzip of JSON, presets with a dollar sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.reading import Moment, id_of, plain_bytes, read_plain, refusal
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

ITEM_EVENTS: Final = {"item_set": "$item_set", "item_delete": "$item_delete"}
_PROFILE: Final = "profile_"
_PAGES: Final = {
    "$pageview": "page", "$WebPageLeave": "page", "$MPViewScreen": "screen",
    "$MPPageLeave": "screen", "$AppViewScreen": "screen", "$AppPageLeave": "screen",
}  # fmt: skip
_USERS: Final = ("$identity_login_id",)
_VISITORS: Final = (
    "$identity_cookie_id",
    "$identity_anonymous_id",
    "$identity_android_id",
    "$identity_android_uuid",
    "$identity_idfv",
    "$identity_ios_uuid",
    "$identity_distinct_id",
)
_CONTACTS: Final = {
    "$identity_email": "email",
    "$identity_mobile": "phone",
    "$mini_program_openid": "openid",
    "$identity_mp_openid": "openid",
    "$mp_openid": "openid",
    "$mp_unionid": "unionid",
    "$identity_mp_unionid": "unionid",
}
_NOT_TRAITS: Final = ("$is_login_id", "$lib", "$app_version")
_TITLES: Final = ("$title", "$screen_name", "$url_path")


def parse(
    body: bytes, kind: str = "", *, received_us: int, query: Mapping[str, str] | None = None
) -> Parsed:
    """Read one request.

    Args:
        body: A form with `data` or `data_list`, or JSON; empty for a pixel (/sa.gif?data=).
        kind: Taken for symmetry with the other wires; the body says everything.
        received_us: When it came, microseconds since 1970.
        query: `project` or `token` is the write key; `data` the event of a GET.

    Raises:
        BadInput: As `renwei.doors.foreign.segment.parse`.

    Example:
        >>> sent = b'{"type":"track","event":"Liked","distinct_id":"u1","properties":{}}'
        >>> parse(sent, received_us=0).incoming[0].name
        'Liked'
    """
    query = query or {}
    form: Mapping[str, str] = query
    if body:
        text, form = _text_of(body)
    else:
        text = unpacked(query.get("data") or query.get("data_list") or "")
    events = _events(text)
    moment = Moment(received_us)
    results = [_read(event, index, moment) for index, event in enumerate(events)]
    key = next(
        (
            where[name]
            for where in (query, form)
            for name in ("token", "project")
            if where.get(name)
        ),
        "",
    )
    return Parsed.of(results, key or _project(events))


def _text_of(body: bytes) -> tuple[bytes, Mapping[str, str]]:
    text = opened(body)
    if text[:1] in (b"{", b"["):
        return text, {}
    if is_form(text):
        form = form_of(text)
        return unpacked(form.get("data_list") or form.get("data") or ""), form
    if text[:3] in (b"eyJ", b"W3s", b"H4s"):
        return unpacked(text.decode("latin-1")), {}
    raise bad_json(text, ValueError("no object and no list at byte 0"))


def _events(text: bytes) -> list[Any]:
    try:
        value = json_of(text)
    except BadInput:
        pieces = lines_of(text) or pieces_of(text)
        if pieces is None:
            raise
        return [_piece(piece) for piece in pieces]
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return value
    raise BadInput("not_events", found=type(value).__name__)


def _piece(piece: bytes) -> Any:
    try:
        return json_of(piece)
    except BadInput:
        return piece


def _project(events: list[Any]) -> str:
    first = events[0] if events else None
    if not isinstance(first, dict):
        return ""
    given = first.get("token") or first.get("project")
    return given if isinstance(given, str) else ""


def _read(event: Any, index: int, moment: Moment) -> Incoming | Refusal:
    if isinstance(event, bytes):
        return refusal(index, ("", "bad_json", {"found": "a broken event"}), event, "sensors")
    raw = plain_bytes(event)
    if not isinstance(event, dict):
        values = {"found": type(event).__name__}
        return refusal(index, ("", "not_an_object", values), raw, "sensors")
    if str(event.get("type")) in ITEM_EVENTS:
        return _item(event, raw, index)
    return read_plain(_plain(event), raw, index, moment, wire="sensors")


def _item(event: Mapping[str, Any], raw: bytes, index: int) -> Incoming | Refusal:
    """What is said of a product, not of a person."""
    code = event.get("item_id")
    number = id_of(code) if isinstance(code, str | int | float) else ""
    if not number:
        return refusal(index, ("item_id", "no_item", {}), raw, "sensors")
    given = event.get("properties")
    properties = dict(given) if isinstance(given, dict) else {}
    return Incoming(
        index=index,
        kind="track",
        name=ITEM_EVENTS[str(event["type"])],
        message_id=f"item|{event.get('item_type')}|{number}|{event.get('time')}",
        properties={**properties, "product_id": number, "item_type": event.get("item_type")},
        wire="sensors",
    )


def _plain(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event in the words of the Segment specification."""
    kind, given = event.get("type"), event.get("properties")
    properties: Any = {} if given is None else given
    inner: dict[str, Any] = properties if isinstance(properties, dict) else {}
    plain: dict[str, Any] = {
        "messageId": _message_id(event),
        "timestamp": event.get("time"),
        "sentAt": None if event.get("time_free") else event.get("_flush_time"),
        "properties": properties,
        "context": _context(event, inner),
        **_ids(event, inner),
    }
    identities = event.get("identities")
    contacts = {
        ours: identities[theirs]
        for theirs, ours in _CONTACTS.items()
        if isinstance(identities, dict) and identities.get(theirs)
    }
    if isinstance(kind, str) and kind.startswith(_PROFILE):
        plain |= {"type": "identify", "traits": _traits(given) | contacts, "properties": {}}
        plain["context"] = plain["context"] | {"op": kind.removeprefix(_PROFILE)}
    elif kind in ("track_signup", "track_id_bind"):
        plain |= _signup(event, inner, contacts)
    elif kind in ("track", "track_id_unbind"):
        name = event.get("event")
        plain |= {"type": _PAGES.get(name, "track") if isinstance(name, str) else "track"}
        plain |= {"event": _page_name(inner) or name if plain["type"] != "track" else name}
        if contacts:
            plain["traits"] = contacts
    else:
        plain["type"] = kind
    return plain


def _traits(given: Any) -> dict[str, Any]:
    if isinstance(given, list):
        # profile_unset may list names.
        return {str(name): None for name in given if isinstance(name, str)}
    if not isinstance(given, dict):
        return {}
    return {name: value for name, value in given.items() if not name.startswith(_NOT_TRAITS)}


def _signup(
    event: Mapping[str, Any], inner: Mapping[str, Any], contacts: Mapping[str, Any]
) -> dict[str, Any]:
    previous = event.get("original_id")
    if previous and previous != event.get("distinct_id"):
        return {"type": "alias", "userId": event.get("distinct_id"), "previousId": previous}
    return {"type": "identify", "traits": dict(contacts), "properties": dict(inner)}


def _page_name(inner: Mapping[str, Any]) -> str:
    for key in _TITLES:
        if isinstance(inner.get(key), str) and inner[key]:
            return str(inner[key])[:300]
    return ""


def _message_id(event: Mapping[str, Any]) -> str | None:
    track = event.get("_track_id")
    if not isinstance(track, int | str):
        return None
    # A random number of 32 bits alone would meet itself among millions of events.
    return f"{track}|{event.get('time')}|{event.get('distinct_id')}"[:512]


def _ids(event: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    distinct, named = event.get("distinct_id"), event.get("identities")
    identities: Mapping[str, Any] = named if isinstance(named, dict) else {}
    user = event.get("login_id") or _first(identities, _USERS)
    visitor = event.get("anonymous_id") or _first(identities, _VISITORS)
    if not user and inner.get("$is_login_id") is True:
        user = distinct
    if not user and distinct == visitor:
        return {"anonymousId": visitor}
    if not user:
        # One space of ids: whether it is a visitor shows when somebody signs up with it.
        user = distinct
    return {"userId": user, "anonymousId": None if visitor == user else visitor}


def _first(identities: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((identities[name] for name in names if identities.get(name)), None)


def _context(event: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    def named(**names: str) -> dict[str, Any]:
        return {ours: inner[theirs] for ours, theirs in names.items() if inner.get(theirs)}

    parts = {
        "os": named(name="$os", version="$os_version"),
        "device": named(manufacturer="$manufacturer", model="$model", id="$device_id"),
        "network": named(type="$network_type", carrier="$carrier"),
        "page": named(url="$url", path="$url_path", referrer="$referrer"),
        "app": named(version="$app_version", name="$app_name"),
    }
    found: dict[str, Any] = {name: part for name, part in parts.items() if part}
    return found | named(ip="$ip", locale="$language") | {"library": event.get("lib")}
