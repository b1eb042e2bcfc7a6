"""Where a change comes from: its parts by channel, buyer, category and product.

Parts add up to the whole change, to the cent: what lines do not explain of an order (shipping,
discounts on the whole) is a part of its own. A part is named only when it stands out of its own
noise, corrected for the number of parts looked at. It says where, never what caused it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renwei.core.nouns import NOBODY
from renwei.report.book import Book, Bools, Ints
from renwei.report.measures import Ledger
from renwei.report.noise import ALPHA, LEAST, LOOKS
from renwei.report.spans import STEP, Spans

Floats = NDArray[np.float64]

DIMENSIONS = ("place", "buyer", "country", "category", "item")
REST = "(rest)"
"""The group of what lines do not explain: shipping, and discounts on whole orders."""
_BUYERS = ("new", "returning", "unnamed")


@dataclass(frozen=True)
class Part:
    """What one group adds to the change; `clear` when it stands out of its own noise."""

    dimension: str
    group: str
    now: float
    usual: float
    change: float
    share: float
    clear: bool


@dataclass(frozen=True)
class Cells:
    """Amounts to be summed: group, span (0 is the reported one) and amount, all (cells,)."""

    groups: list[str]
    group: Ints
    span: Ints
    amount: Floats


@dataclass(frozen=True)
class Scope:
    """The reported span and those it is compared with: a column of `order_span` an order."""

    book: Book
    ledger: Ledger
    order_span: Ints
    starts: Ints
    spans: int
    categories: Mapping[int, str]


def scope(
    book: Book, ledger: Ledger, spans: Spans, valid: Bools, categories: Mapping[int, str]
) -> Scope:
    """Number the comparable spans from 1 up, the reported one 0, and all others -1."""
    last, step = len(spans) - 1, STEP[spans.period]
    numbers = np.full(len(spans) + 1, -1)
    numbers[last] = 0
    used, starts = 0, [int(spans.starts[last])]
    for look in range(1, LOOKS + 1):
        k = last - look * step
        if k >= 0 and valid[k]:
            used += 1
            numbers[k] = used
            starts.append(int(spans.starts[k]))
    where = numbers[spans.place(ledger.counted.at)]
    return Scope(book, ledger, where, np.array(starts), used, categories)


def parts(about: Scope, metric: str) -> list[Part]:
    """The parts of a change in "orders" or "revenue", the largest first in each dimension."""
    if about.spans < LEAST:
        return []
    found: list[Part] = []
    for dimension in DIMENSIONS:
        make = _BY[dimension]
        if metric == "orders" and make is _by_lines:
            continue
        cells = make(about, metric, dimension)
        if len(cells.groups) > 1:
            found += _parts(dimension, cells, about.spans, metric)
    return found


def _parts(dimension: str, cells: Cells, spans: int, metric: str) -> list[Part]:
    n = len(cells.groups)
    flat = cells.group * (spans + 1) + cells.span
    table = np.bincount(flat, weights=cells.amount, minlength=n * (spans + 1)).reshape(n, spans + 1)
    now, before = table[:, 0], table[:, 1:]
    usual, spread = before.mean(axis=1), before.std(axis=1, ddof=1)
    change = now - usual
    whole = float(change.sum())
    # One order more or less is never news: spread is at least that of a Poisson count.
    one = float(cells.amount.mean()) if metric == "revenue" and len(cells.amount) else 1.0
    least = np.sqrt(np.maximum(usual, one) * max(one, 1e-9))
    clear = _chance(change, np.maximum(spread, least), spans) * n <= ALPHA
    order = np.argsort(-np.abs(change), kind="stable")
    return [
        Part(
            dimension,
            cells.groups[k],
            float(now[k]),
            float(usual[k]),
            float(change[k]),
            float(change[k]) / whole if whole else 0.0,
            bool(clear[k]),
        )
        for k in order.tolist()
    ]


def _chance(change: Floats, spread: Floats, spans: int) -> Floats:
    from scipy.special import stdtr

    scaled = np.abs(change) / (spread * math.sqrt(1 + 1 / spans))
    return np.asarray(2 * stdtr(spans - 1, -scaled))


def _by_orders(about: Scope, metric: str, dimension: str) -> Cells:
    orders, book = about.ledger.counted, about.book
    mask = about.order_span >= 0
    if dimension == "buyer":
        starts = about.starts[np.maximum(about.order_span, 0)]
        number = np.where(about.ledger.debut >= starts, 0, 1)
        number = np.where(orders.person == NOBODY, 2, number)
        names = list(_BUYERS)
    elif dimension == "place":
        number, names = orders.place, ["/".join(filter(None, place)) for place in book.places]
    else:
        number, names = orders.country, book.countries
    amount = orders.value[mask] if metric == "revenue" else np.ones(int(mask.sum()))
    return _used(names, number[mask], about.order_span[mask], amount.astype(float))


def _by_lines(about: Scope, metric: str, dimension: str) -> Cells:
    orders = about.ledger.counted
    chosen = np.flatnonzero(about.order_span >= 0)
    which, lines = about.book.lines_of(orders.row[chosen])
    span, items = about.order_span[chosen], lines[:, 0]
    rest = (orders.value - orders.goods)[chosen]
    if dimension == "category":
        unique, inverse = np.unique(items, return_inverse=True)
        named = [about.categories.get(number, "") for number in unique.tolist()]
        names = sorted(set(named))
        place = np.array([names.index(name) for name in named], dtype=np.int64)
        number = place[inverse] if len(unique) else items
    else:
        unique, number = np.unique(items, return_inverse=True)
        names = [str(item) for item in unique.tolist()]
    return _used(
        [*names, REST],
        np.append(number, np.full(len(chosen), len(names))),
        np.append(span[which], span),
        np.append(lines[:, 3], rest).astype(float),
    )


def _used(names: list[str], group: Ints, span: Ints, amount: Floats) -> Cells:
    """Without groups that nothing is in."""
    keep = amount != 0
    group, span, amount = group[keep], span[keep], amount[keep]
    unique, inverse = np.unique(group, return_inverse=True)
    return Cells([names[k] for k in unique.tolist()], inverse, span, amount)


_BY: Mapping[str, Callable[[Scope, str, str], Cells]] = {
    "place": _by_orders,
    "buyer": _by_orders,
    "country": _by_orders,
    "category": _by_lines,
    "item": _by_lines,
}


def main_part(found: list[Part]) -> Part | None:
    """The part that explains most of the change, if any stands out and is a third of it.

    A dimension in which one group is nearly everything explains nothing: its part is passed
    over for a narrower one that is nearly as large.
    """
    candidates = [one for one in found if one.clear and one.share >= 1 / 3 and one.group != REST]
    if not candidates:
        return None

    def telling(one: Part) -> float:
        whole = sum(max(p.usual, 0.0) for p in found if p.dimension == one.dimension)
        expected = one.usual / whole if whole else 0.0
        # How much more of the change than of the usual sales it makes up.
        return min(one.share, 1.0) - expected

    best = max(candidates, key=telling)
    return best if telling(best) > 0 else None
