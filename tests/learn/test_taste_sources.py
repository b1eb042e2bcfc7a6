from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.learn.shelves import START_US, everyone, middle, shop

from renwei.learn.taste.alike import Alike
from renwei.learn.taste.crowd import Crowd, Fresh
from renwei.learn.taste.ease import Ease, over_size, rising
from renwei.learn.taste.factors import Factors
from renwei.learn.taste.neighbours import Neighbours
from renwei.learn.taste.personal import EDGES, Personal
from renwei.learn.taste.sequel import Sequel
from renwei.learn.taste.source import Links, State, best, strongest
from renwei.learn.taste.sources import Sources, item_to_item, last_basket
from renwei.learn.taste.table import DAY_US, Asked, Past, baskets, binary
from renwei.learn.taste.titles import Alikeness, Catalogue, pieces, vectors
from renwei.learn.taste.together import Together

FITTED: dict[str, Any] = {
    "personal": Personal.fit,
    "ease": Ease.fit,
    "neighbours": Neighbours.fit,
    "factors": Factors.fit,
    "alike": Alike.fit,
    "sequel": Sequel.fit,
    "together": Together.fit,
    "crowd": Crowd.fit,
    "fresh": Fresh.fit,
}
SUMS = ("personal", "ease", "neighbours", "factors", "sequel", "together")
PAST = shop()
AT = middle(PAST)
ASKED = everyone(PAST, AT)
STATES = {name: fit(PAST, AT) for name, fit in FITTED.items()}
TITLES = Alikeness.fit(
    PAST.items, Catalogue([f"{['red', 'blue', 'green', 'gold'][k % 4]} mug {k}" for k in range(40)])
)


def test_weights_are_those_of_the_closed_form() -> None:
    state = Ease.fit(PAST, AT, l2=3.0, half_life_days=90.0, size_power=0.5)
    before = PAST.before(AT)
    fade = np.exp2(-before.age_days(AT) / 90.0)
    rows = over_size(before.matrix((before.weight * fade).astype(np.float32)), 0.5)
    dense = rows.toarray().astype(np.float64)[:, state.active]
    inverse = np.linalg.inv(dense.T @ dense + 3.0 * np.eye(dense.shape[1]))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(state.weights, expected, atol=2e-4)


def test_only_the_most_popular_items_get_weights_when_there_are_too_many() -> None:
    state = Ease.fit(PAST, AT, most=10, half_life_days=None)
    heat = np.asarray((PAST.before(AT).matrix() > 0).sum(0)).ravel()
    assert len(state.active) == 10
    assert heat[state.active].min() >= np.sort(heat)[-10]
    assert state.why(ASKED, 0, int(np.setdiff1d(np.arange(40), state.active)[0])) is None


def test_a_folded_history_is_the_full_solution() -> None:
    state: Factors = STATES["factors"]
    history = ASKED.faded(state.half_life_days)
    vectors_ = state.fold_in(ASKED)
    items = state.items.astype(np.float64)
    for row in (0, 7, 31):
        amount = history[row].toarray().ravel().astype(np.float64)
        sure = 1.0 + state.trust * amount
        liked = (amount > 0).astype(np.float64)
        # The ridge is in the kept product already; the rest is equation 4 of the source.
        ridge = state.gram - items.T @ items
        full = items.T @ (sure[:, None] * items) + ridge
        expected = np.linalg.solve(full, items.T @ (sure * liked))
        np.testing.assert_allclose(vectors_[row], expected, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("name", SUMS)
def test_what_the_history_added_sums_to_the_score(name: str) -> None:
    state = STATES[name]
    scores = state.score(ASKED)
    checked = 0
    for person in range(0, len(ASKED), 5):
        for item in best(scores[person : person + 1], 4)[0]:
            found = state.why(ASKED, person, int(item))
            if found is None:
                continue
            assert found.amount.sum() == pytest.approx(found.score, rel=1e-4, abs=1e-5)
            assert found.score == pytest.approx(scores[person, item], rel=2e-3, abs=2e-4)
            assert (np.diff(found.amount) <= 0).all()
            checked += 1
    assert checked >= 16


@pytest.mark.parametrize("name", ["ease", "neighbours", "sequel", "together", "titles"])
def test_without_its_evidence_an_item_scores_lower(name: str) -> None:
    state = TITLES if name == "titles" else STATES[name]
    scores = state.score(ASKED)
    checked = 0
    for person in range(0, len(ASKED), 3):
        item = int(best(scores[person : person + 1], 1)[0, 0])
        found = state.why(ASKED, person, item)
        assert found is not None
        for row in found.best().rows:
            # A history that counts each item once loses it with its last row.
            same = np.arange(ASKED.ptr[person], ASKED.ptr[person + 1])
            same = same[ASKED.past.item[same] == ASKED.past.item[row]]
            assert state.score(ASKED.without(same))[person, item] < scores[person, item]
            checked += 1
    assert checked >= 20


@pytest.mark.parametrize("name", list(FITTED))
def test_what_happens_later_changes_no_source(name: str) -> None:
    later = shop(seed=2)
    later = later.pick(later.at_us >= AT)
    columns = ("user", "item", "at_us", "weight", "value", "goal")
    both = {c: np.concatenate([getattr(PAST.before(AT), c), getattr(later, c)]) for c in columns}
    planted = Past.of(**both, users=PAST.users, items=PAST.items)
    assert len(planted) != len(PAST)
    again = FITTED[name](planted, AT)
    asked = Asked.of(planted, ASKED.known, AT)
    np.testing.assert_array_equal(again.score(asked), STATES[name].score(ASKED))


@pytest.mark.parametrize("name", ["personal", "ease", "neighbours", "sequel", "together", "alike"])
def test_other_names_for_people_and_items_give_the_same_scores(name: str) -> None:
    chance = np.random.default_rng(5)
    people, things = chance.permutation(PAST.users), chance.permutation(PAST.items)
    moved = Past.of(
        people[PAST.user],
        things[PAST.item],
        PAST.at_us,
        weight=PAST.weight,
        users=PAST.users,
        items=PAST.items,
    )
    # With every neighbour kept, no tie is broken by number.
    wide = {"neighbours": {"k": 40}, "together": {"k": 40}, "alike": {"k": 500}}.get(name, {})
    one, two = FITTED[name](PAST, AT, **wide), FITTED[name](moved, AT, **wide)
    asked = Asked.of(moved.before(AT), people[ASKED.known], AT)
    np.testing.assert_allclose(two.score(asked)[:, things], one.score(ASKED), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("name", [*FITTED, "titles"])
def test_what_is_kept_in_a_folder_scores_the_same(name: str, tmp_path: Path) -> None:
    state: Any = TITLES if name == "titles" else STATES[name]
    assert isinstance(state, State)
    state.save(tmp_path / name)
    again: Any = type(state).load(tmp_path / name)
    scored: Any = state
    np.testing.assert_array_equal(again.score(ASKED), scored.score(ASKED))


def test_all_sources_are_kept_together(tmp_path: Path) -> None:
    sources = Sources.fit(PAST, AT, titles=TITLES)
    sources.save(tmp_path)
    one, two = sources.scores(ASKED), Sources.load(tmp_path).scores(ASKED)
    assert set(one) == set(two)
    for name, scores in one.items():
        np.testing.assert_array_equal(two[name], scores)
        assert scores.shape == (len(ASKED), PAST.items)
    assert sources.why("ease", ASKED, 0, 3) is not None


def test_neighbours_stand_in_where_items_are_too_many(tmp_path: Path) -> None:
    assert isinstance(item_to_item(PAST, AT), Ease)
    near = item_to_item(PAST, AT, most=5)
    assert isinstance(near, Neighbours)
    sources = replace(Sources.fit(PAST, AT), ease=near)
    sources.save(tmp_path)
    again = Sources.load(tmp_path)
    assert isinstance(again.ease, Neighbours)
    for name in ("ease", "lately"):
        np.testing.assert_array_equal(again.scores(ASKED)[name], sources.scores(ASKED)[name])
    item = int(best(near.score(ASKED)[:1], 1)[0, 0])
    found = sources.why("ease", ASKED, 0, item)
    assert found is not None
    assert found.amount.sum() == pytest.approx(near.score(ASKED)[0, item], rel=1e-4)


def test_one_person_is_scored_as_among_many() -> None:
    sources = Sources.fit(PAST, AT, titles=TITLES)
    many = sources.scores(ASKED)
    for row in (0, 11, 42):
        user = int(ASKED.known[row])
        alone = Asked.one(PAST.pick(PAST.user == user), AT, known=user)
        for name, scores in sources.scores(alone).items():
            np.testing.assert_allclose(scores[0], many[name][row], rtol=1e-4, atol=1e-5)


def test_due_multiplies_what_comes_back_at_its_interval() -> None:
    rows = [(u, 0, START_US + d * DAY_US) for u in range(60) for d in range(u % 20, 200, 20)]
    user, item, at = (np.array(column) for column in zip(*rows, strict=True))
    past = Past.of(user, item, at, items=2)
    state = Personal.fit(past, START_US + 200 * DAY_US, days=5)
    at_interval = int(np.digitize(1.0 - 1e-3, EDGES))
    assert state.due[at_interval] > 1.0 > state.due[int(np.digitize(0.3, EDGES))]
    assert state.gap_days[0] == pytest.approx(20.0, rel=0.05)


def test_nobody_is_their_own_neighbour() -> None:
    state: Alike = STATES["alike"]
    known = state.score(ASKED)
    stranger = Asked(ASKED.ptr, ASKED.past, ASKED.as_of_us, np.full(len(ASKED), -1), ASKED.segment)
    assert (state.score(stranger).sum(1) > known.sum(1)).mean() > 0.9
    assert state.why(ASKED, 0, 0) is None


def test_goes_with_counts_people_within_thirty_days() -> None:
    day = DAY_US
    rows = [(0, 0, 0), (0, 1, 10 * day), (0, 0, 100 * day), (0, 1, 101 * day)]
    rows += [(1, 0, 0), (1, 1, 31 * day), (2, 0, 0), (2, 1, 30 * day), (2, 2, 0)]
    user, item, at = (np.array(column) for column in zip(*rows, strict=True))
    state = Together.fit(Past.of(user, item, at), 200 * day, recent_days=300)
    to, people, lift = state.goes_with(0, least=1)
    # The first bought the pair twice and counts once; the second was a day late.
    assert dict(zip(to.tolist(), people.tolist(), strict=True)) == {1: 2, 2: 1}
    assert lift[to == 1][0] == pytest.approx(2 / (3 * 3 / 3))
    assert state.goes_with(0)[0].tolist() == [1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_pairs_are_those_of_a_plain_loop(seed: int, days: int) -> None:
    chance = np.random.default_rng(seed)
    n = 25
    past = Past.of(
        chance.integers(0, 4, n), chance.integers(0, 6, n), chance.integers(0, 40, n) * DAY_US // 2
    )
    state = Together.fit(past, 100 * DAY_US, days=days, k=50, recent_days=1000)
    for one in range(past.items):
        to, count = state.people.row(one)
        found = dict(zip(to.tolist(), count.tolist(), strict=True))
        for other in range(past.items):
            together = {
                u
                for u, i, a in zip(past.user, past.item, past.at_us, strict=True)
                for v, j, b in zip(past.user, past.item, past.at_us, strict=True)
                if u == v and i == one and j == other and abs(a - b) <= days * DAY_US
            }
            assert found.get(other, 0) == (len(together) if one != other else 0)


def test_a_small_segment_leans_on_everybody_and_a_large_one_on_itself() -> None:
    user = np.arange(1_000)
    past = Past.of(user, np.where(user < 990, 0, 1), np.zeros(1_000, np.int64), items=2)
    segment = np.where(user < 990, 0, 1)
    state = Crowd.fit(past, DAY_US, half_life_days=None, segment=segment, lean=10.0)
    assert state.everyone[1] == pytest.approx(0.01)
    assert state.segments[1][1] == pytest.approx((10 + 10 * 0.01) / 20)
    assert state.segments[0][0] > 0.99
    asked = Asked.one(past.pick(np.zeros(1_000, bool)), DAY_US, segment=1)
    assert state.score(asked)[0, 1] == pytest.approx(state.segments[1][1])
    unknown = Asked.one(past.pick(np.zeros(1_000, bool)), DAY_US)
    np.testing.assert_array_equal(state.score(unknown)[0], state.everyone)


def test_an_item_is_new_until_it_is_known_or_old() -> None:
    at = np.array([0, 20, 25, 25]) * DAY_US
    past = Past.of(np.arange(4), np.array([0, 1, 2, 2]), at, items=4)
    state = Fresh.fit(past, 40 * DAY_US, known_at=2, listed_us=np.array([0, 0, 0, 39]) * DAY_US)
    one = state.score(Asked.one(past, 40 * DAY_US))[0]
    assert one[0] == 0.0  # forty days old
    assert one[2] == 0.0  # known by now
    assert one[3] > one[1] * 0 + 0.9  # listed yesterday, bought by nobody
    assert state.why(everyone(past, 41 * DAY_US), 0, 0) is None


def test_rising_is_one_at_power_zero_and_grows_with_recent_sales() -> None:
    at = np.array([0, 0, 0, 0, 99, 99]) * DAY_US
    past = Past.of(np.arange(6), np.array([0, 0, 0, 0, 1, 1]), at)
    np.testing.assert_array_equal(rising(past, 100 * DAY_US, 0.0), [1.0, 1.0])
    rise = rising(past, 100 * DAY_US, 0.5)
    assert rise[1] > rise[0]


def test_titles_in_chinese_and_english_find_their_like() -> None:
    titles = [
        "红枣枸杞茶 250g",
        "枸杞红枣茶",
        "机械键盘 87键",
        "Red lunch bag",
        "Pink lunch bag",
        "Desk",
    ]
    state = Alikeness.fit(6, Catalogue(titles))
    assert state.links.row(0)[0].tolist()[:1] == [1]
    assert 4 in state.links.row(3)[0]
    assert not set(state.links.row(2)[0].tolist()) & {3, 4, 5}
    assert pieces("茶") == ["茶"]


def test_category_brand_and_price_make_items_alike_without_titles() -> None:
    catalogue = Catalogue(
        (), np.array([0, 0, 1, -1]), np.array([2, 2, -1, -1]), np.array([10.0, 11.0, 500.0, np.nan])
    )
    rows = vectors(4, catalogue).toarray()
    assert rows[0] @ rows[1] == pytest.approx(1.0, abs=1e-5)
    assert rows[0] @ rows[2] == 0.0
    assert not rows[3].any()
    nobody = Asked.one(PAST.pick(PAST.user < 0), AT)
    assert not Alikeness.fit(PAST.items, Catalogue()).score(nobody).any()


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_the_strongest_are_those_of_a_sort(seed: int, k: int) -> None:
    import scipy.sparse as sp

    dense = np.random.default_rng(seed).integers(0, 4, (7, 7)).astype(np.float32)
    kept = strongest(sp.csr_matrix(dense), k).toarray()
    for row in range(7):
        places = [c for c in range(7) if c != row and dense[row, c]]
        wanted = sorted(places, key=lambda c: (-dense[row, c], c))[:k]
        assert set(np.flatnonzero(kept[row])) == set(wanted)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_the_best_are_those_of_a_sort(seed: int, k: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 5, (3, 6)).astype(np.float32)
    scores[0, 2] = -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    expected[~np.isfinite(np.take_along_axis(scores, expected, 1))] = -1
    np.testing.assert_array_equal(best(scores, k), expected)


def test_the_last_basket_is_all_of_the_last_half_hour() -> None:
    minute = 60_000_000
    past = Past.of([0, 0, 0, 1], [0, 1, 2, 3], [0, DAY_US, DAY_US + 20 * minute, 5])
    asked = Asked.of(past, np.array([0, 1]), 2 * DAY_US)
    last = last_basket(asked)
    assert last.past.item.tolist() == [1, 2, 3]
    assert last.ptr.tolist() == [0, 2, 3]
    assert baskets(past).tolist() == [0, 1, 1, 2]
    assert baskets(past.pick(past.user > 5)).tolist() == []


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        Past.of([0, 1], [0], [0, 1])
    with pytest.raises(ValueError, match="from 0"):
        Past.of([-1], [0], [0])


def test_bm25_and_cosine_neighbours_have_no_self_and_at_most_k() -> None:
    for weighting in ("bm25", "cosine"):
        state = Neighbours.fit(PAST, AT, weighting=weighting, k=5, rise_power=0.5)
        matrix = state.links.matrix()
        assert not matrix.diagonal().any()
        # k is what an item listens to, so it bounds the columns.
        assert np.asarray((matrix > 0).sum(0)).max() <= 5
        found = state.why(ASKED, 0, int(best(state.score(ASKED)[:1], 1)[0, 0]))
        assert found is not None
        assert found.score == pytest.approx(float(state.score(ASKED)[0].max()), rel=1e-4)


def test_a_binary_matrix_has_ones_only() -> None:
    assert set(binary(PAST.matrix()).data.tolist()) == {1.0}


@given(seed=st.integers(0, 10_000))
def test_what_rows_lead_to_one_column_is_that_column_of_the_matrix(seed: int) -> None:
    dice = np.random.default_rng(seed)
    matrix = sp.random(12, 9, density=dice.random() * 0.6, random_state=dice, format="csr")
    links = Links.of(matrix)
    rows, column = dice.integers(0, 12, size=dice.integers(0, 30)), int(dice.integers(0, 9))
    told = links.onto(column, rows)
    assert told.tolist() == matrix.astype(np.float32).toarray()[rows, column].tolist()
