from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from tests.learn.worlds import pareto_world

from renwei.learn import bg_nbd, pareto_nbd
from renwei.learn.bg_nbd import BGNBD
from renwei.learn.cells import Cells, cells_of, histories
from renwei.learn.likelihood import Family, fit_orders, thinned
from renwei.learn.pareto_nbd import ParetoNBD
from renwei.learn.snapshots import Orders

DAY = 86_400.0
CUT = float(np.datetime64("1997-09-30", "s").astype(np.int64))
FAMILIES: tuple[Family, ...] = ("pareto", "bg", "mbg")
SOME = Cells(
    np.array([0.0, 1, 3, 50, 400]),
    np.array([0.0, 4, 20, 60, 99]),
    np.array([5.0, 30, 20, 70, 100]),
    np.array([9.0, 2, 1, 3, 1]),
)


def weekly(orders: Orders) -> Cells:
    past = histories(orders.person, orders.time, orders.value, as_of=CUT)
    return cells_of(past.x, past.t_x / 7, past.T / 7)[0]


@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_bg_nbd_finds_the_published_parameters(cdnow_sample: Orders, prior: float) -> None:
    fit = fit_orders(weekly(cdnow_sample), "bg", prior=prior)
    assert fit.model.parameters.round(3).tolist() == pytest.approx(
        [0.243, 4.414, 0.793, 2.426], abs=0.0011
    )
    assert fit.log_likelihood == pytest.approx(-9582.4, abs=0.05)


def test_pareto_nbd_finds_the_published_parameters(cdnow_sample: Orders) -> None:
    fit = fit_orders(weekly(cdnow_sample), "pareto", prior=0)
    assert fit.model.parameters.tolist() == pytest.approx([0.553, 10.578, 0.606, 11.669], rel=2e-3)
    assert fit.log_likelihood == pytest.approx(-9595.0, abs=0.05)


@pytest.mark.parametrize("family", ["pareto", "bg", "mbg"])
def test_forecasts_equal_those_of_lifetimes(cdnow_sample: Orders, family: Family) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes

    cells = weekly(cdnow_sample)
    oracle = {
        "pareto": lifetimes.ParetoNBDFitter,
        "bg": lifetimes.BetaGeoFitter,
        "mbg": lifetimes.ModifiedBetaGeoFitter,
    }[family]()
    ours = fit_orders(cells, family).model
    names = ["r", "alpha", "s", "beta"] if family == "pareto" else ["r", "alpha", "a", "b"]
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]

    oracle.params_ = pd.Series(ours.parameters, index=names)
    alive = oracle.conditional_probability_alive(cells.x, cells.t_x, cells.T)
    expected = oracle.conditional_expected_number_of_purchases_up_to_time(
        39, cells.x, cells.t_x, cells.T
    )
    assert ours.alive(cells) == pytest.approx(np.asarray(alive).ravel(), abs=1e-7)
    assert ours.expected(cells, 39) == pytest.approx(np.asarray(expected), abs=1e-6)


@pytest.mark.parametrize("modified", [False, True])
def test_gradients_of_bg_nbd_are_right(modified: bool) -> None:
    at = np.array([0.3, 5.0, 0.9, 2.2])
    _, slope = bg_nbd.log_likelihood(at, SOME, modified=modified)
    numeric = approx_fprime(
        at, lambda p: bg_nbd.log_likelihood(p, SOME, modified=modified)[0], 1e-7
    )
    assert slope == pytest.approx(numeric, rel=1e-4, abs=1e-4)


def test_gradients_of_pareto_nbd_are_right() -> None:
    at = np.array([0.6, 9.0, 0.5, 14.0])
    _, slope = pareto_nbd.log_likelihood(at, SOME)
    numeric = approx_fprime(at, lambda p: pareto_nbd.log_likelihood(p, SOME)[0], 1e-6)
    assert slope == pytest.approx(numeric, rel=1e-3, abs=1e-3)


def test_a_planted_world_is_found_again() -> None:
    world = pareto_world(4_000, 80, seed=3)
    past = histories(world.person, world.time, world.value, as_of=80 * 7 * DAY)
    cells, _ = cells_of(past.x, past.t_x / 7, past.T / 7)
    found = fit_orders(cells).model
    assert isinstance(found, ParetoNBD)
    # About three standard errors of 4,000 people; r and alpha, s and beta move together.
    assert found.r / found.alpha == pytest.approx(0.06, rel=0.12)
    assert found.s / found.beta == pytest.approx(0.05, rel=0.35)


@pytest.mark.parametrize("family", FAMILIES)
def test_200_random_parts_of_a_shop_never_raise(cdnow_sample: Orders, family: Family) -> None:
    chance = np.random.default_rng(7)
    past = histories(cdnow_sample.person, cdnow_sample.time, cdnow_sample.value, as_of=CUT)
    for _ in range(200):
        rows = chance.choice(len(past.x), int(chance.integers(30, 1_001)), replace=False)
        cells, _ = cells_of(past.x[rows], past.t_x[rows] / 7, past.T[rows] / 7)
        model = fit_orders(cells, family).model
        expected = model.expected(cells, 39)
        assert np.isfinite(model.parameters).all()
        assert np.isfinite(expected).all()
        assert (expected >= 0).all()


HARD = {
    "nobody came back": ([0] * 40, [0] * 40, list(range(1, 41))),
    "one person": ([3], [20], [25]),
    "one person, today": ([0], [0], [0]),
    "constant gaps": ([4] * 30, [40] * 30, [45] * 30),
    "one whale": ([0] * 50 + [900], [0] * 50 + [99], [100] * 51),
    "all ordered today": ([2, 5], [50, 80], [50, 80]),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", list(HARD))
def test_hard_shops_are_fitted_without_a_fuss(name: str, family: Family) -> None:
    cells, _ = cells_of(*(np.array(a, dtype=float) for a in HARD[name]))
    model = fit_orders(cells, family).model
    for answer in (model.alive(cells), model.none(cells, 30), model.expected(cells, 30)):
        assert np.isfinite(answer).all()
        assert (answer >= 0).all()
    assert (model.alive(cells) <= 1 + 1e-12).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_unit_of_time_changes_no_forecast(cdnow_sample: Orders, family: Family) -> None:
    weeks = weekly(cdnow_sample)
    days = Cells(weeks.x, weeks.t_x * 7, weeks.T * 7, weeks.count)
    by_week = fit_orders(weeks, family).model.expected(weeks, 10)
    by_day = fit_orders(days, family).model.expected(days, 70)
    assert by_day == pytest.approx(by_week, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    "model", [ParetoNBD(0.6, 10, 0.6, 12), BGNBD(0.3, 5, 0.8, 2.4), BGNBD(0.3, 5, 1.0, 2.4, True)]
)
def test_distribution_and_mean_of_a_model_agree(model: ParetoNBD | BGNBD) -> None:
    cells = Cells(
        np.array([0.0, 2, 6]), np.array([0.0, 9, 28]), np.array([10.0, 20, 30]), np.ones(3)
    )
    tails = [model.at_least(np.full(3, float(k)), cells, 26) for k in range(1, 400)]
    assert tails[0] == pytest.approx(1 - model.none(cells, 26), abs=1e-6)
    assert np.sum(tails, axis=0) == pytest.approx(model.expected(cells, 26), rel=2e-3)


def test_thinning_keeps_the_number_of_people_and_hardly_moves_the_fit(cdnow_sample: Orders) -> None:
    cells = weekly(cdnow_sample)
    less = thinned(cells, 300)
    assert len(less.x) <= 300
    assert less.people == cells.people
    whole, part = fit_orders(cells).model, fit_orders(cells, at_most=300).model
    total = whole.expected(cells, 39) @ cells.count
    assert part.expected(cells, 39) @ cells.count == pytest.approx(total, rel=0.03)


def test_thinning_copes_with_cells_of_equal_weight() -> None:
    n = 1_000
    each = np.arange(n).astype(np.float64)
    cells = Cells(each, each, np.full(n, 2_000.0), np.ones(n))
    assert thinned(cells, 100).people == n


def test_no_cell_is_a_clear_error() -> None:
    none = np.empty(0)
    with pytest.raises(ValueError, match="at least one person"):
        fit_orders(Cells(none, none, none, none))
