"""Refused rows: kept sealed, shown, read again, and cleared of those who asked to be forgotten."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from renwei.collect.identity import CONTACTS, STRENGTH
from renwei.collect.keeping import forgotten_among
from renwei.collect.records import (
    FileInfo,
    Identifier,
    OrderRecord,
    ReadingWarning,
    RefusedRow,
)
from renwei.collect.values import is_email, phone, tidy, whole_ids
from renwei.core.shop import Shop
from renwei.core.store import Blobs

_NOT_LETTERS = re.compile(r"[\W_]+")
_NAME = 4
"""Chinese names have no more characters."""


class Kept(msgspec.Struct):
    """What is kept of an import beside its orders; personal data, so it is a sealed blob."""

    refused: list[RefusedRow] = []
    warnings: list[ReadingWarning] = []


@dataclass(frozen=True, slots=True)
class Orphans:
    """Orders that nobody holds since somebody was forgotten, by their names in event bodies."""

    names: frozenset[str]
    shops: frozenset[str]


def keep_refused(blobs: Blobs, import_id: str, kept: Kept) -> None:
    """Seal what an import refused and warned of."""
    blobs.put(_name(import_id), msgspec.msgpack.encode(kept))


def refused_of(blobs: Blobs, import_id: str) -> Kept:
    """What an import refused and warned of; empty where nothing is kept."""
    data = blobs.get(_name(import_id))
    return msgspec.msgpack.decode(data, type=Kept) if data else Kept()


def drop_refused(blobs: Blobs, import_id: str) -> None:
    """Let go of it."""
    blobs.drop(_name(import_id))


def without_forgotten(
    shop: Shop, kept: Kept, lost: Sequence[OrderRecord], files: Sequence[FileInfo]
) -> Kept:
    """What may be kept: nothing that names somebody who was forgotten.

    Args:
        shop: The workspace.
        kept: Refused rows and warnings, as read.
        lost: Orders of the same files that belong to forgotten people.
        files: How the files were understood.
    """
    if not shop.store.people.forgotten():
        return kept
    texts = [text for order in lost for text in _texts_of(order)]
    return scrubbed(shop, kept, files, texts=texts)[0]


def scrubbed(
    shop: Shop,
    kept: Kept,
    files: Sequence[FileInfo],
    *,
    texts: Sequence[str],
    orders: Orphans | None = None,
) -> tuple[Kept, int]:
    """The same without what names the forgotten, and how many rows and examples went.

    Args:
        shop: The workspace; its tombstones tell by which identifiers nobody goes any more.
        kept: Refused rows and warnings.
        files: How the files were understood.
        texts: What else tells the forgotten apart: names, addresses, order numbers.
        orders: Orders that the forgotten left behind.
    """
    wanted, named = marks(texts), _Named(shop, files)
    by_row = [named.by_row(row) for row in kept.refused]
    asked = {one for ones in by_row for one in ones}
    asked |= {one for warning in kept.warnings for one in named.by_example(warning)}
    gone = forgotten_among(shop.store.people, asked)
    rows = [
        row
        for row, ones in zip(kept.refused, by_row, strict=True)
        if not ones & gone
        and not (orders and named.orders(row, orders.shops) & orders.names)
        and not holds([*row.cells, row.value], wanted)
    ]
    warnings = [
        _blank(warning)
        if warning.value and (named.by_example(warning) & gone or holds([warning.value], wanted))
        else warning
        for warning in kept.warnings
    ]
    count = len(kept.refused) - len(rows)
    count += sum(a is not b for a, b in zip(warnings, kept.warnings, strict=True))
    return Kept(rows, warnings), count


def marks(texts: Iterable[str]) -> frozenset[str]:
    """Texts as they are looked for in cells: letters and digits alone, one width, one case.

    A nick loses its platform, a phone its country code: files write them without.

    Example:
        >>> sorted(marks(["taobao:小鹿_7", "+8613912345678"]))
        ['13912345678', '8613912345678', 'taobao小鹿7', '小鹿7']
    """
    found = set()
    for text in texts:
        whole = _bare(text)
        found.add(whole)
        if text.startswith("+") and len(whole) > 10:
            found.add(whole[-11:] if whole.startswith("86") else whole[-10:])
        before, colon, after = text.partition(":")
        if colon and before.isascii() and before.isalnum():
            found.add(_bare(after))
    return frozenset(found - {""})


def holds(cells: Iterable[str], wanted: frozenset[str]) -> bool:
    """Whether any cell names any of these: as a whole, or inside where it is long enough."""
    for cell in cells:
        bare = _bare(cell)
        if bare and (bare in wanted or any(_inside(mark, bare) for mark in wanted)):
            return True
    return False


def _inside(mark: str, bare: str) -> bool:
    # Two Chinese characters are a name, but not where three are another one; few Latin letters
    # or digits are anything, and a short number is part of many longer ones.
    if not mark.isascii():
        return len(mark) >= 2 and len(bare) > _NAME and mark in bare
    return len(mark) >= (8 if mark.isdigit() else 5) and mark in bare


def _bare(text: str) -> str:
    return _NOT_LETTERS.sub("", unicodedata.normalize("NFKC", text).casefold())


def _blank(warning: ReadingWarning) -> ReadingWarning:
    return msgspec.structs.replace(warning, value="")


def _texts_of(order: OrderRecord) -> list[str]:
    return [
        *(one.value for one in order.identifiers),
        order.name,
        order.address,
        order.number,
        order.note,
    ]


class _Named:
    """Whom the cells of refused rows name, normalised as the import would."""

    def __init__(self, shop: Shop, files: Sequence[FileInfo]) -> None:
        self._region = shop.settings.region
        self._keyed = shop.store.people.keyed
        self._files = {info.name: info for info in files}

    def by_row(self, row: RefusedRow) -> set[Identifier]:
        """The identifiers in a row's cells."""
        found: set[Identifier] = set()
        for header, cell in zip(row.header, row.cells, strict=False):
            found |= self._by_cell(row.file, header, cell)
        return found

    def by_example(self, warning: ReadingWarning) -> set[Identifier]:
        """The identifiers that a warning's example may be."""
        found = self._by_cell(warning.file, warning.column, warning.value)
        kind = str(warning.values.get("kind", ""))
        kinds = [kind] if kind in STRENGTH else CONTACTS if not warning.file else ()
        return found | {_identifier(kind, warning.value) for kind in kinds if warning.value}

    def orders(self, row: RefusedRow, shops: Iterable[str]) -> set[str]:
        """What the row's order may be called in event bodies, in any of these shops."""
        info = self._files.get(row.file)
        fields: Mapping[str, str] = info.mapping if info else {}
        pairs = zip(row.header, row.cells, strict=False)
        cell = next((cell for header, cell in pairs if fields.get(header) == "order"), "")
        number = _id(cell)
        if not number or info is None:
            return set()
        return {self._keyed(f"order|{info.layout}|{one}|{number}")[:8].hex() for one in shops}

    def _by_cell(self, file: str, header: str, cell: str) -> set[Identifier]:
        info, text = self._files.get(file), tidy(cell)
        field = info.mapping.get(header, "") if info else ""
        if not text or info is None:
            return set()
        found: set[Identifier] = set()
        number = phone(text, self._region) if field in ("phone", "phone2", "email") else ""
        if number:
            found.add(Identifier("phone", number))
        if field == "email" and is_email(text):
            found.add(Identifier("email", text.lower()))
        if field in ("customer", "nick"):
            found.add(_identifier(field, f"{info.layout}:{_id(text)}"))
        elif field in STRENGTH and field not in ("phone", "email"):
            found.add(_identifier(field, _id(text)))
        return found


def _id(text: str) -> str:
    return whole_ids([text])[0]


def _identifier(kind: str, value: str) -> Identifier:
    return msgspec.convert({"kind": kind, "value": value}, Identifier)


def _name(import_id: str) -> str:
    return f"imports/{import_id}/refused"
