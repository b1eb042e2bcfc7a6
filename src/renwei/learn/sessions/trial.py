"""How well the next item is foreseen: prefixes with what came next, and the usual metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renwei.learn.sessions.past import Floats
from renwei.learn.sessions.rows import Ints


@dataclass(frozen=True)
class Case:
    """What a session had clicked, and what it clicked next."""

    clicks: Ints
    target: int
    session: int = 0


def cases_of(sessions: list[Ints], most: int | None = None, seed: int = 1) -> list[Case]:
    """Return every prefix of every session, or `most` of them drawn at random, in order."""
    ends = [(s, end) for s, clicks in enumerate(sessions) for end in range(1, len(clicks))]
    if most is not None and most < len(ends):
        drawn = np.random.default_rng(seed).choice(len(ends), most, replace=False)
        ends = [ends[k] for k in np.sort(drawn)]
    return [Case(sessions[s][:end], int(sessions[s][end]), s) for s, end in ends]


def rank_of(items: Ints, target: int) -> int:
    """Return the place of the target in a list, from 1; 0 where it is not there."""
    found = np.flatnonzero(items == target)
    return int(found[0]) + 1 if len(found) else 0


def hits(ranks: Ints) -> Floats:
    """1 where the target was in the list, shape (n,)."""
    return (ranks > 0).astype(float)


def reciprocal(ranks: Ints) -> Floats:
    """One over the place, 0 where it was not there, shape (n,)."""
    return np.where(ranks > 0, 1.0 / np.maximum(ranks, 1), 0.0)


def gains(ranks: Ints) -> Floats:
    """Discounted gain of the one right item, shape (n,): the NDCG of each case."""
    return np.where(ranks > 0, 1.0 / np.log2(np.maximum(ranks, 1) + 1.0), 0.0)


def bootstrap_mean(
    values: Floats, groups: Ints | None = None, *, rounds: int = 200, seed: int = 1
) -> tuple[float, float, float]:
    """Return the mean with its 95 % interval.

    Args:
        values: Shape (n,).
        groups: Shape (n,). Cases of one session are drawn together, since they are alike.
        rounds: Resamples.
        seed: Same seed, same answer.

    Example:
        >>> bootstrap_mean(np.array([1.0, 1.0]))
        (1.0, 1.0, 1.0)
    """
    if not len(values):
        return (float("nan"),) * 3
    label = np.arange(len(values)) if groups is None else groups
    same = np.unique(label, return_inverse=True)[1].ravel()
    total, count = np.bincount(same, values), np.bincount(same)
    chance = np.random.default_rng(seed)
    drawn = chance.integers(0, len(total), (rounds, len(total)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)
