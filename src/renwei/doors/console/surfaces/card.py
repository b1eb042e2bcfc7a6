"""The model card: what serves where, learnt from what, and how much better it is than simpler ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from renwei.app.ahead import LOOKS
from renwei.app.build import ORDERS
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.surfaces.places import called
from renwei.recommend.surfaces import Place

TABLE = "taste-items"
QUESTIONS = ("any", "discover")
GROUPS = (
    "own", "item", "ease", "lately", "factors", "alike", "sequel", "together", "neighbours",
    "titles", "person", "seen", "price",
)  # fmt: skip
"""What features are about: the beginning of their names."""
SOURCES: Mapping[str, Sequence[str]] = {
    "similar": ("similar", "also_taken"),
    "goes_with": ("taken_with",),
}
"""What speaks first on a page about an item; on the others what serves the question does."""
LEAST_SHARE = 0.005
MOST_CURVES, PLACES = 3, 6


@dataclass(frozen=True)
class Trial:
    """One way on one question: its number, and by how much it won over the simpler one.

    `verdict` is serves, simplest (there is nothing simpler), not_enough, no_gain, or beaten
    (it won, and a stronger one won over it).
    """

    way: str
    ndcg: float
    gain: float | None
    low: float | None
    high: float | None
    people: int
    verdict: str


@dataclass(frozen=True)
class Local:
    """A sort of slice (region, hour, new, back, best) against what serves without it.

    `verdict` is serves, no_gain, few_people (too few to judge by) or alike (its slices say
    nothing of their own); numbers are None where nothing was compared.
    """

    name: str
    before: float | None
    after: float | None
    gain: float | None
    low: float | None
    high: float | None
    people: int
    verdict: str


@page("GET /surfaces/all/model", scope="read")
def model(visit: Visit) -> Response:
    """What was put on the shelf when tastes were learnt last."""
    held = visit.house.shop().shelf.get(TABLE)
    card = (held.meta.get("card") or None) if held else None
    surfaces = visit.call("surfaces").surfaces
    return visit.show(
        "surfaces/card.html",
        card=card,
        blank="old" if held else _blank(visit),
        as_of=held.meta.get("as_of") if held else None,
        model=held.meta.get("model", "") if held else "",
        questions=[(one, trials(card, one), features(card, one)) for one in QUESTIONS]
        if card
        else [],
        local=local(card or {}),
        clicked=(card or {}).get("attraction") or {},
        looked=[(called(visit, one["surface"]), one["curve"]) for one in looked(card or {})],
        served=[(one.name, called(visit, one.name), *serves(card, one.place)) for one in surfaces],
    )


def _blank(visit: Visit) -> str:
    """Why nothing was learnt: there is nothing to learn from, or it is not time yet."""
    log = visit.house.shop().store.log
    known = any(next(iter(log.read(kinds=kinds)), None) for kinds in (ORDERS, LOOKS))
    return "soon" if known else "empty"


@page("POST /surfaces/all/model", scope="write")
def learn(visit: Visit) -> Response:
    """Learn tastes anew, now."""
    job = visit.start("learn-taste")
    return RedirectResponse(f"/jobs/{job}?then=/surfaces/all/model", 303)


def trials(card: Mapping[str, Any], question: str) -> list[Trial]:
    """The ways that were tried on a question, the simplest first."""
    served = (card.get("ways") or {}).get(question, "")
    rows = [one for one in card.get("trials") or () if one.get("question") == question]
    ways = [one["way"] for one in rows]
    last = ways.index(served) if served in ways else len(ways)
    return [
        Trial(
            str(one["way"]),
            float(one["ndcg"]),
            one.get("gain"),
            one.get("low"),
            one.get("high"),
            int(one.get("people") or 0),
            _verdict(one, k - last),
        )
        for k, one in enumerate(rows)
    ]


def local(card: Mapping[str, Any]) -> list[Local]:
    """What sells in a region, at an hour, to a kind of customer: by how much it won."""
    found = []
    for one in (card.get("local") or {}).get("trials") or ():
        tried = one["gain"] is not None
        before, after = (one["ndcg_without"], one["ndcg"]) if tried else (None, None)
        gained = (one["gain"], one["low"], one["high"])
        people, verdict = int(one["people"]), str(one["why"])
        found.append(Local(str(one["slice"]), before, after, *gained, people, verdict))
    return found


def looked(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """How places are looked at, on the surfaces with most clicks: the first stands for 1."""
    curves = (card.get("attraction") or {}).get("examination") or ()
    return [{**one, "curve": one["curve"][:PLACES]} for one in curves[:MOST_CURVES]]


def features(card: Mapping[str, Any], question: str) -> list[tuple[str, float]]:
    """What the served way looks at, by what it is about, the weightiest first; shares add to 1."""
    sums: defaultdict[str, float] = defaultdict(float)
    for one in card.get("features") or ():
        if one.get("question") == question:
            sums[_group(str(one["name"]))] += float(one["share"])
    whole = sum(sums.values())
    found = [(name, value / whole) for name, value in sums.items() if whole > 0]
    return sorted((one for one in found if one[1] >= LEAST_SHARE), key=lambda one: -one[1])


def serves(card: Mapping[str, Any] | None, place: Place) -> tuple[str, list[str]]:
    """The way that serves a surface, and the sources that speak first on it."""
    if place.only:
        return "sources", list(place.only)
    if place.mode in SOURCES:
        return "sources", list(SOURCES[place.mode])
    question = "discover" if place.repeats == "no" else "any"
    way = ((card or {}).get("ways") or {}).get(question, "")
    return way or "untried", []


def _group(name: str) -> str:
    return next((one for one in GROUPS if name == one or name.startswith(f"{one}_")), name)


def _verdict(one: Mapping[str, Any], beyond: int) -> str:
    """What became of a way; `beyond` is how many places after the one that serves it stands."""
    if not beyond:
        return "serves"
    if one.get("low") is None:
        return "simplest"
    won = one["low"] > 0
    if beyond < 0 and won:
        return "beaten"
    return "not_enough" if won else "no_gain"
