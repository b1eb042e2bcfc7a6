"""Identifiers to actors: what is remembered, and what makes it forget."""

from __future__ import annotations

from threading import Thread

import pytest
from tests.collect.live.rooms import AT, SOURCE, Live

from renwei.collect.live.incoming import Incoming
from renwei.collect.live.preparing import prepare
from renwei.collect.live.reading import id_of
from renwei.collect.live.resolving import contact, named_user, resolver
from renwei.core.nouns import NOBODY
from renwei.core.store import Named


def event(user: str) -> tuple[str, Incoming]:
    return SOURCE, Incoming(index=0, kind="track", name="x", message_id=user, user_id=user)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Mei@Example.com", "email"),
        ("13912345670", "phone"),
        ("+44 20 7946 0958", "phone"),
        ("10086", "user"),
        ("139123456701234", "user"),
        ("mei@", "user"),
        ("7b0d9f2e-0000-4000-8000-0242ac120002", "user"),
    ],
)
def test_a_user_id_that_is_a_contact_is_kept_as_one(text: str, kind: str) -> None:
    assert named_user(text, "CN").kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "undefined",
        "0",
        "0000",
        "anonymous",
        " NaN ",
        "00000000-0000-0000-0000-000000000000",
        "[object Object]",
    ],
)
def test_what_stands_for_nobody_is_no_id(text: str) -> None:
    assert id_of(text) == ""


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("phone", "13800138000"),
        ("phone", "11111111111"),
        ("phone", "12"),
        ("email", "none@none.com"),
        ("email", "mei"),
        ("openid", "null"),
    ],
)
def test_a_contact_that_many_type_recognises_nobody(kind: str, text: str) -> None:
    assert contact(kind, text, "CN") is None


def test_users_and_visitors_of_one_name_are_two(live: Live) -> None:
    live.post({"userId": "x", "event": "a"}, {"anonymousId": "x", "event": "b"})
    assert live.person("user", "x") != live.person("anonymous", "x")


def test_an_event_with_its_device_alone_is_the_devices(live: Live) -> None:
    live.post({"event": "a", "context": {"device": {"id": "d-1"}}})
    assert live.timeline(live.person("device", "d-1"))[0].kind == "track"


def test_own_merges_keep_what_is_remembered_and_others_clear_it(live: Live) -> None:
    known = resolver(live.shop.store)
    live.post({"type": "identify", "userId": "u1", "anonymousId": "a1"})
    prepare(live.shop, [event("u1")], AT)
    remembered = dict(known._users)
    assert remembered
    live.post({"type": "identify", "userId": "u2", "anonymousId": "a2"})
    prepare(live.shop, [event("u2")], AT)
    assert remembered.items() <= known._users.items()
    people = live.shop.store.people
    people.unmerge(people.merges()[0].id, AT)
    prepare(live.shop, [event("u3")], AT)
    assert set(known._users) == {"u3"}


def test_whoever_was_forgotten_is_nobody_at_once(live: Live) -> None:
    live.post({"userId": "u1", "event": "a"})
    person = live.person("user", "u1")
    assert person is not None
    live.forget(person, ())
    prepared = prepare(live.shop, [event("u1"), event("u2")], AT)
    assert prepared.events[0].actor == NOBODY
    assert prepared.events[1].actor != NOBODY


def test_an_actor_that_was_taken_back_is_made_anew(live: Live) -> None:
    live.post({"userId": "u1", "event": "a"})
    people = live.shop.store.people
    gone = people.find(Named("user", "u1"))
    people.withdraw(SOURCE, [])
    assert people.find(Named("user", "u1")) is None
    live.post({"userId": "u1", "event": "b", "properties": {"note": "x"}})
    assert people.find(Named("user", "u1")) not in (None, gone)


def test_two_threads_prepare_the_same_people(live: Live) -> None:
    found: list[list[int]] = []

    def work() -> None:
        prepared = prepare(live.shop, [event(f"u{n}") for n in range(200)], AT)
        found.append([one.actor for one in prepared.events])

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(map(tuple, found))) == 1
    assert len(live.shop.store.people.all_persons()) == 200
