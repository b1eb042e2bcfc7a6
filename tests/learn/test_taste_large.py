from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.learn.shelves import START_US, everyone, middle, shop

from renwei.learn.taste.ease import BLOCK, solve
from renwei.learn.taste.factors import Factors
from renwei.learn.taste.features import FEATURES, Pairs, features
from renwei.learn.taste.lessons import Tried
from renwei.learn.taste.neighbours import Neighbours, heard
from renwei.learn.taste.said import MOST_AT_ONCE, MOST_DENSE, Few, Gone, at, in_parts
from renwei.learn.taste.source import best, nearest, strongest
from renwei.learn.taste.sources import FORWARD, Sources
from renwei.learn.taste.table import DAY_US, Asked, Floats, Past
from renwei.learn.taste.taste import Plan, Taste, _compared
from renwei.learn.taste.titles import Alikeness, Catalogue, telling

PAST = shop(looks=True)
AT = middle(PAST)
ASKED = everyone(PAST, AT)
ITEMS = 12_000
AISLES = 40
SHORT = Plan(
    windows=((30, 30),), checked=((60, 30),), rounds=20, checked_rounds=20, most_solved=1_000
)


@pytest.fixture(scope="module")
def sources() -> Sources:
    titles = Alikeness.fit(
        PAST.items, Catalogue([f"{['red', 'blue'][k % 2]} mug {k // 8}" for k in range(PAST.items)])
    )
    segment = np.arange(PAST.users) % 3 - 1
    return Sources.fit(PAST, AT, titles=titles, segment=segment)


def wide_shop(people: int = 600, lines: int = 40) -> Past:
    """More items than arrays are made for: three aisles a person, and a third bought again."""
    chance = np.random.default_rng(7)
    n = people * lines
    user = np.repeat(np.arange(people), lines)
    aisle = chance.integers(0, AISLES, (people, 3))[user, chance.integers(0, 3, n)]
    shelf = ITEMS // AISLES
    # Half of what is bought is what sells in the aisle, half lies anywhere on its shelf.
    place = np.where(chance.random(n) < 0.5, chance.pareto(1.0, n), chance.integers(0, shelf, n))
    item = place.astype(np.int64) % shelf * AISLES + aisle
    visit = np.repeat(chance.uniform(0, 200, people * lines // 4), 4)
    again = chance.random(n) < 0.35
    item[again] = item[(user * lines)[again]]
    return Past.of(
        user, item, START_US + (visit * DAY_US).astype(np.int64),
        value=np.exp(chance.normal(2, 1, ITEMS))[item], users=people, items=ITEMS,
    )  # fmt: skip


WIDE = wide_shop()
NOW = START_US + 200 * DAY_US


@pytest.fixture(scope="module")
def wide() -> Taste:
    names = [f"thing {k % AISLES} of kind {k // AISLES}" for k in range(ITEMS)]
    titles = Alikeness.fit(ITEMS, Catalogue(names, np.arange(ITEMS) % AISLES))
    return Taste.fit(WIDE, NOW, titles=titles, plan=SHORT)


def test_what_is_said_is_what_stands_in_the_arrays(sources: Sources) -> None:
    segment = np.arange(PAST.users) % 3 - 1
    asked = Asked.of(PAST.before(AT), ASKED.known, AT, segment=segment)
    whole, said = sources.scores(asked), sources.said(asked, most_dense=0)
    person, item = (one.ravel() for one in np.indices((len(asked), PAST.items)))
    assert set(whole) == set(said)
    for name, scores in whole.items():
        told = at(said[name], person, item).reshape(scores.shape)
        np.testing.assert_allclose(told, scores, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", [*FORWARD, "personal", "lately"])
@pytest.mark.parametrize("kept", ["all", "some", "each"])
def test_what_comes_first_is_the_best_of_the_arrays(sources: Sources, name: str, kept: str) -> None:
    scores = sources.scores(ASKED)[name]
    chance = np.random.default_rng(2)
    keep = {
        "all": None,
        "some": chance.random(PAST.items) < 0.6,
        "each": chance.random((len(ASKED), PAST.items)) < 0.6,
    }[kept]
    for gone in (None, Gone.of(ASKED)):
        left = np.where(scores > 0, scores, 0.0)
        left = left if gone is None else np.where(ASKED.owned(), 0.0, left)
        left = left if keep is None else np.where(keep, left, 0.0)
        person, item = sources.said(ASKED, most_dense=0)[name].first(5, gone, keep)
        for row in range(len(ASKED)):
            own = np.sort(scores[row, item[person == row]])
            expected = np.sort(left[row])[::-1][:5]
            expected = np.sort(expected[expected > 0])
            np.testing.assert_allclose(own, expected, rtol=1e-5)
            assert (left[row, item[person == row]] > 0).all()


def test_candidates_and_features_are_the_same_either_way(sources: Sources) -> None:
    keep = np.arange(PAST.items) % 3 > 0
    tables = []
    for most in (MOST_DENSE, 0):
        scores = sources.said(ASKED, most_dense=most)
        pairs = sources.candidates(ASKED, scores, keep=keep)
        tables.append((pairs, features(ASKED, pairs, scores=scores, facts=sources.facts)))
    (one, whole), (two, said) = tables
    # With as many put forward as there are items no tie decides who is.
    np.testing.assert_array_equal(one.item, two.item)
    np.testing.assert_array_equal(one.ptr, two.ptr)
    np.testing.assert_array_equal(one.owned, two.owned)
    close = np.isclose(whole, said, rtol=1e-3, atol=1e-4, equal_nan=True)
    ranks = np.array([name.endswith("_rank") for name in FEATURES])
    # Two scores that differ in the last digit may change places.
    assert close[:, ~ranks].all()
    assert close[:, ranks].mean() > 0.98


@pytest.mark.parametrize("only_new", [False, True])
def test_lists_of_what_sells_are_the_best_of_its_array(sources: Sources, only_new: bool) -> None:
    segment = np.arange(PAST.users) % 3 - 1
    asked = Asked.of(PAST.before(AT), ASKED.known, AT, segment=segment)
    keep = np.random.default_rng(1).random((len(asked), PAST.items)) < 0.7
    for kept in (None, keep, keep[0]):
        scores = sources.crowd.score(asked)
        scores = np.where(asked.owned(), -np.inf, scores) if only_new else scores
        scores = np.where(scores > 0, scores, -np.inf)
        scores = scores if kept is None else np.where(kept, scores, -np.inf)
        items, found = sources.crowd.lists(asked, 12, only_new=only_new, keep=kept)
        np.testing.assert_array_equal(items, best(scores, 12))
        expected = np.take_along_axis(scores, np.maximum(items, 0), 1)
        np.testing.assert_array_equal(found, np.where(items >= 0, expected, -np.inf))


def test_a_large_shop_gets_a_ranker(wide: Taste) -> None:
    assert isinstance(wide.sources.ease, Neighbours)
    choice = wide.choices["any"]
    assert choice.way != "crowd"
    assert choice.ndcg[choice.way] > 1.5 * choice.ndcg["crowd"]
    asked = Asked.of(WIDE, np.arange(400), NOW)
    assert len(asked) > MOST_AT_ONCE
    found = wide.rank(asked)
    assert (found.items >= 0).all()
    assert (np.diff(found.scores, axis=1) <= 0).all()
    new = wide.rank(asked, "discover")
    gone = Gone.of(asked)
    for row in range(0, 400, 25):
        assert not np.isin(new.items[row], gone.row(row)).any()


def test_many_in_parts_rank_as_each_alone(wide: Taste) -> None:
    asked = Asked.of(WIDE, np.arange(300), NOW)
    keep = np.random.default_rng(3).random((300, ITEMS)) < 0.5
    found = wide.rank(asked, keep=keep)
    for user in (0, 255, 256, 299):
        alone = Asked.one(WIDE.pick(WIDE.user == user), NOW, known=user)
        one = wide.rank(alone, keep=keep[user])
        np.testing.assert_allclose(one.scores[0], found.scores[user], rtol=1e-3, atol=1e-3)
        part = slice(found.pairs.ptr[user], found.pairs.ptr[user + 1])
        assert np.isin(found.items[user], found.pairs.item[part]).mean() > 0.9


def test_asked_again_it_says_what_the_ranking_said(wide: Taste) -> None:
    asked = Asked.of(WIDE, np.arange(280), NOW)
    found = wide.rank(asked)
    odds = wide.odds_of(asked, found.items[:, 0])
    np.testing.assert_allclose(odds, found.scores[:, 0], rtol=1e-5, atol=1e-5)


def test_a_large_shops_ranker_is_kept(wide: Taste, tmp_path: Path) -> None:
    wide.save(tmp_path)
    again = Taste.load(tmp_path)
    asked = Asked.of(WIDE, np.arange(60), NOW)
    assert again.choices == wide.choices
    for question in ("any", "discover"):
        one, two = wide.rank(asked, question), again.rank(asked, question)
        np.testing.assert_array_equal(one.items, two.items)
        np.testing.assert_array_equal(one.scores, two.scores)


@pytest.mark.parametrize("name", ["ease", "neighbours", "together", "titles", "personal"])
def test_reasons_of_a_large_shop_sum_to_what_is_said(wide: Taste, name: str) -> None:
    asked = Asked.of(WIDE, np.arange(40), NOW)
    said = wide.sources.said(asked)[name]
    person, item = said.first(3, None, None)
    scores = said.at(person, item)
    checked = 0
    for row, one, score in zip(person.tolist(), item.tolist(), scores.tolist(), strict=True):
        why = wide.sources.why(name, asked, row, one)
        assert why is not None
        assert why.amount.sum() == pytest.approx(score, rel=2e-3, abs=1e-5)
        checked += 1
    assert checked >= 60


@given(st.integers(0, 30), st.integers(1, 12), st.integers(1, 60), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_the_nearest_in_parts_are_those_of_the_whole(
    rows: int, columns: int, work: int, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    dense = chance.integers(0, 3, (rows, columns)) * (chance.random((rows, columns)) < 0.3)
    matrix = sp.csr_matrix(dense.astype(np.float32))
    whole = strongest(matrix @ matrix.T, 4)
    np.testing.assert_array_equal(nearest(matrix, 4, work=work).toarray(), whole.toarray())


def test_the_closed_form_in_parts_is_the_inverse() -> None:
    n = BLOCK + 90
    rows = sp.random(900, n, 0.02, format="csr", dtype=np.float32, random_state=4)
    dense = rows.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + 3.0 * np.eye(n))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(solve(rows, 3.0), expected, atol=1e-5)
    assert solve(rows[:, :0], 3.0).shape == (0, 0)


def test_among_many_items_a_reseller_is_not_listened_to() -> None:
    few = sp.csr_matrix(np.ones((2, 30), np.float32))
    assert heard(few, most=10) is few
    many = sp.lil_matrix((3, MOST_DENSE + 1), dtype=np.float32)
    many[0, :20], many[1, :5], many[2, 7] = 1.0, 1.0, 1.0
    left = heard(many.tocsr(), most=10)
    assert np.diff(left.indptr).tolist() == [0, 5, 1]


def test_what_most_titles_share_tells_nothing() -> None:
    rows = sp.csr_matrix(np.array([[1, 1, 0], [1, 1, 1], [1, 0, 1]], np.float32))
    assert telling(rows, most=2).toarray().tolist() == [[0, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_only_the_most_active_get_vectors() -> None:
    state = Factors.fit(PAST, AT, most=15)
    heat = np.asarray(PAST.before(AT).matrix().sum(0)).ravel()
    known = np.flatnonzero(state.items.any(1))
    assert len(known) == 15
    assert heat[known].mean() > heat.mean()
    again = Factors.fit(PAST, AT, begin=state, rounds=1)
    assert again.items.any(1).sum() == (heat > 0).sum()


def test_parts_of_people_are_the_people() -> None:
    asked = Asked.of(WIDE, np.arange(600), NOW)
    parts = list(in_parts(asked))
    assert [len(part) for _, part in parts] == [MOST_AT_ONCE, MOST_AT_ONCE, 600 - 2 * MOST_AT_ONCE]
    for people, part in parts:
        same = Asked.of(WIDE, np.arange(600)[people], NOW)
        np.testing.assert_array_equal(part.ptr, same.ptr)
        np.testing.assert_array_equal(part.past.user, same.past.user)
        np.testing.assert_array_equal(part.past.item, same.past.item)
        np.testing.assert_array_equal(part.known, same.known)


def test_candidates_joined_are_those_of_all() -> None:
    chance = np.random.default_rng(3)
    chosen, owned = chance.random((7, 20)) < 0.4, chance.random((7, 20)) < 0.3
    chosen[4] = False
    whole = Pairs.of(chosen, owned)
    parts = [Pairs.of(chosen[a:b], owned[a:b]) for a, b in ((0, 3), (3, 5), (5, 7))]
    joined = Pairs.joined(parts)
    for name in ("ptr", "person", "item", "owned"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


def test_nobody_without_a_score_is_put_forward() -> None:
    said = Few(sp.csr_matrix((2, 5), dtype=np.float32))
    person, item = said.first(3, None, None)
    assert not len(person)
    assert not len(item)
    assert said.at(np.array([0, 1]), np.array([2, 4])).tolist() == [0.0, 0.0]


def tried(ordered: Floats, alone: Floats, came: list[int], people: int = 120) -> Tried:
    """Everybody has ten candidates; `came` are the ones that came."""
    chosen = np.ones((people, 60), bool)
    pairs = Pairs.of(chosen, np.zeros_like(chosen))
    label = np.isin(pairs.item, came)
    crowd = np.tile(np.arange(20, 60), (people, 1)), np.ones((people, 40), np.float32)
    every = [np.array(came)] * people
    scores = {"blend": np.zeros(len(pairs), np.float32), "trees": alone, "ordered": ordered}
    asked = Asked.of(PAST, np.zeros(people, np.int64), AT)
    asked = replace(asked, past=replace(asked.past, items=60))
    return Tried(
        asked, pairs, np.ones(len(pairs), bool), label,
        {"any": scores}, {"any": crowd}, {"any": every}, {"any": 900},
    )  # fmt: skip


def test_trees_look_at_the_order_only_where_that_clearly_won() -> None:
    chance = np.random.default_rng(1)
    item = np.tile(np.arange(60), 120)
    came, noise = np.isin(item, [3, 50]), chance.random(len(item))
    good, fair = ((came + much * noise).astype(np.float32) for much in (0.1, 2.0))
    for ordered, alone, said in ((good, fair, "lambdarank"), (fair, good, "binary")):
        choice = _compared("any", tried(ordered, alone, [3, 50]), SHORT)
        assert choice.objective == said
        assert choice.way == "trees"
    same = _compared("any", tried(good, good, [3, 50]), SHORT)
    assert same.objective == "binary"
