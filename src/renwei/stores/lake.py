"""The lake of sealed events: Parquet files by day of arrival and bucket of actor, by `at`.

Files are written once and never edited; taking a source back or forgetting an actor writes a
new file and drops the old one. Which files count is for log.db to say: what it does not name
was left by a crash.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from renwei.core.chance import MASK, mix
from renwei.core.clock import from_us
from renwei.core.nouns import NOBODY
from renwei.stores import disk
from renwei.stores.faults import told

if TYPE_CHECKING:
    import pyarrow as pa

BUCKETS = 8
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A registered file; `path` is relative to the workspace."""

    id: int
    path: str
    bucket: int
    rows: int
    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class Made:
    """A file on disk that nobody has registered yet."""

    path: str
    bucket: int
    rows: int
    first_seq: int
    last_seq: int
    actors: tuple[int, ...]
    kinds: tuple[str, ...]


@dataclass(slots=True)
class Change:
    """What a rewrite did: files made and replaced, message ids dropped, events given away."""

    made: list[Made] = field(default_factory=list)
    replaced: list[Segment] = field(default_factory=list)
    dropped: list[bytes] = field(default_factory=list)
    given: int = 0


class Lake:
    """Sealed events under `folder`, inside the workspace `root`."""

    NAMES = (
        "seq",
        "message_id",
        "actor",
        "kind",
        "item",
        "at_us",
        "seen_us",
        "source",
        "value_minor",
        "currency",
        "version",
        "body",
    )

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root

    @contextmanager
    def written(self, rows: Iterable[Row]) -> Iterator[list[Made]]:
        """Write events into files by day and bucket; the caller registers them inside."""
        parts: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in rows:
            bucket = mix(row[2] & MASK) % BUCKETS
            parts[from_us(row[6]).date().isoformat(), bucket].append(row)
        made: list[Made] = []
        try:
            for (day, bucket), part in sorted(parts.items()):
                made.append(self._write_file(f"day={day}/bucket={bucket}", bucket, part))
            yield made
        except BaseException:
            disk.remove(self._root / file.path for file in made)
            raise

    def _write_file(self, folder: str, bucket: int, rows: list[Row]) -> Made:
        import pyarrow.parquet as pq

        rows.sort(key=_by_time)
        table = _table(rows)
        path = self._folder / folder / f"{uuid.uuid4().hex}.parquet"
        disk.place(path, lambda aside: pq.write_table(table, aside, compression="zstd"))
        seqs = [row[0] for row in rows]
        return Made(
            path.relative_to(self._root).as_posix(),
            bucket,
            len(rows),
            min(seqs),
            max(seqs),
            tuple({row[2] for row in rows}),
            tuple({row[3] for row in rows}),
        )

    def read(
        self, segments: Sequence[Segment], after: int, until: int, kinds: Sequence[str] = ()
    ) -> list[Row]:
        """Events at positions in (after, until], of some kinds or of all, in no order."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(kinds, pa.string())
        found: list[Row] = []
        for segment in segments:
            if segment.last_seq > after and segment.first_seq <= until:
                table = self._load(segment)
                seq = table["seq"]
                mask = pc.and_(pc.greater(seq, after), pc.less_equal(seq, until))
                if kinds:
                    kind = table["kind"].cast(pa.string())
                    mask = pc.and_(mask, pc.is_in(kind, value_set=wanted))
                found += _rows(table.filter(mask))
        return found

    def arrived(
        self, segments: Sequence[Segment], *, since_us: int, until_us: int, most: int
    ) -> list[Row]:
        """Position, kind, source and body of the newest events that came in a time."""
        import pyarrow as pa
        import pyarrow.compute as pc

        names = ["seq", "kind", "source", "body"]
        newest: pa.Table | None = None
        for segment in sorted(segments, key=lambda one: one.last_seq, reverse=True):
            # Files hold stretches of the log: what is newer is in none of those that are left.
            oldest = newest["seq"][-1].as_py() if newest is not None and len(newest) == most else 0
            if oldest > segment.last_seq:
                break
            table = self._load(segment, [*names, "seen_us"])
            seen = table["seen_us"]
            within = pc.and_(pc.greater_equal(seen, since_us), pc.less_equal(seen, until_us))
            found = table.filter(within).select(names)
            whole = found if newest is None else pa.concat_tables([newest, found])
            newest = whole.take(pc.sort_indices(whole, [("seq", "descending")])[:most])
        return [] if newest is None else _rows(newest, names)

    def of(self, segments: Sequence[Segment], actors: Sequence[int]) -> list[Row]:
        """Events of some actors, in no order."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(actors, pa.int64())
        found: list[Row] = []
        for segment in segments:
            table = self._load(segment)
            found += _rows(table.filter(pc.is_in(table["actor"], value_set=wanted)))
        return found

    @contextmanager
    def rewritten(
        self,
        segments: Sequence[Segment],
        *,
        nobody: Sequence[int] = (),
        without_source: str | None = None,
    ) -> Iterator[Change]:
        """Write changed files anew; the caller registers them inside the block.

        The old files go when the block ends well, the new ones when it fails.
        """
        change = Change()
        gone = frozenset(nobody)
        try:
            for segment in segments:
                self._rewrite_one(segment, change, gone, without_source)
            yield change
        except BaseException:
            disk.remove(self._root / made.path for made in change.made)
            raise
        disk.remove(self._root / segment.path for segment in change.replaced)

    def _rewrite_one(
        self, segment: Segment, change: Change, gone: frozenset[int], source: str | None
    ) -> None:
        rows = _rows(self._load(segment))
        kept = [row for row in rows if source is None or row[7] != source]
        given = sum(row[2] in gone for row in kept)
        if len(kept) == len(rows) and not given:
            return
        change.dropped += [row[1] for row in rows if source is not None and row[7] == source]
        change.given += given
        change.replaced.append(segment)
        if kept:
            kept = [(*row[:2], NOBODY, *row[3:]) if row[2] in gone else row for row in kept]
            folder = (self._root / segment.path).parent.relative_to(self._folder).as_posix()
            change.made.append(self._write_file(folder, segment.bucket, kept))

    def remove(self, segments: Sequence[Segment]) -> None:
        """Remove files that no register names any more."""
        disk.remove(self._root / segment.path for segment in segments)

    def sweep(self, known: set[str]) -> int:
        """Remove files that are not known; returns the count."""
        return disk.sweep(self._folder, {self._root / path for path in known})

    def check(self, segments: Sequence[Segment]) -> list[str]:
        """What is wrong with the files; empty when sound."""
        import pyarrow as pa

        problems = []
        for segment in segments:
            try:
                rows = self._load(segment).num_rows
            except (OSError, pa.ArrowInvalid) as error:
                problems.append(f"{segment.path}: {error}")
                continue
            if rows != segment.rows:
                problems.append(f"{segment.path}: {rows} rows, registered {segment.rows}")
        return problems

    def _load(self, segment: Segment, names: Sequence[str] = NAMES) -> pa.Table:
        import pyarrow.parquet as pq

        path = self._root / segment.path
        with told(path), pq.ParquetFile(path) as file:
            return file.read(columns=list(names))


def _by_time(row: Row) -> tuple[int, int]:
    return row[5], row[0]


def _table(rows: Sequence[Row]) -> pa.Table:
    import pyarrow as pa

    types = {
        "message_id": pa.binary(),
        "kind": pa.dictionary(pa.int32(), pa.string()),
        "source": pa.dictionary(pa.int32(), pa.string()),
        "currency": pa.dictionary(pa.int32(), pa.string()),
        "body": pa.string(),
    }
    columns = zip(*rows, strict=True)
    return pa.table(
        {
            name: pa.array(column, types.get(name, pa.int64()))
            for name, column in zip(Lake.NAMES, columns, strict=True)
        }
    )


def _rows(table: pa.Table, names: Sequence[str] = Lake.NAMES) -> list[Row]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))
