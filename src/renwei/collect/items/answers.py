"""What the catalogue is asked and what it answers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from renwei.collect.items.checking import FIELDS

MOST = 5_000
Text = str | None | UnsetType
Yes = bool | None | UnsetType
Whole = int | None | UnsetType
Price = str | int | float | None | UnsetType
Tags = list[str] | None | UnsetType
Attributes = dict[str, str | int | float | bool | None] | str | None | UnsetType

_ITEM_SCHEMA: dict[str, Any] = {
    "items": {
        "type": "object",
        "required": ["id"],
        "properties": {name: {} for name in FIELDS},
    }
}
Items = Annotated[list[Any], Meta(min_length=1, max_length=MOST, extra_json_schema=_ITEM_SCHEMA)]


class ItemsList(msgspec.Struct, kw_only=True):
    """Which items; without anything, all that are offered or delisted, by their numbers.

    `query` are words that all must be in id, title, category, brand or creator. `after` is the
    `next` of the page before.
    """

    query: Annotated[str, Meta(max_length=200, extra={"argument": True})] = ""
    kind: str = ""
    category: str = ""
    id: Annotated[list[str], Meta(max_length=500)] = []
    gone: bool = False
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    after: str = ""


class ItemShown(msgspec.Struct, kw_only=True):
    """One item as it stands. `price` is decimal text, `stock` None where it is not counted.

    `offered` is what recommendations go by: not gone, not delisted, not out of stock. `told`
    are the fields that the shop said; the rest was seen in orders and events.
    """

    id: str
    kind: str
    title: str
    category: str
    price: str | None
    price_minor: int | None
    currency: str
    stock: int | None
    available: bool
    offered: bool
    gone: bool
    gone_at: datetime | None
    brand: str
    creator: str
    artist: str
    url: str
    image: str
    variant: str
    group: str
    language: str
    repeat: str
    cost_minor: int | None
    tags: list[str]
    attributes: dict[str, Any]
    first_seen: datetime | None
    told: list[str]


class ItemsAnswer(msgspec.Struct, kw_only=True):
    """A page of items; `next` is "" on the last, `total` counts all that were asked for."""

    items: list[ItemShown]
    total: int
    next: str


class ItemShow(msgspec.Struct, kw_only=True):
    """One item by its id; `kind` where several kinds have this id."""

    id: str
    kind: str = ""


class PricedThen(msgspec.Struct, kw_only=True):
    """A price from a time on."""

    at: datetime
    price: str
    price_minor: int
    currency: str


class StockedThen(msgspec.Struct, kw_only=True):
    """What was in stock from a time on."""

    at: datetime
    stock: int


class ItemAnswer(msgspec.Struct, kw_only=True):
    """One item with its history, the oldest first; the lowest price is of the last 30 days."""

    item: ItemShown
    prices: list[PricedThen]
    stocks: list[StockedThen]
    lowest_30_days_minor: int | None


class ItemsSave(msgspec.Struct, kw_only=True):
    """Items to store, each an object with `id` and what is told of it.

    Whole by default: what is left out of an item is emptied. With `partial`, only what is given
    changes, null empties, and an unknown id is refused. Where two are the same item, the later
    one wins.
    """

    items: Items
    partial: bool = False
    by: str = ""


class ItemRefused(msgspec.Struct, kw_only=True):
    """One item that was not taken: where in the list, which field, why."""

    index: int
    id: str
    field: str
    code: str
    text: str
    values: dict[str, Any]


class ItemAgain(msgspec.Struct, kw_only=True):
    """An item that a later one of the same list told again: the later one counts."""

    index: int
    by: int


class ItemsSaved(msgspec.Struct, kw_only=True):
    """What became of them; `stored` are in the catalogue as told, unchanged ones too."""

    stored: int
    new: int
    changed: int
    unchanged: int
    back: int
    removed: int
    refused: list[ItemRefused]
    again: list[ItemAgain]
    text: str


class ItemPut(msgspec.Struct, kw_only=True):
    """One item as a whole: what is left out is emptied."""

    id: str
    kind: str = ""
    title: str | None = None
    category: str | None = None
    price: str | int | float | None = None
    price_minor: int | None = None
    currency: str | None = None
    stock: int | None = None
    available: bool | None = None
    brand: str | None = None
    creator: str | None = None
    artist: str | None = None
    url: str | None = None
    image: str | None = None
    variant: str | None = None
    group: str | None = None
    language: str | None = None
    repeat: str | bool | None = None
    cost_minor: int | None = None
    tags: list[str] | None = None
    attributes: dict[str, str | int | float | bool | None] | str | None = None
    first_seen: str | None = None
    by: str = ""


class ItemPatch(msgspec.Struct, kw_only=True):
    """Some fields of one item: what is left out stays, null empties."""

    id: str
    kind: str = ""
    title: Text = UNSET
    category: Text = UNSET
    price: Price = UNSET
    price_minor: Whole = UNSET
    currency: Text = UNSET
    stock: Whole = UNSET
    available: Yes = UNSET
    brand: Text = UNSET
    creator: Text = UNSET
    artist: Text = UNSET
    url: Text = UNSET
    image: Text = UNSET
    variant: Text = UNSET
    group: Text = UNSET
    language: Text = UNSET
    repeat: str | bool | UnsetType | None = UNSET
    cost_minor: Whole = UNSET
    tags: Tags = UNSET
    attributes: Attributes = UNSET
    first_seen: Text = UNSET
    by: str = ""


class ItemKept(msgspec.Struct, kw_only=True):
    """What became of one item (`did`: new, changed, unchanged, back, removed), and it now."""

    did: str
    item: ItemShown


class ItemRemove(msgspec.Struct, kw_only=True):
    """An item that shall not be offered again."""

    id: str
    kind: str = ""
    by: str = ""


class ItemsImport(msgspec.Struct, kw_only=True):
    """A file of items: CSV, TSV, Excel, Parquet or JSON lines, also packed.

    `columns` says what headers mean, each "HEADER=FIELD"; "HEADER=" leaves one out.
    """

    file: Path
    kind: str = ""
    partial: bool = False
    columns: list[str] = []


class RowRefused(msgspec.Struct, kw_only=True):
    """A row that was not taken."""

    row: int
    id: str
    field: str
    code: str
    text: str


class ItemsImported(msgspec.Struct, kw_only=True):
    """What became of a file; `columns` is header -> field, `unused` what meant nothing."""

    rows: int
    stored: int
    new: int
    changed: int
    unchanged: int
    back: int
    again: int
    refused: int
    refused_rows: list[RowRefused]
    columns: dict[str, str]
    unused: list[str]
    text: str
