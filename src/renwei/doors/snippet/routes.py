"""Where browsers get the script, and the answer to what they ask before they call us."""

from __future__ import annotations

import functools
import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from renwei.doors.snippet import sharing

PATH = "/renwei.js"
NAME = "renwei.js"
KEPT = "public, max-age=3600, stale-while-revalidate=86400"
"""A shop's visitors have a new edition after an hour, and never wait for it."""


@dataclass(frozen=True, slots=True)
class Edition:
    """The script as it is sent: bytes, the mark that changes with them, how they are packed."""

    body: bytes
    mark: str
    packed: bool = False


@functools.cache
def edition(*, packed: bool) -> Edition:
    """The script; `packed` with gzip, which is what nearly every browser takes.

    Example:
        >>> edition(packed=False).mark != edition(packed=True).mark
        True
    """
    plain = files("renwei.doors.snippet").joinpath(NAME).read_bytes()
    mark = hashlib.blake2b(plain, digest_size=8).hexdigest()
    if packed:
        return Edition(gzip.compress(plain, 9, mtime=0), f'"{mark}-gz"', packed=True)
    return Edition(plain, f'"{mark}"')


def routes() -> list[BaseRoute]:
    """The script, and the preflight of the paths that it calls."""
    asked = [Route(path, preflight, methods=["OPTIONS"]) for path in sorted(sharing.PATHS)]
    return [Route(PATH, script, methods=["GET"]), *asked]


async def script(request: Request) -> Response:
    """The script, or that the one they hold is still it."""
    sent = edition(packed=takes_gzip(request.headers.get("accept-encoding", "")))
    headers = {
        "etag": sent.mark,
        "cache-control": KEPT,
        "vary": "accept-encoding",
        "access-control-allow-origin": "*",
        # Shops whose pages are isolated (COEP) may load it too.
        "cross-origin-resource-policy": "cross-origin",
    }
    if holds(request.headers.get("if-none-match", ""), sent.mark):
        return Response(status_code=304, headers=headers)
    if sent.packed:
        headers["content-encoding"] = "gzip"
    return Response(sent.body, headers=headers, media_type="text/javascript")


async def preflight(request: Request) -> Response:
    """What a browser asks before it calls from another site."""
    return Response(status_code=204, headers=sharing.BEFORE)


def takes_gzip(header: str) -> bool:
    """Whether an Accept-Encoding lets us send gzip.

    Example:
        >>> takes_gzip("br, gzip;q=0.8"), takes_gzip("gzip;q=0"), takes_gzip("")
        (True, False, False)
    """
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def holds(header: str, mark: str) -> bool:
    """Whether an If-None-Match names this edition.

    Example:
        >>> holds('W/"a", "b"', '"a"'), holds("*", '"a"'), holds('"ab"', '"a"')
        (True, True, False)
    """
    named = [one.strip().removeprefix("W/") for one in header.split(",")]
    return mark in named or "*" in named
