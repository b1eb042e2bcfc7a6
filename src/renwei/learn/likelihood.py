"""Fit the buy-till-you-die models by penalised likelihood on cells, whatever the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize

from renwei.learn import bg_nbd, pareto_nbd
from renwei.learn.bg_nbd import BGNBD
from renwei.learn.cells import Cells, Floats
from renwei.learn.pareto_nbd import ParetoNBD

Family = Literal["pareto", "bg", "mbg"]
OrderModel = ParetoNBD | BGNBD

# Where the log parameters are pulled to, after times are scaled to a mean age of 10, and
# how widely they may roam. The pull is worth one person in thirty and fades as people come.
_CENTRE = {
    "pareto": np.log([0.5, 3.0, 0.5, 3.0]),
    "bg": np.log([0.5, 3.0, 0.8, 2.5]),
    "mbg": np.log([0.5, 3.0, 0.8, 2.5]),
}
_WIDTH = 1.5
_FADES_AT = 30.0
_REACH = 12.0


@dataclass(frozen=True)
class Fit:
    """A fitted model of orders.

    Attributes:
        model: The model, in the unit of time of the cells.
        log_likelihood: At the fit, without the prior.
        converged: Whether the search met its tolerance; the model is usable either way.
    """

    model: OrderModel
    log_likelihood: float
    converged: bool


def fit_orders(
    cells: Cells, family: Family = "pareto", *, prior: float = 1.0, at_most: int = 20_000
) -> Fit:
    """Fit one family to cells.

    Never raises on valid cells: a flat or unbounded likelihood is held by the prior, and a
    search that stops early returns the best point seen.

    Args:
        cells: Histories; at least one.
        family: "pareto", "bg" or "mbg".
        prior: Strength of the pull to usual values; 0 is plain maximum likelihood.
        at_most: Above this many cells, every so-many-th is used with its weight scaled up:
            the time does not grow with the shop, and the error is far below that of a forecast.

    Raises:
        ValueError: There is no cell.
    """
    if not len(cells.x):
        raise ValueError("a fit needs at least one person")
    used = thinned(cells, at_most)
    scale = max(float(used.T @ used.count) / used.people / 10, 1e-9)
    scaled = Cells(used.x, used.t_x / scale, used.T / scale, used.count)
    objective = _penalised(scaled, family, prior)
    centre = _CENTRE[family]
    best = minimize(
        objective,
        centre,
        jac=True,
        method="L-BFGS-B",
        bounds=[(c - _REACH, c + _REACH) for c in centre],
        options={"maxiter": 300, "ftol": 1e-12, "gtol": 1e-7},
    )
    value, _ = _family(family)(np.exp(best.x), scaled)
    # Rescaling time multiplies each repeat order's density by the unit.
    shift = float(used.x @ used.count) * np.log(scale)
    model = _model(np.exp(best.x), family, scale)
    return Fit(model, value - shift, bool(best.success))


def thinned(cells: Cells, at_most: int) -> Cells:
    """Return at most about `at_most` cells that stand for all: the heaviest, and a share of the rest.

    The rest is taken at even steps in order of (x, t_x, T), each standing for its neighbours.
    """
    n = len(cells.x)
    if n <= at_most:
        return cells
    heavy = cells.count >= np.partition(cells.count, n - at_most // 2)[n - at_most // 2]
    # Ties in the count could make nearly every cell "heavy": then all are light.
    heavy &= bool(heavy.sum() <= at_most)
    light = np.flatnonzero(~heavy)
    edge = np.linspace(0, len(light), at_most - int(heavy.sum()) + 1).astype(np.int64)
    # The middle one of each run: the first would make everybody's last order too early.
    taken = light[(edge[:-1] + edge[1:]) // 2]
    mass = np.add.reduceat(cells.count[light], edge[:-1])
    keep = np.concatenate([np.flatnonzero(heavy), taken])
    count = np.concatenate([cells.count[heavy], mass])
    return Cells(cells.x[keep], cells.t_x[keep], cells.T[keep], count)


def _family(family: Family) -> Callable[[Floats, Cells], tuple[float, Floats]]:
    if family == "pareto":
        return pareto_nbd.log_likelihood
    return lambda p, cells: bg_nbd.log_likelihood(p, cells, modified=family == "mbg")


def _penalised(
    cells: Cells, family: Family, prior: float
) -> Callable[[Floats], tuple[float, Floats]]:
    people, centre, likelihood = cells.people, _CENTRE[family], _family(family)
    strength = prior * _FADES_AT / (_FADES_AT + people)

    def objective(log_parameters: Floats) -> tuple[float, Floats]:
        parameters = np.exp(log_parameters)
        value, slope = likelihood(parameters, cells)
        pull = (log_parameters - centre) / _WIDTH
        loss = -value + strength * float(pull @ pull) / 2
        return loss / people, (-slope * parameters + strength * pull / _WIDTH) / people

    return objective


def _model(parameters: Floats, family: Family, scale: float) -> OrderModel:
    first, second, third, fourth = (float(p) for p in parameters)
    if family == "pareto":
        return ParetoNBD(first, second * scale, third, fourth * scale)
    return BGNBD(first, second * scale, third, fourth, modified=family == "mbg")
