"""What a person will take next, by the ranker that was learnt from the shop's own past.

The ranker serves only where it beat what sells (learn.taste). Its chance of an item comes from
the whole history at once, so what a part of it adds is told by asking again without it: that
is the evidence, and an item without such evidence says that it is popular.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.shop import Columns
from renwei.recommend.lazily import lazily
from renwei.recommend.moment import Moment
from renwei.recommend.pasts import rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from renwei.learn.taste.table import Asked
    from renwei.learn.taste.taste import Question, Taste

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
HOUR_US = 3_600_000_000
MOST_ITEMS = 3
"""Of evidence."""
RANKED = 200
LEAST_SHARE = 0.001
"""What adds less than this to a chance is no reason for it."""
EXACT = ("ease", "neighbours", "together", "titles")
"""Sources whose scores are sums over the history."""
_TURNS = 3
_KEPT = 256
"""Forecasts that are remembered: a person who looks on asks for several blocks at once."""


@dataclass(eq=False)
class Ranker:
    """A taste as it was learnt, with the item and person numbers that it knows.

    Attributes:
        taste: Sources and models.
        items: Item numbers, ascending; taste's item k is items[k].
        people: Person numbers, ascending; taste's user k is people[k].
        still_us: How long nothing had been heard of the shop when it was learnt, in
            microseconds; 0 of one that is alive.
    """

    taste: Taste
    items: Ints
    people: Ints
    still_us: int = 0
    _kept: OrderedDict[Any, Forecast] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def serves(self, question: Question) -> bool:
        """Whether it beat what sells."""
        return self.taste.choices[question].way != "crowd"

    def forecast(self, moment: Moment, question: Question, keep: Bools) -> Forecast:
        """What one person may take; remembered while nothing new is known of them.

        Args:
            moment: The person.
            question: "any", or "discover" for what is new to them.
            keep: Shape (items,). What may be shown.
        """
        as_of_us = self._as_of(moment)
        # All that the answer stands on, word for word: an order may change without a new one.
        key = (moment.person, moment.bought, moment.looks, as_of_us, question, keep.tobytes())
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        found = Forecast(self, self._asked(moment, as_of_us), question, keep)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _as_of(self, moment: Moment) -> int:
        """The hour, but never before what is known; in a shop that stands still, its own."""
        now = to_us(moment.at) - self.still_us
        newest = max((*moment.at_us[:1], *(to_us(one.at) for one in moment.bought[:1]), 0))
        newest = int(self._awake(np.array([newest]))[0])
        return max(now - now % HOUR_US, newest + 1, self.taste.as_of_us)

    def _awake(self, at_us: Ints) -> Ints:
        """Times without the silence of a shop that stood still: what came after it is new."""
        learnt = self.taste.as_of_us
        return np.where(at_us > learnt, np.maximum(at_us - self.still_us, learnt), at_us)

    def _asked(self, moment: Moment, as_of_us: int) -> Asked:
        from renwei.learn.taste.table import Asked, Past

        rows = rows_of(moment)
        at, known = self._places(rows.item)
        rows, at = rows.pick(known), at[known]
        past = Past.of(
            np.zeros(len(at), dtype=np.int64), at, self._awake(rows.at_us),
            weight=rows.weight, value=rows.price, goal=rows.goal, items=len(self.items), users=1,
        )  # fmt: skip
        who = int(np.searchsorted(self.people, moment.person))
        same = who < len(self.people) and self.people[who] == moment.person
        return Asked.one(past, as_of_us, known=who if same else -1)

    def _places(self, numbers: Ints) -> tuple[Ints, Bools]:
        at = np.minimum(np.searchsorted(self.items, numbers), max(len(self.items) - 1, 0))
        known = self.items[at] == numbers if len(self.items) else np.zeros(len(at), bool)
        return at, known

    def place(self, number: int) -> int:
        """Taste's own number of an item, -1 where it knows none."""
        at, known = self._places(np.array([number]))
        return int(at[0]) if known[0] else -1


@dataclass(eq=False)
class Forecast:
    """What one person may take, and what of their past says so."""

    ranker: Ranker
    asked: Asked
    question: Question
    keep: Bools
    _odds: dict[tuple[int, frozenset[int]], float] = field(default_factory=dict, repr=False)
    _parts: dict[int, dict[int, float]] = field(default_factory=dict, repr=False)
    _shown: Any = field(default=None, repr=False)

    def once(self, count: Callable[[], Floats]) -> Floats:
        """How often items had been shown when this was first asked."""
        if self._shown is None:
            self._shown = count()
        shown: Floats = self._shown
        return shown

    @lazily
    def _ranked(self) -> tuple[Ints, Floats]:
        found = self.ranker.taste.rank(self.asked, self.question, k=RANKED, keep=self.keep)
        # Empty places were filled with what sells; that is said by what sells.
        own = np.isin(found.items[0], found.pairs.item[self.keep[found.pairs.item]])
        return found.items[0][own], found.scores[0][own].astype(np.float64)

    @property
    def items(self) -> Ints:
        """Taste's numbers of what was ranked, the best first."""
        return self._ranked[0]

    @lazily
    def chance(self) -> Floats:
        """Of each, in (0, 1)."""
        return _chance(self._ranked[1])

    @lazily
    def _place(self) -> Mapping[int, int]:
        return {item: place for place, item in enumerate(self.items.tolist())}

    def of(self, item: int) -> float:
        """The chance of one item, 0 where it was not ranked."""
        place = self._place.get(item)
        return float(self.chance[place]) if place is not None else 0.0

    def parts(self, item: int) -> Mapping[int, float]:
        """Items of the history without which the chance is lower, and how much they add.

        At most three; where no such are found, those of which it was expected.
        """
        if item not in self._parts:
            self.settle([item])
        return self._parts[item]

    def settle(self, items: Sequence[int]) -> None:
        """Look for the parts of several at once: what is expected first, then what else may be."""
        left = {item: self._options(item) for item in dict.fromkeys(items)
                if item not in self._parts}  # fmt: skip
        self._parts |= {item: options[0] if options else {} for item, options in left.items()}
        for turn in range(_TURNS):
            tried = {i: options[turn] for i, options in left.items() if len(options) > turn}
            self.ask([(item, frozenset(parts)) for item, parts in tried.items()])
            for item, parts in tried.items():
                if self.without(item, frozenset(parts)) < (1 - LEAST_SHARE) * self.of(item):
                    self._parts[item] = parts
                    del left[item]

    def _options(self, item: int) -> list[dict[int, float]]:
        """What may be behind an item, the likeliest first; each at most three items."""
        if item not in self._place:
            return []
        part, number = self.asked.past, int(self.ranker.items[item])
        found = [told for told in map(self._added_by(item), EXACT) if told]
        if bool((part.item[part.goal] == item).any()):
            more = {one: adds for told in found[:1] for one, adds in told.items() if one != number}
            # Itself alone says most, where it is enough.
            first = {number: 1.0 + max(more.values(), default=0.0)}
            return [first, first | dict([*more.items()][: MOST_ITEMS - 1])]
        return found

    def _added_by(self, item: int) -> Callable[[str], dict[int, float]]:
        """What each item of the history adds to the score of one source: the most first."""
        numbers, part = self.ranker.items, self.asked.past
        sources = self.ranker.taste.sources

        def told(name: str) -> dict[int, float]:
            why = sources.why(name, self.asked, 0, item)
            if why is None or not len(why.rows) or why.amount[0] <= 0:
                return {}
            items, place = np.unique(part.item[why.rows], return_inverse=True)
            adds = np.bincount(place, why.amount)
            best = [k for k in np.argsort(-adds)[:MOST_ITEMS] if adds[k] > 0]
            return {int(numbers[items[k]]): float(adds[k]) for k in best}

        return told

    def leaves(self, gone: frozenset[int]) -> bool:
        """Whether anything that was bought is left without these item numbers."""
        part = self.asked.past
        numbers = self.ranker.items[part.item[part.goal]]
        return not np.isin(numbers, list(gone)).all()

    def without(self, item: int, gone: frozenset[int]) -> float:
        """The chance of one item had these item numbers not been in the history."""
        if item not in self._place:
            return 0.0
        if (item, gone) not in self._odds:
            self.ask([(item, gone)])
        return self._odds[item, gone]

    def ask(self, wanted: Sequence[tuple[int, frozenset[int]]]) -> None:
        """Several such questions in one go, which costs little more than one."""
        wanted = [one for one in dict.fromkeys(wanted) if one not in self._odds]
        if not wanted:
            return
        places = [[self.ranker.place(number) for number in sorted(gone)] for _, gone in wanted]
        less = self.asked.each_without([np.array(one, dtype=np.int64) for one in places])
        items = np.array([item for item, _ in wanted], dtype=np.int64)
        taste = self.ranker.taste
        odds = _chance(taste.odds_of(less, items, self.question, keep=self.keep))
        for one, chance in zip(wanted, odds.tolist(), strict=True):
            self._odds[one] = chance


def _chance(odds: Any) -> Floats:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-np.asarray(odds, dtype=np.float64)))


def load(held: Columns | None) -> Ranker | None:
    """The ranker as the shelf has it; None where there is none."""
    if held is None or held.files is None:
        return None
    from renwei.learn.taste.taste import Taste

    taste = Taste.load(held.files)
    people = np.load(held.files / PEOPLE, mmap_mode="r")
    still_us = int(held.meta.get("still_us", 0))
    return Ranker(taste, np.asarray(held.columns["item"]), np.asarray(people), still_us)


def keep_in(folder: Path, taste: Taste, people: Ints) -> None:
    """Write a ranker's files."""
    taste.save(folder)
    np.save(folder / PEOPLE, people)


PEOPLE = "people.npy"
