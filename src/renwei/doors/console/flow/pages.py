"""How people move between stages and tiers by month, what each tier is worth, and who is in one."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from renwei.core.errors import UnknownName
from renwei.doors.console import kept
from renwei.doors.console.amounts import whole
from renwei.doors.console.frame import Visit, page

SORTS = ("stage", "tier")
LISTED = 100
HALF_DAY_S = 12 * 3600
COLOURS = {
    "new": "#3d7ea6", "active": "#4d8a4a", "at_risk": "#c98a1b", "lost": "#8b8179",
    "returning": "#8a5a83",
}  # fmt: skip


@page("GET /flow", scope="read")
def flow(visit: Visit) -> Response:
    """The flow between stages, and the tiers."""
    # A picture of nobody would stand for the rest of the day.
    if next(iter(visit.house.shop().store.log.read(kinds=kept.ORDERS)), None) is None:
        return visit.show("flow/flow.html", answer=None)
    there = kept.ready(visit)
    try:
        answer = kept.answer(visit, "flow", for_s=HALF_DAY_S)
    except UnknownName:
        return visit.show("flow/flow.html", answer=None)
    if answer is None:
        return kept.waiting(visit)
    if there is not None:
        return there
    names = {stage: visit.say(f"stages.{stage}") for stage in answer.stages}
    last = answer.months[-1].stages if answer.months else None
    return visit.show(
        "flow/flow.html",
        answer=answer,
        names=names,
        now=dict(zip(answer.stages, last.counts, strict=True)) if last else {},
        picture=months(answer, names),
        moves=moves(answer.stages, last) if last else [],
        tier_moves=moves(answer.tiers, answer.months[-1].tiers) if answer.months else [],
        whole=whole(visit),
    )


@page("GET /flow/{sort}/{band}", scope="read")
def band(visit: Visit) -> Response:
    """The people of one stage or tier, worth most first."""
    sort, name = visit.path["sort"], visit.path["band"]
    if sort not in SORTS:
        raise UnknownName.among("band", sort, SORTS)
    answer = visit.call(f"{sort}s", list=name, limit=LISTED)
    chosen = next(one for one in getattr(answer, f"{sort}s") if getattr(one, sort) == name)
    return visit.show("flow/band.html", answer=answer, band=chosen, sort=sort, whole=whole(visit))


def months(answer: Any, names: dict[str, str]) -> dict[str, Any]:
    """A chart: how many people stood in each stage at the end of each month."""
    series = [
        {
            "name": names[stage],
            "type": "bar",
            "stack": "all",
            "data": [month.stages.counts[k] for month in answer.months],
            "itemStyle": {"color": COLOURS.get(stage)},
            "href": f"/flow/stage/{stage}",
        }
        for k, stage in enumerate(answer.stages)
    ]
    return {
        "legend": {"top": 0},
        # On a phone the legend takes two lines.
        "grid": {"left": 8, "right": 12, "top": 56, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": [month.month for month in answer.months]},
        "yAxis": {"type": "value"},
        "series": series,
    }


def moves(names: list[str], month: Any) -> list[dict[str, Any]]:
    """The moves of a month, biggest first; who stayed is left out, who is new comes from ""."""
    found = [
        {"before": names[a], "after": names[b], "n": n}
        for a, row in enumerate(month.moves)
        for b, n in enumerate(row)
        if n and a != b
    ]
    found += [{"before": "", "after": names[b], "n": n} for b, n in enumerate(month.joined) if n]
    return sorted(found, key=lambda move: -int(move["n"]))
