"""Pages made of modules: two phones side by side, and the list of modules to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from renwei.core.errors import BadInput, UnknownName
from renwei.doors.console import kept
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.screen import sentence
from renwei.doors.console.surfaces import differing, modules
from renwei.doors.console.surfaces.looked import looked
from renwei.doors.console.surfaces.modules import NETS, Draft, Wrong
from renwei.doors.console.surfaces.places import called
from renwei.doors.console.surfaces.who import Who, both, pick, recent
from renwei.pages.documents import SOURCES, PageShown

FIRST_ITEMS = 3
"""Items that a phone shows of each module."""


@page("GET /pages", scope="read")
def layouts(visit: Visit) -> Response:
    """Every page with its modules in their default order."""
    return _layouts(visit)


@page("POST /pages", scope="write")
def add_layout(visit: Visit) -> Response:
    """Make a new page; its modules follow on its own page."""
    name = visit.fields.get("name", "").strip()
    if any(one.name == name for one in visit.call("pages").pages):
        return _layouts(visit, visit.say("console.surfaces.page_exists", name=name), name)
    try:
        visit.call("pages set", name=name, page={"modules": []})
    except BadInput as fault:
        return _layouts(visit, sentence(visit, fault), name)
    return visit.back(f"/pages/{quote(name)}", "console.surfaces.page_made", name=name)


@page("GET /pages/{name}", scope="read")
def layout(visit: Visit) -> Response:
    """The page on two people's phones, why it differs, and its modules to change."""
    if not kept.begun(visit, "people", limit=1):
        return kept.waiting(visit)
    there = kept.ready(visit)
    held = page_named(visit)
    drafts = modules.drafts_of(held.page.modules, visit.house.shop().settings.zone)
    return there or _page(visit, held, drafts)


@page("POST /pages/{name}", scope="write")
def keep(visit: Visit) -> Response:
    """Save the modules; every other button changes the form alone until it is saved."""
    held, act = page_named(visit), visit.fields.get("do", "save")
    drafts = modules.drafts_in(visit)
    if act != "save":
        return _page(visit, held, modules.moved(drafts, act), unsaved=True)
    wrong = _saved(visit, held, drafts)
    if wrong is not None:
        return _page(visit, held, drafts, wrong, unsaved=True)
    return visit.back(f"/pages/{quote(held.name)}", "console.surfaces.page_saved")


@page("POST /pages/{name}/undo", scope="write")
def undo_layout(visit: Visit) -> Response:
    """Put the page back to what it was before the last change."""
    name = visit.path["name"]
    visit.call("pages undo", name=name)
    return visit.back(f"/pages/{quote(name)}", "console.surfaces.undone")


def page_named(visit: Visit) -> PageShown:
    """The page of the address.

    Raises:
        UnknownName: unknown_page.
    """
    name, known = visit.path["name"], visit.house.call("pages").pages
    for one in known:
        if one.name == name:
            found: PageShown = one
            return found
    raise UnknownName.among("page", name, [one.name for one in known])


def _saved(visit: Visit, held: PageShown, drafts: Sequence[Draft]) -> Wrong | None:
    """Save the drafts, or say what is wrong with them."""
    text = visit.fields.get("control", "").strip().rstrip("%％").strip()
    try:
        control = float(text or 0) / 100
    except ValueError:
        control = -1.0
    if not 0 <= control <= 1:
        return Wrong(-1, "control", visit.say("console.surfaces.faults.share"))
    made = modules.document(visit, drafts, visit.house.shop().settings.zone)
    wrong = made if isinstance(made, Wrong) else modules.unknown_items(visit, drafts)
    if wrong is not None or isinstance(made, Wrong):
        return wrong
    whole = modules.plain_page(held.page, made, round(control, 6))
    try:
        visit.call("pages set", name=held.name, page=whole)
    except BadInput as fault:
        return modules.where(visit, fault, drafts)
    return None


def _layouts(visit: Visit, fault: str = "", name: str = "") -> Response:
    return visit.show(
        "surfaces/layouts.html",
        400 if fault else 200,
        pages=visit.house.call("pages").pages,
        called=lambda one: called_page(visit, one),
        title=lambda one: _title(visit, one),
        fault=fault,
        name=name,
    )


def called_page(visit: Visit, name: str) -> str:
    """A page as people call it; one of the shop's own has its name alone."""
    said = visit.say(f"console.surfaces.pages.{name}")
    return name if said.startswith("console.") else said


def _page(
    visit: Visit,
    held: PageShown,
    drafts: Sequence[Draft],
    wrong: Wrong | None = None,
    *,
    unsaved: bool = False,
) -> Response:
    people = both(visit)
    answers = [_look(visit, held, one) for one in people]
    differences: list[differing.Difference] = []
    if len(answers) > 1:
        differences = differing.of_modules((answers[0], answers[1]), visit.say)
    return visit.show(
        "surfaces/layout.html",
        400 if wrong else 200,
        held=held,
        called=called_page(visit, held.name),
        people=people,
        recent=recent(visit),
        answers=answers,
        differences=differences,
        titles={one.name: _title(visit, one) for one in held.page.modules},
        first=FIRST_ITEMS,
        drafts=drafts,
        wrong=wrong,
        unsaved=unsaved,
        control=visit.fields.get("control", f"{100 * held.page.control:.10g}"),
        sources=SOURCES,
        surfaces=[(one.name, called(visit, one.name)) for one in visit.call("surfaces").surfaces],
        nets=NETS,
        asked=visit.request.url.query,
        pick=lambda one: pick(people, one),
    )


def _look(visit: Visit, held: PageShown, who: Who) -> Any:
    return looked(visit, "page", name=held.name, user_id=who.person, explain=True)


def _title(visit: Visit, module: Any) -> str:
    title: str = module.title.get(visit.language) or next(iter(module.title.values()), module.name)
    return title
