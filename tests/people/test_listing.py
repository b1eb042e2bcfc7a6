from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.people.conftest import NOW, Town, phone_of

from renwei.core.chance import to_id
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Event, Fact, Told
from renwei.core.store import Named
from renwei.people.indexed import under
from renwei.people.listing import PeopleAnswer, PeopleRequest, people
from renwei.people.names import index_names, initials, matches, named, phoned, pieces, plain
from renwei.people.operations import BandsRequest, stages


def asked(town: Town, **fields: Any) -> PeopleAnswer:
    return people(town.shop, PeopleRequest(**fields))


def named_people(town: Town, *names: str) -> list[int]:
    actors = [town.actor(phone_of(k)) for k in range(len(names))]
    town.shop.store.people.keep_many(
        [(actor, "name", name) for actor, name in zip(actors, names, strict=True)]
    )
    return actors


def looks(town: Town, phone: str, **body: Any) -> Event:
    town.made += 1
    event = Event(
        town.actor(phone), "view", NOW - timedelta(minutes=1), b"v%d" % town.made, 1, body=body
    )
    town.add(event)
    return event


def test_pages_hold_everybody_once(crowded: Town) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = asked(crowded, limit=37, cursor=cursor, sort="orders")
        seen += [line.person for line in page.people]
        cursor = page.next
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == page.total == page.everybody == 200


@pytest.mark.parametrize("sort", ["seen", "last_order", "spend", "orders", "value"])
def test_a_list_is_sorted_from_the_greatest_down(crowded: Town, sort: str) -> None:
    lines = asked(crowded, sort=sort, limit=200).people
    field = {
        "seen": "last_seen", "last_order": "last_order", "spend": "spend_minor",
        "orders": "orders", "value": "value_minor",
    }[sort]  # fmt: skip
    values = [getattr(line, field) for line in lines]
    assert values == sorted(values, reverse=True)


def test_counts_agree_with_the_stages_and_with_the_filter(crowded: Town) -> None:
    whole = asked(crowded)
    said = stages(crowded.shop, BandsRequest())
    assert whole.by_stage == {s.stage: s.people for s in said.stages} | {"": 0}
    risky = asked(crowded, stage="at_risk", limit=500)
    assert risky.total == len(risky.people) == whole.by_stage["at_risk"]
    assert {line.stage for line in risky.people} <= {"at_risk"}
    assert sum(risky.by_tier.values()) == risky.total


def test_unknown_words_are_named_with_what_is_known(crowded: Town) -> None:
    for fields, code in (
        ({"stage": "asleep"}, "unknown_stage"),
        ({"tier": "gold"}, "unknown_tier"),
        ({"sort": "name"}, "unknown_sort"),
        ({"audience": "nobody"}, "unknown_audience"),
    ):
        with pytest.raises(UnknownName) as caught:
            asked(crowded, **fields)
        assert caught.value.code == code
    with pytest.raises(BadInput) as bad:
        asked(crowded, cursor="x|y")
    assert bad.value.code == "bad_cursor"


def test_people_are_found_by_number_and_by_any_part_of_their_name(town: Town) -> None:
    one, two, three = named_people(town, "李雷", "王小雷", "Ann Smith")
    found = {
        query: {line.person for line in asked(town, query=query).people}
        for query in (
            phone_of(0),
            "李雷",
            "雷",
            "小雷",
            "ann",
            "SMI",
            "n s",
            "ll",
            "nobody",
            "李芳",
        )
    }
    ids = [to_id(actor) for actor in (one, two, three)]
    assert found == {
        phone_of(0): {ids[0]}, "李雷": {ids[0]}, "雷": {ids[0], ids[1]}, "小雷": {ids[1]},
        "ann": {ids[2]}, "SMI": {ids[2]}, "n s": {ids[2]}, "ll": {ids[0]}, "nobody": set(),
        "李芳": set(),
    }  # fmt: skip


def test_names_come_in_later_too_and_leave_with_their_person(town: Town) -> None:
    (one,) = named_people(town, "李雷")
    assert asked(town, query="雷").total == 1
    two = town.actor("+8613999999999")
    town.shop.store.people.keep_many([(two, "name", "韩雷梅")])
    town.shop.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert asked(town, query="雷").total == 2
    town.shop.store.people.forget(one, NOW)
    assert [line.name for line in asked(town, query="雷").people] == ["韩雷梅"]


def test_the_last_digits_of_a_phone_find_its_owner(town: Town) -> None:
    one, two = town.actor("+8613800138000"), town.actor("+8613912348000")
    three = town.actor("+8613912340138")
    found = {
        query: {line.person for line in asked(town, query=query).people}
        for query in ("8000", " *8000 ", "138 000", "348000", "0138", "138", "9999", "13800138000")
    }
    ids = [to_id(actor) for actor in (one, two, three)]
    assert found == {
        "8000": {ids[0], ids[1]}, " *8000 ": {ids[0], ids[1]}, "138 000": {ids[0]},
        "348000": {ids[1]}, "0138": {ids[2]}, "138": set(), "9999": set(),
        "13800138000": {ids[0]},
    }  # fmt: skip
    town.shop.store.people.forget(two, NOW)
    assert [line.person for line in asked(town, query="8000").people] == [ids[0]]


def test_last_digits_find_people_whose_names_were_taken_in_before_there_were_any(
    town: Town,
) -> None:
    (one,) = named_people(town, "李雷")
    assert asked(town, query="李雷").total == 1
    # As a workspace looks that was written when only names were looked up by pieces.
    nobody = np.zeros(0, dtype=np.int64)
    town.shop.shelf.put("phone-tails", {"key": nobody.astype(np.uint64), "person": nobody}, {})
    town.shop.shelf.put("phone-tails-done", {"person": nobody}, {})
    town.shop.shelf.drop("phone-tails-new")
    assert [line.person for line in asked(town, query=phone_of(0)[-4:]).people] == [to_id(one)]


def test_who_came_to_have_a_phone_by_a_merge_is_found_by_it(town: Town) -> None:
    people_ = town.shop.store.people
    (one,) = people_.actors([Named("customer", "shop:7")], NOW)
    assert index_names(town.shop, 100) == 0
    (two,) = people_.actors([Named("phone", "+8613800138000")], NOW)
    people_.merge(one, two, reason="same_order", at=NOW)
    assert index_names(town.shop, 100) == 0
    assert not len(phoned(town.shop, "8000"))
    assert index_names(town.shop, 100, again=True) == 0
    assert phoned(town.shop, "8000").tolist() == [one]
    key = int.from_bytes(town.shop.store.people.keyed("name-piece|phone-tail|8000")[:8], "little")
    assert under(town.shop, "phone-tails", key).tolist() == [one]


def test_no_piece_of_a_name_is_the_end_of_a_phone(town: Town) -> None:
    named_people(town, "8000")
    assert not len(phoned(town.shop, "8000"))


def test_the_index_holds_no_name(town: Town) -> None:
    named_people(town, "Bartholomew", "欧阳娜娜")
    assert index_names(town.shop, 100) == 0
    for file in (town.shop.store.directory / "estimates").rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert b"arth" not in data
            assert "欧阳".encode() not in data


def test_a_bounded_number_of_names_is_taken_at_a_time(town: Town) -> None:
    named_people(town, *(f"guest {k}" for k in range(7)))
    assert index_names(town.shop, 3) == 4
    assert index_names(town.shop, 3) == 1
    assert index_names(town.shop, 3) == 0
    assert len(named(town.shop, "guest")) == 7


@given(st.text(min_size=1, max_size=12), st.integers(0, 11), st.integers(1, 12))
def test_every_part_of_a_name_has_its_pieces_in_the_name(name: str, at: int, size: int) -> None:
    whole = plain(name)
    part = plain(whole[at : at + size])
    if len(part) > 1 and part in whole:
        assert pieces(part) <= pieces(whole)
        assert matches(part, name)


def test_first_letters_of_pinyin_are_known_for_common_characters() -> None:
    assert initials("赵钱孙李周吴郑王冯陈") == "zqslzwzwfc"
    assert initials("Ann 李") == "l"
    assert initials("𠮷é") == ""


def test_a_look_brings_its_person_to_the_top_within_the_next_answer(town: Town) -> None:
    town.buys(phone_of(1), 3)
    town.buys(phone_of(2), 2)
    town.learn()
    assert asked(town).people[0].person == to_id(town.person(phone_of(2)))
    looks(town, phone_of(1))
    first = asked(town).people[0]
    assert first.person == to_id(town.person(phone_of(1)))
    assert (first.intent, first.intent_text) == ("browsing", "browsing")


def test_an_order_after_the_estimates_is_counted_in(town: Town) -> None:
    town.buys(phone_of(1), 40)
    town.learn()
    assert asked(town).people[0].orders == 1
    town.add(town.event(phone_of(1), NOW - timedelta(hours=1), value=7_000))
    town.add(town.event(phone_of(2), NOW - timedelta(hours=2), value=500))
    line = {one.person: one for one in asked(town).people}
    old, new = (line[to_id(town.person(phone_of(k)))] for k in (1, 2))
    assert (old.orders, old.spend_minor) == (2, 8_000)
    assert (new.orders, new.stage) == (1, "new")


def test_people_without_an_order_are_listed_too(town: Town) -> None:
    town.buys(phone_of(1), 3)
    town.learn()
    town.shop.store.people.actors([Named("anonymous", "a1")], NOW)
    town.shop.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    answer = asked(town)
    assert (answer.total, answer.by_stage[""], answer.by_tier[""]) == (2, 1, 1)
    town.shop.clock.advance(timedelta(minutes=-1))  # type: ignore[attr-defined]


def test_two_who_become_one_are_one_line(town: Town) -> None:
    a, b = (town.person(phone_of(k)) for k in (1, 2))
    town.buys(phone_of(1), 30)
    town.buys(phone_of(2), 10)
    town.learn()
    assert asked(town).total == 2
    town.shop.store.people.merge(a, b, reason="by_hand", at=NOW)
    (line,) = asked(town).people
    assert (line.person, line.orders) == (to_id(a), 2)


def test_nothing_is_learnt_for_a_list(town: Town) -> None:
    town.buys(phone_of(1), 3)
    answer = asked(town)
    assert town.shop.shelf.get("people") is None
    assert (answer.as_of, answer.total, answer.people[0].orders) == ("", 1, 1)


def test_facts_filter_whatever_their_case(town: Town) -> None:
    for k, skin in enumerate(("dry", "oily", "Dry")):
        fact = Fact("skin_type", skin, Told.TOLD, "form:1", NOW)
        town.shop.store.people.learn_facts(town.actor(phone_of(k)), [fact])
    assert asked(town, where=["skin_type=DRY"]).total == 2
    assert asked(town, where=["skin_type"]).total == 3
    assert asked(town, where=["hair"]).total == 0
    with pytest.raises(BadInput) as caught:
        asked(town, where=["=dry"])
    assert caught.value.code == "bad_where"


def test_people_are_found_by_an_order_s_number_at_once_and_after_learning(town: Town) -> None:
    keyed = town.shop.store.people.keyed
    for number, k in (("N-77", 1), ("N-78", 2)):
        key = keyed(f"order|taobao||{number}").hex()[:16]
        town.add(town.event(phone_of(k), NOW - timedelta(days=k), order=key))
    for _ in range(2):
        for number, k in (("N-77", 1), ("N-78", 2)):
            (line,) = asked(town, query=number).people
            assert line.person == to_id(town.person(phone_of(k)))
        assert asked(town, query="N-79").total == 0
        town.learn()


def test_before_learning_is_done_a_list_says_that_tiers_are_being_worked_out(town: Town) -> None:
    town.crowd(30)
    answer = asked(town, tier="high")
    assert (answer.people, answer.everybody) == ([], 30)
    assert "30 of 30 people" in answer.note
    assert "being worked out" in answer.note
    town.learn()
    assert asked(town, tier="high").people
    assert asked(town, tier="high").note == ""
