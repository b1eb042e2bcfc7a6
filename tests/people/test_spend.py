from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from renwei.learn.cells import DAY_S
from renwei.learn.snapshots import Orders as Past
from renwei.learn.snapshots import Snapshot
from renwei.people.amounts import KEPT, read_amounts
from renwei.people.frame import DAY_US
from renwei.people.likely import Ripe, groups_of, ripe_at, until
from renwei.people.needs import Purchases, Rhythms
from renwei.people.spend import Moment, Window, coverage, learn_spend

NOW = 1_700_000_000.0


def moment(dice: np.random.Generator, n: int = 3_000, *, amounts: float = 0.0) -> Moment:
    """People whose amounts and chances are known; the columns that spend reads."""
    orders = 1.0 + dice.poisson(3, n)
    columns = {
        "orders": orders,
        "money_mean": np.exp(dice.normal(9, 0.6, n)),
        "age": dice.uniform(60, 400, n),
        "fading_45": orders / 4,
        "late": np.where(orders > 1, dice.exponential(1, n), np.nan),
    }
    chance = dice.beta(1.2, 1.8, n)
    shot = Snapshot(NOW, np.arange(n), columns, chance, np.zeros(n))
    return Moment(shot, chance, Ripe(dice.random(n), dice.random(n) / 2), amounts)


def window(dice: np.random.Generator, *, more: float = 0.0) -> Window:
    """What they then spend: the best scatter widest, which one scatter for all does not know."""
    start = moment(dice)
    mean = start.shot.columns["money_mean"]
    scatter = np.where(mean > np.quantile(mean, 0.9), 1.1, 0.5)
    spend = mean * np.exp(dice.normal(0, 1, len(mean)) * scatter + more)
    return Window(start, np.where(dice.random(len(mean)) < start.chance, spend, 0.0))


@pytest.fixture(scope="module")
def past() -> list[Window]:
    dice = np.random.default_rng(7)
    return [window(dice) for _ in range(3)]


def test_low_value_and_high_are_in_order_and_never_negative(past: list[Window]) -> None:
    value, low, high = learn_spend(past, past[-1].moment).interval(past[-1].moment)
    assert (low >= 0).all()
    assert (low <= value).all()
    assert (value <= high).all()
    assert np.isfinite(high).all()


def test_likely_buyers_and_the_best_are_held_in_about_80_of_100_cases(past: list[Window]) -> None:
    model = learn_spend(past, past[-1].moment)
    fresh = window(np.random.default_rng(8))
    value, low, high = model.interval(fresh.moment)
    held = (low <= fresh.spend) & (fresh.spend <= high)
    likely = fresh.moment.chance >= 0.2
    # 2,400 people: three standard deviations are 2.5 points; the past's own are added.
    assert 0.76 <= held[likely].mean() <= 0.85
    best = likely & (value >= np.quantile(value, 0.9))
    # 300 people: two standard deviations are 4.6 points.
    assert 0.74 <= held[best].mean() <= 0.88
    assert coverage(model, fresh)["coverage_likely"] == pytest.approx(held[likely].mean(), abs=1e-4)


def test_low_is_zero_where_no_order_is_the_usual_end(past: list[Window]) -> None:
    now = past[-1].moment
    _, low, _ = learn_spend(past, now).interval(now)
    assert (low[now.chance < 0.5] == 0).all()
    assert (low[now.chance > 0.97] > 0).all()


def test_who_will_hardly_order_gets_the_narrowest_interval_and_is_held_all_the_same(
    past: list[Window],
) -> None:
    model, fresh = learn_spend(past, past[-1].moment), window(np.random.default_rng(9))
    value, low, high = model.interval(fresh.moment)
    rare = fresh.moment.chance < 0.2
    assert (low[rare] == 0).all()
    np.testing.assert_allclose(high[rare], value[rare])
    assert (fresh.spend <= high)[rare].mean() > 0.8


def test_totals_that_missed_by_much_in_the_past_widen_the_intervals(past: list[Window]) -> None:
    dice = np.random.default_rng(7)
    stormy = [window(dice, more=more) for more in (0.0, 0.8, -0.6)]
    now = past[-1].moment
    calm, wide = (learn_spend(windows, now).interval(now) for windows in (past, stormy))
    sure = now.chance > 0.9

    def width(found: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
        return float(np.median(((found[2] - found[1]) / found[0])[sure]))

    assert width(wide) > 1.15 * width(calm)


def test_amounts_that_rise_lately_raise_value_and_both_ends(past: list[Window]) -> None:
    now = past[-1].moment
    model = learn_spend(past, now)
    plain, more = model.interval(now), model.interval(replace(now, amounts=0.2))
    for before, after in zip(plain, more, strict=True):
        np.testing.assert_allclose(after, before * np.exp(0.2), rtol=1e-9)


def test_without_a_past_usual_scatter_stands_in(past: list[Window]) -> None:
    now = past[-1].moment
    value, low, high = learn_spend([], now).interval(now)
    assert (low <= value).all()
    assert (high[now.chance > 0.5] > value[now.chance > 0.5]).all()


def test_the_groups_hold_nobody_who_will_hardly_order_and_the_first_holds_the_rest() -> None:
    now = moment(np.random.default_rng(3))
    late = now.shot.columns["late"]
    groups = groups_of(now.chance, now.chance, now.chance, late, now.ripe)
    assert (groups[0] == (now.chance >= 0.2)).all()
    assert (groups.any(axis=0) == groups[0]).all()
    assert groups.any(axis=1).all()


def orders(values: list[float], days_ago: list[float], people: int = 40) -> Past:
    person = np.repeat(np.arange(people), len(values))
    time = NOW - np.tile(days_ago, people) * DAY_S
    return Past(person, time, np.tile(values, people))


def test_larger_orders_of_the_same_people_lately_are_seen_and_believed_in_part() -> None:
    flat = orders([100.0, 100.0, 100.0, 100.0], [300, 200, 100, 10])
    grown = orders([100.0, 100.0, 100.0, 150.0], [300, 200, 100, 10])
    assert read_amounts(flat, NOW) == pytest.approx(0.0)
    assert 0 < read_amounts(grown, NOW) < KEPT * np.log(1.5)


def test_orders_to_come_and_new_people_do_not_move_the_amounts() -> None:
    grown = orders([100.0, 100.0, 150.0], [200, 100, 10])
    later = orders([9e9], [-5])
    new = orders([9e9], [5])
    strangers = Past(new.person + 1_000, new.time, new.value)
    for extra in (later, strangers):
        both = Past(
            np.concatenate([grown.person, extra.person]),
            np.concatenate([grown.time, extra.time]),
            np.concatenate([grown.value, extra.value]),
        )
        assert read_amounts(both, NOW) == read_amounts(grown, NOW)


def test_a_few_orders_say_nothing_of_the_amounts() -> None:
    assert read_amounts(orders([100.0, 900.0], [100, 5], people=3), NOW) == 0.0


def bought(*rows: tuple[int, int, float]) -> Purchases:
    """(person, item, days ago), one piece each."""
    table = sorted((person, item, round(NOW * 1e6) - int(d * DAY_US)) for person, item, d in rows)
    person, item, at = (np.array(column, dtype=np.int64) for column in zip(*table, strict=True))
    pairs = np.stack([person, item], axis=1)
    _, pair = np.unique(pairs, axis=0, return_inverse=True)
    begin = np.flatnonzero(np.diff(pair.ravel(), prepend=-1))
    return Purchases(person, item, at, np.ones(len(at), dtype=np.int64), pair.ravel(), begin)


SOAP = Rhythms(
    item=np.array([5]), buyers=np.array([9]), again=np.array([9]), orders=np.array([40]),
    last_us=np.array([0]), log_gap=np.log([40.0]), repeats=np.array([0.8]),
    used_up=np.array([True]), within=0.3, between=0.2, per_quantity=0.0,
)  # fmt: skip


def test_a_need_is_ripe_about_one_rhythm_after_the_last_purchase() -> None:
    person = np.array([1, 2, 3, 4])
    found = ripe_at(
        bought((1, 5, 42), (2, 5, 3), (3, 5, 200)), SOAP, person, (round(NOW * 1e6), 60)
    )
    assert found.now[0] == pytest.approx(found.chance[0])
    assert found.chance[0] > 0.5
    assert found.now[1:].tolist() == [0.0, 0.0, 0.0]
    assert found.chance[3] == 0.0


def test_a_need_of_the_past_knows_nothing_of_later_purchases() -> None:
    cut = round(NOW * 1e6) - 50 * DAY_US
    before = bought((1, 5, 90), (1, 5, 130), (2, 5, 60))
    after = bought((1, 5, 90), (1, 5, 130), (2, 5, 60), (1, 5, 20), (2, 5, 10), (3, 5, 1))
    person = np.array([1, 2, 3])
    then, now = (ripe_at(one, SOAP, person, (cut, 60)) for one in (before, after))
    np.testing.assert_array_equal(then.chance, now.chance)
    np.testing.assert_array_equal(then.now, now.now)
    assert until(after, cut).begin.tolist() == [0, 2]
