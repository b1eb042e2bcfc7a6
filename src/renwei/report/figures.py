"""The judged numbers of a span, each with its sentence and the rows behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import from_us, to_us
from renwei.core.nouns import Item
from renwei.core.shop import Shop
from renwei.report import noise
from renwei.report.answers import Cause, Figure, Point, RowsRef
from renwei.report.book import Book, Bools
from renwei.report.causes import Part, Scope, main_part, parts, scope
from renwei.report.measures import NUMBERS, TOLD, Ledger
from renwei.report.phrases import amount_text, comparable, difference_text, group_label, range_text
from renwei.report.spans import DAY, STEP, Spans
from renwei.report.window import COMPLETE, NO_DATA, Window, spans_before

Floats = NDArray[np.float64]

SHOWN = {DAY: 28, "week": 13}
"""Days or weeks of the chart."""
_PARTS = 5


@dataclass(frozen=True)
class Read:
    """Everything a report is made of: orders, spans, and what the spans hold."""

    shop: Shop
    book: Book
    ledger: Ledger
    window: Window
    currency: str
    items: Mapping[int, Item]
    spans: Spans
    series: Mapping[str, Floats]
    whole: Mapping[str, Floats]
    valid: Bools

    def ref(self, metric: str, group: str = "") -> RowsRef:
        """The rows behind a number of this span."""
        found = self.window
        return RowsRef(
            metric=metric, since=found.start, until=found.until, at=found.at, group=group
        )

    def amount(self, metric: str, value: float | None) -> str:
        """A number as people write it."""
        return amount_text(NUMBERS[metric][0], value, self.currency)


def read(shop: Shop, book: Book, found: Window) -> Read:
    """Count every span."""
    currency = book.main_currency(shop.settings.currency)
    ledger = Ledger(book.as_of(to_us(found.at), currency))
    before = spans_before(found, ledger.orders.at)
    whole = ledger.series(before.whole)
    series = whole if found.state == COMPLETE else ledger.series(before)
    step = STEP[found.period]
    # Only whole days can be missing: few hours may well be empty.
    gone = noise.missing(whole["orders"], step)
    gone[-1] &= found.state == COMPLETE
    items = {item.number: item for item in shop.store.items.all_items("product")}
    return Read(
        shop, book, ledger, found, currency, items, before, series, whole, np.asarray(~gone)
    )


def figures(about: Read) -> list[Figure]:
    """Every number: judged ones first, then those that are only told."""
    judged = [noise.Judged(spans=0)] * len(NUMBERS)
    if about.window.state != NO_DATA and about.window.until > about.window.start:
        judged = noise.judge(
            [about.series[name] for name in NUMBERS],
            [scale for _, scale in NUMBERS.values()],
            about.valid,
            STEP[about.window.period],
        )
    values = about.ledger.values(to_us(about.window.start), to_us(about.window.until))
    found = [
        _figure(about, name, values[name], one) for name, one in zip(NUMBERS, judged, strict=True)
    ]
    for name in TOLD:
        unit = "money" if name == "refunded" else "count"
        text = amount_text(unit, values[name], about.currency)
        label = about.shop.say(f"report.metric.{name}")
        found.append(
            Figure(
                metric=name,
                label=label,
                unit=unit,
                value=values[name],
                text=about.shop.say("report.figure.untested", label=label, value=text),
                rows=about.ref(name),
            )
        )
    return found


def _figure(about: Read, name: str, value: float, judged: noise.Judged) -> Figure:
    unit = NUMBERS[name][0]
    known = judged.verdict != "not_enough"
    low, high = range_text(unit, judged.low, judged.high, about.currency) if known else ("", "")
    one_in = round(1 / judged.chance) if judged.chance else None
    label = about.shop.say(f"report.metric.{name}")
    shown = None if math.isnan(value) else value
    verdict = judged.verdict if shown is not None else "untested"
    text = about.shop.say(
        f"report.figure.{verdict}",
        label=label,
        value=about.amount(name, shown),
        usual=about.amount(name, judged.usual) if known else "",
        low=low,
        high=high,
        n=one_in or 0,
        spans=judged.spans,
        what=comparable(about.shop, about.window.day, about.window.period),
    )
    return Figure(
        metric=name,
        label=label,
        unit=unit,
        value=shown,
        usual=_known(judged.usual),
        low=_known(judged.low),
        high=_known(judged.high),
        spans=judged.spans,
        one_in=one_in if verdict in ("edge", "unusual") else None,
        verdict=verdict,
        text=text,
        rows=about.ref(name),
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def causes(about: Read, metric: str) -> tuple[list[Cause], Cause | None]:
    """The largest parts of a change in each dimension, and the one that tells most."""
    held = scope(
        about.book, about.ledger, about.spans, about.valid,
        {number: item.category for number, item in about.items.items()},
    )  # fmt: skip
    found = parts(held, metric)
    best = main_part(found)
    shown = [one for one in found if one is best or _place(found, one) < _PARTS]
    made = {id(one): _cause(about, metric, one, held) for one in shown}
    return list(made.values()), made[id(best)] if best is not None else None


def _place(found: list[Part], one: Part) -> int:
    return [part for part in found if part.dimension == one.dimension].index(one)


def _cause(about: Read, metric: str, one: Part, held: Scope) -> Cause:
    unit, shop = NUMBERS[metric][0], about.shop
    label = group_label(shop, one.dimension, one.group, about.items)
    return Cause(
        metric=metric,
        dimension=one.dimension,
        group=one.group,
        label=label,
        unit=unit,
        value=one.now,
        usual=round(one.usual, 4),
        change=round(one.change, 4),
        share=round(one.share, 4),
        clear=one.clear,
        text=shop.say(
            f"report.cause.{'clear' if one.clear else 'noise'}",
            label=label,
            change=difference_text(unit, one.change, about.currency),
            value=amount_text(unit, one.now, about.currency),
            spans=held.spans,
        ),
        rows=about.ref(metric, f"{one.dimension}:{one.group}"),
    )


def points(about: Read) -> list[Point]:
    """The chart: the last weeks with the range that each was judged by."""
    step, whole = STEP[about.window.period], about.whole
    bands = {
        name: noise.ranges(whole[name], scale, about.valid, step)
        for name, scale in (("orders", noise.COUNT), ("revenue", noise.SUM))
    }
    last = len(about.spans) - 1
    partial = about.window.state != COMPLETE
    if partial:
        # The last one is judged by the same hours of earlier spans.
        for name, scale in (("orders", noise.COUNT), ("revenue", noise.SUM)):
            cut = noise.ranges(about.series[name], scale, about.valid, step)
            for band, own in zip(bands[name], cut, strict=True):
                band[last] = own[last]
    made = []
    for k in range(max(0, last + 1 - SHOWN[about.window.period]), last + 1):
        until = about.window.until if k == last else from_us(int(about.spans.starts[k + 1]))
        since = from_us(int(about.spans.starts[k]))
        made.append(
            Point(
                day=about.spans.days[k].isoformat(),
                orders=round(float(whole["orders"][k])),
                revenue_minor=round(float(whole["revenue"][k])),
                orders_low=_known(float(bands["orders"][0][k])),
                orders_high=_known(float(bands["orders"][1][k])),
                revenue_low=_known(float(bands["revenue"][0][k])),
                revenue_high=_known(float(bands["revenue"][1][k])),
                complete=not (partial and k == last),
                missing=not bool(about.valid[k]),
                rows=RowsRef(metric="orders", since=since, until=until, at=about.window.at),
            )
        )
    return made


def next_day(found: Window) -> str:
    """The day or Monday after, if it has begun."""
    later = found.day + found.length
    return later.isoformat() if found.end <= found.at else ""


def day_before(found: Window) -> str:
    """The day or Monday before."""
    return (found.day - timedelta(days=found.length.days)).isoformat()
