"""Is a change noise? Judged by how far the shop's own days strayed from what was usual then.

What is usual is the mean of up to eight comparable spans before (the same weekday, or the
weeks before), on a scale where spread does not grow with size: the square root for counts and
sums (Anscombe 1948, doi:10.1093/biomet/35.3-4.246), the logarithm for averages. Each past span
is judged in the same way from what lay before it, so that trend, weekday and bulk orders are in
the comparison as they really are. The rank of a deviation among the past ones is a conformal
p-value (Vovk, Gammerman and Shafer 2005), and the largest deviation of all numbers of a span
takes care of looking at several at once (Westfall and Young 1993). With fewer than 39 past
deviations a t distribution with pooled spread stands in, Bonferroni-corrected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOOKS = 8
LEAST = 4
"""Comparable spans without which nothing is said."""
ENOUGH = 39
"""Past deviations from which their own ranks are used: 5 % at either end."""
ALPHA = 0.05
COUNT, SUM, MEAN = "count", "sum", "mean"


@dataclass(frozen=True)
class Judged:
    """One number of the reported span.

    `usual`, `low` and `high` are in the number's own unit: what comparable spans say, and the
    range that holds 90 % of spans. `chance` is how likely a span is on which any of the
    numbers strays this far though nothing changed; None where too little is known.
    """

    spans: int
    usual: float = math.nan
    low: float = math.nan
    high: float = math.nan
    chance: float | None = None
    verdict: str = "not_enough"


def judge(values: Sequence[Floats], scales: Sequence[str], valid: Bools, step: int) -> list[Judged]:
    """Judge the last entry of each series by the ones before it.

    Args:
        values: One series a number, each of shape (spans,), oldest first; nan where a span
            has no such number (an average over nothing).
        scales: "count", "sum" or "mean", one a series.
        valid: Shape (spans,). False for spans whose data is missing.
        step: Spans from one comparable span to the next: 7 days, or 1 week.

    Example:
        >>> steady = np.array([float(40 + k % 3) for k in range(400)] + [90.0])
        >>> judge([steady], ["count"], np.ones(401, bool), 7)[0].verdict
        'unusual'
    """
    scaled = [_scaled(series, scale) for series, scale in zip(values, scales, strict=True)]
    usual = [_usual(series, valid, step) for series in scaled]
    strays = [series - middle for series, (middle, _) in zip(scaled, usual, strict=True)]
    pasts = [_past(stray, valid) for stray in strays]
    tails = [_tails(stray, past) for stray, past in zip(strays, pasts, strict=True)]
    largest = _largest(strays, tails, pasts)
    found = []
    for k, scale in enumerate(scales):
        spans = int(usual[k][1][-1])
        middle, stray = float(usual[k][0][-1]), float(strays[k][-1])
        if spans < LEAST or math.isnan(stray):
            found.append(Judged(spans=spans))
            continue
        if int(pasts[k].sum()) >= ENOUGH:
            low, high = tails[k]
            size = _size(np.array([stray]), tails[k])[0]
            ahead = int((largest >= size).sum())
            chance = (1 + ahead) / (1 + len(largest))
        else:
            low, high, chance = _by_t(scaled[k], valid, (step, spans, scale), stray)
            chance = min(1.0, chance * len(scales))
        inside = low <= stray <= high
        verdict = "usual" if inside else "unusual" if chance <= ALPHA else "edge"
        ends = [_back(middle + end, scale) for end in (0.0, low, high)]
        usual_at, lowest, highest = ends
        found.append(Judged(spans, usual_at, lowest, highest, chance, verdict))
    return found


def ranges(series: Floats, scale: str, valid: Bools, step: int) -> tuple[Floats, Floats]:
    """For a chart: the 90 % range of every span from what lay before it; nan where unknown."""
    scaled = _scaled(series, scale)
    middle, spans = _usual(scaled, valid, step)
    stray = scaled - middle
    past = _past(stray, valid)
    if int(past.sum()) >= ENOUGH:
        low, high = _tails(stray, past)
    else:
        low, high, _ = _by_t(scaled, valid, (step, LOOKS, scale), 0.0)
    middle = np.where(spans >= LEAST, middle, math.nan)
    return tuple(  # type: ignore[return-value]
        np.array([_back(float(m) + end, scale) for m in middle]) for end in (low, high)
    )


def missing(orders: Floats, step: int) -> Bools:
    """Spans without any order where comparable ones had so many that data must be missing.

    Args:
        orders: Counts, shape (spans,), oldest first.
        step: As in `judge`.
    """
    near = np.full((2 * LOOKS, len(orders)), math.nan)
    for look in range(1, LOOKS + 1):
        apart = look * step
        if apart < len(orders):
            near[look - 1, apart:] = orders[:-apart]
            near[-look, :-apart] = orders[apart:]
    known = ~np.isnan(near)
    # The median of what there is: what is missing is sorted behind it.
    ordered, count = np.sort(near, axis=0), known.sum(axis=0)
    middle = np.maximum(count - 1, 0) // 2
    typical = np.where(count > 0, ordered[middle, np.arange(len(orders))], 0.0)
    # A Poisson count of mean 12 is nought once in 160,000.
    return np.asarray((orders == 0) & (typical >= 12))


def _scaled(series: Floats, scale: str) -> Floats:
    if scale == MEAN:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(series > 0, np.log(np.where(series > 0, series, 1.0)), math.nan)
    return np.sqrt(np.maximum(series, 0.0) + (3 / 8 if scale == COUNT else 0.0))


def _back(value: float, scale: str) -> float:
    if math.isnan(value):
        return value
    if scale == MEAN:
        return math.exp(value)
    return max(max(value, 0.0) ** 2 - (3 / 8 if scale == COUNT else 0.0), 0.0)


def _usual(series: Floats, valid: Bools, step: int) -> tuple[Floats, Floats]:
    """Mean of up to eight comparable spans before each, and how many they are."""
    held = np.where(valid, series, math.nan)
    total, count = np.zeros(len(series)), np.zeros(len(series))
    for look in range(1, LOOKS + 1):
        shifted = np.full(len(series), math.nan)
        if look * step < len(series):
            shifted[look * step :] = held[: -look * step]
        known = ~np.isnan(shifted)
        total += np.where(known, shifted, 0.0)
        count += known
    return np.where(count >= LEAST, total / np.maximum(count, 1), math.nan), count


def _past(stray: Floats, valid: Bools) -> Bools:
    past = valid & ~np.isnan(stray)
    past[-1] = False
    return np.asarray(past)


def _tails(stray: Floats, past: Bools) -> tuple[float, float]:
    ordered = np.sort(stray[past])
    n = len(ordered)
    if n < ENOUGH:
        return -1.0, 1.0
    outside = int((n + 1) * ALPHA)
    low, high = float(ordered[outside - 1]), float(ordered[n - outside])
    return min(low, -1e-9), max(high, 1e-9)


def _size(stray: Floats, tails: tuple[float, float]) -> Floats:
    """Deviations in units of the tail on their own side, so that numbers can be compared."""
    low, high = tails
    return np.where(stray < 0, stray / low, stray / high)


def _largest(
    strays: Sequence[Floats], tails: Sequence[tuple[float, float]], pasts: Sequence[Bools]
) -> Floats:
    """The largest deviation of any number, for each past span that has one."""
    if not strays:
        return np.zeros(0)
    sizes = [
        np.where(past, _size(np.where(past, stray, 0.0), ends), 0.0)
        for stray, ends, past in zip(strays, tails, pasts, strict=True)
        if int(past.sum()) >= ENOUGH
    ]
    if not sizes:
        return np.zeros(0)
    return np.asarray(np.max(sizes, axis=0)[np.any(list(pasts), axis=0)])


def _by_t(
    scaled: Floats, valid: Bools, about: tuple[int, int, str], stray: float
) -> tuple[float, float, float]:
    """The range and the chance by a t distribution, with spread pooled over weekdays."""
    from scipy.special import stdtr, stdtrit

    step, spans, scale = about
    recent = range(max(0, len(scaled) - 1 - LOOKS * 7), len(scaled) - 1)
    groups: dict[int, list[float]] = {}
    for k in recent:
        if valid[k] and not math.isnan(scaled[k]):
            groups.setdefault(k % step, []).append(float(scaled[k]))
    squares = sum(float(np.var(group)) * len(group) for group in groups.values())
    degrees = max(sum(len(group) - 1 for group in groups.values()), 1)
    # A count spreads at least as a Poisson one does: a standard deviation of a half.
    least = 0.5 if scale == COUNT else 1e-9
    spread = max(math.sqrt(squares / degrees), least) * math.sqrt(1 + 1 / max(spans, 1))
    reach = spread * float(stdtrit(degrees, 1 - ALPHA))
    return -reach, reach, 2 * float(stdtr(degrees, -abs(stray) / spread))
