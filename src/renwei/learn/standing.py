"""One person's row of estimates right after an order, with the fit that everybody's came from.

Orders, rhythm and stage are exactly what the next learning would say with the same fit. What
takes a model of the whole shop (chances, value) is that of her likes: people with as many
orders who ordered lately, in proportion to what her orders come to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from renwei.learn.cells import Floats, Ints
from renwei.learn.rhythm import Rhythm, fit_rhythm, units_of
from renwei.learn.stage import stages

MOST = 8
LATELY_DAYS = 45.0
CHANCES = ("p_alive", "p30", "p_window", "hour", "year_orders")
AMOUNTS = (
    "spend_window_value", "spend_window_low", "spend_window_high", "year_value", "year_low",
    "year_high",
)  # fmt: skip
_NOBODY = -1
DAY_US = 86_400_000_000


def rhythm_of(fit: Mapping[str, float] | None) -> Rhythm:
    """The rhythm whose numbers were kept with the estimates, else what is believed of any shop."""
    none = np.zeros(0, dtype=np.int64)
    if not fit:
        return fit_rhythm(none, np.zeros(0), as_of=0.0)
    # People are one group, whose mean gap is the one that everybody's own is pulled to.
    usual = np.array([fit.get("usual", fit["mean"])])
    spread = fit["within"], fit["between"], fit["leave"]
    return Rhythm(fit["mean"], *spread, np.zeros(1, dtype=np.int64), usual)


def peers_of(columns: Mapping[str, Any], as_of_us: int) -> dict[str, Floats]:
    """What is usual by number of orders, shape (MOST + 1,), among those who ordered lately.

    Args:
        columns: Of the estimates: orders, last_us, spend_minor and any of CHANCES and AMOUNTS;
            amounts come back as multiples of the mean order.
        as_of_us: Of the estimates, in microseconds.
    """
    orders = np.minimum(np.asarray(columns["orders"]), MOST)
    lately = np.asarray(columns["last_us"]) > as_of_us - LATELY_DAYS * DAY_US
    mean = np.asarray(columns["spend_minor"]) / np.maximum(np.asarray(columns["orders"]), 1)
    known = {name: columns[name] for name in (*CHANCES, *AMOUNTS) if name in columns}
    table = {name: np.full(MOST + 1, np.nan) for name in known}
    for k in range(1, MOST + 1):
        mine = np.flatnonzero((orders == k) & lately)
        mine = mine if len(mine) >= 5 else np.flatnonzero(orders == k)
        for name, column in known.items():
            values = np.asarray(column)[mine].astype(np.float64)
            if name in AMOUNTS:
                values = values / np.maximum(mean[mine], 1.0)
            values = values[~np.isnan(values)]
            if len(values):
                table[name][k] = float(np.median(values))
    return {name: _filled(column) for name, column in table.items()}


def standing(
    time: Floats, value: Ints, *, as_of: float, rhythm: Rhythm, peers: Mapping[str, Floats]
) -> dict[str, float]:
    """A person's row from her counted orders up to `as_of`.

    Args:
        time: Shape (orders,). Seconds since 1970.
        value: Shape (orders,). Minor units.
        as_of: Seconds since 1970; later orders are passed over.
        rhythm: The shop's.
        peers: See `peers_of`; may be empty.

    Returns:
        orders, spend_minor, first_us, last_us, gap_days, silence, stage (index into STAGES) and
        the columns of `peers`; stage is -1 without an order.
    """
    seen = time <= as_of
    time, value = time[seen], value[seen]
    n = len(time)
    row: dict[str, float] = {
        "orders": n,
        "spend_minor": int(value.sum()),
        "first_us": round(float(time.min()) * 1e6) if n else 0,
        "last_us": round(float(time.max()) * 1e6) if n else 0,
        "gap_days": float(np.exp(rhythm.mean)),
        "silence": 0.0,
        "stage": _NOBODY,
    }
    mean = row["spend_minor"] / max(n, 1)
    for name, column in peers.items():
        usual = float(column[min(n, MOST)])
        row[name] = usual * mean if name in AMOUNTS else usual
    if n:
        units = units_of(np.ones(n, dtype=np.int64), time, as_of=as_of)
        row["gap_days"] = float(rhythm.due(units, 0.0).gap_days[0])
        row["silence"] = float(rhythm.lateness(units)[0])
        row["stage"] = int(stages(units, rhythm)[0])
    return row


def _filled(column: Floats) -> Floats:
    """Numbers of orders that nobody has take those of the nearest below, else above."""
    known = np.flatnonzero(~np.isnan(column))
    if not len(known):
        return np.zeros_like(column)
    below = np.searchsorted(known, np.arange(len(column)), side="right") - 1
    return np.asarray(column[known[np.maximum(below, 0)]])
