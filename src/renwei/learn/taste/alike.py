"""What people alike have been buying lately.

Likeness is the cosine of faded histories; lately is two weeks. It is the strongest single source
of things new to a person, because it is of this month where item to item is of all months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from renwei.learn.taste.ease import over_size
from renwei.learn.taste.neighbours import unit
from renwei.learn.taste.said import Few
from renwei.learn.taste.source import Evidence, Links, State, strongest
from renwei.learn.taste.table import Asked, Csr, Floats, Ints, Past

MOST_PEOPLE = 20_000


@dataclass(frozen=True)
class Alike(State):
    """People who may be alike, and what they bought lately.

    Attributes:
        people: Shape (p,). Their numbers.
        likeness: Row i (an item) leads to people who have it, with what it adds to the cosine.
        rare: Shape (items,). How much an item counts in a history.
        lately: Row p leads to what this person bought lately.
        k: People alike that are listened to.
    """

    people: Ints
    likeness: Links
    rare: Floats
    lately: Links
    k: int
    half_life_days: float
    name: ClassVar[str] = "alike"

    @classmethod
    def fit(
        cls,
        past: Past,
        as_of_us: int,
        *,
        k: int = 150,
        half_life_days: float = 60.0,
        lately_days: float = 14.0,
        most: int = MOST_PEOPLE,
    ) -> Alike:
        """Keep the people who were active most recently before `as_of_us`.

        Args:
            past: Interactions; later rows are dropped.
            as_of_us: The moment.
            k: People alike that are listened to.
            half_life_days: Of the histories that are compared.
            lately_days: Half-life of what they bought.
            most: People kept.
        """
        past = past.before(as_of_us)
        last = np.full(past.users, np.iinfo(np.int64).min)
        np.maximum.at(last, past.user, past.at_us)
        order = np.lexsort((np.arange(past.users), -last))
        people = np.sort(order[: min(most, int((last > np.iinfo(np.int64).min).sum()))])
        age = past.age_days(as_of_us)
        often = np.asarray((past.matrix() > 0).sum(0)).ravel()
        rare = (np.log(max(past.users, 1) / (1.0 + often)) + 1.0).astype(np.float32)
        rare = np.maximum(rare, np.float32(0.01))
        faded = past.matrix((past.weight * np.exp2(-age / half_life_days)).astype(np.float32))
        likeness = unit(_scaled(faded[people], rare)).T.tocsr()
        goals = np.where(past.goal, past.weight * np.exp2(-age / lately_days), 0.0)
        bought = past.matrix(goals.astype(np.float32))[people]
        lately = over_size(_at_least(bought, 1e-6), 0.5, 1.0)
        return cls(people, Links.of(likeness), rare, Links.of(lately), k, half_life_days)

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items); people do not count as alike to themselves."""
        out: Floats = self.said(asked).rows.toarray()
        return out

    def said(self, asked: Asked) -> Few:
        """The scores without an array of all items."""
        own = unit(_scaled(asked.faded(self.half_life_days), np.asarray(self.rare)))
        near = (own @ self.likeness.matrix()).tocsr()
        row = np.repeat(np.arange(len(asked)), np.diff(near.indptr))
        near.data[self.people[near.indices] == asked.known[row]] = 0.0
        near = strongest(near, self.k, diagonal=True)
        return Few(near @ self.lately.matrix())

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """None: who is alike depends on the whole history at once."""
        del asked, person, item
        return None


def _scaled(rows: Csr, by: Floats) -> Csr:
    import scipy.sparse as sp

    return (rows @ sp.diags(by)).tocsr()


def _at_least(rows: Csr, least: float) -> Csr:
    kept = rows.copy()
    kept.data[kept.data < least] = 0.0
    kept.eliminate_zeros()
    return kept
