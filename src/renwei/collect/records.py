"""What reading order files yields: the same shape whatever the platform wrote.

A `Reading` is pure data: nothing has been stored, no person resolved. Totals, previews and
the import itself are computed from it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Status = Literal["paid", "unpaid", "closed", "refunded", "returned"]
"""paid counts; unpaid and closed never did; refunded is paid back whole.

`returned` is a cancellation written as a document of its own (UCI invoices that start with
C): it is no order, its value lowers the buyer's total at its own time.
"""

IdentifierKind = Literal[
    "phone",
    "email",
    "nick",
    "customer",
    "openid",
    "unionid",
    "external_userid",
    "device",
    "anonymous",
]


class Identifier(msgspec.Struct, frozen=True, order=True):
    """One thing by which a buyer is known, as normalised by the reader.

    `phone` is E.164, `email` is lower case, `nick` and `customer` are "platform:value" (the
    same number in two shops is not the same person).
    """

    kind: IdentifierKind
    value: str


class ItemRecord(msgspec.Struct):
    """A product as the file names it.

    `code` is the shop's own code (SKU, StockCode, merchant code) or empty; `title` as written.
    Two lines are the same item when their code is equal, or, without code, title and variant.
    """

    code: str
    title: str
    variant: str = ""
    category: str = ""


class OrderRecord(msgspec.Struct):
    """One order, whole. Money is in minor units of `currency`.

    `lines` holds tuples (item, quantity, price_minor, amount_minor): `item` is an index into
    `Reading.items`, `price_minor` the unit price as listed, `amount_minor` quantity x price
    after line discounts where the file shows them. Quantities are whole units, > 0.
    `total_minor` is what the buyer paid, shipping included, before partial refunds.
    """

    number: str
    platform: str
    status: Status
    created_at: datetime | None
    paid_at: datetime | None
    total_minor: int
    currency: str
    refunded_minor: int = 0
    shipping_minor: int = 0
    shop: str = ""
    lines: list[tuple[int, int, int, int]] = []
    identifiers: tuple[Identifier, ...] = ()
    name: str = ""
    address: str = ""
    note: str = ""
    country: str = ""
    province: str = ""
    creator: str = ""
    accepts_marketing: bool | None = None
    row: int = 0
    file: str = ""
    rough: bool = False
    """The lines are only what a list of whole orders says: titles without their own prices."""


class RefusedRow(msgspec.Struct):
    """A cell or row that could not come in. `row` as a spreadsheet numbers it (1 is the first).

    `cells` is the whole row as text, kept (sealed) so that it can be seen and replayed.
    `values` feeds the sentence `refused.<code>` in words.*.toml.
    """

    file: str
    row: int
    column: str
    code: str
    value: str
    cells: list[str] = []
    header: list[str] = []


class ReadingWarning(msgspec.Struct):
    """Something worth knowing that refused nothing: sentence key `warnings.<code>`."""

    code: str
    file: str = ""
    row: int = 0
    column: str = ""
    value: str = ""
    count: int = 1
    values: dict[str, Any] = {}


class FileInfo(msgspec.Struct):
    """How one file was understood; shown as the preview of the mapping."""

    name: str
    layout: str
    encoding: str
    delimiter: str
    header_row: int
    sheet: str
    rows: int
    mapping: dict[str, str] = {}
    """Header as written -> our field."""
    unmapped: list[str] = []
    fill: dict[str, float] = {}
    """Header as written -> share of data rows with a value (for the health report)."""


class Reading(msgspec.Struct):
    """Everything the given files say.

    `zone` is the zone the files show ("Asia/Shanghai", "+08:00", "UTC") or the shop's;
    `zone_known` and `currency_known` tell whether the files themselves showed it. `region` is
    the one they show, "" where they show none.
    """

    platform: str
    encoding: str
    files: list[FileInfo]
    currency: str
    zone: str
    currency_known: bool
    zone_known: bool
    items: list[ItemRecord]
    orders: list[OrderRecord]
    refused: list[RefusedRow]
    warnings: list[ReadingWarning]
    region: str = ""
