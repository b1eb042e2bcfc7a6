"""Dates as people and systems write them; which number is the month is decided per column.

`3/4/2024` alone says nothing; a whole column does: a 31 in the second place, or an order book
that is sorted only when it is read one way.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from renwei.collect.values import is_absent, tidy

NO_OFFSET = -10_000
ABSOLUTE = -9_999  # counted since 1970 in UTC: an instant, but no word on the shop's zone
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2099, 1, 1, tzinfo=UTC)
DayOrder = Literal["dmy", "mdy", "ymd"]

_MONTHS = {
    m: n
    for n, m in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}
_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?$")
_YMD = re.compile(r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T ,]*(.*))?$")
_XYZ = re.compile(r"^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{1,2})(?:[T ,]+(.*))?$")
_NAMED = re.compile(
    r"^(?:[A-Za-z]{3,9},?\s+)?(?:(\d{1,2})(?:st|nd|rd|th)?[\s\-]+([A-Za-z]{3,9})\.?|([A-Za-z]{3,9})\.?\s+(\d{1,2})"
    r"(?:st|nd|rd|th)?),?[\s\-]+(\d{4}|\d{2})(?:[T ,]+(?:at\s+)?(.*))?$"
)
_COMPACT = re.compile(r"^((?:19|20)\d{2})(\d{2})(\d{2})(?:[T ]?(\d{2})(\d{2})(\d{2})?)?(Z)?$")
_TIME = re.compile(
    r"^(?P<early>上午|下午|凌晨|早上|中午|晚上|[AaPp]\.?[Mm]\.?)?\s*"
    r"(?P<h>\d{1,2})(?:[:：时h.](?P<m>\d{1,2}))?(?:[:：分.](?P<s>\d{1,2}))?(?:[.,]\d+)?[分秒]?\s*"
    r"(?P<late>[AaPp]\.?[Mm]\.?)?\s*"
    r"(?P<zone>Z|(?:UTC|GMT)?\s*[+-]\d{1,2}(?::?\d{2})?|UTC|GMT|CST|EST|EDT|PST|PDT)?$"
)
_NUMBER = re.compile(r"^\d+(?:\.\d+)?(?:[eE]\+?\d+)?$")
# Abbreviations in orders of Chinese shops mean China; the American ones are unambiguous.
_ZONES = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    "CST": 480,
    "EST": -300,
    "EDT": -240,
    "PST": -480,
    "PDT": -420,
}


class Moments(NamedTuple):
    """One entry a distinct text: seconds as the clock on the wall showed, offset, fault.

    `seconds` counts from 1970-01-01 00:00 of the same wall clock; `offset` is in minutes east
    of UTC, NO_OFFSET or ABSOLUTE; `fault` is "" or a code, and blank cells have `seconds` None without it.
    """

    seconds: list[int | None]
    offset: list[int]
    fault: list[str]
    order: DayOrder


class _Read(NamedTuple):
    at: datetime
    offset: int


def moments(values: Sequence[str], *, order: DayOrder | None = None) -> Moments:
    """Read the distinct texts of one column, in the order in which the file has them.

    Example:
        >>> moments(["03.01.2024", "2024年1月3日 8:05", "abc"]).fault
        ['', '', 'bad_date']
    """
    texts = ["" if is_absent(v) else _normal(v) for v in values]
    order = order or _day_order(texts)
    unit = _number_unit(texts)
    seconds: list[int | None] = []
    offset: list[int] = []
    fault: list[str] = []
    for text in texts:
        read = _read(text, order, unit) if text else None
        code = "" if not text else "bad_date" if read is None else _out_of_range(read.at)
        good = read is not None and not code
        seconds.append(math.floor((read.at - _EPOCH).total_seconds()) if good and read else None)
        offset.append(read.offset if good and read else NO_OFFSET)
        fault.append(code)
    return Moments(seconds, offset, fault, order)


def looks_like_dates(values: Iterable[str]) -> float:
    """Share of present values that read as a date written as one (no bare serial numbers)."""
    texts = [_normal(v) for v in values if not is_absent(v)]
    if not texts:
        return 0.0
    good = 0
    for text in texts:
        written = not _NUMBER.match(text) or _COMPACT.match(text) is not None
        read = _read(text, "dmy", "") or _read(text, "mdy", "") if written else None
        good += read is not None and not _out_of_range(read.at)
    return good / len(texts)


def looks_like_clocks(values: Iterable[str]) -> float:
    """Share of present values that are Unix times or spreadsheet serials with a time."""
    texts = [_normal(v) for v in values if not is_absent(v)]
    good = sum(bool(_NUMBER.match(t)) and _plausible(float(t)) for t in texts)
    return good / len(texts) if texts else 0.0


def _plausible(number: float) -> bool:
    return (
        9.4e8 < number < 2.5e9
        or 9.4e11 < number < 2.5e12
        or (3e4 < number < 6e4 and number % 1 > 0)
    )


def _normal(text: str) -> str:
    text = tidy(text)
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _out_of_range(at: datetime) -> str:
    return "" if _EARLIEST <= at < _LATEST else "date_out_of_range"


def _read(text: str, order: DayOrder, unit: str) -> _Read | None:
    try:
        if _ISO.match(text) and " 24:" not in text:
            return _Read(datetime.fromisoformat(text).replace(tzinfo=UTC), NO_OFFSET)
        return _written(text, order) or _numeric(text, unit)
    except (ValueError, OverflowError):
        return None


def _written(text: str, order: DayOrder) -> _Read | None:
    if match := _YMD.match(text):
        return _joined((int(match[1]), int(match[2]), int(match[3])), match[4])
    if match := _XYZ.match(text):
        return _three(match, order)
    if match := _COMPACT.match(text):
        y, m, d, hour, minute, second_ = (int(g or 0) for g in match.groups()[:6])
        at = datetime(y, m, d, hour, minute, second_, tzinfo=UTC)
        return _Read(at, 0 if match[7] else NO_OFFSET)
    if match := _NAMED.match(text):
        month = _MONTHS.get((match[2] or match[3])[:3].lower(), 0)
        return _joined((_year(match[5]), month, int(match[1] or match[4])), match[6])
    return None


def _three(match: re.Match[str], order: DayOrder) -> _Read | None:
    """Three numbers of which the last, or the first of 25/1/8, is the year."""
    if order == "ymd" and len(match[4]) < 3:
        return _joined((_year(match[1]), int(match[3]), int(match[4])), match[5])
    if len(match[4]) == 1:
        return None
    first, second, year = int(match[1]), int(match[3]), _year(match[4])
    day_first = order == "dmy" or match[2] == "."
    month, day = (second, first) if day_first else (first, second)
    return _joined((year, month, day), match[5])


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _joined(day: tuple[int, int, int], time: str | None) -> _Read | None:
    at = datetime(*day, tzinfo=UTC)
    if not time or not time.strip():
        return _Read(at, NO_OFFSET)
    match = _TIME.match(time.strip())
    if not match:
        return None
    hour, minute, second = (int(match[g] or 0) for g in ("h", "m", "s"))
    half = (match["early"] or match["late"] or "").replace(".", "").lower()
    if half in ("pm", "下午", "晚上") and hour < 12:
        hour += 12
    elif half in ("am", "上午", "凌晨", "早上") and hour == 12:
        hour = 0
    day_after = hour == 24 and minute == second == 0
    at = at.replace(hour=0 if day_after else hour, minute=minute, second=second)
    return _Read(at + timedelta(days=day_after), _offset(match["zone"]))


def _offset(zone: str | None) -> int:
    if not zone:
        return NO_OFFSET
    zone = zone.replace(" ", "")
    if zone in _ZONES:
        return _ZONES[zone]
    match = re.match(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$", zone)
    if not match:
        return NO_OFFSET
    minutes = 60 * int(match[2]) + int(match[3] or 0)
    return -minutes if match[1] == "-" else minutes


def _numeric(text: str, unit: str) -> _Read | None:
    if not unit or not _NUMBER.match(text):
        return None
    number = float(text)
    if unit == "serial":
        if not 20_000 <= number < 80_000:
            return None
        at = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(seconds=round(number * 86_400))
        return _Read(at, NO_OFFSET)
    scale = {"s": 1, "ms": 1_000, "us": 1_000_000}[unit]
    return _Read(_EPOCH + timedelta(seconds=number / scale), ABSOLUTE)


def _number_unit(texts: Sequence[str]) -> str:
    """What bare numbers of the column count: days since 1899, seconds or less since 1970."""
    numbers = [float(t) for t in texts if _NUMBER.match(t) and not _COMPACT.match(t)]
    if not numbers:
        return ""
    middle = sorted(numbers)[len(numbers) // 2]
    for unit, low, high in (
        ("serial", 20_000, 80_000),
        ("s", 6e8, 4.2e9),
        ("ms", 6e11, 4.2e12),
        ("us", 6e14, 4.2e15),
    ):
        if low <= middle < high:
            return unit
    return ""


def _day_order(texts: Sequence[str]) -> DayOrder:
    """Day or month first, by what is possible, then by what leaves the book in order."""
    found = [m for t in texts if (m := _XYZ.match(t))]
    if any(len(m[4]) == 1 or int(m[1]) > 31 for m in found):
        return "ymd"  # 25/1/8: nobody writes a year with one figure
    found = [m for m in found if m[2] != "."]
    day_first = sum(int(m[1]) > 12 >= int(m[3]) for m in found)
    month_first = sum(int(m[3]) > 12 >= int(m[1]) for m in found)
    if day_first != month_first:
        return "dmy" if day_first > month_first else "mdy"
    if not found:
        return "dmy"
    steps = {order: _disorder(found, order) for order in ("dmy", "mdy")}
    if steps["mdy"] == steps["dmy"]:  # who writes 9:03 PM writes the month first
        return "mdy" if any(re.search(r"\d\s*[AaPp]\.?[Mm]", t) for t in texts) else "dmy"
    return "mdy" if steps["mdy"] < steps["dmy"] else "dmy"


def _disorder(found: Sequence[re.Match[str]], order: str) -> float:
    """How much a column jumps about, read one way: days walked from row to row."""
    days = []
    for m in found:
        day, month = (int(m[1]), int(m[3])) if order == "dmy" else (int(m[3]), int(m[1]))
        days.append(365 * _year(m[4]) + 31 * month + day)
    return sum(abs(b - a) for a, b in itertools.pairwise(days))
