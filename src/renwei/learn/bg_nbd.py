"""BG/NBD and its modified form: people may leave only right after an order.

The plain form lets nobody leave before a first repeat order; the modified form lets them
leave after the first order too, which suits shops where most people buy once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaln, gammaln, hyp2f1, psi

from renwei.learn.cells import Cells, Floats


@dataclass(frozen=True)
class BGNBD:
    """A fitted BG/NBD (or, with `modified`, MBG/NBD) model; rates are per unit of T.

    Attributes:
        r, alpha: Order rates are Gamma(r, alpha) over people.
        a, b: Chances of leaving after an order are Beta(a, b) over people.
        modified: Whether the first order counts as a chance to leave.

    Source:
        Fader, Hardie & Lee (2005), Marketing Science 24(2); the modified form:
        Batislam, Denizel & Filiztekin (2007), Int. J. of Research in Marketing 24(3).
    """

    r: float
    alpha: float
    a: float
    b: float
    modified: bool = False

    @property
    def parameters(self) -> Floats:
        """Return (r, alpha, a, b)."""
        return np.array([self.r, self.alpha, self.a, self.b])

    def chances(self, cells: Cells) -> Floats:
        """Return how often each person could have left, shape (cells,)."""
        return cells.x + float(self.modified)

    def alive(self, cells: Cells) -> Floats:
        """Return P(not left by T), shape (cells,)."""
        return _alive(self.parameters, cells, modified=self.modified)

    def rate(self, cells: Cells) -> tuple[Floats, Floats]:
        """Return shape and rate of the Gamma posterior of the order rate of those alive."""
        return self.r + cells.x, self.alpha + cells.T

    def expected(self, cells: Cells, horizon: float) -> Floats:
        """Return the orders expected in (T, T + horizon], shape (cells,)."""
        # At a = 1 the closed form is 0 / 0; it is smooth there, so a hair's breadth will do.
        a = self.a if abs(self.a - 1) > 1e-5 else 1 + 1e-5
        y = self.chances(cells)
        z = horizon / (self.alpha + cells.T + horizon)
        c = a + self.b + y - 1
        # Euler's transformation leaves small numerators: no overflow, however large x is.
        series = hyp2f1(a + self.b - 1 - self.r + float(self.modified), a - 1, c, z)
        orders = c / (a - 1) * (1 - (1 - z) ** (a - 1) * series)
        shape, rate = self.rate(cells)
        return np.asarray(self.alive(cells) * np.clip(orders, 0, shape / rate * horizon))

    def none(self, cells: Cells, horizon: float) -> Floats:
        """Return P(no order in (T, T + horizon]), shape (cells,)."""
        shape, rate = self.rate(cells)
        return np.asarray(1 + self.alive(cells) * np.expm1(-shape * np.log1p(horizon / rate)))

    def at_least(self, k: Floats, cells: Cells, horizon: float) -> Floats:
        """Return P(at least k orders in (T, T + horizon]) for k >= 1, shape (cells,)."""
        shape, rate = self.rate(cells)
        y = self.chances(cells)
        stayed = np.exp(betaln(self.a, self.b + y + k - 1) - betaln(self.a, self.b + y))
        many = betainc(k, shape, horizon / (rate + horizon))
        return np.asarray(self.alive(cells) * stayed * many)

    def squared(self, cells: Cells, horizon: float) -> Floats:
        """Return the mean of the squared number of orders, shape (cells,).

        An approximation: the time that somebody alive goes on is put at its mean.
        """
        alive = np.maximum(self.alive(cells), 1e-12)
        mean = self.expected(cells, horizon) / alive
        return np.asarray(alive * (mean + mean**2 * (1 + 1 / (self.r + cells.x))))


def log_likelihood(parameters: Floats, cells: Cells, *, modified: bool) -> tuple[float, Floats]:
    """Return the log-likelihood of (r, alpha, a, b) and its gradient, shape (4,)."""
    r, alpha, a, b = parameters
    x, T, t_x = cells.x, cells.T, cells.t_x
    y = x + float(modified)
    alive = _alive(parameters, cells, modified=modified)
    with np.errstate(divide="ignore"):
        log_alive = np.log(alive)
    stay = -(r + x) * np.log(alpha + T)
    left = _log_odds_left(parameters, cells, modified=modified) + stay
    value = (
        np.logaddexp(stay, left)
        + gammaln(r + x)
        - gammaln(r)
        + r * np.log(alpha)
        + betaln(a, b + y)
        - betaln(a, b)
    )
    gone = -np.expm1(log_alive)
    follow = np.maximum(b + y - 1, 1e-12)
    slope = np.stack(
        [
            psi(r + x)
            - psi(r)
            + np.log(alpha)
            - alive * np.log(alpha + T)
            - gone * np.log(alpha + t_x),
            r / alpha - (r + x) * (alive / (alpha + T) + gone / (alpha + t_x)),
            psi(a + b) - psi(a + b + y) + gone / a,
            psi(a + b) - psi(b) + psi(b + y) - psi(a + b + y) - gone / follow,
        ]
    )
    return float(value @ cells.count), slope @ cells.count


def _alive(parameters: Floats, cells: Cells, *, modified: bool) -> Floats:
    odds = _log_odds_left(parameters, cells, modified=modified)
    return np.asarray(np.exp(-np.logaddexp(0.0, odds)))


def _log_odds_left(parameters: Floats, cells: Cells, *, modified: bool) -> Floats:
    r, alpha, a, b = parameters
    y = cells.x + float(modified)
    ratio = np.log(alpha + cells.T) - np.log(alpha + cells.t_x)
    follow = np.where(y > 0, b + y - 1, 1.0)
    odds = np.log(a) - np.log(follow) + (r + cells.x) * ratio
    return np.where(y > 0, odds, -np.inf)
