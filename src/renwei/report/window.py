"""Which day or week is reported on, how far it had gone, and whether its data is all there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

import numpy as np

from renwei.core.clock import from_us, to_us
from renwei.core.errors import BadInput, UnknownName
from renwei.core.shop import Shop
from renwei.report.answers import ReportRequest
from renwei.report.book import Book, Ints
from renwei.report.noise import LOOKS
from renwei.report.spans import (
    DAY,
    LENGTH,
    PERIODS,
    WEEK,
    Spans,
    first_day,
    midnight,
    spans,
)

COMPLETE, PARTIAL, DATA_ENDS, NO_DATA = "complete", "partial", "data_ends", "no_data"
_US = timedelta(microseconds=1)
_WEEK_US = 7 * 86_400_000_000
_BACK = {DAY: 420, WEEK: 112}
_JUST_NOW = timedelta(hours=1)
_UNLIKELY = 7.0
"""Orders that should have come in a silence; none of seven happens once in a thousand times."""


@dataclass(frozen=True)
class Window:
    """The span reported on: [start, until) is counted, `end` is where it would be over."""

    period: str
    day: date
    start: datetime
    end: datetime
    until: datetime
    at: datetime
    state: str
    zone: tzinfo
    data_until: datetime | None
    stale: bool = False
    """Whether it holds the last order, is whole, and a day or more after it is unknown."""

    @property
    def length(self) -> timedelta:
        """A day or seven."""
        return timedelta(days=LENGTH[self.period])


def covered_until(shop: Shop, book: Book, at: datetime, zone: tzinfo) -> datetime | None:
    """Up to when orders can be known: the last import, or None where they come in by themselves.

    A file knows nothing of what was ordered after it was brought in; one without an order of
    the day on which it came says nothing of that day either, which has only begun. Events of a
    site or an app come in as they happen; then silence is all there is to judge by.
    """
    live = np.array([platform == "live" for platform, _ in book.places], dtype=bool)
    if live.any():
        recent = book.columns["at"] > to_us(at) - LOOKS * _WEEK_US
        if (live[book.columns["place"]] & recent).any():
            return None
    papers = shop.store.papers
    found = (papers.get("import", name) for name in papers.names("import"))
    times = [
        datetime.fromisoformat(str(paper.body["began"]))
        for paper in found
        if paper is not None and paper.body.get("state") == "done"
    ]
    before = [one for one in times if one <= at]
    if not before:
        return None
    brought = max(before)
    day = midnight(first_day(brought, DAY, zone), zone)
    placed = book.columns["at"]
    if not ((placed >= to_us(day)) & (placed <= to_us(at))).any():
        return day
    return brought if at - brought > _JUST_NOW else None


def window(
    request: ReportRequest,
    at: datetime,
    zone: tzinfo,
    placed: Ints,
    covered: datetime | None = None,
) -> Window:
    """Find the span.

    Without a day or a time asked for, the report goes back to where the data ends: a shop
    that brings its file once a week wants the last day of the file, not an empty today.

    Args:
        request: Period, day, time.
        at: What is known by then counts.
        zone: The shop's.
        placed: When orders of any state were placed, ascending, none after `at`.
        covered: Up to when orders can be known; None for up to `at`.

    Raises:
        UnknownName: No such period (code unknown_period).
        BadInput: `day` is no date (code bad_day), or lies ahead (code day_ahead).
    """
    if request.period not in PERIODS:
        raise UnknownName.among("period", request.period, PERIODS)
    last = from_us(int(placed[-1])) if len(placed) else None
    known = min(at, covered) if covered else at
    day = first_day(at, request.period, zone)
    if request.day:
        asked = _date(request.day)
        day = asked - timedelta(days=asked.weekday()) if request.period == WEEK else asked
    elif request.at is None and last is not None:
        silent = known <= midnight(day, zone) or _ended(placed, known)
        day = first_day(last, request.period, zone) if silent else day
    start = midnight(day, zone)
    if start > at:
        raise BadInput("day_ahead", day=day.isoformat(), now=at.astimezone(zone).date().isoformat())
    end = midnight(day + timedelta(days=LENGTH[request.period]), zone)
    state, until = COMPLETE, end
    if last is None:
        state, until = NO_DATA, min(at, end)
    elif last < end and _ended(placed, min(known, end)):
        state, until = DATA_ENDS, max(last + _US, start)
    elif known < min(at, end):
        state, until = DATA_ENDS, max(known, start)
    elif at < end:
        state, until = PARTIAL, at
    stale = state == COMPLETE and last is not None and start <= last < end < at
    stale = stale and (at - known >= timedelta(days=1) or _ended(placed, at))
    return Window(request.period, day, start, end, until, at, state, zone, last, stale)


def spans_before(found: Window, placed: Ints) -> Spans:
    """The window as the last of its kind, with as many before it as there is data for."""
    back = 0
    if len(placed):
        oldest = first_day(from_us(int(placed[0])), found.period, found.zone)
        # The first span of the data is rarely whole.
        back = (found.day - oldest) // found.length - 1
    cut = None if found.state == COMPLETE else found.until
    return spans(found.period, found.day, min(max(back, 0), _BACK[found.period]), found.zone, cut)


def _ended(placed: Ints, until: datetime) -> bool:
    """Whether the silence up to a time is one that the same hours of earlier weeks never had."""
    last, end = int(placed[-1]), to_us(until)
    if end <= last:
        return False
    counts = []
    for look in range(1, LOOKS + 1):
        back = look * _WEEK_US
        if last - back < int(placed[0]):
            break
        low, high = np.searchsorted(placed, [last - back + 1, end - back], side="left")
        counts.append(int(high - low))
    return bool(counts) and float(np.mean(counts)) > _UNLIKELY


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput("bad_day", found=text) from error
    if not 1970 < day.year < 2200:
        raise BadInput("bad_day", found=text)
    return day
