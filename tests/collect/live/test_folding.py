"""What events make of profiles: facts, vault, consents, and who is one with whom."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.collect.live.rooms import AT, Live
from tests.collect.rooms import Sale, write

from renwei.collect.answers import ImportRequest
from renwei.collect.live.answers import SuspiciousRequest
from renwei.collect.live.joining import not_merged
from renwei.collect.live.operations import suspicious
from renwei.collect.operations import bring
from renwei.core.clock import to_us
from renwei.core.nouns import ConsentState

P = {"product_id": "p1"}


def identify(live: Live, user: str, later: float = 1, **traits: Any) -> None:
    live.post({"type": "identify", "userId": user, "traits": traits}, later=later)


def test_traits_become_facts_and_personal_ones_go_to_the_vault(live: Live) -> None:
    identify(live, "u1", age=31, gender="女", city="Hangzhou", skinType="dry", vip=True, email="Mei@Example.com",
             phone="139 1234 5670", name="张小美", address={"city": "杭州市", "street": "花园路1号"})  # fmt: skip
    assert live.facts("u1") == {
        "age": 31,
        "gender": "f",
        "city": "杭州",
        "skin_type": "dry",
        "vip": True,
    }
    opened = live.opened("u1")
    assert opened["email"] == ["mei@example.com"]
    assert opened["phone"] == ["+8613912345670"]
    assert opened["name"] == ["张小美"]
    assert opened["address"] == ["杭州市 花园路1号"]
    assert live.profile("u1").facts["age"].source == "key:k1"


@pytest.mark.parametrize(
    "written",
    ["杭州", "杭州市", "Hangzhou", "hangzhou", "Hang Zhou", "浙江省杭州市", "Hangzhou City"],
)
def test_a_city_is_one_place_however_it_is_written(live: Live, written: str) -> None:
    identify(live, "u1", city=written)
    assert live.facts("u1")["city"] == "杭州"


@pytest.mark.parametrize(
    ("traits", "facts"),
    [
        ({"age": 199}, {"invalid:age": 199}),
        ({"age": -1}, {"invalid:age": -1}),
        ({"age": "x"}, {"invalid:age": "x"}),
        ({"age": 31.5}, {"invalid:age": 31.5}),
        ({"age": "31"}, {"age": 31}),
        ({"gender": "?"}, {"invalid:gender": "?"}),
        ({"gender": "男"}, {"gender": "m"}),
        ({"gender": "保密"}, {"gender": "unknown"}),
        ({"birthday": "1995-02-30"}, {"invalid:birthday": "1995-02-30"}),
        ({"birthday": "1995/2/3"}, {"birthday": "1995-02-03"}),
        (
            {"member_since": "2026-01-02", "last": "2026-01-02 13912345670"},
            {"member_since": "2026-01-02"},
        ),
        ({"age": "13912345670"}, {"invalid:age": "…"}),
        ({"age": None, "gender": ""}, {}),
        ({}, {}),
    ],
)
def test_what_cannot_be_true_is_shown_as_invalid_and_is_no_fact(
    live: Live, traits: dict[str, Any], facts: dict[str, Any]
) -> None:
    live.post({"userId": "u1", "event": "x"})
    identify(live, "u1", **traits)
    assert live.facts("u1") == facts


def test_a_valid_value_takes_back_the_invalid_one(live: Live) -> None:
    identify(live, "u1", age=199)
    identify(live, "u1", age=31)
    assert live.facts("u1") == {"age": 31}
    identify(live, "u1", age="?")
    assert live.facts("u1") == {"invalid:age": "?"}


def test_the_same_traits_again_add_no_facts(live: Live) -> None:
    identify(live, "u1", age=31)
    first = live.profile("u1").facts["age"].at
    identify(live, "u1", age=31, later=600)
    assert live.profile("u1").facts["age"].at == first


def test_profile_calls_of_sensors_set_once_count_append_and_unset(live: Live) -> None:
    def call(kind: str, **properties: Any) -> None:
        live.clock.advance(timedelta(seconds=1))
        live.send(
            "sensors",
            {
                "type": f"profile_{kind}",
                "distinct_id": "u1",
                "properties": properties,
                "time": to_us(live.clock.now()) // 1_000,
            },
        )

    call("set", level="gold", visits=1)
    call("set_once", level="silver", first="ad")
    call("increment", visits=2)
    call("append", likes="masks")
    call("append", likes="soap")
    assert live.facts("u1") == {
        "level": "gold",
        "first": "ad",
        "visits": 3,
        "likes": ["masks", "soap"],
    }
    call("unset", level=True)
    assert "level" not in live.facts("u1")
    call("delete")
    assert live.facts("u1") == {}


def test_a_visitor_who_logs_in_brings_along_what_was_seen_before(live: Live) -> None:
    live.post({"anonymousId": "a1", "event": "Product Viewed", "properties": P},
              {"anonymousId": "a1", "event": "Search", "properties": {"query": "面膜"}})  # fmt: skip
    live.post({"type": "identify", "userId": "u1", "anonymousId": "a1"}, later=60)
    person = live.person("user", "u1")
    assert live.person("anonymous", "a1") == person
    assert [one.kind for one in live.timeline(person)] == ["view", "search", "identify"]
    (merge,) = live.shop.store.people.merges(person)
    assert (merge.reason, merge.values) == ("same_anonymous", {"how": "identify"})


def test_an_event_with_both_ids_joins_without_identify(live: Live) -> None:
    live.post({"anonymousId": "a1", "event": "x"})
    live.post({"anonymousId": "a1", "userId": "u1", "event": "y"})
    assert live.person("anonymous", "a1") == live.person("user", "u1")
    live.post({"anonymousId": "a1", "userId": "u1", "event": "z"})
    assert "with" not in live.events()[-1].body
    assert len(live.shop.store.people.merges()) == 1


@pytest.mark.parametrize("wire", ["segment", "posthog", "sensors"])
def test_an_alias_joins_the_visitor(live: Live, wire: str) -> None:
    before = {
        "segment": {"batch": [{"type": "track", "event": "x", "anonymousId": "a1"}]},
        "posthog": {"batch": [{"event": "x", "distinct_id": "a1", "properties": {}}]},
        "sensors": {"type": "track", "event": "x", "distinct_id": "a1", "properties": {}},
    }
    alias = {
        "segment": {"batch": [{"type": "alias", "userId": "u1", "previousId": "a1"}]},
        "posthog": {
            "batch": [
                {
                    "event": "$create_alias",
                    "distinct_id": "a1",
                    "properties": {"distinct_id": "a1", "alias": "u1"},
                }
            ]
        },
        "sensors": {
            "type": "track_signup",
            "event": "$SignUp",
            "distinct_id": "u1",
            "original_id": "a1",
            "properties": {},
        },
    }
    live.send(wire, before[wire])
    live.send(wire, alias[wire])
    person = live.person("user", "u1")
    assert [one.kind for one in live.timeline(person)][:1] == ["track"]
    assert len(live.shop.store.people.all_persons()) == 1


def test_a_shared_device_stays_with_its_first_user_and_is_counted(live: Live) -> None:
    live.post({"type": "identify", "userId": "u1", "anonymousId": "tablet"})
    live.post({"type": "identify", "userId": "u2", "anonymousId": "tablet"}, later=60)
    assert live.person("anonymous", "tablet") == live.person("user", "u1")
    assert live.person("user", "u2") != live.person("user", "u1")
    assert not_merged(live.shop) == {"shared_identifier": 1}


@pytest.mark.parametrize(
    ("one", "other"), [("13912345670", "13712345678"), ("a@b.com", "c@d.com"), ("u1", "u2")]
)
def test_a_device_never_makes_two_logins_one(live: Live, one: str, other: str) -> None:
    live.post(
        {
            "type": "identify",
            "userId": one,
            "anonymousId": "phone",
            "context": {"device": {"id": "d1"}},
        }
    )
    live.post(
        {
            "type": "identify",
            "userId": other,
            "anonymousId": "phone",
            "context": {"device": {"id": "d1"}},
        },
        later=60,
    )
    assert len(live.shop.store.people.all_persons()) == 2


def test_an_alias_of_two_bare_users_of_segment_is_no_merge(live: Live) -> None:
    live.post({"userId": "u1", "event": "x"}, {"userId": "u2", "event": "y"})
    live.post({"type": "alias", "userId": "u1", "previousId": "u2"})
    assert live.person("user", "u1") != live.person("user", "u2")


def test_a_birthday_is_a_fact_and_stands_nowhere_in_the_log(live: Live) -> None:
    identify(live, "u1", birthday="1995-02-03", city="杭州")
    assert live.facts("u1") == {"birthday": "1995-02-03", "city": "杭州"}
    assert live.events()[0].body["facts"] == {"city": "杭州"}


def test_a_shared_device_is_counted_once_however_often_it_is_used(live: Live) -> None:
    live.post({"type": "identify", "userId": "u1", "anonymousId": "tablet"})
    for _ in range(5):
        live.post({"event": "x", "userId": "u2", "anonymousId": "tablet"}, later=1)
    assert not_merged(live.shop) == {"shared_identifier": 1}


def test_two_known_users_are_merged_by_an_explicit_call_alone(live: Live) -> None:
    identify(live, "u1", age=31)
    identify(live, "u2", age=32)
    live.post({"type": "alias", "userId": "u1", "previousId": "u2"})
    assert live.person("user", "u1") != live.person("user", "u2")
    live.post({"type": "merge", "userId": "u1", "previousId": "u2"})
    assert live.person("user", "u1") == live.person("user", "u2")
    assert live.shop.store.people.merges()[0].reason == "explicit_merge"


def test_a_merge_of_rudderstack_joins_what_it_names(live: Live) -> None:
    identify(live, "u1", email="a@b.com")
    identify(live, "u2", phone="13912345670")
    live.send(
        "segment",
        {
            "batch": [
                {
                    "type": "merge",
                    "userId": "u1",
                    "mergeProperties": [
                        {"type": "email", "value": "a@b.com"},
                        {"type": "mobile", "value": "13912345670"},
                    ],
                }
            ]
        },
    )
    assert live.person("user", "u1") == live.person("user", "u2")


def test_a_merge_that_a_human_undid_stays_undone(live: Live) -> None:
    live.post({"type": "identify", "userId": "u1", "anonymousId": "a1"})
    people = live.shop.store.people
    people.unmerge(people.merges()[0].id, AT)
    live.post({"type": "identify", "userId": "u1", "anonymousId": "a1"}, later=60)
    assert live.person("anonymous", "a1") != live.person("user", "u1")
    assert not_merged(live.shop) == {"set_apart": 1}


def test_phone_mail_wechat_and_device_are_one_person(live: Live) -> None:
    live.post({"type": "identify", "userId": "app-1", "traits": {"phone": "13912345670", "email": "a@b.com", "openid": "o-1", "unionid": "un-1", "external_userid": "wm-1"},
               "context": {"device": {"id": "dev-1"}}})  # fmt: skip
    live.post({"userId": "13912345670", "event": "x"}, {"userId": "A@b.com", "event": "y"})
    persons = {live.person(*name) for name in (("user", "app-1"), ("phone", "+8613912345670"), ("email", "a@b.com"),
               ("openid", "o-1"), ("unionid", "un-1"), ("external_userid", "wm-1"), ("device", "dev-1"))}  # fmt: skip
    assert len(persons) == 1
    assert len(live.timeline(persons.pop())) == 3


def test_a_family_phone_stays_with_who_had_it_first(live: Live) -> None:
    identify(live, "u1", phone="13912345670")
    identify(live, "u2", phone="13912345670")
    assert live.person("user", "u1") == live.person("phone", "+8613912345670")
    assert live.person("user", "u2") != live.person("user", "u1")
    assert live.opened("u2")["phone"] == ["+8613912345670"]
    assert not_merged(live.shop) == {"shared_identifier": 1}


def test_an_app_user_is_the_buyer_of_the_same_phone_unless_names_differ(
    live: Live, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "orders.csv",
        [
            Sale(1, nick="a", phone="13912345670", name="张小美"),
            Sale(2, nick="b", phone="13712345678", name="李强"),
        ],
    )
    bring(live.shop, ImportRequest(files=[file]))
    identify(live, "u1", phone="13912345670", name="张小美", nickname="飞翔的猫")
    identify(live, "u2", phone="13712345678", name="王芳")
    identify(live, "u3", phone="13712345678", nickname="阿强")
    assert live.person("user", "u1") == live.person("phone", "+8613912345670")
    assert live.person("user", "u2") != live.person("phone", "+8613712345678")
    assert live.person("user", "u3") == live.person("phone", "+8613712345678")
    assert live.opened("u2")["phone"] == ["+8613712345678"]
    assert not_merged(live.shop) == {"shared_identifier": 1}


def _own_file(live: Live, folder: Path, *customers: str, mail: str = "") -> None:
    """Bring in orders of a file of the shop's own, with its numbers of customers."""
    rows = ["order_id,customer_id,email,created_at,product,quantity,price"]
    rows += [
        f"o-{k},{customer},{mail},2026-03-{k + 1:02d} 10:00:00,Clay mask,1,59.90"
        for k, customer in enumerate(customers)
    ]
    file = folder / "orders.csv"
    file.write_text("\n".join(rows) + "\n", "utf-8")
    bring(live.shop, ImportRequest(files=[file]))


def test_an_app_user_is_the_customer_of_that_number_in_the_shops_own_file(
    live: Live, tmp_path: Path
) -> None:
    _own_file(live, tmp_path, "17850", "17851", "17850")
    customer = live.person("customer", "generic:17850")
    assert customer is not None
    live.post({"userId": "17850", "event": "Product Viewed", "properties": P})
    assert live.person("user", "17850") == live.person("customer", "generic:17850") == customer
    assert live.person("customer", "generic:17851") != live.person("user", "17850")
    people = live.shop.store.people
    (merge,) = people.merges()
    assert merge.reason == "same_customer"
    people.unmerge(merge.id, AT)
    live.post({"userId": "17850", "event": "Product Viewed", "properties": P}, later=60)
    assert live.person("user", "17850") != live.person("customer", "generic:17850")


def test_a_user_who_came_before_the_file_is_known_by_their_number_soon(
    live: Live, tmp_path: Path
) -> None:
    live.post({"userId": "17850", "event": "Product Viewed", "properties": P})
    _own_file(live, tmp_path, "17850")
    live.post({"userId": "17850", "event": "Product Viewed", "properties": P}, later=900)
    assert live.person("user", "17850") == live.person("customer", "generic:17850")


def test_a_number_of_a_marketplace_or_another_address_is_no_user_of_ours(
    live: Live, tmp_path: Path
) -> None:
    bring(live.shop, ImportRequest(files=[write(tmp_path / "shop.csv", [Sale(1, nick="mei")])]))
    live.post({"userId": "mei", "event": "Product Viewed", "properties": P})
    identify(live, "u7", email="mei@example.com")
    _own_file(live, tmp_path, "u7", mail="li@example.com")
    live.post({"userId": "u7", "event": "Product Viewed", "properties": P}, later=900)
    nick = live.person("nick", "generic:mei") or live.person("nick", "taobao:mei")
    assert nick is not None
    assert live.person("user", "mei") != nick
    assert live.person("user", "u7") != live.person("customer", "generic:u7")


def test_a_number_that_hundreds_type_joins_nobody(live: Live) -> None:
    for n in range(40):
        identify(
            live, f"u{n}", phone="13800138000", email="null@null.com" if n % 2 else "test@test.com"
        )
    assert len(live.shop.store.people.all_persons()) == 40 + (
        live.person("email", "null@null.com") is not None and 0
    )
    assert live.person("phone", "+8613800138000") is None
    assert not_merged(live.shop)["placeholder"] >= 40


def test_a_new_address_of_a_user_is_added(live: Live) -> None:
    identify(live, "u1", email="old@b.com")
    identify(live, "u1", email="new@b.com")
    assert live.opened("u1")["email"] == ["old@b.com", "new@b.com"]


def test_consents_are_stated_with_source_and_time_and_absent_is_unknown(live: Live) -> None:
    context = {"consent": {"categoryPreferences": {"Advertising": True, "Analytics": False}}}
    live.post({"userId": "u1", "event": "x", "context": context, "timestamp": AT.isoformat()})
    profile = live.profile("u1")
    assert profile.consent("marketing", "email", AT) is ConsentState.GIVEN
    assert profile.consent("profiling", "email", AT) is ConsentState.WITHDRAWN
    assert profile.consent("location", "*", AT) is ConsentState.UNKNOWN
    assert {c.source for c in profile.consents} == {"key:k1"}


def test_the_same_consent_with_every_event_is_stated_once(live: Live) -> None:
    context = {"consent": {"categoryPreferences": {"marketing": True}}}
    for _ in range(5):
        live.post({"userId": "u1", "event": "x", "context": context}, later=10)
    assert len(live.profile("u1").consents) == 1
    live.post({"type": "identify", "userId": "u1", "traits": {"marketing_opt_in": "no"}}, later=10)
    profile = live.profile("u1")
    assert len(profile.consents) == 2
    assert profile.consent("marketing", "sms", live.clock.now()) is ConsentState.WITHDRAWN


def test_an_opt_in_for_a_channel_opens_that_channel_alone(live: Live) -> None:
    identify(live, "u1", sms_opt_in=True)
    profile = live.profile("u1")
    assert profile.consent("marketing", "sms", live.clock.now()) is ConsentState.GIVEN
    assert profile.consent("marketing", "email", live.clock.now()) is ConsentState.UNKNOWN
    assert live.facts("u1") == {}


def test_traits_of_a_company_are_no_facts_of_a_person(live: Live) -> None:
    live.post(
        {"type": "group", "userId": "u1", "groupId": "acme", "traits": {"age": 12, "name": "Acme"}}
    )
    assert live.facts("u1") == {}
    assert "acme" not in str(live.events()[0].body)


def test_a_fold_that_reads_again_changes_nothing(live: Live) -> None:
    identify(live, "u1", age=31, email="a@b.com")
    live.post(
        {
            "anonymousId": "a1",
            "userId": "u1",
            "event": "x",
            "context": {"consent": {"categoryPreferences": {"marketing": True}}},
        }
    )
    before = (live.profile("u1"), live.opened("u1"), len(live.shop.store.people.merges()))
    live.shop.store.tallies.reset("profiles")
    live.follow()
    assert (live.profile("u1"), live.opened("u1"), len(live.shop.store.people.merges())) == before


def test_floods_are_listed_by_person_and_kind(live: Live) -> None:
    likes = [
        {"userId": "bot", "event": "点赞", "properties": P, "timestamp": AT.isoformat()}
        for _ in range(500)
    ]
    live.post(*likes, {"userId": "u1", "event": "点赞", "properties": P})
    (line,) = suspicious(live.shop, SuspiciousRequest()).suspicious
    assert (line.kind, line.events, line.days) == ("like", 440, 1)
    assert live.shop.store.people.search(line.person) == [live.person("user", "bot")]


def test_odd_names_among_those_to_be_kept_once_are_left_out(live: Live) -> None:
    live.post(
        {
            "type": "identify", "userId": "u1", "traits": {"age": 31, "vip": True},
            "context": {"once": ["age", ["vip"], {"age": 1}, None, 5]},
        }
    )  # fmt: skip
    identify(live, "u1", age=32, vip=False)
    assert live.facts("u1") == {"age": 32, "vip": False}
