"""Where SDKs send events: the wires of Segment, RudderStack, PostHog and Sensors Data."""

from __future__ import annotations

from starlette.routing import BaseRoute

from renwei.app.house import House


def routes(house: House) -> list[BaseRoute]:
    """Routes of every wire."""
    return []
