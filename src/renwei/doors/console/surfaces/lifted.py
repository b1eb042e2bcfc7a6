"""What recommendations bring, against the people held out of them by chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.responses import Response

from renwei.doors.console import kept
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.surfaces.layout import called_page
from renwei.doors.console.surfaces.places import called
from renwei.recommend.seen import PAGE

DAYS = (7, 30, 90, 365)
LIGHTS = {"clear_more": "good", "leaning_more": "good", "clear_less": "bad", "leaning_less": "bad"}


@page("GET /surfaces/all/lift", scope="read")
def lift(visit: Visit) -> Response:
    """Everything together first, then each surface and page."""
    text = visit.query.get("days", "")
    days = int(text) if text.isdecimal() and int(text) in DAYS else 30
    there = kept.ready(visit)
    answer = kept.answer(visit, "recommend lift", days=days)
    if answer is None:
        return kept.waiting(visit)
    if there is not None:
        return there
    compared = _compared(answer.lifts)
    return visit.show(
        "surfaces/lift.html",
        answer=answer,
        days=days,
        choices=DAYS,
        compared=compared,
        silent=[one for one in answer.lifts if one.surface and not one.measures],
        name=lambda one: _name(visit, one.surface),
        address=_address,
        amount=_amount(visit, answer.currency),
        apart=_apart(visit, answer.currency),
        lights=LIGHTS,
        holdout=visit.house.shop().settings.holdout,
    )


def _compared(rows: Sequence[Any]) -> list[Any]:
    """The rows with something to compare; all together only where that is more than one."""
    told = [one for one in rows if one.measures]
    places = [one for one in told if one.surface and not one.surface.startswith(PAGE)]
    if len(places) == 1:
        told = [one for one in told if one.surface]
    return told or [one for one in rows if not one.surface]


def _name(visit: Visit, surface: str) -> str:
    if not surface:
        return visit.say("console.surfaces.lift.all")
    if surface.startswith(PAGE):
        name = called_page(visit, surface.removeprefix(PAGE))
        return visit.say("console.surfaces.lift.page", name=name)
    return called(visit, surface)


def _address(surface: str) -> str:
    if not surface:
        return ""
    page_ = surface.startswith(PAGE)
    return f"/pages/{surface.removeprefix(PAGE)}" if page_ else f"/surfaces/{surface}"


def _amount(visit: Visit, currency: str) -> Callable[[str, float], str]:
    """A measure of one group, by its unit."""

    def said(unit: str, value: float) -> str:
        if unit == "share":
            return visit.say("console.as.percent", v=value)
        return _money(visit, value, currency) if unit == "money" else f"{value:.2f}"

    return said


def _apart(visit: Visit, currency: str) -> Callable[[str, float], str]:
    """A difference with its sign; shares in percentage points."""

    def said(unit: str, value: float) -> str:
        sign = "+" if value > 0 else "−" if value < 0 else ""
        size = abs(value)
        if unit == "share":
            return sign + visit.say("console.surfaces.lift.points", n=f"{100 * size:.1f}")
        return sign + (_money(visit, size, currency) if unit == "money" else f"{size:.2f}")

    return said


def _money(visit: Visit, minor: float, currency: str) -> str:
    from renwei.core.words import money

    found: Any = money([round(minor), currency], visit.language)
    return str(found)
