"""Times as SDKs write them, and the sender's clock put right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
US: Final = timedelta(microseconds=1)
_SECOND: Final = 1_000_000
AHEAD_US: Final = 86_400 * _SECOND
"""A day: what lies further ahead of arrival is no time of an event."""
EARLIEST_US: Final = 946_684_800 * _SECOND
"""The year 2000; phones that lost their clock say 1970."""
SLACK_US: Final = 2 * _SECOND
"""A smaller difference between sentAt and arrival is the way here, not a wrong clock."""


def instant_us(value: str | float) -> int | None:
    """Microseconds since 1970 of an ISO 8601 text or of seconds or milliseconds, else None.

    A text without an offset is UTC, as the Segment specification has it.

    Example:
        >>> instant_us("2026-11-20T04:00:00.250Z") == instant_us(1795147200.25)
        True
        >>> instant_us(1795147200250), instant_us("20 November")
        (1795147200250000, None)
    """
    if type(value) is str:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return _digits_us(value)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return (at - EPOCH) // US
    return _number_us(value)


def _digits_us(text: str) -> int | None:
    text = text.strip()
    if text.isascii() and text.isdigit() and 9 <= len(text) <= 17:
        return _number_us(int(text))
    # Go's and Java's nanoseconds: Python reads six digits and no more.
    head, dot, tail = text.partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    if not dot or digits <= 6 or len(text) > 64:
        return None
    try:
        at = datetime.fromisoformat(f"{head}.{tail[:6]}{tail[digits:]}")
    except ValueError:
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - EPOCH) // US


def _number_us(value: object) -> int | None:
    if not isinstance(value, int | float) or not 0 <= value < 1e18:
        return None
    if value < 1e11:
        return round(value * _SECOND)
    if value < 1e14:
        return round(value * 1_000)
    return round(value) if value < 1e17 else round(value / 1_000)


def skew_us(sent_at_us: int | None, received_us: int) -> int:
    """How far the sender's clock is ahead of ours, by when it says it sent (Segment's rule).

    Example:
        >>> skew_us(3_600_000_000, 0), skew_us(None, 0), skew_us(900_000, 0)
        (3600000000, 0, 0)
    """
    if sent_at_us is None:
        return 0
    ahead = sent_at_us - received_us
    return ahead if abs(ahead) >= SLACK_US else 0
