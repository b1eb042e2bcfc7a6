"""The one shape of a source: fitted on a past, kept as arrays, scored on histories.

A state is a frozen dataclass of arrays, numbers and other states; it is kept in a folder, one
.npy file an array, and read back memory-mapped, so that a server swaps a pointer to change it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from renwei.learn.taste.table import Asked, Csr, Floats, Ints


@dataclass(frozen=True)
class Evidence:
    """What each row of a history added to one score.

    Attributes:
        rows: Rows of `asked.past`, the strongest first.
        amount: Shape of rows. What each added; together they are the score.
        score: The score of the item.
    """

    rows: Ints
    amount: Floats
    score: float

    def best(self, n: int = 3) -> Evidence:
        """The n strongest rows that speak for the item; the score stays that of all."""
        keep = np.flatnonzero(self.amount > 0)[:n]
        return Evidence(self.rows[keep], self.amount[keep], self.score)

    @classmethod
    def of(cls, rows: Ints, amount: Floats) -> Evidence:
        """Sorted, with the sum as the score."""
        order = np.argsort(-amount, kind="stable")
        return cls(rows[order], amount[order], float(amount.sum(dtype=np.float64)))


class Source(Protocol):
    """Puts items forward, with scores of its own scale."""

    name: ClassVar[str]

    def score(self, asked: Asked) -> Floats:
        """Return shape (people, items), float32; 0 where it has nothing to say."""
        ...

    def why(self, asked: Asked, person: int, item: int) -> Evidence | None:
        """What the history added to one score; None where the score is no sum over it."""
        ...


class State:
    """Dataclass fields that can be kept in a folder."""

    def save(self, folder: Path) -> None:
        """Write one .npy file an array, a folder a state, and numbers into numbers.json."""
        folder.mkdir(parents=True, exist_ok=True)
        numbers: dict[str, Any] = {}
        for f in fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if isinstance(value, State):
                value.save(folder / f.name)
            elif isinstance(value, np.ndarray):
                np.save(folder / f"{f.name}.npy", value, allow_pickle=False)
            else:
                numbers[f.name] = value
        (folder / "numbers.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote, arrays memory-mapped and read-only.

        As plain arrays: every slice of a `memmap` is one again, at ten times the price.

        Raises:
            FileNotFoundError: The folder holds no state.
        """
        found: dict[str, Any] = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
        for f in fields(cls):  # type: ignore[arg-type]
            if (folder / f"{f.name}.npy").exists():
                found[f.name] = np.asarray(np.load(folder / f"{f.name}.npy", mmap_mode="r"))
            elif (folder / f.name).is_dir():
                found[f.name] = Links.load(folder / f.name)
        return cls(**found)


@dataclass(frozen=True)
class Links(State):
    """A sparse matrix as arrays: row r leads to to[ptr[r]:ptr[r + 1]] with these strengths.

    `columns` is how many columns there are.
    """

    ptr: NDArray[Any]
    to: NDArray[Any]
    strength: Floats
    columns: int

    @classmethod
    def of(cls, matrix: Csr) -> Links:
        """From a sparse matrix."""
        m = matrix.tocsr()
        m.sort_indices()
        # What scipy would choose itself: anything else is copied when it is read back.
        kind = np.int32 if m.nnz < np.iinfo(np.int32).max else np.int64
        return cls(
            m.indptr.astype(kind),
            m.indices.astype(kind),
            m.data.astype(np.float32),
            int(m.shape[1]),
        )

    def matrix(self) -> Csr:
        """As float32 (rows, columns), without a copy; made once, because scipy looks at it all."""
        return self._matrix

    @cached_property
    def _matrix(self) -> Csr:
        import scipy.sparse as sp

        shape = (len(self.ptr) - 1, self.columns)
        return sp.csr_matrix((self.strength, self.to, self.ptr), shape=shape, copy=False)

    def row(self, number: int) -> tuple[Ints, Floats]:
        """Where one row leads, and how strongly."""
        part = slice(self.ptr[number], self.ptr[number + 1])
        return np.asarray(self.to[part]), np.asarray(self.strength[part])

    def onto(self, column: int, rows: Ints) -> Floats:
        """How strongly each of some rows leads to one column, shape (rows,), float32."""
        begin = self.ptr[rows]
        size = self.ptr[rows + 1] - begin
        before = np.cumsum(size) - size
        at = np.repeat(begin - before, size) + np.arange(int(size.sum()))
        hit = np.flatnonzero(self.to[at] == column)
        out: Floats = np.zeros(len(rows), np.float32)
        out[np.searchsorted(before, hit, side="right") - 1] = self.strength[at[hit]]
        return out


def strongest(matrix: Csr, k: int, *, diagonal: bool = False, begin: int = 0) -> Csr:
    """Keep the k largest entries of each row, without the diagonal unless asked.

    The first row has number `begin`, for a part of a square matrix.
    """
    import scipy.sparse as sp

    m = matrix.tocsr()
    if not m.has_sorted_indices:
        m.sort_indices()
    keep = np.ones(m.nnz, bool)
    size = np.diff(m.indptr)
    if not diagonal:
        keep &= m.indices != np.repeat(np.arange(begin, begin + m.shape[0]), size)
        size = np.diff(np.concatenate([[0], np.cumsum(keep)])[m.indptr])
    for row in np.flatnonzero(size > k).tolist():
        part = slice(m.indptr[row], m.indptr[row + 1])
        own = np.flatnonzero(keep[part])
        keep[part] = False
        keep[m.indptr[row] + own[_largest(m.data[part][own], k)]] = True
    ptr = np.concatenate([[0], np.cumsum(keep)])[m.indptr]
    return sp.csr_matrix((m.data[keep], m.indices[keep], ptr), shape=m.shape)


def nearest(rows: Csr, k: int, *, work: int = 8_000_000) -> Csr:
    """The k strongest of each row of rows times rows transposed, without the diagonal.

    Made in parts of about `work` products, so that memory grows with what is kept alone.

    Args:
        rows: Sparse (rows, columns).
        k: Of each row.
        work: Products held at once; a single row may have more.

    Example:
        >>> import scipy.sparse as sp
        >>> near = nearest(sp.csr_matrix([[1.0, 0.0], [1.0, 1.0], [0.5, 0.0]]), 1)
        >>> near.toarray().tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.0, 0.0]]
    """
    import scipy.sparse as sp

    across = rows.T.tocsr()
    often = np.diff(across.indptr).astype(np.int64)
    costs = np.concatenate([[0], np.cumsum(often[rows.indices])])[rows.indptr]
    found, begin, n = [], 0, rows.shape[0]
    while begin < n:
        end = max(int(np.searchsorted(costs, costs[begin] + work, side="right")) - 1, begin + 1)
        found.append(strongest(rows[begin:end] @ across, k, begin=begin))
        begin = end
    return sp.vstack(found).tocsr() if found else sp.csr_matrix((n, n), dtype=np.float32)


def _largest(own: Floats, k: int) -> Ints:
    """Places of the k largest in the order of numbers; of equal ones the smallest numbers."""
    edge = np.partition(own, len(own) - k)[len(own) - k]
    over = own > edge
    same = np.flatnonzero(own == edge)[: k - int(over.sum())]
    over[same] = True
    return np.flatnonzero(over)


def best(scores: Floats, k: int) -> Ints:
    """The k best items of each row, best first, ties by number; -1 where a score is not finite.

    Example:
        >>> best(np.array([[0.1, 3.0, 2.0, 3.0]]), 3).tolist()
        [[1, 3, 2]]
    """
    n, items = scores.shape
    k = min(k, items)
    if k < items:
        # A cut may fall inside equal scores: take the threshold, then everything above it.
        edge = np.partition(scores, items - k, axis=1)[:, items - k]
        above = (scores > edge[:, None]).sum(1)
        out = np.empty((n, k), np.int64)
        for row in range(n):
            over = np.flatnonzero(scores[row] > edge[row])
            same = np.flatnonzero(scores[row] == edge[row])[: k - above[row]]
            chosen = np.concatenate([over, same])
            out[row] = chosen[np.lexsort((chosen, -scores[row, chosen]))]
    else:
        out = np.argsort(-scores, axis=1, kind="stable")
    out[~np.isfinite(np.take_along_axis(scores, out, 1))] = -1
    return out
