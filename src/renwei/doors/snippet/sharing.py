"""What browsers of any other site may call beside the ingest paths, and read the answer of.

A key comes in a header and no cookie ever does, so that who may is decided by the key alone.
"""

from __future__ import annotations

from collections.abc import Mapping

PATHS = frozenset({"/v1/recommend", "/v1/page/{name}"})
_BELOW = "/v1/page/"
ORIGIN = ("access-control-allow-origin", "*")
EXPOSED = ("access-control-expose-headers", "retry-after, x-request-id")
"""Without it a script cannot read how long it is asked to wait."""
BEFORE: Mapping[str, str] = {
    "access-control-allow-methods": "POST, GET, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, accept-language",
    "access-control-max-age": "86400",
}
"""What a preflight answers beside AFTER."""
AFTER = tuple((name.encode(), value.encode()) for name, value in (ORIGIN, EXPOSED))


def beside(path: str) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that an answer from this path carries for browsers of other sites.

    Example:
        >>> [name.decode() for name, _ in beside("/v1/recommend")]
        ['access-control-allow-origin', 'access-control-expose-headers']
        >>> beside("/v1/people")
        ()
    """
    return AFTER if path in PATHS or path.startswith(_BELOW) else ()
