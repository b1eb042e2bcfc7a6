"""The API: every operation that names its place on HTTP, as a route."""

from __future__ import annotations

from starlette.routing import BaseRoute

from renwei.app.house import House


def routes(house: House) -> list[BaseRoute]:
    """Routes of the API, probes and OpenAPI."""
    return []
