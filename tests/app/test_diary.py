"""The diary: a day in lines, each with what stands behind it, and one reminder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renwei.app import build, diary
from renwei.app.diary import Diary, day_of
from renwei.collect.live import rejected
from renwei.collect.live.incoming import Refusal
from renwei.core.clock import Frozen
from renwei.core.nouns import NOBODY, Decision, Event, Removal
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Named
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

# A Friday, 20:00 in Shanghai.
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    yield from a_shop(tmp_path)


def a_shop(tmp_path: Path) -> Iterator[Shop]:
    clock = Frozen(AT)
    store = open_store(tmp_path / "data", keys=tmp_path / "keys", clock=clock)
    yield Shop(
        store=store,
        clock=clock,
        settings=Settings(name="Pebble", zone="Asia/Shanghai"),
        words=build.words(),
        shelf=ShelfFiles(tmp_path / "data" / "estimates"),
        permits=HouseRules(people=store.people, counters=store.counters),
        language="en",
    )
    store.close()


def event(shop: Shop, kind: str, at: datetime, *, source: str = "key:k1", **body: Any) -> Event:
    number = shop.store.log.position()
    key = shop.store.people.keyed(f"{kind}|{at}|{number}|{body}")
    (actor,) = shop.store.people.actors([Named("phone", "+8613912345678")], AT)
    return Event(actor, kind, at, key, body=body, source=source)


def put(shop: Shop, *events: Event, seen: datetime = AT) -> None:
    for one in events:
        shop.store.log.append([one], seen)


def contact(shop: Shop, done: str, at: datetime, decision: str = "d1") -> Event:
    return event(shop, "contact", at, source="hand", decision=decision, done=done, until=None)


def counts(entries: list[diary.DiaryEntry]) -> dict[str, int]:
    return {one.what: one.count for one in entries}


def a_list(shop: Shop, at: datetime, lines: int = 3) -> None:
    day = (at + timedelta(hours=8)).date().isoformat()
    body = {"at": at.isoformat(), "lines": [f"l{k}" for k in range(lines)], "held": [], "holds": []}
    shop.store.papers.put("today-list", day, body, by="today", at=at)


def decide(shop: Shop, number: int, person: int, *, chosen: int = 1, guard: str = "") -> None:
    made = decision(number, person, chosen=chosen, guard=guard, minute=number)
    shop.store.ledger.record(made)


def decision(
    number: int, person: int, *, chosen: int = 1, guard: str = "", minute: int = 0
) -> Decision:
    return Decision(
        id=f"01a1f78a-5300-76d9-b2b6-1d5b683246{number:02x}", surface="today", person=person,
        at=AT - timedelta(minutes=minute), unit=person, salt="today", items=(0, 1),
        scores=(0, 1), sources=("", "needs"), codes=("", "due"),
        removed=(Removal(2, guard),) if guard else (), chosen=(chosen,), odds=(1.0,),
        policy="best@1",
    )  # fmt: skip


def test_a_day_without_anything_is_empty(shop: Shop) -> None:
    told = day_of(shop, AT)
    assert (told.did, told.did_not_dare, told.reminder) == ([], [], None)
    assert told.day == "2026-11-20"


def test_what_came_in_is_told_by_when_it_came_and_where_from(shop: Shop) -> None:
    put(shop, event(shop, "view", AT), seen=AT - DAY)
    put(
        shop,
        event(shop, "view", AT - 5 * DAY),
        event(shop, "like", AT),
        event(shop, "order", AT, source="i-20261120-1"),
        event(shop, "answer", AT, source="form:skin", choice="dry"),
        event(shop, "viewed", AT, source="trust"),
    )
    told = day_of(shop, AT)
    assert counts(told.did) == {"took_in": 2, "answers": 1}
    assert {one.what: one.operation for one in told.did} == {
        "took_in": "events",
        "answers": "questions list",
    }


def test_what_was_left_alone_of_what_came_in_is_told(shop: Shop) -> None:
    put(
        shop,
        event(shop, "comment", AT, flood=True),
        event(shop, "location", AT, place="no_consent"),
    )
    refusal = Refusal(index=0, field="userId", code="missing_user", raw=b"{}")
    rejected.keep(shop, "key:k1", [refusal, replace_index(refusal)], AT)
    told = day_of(shop, AT)
    assert counts(told.did_not_dare) == {"rejected": 2, "flood": 1, "place": 1}
    (kept,) = [one for one in told.did_not_dare if one.what == "rejected"]
    assert kept.operation == "rejected"
    assert kept.fields == {"since": told.since.isoformat()}


def replace_index(refusal: Refusal) -> Refusal:
    import msgspec

    return msgspec.structs.replace(refusal, index=1)


def test_a_list_drawn_up_twice_is_one_list(shop: Shop) -> None:
    for number in range(3):
        decide(shop, number, 71, guard="cap")
    decide(shop, 3, 72, chosen=0)
    told = day_of(shop, AT)
    assert counts(told.did) == {"proposed": 1, "left_in_peace": 1}
    assert counts(told.did_not_dare) == {"cap": 1}
    assert told.did_not_dare[0].fields == {"day": "2026-11-20"}


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(
    made=st.lists(
        st.tuples(
            st.integers(1, 3), st.booleans(), st.sampled_from(["", "cap", "budget"]),
            st.integers(0, 5), st.booleans(),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_of_each_person_the_last_decision_for_something_and_for_nothing_counts(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[int, bool, str, int, bool]]
) -> None:
    for shop in a_shop(tmp_path_factory.mktemp("diary")):
        decisions = [
            decision(k, person, chosen=int(chosen), guard=guard, minute=minute)
            for k, (person, chosen, guard, minute, _) in enumerate(made)
        ]
        sealed = [one for one, (*_, whole) in zip(decisions, made, strict=True) if whole]
        shop.store.ledger.record_all(sealed)
        for one in decisions:
            if one not in sealed:
                shop.store.ledger.record(one)
        last = {
            (one.person, any(one.chosen)): one
            for one in shop.store.ledger.between(AT - DAY, AT + DAY)
        }
        did, left = counts(day_of(shop, AT).did), counts(day_of(shop, AT).did_not_dare)
        proposed = sum(chosen for _, chosen in last)
        assert did.get("proposed", 0) == proposed
        assert did.get("left_in_peace", 0) == len(last) - proposed
        guards = Counter(gone.guard for one in last.values() for gone in one.removed)
        assert left == dict(guards)


def test_a_mark_that_was_taken_back_is_no_mark(shop: Shop) -> None:
    put(
        shop,
        contact(shop, "done", AT - timedelta(hours=2), "d1"),
        contact(shop, "skip", AT - timedelta(hours=2), "d2"),
        contact(shop, "undone", AT - timedelta(hours=1), "d2"),
    )
    told = day_of(shop, AT)
    assert counts(told.did) == {"contact_done": 1}
    (line,) = told.did
    assert line.operation == "report-rows"
    assert line.fields["metric"] == "contacted"
    rows = build.operations()["report-rows"]
    import msgspec

    asked: Any = msgspec.convert(line.fields, rows.request)
    assert rows.call(shop, asked).value == 1


def test_a_week_without_a_mark_gives_one_reminder_and_the_next_mark_ends_it(shop: Shop) -> None:
    for back in range(9, -1, -1):
        a_list(shop, AT - back * DAY)
    told = day_of(shop, AT)
    assert told.reminder is not None
    assert told.reminder.count == 3
    assert "11 Nov 2026" in told.reminder.text
    assert told.reminder.operation == "today"
    assert "remind" not in " ".join(counts(told.did))
    put(shop, contact(shop, "skip", AT))
    assert day_of(shop, AT).reminder is None
    later = day_of(shop, AT + 7 * DAY)
    assert later.reminder is not None
    assert "20 Nov 2026" in later.reminder.text


@pytest.mark.parametrize("days", [0, 3, 6])
def test_nobody_is_reminded_before_a_week_has_passed(shop: Shop, days: int) -> None:
    a_list(shop, AT - days * DAY)
    assert day_of(shop, AT).reminder is None
    assert day_of(shop, AT + (7 - days) * DAY).reminder is not None


def test_a_shop_without_lists_is_never_reminded(shop: Shop) -> None:
    assert day_of(shop, AT + 400 * DAY).reminder is None


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_the_day_is_the_shops_own(shop: Shop, zone: str) -> None:
    shop.settings = replace(shop.settings, zone=zone)
    put(shop, event(shop, "view", AT), seen=AT - timedelta(hours=13))
    # 23:00 UTC the day before: the same day in Shanghai, another in New York.
    expected = {"took_in": 1} if zone == "Asia/Shanghai" else {}
    assert counts(day_of(shop, AT).did) == expected


def test_very_many_events_are_told_as_more_than(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diary, "_MOST", 8)
    put(shop, *(event(shop, "view", AT - k * timedelta(seconds=1)) for k in range(30)))
    told = day_of(shop, AT)
    assert counts(told.did) == {"took_in_more": 8}
    assert told.did[0].text == "Took in more than 8 events from your app or site."


def entries(told: Diary) -> list[diary.DiaryEntry]:
    return [*told.did, *told.did_not_dare]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_line_is_a_sentence_with_an_operation_that_exists(shop: Shop, language: str) -> None:
    shop.language = language
    guards = [
        "consent_unknown", "consent_withdrawn", "sensitive", "autonomy", "cap", "quiet_hours",
        "budget", "contacted_lately", "skipped_lately", "snoozed", "listed_lately",
        "already_answered", "corrected", "over_limit",
    ]  # fmt: skip
    for number, guard in enumerate(guards):
        decide(shop, number, 100 + number, guard=guard)
    put(shop, event(shop, "view", AT), event(shop, "answer", AT), contact(shop, "snooze", AT))
    for kind in ("setting", "autonomy", "consent-text", "question", "receipt"):
        shop.store.papers.put(kind, "x", {}, by="test", at=AT)
    body = {"state": "done", "refused": 4, "began": AT.isoformat()}
    shop.store.papers.put("import", "i-1", body, by="import", at=AT)
    told = day_of(shop, AT)
    assert {*guards, "unread_rows"} <= counts(told.did_not_dare).keys()
    for one in entries(told):
        assert one.operation in build.operations(), one.what
        keys = (f"diary.did.{one.what}", f"diary.not_dared.{one.what}")
        assert any(shop.words.has(key) for key in keys), one.what


def test_every_operation_behind_a_line_exists() -> None:
    assert set(diary._BEHIND.values()) <= build.operations().keys()


def test_events_of_somebody_forgotten_are_counted_and_name_nobody(shop: Shop) -> None:
    put(shop, event(shop, "view", AT))
    (person,) = shop.store.people.search("+8613912345678")
    shop.store.forget(person, AT)
    assert counts(day_of(shop, AT).did)["took_in"] == 1
    assert [one.actor for one in shop.store.log.read(kinds=("view",))] == [NOBODY]
