"""Faults over HTTP: RFC 9457 problem documents with a stable code, in the caller's language."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request

from renwei.app import build
from renwei.core.chance import new_id
from renwei.core.clock import WallClock
from renwei.core.errors import Ambiguous, BadInput, Refused, RenweiError, Unavailable, UnknownName

_STATUS = (
    (UnknownName, 404),
    (Ambiguous, 409),
    (BadInput, 400),
    (Refused, 403),
    (Unavailable, 503),
)


def status_of(fault: RenweiError) -> int:
    """The HTTP status of a fault of ours."""
    return next((status for kind, status in _STATUS if isinstance(fault, kind)), 400)


def sentence_of(fault: RenweiError, language: str) -> str:
    """The fault's sentence; English code and values where a sentence is missing."""
    key = f"errors.{fault.code}"
    words = build.words()
    return words.say(key, fault.values, language) if words.has(key) else str(fault)


def request_id(request: Request) -> str:
    """The id by which a request can be named afterwards."""
    found: str | None = request.scope.get("request_id")
    if found is None:
        found = request.scope["request_id"] = new_id(WallClock().now())
    return found


def problem(
    status: int, request: Request, language: str, fault: RenweiError | None = None
) -> tuple[Mapping[str, Any], int]:
    """A problem document and its status."""
    title = HTTPStatus(status).phrase
    document: dict[str, Any] = {
        "type": f"/errors/{fault.code}" if fault else "about:blank",
        "title": title,
        "status": status,
        "instance": request_id(request),
    }
    if fault:
        document |= {"code": fault.code, "values": fault.values}
        document["detail"] = sentence_of(fault, language)
    return document, status
