from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from tests.people.conftest import NOW, Town, phone_of

from renwei.core.chance import to_id
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Consent, ConsentState, Decision, Event, Fact, Told
from renwei.people.dossier import dossier
from renwei.people.timeline import Entry, TimelineAnswer, TimelineRequest, timeline

PHONE = phone_of(1)


def shown(town: Town, **fields: Any) -> TimelineAnswer:
    return timeline(town.shop, TimelineRequest(person=PHONE, **fields))


def kinds(town: Town, **fields: Any) -> list[str]:
    return [entry.kind for entry in shown(town, **fields).entries]


def happens(town: Town, kind: str, minutes_ago: float = 1, *, item: int = 0, **body: Any) -> Event:
    town.made += 1
    at = NOW - timedelta(minutes=minutes_ago)
    event = Event(town.actor(PHONE), kind, at, b"t%d" % town.made, item, body=body, source="key:1")
    town.add(event)
    return event


def entry(town: Town, kind: str) -> Entry:
    return next(one for one in shown(town).entries if one.kind == kind)


def test_everything_stands_in_time_order_with_when_it_came_in(town: Town) -> None:
    mask = town.item("面膜")
    town.buys(PHONE, 3, title="面膜", value=9_900)
    happens(town, "view", 60 * 24 * 5, item=mask, dwell_ms=31_000)
    happens(town, "search", 30, keyword="补水")
    said = Consent("marketing", "*", ConsentState.GIVEN, NOW - timedelta(minutes=20), "form")
    town.shop.store.people.state_consent(town.actor(PHONE), [said])
    fact = Fact("skin_type", "dry", Told.TOLD, "form:1", NOW - timedelta(minutes=10))
    town.shop.store.people.learn_facts(town.actor(PHONE), [fact])
    entries = shown(town).entries
    assert [one.kind for one in entries] == ["fact", "consent", "search", "order", "view"]
    assert [one.at for one in entries] == sorted((one.at for one in entries), reverse=True)
    assert [one.text for one in entries] == [
        "Told us: skin_type is dry",
        "Agreed: offers",
        "Searched for “补水”",
        "Ordered 面膜",
        "Looked at 面膜 for 31 s",
    ]
    view = entries[-1]
    assert (view.seen, view.at) == (NOW, NOW - timedelta(days=5))
    assert view.values["dwell_ms"] == 31_000
    assert entries[3].value_minor == 9_900


def test_pages_follow_each_other_without_gap_or_double(town: Town) -> None:
    for k in range(23):
        # Many at the very same moment, as an offline upload brings them.
        happens(town, "view", 5 * (k // 6), item=k + 1)
    seen: list[int] = []
    cursor = ""
    for _ in range(20):
        page = shown(town, limit=4, cursor=cursor)
        seen += [one.seq for one in page.entries]
        cursor = page.next
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 23
    assert shown(town, limit=23).next == ""


def test_who_of_the_team_looked_is_not_shown_even_where_there_is_much_of_it(town: Town) -> None:
    town.buys(PHONE, 3)
    for _ in range(30):
        happens(town, "viewed", by="mei", what="portrait")
    assert kinds(town, limit=2) == ["order"]
    assert "viewed" not in kinds(town)


def test_what_was_sealed_is_opened_until_the_person_is_forgotten(town: Town) -> None:
    people = town.shop.store.people
    actor = town.actor(PHONE)
    secret = json.dumps({"properties": {"note": "my skin burns"}}).encode()
    (sealed,) = people.seal_for_many([(actor, secret)])
    event = happens(town, "track", name="Note", _=base64.b64encode(sealed).decode())
    assert entry(town, "track").details == {"properties": {"note": "my skin burns"}}
    data = dossier(town.shop, town.person(PHONE), NOW)
    assert data["events"][0]["details"] == {"properties": {"note": "my skin burns"}}
    assert "note" not in json.dumps(entry(town, "track").values)
    people.forget(actor, NOW)
    from renwei.people.sealed import details

    assert details(town.shop, event) == {}


@pytest.mark.parametrize("sealed", ["###", base64.b64encode(b"nonsense" * 9).decode(), 7])
def test_bytes_that_do_not_open_are_no_fault(town: Town, sealed: Any) -> None:
    happens(town, "track", name="Note", _=sealed)
    assert entry(town, "track").details == {}


def test_decisions_and_merges_are_part_of_it(town: Town) -> None:
    item = town.item("soap")
    town.buys(PHONE, 3)
    person = town.person(PHONE)
    town.shop.store.ledger.record(
        Decision(
            id="019b76da-a800-7c3e-8d8e-0f6a2b4c1d2e", surface="today", person=person,
            at=NOW - timedelta(minutes=3), unit=1, salt="", items=(item, 0), scores=(5, 0),
            sources=("need", ""), codes=("a", ""), removed=(), chosen=(item,), odds=(1.0,),
            policy="best@1 explore=0.0",
        )
    )  # fmt: skip
    other = town.person(phone_of(2))
    town.buys(phone_of(2), 9)
    town.shop.store.people.merge(person, other, reason="by_hand", at=NOW)
    found = {one.kind: one for one in shown(town).entries}
    assert found["decision"].text == "Decided: soap"
    assert found["decision"].decision_id.startswith("019b")
    assert found["merge"].text == "Found to be one person with another (by hand)"
    assert kinds(town).count("order") == 2


def test_an_order_shows_its_number_as_written_to_who_may_see_it(town: Town) -> None:
    people = town.shop.store.people
    key = people.keyed("order|taobao||N-77").hex()[:16]
    town.add(town.event(PHONE, NOW - timedelta(days=1), order=key))
    people.keep_many([(town.actor(PHONE), "order", "N-77")])
    assert entry(town, "order").order == "N-77"


def test_wrong_questions_are_refused(town: Town) -> None:
    town.buys(PHONE, 3)
    for cursor in ("x", "12", "1|x", "9" * 30 + "|0", "-1|0"):
        with pytest.raises(BadInput) as caught:
            shown(town, cursor=cursor)
        assert caught.value.code == "bad_cursor"
    with pytest.raises(UnknownName):
        timeline(town.shop, TimelineRequest(person="nobody"))
    assert shown(town).person == to_id(town.person(PHONE))
