"""What was answered to a request that may come again: kept a day, sealed, dropped on forget.

A client that heard no answer sends the same request with the same key; it is done once. The
record is on disk before the work begins, so that after a crash nobody does it twice unasked.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from renwei.core.chance import new_id
from renwei.core.errors import BadInput, Refused
from renwei.core.shop import Shop

PREFIX = "answered/"
KEPT = timedelta(hours=24)


class Answered(msgspec.Struct, kw_only=True):
    """One request and what it was answered; `body` is None once it may hold somebody forgotten.

    `boot` names the run of the server that began it; `status` is 0 until it has ended.
    """

    digest: bytes
    at: datetime
    boot: str
    status: int = 0
    body: bytes | None = b""
    headers: dict[str, str] = {}
    forgotten: int = 0


class Answers:
    """Remembers answers by caller and key; one a running workspace."""

    def __init__(self, at: datetime) -> None:
        self._boot = new_id(at)
        self._guard = threading.Lock()
        self._swept = at

    def begin(self, shop: Shop, caller: str, key: str, digest: bytes) -> Answered | None:
        """The answer to the same request before; None where it is to be done now.

        Args:
            shop: The workspace.
            caller: Who asks; keys of others are others.
            key: What the client calls the request.
            digest: Of everything that was asked.

        Raises:
            BadInput: repeat_differs, the key was used for another request.
            Refused: repeat_running; repeat_broken_off, the server stopped while it was done;
                repeat_gone, it was done but the answer is no longer kept.
        """
        name, at = _name(caller, key), shop.clock.now()
        with self._guard:
            held = _read(shop, name)
            if held is None or at - held.at >= KEPT:
                begun = Answered(digest=digest, at=at, boot=self._boot)
                shop.store.blobs.put(name, msgspec.msgpack.encode(begun))
                return None
        if held.digest != digest:
            raise BadInput("repeat_differs", key=key)
        if not held.status:
            if held.boot == self._boot:
                raise Refused("repeat_running", key=key, retry_after_s=1)
            raise Refused("repeat_broken_off", key=key)
        if held.body is None or held.forgotten != len(shop.store.people.forgotten()):
            raise Refused("repeat_gone", key=key)
        return held

    def end(
        self,
        shop: Shop,
        caller: str,
        key: str,
        answer: Answered | None,
    ) -> None:
        """Keep the answer; None where nothing was done, so that the key is free again."""
        name = _name(caller, key)
        if answer is None:
            shop.store.blobs.drop(name)
            return
        answer.boot = self._boot
        answer.forgotten = len(shop.store.people.forgotten())
        shop.store.blobs.put(name, msgspec.msgpack.encode(answer))
        if shop.clock.now() - self._swept > KEPT / 24:
            self._swept = shop.clock.now()
            sweep(shop)


def sweep(shop: Shop) -> int:
    """Drop what is older than a day; returns how many."""
    dropped = 0
    for name in shop.store.blobs.names(PREFIX):
        held = _read(shop, name)
        if held is None or shop.clock.now() - held.at >= KEPT:
            dropped += shop.store.blobs.drop(name)
    return dropped


def scrub(shop: Shop, texts: Sequence[str]) -> int:
    """Empty answers given before somebody was forgotten: they may tell of them.

    Returns 0: a receipt counts what was held of a person, and these are only echoes of it.
    """
    forgotten = len(shop.store.people.forgotten())
    for name in shop.store.blobs.names(PREFIX):
        held = _read(shop, name)
        if held is not None and held.body and held.forgotten != forgotten:
            held.body = None
            shop.store.blobs.put(name, msgspec.msgpack.encode(held))
    return 0


def _name(caller: str, key: str) -> str:
    return f"{PREFIX}{caller}|{key}"


def _read(shop: Shop, name: str) -> Answered | None:
    held = shop.store.blobs.get(name)
    return None if held is None else msgspec.msgpack.decode(held, type=Answered)
