"""The form of a surface: from its fields to what is changed, or to what is wrong beside each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from renwei.core.errors import BadInput
from renwei.doors.console.frame import Visit
from renwei.recommend.filters import passing
from renwei.recommend.goods import goods
from renwei.recommend.surfaces import MODES, REPEATS, Place

COUNTS: Mapping[str, int] = {
    "seen": 100, "cool_days": 365, "per_category": 100, "per_brand": 100, "new": 100,
}  # fmt: skip
"""Whole numbers of the form, and the greatest of each."""
SHARES = ("explore", "holdout")
"""Shares; the form says them in percent."""
_APART = re.compile(r"[\s,，、;；]+")


def shown(place: Place) -> dict[str, str]:
    """The fields of the form for a surface as it stands."""
    fields = {name: str(getattr(place, name)) for name in (*COUNTS, "mode", "repeats", "filter")}
    fields |= {name: _percent(getattr(place, name)) for name in SHARES}
    fields["diversity"] = f"{place.diversity:.2f}"
    fields["session"] = "yes" if place.session else "no"
    fields["kinds"] = ", ".join(place.kinds)
    return fields


def read(visit: Visit) -> tuple[dict[str, Any], dict[str, str]]:
    """What the form changes, and what is wrong with it by field; either may be empty."""
    sent = visit.fields
    place: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, most in COUNTS.items():
        try:
            place[name] = _whole(sent.get(name, ""), most)
        except ValueError:
            wrong[name] = visit.say("console.surfaces.faults.whole", most=most)
    for name in SHARES:
        try:
            place[name] = _share(sent.get(name, ""))
        except ValueError:
            wrong[name] = visit.say("console.surfaces.faults.share")
    if place.get("explore", 0) is None:
        place["explore"] = 0.0
    try:
        place["diversity"] = _within(float(sent.get("diversity") or 0), 1.0)
    except ValueError:
        wrong["diversity"] = visit.say("console.surfaces.faults.diversity")
    place |= _words(sent)
    fault = filter_fault(visit, place["filter"])
    if fault is not None:
        wrong["filter"] = _said(visit, fault)
    if not place["kinds"]:
        wrong["kinds"] = visit.say("console.surfaces.faults.kinds")
    return place, wrong


def filter_fault(visit: Visit, text: str) -> BadInput | None:
    """What is wrong with a filter on this shop's catalogue; None where it can be read."""
    try:
        passing(goods(visit.house.shop().store), text)
    except BadInput as fault:
        return fault
    return None


def passed(visit: Visit, place: Place) -> tuple[int, int]:
    """How many items the surface may show by its filter, and how many of its kinds are offered."""
    stock = goods(visit.house.shop().store)
    open_ = stock.offered & stock.of_kinds(place.kinds)
    if filter_fault(visit, place.filter) is not None:
        return 0, int(open_.sum())
    return int((open_ & passing(stock, place.filter)).sum()), int(open_.sum())


def around(text: str, position: int) -> tuple[str, str, str]:
    """A filter cut at the place that cannot be read: before it, the word there, the rest.

    Example:
        >>> around("stock > 0 and prize <= 5", 15)
        ('stock > 0 and ', 'prize', ' <= 5')
    """
    at = max(position - 1, 0)
    word = re.match(r"\s*\S+", text[at:])
    end = at + (word.end() if word else 0)
    return text[:at], text[at:end], text[end:]


def _said(visit: Visit, fault: BadInput) -> str:
    """What cannot be read and what would be right there, as far as there is a word for it."""
    expected, said = str(fault.values["expected"]), "console.surfaces.faults.filter"
    columns = re.fullmatch(r"a column \((.*)\)", expected)
    values = {"position": fault.values["position"], "found": fault.values["found"]}
    if columns:
        near = fault.values.get("suggestion") or ""
        key = f"{said}_near" if near else f"{said}_column"
        return visit.say(key, near=near, known=columns[1], **values)
    return visit.say(said if values["found"] else f"{said}_end", expected=expected, **values)


def _words(sent: Mapping[str, str]) -> dict[str, Any]:
    kinds = [kind for kind in _APART.split(sent.get("kinds", "").strip()) if kind]
    found = {
        "filter": sent.get("filter", "").strip(),
        "session": sent.get("session", "yes") == "yes",
        "kinds": kinds,
    }
    for name, known in (("mode", MODES), ("repeats", REPEATS)):
        if sent.get(name) in known:
            found[name] = sent[name]
    return found


def _whole(text: str, most: int) -> int:
    return int(_within(int(text.strip() or 0), most))


def _share(text: str) -> float | None:
    text = text.strip().rstrip("%％").strip()
    return _within(float(text) / 100, 1.0) if text else None


def _within(value: float, most: float) -> float:
    if not 0 <= value <= most:
        raise ValueError
    return round(value, 6)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.10g}"
