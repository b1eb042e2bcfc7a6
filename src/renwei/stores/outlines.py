"""Decisions in outline: about whom, when, whether something was chosen, which guards removed.

A day can hold a decision for every person of a large shop, several times over. Counting them
needs five columns, not an object each: sealed ones are read as columns and remembered by the
file they lie in, which never changes; of the others only those are read that came since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from renwei.stores.arrays import to_numbers

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ["person", "at_us", "surface", "chosen", "guards"]
"""Of a segment's table, what an outline is made from."""


@dataclass(frozen=True)
class Outline:
    """Decisions as aligned columns of shape (decisions,), in the order they were given.

    `surface` is a place in `surfaces`; `guards` tells for each guard that removed something
    where it did.
    """

    surfaces: tuple[str, ...]
    surface: Any
    person: Any
    at_us: Any
    chosen: Any
    guards: Mapping[str, Any]

    def __len__(self) -> int:
        """How many."""
        return len(self.person)

    def pick(self, rows: Any) -> Outline:
        """Some of them, by mask or rows."""
        return Outline(
            self.surfaces,
            self.surface[rows],
            self.person[rows],
            self.at_us[rows],
            self.chosen[rows],
            {name: column[rows] for name, column in self.guards.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence[Outline]) -> Outline:
        """One after the other."""
        surfaces = tuple(dict.fromkeys(name for part in parts for name in part.surfaces))
        guards = dict.fromkeys(name for part in parts for name in part.guards)
        places = [
            np.array([surfaces.index(name) for name in part.surfaces], np.int64)[part.surface]
            for part in parts
        ]
        return cls(
            surfaces,
            _together(places, np.int64),
            _together([part.person for part in parts], np.int64),
            _together([part.at_us for part in parts], np.int64),
            _together([part.chosen for part in parts], np.bool_),
            {
                name: _together(
                    [part.guards.get(name, np.zeros(len(part), np.bool_)) for part in parts],
                    np.bool_,
                )
                for name in guards
            },
        )

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[str, int, int, bool, Iterable[str]]]) -> Outline:
        """From surface, person, time, whether something was chosen, and guards, a row each."""
        listed = list(rows)
        surfaces = tuple(dict.fromkeys(row[0] for row in listed))
        places = {name: place for place, name in enumerate(surfaces)}
        guards: dict[str, Any] = {}
        for k, row in enumerate(listed):
            for name in row[4]:
                guards.setdefault(name, np.zeros(len(listed), np.bool_))[k] = True
        return cls(
            surfaces,
            np.array([places[row[0]] for row in listed], np.int64),
            np.array([row[1] for row in listed], np.int64),
            np.array([row[2] for row in listed], np.int64),
            np.array([row[3] for row in listed], np.bool_),
            guards,
        )

    @classmethod
    def of_table(cls, table: pa.Table) -> Outline:
        """From columns of a segment, see COLUMNS."""
        ends, chosen = _flat(table["chosen"])
        some = to_numbers(chosen) != 0
        at, guard = _flat(table["guards"])
        codes, names = _coded(guard)
        places, surfaces = _coded(table["surface"])
        return cls(
            surfaces,
            places.astype(np.int64),
            to_numbers(table["person"]),
            to_numbers(table["at_us"]),
            _any(some, ends),
            {name: _any(codes == code, at) for code, name in enumerate(names)},
        )


def _together(parts: Sequence[Any], kind: Any) -> Any:
    return np.concatenate([np.empty(0, kind), *parts]).astype(kind, copy=False)


def _any(flags: Any, ends: Any) -> Any:
    """Whether any flag of each list is set; `ends` of shape (lists + 1,)."""
    sums = np.append(0, np.cumsum(flags))
    return sums[ends[1:]] > sums[ends[:-1]]


def _flat(column: pa.ChunkedArray) -> tuple[Any, pa.ChunkedArray]:
    """Where each list of a column ends, with a 0 before, and the values behind one another."""
    import pyarrow as pa

    ends, values, before = [np.zeros(1, np.int64)], [], 0
    for chunk in column.chunks:
        offsets = np.frombuffer(chunk.buffers()[1], np.int32)
        own = offsets[chunk.offset : chunk.offset + len(chunk) + 1].astype(np.int64)
        if len(own):
            ends.append(own[1:] - own[0] + before)
            before += int(own[-1] - own[0])
            values.append(chunk.values.slice(int(own[0]), int(own[-1] - own[0])))
    kind = column.type.value_type
    return np.concatenate(ends), pa.chunked_array(values, kind)


def _coded(column: pa.ChunkedArray) -> tuple[Any, tuple[str, ...]]:
    """The code of each word of a column, and the words; words without a row among them."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries()
    if not whole.num_chunks:
        return np.empty(0, np.int32), ()
    codes = pa.chunked_array([chunk.indices for chunk in whole.chunks])
    return to_numbers(codes), tuple(whole.chunk(0).dictionary.to_pylist())
