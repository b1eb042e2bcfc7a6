"""What lies around every request: an id to name it by, and headers that keep browsers safe."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware

from renwei.app.house import House


def around(house: House) -> Sequence[Middleware]:
    """The middlewares, outermost first."""
    return []
