"""Whether a whole shop is ordering more or less than its people's histories say.

People are known by their histories; the season is not. Each past week is compared with what
a value model had expected of the same people a week before; a robust running level of that
ratio says where the season stands now, and past weeks say how far such a level can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renwei.learn.cells import DAY_S, Cells, Floats, Ints, cells_of, histories
from renwei.learn.likelihood import OrderModel, fit_orders
from renwei.learn.snapshots import Orders, sampled

WEEK = 7.0
WEEKS = 40
REFIT_EVERY = 4
FIRST_WEEKS = 8
# Half of each week's surprise is kept: a turn of the season shows within two or three weeks.
GAIN = 0.5
# A surprise beyond so many usual ones is a promotion or a holiday, and is cut to that size.
CUT = 1.5
USUAL = 0.15
LEAST_USUAL = 0.03
# Persistence is believed as if seen in this much squared level (three weeks in five at 0.4).
BELIEF = 0.5
OVERLAP = 4
# Looks at a model that is right on average, believed before the first real one.
DOUBT = 2
SOFT = 20.0
SAMPLE = 20_000
FIT_CELLS = 3_000


@dataclass(frozen=True)
class Tide:
    """Where a shop's order rate stands against expectation.

    Attributes:
        log_level: Expected log ratio of buyers over the horizon to the value model's.
        error: Standard deviation of such a forecast, from the past.
        weeks: Weeks it was read from.
        expected: What the value model says of the mean chance to buy over the horizon.
    """

    log_level: float
    error: float
    weeks: int
    expected: float

    @property
    def mean(self) -> float:
        """Return the mean chance to buy that the forecasts should have."""
        return float(np.clip(self.expected * np.exp(self.log_level), 1e-6, 0.995))


def read_tide(who: Ints, when: Floats, *, as_of: float, days: float) -> Tide:
    """Read the shop's level from orders up to `as_of`.

    Args:
        who: Shape (orders,). Number of the person.
        when: Shape (orders,). Seconds since 1970.
        as_of: Nothing later is read.
        days: The horizon that the level is for.

    Source:
        Exponential smoothing with cut surprises: Gelper, Fried & Croux (2010), J. of Forecasting.
    """
    seen = when <= as_of
    who, when = who[seen], when[seen]
    _, expected = _expect(who, when, as_of, (days, None))
    some = sampled(Orders(who, when, np.zeros(len(who))), SAMPLE)
    who, when = some.person, some.time
    index, later = _weekly(who, when, as_of, days)
    levels = robust_levels(index)
    lasted, missed, error = _trust(levels, later)
    level = missed + lasted * (float(levels[-1]) if len(levels) else 0.0)
    return Tide(level, error, len(index), expected)


def robust_levels(index: Floats) -> Floats:
    """Return the running level after each week of `index`, shape (weeks,).

    Example:
        >>> robust_levels(np.array([0.0, 0.0, 5.0])).round(2).tolist()
        [0.0, 0.0, 0.11]
    """
    level, levels = 0.0, np.empty(len(index))
    surprises: list[float] = []
    for k, ratio in enumerate(index):
        usual = USUAL
        if len(surprises) >= 6:
            usual = max(1.4826 * float(np.median(np.abs(surprises))), LEAST_USUAL)
        surprises.append(float(ratio) - level)
        level += GAIN * float(np.clip(ratio - level, -CUT * usual, CUT * usual))
        levels[k] = level
    return levels


def _trust(levels: Floats, later: Floats) -> tuple[float, float, float]:
    """Return from past weeks how much of a level lasted, what it missed on average, and the error.

    `later[k]` is what came over the horizon after week k, nan where that lies in the future.
    """
    known = np.isfinite(later)
    level, came = levels[known], later[known]
    # Weekly looks at a month overlap: four of them are worth about one.
    looks = len(came) / OVERLAP
    lasted, missed = 1.0, 0.0
    for _ in range(5):
        off = came - missed
        lasted = (float(level @ off) / OVERLAP + BELIEF) / (float(level @ level) / OVERLAP + BELIEF)
        lasted = float(np.clip(lasted, 0.0, 1.0))
        missed = float((came - lasted * level).sum()) / OVERLAP / (looks + DOUBT)
    off = came - lasted * level - missed
    error = np.sqrt((float(off @ off) / OVERLAP + DOUBT * USUAL**2) / (looks + DOUBT))
    return lasted, missed, float(error)


def _weekly(who: Ints, when: Floats, as_of: float, days: float) -> tuple[Floats, Floats]:
    """Return for each past week the log ratio to what was expected, and that of the horizon after."""
    if not len(when):
        return np.empty(0), np.empty(0)
    room = int((as_of - when.min()) / DAY_S / WEEK) - FIRST_WEEKS
    index, later = [], []
    model: OrderModel | None = None
    for back in range(min(room, WEEKS), 0, -1):
        start = as_of - back * WEEK * DAY_S
        # Parameters drift slowly; histories are fresh each week.
        old = None if back % REFIT_EVERY == 0 else model
        model, said = _expect(who, when, start, (WEEK, old))
        people, n = _buyers(who, when, start, WEEK)
        index.append(np.log((n + SOFT) / (said * people + SOFT)))
        after = start + WEEK * DAY_S
        if after + days * DAY_S <= as_of:
            _, said = _expect(who, when, after, (days, model))
            people, n = _buyers(who, when, after, days)
            later.append(np.log((n + SOFT) / (said * people + SOFT)))
        else:
            later.append(np.nan)
    return np.array(index), np.array(later)


def _expect(
    who: Ints, when: Floats, at: float, ask: tuple[float, OrderModel | None]
) -> tuple[OrderModel, float]:
    """Return the model and its mean chance to buy within the days asked, over those known."""
    days, model = ask
    past = histories(who, when, np.zeros(len(who)), as_of=at)
    cells, _ = cells_of(past.x, past.t_x / WEEK, past.T / WEEK)
    fitted = model or fit_orders(cells, at_most=FIT_CELLS).model
    return fitted, _mean_chance(fitted, cells, days)


def _mean_chance(model: OrderModel, cells: Cells, days: float) -> float:
    return float((1 - model.none(cells, days / WEEK)) @ cells.count / max(cells.people, 1.0))


def _buyers(who: Ints, when: Floats, at: float, days: float) -> tuple[int, int]:
    known = np.unique(who[when <= at])
    inside = (when > at) & (when <= at + days * DAY_S)
    return len(known), int(np.isin(known, who[inside]).sum())
