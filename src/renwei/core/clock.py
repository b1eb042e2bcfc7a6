"""The only place where the program asks what time it is.

Everything else is told the time (Ask.at, an argument `at`), so that yesterday can be
decided again exactly. A lint forbids now() elsewhere.
"""

from __future__ import annotations

import time as _time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware UTC, to the microsecond."""
        return datetime.now(UTC)


@dataclass
class Frozen:
    """A clock that stands still until it is told to move; for tests and replays."""

    at: datetime

    def now(self) -> datetime:
        """The time it was set to."""
        return self.at

    def advance(self, by: timedelta) -> None:
        """Move on (or back: clocks do that)."""
        self.at += by


def to_us(at: datetime) -> int:
    """Microseconds since 1970 of an aware time; how stores and arrays keep it.

    Raises:
        ValueError: The time carries no zone.

    Example:
        >>> to_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
        1000000
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return (at - EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The inverse of `to_us`, aware UTC."""
    return EPOCH + timedelta(microseconds=us)


def cpu_seconds() -> float:
    """CPU time of this process; for progress and measurements, never for decisions."""
    return _time.process_time()


def ticks() -> float:
    """Monotonic seconds; for rates and time-outs, never for decisions."""
    return _time.monotonic()
