"""uvicorn around the application: one process, a bound socket, a clean end."""

from __future__ import annotations

import contextlib
import gc
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Any

import uvicorn

from renwei.app.house import House
from renwei.doors.http.hands import Hands
from renwei.doors.http.ingest import Wires
from renwei.doors.http.server import build_app

TURN_S = 0.0005
GRACE_S = 10
"""A request under way has so long to end after the order to stop."""

COLLECT = (10_000, 20, 100)
"""Thresholds of the garbage collector's generations."""


def serve_until_stopped(
    house: House, listening: socket.socket, *, proxies: Sequence[str] = (), hands: int = 0
) -> None:
    """Serve on a socket that is already bound, until SIGINT or SIGTERM.

    Args:
        house: The workspace.
        listening: Bound and listening.
        proxies: Networks whose forwarded headers are believed; nobody's by default.
        hands: So many processes decide beside it at most, while there is much to do.
    """
    # Events make many short-lived objects and no cycles; what lives since the start is not
    # looked at again and again. A tenth of the time of a batch.
    # Threads that wait for the disk get their turn again after half a millisecond, not five:
    # an answer makes some eighty short reads, and each gives the turn away.
    sys.setswitchinterval(TURN_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    # asyncio sets it only where the socket names its protocol; without it a head waits for the
    # acknowledgement of the one before its body, 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    app: Any = build_app(house)
    app.state.proxies = tuple(proxies)
    app.state.hands = Hands(house.directory, hands)
    config = uvicorn.Config(
        _ingest_first(app),
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=2048,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=64 * 1024,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        app.state.hands.end()


def _ingest_first(app: Any) -> Any:
    """The application, but events go straight to their wire, past routers and middleware."""
    wires = next(route for route in app.routes if isinstance(route, Wires))
    paths = wires.takes

    async def front(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and paths(scope["path"]):
            await wires(scope, receive, send)
        else:
            await app(scope, receive, send)

    return front


def wait_until_stopped() -> None:
    """Wait for SIGINT or SIGTERM without serving anything."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.suppress(KeyboardInterrupt):
        stop.wait()
