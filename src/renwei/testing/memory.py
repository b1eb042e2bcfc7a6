"""A ledger in memory and permits that allow what they are told: fakes for tests of plugins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from renwei.core.nouns import NOBODY, Ask, Autonomy, Decision, Surface
from renwei.core.permission import Standing, pack
from renwei.core.store import Effect


@dataclass
class MemoryLedger:
    """Keeps decisions and effects in lists; passes for a Ledger where nothing need survive."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)

    def record(self, decision: Decision, effects: Sequence[Effect] = ()) -> Decision:
        """Keep one decision and its effects."""
        self.decisions[decision.id] = decision
        self.effects.extend(effects)
        return decision

    def record_all(self, decisions: Iterable[Decision]) -> int:
        """Keep many."""
        fresh = {decision.id: decision for decision in decisions}
        self.decisions.update(fresh)
        return len(fresh)

    def get(self, decision: str) -> Decision | None:
        """One by id."""
        return self.decisions.get(decision)

    def of(self, persons: Sequence[int], *, limit: int = 100) -> list[Decision]:
        """The newest about these persons, newest first."""
        own = [d for d in self.decisions.values() if d.person in set(persons)]
        return sorted(own, key=lambda d: (d.at, d.id), reverse=True)[:limit]

    def between(self, since: datetime, until: datetime, surface: str = "") -> Iterator[Decision]:
        """Made in [since, until), oldest first."""
        for decision in sorted(self.decisions.values(), key=lambda d: (d.at, d.id)):
            if since <= decision.at < until and surface in {"", decision.surface}:
                yield decision

    def forget(self, persons: Sequence[int]) -> int:
        """Give these persons' decisions to nobody and drop their reasons' values."""
        own = [d for d in self.decisions.values() if d.person in set(persons)]
        for decision in own:
            reasons = tuple(replace(r, values={}, evidence=()) for r in decision.reasons)
            self.decisions[decision.id] = replace(decision, person=NOBODY, reasons=reasons)
        return len(own)


@dataclass(frozen=True)
class FixedPermits:
    """The same standing for everybody, or one by person."""

    everyone: Standing = field(default_factory=Standing)
    by_person: Mapping[int, Standing] = field(default_factory=dict)
    how_far: Autonomy = Autonomy.PREPARE
    left: Mapping[str, int] = field(default_factory=dict)

    def autonomy(self, surface: Surface) -> Autonomy:
        """As told."""
        return self.how_far

    def standing(self, ask: Ask) -> Standing:
        """As told."""
        return self.by_person.get(ask.person, self.everyone)

    def standings(self, surface: Surface, persons: Sequence[int], at: datetime) -> Sequence[int]:
        """As told, packed."""
        return [pack(self.by_person.get(person, self.everyone)) for person in persons]

    def room(self, surface: Surface, at: datetime) -> Mapping[str, int]:
        """As told."""
        return self.left
