"""Probes for whoever keeps the server running: alive, ready, which version, numbers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable

import msgspec
from starlette.responses import Response

import renwei
from renwei.app.house import House
from renwei.core.errors import RenweiError
from renwei.doors.http import metrics
from renwei.doors.http.calling import answered
from renwei.doors.http.places import Call, Place
from renwei.doors.http.pool import in_thread

LAG_S = 60.0
"""Folds that are further behind make decisions from old knowledge."""
ROOM_BYTES = 64 << 20
"""With less room on the disk nothing more is taken in."""


class Alive(msgspec.Struct, kw_only=True):
    """The process answers."""

    status: str = "ok"


class Check(msgspec.Struct, kw_only=True):
    """One thing that must be so; `code` says what is wrong."""

    ok: bool
    code: str = ""


class Ready(msgspec.Struct, kw_only=True):
    """Whether requests may be sent here, and why not. `lag_s` is how far folds are behind."""

    ready: bool
    checks: dict[str, Check]
    lag_events: int
    lag_s: float


class Version(msgspec.Struct, kw_only=True):
    """Which program this is."""

    name: str = "renwei"
    version: str = renwei.__version__


def places() -> list[Place]:
    """The places of the probes."""
    return [
        Place("GET", "/v1/livez", "public", _live, "http.places.livez", answer=Alive),
        Place("GET", "/v1/readyz", "public", _ready, "http.places.readyz", answer=Ready),
        Place("GET", "/v1/version", "public", _version, "http.places.version", answer=Version),
        Place("GET", "/v1/metrics", "read", _metrics, "http.places.metrics", gives="text/plain"),
    ]


async def _live(call: Call) -> Response:
    return answered(call, Alive())


async def _version(call: Call) -> Response:
    return answered(call, Version())


async def _ready(call: Call) -> Response:
    found = await in_thread(readiness, call.house)
    return answered(call, found, 200 if found.ready else 503)


async def _metrics(call: Call) -> Response:
    hands = getattr(call.request.app.state, "hands", None)
    said = await in_thread(metrics.text, call.house, hands.ready if hands else 0)
    return Response(said, media_type=metrics.KIND, headers={"cache-control": "no-store"})


def readiness(house: House) -> Ready:
    """Try what a request needs: the store can be read, the disk written, folds keep up."""
    lag = (0, 0.0)

    def follows() -> str:
        nonlocal lag
        lag = house.follower.lag()
        return "behind" if lag[1] > LAG_S else ""

    def reads() -> str:
        house.shop().store.log.position()
        return ""

    def writes() -> str:
        with tempfile.TemporaryFile(dir=house.directory) as file:
            file.write(b"ready")
        return ""

    def has_room() -> str:
        return "disk_full" if shutil.disk_usage(house.directory).free < ROOM_BYTES else ""

    checks = {
        "store": _checked(reads),
        "writable": _checked(writes),
        "disk": _checked(has_room),
        "folds": _checked(follows),
    }
    return Ready(
        ready=all(one.ok for one in checks.values()),
        checks=checks,
        lag_events=lag[0],
        lag_s=round(lag[1], 3),
    )


def _checked(check: Callable[[], str]) -> Check:
    try:
        code = check()
    except RenweiError as fault:
        code = fault.code
    except OSError as error:
        code = os.strerror(error.errno or 0)
    return Check(ok=not code, code=code)
