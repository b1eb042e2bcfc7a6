"""Every surface in plain words, and a new one."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import quote

from starlette.responses import Response

from renwei.core.errors import BadInput
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.screen import sentence
from renwei.recommend.surfaces import DEFAULTS, MODES


@page("GET /surfaces", scope="read")
def places(visit: Visit) -> Response:
    """What is shown where, whether bought things may come again, and who is held out."""
    return _places(visit)


@page("POST /surfaces", scope="write")
def add(visit: Visit) -> Response:
    """Make a new surface; its settings follow on its own page."""
    name, mode = visit.fields.get("name", "").strip(), visit.fields.get("mode", "")
    if any(one.name == name for one in visit.call("surfaces").surfaces):
        said = visit.say("console.surfaces.exists", name=called(visit, name))
        return _places(visit, said, name, mode)
    try:
        visit.call("surfaces set", name=name, place={"mode": mode})
    except BadInput as fault:
        return _places(visit, sentence(visit, fault), name, mode)
    return visit.back(f"/surfaces/{quote(name)}", "console.surfaces.made", name=name)


def called(visit: Visit, name: str) -> str:
    """A surface as people call it; one of the shop's own has its name alone."""
    said = visit.say(f"console.surfaces.called.{name}")
    return name if said.startswith("console.") else said


def _usual(name: str) -> tuple[int, str]:
    """Those that every shop finds come first, in their own order."""
    known = list(DEFAULTS)
    return (known.index(name) if name in known else len(known), name)


def _places(visit: Visit, fault: str = "", name: str = "", mode: str = "") -> Response:
    used = defaultdict(list)
    for one in visit.call("pages").pages:
        for module in one.page.modules:
            if module.source == "recommend":
                title = module.title.get(visit.language) or module.name
                used[module.surface].append((one.name, title, module.n))
    settings = visit.house.shop().settings
    return visit.show(
        "surfaces/list.html",
        400 if fault else 200,
        surfaces=sorted(visit.call("surfaces").surfaces, key=lambda one: _usual(one.name)),
        used=used,
        held=settings.holdout,
        modes=MODES,
        called=lambda name: called(visit, name),
        fault=fault,
        name=name,
        mode=mode,
    )
