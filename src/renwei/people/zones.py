"""The shop's zone: a name of the tz database, or an offset as order files show it."""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
