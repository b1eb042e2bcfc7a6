"""Sums behind the log: never doubled, never of somebody who was forgotten."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from renwei.core.store import Named
from renwei.core.tallies import Tally
from renwei.stores.embedded import EmbeddedStore

Open = Callable[[], EmbeddedStore]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = some.lists(
    some.builds(
        Tally,
        actor=some.integers(1, 3),
        name=some.sampled_from(["view", "like"]),
        item=some.integers(0, 2),
        day=some.integers(20_000, 20_003),
        n=some.integers(-2, 5),
        amount=some.integers(-(1 << 40), 1 << 40),
        last_us=some.integers(0, 1 << 50),
    ),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=some.lists(ROWS, max_size=4))
def test_sums_are_those_of_all_rows_however_they_came(
    store: EmbeddedStore, batches: list[list[Tally]]
) -> None:
    store.tallies.reset("f")
    counts: Counter[tuple[object, ...]] = Counter()
    for position, batch in enumerate(batches, start=1):
        store.tallies.add("f", batch, position)
        for t in batch:
            counts[t.actor, t.name, t.item, t.day] += t.n
    found = {(t.actor, t.name, t.item, t.day): t.n for t in store.tallies.of([1, 2, 3])}
    assert found == dict(counts)
    assert store.tallies.position("f") == len(batches)


def test_a_fold_that_has_read_further_takes_nothing_twice(store: EmbeddedStore) -> None:
    row = Tally(1, "view", 5, 20_000, 1, 1, 7)
    store.tallies.add("f", [row], 9)
    with pytest.raises(ValueError, match="has read past 8"):
        store.tallies.add("f", [row], 8)
    assert store.tallies.of([1]) == [row]


def test_sums_and_what_a_fold_writes_beside_them_stand_or_fall_together(
    store: EmbeddedStore,
) -> None:
    def fold() -> None:
        with store.together():
            store.papers.put("x", "y", {}, by="fold", at=AT)
            store.tallies.add("f", [Tally(1, "new name", 5, 20_000, 1, 1, 7)], 3)
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fold()
    assert (store.tallies.position("f"), store.papers.names("x")) == (0, [])
    store.tallies.add("f", [Tally(1, "new name", 5, 20_000, 1, 1, 7)], 3)
    assert [t.name for t in store.tallies.of([1])] == ["new name"]


def test_a_file_of_the_first_schema_gets_its_sums(store: EmbeddedStore, reopen: Open) -> None:
    path = store.directory / "state.db"
    store.close()
    with sqlite3.connect(path) as raw:
        for table in ("folds", "tally_names", "tallies"):
            raw.execute(f"DROP TABLE {table}")
        raw.execute("DROP INDEX items_changed")
        raw.execute("ALTER TABLE items DROP COLUMN changed")
        raw.execute("PRAGMA user_version=1")
    raw.close()
    again = reopen()
    again.tallies.add("f", [Tally(1, "view", 5, 20_000, 1, 1, 7)], 3)
    assert again.tallies.position("f") == 3
    assert again.integrity() == []


def test_forgetting_after_a_crash_half_way_takes_the_sums_too(
    store: EmbeddedStore, reopen: Open
) -> None:
    (actor,) = store.people.actors([Named("phone", "+8613800138000")], AT)
    store.tallies.add("f", [Tally(actor, "view", 5, 20_000, 1, 1, 7)], 3)
    # What `forget` does first, and then the power goes.
    store.people._stones.add([(actor, bytes(store.people._hashes([actor])[0][0]))])
    store.close()
    assert reopen().tallies.of([actor]) == []


def test_dropping_old_days_takes_all_of_them(store: EmbeddedStore) -> None:
    rows = [Tally(k, "view", 1, 20_000 + k % 2, 1, 1, 1) for k in range(1, 9_001)]
    store.tallies.add("f", rows, 1)
    assert store.tallies.drop_before(20_001) == 4_500
    assert len(store.tallies.columns()["n"]) == 4_500
