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
        category, brand, maker = goods.category[rows], goods.brand[rows], goods.maker[rows]
        relevance = total / (float(total.max()) or 1.0)
        closeness = np.zeros(len(rows))
        left = np.ones(len(rows), dtype=bool)
        order: list[int] = []
        while len(order) < min(self._wanted, len(rows)):
            worth = (1 - place.diversity) * relevance - place.diversity * closeness
            open_ = left & self._within(order, category, brand, maker)
            open_ = open_ if open_.any() else left
            chosen = int(np.where(open_, worth, -np.inf).argmax())
            order.append(chosen)
            left[chosen] = False
            alike = SAME_CATEGORY * ((category == category[chosen]) & (category > 0))
            alike = alike + SAME_BRAND * ((brand == brand[chosen]) & (brand > 0))
            closeness = np.maximum(closeness, alike)
        return np.concatenate([np.array(order, dtype=np.int64), np.flatnonzero(left)])

    def _within(
        self, order: list[int], category: Ints, brand: Ints, maker: Ints
    ) -> NDArray[np.bool_]:
        place, fine = self._place, np.ones(len(category), dtype=bool)
        for column, most in ((category, place.per_category), (brand, place.per_brand)):
            if most and order:
                words, counts = np.unique(column[order], return_counts=True)
                fine &= ~np.isin(column, words[(counts >= most) & (words > 0)])
        if place.mode == "sequence":
            lately = [maker[k] for k in order[-(APART - 1) :]]
            if len(order) < APART - 1 and self._start >= 0:
                lately.append(self._goods.maker[self._start])
            fine &= ~(np.isin(maker, lately) & (maker > 0))
        return fine
