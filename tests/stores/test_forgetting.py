"""Forgetting: afterwards no file of the workspace holds the person, however it is opened."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from renwei.core.nouns import NOBODY, Consent, ConsentState, Event, Fact, Told
from renwei.core.store import Effect, Named
from renwei.core.tallies import Tally
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.testing.store import decision

Open = Callable[[], EmbeddedStore]
PHONE, MAIL, NICK = "+8613800138000", "li.lei@example.com", "taobao:雷雷在路上"
SECRETS = (PHONE, "13800138000", MAIL, "雷雷在路上", "李雷", "西湖区文三路1号", "TB-556677-ORDER")
NAMES = [Named("phone", PHONE), Named("email", MAIL), Named("nick", NICK)]


def fill(store: EmbeddedStore, at: datetime) -> tuple[int, list[int], list[int]]:
    """A person of three actors with everything, and ten others."""
    people = store.people
    mine = people.actors(NAMES, at, "import:1")
    others = people.actors([Named("phone", f"+86139{k:08d}") for k in range(10)], at, "import:1")
    for gone in mine[1:]:
        people.merge(mine[0], gone, reason="same_order", at=at)
    rows = [(mine[0], "name", "李雷"), (mine[1], "address", "西湖区文三路1号")]
    rows += [(mine[2], "order", "TB-556677-ORDER")] + [(o, "name", "韩梅梅") for o in others]
    people.keep_many(rows, "import:1")
    people.learn_facts(mine[1], [Fact("city", "杭州", Told.OBSERVED, "import:1", at)])
    people.state_consent(mine[0], [Consent("marketing", "*", ConsentState.GIVEN, at, "import:1")])
    events = [
        Event(actor, "order", at, bytes([k, n] * 8), 5, 100 * k + n, "CNY", {"k": k})
        for k, actor in enumerate([*mine, *others])
        for n in range(4)
    ]
    store.log.append(events[::2], at)
    store.log.seal(at + timedelta(seconds=1))
    store.log.append(events[1::2], at + timedelta(days=1))
    for actor in (*mine, *others[:3]):
        made, text = decision(person=actor, at=at), f"李雷 {PHONE}" if actor in mine else "您好"
        effect = Effect(f"send-{actor}", "sms", made.id, text.encode(), at)
        store.ledger.record(made, [effect])
    store.ledger.record_all(decision(person=p, at=at) for p in (*mine, *others))
    store.tallies.add("f", [Tally(mine[0], "view", 5, 20_000, 1, 1, 7)], 1)
    return mine[0], mine, others


def readable(store: EmbeddedStore) -> Iterator[tuple[str, bytes]]:
    """Everything that can be read in the directory: raw, as rows, as columns, decrypted."""
    root = store.directory
    for path in root.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()
        if path.suffix == ".parquet":
            yield path.name, repr(pq.read_table(path).to_pydict()).encode()
            yield path.name, repr(pq.read_metadata(path)).encode()
    for name in ("log.db", "state.db"):
        with sqlite3.connect(root / name) as connection:
            for line in connection.iterdump():
                yield name, line.encode()
        connection.close()
    for person in store.people.all_persons():
        yield "vault", repr(store.people.open(person)).encode()
    for name in store.blobs.names():
        yield "blob", store.blobs.get(name) or b""
    for effect in store.outbox.claim(datetime(2100, 1, 1, tzinfo=UTC), limit=99, lease_s=-1e9):
        yield "effect", effect.payload


def test_no_file_holds_a_forgotten_person(reopen: Open, at: datetime) -> None:
    store = reopen()
    person, mine, others = fill(store, at)
    keys = store._state_db.rows("SELECT key FROM actors ORDER BY actor")
    own = store._state_db.rows(
        "SELECT key FROM actors WHERE actor IN (?, ?, ?)", tuple(mine)
    ) + store._state_db.rows("SELECT sealed FROM vault WHERE actor IN (?, ?, ?)", tuple(mine))
    totals = sum(event.value_minor for event in store.log.read())
    decided = [(d.id, d.chosen, d.odds) for d in store.ledger.between(at, at + timedelta(days=1))]

    counts = store.forget(person, at)

    assert counts == {
        "identifiers": 3, "texts": 3, "facts": 1, "consents": 1, "merges": 2, "actors": 3,
        "tallies": 1, "events": 12, "decisions": 6,
    }  # fmt: skip
    assert sum(event.value_minor for event in store.log.read()) == totals
    after = list(store.ledger.between(at, at + timedelta(days=1)))
    assert [(d.id, d.chosen, d.odds) for d in after] == decided
    assert len(keys) == 13
    for stage in ("open", "closed"):
        if stage == "closed":
            store.close()
            store = reopen()
        for place, data in readable(store):
            for secret in SECRETS:
                assert secret.encode() not in data, (stage, place)
            for (sealed,) in own:
                assert bytes(sealed) not in data, (stage, place)
            for actor in mine:
                # Tombstones alone remember the number; without rows it tells nothing.
                assert place in ("state.db", "log.db", "forgotten.jsonl") or (
                    actor.to_bytes(8, "little") not in data
                )
    assert store.log.of(mine) == []
    assert store.ledger.of(mine) == []
    assert len(store.people.all_persons()) == len(others)
    assert store.people.open(others[0])["name"] == ["韩梅梅"]


def test_a_search_finds_what_is_there_before_the_forgetting(
    store: EmbeddedStore, at: datetime
) -> None:
    """The scan of the test above would be worth nothing if it saw nothing."""
    person, _, _ = fill(store, at)
    seen = b"".join(data for place, data in readable(store) if place in ("vault", "effect"))
    assert all(secret.encode() in seen for secret in SECRETS)
    raw = b"".join(data for place, data in readable(store) if place not in ("vault", "effect"))
    assert not any(secret.encode() in raw for secret in SECRETS)
    assert person.to_bytes(8, "little") in raw


def test_importing_again_does_not_bring_a_forgotten_person_back(
    store: EmbeddedStore, at: datetime
) -> None:
    person, _, _ = fill(store, at)
    store.forget(person, at)
    assert store.people.actors(NAMES, at, "import:2") == [NOBODY] * 3
    assert store.people.merges() == []


@pytest.mark.parametrize("with_tombstones", [True, False])
def test_a_backup_put_back_forgets_again(
    with_tombstones: bool, reopen: Open, at: datetime, tmp_path: Path
) -> None:
    store = reopen()
    person, mine, others = fill(store, at)
    store.close()
    shutil.copytree(tmp_path / "shop", tmp_path / "backup")
    store = reopen()
    store.forget(person, at)
    store.close()
    if with_tombstones:
        for name in ("state.db", "log.db"):
            shutil.copy(tmp_path / "backup" / name, tmp_path / "shop" / name)
        shutil.rmtree(tmp_path / "shop" / "lake")
        shutil.copytree(tmp_path / "backup" / "lake", tmp_path / "shop" / "lake")
    else:
        shutil.rmtree(tmp_path / "shop")
        shutil.copytree(tmp_path / "backup", tmp_path / "shop")
    reader = open_store(tmp_path / "shop", keys=tmp_path / "keys", write=False)
    assert reader.people.find(NAMES[0]) is None
    reader.close()
    store = reopen()
    assert store.log.of(mine) == []
    assert store.ledger.of(mine) == []
    assert len(store.people.all_persons()) == len(others)
    for place, data in readable(store):
        assert not any(secret.encode() in data for secret in SECRETS), place
    assert store.integrity() == []


def test_a_forgetting_cut_short_is_finished_on_the_next_open(reopen: Open, at: datetime) -> None:
    store = reopen()
    person, mine, _ = fill(store, at)
    # Only the promise is on disk: the process died right after it.
    store.people._stones.add(
        [(actor, bytes(digest)) for digest, actor in store.people._hashes(mine)]
    )
    store.close()
    store = reopen()
    assert store.people.open(person) == {}
    assert store.log.of(mine) == []
    assert store.ledger.of(mine) == []
    assert store.outbox.counts()["failed"] == 3


def test_a_torn_line_of_the_tombstones_is_let_go_and_the_rest_counts(
    reopen: Open, at: datetime, tmp_path: Path
) -> None:
    store = reopen()
    people = store.people
    a, b = people.actors([Named("phone", "+8613800000001"), Named("phone", "+8613800000002")], at)
    store.forget(a, at)
    store.close()
    with (tmp_path / "shop" / "tombstones" / "forgotten.jsonl").open("a") as file:
        file.write('{"hash": "00')
    store = reopen()
    assert store.people.forgotten() == [a]
    store.forget(b, at)
    store.close()
    assert sorted(reopen().people.forgotten()) == sorted([a, b])


def test_forgetting_inside_a_transaction_cleans_up_when_it_ends(
    store: EmbeddedStore, at: datetime
) -> None:
    person, mine, _ = fill(store, at)
    (wrapped,) = store._state_db.one("SELECT key FROM actors WHERE actor = ?", (mine[0],))
    with store.together():
        store.forget(person, at)
    for path in store.directory.glob("state.db*"):
        assert bytes(wrapped) not in path.read_bytes()
    assert store.people.open(person) == {}
