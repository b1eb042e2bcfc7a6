"""V-SKNN: the most similar recent sessions vote for their items. The bar for anything cleverer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from renwei.learn.sessions.past import Floats, Past
from renwei.learn.sessions.rows import Ints

Fall = Literal["same", "linear", "div", "quadratic"]
_BY_PLACE: dict[Fall, Callable[[Floats, int], Floats]] = {
    "same": lambda place, length: np.ones(len(place)),
    "linear": lambda place, length: np.maximum(1 - 0.1 * (length - place), 0),
    "div": lambda place, length: place / length,
    "quadratic": lambda place, length: (place / length) ** 2,
}
_BY_STEP: dict[Fall, Callable[[Floats], Floats]] = {
    "same": lambda step: np.ones(len(step)),
    "linear": lambda step: np.maximum(1 - 0.1 * step, 0),
    "div": lambda step: 1 / step,
    "quadratic": lambda step: 1 / step**2,
}


@dataclass(frozen=True)
class Vsknn:
    """Settings of V-SKNN.

    `sample` most recent sessions that share an item are compared, the `k` most similar vote.
    `weighting` makes earlier clicks of this session count less; `decay` weakens the vote of a
    session whose latest shared item was clicked `step` clicks ago.

    Source:
        Ludewig and Jannach (2018), Evaluation of session-based recommendation algorithms,
        User Modeling and User-Adapted Interaction 28. doi:10.1007/s11257-018-9209-6.
    """

    k: int = 100
    sample: int = 1_000
    weighting: Fall = "div"
    decay: Fall = "div"

    def score(self, past: Past, clicks: Ints, own: int | None = None) -> tuple[Ints, Floats]:
        """Return the items that a neighbour holds, in order of number, and their scores."""
        item, place = _last_places(clicks)
        length = len(clicks)
        none = np.zeros(0, np.int64), np.zeros(0)
        if not length:
            return none
        shared = np.unique(np.concatenate([past.sessions_of(int(x)) for x in item]))
        shared = shared[shared != own] if own is not None else shared
        number = shared[-self.sample :].astype(np.int64)
        if not len(number):
            return none
        items, first, size = past.spread(number)
        most = max(int(items.max()), int(item.max())) + 1
        weight, step = np.zeros(most), np.full(most, np.inf)
        weight[item] = _BY_PLACE[self.weighting](place, length) / len(item)
        step[item] = length - place + 1
        row = np.repeat(np.arange(len(number)), size)
        likeness = np.bincount(row, weight[items] * first)
        nearest = np.minimum.reduceat(step[items], np.cumsum(size) - size)
        # Of equally similar sessions the later one is taken.
        kept = np.lexsort((-number, -likeness.round(12)))[: self.k]
        vote = np.zeros(len(number))
        vote[kept] = likeness[kept] * _BY_STEP[self.decay](nearest[kept])
        score = np.bincount(items, vote[row] * first)
        found = np.flatnonzero(score > 0)
        return found, np.asarray(score[found], float)


def _last_places(clicks: Ints) -> tuple[Ints, Floats]:
    """Distinct items with the place, from 1, of their last click."""
    back = np.asarray(clicks, np.int64)[::-1]
    item, first = np.unique(back, return_index=True)
    return item, (len(back) - first).astype(float)
