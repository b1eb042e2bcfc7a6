"""Made-up shops: lists ranked by a score, clicks by known places and known attractions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.learn.impressions.rows import Impressions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """What is true.

    Attributes:
        spread: Of the logarithm of what items attract beyond their score. steep: Of places.
        noise: Of a person's score of an item: how much lists differ.
        explore: Share of slots filled by chance. taste: Of the score, how much it says of clicks.
    """

    lists: int = 6_000
    items: int = 60
    people: int = 1_500
    length: int = 10
    spread: float = 0.5
    steep: float = 1.0
    noise: float = 0.6
    explore: float = 0.05
    taste: float = 1.0
    base: float = 0.25
    seed: int = 0

    def with_(self, **changes: float) -> World:
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Made:
    rows: Impressions
    curve: Floats
    attracts: Floats


def made(world: World) -> Made:
    """Draw a log."""
    chance = np.random.default_rng(world.seed)
    n, k = world.lists, world.length
    attracts = np.exp(world.spread * chance.standard_normal(world.items))
    general = 0.4 * chance.standard_normal(world.items)
    score = np.exp(general + world.noise * chance.standard_normal((n, world.items)))
    order = np.argsort(-score, axis=1)[:, :k]
    odds = np.full((n, k), 1 - world.explore)
    for slot in range(k):
        drawn = np.flatnonzero(chance.random(n) < world.explore)
        pick = chance.integers(0, world.items, len(drawn))
        free = ~(order[drawn] == pick[:, None]).any(axis=1)
        order[drawn[free], slot] = pick[free]
        odds[drawn[free], slot] = world.explore / world.items
    curve = np.arange(1.0, k + 1) ** -world.steep
    scores = np.take_along_axis(score, order, axis=1)
    wanted = world.base * scores**world.taste / score.max() ** world.taste * 4 * attracts[order]
    clicked = chance.random((n, k)) < np.minimum(curve * wanted, 1)

    def flat(values: NDArray[Any]) -> NDArray[Any]:
        return np.broadcast_to(values, (n, k)).reshape(-1)

    whose = chance.integers(1, 2**62, world.people)[chance.integers(0, world.people, n)]
    rows = Impressions(
        flat(np.arange(n)[:, None]), flat(whose[:, None]), flat(order) + 1_000, flat(np.arange(k)),
        flat(np.zeros(1, np.int64)), flat(np.zeros(1, np.int64)), flat(odds), flat(scores) * 1_000,
        flat(clicked), flat(np.arange(n)[:, None] * 1_000_000),
    )  # fmt: skip
    return Made(rows, curve, attracts)
