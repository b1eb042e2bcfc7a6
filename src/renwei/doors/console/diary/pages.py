"""What I did for you, and what I did not dare."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from renwei.core.errors import BadInput
from renwei.doors.console.frame import Visit, page

FIRST, LAST = 1970, 2200
"""Years of which a day can be asked."""


PLACES = {
    "audit": "/settings/audit",
    "autonomy": "/settings",
    "consent show": "/people",
    "decisions": "/decisions",
    "events": "/live",
    "imports list": "/imports",
    "people": "/people",
    "questions list": "/questions",
    "rejected": "/live/rejected",
    "report-rows": "/report/rows",
    "settings": "/settings",
    "texts": "/settings/wordings",
    "today": "/",
}
"""Where an operation that stands behind a line is shown."""


@page("GET /diary", scope="read")
def diary(visit: Visit) -> Response:
    """One day of the shop, today unless told."""
    zone = ZoneInfo(visit.house.shop().settings.zone)
    today = visit.house.clock.now().astimezone(zone).date()
    day = _day(visit.query.get("day", "")) or today
    at = None if day == today else datetime.combine(day, time(23, 59, 59), zone)
    fields = {"at": at} if at else {}
    return visit.show(
        "diary/day.html",
        behind=_behind,
        answer=visit.call("diary", **fields),
        before=day - timedelta(1),
        after=day + timedelta(1) if day < today else None,
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput("bad_field", field="day", found=text) from None
    if day and not FIRST <= day.year <= LAST:
        raise BadInput("bad_field", field="day", found=text)
    return day


def _behind(entry: Any) -> str:
    """The address of what a line is about; "" where no page shows it."""
    place = PLACES.get(entry.operation, "")
    asked = {key: value for key, value in entry.fields.items() if value not in (None, "")}
    return f"{place}?{urlencode(asked)}" if place and asked else place
