"""Sums that folds keep behind the log: one of the Store's ten contracts.

What people did day by day (looked, liked, searched) is too much to read anew for every
decision and too little to learn a model from at every event; a fold adds it up instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Tally:
    """What one actor did with one thing on one day: how often, how much, when last.

    `day` counts from 1970-01-01 in UTC by the event's own time, `amount` is in the unit that
    the name says (view: milliseconds looked at), `last_us` is the latest event's time.
    """

    actor: int
    name: str
    item: int
    day: int
    n: int
    amount: int
    last_us: int


class Tallies(Protocol):
    """Additive sums that folds keep behind the log, with the position they stand at.

    A fold reads the log from its position, adds, and moves its position in one transaction
    with whatever else it writes (`Store.together`), so that a crash replays and never doubles.
    """

    def position(self, fold: str) -> int:
        """How far a fold has read; 0 at first."""
        ...

    def add(self, fold: str, rows: Iterable[Tally], position: int) -> None:
        """Add to the sums of a fold and move its position, together."""
        ...

    def of(self, actors: Sequence[int], names: Sequence[str] = ()) -> list[Tally]:
        """The sums of some actors, newest day first."""
        ...

    def columns(self, names: Sequence[str] = (), *, since_day: int = 0) -> Mapping[str, list[Any]]:
        """All sums as aligned columns: actor, name, item, day, n, amount, last_us."""
        ...

    def forget(self, actors: Sequence[int]) -> int:
        """Remove the sums of actors; returns the rows removed."""
        ...

    def drop_before(self, day: int) -> int:
        """Remove sums of days before one (retention); returns the rows removed."""
        ...

    def reset(self, fold: str) -> None:
        """Remove every sum of a fold and set its position to 0, so that it reads anew."""
        ...
