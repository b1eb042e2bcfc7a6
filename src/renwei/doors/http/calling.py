"""One request to one place, from who calls to the answer, the same way for every place."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from renwei.app.answered import Answers
from renwei.app.house import House
from renwei.core.errors import BadInput, RenweiError
from renwei.core.words import LANGUAGES
from renwei.doors.http import asking, callers, idempotency, problems
from renwei.doors.http.pace import STRANGERS_BURST, STRANGERS_PER_S, Pace
from renwei.doors.http.places import Call, Place
from renwei.doors.http.pool import in_thread

JSON = "application/json"


class Reception:
    """Lets callers in: who are they, may they, how fast, what did they send, once only."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._answers = Answers(house.clock.now())
        self._pace = Pace()
        self._strangers = Pace(STRANGERS_PER_S, STRANGERS_BURST)

    def endpoint(self, place: Place) -> Callable[[Request], Awaitable[Response]]:
        """The function that serves a place."""

        async def serve(request: Request) -> Response:
            request.state.route = place.path
            try:
                return await self._serve(place, request)
            except RenweiError as fault:
                language = await self._language(request)
                named = request.path_params.values()
                return problems.answer_to(fault, request, language, named=named)
            except ClientDisconnect:
                raise
            except Exception as broken:  # noqa: BLE001 - a door: nobody outside sees a traceback
                return problems.unexpected(broken, request, await self._language(request))

        return serve

    async def _serve(self, place: Place, request: Request) -> Response:
        caller, language = await self._met(place, request)
        call = Call(request, self.house, place, caller, language)
        if place.takes:
            return await place.work(call)
        body = await read_body(request, place.size)
        call.fields = asking.fields_of(place.asks, request.path_params, request.query_params, body)
        call.digest = hashlib.sha256(body).digest()
        return await self.once(call, call.digest, lambda: place.work(call))

    async def once(
        self, call: Call, sent: bytes, work: Callable[[], Awaitable[Response]]
    ) -> Response:
        """Do what a POST asks, unless it was done before under the same Idempotency-Key."""
        return await idempotency.once(self._answers, call, sent, work)

    async def _met(self, place: Place, request: Request) -> tuple[callers.Caller, str]:
        """Who calls, and their language."""
        try:
            if callers.is_remembered(self.house, request):
                # What is left to read lies in memory: a thread would take longer than that.
                caller, language = self._meet(place, request)
            else:
                caller, language = await in_thread(self._meet, place, request)
        except RenweiError:
            self._strangers.check(request.client.host if request.client else "")
            raise
        if place.scope != "public":
            self._pace.check(caller.id)
        return caller, language

    def _meet(self, place: Place, request: Request) -> tuple[callers.Caller, str]:
        caller = callers.NOBODY
        if place.scope != "public":
            caller = callers.caller_of(self.house, request)
            callers.insist(caller, place.scope, unmasked=place.unmasked)
        return caller, callers.language_of(request, self.house, caller)

    async def _language(self, request: Request) -> str:
        try:
            return await in_thread(callers.language_of, request, self.house)
        except Exception:  # noqa: BLE001 - a fault must be told even where nothing can be read
            return callers.accepted(request.headers.get("accept-language", "")) or LANGUAGES[0]


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request that takes JSON.

    Raises:
        BadInput: wrong_media, too_large.
    """
    sent = int(request.headers.get("content-length") or 0)
    if sent > most:
        raise BadInput("too_large", most=most)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise BadInput("too_large", most=most)
        chunks.append(chunk)
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if size and kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        raise BadInput("wrong_media", found=kind[:100], expected=JSON)
    return b"".join(chunks)


def answered(call: Call, answer: Any, status: int = 200, **headers: str) -> Response:
    """An answer as JSON; times are UTC with a Z."""
    return told(call, msgspec.json.encode(answer, enc_hook=str), status, **headers)


class _Tagged(msgspec.Struct):
    """What names a state of an answer, where it has such a name."""

    etag: str = ""


def told(call: Call, body: bytes, status: int = 200, **headers: str) -> Response:
    """An answer that is JSON already.

    Nothing of it may be cached, unless it names its state (a page): then whoever has the same
    state is told so without a body (RFC 9110, section 13.1.2).
    """
    named = {"content-language": call.language, "cache-control": "no-store", **headers}
    if call.place.tagged and status == 200:
        tag = f'"{msgspec.json.decode(body, type=_Tagged).etag}"'
        named |= {"etag": tag, "cache-control": "private, no-cache"}
        known = call.request.headers.get("if-none-match", "")
        if tag in (one.strip().removeprefix("W/") for one in known.split(",")) or known == "*":
            return Response(status_code=304, headers=named)
    return Response(body, status, named, media_type=JSON)
