"""An incoming event to what the log keeps: a kind, an open body without personal data, the rest.

Open are short structured values alone: numbers and known words. Everything else that was sent
is the rest; it is sealed under the actor's own key, so that forgetting the key shreds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from renwei.collect.live.checking import place_of
from renwei.collect.live.contexts import Context
from renwei.collect.live.incoming import Incoming
from renwei.collect.live.naming import (
    DAY_MS,
    KEYS,
    LOOKS,
    dwell_of,
    event_kind,
    found,
    is_look,
    number_of,
    text_of,
)
from renwei.collect.live.reading import plain_bytes
from renwei.collect.live.shapes import shape_of
from renwei.collect.live.traits import Told, clean, consents_in, is_close, traits_of

_PLACE_KEYS: Final = KEYS["latitude"] | KEYS["longitude"]
_KEYWORD_KEYS: Final = KEYS["keyword"]
_NOT_KEPT: Final = frozenset(
    "library consent screen userAgent userAgentData ip integrations $ip active".split()  # noqa: SIM905
)
"""Context that nothing reads; what is not kept cannot leak."""
_NAMES_A_PLACE: Final = re.compile(
    r"location|geofence|position updated|位置|定位|地理围栏", re.IGNORECASE
)
_NETS: Final = frozenset("wifi cellular ethernet none slow-2g 2g 3g 4g 5g offline".split())  # noqa: SIM905
_DECISION: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_LANGUAGE: Final = re.compile(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}$")
_EDGES: Final = 200
Keyed = Callable[[str], bytes]
Body = dict[str, Any]
encode = msgspec.json.Encoder().encode


def kind_of(one: Incoming, *, has_product: bool) -> str:
    """Our kind of an event; "paid", "refunded", "closed", "changed" are orders.

    Example:
        >>> kind_of(Incoming(index=0, kind="track", name="Product Liked"), has_product=True)
        'like'
        >>> kind_of(Incoming(index=0, kind="page", name="Home"), has_product=False)
        'page'
    """
    if one.kind == "track":
        return event_kind(one.name) or _unlisted(one, has_product=has_product)
    if one.kind in LOOKS:
        if has_product:
            return "view"
        return "search" if not _KEYWORD_KEYS.isdisjoint(one.properties) else one.kind
    return "identify" if one.kind == "merge" else one.kind


def _unlisted(one: Incoming, *, has_product: bool) -> str:
    if has_product:
        return "view" if is_look(one.name) else "track"
    if not _KEYWORD_KEYS.isdisjoint(one.properties):
        return "search"
    if not _PLACE_KEYS.isdisjoint(one.properties) and _NAMES_A_PLACE.search(one.name):
        return "location"
    return "track"


def body_of(one: Incoming, kind: str, *, item: int, keyed: Keyed) -> Body:
    """The open part of an event."""
    body = _BODIES.get(kind, _named)(one, kind, item, keyed)
    body["wire"] = one.wire
    context = _short_context(one)
    if context:
        body["ctx"] = context
    if (one.traits and one.kind != "group") or "consent" in one.context or "op" in one.context:
        _add_told(body, one)
    return body


def rest_of(one: Incoming, body: Body, *, without_place: bool) -> bytes:
    """What is sealed: properties, traits and context as sent, b"" where there is nothing."""
    rest: dict[str, Any] = {}
    if one.properties:
        rest["p"] = _placeless(one.properties) if without_place else one.properties
    if one.traits:
        rest["t"] = one.traits
    if one.context:
        context = _rest_of_context(one.context, without_place=without_place)
        if context:
            rest["c"] = context
    if not body.get("name") and one.name:
        rest["n"] = one.name
    if one.group_id:
        rest["g"] = one.group_id
    if not rest:
        return b""
    try:
        return encode(rest)
    except (OverflowError, ValueError, RecursionError):
        if "c" in rest:
            rest["c"] = _kept(one.context, without_place=without_place)
        return plain_bytes(rest)


def _rest_of_context(
    context: dict[str, Any], *, without_place: bool
) -> dict[str, Any] | msgspec.Raw:
    if without_place or type(context) is not Context:
        return _kept(context, without_place=without_place)
    if context.rest is None:
        kept = _kept(context, without_place=False)
        context.rest = msgspec.Raw(plain_bytes(kept) if kept else b"")
    return context.rest


def _kept(context: Mapping[str, Any], *, without_place: bool) -> dict[str, Any]:
    kept = {name: context[name] for name in context if name not in _NOT_KEPT}
    if without_place:
        kept.pop("location", None)
    return kept


def has_place(one: Incoming) -> bool:
    """Whether an event tells where somebody is."""
    if not _PLACE_KEYS.isdisjoint(one.properties):
        return True
    location = one.context.get("location")
    return type(location) is dict and not _PLACE_KEYS.isdisjoint(location)


def coordinates(one: Incoming) -> tuple[float, float] | None:
    """Where an event says that it happened: latitude and longitude, or None."""
    if not _PLACE_KEYS.isdisjoint(one.properties):
        return place_of(one.properties)
    location = one.context.get("location")
    return place_of(location) if type(location) is dict else None


def _placeless(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in _PLACE_KEYS}


# The open bodies, by kind.


def _named(one: Incoming, kind: str, item: int, keyed: Keyed) -> Body:
    return {"name": shown(one.name)}


def _look(one: Incoming, kind: str, item: int, keyed: Keyed) -> Body:
    properties = one.properties
    body: Body = {"name": shown(one.name)}
    shape = shape_of(properties)
    looked = dwell_of(properties, "view", shape.dwell) if shape.dwell else None
    if looked is not None and looked[1] and 0 < looked[1] <= DAY_MS:
        body["dwell_ms"] = round(looked[1])
    if kind in ("view", "shown"):
        _add_decision(body, one)
        if "list" in shape.fields and (text := clean(text_of(found(properties, "list")))):
            body["list"] = text
        if "position" in shape.fields:
            position = number_of(found(properties, "position"))
            if position is not None and 0 <= position < 100_000:
                body["position"] = int(position)
    else:
        body["path"] = _path_of(one)
    return body


def _add_decision(body: Body, one: Incoming) -> None:
    """Which decision of ours put it there; what is no id of ours is not kept open."""
    if "decision" in shape_of(one.properties).fields:
        told = text_of(found(one.properties, "decision"))
        if _DECISION.fullmatch(told):
            body["decision"] = told


def _search(one: Incoming, kind: str, item: int, keyed: Keyed) -> Body:
    return {"keyword": clean(text_of(found(one.properties, "keyword")))}


def _social(one: Incoming, kind: str, item: int, keyed: Keyed) -> Body:
    properties = one.properties
    creator = clean(text_of(found(properties, "creator")))
    post = text_of(found(properties, "post"))
    body: Body = {"on": "item" if item else "post" if post else "creator" if creator else "post"}
    if creator:
        body["creator"] = creator
    if post and not item:
        body["post"] = keyed(f"post|{post}")[:8].hex()
    return body


def _follow(one: Incoming, kind: str, item: int, keyed: Keyed) -> Body:
    properties = one.properties
    creator = text_of(found(properties, "creator")) or text_of(properties.get("name"))
    return {"creator": clean(creator)}


def _cart(one: Incoming, kind: str, item: int, keyed: Keyed) -> Body:
    told = number_of(found(one.properties, "quantity"))
    body: Body = {"quantity": max(1, min(round(told), 100_000)) if told is not None else 1}
    _add_decision(body, one)
    return body


def _group(one: Incoming, kind: str, item: int, keyed: Keyed) -> Body:
    return {"group": keyed(f"group|{one.group_id}")[:8].hex()} if one.group_id else {}


def _place(one: Incoming, kind: str, item: int, keyed: Keyed) -> Body:
    return {}


_BODIES: Final = {
    "view": _look, "shown": _look, "page": _look, "screen": _look, "search": _search, "like": _social,
    "unlike": _social, "comment": _social, "share": _social, "wish": _social, "follow": _follow,
    "unfollow": _follow, "cart": _cart, "uncart": _cart, "checkout": _cart, "group": _group,
    "location": _place, "identify": _group, "alias": _group,
}  # fmt: skip


def _add_told(body: Body, one: Incoming) -> None:
    told = traits_of(one.traits) if one.traits and one.kind not in ("merge", "group") else Told()
    consents = told.consents + consents_in(one.context)
    facts = {name: value for name, value in told.facts.items() if not is_close(name)}
    if facts:
        body["facts"] = facts
    if told.texts or len(facts) < len(told.facts):
        body["texts"] = True
    if consents:
        body["consent"] = consents
    how = one.context.get("op")
    if type(how) is str and how in ("set_once", "increment", "append", "unset", "delete"):
        body["op"] = how
    once = one.context.get("once")
    if type(once) is list and "facts" in body:
        body["once"] = [name for name in once if type(name) is str and name in facts]


@lru_cache(maxsize=20_000)
def shown(name: str) -> str:
    """The name of an event where it may stand open, else ""."""
    return clean(name.strip(), _EDGES)


def _path_of(one: Incoming) -> str:
    path = found(one.properties, "path")
    page = one.context.get("page")
    if path is None and type(page) is dict:
        path = page.get("path") or page.get("url")
    if path is None:
        path = found(one.properties, "url")
    return open_path(path[:2_000]) if type(path) is str else ""


@lru_cache(maxsize=20_000)
def open_path(path: str) -> str:
    """The path of a page without host, query and whatever in it may be somebody's.

    Example:
        >>> open_path("https://shop.example/u/13912345678/cart?x=1"), open_path("/a/b")
        ('/u/#/cart', '/a/b')
    """
    try:
        bare = urlsplit(path).path if "://" in path else path
    except ValueError:
        return ""
    bare = bare.partition("?")[0].partition("#")[0]
    parts = [part if _is_plain(part) else "#" for part in bare.split("/")]
    return "/".join(parts)[:_EDGES]


def _is_plain(part: str) -> bool:
    return not part or ("%" not in part and "=" not in part and clean(part) == part)


# The short context.


def _short_context(one: Incoming) -> dict[str, Any]:
    context = one.context
    if type(context) is not Context:
        return _shortened(context) if context else {}
    if context.short is None:
        context.short = _shortened(context)
    return context.short


def _shortened(context: Mapping[str, Any]) -> dict[str, Any]:
    found_context: dict[str, Any] = {}
    agent = context.get("userAgent")
    device, system = _of_agent(agent) if type(agent) is str else ("", "")
    told = context.get("os")
    if type(told) is dict and type(told.get("name")) is str:
        system = _system(told["name"])
    told = context.get("device")
    if type(told) is dict and type(told.get("type")) is str:
        device = _device(told["type"]) or device
    if device:
        found_context["device"] = device
    if system:
        found_context["os"] = system
    net = _net(context.get("network"))
    if net:
        found_context["net"] = net
    locale = context.get("locale")
    if type(locale) is str and _is_language(locale):
        found_context["lang"] = locale
    return found_context


@lru_cache(maxsize=5_000)
def _is_language(locale: str) -> bool:
    return len(locale) <= 12 and _LANGUAGE.match(locale) is not None


def _net(network: Any) -> str:
    if type(network) is not dict:
        return ""
    if network.get("wifi") is True:
        return "wifi"
    for name in ("type", "effectiveType"):
        told = network.get(name)
        if type(told) is str and told.casefold() in _NETS:
            return told.casefold()
    return "cellular" if network.get("cellular") is True else ""


@lru_cache(maxsize=5_000)
def _system(name: str) -> str:
    lower = name.casefold()
    for ours, words in _SYSTEMS:
        if any(word in lower for word in words):
            return ours
    return "other"


_SYSTEMS: Final = (
    ("harmony", ("harmony", "鸿蒙", "openharmony")),
    ("android", ("android",)),
    ("ios", ("ios", "ipados", "iphone", "ipad")),
    ("windows", ("windows", "win32")),
    ("mac", ("mac", "darwin", "os x")),
    ("linux", ("linux", "ubuntu", "cros")),
)


@lru_cache(maxsize=5_000)
def _device(kind: str) -> str:
    lower = kind.casefold()
    if lower in ("ios", "android", "mobile", "phone", "smartphone", "手机"):
        return "mobile"
    if lower in ("tablet", "ipad", "平板"):
        return "tablet"
    return "desktop" if lower in ("desktop", "web", "pc", "laptop", "电脑") else ""


@lru_cache(maxsize=20_000)
def _of_agent(agent: str) -> tuple[str, str]:
    if "iPad" in agent or "Tablet" in agent:
        return "tablet", _system(agent)
    is_mobile = "Mobi" in agent or "iPhone" in agent or "Android" in agent
    return "mobile" if is_mobile else "desktop", _system(agent)
