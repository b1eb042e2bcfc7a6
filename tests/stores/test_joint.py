from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.core.errors import Unavailable
from renwei.stores.database import Database
from renwei.stores.joint import Write


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "state.db", "state", write=True)
    with closing(database):
        database.migrate()
        with database.transaction() as connection:
            connection.execute("CREATE TABLE notes (n INTEGER PRIMARY KEY)")
        yield database


def adding(n: int) -> Write:
    def write(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO notes VALUES (?)", (n,))
        return n

    return write


def kept(file: Database) -> list[int]:
    return [row[0] for row in file.rows("SELECT n FROM notes ORDER BY n")]


class Held:
    """The file is held by a writer until the block ends; others line up meanwhile."""

    def __init__(self, file: Database, waiting: int) -> None:
        self._file, self._waiting = file, waiting

    def __enter__(self) -> None:
        self._held, self._free = threading.Event(), threading.Event()

        def hold() -> None:
            with self._file.transaction():
                self._held.set()
                self._free.wait(20)

        self._thread = threading.Thread(target=hold)
        self._thread.start()
        self._held.wait(20)

    def __exit__(self, *_: object) -> None:
        line = self._file.joint._line
        turn = threading.Event()
        for _turn in range(2_000):
            if len(line) >= self._waiting:
                break
            turn.wait(0.005)
        self._free.set()
        self._thread.join()


def all_at_once(file: Database, writes: list[Write]) -> list[object]:
    """Let many threads join while somebody else holds the file; what each of them got."""
    found: list[object] = list(range(len(writes)))

    def one(k: int) -> None:
        try:
            found[k] = file.joint.join(writes[k])
        except Exception as error:  # noqa: BLE001 - the test asks what was raised
            found[k] = error

    threads = [threading.Thread(target=one, args=(k,)) for k in range(len(writes))]
    with Held(file, len(writes)):
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    return found


def commits(file: Database) -> int:
    """How often the file was committed by anybody but this thread's connection."""
    return int(file.one("PRAGMA data_version")[0])


def test_a_write_alone_is_durable_on_return_and_gives_its_answer(file: Database) -> None:
    assert file.joint.join(adding(7)) == 7
    with closing(file.reading()) as other:
        assert other.execute("SELECT n FROM notes").fetchall() == [(7,)]


def test_all_who_wait_are_written_in_one_commit(file: Database) -> None:
    before = commits(file)
    found = all_at_once(file, [adding(n) for n in range(12)])
    assert found == list(range(12))
    assert kept(file) == list(range(12))
    # One by whoever held the file is empty; one is of all the others.
    assert commits(file) - before <= 2


def test_a_write_that_fails_undoes_itself_alone_and_its_own_caller_hears_of_it(
    file: Database,
) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO notes VALUES (99)")
        raise ValueError("not this one")

    found = all_at_once(file, [adding(1), broken, adding(2)])
    assert [str(one) for one in found] == ["1", "not this one", "2"]
    assert kept(file) == [1, 2]


def test_a_fault_of_the_file_is_told_as_ours(file: Database) -> None:
    def unknown(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO nowhere VALUES (1)")

    for alone in (True, False):
        writes: list[Write] = [unknown] if alone else [adding(5), unknown]
        found = all_at_once(file, writes)
        assert isinstance(found[-1], sqlite3.OperationalError | Unavailable)
    assert kept(file) == [5]


def test_inside_a_transaction_a_write_is_a_part_of_it(file: Database) -> None:
    def broken_off() -> None:
        with file.transaction():
            file.joint.join(adding(1))
            file.joint.later(adding(2))
            raise KeyError

    with pytest.raises(KeyError):
        broken_off()
    assert kept(file) == []


def test_what_is_written_later_is_durable_when_the_block_has_ended(file: Database) -> None:
    with file.joint.gathering():
        file.joint.later(adding(1))
        file.joint.later(adding(2))
        assert kept(file) == []
    assert kept(file) == [1, 2]


def test_what_is_written_later_goes_along_with_the_next_write(file: Database) -> None:
    with file.joint.gathering():
        file.joint.later(adding(1))
        file.joint.join(adding(2))
        assert kept(file) == [1, 2]
    assert kept(file) == [1, 2]


def test_what_was_to_be_written_later_is_written_though_the_block_fails(file: Database) -> None:
    def broken_off() -> None:
        with file.joint.gathering():
            file.joint.later(adding(1))
            raise KeyError

    with pytest.raises(KeyError):
        broken_off()
    assert kept(file) == [1]


def test_without_a_block_later_is_now(file: Database) -> None:
    file.joint.later(adding(3))
    assert kept(file) == [3]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_of_many_writes_exactly_those_that_did_not_fail_stand(fates: list[bool]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "state.db", "state", write=True)
        with closing(database):
            database.migrate()
            with database.transaction() as connection:
                connection.execute("CREATE TABLE notes (n INTEGER PRIMARY KEY)")

            def write(n: int, *, fails: bool) -> Write:
                def add(connection: sqlite3.Connection) -> int:
                    connection.execute("INSERT INTO notes VALUES (?)", (n,))
                    if fails:
                        raise ValueError(n)
                    return n

                return add

            found = all_at_once(database, [write(n, fails=fails) for n, fails in enumerate(fates)])
            assert [isinstance(one, ValueError) for one in found] == fates
            assert kept(database) == [n for n, fails in enumerate(fates) if not fails]


# One moment.


def test_reads_inside_steady_are_of_one_moment(file: Database) -> None:
    with file.steady():
        assert kept(file) == []
        with closing(sqlite3.connect(file.path)) as other:
            other.execute("INSERT INTO notes VALUES (1)")
            other.commit()
        assert kept(file) == []
    assert kept(file) == [1]


def test_what_steady_wrote_itself_is_seen_and_so_is_what_others_wrote_before(
    file: Database,
) -> None:
    with file.steady():
        assert kept(file) == []
        with closing(sqlite3.connect(file.path)) as other:
            other.execute("INSERT INTO notes VALUES (1)")
            other.commit()
        with file.transaction() as connection:
            connection.execute("INSERT INTO notes VALUES (2)")
        assert kept(file) == [1, 2]
        file.joint.join(adding(3))
        assert kept(file) == [1, 2, 3]


def test_what_is_asked_once_is_asked_again_after_a_write_and_outside(file: Database) -> None:
    asked: list[int] = []

    def read() -> int:
        asked.append(1)
        return len(asked)

    def ask() -> int:
        return file.once("n", read)

    assert [ask(), ask()] == [1, 2]
    with file.steady():
        assert [ask(), ask()] == [3, 3]
        with file.transaction():
            assert [ask(), ask()] == [4, 5]
        assert [ask(), ask()] == [6, 6]
    assert ask() == 7


def test_steady_inside_a_transaction_is_a_part_of_it(file: Database) -> None:
    with file.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES (1)")
        with file.steady():
            assert kept(file) == [1]
        assert file.inside()
    assert not file.inside()
