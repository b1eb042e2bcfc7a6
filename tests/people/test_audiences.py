from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.people.conftest import NOW, Town, phone_of

from renwei.core.chance import to_id
from renwei.core.errors import BadInput, Refused, UnknownName
from renwei.core.nouns import Consent, ConsentState, Event, Fact, Told
from renwei.core.tallies import Tally
from renwei.people.audiences import (
    AudienceAnswer,
    AudienceDrop,
    AudienceRequest,
    AudienceSave,
    AudiencesRequest,
    audiences_drop,
    audiences_list,
    audiences_save,
    audiences_show,
)
from renwei.people.interests import fold
from renwei.people.listing import PeopleRequest, people
from renwei.people.portrait import portrait
from renwei.people.rules import checked, leaves, sentence


def saved(town: Town, rule: Any, name: str = "one") -> AudienceAnswer:
    return audiences_save(town.shop, AudienceSave(name=name, rule=rule))


def who(town: Town, rule: Any) -> set[str]:
    answer = audiences_save(town.shop, AudienceSave(name="try", rule=rule, try_only=True))
    assert answer.people == len(answer.sample)
    return {line.person for line in answer.sample}


def ids(town: Town, *numbers: int) -> set[str]:
    return {to_id(town.person(phone_of(k))) for k in numbers}


def does(
    town: Town, k: int, kind: str, *, item: int = 0, days_ago: float = 0.1, **body: Any
) -> None:
    town.made += 1
    at = NOW - timedelta(days=days_ago)
    town.add(Event(town.actor(phone_of(k)), kind, at, b"d%d" % town.made, item, body=body))


@pytest.fixture
def street(town: Town) -> Town:
    """Four people: 0 buys soap often, 1 once long ago, 2 lately, 3 never."""
    town.item("soap", category="wash")
    town.item("面膜", category="masks")
    town.buys(phone_of(0), 2, 30, 60, 90, value=9_000)
    town.buys(phone_of(1), 300, value=2_000)
    town.buys(phone_of(2), 5, title="面膜", value=3_000)
    town.actor(phone_of(3))
    town.learn()
    return town


def test_a_rule_is_kept_with_who_and_when_and_answered_as_of_now(street: Town) -> None:
    answer = audiences_save(
        street.shop,
        AudienceSave(name="regulars", rule='{"orders": {"at_least": 2}}', note="mine", by="mei"),
    )
    assert answer.rule == {"orders": {"at_least": 2}}
    assert answer.text == "orders: at least 2"
    assert {line.person for line in answer.sample} == ids(street, 0)
    (listed,) = audiences_list(street.shop, AudiencesRequest()).audiences
    assert (listed.name, listed.note, listed.by, listed.people) == ("regulars", "mine", "mei", 1)
    assert listed.since == NOW


def test_conditions_on_orders_money_and_days(street: Town) -> None:
    assert who(street, {"orders": {"at_most": 0}}) == ids(street, 3)
    assert who(street, {"spend_minor": {"at_least": 2_500, "at_most": 5_000}}) == ids(street, 2)
    assert who(street, {"last_order_days": {"at_most": 10}}) == ids(street, 0, 2)
    assert who(street, {"last_order_days": {"at_least": 100}}) == ids(street, 1)
    assert who(street, {"stage": ["new"]}) | who(street, {"not": {"stage": "new"}}) == ids(
        street, 0, 1, 2, 3
    )


def test_groups_combine_and_nest(street: Town) -> None:
    late, rich = {"last_order_days": {"at_least": 100}}, {"spend_minor": {"at_least": 9_000}}
    assert who(street, {"any": [late, rich]}) == ids(street, 0, 1)
    assert who(street, {"all": [{"not": late}, {"not": rich}]}) == ids(street, 2, 3)
    assert who(street, {"not": {"any": [late, rich]}}) == ids(street, 2, 3)


def test_facts_and_consents(street: Town) -> None:
    store = street.shop.store.people
    for k, skin in ((0, "dry"), (1, "oily"), (2, ["dry", "sensitive"])):
        fact = Fact("skin_type", skin, Told.TOLD, "form:1", NOW)
        store.learn_facts(street.actor(phone_of(k)), [fact])
    said = Consent("marketing", "*", ConsentState.GIVEN, NOW, "form")
    store.state_consent(street.actor(phone_of(2)), [said])
    assert who(street, {"fact": "skin_type", "is": "dry"}) == ids(street, 0, 2)
    assert who(street, {"fact": "skin_type", "is": ["oily", "sensitive"]}) == ids(street, 1, 2)
    assert who(street, {"not": {"fact": "skin_type"}}) == ids(street, 3)
    assert who(street, {"consent": "marketing"}) == ids(street, 2)
    assert who(street, {"consent": "marketing", "is": ["unknown"]}) == ids(street, 0, 1, 3)


def test_what_people_did_by_item_category_and_days(street: Town) -> None:
    mask, soap = street.item("面膜"), street.item("soap")
    does(street, 0, "view", item=mask, days_ago=1)
    does(street, 0, "view", item=mask, days_ago=2)
    does(street, 1, "view", item=soap, days_ago=1)
    does(street, 1, "view", item=mask, days_ago=20)
    does(street, 3, "search", keyword="面膜")
    does(street, 3, "like", item=soap)
    assert who(street, {"did": "viewed"}) == ids(street, 0, 1)
    assert who(street, {"did": "viewed", "item": "面膜", "within_days": 7}) == ids(street, 0)
    assert who(street, {"did": "viewed", "category": "masks", "at_least": 2}) == ids(street, 0)
    assert who(street, {"did": "viewed", "category": "nowhere"}) == set()
    assert who(street, {"did": "searched", "item": "面膜"}) == ids(street, 3)
    assert who(street, {"did": "liked", "within_days": 1}) == ids(street, 3)
    assert who(street, {"did": "bought", "item": "soap"}) == ids(street, 0, 1)
    assert who(street, {"did": "bought", "item": "soap", "within_days": 10}) == ids(street, 0)
    assert who(street, {"did": "bought", "at_least": 2}) == ids(street, 0)


def test_behaviour_is_the_same_before_and_after_the_fold(street: Town) -> None:
    mask = street.item("面膜")
    for k in (0, 0, 3):
        does(street, k, "view", item=mask, days_ago=1, dwell_ms=5_000)
    rule = {"did": "viewed", "item": "面膜", "at_least": 2}
    before = who(street, rule)
    tallies, log = street.shop.store.tallies, street.shop.store.log
    rows: list[Tally] = list(fold(street.shop, list(log.read())))
    tallies.add("interests", rows, log.position())
    assert who(street, rule) == before == ids(street, 0)
    does(street, 3, "view", item=mask)
    assert who(street, rule) == ids(street, 0, 3)


def test_an_event_changes_membership_at_once(street: Town) -> None:
    saved(street, {"all": [{"did": "carted", "within_days": 3}, {"intent": "about_to_buy"}]})
    show = AudienceRequest(name="one")
    assert audiences_show(street.shop, show).people == 0
    does(street, 1, "cart", item=street.item("soap"))
    assert {p.person for p in audiences_show(street.shop, show).sample} == ids(street, 1)
    street.add(street.event(phone_of(1), NOW - timedelta(minutes=1), value=700))
    assert audiences_show(street.shop, show).people == 0
    assert who(street, {"did": "bought", "item": "soap", "within_days": 1}) == ids(street, 1)


def bought_by_hand(town: Town, days: float) -> Counter[tuple[str, int]]:
    """Who bought what on how many days lately, counted from the log as orders stand."""
    states: dict[str, Event] = {}
    made: dict[str, Event] = {}
    for event in town.shop.store.log.read(kinds=("order", "order-change")):
        states[event.body["order"]] = event
        made.setdefault(event.body["order"], event)
    found = {
        (
            to_id(town.shop.store.people.persons_of([made[key].actor])[0]),
            line[0],
            made[key].at.date(),
        )
        for key, state in states.items()
        if state.body["status"] == "paid" and made[key].at >= NOW - timedelta(days=days)
        for line in state.body["lines"]
    }
    return Counter((who_, item) for who_, item, _ in found)


def test_who_bought_what_lately_is_who_the_log_says(street: Town) -> None:
    old = street.event(phone_of(1), NOW - timedelta(days=200), [("soap", 1)])
    gone = street.event(phone_of(3), NOW - timedelta(days=3), [("soap", 1)])
    street.add(old, gone)
    street.buys(phone_of(4), 300, 200, 100, 3)
    street.buys(phone_of(5), 6, 4, 2)
    street.learn()

    def change(event: Event, **body: Any) -> Event:
        street.made += 1
        key = street.made.to_bytes(8, "big")
        told = {**event.body, **body}
        return replace(event, kind="order-change", at=NOW, message_id=key, body=told)

    def compare() -> None:
        for days, least in ((7, 1), (7, 2), (7, 3), (250, 2), (250, 3), (400, 4)):
            said = who(street, {"did": "bought", "item": "soap", "within_days": days,
                                "at_least": least})  # fmt: skip
            by_hand = bought_by_hand(street, days)
            soap = street.item("soap")
            assert said == {
                one for (one, item), n in by_hand.items() if item == soap and n >= least
            }

    compare()
    # An order of long ago, of which a part was given back, was not made anew.
    street.add(change(old, refunded=100))
    compare()
    street.add(change(gone, status="closed"))
    compare()
    # Something sent back was not bought.
    street.add(street.event(phone_of(6), NOW - timedelta(hours=1), kind="return"))
    compare()
    street.add(street.event(phone_of(7), NOW - timedelta(hours=1)))
    compare()
    store = street.shop.store.people
    store.merge(street.person(phone_of(7)), street.person(phone_of(5)), reason="x", at=NOW)
    compare()


def test_of_three_who_became_one_the_latest_sign_of_life_counts(street: Town) -> None:
    for k, days in ((1, 20), (2, 1), (3, 40)):
        does(street, k, "view", item=street.item("soap"), days_ago=days)
    rule = {"last_seen_days": {"at_most": 1.5}}
    assert who(street, rule) == ids(street, 2)
    store = street.shop.store.people
    for k in (2, 3):
        store.merge(street.person(phone_of(1)), street.person(phone_of(k)), reason="x", at=NOW)
    assert who(street, rule) == ids(street, 1)


def test_an_old_order_told_anew_is_no_sign_of_life(street: Town) -> None:
    assert who(street, {"last_seen_days": {"at_most": 1}}) == set()
    (old,) = street.shop.store.log.of([street.actor(phone_of(1))], kinds=("order",))
    body = {**old.body, "status": "refunded"}
    street.add(replace(old, kind="order-change", at=NOW, message_id=b"anew", body=body))
    street.add(street.event(phone_of(2), NOW, kind="return"))
    does(street, 3, "viewed")
    does(street, 3, "contact")
    assert who(street, {"last_seen_days": {"at_most": 1}}) == set()
    assert portrait(street.shop, phone_of(1), NOW).last_seen == NOW - timedelta(days=300)


def test_whoever_asked_not_to_be_profiled_is_in_no_audience_of_behaviour(street: Town) -> None:
    does(street, 0, "view", item=1)
    does(street, 1, "view", item=1)
    said = Consent("profiling", "*", ConsentState.WITHDRAWN, NOW, "told")
    street.shop.store.people.state_consent(street.actor(phone_of(1)), [said])
    assert who(street, {"did": "viewed"}) == ids(street, 0)


def test_why_somebody_is_in_it_or_not(street: Town) -> None:
    rule = {"all": [{"orders": {"at_least": 1}}, {"last_order_days": {"at_most": 10}}]}
    saved(street, rule)
    answer = audiences_show(street.shop, AudienceRequest(name="one", person=phone_of(1)))
    assert answer.fits is False
    assert [(c.text, c.people, c.fits) for c in answer.conditions] == [
        ("orders: at least 1", 3, True),
        ("days since the last order: at most 10", 2, False),
    ]
    assert audiences_show(street.shop, AudienceRequest(name="one", person=phone_of(2))).fits


def test_an_audience_can_be_made_of_others_but_not_of_itself(street: Town) -> None:
    saved(street, {"last_order_days": {"at_most": 10}}, "late")
    saved(street, {"all": [{"audience": "late"}, {"orders": {"at_least": 2}}]}, "both")
    assert audiences_show(street.shop, AudienceRequest(name="both")).people == 1
    assert people(street.shop, PeopleRequest(audience="both")).total == 1
    with pytest.raises(BadInput) as caught:
        saved(street, {"not": {"audience": "both"}}, "late")
    assert (caught.value.code, caught.value.values["path"]) == (
        "audience_circle", "late > both > late",
    )  # fmt: skip
    with pytest.raises(Refused) as used:
        audiences_drop(street.shop, AudienceDrop(name="late"))
    assert used.value.values == {"name": "late", "other": "both"}
    assert audiences_drop(street.shop, AudienceDrop(name="both")).dropped
    with pytest.raises(UnknownName):
        audiences_show(street.shop, AudienceRequest(name="both"))


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ([], "rule"),
        ("{not json", "rule"),
        ({}, "rule"),
        ({"stage": "new", "tier": "low"}, "rule"),
        ({"stage": "asleep"}, "rule.stage"),
        ({"all": []}, "rule.all"),
        ({"all": [{"stage": "new"}, {"orders": 3}]}, "rule.all[1].orders"),
        ({"orders": {"more": 3}}, "rule.orders.more"),
        ({"orders": {"at_least": "3"}}, "rule.orders.at_least"),
        ({"orders": {"at_least": float("nan")}}, "rule.orders.at_least"),
        ({"orders": {"at_least": True}}, "rule.orders.at_least"),
        ({"not": {"did": "smelled"}}, "rule.not.did"),
        ({"did": "viewed", "item": ""}, "rule.item"),
        ({"did": "viewed", "days": 3}, "rule.days"),
        ({"fact": "skin", "is": {"a": 1}}, "rule.is"),
        ({"consent": "marketing", "is": "maybe"}, "rule.is"),
        ({"any": [{"any": [{"audience": 3}]}]}, "rule.any[0].any[0].audience"),
    ],
)
def test_a_rule_that_cannot_be_names_its_field_and_saves_nothing(
    town: Town, rule: Any, field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        saved(town, rule)
    assert (caught.value.code, caught.value.values["field"]) == ("bad_rule", field)
    assert audiences_list(town.shop, AudiencesRequest()).audiences == []


def test_a_rule_has_an_end(town: Town) -> None:
    deep: dict[str, Any] = {"stage": "new"}
    for _ in range(20):
        deep = {"not": deep}
    for rule in (deep, {"any": [{"stage": "new"}] * 500}):
        with pytest.raises(BadInput):
            checked(rule)


@pytest.mark.parametrize("name", ["", " x", "a/b", "a|b", "x" * 65, "a\nb"])
def test_a_name_that_cannot_be_is_refused(town: Town, name: str) -> None:
    rule = {"stage": "new"}
    if name.strip() == "x":
        assert saved(town, rule, name).name == "x"
        return
    with pytest.raises(BadInput) as caught:
        saved(town, rule, name)
    assert caught.value.code == "bad_audience_name"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_condition_is_said_in_both_languages(town: Town, language: str) -> None:
    from dataclasses import replace

    shop = replace(town.shop, language=language)
    rule = {
        "any": [
            {"all": [{"stage": ["new", "lost"]}, {"tier": "high"}, {"intent": "comparing"}]},
            {"not": {"orders": {"at_least": 1, "at_most": 3}}},
            {"spend_minor": {"at_least": 12_345}},
            {"value_minor": {"at_most": 5}},
            {"last_order_days": {"at_most": 5}},
            {"last_seen_days": {"at_most": 5}},
            {"fact": "skin", "is": ["dry", 3, True]},
            {"fact": "skin"},
            *({"did": did, "within_days": 3, "at_least": 2} for did in (
                "viewed", "searched", "liked", "wished", "carted", "shared", "commented",
                "followed", "bought",
            )),
            {"did": "viewed", "category": "masks"},
            {"consent": "marketing", "is": ["given", "unknown", "withdrawn"]},
            {"audience": "late"},
        ]
    }  # fmt: skip
    checked(json.loads(json.dumps(rule)))
    for leaf in [*leaves(rule), rule]:
        said = sentence(shop, leaf)
        assert said
        assert not any(word in said for word in ("rules.", "stages.", "tiers.", "purposes.", "{"))
    assert "123.45" in sentence(shop, {"spend_minor": {"at_least": 12_345}})
