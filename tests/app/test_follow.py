from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from renwei.app import follow
from renwei.app.build import open_shop
from renwei.app.follow import CHUNK, SKIPPED, Follower
from renwei.core.errors import Unavailable
from renwei.core.nouns import Event
from renwei.core.shop import Shop
from renwei.core.tallies import Tally

AT = datetime(2026, 6, 1, 4, tzinfo=UTC)
SEEN: dict[str, list[list[int]]] = {}
TROUBLE: dict[str, Callable[[Sequence[Event]], None]] = {}


def _note(name: str, events: Sequence[Event]) -> list[Tally]:
    SEEN.setdefault(name, []).append([event.seq for event in events])
    if name in TROUBLE:
        TROUBLE[name](events)
    return [Tally(event.actor, "view", event.item, 20_000, 1, 0, 0) for event in events]


def first(shop: Shop, events: Sequence[Event]) -> list[Tally]:
    return _note("first", events)


def second(shop: Shop, events: Sequence[Event]) -> list[Tally]:
    return _note("second", events)


def writes(shop: Shop, events: Sequence[Event]) -> None:
    """A fold that keeps no sums, and writes elsewhere before it breaks off."""
    shop.store.papers.put("setting", "seen", {"n": len(events)}, by="test", at=AT)
    _note("writes", events)


FIRST, SECOND = ("first", f"{__name__}:first"), ("second", f"{__name__}:second")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "keys"))
    SEEN.clear()
    TROUBLE.clear()
    with open_shop(tmp_path / "data") as opened:
        yield opened


def append(shop: Shop, n: int, start: int = 0, source: str = "key:a") -> None:
    at = [AT + timedelta(seconds=k) for k in range(start, start + n)]
    events = [
        Event(7, "view", when, k.to_bytes(16, "big"), item=1 + k % 5, source=source)
        for k, when in enumerate(at, start)
    ]
    shop.store.log.append(events, shop.clock.now())


def folded(name: str) -> list[int]:
    return [seq for chunk in SEEN.get(name, []) for seq in chunk]


def counted(shop: Shop) -> int:
    return sum(row.n for row in shop.store.tallies.of([7]))


def until(holds: Callable[[], bool], seconds: float = 10.0) -> float:
    begun = time.perf_counter()
    while not holds():
        assert time.perf_counter() - begun < seconds, "it did not come to be"
        time.sleep(0.005)
    return time.perf_counter() - begun


def test_every_event_is_folded_once_and_in_order_whatever_runs_came_between(shop: Shop) -> None:
    append(shop, 10)
    assert Follower(lambda: shop, [FIRST]).catch_up() == 10
    append(shop, 5, start=10)
    again = Follower(lambda: shop, [FIRST])
    assert again.catch_up() == 5
    assert again.catch_up() == 0
    assert folded("first") == list(range(1, 16))
    assert counted(shop) == 15


def test_a_fold_that_is_new_reads_from_the_beginning_and_the_old_one_reads_on(shop: Shop) -> None:
    append(shop, 10)
    Follower(lambda: shop, [FIRST]).catch_up()
    append(shop, 5, start=10)
    Follower(lambda: shop, [FIRST, SECOND]).catch_up()
    assert folded("first") == folded("second") == list(range(1, 16))


def test_a_fold_that_breaks_off_leaves_neither_sums_nor_a_position(shop: Shop) -> None:
    def full(events: Sequence[Event]) -> None:
        raise Unavailable("disk_full", path="x")

    append(shop, 10)
    TROUBLE["first"] = full
    follower = Follower(lambda: shop, [FIRST])
    with pytest.raises(Unavailable, match="disk_full"):
        follower.catch_up()
    assert counted(shop) == 0
    assert shop.store.tallies.position("first") == 0
    assert shop.store.papers.names(SKIPPED) == []
    TROUBLE.clear()
    assert follower.catch_up() == 10
    assert counted(shop) == 10


def test_what_a_fold_writes_elsewhere_stands_or_falls_with_its_position(shop: Shop) -> None:
    def full(events: Sequence[Event]) -> None:
        raise Unavailable("disk_full", path="x")

    append(shop, 3)
    TROUBLE["writes"] = full
    follower = Follower(lambda: shop, [("writes", f"{__name__}:writes")])
    with pytest.raises(Unavailable):
        follower.catch_up()
    assert shop.store.papers.get("setting", "seen") is None
    TROUBLE.clear()
    follower.catch_up()
    paper = shop.store.papers.get("setting", "seen")
    assert paper is not None
    assert paper.body == {"n": 3}
    assert shop.store.tallies.position("writes") == 3


def test_an_event_that_cannot_be_folded_is_left_out_and_noted_and_the_rest_is_not(
    shop: Shop,
) -> None:
    def poison(events: Sequence[Event]) -> None:
        if any(event.seq in (4, 5) for event in events):
            raise ZeroDivisionError

    append(shop, 40)
    TROUBLE["first"] = poison
    Follower(lambda: shop, [FIRST, SECOND]).catch_up()
    assert counted(shop) == 38 + 40
    assert shop.store.papers.names(SKIPPED) == ["first-4", "first-5"]
    paper = shop.store.papers.get(SKIPPED, "first-4")
    assert paper is not None
    assert paper.body == {"fold": "first", "seq": 4, "kind": "view", "error": "ZeroDivisionError"}
    assert SEEN["first"].count([4]) == follow.TRIES
    assert Follower(lambda: shop, [FIRST, SECOND]).catch_up() == 0


def test_what_cannot_be_loaded_skips_no_event(shop: Shop) -> None:
    append(shop, 3)
    with pytest.raises(ModuleNotFoundError):
        Follower(lambda: shop, [("first", "renwei.no_such_module:fold")]).catch_up()
    assert shop.store.tallies.position("first") == 0
    assert shop.store.papers.names(SKIPPED) == []


def test_a_long_log_is_read_in_chunks_and_a_slow_fold_gets_smaller_ones(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(shop, 2 * CHUNK + 500)
    monkeypatch.setattr(follow, "HOLD_S", 0.002)
    TROUBLE["first"] = lambda events: time.sleep(0.004)
    Follower(lambda: shop, [FIRST]).catch_up()
    sizes = [len(chunk) for chunk in SEEN["first"]]
    assert sizes[:3] == [CHUNK, CHUNK // 2, CHUNK // 4]
    assert folded("first") == list(range(1, 2 * CHUNK + 501))


def test_two_followers_at_once_never_count_an_event_twice(shop: Shop) -> None:
    append(shop, 300)
    followers = [Follower(lambda: shop, [FIRST]) for _ in range(2)]
    for follower in followers:
        follower.start()
    until(lambda: shop.store.tallies.position("first") == 300)
    append(shop, 200, start=300)
    for follower in followers:
        follower.wake()
    until(lambda: shop.store.tallies.position("first") == 500)
    for follower in followers:
        follower.close()
    assert counted(shop) == 500


def test_what_was_taken_back_is_not_waited_for(shop: Shop) -> None:
    append(shop, 10, source="import:1")
    shop.store.log.withdraw("import:1")
    follower = Follower(lambda: shop, [FIRST])
    assert follower.lag()[0] > 0
    follower.catch_up()
    assert follower.lag() == (0, 0.0)
    assert folded("first") == []


def test_lag_tells_how_many_are_unread_and_for_how_long(shop: Shop) -> None:
    append(shop, 12)
    follower = Follower(lambda: shop, [FIRST])
    told: list[tuple[int, float]] = []
    TROUBLE["first"] = lambda events: told.append(follower.lag())
    follower.catch_up()
    ((_, seconds),) = told
    assert 0 <= seconds < 60
    assert follower.lag() == (0, 0.0)


def test_an_event_is_folded_at_once_when_woken_and_soon_when_not(shop: Shop) -> None:
    follower = Follower(lambda: shop, [FIRST])
    follower.start()
    try:
        append(shop, 1)
        follower.wake()
        assert until(lambda: folded("first") == [1]) < 0.45
        append(shop, 1, start=1)
        assert until(lambda: folded("first") == [1, 2]) < 2.0
    finally:
        follower.close()


def test_the_thread_outlives_a_disk_that_was_full(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(events: Sequence[Event]) -> None:
        raise Unavailable("disk_full", path="x")

    monkeypatch.setattr(follow, "LOOKS_S", 0.02)
    TROUBLE["first"] = full
    append(shop, 4)
    follower = Follower(lambda: shop, [FIRST])
    follower.start()
    try:
        until(lambda: len(SEEN.get("first", [])) >= 2)
        assert counted(shop) == 0
        TROUBLE.clear()
        until(lambda: shop.store.tallies.position("first") == 4)
    finally:
        follower.close()
    assert counted(shop) == 4
    assert "folds_wait" in caplog.text


def test_closing_does_not_wait_for_a_long_log(shop: Shop) -> None:
    append(shop, 3 * CHUNK)
    TROUBLE["first"] = lambda events: time.sleep(0.2)
    follower = Follower(lambda: shop, [FIRST])
    follower.start()
    until(lambda: bool(SEEN.get("first")))
    begun = time.perf_counter()
    follower.close()
    assert time.perf_counter() - begun < 2.0
    done = shop.store.tallies.position("first")
    assert done < 3 * CHUNK
    Follower(lambda: shop, [FIRST]).catch_up()
    assert counted(shop) == 3 * CHUNK
