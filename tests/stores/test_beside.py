"""Two who write at once: what others merged, papers that changed, a writer that gives way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renwei.core.clock import ticks
from renwei.core.nouns import NOBODY, Item
from renwei.core.store import Named
from renwei.stores.database import LONGEST_REST_S, Database
from renwei.stores.embedded import EmbeddedStore, open_store

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
Open = Callable[[], EmbeddedStore]
N = 7
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), st.integers(0, N - 1), st.integers(0, N - 1)),
        st.tuples(st.just("undo"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("broken"), st.integers(0, N - 1), st.integers(0, N - 1)),
        st.tuples(st.just("forget"), st.integers(0, N - 1), st.just(0)),
        st.tuples(st.just("look"), st.just(0), st.just(0)),
    ),
    max_size=15,
)


@pytest.fixture
def two(reopen: Open) -> tuple[EmbeddedStore, EmbeddedStore]:
    return reopen(), reopen()


def step(store: EmbeddedStore, actors: list[int], what: str, a: int, b: int) -> None:
    people = store.people
    if what == "merge" and all(people.actors_of(actors[k]) for k in (a, b)):
        people.merge(actors[a], actors[b], reason="test", at=AT)
    elif what == "undo" and people.merges():
        people.unmerge(people.merges()[a % len(people.merges())].id, AT)
    elif what == "broken" and all(people.actors_of(actors[k]) for k in (a, b)):
        with pytest.raises(KeyError):
            broken_off(store, actors, a, b)
    elif what == "forget" and a == 0 and people.actors_of(actors[0]):
        people.forget(people.persons_of([actors[0]])[0], AT)


def broken_off(store: EmbeddedStore, actors: list[int], a: int, b: int) -> None:
    """A merge that was known in its own transaction and never came to be."""
    with store.together():
        store.people.merge(actors[a], actors[b], reason="broken off", at=AT)
        store.people.persons_of(actors)
        raise KeyError


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_whoever_reads_along_knows_the_same_persons_as_who_begins_anew(
    steps: list[tuple[str, int, int]], two: tuple[EmbeddedStore, EmbeddedStore], reopen: Open
) -> None:
    writer, reader = two
    fresh = [Named("phone", f"+86139{to_us_of(k, writer):08d}") for k in range(N)]
    actors = writer.people.actors(fresh, AT)
    for what, a, b in steps:
        step(writer, actors, what, a, b)
        if what == "look":
            reader.people.persons_of(actors)
            with reader.steady():
                reader.people.persons_of(actors)
    anew = reopen()
    wanted = anew.people.persons_of(actors)
    assert reader.people.persons_of(actors) == wanted
    assert writer.people.persons_of(actors) == wanted
    for person in set(wanted) - {NOBODY}:
        assert set(reader.people.actors_of(person)) == set(anew.people.actors_of(person))


def to_us_of(k: int, store: EmbeddedStore) -> int:
    """Numbers that no example before used."""
    return len(store.people.all_persons()) * 10 + len(store.people.forgotten()) * 1_000_003 + k


def test_in_one_moment_the_same_persons_are_known_whatever_others_merge(
    two: tuple[EmbeddedStore, EmbeddedStore],
) -> None:
    writer, reader = two
    a, b = writer.people.actors([Named("phone", f"+861390000000{k}") for k in (1, 2)], AT)
    with reader.steady():
        assert reader.people.persons_of([a, b]) == [a, b]
        version = reader.people.map_version()
        writer.people.merge(a, b, reason="test", at=AT)
        assert reader.people.persons_of([a, b]) == [a, b]
        assert reader.people.map_version() == version
    assert reader.people.persons_of([a, b]) == [a, a]


def test_whoever_remembers_papers_is_told_of_each_change_to_their_kinds_alone(
    two: tuple[EmbeddedStore, EmbeddedStore],
) -> None:
    writer, reader = two
    turns = [reader.papers.turns("setting", "autonomy")]

    def told() -> bool:
        turns.append(reader.papers.turns("setting", "autonomy"))
        return turns[-1] > turns[-2]

    writer.papers.put("setting", "shop", {"zone": "UTC"}, by="me", at=AT)
    assert told()
    writer.papers.put("key", "k1", {}, by="me", at=AT)
    assert not told()
    writer.papers.put("autonomy", "today", {"level": "act"}, by="me", at=AT)
    assert told()
    writer.papers.put("setting", "shop", {"zone": "Asia/Shanghai"}, by="me", at=AT)
    assert told()
    writer.papers.undo("setting", "shop", by="me", at=AT)
    assert told()
    writer.papers.drop("setting", "shop")
    assert told()
    assert not told()


# A writer beside a server.


@pytest.fixture
def served(tmp_path: Path, keys: Path) -> Iterator[EmbeddedStore]:
    with closing(open_store(tmp_path / "served", keys=keys, server=True)) as store:
        yield store


def test_alone_nobody_gives_way(served: EmbeddedStore, reopen: Open) -> None:
    assert not served._state_db.gives_way
    assert served._state_db.tended
    assert not reopen()._state_db.gives_way
    assert not reopen()._state_db.tended


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "state.db", "state", write=True)) as database:
        database.tended = True
        database.migrate()
        yield database


def held_s(file: Database, hold_s: float) -> float:
    """How long a transaction took from begin to end, with what comes after it."""
    begun = ticks()
    with file.transaction():
        while ticks() - begun < hold_s:
            pass
    return ticks() - begun


def test_who_gives_way_rests_as_long_as_it_wrote_but_not_for_ever(file: Database) -> None:
    file.gives_way = True
    assert held_s(file, 0.04) >= 0.08
    begun = ticks()
    with file.transaction(), file.transaction():
        pass
    assert ticks() - begun < LONGEST_REST_S
    assert held_s(file, 3 * LONGEST_REST_S) < 10 * LONGEST_REST_S


def test_a_catalogue_written_a_few_at_a_time_gets_the_same_numbers(reopen: Open) -> None:
    store = reopen()
    items = [Item(0, "product", f"c{k}", f"t{k}") for k in range(450)]
    numbers = store.items.upsert(items)
    store._state_db.gives_way = True
    assert store.items.upsert(items) == numbers
    assert [one.code for one in store.items.get(numbers) if one] == [one.code for one in items]


def test_commits_move_nothing_where_somebody_tends_the_file_and_a_checkpoint_moves_it_all(
    file: Database,
) -> None:
    with file.transaction() as connection:
        connection.execute("CREATE TABLE notes (x)")
    file.checkpoint()
    before = file.path.stat().st_size
    for _ in range(8):
        with file.transaction() as connection:
            connection.executemany("INSERT INTO notes VALUES (zeroblob(4000))", [()] * 600)
    grown = file.wal_bytes()
    assert grown > 16 << 20
    assert file.path.stat().st_size == before
    file.checkpoint()
    assert file.path.stat().st_size > grown / 2
    assert file.one("SELECT count(*) FROM notes")[0] == 4_800


def test_a_store_that_is_tended_keeps_its_files_up_to_date(served: EmbeddedStore) -> None:
    served.papers.put("setting", "shop", {"name": "x" * 50_000}, by="me", at=AT)
    size = served._state_db.path.stat().st_size
    served.checkpoint(1 << 30)
    assert served._state_db.path.stat().st_size == size
    served.checkpoint(1)
    assert served._state_db.path.stat().st_size > size
