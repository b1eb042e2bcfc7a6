"""Catalogue and models side by side: what is the same for every request until either changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from renwei.core.shop import Shop
from renwei.core.store import Store
from renwei.recommend.goods import Bools, Goods, goods
from renwei.recommend.local import MOST_KEPT
from renwei.recommend.tables import Tables, shelved, tables, versions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Said = tuple[Ints, Floats]
DAY_US = 86_400_000_000
MOST_POPULAR, MOST_NEW = 300, 100
NEW_DAYS = 30.0
_KEPT_MASKS = 16
"""What passes so many surfaces and filters is remembered for one version of the catalogue."""


@dataclass(frozen=True, eq=False)
class Rates:
    """What was learnt of each item of a catalogue, aligned with its rows.

    Attributes:
        rate: How much it is taken now. order: Rows that are taken at all, most first.
        buyers: How many people took it.
    """

    rate: Floats
    order: Ints
    buyers: Floats

    @classmethod
    def of(cls, stock: Goods, learnt: Tables) -> Rates:
        """Read from the tables."""
        rate = learnt.column("popular", stock.number, 0.0)
        order = np.argsort(-rate, kind="stable")
        order = order[: int((rate > 0).sum())]
        return cls(rate, order, learnt.column("buyers", stock.number, 0.0))


@dataclass(frozen=True, eq=False)
class Open:
    """What may be shown on a surface under a filter: shape (items,), and the shared lists of it.

    Attributes:
        mask: What passes.
        shown: What passes by item number, for what knows items by their numbers.
        kinds: Numbers of the kinds of which anything passes.
        popular: Rows that most people take now, on a scale up to 1; without anything learnt
            every row is as good as another, and the newest come first.
        around: The same of places, hours and kinds of customers, as asked for.
    """

    mask: Bools
    shown: Bools
    kinds: frozenset[int]
    popular: Said
    _newest: Ints
    _minus_first: Ints
    _buyers: Floats
    around: dict[tuple[int, ...], Said] = field(default_factory=dict, repr=False)

    def fresh(self, at_us: int) -> Said:
        """New rows; the fewer took them, the more speaks for a try."""
        since = at_us - int(NEW_DAYS * DAY_US)
        begin, end = np.searchsorted(self._minus_first, [-at_us, -since])
        rows = self._newest[begin:end][:MOST_NEW]
        age = (at_us + self._minus_first[begin:end][:MOST_NEW]) / DAY_US
        return rows, (1.0 - age / (2 * NEW_DAYS)) / (1.0 + self._buyers[rows])


@dataclass(frozen=True, eq=False)
class Model:
    """One version of the catalogue with one version of what was learnt."""

    goods: Goods
    tables: Tables
    rates: Rates
    masks: dict[str, Open] = field(default_factory=dict, repr=False)

    @cached_property
    def ranked(self) -> Ints:
        """Rows of the items that the ranker knows, -1 where one is gone from the catalogue."""
        ranker = self.tables.ranker
        return self.goods.rows(ranker.items if ranker is not None else [])

    @cached_property
    def _newest(self) -> Ints:
        return np.argsort(-self.goods.first_us, kind="stable")

    def open(self, name: str, mask: Callable[[], Bools]) -> Open:
        """What passes, remembered under a name that says by what."""
        found = self.masks.get(name)
        if found is None:
            found = self._opened(mask())
            if len(self.masks) >= _KEPT_MASKS:
                # Whoever filters by something new each time must not push out the surfaces.
                self.masks.popitem()
            self.masks[name] = found
        return found

    def _opened(self, mask: Bools) -> Open:
        rates, newest = self.rates, self._newest
        newest = newest[mask[newest]]
        rows = self._most_taken(mask)
        if len(rows) < MOST_POPULAR:
            rest = newest[rates.rate[newest] <= 0]
            rows = np.concatenate([rows, rest[: MOST_POPULAR - len(rows)]])
        top = float(rates.rate.max(initial=0.0)) or 1.0
        tail = 1e-3 / (1.0 + np.arange(len(rows)))
        popular = rows, rates.rate[rows] / top * (1 - 1e-3) + tail
        numbers = self.goods.number
        shown = np.zeros(int(numbers.max(initial=0)) + 1, dtype=bool)
        shown[numbers] = mask
        kinds = frozenset(np.unique(self.goods.kind[mask]).tolist())
        return Open(mask, shown, kinds, popular, newest, -self.goods.first_us[newest], rates.buyers)

    def _most_taken(self, mask: Bools) -> Ints:
        """Rows that most people take now: of several kinds the first of each."""
        return self._first(self.rates.order[mask[self.rates.order]])

    def _first(self, order: Ints) -> Ints:
        kinds = np.unique(self.goods.kind[order])
        if len(kinds) < 2:
            return order[:MOST_POPULAR]
        each = MOST_POPULAR // len(kinds)
        places = [np.flatnonzero(self.goods.kind[order] == kind)[:each] for kind in kinds]
        return order[np.sort(np.concatenate(places))]

    def popular(self, shown: Open, around: tuple[int, ...]) -> Said:
        """What most people take in these slices (see local), on a scale up to 1."""
        if not around:
            return shown.popular
        found = shown.around.get(around)
        if found is None:
            found = self._popular_in(shown, around)
            while len(shown.around) >= MOST_KEPT:
                shown.around.popitem()
            shown.around[around] = found
        return found

    def _popular_in(self, shown: Open, around: tuple[int, ...]) -> Said:
        """Only what sells in the shop or was taken in a slice can come first."""
        rate, slices = self.rates.rate, [self.tables.local.slices[k] for k in around]
        rows = [self.goods.rows(one.item) for one in slices]
        near = self._together([self.rates.order[:MOST_POPULAR], shown.popular[0], *rows])
        local = rate[near]
        for one, own in zip(slices, rows, strict=True):
            lift = np.full(len(near), one.rest)
            lift[np.searchsorted(near, own[own >= 0])] = one.lift[own >= 0]
            local *= lift
        top = float(local.max(initial=0.0)) or 1.0
        sold = (local > 0) & shown.mask[near]
        near, local = near[sold], local[sold]
        if len(shown.kinds) < 2 and len(near) > MOST_POPULAR:
            best = local >= np.partition(local, -MOST_POPULAR)[-MOST_POPULAR]
            near, local = near[best], local[best]
        first = self._first(near[np.argsort(-local, kind="stable")])
        idle = shown.popular[0][rate[shown.popular[0]] <= 0][: max(MOST_POPULAR - len(first), 0)]
        worth = np.concatenate([local[np.searchsorted(near, first)] / top, np.zeros(len(idle))])
        tail = 1e-3 / (1.0 + np.arange(len(worth)))
        return np.concatenate([first, idle]), worth * (1 - 1e-3) + tail

    def _together(self, parts: Sequence[Ints]) -> Ints:
        """Rows that are in any of these, ascending; -1 is none."""
        found = np.zeros(len(self.goods) + 1, dtype=bool)
        for rows in parts:
            found[rows] = True
        return np.flatnonzero(found[:-1])


_KEPT: WeakKeyDictionary[Store, Model] = WeakKeyDictionary()
_LOCK = threading.Lock()


def model(shop: Shop) -> Model:
    """What requests are answered from now: the catalogue with every change, the newest tables."""
    stock, found = goods(shop.store), shelved(shop.shelf)
    held = _KEPT.get(shop.store)
    marks = versions(found)
    if held and held.goods is stock and held.tables.versions == marks:
        return held
    with _LOCK:
        held = _KEPT.get(shop.store)
        if held and held.goods is stock and held.tables.versions == marks:
            return held
        learnt = held.tables if held and held.tables.versions == marks else tables(found)
        # Where no item is new every row is the same item: what was learnt of it still stands.
        same = held and held.tables is learnt and len(held.goods) == len(stock)
        rates = held.rates if held and same else Rates.of(stock, learnt)
        made = _KEPT[shop.store] = Model(stock, learnt, rates)
    return made
