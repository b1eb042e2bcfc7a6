from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.reach.shops import AT, DAY, Bench

from renwei.core.chance import from_id, to_id, u
from renwei.core.errors import UnknownName
from renwei.core.nouns import NOTHING
from renwei.reach import listing
from renwei.reach.answers import (
    DoneRequest,
    Person,
    SkipRequest,
    SnoozeRequest,
    TodayAnswer,
    TodayRequest,
)
from renwei.reach.operations import done, skip, snooze, today


def ask(bench: Bench, **what: Any) -> TodayAnswer:
    what.setdefault("limit", 20)
    return today(bench.shop, TodayRequest(**what))


def persons(answer: TodayAnswer) -> list[str]:
    return [line.person for line in answer.people]


def unlike(line: Person) -> tuple[Any, ...]:
    """All of a line but its id, which is fresh for each recorded decision."""
    return line.person, line.what, line.when, line.draft, line.worth_minor, line.reasons[0].text


def test_a_list_names_who_what_when_how_why_and_a_draft(busy: Bench) -> None:
    answer = ask(busy)
    assert 10 <= len(answer.people) <= 20
    assert (answer.zone, answer.currency, answer.at) == ("Asia/Shanghai", "CNY", AT)
    for line in answer.people:
        assert line.name.startswith("Guest")
        assert line.what
        assert line.channel == f"by hand: Taobao chat ({line.name})"
        assert line.consent == "permission unknown: ask first"
        assert line.reasons[0].text.endswith(".")
        assert len(line.draft) > 40
        worth = line.expected_value_minor
        assert worth.low <= worth.value <= worth.high


def test_the_list_holds_to_the_limit_and_takes_the_best(busy: Bench) -> None:
    long, short = ask(busy, limit=20), ask(busy, limit=5)
    assert len(short.people) <= 5
    assert short.people[0].worth_minor >= long.people[-1].worth_minor
    assert ask(busy, limit=0).people == []


def test_forty_minutes_are_not_overdrawn_and_well_used(busy: Bench) -> None:
    answer = ask(busy, limit=None, minutes=40)
    assert 30 <= answer.minutes <= 40
    assert answer.minutes == sum(line.minutes for line in answer.people)


def test_at_most_a_fifth_of_the_lines_share_one_subject(busy: Bench) -> None:
    for k in range(60):
        guest = busy.person(f"Mask lover {k}")
        for j in range(5):
            busy.order(guest, 30 + 31 * j, [(79, 4)])
    answer = ask(busy)
    shares = Counter(line.what for line in answer.people)
    assert len(answer.people) >= 15
    assert max(shares.values()) <= len(answer.people) / 5
    about = Counter(line.item.number for line in answer.people if line.item)
    assert max(about.values()) <= len(answer.people) / 5


def test_law_9_shared_limits_enter_as_recorded_prices_and_are_reserved(busy: Bench) -> None:
    answer = ask(busy, limit=8, minutes=15)
    made = list(busy.store.ledger.between(AT - DAY, AT + DAY, "today"))
    prices = {tuple(sorted(decision.prices.items())) for decision in made}
    assert len(prices) == 1
    assert {"today/lines", "today/minutes"} & {counter for counter, _ in prices.pop()}
    used = busy.store.counters.used
    assert used("today/lines/2026-06-01/1") == len(answer.people)
    assert used("today/minutes/2026-06-01/1") == answer.minutes <= 15
    # A second list of the day takes the place of the first, also in the reserve.
    again = ask(busy, limit=3)
    assert used("today/lines/2026-06-01/1") == 0
    assert used("today/lines/2026-06-01/2") == len(again.people)


def test_everybody_gets_a_decision_and_nothing_competes_on_everyone(busy: Bench) -> None:
    ask(busy)
    made = list(busy.store.ledger.between(AT - DAY, AT + DAY, "today"))
    assert len(made) == 240
    assert all(NOTHING in decision.items for decision in made)
    assert all(0 < decision.odds[0] <= 1 for decision in made)


def test_the_held_out_are_always_the_same_people_and_never_listed(busy: Bench) -> None:
    held = {p for p in busy.store.people.all_persons() if u(p, "today/holdout") < 0.05}
    for days in range(0, 40, 10):
        answer = ask(busy, at=AT + timedelta(days=days), limit=60)
        assert not held & {from_id(person) for person in persons(answer)}
        assert answer.holdout.share == 0.05
        assert answer.holdout.people == len(held)


def test_asked_again_on_the_same_day_the_list_is_the_same(busy: Bench) -> None:
    first = ask(busy)
    assert [unlike(x) for x in ask(busy).people] == [unlike(x) for x in first.people]


def test_a_list_of_the_past_sees_nothing_later(busy: Bench) -> None:
    before = ask(busy, at=AT - 20 * DAY)
    later = busy.person("Later")
    busy.order(later, -3, [(1, 5)])
    for line in before.people[:6]:
        busy.order(from_id(line.person) or 0, 5, [(7, 30)])
    after = ask(busy, at=AT - 20 * DAY)
    assert [unlike(x) for x in after.people] == [unlike(x) for x in before.people]


def test_one_new_order_changes_its_persons_line(busy: Bench) -> None:
    before = ask(busy)
    line = next(x for x in before.people if x.kind in ("need", "care"))
    busy.order(from_id(line.person) or 0, 0.01, [(line.item.number - 1 if line.item else 0, 2)])
    after = ask(busy)
    now = [x for x in after.people if x.person == line.person]
    assert not now or unlike(now[0]) != unlike(line)
    rest = [unlike(x)[:2] for x in before.people if x.person != line.person]
    kept = [one for one in rest if one in [unlike(x)[:2] for x in after.people]]
    assert len(kept) >= len(rest) - 2


def test_lists_a_week_apart_differ_and_say_why(busy: Bench) -> None:
    first, second = ask(busy), ask(busy, at=AT + 7 * DAY)
    fresh = set(persons(second)) - set(persons(first))
    assert fresh
    gone = [p for p in persons(first) if p not in persons(second)]
    for person in gone[:5]:
        told = ask(busy, at=AT + 7 * DAY, why_not=person).why_not
        assert told is not None
        assert not told.listed
        assert told.reasons
        assert all(reason.text != f"reasons.{reason.code}" for reason in told.reasons)


def test_withdrawn_is_never_listed(busy: Bench) -> None:
    listed = persons(ask(busy))
    for person in listed:
        busy.consent(from_id(person) or 0, "withdrawn")
    after = ask(busy)
    assert not set(listed) & set(persons(after))
    told = ask(busy, why_not=listed[0]).why_not
    assert told is not None
    assert "removed_consent_withdrawn" in [reason.code for reason in told.reasons]


def test_offers_go_only_to_people_who_agreed(busy: Bench) -> None:
    with busy.at_once():
        for k in range(60):
            both = busy.person(f"Both {k}")
            busy.order(both, 12 + k, [(78, 1), (79, 1)])
        for k in range(20):
            guest = busy.person(f"Yes {k}", marketing="given" if k % 2 else "")
            for days in (8, 150):
                busy.order(guest, days, [(78, 1)])
    answer = ask(busy, limit=200)
    offers = [line for line in answer.people if line.kind == "offer"]
    assert offers
    assert {line.consent_state for line in offers} == {"given"}
    assert all(int(line.name.split()[1]) % 2 for line in offers)


def test_an_offer_goes_by_the_channel_that_was_agreed_to(busy: Bench) -> None:
    with busy.at_once():
        for k in range(60):
            both = busy.person(f"Both {k}")
            busy.order(both, 12 + k, [(78, 1), (79, 1)])
        for k in range(20):
            guest = busy.person(f"Mail {k}")
            busy.consent(guest, "given", channel="email")
            busy.store.people.keep_many([(guest, "email", f"m{k}@example.com")])
            for days in (8, 150):
                busy.order(guest, days, [(78, 1)])
    offers = [line for line in ask(busy, limit=200).people if line.kind == "offer"]
    assert offers
    assert all("@example.com" in line.channel for line in offers)
    assert not any("taobao" in line.channel.lower() for line in offers)


def test_who_has_answered_is_not_asked_for_permission(busy: Bench) -> None:
    asked = [x for x in ask(busy, limit=60).people if x.kind == "permission"]
    assert asked
    for line in asked:
        busy.consent(from_id(line.person) or 0, "given")
    again = [x.person for x in ask(busy, limit=60).people if x.kind == "permission"]
    assert not {line.person for line in asked} & set(again)


@pytest.mark.parametrize(
    ("mark", "days_away", "days_back", "guard"),
    [("done", 10, 16, "contacted_lately"), ("skip", 25, 32, "skipped_lately")],
)
def test_a_marked_person_is_left_alone_for_a_while(
    busy: Bench, mark: str, days_away: int, days_back: int, guard: str
) -> None:
    line = ask(busy).people[0]
    if mark == "done":
        done(busy.shop, DoneRequest(decision=line.decision_id))
    else:
        skip(busy.shop, SkipRequest(decision=line.decision_id))
    told = ask(busy, at=AT + days_away * DAY, why_not=line.person).why_not
    assert told is not None
    assert f"removed_{guard}" in [reason.code for reason in told.reasons]
    told = ask(busy, at=AT + days_back * DAY, why_not=line.person).why_not
    assert told is not None
    assert f"removed_{guard}" not in [reason.code for reason in told.reasons]


def test_a_snoozed_person_comes_back_after_the_days_named(busy: Bench) -> None:
    line = ask(busy).people[0]
    snooze(busy.shop, SnoozeRequest(decision=line.decision_id, days=9))
    for days, away in ((5, True), (10, False)):
        told = ask(busy, at=AT + days * DAY, why_not=line.person).why_not
        assert told is not None
        assert ("removed_snoozed" in [reason.code for reason in told.reasons]) is away


def test_who_was_listed_yesterday_is_not_listed_again_today(busy: Bench) -> None:
    first = persons(ask(busy))
    assert not set(first) & set(persons(ask(busy, at=AT + DAY)))
    assert set(first) & set(persons(ask(busy, at=AT + 4 * DAY)))


def test_who_was_listed_under_a_number_that_is_gone_is_left_in_peace_as_well(busy: Bench) -> None:
    busy.without_hold_out()
    gone = from_id(ask(busy).people[0].person) or 0
    kept = busy.person("Twin")
    busy.store.people.merge(kept, gone, reason="phone", at=AT)
    told = ask(busy, at=AT + DAY, why_not=to_id(kept)).why_not
    assert told is not None
    assert "removed_listed_lately" in [reason.code for reason in told.reasons]


def test_why_not_tells_of_each_sort_of_absence(busy: Bench) -> None:
    stranger = busy.person("Stranger")
    said = ask(busy, why_not="Stranger").why_not
    assert said is not None
    assert (said.person, said.reasons[0].code) == (to_id(stranger), "no_orders")
    listed = ask(busy).people[0]
    said = ask(busy, why_not=listed.person).why_not
    assert said is not None
    assert said.listed
    everybody = [p for p in busy.store.people.all_persons() if p != stranger]
    held = next(p for p in everybody if u(p, "today/holdout") < 0.05)
    said = ask(busy, why_not=to_id(held)).why_not
    assert said is not None
    assert said.reasons[0].code == "holdout"
    with pytest.raises(UnknownName, match="unknown_person"):
        ask(busy, why_not="nobody-at-all")


def test_who_is_passed_over_by_chance_alone_is_told_so(
    busy: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy.without_hold_out()
    first = persons(ask(busy, limit=60))
    # Nine in ten are left to chance now, and it leaves about half of those out.
    monkeypatch.setattr(listing, "EXPLORED_SHARE", 100.0)
    monkeypatch.setattr(listing, "MOST_EXPLORED", 0.9)
    told = [ask(busy, limit=60, why_not=person).why_not for person in first[:16]]
    codes = [said.reasons[0].code for said in told if said is not None and not said.listed]
    assert "left_to_chance" in codes


def test_an_empty_shop_has_an_empty_list_and_says_so(bench: Bench) -> None:
    answer = ask(bench)
    assert answer.people == []
    assert "import" in answer.note
    assert answer.holdout.people == 0


def test_nobody_worth_contacting_is_a_fine_answer(bench: Bench) -> None:
    for k in range(30):
        bench.order(bench.person(f"Guest {k}"), 400 + k, [(k, 1)])
    answer = ask(bench)
    assert answer.people == []
    assert answer.note.startswith("Nobody is worth")
    assert answer.left_out["no_occasion"] == 30


def test_everybody_is_accounted_for(busy: Bench) -> None:
    counts = dict(ask(busy).left_out)
    people = counts.pop("people")
    assert people == sum(counts.values()) == 240


def test_when_lies_within_decent_hours_and_not_before_now(busy: Bench) -> None:
    for hours in range(0, 24, 7):
        at = AT + timedelta(hours=hours)
        for line in ask(busy, at=at).people:
            when = datetime.fromisoformat(line.when)
            assert at <= when <= at + 5 * DAY
            assert 9 <= when.hour <= 21


def test_only_listed_peoples_names_are_opened(busy: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    people = busy.store.people
    plain = type(people).open_many

    def noted(self: Any, asked: Any, names: Any) -> Any:
        opened.extend(asked)
        return plain(self, asked, names)

    monkeypatch.setattr(type(people), "open_many", noted)
    answer = ask(busy)
    assert sorted(to_id(p) for p in opened) == sorted(persons(answer))


def test_the_list_of_a_forgotten_person_goes_on_without_them(busy: Bench) -> None:
    line = ask(busy).people[0]
    gone = from_id(line.person) or 0
    actors = busy.store.people.actors_of(gone)
    busy.store.log.forget(actors)
    busy.store.people.forget(gone, AT)
    busy.store.ledger.forget([gone])
    assert line.person not in persons(ask(busy, at=AT + 3 * DAY))


def test_minutes_give_the_best_lines_and_chance_its_usual_share(busy: Bench) -> None:
    lines, by_chance = 0, 0
    for days in range(6):
        answer = ask(busy, limit=None, minutes=20, at=AT + 2 * days * DAY)
        made = [busy.store.ledger.get(line.decision_id) for line in answer.people]
        lines += len(made)
        by_chance += sum(one is not None and one.odds[0] < 0.5 for one in made)
    assert lines >= 30
    # 0.04 of some fifty lines are expected: 2, with a standard deviation of 1.5.
    assert by_chance <= 0.3 * lines
