"""Which of several was chosen: a weighted sum per candidate, turned into chances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renwei.learn.sessions.past import Floats
from renwei.learn.sessions.rows import Ints


@dataclass(frozen=True)
class Choice:
    """Weights of standardised columns; all arrays have shape (columns,)."""

    weight: Floats
    middle: Floats
    spread: Floats

    def value(self, x: Floats) -> Floats:
        """Return each candidate's value, shape (candidates,); only differences mean something."""
        return np.asarray(x @ (self.weight / self.spread) - self.middle @ self.zoomed)

    @property
    def zoomed(self) -> Floats:
        """Weights of the columns as they come."""
        return self.weight / self.spread


def chances(value: Floats) -> Floats:
    """Return the chance of each of one set of candidates; they sum to 1."""
    grown = np.exp(value - value.max(initial=-np.inf)) if len(value) else value
    return np.asarray(grown / grown.sum()) if len(value) else value


def fit_choice(
    x: Floats,
    size: Ints,
    chosen: Ints,
    *,
    ridge: float = 10.0,
    start: Choice | None = None,
    rounds: int = 60,
) -> Choice:
    """Return the weights under which what was chosen was most likely.

    Args:
        x: Shape (rows, columns). The candidates of all sets, one set after the other.
        size: Shape (sets,). How many rows each set has, at least one.
        chosen: Shape (sets,). Row numbers of what was chosen.
        ridge: Pull of standardised weights towards zero, in units of one choice.
        start: Weights to begin from.
        rounds: Most steps of the search.

    Source:
        McFadden (1974), Conditional logit analysis of qualitative choice behavior.
    """
    from scipy.optimize import minimize

    middle, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    z = ((x - middle) / spread).astype(np.float32)
    first = np.cumsum(size) - size
    row = np.repeat(np.arange(len(size)), size)
    picked = z[chosen].sum(axis=0, dtype=np.float64)

    def loss(weight: Floats) -> tuple[float, Floats]:
        value = (z @ weight.astype(np.float32)).astype(np.float64)
        top = np.maximum.reduceat(value, first)
        grown = np.exp(value - top[row])
        whole = np.add.reduceat(grown, first)
        chance = (grown / whole[row]).astype(np.float32)
        lost = float((np.log(whole) + top).sum() - picked @ weight)
        slope = (chance @ z).astype(np.float64) - picked
        return lost + ridge / 2 * float(weight @ weight), slope + ridge * weight

    begin = np.zeros(x.shape[1]) if start is None else start.zoomed * spread
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": rounds})
    return Choice(np.asarray(found.x), middle, spread)
