"""What the operations of this rib are asked and what they answer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from renwei.collect.reading import Excluded
from renwei.core.operations import PRIVATE


class ImportRequest(msgspec.Struct, kw_only=True):
    """Files to bring in; `as_` names a layout where it should not be found out.

    `columns` corrects what columns mean, each "HEADER=FIELD"; "HEADER=" leaves one out.
    """

    files: list[Path]
    as_: str = ""
    dry_run: bool = False
    columns: list[str] = []


class Rejected(msgspec.Struct, kw_only=True):
    """One refused row and column; `row` as a spreadsheet numbers it."""

    row: int
    column: str
    code: str
    value: Annotated[str, PRIVATE]
    file: str = ""


class Warned(msgspec.Struct, kw_only=True):
    """Something worth knowing that refused nothing."""

    code: str
    text: Annotated[str, PRIVATE]
    count: int = 1
    file: str = ""
    row: int = 0
    column: str = ""
    value: Annotated[str, PRIVATE] = ""


class Understood(msgspec.Struct, kw_only=True):
    """How one file was read: `mapping` is header as written -> our field."""

    name: str
    layout: str
    encoding: str
    delimiter: str
    header_row: int
    sheet: str
    rows: int
    mapping: dict[str, str] = {}
    unmapped: list[str] = []
    fill: dict[str, float] = {}


class ImportAnswer(msgspec.Struct, kw_only=True):
    """What came in. orders to revenue_minor describe the counted orders of the given files.

    Money is in minor units of `currency`; first_order and last_order are shop-local.
    """

    import_id: str
    platform: str
    encoding: str
    files: list[str]
    orders: int
    customers: int
    lines: int
    units: int
    revenue_minor: int
    refunded_minor: int
    currency: str
    zone: str
    excluded: Excluded
    first_order: str
    last_order: str
    added: int = 0
    updated: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = []
    warnings: list[Warned] = []
    preview: list[Understood] | UnsetType = UNSET


class ImportsRequest(msgspec.Struct):
    """Nothing to say: every import."""


class ImportLine(msgspec.Struct, kw_only=True):
    """One import in the list. `state`: done, undone, running (broken off), undoing."""

    import_id: str
    at: datetime
    state: str
    platform: str
    files: list[str]
    orders: int
    revenue_minor: int
    currency: str
    added: int
    updated: int
    duplicates: int
    refused: int


class ImportsAnswer(msgspec.Struct):
    """Every import, newest first."""

    imports: list[ImportLine]


class ShowRequest(msgspec.Struct):
    """Which import."""

    import_id: str


class RefusedLine(msgspec.Struct, kw_only=True):
    """A refused row with its sentence; `cells` is the row as it was."""

    file: str
    row: int
    column: str
    code: str
    value: Annotated[str, PRIVATE]
    text: Annotated[str, PRIVATE]
    cells: Annotated[list[str], PRIVATE] = []


class ShowAnswer(msgspec.Struct, kw_only=True):
    """One import whole. `totals` has the keys of the import's own answer."""

    import_id: str
    at: datetime
    state: str
    platform: str
    totals: dict[str, Any]
    files: list[Understood]
    refused: list[RefusedLine]
    warnings: list[Warned]


class ReplayRequest(msgspec.Struct):
    """Which import, and a corrected copy of its refused rows if there is one."""

    import_id: str
    file: Path | None = None


class ReplayAnswer(msgspec.Struct, kw_only=True):
    """What came in of what had been refused; `left` rows still wait."""

    import_id: str
    rows: int
    added: int
    updated: int
    duplicates: int
    left: int
    rejected: list[Rejected] = []
    warnings: list[Warned] = []


class UndoRequest(msgspec.Struct):
    """Which import."""

    import_id: str


class UndoAnswer(msgspec.Struct, kw_only=True):
    """What was taken back. `kept`: orders that another import says too."""

    import_id: str
    orders: int
    changes: int
    kept: int
    people: int
    merges: int
    texts: int


class HealthRequest(msgspec.Struct):
    """Nothing to say: the whole workspace."""


class Fix(msgspec.Struct):
    """One instruction, and a command to copy where there is one."""

    text: str
    command: str = ""


class Problem(msgspec.Struct, kw_only=True):
    """One thing that hurts: how often, which share, how much (share of revenue, 0 to 1)."""

    code: str
    text: str
    count: int
    share: float
    hurts: float
    examples: Annotated[list[str], PRIVATE]
    fix: Fix


class HealthAnswer(msgspec.Struct, kw_only=True):
    """What hurts most comes first; `checked` names everything that was looked at."""

    text: str
    orders: int
    problems: list[Problem]
    checked: list[str]
