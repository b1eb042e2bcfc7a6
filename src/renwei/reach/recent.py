"""Decisions that were made: those of a day's list, or those about one person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from renwei.core.chance import to_id
from renwei.core.errors import BadInput
from renwei.core.finding import person as find_person
from renwei.core.nouns import NOTHING, Decision
from renwei.core.operations import PRIVATE, operation
from renwei.core.shop import Shop
from renwei.reach.history import LIST, list_of, marks_about

if TYPE_CHECKING:
    from renwei.reach.lines import Titles

_Argument = Annotated[str, msgspec.Meta(extra={"argument": True})]


class DecisionsRequest(msgspec.Struct, kw_only=True):
    """About whom, or of which day's list (YYYY-MM-DD); without both, the newest list."""

    person: _Argument = ""
    day: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


class DecisionLine(msgspec.Struct, kw_only=True):
    """One decision in a line; `what` is "" where nothing was chosen, `odds` those of the choice.

    `held_out` says that the person was worth a line and was left alone to measure by.
    """

    decision_id: str
    at: datetime
    surface: str
    person: str
    name: Annotated[str, PRIVATE]
    what: str
    reason: Annotated[str, PRIVATE]
    odds: float
    mark: str
    held_out: bool


class DecisionsAnswer(msgspec.Struct, kw_only=True):
    """The lines, the day they are of, and the days that have a list, newest first."""

    day: str
    days: list[str]
    decisions: list[DecisionLine]


@operation("decisions", DecisionsRequest, http="GET /v1/decisions")
def decisions(shop: Shop, request: DecisionsRequest) -> DecisionsAnswer:
    """Decisions of a day's list, or those about one person, newest first."""
    days = sorted(shop.store.papers.names(LIST), reverse=True)
    if request.person:
        person = find_person(shop, request.person)
        found = shop.store.ledger.of(shop.store.people.actors_of(person), limit=request.limit)
        return DecisionsAnswer(day="", days=days, decisions=_lines(shop, found, frozenset()))
    day = _day(request.day) if request.day else (days[0] if days else "")
    listed = list_of(shop, date.fromisoformat(day)) if day else None
    if listed is None:
        return DecisionsAnswer(day=day, days=days, decisions=[])
    named = [*listed.lines, *listed.held][: request.limit]
    made = [shop.store.ledger.get(one) for one in named]
    kept = [one for one in made if one is not None]
    return DecisionsAnswer(day=day, days=days, decisions=_lines(shop, kept, frozenset(listed.held)))


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadInput("bad_field", field="day", found=text) from None


def _lines(shop: Shop, made: Sequence[Decision], held: frozenset[str]) -> list[DecisionLine]:
    from renwei.reach.lines import Titles

    titles = Titles.of(shop, [item for one in made for item in one.chosen])
    people = sorted({one.person for one in made if one.person})
    texts = dict(zip(people, shop.store.people.open_many(people, ["name", "nick"]), strict=True))
    marks = {
        decision: mark.done
        for person in people
        for decision, mark in marks_about(shop, person, shop.clock.now()).items()
    }
    return [
        _line(shop, one, titles, _name(texts.get(one.person, {})), marks.get(one.id, ""), held)
        for one in made
    ]


def _name(texts: dict[str, list[str]]) -> str:
    found = texts.get("name") or texts.get("nick") or [""]
    return found[0]


def _line(
    shop: Shop, one: Decision, titles: Titles, name: str, mark: str, held: frozenset[str]
) -> DecisionLine:
    from renwei.reach.lines import said

    item = one.chosen[0]
    shown = titles.shown(item)
    return DecisionLine(
        decision_id=one.id,
        at=one.at,
        surface=one.surface,
        person=to_id(one.person) if one.person else "",
        name=name,
        what="" if item == NOTHING else (shown.title if shown else ""),
        reason=said(shop, one.reasons[0], titles).text if one.reasons else "",
        odds=one.odds[0],
        mark=mark,
        held_out=one.id in held,
    )
