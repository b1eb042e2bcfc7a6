from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from renwei.reach.plan import LINES, NEVER, WHAT, Limits, Line, Plan, Wanted, plan, within


def wanted(scores: Any, groups: Any, minutes: Any = None) -> Wanted:
    scores = np.array(scores, dtype=np.int64)
    if minutes is None:
        minutes = np.full(scores.shape, 2)
    return Wanted(scores, np.array(minutes), np.array(groups))


def at_prices(columns: Wanted, prices: dict[str, int]) -> list[tuple[int, int]]:
    """(row, column) of what each person is best at, where that beats nothing."""
    paid = columns.scores - prices.get("today/lines", 0)
    paid = paid - prices.get("today/minutes", 0) * columns.minutes
    for counter, price in prices.items():
        if counter.startswith(WHAT):
            paid = paid - price * (columns.groups == int(counter.removeprefix(WHAT)))
    paid = np.where(columns.scores > NEVER, paid, NEVER)
    best = paid.argmax(axis=1)
    return [(k, int(b)) for k, b in enumerate(best) if paid[k, b] > 0]


shops = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        arrays(np.int64, (n, 3), elements=st.integers(-2_000, 9_000)),
        arrays(np.int64, (n, 3), elements=st.integers(1, 6)),
        arrays(np.int64, (n, 3), elements=st.integers(1, 5)),
    )
)


def untied(scores: Any) -> Any:
    """The same scores, told apart by a little, so that prices alone decide."""
    return scores * 1_000 + np.arange(scores.size).reshape(scores.shape) % 997


def subjects(columns: Wanted, found: Plan) -> list[int]:
    return [int(columns.groups[row, column]) for row, column in found.columns.items()]


@given(shops, st.integers(0, 30))
def test_no_more_lines_are_planned_than_allowed_each_worth_something(shop: Any, lines: int) -> None:
    columns = wanted(untied(shop[0]), shop[1])
    found = plan(columns, Limits(lines))
    assert len(found.columns) <= lines
    assert all(columns.scores[row, column] > 0 for row, column in found.columns.items())


@given(shops, st.integers(1, 30), st.sampled_from([0.2, 0.5]))
def test_no_subject_has_more_than_its_share(shop: Any, lines: int, share: float) -> None:
    columns, limits = wanted(untied(shop[0]), shop[1]), Limits(lines, 0, share)
    about = subjects(columns, plan(columns, limits))
    assert all(about.count(one) <= limits.same(len(about)) for one in about)


@given(shops, st.integers(1, 40))
def test_the_minutes_of_the_human_suffice(shop: Any, minutes: int) -> None:
    columns = wanted(untied(shop[0]), shop[1], shop[2])
    found = plan(columns, Limits(1_000, minutes))
    assert sum(int(columns.minutes[row, c]) for row, c in found.columns.items()) <= minutes


@given(shops, st.integers(1, 30), st.sampled_from([0.2, 1.0]))
def test_at_the_prices_every_planned_line_is_worth_it(shop: Any, lines: int, share: float) -> None:
    columns = wanted(untied(shop[0]), shop[1])
    found = plan(columns, Limits(lines, 0, share))
    for row, column in found.columns.items():
        group = f"{WHAT}{columns.groups[row, column]}"
        price = found.prices.get(LINES, 0) + found.prices.get(group, 0)
        assert columns.scores[row, column] > price


@given(shops, st.integers(1, 30), st.sampled_from([0.2, 1.0]))
def test_at_the_prices_nobody_left_out_would_be_worth_it(
    shop: Any, lines: int, share: float
) -> None:
    columns = wanted(untied(shop[0]), shop[1])
    found = plan(columns, Limits(lines, 0, share))
    if len(found.columns) < lines:
        return  # variety, not the lines, was what was short: then the reserve tells apart
    assert all(row in found.columns for row, _ in at_prices(columns, found.prices))


@given(shops)
def test_a_limit_that_does_not_bind_has_no_price(shop: Any) -> None:
    assert plan(wanted(*shop), Limits(1_000, 10_000)).prices == {}


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=80, unique=True), st.integers(1, 20))
def test_with_lines_alone_the_best_are_taken(scores: list[int], lines: int) -> None:
    columns = wanted([[s] for s in scores], [[k + 1] for k in range(len(scores))])
    found = plan(columns, Limits(lines))
    assert sorted(scores[k] for k in found.columns) == sorted(scores)[::-1][:lines][::-1]


def test_a_crowded_subject_gets_a_price_and_others_take_its_lines() -> None:
    scores = [[1_000 - k, 600 - k] for k in range(40)]
    groups = [[7, 100 + k] for k in range(40)]
    columns = wanted(scores, groups)
    found = plan(columns, Limits(20, 0, 0.2))
    assert len(found.columns) == 20
    assert subjects(columns, found).count(7) == 4
    assert found.prices[f"{WHAT}7"] > 0


def test_people_alike_with_two_crowded_subjects_fill_both_and_others_the_rest() -> None:
    alike = [[5_000 + k, 4_800 + k] for k in range(60)]
    others = [[3_000 - k, 10] for k in range(60)]
    groups = [[7, 8]] * 60 + [[100 + k, 9] for k in range(60)]
    columns = wanted(alike + others, groups)
    about = subjects(columns, plan(columns, Limits(20, 0, 0.2)))
    assert (len(about), about.count(7), about.count(8)) == (20, 4, 4)


def test_with_one_subject_alone_one_line_is_what_variety_leaves() -> None:
    columns = wanted([[k + 1] for k in range(30)], [[7]] * 30)
    assert len(plan(columns, Limits(20, 0, 0.2)).columns) == 1


def line(person: int, score: int, *, group: int = 0, minutes: int = 2, by: bool = False) -> Line:
    return Line(person, person, score, minutes, group or person, by)


def test_the_reserve_keeps_the_best_and_what_chance_chose() -> None:
    lines = [line(k, 100 - k) for k in range(1, 10)] + [line(50, -5, by=True)]
    kept = within(lines, Limits(4))
    assert [one.person for one in kept] == [1, 2, 3, 50]


def test_the_reserve_holds_the_share_also_when_fewer_lines_came() -> None:
    lines = [line(k, 100 - k, group=7 if k < 4 else k) for k in range(1, 8)]
    kept = within(lines, Limits(20, 0, 0.2))
    assert sum(one.group == 7 for one in kept) == 1


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 900)), max_size=40), st.integers(1, 30))
def test_the_reserve_never_gives_out_more_minutes_than_there_are(
    shapes: list[tuple[int, int]], minutes: int
) -> None:
    lines = [line(k + 1, score, minutes=m) for k, (m, score) in enumerate(shapes)]
    kept = within(lines, Limits(1_000, minutes))
    assert sum(one.minutes for one in kept) <= minutes


def test_a_plan_is_the_same_each_time() -> None:
    dice = np.random.default_rng(3)
    scores, groups = dice.integers(-500, 9_000, (500, 4)), dice.integers(1, 30, (500, 4))
    columns, limits = wanted(scores, groups), Limits(20, 35, 0.2)
    assert plan(columns, limits) == plan(columns, limits)
    assert LINES not in plan(columns, Limits(1_000)).prices
