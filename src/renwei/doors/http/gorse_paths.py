"""Gorse's REST API under /api, so that its clients can move: items, users, feedback, health.

The key comes as `X-API-Key`. What is written is in the catalogue and the log like everything
else: feedback through intake, exactly as a track event; labels of users as facts. Recommendations are
decisions of the operation "recommend".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from renwei.app.house import House
from renwei.core.clock import to_us
from renwei.core.errors import BadInput, Refused, RenweiError
from renwei.core.words import LANGUAGES
from renwei.doors.foreign.gorse import decoded
from renwei.doors.http import (
    callers,
    gorse_feedback,
    gorse_items,
    gorse_recommend,
    gorse_users,
    problems,
)
from renwei.doors.http.around import MOST_BYTES
from renwei.doors.http.pace import Pace
from renwei.doors.http.pool import in_thread
from renwei.trust import audit, keys

HEADER = "x-api-key"
DEFAULT_N, MOST_N = 10, 1_000


@dataclass
class Asked:
    """One request of a Gorse client that may: what the path names, the query, the body."""

    house: House
    caller: callers.Caller
    named: Mapping[str, str]
    query: QueryParams
    body: bytes

    @property
    def now_us(self) -> int:
        """When it is, microseconds."""
        return to_us(self.house.clock.now())

    def told(self, kind: Any) -> Any:
        """The body as a struct of the wire."""
        return decoded(self.body, kind)

    def page(self) -> tuple[int, int]:
        """How many are wanted, and after which number (`cursor`).

        Raises:
            BadInput: bad_field, bad_cursor.
        """
        n, cursor = self.query.get("n", str(DEFAULT_N)), self.query.get("cursor", "")
        if not (n.isascii() and n.isdigit() and len(n) < 9):
            raise BadInput("bad_field", field="n", found=n[:40])
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
            raise BadInput("bad_cursor", found=cursor[:40])
        return max(1, min(int(n), MOST_N)), int(cursor or 0)


Work = Callable[[Asked], Any]
Later = Callable[[Asked], Awaitable[Any]]
_AT_ONCE: list[tuple[str, str, str, Work]] = [
    ("GET", "/api/items", "read", gorse_items.listed),
    ("POST", "/api/items", "write", gorse_items.stored),
    ("PUT", "/api/items", "write", gorse_items.stored),
    ("POST", "/api/item", "write", gorse_items.stored_one),
    ("PUT", "/api/item", "write", gorse_items.stored_one),
    ("GET", "/api/item/{item}", "read", gorse_items.shown),
    ("PATCH", "/api/item/{item}", "write", gorse_items.changed),
    ("DELETE", "/api/item/{item}", "write", gorse_items.removed),
    ("PUT", "/api/item/{item}/category/{category}", "write", gorse_items.category_added),
    ("DELETE", "/api/item/{item}/category/{category}", "write", gorse_items.category_dropped),
    ("GET", "/api/users", "read", gorse_users.listed),
    ("GET", "/api/user/{user}", "read", gorse_users.shown),
    ("DELETE", "/api/user/{user}", "admin", gorse_users.forgotten),
    ("GET", "/api/feedback", "read", gorse_feedback.listed),
    ("GET", "/api/feedback/{type}", "read", gorse_feedback.listed),
    ("GET", "/api/feedback/{user}/{item}", "read", gorse_feedback.between),
    ("GET", "/api/feedback/{type}/{user}/{item}", "read", gorse_feedback.one),
    ("GET", "/api/user/{user}/feedback", "read", gorse_feedback.of_user),
    ("GET", "/api/user/{user}/feedback/{type}", "read", gorse_feedback.of_user),
    ("GET", "/api/item/{item}/feedback", "read", gorse_feedback.of_item),
    ("GET", "/api/item/{item}/feedback/{type}", "read", gorse_feedback.of_item),
    ("GET", "/api/recommend/{user}", "show", gorse_recommend.for_user),
    ("GET", "/api/recommend/{user}/{category}", "show", gorse_recommend.for_user),
    ("GET", "/api/item/{item}/neighbors", "show", gorse_recommend.neighbors),
    ("GET", "/api/item/{item}/neighbors/", "show", gorse_recommend.neighbors),
    ("GET", "/api/item/{item}/neighbors/{category}", "show", gorse_recommend.neighbors),
    ("GET", "/api/popular", "show", gorse_recommend.popular),
    ("GET", "/api/popular/{category}", "show", gorse_recommend.popular),
    ("GET", "/api/latest", "show", gorse_recommend.latest),
    ("GET", "/api/latest/{category}", "show", gorse_recommend.latest),
    ("POST", "/api/session/recommend", "show", gorse_recommend.session),
    ("POST", "/api/session/recommend/{category}", "show", gorse_recommend.session),
]
_LATER: list[tuple[str, str, str, Later]] = [
    ("POST", "/api/users", "write", gorse_users.stored),
    ("PUT", "/api/users", "write", gorse_users.stored),
    ("POST", "/api/user", "write", gorse_users.stored_one),
    ("PUT", "/api/user", "write", gorse_users.stored_one),
    ("PATCH", "/api/user/{user}", "write", gorse_users.changed),
    ("POST", "/api/feedback", "ingest", gorse_feedback.inserted),
    ("PUT", "/api/feedback", "ingest", gorse_feedback.overwritten),
    ("DELETE", "/api/feedback/{type}/{user}/{item}", "write", gorse_feedback.taken_back),
    ("DELETE", "/api/feedback/{user}/{item}", "write", gorse_feedback.taken_back),
]
PLACES = [(method, path, scope) for method, path, scope, _ in (*_AT_ONCE, *_LATER)]
"""Every place with what a key must be allowed."""
HEALTH = ("/api/health/live", "/api/health/ready")


def routes(house: House) -> list[BaseRoute]:
    """Routes of Gorse's API."""
    door = Door(house)
    served: list[BaseRoute] = [
        Route(path, door.endpoint(path, scope, _in_thread(work)), methods=[method])
        for method, path, scope, work in _AT_ONCE
    ]
    served += [
        Route(path, door.endpoint(path, scope, work), methods=[method])
        for method, path, scope, work in _LATER
    ]
    served += [Route(path, _health, methods=["GET"]) for path in HEALTH]
    return served


class Door:
    """Lets Gorse's clients in."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._pace = Pace()

    def endpoint(
        self, path: str, scope: str, work: Later
    ) -> Callable[[Request], Awaitable[Response]]:
        """The function that serves a place."""

        async def serve(request: Request) -> Response:
            request.state.route = path
            try:
                caller = await in_thread(_caller, self._house, request, scope)
                self._pace.check(caller.id)
                body = await _body(request)
                asked = Asked(self._house, caller, request.path_params, request.query_params, body)
                return _answered(await work(asked))
            except RenweiError as fault:
                return problems.answer_to(
                    fault, request, _language(request), named=request.path_params.values()
                )
            except ClientDisconnect:
                raise
            except Exception as broken:  # noqa: BLE001 - a door: nobody outside sees a traceback
                return problems.unexpected(broken, request, _language(request))

        return serve


def _in_thread(work: Work) -> Later:
    def acted(asked: Asked) -> Any:
        with audit.acting(asked.caller.id):
            return work(asked)

    async def later(asked: Asked) -> Any:
        return await in_thread(acted, asked)

    return later


def _caller(house: House, request: Request, scope: str) -> callers.Caller:
    presented = request.headers.get(HEADER)
    if presented is None:
        caller = callers.caller_of(house, request)
        if caller.kind != "key":
            raise Refused("no_key")
    else:
        found = keys.find_key(house.shop(), presented.strip())
        if found is None:
            raise Refused("bad_key")
        caller = callers.Caller(found.source, "key", found.scope)
    callers.insist(caller, scope)
    return caller


def _language(request: Request) -> str:
    return callers.accepted(request.headers.get("accept-language", "")) or LANGUAGES[0]


async def _body(request: Request) -> bytes:
    """Gorse reads JSON whatever the media type says."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_BYTES:
            raise BadInput("too_large", most=MOST_BYTES)
        pieces.append(piece)
    return b"".join(pieces)


def _answered(answer: Any) -> Response:
    body = msgspec.json.encode(answer, enc_hook=str)
    return Response(body, 200, {"cache-control": "no-store"}, media_type="application/json")


async def _health(request: Request) -> Response:
    request.state.route = request.url.path
    return _answered({"Ready": True, "DataStoreConnected": True, "CacheStoreConnected": True})
