"""What lies around every request: an id, safe headers, limits, and one line in the log.

One plain ASGI layer, because most requests are single events and every layer costs them all.
In order: whose address it is (behind a listed proxy), whether the host asked for is us,
whether the body may be that large, then the request itself; what nobody caught on the way
becomes an answer here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from renwei.app.house import House
from renwei.core.chance import new_id
from renwei.core.clock import ticks
from renwei.core.errors import BadInput, RenweiError
from renwei.doors.http import callers, logged, problems
from renwei.doors.http.hosts import Hosts
from renwei.doors.http.ingest_paths import PATHS
from renwei.doors.http.metrics import requests_of
from renwei.doors.snippet import sharing

MOST_BYTES = 8 << 20
"""Of a body, except where files come in; places of the API say a smaller one."""
FILES = ("/v1/imports", "/imports")
MOST_BYTES_OF_FILES = 1 << 30
SLOWEST_S = 30.0
"""A body must not stand still for longer."""
GONE = 499
"""What the log says where the client left before the answer (nginx's number)."""

CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_CSP = b"content-security-policy"
_SAFE: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), microphone=(), camera=()"),
]
_OWN_CSP = (_CSP, CSP.encode())
_KEPT = ("connection", "retry-after")
"""What a page says of a refusal as its problem document would."""
_HSTS = (b"strict-transport-security", b"max-age=31536000")


def around(house: House) -> Sequence[Middleware]:
    """The middlewares, outermost first."""
    return [Middleware(Around, house=house)]


class Around:
    """The layer around every request.

    Args:
        app: What is inside.
        house: The workspace.
    """

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._house = house
        self._requests = requests_of(house)
        self._hosts = Hosts()
        self._routes: dict[Any, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = ticks()
        name = new_id(self._house.clock.now())
        state = scope.setdefault("state", {})
        state["request_id"] = name
        status = 0

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # The message may be shared by many answers: never changed in place.
                headers = _headers(message, name, scope["scheme"])
                message = {**message, "headers": [*headers, *sharing.beside(scope["path"])]}
            await send(message)

        try:
            hear = self._let_in(scope, receive)
            await self._app(scope, hear, tell)
        except ClientDisconnect:
            status = status or GONE  # nobody is there to hear an answer
        except RenweiError as fault:
            await self._answer(fault, scope, receive, tell, begun=bool(status))
        except Exception as broken:  # noqa: BLE001 - the last door before the network
            await self._answer(broken, scope, receive, tell, begun=bool(status))
        finally:
            seconds = ticks() - started
            route = self._route(scope)
            self._requests.note(route, _method(scope), status, seconds)
            logged.line(scope, route, status, seconds)

    def _let_in(self, scope: Scope, receive: Receive) -> Receive:
        length = self._hosts.check(scope, scope["app"].state)
        path = scope["path"]
        if path in PATHS:
            return receive  # ingest minds its own bodies
        most = MOST_BYTES_OF_FILES if path.startswith(FILES) else MOST_BYTES
        if length is not None and length > most:
            raise BadInput("too_large", most=most)
        return receive if length == 0 else _measured(receive, most)

    async def _answer(
        self, broken: Exception, scope: Scope, receive: Receive, send: Send, *, begun: bool
    ) -> None:
        request = Request(scope)
        if begun:
            # Half an answer is out; the connection ends and the log says why.
            problems.unexpected(broken, request, "en")
            raise broken
        language = callers.accepted(request.headers.get("accept-language", "")) or "en"
        if isinstance(broken, RenweiError):
            answer = problems.answer_to(broken, request, language)
            if not scope["path"].startswith("/v1/") and "text/html" in _accepts(request):
                page = await scope["app"].state.fault_page(request, broken)
                page.headers.update({k: v for k, v in answer.headers.items() if k in _KEPT})
                answer = page
        else:
            answer = problems.unexpected(broken, request, language)
            page = scope["app"].exception_handlers.get(500)
            if page is not None and not scope["path"].startswith("/v1/"):
                answer = await page(request, broken)
        await answer(scope, receive, send)

    def _route(self, scope: Scope) -> str:
        """The route as written: a path may name a person."""
        told = scope["state"].get("route")
        if told:
            return str(told)
        path: str = scope["path"]
        if path in PATHS:
            return path
        if not self._routes:
            self._routes = {
                route.endpoint: route.path
                for route in scope["app"].routes
                if isinstance(route, Route)
            }
        found = self._routes.get(scope.get("endpoint"))
        return found or ("/files" if path.startswith("/files/") else "other")


def _accepts(request: Request) -> str:
    return request.headers.get("accept", "")


def _method(scope: Scope) -> str:
    known = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
    return scope["method"] if scope["method"] in known else "other"


def _headers(message: Message, name: str, scheme: str) -> list[tuple[bytes, bytes]]:
    given = list(message.get("headers", ()))
    headers = [*given, *_SAFE, (b"x-request-id", name.encode())]
    # The public question form may be framed, and says so itself.
    if not any(key == _CSP for key, _ in given):
        headers.append(_OWN_CSP)
    if scheme == "https":
        headers.append(_HSTS)
    return headers


def _measured(receive: Receive, most: int) -> Callable[[], Any]:
    size = 0

    async def hear() -> Message:
        nonlocal size
        try:
            async with asyncio.timeout(SLOWEST_S):
                message = await receive()
        except TimeoutError:
            raise BadInput("slow_body", seconds=int(SLOWEST_S)) from None
        size += len(message.get("body", b""))
        if size > most:
            raise BadInput("too_large", most=most)
        return message

    return hear
