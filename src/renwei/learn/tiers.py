"""Three tiers of expected value, found in the data and steady from month to month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from renwei.learn.cells import Floats

TIERS = ("low", "potential", "high")
LOW, POTENTIAL, HIGH = range(3)

CLIP = 0.005
LEAST_SHARE = 0.05
BINS = 128
# How far beyond a border somebody must be before they change tier, as a share of the value.
MARGIN = 0.2
# How much of the borders found this month is taken over; the rest stays.
FOLLOW = 0.3


@dataclass(frozen=True)
class Borders:
    """Expected values at which "potential" and "high" begin, in the unit of money given."""

    potential: float
    high: float


def find_borders(expected: ArrayLike, *, before: Borders | None = None) -> Borders:
    """Find the two natural breaks of expected value.

    The breaks leave the least spread of log value within the three tiers, each with at least
    5 % of people. The extreme half per cent on both sides counts as the value at its edge, and
    logs are used, so one whale moves nothing.

    Args:
        expected: Shape (people,). Expected value of the next 12 months, >= 0.
        before: Last month's borders; the new ones move 30 % of the way.

    Raises:
        ValueError: There is no person.

    Source:
        Fisher (1958), On grouping for maximum homogeneity, JASA 53, on a histogram.
    """
    value = np.maximum(np.asarray(expected, dtype=np.float64).ravel(), 0.0)
    if not len(value):
        raise ValueError("tiers need at least one person")
    unit = max(float(np.median(value)), 1e-9)
    log_value = np.log1p(value / unit)
    low, high = np.quantile(log_value, [CLIP, 1 - CLIP], method="closest_observation")
    log_value = np.clip(log_value, low, high)
    first, second = _breaks(log_value)
    found = Borders(float(unit * np.expm1(first)), float(unit * np.expm1(second)))
    if before is None:
        return found
    return Borders(_between(before.potential, found.potential), _between(before.high, found.high))


def assign_tiers(
    expected: ArrayLike, borders: Borders, *, before: ArrayLike | None = None
) -> NDArray[np.int8]:
    """Return a tier for each person, as an index into TIERS, shape (people,).

    Args:
        expected: Shape (people,). Expected value of the next 12 months.
        borders: From `find_borders`.
        before: Shape (people,). Last month's tiers, -1 for people without one. Somebody changes
            tier only when 20 % beyond the border.
    """
    value = np.asarray(expected, dtype=np.float64).ravel()
    tier = _tier(value, borders)
    if before is None:
        return tier
    was = np.asarray(before, dtype=np.int8).ravel()
    highest = _tier(value * (1 + MARGIN), borders)
    lowest = _tier(value / (1 + MARGIN), borders)
    held = np.clip(was, lowest, highest).astype(np.int8)
    return np.where(was < 0, tier, held).astype(np.int8)


def _tier(value: Floats, borders: Borders) -> NDArray[np.int8]:
    up = (value >= borders.potential).astype(np.int8) + (value >= borders.high).astype(np.int8)
    return np.asarray(up, dtype=np.int8)


def _between(old: float, new: float) -> float:
    return float(np.exp((1 - FOLLOW) * np.log(max(old, 1e-12)) + FOLLOW * np.log(max(new, 1e-12))))


def _breaks(log_value: Floats) -> tuple[float, float]:
    low, high = float(log_value.min()), float(log_value.max())
    if high <= low:
        return low, high + 1e-9
    count, edge = np.histogram(log_value, bins=BINS, range=(low, high))
    middle = (edge[1:] + edge[:-1]) / 2
    people = np.concatenate([[0.0], np.cumsum(count)])
    total = np.concatenate([[0.0], np.cumsum(count * middle)])

    def held(start: NDArray[np.int64], end: NDArray[np.int64]) -> Floats:
        n = people[end] - people[start]
        least = max(LEAST_SHARE * people[-1], 1.0)
        square = (total[end] - total[start]) ** 2 / np.maximum(n, 1e-9)
        return np.where(n >= least, square, -np.inf)

    # Least spread within is most spread between: maximise the sum of n * mean^2.
    a, b = np.triu_indices(BINS - 1, 1)
    a, b = a + 1, b + 1
    none, whole = np.zeros_like(a), np.full_like(a, BINS)
    gain = held(none, a) + held(a, b) + held(b, whole)
    best = int(np.argmax(gain))
    if not np.isfinite(gain[best]):
        first, second = np.quantile(log_value, [1 / 3, 2 / 3])
        return float(first), float(second)
    return float(edge[a[best]]), float(edge[b[best]])
