"""Wall clocks and UTC: which zone a file is in, and times turned both ways."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from renwei.collect.dates import ABSOLUTE, NO_OFFSET
from renwei.core.errors import UnknownName

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Tried in turn where a file's offsets change with the season.
_SEASONAL = (
    "America/New_York",
    "America/Los_Angeles",
    "America/Chicago",
    "America/Denver",
    "Europe/London",
    "Europe/Paris",
    "Europe/Helsinki",
    "Australia/Sydney",
    "Pacific/Auckland",
    "America/Sao_Paulo",
)


@lru_cache(maxsize=64)
def zone_named(name: str) -> tzinfo:
    """The zone of an IANA name or an offset such as +08:00.

    Raises:
        UnknownName: code `unknown_zone`.
    """
    match = re.fullmatch(r"([+-])(\d{2}):(\d{2})", name)
    if match:
        minutes = int(match[2]) * 60 + int(match[3])
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise UnknownName.among(
            "zone", name, ["Asia/Shanghai", "Europe/London", "America/New_York", "UTC"]
        ) from fault


def zone_shown(seen: Iterable[tuple[int, int]]) -> str:
    """The zone that offsets in a file show, "" where there are none.

    Args:
        seen: Distinct (wall seconds, offset in minutes) pairs.
    """
    pairs = [(s, o) for s, o in seen if o not in (NO_OFFSET, ABSOLUTE)]
    if not pairs:
        return ""
    offsets = {o for _, o in pairs}
    if len(offsets) == 1:
        return offset_name(offsets.pop())
    for name in _SEASONAL:
        zone = ZoneInfo(name)
        if all(_offset_at(zone, s, o) == o for s, o in pairs[:500]):
            return name
    counts = [o for _, o in pairs]
    return offset_name(max(sorted(offsets), key=counts.count))


def offset_name(minutes: int) -> str:
    """Minutes east of UTC as a zone.

    Example:
        >>> offset_name(480), offset_name(-210), offset_name(0)
        ('+08:00', '-03:30', 'UTC')
    """
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


class Clock:
    """Turns the wall clock of a file into UTC.

    Args:
        zone: Where a time shows no offset of its own.
    """

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._zone = zone_named(zone)

    def utc(self, seconds: int, offset: int) -> datetime:
        """Aware UTC from wall seconds since 1970 and minutes east, NO_OFFSET for the zone."""
        wall = _EPOCH + timedelta(seconds=seconds)
        if offset == ABSOLUTE:
            return wall
        if offset != NO_OFFSET:
            return wall - timedelta(minutes=offset)
        if self._zone is UTC:
            return wall
        return wall.replace(tzinfo=self._zone).astimezone(UTC)


def _offset_at(zone: ZoneInfo, seconds: int, offset: int) -> int:
    at = _EPOCH + timedelta(seconds=seconds) - timedelta(minutes=offset)
    shift = at.astimezone(zone).utcoffset() or timedelta()
    return int(shift.total_seconds() // 60)
