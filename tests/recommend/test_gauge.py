from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recommend.shops import DAY, SORTS, Bench

from renwei.core.chance import to_id
from renwei.core.clock import to_us
from renwei.core.errors import UnknownName
from renwei.core.nouns import Item
from renwei.recommend.bubble import REMEMBERED_US, WEEK_US, entropy
from renwei.recommend.gauge import GaugeAnswer, GaugeRequest, gauge
from renwei.recommend.seen import VISIT


def measured(bench: Bench, person: str = "", weeks: int = 4) -> GaugeAnswer:
    return gauge(bench.shop, GaugeRequest(person=person, weeks=weeks))


def shown(bench: Bench, who: str, codes: list[str], ago: timedelta = DAY) -> None:
    """Impressions that the app reports."""
    events = [bench.event(who, "shown", code, ago=ago) for code in codes]
    bench.store.log.append(events, bench.clock.now())


# Entropy.


def test_entropy_is_zero_of_one_category_and_one_of_all_alike() -> None:
    assert entropy([1] * 20, 8) == 0
    assert entropy([1, 2, 3, 4] * 50, 4) == 1
    assert entropy([1, 2, 3, 4], 4) is None, "too few to tell"
    assert entropy([1] * 20, 1) is None


@given(st.lists(st.integers(1, 6), min_size=5, max_size=60), st.integers(6, 40))
def test_entropy_stays_between_zero_and_one_and_knows_no_order(rows: list[int], of: int) -> None:
    found = entropy(rows, of)
    assert found is not None
    assert 0 <= found <= 1
    assert entropy(rows[::-1], of) == pytest.approx(found)


@given(st.integers(2, 8), st.integers(5, 200))
def test_few_draws_from_even_categories_do_not_look_like_a_bubble(of: int, seed: int) -> None:
    import numpy as np

    rows = np.random.default_rng(seed).integers(0, of, 40)
    found = entropy(rows.tolist(), of)
    # The correction takes the bias of few draws off; what is left is the spread of the draw.
    assert found is not None
    assert found > 0.75


# What is not measurable is said.


def test_a_catalogue_of_one_category_is_not_measurable(bench: Bench) -> None:
    bench.items(*(Item(0, "product", f"c-{k}", f"C {k}", "cream", 100, "CNY") for k in range(4)))
    answer = measured(bench)
    assert not answer.measurable
    assert answer.reason is not None
    assert answer.reason.code == "single_category"
    assert "one category" in answer.reason.text
    assert answer.weeks == []


def test_products_without_categories_and_an_empty_shop_are_not_measurable(bench: Bench) -> None:
    bench.items(Item(0, "product", "c", "C", "", 100, "CNY"))
    reason = measured(bench).reason
    assert reason is not None
    assert reason.code == "no_categories"


def test_nothing_shown_is_said(shop: Bench) -> None:
    for person in ("", "u-0"):
        reason = measured(shop, person).reason
        assert reason is not None
        assert reason.code == "nothing_shown"


def test_nobody_of_that_name_is_refused(shop: Bench) -> None:
    with pytest.raises(UnknownName) as refused:
        measured(shop, "no-such-person")
    assert refused.value.code == "unknown_person"


# One person.


def test_one_category_alone_is_a_bubble_for_somebody_who_buys_of_all(shop: Bench) -> None:
    for sort in SORTS:
        shop.saw("u-0", *(f"{sort}-{k}" for k in range(4)), ago=60 * DAY)
    shown(shop, "u-0", [f"cream-{k}" for k in range(10)])
    answer = measured(shop, "u-0")
    assert answer.counted_by == "shown"
    assert answer.entropy == 0
    assert answer.own is not None
    assert answer.own > 0.5
    assert answer.state is not None
    assert answer.state.code == "narrow"


def test_what_is_as_varied_as_its_reader_is_no_bubble(shop: Bench) -> None:
    shown(shop, "u-0", [f"cream-{k}" for k in range(10)])
    answer = measured(shop, "u-0")
    assert answer.state is not None
    assert answer.state.code == "open", "u-0 buys creams alone"


def test_lists_that_become_narrower_are_noticed_early(shop: Bench) -> None:
    for week in range(4):
        sorts = SORTS if week < 2 else SORTS[:1]
        codes = [f"{sort}-{k}" for sort in sorts for k in range(6)]
        shown(shop, "stranger", codes, ago=timedelta(days=27 - 7 * week))
    answer = measured(shop, "stranger")
    assert [one.entropy for one in answer.weeks] == pytest.approx([1, 1, 0, 0], abs=0.05)
    assert answer.state is not None
    assert answer.state.code == "narrowing"


def test_what_was_shown_within_four_weeks_is_shown_again(shop: Bench) -> None:
    codes = [f"cream-{k}" for k in range(5)]
    for days in (50, 20, 1):
        shown(shop, "u-0", codes, ago=days * DAY)
    weeks = measured(shop, "u-0").weeks
    assert [one.shown_again for one in weeks] == [None, 0, None, 1], "after 30 days it is forgotten"
    assert [one.shown for one in weeks] == [0, 5, 0, 5]


def test_a_category_is_new_until_somebody_took_something_of_it(shop: Bench) -> None:
    both = [f"mask-{k}" for k in range(3)] + [f"soap-{k}" for k in range(3)]
    shown(shop, "fresh", both, ago=20 * DAY)
    shop.saw("fresh", "mask-9", ago=15 * DAY)
    shown(shop, "fresh", both, ago=DAY)
    weeks = measured(shop, "fresh").weeks
    assert weeks[1].new_categories == 1
    assert weeks[3].new_categories == 0.5


def test_what_was_sold_out_since_was_taken_and_shown_all_the_same(shop: Bench) -> None:
    shop.store.log.append([shop.bought("ann", ["cream-1"], 40)], shop.clock.now())
    shown(shop, "ann", [f"mask-{k}" for k in range(6)], ago=20 * DAY)
    shown(shop, "ann", ["cream-2"] * 6)
    before = measured(shop, "ann").weeks
    for code in ("cream-1", *(f"mask-{k}" for k in range(6))):
        sort = code.partition("-")[0]
        shop.items(Item(0, "product", code, code, sort, 1_000, "CNY", {"stock": 0}))
    after = measured(shop, "ann").weeks
    assert after == before
    assert [one.new_categories for one in after] == [None, 1, None, 0]
    assert [one.entropy for one in after] == [None, 0, None, 0]


def test_each_thing_counts_in_one_week_at_any_time_of_it(shop: Bench) -> None:
    at = shop.clock.now()
    for k in range(28 * 4):
        shown(shop, "u-1", ["cream-1"], ago=timedelta(hours=6 * k, microseconds=1))
    answer = measured(shop, "u-1")
    assert sum(one.shown for one in answer.weeks) == 28 * 4
    assert answer.weeks[-1].until == at
    assert all(to_us(one.until) - to_us(one.since) == WEEK_US for one in answer.weeks)
    assert REMEMBERED_US == 4 * WEEK_US


def test_a_person_is_found_by_id_too_and_named_by_it(shop: Bench) -> None:
    shown(shop, "u-0", ["cream-1", "soap-1", "mask-1", "mask-2", "mask-3"])
    by_name = measured(shop, "u-0")
    assert by_name.person == to_id(shop.store.people.persons_of([shop.who("u-0")])[0])
    assert measured(shop, by_name.person) == by_name


# The shop.


def test_the_shop_is_the_mean_of_its_people_and_everything_together(shop: Bench) -> None:
    shown(shop, "u-0", [f"cream-{k}" for k in range(8)])
    shown(shop, "u-1", [f"mask-{k}" for k in range(8)])
    week = measured(shop).weeks[-1]
    assert (week.people, week.shown) == (2, 16)
    assert week.entropy == 0, "each sees one category alone"
    assert week.pooled is not None
    assert week.pooled > 0.6, "together they see two of three"


def test_without_impressions_what_was_answered_counts_and_looks_of_the_team_do_not(
    shop: Bench,
) -> None:
    for who in ("u-0", "u-1"):
        shop.ask(who, n=6)
        shop.ask(who, n=6, session_id=VISIT)
    shop.ask("", n=6)
    shop.later(timedelta(minutes=1))
    answer = measured(shop)
    assert answer.counted_by == "decided"
    assert answer.people == 2
    assert answer.weeks[-1].shown == 12
    assert measured(shop, "u-0").weeks[-1].shown == 6


def test_whoever_is_forgotten_is_counted_no_more(shop: Bench) -> None:
    shown(shop, "u-0", ["cream-1"] * 6)
    shown(shop, "u-1", ["cream-1"] * 6)
    shop.store.people.forget(shop.who("u-0"), shop.clock.now())
    shop.store.log.forget([shop.who("u-0")])
    assert measured(shop).people == 1


# What variety costs.


def curve(bench: Bench, rows: list[dict[str, Any]]) -> None:
    held = bench.shop.shelf.get("taste-items")
    assert held is not None
    bench.shop.shelf.put("taste-items", held.columns, {**held.meta, "card": {"curve": rows}})


def test_the_cost_of_variety_is_told_against_relevance_alone(shop: Bench) -> None:
    curve(
        shop,
        [
            {"diversity": 0.5, "any_ndcg": 0.36, "coverage": 0.3},
            {"diversity": 0.0, "any_ndcg": 0.4, "coverage": 0.1},
        ],
    )
    none, half = measured(shop).variety_cost
    assert (none.diversity, none.lost, none.coverage_times) == (0.0, 0.0, 1.0)
    assert half.lost == pytest.approx(0.1)
    assert half.coverage_times == pytest.approx(3.0)


@pytest.mark.parametrize("rows", [[], [{"diversity": 0.5, "any_ndcg": 0.4, "coverage": 0.1}]])
def test_a_cost_that_was_not_measured_is_not_made_up(
    shop: Bench, rows: list[dict[str, Any]]
) -> None:
    curve(shop, rows)
    assert measured(shop).variety_cost == []


# Eight weeks of reading what one is shown.


def test_a_varied_surface_does_not_collapse_for_readers_of_what_it_shows(shop: Bench) -> None:
    from renwei.recommend.surfaces import SurfaceRequest, surfaces_set

    places = {
        "narrow": {"explore": 0.0, "new": 0, "diversity": 0.0, "seen": 0},
        "varied": {"explore": 0.1, "new": 1, "diversity": 1.0, "per_category": 4, "seen": 0},
    }
    for name, place in places.items():
        surfaces_set(shop.shop, SurfaceRequest(name=name, place={**place, "holdout": 0}))
    for _week in range(8):
        for name in places:
            for k in range(3):
                answer = shop.ask(f"{name}-{k}", surface=name, n=8)
                # A reader who takes the first things shown teaches the shop to show more alike.
                shop.saw(f"{name}-{k}", *(item.id for item in answer.items[:3]))
        shop.later(7 * DAY)
    last = {
        name: [measured(shop, f"{name}-{k}", weeks=8).weeks[-1].entropy or 0.0 for k in range(3)]
        for name in places
    }
    assert min(last["varied"]) > 0.8
    assert min(last["varied"]) > max(last["narrow"]), "accuracy alone shows less variety"
