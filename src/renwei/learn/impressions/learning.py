"""Everything there is to learn from impressions, in one call."""

from __future__ import annotations

from dataclasses import dataclass

from renwei.learn.impressions.attraction import Attraction, attraction
from renwei.learn.impressions.examination import Examination, examination
from renwei.learn.impressions.rows import Coded, Impressions
from renwei.learn.impressions.trial import Trial, trial


@dataclass(frozen=True, eq=False)
class Learnt:
    """What was learnt from all rows, and how it did on the last part of them."""

    looked: Examination
    attracts: Attraction
    trial: Trial
    impressions: int
    clicks: int


def learn_impressions(rows: Impressions, *, seed: int = 1) -> Learnt:
    """Learn how places are looked at and what items attract; whether it serves is told too.

    Args:
        rows: In any order; an item twice in a list counts once.
        seed: Of the interval.

    Example:
        >>> # learnt = learn_impressions(rows); learnt.trial.verdict
    """
    rows = rows.sound()
    coded = Coded.of(rows)
    looked = examination(rows, coded)
    return Learnt(
        looked, attraction(rows, looked, coded), trial(rows, seed=seed), len(rows), rows.clicks
    )
