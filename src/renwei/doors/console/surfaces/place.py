"""One surface: looked at with two people's eyes, changed, and put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from starlette.responses import Response

from renwei.core.errors import UnknownName
from renwei.doors.console import kept
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.surfaces import differing, form
from renwei.doors.console.surfaces.looked import asked, looked
from renwei.doors.console.surfaces.places import called
from renwei.doors.console.surfaces.variety import cost_of
from renwei.doors.console.surfaces.who import Who, both, pick, recent
from renwei.recommend.bubble import costs
from renwei.recommend.seen import VISIT
from renwei.recommend.surfaces import DEFAULTS, KIND, MODES, REPEATS, Shown

WANTED = 8
"""Items of a look."""
MOST = 500
_ABOUT_AN_ITEM = ("similar", "goes_with")


@page("GET /surfaces/{name}", scope="read")
def place(visit: Visit) -> Response:
    """What two people are shown here, why, and why not the same."""
    if not kept.begun(visit, "people", limit=1):
        return kept.waiting(visit)
    there = kept.ready(visit)
    return there or _page(visit, one_named(visit))


@page("POST /surfaces/{name}", scope="write")
def change(visit: Visit) -> Response:
    """Change the surface; what cannot be read is said beside its field, and nothing is changed."""
    held = one_named(visit)
    told, wrong = form.read(visit)
    if wrong:
        return _page(visit, held, wrong)
    visit.call("surfaces set", name=held.name, place=told)
    return visit.back(f"/surfaces/{quote(held.name)}", "console.surfaces.changed")


@page("POST /surfaces/{name}/undo", scope="write")
def undo(visit: Visit) -> Response:
    """Put the surface back to what it was before the last change."""
    held = one_named(visit)
    before = _before(visit, held)
    if before is not None:
        visit.call("surfaces set", name=held.name, place=before)
    key = "console.surfaces.undone" if before is not None else "console.surfaces.nothing_before"
    return visit.back(f"/surfaces/{quote(held.name)}", key)


def one_named(visit: Visit) -> Shown:
    """The surface of the address.

    Raises:
        UnknownName: unknown_surface.
    """
    name, known = visit.path["name"], visit.house.call("surfaces").surfaces
    for one in known:
        if one.name == name:
            found: Shown = one
            return found
    raise UnknownName.among("surface", name, [one.name for one in known])


def _before(visit: Visit, held: Shown) -> Mapping[str, Any] | None:
    """The surface as it was before its newest version; what a shop finds counts as the first."""
    history = visit.house.shop().store.papers.history(KIND, held.name)
    if len(history) > 1:
        return history[1].body
    first = DEFAULTS.get(held.name) if history else None
    body: Mapping[str, Any] | None = msgspec.to_builtins(first) if first else None
    return body


def _page(visit: Visit, held: Shown, wrong: Mapping[str, str] | None = None) -> Response:
    people = both(visit)
    item = _item(visit, held)
    answers = [_look(visit, held, one, item) for one in people]
    titles = titles_of(visit, answers)
    fields = {**form.shown(held.place), **(visit.fields if wrong else {})}
    fault = form.filter_fault(visit, fields["filter"]) if wrong else None
    at = int(fault.values["position"]) if fault else 0
    return visit.show(
        "surfaces/one.html",
        400 if wrong else 200,
        held=held,
        called=called(visit, held.name),
        people=people,
        recent=recent(visit),
        answers=answers,
        titles=titles,
        reason=lambda one: reason_of(visit, one, titles),
        differences=_differences(visit, answers, titles),
        item=item,
        about_an_item=held.place.mode in _ABOUT_AN_ITEM,
        removed=[_removed(answer) for answer in answers],
        fields=fields,
        wrong=wrong or {},
        cut=form.around(fields["filter"], at) if fault else None,
        passed=form.passed(visit, held.place),
        may_undo=_before(visit, held) is not None,
        cost=cost_of(costs(visit.house.shop()), held.place),
        modes=MODES,
        repeats=REPEATS,
        holdout=visit.house.shop().settings.holdout,
        line=_line(visit, held, people[0], item),
        pick=lambda one: pick(people, one),
    )


def _look(visit: Visit, held: Shown, who: Who, item: Any) -> Any:
    told = {"user_id": who.person, "surface": held.name, "n": WANTED, "explain": True}
    told |= {"session_id": VISIT, "item_id": item["id"] if item else ""}
    return looked(visit, "recommend", **told)


def reason_of(visit: Visit, shown: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Why an item is there, said to whoever runs the shop."""
    reason = shown["reason"]
    about = next(iter(reason["evidence"]), "")
    values = {"item": titles.get(about, about), "n": reason["count"]}
    return visit.say(f"reasons.{reason['code']}", **values)


def titles_of(visit: Visit, answers: Sequence[Any]) -> dict[str, str]:
    """Titles of everything that answers name."""
    found = {item["id"]: item["title"] for answer in answers for item in answer["items"]}
    cited = {
        code
        for answer in answers
        for code in (
            *(code for item in answer["items"] for code in item["reason"]["evidence"]),
            *(one["id"] for one in answer["removed"]),
        )
    }
    wanted = sorted(cited - set(found))[:MOST]
    if wanted:
        listed = asked(visit, "items list", id=wanted, gone=True, limit=MOST)["items"]
        found |= {one["id"]: one["title"] or one["id"] for one in listed}
    return found


def _differences(
    visit: Visit, answers: Sequence[Any], titles: Mapping[str, str]
) -> list[differing.Difference]:
    if len(answers) < len(("a", "b")):
        return []
    told = (answers[0], answers[1])
    return differing.of_items(told, titles, lambda one: reason_of(visit, one, titles), visit.say)


def _removed(answer: Any) -> dict[str, list[str]]:
    """Ids of what was taken out, by why."""
    found: dict[str, list[str]] = {}
    for one in answer["removed"]:
        found.setdefault(one["text"], []).append(one["id"])
    return found


def _item(visit: Visit, held: Shown) -> Any:
    """The item on the page where the surface is about one: as asked for, else the first there is."""
    if held.place.mode not in _ABOUT_AN_ITEM:
        return None
    text = visit.query.get("item", "").strip()
    kind = held.place.kinds[0]
    for told in ({"id": [text]}, {"query": text}) if text else ({"kind": kind},):
        listed = asked(visit, "items list", limit=1, **told)["items"]
        if listed:
            return listed[0]
    return None


def _line(visit: Visit, held: Shown, who: Who, item: Any) -> str:
    """The same question on the command line."""
    told = {"user_id": who.person, "surface": held.name, "n": str(WANTED)}
    told["item_id"] = item["id"] if item else ""
    query = urlencode({name: value for name, value in told.items() if value})
    return f'curl -H "Authorization: Bearer $KEY" "{visit.base}/v1/recommend?{query}"'
