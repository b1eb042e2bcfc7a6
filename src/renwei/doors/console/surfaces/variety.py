"""The bubble gauge: how varied what people are shown is, and the slider with what it costs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from renwei.core.errors import UnknownName
from renwei.doors.console import kept
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.surfaces.places import called
from renwei.doors.console.surfaces.who import both, pick, recent
from renwei.recommend.surfaces import Place

WEEKS = 8
LIGHTS = {"open": "good", "narrowing": "amber", "narrow": "bad"}
LINES = ("entropy", "pooled", "new_categories", "shown_again")


@page("GET /surfaces/all/variety", scope="read")
def variety(visit: Visit) -> Response:
    """Week by week, of the shop or of one person."""
    there = kept.ready(visit)
    who = both(visit)[0]
    if who.person:
        answer = visit.call("recommend gauge", person=who.person, weeks=WEEKS)
    else:
        answer = kept.answer(visit, "recommend gauge", weeks=WEEKS)
    if answer is None:
        return kept.waiting(visit)
    if there is not None:
        return there
    surfaces = visit.call("surfaces").surfaces
    lines = [one for one in LINES if one != "pooled" or not who.person]
    return visit.show(
        "surfaces/variety.html",
        answer=answer,
        people=[who],
        recent=recent(visit),
        pick=lambda one: {key: to for key, to in pick([who], one).items() if key[0] == "a"},
        lines=lines,
        picture=_picture(visit, answer, lines) if answer.measurable else None,
        lights=LIGHTS,
        surfaces=[(one.name, called(visit, one.name), one.place) for one in surfaces],
        cost_of=lambda place: cost_of(answer.variety_cost, place),
    )


@page("POST /surfaces/all/variety", scope="write")
def slide(visit: Visit) -> Response:
    """Move the slider of one surface; nothing else of it changes."""
    name = visit.fields.get("surface", "")
    known = [one.name for one in visit.call("surfaces").surfaces]
    if name not in known:
        raise UnknownName.among("surface", name, known)
    visit.call("surfaces set", name=name, place={"diversity": visit.fields.get("diversity", "")})
    key = "console.surfaces.variety.moved"
    return visit.back(f"/surfaces/all/variety#s-{quote(name)}", key, name=called(visit, name))


def cost_at(curve: Any, place: float) -> tuple[float, float] | None:
    """Relevance lost and how many times as many products, between two places that were measured.

    Example:
        >>> from renwei.recommend.gauge import VarietyCost
        >>> curve = [VarietyCost(diversity=d, lost=d / 10, coverage_times=1 + d) for d in (0, 1)]
        >>> cost_at(curve, 0.5)
        (0.05, 1.5)
    """
    below = [one for one in curve if one.diversity <= place]
    above = [one for one in curve if one.diversity >= place]
    if not below or not above:
        return None
    one, other = below[-1], above[0]
    wide = other.diversity - one.diversity
    part = (place - one.diversity) / wide if wide else 0.0
    return (
        one.lost + part * (other.lost - one.lost),
        one.coverage_times + part * (other.coverage_times - one.coverage_times),
    )


def cost_of(curve: Any, place: Place) -> tuple[float, float] | None:
    """The cost of a surface's own slider; None where it was measured on other lists than these.

    It is measured on lists for a person in which repeats are welcome.
    """
    alike = place.mode == "feed" and place.repeats != "no" and not place.only
    return cost_at(curve, place.diversity) if alike else None


def _picture(visit: Visit, answer: Any, lines: list[str]) -> dict[str, Any]:
    """A chart of the weeks, in percent."""

    def percent(value: float | None) -> float | None:
        return None if value is None else round(100 * value, 1)

    return {
        "legend": {"top": 0},
        "grid": {"left": 8, "right": 12, "top": 64, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": [f"{one.since:%m-%d}" for one in answer.weeks]},
        "yAxis": {"type": "value", "min": 0, "max": 100, "axisLabel": {"formatter": "{value} %"}},
        "series": [
            {
                "type": "line",
                "name": visit.say(f"console.surfaces.variety.{name}"),
                "connectNulls": False,
                "data": [percent(getattr(one, name)) for one in answer.weeks],
            }
            for name in lines
        ],
    }
