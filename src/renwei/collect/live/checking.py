"""Whether an event can be true: how long somebody looked, and where they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from renwei.collect.live.naming import (
    DAY_MS,
    KEYS,
    dwell_of,
    event_kind,
    found,
    number_of,
)
from renwei.collect.live.shapes import shape_of

_PLACES: Final = KEYS["latitude"] | KEYS["longitude"]
_MICRODEGREES: Final = 1_000.0
"""Above this a coordinate is in millionths of a degree, as 神策's presets are."""
Fault = tuple[str, str, dict[str, Any]]
"""Field, code and values of a refusal."""


def fault_in(
    kind: str, name: str, properties: Mapping[str, Any], context: Mapping[str, Any]
) -> Fault | None:
    """What cannot be true of an event, or None.

    Example:
        >>> fault_in("track", "Product Viewed", {"dwell_ms": -3000}, {})
        ('properties.dwell_ms', 'bad_dwell', {'value': '-3000'})
    """
    if properties:
        shape = shape_of(properties)
        fault = _dwell_fault(kind, name, properties, shape.dwell) if shape.dwell else None
        if fault is None and shape.places:
            fault = _place_fault(properties, "properties")
        if fault is not None:
            return fault
    if "location" in context and type(context["location"]) is dict:
        return _place_fault(context["location"], "context.location")
    return None


def _dwell_fault(
    kind: str, name: str, properties: Mapping[str, Any], names: Sequence[str]
) -> Fault | None:
    looked = dwell_of(properties, kind if kind != "track" else event_kind(name), names)
    if looked is None:
        return None
    key, milliseconds = looked
    if milliseconds is not None and 0 <= milliseconds <= DAY_MS:
        return None
    return f"properties.{key}", "bad_dwell", {"value": str(properties[key])[:40]}


def _place_fault(where: Mapping[str, Any], inside: str) -> Fault | None:
    lat, lon = found(where, "latitude"), found(where, "longitude")
    if lat is None and lon is None:
        return None
    place = place_of(where)
    field = f"{inside}.{next(key for key in where if key in _PLACES)}"
    values = {"latitude": str(lat)[:40], "longitude": str(lon)[:40]}
    if place is None:
        return field, "bad_place", values
    if abs(place[0]) <= 90 and abs(place[1]) <= 180:
        return None
    swapped = abs(place[0]) <= 180 and abs(place[1]) <= 90
    return field, "swapped_place" if swapped else "bad_place", values


def place_of(where: Mapping[str, Any]) -> tuple[float, float] | None:
    """Latitude and longitude in degrees as told, None where there are not two numbers."""
    lat, lon = number_of(found(where, "latitude")), number_of(found(where, "longitude"))
    if lat is None or lon is None:
        return None
    if max(abs(lat), abs(lon)) > _MICRODEGREES:
        return lat / 1e6, lon / 1e6
    return lat, lon
