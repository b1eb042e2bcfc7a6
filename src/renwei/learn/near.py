"""Neighbours of things: by who took them, and by what is written about them.

Cosine between sparse rows (Sarwar and others 2001, doi:10.1145/371920.372071), in parts, so that
memory grows with the neighbours kept and not with the square of the things. Texts share their
letters with nearly all others: of many, the nearest are looked for among short dense vectors
first, and only those found are compared letter by letter.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.learn.taste.neighbours import unit
from renwei.learn.taste.source import nearest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
MOST_EXACT = 4_000
"""Texts that are all compared with each other: the work grows with their square."""
MOST_SHORT = 200_000
"""Texts whose short vectors are all compared; with more, a library of vectors looks them up."""
CELL, CELLS = 4_000, 12
"""Without the library: texts of a cell, and the nearest cells that each one is looked for in."""
LOOKED_AT = 4
"""Candidates compared letter by letter, times the neighbours kept."""
SHORT = 192
PART = 64
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
    return _nearest(csr_array((weight * rare, (row, thing)), shape=shape).T.tocsr(), k)


def by_texts(
    texts: Sequence[str],
    *,
    k: int = 30,
    most_exact: int = MOST_EXACT,
    most_short: int = MOST_SHORT,
) -> Pairs:
    """Things whose texts are alike: runs of 2 to 3 letters, weighted by how rare they are.

    Works alike for Chinese and English, because no words need to be found. With more than
    `most_exact` texts about one neighbour in twenty is missed, the least alike ones first. With
    more than `most_short` they are looked up by usearch where it is installed (the extra
    "vectors"), else in the nearest cells, where more are missed.

    Args:
        texts: One of each thing.
        k: Neighbours kept of each.
        most_exact: Texts up to which every pair is compared letter by letter.
        most_short: Texts up to which every pair of short vectors is compared.

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
        analyzer="char_wb", ngram_range=(2, 3), min_df=1, max_features=200_000, dtype=np.float32
    )
    rows = counted.fit_transform(texts)
    if len(texts) <= most_exact:
        return _nearest(rows, k)
    short, many = _short(rows), LOOKED_AT * k + 1
    if len(texts) <= most_short:
        found = _in_cells(short, many, 1)
    elif find_spec("usearch"):
        found = _by_usearch(short, many)
    else:
        found = _in_cells(short, many, max(len(texts) // CELL, 1))
    return _compared(rows, found, k)


def _nearest(rows: Any, k: int) -> Pairs:
    """The k nearest rows of each row by cosine."""
    near = nearest(unit(rows), k)
    one = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))
    return _sorted(one, near.indices.astype(np.int64), near.data.astype(np.float64), k)


def _sorted(one: Ints, other: Ints, weight: Floats, k: int) -> Pairs:
    some = (weight > 1e-9) & (one != other)
    one, other, weight = one[some], other[some], np.minimum(weight[some], 1.0)
    order = np.lexsort((other, -weight, one))
    one, other, weight = one[order], other[order], weight[order]
    kept = np.arange(len(one)) - np.searchsorted(one, one) < k
    return Pairs(one[kept], other[kept], weight[kept])


def _short(rows: Any) -> Vectors:
    """Dense vectors of length 1 with about the same cosines, shape (rows, at most SHORT).

    Source:
        Halko, Martinsson, Tropp (2011), Finding structure with randomness. SIAM Review 53(2).
    """
    from sklearn.decomposition import TruncatedSVD

    size = min(SHORT, rows.shape[1] - 1, rows.shape[0] - 1)
    # What the directions are is known from some thousands of texts.
    some = rows[:: max(rows.shape[0] // 10_000, 1)]
    found = TruncatedSVD(size, n_iter=4, random_state=1).fit(some)
    out: Vectors = np.ascontiguousarray(rows @ found.components_.T.astype(np.float32))
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    return out


def _in_cells(short: Vectors, k: int, cells: int) -> Ints:
    """About the k nearest of each by cosine, shape (rows, k): looked for in the nearest cells.

    In a single cell all are compared with all.
    """
    n = len(short)
    middles = short[np.random.default_rng(1).choice(n, cells, replace=False)]
    for _ in range(4 if cells > 1 else 0):
        cell = _first(short, middles)
        sums = np.zeros_like(middles)
        np.add.at(sums, cell, short)
        middles = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    cell = _first(short, middles)
    order = np.argsort(cell, kind="stable")
    begins = np.searchsorted(cell[order], np.arange(len(middles) + 1))
    members = [order[a:b] for a, b in itertools.pairwise(begins)]
    around = np.argsort(-(middles @ middles.T), axis=1)[:, :CELLS]
    out = np.full((n, k), -1)
    for own, near in zip(members, around, strict=True):
        among = np.concatenate([members[c] for c in near])
        # Everything alike may lie in one cell: a part of it at a time.
        for begin in range(0, len(own), PART):
            part = own[begin : begin + PART]
            score = short[part] @ short[among].T
            many = min(k, len(among))
            out[part, :many] = among[np.argpartition(-score, many - 1, axis=1)[:, :many]]
    return out


def _first(short: Vectors, middles: Vectors) -> Ints:
    """The nearest middle of each."""
    parts = range(0, len(short), 8_192)
    return np.concatenate([(short[p : p + 8_192] @ middles.T).argmax(1) for p in parts])


def _by_usearch(short: Vectors, k: int) -> Ints:
    """About the k nearest of each by cosine, shape (rows, k); -1 where fewer were found.

    Source:
        Malkov, Yashunin (2020), Hierarchical navigable small world graphs. IEEE TPAMI 42(4).
    """
    from usearch.index import Index

    # One thread: the same texts have the same neighbours every time.
    index = Index(ndim=short.shape[1], metric="ip", dtype="f32", expansion_search=2 * k)
    index.add(np.arange(len(short)), short, threads=1)
    found: Any = index.search(short, k, threads=1)
    keys = np.asarray(found.keys).reshape(len(short), -1).astype(np.int64)
    empty = np.arange(keys.shape[1]) >= np.asarray(found.counts).reshape(-1, 1)
    return np.where(empty, -1, keys)


def _compared(rows: Any, candidates: Ints, k: int) -> Pairs:
    """The k nearest of each among its candidates, by cosine of the sparse rows of length 1."""
    spread = np.zeros(rows.shape[1], np.float32)
    ones, others, weights = [], [], []
    for one, all_of in enumerate(candidates):
        part = slice(rows.indptr[one], rows.indptr[one + 1])
        other = all_of[all_of >= 0]
        spread[rows.indices[part]] = rows.data[part]
        weight = rows[other] @ spread
        spread[rows.indices[part]] = 0.0
        # The thing itself is among them.
        first = np.argpartition(-weight, k)[: k + 1] if len(weight) > k else slice(None)
        ones.append(np.full(len(weight[first]), one))
        others.append(other[first])
        weights.append(weight[first].astype(np.float64))
    return _sorted(np.concatenate(ones), np.concatenate(others), np.concatenate(weights), k)
