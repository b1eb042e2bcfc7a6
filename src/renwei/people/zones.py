"""The shop's zone: a name of the tz database, or an offset as order files show it."""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_PLACES = {
    480: "Asia/Shanghai", 540: "Asia/Tokyo", 420: "Asia/Bangkok", 330: "Asia/Kolkata",
    345: "Asia/Kathmandu", 570: "Australia/Darwin", 0: "UTC",
}  # fmt: skip
"""Where clocks are never changed and so many minutes ahead of Greenwich."""
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?")


@cache
def zone_named(text: str) -> tzinfo:
    """The zone of a name or offset.

    Raises:
        ValueError: It is neither.

    Example:
        >>> zone_named("+08:00").utcoffset(None)
        datetime.timedelta(seconds=28800)
    """
    offset = _OFFSET.fullmatch(text)
    if offset:
        sign, hours, minutes = offset.groups()
        ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-ahead if sign == "-" else ahead)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"no zone is called {text!r}") from error


def zone_name(text: str) -> str:
    """The name of a zone, as everything that reads a clock takes it; an offset becomes a place.

    Raises:
        ValueError: There is no such zone, or no place by a name keeps that offset.

    Example:
        >>> zone_name("Europe/Berlin"), zone_name("+08:00"), zone_name("UTC-3")
        ('Europe/Berlin', 'Asia/Shanghai', 'Etc/GMT+3')
    """
    zone = zone_named(text)
    ahead = zone.utcoffset(None)
    if ahead is None or isinstance(zone, ZoneInfo):
        return text
    minutes = ahead // timedelta(minutes=1)
    # The names of Etc count the other way: Etc/GMT-8 is eight hours ahead of Greenwich.
    name = _PLACES.get(minutes) or f"Etc/GMT{-minutes // 60:+d}"
    if minutes % 60 and minutes not in _PLACES:
        raise ValueError(f"no place by a name keeps {text!r}")
    zone_named(name)
    return name
