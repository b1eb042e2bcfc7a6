"""Faults over HTTP: RFC 9457 problem documents, in the caller's language, with a stable code.

A client's mistake is never a 5xx and no traceback ever leaves the machine. What nobody
foresaw answers 500 with the id of the request; the log has the same id.

    400  what was sent is wrong: a field, the JSON, a name inside the query or the body
    401  no key, or one that is not known        403  known, and not allowed
    404  what the path names does not exist      405  not with this method (Allow says which)
    409  several people fit, a confirmation is missing, or the same request is under way
    413  too large      415  not JSON      421  for another host      422  key used otherwise
    429  too many requests (Retry-After)         503  the machine cannot now (Retry-After)
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec
from starlette.responses import Response

from renwei.app import build
from renwei.app.sentences import machine_fault, sentence_of
from renwei.core.errors import Ambiguous, Refused, RenweiError, Unavailable, UnknownName

__all__ = [
    "PROBLEM_TYPE", "answer_to", "document_of", "problem", "request_id", "sentence_of",
    "status_of", "unexpected",
]  # fmt: skip

PROBLEM_TYPE = "application/problem+json"
STATUSES = (400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 421, 422, 429, 500, 503)
"""Every status a problem can have; each has a title in words.*.toml."""

_log = logging.getLogger("renwei.http")

_BY_CODE: Mapping[str, int] = {
    "no_key": 401,
    "bad_key": 401,
    "bad_write_key": 401,
    "no_write_key": 401,
    "sign_in_failed": 401,
    "unknown_path": 404,
    "unknown_job": 404,
    "wrong_method": 405,
    "slow_body": 408,
    "needs_confirm": 409,
    "needs_yes": 409,
    "not_the_demo": 409,
    "export_not_empty": 409,
    "repeat_running": 409,
    "repeat_broken_off": 409,
    "repeat_gone": 410,
    "job_answer_gone": 410,
    "too_large": 413,
    "body_too_large": 413,
    "upload_too_large": 413,
    "wrong_media": 415,
    "wrong_host": 421,
    "repeat_differs": 422,
    "too_many": 429,
    "busy": 429,
    "too_many_tries": 429,
    "unexpected": 500,
    "child_failed": 500,
    "child_died": 500,
    "job_interrupted": 500,
}
_OF_STATUS: Mapping[int, str] = {404: "unknown_path", 405: "wrong_method"}
_RETRY_S: Mapping[str, int] = {"busy": 1, "in_use": 5, "closing": 5, "disk_full": 60}
_RETRY_LATER_S = 30


class Asked(Protocol):
    """As much of a request as a problem needs."""

    @property
    def scope(self) -> Any:
        """The ASGI scope."""
        ...


def request_id(request: Asked) -> str:
    """The id of this request, as in its X-Request-Id; "" outside the server."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def status_of(fault: RenweiError, named: Iterable[str] = ()) -> int:
    """The status of a fault.

    Args:
        fault: What went wrong.
        named: Texts that the path names; not to know one of them is 404, any other name 400.

    Example:
        >>> unknown = UnknownName("unknown_person", name="ann")
        >>> status_of(unknown, ["ann"]), status_of(unknown), status_of(Refused("not_allowed"))
        (404, 400, 403)
    """
    if fault.code in _BY_CODE:
        return _BY_CODE[fault.code]
    if isinstance(fault, UnknownName):
        return 404 if fault.values.get("name") in set(named) else 400
    if isinstance(fault, Ambiguous):
        return 409
    if isinstance(fault, Refused):
        return 403
    return 503 if isinstance(fault, Unavailable) else 400


def document_of(fault: RenweiError, status: int, name: str, language: str) -> dict[str, Any]:
    """The problem document; `name` is the id of the request."""
    return {
        "type": f"/errors/{fault.code}",
        "title": build.words().say(f"http.status.{status}", {}, language),
        "status": status,
        "detail": sentence_of(fault, language),
        "code": fault.code,
        "values": fault.values,
        "instance": f"urn:uuid:{name}" if name else "",
    }


def problem(
    status: int, request: Asked, language: str, fault: RenweiError | None = None
) -> tuple[dict[str, Any], int]:
    """The document of a status, with its fault where one is known (else 404, 405, 500), and it."""
    if fault is None:
        path = str(request.scope.get("path", ""))[:200]
        values = {"path": path, "method": request.scope.get("method", "")}
        code = _OF_STATUS.get(status, "unexpected")
        fault = RenweiError(code, id=request_id(request), **values)
    return document_of(fault, status, request_id(request), language), status


def answer_to(
    fault: RenweiError, request: Asked, language: str, *, named: Iterable[str] = ()
) -> Response:
    """The response that a fault gets."""
    status = status_of(fault, named)
    headers = {"content-language": language, "cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="renwei"'
    if status == 405 and fault.values.get("allow"):
        headers["allow"] = str(fault.values["allow"])
    if status in (429, 503) or "retry_after_s" in fault.values:
        wait = fault.values.get("retry_after_s", _RETRY_S.get(fault.code, _RETRY_LATER_S))
        headers["retry-after"] = str(wait)
    if status in (408, 413):
        # The rest of the body is not read, so this connection cannot be used again.
        headers["connection"] = "close"
    document = document_of(fault, status, request_id(request), language)
    body = msgspec.json.encode(document, enc_hook=str)
    return Response(body, status, headers, media_type=PROBLEM_TYPE)


def unexpected(broken: Exception, request: Asked, language: str) -> Response:
    """What nobody foresaw: a copyable id for the caller, the place for the log.

    The exception's own text is not logged: it may quote what somebody sent.
    """
    known = machine_fault(broken)
    if known is not None:
        return answer_to(known, request, language)
    name = request_id(request)
    ours = [f for f in traceback.extract_tb(broken.__traceback__) if "renwei" in f.filename]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    trace = "".join(traceback.format_tb(broken.__traceback__))
    _log.error(
        "unexpected",
        extra={"id": name, "kind": type(broken).__name__, "where": where, "trace": trace},
    )
    return answer_to(RenweiError("unexpected", id=name), request, language)
