"""Where each person stands, judged by their own rhythm and not by a fixed number of days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from renwei.learn.rhythm import Rhythm, Units

STAGES = ("new", "active", "at_risk", "lost", "returning")
NEW, ACTIVE, AT_RISK, LOST, RETURNING = range(5)

LATE, LATE_GAPS = 0.85, 1.3
GONE, GONE_GAPS = 0.985, 3.0
# Faded is whoever is only a quarter as likely to come back as right after an order.
FADED = 0.25


def stages(units: Units, rhythm: Rhythm) -> NDArray[np.int8]:
    """Return a stage for each unit, as an index into STAGES, shape (units,).

    One order so far is new. Somebody later than 85 % of their usual gaps, and by 30 %, is at
    risk; three gaps late, and later than 98.5 % or hardly likely to come back at all, is lost.
    "Usual" is their own mean pooled with the shop's, so that a yearly buyer is not at risk after
    two months. Somebody who came back when already lost is returning until the next order.

    Args:
        units: Shape (units,) histories from `units_of`, one a person.
        rhythm: Fitted on the same shop.
    """
    late = rhythm.lateness(units)
    gaps = units.since / rhythm.due(units, 0.0).gap_days
    stage = np.where(units.gaps < 1, NEW, ACTIVE).astype(np.int8)
    stage[_came_back(units, rhythm)] = RETURNING
    stage[(late >= LATE) & (gaps >= LATE_GAPS)] = AT_RISK
    stage[_lost(units, rhythm)] = LOST
    return stage


def _lost(units: Units, rhythm: Rhythm) -> NDArray[np.bool_]:
    due = rhythm.due(units, 0.0)
    gone = (rhythm.lateness(units) >= GONE) | (due.returns <= FADED * (1 - rhythm.leave))
    return np.asarray(gone & (units.since >= GONE_GAPS * due.gap_days))


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
    return np.asarray(has & _lost(before, rhythm))
