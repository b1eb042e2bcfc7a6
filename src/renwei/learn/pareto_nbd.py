"""Pareto/NBD: people order at their own rate until they silently leave.

The integral over the moment of leaving is done by quadrature instead of the textbook's
hypergeometric function: it is smooth, never overflows, and its gradient comes with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, gammaln, psi

from renwei.learn.cells import Cells, Floats

NODES = 16
_point, _weight = np.polynomial.legendre.leggauss(NODES)
_POINT: Floats = (_point + 1) / 2
_LOG_WEIGHT: Floats = np.log(_weight / 2)


@dataclass(frozen=True)
class ParetoNBD:
    """A fitted Pareto/NBD model; rates are per unit of T.

    Attributes:
        r, alpha: Order rates are Gamma(r, alpha) over people.
        s, beta: Rates of leaving are Gamma(s, beta).

    Source:
        Schmittlein, Morrison & Colombo (1987), Management Science 33(1).
    """

    r: float
    alpha: float
    s: float
    beta: float

    @property
    def parameters(self) -> Floats:
        """Return (r, alpha, s, beta)."""
        return np.array([self.r, self.alpha, self.s, self.beta])

    def alive(self, cells: Cells) -> Floats:
        """Return P(not left by T), shape (cells,)."""
        stay, left, _ = _two_ways(self.parameters, cells)
        return np.asarray(np.exp(stay - np.logaddexp(stay, left)))

    def rate(self, cells: Cells) -> tuple[Floats, Floats]:
        """Return shape and rate of the Gamma posterior of the order rate of those alive."""
        return self.r + cells.x, self.alpha + cells.T

    def exposure(self, cells: Cells, horizon: float, nodes: int = 12) -> tuple[Floats, Floats]:
        """Return how long those alive go on within the horizon, as points with weights.

        Returns:
            Two arrays of shape (cells, nodes + 1): time left in (0, horizon], and its weight;
            the last point is the whole horizon.
        """
        scale = (self.beta + cells.T)[:, None]
        point, weight = np.polynomial.legendre.leggauss(nodes)
        # Equal steps in the chance of leaving put the points where the mass is.
        gone = -np.expm1(-self.s * np.log1p(horizon / scale))
        chance = gone * (point + 1)[None, :] / 2
        left = scale * np.expm1(-np.log1p(-chance) / self.s)
        time = np.concatenate([left, np.full_like(scale, horizon)], axis=1)
        mass = np.concatenate([gone * weight[None, :] / 2, 1 - gone], axis=1)
        return np.clip(time, 0, horizon), mass

    def expected(self, cells: Cells, horizon: float) -> Floats:
        """Return the orders expected in (T, T + horizon], shape (cells,)."""
        time, mass = self.exposure(cells, horizon)
        shape, rate = self.rate(cells)
        return np.asarray(self.alive(cells) * shape / rate * (time * mass).sum(axis=1))

    def none(self, cells: Cells, horizon: float) -> Floats:
        """Return P(no order in (T, T + horizon]), shape (cells,)."""
        time, mass = self.exposure(cells, horizon)
        shape, rate = self.rate(cells)
        quiet = np.exp(-shape[:, None] * np.log1p(time / rate[:, None]))
        return np.asarray(1 - self.alive(cells) * (1 - (mass * quiet).sum(axis=1)))

    def at_least(self, k: Floats, cells: Cells, horizon: float) -> Floats:
        """Return P(at least k orders in (T, T + horizon]) for k >= 1, shape (cells,)."""
        time, mass = self.exposure(cells, horizon, nodes=6)
        shape, rate = self.rate(cells)
        many = betainc(k[:, None], shape[:, None], time / (rate[:, None] + time))
        return np.asarray(self.alive(cells) * (mass * many).sum(axis=1))

    def squared(self, cells: Cells, horizon: float) -> Floats:
        """Return the mean of the squared number of orders, shape (cells,)."""
        time, mass = self.exposure(cells, horizon)
        shape, rate = (a[:, None] for a in self.rate(cells))
        square = shape * (shape + 1) * (time / rate) ** 2 + shape * time / rate
        return np.asarray(self.alive(cells) * (mass * square).sum(axis=1))


def log_likelihood(parameters: Floats, cells: Cells) -> tuple[float, Floats]:
    """Return the log-likelihood of (r, alpha, s, beta) and its gradient, shape (4,)."""
    r, alpha, s, beta = parameters
    x, T = cells.x, cells.T
    stay, left, (share, u) = _two_ways(parameters, cells)
    both = np.logaddexp(stay, left)
    in_stay, in_left = np.exp(stay - both), np.exp(left - both)
    value = both + gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    a_u, b_u = alpha + u, beta + u

    def mixed(of_stay: Floats, of_left: Floats) -> Floats:
        return np.asarray(in_stay * of_stay + in_left * (share * of_left).sum(axis=1))

    slope = np.stack(
        [
            psi(r + x) - psi(r) + np.log(alpha) + mixed(-np.log(alpha + T), -np.log(a_u)),
            r / alpha + mixed(-(r + x) / (alpha + T), -(r + x)[:, None] / a_u),
            np.log(beta) + mixed(-np.log(beta + T), 1 / s - np.log(b_u)),
            s / beta + mixed(-s / (beta + T), -(s + 1) / b_u),
        ]
    )
    return float(value @ cells.count), slope @ cells.count


def _two_ways(parameters: Floats, cells: Cells) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """Return log weight of still here, of left before T, and (share, moment) of each node."""
    r, alpha, s, beta = parameters
    m = (r + cells.x)[:, None]
    start, end = (alpha + cells.t_x)[:, None], (alpha + cells.T)[:, None]
    stay = -m[:, 0] * np.log(end[:, 0]) - s * np.log(beta + cells.T)
    # q = ((alpha + t_x) / (alpha + u)) ** (m / 2) flattens the steep factor of the integrand.
    power = np.maximum(m / 2, 0.25)
    span = -np.expm1(power * np.log(start / end))
    q = 1 - span * _POINT[None, :]
    log_q = np.log(np.maximum(q, 1e-300))
    log_au = np.log(start) - log_q / power
    u = np.exp(log_au) - alpha
    log_term = (
        -(m - 1) * log_au
        - (s + 1) * np.log(beta + u)
        - log_q
        + np.log(np.maximum(span, 1e-300) / power)
        + np.log(s)
        + _LOG_WEIGHT[None, :]
    )
    top = log_term.max(axis=1, keepdims=True)
    share = np.exp(log_term - top)
    total = share.sum(axis=1, keepdims=True)
    return stay, (top + np.log(total))[:, 0], (share / total, u)
