from __future__ import annotations

import numpy as np
import pytest
from tests.learn.worlds import pareto_world

from renwei.learn import score
from renwei.learn.cells import DAY_S, Cells, histories
from renwei.learn.counts import money_position, money_quantile, order_position, order_quantile
from renwei.learn.gamma_gamma import fit_spend
from renwei.learn.pareto_nbd import ParetoNBD
from renwei.learn.snapshots import Orders
from renwei.learn.value import Spread, ValueForecast, fit_value, realised

CUT = float(np.datetime64("1997-09-30", "s").astype(np.int64))


def forecast(
    orders: Orders, cut: float, days: float
) -> tuple[ValueForecast, np.ndarray, np.ndarray]:
    model = fit_value(orders.person, orders.time, orders.value, as_of=cut, horizon_days=days)
    past = histories(orders.person, orders.time, orders.value, as_of=cut)
    came, spent = realised(
        orders.person,
        orders.time,
        orders.value,
        person=past.person,
        window=(cut, cut + days * DAY_S),
    )
    return model.forecast(past, days), came, spent


def share_held(spread: Spread, actual: np.ndarray) -> float:
    return float(((actual >= spread.low) & (actual <= spread.high)).mean())


def test_cdnow_orders_and_money_are_foreseen_as_well_as_published(cdnow: Orders) -> None:
    told, came, spent = forecast(cdnow, CUT, 273)
    assert len(came) == 23_570
    assert score.mae(came, told.orders.value) <= 0.80
    assert score.rmse(came, told.orders.value) <= 1.73
    assert score.corr(came, told.orders.value) >= 0.67
    assert score.total_ratio(came, told.orders.value) == pytest.approx(1, abs=0.15)
    assert 0.75 <= share_held(told.orders, came) <= 0.85
    assert 0.75 <= share_held(told.spend, spent) <= 0.85


def test_intervals_of_a_planted_world_hold_at_their_rate() -> None:
    world = pareto_world(3_000, 104, seed=5)
    told, came, spent = forecast(world, 52 * 7 * DAY_S, 26 * 7.0)
    assert score.total_ratio(came, told.orders.value) == pytest.approx(1, abs=0.1)
    # Whole orders cannot be cut to 80 % exactly; nobody ordering is held by every interval.
    assert 0.75 <= share_held(told.orders, came) <= max(0.85, float((came == 0).mean()) + 0.05)
    assert 0.75 <= share_held(told.spend, spent) <= max(0.85, float((spent == 0).mean()) + 0.05)


def test_every_interval_contains_its_value_and_every_chance_is_one(cdnow_sample: Orders) -> None:
    told, _, _ = forecast(cdnow_sample, CUT, 365)
    for spread in (told.orders, told.spend):
        assert (spread.low >= 0).all()
        assert (spread.low <= spread.value).all()
        assert (spread.value <= spread.high).all()
        assert np.isfinite(spread.high).all()
    for chance in (told.alive, told.buys):
        assert ((chance >= 0) & (chance <= 1)).all()
    assert (told.buys <= told.alive + 1e-9).all()


def test_somebody_likely_to_stay_away_has_a_low_end_of_nothing(cdnow_sample: Orders) -> None:
    told, _, _ = forecast(cdnow_sample, CUT, 180)
    quiet = told.buys < 0.9
    assert (told.orders.low[quiet] == 0).all()
    assert (told.spend.low[quiet] == 0).all()


def test_the_model_reads_nothing_later_than_its_time(cdnow_sample: Orders) -> None:
    early = cdnow_sample.until(CUT)
    whole = fit_value(
        cdnow_sample.person, cdnow_sample.time, cdnow_sample.value, as_of=CUT, horizon_days=180
    )
    part = fit_value(early.person, early.time, early.value, as_of=CUT, horizon_days=180)
    assert whole == part


def test_longer_horizons_bring_more(cdnow_sample: Orders) -> None:
    past = histories(cdnow_sample.person, cdnow_sample.time, cdnow_sample.value, as_of=CUT)
    model = fit_value(
        cdnow_sample.person, cdnow_sample.time, cdnow_sample.value, as_of=CUT, horizon_days=90
    )
    short, long = model.forecast(past, 30), model.forecast(past, 365)
    assert (long.orders.value > short.orders.value).all()
    assert (long.buys >= short.buys).all()


@pytest.mark.parametrize("people", [1, 2, 12, 30])
def test_a_tiny_shop_gets_a_forecast(people: int) -> None:
    world = pareto_world(people, 52, seed=people)
    told, _, _ = forecast(world, 40 * 7 * DAY_S, 84)
    assert len(told.person) == len(np.unique(world.person[world.time <= 40 * 7 * DAY_S]))
    assert np.isfinite(told.spend.high).all()


def test_nobody_at_all_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="nobody has an order"):
        fit_value([1], [100.0], [5], as_of=50.0, horizon_days=30)


def test_free_orders_alone_are_worth_little_but_raise_nothing() -> None:
    time = np.array([0.0, 5, 9, 30]) * DAY_S
    model = fit_value([1, 1, 2, 2], time, [0, 0, 0, 0], as_of=40 * DAY_S, horizon_days=30)
    past = histories([1, 1, 2, 2], time, [0, 0, 0, 0], as_of=40 * DAY_S)
    assert np.isfinite(model.forecast(past, 30).spend.value).all()


def test_one_whale_does_not_move_what_others_are_worth() -> None:
    chance = np.random.default_rng(2)
    n, z = np.full(400, 4.0), chance.gamma(20, 5, 400)
    calm = fit_spend(n, z).mean(n, z)
    whale = fit_spend(np.append(n, 4.0), np.append(z, 1e7)).mean(n, z)
    assert whale == pytest.approx(calm, rel=0.1)


def test_thin_histories_are_pulled_to_the_shop_and_thick_ones_hardly() -> None:
    chance = np.random.default_rng(1)
    own = 1 / chance.gamma(4, 1 / 300, 2_000)
    n = chance.integers(1, 8, 2_000).astype(float)
    z = chance.gamma(6 * n, own / n)
    model = fit_spend(n, z)
    assert (model.p, model.q) == pytest.approx((6, 4), rel=0.2)
    shop = float(model.mean(np.zeros(1), np.zeros(1))[0])
    once, often = model.mean(np.array([1.0, 50.0]), np.array([10 * shop, 10 * shop]))
    assert shop < once < often < 10 * shop


def test_order_quantile_and_position_are_each_others_inverse() -> None:
    model = ParetoNBD(0.6, 10, 0.6, 12)
    cells = Cells(
        np.array([0.0, 3, 20, 200]), np.array([0.0, 25, 38, 39]), np.full(4, 40.0), np.ones(4)
    )
    for level in (0.1, 0.5, 0.9, 0.99):
        k = order_quantile(model, cells, 30, level)
        assert (1 - model.at_least(k + 1, cells, 30) >= level - 1e-9).all()
        assert (order_position(model, cells, 30, k)[k > 0] < level).all()


def test_money_quantile_and_position_are_each_others_inverse() -> None:
    none, mean = np.array([0.1, 0.6, 0.95]), np.array([50.0, 20.0, 3.0])
    squared = mean**2 * 5
    amount = money_quantile(none, mean, squared, 0.9)
    assert amount[2] == 0
    assert money_position(none, mean, squared, amount)[:2] == pytest.approx([0.9, 0.9], abs=1e-6)
