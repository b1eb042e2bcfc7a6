from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.learn.taste.measures import coverage, entropy, gain, gini, hits, interval
from renwei.learn.taste.variety import (
    Candidates,
    Wishes,
    crowding,
    mix_gap,
    own_mix,
    price_curve,
    rerank,
    rerank_all,
    strongest_within,
)


def candidates(seed: int, n: int = 30) -> Candidates:
    chance = np.random.default_rng(seed)
    near = chance.random((n, n))
    category = chance.integers(0, 4, n)
    return Candidates(
        np.arange(n),
        chance.normal(size=n).astype(np.float32),
        ((near + near.T) / 2).astype(np.float32),
        {"category": category, "brand": chance.integers(-1, 6, n)},
        ("category", np.array([0.7, 0.2, 0.1, 0.0])),
    )


@given(st.integers(0, 2**32 - 1))
def test_without_wishes_the_list_is_the_ranking(seed: int) -> None:
    one = candidates(seed)
    assert rerank(one, 10, Wishes()).tolist() == np.argsort(-one.score, kind="stable")[:10].tolist()


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_caps_hold_whatever_else_is_wished(seed: int, most: int) -> None:
    one = candidates(seed)
    wishes = Wishes(0.5, 0.5, most={"category": most, "brand": 2})
    rows = rerank(one, 20, wishes)
    assert len(set(rows.tolist())) == len(rows)
    assert np.bincount(one.groups["category"][rows]).max() <= most
    brands = one.groups["brand"][rows]
    assert np.bincount(brands[brands >= 0], minlength=1).max() <= 2
    # The list is short only where the caps leave nothing.
    if len(rows) < 20:
        full = np.bincount(one.groups["category"][rows], minlength=4) >= most
        taken = np.bincount(brands[brands >= 0], minlength=6) >= 2
        rest = np.setdiff1d(np.arange(30), rows)
        closed = full[one.groups["category"][rest]]
        brand = one.groups["brand"][rest]
        assert (closed | ((brand >= 0) & taken[brand])).all()


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.2))
def test_the_short_way_chooses_what_the_long_one_does(seed: int, share: float) -> None:
    one = candidates(seed)
    shown = np.random.default_rng(seed).integers(0, 4, 30).astype(np.float32)
    one = Candidates(one.item, one.score, groups=one.groups, shown=shown)
    short = rerank(one, 12, Wishes(share=share))
    # A cap that nothing reaches asks for the general loop.
    assert short.tolist() == rerank(one, 12, Wishes(share=share, most={"category": 99})).tolist()


def likeness_within(one: Candidates, rows: list[int]) -> float:
    assert one.likeness is not None
    return float(np.mean([one.likeness[a, b] for a, b in itertools.combinations(rows, 2)]))


def test_more_variety_is_less_alike_and_costs_score() -> None:
    alike, score = [], []
    for strength in (0.0, 1.0, 4.0):
        lists = [(candidates(s), rerank(candidates(s), 8, Wishes(strength))) for s in range(40)]
        alike.append(np.mean([likeness_within(one, rows.tolist()) for one, rows in lists]))
        score.append(np.mean([one.score[rows].sum() for one, rows in lists]))
    assert alike[0] > alike[1] > alike[2]
    assert score[0] > score[1] > score[2]


def test_calibration_brings_the_mix_nearer_to_the_persons() -> None:
    apart = []
    for strength in (0.0, 20.0):
        gaps = []
        for seed in range(30):
            one = candidates(seed)
            assert one.mix is not None
            rows = rerank(one, 10, Wishes(own_mix=strength))
            counts = np.bincount(one.groups["category"][rows], minlength=4).astype(np.float64)
            gaps.append(mix_gap(one.mix[1], counts))
        apart.append(np.mean(gaps))
    assert apart[1] < apart[0] / 2


def test_an_unknown_category_does_not_break_the_mix() -> None:
    one = Candidates(
        np.arange(3),
        np.array([3.0, 2.0, 1.0], np.float32),
        groups={"category": np.array([-1, 0, 1])},
        mix=("category", np.array([0.0, 1.0])),
    )
    assert rerank(one, 1, Wishes(own_mix=100.0)).tolist() == [2]
    assert len(rerank(one, 3, Wishes(own_mix=1.0))) == 3


def test_what_everybody_saw_gives_way() -> None:
    people = [Candidates(np.arange(9), np.linspace(1, 0, 9, dtype=np.float32)) for _ in range(40)]
    plain = rerank_all(people, 3, Wishes(), items=9)
    shared = rerank_all(people, 3, Wishes(share=0.5), items=9)
    assert coverage(plain, 9) == pytest.approx(1 / 3)
    assert coverage(shared, 9) == 1.0
    assert gini(shared, 9) < gini(plain, 9)
    assert crowding(np.array([0.0, 2.0]), 2.0).tolist() == [0.0, 0.5]


def test_the_curve_begins_at_one_and_the_slider_keeps_its_loss() -> None:
    chance = np.random.default_rng(1)
    people = [
        Candidates(np.arange(50), chance.normal(size=50).astype(np.float32) - np.arange(50) / 20)
        for _ in range(60)
    ]
    targets = [one.item[np.argsort(-one.score)[:5]] for one in people]
    curve = price_curve(people, targets, items=50, strengths=(0.0, 0.02, 1.0), k=10)
    assert [one.strength for one in curve] == [0.0, 0.02, 1.0]
    assert curve[0].ndcg_ratio == curve[0].coverage_ratio == 1.0
    assert curve[-1].coverage_ratio > 1.0 > curve[-1].ndcg_ratio
    assert strongest_within(curve, 0.0).ndcg_ratio >= 1.0
    assert strongest_within(curve, 1.0).coverage == max(one.coverage for one in curve)


def test_an_empty_history_wishes_for_everything_alike() -> None:
    nothing = own_mix(np.zeros(0, np.int64), np.zeros(0, np.float32), 4)
    assert nothing.tolist() == [0.25] * 4
    mix = own_mix(np.array([0, 1, -1]), np.array([3, 1, 9], np.float32), 2)
    assert mix.tolist() == [0.75, 0.25]


@given(st.lists(st.lists(st.integers(0, 9), max_size=9, unique=True), min_size=1, max_size=5))
@settings(deadline=None)
def test_hits_are_those_of_the_definition(targets: list[list[int]]) -> None:
    chance = np.random.default_rng(len(targets))
    lists = np.array([chance.permutation(10)[:4] for _ in targets])
    found = hits(lists, [np.array(one, np.int64) for one in targets])
    for row, came in enumerate(targets):
        good = [item in came for item in lists[row]]
        ideal = sum(1 / np.log2(p + 2) for p in range(min(4, len(came))))
        gained = sum(1 / np.log2(p + 2) for p, one in enumerate(good) if one)
        assert found.recall[row] == pytest.approx(sum(good) / max(min(4, len(came)), 1))
        assert found.ndcg[row] == pytest.approx(gained / ideal if ideal else 0.0)
        assert found.mrr[row] == (1 / (good.index(True) + 1) if any(good) else 0.0)


def test_empty_places_neither_hit_nor_cover() -> None:
    lists = np.array([[3, -1, -1]])
    assert hits(lists, [np.array([-1, 3])]).recall.tolist() == [0.5]
    assert coverage(lists, 4) == 0.25
    assert gini(np.full((2, 2), -1), 3) == 0.0
    assert gini(np.array([[0]]), 100) == pytest.approx(0.99)


def test_entropy_is_one_bit_for_two_equal_halves() -> None:
    category = np.array([0, 0, 1, 1, -1])
    assert entropy(np.array([[0, 1, 2, 3], [0, 1, 4, -1]]), category).tolist() == [1.0, 0.0]


def test_a_gain_is_clear_only_when_its_interval_is_above_zero() -> None:
    chance = np.random.default_rng(2)
    one = chance.normal(size=400)
    assert gain(one + 1.0, one).clear
    noise = gain(one + chance.choice([-1.0, 1.0], 400) - 0.2, one)
    assert not noise.clear
    assert noise.low < noise.mean < noise.high
    assert not gain(one[:0], one[:0]).clear
    assert np.isnan(interval(one[:0])[0])
