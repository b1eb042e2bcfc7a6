from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from tests.trust.desk import Desk

from renwei.app import build
from renwei.app.jobs import answer_type
from renwei.core.chance import to_id
from renwei.core.errors import BadInput, Refused, UnknownName
from renwei.core.nouns import NOBODY
from renwei.trust import audit, keys
from renwei.trust.accounts import Account

PHONES = [f"+861391234567{k}" for k in range(5)]


def whats(desk: Desk, **asked: object) -> list[str]:
    return [line.what for line in desk.call("audit", **asked).lines]


def test_a_look_at_a_person_is_noted_with_who_what_whom_and_when(desk: Desk) -> None:
    mei = desk.hire("marketer")
    person = desk.person(PHONES[0])
    at = desk.later(minutes=1)
    audit.note(desk.shop, mei, "portrait", person)
    line = desk.call("audit").lines[0]
    assert (line.at, line.by, line.by_name, line.what) == (at, mei.id, "Marketer", "portrait")
    assert (line.people, line.count, line.text) == ([to_id(person)], 1, "Looked at a person")


@pytest.mark.parametrize("by", ["id", "phone"])
def test_a_person_may_be_named_as_the_door_was_asked(desk: Desk, by: str) -> None:
    person = desk.person(PHONES[0])
    audit.note(desk.shop, "cli", "portrait", to_id(person) if by == "id" else "13912345670")
    assert desk.call("audit", person=PHONES[0]).lines[0].people == [to_id(person)]


def test_lines_come_newest_first_and_go_on_at_the_cursor(desk: Desk) -> None:
    for k in range(7):
        audit.note(desk.shop, "cli", f"what_{k}")
        desk.later(seconds=k % 2)
    found: list[str] = []
    cursor, pages = "", 0
    while True:
        page = desk.call("audit", limit=3, cursor=cursor)
        found += [line.what for line in page.lines]
        cursor, pages = page.next, pages + 1
        if not cursor:
            break
    assert pages == 3
    assert sorted(found) == [f"what_{k}" for k in range(7)]
    assert [found[0], found[-1]] == ["what_6", "what_0"]


def test_one_can_ask_for_one_account_one_kind_one_person(desk: Desk) -> None:
    mei, li = desk.hire("marketer"), desk.hire("agent")
    one, two = desk.person(PHONES[0]), desk.person(PHONES[1])
    looks: list[tuple[Account, str, Sequence[int]]] = [
        (mei, "portrait", [one]),
        (mei, "export", [two]),
        (li, "portrait", [two]),
        (li, "list", [one, two]),
    ]
    for who, what, whom in looks:
        desk.later(seconds=1)
        audit.note(desk.shop, who, what, whom)
    assert whats(desk, account=mei.id) == ["export", "portrait", "joined"]
    assert whats(desk, account="agent@example.com") == ["list", "portrait", "joined"]
    assert whats(desk, what="portrait") == ["portrait", "portrait"]
    assert whats(desk, person=PHONES[1]) == ["list", "portrait", "export"]
    assert whats(desk, person=PHONES[1], account=li.id, what="list") == ["list"]


def test_the_lines_of_one_person_go_on_at_the_cursor_too(desk: Desk) -> None:
    person = desk.person(PHONES[0])
    for k in range(5):
        desk.later(seconds=1)
        audit.note(desk.shop, "cli", f"what_{k}", person)
    page = desk.call("audit", person=PHONES[0], limit=2)
    rest = desk.call("audit", person=PHONES[0], limit=9, cursor=page.next)
    assert [line.what for line in (*page.lines, *rest.lines)] == [
        f"what_{k}" for k in (4, 3, 2, 1, 0)
    ]
    assert rest.next == ""


def test_a_list_is_one_line_and_each_person_on_it_knows(desk: Desk) -> None:
    people = [desk.person(phone) for phone in PHONES]
    audit.note(desk.shop, "cli", "list", people)
    audit.note(desk.shop, "cli", "list", [])
    lines = desk.call("audit").lines
    assert [line.count for line in lines] == [0, 5]
    assert lines[1].people == [to_id(person) for person in people]
    assert lines[1].text == "Looked at a list of 5 people"
    assert all(whats(desk, person=phone) == ["list"] for phone in PHONES)


def test_after_forgetting_the_lines_belong_to_nobody_and_the_rest_stays(desk: Desk) -> None:
    gone, stays = desk.person(PHONES[0]), desk.person(PHONES[1])
    actors = desk.shop.store.people.actors_of(gone)
    audit.note(desk.shop, "cli", "portrait", gone)
    audit.note(desk.shop, "cli", "list", [gone, stays])
    desk.shop.store.forget(gone, desk.at)
    lines = desk.call("audit").lines
    assert [(line.what, line.people, line.count) for line in lines] == [
        ("list", [to_id(stays)], 2),
        ("portrait", [], 1),
    ]
    viewed = list(desk.shop.store.log.read(kinds=(audit.VIEWED,)))
    assert sorted(event.actor == NOBODY for event in viewed) == [False, True, True]
    assert not {event.actor for event in viewed} & set(actors)
    with pytest.raises(UnknownName, match="unknown_person"):
        desk.call("audit", person=PHONES[0])
    papers = repr([p.body for p in audit.papers(desk.shop)])
    assert not [
        actor for actor in (gone, *actors) if str(actor) in papers or to_id(actor) in papers
    ]


def test_merged_people_answer_for_each_other(desk: Desk) -> None:
    one, two = desk.person(PHONES[0]), desk.person(PHONES[1])
    audit.note(desk.shop, "cli", "portrait", two)
    desk.shop.store.people.merge(one, two, reason="by_hand", at=desk.at)
    assert whats(desk, person=PHONES[0]) == ["portrait"]
    assert desk.call("audit").lines[0].people == [to_id(one)]


def test_signing_in_and_failing_to_are_noted_without_what_was_typed(desk: Desk) -> None:
    mei = desk.hire("owner")
    desk.later(seconds=1)
    for email in ("owner@example.com", "somebody.else@example.com"):
        desk.later(seconds=1)
        with pytest.raises(Refused):
            desk.sign_in(email, "not this one, no")
    desk.later(seconds=1)
    desk.sign_in("owner@example.com")
    lines = desk.call("audit").lines
    assert [line.what for line in lines] == [
        "sign_in",
        "sign_in_failed",
        "sign_in_failed",
        "joined",
    ]
    assert [line.by for line in lines] == [mei.id, "", "", mei.id]
    assert [line.values for line in lines[1:3]] == [{}, {"account": mei.id}]
    assert "somebody" not in repr(lines)


def test_keys_and_team_are_noted_as_done_by_who_did_it(desk: Desk) -> None:
    owner = desk.hire("owner")
    desk.hire("agent")
    with audit.acting(owner):
        made = desk.call("keys create", scope="admin", name="ops")
        desk.later(seconds=1)
        desk.call("keys revoke", id=made.id)
        desk.later(seconds=1)
        desk.call("team role", account="agent@example.com", role="viewer")
    lines = desk.call("audit", account=owner.id, limit=3).lines
    assert [line.what for line in lines] == ["role_changed", "key_revoked", "key_created"]
    assert lines[2].values == {"key": made.id, "scope": "admin"}
    assert audit.current() == audit.CONSOLE


def test_a_key_acts_under_its_name(desk: Desk) -> None:
    made = desk.call("keys create", scope="read", name="bot")
    key = keys.find_key(desk.shop, made.key)
    assert key is not None
    desk.later(seconds=1)
    audit.note(desk.shop, key, "portrait", desk.person(PHONES[0]))
    line = desk.call("audit").lines[0]
    assert (line.by, line.by_name) == (made.id, "bot")


def test_what_looks_like_a_phone_or_an_email_is_never_noted(desk: Desk) -> None:
    ours = to_id(77, "k")
    audit.note(
        desk.shop, "cli", "export",
        phone="13912345678", mail="mei@example.com", n=3, key=ours, format="csv", empty="",
    )  # fmt: skip
    assert desk.call("audit").lines[0].values == {"n": 3, "key": ours, "format": "csv"}


class Line(msgspec.Struct):
    person: str
    name: str


class Answer(msgspec.Struct):
    lines: list[Line]
    merged: dict[str, str]
    note: str = ""


def test_whoever_an_answer_shows_is_noted_without_being_named(desk: Desk) -> None:
    people = [desk.person(phone) for phone in PHONES[:3]]
    ids = [to_id(person) for person in people]
    answer = Answer([Line(ids[0], "Mei"), Line(ids[1], ids[1])], {"kept": ids[0], "gone": ids[2]})
    assert audit.persons_in(answer) == people
    assert audit.persons_in(msgspec.to_builtins(answer)) == people
    audit.note_answer(desk.shop, "cli", "consent show", None, answer)
    line = desk.call("audit").lines[0]
    assert (line.what, line.people) == ("consent_show", ids)


def test_a_page_that_renews_itself_is_one_look_at_each_person_on_it(desk: Desk) -> None:
    people = [desk.person(phone) for phone in PHONES]
    lines = [Line(to_id(person), "x") for person in people]
    for shown in (lines[:3], lines[:3], lines[1:4], lines[:3]):
        desk.later(minutes=2)
        audit.note_answer(desk.shop, "cli", "events", None, Answer(shown, {}))
    assert [line.count for line in desk.call("audit").lines] == [1, 3]
    audit.note_answer(desk.shop, "k2", "events", None, Answer(lines[:3], {}))
    desk.later(minutes=10)
    audit.note_answer(desk.shop, "cli", "events", None, Answer(lines[:3], {}))
    assert [line.count for line in desk.call("audit").lines] == [3, 3, 1, 3]


def test_each_look_at_one_person_is_a_line(desk: Desk) -> None:
    one = Line(to_id(desk.person(PHONES[0])), "x")
    for _ in range(2):
        desk.later(seconds=1)
        audit.note_answer(desk.shop, "cli", "person", None, one)
    assert whats(desk) == ["portrait", "portrait"]


def test_a_list_may_be_named_by_ids_and_a_key_by_the_source_of_its_events(desk: Desk) -> None:
    people = [desk.person(phone) for phone in PHONES[:2]]
    made = desk.call("keys create", scope="read", name="bot")
    desk.later(seconds=1)
    audit.note(desk.shop, f"key:{made.id}", "export", [to_id(person) for person in people])
    line = desk.call("audit", account=made.id).lines[0]
    assert (line.by_name, line.count) == ("bot", 2)


def test_what_shows_nobody_is_noted_only_where_it_changes_something(desk: Desk) -> None:
    operations = build.operations()
    asked = operations["settings"].request
    audit.note_answer(desk.shop, "cli", "settings", asked(), {})
    audit.note_answer(desk.shop, "cli", "health", None, {})
    audit.note_answer(desk.shop, "cli", "settings", {"key": "zone"}, {})
    assert desk.call("audit").lines == []
    audit.note_answer(desk.shop, "cli", "settings", asked(key="zone", value="UTC"), {})
    audit.note_answer(desk.shop, "cli", "settings", {"key": "zone", "value": "UTC"}, {})
    audit.note_answer(desk.shop, "cli", "export", None, {})
    assert sorted(whats(desk)) == ["export", "settings", "settings"]


def shows_a_person(kind: Any, seen: set[Any]) -> bool:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return any(shows_a_person(part, seen) for part in get_args(kind))
    if kind in seen:
        return False
    seen.add(kind)
    hints = get_type_hints(kind, include_extras=True)
    return any(
        name in ("person", "kept", "gone") or shows_a_person(hint, seen)
        for name, hint in hints.items()
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_line_that_doors_write_is_a_sentence(language: str) -> None:
    known, operations = build.words().keys(language), build.operations()
    noted = {n for n, one in operations.items() if shows_a_person(answer_type(one), set())}
    assert {"today", "person", "consent show", "why"} <= noted
    silent = {
        audit.word_of(name)
        for name in noted | audit.CHANGES
        if f"audit.what.{audit.word_of(name)}" not in known
    }
    assert silent == set()


def test_lines_are_said_in_the_readers_language(desk: Desk) -> None:
    audit.note(desk.shop, "cli", "sign_in")
    assert desk.in_language("zh").call("audit").lines[0].text == "登录"
    audit.note(desk.shop, "cli", "something_new")
    assert desk.call("audit").lines[0].text == "Looked at or changed: something_new"


def test_old_lines_are_taken_off_the_list(desk: Desk) -> None:
    audit.note(desk.shop, "cli", "old")
    edge = desk.later(days=1)
    audit.note(desk.shop, "cli", "new")
    assert audit.prune(desk.shop, edge) == 1
    assert whats(desk) == ["new"]


@pytest.mark.parametrize("cursor", ["x", "z" * 33, "ffffffffffffffff", "-1"])
def test_a_cursor_that_is_none_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(BadInput, match="bad_cursor"):
        desk.call("audit", cursor=cursor)


def test_a_look_survives_many_events_between(desk: Desk) -> None:
    from renwei.core.nouns import Event

    person = desk.person(PHONES[0])
    actor = desk.shop.store.people.actors_of(person)[0]
    audit.note(desk.shop, "cli", "portrait", person)
    for block in range(3):
        desk.shop.store.log.append(
            [Event(actor, "view", desk.at, f"{block}-{k}".encode()) for k in range(20_000)],
            desk.at,
        )
    desk.later(seconds=1)
    audit.note(desk.shop, "cli", "export", person)
    lines = desk.call("audit").lines
    assert [(line.what, line.people) for line in lines] == [
        ("export", [to_id(person)]),
        ("portrait", [to_id(person)]),
    ]
