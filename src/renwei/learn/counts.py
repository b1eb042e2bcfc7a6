"""How many orders and how much money a window may bring: whole distributions, in closed form."""

from __future__ import annotations

import numpy as np
from scipy.special import gammainc, gammaincinv

from renwei.learn.cells import Cells, Floats, Ints
from renwei.learn.likelihood import OrderModel

MOST = 2**20


def order_quantile(model: OrderModel, cells: Cells, horizon: float, level: float) -> Floats:
    """Return the smallest k with P(at most k orders) >= level, shape (cells,).

    Args:
        model: A fitted model.
        cells: Histories in its unit of time.
        horizon: In that unit.
        level: In (0, 1).
    """
    answer = np.zeros(len(cells.x))
    rows = np.flatnonzero(model.none(cells, horizon) < level)
    low, high = np.zeros(len(rows)), np.ones(len(rows))
    open_: Ints = np.arange(len(rows))
    while len(open_):
        above = model.at_least(high[open_] + 1, cells.take(rows[open_]), horizon) > 1 - level
        open_ = open_[above & (high[open_] < MOST)]
        low[open_], high[open_] = high[open_], high[open_] * 2
    open_ = np.flatnonzero(high - low > 1)
    while len(open_):
        middle = np.floor((low[open_] + high[open_]) / 2)
        above = model.at_least(middle + 1, cells.take(rows[open_]), horizon) > 1 - level
        low[open_] = np.where(above, middle, low[open_])
        high[open_] = np.where(above, high[open_], middle)
        open_ = open_[high[open_] - low[open_] > 1]
    answer[rows] = high
    return answer


def order_position(model: OrderModel, cells: Cells, horizon: float, orders: Floats) -> Floats:
    """Return P(fewer than `orders`), the level from which a quantile reaches it, shape (cells,)."""
    position = np.zeros(len(cells.x))
    rows = np.flatnonzero(orders > 0)
    position[rows] = 1 - model.at_least(orders[rows], cells.take(rows), horizon)
    return position


def money_quantile(none: Floats, mean: Floats, squared: Floats, level: float) -> Floats:
    """Return the quantile of money that is 0 with chance `none` and Gamma otherwise.

    Args:
        none: Shape (n,). P(no order).
        mean: Shape (n,). Mean money, zeros included.
        squared: Shape (n,). Mean squared money, zeros included.
        level: In (0, 1).
    """
    shape, scale = _gamma(none, mean, squared)
    rest = np.clip((level - none) / np.maximum(1 - none, 1e-12), 0, 1 - 1e-9)
    return np.where(rest > 0, gammaincinv(shape, rest) * scale, 0.0)


def money_position(none: Floats, mean: Floats, squared: Floats, money: Floats) -> Floats:
    """Return the level at which `money_quantile` reaches `money`, shape (n,)."""
    shape, scale = _gamma(none, mean, squared)
    below = gammainc(shape, np.maximum(money, 0) / np.maximum(scale, 1e-12))
    return np.where(money > 0, none + (1 - none) * below, 0.0)


def _gamma(none: Floats, mean: Floats, squared: Floats) -> tuple[Floats, Floats]:
    """Return shape and scale of the money of those who do order, matched on two moments."""
    some = np.maximum(1 - none, 1e-12)
    mean_some = np.maximum(mean / some, 1e-12)
    spread = np.maximum(squared / some - mean_some**2, 1e-6 * mean_some**2)
    return mean_some**2 / spread, spread / mean_some
