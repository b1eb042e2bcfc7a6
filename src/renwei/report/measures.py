"""The numbers of a span, by the definitions of an import's totals.

An order counts when it is paid (a part may have been given back); it belongs to the moment at
which it was placed; revenue is what buyers paid, shipping included, before refunds, which are
told apart. A customer is new in the span of the first counted order ever; orders that name
nobody make no customer. `pick` and `value` are what a click on a number shows, and `series` the
same over many spans at once: tests hold them equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from renwei.core.nouns import NOBODY
from renwei.report.book import REFUNDED, Bools, Ints, Standing
from renwei.report.noise import COUNT, MEAN, SUM
from renwei.report.spans import Spans

Floats = NDArray[np.float64]

NUMBERS: Mapping[str, tuple[str, str]] = {
    "orders": ("count", COUNT),
    "revenue": ("money", SUM),
    "aov": ("money", MEAN),
    "items_per_order": ("ratio", MEAN),
    "new": ("count", COUNT),
    "returning": ("count", COUNT),
}
"""Numbers that are judged: unit, and the scale on which they are."""

TOLD = ("refunded", "refunded_orders", "not_counted", "unnamed")
"""Numbers that are told and not judged: refunds come late, and the rest says little."""


@dataclass(frozen=True)
class Ledger:
    """Orders as of a time, with what is known of their buyers by then."""

    orders: Standing

    @cached_property
    def counted(self) -> Standing:
        """Those that count, oldest first."""
        return self.orders.pick(self.orders.counted)

    @cached_property
    def debut(self) -> Ints:
        """For each counted order, when its buyer first ordered; its own time for nobody's."""
        person, at = self.counted.person, self.counted.at
        _, first, which = np.unique(person, return_index=True, return_inverse=True)
        return np.where(person == NOBODY, at, at[first][which])

    def within(self, since_us: int, until_us: int) -> Bools:
        """Which counted orders were placed in [since, until)."""
        return np.asarray((self.counted.at >= since_us) & (self.counted.at < until_us))

    def uncounted(self, since_us: int, until_us: int, *, refunded: bool) -> Standing:
        """Orders that do not count: paid back whole, or never paid and closed."""
        status, at = self.orders.status, self.orders.at
        whole = status == REFUNDED
        mask = (whole if refunded else ~whole & ~self.orders.counted) & (at >= since_us)
        return self.orders.pick(mask & (at < until_us))

    def buyers(self, mask: Bools, since_us: int) -> tuple[Bools, Bools]:
        """Of counted orders, those of new and those of returning customers of a span."""
        named = mask & (self.counted.person != NOBODY)
        return named & (self.debut >= since_us), named & (self.debut < since_us)

    def values(self, since_us: int, until_us: int) -> dict[str, float]:
        """Every number of one span."""
        mask = self.within(since_us, until_us)
        new, returning = self.buyers(mask, since_us)
        orders = self.counted
        revenue, units = int(orders.value[mask].sum()), int(orders.units[mask].sum())
        n = int(mask.sum())
        return {
            "orders": n,
            "revenue": revenue,
            "aov": revenue / n if n else float("nan"),
            "items_per_order": units / n if n else float("nan"),
            "new": len(np.unique(orders.person[new])),
            "returning": len(np.unique(orders.person[returning])),
            "refunded": int(orders.refunded[mask].sum()),
            "refunded_orders": len(self.uncounted(since_us, until_us, refunded=True)),
            "not_counted": len(self.uncounted(since_us, until_us, refunded=False)),
            "unnamed": int((mask & (orders.person == NOBODY)).sum()),
        }

    def series(self, spans: Spans) -> dict[str, Floats]:
        """The judged numbers of every span, each of shape (spans,)."""
        orders = self.counted
        place = spans.place(orders.at)
        held, n = place >= 0, len(spans)
        where = place[held]
        count = np.bincount(where, minlength=n).astype(float)
        revenue = np.bincount(where, weights=orders.value[held], minlength=n)
        units = np.bincount(where, weights=orders.units[held], minlength=n)
        named = held & (orders.person != NOBODY)
        fresh = named & (self.debut >= spans.starts[np.maximum(place, 0)])
        empty = np.where(count > 0, count, 1.0)
        return {
            "orders": count,
            "revenue": revenue,
            "aov": np.where(count > 0, revenue / empty, np.nan),
            "items_per_order": np.where(count > 0, units / empty, np.nan),
            "new": _people(place[fresh], orders.person[fresh], n),
            "returning": _people(place[named & ~fresh], orders.person[named & ~fresh], n),
        }


def _people(place: Ints, person: Ints, n: int) -> Floats:
    """Distinct persons a span."""
    order = np.lexsort((person, place))
    place, person = place[order], person[order]
    first = np.ones(len(place), dtype=bool)
    first[1:] = (place[1:] != place[:-1]) | (person[1:] != person[:-1])
    return np.bincount(place[first], minlength=n).astype(float)
