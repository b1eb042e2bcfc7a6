"""Decisions in outline: the same as the decisions themselves, read as columns, and once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stores.test_ledger import decisions

from renwei.core.chance import new_id
from renwei.core.nouns import NOBODY, Decision, Removal
from renwei.stores import packed
from renwei.stores.embedded import EmbeddedStore
from renwei.stores.outlines import Outline
from renwei.stores.remembered import Remembered
from renwei.testing.store import decision

Open = Callable[[], EmbeddedStore]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Line = tuple[str, int, datetime, bool, frozenset[str]]


def lines(found: Outline) -> list[Line]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [
        (
            found.surfaces[found.surface[k]],
            int(found.person[k]),
            epoch + timedelta(microseconds=int(found.at_us[k])),
            bool(found.chosen[k]),
            frozenset(name for name, column in found.guards.items() if column[k]),
        )
        for k in range(len(found))
    ]


def told(made: Sequence[Decision]) -> list[Line]:
    return [
        (d.surface, d.person, d.at, any(d.chosen), frozenset(r.guard for r in d.removed))
        for d in made
    ]


def a_day(store: EmbeddedStore) -> list[Line]:
    return lines(store.ledger.outline(AT, AT + HOUR))


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(made=st.lists(st.tuples(decisions(), st.integers(0, 90), st.booleans()), max_size=12))
def test_an_outline_is_what_the_decisions_say(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[Decision, int, bool]]
) -> None:
    from renwei.stores.embedded import open_store

    folder = tmp_path_factory.mktemp("outline")
    store = open_store(folder / "shop", keys=folder / "keys")
    timed = [(replace(d, at=AT + timedelta(minutes=m)), sealed) for d, m, sealed in made]
    store.ledger.record_all([d for d, sealed in timed if sealed])
    for d, sealed in timed:
        if not sealed:
            store.ledger.record(d)
    assert a_day(store) == told(list(store.ledger.between(AT, AT + HOUR)))
    store.close()


def removed(person: int, minute: int = 0, guard: str = "cap") -> Decision:
    made = decision(person=person, at=AT + timedelta(minutes=minute))
    return replace(made, id=new_id(AT), removed=(Removal(3, guard),))


def test_of_what_is_not_sealed_only_what_came_since_is_read_again(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []
    real = packed.outlined

    def counting(body: bytes, text_of: Callable[[int], str]) -> tuple[bool, set[str]]:
        opened.append(body)
        return real(body, text_of)

    monkeypatch.setattr("renwei.stores.ledger.outlined", counting)
    for k in range(30):
        store.ledger.record(removed(k + 1, minute=30 - k))
    assert len(a_day(store)) == 30
    store.ledger.record(removed(99, minute=5, guard="quiet_hours"))
    found = a_day(store)
    assert len(opened) == 31
    assert found == told(list(store.ledger.between(AT, AT + HOUR)))


def test_a_sealed_batch_is_read_once(store: EmbeddedStore) -> None:
    store.ledger.record_all([removed(k + 1) for k in range(50)])
    before = a_day(store)
    for path in (store.directory / "lake" / "decisions").glob("*/rows.parquet"):
        path.write_bytes(b"not to be read")
    assert a_day(store) == before
    assert len(before) == 50


def test_who_was_forgotten_is_in_no_outline(store: EmbeddedStore) -> None:
    store.ledger.record_all([removed(7), removed(8)])
    store.ledger.record(removed(7, minute=1))
    assert [line[1] for line in a_day(store)] == [7, 8, 7]
    store.ledger.forget([7])
    assert [line[1] for line in a_day(store)] == [NOBODY, 8, NOBODY]


def test_of_what_is_remembered_the_least_asked_for_goes_first() -> None:
    held = Remembered[int](most=2)
    held.put("a", 1)
    held.put("b", 2)
    assert held.get("a") == 1
    held.put("c", 3)
    assert [held.get(name) for name in "abc"] == [1, None, 3]
    held.drop("a")
    held.drop("a")
    assert held.get("a") is None
