from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.people.conftest import NOW, Town, phone_of

from renwei.core.chance import to_id
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Event, Fact, Told
from renwei.people.attributes import Attribute, AttributesRequest, attributes
from renwei.people.correct import Corrections, CorrectRequest, correct, not_believed
from renwei.people.listing import PeopleRequest, people
from renwei.people.operations import PersonRequest, person
from renwei.people.rights import ForgetRequest, forget
from renwei.people.sight import Portrait

PHONE = phone_of(1)


def says(town: Town, name: str, value: str = "", **more: Any) -> Corrections:
    town.actor(PHONE)
    request = CorrectRequest(person=PHONE, name=name, value=value, by="mei", **more)
    return correct(town.shop, request)


def page(town: Town) -> Portrait:
    return person(town.shop, PersonRequest(person=PHONE))


def facts(town: Town) -> dict[str, Any]:
    return {fact.name: fact.value for fact in page(town).facts}


def tells(town: Town, name: str, value: Any, told: Told = Told.TOLD, phone: str = PHONE) -> None:
    fact = Fact(name, value, told, "form:1", town.shop.clock.now())
    town.shop.store.people.learn_facts(town.actor(phone), [fact])


def likes(town: Town, title: str, *, times: int = 3) -> None:
    item = town.item(title, category="masks")
    for k in range(times):
        town.made += 1
        at = NOW - timedelta(minutes=9 - k)
        key = b"l%d" % town.made
        town.add(Event(town.actor(PHONE), "view", at, key, item, body={"dwell_ms": 30_000}))


def test_a_correction_outranks_what_is_told_before_and_after(town: Town) -> None:
    tells(town, "skin_type", "oily")
    answer = says(town, "skin_type", "dry")
    assert answer.text == "Noted: skin_type is dry. It counts at once."
    (note,) = answer.corrections
    assert (note.before, note.value, note.by, note.at) == ("oily", "dry", "mei", NOW)
    tells(town, "skin_type", "mixed")
    assert facts(town) == {"skin_type": "dry"}
    assert page(town).corrections == answer.corrections
    assert people(town.shop, PeopleRequest(where=["skin_type=dry"])).total == 1


def test_its_undo_brings_back_what_is_known_since(town: Town) -> None:
    tells(town, "skin_type", "oily")
    assert people(town.shop, PeopleRequest(where=["skin_type=dry"])).total == 0
    says(town, "skin_type", "dry")
    assert people(town.shop, PeopleRequest(where=["skin_type=dry"])).total == 1
    answer = says(town, "skin_type", undo=True)
    assert [note.undone for note in answer.corrections] == [True]
    assert facts(town) == {"skin_type": "oily"}
    assert people(town.shop, PeopleRequest(where=["skin_type=dry"])).total == 0
    tells(town, "skin_type", "mixed")
    assert facts(town) == {"skin_type": "mixed"}
    with pytest.raises(UnknownName) as caught:
        says(town, "skin_type", undo=True)
    assert caught.value.code == "unknown_correction"


def test_corrections_are_undone_one_after_the_other(town: Town) -> None:
    for value in ("dry", "mixed"):
        says(town, "skin_type", value)
        town.shop.clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]
    says(town, "skin_type", undo=True)
    assert facts(town) == {"skin_type": "dry"}
    says(town, "skin_type", undo=True)
    assert facts(town) == {}


def test_a_fact_that_is_removed_is_unknown(town: Town) -> None:
    tells(town, "skin_type", "oily")
    says(town, "skin_type", remove=True)
    assert facts(town) == {}
    assert people(town.shop, PeopleRequest(where=["skin_type"])).total == 0


def test_a_number_stays_a_number(town: Town) -> None:
    tells(town, "age", 30)
    says(town, "age", "31")
    assert facts(town) == {"age": 31}


def test_a_taste_that_is_wrong_leaves_the_page_and_comes_back_undone(town: Town) -> None:
    likes(town, "面膜")
    liked = {(one.kind, one.value) for one in page(town).preferences}
    assert liked == {("item", "面膜"), ("category", "masks")}
    says(town, "category", "masks", remove=True)
    assert {(one.kind, one.value) for one in page(town).preferences} == {("item", "面膜")}
    assert not_believed(town.shop, town.person(PHONE)) == {("category", "masks")}
    paper = town.shop.store.papers.get("correction", to_id(town.actor(PHONE)))
    assert paper is not None
    assert paper.body["no"] == [["category", "masks"]]
    says(town, "category", "masks", undo=True)
    assert {(one.kind, one.value) for one in page(town).preferences} == liked


def test_two_persons_corrections_are_one_s_after_a_merge(town: Town) -> None:
    says(town, "category", "masks", remove=True)
    other = town.person(phone_of(2))
    town.shop.store.people.merge(other, town.person(PHONE), reason="by_hand", at=NOW)
    says(town, "item", "soap", remove=True)
    assert not_believed(town.shop, other) == {("category", "masks"), ("item", "soap")}


def test_forgetting_drops_corrections(town: Town) -> None:
    says(town, "skin_type", "dry")
    name = to_id(town.actor(PHONE))
    forget(town.shop, ForgetRequest(person=PHONE))
    assert town.shop.store.papers.get("correction", name) is None


@pytest.mark.parametrize(
    ("name", "value", "field"), [("", "x", "name"), ("a" * 65, "x", "name"), ("skin", "", "value"),
                                 ("skin", "x" * 201, "value")],
)  # fmt: skip
def test_half_a_correction_changes_nothing(town: Town, name: str, value: str, field: str) -> None:
    town.actor(PHONE)
    with pytest.raises(BadInput) as caught:
        says(town, name, value)
    assert caught.value.values["field"] == field
    assert facts(town) == {}


def known(town: Town) -> dict[str, Attribute]:
    return {one.name: one for one in attributes(town.shop, AttributesRequest()).attributes}


def test_attributes_are_exactly_those_that_there_are_with_how_often(town: Town) -> None:
    assert known(town) == {}
    for k, value in enumerate(("dry", "dry", "oily")):
        tells(town, "skin_type", value, phone=phone_of(k))
    tells(town, "age", 31, phone=phone_of(0))
    tells(town, "invalid:age", "soon 30", Told.OBSERVED, phone=phone_of(1))
    tells(town, "invalid:size", "XXQ", phone=phone_of(1))
    for k in range(3, 25):
        town.actor(phone_of(k))
    town.shop.clock.advance(timedelta(minutes=11))  # type: ignore[attr-defined]
    found = known(town)
    skin = found["skin_type"]
    assert (skin.people, skin.filled, skin.kind, skin.different) == (3, 0.12, "text", 2)
    assert skin.text == "skin_type: 12 % filled"
    assert [(one.value, one.people) for one in skin.top] == [("dry", 2), ("oily", 1)]
    assert (found["age"].kind, found["age"].invalid) == ("number", 1)
    assert found["age"].invalid_top[0].value == "soon 30"
    assert (found["size"].people, found["size"].invalid) == (0, 1)
    assert set(found) == {"skin_type", "age", "size"}
    town.shop.clock.advance(timedelta(minutes=-11))  # type: ignore[attr-defined]


def test_attributes_follow_events_and_merges(town: Town) -> None:
    tells(town, "skin_type", "dry", phone=phone_of(1))
    assert known(town)["skin_type"].people == 1
    tells(town, "skin_type", "oily", phone=phone_of(2))
    key = b"identify"
    town.add(Event(town.actor(phone_of(2)), "identify", NOW, key, body={"facts": {}}))
    assert known(town)["skin_type"].people == 2
    a, b = town.person(phone_of(1)), town.person(phone_of(2))
    town.shop.store.people.merge(a, b, reason="by_hand", at=NOW)
    assert known(town)["skin_type"].people == 1
