"""Pages made of modules: two phones side by side, and the list of modules to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from renwei.core.errors import BadInput, UnknownName
from renwei.doors.console import kept
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.screen import sentence
from renwei.doors.console.surfaces import differing, modules, unsaved
from renwei.doors.console.surfaces.looked import looked
from renwei.doors.console.surfaces.modules import NETS, Draft, Wrong
from renwei.doors.console.surfaces.place import reason_of, titles_of
from renwei.doors.console.surfaces.places import called
from renwei.doors.console.surfaces.who import SIDES, Who, both, pick, recent
from renwei.pages.documents import FIRST, SOURCES, PageShown, checked
from renwei.recommend.seen import VISIT

MENU = "/surfaces"
"""The page of the menu that these belong to."""
_FOUND = {"home": FIRST}
"""Pages that every shop finds: their first change can be taken back, too."""
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
    """Save the modules; every other button changes the form and the phones alone."""
    held, act = page_named(visit), visit.fields.get("do", "save")
    drafts = modules.moved(modules.drafts_in(visit), act)
    whole = _whole(visit, held, drafts)
    if act == "save" and not isinstance(whole, Wrong):
        visit.call("pages set", name=held.name, page=whole)
        return visit.back(_again(visit, held.name), "console.surfaces.page_saved")
    return _page(visit, held, drafts, whole, tells=act in ("save", "preview"))


@page("POST /pages/{name}/undo", scope="write")
def undo_layout(visit: Visit) -> Response:
    """Put the page back to what it was before the last change."""
    held = page_named(visit)
    if held.version == 1 and held.name in _FOUND:
        visit.call("pages set", name=held.name, page=msgspec.to_builtins(_FOUND[held.name]))
    else:
        visit.call("pages undo", name=held.name)
    return visit.back(_again(visit, held.name), "console.surfaces.undone")


def _again(visit: Visit, name: str) -> str:
    """The page's address, with the same people on the phones as before."""
    query = visit.request.url.query
    return f"/pages/{quote(name)}?{query}" if query else f"/pages/{quote(name)}"


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


def _whole(visit: Visit, held: PageShown, drafts: Sequence[Draft]) -> dict[str, Any] | Wrong:
    """The page that the form makes, as it would be kept, or what is wrong with it."""
    text = visit.fields.get("control", "").strip().rstrip("%％").strip()
    try:
        control = float(text or 0) / 100
    except ValueError:
        control = -1.0
    if not 0 <= control <= 1:
        return Wrong(-1, "control", visit.say("console.surfaces.faults.share"))
    made = modules.document(visit, drafts, visit.house.shop().settings.zone)
    if isinstance(made, Wrong):
        return made
    unknown = modules.unknown_items(visit, drafts)
    if unknown is not None:
        return unknown
    try:
        page_ = checked(modules.plain_page(held.page, made, round(control, 6)))
    except BadInput as fault:
        return modules.where(visit, fault, drafts)
    whole: dict[str, Any] = msgspec.to_builtins(page_)
    return whole


def _layouts(visit: Visit, fault: str = "", name: str = "") -> Response:
    return visit.show(
        "surfaces/layouts.html",
        400 if fault else 200,
        here=MENU,
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
    whole: Mapping[str, Any] | Wrong | None = None,
    *,
    tells: bool = False,
) -> Response:
    """The page; `whole` is what the form makes where it was not saved, or why it makes nothing.

    The phones show what is not saved yet as soon as it can be shown; `tells` says what is wrong.
    """
    people = both(visit)
    draft = whole if isinstance(whole, Mapping) else None
    wrong = whole if isinstance(whole, Wrong) and tells else None
    answers = [_look(visit, held, one, draft) for one in people]
    heads = [_head(module) for answer in answers for module in answer["modules"]]
    items = titles_of(visit, heads)

    def reason(one: Any) -> str:
        return reason_of(visit, one, items)

    return visit.show(
        "surfaces/layout.html",
        400 if wrong else 200,
        here=MENU,
        held=held,
        called=called_page(visit, held.name),
        people=people,
        recent=recent(visit),
        answers=answers,
        differences=_differences(visit, answers),
        inside=_inside(visit, answers, items, reason),
        reason=reason,
        titles=_titles(visit, held, drafts),
        first=FIRST_ITEMS,
        drafts=drafts,
        wrong=wrong,
        unsaved=whole is not None,
        previewed=draft is not None,
        may_undo=held.version > 1 or (held.version == 1 and held.name in _FOUND),
        control=visit.fields.get("control", f"{100 * held.page.control:.10g}"),
        sources=SOURCES,
        surfaces=[(one.name, called(visit, one.name)) for one in visit.call("surfaces").surfaces],
        nets=NETS,
        asked=visit.request.url.query,
        pick=lambda one: pick(people, one),
    )


def _head(module: Mapping[str, Any]) -> dict[str, Any]:
    """What a phone shows of a module's items, as an answer about items."""
    return {"items": module["items"][:FIRST_ITEMS], "removed": []}


def _differences(visit: Visit, answers: Sequence[Any]) -> list[differing.Difference]:
    """Of modules: which stand where, and why not at the same place for both."""
    if len(answers) < len(SIDES):
        return []
    return differing.of_modules((answers[0], answers[1]), visit.say)


def _inside(
    visit: Visit, answers: Sequence[Any], titles: Mapping[str, str], reason: Callable[[Any], str]
) -> list[tuple[str, list[differing.Difference]]]:
    """Of the items on the phones in each module that both see, by the module's title."""
    if len(answers) < len(SIDES):
        return []
    other = {one["name"]: one for one in answers[1]["modules"]}
    found = []
    for one in answers[0]["modules"]:
        if one["name"] in other:
            both_ = (_head(one), _head(other[one["name"]]))
            found.append((one["title"], differing.of_items(both_, titles, reason, visit.say)))
    return [(title, rows) for title, rows in found if rows]


def _look(visit: Visit, held: PageShown, who: Who, draft: Mapping[str, Any] | None) -> Any:
    if draft is not None:
        return unsaved.look(visit, held.name, draft, who.person)
    told = {"user_id": who.person, "session_id": VISIT, "explain": True}
    return looked(visit, "page", name=held.name, **told)


def _titles(visit: Visit, held: PageShown, drafts: Sequence[Draft]) -> dict[str, str]:
    """What modules are called, those of the form too, by name."""
    found = {one.name: _title(visit, one) for one in held.page.modules}
    for draft in drafts:
        title = draft[f"title_{visit.language}"] or draft["title_zh"] or draft["title_en"]
        found[draft["name"]] = title or draft["name"]
    return found


def _title(visit: Visit, module: Any) -> str:
    title: str = module.title.get(visit.language) or next(iter(module.title.values()), module.name)
    return title
