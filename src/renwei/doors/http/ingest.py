"""Where SDKs send events: the wires of Segment, RudderStack, PostHog and Sensors Data.

Raw ASGI without a router, because most requests that a shop's server ever gets end here:
a dictionary finds the wire, its parser reads the bytes, the key is checked, intake commits,
and only then is success said. A client's mistake is never answered with a 5xx.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from math import ceil
from typing import Any

from starlette.routing import BaseRoute, Match

from renwei.app.house import House
from renwei.core.clock import to_us
from renwei.core.errors import BadInput, Refused, RenweiError
from renwei.doors.foreign import posthog, segment, sensors
from renwei.doors.foreign.opening import Parsed, form_of
from renwei.doors.http import ingest_pixel
from renwei.doors.http.ingest_answers import (
    Answer,
    broken_answer,
    fault_answer,
    preflight,
    results,
    success,
)
from renwei.doors.http.ingest_body import GoneError, Receive, Send, whole_body
from renwei.doors.http.ingest_keys import Rate, key_in_headers, key_in_query
from renwei.doors.http.ingest_paths import PATHS, Wire
from renwei.doors.http.ingest_settings import ASKED
from renwei.trust.keys import Key, find_key

MAY_SEND = ("ingest", "write", "admin")
"""Scopes of the keys that may send events."""
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
        return path in PATHS or any(
            path.startswith(before) and path.endswith(after) for before, after in ASKED
        )

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
            answer = fault_answer(scope, fault, self._clock.now())
        except Exception as broken:  # noqa: BLE001 - the last door before the network
            answer = broken_answer(scope, broken, self._clock.now())
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        wire, method = PATHS.get(scope["path"]), scope["method"]
        if method == "OPTIONS":
            return self._preflight
        if wire is None:
            return self._settings(scope, method)
        if method not in wire.methods:
            raise _wrong_method(scope, wire.methods)
        query = form_of(scope["query_string"]) if scope["query_string"] else {}
        presented = key_in_headers(scope["headers"])
        # Whoever has no right is told so before anything is read.
        key = self._key(presented) if presented else None
        body = await whole_body(receive)
        parsed = self._parsed(wire, body, query)
        if key is None:
            key = self._key(parsed.write_key or key_in_query(query))
        return await self._taken(wire, key, parsed, strict=query.get("strict") == "1")

    async def _taken(self, wire: Wire, key: Key, parsed: Parsed, *, strict: bool) -> Answer:
        events = len(parsed.incoming) + len(parsed.refused)
        wait_s = self._rate.wait_s(key.id, events)
        if wait_s:
            raise Refused("too_many", retry_after_s=ceil(wait_s))
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
        return Parsed(incoming=[], refused=[], write_key=posthog.asker(body, query))

    def _key(self, presented: str) -> Key:
        key = find_key(self._shop, presented) if presented else None
        if key is None:
            raise Refused("bad_write_key" if presented else "no_write_key")
        if key.scope not in MAY_SEND:
            raise Refused("wrong_scope", scope=MAY_SEND[0], held=key.scope)
        return key

    def _settings(self, scope: Scope, method: str) -> Answer:
        if method not in ("GET", "HEAD"):
            raise _wrong_method(scope, ("GET", "HEAD"))
        path = scope["path"]
        before, after = next(
            pair for pair in ASKED if path.startswith(pair[0]) and path.endswith(pair[1])
        )
        shown = path[len(before) : -len(after)]
        self._key(shown)
        return ASKED[before, after](scope, shown)


def _wrong_method(scope: Scope, allowed: Sequence[str]) -> BadInput:
    allow = ", ".join((*allowed, "OPTIONS"))
    return BadInput("wrong_method", method=scope["method"], path=scope["path"], allow=allow)
