"""The plain ways to name the next item: what any learnt way has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renwei.learn.sessions.neighbours import Vsknn
from renwei.learn.sessions.past import Floats, Past
from renwei.learn.sessions.rows import Ints

Scores = tuple[Ints, Floats]
_NONE = (np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True)
class Popular:
    """All clicks of each item; with a `half_life` in sessions, the recent ones count more."""

    half_life: float | None = None

    def score(self, past: Past, clicks: Ints, own: int | None = None) -> Scores:
        """Return every item that was ever clicked; `past` keeps the half-lives it was made with."""
        every = np.arange(past.items)
        if self.half_life is None:
            return every, past.counts(every).astype(float)
        both = (past.bounds.fast, past.bounds.slow)
        if self.half_life not in both:
            raise ValueError(f"This past keeps the half-lives {both}, not {self.half_life}.")
        return every, past.heat(every)[both.index(self.half_life)]


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


Plain = Popular | OwnItems | ItemKnn | Rules | Vsknn


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
