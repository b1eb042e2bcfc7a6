"""Made-up order books as files: the builders that tests of reading use.

`a_book` draws orders, the functions of `platforms` write them as each platform would,
`csv_file`, `xlsx_file`, `parquet_file` and `json_file` put them on disk, and `expected` is
the pivot made by hand.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.collect.books import GOODS, PLAIN, Piece, Rows, Sale, Style, a_book, expected
from tests.collect.platforms import (
    LAYOUTS,
    douyin,
    generic_en,
    generic_zh,
    shares,
    shopify,
    taobao_detail,
    taobao_list,
    taobao_rows,
    uci,
    weidian,
    woo_lines,
    woo_orders,
    youzan,
)

__all__ = [
    "GOODS",
    "LAYOUTS",
    "PLAIN",
    "Piece",
    "Rows",
    "Sale",
    "Style",
    "a_book",
    "csv_bytes",
    "csv_file",
    "douyin",
    "expected",
    "generic_en",
    "generic_zh",
    "gz_file",
    "json_file",
    "parquet_file",
    "shares",
    "shopify",
    "taobao_detail",
    "taobao_list",
    "taobao_rows",
    "uci",
    "weidian",
    "woo_lines",
    "woo_orders",
    "xlsx_file",
    "youzan",
    "zip_file",
]


def csv_bytes(rows: Rows, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """Rows as a delimited file."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def csv_file(
    folder: Path,
    rows: Rows,
    name: str = "orders.csv",
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> Path:
    """Write a delimited file."""
    path = folder / name
    path.write_bytes(csv_bytes(rows, encoding, delimiter))
    return path


def xlsx_file(
    folder: Path,
    rows: Rows,
    name: str = "orders.xlsx",
    *,
    titles: Sequence[str] = (),
    totals: Sequence[Any] = (),
    merge: Sequence[int] = (),
    typed: bool = False,
) -> Path:
    """Write a workbook: title rows above, a totals row below, merged order cells between.

    Args:
        merge: Column numbers whose cells are merged over rows where they are blank.
        typed: Numbers and times as such, not as text.
    """
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for title in titles:
        sheet.append([title])
    start = len(titles) + 1
    for k, row in enumerate(rows):
        sheet.append([_typed(c) if typed and k else c for c in row])
    for column in merge:
        _merge(sheet, rows, column, start)
    for k, title in enumerate(titles):
        sheet.merge_cells(start_row=k + 1, end_row=k + 1, start_column=1, end_column=len(rows[0]))
        del title
    if totals:
        sheet.append(list(totals))
    path = folder / name
    book.save(path)
    return path


def _merge(sheet: Any, rows: Rows, column: int, start: int) -> None:
    first = 1
    for k in range(2, len(rows) + 1):
        if k == len(rows) or rows[k][column]:
            if k - first > 1:
                at = (start + first, start + k - 1)
                sheet.merge_cells(
                    start_row=at[0], end_row=at[1], start_column=column + 1, end_column=column + 1
                )
            first = k


def _typed(cell: str) -> Any:
    if len(cell) > 15:
        try:
            return datetime.strptime(cell, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
        except ValueError:
            return cell
    try:
        return float(cell) if cell.count(".") == 1 else int(cell) if len(cell) < 9 else cell
    except ValueError:
        return cell


def parquet_file(folder: Path, rows: Rows, name: str = "orders.parquet") -> Path:
    """Write a Parquet file with numbers and times typed where a whole column allows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {}
    for k, header in enumerate(rows[0]):
        cells = [_typed(row[k]) if row[k] else None for row in rows[1:]]
        kinds = {type(c) for c in cells if c is not None}
        columns[header] = cells if len(kinds) <= 1 else [row[k] for row in rows[1:]]
    path = folder / name
    pq.write_table(pa.table(columns), path)
    return path


def json_file(folder: Path, rows: Rows, name: str = "orders.jsonl") -> Path:
    """Write JSON lines."""
    path = folder / name
    docs = (dict(zip(rows[0], row, strict=True)) for row in rows[1:])
    path.write_text("\n".join(json.dumps(d, ensure_ascii=False) for d in docs), "utf-8")
    return path


def gz_file(path: Path) -> Path:
    """The same file gzipped beside it."""
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def zip_file(folder: Path, members: dict[str, bytes], name: str = "orders.zip") -> Path:
    """A zip of members."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path
