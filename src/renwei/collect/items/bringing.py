"""A file of items into the catalogue: tables and JSON lines, headers in Chinese or English."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from renwei.collect.archives import unpack
from renwei.collect.headers import plain, unique_names
from renwei.collect.items.answers import ItemsImport, ItemsImported, RowRefused
from renwei.collect.items.checking import FIELDS, Draft, draft_of
from renwei.collect.items.keeping import How, keep
from renwei.collect.values import amount, is_absent, tidy
from renwei.core.errors import BadInput, NotATable, RenweiError, UnknownName
from renwei.core.shop import Shop

SHOWN: Final = 100
"""Refused rows that are named; the rest is counted."""
_YES: Final = frozenset(
    [
        "yes",
        "y",
        "true",
        "t",
        "1",
        "on",
        "active",
        "published",
        "enabled",
        "是",
        "有",
        "上架",
        "已上架",
        "在售",
        "销售中",
        "出售中",
        "可售",
        "正常",
    ]
)
_NO: Final = frozenset(
    [
        "no",
        "n",
        "false",
        "f",
        "0",
        "off",
        "inactive",
        "draft",
        "archived",
        "unpublished",
        "disabled",
        "否",
        "无",
        "下架",
        "已下架",
        "停售",
        "售罄",
        "仓库中",
        "不可售",
        "待上架",
    ]
)
_SEPARATORS: Final = re.compile(r"[,，;；|、]")
_ATTRIBUTE: Final = re.compile(r"(?:attributes?|attr|属性)[._:： ]\s*(.+)", re.IGNORECASE)
Row = dict[str, str]


def bring(shop: Shop, request: ItemsImport) -> ItemsImported:
    """Read a file and store its items; rows that cannot be taken are named.

    Raises:
        BadInput: The path cannot be read, or column_unclear.
        UnknownName: unknown_field_of_item.
        NotATable: no_items_in_table, or the file is no table.
    """
    told = _corrections(request.columns)
    rows, columns, unused = _rows(request, told)
    drafts: list[tuple[int, Draft]] = []
    refused: list[tuple[int, RenweiError]] = []
    for number, row in rows:
        try:
            drafts.append((number, draft_of(_item(row, request), shop.settings.currency)))
        except BadInput as fault:
            refused.append((number, fault))
    at, done, again = shop.clock.now(), Counter[str](), 0
    how = How(partial=request.partial, source="import:items", at=at)
    kept = keep(shop, drafts, how)
    done.update(kept.done)
    again += len(kept.again)
    refused = sorted([*refused, *kept.refused], key=lambda one: one[0])
    ids = {number: row.get("id", "") for number, row in rows}
    stored = len(kept.done)
    return ItemsImported(
        rows=len(rows),
        stored=stored,
        new=done["new"],
        changed=done["changed"],
        unchanged=done["unchanged"],
        back=done["back"],
        again=again,
        refused=len(refused),
        refused_rows=[_told(shop, number, ids[number], fault) for number, fault in refused[:SHOWN]],
        columns=columns,
        unused=unused,
        text=shop.say("items.imported", rows=len(rows), stored=stored, refused=len(refused)),
    )


def _told(shop: Shop, number: int, code: str, fault: RenweiError) -> RowRefused:
    return RowRefused(
        row=number,
        id=code[:200],
        field=str(fault.values.get("field", "")),
        code=fault.code,
        text=shop.say(f"errors.{fault.code}", **fault.values),
    )


# From a file to rows of fields.


def _rows(
    request: ItemsImport, told: Mapping[str, str]
) -> tuple[list[tuple[int, Row]], dict[str, str], list[str]]:
    from renwei.collect.tables import HEAD, grids, tabulate

    found: list[tuple[int, Row]] = []
    columns: dict[str, str] = {}
    unused: list[str] = []
    for file in unpack(request.file):
        for grid in grids(file):
            head = list(itertools.islice(grid.records, HEAD))
            at = 0 if grid.header_given else _header(head, told)
            names = unique_names(head[at]) if head else []
            fields = _fields(names, told)
            if "id" not in fields.values():
                raise NotATable("no_items_in_table", file=grid.file, columns=", ".join(names)[:300])
            table = tabulate(grid, head, at + 1, names)
            columns |= {name: field for name, field in fields.items() if field}
            unused += [name for name in names if not fields.get(name)]
            for index, number in enumerate(table.rows.tolist()):
                row = _row(table.cells(index), names, fields)
                if row:
                    found.append((number, row))
    return found, columns, list(dict.fromkeys(unused))


def _row(cells: Sequence[str], names: Sequence[str], fields: Mapping[str, str]) -> Row:
    row: Row = {}
    for name, cell in zip(names, cells, strict=False):
        field = fields.get(name, "")
        if field and field not in row and not is_absent(cell):
            row[field] = tidy(cell)
    return row


def _header(head: Sequence[Sequence[str]], told: Mapping[str, str]) -> int:
    """The record with most headers that are known, the first of them."""
    hits = [sum(1 for name in set(map(tidy, row)) if _field(name, told)) for row in head]
    return max(range(len(head)), key=lambda n: (hits[n], -n), default=0)


def _fields(names: Sequence[str], told: Mapping[str, str]) -> dict[str, str]:
    """Header -> field; where several headers mean one field, the first has it."""
    fields: dict[str, str] = {}
    for name in names:
        field = _field(name, told)
        if field and field not in fields.values():
            fields[name] = field
    return fields


def _field(name: str, told: Mapping[str, str]) -> str:
    if name in told:
        return told[name]
    attribute = _ATTRIBUTE.fullmatch(name.strip())
    if attribute:
        return f"attributes.{attribute[1].strip()}"
    return _synonyms().get(plain(name), "")


@lru_cache(maxsize=1)
def _synonyms() -> Mapping[str, str]:
    text = files("renwei.collect.items").joinpath("synonyms.toml").read_text("utf-8")
    return {plain(name): field for field, names in tomllib.loads(text).items() for name in names}


def _corrections(told: Sequence[str]) -> dict[str, str]:
    meant: dict[str, str] = {}
    for one in told:
        header, sign, field = one.rpartition("=")
        if not (sign and header.strip()):
            raise BadInput("column_unclear", found=one)
        field = field.strip()
        if field and field not in FIELDS and not field.startswith("attributes."):
            raise UnknownName.among("field_of_item", field, FIELDS)
        meant[header.strip()] = field
    return meant


# From texts to what JSON would have said.


def _item(row: Row, request: ItemsImport) -> dict[str, Any]:
    given: dict[str, Any] = {"kind": request.kind} if request.kind else {}
    attributes: dict[str, Any] = {}
    for field, text in row.items():
        if field.startswith("attributes."):
            attributes[field.removeprefix("attributes.")] = _scalar(text)
        elif field == "attributes":
            attributes |= _object(text)
        else:
            given[field] = _READ.get(field, str)(text)
    if attributes:
        given["attributes"] = attributes
    return given


def _scalar(text: str) -> Any:
    if text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    number = amount(text) if re.fullmatch(r"[-+]?\d+(\.\d+)?", text) else None
    if number is None or (
        text.lstrip("+-")[:1] == "0" and text.lstrip("+-")[:2] not in ("0", "0.")
    ):
        return text
    return int(number) if number == number.to_integral_value() else float(number)


def _object(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadInput("item_bad_attributes", field="attributes", most=64)
    return found


def _whole(text: str) -> Any:
    number = amount(text)
    return int(number) if number is not None and number == number.to_integral_value() else text


def _yes_no(text: str) -> Any:
    word = text.casefold()
    return True if word in _YES else False if word in _NO else text


def _list(text: str) -> list[Any]:
    try:
        found = msgspec.json.decode(text) if text.startswith("[") else None
    except (msgspec.DecodeError, RecursionError):
        found = None
    if isinstance(found, list):
        return found
    return [part.strip() for part in _SEPARATORS.split(text) if part.strip()]


_READ: Final[Mapping[str, Any]] = {
    "stock": _whole, "price_minor": _whole, "cost_minor": _whole, "available": _yes_no,
    "repeat": _yes_no, "tags": _list,
}  # fmt: skip
