"""The order of an answer: relevance against variety, and no more of one sort than is wanted.

Where scores are chances, variety gives a share to what few are shown: a place is worth the chance
times the weight of the place, less the share for what many have been shown (learn.taste.variety).
Where they are not, it is maximal marginal relevance (Carbonell and Goldstein 1998,
doi:10.1145/290941.291025): each next item is the one whose relevance, less its likeness to what
stands already, is highest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from renwei.learn.taste.variety import crowding, share_of
from renwei.recommend.goods import Goods
from renwei.recommend.surfaces import Place

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
GRID = 1.0 / 1024
SAME_CATEGORY, SAME_BRAND = 0.6, 0.4
OFTEN = 0.5
SORTS = 2.5
"""Of the best chance: what likeness costs at the end of the slider; little before its middle."""
APART = 3
"""In a playlist nobody comes twice within so many."""


@dataclass(frozen=True)
class Sight:
    """What the order of one answer may look at.

    Attributes:
        start: Row of the item that a playlist goes on from, or -1.
        chances: Whether scores are thousandths of a chance.
        shown: Shape (items,) or None: how often each was shown to anybody lately.
        mix: The person's share of each category, by its number.
    """

    start: int = -1
    chances: bool = False
    shown: Floats | None = None
    mix: Mapping[int, float] = field(default_factory=dict)


class Spread:
    """Orders candidates for one surface.

    Args:
        goods: The catalogue.
        place: Whose diversity, caps, slots and mode count.
        wanted: How many are shown; what stands behind them keeps its order.
        sight: What else the order may look at.
    """

    def __init__(self, goods: Goods, place: Place, wanted: int, sight: Sight | None = None) -> None:
        self._goods, self._place, self._wanted = goods, place, wanted
        self._sight = sight or Sight()

    def __call__(self, rows: Ints, total: Floats) -> tuple[Ints, Floats]:
        """The order (places in rows) and the price that each item pays for it."""
        n = len(rows)
        if not n or not self._changes():
            return np.arange(n), np.zeros(n)
        order = self._order(rows, total)
        ranked = total[order]
        steps = np.arange(n) * GRID
        # Each stands below the one before it: the lowest relevance so far, less a step.
        scores = np.minimum.accumulate(ranked + steps) - steps
        return order, ranked - scores

    def _changes(self) -> bool:
        place = self._place
        caps = place.per_category or place.per_brand or place.slots
        return bool(place.diversity or place.own_mix or caps or place.mode == "sequence")

    def _order(self, rows: Ints, total: Floats) -> Ints:
        value, list_ = _Value(self._place, self._sight, rows, total), _List(self, rows)
        most = min(self._wanted, len(rows))
        while len(list_.order) < most:
            open_ = list_.open(most)
            worth = value.now(len(list_.order), list_.closeness)
            if self._place.own_mix:
                # At 1 nothing but the mix counts, as in calibrated recommendations (Steck 2018,
                # doi:10.1145/3240323.3240372); of one sort the best still comes first.
                share = self._place.own_mix
                gap = value.top * list_.missing(self._sight.mix)
                worth = (1 - share) * worth + share * gap
            list_.take(int(np.where(open_, worth, -np.inf).argmax()))
        left = np.flatnonzero(list_.left)
        return np.concatenate([np.array(list_.order, dtype=np.int64), left])


class _Value:
    """What each candidate is worth at a place of the list, before sorts are looked at."""

    def __init__(self, place: Place, sight: Sight, rows: Ints, total: Floats) -> None:
        self._diversity = place.diversity
        self._chances = sight.chances
        top = float(total.max()) or 1.0
        if sight.chances:
            self._worth, self.top = total / 1_000.0, top / 1_000.0
            shown = np.zeros(len(rows)) if sight.shown is None else sight.shown[rows]
            self._crowd = share_of(place.diversity) * crowding(shown, OFTEN)
        else:
            self._worth, self.top = (1 - place.diversity) * total / top, 1.0

    def now(self, place: int, closeness: Floats) -> Floats:
        if self._chances:
            # An unknown item costs little in a low place.
            sorts = SORTS * self._diversity**4 * self.top
            found: Floats = self._worth / np.log2(place + 2) - self._crowd - sorts * closeness
            return found
        return self._worth - self._diversity * closeness


class _List:
    """The list as far as it stands, and what may come next."""

    def __init__(self, spread: Spread, rows: Ints) -> None:
        goods, self._place, self._sight = spread._goods, spread._place, spread._sight
        self._category, self._maker = goods.category[rows], goods.maker[rows]
        self._sorts = [(self._category, SAME_CATEGORY, self._place.per_category),
                       (goods.brand[rows], SAME_BRAND, self._place.per_brand)]  # fmt: skip
        self._before = goods.maker[self._sight.start] if self._sight.start >= 0 else 0
        self._slots = [
            (goods.kind[rows] == goods.words.get(f"kind|{kind}", -1), most)
            for kind, most in self._place.slots.items()
        ]
        self.order: list[int] = []
        self.left, self._fine = np.ones(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
        self.closeness = np.zeros(len(rows))

    def open(self, most: int) -> Bools:
        """What may come next; caps give way where nothing else is left."""
        open_: Bools = self.left & self._fine & self._apart()
        kinds = self._in_turn(most - len(self.order))
        for allowed in (open_ & kinds, self.left & kinds, open_):
            if allowed.any():
                return allowed
        return self.left

    def take(self, chosen: int) -> None:
        """Put one at the end."""
        self.order.append(chosen)
        self.left[chosen] = False
        alike = np.zeros(len(self.left))
        for words, weight, most in self._sorts:
            if words[chosen] > 0:
                same = words == words[chosen]
                alike += weight * same
                if most and int(same[self.order].sum()) >= most:
                    self._fine &= ~same
        np.maximum(self.closeness, alike, out=self.closeness)

    def missing(self, mix: Mapping[int, float]) -> Floats:
        """By how much the category of each is below its share of what the person takes."""
        n = len(self.order) + 1
        names, place = np.unique(self._category, return_inverse=True)
        held = np.bincount(place[self.order], minlength=len(names)) / n
        wanted = np.array([mix.get(int(name), 0.0) for name in names])
        found: Floats = (wanted - held)[place]
        return found

    def _in_turn(self, free: int) -> Bools:
        """Kinds with slots: no more than these, and no other where only their slots are left."""
        found, owed = np.ones(len(self.left), dtype=bool), np.zeros(len(self.left), dtype=bool)
        needed = 0
        for own, most in self._slots:
            gap = min(most - int(own[self.order].sum()), int((own & self.left).sum()))
            if gap > 0:
                needed, owed = needed + gap, owed | own
            else:
                found &= ~own
        return owed if self._slots and needed >= free else found

    def _apart(self) -> Bools | bool:
        """In a playlist: whoever was not heard just before."""
        if self._place.mode != "sequence":
            return True
        lately = [self._maker[k] for k in self.order[-(APART - 1) :]]
        if len(self.order) < APART - 1 and self._before:
            lately.append(self._before)
        return ~(np.isin(self._maker, lately) & (self._maker > 0))
