"""What is bought together: in one basket for the next basket, within 30 days for "goes with".

The counts are people, so that one who buys a pair every week counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from renwei.learn.taste.neighbours import heard, linked_said, linked_score, linked_why, weighted
from renwei.learn.taste.said import Few
from renwei.learn.taste.source import Evidence, Links, State, nearest, strongest
from renwei.learn.taste.table import DAY_US, Asked, Csr, Floats, Ints, Past, baskets, binary


@dataclass(frozen=True)
class Together(State):
    """What goes with each item.

    Attributes:
        links: From an item of a recent basket to what shared baskets with it.
        people: Row i leads to the items that the same people bought within the days, with
            how many people.
        buyers: Shape (items,). People who bought the item at all.
        of_all: How many people there are.
        half_life_days: Of the history that is scored.
    """

    links: Links
    people: Links
    buyers: Ints
    of_all: int
    half_life_days: float
    name: ClassVar[str] = "together"

    @classmethod
    def fit(
        cls,
        past: Past,
        as_of_us: int,
        *,
        k: int = 50,
        days: float = 30.0,
        recent_days: float = 120.0,
        half_life_days: float = 20.0,
        counts: bool = True,
    ) -> Together:
        """Count on the goal rows before `as_of_us`.

        Args:
            past: Interactions; later rows are dropped.
            as_of_us: The moment.
            k: Neighbours kept of each item.
            days: Two purchases of one person at most this far apart go together.
            recent_days: Baskets older than this do not count.
            half_life_days: Of the history that is scored.
            counts: Whether "goes with" is counted as well; the ranker alone does not need it.
        """
        past = past.before(as_of_us).goals()
        recent = past.pick(past.at_us >= as_of_us - int(recent_days * DAY_US))
        rows = weighted(heard(binary(_by_basket(recent))).T.tocsr(), "tfidf")
        links = Links.of(nearest(rows, k).T.tocsr())
        pairs = _within(past, days) if counts else past.matrix()[:0].T @ past.matrix()[:0]
        bought = np.unique(past.user * max(past.items, 1) + past.item)
        buyers = np.bincount(bought % max(past.items, 1), minlength=past.items)
        people = Links.of(strongest(pairs, k))
        of_all = len(np.unique(past.user))
        return cls(links, people, buyers.astype(np.int64), of_all, half_life_days)

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items)."""
        return linked_score(self.links, asked, self.half_life_days)

    def said(self, asked: Asked) -> Few:
        """The scores without an array of all items."""
        return linked_said(self.links, asked, self.half_life_days)

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """What each row of the history adds; exact."""
        return linked_why(self.links, asked, (person, item), self.half_life_days)

    def goes_with(self, item: int, *, least: int = 2) -> tuple[Ints, Ints, Floats]:
        """Items bought with one by the same people: numbers, people, lift; best first.

        The order is by people times the logarithm of the lift, so that neither the shop's
        bestseller nor a pair that two people bought comes first.
        """
        to, count = self.people.row(item)
        keep = count >= least
        to, people = to[keep], count[keep].astype(np.int64)
        expected = self.buyers[to] * self.buyers[item] / max(self.of_all, 1)
        lift: Floats = (people / np.maximum(expected, 1e-9)).astype(np.float32)
        order = np.argsort(-people * np.log(np.maximum(lift, 1.0)), kind="stable")
        return to[order], people[order], lift[order]


def _by_basket(past: Past) -> Csr:
    import scipy.sparse as sp

    number = baskets(past)
    shape = (int(number[-1]) + 1 if len(number) else 0, past.items)
    ones = np.ones(len(past), np.float32)
    return sp.coo_matrix((ones, (number, past.item)), shape=shape).tocsr()


def _within(past: Past, days: float) -> Csr:
    import scipy.sparse as sp

    gap = int(days * DAY_US)
    first, second = [], []
    starts = np.searchsorted(past.user, np.arange(past.users + 1))
    for user in np.flatnonzero(np.diff(starts) > 1):
        part = slice(starts[user], starts[user + 1])
        own, other = _near_pairs(past.item[part], past.at_us[part], gap)
        first.append(own)
        second.append(other)
    if not first:
        return sp.csr_matrix((past.items, past.items), dtype=np.float32)
    a, b = np.concatenate(first), np.concatenate(second)
    ones = np.ones(len(a), np.float32)
    half = sp.coo_matrix((ones, (a, b)), shape=(past.items, past.items)).tocsr()
    return (half + half.T).tocsr()


def _near_pairs(item: Ints, at: Ints, gap: int) -> tuple[Ints, Ints]:
    """Each two different items of one person that were ever at most `gap` apart, once."""
    order = np.argsort(item, kind="stable")
    names, begins = np.unique(item[order], return_index=True)
    sorted_at = at[order]
    near = np.abs(sorted_at[:, None] - sorted_at[None, :]) <= gap
    near = np.logical_or.reduceat(np.logical_or.reduceat(near, begins, axis=0), begins, axis=1)
    low, high = np.nonzero(np.triu(near, 1))
    return names[low], names[high]
