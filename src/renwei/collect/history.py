"""Imports as people look at them: the list, and one with its refused rows in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from renwei.collect.answers import (
    ImportLine,
    ImportsAnswer,
    RefusedLine,
    Rejected,
    ShowAnswer,
    Understood,
    Warned,
)
from renwei.collect.imports import all_imports, import_paper
from renwei.collect.records import Reading, ReadingWarning, RefusedRow
from renwei.collect.refused import refused_of
from renwei.core.shop import Shop
from renwei.core.store import Paper


def list_all(shop: Shop) -> ImportsAnswer:
    """Every import, newest first."""
    return ImportsAnswer([_line(paper) for paper in reversed(all_imports(shop))])


def show(shop: Shop, import_id: str) -> ShowAnswer:
    """One import whole, its refused rows in the user's language.

    Raises:
        UnknownName: No such import.
    """
    paper = import_paper(shop, import_id)
    kept = refused_of(shop.store.blobs, paper.name)
    return ShowAnswer(
        import_id=paper.name,
        at=_began(paper),
        state=paper.body["state"],
        platform=paper.body["platform"],
        totals=dict(paper.body.get("totals", {})),
        files=msgspec.convert(paper.body["files"], list[Understood]),
        refused=[_refused(shop, row) for row in kept.refused],
        warnings=[warned(shop, warning) for warning in kept.warnings],
    )


def rejected(reading: Reading) -> list[Rejected]:
    """Refused rows as the answer of an import lists them."""
    return [
        Rejected(row=one.row, column=one.column, code=one.code, value=one.value, file=one.file)
        for one in reading.refused
    ]


def warned(shop: Shop, warning: ReadingWarning) -> Warned:
    """A warning with its sentence."""
    named = msgspec.structs.asdict(warning)
    code, own = str(named.pop("code")), named.pop("values")
    return Warned(code=code, text=shop.say(f"warnings.{code}", **(named | own)), **named)


def _refused(shop: Shop, row: RefusedRow) -> RefusedLine:
    named: dict[str, Any] = {
        "file": row.file,
        "row": row.row,
        "column": row.column,
        "value": row.value,
    }
    text = shop.say(f"refused.{row.code}", **named)
    return RefusedLine(code=row.code, text=text, cells=row.cells, **named)


def _line(paper: Paper) -> ImportLine:
    body = paper.body
    totals = body.get("totals", {})
    return ImportLine(
        import_id=paper.name,
        at=_began(paper),
        state=body["state"],
        platform=body["platform"],
        files=[info["name"] for info in body["files"]],
        orders=totals.get("orders", 0),
        revenue_minor=totals.get("revenue_minor", 0),
        currency=totals.get("currency", ""),
        added=totals.get("added", 0),
        updated=totals.get("updated", 0),
        duplicates=totals.get("duplicates", 0),
        refused=body.get("refused", 0),
    )


def _began(paper: Paper) -> datetime:
    return datetime.fromisoformat(paper.body["began"])
