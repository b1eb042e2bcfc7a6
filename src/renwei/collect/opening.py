"""From paths to mapped tables: every structural fault is met here, before anything is kept."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from renwei.collect.archives import Unpacked, unpack
from renwei.collect.headers import header_row, letters, unique_names
from renwei.collect.layouts import LAYOUTS, detect
from renwei.collect.layouts.layout import Layout
from renwei.collect.mapping import Mapped, understand
from renwei.collect.tables import HEAD, Grid, Record, Table, grids, tabulate
from renwei.core.errors import NotATable

_NOTE = re.compile(r"\.(txt|md|pdf|docx?|png|jpe?g|gif|url)$", re.I)
OnRows = Callable[[int, int], None]


class How(NamedTuple):
    """How to understand tables: the layout if it was named, where phones belong, corrections.

    `told` says what headers mean, beyond what the layout and the synonyms know.
    """

    layout: Layout | None
    region: str
    told: Mapping[str, str]

    def meaning(self, table: Table, layout: Layout) -> Mapped:
        """A table whose columns have their fields."""
        if self.told:
            layout = msgspec.structs.replace(layout, fields={**layout.fields, **self.told})
        return understand(table, layout, self.region)


def opened(paths: Sequence[Path], how: How, progress: OnRows | None) -> list[Mapped]:
    """All tables of all files, understood.

    Raises:
        BadInput: A path cannot be read.
        NotATable: A file is no table, or no table of orders.
    """
    files = [file for path in paths for file in unpack(path)]
    mapped: list[Mapped] = []
    before = 0
    for n, file in enumerate(files):
        weight = _Share(before, files[n:], progress)
        try:
            tables = _tables(file, how, weight)
        except NotATable as fault:
            if fault.code != "not_a_table" or not _is_note(file, files):
                raise
            continue
        before += sum(len(m.table.rows) for m in tables)
        mapped += tables
    if progress:
        progress(before, before)
    return mapped


def _is_note(file: Unpacked, files: Sequence[Unpacked]) -> bool:
    """Whether it is the read-me or picture that a platform packs beside its tables."""
    archive, _, name = file.name.rpartition("/")
    beside = [f for f in files if f.name.startswith(f"{archive}/") and not _NOTE.search(f.name)]
    return bool(archive and beside and _NOTE.search(name))


class _Share:
    """Tells progress over several files: the rows of later ones are guessed by their bytes."""

    def __init__(self, before: int, files: Sequence[Unpacked], progress: OnRows | None) -> None:
        self.before = before
        self.later = sum(len(f.content) for f in files[1:]) / max(len(files[0].content), 1)
        self.progress = progress

    def tell(self, done: int, estimate: int) -> None:
        if self.progress:
            whole = self.before + max(done, estimate) * (1 + self.later)
            self.progress(self.before + done, int(whole))


def _tables(file: Unpacked, how: How, share: _Share) -> list[Mapped]:
    sheets = grids(file)
    found: list[Mapped] = []
    refused: NotATable | None = None
    for grid in sheets:
        try:
            found.append(_understood(grid, how, share))
        except NotATable as fault:
            if len(sheets) == 1:
                raise
            refused = refused or fault
    if not found and refused is not None:
        raise refused
    return found


def _understood(grid: Grid, how: How, share: _Share) -> Mapped:
    head: list[Record] = list(itertools.islice(grid.records, HEAD))
    if not any(cell.strip() for record in head for cell in record):
        raise NotATable("empty_file", file=grid.file)
    at = 0 if grid.header_given else header_row(head)
    width = max(len(record) for record in head)
    if width < 2:
        raise NotATable("not_a_table", file=grid.file, found="text")
    layout = how.layout or _layout(grid, head, at)
    names = _names(head, at) if at >= 0 else _own_names(layout, width)
    table = tabulate(grid, head, at + 1, names, lambda done: share.tell(done, grid.estimate))
    if not len(table.rows):
        raise NotATable("no_rows", file=grid.file)
    return how.meaning(table, layout)


def _layout(grid: Grid, head: Sequence[Record], at: int) -> Layout:
    if at < 0:
        blanks = grid.delimiter == " " and len(head[0]) in (4, 5)
        return LAYOUTS["cdnow" if blanks else "generic"]
    around = [cell for record in head[:at] for cell in record if cell]
    return detect(head[at], [grid.file, grid.sheet, *around])


def _names(head: Sequence[Record], at: int) -> list[str]:
    """Names of the header, and letters for columns that most rows fill without a name."""
    rows = [record for record in head[at + 1 :] if any(cell.strip() for cell in record)]
    usual = sorted(map(_last, rows))[len(rows) // 2] if rows else 0
    if any(_is_cut(record, _last(head[at])) for record in rows):
        usual = 0
    width = max(_last(head[at]), usual)
    return unique_names((head[at] + [""] * width)[:width])


def _is_cut(record: Record, width: int) -> bool:
    """Whether the cells beyond the header are the rest of an unquoted 1,280.00."""
    beyond = [cell for cell in record[width:] if cell.strip()]
    return len(beyond) == 1 and re.fullmatch(r"\d{3}(\.\d+)?\D?", beyond[0].strip()) is not None


def _last(record: Record) -> int:
    return max((n for n, cell in enumerate(record, start=1) if cell.strip()), default=0)


def _own_names(layout: Layout, width: int) -> list[str]:
    if layout.names:
        names = [n for n in layout.names if n != "sample_id" or width == len(layout.names)]
        if len(names) == width:
            return names
    return letters(width)
