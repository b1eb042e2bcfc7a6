"""A correction by hand: it outranks whatever else is known, counts at once, and can be undone.

Two things can be corrected: a fact (skin type is dry, not oily), kept as a fact that was
corrected; and something inferred ("likes masks" is wrong), kept in a Paper by person, which
every list reads before it chooses (reach/corrected.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from renwei.core.chance import new_id, to_id
from renwei.core.errors import BadInput, UnknownName
from renwei.core.finding import person as find_person
from renwei.core.nouns import Fact, Told
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.people import facts_now
from renwei.people.sight import Correction

KIND = "correction"
INFERRED = ("category", "item", "brand", "creator", "price", "hour")
"""Kinds of what is inferred: with `remove`, and only then, a name among these is no fact."""
_LONGEST = 200
Optional = Annotated[str, msgspec.Meta(extra={"argument": True})]


class CorrectRequest(msgspec.Struct, kw_only=True):
    """What is really so.

    With `remove` the value is taken away: a fact is then not known, something inferred
    (category, item, brand, creator, price, hour) is not believed any more. `undo` takes the
    latest correction of that name (and value) back. `by` is who says so.
    """

    person: str
    name: str
    value: Optional = ""
    remove: bool = False
    undo: bool = False
    by: str = ""


class Corrections(msgspec.Struct, kw_only=True):
    """All corrections about a person, newest first, undone ones too."""

    person: str
    at: datetime
    text: str
    corrections: list[Correction]


@operation("correct", CorrectRequest, writes=True, http="POST /v1/people/{person}/facts")
def correct(shop: Shop, request: CorrectRequest) -> Corrections:
    """Correct what is known or believed of a person; it counts at once.

    Raises:
        UnknownName: Nobody goes by that name; or there is nothing to undo (code
            unknown_correction).
        BadInput: A name or a value is missing or too long (code bad_correction).
    """
    at = shop.clock.now().astimezone(UTC)
    person = find_person(shop, request.person)
    name, value = request.name.strip(), request.value.strip()
    if not name or len(name) > 64 or len(value) > _LONGEST:
        raise BadInput("bad_correction", field="name" if not name or len(name) > 64 else "value")
    if not value and not request.remove and not request.undo:
        raise BadInput("bad_correction", field="value")
    if request.undo:
        made = _undone(shop, person, (name, value))
    elif request.remove and name in INFERRED:
        made = _note(shop, person, _made(request, value, None, at))
    else:
        made = _told(shop, person, request, at)
    facts_now.look_again(shop, person)
    key = "undone" if request.undo else "removed" if made.removed else "kept"
    return Corrections(
        person=to_id(person),
        at=at,
        text=shop.say(f"correct.{key}", name=name, value=made.value),
        corrections=corrections(shop, person),
    )


def corrections(shop: Shop, person: int) -> list[Correction]:
    """Every correction about a person, newest first."""
    found: list[Any] = []
    for name in _names(shop, person):
        paper = shop.store.papers.get(KIND, name)
        found += paper.body.get("notes", []) if paper else []
    notes = [msgspec.convert(note, Correction) for note in found]
    return sorted(notes, key=lambda note: (note.at, note.id), reverse=True)


def not_believed(shop: Shop, person: int) -> set[tuple[str, str]]:
    """What was inferred of a person and is known to be wrong, by kind and value."""
    return {
        (str(kind), str(value))
        for name in _names(shop, person)
        if (paper := shop.store.papers.get(KIND, name)) is not None
        for kind, value in paper.body.get("no", ())
    }


def forget_corrections(shop: Shop, actors: Sequence[int]) -> int:
    """Drop what was noted about these actors; returns how many notes."""
    return sum(shop.store.papers.drop(KIND, to_id(actor)) for actor in actors)


def _names(shop: Shop, person: int) -> list[str]:
    return [to_id(actor) for actor in shop.store.people.actors_of(person)]


def _made(request: CorrectRequest, value: Any, before: Any, at: datetime) -> Correction:
    return Correction(
        id=new_id(at),
        name=request.name.strip(),
        value=value,
        before=before,
        removed=request.remove,
        by=request.by.strip() or "hand",
        at=at,
        undone=False,
    )


def _told(shop: Shop, person: int, request: CorrectRequest, at: datetime) -> Correction:
    """A fact: the strongest there is; without a value it is known to be unknown."""
    name = request.name.strip()
    known = shop.store.people.profile(person).facts.get(name)
    value = None if request.remove else _typed(request.value.strip(), known)
    made = _made(request, value, known.value if known else None, at)
    actor = shop.store.people.actors_of(person)[0]
    fact = Fact(made.name, value, Told.CORRECTED, _source(made), at)
    shop.store.people.learn_facts(actor, [fact])
    return _note(shop, person, made)


def _source(made: Correction) -> str:
    return f"correction:{made.by}:{made.id}"


def _typed(text: str, known: Fact | None) -> Any:
    """The value as the kind that was known before: a number stays a number."""
    if known is not None and isinstance(known.value, int | float):
        try:
            number = float(text)
        except ValueError:
            return text
        return int(number) if number.is_integer() else number
    return text


def _note(shop: Shop, person: int, made: Correction) -> Correction:
    body = _body(shop, person)
    body["notes"] = [*body["notes"], msgspec.to_builtins(made)]
    _keep(shop, person, body, made.by, made.at)
    return made


def _undone(shop: Shop, person: int, what: tuple[str, str]) -> Correction:
    """Take the newest correction of a name (and value, where one is given) back."""
    name, value = what
    at = shop.clock.now().astimezone(UTC)
    for note in corrections(shop, person):
        if note.name != name or note.undone or (value and str(note.value) != value):
            continue
        if not (note.removed and name in INFERRED):
            # What was known before, or came in since, counts again.
            shop.store.people.withdraw(_source(note), [])
        body = _body(shop, person)
        notes = [one | ({"undone": True} if one["id"] == note.id else {}) for one in body["notes"]]
        _keep(shop, person, {"notes": notes}, note.by, at)
        return note
    raise UnknownName("unknown_correction", name=name)


def _body(shop: Shop, person: int) -> dict[str, Any]:
    notes: list[Any] = []
    for name in _names(shop, person):
        paper = shop.store.papers.get(KIND, name)
        notes += paper.body.get("notes", []) if paper else []
    return {"notes": notes}


def _keep(shop: Shop, person: int, body: Mapping[str, Any], by: str, at: datetime) -> None:
    notes: Sequence[Mapping[str, Any]] = body["notes"]
    no = [
        [note["name"], note["value"]]
        for note in notes
        if note["removed"] and not note["undone"] and note["name"] in INFERRED
    ]
    first, *others = _names(shop, person)
    for name in others:
        # A merge brought notes of several: they are one person's now.
        shop.store.papers.drop(KIND, name)
    shop.store.papers.put(KIND, first, {"notes": list(notes), "no": no}, by=by, at=at)
