"""The API: every operation that names its place on HTTP, and the few places made by hand.

A place is made from an operation's structs alone, so that HTTP, its description and the
command line say the same. By hand are only files coming in and going out, and documents of
which reading and writing are one operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from renwei.app import build
from renwei.app.hand import Handed
from renwei.app.house import House, asked
from renwei.app.jobs import answer_type, plain
from renwei.core.errors import BadInput
from renwei.core.operations import Operation
from renwei.core.shop import Progress
from renwei.doors.http import callers, exports, jobs, noting, openapi, probes, problems, uploads
from renwei.doors.http.calling import Reception, answered, told
from renwei.doors.http.hands import Hands
from renwei.doors.http.places import Asks, Call, Place, asks_of, described
from renwei.doors.http.pool import in_thread

BY_HAND = (("settings", "/v1/settings", "value"), ("autonomy", "/v1/autonomy", "level"))
"""Operations that show, or change where this field is given: GET reads, POST changes."""
LARGE = {"items save": 8 << 20}
"""Operations whose body may be larger than others'."""
SECRET = ("keys create", "team invite")
"""What these answer is shown once, and not kept for who asks again."""


def routes(house: House) -> list[BaseRoute]:
    """Routes of the API, probes and OpenAPI."""
    reception = Reception(house)
    found = places(reception)
    served: list[BaseRoute] = [
        Route(one.path, reception.endpoint(one), methods=[one.method], name=one.words)
        for one in found
    ]
    # Whatever else is asked under /v1 is answered as the API answers, not with a page.
    nowhere = Nowhere(house)
    return [*served, Route("/v1", nowhere), Route("/v1/{rest:path}", nowhere)]


def places(reception: Reception) -> list[Place]:
    """Every place of the API, in the order of its description."""
    served = [one for one in build.operations().values() if one.http]
    found = [derived(one, place) for one in served for place in (one.http, one.also) if place]
    for name, path, changed in BY_HAND:
        found += _read_and_change(build.operations()[name], path, changed)
    found += [*uploads.places(reception), *exports.places(), *probes.places()]
    watching = [Asks("job", "job", "path", str, required=True)]
    found.append(
        Place(
            "GET",
            "/v1/jobs/{job}",
            "read",
            jobs.show,
            "http.places.job",
            asks=watching,
            answer=jobs.JobShown,
        )
    )
    found.sort(key=lambda one: (one.path.count("{"), one.path, one.method))
    return [*found, *openapi.places(found)]


def derived(operation: Operation, place: str = "") -> Place:
    """The place that an operation names, or another one of its places."""
    method, path = (place or operation.http).split(" ")
    asks = asks_of(method, path, operation.request, destroys=operation.destroys)
    return _place(operation, method, path, operation.scope, asks)


def _read_and_change(operation: Operation, path: str, changed: str) -> list[Place]:
    reads = asks_of("GET", path, operation.request, without=[changed])
    changes = asks_of("POST", path, operation.request)
    changes = [_needed(one) for one in changes]
    return [
        _place(operation, "GET", path, "read", reads),
        _place(operation, "POST", path, operation.scope, changes),
    ]


def _needed(one: Asks) -> Asks:
    """The same, and it must be given."""
    return Asks(one.name, one.field, one.where, one.kind, required=True)


def _place(operation: Operation, method: str, path: str, scope: str, asks: Sequence[Asks]) -> Place:
    async def work(call: Call) -> Response:
        return await perform(call, operation)

    answer = answer_type(operation)
    return Place(
        method, path, scope, work, described(operation),
        asks=tuple(asks), answer=answer, operation=operation,
        destroys=operation.destroys, job=operation.child, secret=operation.name in SECRET,
        size=LARGE.get(operation.name, Place.size),
        tagged=method == "GET" and "etag" in getattr(answer, "__struct_fields__", ()),
    )  # fmt: skip


LANES = {"next": "quick", "recommend": "busy", "page": "busy"}
"""Of operations that programs ask many times a second and that take milliseconds."""


async def perform(call: Call, operation: Operation) -> Response:
    """Do an operation for a caller: at once in a thread, or as a job in a child process."""
    if operation.child:

        def last(progress: Progress) -> Any:
            return noting.done(call, operation, call.fields, progress=progress)

        return await jobs.started(call, operation.name, last)

    def at_once() -> Response:
        answer = noting.done(call, operation, call.fields)
        return answered(call, callers.shown(call.caller, answer))

    async def here() -> Response:
        return await in_thread(at_once, lane=LANES.get(operation.name, ""))

    hands: Hands | None = getattr(call.request.app.state, "hands", None)
    if hands is None:
        return await here()
    if hands.takes(operation.name) and not call.caller.masked:
        request = msgspec.msgpack.encode(asked(operation, call.fields), enc_hook=plain)
        handed = Handed(operation.name, request, call.language, call.caller.id)
        if (body := await hands.ask(handed)) is not None:
            return told(call, body)
    return await hands.here(operation.name, here)


class Nowhere:
    """Answers under /v1 where no place is: 404, or 405 with what is allowed there."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope)
        request.state.route = "/v1/*"
        language = await in_thread(callers.language_of, request, self._house)
        allowed = sorted(self._methods(scope))
        path = request.url.path[:200]
        fault = BadInput("unknown_path", path=path)
        if allowed:
            fault = BadInput(
                "wrong_method", path=path, method=request.method, allow=", ".join(allowed)
            )
        await problems.answer_to(fault, request, language)(scope, receive, send)

    def _methods(self, scope: Scope) -> set[str]:
        found: set[str] = set()
        for route in scope["app"].routes:
            if isinstance(route, Route) and not isinstance(route.endpoint, Nowhere):
                match, _ = route.matches({**scope, "path_params": {}})
                if match is not Match.NONE:
                    found |= route.methods or set()
        return found
