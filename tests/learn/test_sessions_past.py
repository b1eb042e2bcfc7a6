from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.learn.sessions.past import Bounds, Past
from renwei.learn.sessions.rows import Rows

LOG = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), max_size=60)
TIGHT = Bounds(sessions=5, clicks=3, per_item=4, fast=2, slow=8)


def click_by_click(log: list[tuple[int, int]], bounds: Bounds | None = None) -> Past:
    past, number = Past(bounds), dict[int, int]()
    for session, item in log:
        if session not in number:
            number[session] = past.open()
        past.click(number[session], item)
    return past


def at_once(log: list[tuple[int, int]], bounds: Bounds | None = None) -> Past:
    pairs = np.array(log, np.int64).reshape(-1, 2)
    return Past.of(pairs[:, 0], pairs[:, 1], bounds)


def assert_same(one: Past, other: Past) -> None:
    assert one.begun == other.begun
    assert one.items == other.items
    for session in range(one.begun):
        assert one.clicks(session).tolist() == other.clicks(session).tolist()
    living = np.arange(one.oldest, one.begun)
    for left, right in zip(one.spread(living), other.spread(living), strict=True):
        assert left.tolist() == right.tolist()
    for item in range(8):
        assert one.sessions_of(item).tolist() == other.sessions_of(item).tolist()
    every = np.arange(9)
    assert one.counts(every).tolist() == other.counts(every).tolist()
    assert one.heat(every) == pytest.approx(other.heat(every), abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 99)), max_size=200), st.integers(1, 9))
def test_rows_keep_the_last_entries_of_each_row(entries: list[tuple[int, int]], most: int) -> None:
    rows, kept = Rows(most), defaultdict[int, list[int]](list)
    for number, entry in entries:
        rows.append(number, entry)
        kept[number] = [*kept[number], entry][-most:]
    for number in range(41):
        assert rows.row(number).tolist() == kept[number]
    asked = np.array(sorted(kept), np.int64)
    flat, size = rows.flat(asked)
    assert flat.tolist() == [entry for number in sorted(kept) for entry in kept[number]]
    assert size.tolist() == [len(kept[number]) for number in sorted(kept)]
    size_of, pool = rows.packed()
    again = Rows.filled(most, size_of, pool)
    for number, entry in entries[:50]:
        again.append(number, entry)
        kept[number] = [*kept[number], entry][-most:]
        assert again.row(number).tolist() == kept[number]


def test_rows_use_the_blocks_of_cleared_rows_again() -> None:
    rows = Rows(8)
    for number in range(2_000):
        for entry in range(8):
            rows.append(number, entry)
        rows.clear(number)
    assert rows.used < 100
    assert rows.row(5).tolist() == []
    assert rows.sizes(np.array([-1, 5, 10**9])).tolist() == [0, 0, 0]


def test_a_row_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Rows(0)


@settings(deadline=None)
@given(LOG)
def test_adding_click_by_click_is_the_same_as_building_at_once(log: list[tuple[int, int]]) -> None:
    assert_same(click_by_click(log), at_once(log))


@settings(deadline=None)
@given(LOG)
def test_it_is_the_same_when_old_things_are_forgotten(log: list[tuple[int, int]]) -> None:
    whole = sorted(log, key=lambda click: click[0])
    assert_same(click_by_click(whole, TIGHT), at_once(whole, TIGHT))


@settings(deadline=None)
@given(LOG, LOG)
def test_a_past_that_was_saved_and_mapped_goes_on_as_if_it_had_not_been(
    tmp_path_factory: pytest.TempPathFactory,
    log: list[tuple[int, int]],
    more: list[tuple[int, int]],
) -> None:
    folder = tmp_path_factory.mktemp("past")
    kept = click_by_click(log, TIGHT)
    kept.save(folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    mapped, copied = Past.load(folder), Past.load(folder, mapped=False)
    for session, item in more:
        for past in (kept, mapped, copied):
            past.click(past.oldest + session, item)
            past.add([item, item + 1])
    assert_same(kept, mapped)
    assert_same(kept, copied)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_memory_stays_bounded_however_many_sessions_come() -> None:
    past, chance = Past(Bounds(sessions=50, clicks=8, per_item=16)), np.random.default_rng(1)
    size = []
    for _ in range(4):
        for _ in range(500):
            past.add(chance.integers(0, 30, chance.integers(1, 12)))
        size.append(past.nbytes())
    assert size[-1] == size[0]
    assert past.oldest == past.begun - 50
    assert all(past.oldest <= s for item in range(30) for s in past.sessions_of(item))


def test_a_click_of_a_forgotten_or_unknown_session_is_not_taken() -> None:
    past = Past(Bounds(sessions=2))
    for item in (1, 2, 3):
        past.add([item])
    assert not past.click(0, 5)
    assert not past.click(7, 5)
    assert past.click(1, 5)
    assert past.clicks(0).tolist() == []
    assert past.counts(np.array([5])).tolist() == [1]


@pytest.mark.parametrize("item", [-1, 2**31])
def test_an_item_number_out_of_range_is_refused(item: int) -> None:
    past = Past()
    number = past.open()
    with pytest.raises(ValueError, match="Item numbers go from 0"):
        past.click(number, item)
    with pytest.raises(ValueError, match="Item numbers go from 0"):
        Past.of(np.array([0]), np.array([item]))


def test_heat_halves_with_every_half_life_of_sessions() -> None:
    past = Past(Bounds(fast=4, slow=8))
    past.add([3])
    for _ in range(8):
        past.open()
    assert past.heat(np.array([3, 99]))[:, 0] == pytest.approx([0.25, 0.5])
    assert past.heat(np.array([99])).tolist() == [[0.0], [0.0]]


def test_a_past_of_nothing_is_empty(tmp_path: Path) -> None:
    none = np.zeros(0, np.int64)
    past = Past.of(none, none)
    assert (past.begun, past.items, past.oldest) == (0, 0, 0)
    past.save(tmp_path / "new")
    assert Past.load(tmp_path / "new").sessions_of(4).tolist() == []
