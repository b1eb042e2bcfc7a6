"""Many short rows of numbers that grow at the end, in a few plain arrays.

A row doubles its block when it is full and leaves the old one to rows that need its size. At
the longest length a row drops its oldest entry, so memory is bounded whatever is appended.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Entries = NDArray[np.int32]
_ROWS_AT_FIRST = 1024
_LEAST_ROOM = 4


class Rows:
    """Rows 0, 1, 2 ... of int32 entries, each at most `longest` long; an untouched row is empty.

    Example:
        >>> rows = Rows(longest=3)
        >>> for entry in (7, 8, 9, 10):
        ...     rows.append(2, entry)
        >>> rows.row(2).tolist(), rows.row(0).tolist()
        ([8, 9, 10], [])
    """

    def __init__(self, longest: int) -> None:
        if longest < 1:
            raise ValueError(f"A row holds at least one entry, not {longest}.")
        self.longest = longest
        self.start: Ints = np.zeros(_ROWS_AT_FIRST, np.int64)
        self.size: Entries = np.zeros(_ROWS_AT_FIRST, np.int32)
        self.room: Entries = np.zeros(_ROWS_AT_FIRST, np.int32)
        self.pool: Entries = np.zeros(_ROWS_AT_FIRST * _LEAST_ROOM, np.int32)
        self.used = 0
        self._free: dict[int, list[int]] = {}

    @classmethod
    def filled(cls, longest: int, size: NDArray[Any], pool: NDArray[Any]) -> Rows:
        """Return rows of the sizes `size`, shape (rows,), whose entries lie in `pool` in order."""
        rows = cls(longest)
        if len(size):
            rows.size = np.asarray(size, np.int32)
            rows.room = rows.size.copy()
            rows.start = np.cumsum(rows.size, dtype=np.int64) - rows.size
        if len(pool):
            rows.pool = np.asanyarray(pool, np.int32)
            rows.used = len(pool)
        return rows

    def row(self, number: int) -> Entries:
        """The entries of one row, oldest first: a view, valid until the next append."""
        if not 0 <= number < len(self.size):
            return self.pool[:0]
        start = int(self.start[number])
        return self.pool[start : start + int(self.size[number])]

    def sizes(self, numbers: Ints) -> Ints:
        """How long each of these rows is, shape (n,)."""
        known = (numbers >= 0) & (numbers < len(self.size))
        return np.where(known, self.size[np.where(known, numbers, 0)], 0).astype(np.int64)

    def flat(self, numbers: Ints) -> tuple[Entries, Ints]:
        """All entries of these rows one after the other, and the size of each row.

        The numbers must be of rows that were appended to.
        """
        size = self.size[numbers].astype(np.int64)
        ahead = np.cumsum(size)
        total = int(ahead[-1]) if len(ahead) else 0
        place = np.arange(total) + np.repeat(self.start[numbers] - (ahead - size), size)
        return self.pool[place], size

    def append(self, number: int, entry: int) -> None:
        """Put one entry at the end of a row; at the longest length its oldest entry goes."""
        if number >= len(self.size):
            self._make_rows(number + 1)
        size, room, start = int(self.size[number]), int(self.room[number]), int(self.start[number])
        if size == self.longest:
            self.pool[start : start + size - 1] = self.pool[start + 1 : start + size]
            self.pool[start + size - 1] = entry
            return
        if size == room:
            start = self._move(number, start, size)
        self.pool[start + size] = entry
        self.size[number] = size + 1

    def clear(self, number: int) -> None:
        """Empty a row and leave its block to others."""
        if 0 <= number < len(self.size) and self.room[number]:
            self._give_back(int(self.start[number]), int(self.room[number]))
            self.size[number] = self.room[number] = 0

    def packed(self) -> tuple[Entries, Entries]:
        """Sizes, and all entries without the gaps between blocks: what `filled` takes."""
        return self.size, self.flat(np.arange(len(self.size)))[0]

    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.pool.nbytes + self.start.nbytes + self.size.nbytes + self.room.nbytes

    def _move(self, number: int, start: int, size: int) -> int:
        room = min(max(_LEAST_ROOM, 1 << size.bit_length()), self.longest)
        blocks = self._free.get(room)
        if blocks:
            there = blocks.pop()
        else:
            there = self.used
            self.used += room
            if self.used > len(self.pool):
                self.pool = _longer(self.pool, self.used)
        self.pool[there : there + size] = self.pool[start : start + size]
        if size:
            self._give_back(start, size)
        self.start[number], self.room[number] = there, room
        return there

    def _give_back(self, start: int, room: int) -> None:
        # A packed row has a room of any size; it serves the next smaller power of two.
        size = room if room == self.longest else 1 << (room.bit_length() - 1)
        if size >= min(_LEAST_ROOM, self.longest):
            self._free.setdefault(size, []).append(start)

    def _make_rows(self, at_least: int) -> None:
        self.start = _longer(self.start, at_least)
        self.size = _longer(self.size, at_least)
        self.room = _longer(self.room, at_least)


def _longer(array: NDArray[Any], at_least: int) -> NDArray[Any]:
    longer: NDArray[Any] = np.zeros(max(at_least, len(array) * 2), array.dtype)
    longer[: len(array)] = array
    return longer
