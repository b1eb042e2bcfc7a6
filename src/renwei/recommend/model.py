"""Catalogue and models side by side: what is the same for every request until either changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.shop import Shop
from renwei.core.store import Store
from renwei.recommend.goods import Bools, Goods, goods
from renwei.recommend.tables import Tables, tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Said = tuple[Ints, Floats]
DAY_US = 86_400_000_000
MOST_POPULAR, MOST_NEW = 300, 100
NEW_DAYS = 30.0


@dataclass(frozen=True, eq=False)
class Model:
    """One version of the catalogue with one version of what was learnt."""

    goods: Goods
    tables: Tables

    @cached_property
    def _popular(self) -> Said:
        rate = self.tables.column("popular", self.goods.number, 0.0)
        order = np.lexsort((self.goods.number, -rate))
        return order[rate[order] > 0], rate

    @cached_property
    def _new(self) -> tuple[Ints, Ints, Floats]:
        """Rows with the newest first, when each was first there, and how many took it."""
        first = np.array([_first_us(item.facts.get("first_seen")) for item in self.goods.items])
        first = first.astype(np.int64)
        order = np.argsort(-first, kind="stable")
        return order, first, self.tables.column("buyers", self.goods.number, 0.0)

    def popular(self, allowed: Bools) -> Said:
        """Rows that most people take now and that are allowed, on a scale up to 1.

        Without anything learnt every allowed row is as good as another; the newest come first.
        """
        order, rate = self._popular
        rows = order[allowed[order]][:MOST_POPULAR]
        if len(rows) < MOST_POPULAR:
            rest = allowed.copy()
            rest[rows] = False
            newest = self._new[0]
            rows = np.concatenate([rows, newest[rest[newest]][: MOST_POPULAR - len(rows)]])
        top = float(rate.max(initial=0.0)) or 1.0
        tail = 1e-3 / (1.0 + np.arange(len(rows)))
        return rows, rate[rows] / top * (1 - 1e-3) + tail

    def fresh(self, allowed: Bools, at_us: int) -> Said:
        """New rows that are allowed; the fewer took them, the more speaks for a try."""
        order, first, taken = self._new
        since = at_us - int(NEW_DAYS * DAY_US)
        young = order[: int((first > since).sum())]
        rows = young[allowed[young] & (first[young] <= at_us)][:MOST_NEW]
        age = (at_us - first[rows]) / DAY_US
        return rows, (1.0 - age / (2 * NEW_DAYS)) / (1.0 + taken[rows])


_KEPT: WeakKeyDictionary[Store, Model] = WeakKeyDictionary()
_LOCK = threading.Lock()


def model(shop: Shop) -> Model:
    """What requests are answered from now: the catalogue with every change, the newest tables."""
    stock, learnt = goods(shop.store), tables(shop.shelf)
    held = _KEPT.get(shop.store)
    if held and held.goods is stock and held.tables.versions == learnt.versions:
        return held
    with _LOCK:
        made = _KEPT[shop.store] = Model(stock, learnt)
    return made


def _first_us(told: object) -> int:
    from datetime import UTC, datetime

    if not isinstance(told, str):
        return 0
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        return 0
    return to_us(at if at.tzinfo else at.replace(tzinfo=UTC))
