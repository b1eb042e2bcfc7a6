"""What each person will still order and spend, with intervals that hold in back-test.

A model of order times (Pareto/NBD unless told otherwise) times Gamma-Gamma for the money. The
forecast is checked on an earlier cut of the same past: the level of the intervals is set there,
and a correction of the total is applied only if two earlier cuts call for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from renwei.learn.calibrate import conformal_level
from renwei.learn.cells import DAY_S, Cells, Floats, Histories, Ints, cells_of, histories
from renwei.learn.counts import money_position, money_quantile, order_position, order_quantile
from renwei.learn.gamma_gamma import GammaGamma, fit_spend
from renwei.learn.likelihood import Family, OrderModel, fit_orders

WEEK = 7.0
LOW = 0.1
ENOUGH_PEOPLE = 20


@dataclass(frozen=True)
class Spread:
    """A forecast with its 80 % interval; low <= value <= high. Shape (people,) each."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class ValueForecast:
    """What is expected of each person within the horizon, all of shape (people,).

    Attributes:
        person: Numbers, ascending.
        orders: Order days. spend: Money in the unit fitted.
        alive: P(has not left by now). buys: P(at least one order within the horizon).
    """

    person: Ints
    orders: Spread
    spend: Spread
    alive: Floats
    buys: Floats


@dataclass(frozen=True)
class ValueModel:
    """A fitted model of orders and money.

    Attributes:
        orders: Model of order times, in weeks. spend: Model of money per order.
        correction: Factor on expected orders, learnt on earlier cuts; 1 where they disagree.
        order_level, spend_level: Upper quantile that gave 80 % intervals in back-test.
        checked: People of that back-test; 0 where the past was too short for one.
    """

    orders: OrderModel
    spend: GammaGamma
    correction: float = 1.0
    order_level: float = 0.9
    spend_level: float = 0.9
    checked: int = 0

    def forecast(self, past: Histories, horizon_days: float) -> ValueForecast:
        """Forecast everyone in `past` over the next `horizon_days`."""
        parts = _parts(self, past, horizon_days)
        cells, where, horizon = parts.cells, parts.where, horizon_days / WEEK
        low = order_quantile(self.orders, cells, horizon, LOW)[where]
        high = order_quantile(self.orders, cells, horizon, self.order_level)[where]
        least = money_quantile(parts.none, parts.money, parts.money_squared, LOW)
        most = money_quantile(parts.none, parts.money, parts.money_squared, self.spend_level)
        return ValueForecast(
            person=past.person,
            orders=_spread(parts.orders, low, high),
            spend=_spread(parts.money, least, most),
            alive=self.orders.alive(cells)[where],
            buys=1 - parts.none,
        )


def fit_value(
    person: ArrayLike,
    time: ArrayLike,
    value: ArrayLike,
    *,
    as_of: float,
    horizon_days: float,
    family: Family = "pareto",
) -> ValueModel:
    """Fit to orders up to `as_of`, checked on earlier cuts of the same orders.

    Args:
        person: Shape (orders,). Integer number of the person.
        time: Shape (orders,). Seconds since 1970.
        value: Shape (orders,). Money; any unit.
        as_of: Nothing later is read. Seconds since 1970.
        horizon_days: The intervals are set for a horizon like this, as far as the past allows.
        family: "pareto", "bg" or "mbg".

    Raises:
        ValueError: Nobody has an order by `as_of`.

    Example:
        >>> days = np.array([0, 9, 30, 2, 40, 5]) * 86400.0
        >>> who = np.array([1, 1, 1, 2, 2, 3])
        >>> model = fit_value(who, days, days * 0 + 500, as_of=86400.0 * 60, horizon_days=30)
        >>> past = histories(who, days, days * 0 + 500, as_of=86400.0 * 60)
        >>> bool((model.forecast(past, 30).orders.value > 0).all())
        True
    """
    who = np.asarray(person, dtype=np.int64).ravel()
    when = np.asarray(time, dtype=np.float64).ravel()
    money = np.asarray(value, dtype=np.float64).ravel()
    seen = when <= as_of
    who, when, money = who[seen], when[seen], money[seen]
    past = histories(who, when, money, as_of=as_of)
    if not len(past.person):
        raise ValueError("nobody has an order by then")
    model = _fit(past, family)
    span = (as_of - when.min()) / DAY_S
    checks = [_check(who, when, money, (as_of, c), family) for c in _back(span, horizon_days)]
    checked = [c for c in checks if c is not None]
    if not checked:
        return model
    first = checked[0]
    return replace(
        model,
        correction=_agreed([c.log_ratio for c in checked], [c.error for c in checked]),
        order_level=first.order_level,
        spend_level=first.spend_level,
        checked=first.people,
    )


@dataclass(frozen=True)
class _Parts:
    cells: Cells
    where: Ints
    none: Floats
    orders: Floats
    money: Floats
    money_squared: Floats


@dataclass(frozen=True)
class _Check:
    people: int
    log_ratio: float
    error: float
    order_level: float
    spend_level: float


def _fit(past: Histories, family: Family) -> ValueModel:
    cells, _ = cells_of(past.x, past.t_x / WEEK, past.T / WEEK)
    return ValueModel(fit_orders(cells, family).model, fit_spend(past.orders, past.spend))


def _parts(model: ValueModel, past: Histories, horizon_days: float) -> _Parts:
    cells, where = cells_of(past.x, past.t_x / WEEK, past.T / WEEK)
    horizon, factor = horizon_days / WEEK, model.correction
    number = (model.orders.expected(cells, horizon) * factor)[where]
    squared = (model.orders.squared(cells, horizon) * factor**2)[where]
    none = np.clip(model.orders.none(cells, horizon), 0, 1)[where] ** factor
    posterior = model.spend.posterior(past.orders, past.spend)
    return _Parts(
        cells=cells,
        where=where,
        none=none,
        orders=number,
        money=number * model.spend.mean(past.orders, past.spend),
        money_squared=model.spend.squared(number, squared, posterior),
    )


def _back(span: float, horizon_days: float) -> list[float]:
    """Return how many days before the end to cut: as long as wanted, at most half; then a third."""
    longest = min(horizon_days, span / 2)
    return [days for days in (longest, longest * 2 / 3) if days >= 1]


def _check(
    who: Ints, when: Floats, money: Floats, window: tuple[float, float], family: Family
) -> _Check | None:
    as_of, days = window
    cut = as_of - days * DAY_S
    past = histories(who, when, money, as_of=cut)
    if len(past.person) < ENOUGH_PEOPLE:
        return None
    model = _fit(past, family)
    parts = _parts(model, past, days)
    orders, spend = realised(who, when, money, person=past.person, window=(cut, as_of))
    each = Cells(past.x, past.t_x / WEEK, past.T / WEEK, np.ones(len(past.x)))
    at = order_position(model.orders, each, days / WEEK, orders)
    at_money = money_position(parts.none, parts.money, parts.money_squared, spend)
    low = order_quantile(model.orders, parts.cells, days / WEEK, LOW)[parts.where]
    least = money_quantile(parts.none, parts.money, parts.money_squared, LOW)
    at = _held(at, orders, low, parts.orders)
    at_money = _held(at_money, spend, least, parts.money)
    total = float(orders.sum())
    return _Check(
        people=len(past.person),
        log_ratio=float(np.log((total + 1) / (parts.orders.sum() + 1))),
        # Orders of one person come in bunches, so a total is noisier than a Poisson count.
        error=float(np.sqrt((orders**2).sum() + 1) / (total + 1)),
        order_level=conformal_level(at),
        spend_level=conformal_level(at_money),
    )


def _held(position: Floats, actual: Floats, low: Floats, value: Floats) -> Floats:
    """Return the level from which [low, max(quantile, value)] holds what happened."""
    held = np.where(actual <= value, 0.0, position)
    return np.where(actual < np.minimum(low, value), np.inf, held)


def _agreed(log_ratios: list[float], errors: list[float]) -> float:
    """Return a factor all checks call for: the mildest, and only if it is beyond chance."""
    clear = all(abs(r) > 2 * e for r, e in zip(log_ratios, errors, strict=True))
    if len(log_ratios) < 2 or not clear or len({r > 0 for r in log_ratios}) > 1:
        return 1.0
    return float(np.exp(min(log_ratios, key=abs)))


def realised(
    who: Ints, when: Floats, money: Floats, *, person: Ints, window: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Return order days and money of each `person` with start < time <= end.

    Args:
        who: Shape (orders,). Number of the person.
        when: Shape (orders,). Seconds since 1970.
        money: Shape (orders,). Any unit.
        person: Shape (people,), ascending.
        window: Start (left out) and end (included), seconds.
    """
    inside = (when > window[0]) & (when <= window[1]) & np.isin(who, person)
    row = np.searchsorted(person, who[inside])
    day = np.floor(when[inside] / DAY_S).astype(np.int64)
    pair = np.unique(np.stack([row, day]), axis=1)
    n = len(person)
    orders = np.bincount(pair[0], minlength=n).astype(np.float64)
    spent = np.bincount(row, weights=money[inside], minlength=n).astype(np.float64)
    return orders, spent


def _spread(value: Floats, low: Floats, high: Floats) -> Spread:
    return Spread(value, np.minimum(low, value), np.maximum(high, value))
