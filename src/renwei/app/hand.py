"""A hand: a process beside a server that decides for it, where one Python is not enough.

It opens the workspace under the server's lock and answers on a socket that it is handed: a
length, then a msgpack message, each way. What it needs once is read before it says that it is
ready. When the server ends, however it ends, the socket closes and so does the hand.
"""

from __future__ import annotations

import gc
import importlib
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import msgspec

from renwei.app import build
from renwei.app.jobs import Said, plain
from renwei.app.standing import Standing
from renwei.core import errors
from renwei.trust import audit

READ_FIRST: Mapping[str, str] = dict.fromkeys(("recommend", "page"), "renwei.recommend.model:model")
"""By operation: what reads what every request needs; these operations may be handed over."""
SIZE = 4
"""Bytes of the length before a message."""
COLLECT = (10_000, 20, 100)


class Handed(msgspec.Struct):
    """One request: an operation, its request as msgpack, and for whom it is done."""

    operation: str
    request: bytes
    language: str
    by: str


def framed(message: object) -> bytes:
    """A message behind its length."""
    body = msgspec.msgpack.encode(message, enc_hook=plain)
    return len(body).to_bytes(SIZE, "big") + body


def main() -> None:
    """The hand's life: read what every request needs, say so, answer until the sockets close."""
    descriptors, directory = [int(one) for one in sys.argv[1].split(",")], Path(sys.argv[2])
    for number in (signal.SIGINT, signal.SIGTERM):
        # Requests that are under way end first; the server closes the sockets behind them.
        signal.signal(number, signal.SIG_IGN)
    sys.stdout = sys.stderr
    lines = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    # As a server: it writes without resting, and somebody tends the files.
    with build.open_shop(directory, child=True, server=True) as shop:
        for place in set(READ_FIRST.values()):
            module, _, name = place.partition(":")
            getattr(importlib.import_module(module), name)(shop)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
        standing = Standing(shop)
        answering = [threading.Thread(target=_answer, args=(one, standing)) for one in lines]
        for one in answering:
            one.start()
        for one in answering:
            one.join()


def _answer(line: socket.socket, standing: Standing) -> None:
    """One line: while one waits for the disk, another decides."""
    with suppress(OSError), line, line.makefile("rb") as heard:
        line.sendall(framed(Said(answer=b"ready")))
        while (body := _next(heard)) is not None:
            line.sendall(framed(_done(standing, msgspec.msgpack.decode(body, type=Handed))))


def _next(heard: IO[bytes]) -> bytes | None:
    head = heard.read(SIZE)
    if len(head) < SIZE:
        return None
    size = int.from_bytes(head, "big")
    body = heard.read(size)
    return body if len(body) == size else None


def _done(standing: Standing, handed: Handed) -> Said:
    try:
        operation = build.operations()[handed.operation]
        request: Any = msgspec.msgpack.decode(handed.request, type=operation.request)
        shop = standing.now()
        shop = replace(shop, language=handed.language or shop.settings.language)
        with audit.acting(handed.by):
            answer = operation.call(shop, request)
            audit.note_answer(shop, handed.by, operation.name, request, answer)
        return Said(answer=msgspec.json.encode(answer, enc_hook=str))
    except errors.RenweiError as error:
        values = msgspec.json.encode(error.values, enc_hook=plain)
        return Said(error=(type(error).__name__, error.code, values))
    except Exception:  # noqa: BLE001 - a door: the server does it again, and says what is wrong
        return Said()


if __name__ == "__main__":
    main()
