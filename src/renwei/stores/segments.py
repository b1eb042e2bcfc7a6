"""Sealed segments of decisions: a folder each, whole and on disk before anybody names it.

    rows.parquet        the decisions, in the order they were given
    ids.npy, id_rows.npy            ids ascending, and the row of each
    persons.npy, person_rows.npy    persons ascending, and the row of each
    times.npy           rows by time, where they are not in that order already

The index is memory-mapped: finding a decision costs a binary search and one row group.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from renwei.core.nouns import Decision
from renwei.stores import disk
from renwei.stores.faults import told
from renwei.stores.remembered import Remembered

if TYPE_CHECKING:
    import pyarrow as pa

    from renwei.stores.outlines import Outline

GROUP = 8_192
FEW = 64
"""So many rows are cut out one by one: more than that pyarrow's own selection is quicker."""
KEPT = 2_000
"""So many decisions are remembered: one costs a row group, and a list is looked at again."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A registered segment; `path` is relative to the workspace."""

    number: int
    path: str
    rows: int
    first_us: int
    last_us: int


class Segments:
    """Segments under `folder`, inside the workspace `root`."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root
        self._maps: dict[Path, Any] = {}
        self._outlines = Remembered["Outline"](most=8)
        self._kept = Remembered[Decision](most=KEPT)
        self._standing: tuple[str, ...] = ()

    @contextmanager
    def written(self, tables: Iterable[pa.Table]) -> Iterator[Sealed]:
        """Write a segment; the caller registers it inside the block, or it goes again."""
        folder = self._folder / uuid.uuid4().hex
        aside = folder.with_name(folder.name + disk.ASIDE)
        try:
            with told(folder):
                disk.make_folder(aside)
                index = _write_rows(aside / "rows.parquet", tables)
                first_us, last_us = index.save(aside)
                for path in aside.iterdir():
                    disk.settle_file(path)
                disk.settle(aside)
                aside.replace(folder)
                disk.settle(self._folder)
            yield Sealed(
                0, folder.relative_to(self._root).as_posix(), index.rows, first_us, last_us
            )
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def find(self, segment: Sealed, key: bytes) -> Decision | None:
        """The decision of an id, or None."""
        import numpy as np

        # numpy takes zero bytes at the end of a text for padding.
        wanted, ids = key.rstrip(b"\0"), self._map(segment, "ids")
        place = int(np.searchsorted(ids, np.bytes_(wanted)))
        if place == len(ids) or ids[place] != wanted:
            return None
        return self.decisions(segment, [int(self._map(segment, "id_rows")[place])])[0]

    def rows_about(self, segment: Sealed, persons: Sequence[int]) -> list[int]:
        """The rows about some persons."""
        import numpy as np

        known, rows = self._map(segment, "persons"), self._map(segment, "person_rows")
        wanted = np.unique(np.asarray(persons, dtype=np.int64))
        starts = np.searchsorted(known, wanted, side="left")
        ends = np.searchsorted(known, wanted, side="right")
        spans = zip(starts.tolist(), ends.tolist(), strict=True)
        return sorted(int(row) for start, end in spans for row in rows[start:end])

    def decisions(self, segment: Sealed, rows: Sequence[int]) -> list[Decision]:
        """The decisions of some rows, in this order; of few, those read before are remembered."""
        if len(rows) > FEW:
            return self._read(segment, rows)
        found = {row: self._kept.get((segment.path, row)) for row in rows}
        missing = [row for row, one in found.items() if one is None]
        for row, one in zip(missing, self._read(segment, missing), strict=True):
            found[row] = one
            self._kept.put((segment.path, row), one)
        return [one for one in map(found.get, rows) if one is not None]

    def _read(self, segment: Sealed, rows: Sequence[int]) -> list[Decision]:
        import pyarrow.parquet as pq

        from renwei.stores.columns import to_decisions

        if not rows:
            return []
        found: dict[int, Decision] = {}
        with told(self._root / segment.path), pq.ParquetFile(self._rows(segment)) as file:
            for group in sorted({row // GROUP for row in rows}):
                places = sorted({row for row in rows if row // GROUP == group})
                table = _picked(file.read_row_group(group), [row - group * GROUP for row in places])
                found |= dict(zip(places, to_decisions(table), strict=True))
        return [found[row] for row in rows]

    def in_order(self, segment: Sealed) -> Iterator[Decision]:
        """Every decision, oldest first."""
        import pyarrow.parquet as pq

        from renwei.stores.columns import to_decisions

        if (self._root / segment.path / "times.npy").exists():
            rows = self._map(segment, "times")
            for start in range(0, len(rows), GROUP):
                yield from self.decisions(segment, rows[start : start + GROUP].tolist())
            return
        with told(self._root / segment.path), pq.ParquetFile(self._rows(segment)) as file:
            for group in range(file.num_row_groups):
                yield from to_decisions(file.read_row_group(group))

    def outline(self, segment: Sealed) -> Outline:
        """Every decision in outline, in the order they were given; read once a file."""
        import pyarrow.parquet as pq

        from renwei.stores.outlines import COLUMNS, Outline

        held = self._outlines.get(segment.path)
        if held is None:
            with told(self._root / segment.path), pq.ParquetFile(self._rows(segment)) as file:
                held = Outline.of_table(file.read(columns=COLUMNS))
            self._outlines.put(segment.path, held)
        return held

    def forgotten(
        self, segment: Sealed, gone: frozenset[int], units: Callable[[int], int]
    ) -> Iterator[pa.Table]:
        """The rows of a segment, those about some persons given to nobody."""
        import pyarrow.parquet as pq

        from renwei.stores.columns import forgotten_rows

        with told(self._root / segment.path), pq.ParquetFile(self._rows(segment)) as file:
            for group in range(file.num_row_groups):
                yield forgotten_rows(file.read_row_group(group), gone, units)

    def stand(self, segments: Sequence[Sealed]) -> None:
        """Told which are registered; when that changed, no decision stays remembered.

        Another process may have put one without somebody forgotten in another's place.
        """
        standing = tuple(segment.path for segment in segments)
        if standing != self._standing:
            self._standing = standing
            self._kept.clear()

    def remove(self, segment: Sealed) -> None:
        """Remove the files of a segment that nobody names any more."""
        folder = self._root / segment.path
        self._outlines.drop(segment.path)
        for name in ("ids", "id_rows", "persons", "person_rows", "times"):
            self._maps.pop(folder / f"{name}.npy", None)
        with told(folder):
            shutil.rmtree(folder)

    def sweep(self, known: set[str]) -> int:
        """Remove segments that nobody names; returns the count of folders."""
        if not self._folder.is_dir():
            return 0
        kept = {self._root / path for path in known}
        loose = [path for path in self._folder.iterdir() if path not in kept]
        for path in loose:
            shutil.rmtree(path)
        return len(loose)

    def check(self, segments: Sequence[Sealed]) -> list[str]:
        """What is wrong with the files; empty when sound."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        problems = []
        for segment in segments:
            try:
                rows = sum(
                    len(batch) for batch in pq.ParquetFile(self._rows(segment)).iter_batches()
                )
            except (OSError, pa.ArrowInvalid) as error:
                problems.append(f"{segment.path}: {error}")
                continue
            if rows != segment.rows:
                problems.append(f"{segment.path}: {rows} rows, registered {segment.rows}")
        return problems

    def _rows(self, segment: Sealed) -> Path:
        return self._root / segment.path / "rows.parquet"

    def _map(self, segment: Sealed, name: str) -> Any:
        import numpy as np

        path = self._root / segment.path / f"{name}.npy"
        if path not in self._maps:
            self._maps[path] = np.load(path, mmap_mode="r")
        return self._maps[path]


def _picked(table: pa.Table, places: Sequence[int]) -> pa.Table:
    """Some rows of a table."""
    import numpy as np
    import pyarrow as pa

    from renwei.stores.arrays import of_numbers

    if len(places) > FEW:
        return table.take(of_numbers(np.array(places, dtype=np.int64)))
    # Selecting loads pyarrow's functions first, 0.1 s in the answer that needs them first.
    return pa.concat_tables([table.slice(place, 1) for place in places])


class _Index:
    """Ids, persons and times of the rows, gathered while they are written."""

    def __init__(self) -> None:
        self.rows = 0
        self._ids: list[Any] = []
        self._persons: list[Any] = []
        self._times: list[Any] = []

    def add(self, table: pa.Table) -> None:
        from renwei.stores.arrays import to_numbers

        self.rows += len(table)
        self._ids.append(to_numbers(table["id"], "S16"))
        self._persons.append(to_numbers(table["person"]))
        self._times.append(to_numbers(table["at_us"]))

    def save(self, folder: Path) -> tuple[int, int]:
        """Write the index files; returns the first and the last time."""
        import numpy as np

        none = np.empty(0, np.int64)
        ids = np.concatenate([np.empty(0, "S16"), *self._ids])
        persons, times = (np.concatenate([none, *c]) for c in (self._persons, self._times))
        self._save_sorted(folder, "id", ids)
        self._save_sorted(folder, "person", persons)
        if (np.diff(times) < 0).any():
            np.save(folder / "times.npy", np.argsort(times, kind="stable").astype(np.uint32))
        return (int(times.min()), int(times.max())) if self.rows else (0, 0)

    def _save_sorted(self, folder: Path, name: str, keys: Any) -> None:
        import numpy as np

        # Bytes sort far quicker as two numbers than as text.
        if keys.dtype.kind == "S":
            halves = keys.view(">u8").reshape(-1, 2)
            order = np.lexsort((halves[:, 1], halves[:, 0]))
        else:
            order = np.argsort(keys, kind="stable")
        np.save(folder / f"{name}s.npy", keys[order])
        np.save(folder / f"{name}_rows.npy", order.astype(np.uint32))


def _write_rows(path: Path, tables: Iterable[pa.Table]) -> _Index:
    import pyarrow.parquet as pq

    from renwei.stores.columns import SCHEMA, WRITING

    index = _Index()
    with pq.ParquetWriter(path, SCHEMA, **WRITING) as writer:
        for table in _regrouped(tables):
            index.add(table)
            writer.write_table(table, row_group_size=GROUP)
    return index


def _regrouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of whole row groups, so that a row number tells its group."""
    import pyarrow as pa

    left: pa.Table | None = None
    for table in tables:
        whole = table if left is None else pa.concat_tables([left, table])
        cut = len(whole) // GROUP * GROUP
        if cut:
            yield whole.slice(0, cut)
        left = whole.slice(cut)
    if left is not None and len(left):
        yield left
