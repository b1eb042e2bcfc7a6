"""A table in columns, each column as its distinct values and a number per row.

Order files repeat themselves: 541,909 lines of Online Retail hold 23,260 times and 1,630
prices. Every distinct text is kept and understood once; rows are small integers.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.collect.archives import Unpacked
from renwei.collect.sniff import decode, delimiter_of, kind_of
from renwei.core.errors import NotATable

Codes = NDArray[np.int32]
Record = list[str]
HEAD = 40  # records looked at for the header
_CHUNK = 20_000
_CELL = 1 << 20
_WIDEST = 2_000
_BROKEN = "\ufffe"  # the key of a line that is no JSON
_LINE_ITEMS = ("line_items", "lineItems", "items", "products", "lines", "skus", "orders_items")


@dataclass(slots=True, eq=False)
class Column:
    """One column: `values[codes[i]]` is the text of row i, as written."""

    name: str
    codes: Codes
    values: list[str]

    def at(self, row: int) -> str:
        """The text in a row."""
        return self.values[int(self.codes[row])]

    def spread(self, flags: Sequence[bool]) -> NDArray[np.bool_]:
        """A flag per distinct value, brought to the rows."""
        return np.asarray(flags, dtype=bool)[self.codes]


@dataclass(slots=True)
class Grid:
    """Records of one sheet before the header is known. `records` can be read once."""

    file: str
    sheet: str
    encoding: str
    delimiter: str
    records: Iterator[Record]
    estimate: int
    odd: list[int] = field(default_factory=list)
    header_given: bool = False
    first_row: int = 1


@dataclass(slots=True)
class Table:
    """The data rows under a header. `rows` are spreadsheet row numbers, 1 the first."""

    file: str
    sheet: str
    encoding: str
    delimiter: str
    header_row: int
    columns: list[Column]
    rows: NDArray[np.int64]
    overflow: dict[int, Record] = field(default_factory=dict)
    """Row index -> what stood beyond the last column."""
    odd: list[int] = field(default_factory=list)

    @property
    def header(self) -> list[str]:
        """Column names as written."""
        return [column.name for column in self.columns]

    def cells(self, row: int) -> list[str]:
        """A whole row as text."""
        return [column.at(row) for column in self.columns] + self.overflow.get(row, [])


def grids(file: Unpacked) -> list[Grid]:
    """The sheets of one file, one for text, Parquet and JSON.

    Raises:
        NotATable: Empty, encrypted, or not a table at all.
    """
    kind = kind_of(file.name, file.content)
    if kind == "text":
        return [_text(file)]
    if kind == "workbook":
        return _workbook(file)
    if kind == "parquet":
        return [_parquet(file)]
    return [_json(file)]


def tabulate(
    grid: Grid,
    head: list[Record],
    skip: int,
    names: list[str],
    on_rows: Callable[[int], None] | None = None,
) -> Table:
    """Read the rest of a grid into columns.

    Args:
        grid: Its `records` go on after `head`.
        head: Records already taken from it, the header among them.
        skip: Records up to and with the header, 0 where the file has none.
        names: Column names; they fix the width.
        on_rows: Told the rows read so far, now and then.
    """
    width = len(names)
    encoders = [_Encoder() for _ in names]
    overflow: dict[int, Record] = {}
    done = 0
    rest = itertools.chain(head[skip:], grid.records)
    while chunk := list(itertools.islice(rest, _CHUNK)):
        if any(len(record) != width for record in chunk):
            chunk = [_fitted(r, width, overflow, done + n) for n, r in enumerate(chunk)]
        for encoder, cells in zip(encoders, zip(*chunk, strict=True), strict=True):
            encoder.add(cells)
        done += len(chunk)
        if on_rows:
            on_rows(done)
    rows = np.arange(done, dtype=np.int64) + grid.first_row + skip
    columns = [e.column(name) for e, name in zip(encoders, names, strict=True)]
    return Table(
        grid.file,
        grid.sheet,
        grid.encoding,
        grid.delimiter,
        grid.first_row + skip - 1 if skip else 0,
        columns,
        rows,
        overflow,
        grid.odd,
    )


class _Encoder:
    def __init__(self) -> None:
        self.seen: defaultdict[str, int] = defaultdict()
        self.seen.default_factory = self.seen.__len__
        self.parts: list[Codes] = []

    def add(self, cells: Sequence[str]) -> None:
        codes = np.fromiter(map(self.seen.__getitem__, cells), dtype=np.int32, count=len(cells))
        self.parts.append(codes)

    def column(self, name: str) -> Column:
        codes = np.concatenate(self.parts) if self.parts else np.empty(0, dtype=np.int32)
        return Column(name, codes, list(self.seen))


def column_of(name: str, cells: Iterable[str]) -> Column:
    """A column from plain cells."""
    encoder = _Encoder()
    encoder.add(list(cells))
    return encoder.column(name)


def _fitted(record: Record, width: int, overflow: dict[int, Record], index: int) -> Record:
    if len(record) < width:
        return record + [""] * (width - len(record))
    if any(cell.strip() for cell in record[width:]):
        overflow[index] = record[width:]
    return record[:width]


def _text(file: Unpacked) -> Grid:
    decoded = decode(file.name, file.content)
    delimiter = delimiter_of(decoded.text)
    if not delimiter:
        raise NotATable("not_a_table", file=file.name, found="text")
    estimate = decoded.text.count("\n") + 1
    records = _blanks(decoded.text) if delimiter == " " else _records(decoded.text, delimiter)
    return Grid(
        file.name, "", decoded.encoding, delimiter, _held(file.name, records), estimate, decoded.odd
    )


def _records(text: str, delimiter: str) -> Iterator[Record]:
    if csv.field_size_limit() < _CELL:
        csv.field_size_limit(_CELL)
    if text.count('"') % 2 and _swallows(text, delimiter):
        return _line_by_line(text, delimiter)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _swallows(text: str, delimiter: str) -> bool:
    """Whether a quote that is never closed takes whole rows into one cell."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return any("\n" in c and c.count(delimiter) > 1 for row in rows for c in row if len(c) > 20)


def _line_by_line(text: str, delimiter: str) -> Iterator[Record]:
    for line in text.splitlines():
        if line.count('"') % 2:
            yield next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
        else:
            yield next(csv.reader([line], delimiter=delimiter), [])


def _blanks(text: str) -> Iterator[Record]:
    return (line.split() for line in text.splitlines())


def _held(name: str, records: Iterator[Record]) -> Iterator[Record]:
    """Pass records on; what the csv reader cannot take is a fault of the file."""
    try:
        yield from records
    except csv.Error as fault:
        raise NotATable("not_a_table", file=name, found=str(fault)) from fault


def _workbook(file: Unpacked) -> list[Grid]:
    import python_calamine as calamine

    try:
        book = calamine.load_workbook(io.BytesIO(file.content))
        found = [_sheet(file.name, book, name) for name in book.sheet_names]
    except calamine.PasswordError as fault:
        raise NotATable("encrypted_workbook", file=file.name) from fault
    except (calamine.CalamineError, OSError, ValueError) as fault:
        raise NotATable("broken_workbook", file=file.name) from fault
    kept = [grid for grid in found if grid is not None]
    if not kept:
        raise NotATable("empty_file", file=file.name)
    return kept


def _sheet(name: str, book: Any, sheet_name: str) -> Grid | None:
    sheet = book.get_sheet_by_name(sheet_name)
    rows = sheet.to_python(skip_empty_area=False)
    if not any(cell != "" for row in rows[:2000] for cell in row):
        return None
    records = [[_cell_text(cell) for cell in row] for row in rows]
    _fill_merged_head(records, sheet)
    return Grid(name, sheet_name, "xlsx", "", iter(records), len(records))


def _fill_merged_head(records: list[Record], sheet: Any) -> None:
    """Write a merged cell of a header into all its rows: headers of two rows."""
    from renwei.collect.headers import is_data

    for (top, left), (bottom, _) in sheet.merged_cell_ranges or []:
        in_head = top < HEAD and bottom < len(records) and bottom - top <= 2
        if in_head and bottom > top and not is_data(records[top]):
            for row in range(top + 1, bottom + 1):
                records[row][left] = records[row][left] or records[top][left]


def _cell_text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e21 else repr(cell)
    if cell is None:
        return ""
    return str(cell)


def _parquet(file: Unpacked) -> Grid:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(io.BytesIO(file.content))
        names, count = source.schema_arrow.names, source.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as fault:
        raise NotATable("not_a_table", file=file.name, found="Parquet") from fault
    if not count:
        raise NotATable("empty_file", file=file.name)

    def records() -> Iterator[Record]:
        yield [str(name) for name in names]
        try:
            for batch in source.iter_batches(_CHUNK):
                columns = [[_json_text(v) for v in column.to_pylist()] for column in batch.columns]
                yield from map(list, zip(*columns, strict=True))
        except (pa.ArrowException, OSError, ValueError, ArithmeticError) as fault:
            raise NotATable("not_a_table", file=file.name, found="Parquet") from fault

    return Grid(file.name, "", "parquet", "", records(), count + 1, header_given=True)


def _json(file: Unpacked) -> Grid:
    decoded = decode(file.name, file.content)
    flat = [row for thing in _documents(file.name, decoded.text) for row in _flattened(thing)]
    if not flat:
        raise NotATable("empty_file", file=file.name)
    names = list(dict.fromkeys(key for row in flat for key in row if key != _BROKEN))[:_WIDEST]
    records = itertools.chain([names], (_json_row(row, names) for row in flat))
    # JSON lines have no header row: the first document is row 1.
    return Grid(
        file.name,
        "",
        decoded.encoding,
        "",
        records,
        len(flat) + 1,
        decoded.odd,
        header_given=True,
        first_row=0,
    )


def _json_row(row: dict[str, str], names: list[str]) -> Record:
    """A row; a line that is no JSON stands beyond the last column, where it is refused."""
    return [row.get(name, "") for name in names] + ([row[_BROKEN]] if _BROKEN in row else [])


def _documents(name: str, text: str) -> list[Any]:
    try:
        whole = json.loads(text)
        if isinstance(whole, dict):
            listed = [v for v in whole.values() if isinstance(v, list) and v]
            alone = any(_names_order(key) for key in whole)
            whole = [whole] if alone else max(listed, key=len) if listed else []
    except json.JSONDecodeError:
        whole = [
            json.loads(line) if _sound(line) else {_BROKEN: line} if line.strip() else {}
            for line in text.split("\n")
        ]
    except RecursionError as fault:
        raise NotATable("not_a_table", file=name, found="JSON") from fault
    things = [thing for thing in whole if isinstance(thing, dict)]
    sound = sum(bool(thing) and _BROKEN not in thing for thing in things)
    if not sound or 2 * sound < sum(bool(thing) for thing in things):
        raise NotATable("not_a_table", file=name, found="JSON")
    return things


def _sound(line: str) -> bool:
    try:
        json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True


def _flattened(thing: dict[str, Any]) -> list[dict[str, str]]:
    """One row a line item; what belongs to the order stands on the first only."""
    items = next((k for k in _LINE_ITEMS if _is_listing(thing.get(k))), "")
    whole: dict[str, str] = {}
    # A document that lists its items is an order, so its id is the order's.
    bare = bool(items) and not any(_names_order(key) for key in thing)
    for key, value in thing.items():
        if key != items:
            _put(whole, "order_id" if bare and key in ("id", "_id") else key, value)
    if not items:
        return [whole]
    rows = []
    for n, item in enumerate(thing[items]):
        row = dict(whole) if n == 0 else {k: v for k, v in whole.items() if _names_order(k)}
        for key, value in item.items():
            _put(row, f"{items}.{key}", value)
        rows.append(row)
    return rows


def _is_listing(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _names_order(key: str) -> bool:
    from renwei.collect.headers import field_of

    return field_of(key) == "order"


def _put(row: dict[str, str], key: str, value: Any) -> None:
    if isinstance(value, dict):
        for inner, part in value.items():
            _put(row, f"{key}.{inner}", part)
    else:
        row[key] = _json_text(value)


def _json_text(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return _cell_text(value)
