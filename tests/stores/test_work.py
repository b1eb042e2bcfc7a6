"""Counters, timers, effects, papers, items and blobs where the contract alone says too little."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renwei.core.clock import Frozen
from renwei.core.errors import Unavailable
from renwei.core.nouns import Item
from renwei.core.store import Delivery, Effect
from renwei.stores.embedded import EmbeddedStore
from renwei.stores.lock import child_environment
from renwei.stores.queries import queries
from renwei.testing.store import decision

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEYS = count()
Open = Callable[[], EmbeddedStore]
Child = Callable[..., "subprocess.Popen[str]"]


def test_processes_that_reserve_at_once_never_pass_the_limit(
    store: EmbeddedStore, child: Child
) -> None:
    environment = child_environment(store.directory)
    children = [child("reserve", "150", **environment) for _ in range(3)]
    held = 0
    for process in children:
        said = process.communicate()[0].splitlines()
        assert said[-1] == "full"
        held += said.count("held")
    assert held == store.counters.used("sms") == 150


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["reserve", "settle", "release", "wait"]),
            st.integers(0, 6),
            st.integers(0, 5),
        ),
        max_size=15,
    ),
)
def test_a_counter_is_what_was_used_and_what_is_held(
    store: EmbeddedStore, clock: Frozen, steps: list[tuple[str, int, int]]
) -> None:
    clock.at, total, key = AT, 0, f"key {next(KEYS)}"
    holds: list[tuple[str, int, datetime]] = []
    for what, amount, pick in steps:
        if what == "wait":
            clock.advance(amount * HOUR)
        elif what == "reserve":
            until = clock.at + 4 * HOUR
            hold = store.counters.reserve(key, amount, 10, at=clock.at, until=until)
            assert (hold is not None) == (total + amount <= 10)
            if hold:
                total += amount
                holds.append((hold.id, amount, until))
        elif holds:
            name, held, until = holds.pop(pick % len(holds))
            used = min(amount, held) if what == "settle" else 0
            if what == "settle":
                store.counters.settle(name, used)
            else:
                store.counters.release(name)
            # What has expired is spent, whatever comes after.
            total -= (held - used) if until > clock.at else 0
        assert store.counters.used(key) == total


def test_amounts_that_make_no_sense_are_refused(store: EmbeddedStore) -> None:
    with pytest.raises(ValueError, match="negative"):
        store.counters.reserve("x", -1, 5, at=AT, until=AT + HOUR)
    hold = store.counters.reserve("x", 2, 5, at=AT, until=AT + HOUR)
    assert hold is not None
    with pytest.raises(ValueError, match="settling 3 of a hold of 2"):
        store.counters.settle(hold.id, 3)
    assert store.counters.used("x") == 2


def test_a_timer_survives_and_waits_for_a_clock_that_went_back(reopen: Open, clock: Frozen) -> None:
    store = reopen()
    store.timers.set("journey/1", AT + HOUR, b"step 2")
    store.close()
    store = reopen()
    assert [due.key for due in store.timers.claim(AT + HOUR, limit=5, lease_s=60)] == ["journey/1"]
    clock.advance(-5 * HOUR)
    assert store.timers.claim(clock.at, limit=5, lease_s=60) == []
    assert len(store.timers.claim(AT + 2 * HOUR, limit=5, lease_s=60)) == 1


def test_claims_take_the_oldest_first_and_no_more_than_asked(store: EmbeddedStore) -> None:
    for k in (3, 1, 2):
        store.timers.set(f"t{k}", AT + k * HOUR, b"")
        made = decision(person=k)
        effect = Effect(f"s{k}", "sms", made.id, b"", AT + k * HOUR)
        store.ledger.record(made, [effect])
    late = AT + 9 * HOUR
    assert [d.key for d in store.timers.claim(late, limit=2, lease_s=60)] == ["t1", "t2"]
    assert [e.send_id for e in store.outbox.claim(late, limit=2, lease_s=60)] == ["s1", "s2"]
    assert [e.send_id for e in store.outbox.claim(late, limit=2, lease_s=60)] == ["s3"]


@given(
    marks=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["sent", "failed", "retry", "unknown"])),
        max_size=12,
    )
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_states_of_effects_always_add_up(
    store: EmbeddedStore, marks: list[tuple[int, str]]
) -> None:
    before = store.outbox.counts()["queued"]
    for k in range(4):
        made = decision(person=k)
        store.ledger.record(made, [Effect(f"{before}/{k}", "sms", made.id, b"", AT)])
    for k, state in marks:
        store.outbox.mark(f"{before}/{k}", Delivery(state), AT)
        counts = store.outbox.counts()
        parts = [counts[name] for name in ("sent", "held", "failed", "unknown")]
        assert counts["queued"] == sum(parts) == before + 4


def test_a_delivery_of_no_known_state_is_refused(store: EmbeddedStore) -> None:
    with pytest.raises(ValueError, match="no such delivery state: gone"):
        store.outbox.mark("s", Delivery("gone"), AT)


def test_what_an_effect_says_is_sealed_on_disk(store: EmbeddedStore) -> None:
    made = decision(person=1)
    store.ledger.record(made, [Effect("s", "sms", made.id, b"dear Li Lei", AT)])
    for path in store.directory.glob("state.db*"):
        assert b"Li Lei" not in path.read_bytes()


def test_undoing_twice_is_doing_again(store: EmbeddedStore) -> None:
    for n in (1, 2):
        store.papers.put("setting", "cap", {"n": n}, by="me", at=AT)
    bodies = []
    for _ in range(3):
        paper = store.papers.undo("setting", "cap", by="me", at=AT)
        assert paper is not None
        bodies.append(paper.body["n"])
    assert bodies == [1, 2, 1]


def test_items_given_a_number_keep_it(store: EmbeddedStore) -> None:
    assert store.items.upsert([Item(7, "product", "A", "a"), Item(0, "product", "B", "b")]) == [
        7,
        8,
    ]
    assert store.items.upsert([Item(9, "product", "A", "new")]) == [7]
    assert store.items.by_code("product", ["B", "A", "C"]) == [8, 7, 0]
    assert [item.title if item else None for item in store.items.get([8, 1, 7])] == [
        "b",
        None,
        "new",
    ]


def test_a_blob_under_another_name_or_changed_does_not_open(store: EmbeddedStore) -> None:
    store.blobs.put("a", b"1")
    store.blobs.put("b", b"2")
    first, second = sorted((store.directory / "blobs").rglob("*.blob"))
    saved = second.read_bytes()
    second.write_bytes(first.read_bytes())
    for name in ("a", "b"):
        if store.blobs._path(name) == second:
            with pytest.raises(Unavailable):
                store.blobs.get(name)
    second.write_bytes(saved[:-1] + bytes([saved[-1] ^ 1]))
    changed = "a" if store.blobs._path("a") == second else "b"
    with pytest.raises(Unavailable) as fault:
        store.blobs.get(changed)
    assert fault.value.code == "damaged"


def test_a_blob_survives_opening_again(reopen: Open, tmp_path: Path) -> None:
    store = reopen()
    store.blobs.put("客户/退单", bytes(range(256)) * 100)
    store.close()
    again = reopen()
    assert again.blobs.names("客户/") == ["客户/退单"]
    assert again.blobs.get("客户/退单") == bytes(range(256)) * 100
    assert all("客户" not in path.name for path in (tmp_path / "shop").rglob("*"))


def test_whoever_asks_for_newer_items_reads_no_older_ones(store: EmbeddedStore) -> None:
    made = [Item(0, "product", f"p{k}", f"P {k}", "", 100, "CNY", {}) for k in range(300)]
    store.items.upsert(made)
    mark, whole = store.items.changed()
    assert [item.code for item in whole] == [item.code for item in made]
    store.items.upsert(made[7:8])
    newer, some = store.items.changed(mark)
    assert (newer > mark, [item.code for item in some]) == (True, ["p7"])
    with closing(sqlite3.connect(store.directory / "state.db")) as connection:
        plan = connection.execute("EXPLAIN QUERY PLAN " + queries("work")["items_changed"], (mark,))
        assert "USING INDEX items_changed" in next(plan)[3]
