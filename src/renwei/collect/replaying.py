"""Refused rows, tried again: with today's program and settings, or from a corrected copy.

What passes comes in under the name of its import, so that one undo takes back the whole. A
line that was refused out of a known order joins that order; what is to be written is kept
sealed first, so that a process killed in between adds nothing twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from renwei.collect.answers import ReplayAnswer, ReplayRequest
from renwei.collect.history import rejected, warned
from renwei.collect.importing import insist_on_dates, read_files
from renwei.collect.imports import (
    PAPER,
    claims_name,
    claims_of,
    finish_undoing,
    import_paper,
    replaying_name,
)
from renwei.collect.keeping import current_states, pack, prepare
from renwei.collect.reading import reread
from renwei.collect.records import Reading, RefusedRow
from renwei.collect.refused import Kept, keep_refused, refused_of, without_forgotten
from renwei.collect.states import Plan, Seen, State, plan
from renwei.core.errors import BadInput
from renwei.core.shop import Shop
from renwei.core.store import Paper

_NOT_LETTERS = re.compile(r"[\W_]+")


class Pending(msgspec.Struct):
    """A replay decided and perhaps not yet written: orders whole, and what still waits."""

    orders: list[Seen]
    kept: Kept


def replay(shop: Shop, request: ReplayRequest) -> ReplayAnswer:
    """Bring in what passes now of what an import refused.

    Raises:
        UnknownName: No such import.
        BadInput: code `import_not_standing`; or a structural fault of the corrected copy.
    """
    paper = import_paper(shop, request.import_id)
    if paper.body["state"] != "done":
        raise BadInput("import_not_standing", import_id=paper.name, state=paper.body["state"])
    at = shop.clock.now()
    finish_undoing(shop, at)
    _finish(shop, paper.name, at)
    kept = refused_of(shop.store.blobs, paper.name)
    if not kept.refused:
        return ReplayAnswer(import_id=paper.name, rows=0, added=0, updated=0, duplicates=0, left=0)
    reading = _read(shop, paper, kept.refused, request.file)
    blind = _without_column(paper, kept.refused, reading)
    reading = _without_orders(paper, blind, reading)
    if request.file is None:
        left = [*reading.refused, *blind]
    else:
        left = _left(paper, kept.refused, reading)
    return _bring(shop, paper, reading, Kept(left, kept.warnings), at)


def _read(shop: Shop, paper: Paper, rows: Sequence[RefusedRow], file: Path | None) -> Reading:
    layout = str(paper.body["layout"])
    columns = paper.body.get("columns", {})
    if file is not None:
        reading = read_files(shop, [file], layout, columns)
        insist_on_dates(reading)
        return reading
    settings = shop.settings
    layouts = {info["layout"] for info in paper.body["files"]}
    only = layouts.pop() if len(layouts) == 1 else ""
    return reread(
        rows,
        layout=layout or only or None,
        currency=settings.currency,
        zone=settings.zone,
        region=settings.region,
        columns=columns,
    )


def _bring(shop: Shop, paper: Paper, reading: Reading, kept: Kept, at: datetime) -> ReplayAnswer:
    before = len(refused_of(shop.store.blobs, paper.name).refused)
    prepared = prepare(shop, reading, source=paper.name, at=at)
    kept = without_forgotten(shop, kept, prepared.lost, reading.files)
    claims = claims_of(shop, paper.name)
    orders = _whole(shop, prepared.orders)
    claims.add(prepared.claims)
    claims.known += [seen for seen in orders if seen not in claims.known]
    blobs = shop.store.blobs
    blobs.put(replaying_name(paper.name), msgspec.msgpack.encode(Pending(orders, kept)))
    blobs.put(claims_name(paper.name), pack(claims))
    planned = _finish(shop, paper.name, at)
    return ReplayAnswer(
        import_id=paper.name,
        rows=before,
        added=planned.added,
        updated=planned.updated,
        duplicates=planned.duplicates,
        left=len(kept.refused),
        rejected=rejected(reading),
        warnings=[warned(shop, warning) for warning in reading.warnings],
    )


def _finish(shop: Shop, source: str, at: datetime) -> Plan:
    """Write what a replay decided; done twice it changes nothing more."""
    blobs = shop.store.blobs
    data = blobs.get(replaying_name(source))
    if data is None:
        return Plan()
    pending = msgspec.msgpack.decode(data, type=Pending)
    current = current_states(shop, pending.orders)
    planned = plan(pending.orders, current, source=source, at=at)
    shop.store.log.append(planned.events, at)
    keep_refused(blobs, source, pending.kept)
    body = {**import_paper(shop, source).body, "refused": len(pending.kept.refused)}
    shop.store.papers.put(PAPER, source, body, by="replay", at=at)
    blobs.drop(replaying_name(source))
    return planned


def _whole(shop: Shop, orders: Sequence[Seen]) -> list[Seen]:
    """Orders as they will stand: refused lines added to the lines that came in before."""
    current = current_states(shop, orders)
    return [_added(seen, current[seen.name]) if seen.name in current else seen for seen in orders]


def _added(seen: Seen, held: State) -> Seen:
    """A known order with the lines of `seen`, unless it has them already.

    Where the known total is the sum of its lines, the new lines add to it; a total that the
    file states for the whole order already holds them.
    """
    if not seen.lines or set(seen.lines) <= set(held.lines):
        return seen
    if len(seen.lines) >= len(held.lines) and set(held.lines) <= set(seen.lines):
        return seen
    is_sum = sum(line[3] for line in held.lines) + held.shipping == held.value
    more = sum(line[3] for line in seen.lines) if is_sum else 0
    return msgspec.structs.replace(
        seen,
        value=held.value + more,
        shipping=held.shipping,
        status=held.status,
        paid_us=held.paid_us,
        refunded=held.refunded,
        lines=(*held.lines, *seen.lines),
    )


def _without_column(paper: Paper, rows: Sequence[RefusedRow], reading: Reading) -> list[RefusedRow]:
    """Rows whose refused column is not understood now: too few rows show what it means."""
    was = {info["name"]: info["mapping"] for info in paper.body["files"]}
    means = {header: field for info in reading.files for header, field in info.mapping.items()}
    shown = {header for info in reading.files for header in info.unmapped}
    return [
        row
        for row in rows
        if row.column in shown and row.column not in means and was.get(row.file, {}).get(row.column)
    ]


def _without_orders(paper: Paper, rows: Sequence[RefusedRow], reading: Reading) -> Reading:
    number = _number_of({info["name"]: info["mapping"] for info in paper.body["files"]})
    numbers = {number(row) for row in rows} - {""}
    places = {(row.file, row.row) for row in rows}
    orders = [
        order
        for order in reading.orders
        if _bare(order.number) not in numbers and (order.file, order.row) not in places
    ]
    return msgspec.structs.replace(reading, orders=orders)


def _left(paper: Paper, old: Sequence[RefusedRow], reading: Reading) -> list[RefusedRow]:
    """What still waits after a corrected copy: what it did not hold, and what it got wrong."""
    brought = {_bare(order.number) for order in reading.orders}
    again = {row.row for row in reading.refused}
    was = {info["name"]: info["rows"] for info in paper.body["files"]}
    rows = {info.rows for info in reading.files}
    number = _number_of({info["name"]: info["mapping"] for info in paper.body["files"]})
    named = {number(row) for row in reading.refused} - {""}
    left = []
    for row in old:
        order = number(row)
        is_whole_copy = was.get(row.file) in rows
        if order and (order in brought or order in named):
            continue
        if is_whole_copy or (order == "" and row.row in again):
            continue
        left.append(row)
    return [*left, *reading.refused]


def _number_of(mappings: Mapping[str, Mapping[str, str]]) -> Callable[[RefusedRow], str]:
    def number(row: RefusedRow) -> str:
        mapping = mappings.get(row.file) or next(iter(mappings.values()), {})
        for header, cell in zip(row.header, row.cells, strict=False):
            if mapping.get(header) == "order":
                return _bare(cell)
        return ""

    return number


def _bare(text: str) -> str:
    return _NOT_LETTERS.sub("", text).casefold()
