"""Refused rows as a table that a spreadsheet opens, to be mended there and sent again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from renwei.collect.records import RefusedRow

_LONG = 11
"""A number of more digits than that loses its last ones in a spreadsheet."""


def sheet(rows: Iterable[RefusedRow], reasons: Mapping[tuple[str, int], str], heading: str) -> str:
    """One line for each refused row, under the headers it had, with the reason at its end.

    Args:
        rows: As they were kept; a row that was refused for two columns comes once.
        reasons: The sentence for a file and row.
        heading: What stands above the reasons.

    Returns:
        CSV, marked as UTF-8 because Excel takes it for something else otherwise.
    """
    unique = {(row.file, row.row): row for row in rows}
    headers = list(dict.fromkeys(name for row in unique.values() for name in row.header))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([safe(name) for name in [*headers, heading]])
    for place, row in unique.items():
        cells = dict(zip(row.header, row.cells, strict=False))
        reason = reasons.get(place, "")
        writer.writerow([safe(cells.get(name, "")) for name in headers] + [safe(reason)])
    return "\ufeff" + out.getvalue()


def safe(cell: str) -> str:
    """A cell that a spreadsheet shows as it is: no formula, no rounded number.

    Example:
        >>> safe("=1+1"), safe("283742398472398473"), safe("59.90")
        ("'=1+1", "'283742398472398473", '59.90')
    """
    formula = cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not _is_number(cell)
    long = len(cell) > _LONG and cell.isascii() and cell.isdigit()
    return f"'{cell}" if formula or long else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
