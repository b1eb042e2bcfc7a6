"""People: the map of persons, facts and consents, the vault, searching and taking back."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renwei.core.chance import to_id
from renwei.core.errors import Unavailable, UnknownName
from renwei.core.nouns import NOBODY, Consent, ConsentState, Fact, Told
from renwei.core.store import Named
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.keys import Keyring
from renwei.stores.persons import PersonMap

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
Open = Callable[[], EmbeddedStore]
PAIRS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12)


def named(store: EmbeddedStore, *numbers: int) -> list[int]:
    return store.people.actors([Named("phone", f"+861380000{n:04d}") for n in numbers], AT)


def parts(pairs: list[tuple[int, int]]) -> set[frozenset[int]]:
    """The partition by the definition: connected by pairs."""
    found = [frozenset([n]) for n in range(1, 10)]
    for a, b in pairs:
        joined = frozenset().union(*(part for part in found if a in part or b in part))
        found = [part for part in found if not part & joined] + [joined]
    return set(found)


@settings(max_examples=300, deadline=None)
@given(PAIRS)
def test_a_folded_map_is_the_partition_its_merges_make(pairs: list[tuple[int, int]]) -> None:
    persons = PersonMap(pairs)
    assert {frozenset(persons.actors_of(n)) for n in range(1, 10)} == parts(pairs)
    for n in range(1, 10):
        assert persons.person_of(persons.person_of(n)) == persons.person_of(n)
        assert persons.actors_of(n)[0] == persons.person_of(n)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pairs=PAIRS, seed=st.integers(0, 999))
def test_merges_undone_in_any_order_leave_what_the_rest_would_make(
    store: EmbeddedStore, pairs: list[tuple[int, int]], seed: int
) -> None:
    people = store.people
    actors = named(store, *range(1, 10))
    number = dict(zip(actors, range(1, 10), strict=True))
    merges = [
        (people.merge(actors[a - 1], actors[b - 1], reason=f"r{k}", at=AT), (a, b))
        for k, (a, b) in enumerate(pairs)
    ]
    random.Random(seed).shuffle(merges)
    while True:
        partition = {frozenset(number[x] for x in people.actors_of(actor)) for actor in actors}
        assert partition == parts([pair for _, pair in merges])
        assert len(people.all_persons()) == len(partition)
        if not merges:
            return
        people.unmerge(merges.pop()[0].id, AT)


def test_a_million_actors_resolve_to_persons(store: EmbeddedStore) -> None:
    a, b = named(store, 1, 2)
    store.people.merge(a, b, reason="x", at=AT)
    numbers = [b, *range(1 << 40, (1 << 40) + 999_999)]
    assert store.people.persons_of(numbers)[:2] == [a, 1 << 40]


def test_a_merge_is_kept_once_and_says_why(store: EmbeddedStore) -> None:
    a, b = named(store, 1, 2)
    first = store.people.merge(a, b, reason="same_order", at=AT, values={"orders": 3})
    version = store.people.map_version()
    assert store.people.merge(a, b, reason="same_order", at=AT + timedelta(1)) == first
    assert store.people.map_version() == version
    second = store.people.merge(a, b, reason="by_hand", at=AT)
    assert [m.reason for m in store.people.merges(b)] == ["by_hand", "same_order"]
    # One cause undone, the other still holds them together.
    store.people.unmerge(first.id, AT)
    assert store.people.persons_of([b]) == [a]
    store.people.unmerge(second.id, AT)
    assert [m.undone for m in store.people.merges()] == [True, True]
    assert store.people.persons_of([b]) == [b]


def test_nobody_is_merged_with_somebody_who_is_not_there(store: EmbeddedStore) -> None:
    (a,) = named(store, 1)
    with pytest.raises(UnknownName) as fault:
        store.people.merge(a, 77, reason="x", at=AT)
    assert fault.value.code == "unknown_person"
    with pytest.raises(UnknownName) as fault:
        store.people.unmerge("no such id", AT)
    assert fault.value.code == "unknown_merge"
    assert store.people.persons_of([a]) == [a]


def test_another_process_sees_a_merge_at_once(
    store: EmbeddedStore, tmp_path: Path, keys: Path
) -> None:
    a, b = named(store, 1, 2)
    reader = open_store(tmp_path / "shop", keys=keys, write=False)
    assert reader.people.persons_of([b]) == [b]
    merge = store.people.merge(a, b, reason="x", at=AT)
    assert reader.people.persons_of([b]) == [a]
    store.people.unmerge(merge.id, AT)
    assert reader.people.persons_of([b]) == [b]
    reader.close()


def test_the_latest_of_the_strongest_fact_wins_and_history_stays(store: EmbeddedStore) -> None:
    a, b = named(store, 1, 2)
    store.people.merge(a, b, reason="x", at=AT)
    told = [
        (a, Fact("skin", "dry", Told.TOLD, "chat", AT)),
        (b, Fact("skin", "oily", Told.TOLD, "form", AT + timedelta(1))),
        (a, Fact("skin", "mixed", Told.ESTIMATED, "m@1", AT + timedelta(9))),
    ]
    store.people.learn_many(told)
    store.people.learn_many(told)
    assert store.people.profile(a).facts["skin"].value == "oily"
    store.people.learn_facts(b, [Fact("skin", "dry", Told.CORRECTED, "hand", AT)])
    assert store.people.profile(b).facts["skin"].told is Told.CORRECTED
    count = store._state_db.one("SELECT count(*) FROM facts")
    assert count == (4,)


def test_consents_of_many_are_those_of_each(store: EmbeddedStore) -> None:
    actors = named(store, *range(1_200))
    store.people.merge(actors[0], actors[1], reason="x", at=AT)
    given_ = Consent("marketing", "sms", ConsentState.GIVEN, AT, "form:1", "v2")
    taken = Consent("marketing", "*", ConsentState.WITHDRAWN, AT + timedelta(1), "chat")
    store.people.state_many([(actors[1], taken), (actors[1], given_), (actors[5], given_)])
    many = store.people.consents_of(actors)
    assert many[:3] == store.people.consents_of(actors[:3]) == [(given_, taken)] * 2 + [()]
    assert many[5] == (given_,)
    assert store.people.profile(actors[0]).consents == (given_, taken)


def test_what_belongs_to_nobody_or_the_unknown_is_not_kept(store: EmbeddedStore) -> None:
    fact = Fact("city", "杭州", Told.OBSERVED, "x", AT)
    store.people.learn_facts(NOBODY, [fact])
    store.people.keep_many([(NOBODY, "name", "李雷")])
    with pytest.raises(ValueError, match="no such actor: 77"):
        store.people.learn_facts(77, [fact])
    with pytest.raises(ValueError, match="no such actor: 77"):
        store.people.keep_many([(77, "name", "李雷")])
    assert store._state_db.one("SELECT count(*) FROM vault") == (0,)


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("13800138000", "phone", "+8613800138000"),
        (" 138-0013-8000 ", "phone", "+8613800138000"),
        ("+86 138 0013 8000", "phone", "+8613800138000"),
        ("020 7946 0018", "phone", "+442079460018"),
        ("(650) 253-0000", "phone", "+16502530000"),
        ("LI.Lei@Example.COM", "email", "li.lei@example.com"),
        ("小李", "nick", "taobao:小李"),
        ("TaoBao:小李", "nick", "taobao:小李"),
        ("12347", "customer", "uci:12347"),
        ("oXyZ-123", "openid", "oXyZ-123"),
    ],
)
def test_a_person_is_found_as_written_or_normalised(
    written: str, kind: str, value: str, store: EmbeddedStore
) -> None:
    person, _ = store.people.actors([Named(kind, value), Named("phone", "+8613911112222")], AT)
    assert store.people.search(written) == [person]
    assert store.people.search(written + "x") == []


def test_several_who_share_a_nick_are_all_found(store: EmbeddedStore) -> None:
    names = [Named("nick", "taobao:小李"), Named("nick", "douyin:小李"), Named("nick", "jd:老王")]
    a, b, _ = store.people.actors(names, AT)
    assert sorted(store.people.search("小李")) == sorted([a, b])
    store.people.merge(a, b, reason="x", at=AT)
    assert store.people.search("小李") == [a]
    assert store.people.search(to_id(b)) == [a]


def test_taking_back_a_source_leaves_what_others_brought(store: EmbeddedStore) -> None:
    people = store.people
    old, both, new = named(store, 1, 2, 3)[0], 0, 0
    people.keep_many([(old, "name", "李雷")], "a")
    both, new, still = people.actors(
        [Named("email", "b@x.cn"), Named("email", "n@x.cn"), Named("email", "s@x.cn")], AT, "b"
    )
    people.keep_many([(old, "name", "李雷"), (old, "address", "新址"), (both, "name", "韩")], "b")
    people.keep_many([(both, "note", "later")], "c")
    people.merge(old, both, reason="same_order", at=AT, source="b")
    counts = people.withdraw("b", [still])
    assert counts == {"facts": 0, "consents": 0, "texts": 2, "merges": 1, "actors": 1}
    assert people.open(old) == {"phone": ["+8613800000001"], "name": ["李雷"]}
    assert people.open(both) == {"email": ["b@x.cn"], "note": ["later"]}
    assert people.open(still) == {"email": ["s@x.cn"]}
    assert (people.open(new), people.actors_of(new)) == ({}, [])
    assert people.persons_of([both]) == [both]


def test_a_row_moved_to_another_actor_does_not_open(store: EmbeddedStore) -> None:
    a, b = named(store, 1, 2)
    store.people.keep_many([(a, "name", "李雷")])
    connection = sqlite3.connect(store.directory / "state.db")
    connection.execute("UPDATE vault SET actor = ? WHERE name = 'name'", (b,))
    connection.commit()
    connection.close()
    with pytest.raises(Unavailable) as fault:
        store.people.open(b)
    assert fault.value.code == "damaged"


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=20))
def test_what_is_sealed_opens_with_its_key_and_place_alone(data: bytes, about: bytes) -> None:
    ring, other = Keyring(b"k" * 32), Keyring(b"o" * 32)
    sealed = ring.own.seal(data, about)
    assert ring.own.open(sealed, about) == data
    for box, place in ((other.own, about), (ring.own, about + b"!")):
        with pytest.raises(Unavailable):
            box.open(sealed, place)
    assert ring.own.seal(data, about) != sealed


def test_hashes_differ_by_key_and_by_purpose() -> None:
    ring, other = Keyring(b"k" * 32), Keyring(b"o" * 32)
    found = {ring.hash("a", "x"), ring.hash("b", "x"), other.hash("a", "x"), ring.hash("a", "y")}
    assert len(found) == 4
    assert ring.hash("a", "x") == Keyring(b"k" * 32).hash("a", "x")


def test_a_number_lent_to_others_goes_with_its_owner_and_their_own_texts_stay(
    store: EmbeddedStore,
) -> None:
    people = store.people
    owner, friend = named(store, 1, 2)
    lent, shared = "+8613800000001", "西湖区文三路1号"
    people.keep_many([(friend, "phone", lent), (friend, "address", shared)], "import:1")
    people.keep_many([(owner, "address", shared), (owner, "name", "李雷")], "import:1")
    assert people.tell_apart(owner) == [lent, "李雷"]
    assert people.forget(owner, AT)["texts"] == 3
    assert people.open(friend) == {"phone": ["+8613800000002"], "address": [shared]}


def test_asking_who_was_forgotten_makes_nobody(store: EmbeddedStore) -> None:
    (gone,) = named(store, 1)
    asked = [Named("phone", f"+861380000{n:04d}") for n in (1, 2)]
    assert store.people.is_forgotten(asked) == [False, False]
    store.people.forget(gone, AT)
    version = store.people.map_version()
    assert store.people.is_forgotten(asked) == [True, False]
    assert (list(store.people.all_persons()), store.people.map_version()) == ([], version)


def test_bytes_sealed_for_an_actor_open_for_nobody_else(store: EmbeddedStore) -> None:
    a, b = store.people.actors([Named("device", "a"), Named("device", "b")], AT)
    sealed = store.people.seal_for_many([(a, b"secret"), (NOBODY, b"x"), (b, b""), (a, b"secret")])
    assert store.people.open_for(a, sealed[0]) == b"secret"
    assert (sealed[1], store.people.open_for(b, sealed[2])) == (b"", b"")
    assert len({sealed[0], sealed[3]}) == 2
    assert b"secret" not in sealed[0]
    with pytest.raises(Unavailable):
        store.people.open_for(b, sealed[0])
    with pytest.raises(ValueError, match="no such actor"):
        store.people.seal_for_many([(a + 1, b"x")])


def test_a_key_taken_back_with_its_import_opens_nothing_more(store: EmbeddedStore) -> None:
    (actor,) = store.people.actors([Named("device", "a")], AT, "import:1")
    (sealed,) = store.people.seal_for_many([(actor, b"secret")])
    store.people.withdraw("import:1", [])
    assert store.people.open_for(actor, sealed) is None


def test_few_keys_are_held_open_and_all_still_work(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renwei.stores.cabinet.MOST", 5)
    actors = store.people.actors([Named("device", str(k)) for k in range(20)], AT)
    sealed = store.people.seal_for_many([(actor, str(actor).encode()) for actor in actors])
    assert len(store.people._vault.cabinet) == 5
    opened = [store.people.open_for(a, s) for a, s in zip(actors, sealed, strict=True)]
    assert opened == [str(actor).encode() for actor in actors]
    store.forget(actors[-1], AT)
    assert len(store.people._vault.cabinet) == 0
    assert store.people.open_for(actors[-1], sealed[-1]) is None
    assert store.people.seal_for_many([(actors[-1], b"x")]) == [b""]


def test_a_key_made_in_a_transaction_that_failed_is_not_held(store: EmbeddedStore) -> None:
    made: list[int] = []

    def make_and_fail() -> None:
        with store.together():
            made.extend(store.people.actors([Named("device", "a")], AT))
            store.people.seal_for_many([(made[0], b"x")])
            raise KeyError

    with pytest.raises(KeyError):
        make_and_fail()
    with pytest.raises(ValueError, match="no such actor"):
        store.people.seal_for_many([(made[0], b"x")])


def test_many_identifiers_at_once_are_found_made_and_refused_alike(store: EmbeddedStore) -> None:
    names = [Named("device", str(k)) for k in range(150)]
    one_by_one = [store.people.actors([name], AT)[0] for name in names[:100:3]]
    store.forget(one_by_one[0], AT)
    twice = store.people.actors([*names, *names[::-1]], AT)
    assert twice[:150] == twice[150:][::-1]
    assert twice[:100:3] == [NOBODY, *one_by_one[1:]]
    assert len(set(twice)) == 150


def test_everybody_is_listed_again_only_when_somebody_came_or_went(store: EmbeddedStore) -> None:
    one, two, three = named(store, 1, 2, 3)
    asked: list[str] = []
    store._state_db._connection().set_trace_callback(asked.append)

    def reads() -> int:
        found = sum("json_group_array(actor)" in sql for sql in asked)
        asked.clear()
        return found

    people = store.people
    assert [list(people.all_persons()) for _ in range(3)] == [sorted([one, two, three])] * 3
    assert reads() == 1
    merge = people.merge(one, two, reason="same", at=AT)
    assert list(people.all_persons()) == sorted([one, three])
    people.unmerge(merge.id, AT)
    assert list(people.all_persons()) == sorted([one, two, three])
    (four,) = named(store, 4)
    assert list(people.all_persons()) == sorted([one, two, three, four])
    store.forget(three, AT)
    assert [list(people.all_persons()) for _ in range(2)] == [sorted([one, two, four])] * 2
    assert reads() == 4


def test_who_came_in_a_write_that_was_undone_is_listed_nowhere(store: EmbeddedStore) -> None:
    (one,) = named(store, 1)

    def undone() -> None:
        with store.together():
            (two,) = named(store, 2)
            assert list(store.people.all_persons()) == sorted([one, two])
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        undone()
    assert list(store.people.all_persons()) == [one]
    (three,) = named(store, 3)
    assert list(store.people.all_persons()) == sorted([one, three])
