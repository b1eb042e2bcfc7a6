"""Whether what items attract would have served, on the last part of the log, never learnt from.

Each list is put in order twice: by its scores alone, and by scores times what each item
attracts. What counts is how high the clicked items stand, each click weighted by how seldom its
place was looked at: without that, whatever stood high would seem to be wanted.

Source:
    Weights by inverse propensity, normalised by their sum: Swaminathan and Joachims (2015), The
    self-normalized estimator for counterfactual learning; gains of rankings from clicks:
    Joachims, Swaminathan and Schnabel (2017), doi:10.1145/3018661.3018699.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from renwei.learn.impressions.attraction import Attraction, attraction
from renwei.learn.impressions.examination import Examination, examination
from renwei.learn.impressions.rows import Coded, Floats, Impressions, Ints, codes, sums

FEWEST, FEWEST_TRIED = 300, 100
"""Clicks in all, and in the part that is tried."""
KEPT_BACK = 0.3
"""Share of the clicks that is never learnt from: the last ones."""
LOWEST, HIGHEST = 0.5, 2.0
MOST_WEIGHT = 10.0
ROUNDS, SHUFFLES, ALIKE = 500, 20, 20
LEVEL = 0.95
Verdict = Literal["serves", "few_clicks", "no_gain"]


@dataclass(frozen=True)
class Trial:
    """By what share clicked items stand higher (DCG), with its 95 % interval.

    Attributes:
        verdict: serves; few_clicks; no_gain where the interval is not whole above 0, or the same
            factors dealt out to other items do about as well.
        tried: Clicks of the part that was tried. people: Who made them.
        beyond: The lower end of the gain over factors dealt out by chance.
    """

    verdict: Verdict
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    tried: int = 0
    people: int = 0
    beyond: float | None = None


def clipped(factor: Floats) -> Floats:
    """Within what is served."""
    return np.clip(factor, LOWEST, HIGHEST)


def trial(rows: Impressions, *, seed: int = 1) -> Trial:
    """Learn from the first part, try on the last.

    Args:
        rows: As `Impressions.sound` gives them, oldest first.
        seed: Same seed, same answer.
    """
    clicks = rows.clicks
    if clicks < FEWEST:
        return Trial("few_clicks")
    passed = np.cumsum(rows.clicked)
    cut = rows.at_us[int(np.searchsorted(passed, (1 - KEPT_BACK) * clicks))]
    late = rows.at_us >= cut
    early, late_rows = rows.pick(~late), rows.pick(late)
    tried = late_rows.clicks
    if tried < FEWEST_TRIED or clicks - tried < FEWEST_TRIED:
        return Trial("few_clicks", tried=tried)
    coded = Coded.of(early)
    looked = examination(early, coded)
    return _tried(late_rows, looked, attraction(early, looked, coded), seed)


def _tried(rows: Impressions, looked: Examination, learnt: Attraction, seed: int) -> Trial:
    lists = codes(rows.shown_in)
    clicked = np.isin(lists, lists[rows.clicked])
    rows = rows.pick(clicked)
    chance = np.random.default_rng(seed)
    people, who = np.unique(rows.person[rows.clicked], return_inverse=True)
    weight = np.minimum(1.0 / looked.of(rows)[rows.clicked], MOST_WEIGHT)

    def by_person(factor: Floats) -> Floats:
        return sums(who, weight * _gains(rows, factor)[rows.clicked], len(people))

    before = by_person(np.ones(len(rows)))
    after = by_person(clipped(learnt.of(rows.item)))
    at = np.minimum(np.searchsorted(learnt.items, rows.item), max(len(learnt.items) - 1, 0))
    known = learnt.items[at] == rows.item
    dealt = np.zeros(len(people))
    for _ in range(SHUFFLES):
        factor = clipped(learnt.factor[_dealt(learnt, chance)])
        dealt += by_person(np.where(known, factor[at], 1.0)) / SHUFFLES
    drawn = _drawn(np.stack([before, after, dealt]), chance)
    gain = float(after.sum() / before.sum() - 1)
    ends = np.quantile(drawn[1] / drawn[0] - 1, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    beyond = float(np.quantile((drawn[1] - drawn[2]) / drawn[0], (1 - LEVEL) / 2))
    verdict: Verdict = "serves" if min(ends[0], beyond) > 0 else "no_gain"
    low, high = (float(end) for end in ends)
    return Trial(verdict, gain, low, high, int(rows.clicks), len(people), beyond)


def _gains(rows: Impressions, factor: Floats) -> Floats:
    """What each row's place is worth with its list in the order of score times factor."""
    lists = codes(rows.shown_in)
    worth = np.where(rows.score > 0, rows.score * factor, rows.score / factor)
    order = np.lexsort((rows.position, -worth, lists))
    sizes = np.bincount(lists)
    rank = np.empty(len(rows), dtype=np.int64)
    rank[order] = np.arange(len(rows)) - (np.cumsum(sizes) - sizes)[lists[order]]
    found: Floats = 1.0 / np.log2(rank + 2.0)
    return found


def _dealt(learnt: Attraction, chance: np.random.Generator) -> Ints:
    """Places of other items of about as many expected clicks, each once, shape (items,)."""
    n = len(learnt.items)
    order = np.argsort(learnt.expected, kind="stable")
    block = np.arange(n) // ALIKE
    shuffled = order[np.lexsort((chance.random(n), block))]
    found = np.empty(n, dtype=np.int64)
    found[order] = shuffled
    return found


def _drawn(whole: Floats, chance: np.random.Generator) -> Floats:
    """Sums over people drawn anew, shape (sums, ROUNDS): each counts a Poisson number of times."""
    found = np.empty((len(whole), ROUNDS))
    for k in range(ROUNDS):
        found[:, k] = whole @ chance.poisson(1.0, whole.shape[1])
    found[0] = np.maximum(found[0], 1e-12)
    return found
