"""Where each SDK carries its write key, and how much one key may send."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from renwei.core.clock import ticks

EVENTS_A_SECOND = 100_000
BURST = 1_000_000
_QUERY = ("writeKey", "write_key", "api_key", "token", "project")
Headers = Sequence[tuple[bytes, bytes]]


def key_in_headers(headers: Headers) -> str:
    """Basic user name, Bearer or X-Write-Key; "" where there is none.

    Example:
        >>> key_in_headers([(b"authorization", b"Basic d2tfMTo=")])
        'wk_1'
    """
    for name, value in headers:
        if name == b"authorization":
            kind, _, rest = value.partition(b" ")
            kind, rest = kind.lower(), rest.strip()
            if kind == b"basic":
                return _user_name(rest)
            if kind == b"bearer":
                return rest.decode("latin-1")
        elif name == b"x-write-key":
            return value.strip().decode("latin-1")
    return ""


def _user_name(encoded: bytes) -> str:
    try:
        return base64.b64decode(encoded).decode("latin-1").partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def key_in_query(fields: Mapping[str, str]) -> str:
    """The first of the fields that vendors use; "" where there is none."""
    return next((fields[name] for name in _QUERY if name in fields), "")


class Rate:
    """A bucket of events for each key, refilled all the time.

    Args:
        events_a_second: How fast it is refilled.
        burst: How many events it holds.

    Example:
        >>> rate = Rate(events_a_second=10, burst=10)
        >>> rate.wait_s("k", 10, at=0.0), rate.wait_s("k", 5, at=0.1)
        (0.0, 0.4)
    """

    def __init__(self, *, events_a_second: float = EVENTS_A_SECOND, burst: float = BURST) -> None:
        self._speed = events_a_second
        self._burst = burst
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, key: str, events: int, at: float | None = None) -> float:
        """Take events out of a key's bucket: 0, or the seconds until there would be enough."""
        at = ticks() if at is None else at
        left, since = self._left.get(key, (self._burst, at))
        left = min(self._burst, left + (at - since) * self._speed)
        # What is larger than the bucket is let through from a full one, and paid back.
        short = min(events, self._burst) - left
        if short > 0:
            self._left[key] = (left, at)
            return short / self._speed
        self._left[key] = (left - events, at)
        return 0.0
