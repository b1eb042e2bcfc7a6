"""The index of names: small additions go into a small table, and both answer as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.people.conftest import Town, phone_of

from renwei.people import indexed
from renwei.people.indexed import Rows, absent, once, open_again, take_in, under, within
from renwei.people.listing import PeopleRequest, people
from renwei.people.names import AT_ONCE, index_names
from renwei.stores.shelf import ShelfFiles

NUMBERS = st.integers(1, 40)


class OnShelf:
    """What the index needs of a shop."""

    def __init__(self, folder: Path) -> None:
        self.shelf = ShelfFiles(folder)


def taken(shop: Any, people_: dict[int, set[int]]) -> None:
    """Take in these people, each under some keys."""
    pairs = [(key, person) for person, keys in people_.items() for key in keys]
    key = np.array([key for key, _ in pairs], dtype=np.uint64)
    person = np.array([person for _, person in pairs], dtype=np.int64)
    take_in(shop, "t", np.array(sorted(people_), dtype=np.int64), Rows(key, person))


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.dictionaries(NUMBERS, st.sets(st.integers(1, 6), max_size=4), min_size=1)),
    st.sets(NUMBERS),
    st.integers(0, 12),
)
def test_whoever_was_taken_in_is_found_under_each_of_their_keys_whatever_lies_where(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[dict[int, set[int]]],
    opened: set[int],
    most: int,
) -> None:
    shop: Any = OnShelf(tmp_path_factory.mktemp("index"))
    everybody = np.arange(1, 41)
    model: dict[int, set[int]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexed, "MOST_NEW", most)
        for batch in batches:
            taken(shop, batch)
            for person, keys in batch.items():
                model.setdefault(person, set()).update(keys)
            assert absent(shop, "t", everybody).tolist() == sorted({*range(1, 41)} - model.keys())
            for key in range(1, 7):
                found = sorted(person for person, keys in model.items() if key in keys)
                assert under(shop, "t", key).tolist() == found
        open_again(shop, "t", sorted(opened), merges=3)
        left = {*range(1, 41)} - (model.keys() - opened)
        assert absent(shop, "t", everybody).tolist() == sorted(left)


def test_what_stands_in_both_tables_is_kept_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop: Any = OnShelf(tmp_path)
    monkeypatch.setattr(indexed, "MOST_NEW", 0)
    taken(shop, {1: {5}, 2: {5}})
    open_again(shop, "t", [1], merges=1)
    taken(shop, {1: {5, 6}})
    held = shop.shelf.get("t")
    assert held is not None
    pairs = zip(held.columns["key"].tolist(), held.columns["person"].tolist(), strict=True)
    assert list(pairs) == [(5, 1), (5, 2), (6, 1)]


def test_a_question_writes_the_new_alone_and_the_index_once_they_are_many(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexed, "MOST_NEW", 3)
    shelf = town.shop.shelf
    crowd = [town.actor(phone_of(k)) for k in range(4)]
    town.shop.store.people.keep_many([(actor, "name", "old guest") for actor in crowd])
    assert index_names(town.shop, 100) == 0
    for k in range(4, 8):
        large = shelf.get("names")
        assert large is not None
        actor = town.actor(phone_of(k))
        town.shop.store.people.keep_many([(actor, "name", f"new guest {k}")])
        assert index_names(town.shop, AT_ONCE) == 0
        assert len(under(town.shop, "names", _key(town, "gu"))) == k + 1
        again = shelf.get("names")
        assert again is not None
        # The fourth is one too many for the small table.
        assert (again.version == large.version) == (k < 7)


def test_only_the_people_found_are_opened_once_everybody_was_taken_in(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors = [town.actor(phone_of(k)) for k in range(60)]
    names = [f"guest {k:02d}" for k in range(60)]
    town.shop.store.people.keep_many(
        (actor, "name", name) for actor, name in zip(actors, names, strict=True)
    )
    assert index_names(town.shop, 100) == 0
    opened: list[int] = []
    kind = type(town.shop.store.people)
    plain = kind.open_many

    def noted(self: Any, persons: Any, names: Any) -> Any:
        opened.extend(persons)
        return plain(self, persons, names)

    monkeypatch.setattr(kind, "open_many", noted)
    answer = people(town.shop, PeopleRequest(query="guest 07"))
    assert answer.total == 1
    # Once to see that the name holds the question, once to be shown.
    assert opened == [actors[7]] * 2
    opened.clear()
    many = people(town.shop, PeopleRequest(query="gu", limit=5))
    assert (many.total, sum(many.by_stage.values())) == (60, 60)
    assert len(opened) == 5
    opened.clear()
    assert people(town.shop, PeopleRequest(query="nobody at all")).total == 0
    assert opened == []


@given(st.lists(NUMBERS), st.sets(NUMBERS))
def test_numbers_are_looked_for_as_sets_would_do(wanted: list[int], among: set[int]) -> None:
    known = np.array(sorted(among), dtype=np.int64)
    asked = np.array(wanted, dtype=np.int64)
    assert within(asked, known).tolist() == [one in among for one in wanted]
    assert once(asked).tolist() == sorted(set(wanted))


def _key(town: Town, piece: str) -> int:
    hashed = town.shop.store.people.keyed(f"name-piece|{piece}")
    return int.from_bytes(hashed[:8], "little")
