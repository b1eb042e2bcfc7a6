"""A few values of each column, so that whoever corrects a guess sees what it is about."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HEAD_BYTES = 64 * 1024
ROWS = 40
MOST, LONGEST = 2, 24


def samples(paths: Iterable[Path], files: Sequence[Any]) -> dict[str, dict[str, str]]:
    """By file and header the first values that differ, from the head of plain text tables.

    Args:
        paths: Where the files lie, named as they were sent.
        files: How each was understood (`Understood`).

    Returns:
        Nothing for what is packed or a workbook: those are not opened twice.
    """
    where = {path.name: path for path in paths}
    return {
        file.name: _of(where[file.name], file)
        for file in files
        if file.name in where and file.delimiter and not file.sheet
    }


def _of(path: Path, file: Any) -> dict[str, str]:
    with path.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
    try:
        text = head.decode(file.encoding, errors="ignore").lstrip("\ufeff")
        records = list(
            itertools.islice(csv.reader(text.splitlines(), delimiter=file.delimiter), ROWS)
        )
    except (LookupError, csv.Error, TypeError):
        return {}
    known = {*file.mapping, *file.unmapped}
    at = next((k for k, one in enumerate(records) if known & {cell.strip() for cell in one}), None)
    # The last line may be cut in the middle.
    return _first(records[at], records[at + 1 : -1]) if at is not None else {}


def _first(header: Sequence[str], records: Sequence[Sequence[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for k, name in enumerate(header):
        # As platforms keep spreadsheets from spoiling long numbers: ="123", '123.
        cells = (record[k].strip(" \t=\"'") for record in records if k < len(record))
        different = list(dict.fromkeys(cell for cell in cells if cell))[:MOST]
        found[name.strip()] = " · ".join(_short(cell) for cell in different)
    return found


def _short(cell: str) -> str:
    return cell if len(cell) <= LONGEST else cell[: LONGEST - 1] + "…"
