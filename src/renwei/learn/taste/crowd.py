"""What sells: popularity that fades, by segment where a segment is known; and what is new."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from renwei.learn.taste.said import Gone, Same
from renwei.learn.taste.source import Evidence, State
from renwei.learn.taste.table import DAY_US, Asked, Bools, Floats, Ints, Past

NEVER_US = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Crowd(State):
    """Fading sums of goal rows.

    Attributes:
        everyone: Shape (items,). Share of each item, summing to 1.
        segments: Shape (segments, items). The same in a segment, leaning on everyone's.
    """

    everyone: Floats
    segments: Floats
    name: ClassVar[str] = "crowd"

    @classmethod
    def fit(
        cls,
        past: Past,
        as_of_us: int,
        *,
        half_life_days: float | None = 7.0,
        segment: Ints | None = None,
        lean: float = 200.0,
    ) -> Crowd:
        """Sum up what happened before `as_of_us`.

        Args:
            past: Interactions; later rows are dropped.
            as_of_us: The moment.
            half_life_days: Of a goal row; None does not fade.
            segment: Shape (users,). The segment of each user, -1 unknown.
            lean: Purchases of everybody that a segment begins with.
        """
        past = past.before(as_of_us).goals()
        amount = past.weight.astype(np.float64)
        if half_life_days is not None:
            amount = amount * np.exp2(-past.age_days(as_of_us) / half_life_days)
        total = np.bincount(past.item, amount, past.items)
        everyone = (total / max(total.sum(), 1e-12)).astype(np.float32)
        if segment is None:
            return cls(everyone, np.zeros((0, past.items), np.float32))
        own = np.asarray(segment)[past.user]
        count = int(max(np.asarray(segment).max(initial=-1) + 1, 0))
        place = own[own >= 0] * past.items + past.item[own >= 0]
        sums = np.bincount(place, amount[own >= 0], count * past.items)
        sums = sums.reshape(count, past.items)
        # Amounts fade, so a lean in purchases fades with them.
        lean = lean * float(amount.mean()) if len(amount) else lean
        by = (sums + lean * everyone) / (sums.sum(1, keepdims=True) + max(lean, 1e-12))
        return cls(everyone, by.astype(np.float32))

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items); each person's segment, or everyone."""
        out = np.repeat(np.asarray(self.everyone)[None, :], len(asked), axis=0)
        known = (asked.segment >= 0) & (asked.segment < len(self.segments))
        out[known] = np.asarray(self.segments)[asked.segment[known]]
        return out

    def said(self, asked: Asked) -> Same:
        """The scores as one list for all of a segment; the last list is everyone's."""
        known = (asked.segment >= 0) & (asked.segment < len(self.segments))
        return Same(self._lists, np.where(known, asked.segment, len(self.segments)), self._order)

    @cached_property
    def _lists(self) -> Floats:
        return np.concatenate([np.asarray(self.segments), np.asarray(self.everyone)[None, :]])

    @cached_property
    def _orders(self) -> dict[int, Ints]:
        return {}

    def _order(self, which: int) -> Ints:
        if which not in self._orders:
            scores = self._lists[which]
            order = np.argsort(-scores, kind="stable")
            self._orders[which] = order[scores[order] > 0]
        return self._orders[which]

    def lists(
        self, asked: Asked, k: int, *, only_new: bool = False, keep: Bools | None = None
    ) -> tuple[Ints, Floats]:
        """The k items that sell most, of shape (people, k), and shares; -1 and -inf for none.

        Args:
            asked: The histories.
            k: Places; at most as many as there are items.
            only_new: Without what a person has.
            keep: Shape (items,) or (people, items). What may be chosen.
        """
        said, k = self.said(asked), min(k, asked.past.items)
        person, item = said.first(k, Gone.of(asked) if only_new else None, keep)
        place = np.arange(len(person)) - np.searchsorted(person, person)
        items = np.full((len(asked), k), -1)
        scores = np.full((len(asked), k), -np.inf, np.float32)
        items[person, place], scores[person, place] = item, said.at(person, item)
        return items, scores

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """None: it rests on others."""
        del asked, person, item
        return None


@dataclass(frozen=True)
class Fresh(State):
    """Items that are new and not yet known well.

    Attributes:
        born_us: Shape (items,). First seen, or listed; the largest number where never.
        goals: Shape (items,). Goal rows so far.
        born_within_days: Older items are not new.
        known_at: Goal rows at which an item needs no help any more.
    """

    born_us: Ints
    goals: Ints
    born_within_days: float
    known_at: int
    name: ClassVar[str] = "fresh"

    @classmethod
    def fit(
        cls,
        past: Past,
        as_of_us: int,
        *,
        listed_us: Ints | None = None,
        born_within_days: float = 30.0,
        known_at: int = 200,
    ) -> Fresh:
        """Note when items were first seen before `as_of_us`, or `listed_us`, shape (items,)."""
        past = past.before(as_of_us)
        born = np.full(past.items, NEVER_US)
        np.minimum.at(born, past.item, past.at_us)
        if listed_us is not None:
            listed = np.where(listed_us < as_of_us, listed_us, NEVER_US)
            born = np.where(listed != NEVER_US, np.minimum(born, listed), born)
        goals = np.bincount(past.goals().item, minlength=past.items)
        return cls(born, goals.astype(np.int64), born_within_days, known_at)

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items): from 1 for born now and unknown down to 0."""
        return np.repeat(self._now(asked.as_of_us)[None, :], len(asked), axis=0)

    def said(self, asked: Asked) -> Same:
        """The scores as one list for all."""
        one = self._latest.get(asked.as_of_us)
        if one is None:
            one = self._now(asked.as_of_us)
            self._latest.clear()
            self._latest[asked.as_of_us] = one

        def order(which: int) -> Ints:
            del which
            first = np.argsort(-one, kind="stable")
            return first[one[first] > 0]

        return Same(one[None, :], np.zeros(len(asked), np.int64), order)

    @cached_property
    def _latest(self) -> dict[int, Floats]:
        return {}

    def _now(self, as_of_us: int) -> Floats:
        age = (as_of_us - self.born_us.astype(np.float64)) / DAY_US
        young = np.clip(1.0 - age / self.born_within_days, 0.0, 1.0)
        young[(age < 0) | (self.born_us == NEVER_US)] = 0.0
        unknown = np.clip(1.0 - self.goals / self.known_at, 0.0, 1.0)
        now: Floats = (young * unknown).astype(np.float32)
        return now

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """None: it rests on the item alone."""
        del asked, person, item
        return None
