"""The plain ways to name the next item: what any learnt way has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renwei.learn.sessions.neighbours import Vsknn
from renwei.learn.sessions.past import Floats, Past
from renwei.learn.sessions.rows import Ints

Scores = tuple[Ints, Floats]
_NONE = (np.zeros(0, np.int64), np.zeros(0))


def popular(session: Ints, item: Ints, half_life: float | None = None) -> Scores:
    """Return all items, the most clicked first, and their clicks.

    Args:
        session: Shape (clicks,). Session numbers in order of time.
        item: Shape (clicks,). Item numbers from 0.
        half_life: In sessions; with it a click counts less the older its session is.

    Example:
        >>> popular(np.array([0, 0, 1]), np.array([5, 5, 7]))[0].tolist()
        [5, 7]
    """
    age = session.max(initial=0) - session
    weight = np.ones(len(item)) if half_life is None else np.exp2(-age / half_life)
    every, same = np.unique(item, return_inverse=True)
    clicks = np.bincount(same.ravel(), weight, len(every))
    order = np.lexsort((every, -clicks))
    return every[order], np.asarray(clicks[order], float)


@dataclass(frozen=True)
class OwnItems:
    """The items of this session itself, the latest first."""

    def score(self, past: Past, clicks: Ints, own: int | None = None) -> Scores:
        """Return the distinct items of the session with one over their steps back."""
        item, first = np.unique(np.asarray(clicks, np.int64)[::-1], return_index=True)
        return item, 1.0 / (first + 1)


@dataclass(frozen=True)
class ItemKnn:
    """Cosine of items by the sessions that hold both, weighted by the place in this session.

    `fade` is the weight of an item by its step back: one over it, its square, or the last only.
    `again` counts an item as its own neighbour, so that it may come back.
    """

    neighbours: int = 100
    fade: str = "div"
    again: bool = True

    def score(self, past: Past, clicks: Ints, own: int | None = None) -> Scores:
        """Return what is kin to the last 20 distinct items of the session."""
        found = [
            _kin(past, int(item), self.neighbours, again=self.again, own=own, weight=weight)
            for item, weight in _weights(clicks, self.fade)
        ]
        return _merged(found)


@dataclass(frozen=True)
class Rules:
    """What followed an item within `window` clicks, one over the distance.

    Source:
        Kamehkhosh, Jannach and Ludewig (2017), A comparison of frequent pattern techniques and
        a deep learning method for session-based recommendation.
    """

    window: int = 3
    fade: str = "div"

    def score(self, past: Past, clicks: Ints, own: int | None = None) -> Scores:
        """Return what followed the last 20 distinct items of the session."""
        found = [
            _after(past, int(item), self.window, own=own, weight=weight)
            for item, weight in _weights(clicks, self.fade)
        ]
        return _merged(found)


Plain = OwnItems | ItemKnn | Rules | Vsknn


def _weights(clicks: Ints, fade: str) -> list[tuple[int, float]]:
    back = dict.fromkeys(np.asarray(clicks, np.int64)[::-1].tolist())
    items = list(back)[: 1 if fade == "last" else 20]
    power = 2 if fade == "quadratic" else 1
    return [(item, 1.0 / step**power) for step, item in enumerate(items, 1)]


def _others(past: Past, item: int, own: int | None) -> Ints:
    number = past.sessions_of(item).astype(np.int64)
    return number if own is None else number[number != own]


def _kin(
    past: Past, item: int, neighbours: int, *, again: bool, own: int | None, weight: float
) -> Scores:
    number = _others(past, item, own)
    if not len(number):
        return _NONE
    items, first, _ = past.spread(number)
    other, both = np.unique(items[first], return_counts=True)
    cosine = both / np.sqrt(len(number) * np.maximum(past.lengths(other), 1))
    if not again:
        other, cosine = other[other != item], cosine[other != item]
    kept = np.lexsort((other, -cosine))[:neighbours]
    return other[kept], weight * cosine[kept]


def _after(past: Past, item: int, window: int, *, own: int | None, weight: float) -> Scores:
    number = _others(past, item, own)
    items, _, size = past.spread(number)
    row = np.repeat(np.arange(len(number)), size)
    times = max(int((items == item).sum()), 1)
    found: list[Scores] = []
    for gap in range(1, min(window, len(items) - 1) + 1):
        joined = (row[gap:] == row[:-gap]) & (items[:-gap] == item)
        after = items[gap:][joined]
        found.append((after, np.full(len(after), weight / gap / times)))
    return _merged(found)


def _merged(found: list[Scores]) -> Scores:
    if not found:
        return _NONE
    items, same = np.unique(np.concatenate([one for one, _ in found]), return_inverse=True)
    score = np.bincount(same.ravel(), np.concatenate([s for _, s in found]), len(items))
    return items, np.asarray(score, float)
