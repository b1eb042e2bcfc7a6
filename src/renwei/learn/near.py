"""Neighbours of things: by who took them, and by what is written about them.

Cosine between columns of a sparse matrix (Sarwar and others 2001, doi:10.1145/371920.372071),
in blocks, so that memory grows with the neighbours kept and not with the square of the things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
BLOCK = 2_048
MOST_OF_ONE = 500
"""Who took more things than this (a reseller, a robot) says nothing of what goes together."""


@dataclass(frozen=True)
class Pairs:
    """Neighbours, sorted by `one` and falling weight: shape (pairs,).

    `one` and `other` index the things; weights are in (0, 1].
    """

    one: Ints
    other: Ints
    weight: Floats


def by_takers(taker: Ints, thing: Ints, weight: Floats, n: int, *, k: int = 50) -> Pairs:
    """Things taken by the same people, with inverse frequency of the people's breadth.

    Args:
        taker: Who, shape (rows,).
        thing: What, shape (rows,), each pair once.
        weight: How much, shape (rows,).
        n: How many things there are.
        k: Neighbours kept of each.

    Example:
        >>> two = by_takers(np.array([1, 1, 2]), np.array([0, 1, 1]), np.ones(3), 3)
        >>> two.one.tolist(), two.other.tolist()
        ([0, 1], [1, 0])
    """
    from scipy.sparse import csr_array

    _, row = np.unique(taker, return_inverse=True)
    breadth = np.bincount(row)
    kept = breadth[row] <= MOST_OF_ONE
    row, thing, weight = row[kept], thing[kept], weight[kept]
    rare = 1.0 / np.log2(2.0 + breadth[row])
    shape = (int(row.max(initial=-1)) + 1, n)
    return _nearest(csr_array((weight * rare, (row, thing)), shape=shape).tocsc(), k)


def by_texts(texts: Sequence[str], *, k: int = 30) -> Pairs:
    """Things whose texts are alike: runs of 2 to 3 letters, weighted by how rare they are.

    Works alike for Chinese and English, because no words need to be found.

    Example:
        >>> alike = by_texts(["clay mask green", "clay mask red", "hand soap"], k=1)
        >>> alike.other[alike.one == 0].tolist()
        [1]
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(text.strip() for text in texts):
        none = np.zeros(0, dtype=np.int64)
        return Pairs(none, none, np.zeros(0))
    counted = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 3), min_df=1, max_features=200_000, dtype=np.float64
    )
    return _nearest(counted.fit_transform(texts).T.tocsc(), k)


def _nearest(columns: Any, k: int) -> Pairs:
    """The k nearest columns of each column by cosine."""
    from scipy.sparse import diags_array

    norm = np.sqrt(columns.multiply(columns).sum(axis=0))
    norm = np.asarray(norm).ravel()
    unit = (columns @ diags_array(1.0 / np.where(norm > 0, norm, 1.0))).tocsc()
    rows = unit.T.tocsr()
    ones, others, weights = [], [], []
    for begin in range(0, unit.shape[1], BLOCK):
        near = (rows[begin : begin + BLOCK] @ unit).tocsr()
        near.setdiag(0.0, k=begin)
        one, other, weight = _top(near, k)
        ones.append(one + begin)
        others.append(other)
        weights.append(weight)
    if not ones:
        none = np.zeros(0, dtype=np.int64)
        return Pairs(none, none, np.zeros(0))
    return Pairs(np.concatenate(ones), np.concatenate(others), np.concatenate(weights))


def _top(near: Any, k: int) -> tuple[Ints, Ints, Floats]:
    one = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))
    other, weight = near.indices.astype(np.int64), near.data
    some = weight > 1e-9
    one, other, weight = one[some], other[some], weight[some]
    order = np.lexsort((other, -weight, one))
    one, other, weight = one[order], other[order], weight[order]
    counts = np.bincount(one, minlength=near.shape[0])
    place = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = place < k
    return one[kept].astype(np.int64), other[kept], weight[kept]
