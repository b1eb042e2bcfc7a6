"""How fast one caller may call: so many a second over time, with room for a burst.

The generic cell rate algorithm (ITU-T I.371, 1.2.1): one number a caller, no timer, and the
exact time until the next call is welcome.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ceil

from renwei.core.clock import ticks
from renwei.core.errors import Refused

PER_S, BURST = 2_000.0, 4_000
STRANGERS_PER_S, STRANGERS_BURST = 100.0, 1_000
"""Callers without a key, by network address."""
_REMEMBERED = 10_000


class Pace:
    """Counts calls by caller; for one thread (the event loop).

    Args:
        per_s: Calls a second that are welcome over time.
        burst: So many may come at once.
    """

    def __init__(self, per_s: float = PER_S, burst: int = BURST) -> None:
        self._gap = 1 / per_s
        self._room = burst * self._gap
        self._due: OrderedDict[str, float] = OrderedDict()

    def check(self, caller: str) -> None:
        """Count one call.

        Raises:
            Refused: too_many, with `retry_after_s`.
        """
        now = ticks()
        due = max(self._due.pop(caller, now), now)
        wait = due + self._gap - now - self._room
        # What is refused does not count: who waits as told is let in.
        self._due[caller] = due if wait > 0 else due + self._gap
        while len(self._due) > _REMEMBERED:
            self._due.popitem(last=False)
        if wait > 0:
            raise Refused("too_many", retry_after_s=max(1, ceil(wait)))
