"""Transactions, threads and schema versions of one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from renwei.core.errors import Unavailable
from renwei.core.nouns import Event
from renwei.core.store import Named
from renwei.stores.database import Database
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.queries import parse, queries

Open = Callable[[], EmbeddedStore]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = Path(__file__).parent / "first"
ONE = "CREATE TABLE a (x); INSERT INTO a VALUES (1);"
TWO = "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;"


@contextmanager
def database(path: Path, *steps: str) -> Iterator[Database]:
    folder = path.parent / "steps"
    folder.mkdir(exist_ok=True)
    for number, step in enumerate(steps, start=1):
        (folder / f"{number:04d}_step.sql").write_text(step)
    opened = Database(path, "x", write=True, migrations=folder)
    yield opened
    opened.close()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with database(tmp_path / "a.db", ONE) as opened:
        opened.migrate()
        yield opened


def test_a_file_of_an_earlier_schema_is_brought_up_to_date_once(tmp_path: Path) -> None:
    with database(tmp_path / "a.db", ONE) as old:
        assert old.migrate() == 1
    with database(tmp_path / "a.db", ONE, TWO) as new:
        assert (new.version(), new.migrate(), new.version()) == (1, 1, 2)
        assert new.rows("SELECT x, y FROM a") == [(1, 2)]
        assert new.migrate() == 0


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    with database(tmp_path / "a.db", ONE) as old:
        old.migrate()
    with (
        database(tmp_path / "a.db", ONE, TWO + "INSERT INTO nowhere VALUES (1);") as new,
        pytest.raises(sqlite3.OperationalError, match="nowhere"),
    ):
        new.migrate()
    with database(tmp_path / "a.db", ONE, TWO) as again:
        assert again.rows("SELECT * FROM a") == [(1,)]
        assert again.migrate() == 1


def test_migrations_are_numbered_without_gaps(tmp_path: Path) -> None:
    (tmp_path / "0002_late.sql").write_text(ONE)
    with pytest.raises(ValueError, match="should be number 1"):
        Database(tmp_path / "a.db", "x", write=True, migrations=tmp_path)


def test_a_directory_of_the_first_schema_still_opens_with_everything_in_it(
    tmp_path: Path, keys: Path, reopen: Open
) -> None:
    (tmp_path / "shop").mkdir()
    keys.mkdir()
    for name in ("log", "state"):
        connection = sqlite3.connect(tmp_path / "shop" / f"{name}.db")
        connection.executescript((FIRST / f"{name}.sql").read_text("utf-8"))
        connection.close()
    workspace, key = (FIRST / "key.txt").read_text().split()
    (keys / f"{workspace}.key").write_text(key)
    store = reopen()
    (person,) = store.people.search("13800138000")
    assert store.people.open(person) == {
        "phone": ["+8613800138000"],
        "email": ["li@example.com"],
        "name": ["李雷"],
    }
    assert store.people.profile(person).facts["city"].value == "杭州"
    assert len(store.people.profile(person).consents) == 1
    assert [event.value_minor for event in store.log.of([person])] == [102, 101, 100]
    assert [decision.chosen for decision in store.ledger.of([person])] == [(5,)]
    assert [item.title for item in store.items.all_items()] == ["Serum"]
    assert store.papers.names("setting") == ["cap"]
    assert store.counters.used("sms") == 2
    assert [effect.payload for effect in store.outbox.claim(AT, limit=9, lease_s=1)] == [b"text"]
    assert [due.key for due in store.timers.claim(AT, limit=9, lease_s=1)] == ["t"]
    assert store.integrity() == []


def add_and_fail(db: Database) -> None:
    with db.transaction():
        with db.transaction() as inner:
            inner.execute("INSERT INTO a VALUES (3)")
        raise KeyError


def test_an_inner_transaction_fails_alone(db: Database) -> None:
    with db.transaction() as connection:
        connection.execute("INSERT INTO a VALUES (2)")
        with pytest.raises(KeyError):
            add_and_fail(db)
        connection.execute("INSERT INTO a VALUES (4)")
    assert [row[0] for row in db.rows("SELECT x FROM a")] == [1, 2, 4]


def test_an_outer_transaction_takes_the_inner_with_it(db: Database) -> None:
    calls: list[int] = []
    db.on_rollback.append(lambda: calls.append(1))
    with pytest.raises(KeyError):
        add_and_fail(db)
    assert [row[0] for row in db.rows("SELECT x FROM a")] == [1]
    assert calls == [1]
    assert not db.inside()


def test_a_fault_of_the_callers_own_files_keeps_its_name(db: Database) -> None:
    with pytest.raises(PermissionError, match="denied"), db.transaction():
        raise PermissionError(13, "denied", "orders.csv")
    assert not db.inside()


def test_another_thread_sees_a_transaction_only_when_it_is_done(db: Database) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(db.one("SELECT count(*) FROM a")[0])

    with db.transaction() as connection:
        connection.execute("INSERT INTO a VALUES (2)")
        other = threading.Thread(target=look)
        other.start()
        other.join()
    look()
    assert seen == [1, 2]


def test_deleted_bytes_are_not_left_in_any_file(db: Database, tmp_path: Path) -> None:
    secret = "in plain sight"
    with db.transaction() as connection:
        connection.executemany("INSERT INTO a VALUES (?)", [(secret * 9,) for _ in range(500)])
    with db.transaction() as connection:
        connection.execute("DELETE FROM a WHERE x <> 1")
    assert any(secret.encode() in path.read_bytes() for path in tmp_path.glob("a.db*"))
    assert db.truncate()
    assert not any(secret.encode() in path.read_bytes() for path in tmp_path.glob("a.db*"))


def test_a_query_keeps_its_name_its_purpose_and_its_text() -> None:
    text = "-- one: Say one.\nSELECT 1;\n\n-- two: Say\nSELECT 2\nFROM a;\n"
    assert parse(text) == {"one": "SELECT 1", "two": "SELECT 2\nFROM a"}


@pytest.mark.parametrize(
    ("name", "owner"),
    [("log", "log"), *((name, "state") for name in ("people", "work", "ledger", "tallies"))],
)
def test_every_query_fits_the_schema(name: str, owner: str, tmp_path: Path) -> None:
    opened = Database(tmp_path / "a.db", owner, write=True)
    opened.migrate()
    for sql in queries(name).values():
        values = [None] * max(sql.count("?"), 1)
        for count in range(len(values) + 1):
            try:
                opened.rows(f"EXPLAIN {sql}", values[:count])
                break
            except sqlite3.ProgrammingError:
                continue
        else:
            raise AssertionError(sql)
    opened.close()


def test_threads_read_while_one_writes(store: EmbeddedStore) -> None:
    """Each reader sees whole batches, in order, and never goes back."""
    stop, faults = threading.Event(), list[str]()

    def watch() -> None:
        before = 0
        while not stop.is_set():
            count = sum(1 for _ in store.log.read())
            if count % 10 or count < before:
                faults.append(f"{before} then {count}")
            before = count

    readers = [threading.Thread(target=watch) for _ in range(3)]
    for reader in readers:
        reader.start()
    for k in range(0, 400, 10):
        store.log.append([Event(1, "x", AT, n.to_bytes(16, "big")) for n in range(k, k + 10)], AT)
        if k % 100 == 50:
            store.log.seal(datetime(2027, 1, 1, tzinfo=UTC))
    stop.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert store.log.position() == 400


def test_threads_that_write_take_turns(store: EmbeddedStore) -> None:
    def make(part: int) -> None:
        for k in range(20):
            names = [Named("phone", f"+86138{k:04d}{n:04d}") for n in range(3)]
            found = store.people.actors(names, AT)
            store.people.keep_many([(actor, "note", f"{part}") for actor in found])

    threads = [threading.Thread(target=make, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    persons = store.people.all_persons()
    assert len(persons) == 60
    assert {tuple(sorted(store.people.open(p)["note"])) for p in persons} == {("0", "1", "2", "3")}


def test_a_closed_store_says_that_it_is_closed(tmp_path: Path, keys: Path) -> None:
    store = open_store(tmp_path / "shop", keys=keys)
    store.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        store.log.position()


def test_a_busy_file_says_who_uses_it(db: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    db.rows("PRAGMA busy_timeout=10")
    with pytest.raises(Unavailable) as fault, db.transaction():
        pass
    assert fault.value.code == "in_use"
    other.execute("ROLLBACK")
    other.close()
    with db.transaction() as connection:
        connection.execute("INSERT INTO a VALUES (9)")
