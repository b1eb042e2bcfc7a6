"""Whatever tells who somebody is, is marked so, in every answer of every operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from renwei.app import build
from renwei.core.operations import PRIVATE
from renwei.trust.masking import is_private, masked

TELLING = frozenset(
    [
        "name",
        "email",
        "phone",
        "nick",
        "identifiers",
        "address",
        "draft",
        "value",
        "cells",
        "examples",
        "texts",
        "channel",
        "answer",
        "data",
        "note",
        "source",
        "payload",
        "raw",
        "nickname",
        "receiver",
        "birthday",
        "openid",
        "unionid",
        "by_name",
    ]
)
"""Names under which answers have told, or could tell, who somebody is."""

HARMLESS = {
    "Understood.name": "a file's name",
    "PeopleAnswer.note": "how many people are being worked out",
    "Attribute.name": "what can be asked of people",
    "AudienceAnswer.name": "what the team calls an audience",
    "AudienceAnswer.note": "what the team says of an audience",
    "AudienceDropped.name": "what the team calls an audience",
    "Entry.source": "a code: import:..., key:..., console",
    "Frequent.value": "as of a fact, of many people",
    "Saved.name": "what the team calls an audience",
    "Saved.note": "what the team says of an audience",
    "Choice.value": "an answer that a form offers",
    "Correction.name": "what the fact is called",
    "Correction.value": "as of a fact",
    "Count.value": "an answer that a form offers",
    "LinkAnswer.address": "of a form",
    "RejectedEvent.source": "a code: key:..., form:...",
    "RejectedMinute.source": "a code: key:..., form:...",
    "FactSeen.name": "what the fact is called",
    "FactSeen.value": "facts are structured; phones and e-mails in untyped values are masked all the same",
    "Arrived.source": "a code: import:..., key:..., console",
    "FactSeen.source": "a code: import:..., key:..., console",
    "Preference.value": "a category, a product or an hour",
    "Portrait.note": "why nothing is inferred",
    "Candidate.source": "which part of the program put it forward",
    "TodayAnswer.note": "why the list is empty",
    "ConsentSeen.channel": "a channel word",
    "Setting.value": "the shop's own",
    "KeyMade.name": "what the team calls a key",
    "KeyLine.name": "what the team calls a key",
    "DemoAnswer.label": "says that it is a demo",
    "ItemShown.source": "which part of the program put it forward",
    "Module.name": "what the team calls a block of a page",
    "Module.source": "what a block of a page is made of",
    "ModuleShown.name": "what the team calls a block of a page",
    "ModuleShown.source": "what a block of a page is made of",
    "LeftOut.name": "what the team calls a block of a page",
    "PageShown.name": "what the team calls a page",
    "Shown.name": "what the team calls a surface",
}


def text_fields(kind: Any, seen: set[type]) -> Iterator[tuple[str, Any]]:
    """Fields of an answer and of what lies in it that can hold texts, private ones not opened."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        for part in get_args(kind):
            yield from text_fields(part, seen)
        return
    if kind in seen:
        return
    seen.add(kind)
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if holds_text(hint):
            yield f"{kind.__name__}.{name}", hint
        if not is_private(hint):
            yield from text_fields(hint, seen)


def holds_text(hint: Any) -> bool:
    if hint in (str, Any, object):
        return True
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return False
    return any(holds_text(part) for part in get_args(hint))


def answer_of(operation: Any) -> Any:
    return get_type_hints(operation.call, include_extras=True)["return"]


@pytest.mark.parametrize("name", sorted(build.operations()))
def test_a_field_that_could_tell_who_somebody_is_is_private(name: str) -> None:
    fields = text_fields(answer_of(build.operations()[name]), set())
    loose = [
        place
        for place, hint in fields
        if place.rpartition(".")[2] in TELLING and not is_private(hint) and place not in HARMLESS
    ]
    assert loose == [], "annotate with PRIVATE, or say in HARMLESS why not"


def test_the_list_of_harmless_fields_names_what_exists() -> None:
    seen: set[type] = set()
    there = {
        place
        for operation in build.operations().values()
        for place, _ in text_fields(answer_of(operation), seen)
    }
    assert set(HARMLESS) <= there


class Told(msgspec.Struct):
    nick: str
    title: str
    seen: dict[str, list[str]]
    private: Annotated[dict[str, Any], PRIVATE]


def test_the_walk_finds_what_is_not_marked() -> None:
    found = dict(text_fields(list[Told], set()))
    assert set(found) == {"Told.nick", "Told.title", "Told.seen", "Told.private"}
    assert [place for place, hint in found.items() if is_private(hint)] == ["Told.private"]


def filled(hint: Any, depth: int = 0) -> Any:
    """A value of a type with a telling text wherever a private text may stand."""
    if is_private(hint):
        return {"name": "Telling Ann"} if "dict" in str(hint) or "Any" in str(hint) else SECRET
    if get_origin(hint) is Annotated:
        return filled(get_args(hint)[0], depth)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = get_type_hints(hint, include_extras=True)
        return hint(**{field: filled(inner, depth + 1) for field, inner in hints.items()})
    if get_origin(hint) is list and depth < 6:
        return [filled(get_args(hint)[0], depth + 1)]
    if get_origin(hint) is dict and depth < 6:
        return {"k": filled(get_args(hint)[1], depth + 1)}
    args = [
        one for one in get_args(hint) if isinstance(one, type) and issubclass(one, msgspec.Struct)
    ]
    return filled(args[0], depth) if args else None


SECRET = "Telling Ann"


@pytest.mark.parametrize("name", sorted(build.operations()))
def test_a_viewer_sees_no_private_text_in_any_answer(name: str) -> None:
    answer = filled(answer_of(build.operations()[name]))
    shown = msgspec.json.encode(masked(answer), enc_hook=str).decode()
    assert SECRET not in shown
