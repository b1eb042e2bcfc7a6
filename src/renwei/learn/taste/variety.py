"""From a ranking to a list: caps, variety, the person's own mix, and a share for the rest.

One greedy pass puts the best next item into each place. An item's log-odds lose by likeness to
what already stands in the list and by how far the list's mix of categories would be from the
person's. What a place is worth is the chance that follows times the weight of the place, less a
share for items that everybody has been shown: an unknown item costs little in a low place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.learn.taste.measures import coverage, hits
from renwei.learn.taste.table import Floats, Ints

SMOOTH = 0.01
SLIDER = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Places of a slider from relevance to variety whose price is measured."""
MOST_SHARE = 0.05


@dataclass(frozen=True)
class Wishes:
    """How strongly a list departs from the plain ranking.

    Attributes:
        variety: Log-odds taken off for likeness 1 to something already in the list.
        own_mix: Log-odds taken off for each nat that the list's categories are away from the
            person's.
        share: Expected hits (at the first place) given for showing what nobody was shown; half
            of it is left at `often` shows.
        often: Shows at which half of `share` is taken off.
        most: Places at most of one value of each column of groups, by its name.
    """

    variety: float = 0.0
    own_mix: float = 0.0
    share: float = 0.0
    often: float = 0.5
    most: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidates:
    """The candidates of one person, columns of shape (n,).

    Attributes:
        item: Numbers.
        score: Log-odds, in any order; -inf can not be chosen.
        likeness: Shape (n, n), 0 to 1; None where variety is not asked for.
        groups: Category, brand ... by name; -1 is unknown and is never capped.
        mix: Which column of groups `own_mix` is about, and the person's share of each value.
        shown: How often each item has been shown lately.
    """

    item: Ints
    score: NDArray[Any]
    likeness: NDArray[Any] | None = None
    groups: Mapping[str, Ints] = field(default_factory=dict)
    mix: tuple[str, NDArray[np.float64]] | None = None
    shown: NDArray[Any] | None = None


def share_of(slider: float) -> float:
    """`Wishes.share` at a place of the slider, in [0, 1]; the first half of it costs little.

    Example:
        >>> share_of(0.0), share_of(1.0)
        (0.0, 0.05)
    """
    return MOST_SHARE * slider**2


def rerank(candidates: Candidates, k: int, wishes: Wishes) -> Ints:
    """Return the rows of the candidates that stand in the list, at most k, first place first.

    Caps hold always, so the list is shorter where they leave nothing.

    Source:
        Carbonell, Goldstein (1998), The use of MMR. SIGIR. doi:10.1145/290941.291025.
        Steck (2018), Calibrated recommendations. RecSys. doi:10.1145/3240323.3240372.

    Example:
        >>> same = Candidates(np.arange(3), np.array([3.0, 2.9, 1.0]), np.eye(3) + 0)
        >>> rerank(same, 2, Wishes()).tolist()
        [0, 1]
        >>> alike = Candidates(same.item, same.score, np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]))
        >>> rerank(alike, 2, Wishes(variety=2.0)).tolist()
        [0, 2]
    """
    value = candidates.score.astype(np.float64)
    crowd: NDArray[Any] = np.zeros(len(value))
    if wishes.share and candidates.shown is not None:
        crowd = wishes.share * crowding(candidates.shown, wishes.often)
    if not (wishes.variety or wishes.own_mix or wishes.most):
        return _plain(value, crowd if wishes.share else None, k)
    free = np.isfinite(value)
    near = np.zeros(len(value))
    counts = None if candidates.mix is None else np.zeros(len(candidates.mix[1]))
    used: dict[str, dict[int, int]] = {name: {} for name in wishes.most}
    chosen: list[int] = []
    while len(chosen) < k and free.any():
        worth = value - wishes.variety * near
        if wishes.own_mix and counts is not None:
            worth = worth - wishes.own_mix * _gaps(candidates, counts)
        if wishes.share:
            worth = _chance(worth) / np.log2(len(chosen) + 2) - crowd
        row = int(np.argmax(np.where(free, worth, -np.inf)))
        chosen.append(row)
        free[row] = False
        if wishes.variety and candidates.likeness is not None:
            near = np.maximum(near, candidates.likeness[row])
        if counts is not None and candidates.mix is not None:
            group = candidates.groups[candidates.mix[0]][row]
            counts[group] += group >= 0
        _close_full(candidates, row, wishes.most, used, free)
    return np.array(chosen, np.int64)


def _plain(value: NDArray[np.float64], crowd: NDArray[Any] | None, k: int) -> Ints:
    """The list when nothing depends on what already stands in it."""
    fine = int(np.isfinite(value).sum())
    if crowd is None:
        return np.argsort(-value, kind="stable")[: min(k, fine)]
    chance = np.where(np.isfinite(value), _chance(value), -np.inf)
    chosen = np.empty(min(k, fine), np.int64)
    for place in range(len(chosen)):
        row = int(np.argmax(chance / np.log2(place + 2) - crowd))
        chosen[place] = row
        chance[row] = -np.inf
    return chosen


def crowding(shown: NDArray[Any], often: float) -> NDArray[Any]:
    """From 0 for never shown towards 1, 0.5 at `often` shows."""
    out: NDArray[Any] = shown / (shown + often)
    return out


def rerank_all(people: Sequence[Candidates], k: int, wishes: Wishes, *, items: int) -> Ints:
    """Lists for many people, each knowing what all the others are shown.

    Everybody's list without a share is what they are shown at first; then one after the other
    gets a new one. Live, the counts are those of the last days.

    Returns:
        Shape (people, k), item numbers, -1 in empty places.
    """
    out = np.full((len(people), k), -1)
    for number, one in enumerate(people):
        rows = rerank(one, k, Wishes(wishes.variety, wishes.own_mix, most=wishes.most))
        out[number, : len(rows)] = one.item[rows]
    if not wishes.share:
        return out
    shown = np.bincount(out[out >= 0], minlength=items).astype(np.float32)
    for number, one in enumerate(people):
        own = out[number][out[number] >= 0]
        shown[own] -= 1.0
        asked = Candidates(one.item, one.score, one.likeness, one.groups, one.mix, shown[one.item])
        rows = rerank(asked, k, wishes)
        out[number] = -1
        out[number, : len(rows)] = one.item[rows]
        shown[one.item[rows]] += 1.0
    return out


def own_mix(category: Ints, amount: Floats, categories: int) -> NDArray[np.float64]:
    """The share of each category in a history, shape (categories,); even where it is empty."""
    known = category >= 0
    sums = np.bincount(category[known], amount[known], categories).astype(np.float64)
    if not sums.sum():
        return np.full(categories, 1.0 / max(categories, 1))
    share: NDArray[np.float64] = sums / sums.sum()
    return share


def mix_gap(own: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """How far counts of categories are from a person's shares, in nats (Kullback-Leibler).

    Example:
        >>> round(mix_gap(np.array([0.5, 0.5]), np.array([3.0, 3.0])), 3)
        0.0
    """
    share = counts / max(counts.sum(), 1e-12)
    share = (1 - SMOOTH) * share + SMOOTH * own
    has = own > 0
    return float((own[has] * np.log(own[has] / share[has])).sum())


@dataclass(frozen=True)
class Price:
    """What one strength costs and brings, both as a ratio to the plain ranking."""

    strength: float
    ndcg: float
    coverage: float
    ndcg_ratio: float
    coverage_ratio: float


def price_curve(
    people: Sequence[Candidates],
    targets: Sequence[Ints],
    *,
    items: int,
    strengths: Sequence[float],
    k: int = 20,
    catalogue: int | None = None,
) -> list[Price]:
    """Measure the share given to the rest of the shelf, for a slider that shows its price.

    Args:
        people: Candidates of each.
        targets: What came for each.
        items: How many numbers there are.
        strengths: Values of `Wishes.share`, 0 not needed.
        k: Places.
        catalogue: Items that could be shown; default all.
    """
    found = []
    for strength in (0.0, *[one for one in strengths if one]):
        lists = rerank_all(people, k, Wishes(share=strength), items=items)
        found.append(
            (strength, float(hits(lists, targets).ndcg.mean()), coverage(lists, catalogue or items))
        )
    _, ndcg, wide = found[0]
    return [
        Price(s, n, c, n / ndcg if ndcg else 1.0, c / wide if wide else 1.0) for s, n, c in found
    ]


def strongest_within(curve: Sequence[Price], loss: float) -> Price:
    """The strength with the widest coverage among those that lose at most this share of NDCG."""
    fine = [one for one in curve if one.ndcg_ratio >= 1.0 - loss]
    return max(fine, key=lambda one: (one.coverage, -one.strength))


def _chance(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0)))
    return out


def _gaps(candidates: Candidates, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The gap that the list would have with each candidate added, shape (n,)."""
    if candidates.mix is None:
        return np.zeros(len(candidates.item))
    name, own = candidates.mix
    gaps = np.empty(len(own) + 1)
    for group in range(len(own)):
        counts[group] += 1.0
        gaps[group] = mix_gap(own, counts)
        counts[group] -= 1.0
    # An unknown category leaves the mix as it is; it is last, where -1 points.
    gaps[-1] = mix_gap(own, counts) if counts.any() else gaps[:-1].max(initial=0.0)
    out: NDArray[np.float64] = gaps[candidates.groups[name]]
    return out


def _close_full(
    candidates: Candidates,
    row: int,
    most: Mapping[str, int],
    used: dict[str, dict[int, int]],
    free: NDArray[np.bool_],
) -> None:
    for name, limit in most.items():
        group = int(candidates.groups[name][row])
        if group < 0:
            continue
        used[name][group] = used[name].get(group, 0) + 1
        if used[name][group] >= limit:
            free &= candidates.groups[name] != group
