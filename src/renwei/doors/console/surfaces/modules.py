"""The editor of a page's modules: fields of a form, moved about, and the document they make."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from renwei.core.errors import BadInput
from renwei.doors.console.frame import Visit
from renwei.pages.documents import Module

NETS = ("wifi", "5g", "4g", "3g", "2g")
TEXTS = (
    "name", "title_zh", "title_en", "source", "surface", "n", "items", "image", "url", "from",
    "until", "pin", "min_app", "max_app",
)  # fmt: skip
Draft = dict[str, Any]
"""Fields of one module as the form has them: texts, `nets` a list, `heavy` a bool."""
_APART = re.compile(r"[\s,，、;；]+")
_WHERE = re.compile(r"modules\[(\d+)\](?:\.(\w+))?")


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a draft: the module's place from 0 (-1: the whole page), field, sentence."""

    module: int
    field: str
    said: str


def drafts_of(modules: Sequence[Module], zone: str) -> list[Draft]:
    """The fields of a page's modules as they stand."""
    return [_draft(one, ZoneInfo(zone)) for one in modules]


def drafts_in(visit: Visit) -> list[Draft]:
    """The fields that a form brought."""
    form, count = visit.form, visit.fields.get("count", "0")
    found = []
    for k in range(min(int(count) if count.isdigit() else 0, 100)):
        draft: Draft = {name: str(form.get(f"{k}.{name}") or "").strip() for name in TEXTS}
        draft["nets"] = [str(net) for net in form.getlist(f"{k}.nets")]
        draft["heavy"] = bool(form.get(f"{k}.heavy"))
        found.append(draft)
    return found


def moved(drafts: Sequence[Draft], act: str) -> list[Draft]:
    """Drafts after a button was pressed: "add", or "up:2", "down:2", "remove:2" from 0.

    Example:
        >>> [one["name"] for one in moved([{"name": "a"}, {"name": "b"}], "up:1")]
        ['b', 'a']
    """
    found = list(drafts)
    what, _, place = act.partition(":")
    k = int(place) if place.isdigit() else -1
    if what == "add":
        found.append(_fresh({one["name"] for one in found}))
    elif what == "remove" and 0 <= k < len(found):
        found.pop(k)
    elif what in ("up", "down") and 0 <= k < len(found):
        to = k + (1 if what == "down" else -1)
        if 0 <= to < len(found):
            found[k], found[to] = found[to], found[k]
    return found


def document(visit: Visit, drafts: Sequence[Draft], zone: str) -> list[dict[str, Any]] | Wrong:
    """The modules as `pages set` takes them, or what is wrong first."""
    made = []
    for k, draft in enumerate(drafts):
        module = _module(draft, ZoneInfo(zone))
        for field in ("n", "pin", "from", "until"):
            if isinstance(module.get(field), str):
                return Wrong(k, field, visit.say(f"console.surfaces.faults.module.{field}"))
        made.append(module)
    return made


def where(visit: Visit, fault: BadInput, drafts: Sequence[Draft]) -> Wrong:
    """Where a page that was refused is wrong, in the words of the form."""
    told = str(fault.values.get("field", ""))
    found = _WHERE.match(told)
    module, field = (int(found[1]), found[2] or "") if found else (-1, told)
    if field == "pin" and module < 0:
        pins = [draft["pin"] for draft in drafts]
        pin = str(fault.values.get("found"))
        module = len(pins) - 1 - pins[::-1].index(pin) if pin in pins else -1
    key = f"console.surfaces.faults.module.{field}"
    said = visit.say(key)
    if said == key:
        said = visit.say(f"errors.{fault.code}", **fault.values)
    return Wrong(module, field, said)


def unknown_items(visit: Visit, drafts: Sequence[Draft]) -> Wrong | None:
    """The first module that names items which are not in the catalogue."""
    for k, draft in enumerate(drafts):
        wanted = _ids(draft["items"]) if draft["source"] == "items" else []
        if wanted:
            listed = visit.house.call("items list", visit.language, id=wanted[:500], limit=500)
            missing = [code for code in wanted if code not in {one.id for one in listed.items}]
            if missing:
                said = visit.say("console.surfaces.faults.items", ids=", ".join(missing[:10]))
                return Wrong(k, "items", said)
    return None


def _fresh(taken: set[str]) -> Draft:
    number = next(k for k in range(1, 1_000) if f"module-{k}" not in taken)
    draft: Draft = dict.fromkeys(TEXTS, "")
    draft |= {"name": f"module-{number}", "source": "recommend", "surface": "home", "n": "6"}
    return draft | {"nets": [], "heavy": False}


def _draft(one: Module, zone: ZoneInfo) -> Draft:
    draft: Draft = {name: str(getattr(one, name, "") or "") for name in TEXTS}
    draft |= {f"title_{language}": one.title.get(language, "") for language in ("zh", "en")}
    draft |= {"from": _local(one.from_, zone), "until": _local(one.until, zone)}
    return draft | {"items": ", ".join(one.items), "nets": list(one.nets), "heavy": one.heavy}


def _module(draft: Draft, zone: ZoneInfo) -> dict[str, Any]:
    titles = {language: draft[f"title_{language}"] for language in ("zh", "en")}
    module = {
        name: draft[name] for name in ("name", "source", "image", "url", "min_app", "max_app")
    }
    module |= {
        "title": {language: text for language, text in titles.items() if text},
        "surface": draft["surface"] or "home",
        "n": _number(draft["n"] or "6"),
        "pin": _number(draft["pin"]) if draft["pin"] else None,
        "items": _ids(draft["items"]),
        "from": _at(draft["from"], zone),
        "until": _at(draft["until"], zone),
        "nets": draft["nets"],
        "heavy": draft["heavy"],
    }
    return module


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _ids(text: str) -> list[str]:
    return [code for code in _APART.split(text.strip()) if code]


def _at(text: str, zone: ZoneInfo) -> datetime | str | None:
    """A time of the shop's own clock; what is none comes back as it is."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        return text


def _local(at: datetime | None, zone: ZoneInfo) -> str:
    if at is None:
        return ""
    known = at if at.tzinfo else at.replace(tzinfo=UTC)
    return f"{known.astimezone(zone):%Y-%m-%dT%H:%M}"


def plain_page(held: Any, modules: Sequence[Mapping[str, Any]], control: float) -> dict[str, Any]:
    """A whole page with these modules; what the form does not show stays as it is."""
    most, explore = dict(held.most), held.explore
    return {"modules": list(modules), "most": most, "control": control, "explore": explore}
