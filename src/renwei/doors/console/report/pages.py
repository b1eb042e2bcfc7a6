"""The report of a day or a week, its files, and the rows behind each of its numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from renwei.core.words import EXPONENTS
from renwei.doors.console import kept
from renwei.doors.console.amounts import rounded
from renwei.doors.console.frame import Visit, page

PERIODS = ("day", "week")
FIRST = ("orders", "revenue", "aov", "items_per_order", "new", "returning")
"""The numbers that are asked for first; the others follow below."""

LIGHTS = {"usual": "good", "edge": "amber", "unusual": "bad"}
PLACES = {"import": "/imports", "today": "/", "imports": "/imports", "imports show": "/imports"}
ROWS = 100
FRESH_S = 120
"""A day that is not over is counted anew after so long."""
SVG = "image/svg+xml"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@page("GET /report", scope="read")
def report(visit: Visit) -> Response:
    """Sentences first, then the numbers, where a change comes from, and the days before."""
    answer = kept.answer(visit, "report", for_s=FRESH_S, **_asked(visit))
    if answer is None:
        return kept.waiting(visit)
    there = kept.ready(visit)
    if there is not None:
        return there
    first = [one for one in answer.figures if one.metric in FIRST]
    return visit.show(
        "report/report.html",
        report=answer,
        first=first,
        others=[one for one in answer.figures if one not in first],
        lights=LIGHTS,
        amount=_amount(visit, answer.currency),
        rows_of=rows_of,
        days=days(visit, answer),
        act=PLACES.get(answer.action.operation, ""),
        asked=_asked(visit),
        periods=PERIODS,
    )


@page("GET /report.svg", scope="read")
def picture(visit: Visit) -> Response:
    """The report as a picture; it names nobody."""
    return Response(_file(visit, "report", "report.svg", _asked(visit)), media_type=SVG)


@page("GET /report.xlsx", scope="read")
def book(visit: Visit) -> Response:
    """The report as an Excel file; it names nobody."""
    asked = _asked(visit)
    content = _file(visit, "report", "report.xlsx", asked)
    name = f"renwei-{asked['period']}-{asked['day'] or 'now'}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=XLSX, headers=headers)


@page("GET /report/rows", scope="read")
def rows(visit: Visit) -> Response:
    """The orders behind one number; they add up to it."""
    asked = _rows_asked(visit)
    offset = int(visit.query.get("offset", "0") or 0)
    answer = visit.call("report-rows", **asked, limit=ROWS, offset=offset)
    return visit.show(
        "report/rows.html",
        answer=answer,
        asked=asked,
        offset=offset,
        size=ROWS,
        amount=_amount(visit, answer.currency),
    )


@page("GET /report/rows.xlsx", scope="write")
def rows_book(visit: Visit) -> Response:
    """Every row behind one number, as an Excel file."""
    content = _file(visit, "report-rows", "rows.xlsx", _rows_asked(visit))
    headers = {"Content-Disposition": 'attachment; filename="renwei-rows.xlsx"'}
    return Response(content, media_type=XLSX, headers=headers)


def rows_of(ref: Any) -> str:
    """The address of the rows behind a number."""
    query = {name: getattr(ref, name) for name in ("metric", "since", "until", "at", "group")}
    texts = {name: v if isinstance(v, str) else v.isoformat() for name, v in query.items() if v}
    return f"/report/rows?{urlencode(texts)}"


def days(visit: Visit, answer: Any) -> dict[str, Any]:
    """A chart of the revenue by day or week, in the range that is usual."""
    unit = 10 ** EXPONENTS.get(answer.currency, 2)
    series = answer.series
    low = [_in(unit, point.revenue_low) for point in series]
    wide = [
        _in(unit, point.revenue_high - point.revenue_low)
        if point.revenue_high is not None
        else None
        for point in series
    ]
    band: dict[str, Any] = {
        "type": "line",
        "stack": "usual",
        "symbol": "none",
        "lineStyle": {"opacity": 0},
    }
    band |= {"tooltip": {"show": False}, "silent": True}
    name = visit.say("console.report.usual_range")
    bars = [
        {
            "value": _in(unit, point.revenue_minor),
            "href": rows_of(point.rows).replace("metric=orders", "metric=revenue"),
            "itemStyle": {} if point.complete else {"opacity": 0.45},
        }
        for point in series
    ]
    return {
        "legend": {"top": 0, "data": [visit.say("console.report.revenue"), name]},
        "xAxis": {"type": "category", "data": [point.day[5:] for point in series]},
        "yAxis": {"type": "value"},
        "series": [
            {"type": "bar", "name": visit.say("console.report.revenue"), "data": bars, "z": 3},
            {**band, "name": "", "data": low},
            {
                **band,
                "name": name,
                "data": wide,
                "areaStyle": {"opacity": 0.18},
                "color": "#8b8179",
            },
        ],
    }


def _in(unit: int, minor: float | None) -> float | None:
    return None if minor is None else round(minor / unit, 2)


def _asked(visit: Visit) -> dict[str, str]:
    period = visit.query.get("period", "day")
    return {"period": period, "day": visit.query.get("day", "")}


def _rows_asked(visit: Visit) -> dict[str, str]:
    names = ("metric", "since", "until", "at", "group")
    return {name: visit.query[name] for name in names if visit.query.get(name)}


def _file(visit: Visit, operation: str, name: str, asked: dict[str, str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / name
        visit.call(operation, **asked, out=str(out))
        return out.read_bytes()


def _amount(visit: Visit, currency: str) -> Callable[..., str]:
    def said(unit: str, value: float | None) -> str:
        if value is None:
            return "–"
        if unit == "money":
            return rounded(value, currency, visit.language)
        return f"{value:,.2f}" if unit == "ratio" else f"{round(value):,}"

    return said
