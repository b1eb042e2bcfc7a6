"""How people move between stages by month, what each tier is worth, and who is in a band."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from renwei.core.errors import UnknownName
from renwei.doors.console import kept
from renwei.doors.console.amounts import whole
from renwei.doors.console.frame import Visit, page

SORTS = ("stage", "tier")
LISTED = 100
COLOURS = {
    "new": "#3d7ea6",
    "active": "#4d8a4a",
    "at_risk": "#c98a1b",
    "lost": "#8b8179",
    "returning": "#8a5a83",
}


@page("GET /flow", scope="read")
def flow(visit: Visit) -> Response:
    """The flow between stages, and the tiers."""
    stages = kept.answer(visit, "stages", for_s=6 * 3600)
    tiers = kept.answer(visit, "tiers", for_s=6 * 3600)
    if stages is None or tiers is None:
        return kept.waiting(visit)
    there = kept.ready(visit)
    if there is not None:
        return there
    names = {stage.stage: stage.text for stage in stages.stages}
    return visit.show(
        "flow/flow.html",
        stages=stages,
        tiers=tiers,
        names=names,
        people=sum(stage.people for stage in stages.stages),
        months=months(visit, stages, names),
        moves=moves(stages),
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


def months(visit: Visit, stages: Any, names: dict[str, str]) -> dict[str, Any]:
    """A chart: how many people stood in each stage at the end of each month."""
    series = [
        {
            "name": names[stage],
            "type": "bar",
            "stack": "all",
            "data": [month.counts[k] for month in stages.flow],
            "itemStyle": {"color": COLOURS.get(stage)},
            "href": f"/flow/stage/{stage}",
        }
        for k, stage in enumerate(stages.order)
    ]
    return {
        "legend": {"top": 0},
        "xAxis": {"type": "category", "data": [month.month for month in stages.flow]},
        "yAxis": {"type": "value"},
        "series": series,
    }


def moves(stages: Any) -> list[dict[str, Any]]:
    """The moves of the last month, biggest first; who stayed is left out."""
    if not stages.flow:
        return []
    last, found = stages.flow[-1], []
    for a, row in enumerate(last.moves):
        found += [
            {"before": stages.order[a], "after": stages.order[b], "n": n}
            for b, n in enumerate(row)
            if n and a != b
        ]
    found += [
        {"before": "", "after": stages.order[b], "n": n} for b, n in enumerate(last.joined) if n
    ]
    return sorted(found, key=lambda move: -move["n"])
