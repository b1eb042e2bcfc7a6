"""A person's rights: to be shown everything, to take it along, to be forgotten."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from renwei.core.chance import new_id, to_id
from renwei.core.errors import BadInput, Refused
from renwei.core.finding import person as find_person
from renwei.core.operations import PRIVATE, operation
from renwei.core.shop import Shop
from renwei.people.correct import forget_corrections

RECEIPT = "receipt"


class ForgetRequest(msgspec.Struct, kw_only=True):
    """Who is to be forgotten."""

    person: str


class Receipt(msgspec.Struct, kw_only=True):
    """What was destroyed, by what; holds nothing of the person."""

    receipt: str
    at: datetime
    counts: dict[str, int]
    text: str


class ExportPersonRequest(msgspec.Struct, kw_only=True):
    """Everything about one person; `out` ending in .json gets JSON, any other name text."""

    person: str
    out: Path | None = None


class PersonExport(msgspec.Struct, kw_only=True):
    """Everything held of one person, as data and as text in both languages."""

    person: str
    at: datetime
    data: Annotated[dict[str, Any], PRIVATE]
    text: Annotated[str, PRIVATE]
    out: str


class ExportRequest(msgspec.Struct, kw_only=True):
    """Everything in the workspace."""

    out: Path | None = None
    all: bool = False
    yes: bool = False


class ExportAnswer(msgspec.Struct, kw_only=True):
    """Where it lies and how many rows each table has."""

    out: str
    rows: dict[str, int]


@operation(
    "forget",
    ForgetRequest,
    writes=True,
    destroys=True,
    http="DELETE /v1/people/{person}",
    scope="admin",
)
def forget(shop: Shop, request: ForgetRequest) -> Receipt:
    """Destroy everything held of a person; their orders stay in the totals, held by nobody.

    What can only be found by the person's own texts goes first (refused rows); then estimates;
    then tombstones are on disk, and from there on a crash is finished when the workspace is
    next opened. A run that broke off before is simply run again. Last goes what only names
    the person's number (claims of imports).
    """
    store, at = shop.store, shop.clock.now()
    person = find_person(shop, request.person)
    actors = store.people.actors_of(person)
    texts = store.people.tell_apart(person)
    refused = sum(scrub(shop, texts) for scrub in shop.scrubbers)
    estimates = _estimates(shop, person)
    shop.shelf.drop()
    counts = dict(store.people.forget(person, at))
    counts["events"] = store.log.forget(actors)
    counts["decisions"] = store.ledger.forget(sorted({person, *actors}))
    counts["corrections"] = forget_corrections(shop, actors)
    refused += sum(scrub(shop, ()) for scrub in shop.scrubbers)
    counts |= {"refused_rows": refused, "estimates": estimates}
    name = new_id(at)
    store.papers.put(RECEIPT, name, {"counts": counts}, by="forget", at=at)
    total = sum(counts.values())
    return Receipt(
        receipt=name, at=at, counts=counts, text=shop.say("forget.done", n=total, receipt=name)
    )


@operation("export-person", ExportPersonRequest)
def export_person(shop: Shop, request: ExportPersonRequest) -> PersonExport:
    """Everything held of one person, readable in both languages and as JSON."""
    from renwei.people.dossier import dossier, readable

    at = shop.clock.now()
    person = find_person(shop, request.person)
    data = dossier(shop, person, at)
    text = readable(shop, data)
    if request.out:
        as_json = request.out.suffix.lower() == ".json"
        whole = msgspec.json.format(msgspec.json.encode(data), indent=1).decode() + "\n"
        _write(request.out, whole if as_json else text)
    return PersonExport(
        person=to_id(person), at=at, data=data, text=text, out=str(request.out or "")
    )


@operation("export", ExportRequest)
def export(shop: Shop, request: ExportRequest) -> ExportAnswer:
    """Orders, lines, people, consents and decisions as CSV and JSON lines."""
    from renwei.people.handing import hand_out

    if not request.all:
        raise BadInput("export_what")
    if request.out is None:
        raise BadInput("export_where")
    if request.out.exists() and not request.out.is_dir():
        raise BadInput("export_not_folder", path=str(request.out))
    if request.out.is_dir() and any(request.out.iterdir()) and not request.yes:
        raise Refused("export_not_empty", path=str(request.out))
    try:
        return ExportAnswer(out=str(request.out), rows=hand_out(shop, request.out))
    except OSError as error:
        raise BadInput(
            "export_unwritable", path=str(request.out), detail=error.strerror or ""
        ) from error


def _estimates(shop: Shop, person: int) -> int:
    """Rows about the person among the estimates that are dropped with all others."""
    found = 0
    for name in ("people", "needs", "purchases"):
        held = shop.shelf.get(name)
        if held is not None:
            found += int((held.columns["person"] == person).sum())
    return found


def _write(path: Path, text: str) -> None:
    try:
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput("export_unwritable", path=str(path), detail=error.strerror or "") from error
