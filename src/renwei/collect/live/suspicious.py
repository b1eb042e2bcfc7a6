"""Signals that come too fast for a human: flagged as they arrive, so that folds weigh them less."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Event
from renwei.core.store import Store
from renwei.core.tallies import Tally

MINUTE_US: Final = 60_000_000
_DAY_US: Final = 86_400_000_000
_KEPT: Final = 50_000
LIMITS: Final = {
    "view": 120, "search": 60, "like": 60, "unlike": 60, "comment": 20, "share": 30, "wish": 60,
    "follow": 40, "unfollow": 40, "cart": 60, "uncart": 60, "checkout": 20, "shown": 600,
}  # fmt: skip
"""How often one person does something within a minute at most, by kind."""
TALLY: Final = "flood:"
"""Flagged events are summed under this and their kind."""


class Flood:
    """Counts by actor, kind and minute of the event's own time: an upload is no flood."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, str], list[int]] = {}

    def is_over(self, actor: int, kind: str, at_us: int) -> bool:
        """Whether this event is one too many in its minute.

        Example:
            >>> flood = Flood()
            >>> [flood.is_over(7, "comment", 5) for _ in range(21)][-2:]
            [False, True]
        """
        if actor == NOBODY:
            return False
        minute = at_us // MINUTE_US
        counted = self._counts.get((actor, kind))
        if counted is None:
            if len(self._counts) >= _KEPT:
                self._counts.clear()
            self._counts[actor, kind] = [minute, 1]
            return False
        if counted[0] != minute:
            counted[0], counted[1] = minute, 0
        counted[1] += 1
        return counted[1] > LIMITS[kind]


def flagged(events: Iterable[Event]) -> list[Tally]:
    """The sums of flagged events, for the fold to keep."""
    found: dict[tuple[int, str, int], tuple[int, int]] = {}
    for event in events:
        if event.body.get("flood") and event.actor != NOBODY:
            us = to_us(event.at)
            key = event.actor, TALLY + event.kind, us // _DAY_US
            n, last = found.get(key, (0, 0))
            found[key] = n + 1, max(last, us)
    return [
        Tally(actor, name, 0, day, n, n, last) for (actor, name, day), (n, last) in found.items()
    ]


def names() -> Sequence[str]:
    """The names of the sums of flagged events."""
    return [TALLY + kind for kind in LIMITS]


_floods: WeakKeyDictionary[Store, Flood] = WeakKeyDictionary()


def flood(store: Store) -> Flood:
    """The counts of a store, the same each time."""
    return _floods.setdefault(store, Flood())
