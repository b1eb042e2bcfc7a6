"""What the operations of this rib are asked and what they answer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from renwei.core.operations import PRIVATE


class ReportRequest(msgspec.Struct, kw_only=True):
    """The day or the week that holds `at` (default: now), as far as it had gone by then.

    `day` ("2026-11-18") asks for that whole day, or for its week, as known at `at`.
    """

    period: str = "day"
    at: datetime | None = None
    day: str = ""
    out: Path | None = None


class RowsRequest(msgspec.Struct, kw_only=True):
    """The orders behind a number: `group` such as "place:taobao" narrows it to one part."""

    metric: str
    since: datetime
    until: datetime
    group: str = ""
    at: datetime | None = None
    limit: int = 200
    offset: int = 0
    out: Path | None = None


class RowsRef(msgspec.Struct, kw_only=True):
    """What to ask `report-rows` for, to see what a number is made of."""

    metric: str
    since: datetime
    until: datetime
    at: datetime
    group: str = ""


class Figure(msgspec.Struct, kw_only=True):
    """One number of the span; money in minor units, None where there is none.

    `usual`, `low`, `high`: the comparable spans before it, and the range of 90 % of spans.
    `one_in`: on about one span in so many some number strays as far though nothing changed.
    `verdict`: usual, edge, unusual, not_enough, or untested (not judged at all).
    """

    metric: str
    label: str
    unit: str
    value: float | None
    usual: float | None = None
    low: float | None = None
    high: float | None = None
    spans: int = 0
    one_in: int | None = None
    verdict: str = "untested"
    text: str = ""
    rows: RowsRef | None = None


class Cause(msgspec.Struct, kw_only=True):
    """What one group adds to a change, against comparable spans; parts add up to the whole.

    `clear`: it stands out of its own noise, the number of groups looked at considered.
    """

    metric: str
    dimension: str
    group: str
    label: str
    unit: str
    value: float
    usual: float
    change: float
    share: float
    clear: bool
    text: str
    rows: RowsRef


class ContactsSeen(msgspec.Struct, kw_only=True):
    """People contacted in the span, and what contacts did compared with people held out."""

    people: int
    ordered: int
    ended_contacted: int
    ended_ordered: int
    held_out: int
    held_ordered: int
    difference: float | None
    low: float | None
    high: float | None
    text: str
    rows: RowsRef


class Note(msgspec.Struct, kw_only=True):
    """Something to know when reading: a partial day, late refunds, days left out."""

    code: str
    text: str
    rows: RowsRef | None = None


class Action(msgspec.Struct, kw_only=True):
    """One thing to do, and the operation that does it."""

    code: str
    text: str
    operation: str
    fields: dict[str, Any] = {}


class Point(msgspec.Struct, kw_only=True):
    """One day or week of the chart, with the 90 % range it was judged by."""

    day: str
    orders: int
    revenue_minor: int
    orders_low: float | None
    orders_high: float | None
    revenue_low: float | None
    revenue_high: float | None
    complete: bool
    missing: bool
    rows: RowsRef


class ReportAnswer(msgspec.Struct, kw_only=True):
    """The report: sentences first, then every number with the rows behind it.

    `state`: complete, partial (it is not over), data_ends (nothing came in for its end),
    no_data. `since`, `until`: what is counted, shop-local days in `zone`.
    """

    period: str
    day: str
    title: str
    state: str
    since: datetime
    until: datetime
    at: datetime
    zone: str
    currency: str
    headline: str
    sentences: list[str]
    why: str
    action: Action
    figures: list[Figure]
    causes: list[Cause]
    contacts: ContactsSeen | None
    notes: list[Note]
    series: list[Point]
    previous: str = ""
    next: str = ""
    out: str = ""


class OrderRow(msgspec.Struct, kw_only=True):
    """One row behind a number; `amount` is what it adds to it.

    `at` is shop-local. `import_id` and `file_row` say where it stands in the file.
    """

    order: str
    number: Annotated[str, PRIVATE] = ""
    person: str = ""
    at: str = ""
    platform: str = ""
    shop: str = ""
    status: str = ""
    items: str = ""
    units: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0
    amount: int = 0
    known: str = ""
    import_id: str = ""
    file_row: int = 0


class RowsAnswer(msgspec.Struct, kw_only=True):
    """Rows and their sums over all of them, whatever part is listed.

    `value` is the number itself, made of the rows: a sum, a count, people, or a quotient.
    """

    metric: str
    label: str
    group: str
    since: datetime
    until: datetime
    at: datetime
    zone: str
    currency: str
    unit: str
    value: float | None
    orders: int
    people: int
    units: int
    amount: int
    text: str
    rows: list[OrderRow]
    offset: int = 0
    more: bool = False
    out: str = ""
