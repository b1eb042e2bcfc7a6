from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from renwei.app import intake as module
from renwei.app.build import open_shop
from renwei.app.intake import Intake, Receipt
from renwei.collect.live.incoming import Incoming, Refusal
from renwei.core.clock import to_us
from renwei.core.errors import Unavailable
from renwei.core.nouns import Event
from renwei.core.shop import Shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "keys"))
    with open_shop(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(autouse=True, params=[1, module.HEAP], ids=["every group is large", "as it is"])
def heap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Large groups are written by another thread while the next is prepared."""
    monkeypatch.setattr(module, "HEAP", request.param)
    return int(request.param)


@pytest.fixture
def intake(shop: Shop) -> Iterator[Intake]:
    opened = Intake(shop)
    yield opened
    opened.close()


def track(message_id: str, *, index: int = 0, user: str = "u1", **more: Any) -> Incoming:
    return Incoming(
        index=index, kind="track", name="Opened", message_id=message_id, user_id=user, **more
    )


def stored(shop: Shop) -> list[Event]:
    return [event for event in shop.store.log.read() if event.kind == "track"]


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def within() -> Any:
        return await asyncio.wait_for(work(), 20)

    return asyncio.run(within())


async def settled(*futures: asyncio.Future[Receipt]) -> list[Any]:
    return await asyncio.gather(*futures, return_exceptions=True)


def test_what_is_answered_is_in_the_log(shop: Shop, intake: Intake) -> None:
    async def work() -> None:
        receipt = await intake.take("key:a", [track("m1"), track("m2", index=1)])
        assert receipt.fresh == [True, True]
        assert [event.source for event in stored(shop)] == ["key:a", "key:a"]
        assert receipt.position == shop.store.log.position()

    run(work)


def test_a_message_sent_again_is_stored_once_and_said_to_be_known(
    shop: Shop, intake: Intake
) -> None:
    async def work() -> None:
        await intake.take("key:a", [track("m1")])
        again = await intake.take("key:a", [track("m1"), track("m2", index=1)])
        assert again.fresh == [False, True]
        twice = await intake.take("key:a", [track("m3"), track("m3", index=1)])
        assert twice.fresh == [True, False]

    run(work)
    assert len(stored(shop)) == 3


def test_two_keys_may_use_the_same_message_id(shop: Shop, intake: Intake) -> None:
    async def work() -> None:
        receipts = await settled(
            intake.take("key:a", [track("m1")]), intake.take("key:b", [track("m1")])
        )
        assert [one.fresh for one in receipts] == [[True], [True]]

    run(work)
    assert sorted(event.source for event in stored(shop)) == ["key:a", "key:b"]


def test_requests_that_wait_together_are_one_commit_and_each_hears_of_its_own(
    shop: Shop, intake: Intake, heap: int
) -> None:
    commits: list[int] = []
    intake.on_commit.append(lambda: commits.append(shop.store.log.position()))

    async def work() -> None:
        with shop.store._log_db.transaction():  # type: ignore[attr-defined]
            # While somebody else writes, requests gather.
            first = intake.take("key:a", [track("m0")])
            await asyncio.sleep(0.05)
            rest = [intake.take("key:a", [track(f"m{k}"), track("m0")]) for k in range(1, 50)]
        receipts = await settled(first, *rest)
        assert receipts[0].fresh == [True]
        assert all(one.fresh == [True, False] for one in receipts[1:])

    run(work)
    assert len(stored(shop)) == 50
    # A group that is prepared while another is written may have begun with the first to wait.
    assert len(commits) == 2 or (heap == 1 and len(commits) == 3)


def test_a_group_is_bounded(
    shop: Shop, intake: Intake, heap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP_EVENTS", 10)
    commits: list[int] = []
    intake.on_commit.append(lambda: commits.append(shop.store.log.position()))

    async def work() -> None:
        with shop.store._log_db.transaction():  # type: ignore[attr-defined]
            one = intake.take("key:a", [track("m0")])
            await asyncio.sleep(0.05)
            rest = [intake.take("key:a", [track(f"m{k}-{n}") for n in range(4)]) for k in range(6)]
        await settled(one, *rest)

    run(work)
    assert len(stored(shop)) == 25
    assert len(commits) == 4 or (heap == 1 and len(commits) == 5)
    assert all(later - earlier <= 10 for earlier, later in pairwise([0, *commits]))


def test_beyond_what_may_wait_it_is_busy_and_takes_more_when_that_is_written(
    shop: Shop, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_EVENTS", 5)

    async def work() -> None:
        with shop.store._log_db.transaction():  # type: ignore[attr-defined]
            first = intake.take("key:a", [track("m0")])
            await asyncio.sleep(0.05)
            waiting = intake.take("key:a", [track(f"m{k}") for k in range(1, 6)])
            with pytest.raises(Unavailable, match="busy"):
                intake.take("key:a", [track("m9")])
        await settled(first, waiting)
        await intake.take("key:a", [track("m9")])

    run(work)
    assert len(stored(shop)) == 7


def test_one_request_that_cannot_be_written_does_not_take_the_others_with_it(
    shop: Shop, intake: Intake
) -> None:
    # A lone surrogate can be neither hashed nor written as UTF-8.
    poison = track("bad", user="\ud800")

    async def work() -> None:
        with shop.store._log_db.transaction():  # type: ignore[attr-defined]
            first = intake.take("key:a", [track("m0")])
            await asyncio.sleep(0.05)
            rest = [intake.take("key:a", [one]) for one in (track("m1"), poison, track("m2"))]
        receipts = await settled(first, *rest)
        assert [isinstance(one, Receipt) for one in receipts] == [True, True, False, True]
        assert receipts[2].code == "not_taken"

    run(work)
    assert len(stored(shop)) == 3


def test_a_disk_that_is_full_is_told_and_the_next_group_is_tried_anew(
    shop: Shop, intake: Intake
) -> None:
    database = shop.store._log_db  # type: ignore[attr-defined]

    async def work() -> None:
        await intake.take("key:a", [track("m0")])
        pages = int(database.one("PRAGMA page_count")[0])
        # The limit is one of a connection, and each thread has its own.
        intake.on_commit.append(lambda: database.one(f"PRAGMA max_page_count={pages + 4}"))
        await intake.take("key:a", [track("m1")])
        big = [track(f"big{k}", properties={"note": "x" * 20_000}) for k in range(50)]
        with pytest.raises(Unavailable, match="disk_full"):
            await intake.take("key:a", big)
        assert len(stored(shop)) == 2
        receipt = await intake.take("key:a", [track("m2")])
        assert receipt.fresh == [True]

    run(work)
    assert len(stored(shop)) == 3


def test_refusals_are_kept_before_anything_is_said(shop: Shop, intake: Intake) -> None:
    from renwei.collect.live import rejected

    refusal = Refusal(index=1, field="properties.dwell_ms", code="bad_dwell", raw=b"{}")

    def kept() -> list[str]:
        papers = rejected.newest(shop)
        return [one.code for paper in papers for one in rejected.entries_of(shop, paper)]

    async def work() -> None:
        receipt = await intake.take("key:a", [track("m1")], [refusal])
        assert receipt.fresh == [True]
        assert kept() == ["bad_dwell"]
        await intake.take("key:a", [], [Refusal(index=0, field="", code="bad_json", raw=b"{")])
        assert sorted(kept()) == ["bad_dwell", "bad_json"]

    run(work)


def test_closing_writes_what_waits_and_takes_nothing_more(shop: Shop) -> None:
    intake = Intake(shop)

    async def work() -> None:
        futures = [intake.take("key:a", [track(f"m{k}")]) for k in range(20)]
        await asyncio.get_running_loop().run_in_executor(None, intake.close)
        receipts = await settled(*futures)
        assert all(one.fresh == [True] for one in receipts)
        with pytest.raises(Unavailable, match="closing"):
            intake.take("key:a", [track("late")])

    run(work)
    assert len(stored(shop)) == 20


def test_somebody_who_left_disturbs_nobody(shop: Shop, intake: Intake) -> None:
    async def work() -> None:
        gone = intake.take("key:a", [track("m1")])
        gone.cancel()
        stayed = await intake.take("key:a", [track("m2")])
        assert stayed.fresh == [True]

    run(work)
    assert len(stored(shop)) == 2


def test_a_loop_that_is_closed_disturbs_nobody(shop: Shop, intake: Intake) -> None:
    async def leave() -> None:
        intake.take("key:a", [track("m1")])

    asyncio.run(leave())

    async def work() -> None:
        assert (await intake.take("key:a", [track("m2")])).fresh == [True]

    run(work)
    until = time.monotonic() + 5
    while len(stored(shop)) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(stored(shop)) == 2


def test_many_threads_of_events_lose_nothing(shop: Shop, intake: Intake) -> None:
    async def client(name: str) -> list[bool]:
        fresh: list[bool] = []
        for k in range(40):
            fresh += (await intake.take("key:a", [track(f"{name}-{k}")])).fresh
        return fresh

    async def work() -> None:
        answers = await asyncio.gather(*(client(f"c{n}") for n in range(25)))
        assert all(all(fresh) for fresh in answers)

    run(work)
    assert len(stored(shop)) == 1_000


def test_groups_are_stored_in_the_order_in_which_they_came(shop: Shop, intake: Intake) -> None:
    async def work() -> None:
        await settled(*(intake.take("key:a", [track(f"m{k}", at_us=k)]) for k in range(300)))

    run(work)
    at_us = [to_us(event.at) for event in stored(shop)]
    assert at_us == list(range(300))


def test_what_becomes_of_an_order_is_known_to_the_group_after_it(
    shop: Shop, intake: Intake
) -> None:
    bought = {"order_id": "A-1", "total": 50, "currency": "CNY", "product_id": "p1", "price": 50}

    def said(name: str, index: int) -> Incoming:
        return Incoming(
            index=index, kind="track", name=name, message_id=f"{name}{index}", user_id="u1",
            properties=bought,
        )  # fmt: skip

    async def work() -> None:
        with shop.store._log_db.transaction():  # type: ignore[attr-defined]
            # Nothing can be written, so the second is prepared while the first waits.
            first = intake.take("key:a", [said("Order Completed", 0)])
            await asyncio.sleep(0.05)
            later = [intake.take("key:a", [said("Order Refunded", 1)])]
            await asyncio.sleep(0.05)
            later += [intake.take("key:a", [said("Order Completed", 2), track("m1")])]
        receipts = await settled(first, *later)
        assert [one.fresh for one in receipts] == [[True], [True], [False, True]]

    run(work)
    orders = list(shop.store.log.read(kinds=("order", "order-change")))
    assert [event.kind for event in orders] == ["order", "order-change"]
    assert orders[1].body["status"] == "refunded"


def test_two_requests_of_which_one_fails_in_each_of_many_groups(shop: Shop, intake: Intake) -> None:
    async def work() -> None:
        for k in range(10):
            good, bad = await settled(
                intake.take("key:a", [track(f"m{k}")]),
                intake.take("key:a", [track(f"bad{k}", user="\ud800")]),
            )
            assert good.fresh == [True]
            assert isinstance(bad, Unavailable)

    run(work)
    assert len(stored(shop)) == 10
    assert intake.totals == {"stored": 10, "duplicate": 0, "refused": 0, "failed": 10}
