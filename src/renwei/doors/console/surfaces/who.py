"""With whose eyes a surface or a page is looked at: somebody found by anything, or a stranger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from renwei.doors.console.frame import Visit

SIDES = ("a", "b")
PICKS = 5
MOST = 8
"""So many people are offered where a name fits several."""


@dataclass(frozen=True)
class Who:
    """One of the two: `person` is "" for somebody unknown.

    `choices` are those whom the text fits, where it fits several; `missing` says that it fits
    nobody. Either way the look is that of somebody unknown.
    """

    side: str
    text: str = ""
    person: str = ""
    name: str = ""
    choices: Sequence[Any] = field(default=())
    missing: bool = False


def both(visit: Visit) -> list[Who]:
    """The people asked for; the second only where one of them is somebody."""
    left, right = (_who(visit, side) for side in SIDES)
    return [left, right] if left.text or right.text else [left]


def recent(visit: Visit) -> list[Any]:
    """A few people to begin with: the last seen."""
    return list(visit.call("people", limit=PICKS).people)


def pick(people: Sequence[Who], one: Any) -> dict[str, str]:
    """Where choosing somebody leads: they come first, and who was first comes second."""
    before = people[0]
    found = {"a": one.name or one.person, "a_name": one.name or one.person, "a_id": one.person}
    if before.person and before.person != one.person:
        found |= {"b": before.name, "b_name": before.name, "b_id": before.person}
    return found


def _who(visit: Visit, side: str) -> Who:
    text = visit.query.get(side, "").strip()
    if not text:
        return Who(side)
    # The field shows a name; whom it meant stands beside it until somebody types another.
    same = text == visit.query.get(f"{side}_name", "")
    person = visit.query.get(f"{side}_id", "") if same else ""
    found = list(visit.call("people", query=person or text, limit=MOST).people)
    if len(found) == 1:
        one = found[0]
        return Who(side, one.name or text, one.person, one.name or one.person)
    return Who(side, text, choices=found, missing=not found)
