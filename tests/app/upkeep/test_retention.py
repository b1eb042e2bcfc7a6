"""Retention: what is too old goes, what is not stays, and nothing goes without being asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from renwei.app.upkeep.operations import VersionRequest, known_schemas, version
from renwei.app.upkeep.place import Place
from renwei.app.upkeep.retention import (
    RULES,
    SETTING,
    PurgeRequest,
    RetentionRequest,
    checked_days,
    days_of,
    dropped,
    embedded,
    purge,
    retention,
)
from renwei.app.upkeep.tending import CHORES, Tending, tend
from renwei.core.clock import Frozen, to_us
from renwei.core.errors import BadInput, Unavailable, UnknownName
from renwei.core.nouns import Event
from renwei.core.shop import Shop
from renwei.core.store import Effect, Named
from renwei.core.tallies import Tally
from renwei.testing.store import decision
from renwei.trust import audit

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def set_days(shop: Shop, **days: int) -> None:
    for key, value in days.items():
        retention(shop, RetentionRequest(key=key, days=str(value)))


def fill(shop: Shop, clock: Frozen) -> list[int]:
    """One of each on every tenth day of a hundred, by arrival and by its own time."""
    actors = shop.store.people.actors([Named("device", str(k)) for k in range(10)], AT)
    for k, actor in enumerate(actors):
        at = AT - 10 * k * DAY
        shop.store.log.append([Event(actor, "view", at, bytes([k] * 16), body={"k": k})], at)
        made = decision(person=actor, at=at)
        shop.store.ledger.record(made, [Effect(f"s{k}", "sms", made.id, b"text", at)])
        shop.store.ledger.record_all([decision(person=actor, at=at)])
        day = to_us(at) // 86_400_000_000
        tally = Tally(actor, "view", 1, day, 1, 1, to_us(at))
        shop.store.tallies.add("f", [tally], k)
        clock.at = at
        audit.note(shop, "somebody", "test")
    clock.at = AT
    return actors


def held(shop: Shop) -> dict[str, int]:
    return {
        "events": len([e for e in shop.store.log.read() if e.kind == "view"]),
        "decisions": len(list(shop.store.ledger.between(AT - 999 * DAY, AT + DAY))),
        "tallies": len(shop.store.tallies.columns()["n"]),
        "audit": len(shop.store.papers.names(audit.KIND)),
    }


def test_nothing_goes_before_somebody_says_so(shop: Shop, clock: Frozen) -> None:
    fill(shop, clock)
    before = held(shop)
    set_days(shop, events=35, decisions=35, tallies=35, audit=35)
    counted = purge(shop, PurgeRequest())
    assert counted.dry_run
    assert held(shop) == before
    assert {one.key: one.n for one in counted.purged} == {
        "events": 6, "decisions": 12, "tallies": 6, "audit": 6, "rejected": 0,
    }  # fmt: skip
    done = purge(shop, PurgeRequest(yes=True))
    assert not done.dry_run
    assert {one.key: one.n for one in done.purged} == {one.key: one.n for one in counted.purged}
    assert held(shop) == {"events": 4, "decisions": 8, "tallies": 4, "audit": 4}
    assert purge(shop, PurgeRequest(yes=True)).text == shop.say("upkeep.purge.nothing")
    assert embedded(shop.store).integrity() == []


def test_what_was_dropped_leaves_no_trace_and_does_not_come_back(shop: Shop, clock: Frozen) -> None:
    fill(shop, clock)
    set_days(shop, events=35)
    purge(shop, PurgeRequest(yes=True))
    events = [Event(1, "view", AT, bytes([k] * 16)) for k in range(10)]
    assert shop.store.log.append(events, AT).added == 0
    lake = shop.store.directory / "lake" / "events"
    assert not [path for path in lake.rglob("*.parquet") if "day=2026-01-1" in str(path)]
    assert b'{"k":9}' not in (shop.store.directory / "log.db").read_bytes()


def test_events_count_from_the_day_they_arrived(shop: Shop) -> None:
    old = Event(1, "order", AT - 900 * DAY, bytes(16))
    shop.store.log.append([old], AT)
    set_days(shop, events=30)
    purge(shop, PurgeRequest(yes=True))
    assert len(list(shop.store.log.read())) == 1


def test_the_day_itself_is_kept_whole(shop: Shop, clock: Frozen) -> None:
    for hours in (1, 13, 23):
        at = datetime(2026, 1, 30, hours, tzinfo=UTC)
        shop.store.log.append([Event(1, "view", at, bytes([hours] * 16))], at)
    set_days(shop, events=30)
    clock.at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert dropped(shop, clock.at)[0].n == 0
    clock.at = datetime(2026, 3, 2, 0, tzinfo=UTC)
    assert dropped(shop, clock.at)[0].n == 3


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("events", "29", "bad_days"),
        ("events", "-1", "bad_days"),
        ("events", "3.5", "bad_days"),
        ("events", "٣٠", "bad_days"),
        ("events", "99999999999999", "bad_days"),
        ("rejected", "0", "bad_days_limited"),
        ("rejected", "31", "bad_days_limited"),
    ],
)
def test_days_that_cannot_be_are_refused(shop: Shop, key: str, text: str, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        retention(shop, RetentionRequest(key=key, days=text))
    assert caught.value.code == code
    assert shop.store.papers.get(*SETTING) is None


def test_a_rule_that_does_not_exist_is_named_with_those_that_do(shop: Shop) -> None:
    with pytest.raises(UnknownName) as caught:
        retention(shop, RetentionRequest(key="event"))
    assert caught.value.values["suggestion"] == "events"
    with pytest.raises(UnknownName):
        checked_days("evnts", "30")


def test_a_rule_is_changed_alone_and_shown_with_the_others(shop: Shop) -> None:
    set_days(shop, events=60)
    assert days_of(shop.store) == {key: rule.days for key, rule in RULES.items()} | {"events": 60}
    answer = retention(shop, RetentionRequest())
    assert [rule.key for rule in answer.rules] == list(RULES)
    assert "60" in answer.rules[0].text
    set_days(shop, events=0)
    assert days_of(shop.store)["events"] == 0


def test_tending_seals_drops_and_never_touches_what_is_young(shop: Shop, clock: Frozen) -> None:
    fill(shop, clock)
    before = [e.message_id for e in shop.store.log.read()]
    done = tend(shop, AT)
    assert set(done) == {name for name, _ in CHORES}
    assert (done["seal_events"] >= 9, done["drop_old"]) == (True, 0)
    assert [e.message_id for e in shop.store.log.read()] == before
    assert tend(shop, AT)["seal_events"] == 0
    set_days(shop, events=35)
    assert tend(shop, AT)["drop_old"] == 6
    assert embedded(shop.store).integrity() == []


def test_a_chore_that_fails_is_told_and_the_others_are_done(
    shop: Shop, clock: Frozen, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(shop, clock)

    def full(shop: Shop, at: datetime) -> int:
        raise Unavailable("disk_full", path="/x", found="full")

    chores = tuple((name, full if name == "seal_events" else c) for name, c in CHORES)
    monkeypatch.setattr("renwei.app.upkeep.tending.CHORES", chores)
    done = tend(shop, AT)
    assert done["seal_events"] == -1
    assert all(count >= 0 for name, count in done.items() if name != "seal_events")
    assert [record.code for record in caplog.records if record.msg == "chore_failed"] == [  # type: ignore[attr-defined]
        "disk_full"
    ]


def test_tending_runs_by_itself_until_closed(shop: Shop, clock: Frozen) -> None:
    import threading

    rounds = threading.Semaphore(0)

    def shop_of() -> Shop:
        rounds.release()
        return shop

    tending = Tending(shop_of, every_s=0.01, first_s=0.0)
    tending.start()
    assert all(rounds.acquire(timeout=10) for _ in range(2))
    tending.close()
    assert embedded(shop.store).integrity() == []


def test_the_version_is_told_without_a_workspace(place: Place) -> None:
    answer = version(place, VersionRequest())
    assert answer.schema == known_schemas()
    assert min(answer.schema.values()) >= 1
    assert not place.directory.exists()
