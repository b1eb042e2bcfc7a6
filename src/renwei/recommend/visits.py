"""What comes next in a visit, foreseen from other visits: for people of whom nothing else is known.

A visit is what somebody looked at with no pause of more than half an hour. Its items speak as
long as it lasts; what each of them adds is told by asking again as if it had not been seen.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.shop import Columns, Shop
from renwei.core.store import Store
from renwei.recommend.lazily import lazily
from renwei.recommend.moment import BOUNCED, SESSION, WEIGHTS, meant_by

if TYPE_CHECKING:
    from renwei.learn.sessions.learning import Learnt
    from renwei.learn.sessions.model import Allow, NextItem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NAMED = 120
"""So many items of a visit are named; what may not be shown is known before."""
MOST_CLICKS = 2_000_000
FEWEST_CLICKS = 20
CAUSES = 3
_KEPT = 256


@dataclass(eq=False)
class Guide:
    """What foresees the next item of a visit."""

    model: NextItem
    _kept: OrderedDict[Any, Visit] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def visit(self, clicks: tuple[int, ...], keep: Bools, mark: object) -> Visit:
        """One visit; remembered for as long as nobody clicks.

        Args:
            clicks: Item numbers, oldest first.
            keep: By item number: what may be shown.
            mark: Says what `keep` keeps.
        """
        key = (clicks, mark)
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = Visit(self.model, np.array(clicks), keep)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found


@dataclass(eq=False)
class Visit:
    """What one visit leads to."""

    model: NextItem
    clicks: Ints
    keep: Bools
    _parts: dict[int, dict[int, float]] = field(default_factory=dict, repr=False)

    @lazily
    def _allow(self) -> Allow:
        from renwei.learn.sessions.model import Allow

        return Allow(only=self.keep)

    @lazily
    def _picks(self) -> tuple[Ints, Floats]:
        found = self.model.recommend(self.clicks, NAMED, allow=self._allow)
        # What is popular is said by what is popular.
        own = np.array([source != "popular" for source in found.source], dtype=bool)
        return found.item[own], found.chance[own]

    @property
    def items(self) -> Ints:
        """Item numbers, the best first."""
        return self._picks[0]

    @property
    def chance(self) -> Floats:
        """Of each to be looked at next, in (0, 1)."""
        return self._picks[1]

    def parts(self, item: int) -> Mapping[int, float]:
        """Items of the visit without each of which this one's chance is lower: at most three."""
        if item not in self._parts:
            self.ahead([item])
        return self._parts[item]

    def ahead(self, items: list[int]) -> None:
        """Look for the parts of several at once, which costs little more than for one."""
        wanted = [item for item in dict.fromkeys(items) if item not in self._parts]
        if not wanted:
            return
        numbers = np.array(wanted, dtype=np.int64)
        found = self.model.because(self.clicks, numbers, most=CAUSES, allow=self._allow)
        for item, causes in zip(wanted, found, strict=True):
            self._parts[item] = {cause.item: cause.share for cause in causes[:CAUSES]}

    def without(self, item: int, gone: frozenset[int]) -> float:
        """The chance of one item had these not been looked at."""
        clicks = self.clicks[~np.isin(self.clicks, list(gone))]
        if not len(clicks):
            return 0.0
        asked = np.array([item], dtype=np.int64)
        return float(self.model.chances(clicks, asked, allow=self._allow)[0])


def clicks_of_log(store: Store, at: datetime) -> tuple[Ints, Ints]:
    """Visit and item of every look up to a time, visits in the order in which they ended."""
    columns = array("q")
    for event in store.log.read(kinds=tuple(WEIGHTS)):
        is_known = event.at <= at and event.item and event.actor and not event.body.get("flood")
        if is_known and meant_by(event) > BOUNCED:
            columns.extend((event.actor, event.item, to_us(event.at)))
    table = np.array(columns, dtype=np.int64).reshape(-1, 3)[-MOST_CLICKS:]
    who, item, at_us = table[:, 0], table[:, 1], table[:, 2]
    order = np.lexsort((at_us, who))
    who, item, at_us = who[order], item[order], at_us[order]
    gap = round(SESSION.total_seconds() * 1e6)
    fresh = np.ones(len(who), dtype=bool)
    fresh[1:] = (np.diff(who) != 0) | (np.diff(at_us) > gap)
    visit = np.cumsum(fresh) - 1
    ended = np.zeros(int(fresh.sum()), dtype=np.int64)
    ended[visit] = at_us
    rank = np.empty(len(ended), dtype=np.int64)
    rank[np.argsort(ended, kind="stable")] = np.arange(len(ended))
    by_end = np.lexsort((at_us, rank[visit]))
    return rank[visit][by_end], item[by_end]


def learn_visits(shop: Shop, at: datetime, meta: Mapping[str, Any]) -> Learnt | None:
    """Learn from the log and put it on the shelf; None where there are too few looks."""
    from renwei.learn.sessions.learning import learn_next_item

    visit, item = clicks_of_log(shop.store, at)
    if len(item) < FEWEST_CLICKS:
        shop.shelf.drop("visits")
        return None
    learnt = learn_next_item(visit, item)
    seen = {"item": np.unique(item)}
    shop.shelf.put("visits", seen, meta, files=learnt.model.save)
    return learnt


def load_guide(held: Columns | None) -> Guide | None:
    """The guide as the shelf has it; None where there is none."""
    if held is None or held.files is None:
        return None
    from renwei.learn.sessions.model import NextItem

    return Guide(NextItem.load(held.files))
