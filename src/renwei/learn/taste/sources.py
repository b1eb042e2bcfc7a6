"""All sources of a shop at one moment: fitted together, kept in one folder, scored together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from renwei.learn.taste.alike import Alike
from renwei.learn.taste.crowd import Crowd, Fresh
from renwei.learn.taste.ease import TOO_MANY_ITEMS, Ease
from renwei.learn.taste.factors import Factors
from renwei.learn.taste.facts import ItemFacts
from renwei.learn.taste.features import Pairs
from renwei.learn.taste.neighbours import Neighbours
from renwei.learn.taste.personal import Personal
from renwei.learn.taste.said import MOST_DENSE, Gone, Heard, Said
from renwei.learn.taste.sequel import Sequel
from renwei.learn.taste.source import Evidence, State
from renwei.learn.taste.table import Asked, Bools, Floats, Ints, Past, baskets
from renwei.learn.taste.titles import Alikeness, Catalogue
from renwei.learn.taste.together import Together

LATELY_DAYS = 20.0
# How many each source puts forward; what is owned comes from the person's own purchases.
FORWARD = {
    "ease": 100, "neighbours": 60, "factors": 60, "together": 60, "alike": 60, "sequel": 60,
    "crowd": 50, "titles": 20, "fresh": 0,
}  # fmt: skip
OWNED_FORWARD = 150
PLAIN = (
    "personal", "ease", "neighbours", "factors", "alike", "sequel", "together", "titles",
    "crowd", "fresh",
)  # fmt: skip
"""Sources that are asked of the history as it is."""
KINDS: dict[str, type[State]] = {
    "personal": Personal, "neighbours": Neighbours, "factors": Factors,
    "alike": Alike, "sequel": Sequel, "together": Together, "titles": Alikeness,
    "crowd": Crowd, "fresh": Fresh, "facts": ItemFacts,
}  # fmt: skip


@dataclass(frozen=True)
class Sources:
    """One state of each source.

    `ease` is item to item: by a closed form while items are at most about 10,000, by
    neighbours above.
    """

    personal: Personal
    ease: Ease | Neighbours
    neighbours: Neighbours
    factors: Factors
    alike: Alike
    sequel: Sequel
    together: Together
    titles: Alikeness
    crowd: Crowd
    fresh: Fresh
    facts: ItemFacts

    @classmethod
    def fit(
        cls,
        past: Past,
        as_of_us: int,
        *,
        titles: Alikeness | None = None,
        segment: Ints | None = None,
        begin: Factors | None = None,
        counts: bool = False,
        most: int = TOO_MANY_ITEMS,
    ) -> Sources:
        """Fit all on what happened before `as_of_us`.

        Args:
            past: Interactions; later rows are dropped.
            as_of_us: The moment.
            titles: From `Alikeness.fit`, which knows no time; default: nothing is alike.
            segment: Shape (users,). The segment of each user, -1 unknown.
            begin: Earlier factors of the same items, to begin from.
            counts: Whether "goes with" is counted.
            most: Active items up to which item to item is solved for in closed form.
        """
        past = past.before(as_of_us)
        factors = Factors.fit(
            past,
            as_of_us,
            rounds=6 if begin is None else 2,
            begin=begin,
        )
        return cls(
            personal=Personal.fit(past, as_of_us),
            ease=item_to_item(past, as_of_us, most=most),
            neighbours=Neighbours.fit(past, as_of_us),
            factors=factors,
            alike=Alike.fit(past, as_of_us),
            sequel=Sequel.fit(past, as_of_us),
            together=Together.fit(past, as_of_us, counts=counts),
            titles=titles or Alikeness.fit(past.items, Catalogue()),
            crowd=Crowd.fit(past, as_of_us, segment=segment),
            fresh=Fresh.fit(past, as_of_us),
            facts=ItemFacts.fit(past, as_of_us),
        )

    def save(self, folder: Path) -> None:
        """Keep each state in a folder of its name."""
        for name in ("ease", *KINDS):
            getattr(self, name).save(folder / name)
        kind = {"item_to_item": type(self.ease).__name__}
        (folder / "kind.json").write_text(json.dumps(kind), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Sources:
        """Read back, memory-mapped.

        Raises:
            FileNotFoundError: A state is missing.
        """
        kind = json.loads((folder / "kind.json").read_text(encoding="utf-8"))["item_to_item"]
        ease = (Ease if kind == "Ease" else Neighbours).load(folder / "ease")
        states = {name: state.load(folder / name) for name, state in KINDS.items()}
        return cls(ease=ease, **states)  # type: ignore[arg-type]

    def scores(self, asked: Asked) -> dict[str, Floats]:
        """By source, shape (people, items)."""
        out: dict[str, Floats] = {name: getattr(self, name).score(asked) for name in PLAIN}
        out["lately"] = self.ease.of_history(asked.faded(LATELY_DAYS))
        out["last_basket"] = self.neighbours.score(last_basket(asked))
        return out

    def said(self, asked: Asked, *, most_dense: int = MOST_DENSE) -> Heard:
        """The same; with more than `most_dense` items without arrays of people times items."""
        if asked.past.items <= most_dense:
            return self.scores(asked)
        out: dict[str, Said] = {name: getattr(self, name).said(asked) for name in PLAIN}
        out["lately"] = self.ease.said_of(asked.faded(LATELY_DAYS))
        out["last_basket"] = self.neighbours.said(last_basket(asked))
        return out

    def candidates(
        self,
        asked: Asked,
        scores: Heard,
        *,
        forward: Mapping[str, int] | None = None,
        keep: Bools | None = None,
    ) -> Pairs:
        """What the sources put forward, the person's own purchases included.

        Args:
            asked: The histories.
            scores: From `scores` or `said`.
            forward: How many items of each source; default FORWARD.
            keep: Shape (items,) or (people, items). What may be shown: filters come before the
                cut, so that the list is full. What may not be shown is put forward all the
                same, because others are measured by where they stand among all.
        """
        forward = forward or FORWARD
        twice = (None,) if keep is None or keep.all() else (None, keep)
        if not isinstance(scores["personal"], np.ndarray):
            return _put_forward(asked, scores, forward, twice)
        owned = asked.owned()
        chosen = np.zeros(owned.shape, bool)
        for kept in twice:
            own = np.where(owned, scores["personal"] + 1e-9, 0.0)
            _choose(chosen, own, OWNED_FORWARD, kept)
            for name, k in forward.items():
                if k:
                    _choose(chosen, np.where(owned, 0.0, scores[name]), k, kept)
        return Pairs.of(chosen, owned)

    def why(self, name: str, asked: Asked, person: int, item: int) -> Evidence | None:
        """What the history added to the score of one source."""
        found: Evidence | None = getattr(self, name).why(asked, person, item)
        return found


def item_to_item(past: Past, as_of_us: int, *, most: int = TOO_MANY_ITEMS) -> Ease | Neighbours:
    """The closed form while the active items are at most `most`, neighbours above."""
    active = len(np.unique(past.before(as_of_us).item))
    if active <= most:
        return Ease.fit(past, as_of_us)
    return Neighbours.fit(
        past, as_of_us, weighting="bm25", k=100, half_life_days=90.0, rise_power=0.5
    )


def last_basket(asked: Asked) -> Asked:
    """The same people with nothing but the last basket of each."""
    goals = np.flatnonzero(asked.past.goal)
    part = asked.past.pick(goals)
    number = baskets(part)
    last = np.full(len(asked), -1)
    np.maximum.at(last, part.user, number)
    keep = goals[number == last[part.user]]
    gone = np.ones(len(asked.past), bool)
    gone[keep] = False
    return asked.without(np.flatnonzero(gone))


def _put_forward(
    asked: Asked, scores: Heard, forward: Mapping[str, int], twice: Sequence[Bools | None]
) -> Pairs:
    """The same as pairs, without an array of people times items."""
    gone, items = Gone.of(asked), max(asked.past.items, 1)
    keys = [np.zeros(0, np.int64)]
    for kept in twice:
        for name, k in (("personal", OWNED_FORWARD), *forward.items()):
            said = scores[name]
            if k and not isinstance(said, np.ndarray):
                person, item = said.first(k, None if name == "personal" else gone, kept)
                keys.append(person * items + item)
    key = np.unique(np.concatenate(keys))
    person, item = key // items, key % items
    ptr = np.searchsorted(person, np.arange(len(asked) + 1))
    return Pairs(ptr, person, item, gone.has(person, item))


def _choose(chosen: Bools, scores: Floats, k: int, keep: Bools | None) -> None:
    k = min(k, scores.shape[1])
    if not k or not len(scores):
        return
    if keep is not None:
        scores = np.where(keep, scores, 0.0)
    top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    # A score of nothing puts nothing forward.
    has = np.take_along_axis(scores, top, 1) > 0
    row = np.repeat(np.arange(len(scores)), k)[has.ravel()]
    chosen[row, top.ravel()[has.ravel()]] = True
