from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from renwei.core.chance import to_id
from renwei.core.errors import Ambiguous, UnknownName
from renwei.core.nouns import Consent, ConsentState, Decision, Fact, Item, Told
from renwei.people.dossier import dossier
from renwei.people.listing import PeopleRequest, people
from renwei.people.operations import (
    BandsRequest,
    MergeRequest,
    MergesRequest,
    PersonRequest,
    UnmergeRequest,
    merge,
    merges,
    person,
    stages,
    tiers,
    unmerge,
)
from renwei.people.portrait import mask, portrait_of
from renwei.people.preferences import at_least, part_of_day, preferences

DAY = timedelta(days=1)
PHONE = "+8613700000001"


def page(town: Any, phone: str = PHONE, **more: Any) -> Any:
    return portrait_of(town.shop, town.person(phone), town.shop.clock.now(), **more)


def test_one_order_infers_nothing_and_says_so(town: Any) -> None:
    town.buys(PHONE, 3)
    shown = page(town)
    assert shown.preferences == []
    assert shown.note == "only 1 order: nothing inferred yet"


def test_each_preference_names_the_orders_that_show_it(town: Any) -> None:
    town.item("soap", category="wash")
    town.buys(PHONE, 3, 33, 63, title="soap")
    town.buys(PHONE, 13, title="towel")
    liked = {(p.kind, p.value): p for p in page(town).preferences}
    wash = liked["category", "wash"]
    assert (wash.orders, wash.share) == (3, 0.75)
    seen = {e.seq: e for e in town.shop.store.log.read()}
    soap = town.item("soap")
    assert len(wash.evidence) == 3
    assert all(soap in [line[0] for line in seen[e.seq].body["lines"]] for e in wash.evidence)
    assert ("item", "towel") not in liked
    assert 0 < wash.confidence < wash.share


def test_a_refunded_order_is_no_evidence(town: Any) -> None:
    now = town.shop.clock.now()
    town.buys(PHONE, 33, title="soap")
    town.add(town.event(PHONE, now - 3 * DAY, order="bb"))
    assert page(town).preferences
    change = {"order": "bb", "kind": "order-change", "status": "refunded"}
    town.add(town.event(PHONE, now - DAY, **change))
    assert page(town).preferences == []


def test_whose_only_order_was_given_back_has_none_on_the_page_and_in_the_list(town: Any) -> None:
    now = town.shop.clock.now()
    town.buys("+8613700000002", 3, 33, 63)
    town.add(town.event(PHONE, now - 3 * DAY, order="bb"))
    town.learn()
    assert page(town).orders == 1
    town.add(town.event(PHONE, now, kind="order-change", order="bb", status="refunded"))
    shown = page(town)
    assert (shown.orders, shown.spend_minor, shown.last_order, shown.stage) == (0, 0, None, "")
    assert (shown.value, shown.chance_30_days) == (None, None)
    (line,) = people(town.shop, PeopleRequest(query=PHONE)).people
    assert (line.orders, line.spend_minor, line.last_order, line.value_minor) == (0, 0, None, 0)
    assert (line.stage, line.tier) == ("", "")


def test_money_is_told_in_what_it_was_paid_in(town: Any) -> None:
    now = town.shop.clock.now()
    for days in (3, 33, 63):
        town.add(town.event(PHONE, now - days * DAY, currency="USD"))
    town.add(town.event(PHONE, now - DAY, currency="CNY"))
    town.learn()
    shown = page(town)
    assert (shown.currency, shown.spend_minor) == ("CNY", 1_000)
    assert [one.currency for one in shown.touches] == ["CNY", "USD", "USD", "USD"]
    settings = replace(town.shop.settings, currency="EUR")
    town = replace(town, shop=replace(town.shop, settings=settings))
    town.learn()
    # Nothing was paid in euros: the sums are in what most orders are in.
    shown = page(town)
    assert (shown.currency, shown.spend_minor) == ("USD", 3_000)


def test_who_refused_profiling_is_not_profiled(town: Any) -> None:
    town.buys(PHONE, 3, 33, 63)
    no = Consent("profiling", "*", ConsentState.WITHDRAWN, town.shop.clock.now(), "test")
    town.shop.store.people.state_consent(town.actor(PHONE), [no])
    shown = page(town)
    assert shown.preferences == []
    assert "not to be profiled" in shown.note


def test_touches_are_the_last_twenty_newest_first_with_refunds_and_contacts(town: Any) -> None:
    now = town.shop.clock.now()
    town.buys(PHONE, *(float(d) for d in range(5, 35)))
    town.add(town.event(PHONE, now - DAY, kind="order-change", order="cc", refunded=300))
    town.add(
        town.event(PHONE, now - DAY / 2, [], value=0, kind="contact", done="done", decision="d-1")
    )
    touches = page(town).touches
    assert len(touches) == 20
    times = [t.at for t in touches]
    assert times == sorted(times, reverse=True)
    assert (touches[0].kind, touches[0].status, touches[0].decision_id) == (
        "contact",
        "done",
        "d-1",
    )
    assert (touches[1].kind, touches[1].refunded_minor) == ("order-change", 300)
    assert touches[2].what == ["soap"]


def test_nothing_after_the_asked_time_is_shown(town: Any) -> None:
    now = town.shop.clock.now()
    town.buys(PHONE, 3, 33, 63)
    late = Consent("marketing", "*", ConsentState.GIVEN, now - DAY, "late")
    town.shop.store.people.state_consent(town.actor(PHONE), [late])
    then = portrait_of(town.shop, town.person(PHONE), now - 10 * DAY)
    assert all(t.at <= now - 10 * DAY for t in then.touches)
    assert then.consent["marketing"]["*"] == "unknown"
    assert then.statements == []


def test_facts_carry_their_source_and_a_correction_outranks_what_was_told(town: Any) -> None:
    town.buys(PHONE, 3)
    now, people = town.shop.clock.now(), town.shop.store.people
    told = Fact("skin", "oily", Told.TOLD, "form", now)
    corrected = Fact("skin", "dry", Told.CORRECTED, "by hand", now - DAY)
    people.learn_facts(town.actor(PHONE), [corrected, told])
    fact = page(town).facts[0]
    assert (fact.value, fact.told, fact.source) == ("dry", "corrected", "by hand")


def test_masking_hides_the_middle_of_names_and_identifiers(town: Any) -> None:
    town.buys(PHONE, 3)
    town.shop.store.people.keep_many([(town.actor(PHONE), "name", "王小梅")])
    open_, hidden = page(town), page(town, masked=True)
    assert open_.name == "王小梅"
    assert open_.identifiers == {"phone": [PHONE]}
    text = msgspec.json.encode(hidden).decode()
    assert "王小梅" not in text
    assert PHONE not in text
    assert "13700000" not in text


@pytest.mark.parametrize("text", ["李", "李雷", "a@b.cn", "+8613912345678", "taobao:nick"])
def test_a_mask_keeps_the_length_and_hides_something(text: str) -> None:
    assert len(mask(text)) == len(text)
    assert len(text) == 1 or "*" in mask(text)


def test_the_page_is_found_by_phone_as_written_and_by_our_id(town: Any) -> None:
    town.buys(PHONE, 3, 40)
    by_phone = person(town.shop, PersonRequest(person="13700000001"))
    by_id = person(town.shop, PersonRequest(person=to_id(town.person(PHONE))))
    assert by_phone.person == by_id.person == to_id(town.person(PHONE))
    assert by_phone.orders == 2
    assert by_phone.value is not None
    assert by_phone.value.low <= by_phone.value.value <= by_phone.value.high
    with pytest.raises(UnknownName):
        person(town.shop, PersonRequest(person="13799999999"))


def test_several_matches_do_nothing(town: Any) -> None:
    for phone in (PHONE, "+8613700000002"):
        town.buys(phone, 3)
        town.shop.store.people.keep_many([(town.actor(phone), "name", "王小梅")])
    with pytest.raises(Ambiguous) as caught:
        person(town.shop, PersonRequest(person="王小梅"))
    assert len(caught.value.values["matches"]) == 2


def test_a_merge_joins_two_pages_and_undoing_it_parts_them(town: Any) -> None:
    other = "+8613700000002"
    town.buys(PHONE, 3, 40)
    town.buys(other, 5)
    made = merge(town.shop, MergeRequest(kept=PHONE, gone=other))
    assert made.reason == "by_hand"
    assert person(town.shop, PersonRequest(person=other)).orders == 3
    assert [m.id for m in merges(town.shop, MergesRequest(person=PHONE)).merges] == [made.id]
    assert unmerge(town.shop, UnmergeRequest(merge=made.id)).undone
    assert len(page(town, other).touches) == 1
    with pytest.raises(UnknownName):
        unmerge(town.shop, UnmergeRequest(merge="nonsense"))


def test_what_was_decided_about_either_of_two_who_became_one_is_of_the_one(town: Any) -> None:
    other, now = "+8613700000002", town.shop.clock.now()
    for number, phone in enumerate((PHONE, other)):
        town.buys(phone, 3)
        town.shop.store.ledger.record(
            Decision(
                id=f"019b76da-a800-7c3e-8d8e-0f6a2b4c1d2{number}", surface="today",
                person=town.person(phone), at=now - DAY, unit=1, salt="", items=(0,), scores=(0,),
                sources=("",), codes=("",), removed=(), chosen=(0,), odds=(1.0,), policy="best@1",
            )
        )  # fmt: skip
    town.shop.store.people.merge(town.person(PHONE), town.person(other), reason="x", at=now)
    assert [one.kind for one in page(town).touches].count("decision") == 2
    whole = dossier(town.shop, town.person(PHONE), now)
    assert len(whole["decisions"]) == 2
    assert len(whole["events"]) == 2


def test_tiers_add_up_and_list_their_people(crowded: Any) -> None:
    at = crowded.shop.clock.now()
    told = tiers(crowded.shop, BandsRequest(at=at, list="high", limit=500))
    column = crowded.shop.shelf.get("people").columns
    assert sum(t.people for t in told.tiers) == len(column["person"])
    assert sum(t.budget_share for t in told.tiers) == pytest.approx(1, abs=0.001)
    assert sum(t.expected_minor for t in told.tiers) == pytest.approx(
        column["year_value"].sum(), rel=1e-6
    )
    assert len(told.listed) == told.tiers[0].people
    values = [one.value_minor for one in told.listed]
    assert values == sorted(values, reverse=True)
    assert min(values) >= told.edges_minor[0] / 1.25
    assert told.stayed is not None
    assert told.stayed > 0.8
    assert told.held_out["ratio"] > 0
    with pytest.raises(UnknownName) as caught:
        tiers(crowded.shop, BandsRequest(at=at, list="hihg"))
    assert caught.value.values["suggestion"] == "high"


def test_the_flow_between_stages_keeps_everybody(crowded: Any) -> None:
    at = crowded.shop.clock.now()
    told = stages(crowded.shop, BandsRequest(at=at))
    assert sum(s.people for s in told.stages) == len(
        crowded.shop.shelf.get("people").columns["person"]
    )
    assert [s.people for s in told.stages] == told.flow[-1].counts
    for before, month in zip(told.flow, told.flow[1:], strict=False):
        assert [sum(row) for row in month.moves] == before.counts
        came = [sum(row[k] for row in month.moves) + month.joined[k] for k in range(5)]
        assert came == month.counts


def test_a_share_seen_often_is_surer_than_the_same_share_seen_once() -> None:
    assert at_least(1, 2) < at_least(5, 10) < at_least(500, 1000) < 0.5


def test_every_hour_has_a_part_of_the_day() -> None:
    parts = [part_of_day(datetime(2026, 1, 1, h, tzinfo=UTC)) for h in range(24)]
    assert set(parts) == {"night", "morning", "forenoon", "noon", "afternoon", "evening"}
    assert parts[3] == parts[23] == "night"


def test_no_orders_prefer_nothing() -> None:
    item = Item(1, "product", "a", "a")
    assert preferences([], {1: item}, zone="UTC") == []
