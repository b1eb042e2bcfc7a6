from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.learn.sessions.choice import chances, fit_choice
from renwei.learn.sessions.features import columns
from renwei.learn.sessions.learning import Learnt, learn_next_item
from renwei.learn.sessions.model import Allow, NextItem, plain_scores, with_past
from renwei.learn.sessions.neighbours import Vsknn
from renwei.learn.sessions.past import Bounds, Past
from renwei.learn.sessions.signals import Prefix, best, parts, read_signals, strength
from renwei.learn.sessions.trial import (
    Case,
    bootstrap_mean,
    cases_of,
    gains,
    hits,
    rank_of,
    reciprocal,
)

ITEMS = 240
NONE = np.zeros(0, np.int64)


def walks(count: int, seed: int) -> list[np.ndarray]:
    """Sessions in corners of 12 items: on to a fixed follower, back to the last, or anywhere."""
    chance = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        corner = 12 * int(chance.integers(ITEMS // 12))
        clicks = [corner + int(chance.integers(12))]
        while len(clicks) < 2 or chance.random() < 0.75:
            kind = chance.random()
            if kind < 0.5:
                clicks.append(corner + (clicks[-1] * 7 + 5) % 12)
            elif kind < 0.75:
                clicks.append(clicks[-min(2, len(clicks))])
            else:
                clicks.append(corner + int(chance.integers(12)))
        out.append(np.array(clicks))
    return out


def flat(sessions: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(len(sessions)), [len(s) for s in sessions]), np.concatenate(sessions)


@cache
def learnt() -> Learnt:
    return learn_next_item(*flat(walks(1_500, seed=1)), most=1_200)


def mean_reciprocal(name: Callable[[np.ndarray], np.ndarray], cases: list[Case]) -> float:
    return float(reciprocal(np.array([rank_of(name(c.clicks), c.target) for c in cases])).mean())


def test_where_order_matters_the_learnt_way_serves_and_beats_the_neighbours() -> None:
    done = learnt()
    assert done.way == "learnt"
    assert done.gain[1] > 0
    assert 0.5 < done.covered <= 1
    cases = cases_of(walks(300, seed=2), 400)
    ours = mean_reciprocal(lambda clicks: done.model.recommend(clicks).item, cases)

    def vsknn(clicks: np.ndarray) -> np.ndarray:
        item, score = Vsknn().score(done.model.past, clicks)
        return item[np.lexsort((item, -score))[:20]]

    assert ours > mean_reciprocal(vsknn, cases) + 0.03


def test_too_few_sessions_are_served_by_the_neighbours() -> None:
    done = learn_next_item(*flat(walks(30, seed=3)))
    assert done.way == "neighbours"
    assert np.isnan(done.gain[0])
    assert len(done.model.recommend(np.array([5]), 5).item) == 5


def test_where_the_next_item_is_chance_the_learnt_way_does_not_serve() -> None:
    chance = np.random.default_rng(4)
    served = [
        learn_next_item(np.repeat(np.arange(400), 4), chance.integers(0, 40, 1_600)).way
        for _ in range(5)
    ]
    # The gain's interval is wrong one time in twenty on either side.
    assert served.count("learnt") <= 2


def test_one_long_session_is_too_few_to_learn_from() -> None:
    chance = np.random.default_rng(17)
    sessions = [*walks(6, seed=17), chance.integers(0, ITEMS, 300)]
    assert learn_next_item(*flat(sessions)).way == "neighbours"


def test_each_plain_way_answers_in_the_order_of_its_score() -> None:
    past = learnt().model.past
    for clicks in walks(20, seed=18):
        signals = read_signals(past, Prefix.of(clicks))
        for way, score in plain_scores(signals).items():
            picks = NextItem(past, way=way).recommend(clicks, 5)
            top = signals.item[np.lexsort((signals.item, -score))[:5]]
            assert picks.item.tolist() == top.tolist()


@pytest.mark.parametrize("clicks", [0, 1])
def test_learning_from_nothing_is_no_fault(clicks: int) -> None:
    one = np.zeros(clicks, np.int64)
    done = learn_next_item(one, one)
    assert done.way == "neighbours"
    assert done.model.recommend(NONE).item.tolist() == [0] * clicks


ODD_PREFIXES = {
    "empty": [],
    "unknown": [10**9, 10**9 + 1],
    "repeated": [3] * 40,
    "long": [k % 90 for k in range(500)],
    "partly unknown": [3, 10**9, 4],
    "negative": [-1, -5],
}


@pytest.mark.parametrize("clicks", ODD_PREFIXES.values(), ids=ODD_PREFIXES.keys())
@pytest.mark.parametrize("repeats", [True, False])
def test_every_prefix_gets_a_valid_answer(clicks: list[int], repeats: bool) -> None:
    picks = learnt().model.recommend(np.array(clicks, np.int64), 20, allow=Allow(repeats))
    assert len(picks.item) == len(set(picks.item.tolist())) == 20
    assert (picks.chance >= 0).all()
    assert picks.chance.sum() <= 1 + 1e-9
    assert (np.diff(picks.chance) <= 1e-12).all()
    if not repeats:
        assert not set(picks.item.tolist()) & set(clicks)
    assert {name == "again" for name in picks.source} <= {False, True}
    for item, name in zip(picks.item.tolist(), picks.source, strict=True):
        assert (name == "again") <= (item in clicks)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, ITEMS + 3), max_size=12),
    st.sets(st.integers(0, ITEMS - 1), max_size=60),
    st.integers(1, 30),
    st.booleans(),
)
def test_what_may_not_be_shown_never_is_and_the_list_stays_full(
    clicks: list[int], kept: set[int], n: int, repeats: bool
) -> None:
    model = learnt().model
    allowed = np.zeros(ITEMS, bool)
    allowed[list(kept)] = True
    exclude = np.array(sorted(kept)[:3], np.int64)
    free = kept - set(exclude.tolist()) - (set() if repeats else set(clicks))
    picks = model.recommend(np.array(clicks, np.int64), n, allow=Allow(repeats, allowed, exclude))
    assert set(picks.item.tolist()) <= free
    assert len(picks.item) == min(n, len(free))


def test_the_rarest_item_is_found_where_only_it_may_be_named() -> None:
    item = np.concatenate([np.repeat(np.arange(1, 3_000), 2), [0]])
    model = NextItem(Past.of(np.arange(len(item)), item))
    picks = model.recommend(NONE, allow=Allow(only=np.array([True])))
    assert (picks.item.tolist(), picks.source) == ([0], ("popular",))
    assert 0 < picks.chance[0] < 0.01


def test_nothing_allowed_names_nothing() -> None:
    assert (
        len(learnt().model.recommend(np.array([3]), allow=Allow(only=np.zeros(0, bool))).item) == 0
    )


def test_one_click_of_another_session_changes_the_next_answer() -> None:
    past = Past()
    for _ in range(3):
        past.add([1, 2])
    model = NextItem(past)
    assert model.recommend(np.array([1]), 1, allow=Allow(repeats=False)).item.tolist() == [2]
    live = past.open()
    past.click(live, 9)
    past.click(live, 1)
    assert 9 in model.recommend(np.array([1]), 3, allow=Allow(repeats=False)).item
    assert model.recommend(np.array([9]), 1, allow=Allow(repeats=False)).item.tolist() == [1]


def test_a_new_item_can_be_named_at_once_when_nothing_else_is_known() -> None:
    past = Past()
    model = NextItem(past)
    assert len(model.recommend(NONE).item) == 0
    past.add([7])
    picks = model.recommend(NONE)
    assert (picks.item.tolist(), picks.source) == ([7], ("popular",))


def test_a_living_session_is_answered_as_if_it_were_not_in_the_past() -> None:
    sessions = walks(400, seed=5)
    for clicks in walks(40, seed=6):
        alone, both = Past.of(*flat(sessions)), Past.of(*flat([*sessions, clicks]))
        apart = read_signals(alone, Prefix.of(clicks))
        inside = read_signals(both, Prefix.of(clicks), own=len(sessions))
        assert inside.item.tolist() == apart.item.tolist()
        for name in ("near", "nearest", "kin", "follow", "before", "clicks", "count"):
            assert getattr(inside, name) == pytest.approx(getattr(apart, name)), name
        # One session more has begun: ages differ by one, and no more.
        assert inside.fast == pytest.approx(apart.fast, rel=0.01)
        assert inside.lately == pytest.approx(apart.lately, rel=0.01)


def test_the_weights_are_learnt_without_a_look_ahead() -> None:
    """Later sessions are the labels: their clicks may not be counted in what comes before."""
    from renwei.learn.sessions.learning import _split

    chance = np.random.default_rng(7)
    session, item = chance.integers(0, 50, 600), chance.integers(0, 20, 600)
    early, late = _split(session, item, 0.2)
    begin = {int(s): int(np.flatnonzero(session == s)[0]) for s in np.unique(session)}
    late_ones = sorted(begin, key=lambda s: begin[s])[40:]
    assert early.max() < min(begin[s] for s in late_ones)
    assert not set(session[early].tolist()) & set(late_ones)
    assert [one.tolist() for one in late] == [item[session == s].tolist() for s in late_ones]


def test_the_parts_of_the_items_add_up_to_the_strength() -> None:
    past = learnt().model.past
    for clicks in walks(60, seed=8):
        signals = read_signals(past, Prefix.of(clicks))
        added = parts(past, signals, signals.item)
        assert added.min() >= 0
        assert added.sum(axis=1) == pytest.approx(strength(signals), abs=1e-9)


@pytest.mark.parametrize("repeats", [True, False])
def test_a_cause_is_an_item_of_the_session_whose_removal_lowers_the_chance(repeats: bool) -> None:
    model, cited, warm, allow = learnt().model, 0, 0, Allow(repeats)
    for clicks in walks(60, seed=9):
        picks = model.recommend(clicks, 10, allow=allow, causes=3)
        now = model.chances(clicks, picks.item, allow=allow)
        assert picks.causes == model.because(clicks, picks.item, allow=allow)
        warm += len(picks.item) - picks.source.count("popular")
        for row, found in enumerate(picks.causes):
            cited += bool(found)
            assert len(found) <= 3
            assert sum(cause.share for cause in found) <= 1 + 1e-9
            for cause in found:
                assert cause.item in clicks
                assert picks.source[row] != "popular"
                assert picks.chance[row] == pytest.approx(now[row])
                left = model.chances(clicks, picks.item, allow=allow, without=cause.item)[row]
                assert left == cause.chance_without < picks.chance[row]
                # Removing it from the session itself is the same as answering without it.
                never = Allow(never=None if repeats else clicks)
                bare = clicks[clicks != cause.item]
                assert model.chances(bare, picks.item, allow=never)[row] == pytest.approx(left)
    assert cited >= 0.7 * warm


def test_fewer_causes_are_the_strongest_of_them() -> None:
    model = learnt().model
    for clicks in walks(20, seed=16):
        picks = model.recommend(clicks, 10, causes=1)
        assert {len(found) for found in picks.causes} <= {0, 1}
        assert len({found[0].item for found in picks.causes if found}) <= 1


def test_what_rests_on_nothing_cites_nothing() -> None:
    model = learnt().model
    assert model.because(NONE, np.array([1, 2])) == ((), ())
    assert model.because(np.array([3]), np.array([10**9])) == ((),)
    assert model.because(np.array([3]), NONE) == ()


def test_a_saved_model_answers_the_same(tmp_path: Path) -> None:
    for name, model in {"learnt": learnt().model, "plain": NextItem(learnt().model.past)}.items():
        model.save(tmp_path / name)
        loaded = NextItem.load(tmp_path / name)
        assert loaded.way == model.way
        for clicks in walks(20, seed=10):
            one, other = model.recommend(clicks), loaded.recommend(clicks)
            assert one.item.tolist() == other.item.tolist()
            assert one.chance == pytest.approx(other.chance, rel=1e-12)


def test_the_same_weights_serve_over_another_past() -> None:
    past = Past()
    past.add([1, 2])
    moved = with_past(learnt().model, past)
    assert moved.way == "learnt"
    assert moved.recommend(np.array([1]), 5, allow=Allow(repeats=False)).item.tolist() == [2]


def test_the_past_gives_back_its_log_to_learn_from() -> None:
    sessions = walks(50, seed=11)
    session, item = Past.of(*flat(sessions)).log()
    assert session.tolist() == flat(sessions)[0].tolist()
    assert item.tolist() == flat(sessions)[1].tolist()


def test_the_learnt_way_without_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="weights"):
        NextItem(Past(), way="learnt")


def test_long_sessions_do_not_make_a_request_long() -> None:
    chance = np.random.default_rng(12)
    past = Past.of(np.repeat(np.arange(2_000), 80), chance.integers(0, 30, 160_000), Bounds())
    signals = read_signals(past, Prefix.of(np.arange(30)))
    assert signals.sessions * 80 < 20_000
    assert len(best(signals, 10).item) == 10


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), max_size=45))
def test_a_prefix_is_its_distinct_items_latest_first(clicks: list[int]) -> None:
    prefix = Prefix.of(np.array(clicks, np.int64))
    back = clicks[-30:][::-1]
    assert prefix.item.tolist() == list(dict.fromkeys(back))
    assert prefix.step.tolist() == [back.index(i) + 1 for i in prefix.item]
    assert prefix.count.tolist() == [back.count(i) for i in prefix.item]
    assert prefix.length == len(back)
    run = next((k for k, i in enumerate(back) if i != back[0]), len(back))
    assert prefix.run == run


def test_columns_are_finite_whatever_the_session() -> None:
    past = learnt().model.past
    odd = [np.array(clicks, np.int64) for clicks in ODD_PREFIXES.values()]
    for clicks in [*odd, *walks(30, seed=13)]:
        known = clicks[clicks >= 0]
        assert np.isfinite(columns(read_signals(past, Prefix.of(known)))).all()


def test_weights_of_known_choices_are_found_again() -> None:
    chance = np.random.default_rng(14)
    true = np.array([1.5, -0.8, 0.0])
    sets, wide = 4_000, 6
    x = chance.normal(size=(sets, wide, 3))
    noisy = x @ true + chance.gumbel(size=(sets, wide))
    size = np.full(sets, wide)
    chosen = np.arange(sets) * wide + noisy.argmax(axis=1)
    found = fit_choice(x.reshape(-1, 3), size, chosen, ridge=0.0)
    # The information of a choice among 6 is about 5/6 of a unit a column: error 0.02.
    assert found.zoomed == pytest.approx(true, abs=5 * 0.025)
    again = fit_choice(x.reshape(-1, 3), size, chosen, ridge=0.0, start=found)
    assert again.zoomed == pytest.approx(found.zoomed, abs=0.01)
    pulled = fit_choice(x.reshape(-1, 3), size, chosen, ridge=1e6)
    assert np.abs(pulled.zoomed).max() < 0.01


def test_chances_sum_to_one() -> None:
    assert chances(np.array([900.0, 900.0])).tolist() == [0.5, 0.5]
    assert len(chances(np.zeros(0))) == 0


def test_metrics_of_a_rank_are_the_textbook_s() -> None:
    ranks = np.array([1, 2, 0])
    assert hits(ranks).tolist() == [1, 1, 0]
    assert reciprocal(ranks).tolist() == [1, 0.5, 0]
    assert gains(ranks) == pytest.approx([1, 1 / np.log2(3), 0])
    assert rank_of(np.array([4, 7]), 7) == 2
    assert rank_of(np.array([4, 7]), 5) == 0


def test_cases_drawn_are_some_of_all_in_order() -> None:
    sessions = [np.array([1, 2, 3]), np.array([4]), np.array([5, 6])]
    every = [(c.clicks.tolist(), c.target, c.session) for c in cases_of(sessions)]
    assert every == [([1], 2, 0), ([1, 2], 3, 0), ([5], 6, 2)]
    drawn = [(c.clicks.tolist(), c.target, c.session) for c in cases_of(sessions, 2)]
    assert len(drawn) == 2
    assert [one for one in every if one in drawn] == drawn


def test_the_interval_of_alike_cases_is_wider_when_they_are_drawn_together() -> None:
    values = np.repeat(np.random.default_rng(15).random(100), 10)
    _, low, high = bootstrap_mean(values)
    _, together_low, together_high = bootstrap_mean(values, np.repeat(np.arange(100), 10))
    assert together_high - together_low > 2 * (high - low)
    assert np.isnan(bootstrap_mean(np.zeros(0))[0])
