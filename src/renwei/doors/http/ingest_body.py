"""Bodies as they arrive: whole or in pieces, never longer than we take, not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from renwei.core.errors import BadInput, Refused

ON_THE_WIRE = 8 << 20
"""Longer than what a batch may hold, because base64 in a form takes more room."""
WAIT_S = 30.0
"""A sender may take so long to send what it announced."""
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class GoneError(Exception):
    """Whoever sent left before the end; nobody waits for an answer."""


async def whole_body(receive: Receive) -> bytes:
    """The bytes of a request.

    Raises:
        BadInput: body_too_large (limit, size); the rest was not read.
        Refused: slow_body.
        GoneError: The sender is gone.
    """
    message = await receive()
    if message.get("more_body"):
        try:
            async with asyncio.timeout(WAIT_S):
                return await _gathered(message, receive)
        except TimeoutError:
            raise Refused("slow_body", seconds=int(WAIT_S)) from None
    if message["type"] == "http.disconnect":
        raise GoneError
    body: bytes = message.get("body", b"")
    return body


async def _gathered(message: Message, receive: Receive) -> bytes:
    pieces, size = [message.get("body", b"")], len(message.get("body", b""))
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > ON_THE_WIRE:
            raise BadInput("body_too_large", limit=ON_THE_WIRE, size=size)
    return b"".join(pieces)
