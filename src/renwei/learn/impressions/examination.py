"""How likely each place of a list is looked at, told from clicks that only looked-at items get.

Of the position-based model, a click is a look at the place times what the item attracts there.
What an item attracts is its own constant times a step for its score, so that an item shown at
several places tells how the places differ, and what chance put somewhere tells it best.

Source:
    Joachims, Swaminathan and Schnabel (2017), doi:10.1145/3018661.3018699; Wang et al. (2018),
    who estimate places and items in turns, doi:10.1145/3159652.3159732. The product is fitted
    as a Poisson mean with a constant an item, which is consistent for clicks too and does not
    suffer from many items with few rows: Wooldridge (1999), doi:10.1016/S0304-4076(98)00033-5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renwei.learn.impressions.rows import POSITIONS, Coded, Floats, Impressions, Ints, paired, sums

ROUNDS, CLOSE = 100, 1e-4
PRIOR_CLICKS = 20.0
"""A place follows its curve as if so many of its clicks had been foreseen."""
SLOPE_CLICKS = 10.0
"""How much speaks for a flat curve before anything is known, in clicks by squared logarithms."""
LEAST = 0.02


@dataclass(frozen=True, eq=False)
class Examination:
    """The chance that a place is looked at, against the first.

    Attributes:
        surfaces: Names, ascending. curve: Shape (surfaces, POSITIONS), falling from 1.
        clicks: Behind each, the same shape.
    """

    surfaces: Ints
    curve: Floats
    clicks: Floats

    def of(self, rows: Impressions) -> Floats:
        """Of each row; a surface not seen before is taken to be looked at everywhere alike."""
        if not len(self.surfaces):
            return np.ones(len(rows))
        at = np.minimum(np.searchsorted(self.surfaces, rows.surface), len(self.surfaces) - 1)
        known = self.surfaces[at] == rows.surface
        found = self.curve[at, np.minimum(rows.position, POSITIONS - 1)]
        return np.where(known, found, 1.0)


def examination(rows: Impressions, coded: Coded | None = None) -> Examination:
    """Estimate the curve of each surface.

    It never rises from one place to the next, and where clicks are few it lies near a power of
    the place (1/k to some power), which in turn lies near a flat curve.

    Args:
        rows: As `Impressions.sound` gives them.
        coded: `Coded.of(rows)`, where it is there already.
    """
    coded = coded or Coded.of(rows)
    n = len(coded.surfaces)
    cells = _Cells.of(rows, coded)
    clicks = sums(cells.slot, cells.clicks, n * POSITIONS).reshape(n, POSITIONS)
    curve = np.ones((n, POSITIONS))
    for _ in range(ROUNDS if cells.clicks.any() else 0):
        before = curve
        curve = _curves(clicks, cells.seen(before))
        if np.abs(np.log(curve / before)).max() < CLOSE:
            break
    return Examination(coded.surfaces, curve, clicks)


@dataclass(eq=False)
class _Cells:
    """Rows of one item, slot and bin together; items nobody clicked say nothing of places."""

    item: Ints
    slot: Ints
    bin: Ints
    shown: Floats
    clicks: Floats
    step: Floats
    """What each bin attracts, as far as it is known: shape (bins,)."""

    @classmethod
    def of(cls, rows: Impressions, coded: Coded) -> _Cells:
        ever = sums(coded.item, rows.clicked, len(coded.items)) > 0
        kept = np.flatnonzero(ever[coded.item])
        place = paired(coded.item[kept], paired(coded.slot[kept], coded.bin[kept]))
        _, first, cell = np.unique(place, return_index=True, return_inverse=True)
        n, kept_first = len(first), kept[first]
        return cls(
            coded.item[kept_first],
            coded.slot[kept_first],
            coded.bin[kept_first],
            np.bincount(cell, minlength=n).astype(np.float64),
            sums(cell, rows.clicked[kept], n),
            np.ones(len(coded.of_bin)),
        )

    def seen(self, curve: Floats) -> Floats:
        """Clicks each slot would have if it were looked at always, the curve being this one."""
        looked = self.shown * curve.ravel()[self.slot]
        own = self._share(self.item, looked * self.step[self.bin])[self.item]
        self.step = self._share(self.bin, looked * own, len(self.step))
        attracts = self.shown * own * self.step[self.bin]
        return sums(self.slot, attracts, curve.size).reshape(curve.shape)

    def _share(self, by: Ints, looked: Floats, n: int = 0) -> Floats:
        clicks, whole = sums(by, self.clicks, n), sums(by, looked, n)
        found: Floats = np.divide(clicks, whole, out=np.zeros(len(whole)), where=whole > 0)
        return found


def _curves(clicks: Floats, seen: Floats) -> Floats:
    usual = _slope(clicks.sum(axis=0), seen.sum(axis=0), 0.0)[1]
    return np.stack([_curve(*one, usual) for one in zip(clicks, seen, strict=True)])


def _curve(clicks: Floats, seen: Floats, usual: float) -> Floats:
    level, slope = _slope(clicks, seen, usual)
    foreseen = level * _DEPTH**-slope
    weight = seen + PRIOR_CLICKS / foreseen
    curve = falling((clicks + PRIOR_CLICKS) / weight, weight)
    found: Floats = np.maximum(curve / curve[0], LEAST)
    return found


_DEPTH = np.arange(1.0, POSITIONS + 1)


def _slope(clicks: Floats, seen: Floats, usual: float) -> tuple[float, float]:
    """Level and power of a curve, the power near the usual one where clicks are few."""
    x, total = np.log(_DEPTH), float(clicks.sum())
    slope = usual
    if not total:
        return 1.0, slope
    for _ in range(50):
        weight = seen * np.exp(-slope * x)
        share = weight / weight.sum()
        middle = float((share * x).sum())
        spread = float((share * (x - middle) ** 2).sum())
        gap = total * middle - float((clicks * x).sum()) - SLOPE_CLICKS * (slope - usual)
        step = gap / (total * spread + SLOPE_CLICKS)
        slope = min(max(slope + min(max(step, -0.5), 0.5), 0.0), 4.0)
        if abs(step) < 1e-9:
            break
    return total / float((seen * np.exp(-slope * x)).sum()), slope


def falling(values: Floats, weights: Floats) -> Floats:
    """The nearest row that never rises, by weighted squares: neighbours are pooled.

    Source:
        Ayer et al. (1955), doi:10.1214/aoms/1177728423.

    Example:
        >>> falling(np.array([3.0, 1.0, 2.0]), np.ones(3)).tolist()
        [3.0, 1.5, 1.5]
    """
    blocks: list[list[float]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            last, own, many = blocks.pop()
            held = blocks[-1]
            whole = held[1] + own
            held[:] = [(held[0] * held[1] + last * own) / whole, whole, held[2] + many]
    values = np.array([one[0] for one in blocks])
    return np.repeat(values, [int(one[2]) for one in blocks])
