"""What SDKs hear: their vendor's own words on success, problem documents otherwise."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from renwei.app.intake import Receipt
from renwei.collect.live.incoming import Incoming, Refusal
from renwei.core.chance import new_id
from renwei.core.errors import RenweiError
from renwei.core.words import LANGUAGES
from renwei.doors.foreign.opening import Parsed
from renwei.doors.http.callers import accepted
from renwei.doors.http.ingest_body import Message, Send
from renwei.doors.http.ingest_paths import Wire
from renwei.doors.http.problems import answer_to, request_id, unexpected

ANYONE = (b"access-control-allow-origin", b"*")
"""Browsers of any site may post with a write key; no cookie ever comes along."""
_READ = (b"access-control-expose-headers", b"retry-after, x-request-id")
"""What a script of another site may read of a refusal: how long to wait, what to ask us about."""
NO_CONTENT = 204
_PROBLEM = b"application/problem+json"
_METHODS = (b"access-control-allow-methods", b"POST, GET, OPTIONS")
_HEADERS = b"authorization, content-type, content-encoding, x-write-key, x-retry-count"
_OWN = (b"content-type", b"content-length", b"cache-control")
Scope = MutableMapping[str, Any]
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Answer:
    """A ready answer, made once and sent many times."""

    __slots__ = ("_body", "_start")

    def __init__(
        self,
        body: bytes,
        *,
        status: int = 200,
        kind: bytes = b"application/json",
        headers: Sequence[tuple[bytes, bytes]] = (ANYONE,),
    ) -> None:
        length = (b"content-length", str(len(body)).encode())
        about = () if status == NO_CONTENT else ((b"content-type", kind), length)
        sent = [*about, (b"cache-control", b"no-store"), *headers]
        self._start: Message = {"type": "http.response.start", "status": status, "headers": sent}
        self._body: Message = {"type": "http.response.body", "body": body}

    async def send(self, send: Send) -> None:
        """Send it."""
        await send(self._start)
        await send(self._body)


def success(wire: Wire, *, anyone: bool = True) -> Answer:
    """The vendor's own answer; `anyone`: a browser of another site may read it."""
    return Answer(wire.ok, kind=wire.type, headers=(ANYONE,) if anyone else ())


def preflight() -> Answer:
    """What a browser asks before it posts from another site."""
    headers = (ANYONE, _METHODS, (b"access-control-allow-headers", _HEADERS))
    age = (b"access-control-max-age", b"86400")
    return Answer(b"", status=NO_CONTENT, headers=(*headers, age))


def fault_answer(scope: Scope, fault: RenweiError, at: datetime) -> Answer:
    """A problem document in the caller's language."""
    scope.setdefault("state", {}).setdefault("request_id", new_id(at))
    request = Request(scope)
    language = accepted(request.headers.get("accept-language", "")) or LANGUAGES[0]
    return _shared(answer_to(fault, request, language), request)


def broken_answer(scope: Scope, broken: Exception, at: datetime) -> Answer:
    """What nobody foresaw: an id for the caller, the place for the log."""
    scope.setdefault("state", {}).setdefault("request_id", new_id(at))
    request = Request(scope)
    return _shared(unexpected(broken, request, LANGUAGES[0]), request)


def _shared(response: Response, request: Request) -> Answer:
    name = (b"x-request-id", request_id(request).encode())
    headers = [(k, v) for k, v in response.raw_headers if k not in _OWN]
    return Answer(
        bytes(response.body),
        status=response.status_code,
        kind=_PROBLEM,
        headers=(ANYONE, _READ, name, *headers),
    )


def results(parsed: Parsed, receipt: Receipt) -> Answer:
    """What became of each event (`?strict=1`), in the order of the body."""
    rows = [_taken(one, new) for one, new in zip(parsed.incoming, receipt.fresh, strict=True)]
    by_index = {row["index"]: row for row in rows}
    for refusal in (*parsed.refused, *receipt.refused):
        by_index[refusal.index] = _refused(refusal)
    ordered = [by_index[index] for index in sorted(by_index)]
    good = all(row["status"] != "refused" for row in ordered)
    return Answer(_encode({"success": good, "results": ordered}))


def _taken(one: Incoming, new: bool) -> dict[str, Any]:
    status = "stored" if new else "duplicate"
    return {"index": one.index, "status": status, "message_id": one.message_id}


def _refused(one: Refusal) -> dict[str, Any]:
    return {
        "index": one.index,
        "status": "refused",
        "message_id": one.message_id,
        "field": one.field,
        "code": one.code,
        "values": one.values,
    }
