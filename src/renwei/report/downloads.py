"""Reports as files: an Excel book whose text stays text, and a picture for the group.

The bytes are made apart from writing them, so that a page can hand them out too.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from renwei.core.errors import BadInput, Unavailable
from renwei.core.shop import Shop
from renwei.core.words import EXPONENTS
from renwei.report.answers import ReportAnswer, RowsAnswer

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDE = 60
Table = tuple[str, Sequence[str], Sequence[Sequence[Any]]]
"""Title, header, rows."""


def check_place(path: Path, endings: Sequence[str]) -> None:
    """See before any work that such a file can be written there.

    Raises:
        BadInput: Its ending is none of these (code report_ending).
        Unavailable: It cannot be written (code report_unwritable).
    """
    if path.suffix.lower() not in endings:
        raise BadInput("report_ending", found=path.suffix or path.name, known=", ".join(endings))
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Unavailable("report_unwritable", path=str(path), fault="")


def write_report(shop: Shop, answer: ReportAnswer, path: Path) -> None:
    """Write the report as the path's ending says; the place was checked."""
    from renwei.report.picture import picture

    if path.suffix.lower() == ".svg":
        _write(path, picture(shop, answer).encode())
    else:
        _write(path, report_book(shop, answer))


def write_rows(shop: Shop, answer: RowsAnswer, path: Path) -> None:
    """Write every row of an answer as an Excel file."""
    _write(path, rows_book(shop, answer))


def report_book(shop: Shop, answer: ReportAnswer) -> bytes:
    """The report as an Excel book: sentences, numbers, parts, days. Money in whole units."""

    def head(names: str) -> list[str]:
        return [shop.say(f"report.column.{name}") for name in names.split()]

    def shown(unit: str, value: float | None) -> float | None:
        return _units(value, answer.currency) if unit == "money" else value

    said = [[text] for text in answer.sentences] + [[note.text] for note in answer.notes]

    def about(unit: str, value: float | None) -> float | None:
        # Bounds are estimates; a tail of digits would claim that they are not.
        return shown(unit, value) if unit == "money" or value is None else round(value, 2)

    numbers = [
        [
            f.label,
            shown(f.unit, f.value),
            *(about(f.unit, v) for v in (f.usual, f.low, f.high)),
            f.text,
        ]
        for f in answer.figures
    ]
    made = [
        [
            shop.say(f"report.dimension.{c.dimension}"),
            c.label,
            *(shown(c.unit, v) for v in (c.value, c.usual, c.change)),
            c.text,
        ]
        for c in answer.causes
    ]
    days = [
        [
            p.day,
            p.orders,
            about("orders", p.orders_low),
            about("orders", p.orders_high),
            *(shown("money", v) for v in (p.revenue_minor, p.revenue_low, p.revenue_high)),
        ]
        for p in answer.series
    ]
    return _book(
        [
            (shop.say("report.sheet.report"), [answer.title], said),
            (shop.say("report.sheet.numbers"), head("measure value usual low high text"), numbers),
            (shop.say("report.sheet.parts"), head("by part value usual change text"), made),
            (
                shop.say("report.sheet.days"),
                head("day orders orders_low orders_high revenue revenue_low revenue_high"),
                days,
            ),
        ]
    )


def rows_book(shop: Shop, answer: RowsAnswer) -> bytes:
    """Rows as an Excel book, as a pivot wants them: one line an order. Money in whole units."""
    names = (
        "order number at platform shop status items units paid refunded amount person import row"
    )
    money = answer.unit == "money"
    table = [
        [
            row.order,
            row.number,
            row.at[:19].replace("T", " "),
            row.platform,
            row.shop,
            row.status,
            row.items,
            row.units,
            _units(row.paid_minor, answer.currency),
            _units(row.refunded_minor, answer.currency),
            _units(row.amount, answer.currency) if money else row.amount,
            row.person,
            row.import_id,
            row.file_row,
        ]
        for row in answer.rows
    ]
    head = [shop.say(f"report.column.{name}") for name in names.split()]
    return _book([(answer.label, head, table)])


def safe(value: Any) -> Any:
    """What no spreadsheet takes for a formula: an apostrophe in front where it might.

    Example:
        >>> safe("=1+1"), safe("Ann"), safe(3)
        ("'=1+1", 'Ann', 3)
    """
    if not isinstance(value, str):
        return value
    text = "".join(c for c in value if c >= " " or c in "\t\n")
    return "'" + text if text.startswith(_RISKY) else text


def _units(value: float | None, currency: str) -> float | None:
    places = EXPONENTS.get(currency, 2)
    # Whole minor units first, as in the sentences: both then say the same cent.
    return None if value is None else round(value) / 10**places


def _book(tables: Sequence[Table]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    for place, (title, header, rows) in enumerate(tables):
        sheet = book.create_sheet(title[:31], place)
        sheet.append([safe(name) for name in header])
        for row in rows:
            sheet.append([safe(value) for value in row])
        for cells in sheet.iter_rows(min_row=2):
            for cell in cells:
                if isinstance(cell.value, str):
                    cell.data_type = "s"
                    cell.quotePrefix = cell.value.startswith("'")
                    cell.alignment = Alignment(wrap_text=True, vertical="top")
        for column in range(1, len(header) + 1):
            longest = max((len(str(row[column - 1])) for row in rows[:200]), default=0)
            width = min(max(longest, len(header[column - 1]), 10) + 2, _WIDE)
            sheet.column_dimensions[get_column_letter(column)].width = width
            sheet.cell(1, column).font = Font(bold=True)
        sheet.freeze_panes = "A2"
    del book[book.sheetnames[-1]]
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _write(path: Path, data: bytes) -> None:
    try:
        path.touch(mode=0o600)
        path.write_bytes(data)
    except OSError as fault:
        raise Unavailable(
            "report_unwritable", path=str(path), fault=fault.strerror or ""
        ) from fault
