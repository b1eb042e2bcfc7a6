"""The list as an Excel file that opens safely: text stays text, whatever it begins with."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from renwei.core.errors import Unavailable

WIDTHS = {"draft": 60, "reasons": 46, "what": 34, "name": 16, "when": 18, "channel": 28}
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe in front where it might.

    Example:
        >>> safe("=1+1"), safe("Ann")
        ("'=1+1", 'Ann')
    """
    return "'" + text if text.startswith(_RISKY) else text


def check_place(path: Path) -> None:
    """See before any work that the file can be written there.

    Raises:
        Unavailable: It cannot (code sheet_unwritable).
    """
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Unavailable("sheet_unwritable", path=str(path), fault=os.strerror(_fault(path)))


def _fault(path: Path) -> int:
    if path.is_dir():
        return errno.EISDIR
    return errno.EACCES if path.absolute().parent.is_dir() else errno.ENOENT


def write_sheet(
    path: Path, title: str, header: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]
) -> None:
    """Write one sheet with a frozen header.

    Args:
        path: Replaced if it is there.
        title: Of the sheet.
        header: (column, its name as shown) pairs; the column decides the width.
        rows: Texts and numbers, one sequence a line.

    Raises:
        Unavailable: The file cannot be written (code sheet_unwritable).
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    assert sheet is not None  # noqa: S101 - a new workbook has a sheet
    sheet.title = title[:31]
    sheet.append([_plain(name) for _, name in header])
    for row in rows:
        sheet.append([_plain(value) for value in row])
    for cells in sheet.iter_rows(min_row=2):
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(cell.value, str):
                cell.data_type = "s"
                cell.quotePrefix = cell.value.startswith("'")
    for place, (column, _) in enumerate(header, 1):
        sheet.column_dimensions[get_column_letter(place)].width = WIDTHS.get(column, 14)
        sheet.cell(1, place).font = Font(bold=True)
    sheet.freeze_panes = "A2"
    try:
        book.save(path)
    except OSError as fault:
        raise Unavailable("sheet_unwritable", path=str(path), fault=fault.strerror or "") from fault


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # Excel refuses control characters; a nick may hold them.
    return safe("".join(c for c in value if c >= " " or c in "\t\n"))
