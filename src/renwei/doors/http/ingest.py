"""Where SDKs send events: the wires of Segment, RudderStack, PostHog and Sensors Data.

Raw ASGI without a router, because most requests that a shop's server ever gets end here:
a dictionary finds the wire, its parser reads the bytes, the key is checked, intake commits,
and only then is success said. A client's mistake is never answered with a 5xx.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Match

from renwei.app.house import House
from renwei.core.clock import to_us
from renwei.core.errors import BadInput, Refused, RenweiError, Unavailable
from renwei.doors.foreign import posthog, segment, sensors
from renwei.doors.foreign.opening import Parsed, form_of
from renwei.doors.http import ingest_pixel
from renwei.doors.http.ingest_answers import Answer, fault_answer, preflight, results, success
from renwei.doors.http.ingest_body import GoneError, Receive, Send, SlowError, whole_body
from renwei.doors.http.ingest_keys import Rate, key_in_headers, key_in_query
from renwei.doors.http.ingest_paths import PATHS, SETTINGS, Wire
from renwei.doors.http.ingest_settings import project_settings
from renwei.trust.keys import Key, find_key

MAY_SEND = ("ingest", "write", "admin")
AGAIN_S = 5
"""Who was told that the machine cannot write now may come back after so many seconds."""
_log = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]


def routes(house: House) -> list[BaseRoute]:
    """Routes of every wire."""
    return [Wires(house)]


class Wires(BaseRoute):
    """Every ingest path as one route; `takes` tells a server which requests to bring here first.

    Args:
        house: The open workspace.
        rate: How much one key may send.
    """

    def __init__(self, house: House, rate: Rate | None = None) -> None:
        self._house = house
        self._shop = house.shop()
        self._clock = house.clock
        self._rate = rate or Rate()
        self._success = {wire: success(wire) for wire in set(PATHS.values())}
        self._unshared = {wire: success(wire, anyone=False) for wire in self._success}
        self._preflight = preflight()

    def takes(self, path: str) -> bool:
        """Whether a path is one of ours."""
        return path in PATHS or (path.startswith(SETTINGS[0]) and path.endswith(SETTINGS[1]))

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """For the router: ours, whatever the method."""
        ours = scope["type"] == "http" and self.takes(scope["path"])
        return (Match.FULL if ours else Match.NONE), {}

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """For the router: the same as being called."""
        await self(scope, receive, send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request and answer it."""
        try:
            answer = await self._answer(scope, receive)
        except GoneError:
            return
        except RenweiError as fault:
            answer = _fault(scope, fault)
        except Exception:  # noqa: BLE001 - the last door before the network
            _log.exception("ingest_broken", extra={"path": scope["path"]})
            answer = fault_answer(scope, 500, None)
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        wire, method = PATHS.get(scope["path"]), scope["method"]
        if method == "OPTIONS":
            return self._preflight
        if wire is None:
            return self._settings(scope, method)
        if method not in wire.methods:
            allowed = ", ".join(wire.methods).encode()
            fault = BadInput("method_not_allowed", method=method, allowed=allowed.decode())
            return fault_answer(scope, 405, fault, [(b"allow", allowed)])
        query = form_of(scope["query_string"]) if scope["query_string"] else {}
        presented = key_in_headers(scope["headers"])
        # Whoever has no right is told so before anything is read.
        key = self._key(presented) if presented else None
        body = await whole_body(receive)
        parsed = self._parsed(wire, body, query)
        if key is None:
            key = self._key(parsed.write_key or key_in_query(query))
        return await self._taken(scope, wire, key, parsed, strict=query.get("strict") == "1")

    async def _taken(
        self, scope: Scope, wire: Wire, key: Key, parsed: Parsed, *, strict: bool
    ) -> Answer:
        events = len(parsed.incoming) + len(parsed.refused)
        wait_s = self._rate.wait_s(key.id, events)
        if wait_s:
            fault = BadInput("rate_limited", seconds=round(wait_s, 1))
            return fault_answer(scope, 429, fault, _after(wait_s))
        if events:
            receipt = await self._house.intake.take(key.source, parsed.incoming, parsed.refused)
            if strict:
                return results(parsed, receipt)
        return (self._success if key.scope == "ingest" else self._unshared)[wire]

    def _parsed(self, wire: Wire, body: bytes, query: Mapping[str, str]) -> Parsed:
        received_us = to_us(self._clock.now())
        match wire.family:
            case "segment":
                return segment.parse(body, wire.kind, received_us=received_us, query=query)
            case "posthog":
                return posthog.parse(body, received_us=received_us, query=query)
            case "sensors":
                return sensors.parse(body, received_us=received_us, query=query)
            case "pixel":
                return ingest_pixel.parse(wire.kind, query, received_us=received_us)
        # Who asks for flags sends the key in the body like an event; there are no flags.
        return Parsed(incoming=[], refused=[], write_key=_api_key(body))

    def _key(self, presented: str) -> Key:
        key = find_key(self._shop, presented) if presented else None
        if key is None:
            raise _NoKeyError("wrong_key" if presented else "no_key")
        if key.scope not in MAY_SEND:
            raise Refused("key_scope", scope=key.scope)
        return key

    def _settings(self, scope: Scope, method: str) -> Answer:
        if method not in ("GET", "HEAD"):
            fault = BadInput("method_not_allowed", method=method, allowed="GET")
            return fault_answer(scope, 405, fault, [(b"allow", b"GET")])
        shown = scope["path"][len(SETTINGS[0]) : -len(SETTINGS[1])]
        self._key(shown)
        return project_settings(scope, shown)


class _NoKeyError(Refused):
    """No key, or one that opens nothing: 401."""


class _ApiKey(msgspec.Struct):
    api_key: Any = ""
    token: Any = ""


def _api_key(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body, type=_ApiKey)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    found = told.api_key or told.token
    return found if isinstance(found, str) else ""


def _fault(scope: Scope, fault: RenweiError) -> Answer:
    if isinstance(fault, _NoKeyError):
        challenge = (b"www-authenticate", b'Basic realm="renwei", charset="UTF-8"')
        return fault_answer(scope, 401, fault, [challenge])
    if isinstance(fault, Unavailable):
        busy = fault.code == "busy"
        return fault_answer(scope, 429 if busy else 503, fault, _after(1 if busy else AGAIN_S))
    if isinstance(fault, Refused):
        return fault_answer(scope, 403, fault)
    status = 408 if isinstance(fault, SlowError) else 413 if fault.code == "body_too_large" else 400
    return fault_answer(scope, status, fault)


def _after(seconds: float) -> list[tuple[bytes, bytes]]:
    return [(b"retry-after", str(max(1, round(seconds + 0.5))).encode())]
