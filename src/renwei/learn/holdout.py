"""What a hold-out says: people who got something against people left out of it by chance.

A difference comes with an 80 % interval, and with a verdict that asks for more: it is "clear"
only where 95 % hold after looking at several measures at once, and "leaning" where the 80 %
interval alone leaves out zero. Anything else is "unclear", which is what most shops see most
of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.8
"""Of the interval that is shown."""
LEAST = 30
"""People without which nothing is said, in either group."""
WANTED = 0.1
"""`needed` is what it takes to see a difference of this share of the held-out mean."""


@dataclass(frozen=True)
class Group:
    """One number a person, summed up: how many people, their mean and their variance."""

    n: int
    mean: float
    variance: float

    @classmethod
    def of(cls, values: ArrayLike) -> Group:
        """Of shape (people,)."""
        held: NDArray[Any] = np.asarray(values, dtype=np.float64)
        n = len(held)
        spread = float(held.var(ddof=1)) if n > 1 else 0.0
        return cls(n, float(held.mean()) if n else 0.0, spread)


@dataclass(frozen=True)
class Difference:
    """Shown minus held out, in the measure's own unit, with its 80 % interval.

    Attributes:
        verdict: clear, leaning, unclear, or not_enough where a group is too small.
        needed: People in all from which a difference of a tenth would show; None where the
            held-out people did nothing at all.
    """

    value: float
    low: float
    high: float
    verdict: str
    needed: int | None


def shares(shown: tuple[int, int], held: tuple[int, int], *, looks: int = 1) -> Difference:
    """Compare two shares.

    Args:
        shown: How many did it, and of how many people.
        held: The same of the people held out.
        looks: How many measures are looked at side by side.

    Source:
        Newcombe (1998), method 10. doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Example:
        >>> shares((300, 1000), (10, 100)).verdict
        'clear'
    """

    def reach(level: float) -> tuple[float, float]:
        if not (shown[1] and held[1]):
            return -1.0, 1.0
        p, q = shown[0] / shown[1], held[0] / held[1]
        low_p, high_p = wilson(*shown, level=level)
        low_q, high_q = wilson(*held, level=level)
        return p - q - math.hypot(p - low_p, high_q - q), p - q + math.hypot(high_p - p, q - low_q)

    base = held[0] / max(held[1], 1)
    value = shown[0] / max(shown[1], 1) - base
    return _judged(value, base, (shown[1], held[1]), reach, looks)


def means(shown: Group, held: Group, *, looks: int = 1) -> Difference:
    """Compare two means, such as money a person: most are 0 and few are large.

    Where few large orders make the spread, a small group that missed them seems to be certain of
    its low mean; a group therefore has at least the spread of everybody taken together.

    Source:
        Welch (1947), Biometrika 34(1/2). doi:10.2307/2332510.

    Example:
        >>> a, b = Group(900, 11.5, 100.0), Group(100, 10.0, 90.0)
        >>> round(means(a, b).value, 1), means(a, b).verdict
        (1.5, 'leaning')
    """
    pooled = _pooled(shown, held)
    parts = [max(one.variance, pooled) / max(one.n, 1) for one in (shown, held)]
    error = math.sqrt(sum(parts))
    value = shown.mean - held.mean

    def reach(level: float) -> tuple[float, float]:
        from scipy.special import stdtrit

        below = sum(p * p / max(one.n - 1, 1) for p, one in zip(parts, (shown, held), strict=True))
        degrees = sum(parts) ** 2 / below if below else 1.0
        far = float(stdtrit(degrees, 0.5 + level / 2)) * error
        return value - far, value + far

    return _judged(value, held.mean, (shown.n, held.n), reach, looks)


def wilson(hits: int, n: int, *, level: float = LEVEL) -> tuple[float, float]:
    """The score interval of a share.

    Source:
        Wilson (1927), JASA 22(158). doi:10.1080/01621459.1927.10502953.

    Example:
        >>> [round(end, 3) for end in wilson(5, 10, level=0.9)]
        [0.269, 0.731]
    """
    from scipy.special import ndtri

    share, z = hits / n, float(ndtri(0.5 + level / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    far = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(middle - far, 0.0), min(middle + far, 1.0)


def lopsided(held: int, people: int, share: float) -> bool:
    """Whether chance alone hardly ever splits people so (a p-value below 0.001).

    Then something drops people from one group more than from the other, and no comparison of
    the two is to be believed.

    Example:
        >>> lopsided(50, 1000, 0.05), lopsided(5, 1000, 0.05)
        (False, True)
    """
    from scipy.stats import binomtest

    return people > 0 and 0 < share < 1 and bool(binomtest(held, people, share).pvalue < 1e-3)


def _pooled(shown: Group, held: Group) -> float:
    """The variance of everybody taken together."""
    n = shown.n + held.n
    if n < 2:
        return 0.0
    mean = (shown.n * shown.mean + held.n * held.mean) / n
    squares = sum(
        max(one.n - 1, 0) * one.variance + one.n * (one.mean - mean) ** 2 for one in (shown, held)
    )
    return squares / (n - 1)


def _judged(value: float, base: float, n: tuple[int, int], reach: Any, looks: int) -> Difference:
    low, high = reach(LEVEL)
    needed = None
    if base and min(n) > 1:
        half = (high - low) / 2
        needed = math.ceil(sum(n) * (half / (WANTED * abs(base))) ** 2)
    if min(n) < LEAST:
        return Difference(value, low, high, "not_enough", needed)
    surely_low, surely_high = reach(1 - 0.05 / max(looks, 1))
    if surely_low > 0 or surely_high < 0:
        verdict = "clear"
    else:
        verdict = "leaning" if low > 0 or high < 0 else "unclear"
    return Difference(value, low, high, verdict, needed)
