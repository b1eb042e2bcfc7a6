"""Audiences: signs of customers, chances that come true, evidence that carries the score."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.learn.audience.odds import Odds, counts, evidence, expected, laws
from renwei.learn.audience.signs import (
    DAY_US,
    EVIDENCE,
    SIGNS,
    Customers,
    Wares,
    ask,
    faded_looks,
    signs_of,
    strongest,
)
from renwei.learn.audience.trials import (
    TOPS,
    Bought,
    fitted,
    learn,
    spread_of,
    untaught,
)
from renwei.learn.taste.titles import Catalogue, vectors

NOW = 400 * DAY_US
SORTS = ("clay mask", "hand soap", "rose cream", "hair oil")
EACH = 10


def wares(items: int = len(SORTS) * EACH) -> Wares:
    """Items of four sorts, by title and category."""
    titles = [f"{SORTS[k // EACH % len(SORTS)]} {'abcdefghij'[k % EACH] * 3}" for k in range(items)]
    category = np.arange(items) // EACH
    texts = vectors(items, Catalogue(titles, category))
    return Wares(texts, category, np.full(items, -1), np.full(items, np.log(1_000.0)))


def world(seed: int = 1, people: int = 900, days: int = 400) -> Bought:
    """People who each keep to one sort, come about every three weeks, and buy what they had."""
    chance = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        sort, gap = person % len(SORTS), 10 + 40 * chance.random()
        at, had = chance.random() * gap, [sort * EACH + int(chance.integers(EACH))]
        while at < days:
            if chance.random() < 0.5:
                had.append(sort * EACH + int(chance.integers(EACH)))
            item = had[int(chance.integers(len(had)))]
            if chance.random() < 0.1:
                item = int(chance.integers(len(SORTS) * EACH))
            rows.append((person, item, round(at * DAY_US)))
            at += gap * (0.5 + chance.random())
    person, item, at_us = np.array(rows, dtype=np.int64).T
    return Bought(person, item, at_us, people, len(SORTS) * EACH)


BOUGHT, WARES = world(), wares()
LEARNT = learn(BOUGHT, WARES, NOW - 30 * DAY_US)
THEN = BOUGHT.before(NOW - 30 * DAY_US)
rows_of = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 7), st.integers(0, 40 * DAY_US)), max_size=40
)


@given(rows_of, st.integers(1, 40 * DAY_US))
def test_nothing_of_a_moment_or_later_is_known_before_it(
    rows: list[tuple[int, int, int]], now_us: int
) -> None:
    person, item, at_us = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    whole = Customers.as_of(person, item, at_us, now_us, people=6, items=8)
    early = at_us < now_us
    part = Customers.as_of(person[early], item[early], at_us[early], now_us, people=6, items=8)
    for name in ("person", "item", "times", "last_us", "orders", "first_us", "last_order_us"):
        assert np.array_equal(getattr(whole, name), getattr(part, name)), name
    assert len(whole.person) == len({(p, i) for p, i, at in rows if at < now_us})
    assert whole.orders.sum() == len({(p, at) for p, _, at in rows if at < now_us})


@given(st.lists(st.floats(0, 0.95), min_size=1, max_size=12))
def test_the_law_of_counts_is_that_of_coins_thrown_one_by_one(chances: list[float]) -> None:
    plain = np.ones(1)
    for p in chances:
        plain = np.append(plain * (1 - p), 0.0) + np.append(0.0, plain * p)
    assert counts(np.array(chances), 0.0) == pytest.approx(plain, abs=1e-9)


@given(st.lists(st.floats(0, 0.4), min_size=1, max_size=30), st.sampled_from([0.0, 0.3, 0.8, 1.6]))
def test_a_law_sums_to_one_and_its_beginnings_are_laws(chances: list[float], spread: float) -> None:
    p = np.array(chances)
    for n, law in zip((1, len(p)), laws(p, spread, (1, len(p))), strict=True):
        assert law.sum() == pytest.approx(1.0)
        assert (law >= -1e-12).all()
        assert law == pytest.approx(counts(p[:n], spread), abs=1e-9)
        # A rare buyer's mean is kept; of a likely one the factor can only take.
        assert np.arange(n + 1) @ law <= p[:n].sum() + 1e-3


def test_a_wider_spread_widens_the_range_and_the_mean_stays() -> None:
    p = np.full(200, 0.05)
    ranges = [expected(p, spread) for spread in (0.0, 0.5, 1.0)]
    widths = [one.high - one.low for one in ranges]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]
    assert {one.mean for one in ranges} == {10.0}
    assert all(one.low <= one.mean <= one.high for one in ranges)


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_an_80_percent_range_holds_at_least_80_percent(spread: float) -> None:
    chance, n = np.random.default_rng(3), 4_000
    p = 0.01 + 0.2 * chance.random(100)
    one = expected(p, spread)
    factor = chance.gamma(1 / spread**2, spread**2, n) if spread else np.ones(n)
    came = (chance.random((n, 100)) < -np.expm1(factor[:, None] * np.log1p(-p))).sum(axis=1)
    held = ((came >= one.low) & (came <= one.high)).mean()
    # Whole numbers make the range a little wide, never narrow.
    assert held >= 0.8 - 4 * (0.16 / n) ** 0.5 - 0.01
    assert held <= 0.92


def test_the_spread_that_items_have_is_found_again() -> None:
    chance = np.random.default_rng(5)
    lists, came = [], []
    for _ in range(150):
        p = np.sort(0.2 * chance.random(200))[::-1]
        rate = chance.gamma(1 / 0.6**2, 0.6**2) * -np.log1p(-p)
        lists.append(p)
        came.append((chance.random(200) < -np.expm1(-rate)).astype(float))
    spread, held = spread_of(lists, came)
    assert 0.4 <= spread <= 0.9
    assert held >= 0.8


def test_who_bought_the_item_or_its_like_is_found_before_others() -> None:
    for item in (3, 17, 25):
        for odds in (LEARNT.known, untaught()):
            assert odds is not None
            score = odds.score(ask(THEN, WARES, item))
            sort = np.arange(THEN.people) % len(SORTS) == item // EACH
            first = np.argsort(-score, kind="stable")[:50]
            assert sort[first].mean() > 0.9


def test_chances_come_true() -> None:
    """What was said of the first 200 people of 40 items, against who bought within 30 days."""
    assert LEARNT.known is not None
    after = BOUGHT.after(NOW - 30 * DAY_US)
    said, came, held = 0.0, 0, []
    for item in range(len(SORTS) * EACH):
        asked = ask(THEN, WARES, item)
        score = LEARNT.known.score(asked)
        first = np.argsort(-score, kind="stable")[:200]
        chances = LEARNT.known.chance(score[first])
        bought = np.isin(first, after[1][after[0] == item])
        said += float(chances.sum())
        came += int(bought.sum())
        for n in TOPS:
            one = expected(chances[:n], LEARNT.known.spread)
            held.append(one.low <= bought[:n].sum() <= one.high)
    assert said == pytest.approx(came, abs=4 * came**0.5 + 0.15 * came)
    assert np.mean(held) >= 0.8 - 2 * (0.16 / (len(held) / 3)) ** 0.5


def test_more_buyers_are_found_than_by_who_came_last() -> None:
    trials = LEARNT.trials
    served = LEARNT.known
    assert served is not None
    assert trials[f"known {served.way}"].hits[1] > 2 * trials["known recent"].hits[1]


def test_a_simpler_way_serves_unless_a_stronger_one_is_clearly_better() -> None:
    for kind, odds in (("known", LEARNT.known), ("new", LEARNT.new)):
        assert odds is not None
        lows = {way: LEARNT.trials[f"{kind} {way}"].gain_low or 0 for way in ("category", "signs")}
        better = [way for way, low in lows.items() if low > 0]
        assert odds.way == (better[-1] if better else "recent")


def test_what_comes_later_teaches_nothing() -> None:
    cut = NOW - 30 * DAY_US
    early = BOUGHT.at_us < cut
    short = Bought(
        BOUGHT.person[early], BOUGHT.item[early], BOUGHT.at_us[early], BOUGHT.people, BOUGHT.items
    )
    again = learn(short, WARES, cut)
    assert again.purchases == LEARNT.purchases
    assert again.known is not None
    assert LEARNT.known is not None
    assert np.array_equal(again.known.adds, LEARNT.known.adds)
    assert again.known.spread == LEARNT.known.spread


@pytest.mark.parametrize("days", [0, 40, 70])
def test_too_short_a_past_teaches_nothing_and_says_how_much_there_was(days: int) -> None:
    few = world(people=20, days=days) if days else Bought(*(np.zeros(0, np.int64),) * 3, 5, 40)
    found = learn(few, WARES, max(days, 1) * DAY_US)
    assert (found.known, found.new) == (None, None)
    assert found.purchases < found.needed


def test_evidence_never_speaks_against_anybody() -> None:
    chance = np.random.default_rng(9)
    signs = np.abs(chance.normal(size=(2_000, len(SIGNS)))) + 0.01
    odds = np.where(np.array([name in EVIDENCE for name in SIGNS]), -1.0, 0.5)
    came = (chance.random(2_000) < 1 / (1 + np.exp(-signs @ odds))).astype(float)
    found = fitted([(signs, came, np.ones(2_000))], "signs")
    adds = dict(zip(SIGNS, found.adds, strict=True))
    assert all(adds[name] == 0.0 for name in EVIDENCE)
    assert adds["orders"] > 0


@settings(max_examples=60)
@given(st.integers(0, len(SORTS) * EACH - 1), st.integers(0, BOUGHT.people - 1), st.booleans())
def test_without_its_evidence_a_score_is_lower(item: int, person: int, hidden: bool) -> None:
    odds = untaught()
    asked = ask(THEN, WARES, item, hidden=hidden)
    why = evidence(THEN, asked, odds, person)
    assert len(why.items) == len(why.adds) <= 3
    mine = set(THEN.item[THEN.person == person].tolist())
    assert set(why.items) <= mine
    if not why.sign:
        assert why.share == 0.0
        return
    assert 0 < why.share <= 1 + 1e-9
    left = without(THEN, person, why.items)
    signs = signs_of(left, WARES, item, asked.strengths, new=asked.hidden)
    before, after = odds.score(asked)[person], signs[person] @ odds.adds + odds.base
    # The levels are those of the item and do not count here; purchases left decide the rest.
    assert after < before - 1e-6


def without(now: Customers, person: int, items: tuple[int, ...]) -> Customers:
    """The same people, had one of them not bought some items."""
    kept = ~((now.person == person) & np.isin(now.item, items))
    columns: dict[str, Any] = {
        name: getattr(now, name)[kept] for name in ("person", "item", "times", "last_us")
    }
    return replace(now, **columns)


def test_looks_at_an_item_count_and_fade() -> None:
    who, item = np.array([4, 5, 6]), np.array([2, 2, 2])
    at_us = np.array([THEN.at_us - DAY_US, THEN.at_us - 50 * DAY_US, THEN.at_us - 90 * DAY_US])
    looks = faded_looks(who, item, at_us, np.ones(3), THEN.at_us)
    assert looks[0].tolist() == [4, 5]
    now = replace(THEN, looks=looks)
    looked = ask(now, WARES, 2).signs[:, SIGNS.index("looked")]
    assert looked[4] > looked[5] > 0 == looked[7]
    odds = Odds("signs", np.where(np.array(SIGNS) == "looked", 1.0, 0.0), 0.0)
    why = evidence(now, ask(now, WARES, 2), odds, 4)
    assert (why.sign, why.items) == ("looked", (2,))


def test_a_new_item_is_like_its_sort_and_nothing_else() -> None:
    items = len(SORTS) * EACH
    known = WARES.texts
    titles = [f"{SORTS[k // EACH]} {'abcdefghij'[k % EACH] * 3}" for k in range(items)]
    more = Catalogue([*titles, "clay mask green", "winter tyre"], np.append(WARES.category, [0, 9]))
    both = Wares(
        vectors(items + 2, more),
        np.append(WARES.category, [0, 9]),
        np.full(items + 2, -1),
        np.full(items + 2, np.nan),
    )
    assert known.shape[0] == items
    now = replace(THEN, items=items + 2)
    mask, tyre = ask(now, both, items), ask(now, both, items + 1)
    assert mask.hidden
    assert set(np.flatnonzero(mask.strengths["alike"] > 0.3).tolist()) <= set(range(EACH))
    assert mask.alikest > 0.5
    assert tyre.alikest < 0.2


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 10))
def test_the_strongest_stay_where_they_stand(values: list[float], k: int) -> None:
    found = strongest(np.array(values), k, 0.1)
    kept = found > 0
    assert np.array_equal(found[kept], np.array(values)[kept])
    left = np.array(values)[~kept]
    if kept.any() and (left >= 0.1).any():
        assert left.max() <= found[kept].min()
    assert kept.sum() >= min(k, (np.array(values) >= 0.1).sum())
