"""Reading a few kinds of events: what was said is found without looking through what was done."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stores.test_log import fresh_log

from renwei.core.nouns import Event
from renwei.stores.embedded import EmbeddedStore
from renwei.stores.log import TOLD

Open = Callable[[], EmbeddedStore]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = ("order", "view", "answer", "contact")


def event(k: int, kind: str = "order") -> Event:
    return Event(1 + k % 3, kind, AT, k.to_bytes(16, "big"), 0, 0, "", {"k": k}, "a")


def files_of(store: EmbeddedStore, kind: str = "") -> list[Path]:
    """Lake files, or those that are known to hold a kind."""
    sql = "SELECT path FROM segments s"
    if kind:
        sql += f" WHERE EXISTS (SELECT 1 FROM kinds WHERE segment = s.id AND kind = '{kind}')"
    with sqlite3.connect(store.directory / "log.db") as raw:
        found = [store.directory / row[0] for row in raw.execute(sql)]
    raw.close()
    return found


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    days=st.lists(st.lists(st.sampled_from(KINDS), max_size=6), min_size=1, max_size=4),
    seal=st.integers(-1, 4),
    kinds=st.sets(st.sampled_from(KINDS), min_size=1, max_size=3),
)
def test_reading_kinds_is_reading_all_and_leaving_the_others_out(
    days: list[list[str]], seal: int, kinds: set[str]
) -> None:
    with fresh_log() as log:
        number = 0
        for day, some in enumerate(days):
            log.append([event(number + k, kind) for k, kind in enumerate(some)], AT + day * DAY)
            number += len(some)
        log.seal(AT + seal * DAY)
        everything = list(log.read())
        assert [one.body["k"] for one in everything] == list(range(number))
        expected = [one for one in everything if one.kind in kinds]
        assert list(log.read(kinds=sorted(kinds))) == expected
        assert log.check() == []


def test_no_file_is_opened_that_holds_none_of_the_kinds_asked_for(store: EmbeddedStore) -> None:
    store.log.append([event(k, "view") for k in range(20)], AT)
    store.log.seal(AT + DAY)
    store.log.append([event(100 + k) for k in range(20)], AT + DAY)
    store.log.seal(AT + 2 * DAY)
    orders = files_of(store, "order")
    assert orders
    for path in set(files_of(store)) - set(orders):
        path.write_bytes(b"not to be read")
    assert len(list(store.log.read(kinds=("order",)))) == 20
    assert list(store.log.read(kinds=("search",))) == []


def test_a_file_of_an_earlier_program_is_looked_into(store: EmbeddedStore) -> None:
    store.log.append([event(k, ("view", "order")[k % 2]) for k in range(20)], AT)
    store.log.seal(AT + DAY)
    with sqlite3.connect(store.directory / "log.db") as raw:
        raw.execute("DELETE FROM kinds")
    raw.close()
    assert [one.body["k"] for one in store.log.read(kinds=("order",))] == list(range(1, 20, 2))


def test_a_file_written_anew_still_tells_its_kinds(store: EmbeddedStore) -> None:
    store.log.append([event(k, ("view", "order")[k % 2]) for k in range(12)], AT)
    store.log.seal(AT + DAY)
    before = files_of(store)
    store.log.forget([1])
    assert files_of(store) != before
    assert set(files_of(store)) == {*files_of(store, "order"), *files_of(store, "view")}
    assert len(list(store.log.read(kinds=("order",)))) == 6


def test_what_people_said_is_never_sealed_and_goes_when_its_time_is_over(
    store: EmbeddedStore,
) -> None:
    kinds = ["view", *sorted(TOLD)]
    store.log.append([event(k, kind) for k, kind in enumerate(kinds)], AT)
    store.log.append([event(9, "answer")], AT + 2 * DAY)
    assert store.log.seal(AT + 3 * DAY) == 1
    assert store.log.count_before(AT + DAY) == 3
    assert store.log.drop_before(AT + DAY) == 3
    assert [one.body["k"] for one in store.log.read()] == [9]
    assert [one.body["k"] for one in store.log.of([1, 2, 3])] == [9]
    assert store.log.has([event(0).message_id, event(1).message_id]) == [True, True]
    assert store.integrity() == []


def test_what_people_said_is_found_by_an_index(store: EmbeddedStore) -> None:
    store.log.append([event(k, "view") for k in range(3_000)], AT)
    store.log.append([event(5_000, "contact")], AT)
    looked = rows_looked_at(store, ("contact",))
    assert looked < 300, "steps of the machine for one event among thousands"
    assert rows_looked_at(store, ("order",)) > 3_000


def rows_looked_at(store: EmbeddedStore, kinds: tuple[str, ...]) -> int:
    """How many steps SQLite took to read some kinds."""
    with steps_of(store) as steps:
        list(store.log.read(kinds=kinds))
    return len(steps)


@contextmanager
def steps_of(store: EmbeddedStore) -> Iterator[list[None]]:
    """One entry for each step of SQLite's machine on the log inside the block."""
    steps: list[None] = []
    connection = store.log._db._connection()
    connection.set_progress_handler(lambda: steps.append(None), 1)
    yield steps
    connection.set_progress_handler(None, 1)


@pytest.mark.parametrize("kind", ["order", "answer"])
def test_whether_there_is_any_is_known_from_the_first_of_them(
    store: EmbeddedStore, kind: str
) -> None:
    store.log.append([event(k, kind) for k in range(9_000)], AT)
    with steps_of(store) as all_of_them:
        assert [one.body["k"] for one in store.log.read(kinds=(kind,))] == list(range(9_000))
    with steps_of(store) as first_alone:
        assert next(store.log.read(kinds=(kind,))).body["k"] == 0
    assert len(first_alone) < 0.6 * len(all_of_them)
