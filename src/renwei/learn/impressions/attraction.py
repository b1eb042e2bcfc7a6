"""What an item attracts once it is looked at, against what its score foresaw.

Clicks that came over clicks that were to be expected, with the places and scores it was shown
at. Of few expected clicks little is believed: how much the items really differ is told by whether
different people agree about an item, so that one person who clicks the same thing again and
again does not make items seem to differ.

Source:
    Clayton and Kaldor (1987), doi:10.2307/2532003: observed over expected with a Gamma prior of
    mean 1, its spread found by moments. It is to counts of unequal exposure what the Beta prior
    is to shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renwei.learn.impressions.examination import Examination
from renwei.learn.impressions.rows import Coded, Floats, Impressions, Ints, codes, paired, sums

PRIOR_CLICKS = 5.0
"""A step of the scores attracts what its surface and source do, as if so many clicks said so."""


@dataclass(frozen=True, eq=False)
class Attraction:
    """What is known of each item: columns of shape (items,), items ascending.

    Attributes:
        factor: Against what scores foresaw; 1 is as foreseen, and of an unknown item.
        chance: Of a click on a look at the first place. expected, clicks: What it rests on.
        prior: Expected clicks at which an item's own count half as much as the prior; inf
            where items do not differ.
    """

    items: Ints
    factor: Floats
    chance: Floats
    expected: Floats
    clicks: Floats
    prior: float

    def of(self, items: Ints) -> Floats:
        """The factor of each of these."""
        if not len(self.items):
            return np.ones(len(items))
        at = np.minimum(np.searchsorted(self.items, items), len(self.items) - 1)
        return np.where(self.items[at] == items, self.factor[at], 1.0)


def attraction(rows: Impressions, looked: Examination, coded: Coded | None = None) -> Attraction:
    """Estimate what each item attracts.

    Args:
        rows: As `Impressions.sound` gives them.
        looked: How places are looked at.
        coded: `Coded.of(rows)`, where it is there already.

    Example:
        >>> # a = attraction(rows, examination(rows)); a.of(np.array([7]))
    """
    coded = coded or Coded.of(rows)
    seen = looked.of(rows)
    foreseen = seen * _steps(rows, coded, seen)[coded.bin]
    foreseen *= rows.clicks / (float(foreseen.sum()) or 1.0)
    n = len(coded.items)
    clicks = sums(coded.item, rows.clicked, n)
    expected = sums(coded.item, foreseen, n)
    prior = _prior(rows, coded, (clicks, expected), foreseen)
    factor = _pulled(clicks, expected, prior)
    looks = sums(coded.item, seen, n)
    chance = np.minimum(factor * expected / np.maximum(looks, 1e-12), 1.0)
    return Attraction(coded.items, factor, chance, expected, clicks, prior)


def _pulled(clicks: Floats, expected: Floats, prior: float) -> Floats:
    if not np.isfinite(prior):
        return np.ones(len(clicks))
    found: Floats = (clicks + prior) / (expected + prior)
    return found


def _steps(rows: Impressions, coded: Coded, seen: Floats) -> Floats:
    """Clicks a look by bin, shape (bins,)."""
    whole = rows.clicks / (float(seen.sum()) or 1.0) or 1.0
    n = len(coded.of_bin)
    n_strata = int(coded.of_bin.max(initial=-1)) + 1
    own = _rate(rows, coded.stratum, seen, np.full(n_strata, whole))
    return _rate(rows, coded.bin, seen, own[coded.of_bin]) if n else own


def _rate(rows: Impressions, by: Ints, seen: Floats, usual: Floats) -> Floats:
    clicks = sums(by, rows.clicked, len(usual))
    looks = sums(by, seen, len(usual))
    found: Floats = (clicks + PRIOR_CLICKS) / (looks + PRIOR_CLICKS / usual)
    return found


def _prior(
    rows: Impressions, coded: Coded, of_items: tuple[Floats, Floats], foreseen: Floats
) -> float:
    """How strong the prior is: noise of a click over how much items differ, by moments.

    Products of what different people did with the same item are free of the noise of each.
    """
    clicks, expected = of_items
    pair = codes(paired(coded.item, codes(rows.person)))
    n = int(pair.max(initial=-1)) + 1
    theirs = sums(pair, foreseen, n)
    over = sums(pair, rows.clicked, n) - theirs
    noise = float((over**2).sum())
    agreed = float(((clicks - expected) ** 2).sum()) - noise
    room = float((expected**2).sum() - (theirs**2).sum())
    if room <= 0 or agreed <= 0:
        return float("inf")
    return noise / (float(expected.sum()) or 1.0) / (agreed / room)
