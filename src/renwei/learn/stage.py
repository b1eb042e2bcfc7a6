"""Where each person stands, judged by their own rhythm and not by a fixed number of days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from renwei.learn.rhythm import Rhythm, Units

STAGES = ("new", "active", "at_risk", "lost", "returning")
NEW, ACTIVE, AT_RISK, LOST, RETURNING = range(5)

LATE = 0.85
GONE = 0.985


def stages(units: Units, rhythm: Rhythm) -> NDArray[np.int8]:
    """Return a stage for each unit, as an index into STAGES, shape (units,).

    One order so far is new. Somebody later than 85 % of their usual gaps is at risk, later
    than 98.5 % is lost; "usual" is their own mean pooled with the shop's, so that a yearly buyer
    is not at risk after two months. Somebody who came back after such a gap is returning until
    the next order.

    Args:
        units: Shape (units,) histories from `units_of`, one a person.
        rhythm: Fitted on the same shop.
    """
    late = rhythm.lateness(units)
    stage = np.where(units.gaps < 1, NEW, ACTIVE).astype(np.int8)
    stage[_came_back(units, rhythm)] = RETURNING
    stage[late >= LATE] = AT_RISK
    stage[late >= GONE] = LOST
    return stage


def _came_back(units: Units, rhythm: Rhythm) -> NDArray[np.bool_]:
    """Say whose latest gap was one after which they would have been called lost."""
    has = np.isfinite(units.log_last)
    latest = np.where(has, units.log_last, 0.0)
    before = replace(
        units,
        gaps=units.gaps - has,
        log_sum=units.log_sum - latest,
        log_square=units.log_square - latest**2,
        since=np.exp(latest),
    )
    return np.asarray(has & (rhythm.lateness(before) >= GONE))
