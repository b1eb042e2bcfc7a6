from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.learn.shelves import everyone, middle, shop

from renwei.learn.taste.baselines import BASELINES, Setting, tuned
from renwei.learn.taste.facts import ItemFacts, PeopleFacts
from renwei.learn.taste.features import FEATURES, Pairs, features
from renwei.learn.taste.ranker import Blend, Labelled, Trees, first_of_each
from renwei.learn.taste.sources import Sources
from renwei.learn.taste.table import DAY_US, Asked, Floats, Past
from renwei.learn.taste.taste import Choice, Plan, Taste, targets_of

PAST = shop(350, 60, 240, looks=True)
AT = middle(PAST)
ASKED = everyone(PAST, AT)
PLAN = Plan(rounds=30, checked_rounds=30)


@pytest.fixture(scope="module")
def taste() -> Taste:
    return Taste.fit(PAST, AT, plan=PLAN)


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources.fit(PAST, AT)


def table_of(sources: Sources, asked: Asked) -> tuple[Pairs, Floats]:
    scores = sources.scores(asked)
    pairs = sources.candidates(asked, scores)
    return pairs, features(asked, pairs, scores=scores, facts=sources.facts)


def column(table: Floats, name: str) -> Floats:
    return table[:, list(FEATURES).index(name)]


def test_each_feature_has_a_sentence_and_a_column(sources: Sources) -> None:
    pairs, table = table_of(sources, ASKED)
    assert table.shape == (len(pairs), len(FEATURES))
    assert table.dtype == np.float32
    assert not np.isinf(table).any()
    assert all((says and says[0].islower()) or says[0].isupper() for says in FEATURES.values())


def test_what_a_person_bought_is_counted_as_by_hand(sources: Sources) -> None:
    pairs, table = table_of(sources, ASKED)
    chance = np.random.default_rng(3)
    for row in chance.choice(len(pairs), 60, replace=False):
        user, item = ASKED.known[pairs.person[row]], pairs.item[row]
        own = (PAST.user == user) & (PAST.at_us < AT) & PAST.goal
        lines = own & (PAST.item == item)
        days = (AT - PAST.at_us) / DAY_US
        moments = np.sort(PAST.at_us[own])
        baskets = 1 + (np.diff(moments) > 30 * 60_000_000).sum()
        n = lines.sum()
        assert column(table, "own_count")[row] == n
        assert column(table, "own_share")[row] == pytest.approx(n / baskets)
        assert column(table, "person_baskets")[row] == baskets
        assert column(table, "own_30")[row] == pytest.approx(np.exp2(-days[lines] / 30).sum(), 1e-4)
        if n:
            assert column(table, "own_last")[row] == pytest.approx(days[lines].min(), 1e-4)
            assert pairs.owned[row]
        else:
            assert np.isnan(column(table, "own_last")[row])
        recent = (PAST.item == item) & PAST.goal & (days > 0) & (days <= 30)
        assert column(table, "item_buyers_30")[row] == len(np.unique(PAST.user[recent]))
        looks = (PAST.user == user) & (PAST.item == item) & ~PAST.goal & (days > 0)
        assert column(table, "seen")[row] == pytest.approx(
            (PAST.weight * np.exp2(-days / 7))[looks].sum(), abs=1e-5
        )


def test_features_of_one_person_are_those_of_the_batch(sources: Sources) -> None:
    pairs, table = table_of(sources, ASKED)
    for row in (0, 17, 60):
        user = int(ASKED.known[row])
        alone, own = table_of(sources, Asked.one(PAST.pick(PAST.user == user), AT, known=user))
        part = slice(pairs.ptr[row], pairs.ptr[row + 1])
        np.testing.assert_array_equal(alone.item, pairs.item[part])
        np.testing.assert_allclose(own, table[part], rtol=2e-3, atol=2e-4)


def test_some_rows_are_those_rows_of_all(sources: Sources) -> None:
    pairs, table = table_of(sources, ASKED)
    rows = np.random.default_rng(1).random(len(pairs)) < 0.2
    scores = sources.scores(ASKED)
    part = features(ASKED, pairs, scores=scores, facts=sources.facts, rows=rows)
    np.testing.assert_array_equal(part, table[rows])


def test_ranks_stand_among_what_is_new(sources: Sources) -> None:
    pairs, table = table_of(sources, ASKED)
    score, rank = column(table, "ease_score"), column(table, "ease_rank")
    for person in (0, 5, 33):
        part = np.arange(pairs.ptr[person], pairs.ptr[person + 1])
        new = part[~pairs.owned[part]]
        assert sorted(rank[new].tolist()) == list(range(len(new)))
        assert (np.diff(score[new][np.argsort(rank[new])]) <= 0).all()


def test_planting_later_events_changes_nothing(taste: Taste) -> None:
    later = shop(350, 60, 240, seed=9)
    later = later.pick(later.at_us >= AT)
    before = PAST.before(AT)
    names = ("user", "item", "at_us", "weight", "value", "goal")
    columns = {c: np.concatenate([getattr(before, c), getattr(later, c)]) for c in names}
    planted = Past.of(**columns, users=PAST.users, items=PAST.items)
    assert not np.array_equal(planted.at_us, PAST.at_us)
    again = Taste.fit(planted, AT, plan=PLAN)
    assert again.choices == taste.choices
    asked = Asked.of(planted, ASKED.known, AT)
    for question in ("any", "discover"):
        one = taste.rank(ASKED, question)
        two = again.rank(asked, question)
        np.testing.assert_array_equal(one.items, two.items)
        np.testing.assert_array_equal(one.scores, two.scores)


def test_what_is_kept_ranks_the_same(taste: Taste, tmp_path: Path) -> None:
    taste.save(tmp_path)
    again = Taste.load(tmp_path)
    assert again.choices == taste.choices
    for question in ("any", "discover"):
        for way in ("crowd", taste.choices[question].way):
            one, two = (t.rank(ASKED, question, way=way) for t in (taste, again))
            np.testing.assert_array_equal(one.items, two.items)
            np.testing.assert_array_equal(one.scores, two.scores)


def test_a_list_is_full_distinct_and_in_order(taste: Taste) -> None:
    for question in ("any", "discover"):
        found = taste.rank(ASKED, question)
        assert (found.items >= 0).all()
        assert all(len(set(row)) == 20 for row in found.items.tolist())
        assert (np.diff(found.scores, axis=1) <= 0).all()
        owned = np.take_along_axis(ASKED.owned(), found.items, 1)
        assert owned.any() == (question == "any")


def test_what_is_filtered_out_leaves_a_full_list(taste: Taste) -> None:
    keep = np.arange(PAST.items) % 2 == 0
    found = taste.rank(ASKED, "any", keep=keep)
    assert (found.items % 2 == 0)[found.items >= 0].all()
    assert (found.items >= 0).all()


def test_somebody_without_a_history_gets_what_sells(taste: Taste) -> None:
    nobody = Asked.one(PAST.pick(PAST.user < 0), AT)
    for way in ("crowd", taste.choices["any"].way):
        found = taste.rank(nobody, "any", way=way)
        assert (found.items >= 0).all()
    crowd = taste.rank(nobody, "any", way="crowd").items[0]
    assert crowd[0] == np.argmax(taste.sources.crowd.everyone)


def test_a_stronger_way_serves_only_when_it_clearly_won(taste: Taste) -> None:
    for choice in taste.choices.values():
        assert set(choice.ndcg) == {"crowd", "blend", "trees"}
        cleared = [way for way, gain in choice.gains.items() if gain.clear]
        # Of fewer than 500 people a clear gain must be a tenth as well.
        assert choice.way == "crowd" or choice.way in cleared
        if choice.way != "crowd":
            assert choice.gains[choice.way].low > 0.1 * choice.ndcg["crowd"]
        for gain in choice.gains.values():
            assert gain.low <= gain.mean <= gain.high
            assert gain.people > 30
    assert taste.choices["any"].way != "crowd"


def test_where_nothing_can_be_learnt_what_sells_serves() -> None:
    chance = np.random.default_rng(4)
    n = 400
    noise = Past.of(
        chance.integers(0, 200, n), chance.integers(0, 8, n), chance.integers(0, 90, n) * DAY_US
    )
    short = noise.before(12 * DAY_US)
    found = Taste.fit(short, 12 * DAY_US)
    assert found.choices["any"] == Choice("crowd", {}, {}, 0)
    empty = Taste.fit(noise.pick(noise.user < 0), DAY_US)
    assert empty.choices["discover"].way == "crowd"
    lists = empty.rank(Asked.one(noise.pick(noise.user < 0), DAY_US))
    assert (lists.items == -1).all()


def test_few_labels_never_reach_the_trees() -> None:
    small = shop(60, 40, 240, seed=3)
    found = Taste.fit(small, middle(small), plan=PLAN)
    assert found.choices["any"].labelled < 500
    assert "trees" not in found.choices["any"].ndcg
    assert not found.trees


def test_targets_are_what_came_after(sources: Sources) -> None:
    del sources
    later = PAST.between(AT, AT + 30 * DAY_US).goals()
    came, new = (targets_of(PAST, ASKED, 30, q) for q in ("any", "discover"))
    owned = ASKED.owned()
    for row in range(0, len(ASKED), 20):
        items = set(later.item[later.user == ASKED.known[row]].tolist())
        assert set(came[row].tolist()) == items
        assert set(new[row].tolist()) == {item for item in items if not owned[row, item]}


def labelled(seed: int = 1, people: int = 40, each: int = 30) -> Labelled:
    chance = np.random.default_rng(seed)
    table = chance.normal(size=(people * each, len(FEATURES))).astype(np.float32)
    place = list(FEATURES).index("ease_top")
    came = table[:, place] + chance.normal(size=len(table)) > 1.2
    return Labelled.of(table, came, np.repeat(np.arange(people), each))


@pytest.mark.parametrize("objective", ["binary", "lambdarank"])
def test_trees_find_the_column_that_matters(objective: str, tmp_path: Path) -> None:
    data = labelled()
    trees = Trees.fit(
        data, rounds=20, objective="binary" if objective == "binary" else "lambdarank"
    )
    assert next(iter(trees.weights())) == "ease_top"
    assert sum(trees.weights().values()) == pytest.approx(1.0)
    trees.save(tmp_path)
    np.testing.assert_array_equal(
        Trees.load(tmp_path).score(data.tables[0]), trees.score(data.tables[0])
    )
    assert trees.score(data.tables[0][:0]).shape == (0,)


def test_trees_without_both_labels_are_refused() -> None:
    data = labelled()
    with pytest.raises(ValueError, match="some that did not"):
        Trees.fit(replace(data, came=np.ones(len(data.came), bool)))


def test_a_blend_weighs_what_matters_and_nothing_below_zero() -> None:
    blend = Blend.fit(labelled(people=200))
    assert (blend.weight >= 0).all()
    assert next(iter(blend.weights())) == "ease_top"


def test_only_people_to_whom_something_came_are_learnt_from() -> None:
    table = np.zeros((5, len(FEATURES)), np.float32)
    came = np.array([False, False, True, False, True])
    data = Labelled.of(table, came, np.array([0, 0, 2, 2, 3]))
    assert data.people == 2
    assert data.size.tolist() == [2, 1]
    assert data.came.tolist() == [True, False, True]
    assert Labelled.together([data, data]).people == 4


def test_equal_scores_break_by_item_number() -> None:
    owned = np.zeros((1, 5), bool)
    owned[0, 1] = True
    pairs = Pairs.of(np.ones((1, 5), bool), owned)
    items, scores = first_of_each(pairs, np.zeros(5, np.float32), 6)
    assert items.tolist() == [[0, 1, 2, 3, 4, -1]]
    assert np.isneginf(scores[0, 5])
    new, _ = first_of_each(pairs, np.zeros(5, np.float32), 3, only_new=True)
    assert new.tolist() == [[0, 2, 3]]


def test_facts_of_somebody_with_one_basket_have_no_gap() -> None:
    past = Past.of([0, 0], [0, 1], [0, 0], value=[2.0, 8.0])
    found = PeopleFacts.of(Asked.of(past, np.array([0]), DAY_US)).columns
    assert found["baskets"].tolist() == [1.0]
    assert np.isnan(found["gap_days"][0])
    assert found["price"][0] == pytest.approx(np.log(4.0), rel=1e-5)
    facts = ItemFacts.fit(past, DAY_US)
    np.testing.assert_allclose(facts.price, np.log([2.0, 8.0]), rtol=1e-5)


@pytest.mark.parametrize("name", list(BASELINES))
def test_each_simple_way_is_tuned_on_the_past_and_fitted(name: str) -> None:
    simple = next(one for one in BASELINES if one == name)
    back = AT - 30 * DAY_US
    asked = everyone(PAST, back)
    came = targets_of(PAST.before(AT), asked, 30, "discover")
    found = tuned(simple, PAST.before(AT), asked, came, "discover", {})
    assert found.settings in BASELINES[simple]
    scores = Setting(simple, found.settings).fit(PAST.before(AT), AT).score(ASKED)
    assert scores.shape == (len(ASKED), PAST.items)
    assert np.isfinite(scores).all()


def test_one_row_of_each_person_has_the_features_that_it_has_among_all() -> None:
    chance = np.random.default_rng(5)
    past = Past.of(
        chance.integers(0, 40, 3_000), chance.integers(0, 60, 3_000),
        chance.integers(0, 200 * DAY_US, 3_000), value=chance.uniform(1, 9, 3_000),
    )  # fmt: skip
    as_of = 201 * DAY_US
    sources = Sources.fit(past, as_of)
    asked = Asked.of(past, np.arange(0, 40, 3), as_of)
    scores = sources.scores(asked)
    pairs = sources.candidates(asked, scores)
    whole = features(asked, pairs, scores=scores, facts=sources.facts)
    for _ in range(20):
        rows = np.zeros(len(pairs), bool)
        # Of some people none is wanted.
        for person in chance.choice(len(asked), len(asked) - 2, replace=False):
            rows[chance.integers(pairs.ptr[person], pairs.ptr[person + 1])] = True
        some = features(asked, pairs, scores=scores, facts=sources.facts, rows=rows)
        np.testing.assert_array_equal(some, whole[rows])


def test_where_nothing_may_be_shown_nothing_is_ranked() -> None:
    past = Past.of(
        [0, 0, 1, 1], [0, 1, 1, 2], [DAY_US, 2 * DAY_US, DAY_US, 3 * DAY_US],
        goal=[True, False, True, True],
    )  # fmt: skip
    sources = Sources.fit(past, 4 * DAY_US)
    asked = Asked.of(past, np.array([0, 1]), 4 * DAY_US)
    scores = sources.scores(asked)
    none = Pairs.of(np.zeros((2, 3), bool), asked.owned())
    assert features(asked, none, scores=scores, facts=sources.facts).shape == (0, len(FEATURES))
    whole = sources.candidates(asked, scores)
    rows = np.zeros(len(whole), bool)
    some = features(asked, whole, scores=scores, facts=sources.facts, rows=rows)
    assert some.shape == (0, len(FEATURES))
