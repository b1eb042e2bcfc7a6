from __future__ import annotations

import numpy as np
import pytest
from tests.learn.worlds import rhythmic

from renwei.learn import score
from renwei.learn.rhythm import fit_rhythm, units_of
from renwei.learn.stage import STAGES, stages

DAY = 86_400.0


def next_after(person: np.ndarray, time: np.ndarray, unit: np.ndarray, cut: float) -> np.ndarray:
    late = time > cut
    first = np.full(int(person.max()) + 1, np.nan)
    order = np.argsort(-time[late])
    first[person[late][order]] = (time[late][order] - cut) / DAY
    return np.asarray(first[unit])


def test_planted_rhythms_are_found_and_their_chances_come_true() -> None:
    shop, cut = rhythmic(800, days=480), 400 * DAY
    rhythm = fit_rhythm(shop.person, shop.time, as_of=cut)
    units = units_of(shop.person, shop.time, as_of=cut)
    due = rhythm.due(units, 30)
    after = next_after(shop.person, shop.time, units.unit, cut)
    came = after <= 30
    assert np.exp(rhythm.mean) == pytest.approx(40, rel=0.15)
    assert score.auc(came, due.chance) > 0.9
    assert score.ece(came, due.chance) < 0.08
    seen = np.isfinite(after)
    held = ((after >= due.low_days) & (after <= due.high_days))[seen].mean()
    assert 0.72 <= held <= 0.9


def test_a_gap_is_foreseen_better_than_by_the_mean_gap_of_all() -> None:
    shop, cut = rhythmic(400, days=480, seed=9), 400 * DAY
    units = units_of(shop.person, shop.time, as_of=cut)
    due = fit_rhythm(shop.person, shop.time, as_of=cut).due(units, 30)
    after = next_after(shop.person, shop.time, units.unit, cut)
    seen = np.isfinite(after)
    ours = due.gap_days[seen] - units.since[seen]
    shops = np.exp(units.log_sum.sum() / units.gaps.sum()) - units.since[seen]
    assert np.abs(after[seen] - ours).mean() < 0.7 * np.abs(after[seen] - shops).mean()


def test_an_item_has_its_own_rhythm_even_for_somebody_new_to_it() -> None:
    chance = np.random.default_rng(0)
    rows = []
    for item, gap in ((0, 20.0), (1, 90.0)):
        for who in range(150):
            at = chance.uniform(0, gap)
            while at < 700:
                rows.append((who * 2 + item, item, at))
                at += gap * chance.lognormal(0, 0.2)
    rows += [(1_000, 0, 695.0), (1_001, 1, 695.0)]
    unit, kind, day = (np.array(column) for column in zip(*rows, strict=True))
    rhythm = fit_rhythm(unit, day * DAY, as_of=700 * DAY, group=kind)
    units = units_of(unit, day * DAY, as_of=700 * DAY, group=kind)
    due = rhythm.due(units, 25)
    fast, slow = due.chance[units.unit == 1_000][0], due.chance[units.unit == 1_001][0]
    assert fast > 0.6
    assert slow < 0.3


def test_chance_fades_for_somebody_long_overdue() -> None:
    day = np.concatenate([np.arange(0, 300, 30.0), np.arange(0, 90, 30.0)])
    who = np.array([0] * 10 + [1] * 3)
    rhythm = fit_rhythm(who, day * DAY, as_of=290 * DAY)
    due = rhythm.due(units_of(who, day * DAY, as_of=290 * DAY), 30)
    assert due.returns[1] < due.returns[0]
    assert due.chance[1] < due.chance[0]


@pytest.mark.parametrize("orders", [0, 1, 2])
def test_hardly_an_order_is_no_trouble(orders: int) -> None:
    who, when = np.zeros(orders, dtype=int), np.arange(orders) * 9 * DAY
    rhythm = fit_rhythm(who, when, as_of=30 * DAY)
    due = rhythm.due(units_of(who, when, as_of=30 * DAY), 30)
    assert len(due.chance) == min(orders, 1)
    assert ((due.chance >= 0) & (due.chance <= 1)).all()


def stage_of(days: list[float], now: float) -> str:
    """The stage of one person in a shop where most buy every month."""
    shop = rhythmic(300, days=int(now), gap=30.0)
    who = np.append(shop.person, [9_999] * len(days))
    when = np.append(shop.time, np.array(days) * DAY)
    units = units_of(who, when, as_of=now * DAY)
    stage = stages(units, fit_rhythm(who, when, as_of=now * DAY))
    return STAGES[stage[units.unit == 9_999][0]]


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        ([1094], "new"),
        ([1080], "new"),
        ([300], "lost"),
        ([5, 370, 735, 1035], "active"),
        ([5, 370, 735], "active"),
        ([*range(800, 1090, 30)], "active"),
        ([*range(760, 1060, 20), 1063], "at_risk"),
        ([*range(760, 1060, 20), 1073], "active"),
        ([*range(300, 600, 20)], "lost"),
        ([*range(300, 600, 20), 1090], "returning"),
    ],
)
def test_a_stage_follows_the_persons_own_rhythm(days: list[float], stage: str) -> None:
    assert stage_of(days, 1095) == stage
