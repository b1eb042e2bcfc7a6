"""Who is left alone today: contacted, skipped, put off or listed a short while ago.

These come after the kernel's own guards (consent, caps). Each is a set of people under a
name of its own, so that "why not" can say which one it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from renwei.core.columns import Asks, Slates
from renwei.core.nouns import Ask, ConsentState, Surface, Trait
from renwei.core.permission import Permits, unpack
from renwei.core.shop import Shop
from renwei.core.slate import Slate
from renwei.reach.corrected import corrected_away
from renwei.reach.history import DONE, SKIP, SNOOZE, History, listed_since

CONTACTED_DAYS, SKIPPED_DAYS, LISTED_DAYS = 14, 30, 2
"""Days for which a person is left alone after each."""

OVER_LIMIT = "over_limit"


@dataclass(frozen=True)
class LeftAlone:
    """Removes every candidate of some people."""

    name: str
    people: frozenset[int]

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        """All or nothing."""
        return [ask.person not in self.people] * len(slate)

    def keeps_many(self, asks: Asks, slates: Slates) -> Any:
        """As `keeps`, on columns."""
        import numpy as np

        alone = np.array(sorted(self.people), dtype=np.int64)
        mask = np.isin(asks.persons, alone, invert=True)
        return np.broadcast_to(mask[:, None], slates.items.shape)


@dataclass(frozen=True)
class Reserved:
    """Removes what the shared limits have no room for: of some people, some items.

    A person with a place on the list keeps what the place was given for; whoever would ask
    for a place that is not there keeps nothing of the kind.
    """

    refused: Mapping[int, frozenset[int]]
    name: str = OVER_LIMIT

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        """All but the refused items of this person."""
        refused = self.refused.get(ask.person, frozenset())
        return [item not in refused for item in slate.items]

    def keeps_many(self, asks: Asks, slates: Slates) -> Any:
        """As `keeps`, on columns."""
        import numpy as np

        mask = np.ones(slates.items.shape, dtype=bool)
        named = np.array(sorted(self.refused), dtype=np.int64)
        for row in np.flatnonzero(np.isin(asks.persons, named)).tolist():
            refused = list(self.refused[int(asks.persons[row])])
            mask[row] = ~np.isin(slates.items[row], refused)
        return mask


@dataclass(frozen=True)
class AlreadyAnswered:
    """Does not ask for permission where the person has said yes or no."""

    permits: Permits
    name: str = "already_answered"

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        """Only a request for permission is removed."""
        if not any(trait & Trait.ASKS for trait in slate.traits):
            return [True] * len(slate)
        open_question = self.permits.standing(ask).purpose is ConsentState.UNKNOWN
        return [open_question or not trait & Trait.ASKS for trait in slate.traits]

    def keeps_many(self, asks: Asks, slates: Slates) -> Any:
        """As `keeps`, on columns; only people who would be asked are looked up."""
        import numpy as np

        asking = slates.live & ((slates.traits & int(Trait.ASKS)) > 0)
        rows = np.flatnonzero(asking.any(axis=1))
        people = [int(person) for person in asks.persons[rows]]
        codes = np.asarray(self.permits.standings(asks.surface, people, asks.at), dtype=np.int64)
        known = [unpack(int(c)).purpose is not ConsentState.UNKNOWN for c in np.unique(codes)]
        answered = np.unique(codes)[np.array(known, dtype=bool)]
        mask = np.ones(slates.items.shape, dtype=bool)
        mask[rows] = ~(asking[rows] & np.isin(codes, answered)[:, None])
        return mask


def house_guards(shop: Shop, history: History, surface: Surface, at: datetime) -> list[Any]:
    """The guards of the list, in the order in which they are asked."""
    listed = listed_since(shop, history, at - timedelta(days=LISTED_DAYS))
    return guards_of(shop, history, at, (listed, corrected_away(shop)))


def guards_of(
    shop: Shop,
    history: History,
    at: datetime,
    known: tuple[Iterable[int], Mapping[int, frozenset[int]]],
) -> list[Any]:
    """The same from what is known already: people listed lately, and items corrected away."""
    marks = history.marks.values()
    listed, corrected = known

    def marked(done: str, days: int) -> frozenset[int]:
        since = at - timedelta(days=days)
        return frozenset(m.person for m in marks if m.done == done and m.at > since)

    put_off = frozenset(m.person for m in marks if m.done == SNOOZE and m.until and m.until > at)
    return [
        Reserved(corrected, "corrected"),
        LeftAlone("contacted_lately", marked(DONE, CONTACTED_DAYS)),
        LeftAlone("skipped_lately", marked(SKIP, SKIPPED_DAYS)),
        LeftAlone("snoozed", put_off),
        LeftAlone("listed_lately", frozenset(listed)),
        AlreadyAnswered(shop.permits),
    ]
