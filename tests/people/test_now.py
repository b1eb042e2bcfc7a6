from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.people.conftest import NOW, Town, phone_of

from renwei.core.nouns import Consent, ConsentState, Event, Item
from renwei.people.bands import flow as stage_flow
from renwei.people.flow import FlowAnswer, FlowRequest, LearnFlow, flow, learn_flow
from renwei.people.leanings import standing
from renwei.people.now import fresh, made_anew, peers_now
from renwei.people.operations import PersonRequest, person
from renwei.people.sight import Portrait

PHONE = phone_of(900)


def page(town: Town, phone: str = PHONE) -> Portrait:
    return person(town.shop, PersonRequest(person=phone))


def does(town: Town, kind: str, minutes_ago: float = 1, *, item: int = 0, **body: Any) -> Event:
    town.made += 1
    at = NOW - timedelta(minutes=minutes_ago)
    event = Event(town.actor(PHONE), kind, at, b"n%d" % town.made, item, body=body)
    town.add(event)
    return event


def test_a_row_made_anew_says_of_orders_and_stage_what_learning_says(crowded: Town) -> None:
    held = crowded.shop.shelf.get("people")
    assert held is not None
    peers = peers_now(held)
    for row in range(0, 200, 7):
        one = int(held.columns["person"][row])
        made = made_anew(crowded.shop, one, NOW, peers)
        for name in ("orders", "spend_minor", "first_us", "last_us", "stage"):
            assert made[name] == held.columns[name][row], name
        assert made["gap_days"] == pytest.approx(float(held.columns["gap_days"][row]), rel=1e-5)
        assert made["silence"] == pytest.approx(float(held.columns["silence"][row]), abs=1e-5)
        assert fresh(crowded.shop, one, NOW) is None


def test_chances_of_people_like_her_are_within_those_there_are(crowded: Town) -> None:
    held = crowded.shop.shelf.get("people")
    assert held is not None
    for name, column in peers_now(held).items():
        assert (column >= 0).all(), name
        if name == "p30":
            assert column.max() <= held.columns["p30"].max()


def test_an_order_moves_stage_and_sums_on_the_page_without_learning(town: Town) -> None:
    town.crowd(40)
    town.learn()
    assert page(town, phone_of(1)).fresh is False
    version = town.shop.shelf.get("people").version  # type: ignore[union-attr]
    town.add(town.event(PHONE, NOW - timedelta(hours=2), value=4_200))
    shown = page(town)
    assert (shown.fresh, shown.orders, shown.spend_minor, shown.stage) == (True, 1, 4_200, "new")
    assert shown.value is not None
    assert 0 <= shown.value.low <= shown.value.value <= shown.value.high
    assert town.shop.shelf.get("people").version == version  # type: ignore[union-attr]
    town.learn()
    shown = page(town)
    assert (shown.fresh, shown.orders, shown.stage) == (False, 1, "new")


def test_an_old_customer_who_orders_again_is_returning_at_once(town: Town) -> None:
    town.crowd(60)
    town.buys(PHONE, 400, 380, 360)
    town.learn()
    assert page(town).stage == "lost"
    town.add(town.event(PHONE, NOW - timedelta(hours=1)))
    assert page(town).stage == "returning"


def test_a_page_of_the_past_still_sees_nothing_later(town: Town) -> None:
    town.buys(PHONE, 30, 3)
    then = NOW - timedelta(days=10)
    shown = person(town.shop, PersonRequest(person=PHONE, at=then))
    assert shown.orders == 1


def test_looks_and_likes_become_leanings_with_the_events_that_say_so(town: Town) -> None:
    mask = town.shop.store.items.upsert(
        [Item(0, "product", "M", "面膜", "masks", 9_900, "CNY", {"brand": "Pebble"})]
    )[0]
    soap = town.item("soap", category="wash")
    seqs = []
    for k in range(3):
        does(town, "view", 60 - k, item=mask, dwell_ms=31_000)
    does(town, "view", 30, item=soap)
    does(town, "search", 20, keyword="补水")
    does(town, "search", 19, keyword="补水")
    does(town, "follow", 18, creator="小美")
    seqs = [event.seq for event in town.shop.store.log.read()]
    liked = {(one.kind, one.value): one for one in page(town).preferences}
    assert set(liked) == {
        ("item", "面膜"), ("category", "masks"), ("brand", "Pebble"), ("keyword", "补水"),
        ("creator", "小美"),
    }  # fmt: skip
    one = liked["category", "masks"]
    assert (one.basis, one.events, one.seconds, one.share) == ("behaviour", 3, 93, 0.75)
    assert [evidence.seq for evidence in one.evidence] == seqs[2::-1]
    assert {evidence.kind for evidence in one.evidence} == {"view"}
    assert 0 < one.confidence < one.share
    assert one.text == "looks at masks (3 times, 93 s)"
    assert liked["creator", "小美"].text == "follows 小美"
    assert liked["creator", "小美"].confidence == 1.0
    assert page(town).note == ""


def test_one_glance_and_one_order_infer_nothing(town: Town) -> None:
    town.buys(PHONE, 3)
    does(town, "view", item=town.item("soap"))
    shown = page(town)
    assert shown.preferences == []
    assert shown.note == "only 1 order: nothing inferred yet"


def test_what_is_taken_back_is_no_leaning(town: Town) -> None:
    soap = town.item("soap")
    events = [
        does(town, "like", 9, item=soap),
        does(town, "unlike", 8, item=soap),
        does(town, "follow", 7, creator="Mei"),
        does(town, "unfollow", 6, creator="mei"),
        does(town, "follow", 5, creator="Ann"),
        does(town, "unlike", 4, item=soap),
        does(town, "like", 3, item=soap),
    ]
    assert [event.kind for event in standing(events)] == ["like", "follow"]
    assert {one.value for one in page(town).preferences} == {"Ann"}


def test_a_no_to_profiling_closes_leanings_and_intent(town: Town) -> None:
    for k in range(4):
        does(town, "view", k + 1, item=town.item("soap"))
    assert page(town).intent == "comparing"
    said = Consent("profiling", "*", ConsentState.WITHDRAWN, NOW, "told")
    town.shop.store.people.state_consent(town.actor(PHONE), [said])
    shown = page(town)
    assert (shown.preferences, shown.intent) == ([], "")
    assert shown.note == "asked not to be profiled: nothing is inferred"


@pytest.mark.parametrize(
    ("kinds", "intent"),
    [
        (["view"], "browsing"),
        (["view", "view", "view"], "comparing"),
        (["view", "cart"], "about_to_buy"),
        (["cart", "uncart"], "browsing"),
        (["cart", "help"], "needs_help"),
        (["cart", "order"], ""),
        (["identify"], ""),
    ],
)
def test_intent_follows_from_what_was_done_lately(
    town: Town, kinds: list[str], intent: str
) -> None:
    item = town.item("soap")
    for k, kind in enumerate(kinds):
        minutes = 30 - k
        if kind == "order":
            town.add(town.event(PHONE, NOW - timedelta(minutes=minutes)))
        elif kind == "help":
            does(town, "page", minutes, path="/help/returns")
        else:
            does(town, kind, minutes, item=item)
    shown = page(town)
    assert shown.intent == intent
    assert bool(shown.intent_evidence) == bool(intent)
    assert (shown.intent_text != "") == bool(intent)


def test_intent_passes_with_time(town: Town) -> None:
    does(town, "cart", 60 * 24 * 5, item=town.item("soap"))
    assert page(town).intent == "browsing"
    town.shop.clock.advance(timedelta(days=8))  # type: ignore[attr-defined]
    assert page(town).intent == ""
    town.shop.clock.advance(timedelta(days=-8))  # type: ignore[attr-defined]


def asked(town: Town) -> FlowAnswer:
    return flow(town.shop, FlowRequest())


def test_the_flow_counts_everybody_and_agrees_with_the_stages(crowded: Town) -> None:
    answer = asked(crowded)
    assert answer.people == answer.everybody == 200
    same = {month.month: month for month in stage_flow(crowded.shop, NOW)}
    assert len(answer.months) == len(same)
    for month in answer.months:
        assert month.stages.counts == same[month.month].counts
        assert month.stages.moves == same[month.month].moves
        for side in (month.stages, month.tiers):
            came = [sum(column) for column in zip(*side.moves, strict=True)]
            total = [a + b for a, b in zip(came, side.joined, strict=True)]
            assert total == side.counts
        assert sum(month.tiers.counts) == sum(month.stages.counts)
    months = len(answer.months)
    assert months > 10
    assert [month.partial for month in answer.months] == [False] * (months - 1) + [True]


def test_each_tier_has_strategy_share_and_minutes_in_proportion_to_what_can_be_won(
    crowded: Town,
) -> None:
    answer = asked(crowded)
    assert [plan.tier for plan in answer.plans] == ["high", "potential", "low"]
    assert sum(plan.budget_share for plan in answer.plans) == pytest.approx(1, abs=0.001)
    assert sum(plan.staff_minutes for plan in answer.plans) == pytest.approx(40, abs=2)
    total = sum(plan.incremental_minor for plan in answer.plans)
    for plan in answer.plans:
        assert plan.budget_share == pytest.approx(plan.incremental_minor / total, abs=0.001)
        assert plan.strategy
    assert len(answer.guesses) == 3
    assert "guess" in answer.guesses[0]
    assert answer.held_out["ratio"] > 0
    assert "off by" in answer.error_text


def test_a_large_shop_is_judged_by_a_sample_and_says_so(
    crowded: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    from renwei.people import flow as module

    monkeypatch.setattr(module, "SAMPLE", 100)
    drawn = module.drawn(crowded.shop, NOW)
    assert (drawn["people"], drawn["everybody"]) == (100, 200)
    assert sum(drawn["months"][-1]["stages"]["counts"]) == 200


def test_the_picture_of_a_day_is_drawn_once(town: Town) -> None:
    town.crowd(40)
    town.learn()
    version = town.shop.shelf.get("flow").version  # type: ignore[union-attr]
    asked(town)
    assert learn_flow(town.shop, LearnFlow()).people == 40
    assert town.shop.shelf.get("flow").version == version  # type: ignore[union-attr]
    town.shop.clock.advance(timedelta(days=2))  # type: ignore[attr-defined]
    learn_flow(town.shop, LearnFlow())
    assert town.shop.shelf.get("flow").version != version  # type: ignore[union-attr]


def test_a_picture_drawn_before_the_first_import_does_not_stay(town: Town) -> None:
    town.learn()
    assert asked(town).everybody == 0
    town.crowd(30)
    town.learn()
    answer = asked(town)
    assert (answer.everybody, sum(answer.months[-1].stages.counts)) == (30, 30)


def test_a_second_import_and_its_undoing_are_seen_in_the_picture_at_once(town: Town) -> None:
    town.crowd(30)
    town.learn()
    assert asked(town).everybody == 30
    later = town.event("+8613700000001", NOW - timedelta(days=40))
    town.add(replace(later, source="i-2"))
    assert asked(town).everybody == 31
    town.learn()
    town.shop.store.log.withdraw("i-2")
    town.learn()
    assert asked(town).everybody == 30


def test_a_single_live_order_does_not_draw_the_picture_anew(town: Town) -> None:
    town.crowd(30)
    town.learn()
    version = town.shop.shelf.get("flow").version  # type: ignore[union-attr]
    live = [town.event("+8613700000001", NOW - timedelta(hours=k)) for k in range(1, 41)]
    town.add(replace(live[0], source="live"))
    asked(town)
    assert town.shop.shelf.get("flow").version == version  # type: ignore[union-attr]
    town.add(*(replace(event, source="live") for event in live[1:]))
    assert asked(town).everybody == 31


def test_a_first_order_of_an_hour_ago_is_not_taken_for_one_every_hour(town: Town) -> None:
    town.add(town.event(PHONE, NOW - timedelta(hours=1), value=9_900))
    town.learn()
    shown = page(town)
    assert shown.value is not None
    assert shown.value.value < 12 * 9_900


def test_stages_have_their_names_before_anything_was_learnt(town: Town) -> None:
    from renwei.people.listing import PeopleRequest, people

    town.add(town.event(PHONE, NOW - timedelta(hours=1), value=9_900))
    answer = people(town.shop, PeopleRequest())
    assert answer.by_stage["new"] == 1
    assert answer.people[0].stage_text == "new"
