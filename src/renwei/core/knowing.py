"""Facts about people: what is told, observed or corrected, with every earlier word kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from renwei.core.nouns import Fact


class Knowing(Protocol):
    """Keeps facts without personal data (stage, city, skin type); part of `People`."""

    def learn_facts(self, actor: int, facts: Sequence[Fact]) -> None:
        """Add facts of one actor; history is kept."""
        ...

    def learn_many(self, rows: Iterable[tuple[int, Fact]]) -> None:
        """`learn_facts` for many (actor, fact) in one transaction."""
        ...

    def all_facts(self) -> Iterator[tuple[int, Fact]]:
        """Every fact of everybody as (actor, fact), the oldest first."""
        ...
