"""Refused rows: kept sealed, shown, read again, and cleared of those who asked to be forgotten."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from renwei.collect.identity import STRENGTH
from renwei.collect.keeping import forgotten_among
from renwei.collect.records import (
    FileInfo,
    Identifier,
    IdentifierKind,
    OrderRecord,
    ReadingWarning,
    RefusedRow,
)
from renwei.collect.values import is_email, phone, tidy
from renwei.core.shop import Shop
from renwei.core.store import Blobs, Named

_NOT_LETTERS = re.compile(r"[\W_]+")


class Kept(msgspec.Struct):
    """What is kept of an import beside its orders; personal data, so it is a sealed blob."""

    refused: list[RefusedRow] = []
    warnings: list[ReadingWarning] = []


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
    shop: Shop,
    kept: Kept,
    lost: Sequence[OrderRecord],
    files: Sequence[FileInfo],
    at: datetime,
) -> Kept:
    """What may be kept: nothing that names somebody who was forgotten.

    Args:
        shop: The workspace.
        kept: Refused rows and warnings, as read.
        lost: Orders of the same files that belong to forgotten people.
        files: How the files were understood.
        at: Now.
    """
    if not shop.store.people.forgotten():
        return kept
    texts = [text for order in lost for text in _texts_of(order)]
    named = {id(row): _identifiers(row, files, shop.settings.region) for row in kept.refused}
    asked = {one for ones in named.values() for one in ones}
    unknown = {one for one in asked if shop.store.people.find(Named(one.kind, one.value)) is None}
    gone = forgotten_among(shop.store.people, unknown, at, "refused")
    wanted = marks(texts)
    return Kept(
        [
            row
            for row in kept.refused
            if not named[id(row)] & gone and not holds([*row.cells, row.value], wanted)
        ],
        [warning for warning in kept.warnings if not holds([warning.value], wanted)],
    )


def scrubbed(kept: Kept, texts: Sequence[str]) -> tuple[Kept, int]:
    """The same without rows and examples that hold any of these texts, and how many went."""
    wanted = marks(texts)
    rows = [row for row in kept.refused if not holds([*row.cells, row.value], wanted)]
    warnings = [
        warning if not holds([warning.value], wanted) else _blank(warning)
        for warning in kept.warnings
    ]
    gone = len(kept.refused) - len(rows)
    gone += sum(a is not b for a, b in zip(warnings, kept.warnings, strict=True))
    return Kept(rows, warnings), gone


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
        if bare and (bare in wanted or any(_telling(mark) and mark in bare for mark in wanted)):
            return True
    return False


def _telling(mark: str) -> bool:
    # Two Chinese characters are a name; two Latin letters or digits are anything.
    return len(mark) >= (5 if mark.isascii() else 2)


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


def _identifiers(row: RefusedRow, files: Sequence[FileInfo], region: str) -> set[Identifier]:
    info = next((one for one in files if one.name == row.file), None)
    fields: Mapping[str, str] = info.mapping if info else {}
    found: set[Identifier] = set()
    for header, cell in zip(row.header, row.cells, strict=False):
        field, text = fields.get(header, ""), tidy(cell)
        if not text:
            continue
        number = phone(text, region) if field in ("phone", "phone2", "email") else ""
        if number:
            found.add(Identifier("phone", number))
        if field == "email" and is_email(text):
            found.add(Identifier("email", text.lower()))
        if field in ("customer", "nick") and info:
            kind: IdentifierKind = "nick" if field == "nick" else "customer"
            found.add(Identifier(kind, f"{info.layout}:{text}"))
        elif field in STRENGTH and field not in ("phone", "email"):
            found.add(msgspec.convert({"kind": field, "value": text}, Identifier))
    return found


def _name(import_id: str) -> str:
    return f"imports/{import_id}/refused"
