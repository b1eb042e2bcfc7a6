"""Simple ways to recommend, each tuned on the past with the same number of tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from renwei.learn.taste.crowd import Crowd
from renwei.learn.taste.ease import Ease
from renwei.learn.taste.measures import hits
from renwei.learn.taste.neighbours import Neighbours
from renwei.learn.taste.source import Evidence, Source, best
from renwei.learn.taste.table import Asked, Floats, Ints, Past

Simple = Literal["popularity", "decayed_popularity", "personal_frequency", "item_knn", "ease"]
K = 20


@dataclass(frozen=True)
class Frequency:
    """What a person bought, fading; places that stay empty get what sells now.

    `crowd`, shape (items,), orders the rest, below everything that was bought.
    """

    half_life_days: float
    crowd: Floats
    name: ClassVar[str] = "frequency"

    @classmethod
    def fit(cls, past: Past, as_of_us: int, *, half_life_days: float) -> Frequency:
        """Note what sells before `as_of_us`."""
        return cls(half_life_days, Crowd.fit(past, as_of_us).everyone)

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items)."""
        goals = asked.past.goals()
        fade = np.exp2(-goals.age_days(asked.as_of_us) / np.float32(self.half_life_days))
        own: Floats = goals.matrix((goals.weight * fade).astype(np.float32)).toarray()
        # What was bought in one basket is alike: there what sells decides, as it does for the
        # rest. Shares are at most 1, and a purchase of years ago still counts more than 1e-6.
        own *= 1 + self.crowd
        return np.where(own > 0, own + np.float32(1e-6), np.float32(1e-6) * self.crowd)

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """None: nothing is explained by it."""
        del asked, person, item
        return None


@dataclass(frozen=True)
class Setting:
    """A simple way and its settings."""

    name: Simple
    settings: dict[str, Any]

    def fit(self, past: Past, as_of_us: int) -> Source:
        """Fit on what happened before `as_of_us`."""
        if self.name in {"popularity", "decayed_popularity"}:
            return Crowd.fit(past, as_of_us, **self.settings)
        if self.name == "item_knn":
            return Neighbours.fit(past, as_of_us, **self.settings)
        if self.name == "ease":
            plain: dict[str, Any] = {"half_life_days": None, "size_power": 0.0, "rise_power": 0.0}
            return Ease.fit(past, as_of_us, **plain, **self.settings)
        return Frequency.fit(past, as_of_us, **self.settings)


BASELINES: dict[Simple, tuple[dict[str, Any], ...]] = {
    "popularity": ({"half_life_days": None},),
    "decayed_popularity": tuple({"half_life_days": d} for d in (3.0, 7.0, 14.0)),
    "personal_frequency": tuple({"half_life_days": d} for d in (60.0, 180.0, 365.0)),
    "item_knn": (
        {"weighting": "tfidf", "k": 20},
        {"weighting": "bm25", "k": 20},
        {"weighting": "bm25", "k": 100},
    ),
    "ease": tuple({"l2": l2} for l2 in (100.0, 300.0, 500.0)),
}


def tuned(
    name: Simple,
    past: Past,
    asked: Asked,
    targets: Sequence[Ints],
    question: str,
    tried: dict[str, Floats],
) -> Setting:
    """The settings with the best NDCG@20 for histories at a moment and what came after.

    Args:
        name: Of the simple way.
        past: Interactions; rows after `asked.as_of_us` are dropped.
        asked: Histories at a moment.
        targets: What came for each person; empty arrays are left out.
        question: "any", or "discover" which leaves out what is owned.
        tried: Scores by settings; filled here, so that a second question costs no second fit.
    """
    found: list[tuple[float, int]] = []
    owned = asked.owned() if question == "discover" else None
    settings = BASELINES[name]
    if len(settings) == 1:
        return Setting(name, settings[0])
    rows = np.flatnonzero([len(came) > 0 for came in targets])
    came = [targets[int(row)] for row in rows]
    for number, own in enumerate(settings):
        key = str(own)
        if key not in tried:
            source = Setting(name, own).fit(past.before(asked.as_of_us), asked.as_of_us)
            tried[key] = source.score(asked)
        scores = tried[key] if owned is None else np.where(owned, -np.inf, tried[key])
        lists = best(np.where(scores != 0, scores, -np.inf), K)
        ndcg = hits(lists[rows], came).ndcg
        found.append((float(ndcg.mean()) if len(ndcg) else 0.0, -number))
    return Setting(name, settings[-max(found)[1]])
