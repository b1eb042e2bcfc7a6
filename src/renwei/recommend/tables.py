"""The models of recommend as the shelf holds them: columns, memory-mapped, one version at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.shop import Columns, Shelf
from renwei.recommend.forecast import Ranker, load
from renwei.recommend.local import TABLE, Local
from renwei.recommend.moment import Moment
from renwei.recommend.visits import Guide, load_guide

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NAMES = ("taste-items", "taste-near", "taste-alike", "taste-goes")
RANKER, VISITS = "taste", "visits"
DAY_US = 86_400_000_000


@dataclass(frozen=True, eq=False)
class Links:
    """From items of a past to their neighbours: shape (links,)."""

    item: Ints
    other: Ints
    adds: Floats


class Near:
    """Neighbours of items: for each a few others with weights, sorted by item number."""

    def __init__(self, item: Any, other: Any, weight: Any) -> None:
        self._other, self._weight = other, weight
        # Once a version: a search among millions of rows would be one of pages not in memory.
        first = np.ones(len(item), dtype=bool)
        np.not_equal(item[1:], item[:-1], out=first[1:])
        self._begins = np.append(np.flatnonzero(first), len(item))
        self._items = np.asarray(item[self._begins[:-1]])

    def links(self, items: Ints, weights: Floats) -> Links:
        """Every neighbour of these items, with what each of them adds to its score."""
        if not len(self._items) or not len(items):
            return _NO_LINKS
        at = np.minimum(np.searchsorted(self._items, items), len(self._items) - 1)
        known = self._items[at] == items
        items, weights, at = items[known], weights[known], at[known]
        begins = self._begins[at]
        counts = self._begins[at + 1] - begins
        n = int(counts.sum())
        before = np.cumsum(counts) - counts
        where = np.repeat(begins - before, counts) + np.arange(n)
        adds = np.repeat(weights, counts) * self._weight[where]
        return Links(np.repeat(items, counts), np.asarray(self._other[where]), adds)


_NO_LINKS = Links(*(np.zeros(0, dtype=np.int64),) * 2, np.zeros(0))
_NOBODY = Near(*(np.zeros(0, dtype=np.int64),) * 2, np.zeros(0))


@dataclass(frozen=True, eq=False)
class Tables:
    """One version of what was learnt; without any, nobody is near anything.

    Attributes:
        items: Columns of "taste-items" by item number.
        nears: Neighbours by the name of their table.
        weights: How much each voice counts, by name.
        meta: Of "taste-items": model, as_of, measured quality.
        held, visited: Files of the ranker and of what leads through a visit, where learnt.
        sliced: What sells by place, hour and kind of customer.
    """

    items: Mapping[str, Any] = field(default_factory=dict)
    nears: Mapping[str, Near] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    versions: tuple[str, ...] = ()
    held: Columns | None = None
    visited: Columns | None = None
    sliced: Columns | None = None

    @cached_property
    def ranker(self) -> Ranker | None:
        """The ranker, read when it is first asked."""
        return load(self.held)

    @cached_property
    def guide(self) -> Guide | None:
        """What foresees the next look of a visit, read when it is first asked."""
        return load_guide(self.visited)

    @cached_property
    def local(self) -> Local:
        """What sells here and now, read when it is first asked."""
        return Local.of(self.sliced)

    def near(self, name: str) -> Near:
        """A table of neighbours."""
        return self.nears.get(name, _NOBODY)

    def column(self, name: str, numbers: Any, missing: float) -> Floats:
        """One column of the items with these numbers."""
        known = self.items.get("item")
        out = np.full(len(numbers), missing)
        if known is None or not len(known):
            return out
        at = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
        found = known[at] == numbers
        out[found] = self.items[name][at[found]]
        return out

    def due(self, moment: Moment) -> dict[int, float]:
        """How much speaks for buying each thing again now, in (0, 1), by item number.

        The gap since the last purchase against the item's usual one, pooled with her own:
        it grows to one at the usual time and then fades; what is bought once by everybody
        is not offered again.
        """
        times: dict[int, list[int]] = {}
        for purchase in moment.bought:
            for number in {line[0] for line in purchase.lines if line[0]}:
                times.setdefault(number, []).append(to_us(purchase.at))
        numbers = list(times)
        usual = self.column("cycle_days", numbers, np.nan) if numbers else np.zeros(0)
        now = to_us(moment.at)
        found = {}
        for number, cycle in zip(numbers, usual.tolist(), strict=True):
            worth = _due(times[number], cycle, now)
            if worth > 0:
                found[number] = worth
        return found


def _due(at_us: list[int], cycle_days: float, now_us: int) -> float:
    at_us = sorted(at_us)
    since = (now_us - at_us[-1]) / DAY_US
    gaps = np.diff(at_us) / DAY_US
    gap = float(gaps.mean()) if len(gaps) else cycle_days
    if not np.isfinite(gap) or gap <= 0:
        return 0.0
    if np.isfinite(cycle_days):
        gap = (gap * len(gaps) + cycle_days) / (len(gaps) + 1)
    ratio = since / max(gap, 1.0)
    often = len(at_us) / (len(at_us) + 1.0)
    return often * ratio * float(np.exp(1 - ratio)) if ratio > 0 else 0.0


def shelved(shelf: Shelf) -> dict[str, Columns | None]:
    """The newest version of each table, as the shelf has it."""
    return {name: shelf.get(name) for name in (*NAMES, RANKER, VISITS, TABLE)}


def tables(found: Mapping[str, Columns | None]) -> Tables:
    """What was learnt last, as one version of each table."""
    held = found["taste-items"]
    if held is None:
        return Tables(versions=versions(found))
    return Tables(
        items=held.columns,
        nears={name.removeprefix("taste-"): _near(found[name]) for name in NAMES[1:]},
        weights={str(k): float(v) for k, v in (held.meta.get("weights") or {}).items()},
        meta=held.meta,
        versions=versions(found),
        held=found[RANKER],
        visited=found[VISITS],
        sliced=found[TABLE],
    )


def versions(found: Mapping[str, Columns | None]) -> tuple[str, ...]:
    """What tells one state of the tables from the next."""
    return tuple("" if one is None else one.version for one in found.values())


def _near(held: Columns | None) -> Near:
    if held is None:
        return _NOBODY
    return Near(*(held.columns[name] for name in ("item", "other", "weight")))
