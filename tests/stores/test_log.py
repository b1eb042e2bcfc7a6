"""The log and its lake: laws over any mix of appending, sealing, taking back and forgetting."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renwei.core.clock import Frozen
from renwei.core.nouns import NOBODY, Event
from renwei.stores.database import Database
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.log import EmbeddedLog

Open = Callable[[], EmbeddedStore]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def event(k: int, actor: int = 1, source: str = "a", minute: int = 0) -> Event:
    at = AT + timedelta(minutes=minute)
    return Event(actor, "order", at, k.to_bytes(16, "big"), k, 10 * k, "CNY", {"k": k}, source)


@contextmanager
def fresh_log() -> Iterator[EmbeddedLog]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "log.db", "log", write=True)
        database.migrate()
        yield EmbeddedLog(database, Path(folder))
        database.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("append"),
            st.lists(
                st.tuples(
                    st.integers(0, 30), st.integers(1, 4), st.sampled_from("ab"), st.integers(0, 9)
                ),
                max_size=8,
            ),
        ),
        st.tuples(st.just("seal"), st.integers(-1, 4)),
        st.tuples(st.just("forget"), st.integers(1, 4)),
        st.tuples(st.just("withdraw"), st.sampled_from("ab")),
    ),
    max_size=8,
)


class Listed:
    """What the log promises to be: a list, a set of the forgotten, nothing else."""

    def __init__(self) -> None:
        self.kept: dict[int, Event] = {}
        self.gone: set[int] = set()

    def append(self, rows: list[tuple[int, int, str, int]]) -> None:
        for k, actor, source, minute in rows:
            owner = NOBODY if actor in self.gone else actor
            self.kept.setdefault(k, event(k, owner, source, minute))

    def forget(self, actor: int) -> None:
        self.gone.add(actor)
        for k, e in self.kept.items():
            self.kept[k] = replace(e, actor=NOBODY if e.actor == actor else e.actor)

    def withdraw(self, source: str) -> None:
        self.kept = {k: e for k, e in self.kept.items() if e.source != source}


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_happens_the_log_is_what_a_list_would_be(steps: list[tuple[str, Any]]) -> None:
    with fresh_log() as log:
        listed = Listed()
        for day, (what, value) in enumerate(steps):
            if what == "append":
                log.append([event(*row) for row in value], AT + day * DAY)
                listed.append(value)
            elif what == "seal":
                log.seal(AT + value * DAY)
            else:
                getattr(log, what)([value] if what == "forget" else value)
                getattr(listed, what)(value)
        check(log, listed.kept)


def check(log: EmbeddedLog, kept: dict[int, Event]) -> None:
    def plain(e: Event) -> tuple[object, ...]:
        return e.message_id, e.actor, e.at, e.source, e.value_minor, dict(e.body)

    read = list(log.read())
    assert [e.seq for e in read] == sorted({e.seq for e in read})
    assert [plain(e) for e in read] == [plain(e) for e in kept.values()]
    for actor in range(5):
        newest = [(e.at, e.seq) for e in log.of([actor])]
        assert newest == sorted(((e.at, e.seq) for e in read if e.actor == actor), reverse=True)
    assert log.has([k.to_bytes(16, "big") for k in range(31)]) == [k in kept for k in range(31)]
    columns = log.columns()
    assert columns["seq"] == [e.seq for e in read]
    assert columns["value_minor"] == [e.value_minor for e in read]
    assert log.check() == []
    assert log.sweep() == 0


def test_a_batch_is_stored_whole_or_not_at_all(store: EmbeddedStore) -> None:
    broken = Event(1, "order", AT, b"z" * 16, body={"x": object()})
    with pytest.raises(TypeError):
        store.log.append([event(1), event(2), broken], AT)
    assert (store.log.position(), list(store.log.read())) == (0, [])
    assert store.log.append([event(1), event(2)], AT).position == 2


def test_a_clock_that_goes_back_changes_neither_order_nor_count(
    reopen: Open, clock: Frozen
) -> None:
    store = reopen()
    for k in range(6):
        store.log.append([event(k)], clock.now())
        clock.advance(timedelta(hours=-5 if k % 2 else 3))
    assert [e.item for e in store.log.read()] == list(range(6))
    assert store.log.seal(AT - timedelta(hours=1)) == 2
    assert [e.item for e in store.log.read()] == list(range(6))
    assert [e.item for e in store.log.read(seen_by=AT - timedelta(hours=1))] == [2, 4, 5]
    store.close()
    assert [e.item for e in reopen().log.read(after=2)] == [2, 3, 4, 5]


def asked(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def test_lake_files_lie_by_day_and_bucket_in_order_of_time(store: EmbeddedStore) -> None:
    events = [event(k, actor=k % 20 + 1, minute=-k) for k in range(200)]
    store.log.append(events[:100], AT)
    store.log.append(events[100:], AT + DAY)
    store.log.seal(AT + 2 * DAY)
    lake = store.directory / "lake" / "events"
    assert {p.name for p in lake.iterdir()} == {"day=2026-03-01", "day=2026-03-02"}
    # Anybody's DuckDB reads the lake as it lies there.
    table = f"read_parquet('{lake}/*/*/*.parquet', hive_partitioning=true)"
    count = asked(f"SELECT count(*), sum(value_minor), min(body) FROM {table}")
    assert count == [(200, sum(e.value_minor for e in events), '{"k":0}')]
    homes = asked(f"SELECT count(DISTINCT bucket) FROM {table} GROUP BY actor")
    assert set(homes) == {(1,)}
    for path in lake.rglob("*.parquet"):
        times = [row[0] for row in asked(f"SELECT at_us FROM '{path}'")]
        assert times == sorted(times)


def test_files_that_a_crash_left_are_swept_when_the_next_process_opens(reopen: Open) -> None:
    store = reopen()
    store.log.append([event(k) for k in range(9)], AT)
    store.log.seal(AT + DAY)
    (file,) = (store.directory / "lake").rglob("*.parquet")
    orphan = file.with_name("orphan.parquet")
    orphan.write_bytes(file.read_bytes())
    file.with_name("half.parquet.0.part").write_bytes(b"half")
    (store.directory / "blobs" / "ab").mkdir(parents=True)
    (store.directory / "blobs" / "ab" / "x.blob.1.part").write_bytes(b"half")
    store.close()
    again = reopen()
    assert [p for p in again.directory.rglob("*") if p.suffix in (".parquet", ".part")] == [file]
    assert len(list(again.log.read())) == 9


def test_a_row_that_moves_to_the_lake_while_it_is_read_comes_once(store: EmbeddedStore) -> None:
    store.log.append([event(k) for k in range(40)], AT)
    reading = store.log.read()
    first = next(reading)
    store.log.seal(AT + DAY)
    store.log.append([event(99)], AT + DAY)
    assert [first.item, *[e.item for e in reading]] == list(range(40))


def test_a_forgetting_that_comes_between_is_not_undone_by_sealing(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealing reads, writes files, then registers: what changed meanwhile makes it begin again."""
    store.log.append([event(k, actor=k % 2 + 1) for k in range(10)], AT)
    honest, calls = EmbeddedLog._seal, list[int]()

    def overtaken(self: EmbeddedLog, changes: int, before_us: int) -> int:
        if not calls:
            calls.append(1)
            store.log.forget([2])
        return honest(self, changes, before_us)

    monkeypatch.setattr(EmbeddedLog, "_seal", overtaken)
    assert store.log.seal(AT + DAY) == 10
    assert {e.actor for e in store.log.read()} == {1, NOBODY}
    connection = sqlite3.connect(store.directory / "log.db")
    assert connection.execute("SELECT count(*) FROM events WHERE actor = 2").fetchone() == (0,)
    connection.close()
    assert store.integrity() == []
    assert store.log.sweep() == 0


def test_readers_notice_what_was_taken_back(store: EmbeddedStore) -> None:
    store.log.append([event(1), event(2, source="b")], AT)
    before = store.log.position()
    assert store.log.withdraw("nothing of that name") == 0
    assert store.log.position() == before
    assert store.log.withdraw("b") == 1
    assert store.log.position() > before


def test_bodies_come_back_as_they_were(tmp_path: Path, keys: Path) -> None:
    body = {"text": "中文 \u2028", "n": 2**62, "none": None, "f": 0.1, "lines": [[1, 2], []]}
    store = open_store(tmp_path / "店 铺", keys=keys)
    store.log.append([Event(1, "order", AT, b"1", body=body)], AT)
    assert [dict(e.body) for e in store.log.read()] == [body]
    store.log.seal(AT + DAY)
    assert [dict(e.body) for e in store.log.of([1])] == [body]
    store.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.integers(0, 15), max_size=9), max_size=6))
def test_whatever_comes_again_is_stored_once_and_positions_have_no_gaps(
    store: EmbeddedStore, at: datetime, batches: list[list[int]]
) -> None:
    store.log.withdraw("again")
    start, seen = store.log.position(), set[int]()
    for batch in batches:
        events = [Event(1, "view", at, bytes(15) + bytes([k]), source="again") for k in batch]
        told = store.log.append(events, at)
        expected = [k not in seen and k not in batch[:n] for n, k in enumerate(batch)]
        assert list(told.fresh) == expected
        seen.update(batch)
        assert told.position == store.log.position() == start + len(seen)
    assert [e.seq for e in store.log.read(after=start)] == [
        *range(start + 1, start + 1 + len(seen))
    ]


def test_reading_a_few_at_a_time_reads_everything_once_wherever_it_lies(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renwei.stores.log.WINDOW", 7)
    monkeypatch.setattr("renwei.stores.log.HOT_WINDOW", 3)
    for day in range(4):
        store.log.append([event(10 * day + k) for k in range(10)], AT + day * DAY)
    for before in (AT, AT + DAY + DAY / 2, AT + 9 * DAY):
        store.log.seal(before)
        for after in (0, 1, 6, 19, 20, 39, 40):
            assert [e.item for e in store.log.read(after=after)] == list(range(after, 40))
