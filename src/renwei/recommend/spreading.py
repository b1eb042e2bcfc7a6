"""The order of an answer: relevance against variety, and no more of one sort than is wanted.

Maximal marginal relevance (Carbonell and Goldstein 1998, doi:10.1145/290941.291025): each next
item is the one whose relevance, less its likeness to what stands already, is highest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from renwei.recommend.goods import Goods
from renwei.recommend.surfaces import Place

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
GRID = 1.0 / 1024
SAME_CATEGORY, SAME_BRAND = 0.6, 0.4
APART = 3
"""In a playlist nobody comes twice within so many."""


class Spread:
    """Orders candidates for one surface.

    Args:
        goods: The catalogue.
        place: Whose diversity, caps and mode count.
        wanted: How many are shown; what stands behind them keeps its order.
        start: Row of the item that a playlist goes on from, or -1.
    """

    def __init__(self, goods: Goods, place: Place, wanted: int, *, start: int = -1) -> None:
        self._goods, self._place, self._wanted, self._start = goods, place, wanted, start

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
        caps = place.per_category or place.per_brand
        return bool(place.diversity or caps or place.mode == "sequence")

    def _order(self, rows: Ints, total: Floats) -> Ints:
        goods, place = self._goods, self._place
        kinds = [(goods.category[rows], SAME_CATEGORY, place.per_category),
                 (goods.brand[rows], SAME_BRAND, place.per_brand)]  # fmt: skip
        maker = goods.maker[rows]
        worth = (1 - place.diversity) * total / (float(total.max()) or 1.0)
        closeness = np.zeros(len(rows))
        left, fine = np.ones(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
        order: list[int] = []
        while len(order) < min(self._wanted, len(rows)):
            open_ = left & fine & self._apart(order, maker)
            if not open_.any():
                open_ = left
            chosen = int(np.where(open_, worth - place.diversity * closeness, -np.inf).argmax())
            order.append(chosen)
            left[chosen] = False
            alike = np.zeros(len(rows))
            for words, weight, most in kinds:
                if words[chosen] > 0:
                    same = words == words[chosen]
                    alike += weight * same
                    if most and int(same[order].sum()) >= most:
                        fine &= ~same
            np.maximum(closeness, alike, out=closeness)
        return np.concatenate([np.array(order, dtype=np.int64), np.flatnonzero(left)])

    def _apart(self, order: list[int], maker: Ints) -> NDArray[np.bool_] | bool:
        """In a playlist: whoever was not heard just before."""
        if self._place.mode != "sequence":
            return True
        lately = [maker[k] for k in order[-(APART - 1) :]]
        if len(order) < APART - 1 and self._start >= 0:
            lately.append(self._goods.maker[self._start])
        return ~(np.isin(maker, lately) & (maker > 0))
