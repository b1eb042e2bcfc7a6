"""The shop's days and weeks on its own clock, and how far into each one may look.

A day that is not over is compared with the same hours of earlier days: each span has a start
and a cut, both at the same wall time, whatever daylight saving did in between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from renwei.core.clock import EPOCH, from_us, to_us
from renwei.core.errors import BadInput
from renwei.report.book import Ints

DAY, WEEK = "day", "week"
PERIODS = (DAY, WEEK)
LENGTH = {DAY: 1, WEEK: 7}
STEP = {DAY: 7, WEEK: 1}
"""How many spans lie between comparable ones: the same weekday, or the week before."""

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?")


@cache
def zone_named(text: str) -> tzinfo:
    """The zone of a tz name or an offset such as +08:00; UTC where it is neither."""
    offset = _OFFSET.fullmatch(text)
    if offset:
        sign, hours, minutes = offset.groups()
        ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-ahead if sign == "-" else ahead)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return timezone.utc  # noqa: UP017 - a tzinfo like the others


@dataclass(frozen=True)
class Spans:
    """Consecutive days or weeks, oldest first; the last is the one reported on.

    `starts` has one more entry than there are spans; `cuts` is where each stops being
    counted. All in microseconds since 1970.
    """

    period: str
    days: list[date]
    starts: Ints
    cuts: Ints

    def __len__(self) -> int:
        """How many."""
        return len(self.days)

    @property
    def whole(self) -> Spans:
        """The same, each counted to its end; the last as far as before."""
        cuts = self.starts[1:].copy()
        cuts[-1] = self.cuts[-1]
        return Spans(self.period, self.days, self.starts, cuts)

    def place(self, at_us: Ints) -> Ints:
        """The span of each time; -1 where it is in none, or after its cut."""
        found = np.searchsorted(self.starts, at_us, side="right") - 1
        inside = (found >= 0) & (found < len(self))
        held = np.where(inside, found, 0)
        return np.where(inside & (at_us < self.cuts[held]), found, -1)


def first_day(at: datetime, period: str, zone: tzinfo) -> date:
    """The day, or the Monday of the week, that holds a time."""
    day = at.astimezone(zone).date()
    return day - timedelta(days=day.weekday()) if period == WEEK else day


def midnight(day: date, zone: tzinfo) -> datetime:
    """When a day begins for the shop, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(EPOCH.tzinfo)


def spans(period: str, last: date, back: int, zone: tzinfo, cut: datetime | None) -> Spans:
    """The span that begins on `last` and `back` ones before it.

    Args:
        period: "day" or "week".
        last: First day of the span reported on.
        back: How many earlier ones.
        zone: The shop's.
        cut: Where the last span stops being counted; None for its end.
    """
    length = timedelta(days=LENGTH[period])
    days = [last - length * k for k in range(back, -1, -1)]
    starts = [to_us(midnight(day, zone)) for day in (*days, last + length)]
    if cut is None:
        return Spans(period, days, np.array(starts), np.array(starts[1:]))
    local = cut.astimezone(zone).replace(tzinfo=None)
    into = local - datetime.combine(last, time())
    cuts = [
        to_us((datetime.combine(day, time()) + into).replace(tzinfo=zone).astimezone(EPOCH.tzinfo))
        for day in days[:-1]
    ]
    return Spans(period, days, np.array(starts), np.array([*cuts, to_us(cut)]))


def checked(at: datetime) -> datetime:
    """A time as aware UTC; one without a zone is taken as UTC, as everywhere.

    Raises:
        BadInput: It lies where no shop was ever open (code bad_day).
    """
    if not 1970 < at.year < 2200:
        raise BadInput("bad_day", found=at.isoformat())
    return (at if at.tzinfo else at.replace(tzinfo=EPOCH.tzinfo)).astimezone(EPOCH.tzinfo)


def local_text(at_us: int, zone: tzinfo) -> str:
    """A time as the shop's clock shows it, ISO 8601 with its offset."""
    return from_us(at_us).astimezone(zone).isoformat(timespec="seconds")
