from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.learn.impressions.worlds import World, made

from renwei.learn.impressions.examination import examination, falling
from renwei.learn.impressions.learning import learn_impressions
from renwei.learn.impressions.rows import BINS, Coded, Impressions


def noise_of(clicks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard error of the logarithm of a place's share, against the first place."""
    found: NDArray[np.float64] = np.sqrt(1 / np.maximum(clicks, 1) + 1 / clicks[0])
    return found


@pytest.mark.parametrize(
    "world",
    [
        World(lists=20_000, steep=1.0, seed=1),
        World(lists=20_000, steep=0.4, seed=2),
        World(lists=20_000, steep=1.0, noise=0.2, explore=0.0, seed=3),
        World(lists=20_000, steep=1.6, noise=1.0, seed=4),
    ],
)
def test_the_curve_behind_the_clicks_is_found_again(world: World) -> None:
    true = made(world)
    found = examination(true.rows.sound())
    off = np.log(found.curve[0, : world.length] / true.curve)
    assert np.all(np.abs(off) <= 4 * noise_of(found.clicks[0, : world.length]))


def test_clicks_by_place_alone_make_the_curve_too_steep_and_ours_is_not() -> None:
    """What stands high stands there for being wanted: a plain rate takes that for the place."""
    true = made(World(lists=20_000, seed=5))
    rows = true.rows.sound()
    found = examination(rows)
    plain = np.bincount(rows.position, rows.clicked) / np.bincount(rows.position)
    allowed = 4 * noise_of(found.clicks[0, :10])
    assert np.all(np.log(plain / plain[0] / true.curve)[3:] < -allowed[3:])
    assert np.all(np.abs(np.log(found.curve[0, :10] / true.curve)) <= allowed)


def test_a_curve_falls_from_one_and_never_rises() -> None:
    for lists in (30, 300, 3_000):
        curve = examination(made(World(lists=lists)).rows.sound()).curve
        assert np.all(curve[:, 0] == 1)
        assert np.all(np.diff(curve) <= 0)
        assert np.all(curve > 0)


def test_of_few_clicks_little_is_believed() -> None:
    world = World(lists=20_000, steep=1.5, seed=6)
    whole = made(world).rows
    few, some, all_ = (
        examination(whole.pick(whole.shown_in < lists).sound()).curve[0, 9]
        for lists in (20, 200, 20_000)
    )
    assert few > 3 * all_
    assert few > some > 0.9 * all_
    assert len(examination(whole.pick(whole.shown_in < 0)).surfaces) == 0


def test_without_a_click_every_place_is_as_good_as_the_first() -> None:
    rows = made(World(lists=50)).rows
    found = examination(replace(rows, clicked=np.zeros(len(rows), dtype=bool)).sound())
    assert np.all(found.curve == 1)


def test_each_surface_has_a_curve_of_its_own_and_an_unknown_one_is_flat() -> None:
    steep, flat = made(World(lists=15_000, steep=1.2, seed=7)), made(World(lists=15_000, steep=0.2))
    both = joined(steep.rows, replace(flat.rows, surface=flat.rows.surface + 9))
    found = examination(both.sound())
    assert found.surfaces.tolist() == [0, 9]
    for k, true in enumerate((steep.curve, flat.curve)):
        off = np.abs(np.log(found.curve[k, :10] / true))
        assert np.all(off <= 4 * noise_of(found.clicks[k, :10]))
    other = replace(both, surface=np.full(len(both), 5))
    assert np.all(found.of(other) == 1)


def test_neither_the_order_of_rows_nor_repeated_rows_change_anything() -> None:
    rows = made(World(lists=800)).rows
    shuffled = np.random.default_rng(2).permutation(np.repeat(np.arange(len(rows)), 2))
    one, other = learn_impressions(rows), learn_impressions(rows.pick(shuffled))
    assert np.array_equal(one.looked.curve, other.looked.curve)
    assert np.array_equal(one.attracts.factor, other.attracts.factor)
    assert (one.trial, one.impressions) == (other.trial, other.impressions)


def test_names_of_people_lists_and_items_are_only_names() -> None:
    rows = made(World(lists=800)).rows
    renamed = replace(
        rows,
        person=(2**63 - 1) - rows.person,
        item=rows.item * 2**40 + 5,
        source=rows.source - 7,
        surface=rows.surface + 2**62,
    )
    one, other = learn_impressions(rows), learn_impressions(renamed)
    assert np.array_equal(one.looked.curve, other.looked.curve)
    assert np.allclose(one.attracts.factor, other.attracts.factor, rtol=1e-12)


def test_an_item_twice_in_a_list_counts_where_it_stood_highest_and_as_clicked_if_ever() -> None:
    zeros, ones = np.zeros(3, np.int64), np.ones(3)
    rows = Impressions(
        zeros, zeros, np.array([7, 8, 7]), np.array([4, 1, 2]), zeros, zeros, ones, ones,
        np.array([True, False, False]), zeros,
    ).sound()  # fmt: skip
    assert sorted(zip(rows.item.tolist(), rows.position.tolist(), rows.clicked.tolist(), strict=True)) == [
        (7, 2, True),
        (8, 1, False),
    ]  # fmt: skip


def test_what_cannot_be_a_row_is_left_out() -> None:
    rows = made(World(lists=3)).rows
    score, odds = rows.score.copy(), rows.odds.copy()
    score[0], odds[1] = np.nan, 0.0
    assert len(replace(rows, score=score, odds=odds).sound()) == len(rows) - 2
    with pytest.raises(ValueError, match="length"):
        replace(rows, item=rows.item[:-1])


def test_scores_are_told_apart_in_steps_and_equal_ones_never() -> None:
    rows = made(World(lists=4_000)).rows
    rows = replace(rows, score=np.round(rows.score, -2)).sound()
    coded = Coded.of(rows)
    assert 1 < len(coded.of_bin) <= 2 * BINS
    for stratum in np.unique(coded.stratum):
        own = coded.stratum == stratum
        pairs = {*zip(rows.score[own].tolist(), coded.bin[own].tolist(), strict=True)}
        assert len(pairs) == len({score for score, _ in pairs})
        ordered = [step for _, step in sorted(pairs)]
        assert ordered == sorted(ordered)


def test_what_chance_put_there_is_judged_apart_from_what_its_score_did() -> None:
    rows = made(World(lists=500, explore=0.2)).rows.sound()
    coded = Coded.of(rows)
    assert rows.explored.any()
    assert not {*coded.stratum[rows.explored].tolist()} & {*coded.stratum[~rows.explored].tolist()}


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.floats(1e-3, 1e3)),
        min_size=1,
        max_size=30,
    )
)
def test_pooling_neighbours_gives_a_falling_row_with_the_same_weighted_sum(
    pairs: list[tuple[float, float]],
) -> None:
    values, weights = (np.array(column) for column in zip(*pairs, strict=True))
    found = falling(values, weights)
    assert np.all(np.diff(found) <= 1e-9 * (1 + found[:-1]))
    assert float(found @ weights) == pytest.approx(float(values @ weights), rel=1e-9, abs=1e-9)
    again = falling(found, weights)
    assert np.allclose(again, found)


def joined(*parts: Impressions) -> Impressions:
    """Logs one after the other, none of their lists the same."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in parts[0].__dataclass_fields__
    }
    begins = np.repeat(np.arange(len(parts)) * 10**9, [len(part) for part in parts])
    return Impressions(**columns | {"shown_in": columns["shown_in"] + begins})
