"""Young events: known at once by everybody, put in order later, never lost or doubled."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import pytest

from renwei.core.nouns import NOBODY, Event
from renwei.stores import young
from renwei.stores.embedded import EmbeddedStore

Open = Callable[[], EmbeddedStore]
Child = Callable[..., "subprocess.Popen[str]"]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACTORS = [1 + (k << 60) for k in range(7)] + [(1 << 63) - 1]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that happens with many events happens with few."""
    monkeypatch.setattr(young, "MANY", 40)
    monkeypatch.setattr(young, "PARTS", 4)


def event(k: int, actor: int = 0, source: str = "") -> Event:
    # As random as real ones: message ids are keyed hashes, actors are drawn.
    key = blake2b(k.to_bytes(8, "big"), digest_size=16).digest()
    return Event(actor or ACTORS[k % 8], "view", AT + timedelta(seconds=k), key, source=source)


def indexed(store: EmbeddedStore) -> int:
    return int(store._log_db.one("SELECT value FROM meta WHERE name = 'indexed'")[0])


def sound(store: EmbeddedStore, count: int) -> None:
    """Every event once: in order, by actor, by message id."""
    events = list(store.log.read())
    assert len(events) == len({e.message_id for e in events}) == count
    by_actor = Counter(e.actor for e in events)
    for actor, n in by_actor.items():
        assert len(store.log.of([actor], limit=1_000_000)) == n
    assert all(store.log.has([e.message_id for e in events]))
    assert store.integrity() == []


def test_events_are_known_before_while_and_after_they_are_put_in_order(
    store: EmbeddedStore,
) -> None:
    stands = set()
    for k in range(0, 400, 4):
        told = store.log.append([event(n) for n in range(max(k - 3, 0), k + 4)], AT)
        assert told.added == 4
        stands.add((indexed(store), store._log._young._round is not None))
        if k % 40 == 0:
            sound(store, k + 4)
    # All was met: nothing in order yet, a round under way, several rounds done.
    assert len({at for at, _ in stands}) > 4
    assert {under_way for _, under_way in stands} == {True, False}
    sound(store, 400)


def test_a_random_life_loses_and_doubles_nothing(store: EmbeddedStore, reopen: Open) -> None:
    luck, alive, gone = random.Random(7), dict[int, str](), set[int]()
    other = reopen()
    for step in range(120):
        log = luck.choice([store, other]).log
        act = luck.random()
        if act < 0.8:
            batch = [luck.randrange(1_200) for _ in range(luck.randrange(1, 30))]
            told = log.append([event(k, source=f"s{step % 5}") for k in batch], AT)
            expected = [k not in alive and k not in batch[:n] for n, k in enumerate(batch)]
            assert list(told.fresh) == expected
            alive |= {k: f"s{step % 5}" for k in batch if k not in alive}
        elif act < 0.9:
            log.seal(AT + timedelta(seconds=luck.randrange(2)))
        elif act < 0.95:
            source = f"s{luck.randrange(5)}"
            assert log.withdraw(source) == sum(s == source for s in alive.values())
            alive = {k: s for k, s in alive.items() if s != source}
        else:
            actor = luck.choice(ACTORS)
            log.forget([actor])
            gone.add(actor)
        if step % 10 == 0:
            sound(store, len(alive))
            sound(other, len(alive))
    assert {e.actor for e in store.log.read()} <= set(ACTORS) - gone | {NOBODY}
    sound(other, len(alive))


def test_what_a_failed_transaction_appended_was_never_there(store: EmbeddedStore) -> None:
    def fail() -> None:
        with store._log_db.transaction():
            store.log.append([event(1), event(2)], AT)
            assert store.log.has([event(1).message_id]) == [True]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.log.has([event(1).message_id, event(2).message_id]) == [False, False]
    assert store.log.append([event(2), event(3)], AT).added == 2
    sound(store, 2)


def test_a_large_append_is_put_in_order_at_once(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renwei.stores.log.AT_ONCE", 100)
    store.log.append([event(k) for k in range(5)], AT)
    store.log.append([event(k) for k in range(200)], AT)
    assert indexed(store) == 200
    assert store._log._young.of(ACTORS) == []
    sound(store, 200)


def test_many_threads_and_two_stores_append_at_once(store: EmbeddedStore, reopen: Open) -> None:
    other, added = reopen(), list[int]()

    def work(seed: int) -> None:
        luck = random.Random(seed)
        for _ in range(30):
            batch = [event(luck.randrange(900)) for _ in range(20)]
            added.append((store if seed % 2 else other).log.append(batch, AT).added)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sound(store, sum(added))
    sound(other, sum(added))


def test_a_process_killed_on_the_way_begins_that_round_anew(reopen: Open, child: Child) -> None:
    count = 0
    for _ in range(3):
        process = child("tidy", str(count))
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "slice":
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        store = reopen()
        count = len(list(store.log.read()))
        assert store._log_db.one("SELECT count(*) FROM ids")[0] > indexed(store)
        sound(store, count)
        again = store.log.append([event(k) for k in range(count)], AT)
        assert again.added == 0
        store._log._young.tidy_all()
        assert indexed(store) == store.log.position()
        sound(store, count)
        store.close()


def test_whoever_looks_meanwhile_is_told_of_every_event(store: EmbeddedStore) -> None:
    done, seen = threading.Event(), list[int]()

    def look() -> None:
        while not done.is_set():
            last = store.log.position()
            found = len(store.log.of(ACTORS, limit=1_000_000))
            assert found >= last
            seen.append(found)

    thread = threading.Thread(target=look)
    thread.start()
    for k in range(0, 1_200, 12):
        store.log.append([event(n) for n in range(k, k + 12)], AT)
    done.set()
    thread.join()
    assert seen == sorted(seen)
    sound(store, 1_200)


def test_every_key_there_can_be_has_its_part(store: EmbeddedStore) -> None:
    first, last = bytes(16), b"\xff" * 16
    edges = [
        Event(actor, "view", AT, key)
        for actor, key in zip((1, ACTORS[-1]), (first, last), strict=True)
    ]
    edges += [Event(NOBODY, "view", AT, (k << 126).to_bytes(16, "big")) for k in range(1, 4)]
    edges += [Event(ACTORS[2], "view", AT, b"short"), Event(1 << 61, "view", AT, b"\x40")]
    store.log.append(edges, AT)
    store._log._young.tidy_all()
    assert indexed(store) == len(edges)
    assert store._log_db.one("SELECT count(*) FROM ids")[0] == len(edges)
    sound(store, len(edges))
