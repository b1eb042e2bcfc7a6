"""Whether a model is worth switching on: its gain on the past over an honest baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from renwei.learn.cells import Floats, Ints

Light = Literal["ready", "weak", "not_yet", "not_enough"]


@dataclass(frozen=True)
class Gain:
    """How much less a model lost than the baseline, per row, with an interval.

    Attributes:
        value, low, high: Positive is better than the baseline.
        n: Units (people) behind it.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Curve:
    """A learning curve: sizes, mean gain at each, and its standard error; shape (sizes,)."""

    size: Ints
    gain: Floats
    error: Floats


def paired_gain(
    baseline: ArrayLike,
    model: ArrayLike,
    *,
    unit: ArrayLike | None = None,
    level: float = 0.9,
    rounds: int = 500,
    seed: int = 1,
) -> Gain:
    """Return the mean of baseline loss minus model loss, with a bootstrap interval.

    Args:
        baseline: Shape (rows,). Loss of the baseline on each row.
        model: Shape (rows,). Loss of the model on the same rows.
        unit: Shape (rows,). Who the row is about: rows of one person are resampled together.
        level: Of the interval.
        rounds: Resamples.
        seed: Same seed, same answer.

    Raises:
        ValueError: The shapes differ or there is no row.
    """
    less = np.asarray(baseline, dtype=np.float64).ravel() - np.asarray(model, np.float64).ravel()
    if not len(less):
        raise ValueError("a gain needs at least one row")
    whose = np.arange(len(less)) if unit is None else np.asarray(unit).ravel()
    _, row = np.unique(whose, return_inverse=True)
    total, rows = np.bincount(row, weights=less), np.bincount(row).astype(np.float64)
    n = len(total)
    chance = np.random.default_rng(seed)
    tried = np.empty(rounds)
    for k in range(rounds):
        times = np.bincount(chance.integers(0, n, n), minlength=n)
        tried[k] = (times @ total) / (times @ rows)
    low, high = np.quantile(tried, [(1 - level) / 2, (1 + level) / 2])
    return Gain(float(less.mean()), float(low), float(high), n)


def light(gain: Gain, *, happened: int, least_people: int = 100, least_happened: int = 25) -> Light:
    """Return what to tell the shop.

    "not_enough": too little to judge by. "ready": better beyond chance. "weak": better, but
    perhaps by chance. "not_yet": no better than the baseline.

    Args:
        gain: From `paired_gain`, on rows the model was not fitted to.
        happened: How often what is foreseen happened in the back-test; what did not happen
            must be as frequent, so pass the smaller of the two.
        least_people: Fewer are not judged.
        least_happened: Fewer are not judged.
    """
    if gain.n < least_people or happened < least_happened:
        return "not_enough"
    if gain.low > 0:
        return "ready"
    return "weak" if gain.value > 0 else "not_yet"


def learning_curve(
    gain_of: Callable[[Ints], float],
    people: int,
    *,
    shares: tuple[float, ...] = (0.25, 0.5, 1.0),
    draws: int = 4,
    seed: int = 1,
) -> Curve:
    """Measure the gain on random parts of the shop.

    Args:
        gain_of: Given the row numbers of some people, fits on them and returns the gain.
        people: How many there are.
        shares: Of people, ascending, the last 1.
        draws: Random parts a share; the whole is measured once.
        seed: Same seed, same parts.
    """
    chance = np.random.default_rng(seed)
    size, gain, error = [], [], []
    for share in shares:
        n = max(round(people * share), 1)
        times = 1 if n >= people else draws
        got = [gain_of(np.sort(chance.permutation(people)[:n])) for _ in range(times)]
        size.append(n)
        gain.append(float(np.mean(got)))
        error.append(float(np.std(got, ddof=1) / np.sqrt(times)) if times > 1 else float("nan"))
    return Curve(np.array(size, dtype=np.int64), np.array(gain), np.array(error))


def still_needed(gain: Gain, curve: Curve | None = None, *, at_most: float = 1e7) -> int | None:
    """Return about how many more people it takes until the gain is beyond chance.

    The gain is taken to grow as a - b / sqrt(n) along the curve (or to stay, without one),
    and the interval to shrink with 1 / sqrt(n).

    Returns:
        0 if it already is; None if on this trend it never will be.
    """
    if gain.low > 0:
        return 0
    limit, slope = gain.value, 0.0
    if curve is not None and len(curve.size) > 1:
        A = np.column_stack([np.ones(len(curve.size)), -1 / np.sqrt(curve.size)])
        limit, slope = (float(v) for v in np.linalg.lstsq(A, curve.gain, rcond=None)[0])
        # A curve that falls with more data is noise: then the gain is taken to stay.
        if slope < 0:
            limit, slope = gain.value, 0.0
    width = (gain.value - gain.low) * np.sqrt(gain.n)
    if limit <= 0:
        return None
    needed = ((slope + width) / limit) ** 2
    return None if needed > at_most else max(int(np.ceil(needed)) - gain.n, 1)
