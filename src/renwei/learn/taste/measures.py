"""How good lists are for the people they were made for, and what they do to the shelf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renwei.learn.taste.table import Ints

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Hits:
    """Per person, each of shape (people,).

    `recall` is hits over min(k, targets), `ndcg` has gain 1 a hit, `mrr` is 1 over the place of
    the first hit.
    """

    recall: Doubles
    ndcg: Doubles
    mrr: Doubles


def hits(lists: Ints, targets: Sequence[Ints]) -> Hits:
    """Score lists of shape (people, k), -1 for an empty place, against what came.

    Example:
        >>> hits(np.array([[4, 2]]), [np.array([2, 9, 7])]).recall.tolist()
        [0.5]
    """
    n, k = lists.shape
    good = np.zeros((n, k), bool)
    for row, came in enumerate(targets):
        good[row] = np.isin(lists[row], came) & (lists[row] >= 0)
    many = np.minimum(np.array([len(came) for came in targets], np.int64), k)
    gain = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(gain)])[many]
    place = np.where(good.any(1), good.argmax(1) + 1.0, np.inf)
    safe = np.maximum(many, 1)
    return Hits(good.sum(1) / safe, good @ gain / np.where(ideal > 0, ideal, 1.0), 1.0 / place)


def coverage(lists: Ints, items: int) -> float:
    """Share of the catalogue that stands in at least one list."""
    return len(np.unique(lists[lists >= 0])) / max(items, 1)


def gini(lists: Ints, items: int) -> float:
    """How unevenly places fall to items: 0 all the same, towards 1 all to one.

    Example:
        >>> gini(np.array([[0, 1], [2, 3]]), 4)
        0.0
    """
    shown = np.sort(np.bincount(lists[lists >= 0], minlength=items)).astype(np.float64)
    if not shown.sum():
        return 0.0
    rank = np.arange(1, items + 1)
    return float((2 * rank - items - 1) @ shown / (items * shown.sum()))


def entropy(lists: Ints, category: Ints) -> Doubles:
    """How mixed each list's categories are, in bits, shape (people,); unknown ones left out."""
    out = np.zeros(len(lists))
    for row, one in enumerate(lists):
        names = category[one[one >= 0]]
        _, count = np.unique(names[names >= 0], return_counts=True)
        share = count / max(count.sum(), 1)
        out[row] = -(share * np.log2(share)).sum() + 0.0
    return out


def interval(
    values: Doubles, *, level: float = 0.95, rounds: int = 1_000, seed: int = 1
) -> tuple[float, float]:
    """Percentile bootstrap of the mean over people; (nan, nan) of nobody."""
    if not len(values):
        return float("nan"), float("nan")
    chance = np.random.default_rng(seed)
    means = np.empty(rounds)
    for k in range(rounds):
        means[k] = values[chance.integers(0, len(values), len(values))].mean()
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Gain:
    """A mean difference of the same people, with its interval."""

    mean: float
    low: float
    high: float
    people: int

    @property
    def clear(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0


def gain(stronger: Doubles, simpler: Doubles, *, level: float = 0.95, seed: int = 1) -> Gain:
    """By how much one way beats another, person by person, each of shape (people,)."""
    apart = stronger - simpler
    low, high = interval(apart, level=level, seed=seed)
    return Gain(float(apart.mean()) if len(apart) else float("nan"), low, high, len(apart))
