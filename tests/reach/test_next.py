from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.reach.shops import AT, Bench

from renwei.core.chance import to_id
from renwei.core.decide import replays
from renwei.core.errors import UnknownName
from renwei.core.nouns import Ask, Consent, ConsentState, Event, Item
from renwei.core.store import Named
from renwei.core.tallies import Tally
from renwei.learn.behaviour import rows_of
from renwei.reach.answers import ItemShown, TodayRequest
from renwei.reach.listing import draw_up
from renwei.reach.marks import mark
from renwei.reach.next import NextAnswer, NextRequest, next_for
from renwei.reach.operations import today
from renwei.reach.plan import Limits
from renwei.reach.present import present
from renwei.reach.sources import contacts
from renwei.testing import check_source


def looks(
    bench: Bench, actor: int, kind: str, item: int = 0, *, minutes_ago: float = 5, **body: Any
) -> Event:
    """Something a person did in the app, as it lies in the log."""
    bench.count += 1
    at = AT - timedelta(minutes=minutes_ago)
    message = bench.store.people.keyed(f"live|{bench.count}")
    event = Event(actor, kind, at, message, item, body=body, source="key:1")
    bench.store.log.append([event], AT)
    return event


def fold(bench: Bench) -> None:
    """What the fold behind the log does, for events without searches."""
    tallies, log = bench.store.tallies, bench.store.log
    rows = [
        Tally(
            e.actor,
            name,
            item,
            int(e.at.timestamp() // 86_400),
            1,
            amount,
            int(e.at.timestamp() * 1e6),
        )
        for e in log.read(after=tallies.position("interests"))
        for name, item, amount in rows_of(e.kind, e.item, e.body, {})
    ]
    tallies.add("interests", rows, log.position())


def asked(bench: Bench, actor: int) -> NextAnswer:
    return next_for(bench.shop, NextRequest(person=to_id(actor)))


def test_a_look_changes_the_next_decision_before_any_sum_knows_it(sure: Bench) -> None:
    guest = sure.person("Ann")
    assert asked(sure, guest).line is None
    item = sure.items[3]
    for k in range(3):
        looks(sure, guest, "view", item, minutes_ago=9 - k, dwell_ms=30_000)
    answer = asked(sure, guest)
    assert answer.line is not None
    assert answer.line.item is not None
    assert answer.line.item.number == item
    (reason,) = answer.reasons
    assert reason.text == "Looked at Soap 3 (3 ×, 90 s in all), last today."
    assert answer.knew.looks == 3
    assert answer.knew.last_seen == AT - timedelta(minutes=7)


def test_it_says_the_same_once_the_sums_know_it(sure: Bench) -> None:
    guest = sure.person("Ann")
    for k in range(4):
        looks(sure, guest, "view", sure.items[5], minutes_ago=9 - k, dwell_ms=12_000)
    before = asked(sure, guest)
    fold(sure)
    after = asked(sure, guest)
    assert before.line is not None
    assert after.line is not None
    one, two = (sure.store.ledger.get(a.decision_id) for a in (before, after))
    assert one is not None
    assert two is not None
    assert (one.items, one.scores, one.chosen, one.reasons) == (
        two.items, two.scores, two.chosen, two.reasons,
    )  # fmt: skip


def test_the_decision_is_recorded_and_replays(sure: Bench) -> None:
    guest = sure.person("Ann")
    looks(sure, guest, "cart", sure.items[1])
    answer = asked(sure, guest)
    decision = sure.store.ledger.get(answer.decision_id)
    assert decision is not None
    assert decision.surface == "today"
    assert replays(decision) == "same"
    assert decision.consent == "care:unknown"
    assert answer.odds == decision.odds[0] == 1.0
    assert decision.reasons[0].evidence == (sure.store.log.position(),)


def test_nothing_is_an_answer_with_its_reason(sure: Bench) -> None:
    guest = sure.person("Ann")
    sure.order(guest, 2, [(0, 1)])
    sure.ready(AT)
    answer = asked(sure, guest)
    assert answer.line is None
    assert answer.reasons == []
    assert [one.code for one in answer.why_not] == ["no_occasion"]


def test_whoever_asked_not_to_be_profiled_is_not_watched(sure: Bench) -> None:
    guest = sure.person("Ann")
    for _ in range(3):
        looks(sure, guest, "view", sure.items[3], dwell_ms=60_000)
    sure.consent(guest, "withdrawn", "profiling")
    assert asked(sure, guest).line is None
    fold(sure)
    assert asked(sure, guest).line is None


def test_whoever_was_contacted_or_said_no_is_left_alone(sure: Bench) -> None:
    ann, bob = sure.person("Ann"), sure.person("Bob")
    for guest in (ann, bob):
        looks(sure, guest, "cart", sure.items[2])
    line = asked(sure, ann)
    mark(sure.shop, line.decision_id, "done")
    assert [one.code for one in asked(sure, ann).why_not] == ["removed_contacted_lately"]
    sure.consent(bob, "withdrawn")
    assert [one.code for one in asked(sure, bob).why_not] == ["removed_consent_withdrawn"]


def test_an_order_after_the_estimates_is_known_at_once(sure: Bench) -> None:
    sure.crowd(60)
    guest = sure.person("Ann")
    sure.ready(AT)
    assert asked(sure, guest).knew.orders == 0
    looks(sure, guest, "cart", sure.items[4], minutes_ago=30)
    sure.order(guest, 0.01, [(4, 1)])
    answer = asked(sure, guest)
    assert (answer.knew.orders, answer.knew.stage, answer.knew.fresh) == (1, "new", True)
    assert answer.line is None or answer.line.item.number != sure.items[4]  # type: ignore[union-attr]


def test_no_answer_learns_anything(sure: Bench) -> None:
    sure.crowd(40)
    sure.ready(AT)
    version = sure.shop.shelf.get("people").version  # type: ignore[union-attr]
    guest = sure.person("Ann")
    sure.order(guest, 1, [(4, 1)])
    answer = asked(sure, guest)
    assert sure.shop.shelf.get("people").version == version  # type: ignore[union-attr]
    assert answer.knew.as_of == AT.isoformat()


def test_likes_lift_and_unlikes_take_back(sure: Bench) -> None:
    guest = sure.person("Ann")
    item = sure.items[7]
    looks(sure, guest, "view", item, minutes_ago=9)
    looks(sure, guest, "like", item, minutes_ago=8)
    assert [one.code for one in asked(sure, guest).reasons] == ["interest_like"]
    looks(sure, guest, "unlike", item, minutes_ago=7)
    assert asked(sure, guest).line is None


def test_a_follow_lifts_what_the_brand_makes(sure: Bench) -> None:
    made = sure.store.items.upsert(
        [Item(0, "product", "B1", "Clay mask", "masks", 5_000, facts={"brand": "Pebble"})]
    )[0]
    guest = sure.person("Ann")
    looks(sure, guest, "view", made, minutes_ago=9)
    assert asked(sure, guest).line is None
    looks(sure, guest, "follow", creator="pebble")
    answer = asked(sure, guest)
    assert answer.line is not None
    assert answer.line.item == ItemShown(number=made, code="B1", title="Clay mask")
    looks(sure, guest, "unfollow", minutes_ago=1, creator="pebble")
    assert asked(sure, guest).line is None


def test_a_search_lifts_what_it_finds(sure: Bench) -> None:
    guest = sure.person("Ann")
    looks(sure, guest, "search", minutes_ago=9, keyword="soap 33")
    looks(sure, guest, "view", sure.items[33], minutes_ago=8)
    (reason,) = asked(sure, guest).reasons
    assert reason.text.endswith("searched for “soap 33”.")


def test_a_correction_keeps_a_thing_away_and_its_undo_brings_it_back(sure: Bench) -> None:
    guest = sure.person("Ann")
    looks(sure, guest, "cart", sure.items[3])
    assert asked(sure, guest).line is not None
    papers = sure.store.papers
    papers.put("correction", to_id(guest), {"no": [["item", "Soap 3"]]}, by="mei", at=AT)
    assert [one.code for one in asked(sure, guest).why_not] == ["removed_corrected"]
    papers.put("correction", to_id(guest), {"no": []}, by="mei", at=AT)
    assert asked(sure, guest).line is not None


def test_what_is_bought_after_the_look_is_no_open_question(sure: Bench) -> None:
    guest = sure.person("Ann")
    for k in range(3):
        looks(sure, guest, "view", sure.items[6], minutes_ago=60 * 24 - k, dwell_ms=60_000)
    assert asked(sure, guest).line is not None
    sure.order(guest, 0.2, [(6, 1)])
    answer = asked(sure, guest)
    assert answer.line is None or answer.line.kind != "interest"


def test_somebody_held_out_gets_nothing_and_is_told_why(bench: Bench) -> None:
    from dataclasses import replace

    bench.shop = replace(bench.shop, settings=replace(bench.shop.settings, holdout=1.0))
    guest = bench.person("Ann")
    looks(bench, guest, "cart", bench.items[3])
    answer = asked(bench, guest)
    assert answer.line is None
    assert next(one.code for one in answer.why_not) == "holdout"


def test_an_unknown_person_is_an_error(bench: Bench) -> None:
    with pytest.raises(UnknownName):
        next_for(bench.shop, NextRequest(person="nobody@example.com"))


def test_anonymous_people_count_too(sure: Bench) -> None:
    actor = sure.store.people.actors([Named("anonymous", "a-1")], AT)[0]
    looks(sure, actor, "cart", sure.items[3])
    assert asked(sure, actor).line is not None


def test_the_day_s_list_and_the_single_answer_agree_on_interest(sure: Bench) -> None:
    actors = sure.crowd(60)
    for k, actor in enumerate(actors[:30]):
        for _ in range(1 + k % 4):
            looks(sure, actor, "view", sure.items[k], minutes_ago=600 + k, dwell_ms=9_000 * k)
        looks(sure, actor, "like", sure.items[(k + 5) % 80], minutes_ago=300)
    fold(sure)
    sure.ready(AT)
    drawn = draw_up(sure.shop, AT, Limits(1_000))
    asks = [Ask(actor, drawn.surface, AT) for actor in actors]
    (many,) = [s for s in drawn.sources if s.name == "interest"]
    check_source(many, asks)
    some = 0
    for ask in asks:
        alone = present(sure.shop, ask.person, AT).basis
        (one,) = [s for s in contacts(alone, sure.store) if s.name == "interest"]
        slate = many.propose(ask)
        assert (one.propose(ask).items, one.propose(ask).scores) == (slate.items, slate.scores)
        some += len(slate)
    assert some > 20


def test_looks_are_on_the_list_with_a_draft_that_does_not_tell_of_them(sure: Bench) -> None:
    guest = sure.person("Ann")
    sure.order(guest, 200, [(0, 1)])
    for k in range(3):
        looks(sure, guest, "view", sure.items[3], minutes_ago=9 - k, dwell_ms=30_000)
    fold(sure)
    (line,) = today(sure.shop, TodayRequest(limit=10)).people
    assert line.kind == "interest"
    assert "90 s" in line.reasons[0].text
    assert "Soap 3" in line.draft
    assert not any(word in line.draft for word in ("looked", "times", "90"))


def test_an_interest_without_its_cause_is_worth_less(sure: Bench) -> None:
    guest = sure.person("Ann")
    looks(sure, guest, "cart", sure.items[3])
    now = present(sure.shop, guest, AT)
    (source,) = [s for s in contacts(now.basis, sure.store) if s.name == "interest"]
    ask = Ask(guest, draw_up(sure.shop, AT, Limits(1)).surface, AT)
    (score,) = source.propose(ask).scores
    reason = source.reason(ask, sure.items[3])
    assert reason.code == "interest_cart"
    assert source.rescore(ask, sure.items[3], reason) * 1024 < score


def test_consent_given_needs_no_question_in_the_draft(sure: Bench) -> None:
    guest = sure.person("Ann", marketing="given")
    looks(sure, guest, "cart", sure.items[3])
    line = asked(sure, guest).line
    assert line is not None
    assert line.consent_state == "given"
    statement = Consent("care", "*", ConsentState.WITHDRAWN, AT, "test")
    sure.store.people.state_consent(guest, [statement])
    assert asked(sure, guest).line is None


def test_the_catalogue_is_read_again_only_where_something_in_it_changed(sure: Bench) -> None:
    person = sure.store.people.actors([Named("phone", "+8613900000077")], AT)[0]
    first = present(sure.shop, person, AT).shared
    # Care about each product is entered with the first answer: that is a change too.
    settled = present(sure.shop, person, AT + timedelta(seconds=40)).shared
    later = present(sure.shop, person, AT + timedelta(seconds=80)).shared
    assert later.texts is settled.texts
    assert later.read_at > settled.read_at
    number = sure.store.items.upsert([Item(0, "product", "new-77", "Seventy-seven soap", "")])[0]
    assert number not in first.texts
    assert number in present(sure.shop, person, AT + timedelta(seconds=120)).shared.texts
