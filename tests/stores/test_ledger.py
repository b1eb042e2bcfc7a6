"""The ledger: small and whole records, segments, batches from columns, forgetting."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.core.batch import Decisions
from renwei.core.chance import MASK, id_text, new_id, new_ids
from renwei.core.columns import Asks, Slates
from renwei.core.nouns import NOBODY, Decision, Reason, Removal, Surface
from renwei.core.permission import GUARDS
from renwei.core.store import Effect, Named
from renwei.stores.columns import from_decisions, to_decisions
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.ids import from_key, to_key
from renwei.stores.ledger import EmbeddedLedger
from renwei.stores.packed import forgotten, pack, unpack
from renwei.stores.segments import Sealed, Segments
from renwei.testing.store import decision

Open = Callable[[], EmbeddedStore]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
WORD = st.text("abc", max_size=3)


@st.composite
def decisions(draw: Any) -> Decision:
    n, m, k = draw(st.integers(0, 5)), draw(st.integers(0, 4)), draw(st.integers(0, 3))

    def some(element: Any, size: int) -> tuple[Any, ...]:
        return tuple(draw(st.lists(element, min_size=size, max_size=size)))

    reasons = tuple(
        Reason(code, {"n": value}, (value,))
        for code, value in draw(st.lists(st.tuples(WORD, INTEGERS), max_size=2))
    )
    return Decision(
        id=new_id(AT),
        surface=draw(WORD),
        person=draw(st.integers(0, (1 << 63) - 1)),
        at=AT,
        unit=draw(st.integers(0, MASK)),
        salt=draw(WORD),
        items=some(INTEGERS, n),
        scores=some(INTEGERS, n),
        sources=some(WORD, n),
        codes=some(WORD, n),
        removed=tuple(Removal(i, g) for i, g in some(st.tuples(INTEGERS, WORD), m)),
        chosen=some(INTEGERS, k),
        odds=some(st.floats(0, 1), k),
        policy=draw(WORD),
        model=draw(WORD),
        surface_version=draw(st.integers(1, 9)),
        prices=draw(st.dictionaries(WORD, INTEGERS, max_size=2)),
        consent=draw(WORD),
        position=draw(st.integers(0, (1 << 63) - 1)),
        map_version=draw(st.integers(0, 1 << 31)),
        reasons=reasons,
        groups=some(INTEGERS, n if draw(st.booleans()) else 0),
        parent=draw(WORD),
        extra=draw(st.dictionaries(WORD, st.none() | st.booleans() | WORD, max_size=2)),
    )


class Numbers:
    """Numbers of words, as state.db keeps them."""

    def __init__(self, first: int = 0) -> None:
        self.words: list[str] = []
        self.first = first

    def number_of(self, text: str) -> int:
        if text not in self.words:
            self.words.append(text)
        return self.first + self.words.index(text)

    def text_of(self, number: int) -> str:
        return self.words[number - self.first]


@settings(max_examples=300, deadline=None)
@given(decisions(), st.sampled_from([0, 70_000]))
def test_a_packed_decision_comes_back_whole(made: Decision, first: int) -> None:
    words = Numbers(first)
    body = pack(made, words.number_of)
    known = {"id": made.id, "person": made.person, "surface": made.surface, "at": made.at}
    assert unpack(body, words.text_of, **known) == made


@settings(max_examples=100, deadline=None)
@given(st.lists(decisions(), max_size=4))
def test_decisions_in_columns_come_back_whole(made: list[Decision]) -> None:
    assert list(to_decisions(from_decisions(made))) == made


@settings(max_examples=200, deadline=None)
@given(decisions(), st.sampled_from([0, 70_000]))
def test_a_forgotten_decision_keeps_all_but_the_person(made: Decision, first: int) -> None:
    words = Numbers(first)
    body = forgotten(pack(made, words.number_of), lambda unit: unit ^ 1)
    known = {"id": made.id, "person": NOBODY, "surface": made.surface, "at": made.at}
    assert unpack(body, words.text_of, **known) == replace(
        made,
        person=NOBODY,
        unit=made.unit ^ 1,
        reasons=tuple(Reason(reason.code) for reason in made.reasons),
        extra={},
    )


def test_law_10_a_record_of_twenty_candidates_takes_about_350_bytes(store: EmbeddedStore) -> None:
    for k in range(200):
        store.ledger.record(
            Decision(
                id=new_id(AT),
                surface="today",
                person=(1 << 62) + k,
                at=AT,
                unit=(1 << 63) + k,
                salt="today/best",
                items=(*range(100, 119), 0),
                scores=tuple(range(1_000_000, 1_020_000, 1_000)),
                sources=("need",) * 10 + ("care",) * 9 + ("silence",),
                codes=("due",) * 10 + ("after",) * 9 + ("silence",),
                removed=tuple(Removal(n, "consent_unknown") for n in range(5)),
                chosen=(105,),
                odds=(0.975,),
                policy="best@1",
                model="value@1",
                consent="care:unknown",
                position=123_456,
                map_version=77,
                reasons=(Reason("due", {"days": 31, "item": 105}, (991, 985)),),
            )
        )
    store._state_db.truncate()
    connection = sqlite3.connect(store.directory / "state.db")
    (body,) = connection.execute("SELECT avg(length(body)) FROM decisions").fetchone()
    # Id, person, surface and time stand in columns beside the body.
    whole = body + 16 + 8 + 2 + 8
    connection.close()
    assert whole <= 350


def test_a_decision_is_recorded_once(store: EmbeddedStore) -> None:
    made = decision(person=1)
    store.ledger.record(made)
    again = Effect("s", "sms", made.id, b"", AT)
    with pytest.raises(ValueError, match="recorded before"):
        store.ledger.record(made, [again])
    assert store.outbox.counts()["queued"] == 0


@pytest.mark.parametrize("name", ["d1", "", "ABCDEF00-0000-7000-8000-000000000000", "x" * 36])
def test_ids_of_others_are_kept_as_they_are(name: str, store: EmbeddedStore) -> None:
    assert from_key(to_key(name)) == name
    made = replace(decision(person=1), id=name)
    assert store.ledger.record(made) == store.ledger.get(name)
    with pytest.raises(ValueError, match="no UUID"):
        store.ledger.record_all([made])


def test_decisions_move_to_segments_and_are_found_as_before(store: EmbeddedStore) -> None:
    made = [decision(person=k % 5, at=AT + timedelta(hours=k * 7 % 50)) for k in range(50)]
    for each in made:
        store.ledger.record(each)
    before = [store.ledger.of([k]) for k in range(5)], list(store.ledger.between(AT, AT + 9 * DAY))
    assert store.ledger.seal(AT + DAY) == 24
    after = [store.ledger.of([k]) for k in range(5)], list(store.ledger.between(AT, AT + 9 * DAY))
    assert after == before
    assert store.ledger.seal(AT + 9 * DAY) == 26
    assert list(store.ledger.between(AT, AT + 9 * DAY)) == before[1]
    assert [store.ledger.get(each.id) for each in made] == made
    assert store._state_db.one("SELECT count(*) FROM decisions") == (0,)
    assert store.ledger.of([3], limit=2) == before[0][3][:2]
    assert store.integrity() == []


def test_an_empty_batch_leaves_nothing(store: EmbeddedStore) -> None:
    assert store.ledger.record_all([]) == 0
    assert not any(p.is_file() for p in (store.directory / "lake").rglob("*"))


def test_a_segment_larger_than_its_groups_keeps_every_row(store: EmbeddedStore) -> None:
    made = [decision(person=k, at=AT + timedelta(seconds=k)) for k in range(9_000)]
    assert store.ledger.record_all(iter(made)) == 9_000
    assert list(store.ledger.between(AT, AT + DAY)) == made
    for k in (0, 8_191, 8_192, 8_999):
        assert store.ledger.get(made[k].id) == made[k]
        assert store.ledger.of([k]) == [made[k]]


def batch(n: int, *, silence: bool = True, grouped: bool = True, k: int = 6) -> Decisions:
    """A batch with everything: padding, removals of every guard, silence, chance, own reasons."""
    rng = np.random.default_rng(n)
    surface = Surface("today", ("need",), "care", "order", DAY, silence=silence, version=4)
    items = rng.integers(1, 200, (n, k))
    items[::7, 2] = 0
    many = len(GUARDS)
    verdicts = rng.choice([0, 0, 0, 1, 3, many + 1, many + 2, 255], size=(n, k)).astype(np.uint8)
    verdicts[:3], verdicts[3:5] = 1, 255
    picked = np.argmax(verdicts == 0, axis=1)[:, None].astype(np.int32)
    chosen = np.take_along_axis(items, picked.astype(int), 1)
    empty = ~(verdicts == 0).any(axis=1)
    chosen[empty], picked[empty] = 0, k
    chosen = np.concatenate([chosen, np.full((n, 1), -1)], axis=1)
    picked = np.concatenate([picked, np.full((n, 1), -1, np.int32)], axis=1)
    ids = new_ids(AT, n)
    # Ids that end in zero bytes are found as well.
    ids[: n // 2, 1] &= np.uint64(0xFFFFFFFFFFFF0000)
    return Decisions(
        asks=Asks(
            rng.integers(1, 1 << 62, n),
            surface,
            AT,
            units=rng.integers(1, 1 << 63, n, dtype=np.uint64),
            sticky=rng.integers(0, 2, n),
            prices={"sms": 3},
            parent="p",
            position=9,
            map_version=2,
        ),
        slates=Slates(
            items,
            rng.integers(0, 1 << 40, (n, k)),
            sources=rng.integers(0, 3, (n, k)).astype(np.int8),
            codes=rng.integers(0, 3, (n, k)).astype(np.int8) if grouped else None,
            groups=items % 5 if grouped else None,
            source_names=("need", "care", "new"),
            code_names=("due", "after", "new"),
            model="value@1",
        ),
        policy="best@1",
        ids=ids,
        verdicts=verdicts,
        scores=rng.integers(-(1 << 40), 1 << 40, (n, k)),
        chosen=chosen,
        odds=np.concatenate([rng.random((n, 1)), np.zeros((n, 1))], axis=1),
        picked=picked,
        explored=np.concatenate([rng.random((n, 1)) < 0.3, np.zeros((n, 1), bool)], axis=1),
        basis=rng.integers(0, 2, n).astype(np.uint8),
        guards=(*GUARDS, "stock", "seen"),
        bases=["", "care:unknown"],
        salt="today/best",
        reasons={9: (Reason("due", {"days": 1}, (3,)),), 8: ()},
    )


@pytest.mark.parametrize("silence", [True, False])
@pytest.mark.parametrize("grouped", [True, False])
def test_columns_are_recorded_as_their_rows_would_be(
    silence: bool, grouped: bool, store: EmbeddedStore
) -> None:
    many = batch(400, silence=silence, grouped=grouped)
    rows = list(many)
    assert store.ledger.record_columns(many) == 400
    assert list(store.ledger.between(AT, AT + DAY)) == rows
    assert [store.ledger.get(row.id) for row in rows[::20]] == rows[::20]
    assert [store.ledger.get(id_text(*i)) for i in many.ids[:3].tolist()] == rows[:3]


def test_a_segment_can_be_asked_by_sql(store: EmbeddedStore) -> None:
    many = batch(300)
    store.ledger.record_columns(many)
    (path,) = (store.directory / "lake" / "decisions").glob("*/rows.parquet")
    sql = f"SELECT count(*), sum(len(items)), sum(odds[1]) FROM '{path}' WHERE surface = 'today'"
    with duckdb.connect() as connection:
        count, kept, odds = connection.execute(sql).fetchall()[0]
    assert (count, kept) == (300, sum(len(row.items) for row in many))
    assert odds == pytest.approx(sum(row.odds[0] for row in many))


def test_forgetting_reaches_batches_single_decisions_and_effects(store: EmbeddedStore) -> None:
    many = batch(50)
    person = int(many.asks.persons[9])
    own = replace(decision(person=person), unit=person)
    store.ledger.record_columns(many)
    store.ledger.record_all([replace(decision(person=person), unit=person), decision(person=5)])
    store.ledger.record(own, [Effect("s1", "sms", own.id, b"x", AT)])
    assert store.ledger.forget([person]) == 3
    assert store.ledger.of([person]) == []
    kept = store.ledger.get(own.id)
    assert kept is not None
    assert (kept.person, kept.extra) == (NOBODY, {})
    assert kept.unit != person
    sealed = store.ledger.get(next(many.rows(9, 10)).id)
    assert sealed is not None
    assert (sealed.person, sealed.reasons, sealed.extra) == (NOBODY, (Reason("due"),), {})
    assert store.outbox.counts() == {"queued": 1, "sent": 0, "held": 0, "failed": 1, "unknown": 0}
    assert len(list(store.ledger.between(AT, AT + DAY))) == 53
    assert store.ledger.sweep() == 0
    assert store.integrity() == []


def test_a_decision_sealed_meanwhile_is_forgotten_too(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for k in range(10):
        store.ledger.record(decision(person=k % 2 + 1))
    honest, calls = EmbeddedLedger._forget_hot, list[int]()

    def overtaken(self: EmbeddedLedger, *words: Any) -> int:
        if not calls:
            calls.append(1)
            store.ledger.seal(AT + DAY)
        return honest(self, *words)

    monkeypatch.setattr(EmbeddedLedger, "_forget_hot", overtaken)
    assert store.ledger.forget([1]) == 5
    assert store.ledger.of([1]) == []
    assert len(store.ledger.of([2])) == 5


def test_segments_that_a_crash_left_are_swept(reopen: Open) -> None:
    store = reopen()
    store.ledger.record_all([decision(person=1)])
    lake = store.directory / "lake" / "decisions"
    (lake / "orphan").mkdir()
    (lake / "orphan" / "rows.parquet").write_bytes(b"x")
    (lake / "half.part").mkdir()
    store.close()
    again = reopen()
    assert len(list(lake.iterdir())) == 1
    assert len(again.ledger.of([1])) == 1


def test_a_sealed_decision_is_read_once_until_the_segments_change(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    plain = Segments._read

    def noted(self: Segments, segment: Sealed, rows: Sequence[int]) -> list[Decision]:
        read.extend(rows)
        return plain(self, segment, rows)

    monkeypatch.setattr(Segments, "_read", noted)
    made = [decision(person=k, at=AT + timedelta(seconds=k)) for k in range(1, 41)]
    store.ledger.record_all(made)
    for _ in range(3):
        assert [store.ledger.get(each.id) for each in made[:20]] == made[:20]
    assert store.ledger.of([5, 30]) == [made[29], made[4]]
    assert sorted(read) == [*range(20), 29]
    store.ledger.record_all([decision(person=99, at=AT)])
    assert store.ledger.get(made[0].id) == made[0]
    assert len(read) == 22


def test_no_reader_remembers_what_another_process_let_forget(
    store: EmbeddedStore, keys: Path
) -> None:
    (actor, other) = store.people.actors([Named("phone", f"+861380000000{k}") for k in (1, 2)], AT)
    made = [decision(person=person, at=AT) for person in (actor, other)]
    store.ledger.record_all(made)
    with closing(open_store(store.directory, keys=keys, write=False)) as reader:
        assert [reader.ledger.get(one.id) for one in made] == made
        store.forget(actor, AT)
        gone, stays = (reader.ledger.get(one.id) for one in made)
        assert gone is not None
        assert (gone.person, stays) == (NOBODY, made[1])
        remembered = list(reader.ledger._segments._kept._held.values())
        assert [one.person for one in remembered] == [NOBODY, other]


def test_looking_at_a_few_decisions_loads_no_library_to_select_rows(
    store: EmbeddedStore, keys: Path
) -> None:
    made = [decision(person=k, at=AT) for k in range(1, 30)]
    store.ledger.record_all(made)
    code = (
        "import sys; from pathlib import Path; from renwei.stores.embedded import open_store;"
        "store = open_store(Path(sys.argv[1]), keys=Path(sys.argv[2]), write=False);"
        "found = store.ledger.get(sys.argv[3]); assert store.ledger.of([1, 2, 3]);"
        "print(found.person, *[one for one in ('pandas', 'pyarrow.compute') if one in sys.modules])"
    )
    words = [str(store.directory), str(keys), made[4].id]
    said = subprocess.run(
        [sys.executable, "-c", code, *words], check=True, capture_output=True, text=True
    )
    assert said.stdout.split() == ["5"]
