from __future__ import annotations

import numpy as np
import pytest
from tests.learn.worlds import pareto_world, rhythmic, shuffled

from renwei.learn import score
from renwei.learn.chances import fit_logistic
from renwei.learn.purchase import back_test, fit_purchase
from renwei.learn.readiness import light, paired_gain
from renwei.learn.snapshots import Album, Orders, take_snapshot
from renwei.learn.tide import read_tide, robust_levels

DAY = 86_400.0


def readiness(orders: Orders, day: float) -> str:
    past = back_test(orders, as_of=day * DAY, days=30)
    if not len(past.happened):
        return "not_enough"
    gain = paired_gain(
        score.log_losses(past.happened, past.baseline),
        score.log_losses(past.happened, past.chance),
        unit=past.person,
    )
    yes = int(past.happened.sum())
    return light(gain, happened=min(yes, len(past.happened) - yes))


def test_planted_rhythms_light_next_purchase() -> None:
    assert readiness(rhythmic(400), 360) == "ready"


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_buyers_turn_the_light_off(seed: int) -> None:
    assert readiness(shuffled(rhythmic(400), seed), 360) != "ready"


def test_twelve_customers_light_nothing() -> None:
    assert readiness(rhythmic(12), 360) == "not_enough"


def test_rhythms_are_foreseen_better_than_by_rfm() -> None:
    shop, cut = rhythmic(400, seed=4), 330 * DAY
    now = take_snapshot(shop, cut, 30)
    told = fit_purchase(shop, as_of=cut, days=30).forecast(now)
    plain = fit_purchase(shop, as_of=cut, days=30, ways=("rfm",)).forecast(now)
    ours = score.logloss(now.happened, told.chance)
    assert ours < 0.85 * score.logloss(now.happened, plain.chance)
    assert score.auc(now.happened, told.chance) > 0.95
    # 400 people in ten bins of 40: .06 of calibration error is noise alone.
    assert score.ece(now.happened, told.chance) < 0.12


def test_a_tie_goes_to_the_plainer_way() -> None:
    # Everybody orders at one constant rate, so nothing about a person says anything.
    chance = np.random.default_rng(3)
    person = np.repeat(np.arange(300), chance.poisson(12, 300))
    time = chance.uniform(0, 360, len(person)) * DAY
    shop = Orders(person, time, np.full(len(person), 500.0))
    model = fit_purchase(shop, as_of=360 * DAY, days=30)
    best = min(model.losses.values())
    assert model.losses[model.way] - best < 0.01
    assert model.way in ("rfm", "value")


def test_chances_are_ordered_and_between_nought_and_one() -> None:
    shop = rhythmic(150)
    now = take_snapshot(shop, 300 * DAY, 30)
    told = fit_purchase(shop, as_of=300 * DAY, days=30).forecast(now)
    for chance in (told.low, told.chance, told.high):
        assert ((chance >= 0) & (chance <= 1)).all()
    assert (told.low <= told.chance).all()
    assert (told.chance <= told.high).all()


def test_a_forecast_reads_nothing_later_than_its_time() -> None:
    shop, cut = rhythmic(150), 250 * DAY
    early = shop.until(cut)
    whole = fit_purchase(shop, as_of=cut, days=30).forecast(take_snapshot(shop, cut, 30))
    part = fit_purchase(early, as_of=cut, days=30).forecast(take_snapshot(early, cut, 30))
    assert (whole.chance == part.chance).all()


@pytest.mark.parametrize("days", [3.0, 20.0, 45.0, 100.0])
def test_a_short_past_is_served_by_the_value_model(days: float) -> None:
    shop = rhythmic(40, days=int(days))
    now = take_snapshot(shop, days * DAY, 30)
    model = fit_purchase(shop, as_of=days * DAY, days=30)
    assert np.isfinite(model.forecast(now).chance).all()
    if days < 30:
        assert model.way == "value"


@pytest.mark.slow
def test_cdnow_meets_its_figures(cdnow: Orders) -> None:
    cut = float(np.datetime64("1998-05-31", "s").astype(np.int64))
    now = take_snapshot(cdnow, cut, 30)
    told = fit_purchase(cdnow, as_of=cut, days=30, ways=("rfm", "value", "logistic")).forecast(now)
    assert score.auc(now.happened, told.chance) >= 0.852
    assert score.logloss(now.happened, told.chance) <= 0.179
    assert score.ece(now.happened, told.chance) <= 0.01


def test_the_tide_sees_a_season_come_and_says_nothing_without_one() -> None:
    calm = pareto_world(3_000, 60, seed=2, s=4.0, beta=4_000.0)
    end = 60 * 7 * DAY
    flat = read_tide(calm.person, calm.time, as_of=end, days=30)
    assert abs(flat.log_level) < 0.1
    # The same shop, but in the last five weeks half the orders come twice, a day later.
    late = calm.time > end - 5 * 7 * DAY
    more = np.random.default_rng(0).random(late.sum()) < 0.5
    who = np.concatenate([calm.person, calm.person[late][more] + 1])
    when = np.concatenate([calm.time, np.minimum(calm.time[late][more] + DAY, end)])
    high = read_tide(who, when, as_of=end, days=30)
    assert high.log_level > flat.log_level + 0.15
    assert high.mean > high.expected


def test_one_odd_week_moves_the_level_less_than_three() -> None:
    calm = np.tile([0.02, -0.02, 0.03, -0.03], 4)
    once = robust_levels(np.append(calm, 1.0))[-1]
    often = robust_levels(np.append(calm, [1.0] * 6))[-1]
    assert once < 0.06
    assert often > 2 * once


def test_a_line_is_fitted_even_where_the_answer_is_obvious() -> None:
    x = np.linspace(-1, 1, 200)[:, None]
    split = fit_logistic(x, (x[:, 0] > 0).astype(float))
    none = fit_logistic(x, np.zeros(200))
    assert score.auc(x[:, 0] > 0, split.log_odds(x)) == 1.0
    assert (none.log_odds(x) < -3).all()


def test_a_line_does_not_run_on_beyond_what_it_saw() -> None:
    x = np.linspace(0, 1, 500)[:, None]
    line = fit_logistic(x, (np.random.default_rng(0).random(500) < x[:, 0]).astype(float))
    assert line.log_odds(np.array([[1e6]])) == pytest.approx(
        line.log_odds(np.array([[1.0]])), abs=0.1
    )


def test_models_that_share_an_album_are_the_same_as_those_that_do_not() -> None:
    shop = rhythmic(150)
    album = Album(shop, 30)
    for day in (300, 270, 285):
        cut, now = day * DAY, take_snapshot(shop, day * DAY, 30)
        shared = fit_purchase(shop, as_of=cut, days=30, album=album)
        alone = fit_purchase(shop, as_of=cut, days=30)
        assert (shared.way, shared.losses) == (alone.way, alone.losses)
        assert (shared.forecast(now).chance == alone.forecast(now).chance).all()
