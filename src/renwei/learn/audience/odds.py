"""What the signs of an audience add up to: chances, the buyers to expect, and the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from renwei.learn.audience.signs import SIGNS, Asked, Customers, Floats, Ints


@dataclass(frozen=True)
class Odds:
    """What each sign adds to the log odds of buying within the horizon.

    Attributes:
        way: "signs" (all of them), "category" or "recent" (simpler, fewer signs).
        adds: Shape (len(SIGNS),). 0 for signs that the way does not read; evidence never less.
        base: Log odds where every sign is 0.
        slope, shift: Of the recalibration on the last months.
        spread: How far whole items were off, as the standard deviation of a factor around 1.
        held: Share of 80 % intervals with that spread that held on the past.
    """

    way: str
    adds: Floats
    base: float
    slope: float = 1.0
    shift: float = 0.0
    spread: float = 0.5
    held: float = 0.0

    def score(self, asked: Asked) -> Floats:
        """Log odds before the recalibration: shape (people,)."""
        return np.asarray(asked.signs @ self.adds + self.base)

    def chance(self, score: Floats) -> Floats:
        """Chance to buy within the horizon."""
        return np.asarray(expit(self.slope * score + self.shift))


@dataclass(frozen=True)
class Evidence:
    """Why one person stands where they stand.

    Attributes:
        sign: The evidence that adds most; "" where none adds anything.
        items: Items behind that sign, the strongest first.
        adds: What each item adds to the score through all signs together, in log odds.
        share: Of all that the person's items add, how much comes from these.
    """

    sign: str
    items: tuple[int, ...]
    adds: tuple[float, ...]
    share: float


def evidence(now: Customers, asked: Asked, odds: Odds, person: int, most: int = 3) -> Evidence:
    """Take the score of one person apart by what they bought and looked at.

    A sign grows with the sum over a person's items, so each item's part of the sign is its part
    of the sum: without it the score is lower.
    """
    parts = _parts(now, asked, odds, person)
    by_sign = {sign: sum(own.values()) for sign, own in parts.items()}
    sign = max(by_sign, key=lambda name: by_sign[name])
    if by_sign[sign] <= 0:
        return Evidence("", (), (), 0.0)
    whole = {item: 0.0 for own in parts.values() for item in own}
    for own in parts.values():
        for item, part in own.items():
            whole[item] += part
    lead = parts[sign]
    best = sorted(lead, key=lambda item: (-lead[item], item))[:most]
    best = [item for item in best if lead[item] >= 0.05 * by_sign[sign]]
    adds = tuple(whole[item] for item in best)
    return Evidence(sign, tuple(best), adds, sum(adds) / sum(whole.values()))


def _parts(now: Customers, asked: Asked, odds: Odds, person: int) -> dict[str, dict[int, float]]:
    """What each item of a person adds to the score, by sign; looks late and early are one."""
    signs = dict(zip(SIGNS, (asked.signs[person] * odds.adds).tolist(), strict=True))
    here = slice(int(now.begins[person]), int(now.begins[person + 1]))
    own = now.item[here]
    parts: dict[str, dict[int, float]] = {name: {} for name in ("own", *_BY_ITEM, "looked")}
    if signs["own"] + signs["own_recent"] > 0:
        parts["own"][asked.item] = signs["own"] + signs["own_recent"]
    for name in _BY_ITEM:
        strength = asked.strengths[name][own]
        _share_out(parts[name], own, now.weight[here] * strength, signs[name])
    late = now.late_weight[here] * asked.strengths["near"][own]
    _share_out(parts["near"], own, late, signs["near_late"])
    if signs["looked"] > 0:
        _share_out(parts["looked"], *_seen_by(now, asked, person), signs["looked"])
    return parts


_BY_ITEM = ("near", "alike", "category", "brand")


def _share_out(parts: dict[int, float], items: Ints, adds: Floats, sign: float) -> None:
    total = float(adds.sum())
    if total <= 0 or sign <= 0:
        return
    for item, part in zip(items.tolist(), (adds / total * sign).tolist(), strict=True):
        if part > 0:
            parts[item] = parts.get(item, 0.0) + part


def _seen_by(now: Customers, asked: Asked, person: int) -> tuple[Ints, Floats]:
    who, what, weight = now.looks
    mine = who == person
    strength = 0.5 * np.maximum(asked.strengths["near"], asked.strengths["alike"])
    strength[asked.item] = 1.0
    return what[mine], weight[mine] * strength[what[mine]]


@dataclass(frozen=True)
class Expected:
    """Buyers among the first `n`: the mean and the ends of an 80 % interval."""

    n: int
    mean: float
    low: int
    high: int


def expected(chances: Floats, spread: float, *, coverage: float = 0.8) -> Expected:
    """How many of some people will buy, with what is uncertain about the item itself.

    Given the item, people decide apart: their number follows the Poisson-binomial law, summed
    up exactly. How much an item is wanted is not known that well: all rates are multiplied by a
    gamma factor of mean 1 whose standard deviation is what past items were off by.

    Args:
        chances: Shape (n,). Of each person, calibrated.
        spread: Standard deviation of the factor, from the back-test.
        coverage: Of the interval.

    Example:
        >>> expected(np.full(50, 0.1), 0.0)
        Expected(n=50, mean=5.0, low=2, high=8)
    """
    low, high = ends(counts(chances, spread), coverage)
    return Expected(len(chances), round(float(chances.sum()), 4), low, high)


def ends(law: Floats, coverage: float = 0.8) -> tuple[int, int]:
    """Both ends of the middle of a law of counts: below and above lies at most half the rest."""
    upto, tail = law.cumsum(), (1.0 - coverage) / 2.0
    low, high = np.searchsorted(upto, [tail, 1.0 - tail - 1e-12])
    return int(low), int(min(high, len(law) - 1))


def counts(chances: Floats, spread: float) -> Floats:
    """The chance of 0, 1, ... buyers among some people: shape (people + 1,)."""
    return laws(chances, spread, (len(chances),))[0]


def laws(chances: Floats, spread: float, tops: Sequence[int], *, factors: int = 21) -> list[Floats]:
    """`counts` of the first so many people, for each of `tops` (ascending), in one go."""
    factor = _factors(spread, factors)
    rate = -np.log1p(-np.clip(chances, 0.0, 1.0 - 1e-12))
    each = -np.expm1(-factor[:, None] * rate[None, :])
    law = np.zeros((len(factor), len(chances) + 1))
    law[:, 0] = 1.0
    found = {0: law[:, :1].mean(axis=0)}
    for k in range(max(tops, default=0)):
        p = each[:, k : k + 1]
        come = law[:, : k + 1] * p
        law[:, : k + 1] -= come
        law[:, 1 : k + 2] += come
        if k + 1 in tops:
            found[k + 1] = law[:, : k + 2].mean(axis=0)
    return [np.asarray(found[n]) for n in tops]


def _factors(spread: float, n: int) -> Floats:
    if spread < 0.01:
        return np.ones(1)
    from scipy.stats import gamma

    shape = 1.0 / spread**2
    found = gamma.ppf((np.arange(n) + 0.5) / n, shape, scale=1.0 / shape)
    return np.asarray(found / found.mean())
