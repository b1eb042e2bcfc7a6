"""Whether people spend more or less on an order lately than they used to.

The tide (learn/tide.py) says how many order; this says how much they take when they do. A
season that makes baskets grow shows in the last month's orders before any window is over.
"""

from __future__ import annotations

import numpy as np

from renwei.learn.cells import DAY_S
from renwei.learn.snapshots import Orders as Past

LATELY_DAYS = 30.0
# A single order for a whole wedding says nothing of the shop.
CUT = 2.0
# As much of a month's surprise is kept as the tide keeps of a week's.
KEPT = 0.5
DOUBT = 50.0
_LEAST = 30


def read_amounts(past: Past, as_of: float) -> float:
    """Log of how much more people take now than over the whole past; 0 where little is known.

    Each order is compared with the same person's orders before it, so that new people or
    lost ones do not move it.

    Args:
        past: Orders; those after `as_of` are passed over.
        as_of: Seconds since 1970.
    """
    seen = past.until(as_of)
    order = np.lexsort((seen.time, seen.person))
    person, time = seen.person[order], seen.time[order]
    value = np.log(np.maximum(seen.value[order], 1.0))
    row = np.arange(len(person))
    fresh = np.ones(len(person), dtype=bool)
    fresh[1:] = person[1:] != person[:-1]
    begin = np.maximum.accumulate(np.where(fresh, row, 0))
    total = np.append(0.0, np.cumsum(value))
    known = ~fresh
    before = (total[row] - total[begin])[known] / (row - begin)[known]
    more = np.clip(value[known] - before, -CUT, CUT)
    lately = time[known] > as_of - LATELY_DAYS * DAY_S
    n = int(lately.sum())
    if n < _LEAST:
        return 0.0
    return float(KEPT * n / (n + DOUBT) * (more[lately].mean() - more.mean()))
