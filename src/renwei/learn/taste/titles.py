"""Items alike by what they are: title, category, brand and price, for items nobody bought yet.

A title is cut into runs of characters, which serves Chinese and English without a dictionary:
two and three signs in a row in Chinese, three to five letters within a word elsewhere.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from renwei.learn.taste.neighbours import linked_said, linked_score, linked_why
from renwei.learn.taste.said import MOST_DENSE, Few
from renwei.learn.taste.source import Evidence, Links, State, nearest
from renwei.learn.taste.table import Asked, Csr, Floats, Ints

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
_WORD = re.compile(r"[^\W_]+")
MOST_SHARING = 500
"""Among many items, a piece of a title that more of them share than this tells nothing."""


@dataclass(frozen=True)
class Catalogue:
    """What is known of items, columns of shape (items,); -1 or nan is unknown.

    `titles` may be empty, and so may each of the others.
    """

    titles: Sequence[str] = ()
    category: Ints | None = None
    brand: Ints | None = None
    price: Floats | None = None


@dataclass(frozen=True)
class Alikeness(State):
    """`links` leads from an item in a history to the items that are like it."""

    links: Links
    half_life_days: float
    name: ClassVar[str] = "titles"

    @classmethod
    def fit(
        cls,
        items: int,
        catalogue: Catalogue,
        *,
        k: int = 50,
        half_life_days: float = 60.0,
    ) -> Alikeness:
        """Find each item's k most alike.

        Args:
            items: How many there are.
            catalogue: What is known of them.
            k: Of each item.
            half_life_days: Of the history that is scored.
        """
        rows = vectors(items, catalogue)
        if items > MOST_DENSE:
            rows = telling(rows)
        return cls(Links.of(nearest(rows, k)), half_life_days)

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items)."""
        return linked_score(self.links, asked, self.half_life_days)

    def said(self, asked: Asked) -> Few:
        """The scores without an array of all items."""
        return linked_said(self.links, asked, self.half_life_days)

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """What each row of the history adds; exact."""
        return linked_why(self.links, asked, (person, item), self.half_life_days)


def telling(rows: Csr, most: int = MOST_SHARING) -> Csr:
    """The rows without the features that more than `most` items share: each costs the square.

    Rows are shorter by that, so what is alike in such features alone is alike no more.
    """
    often = np.bincount(rows.indices, minlength=rows.shape[1])
    rest = rows.copy()
    rest.data[often[rows.indices] > most] = 0.0
    rest.eliminate_zeros()
    return rest


def vectors(items: int, catalogue: Catalogue) -> Csr:
    """Rows of length 1, float32 (items, features)."""
    import scipy.sparse as sp

    from renwei.learn.taste.neighbours import unit

    parts = []
    if len(catalogue.titles):
        parts.append(_title_rows(catalogue.titles))
    for column, weight in ((catalogue.category, 0.4), (catalogue.brand, 0.3)):
        if column is not None and len(column):
            parts.append(_one_hot(np.asarray(column)) * np.float32(weight))
    if catalogue.price is not None and len(catalogue.price):
        parts.append(_one_hot(_price_steps(np.asarray(catalogue.price))) * np.float32(0.2))
    if not parts:
        return sp.csr_matrix((items, 1), dtype=np.float32)
    return unit(sp.hstack(parts).tocsr().astype(np.float32))


def pieces(title: str) -> list[str]:
    """The runs of characters a title is cut into.

    Example:
        >>> pieces("红茶 Cup")
        ['红茶', ' cu', 'cup', 'up ', ' cup', 'cup ', ' cup ']
    """
    out: list[str] = []
    low = title.lower()
    for run in _HAN.findall(low):
        out += [run[i : i + n] for n in (2, 3) for i in range(len(run) - n + 1)] or [run]
    for word in _WORD.findall(_HAN.sub(" ", low)):
        padded = f" {word} "
        out += [padded[i : i + n] for n in (3, 4, 5) for i in range(len(padded) - n + 1)]
    return out


def _title_rows(titles: Sequence[str]) -> Csr:
    import scipy.sparse as sp

    from renwei.learn.taste.neighbours import unit

    place: dict[str, int] = {}
    many = np.zeros(len(titles), np.int64)
    columns = array("i")
    for number, title in enumerate(titles):
        cut = pieces(title)
        many[number] = len(cut)
        columns.extend(place.setdefault(piece, len(place)) for piece in cut)
    row, column = np.repeat(np.arange(len(titles)), many), np.asarray(columns)
    ones = np.ones(len(row), np.float32)
    counts = sp.coo_matrix((ones, (row, column)), shape=(len(titles), max(len(place), 1))).tocsr()
    often = np.asarray((counts > 0).sum(0)).ravel()
    counts.data = (1.0 + np.log(counts.data)).astype(np.float32)
    rare = (np.log((1.0 + len(titles)) / (1.0 + often)) + 1.0).astype(np.float32)
    # What one title alone has can never match: it only lengthens that title's row.
    rare[often < 2] = 0.0
    return unit((counts @ sp.diags(rare)).tocsr())


def _one_hot(number: Ints) -> Csr:
    import scipy.sparse as sp

    known = np.flatnonzero(number >= 0)
    shape = (len(number), int(number.max(initial=0)) + 1)
    ones = np.ones(len(known), np.float32)
    return sp.coo_matrix((ones, (known, number[known])), shape=shape).tocsr()


def _price_steps(price: Floats) -> Ints:
    seen = np.isfinite(price) & (price > 0)
    step = np.full(len(price), -1)
    # Steps of a doubling: what costs about as much.
    step[seen] = np.round(np.log2(price[seen])).astype(np.int64)
    if seen.any():
        step[seen] -= step[seen].min()
    return step.astype(np.int64)
