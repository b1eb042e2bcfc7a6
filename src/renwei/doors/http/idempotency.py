"""Idempotency-Key: a POST that is sent twice is done once, and answered the same.

The same key with another body is refused (422); while the first is under way the second is
told to come again (409). What was answered is kept a day, on disk; see renwei.app.answered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from starlette.responses import Response

from renwei.app.answered import Answered, Answers
from renwei.core.errors import BadInput
from renwei.doors.http.places import Call
from renwei.doors.http.pool import in_thread

HEADER = "idempotency-key"
LONGEST = 255
_KEPT_HEADERS = ("content-type", "content-language", "location")


async def once(
    answers: Answers, call: Call, sent: bytes, work: Callable[[], Awaitable[Response]]
) -> Response:
    """Do a POST unless it was done before under the same key.

    Args:
        answers: What was answered before.
        call: The request.
        sent: Digest of its body.
        work: Does it.

    Raises:
        BadInput: bad_repeat_key, or what `Answers.begin` refuses.
    """
    key = call.request.headers.get(HEADER)
    if key is None or call.request.method != "POST":
        return await work()
    if not (0 < len(key) <= LONGEST and key.isprintable()):
        raise BadInput("bad_repeat_key", most=LONGEST)
    digest = _digest(call, sent)
    shop = call.house.shop()
    held = await in_thread(answers.begin, shop, call.caller.id, key, digest)
    if held is not None:
        headers = {**held.headers, "idempotency-replayed": "true", "cache-control": "no-store"}
        return Response(held.body, held.status, headers)
    done = None
    try:
        response = await work()
        if 200 <= response.status_code < 300:
            kept = {k: response.headers[k] for k in _KEPT_HEADERS if k in response.headers}
            done = Answered(
                digest=digest,
                at=call.house.clock.now(),
                boot="",
                status=response.status_code,
                body=None if call.place.secret else bytes(response.body),
                headers=kept,
            )
    finally:
        # What failed changed nothing, so the same key may try again.
        await in_thread(answers.end, shop, call.caller.id, key, done)
    return response


def _digest(call: Call, sent: bytes) -> bytes:
    asked = call.request.url
    whole = "\n".join([call.request.method, asked.path, asked.query]).encode() + b"\n" + sent
    return hashlib.sha256(whole).digest()
