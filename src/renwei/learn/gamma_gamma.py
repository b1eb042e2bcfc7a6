"""Gamma-Gamma: what one order of a person is worth, pooled with everybody's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, psi

from renwei.learn.cells import Floats

# log(p), log(q - 1), log(gamma / mean spend): where thin data is pulled to, and how hard.
CLIP = 0.005
_CENTRE = np.log([3.0, 2.0, 1.0])
_WIDTH = 1.5
_FADES_AT = 30.0


@dataclass(frozen=True)
class GammaGamma:
    """Orders of a person are Gamma(p, v); v is Gamma(q, gamma) over people.

    Attributes:
        p, q: Shapes; q > 1, so that a mean exists.
        gamma: In the unit of money that was fitted.

    Source:
        Fader, Hardie & Lee (2005), Journal of Marketing Research 42(4).
    """

    p: float
    q: float
    gamma: float

    def mean(self, orders: Floats, spend: Floats) -> Floats:
        """Return the expected money of the next order.

        Args:
            orders: Shape (people,). Orders with money so far; 0 gives the shop's mean.
            spend: Shape (people,). Mean money of one of them.
        """
        shape, scale = self.posterior(orders, spend)
        return np.asarray(self.p * scale / (shape - 1))

    def squared(
        self, number: Floats, number_squared: Floats, posterior: tuple[Floats, Floats]
    ) -> Floats:
        """Return the mean of the squared money of a random number of orders, shape (people,)."""
        shape, scale = posterior
        # With q near 1 the variance is infinite; the floor keeps intervals wide but finite.
        inverse = scale**2 / ((shape - 1) * np.maximum(shape - 2, 0.5))
        return np.asarray(inverse * self.p * (self.p * number_squared + number))

    def posterior(self, orders: Floats, spend: Floats) -> tuple[Floats, Floats]:
        """Return shape and scale of the posterior of 1 / v for each person."""
        return self.q + self.p * orders, self.gamma + orders * spend


def fit_spend(orders: Floats, spend: Floats, *, at_most: int = 20_000) -> GammaGamma:
    """Fit to people with at least one order that cost something; never raises.

    Args:
        orders: Shape (people,). Orders with money.
        spend: Shape (people,). Mean money of one of them; rows with no money are left out.
        at_most: Above this many people, every so-many-th by (orders, spend) is used.
    """
    use = (orders > 0) & (spend > 0) & np.isfinite(spend)
    n, z = orders[use], spend[use]
    if not len(n):
        p, less, gamma = (float(v) for v in np.exp(_CENTRE))
        return GammaGamma(p, 1 + less, gamma)
    if len(n) > at_most:
        order = np.lexsort((z, n))[np.linspace(0, len(n) - 1, at_most).astype(np.int64)]
        n, z = n[order], z[order]
    # One whale would make everybody's spread look wide; its own posterior still sees it whole.
    z = np.clip(z, np.quantile(z, CLIP, method="higher"), np.quantile(z, 1 - CLIP, method="lower"))
    unit = float(np.exp(np.log(z).mean()))
    best = minimize(
        _objective(n, z / unit),
        _CENTRE,
        jac=True,
        method="L-BFGS-B",
        bounds=[(c - 8, c + 8) for c in _CENTRE],
        options={"maxiter": 300},
    )
    p, less, gamma = np.exp(best.x)
    return GammaGamma(float(p), float(1 + less), float(gamma * unit))


def _objective(n: Floats, z: Floats) -> Callable[[Floats], tuple[float, Floats]]:
    log_z, people = np.log(z), len(n)
    strength = _FADES_AT / (_FADES_AT + people)

    def objective(log_parameters: Floats) -> tuple[float, Floats]:
        p, less, gamma = np.exp(log_parameters)
        q, total = 1 + less, gamma + n * z
        value = (
            gammaln(p * n + q)
            - gammaln(p * n)
            - gammaln(q)
            + q * np.log(gamma)
            + p * n * (np.log(n) + log_z)
            - log_z
            - (p * n + q) * np.log(total)
        )
        at_both = psi(p * n + q)
        slope = np.array(
            [
                (n * (at_both - psi(p * n) + np.log(n) + log_z - np.log(total))).sum() * p,
                (at_both - psi(q) + np.log(gamma) - np.log(total)).sum() * less,
                (q / gamma - (p * n + q) / total).sum() * gamma,
            ]
        )
        pull = (log_parameters - _CENTRE) / _WIDTH
        loss = -value.sum() + strength * float(pull @ pull) / 2
        return float(loss / people), (-slope + strength * pull / _WIDTH) / people

    return objective
