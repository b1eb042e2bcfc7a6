"""The import: read, keep, say what came in. Killed anywhere, a re-run completes it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from renwei.collect.answers import ImportAnswer, ImportRequest, Understood
from renwei.collect.catalogue import KIND, item_code
from renwei.collect.evidence import SETTING, set_up
from renwei.collect.headers import corrections
from renwei.collect.history import rejected, warned
from renwei.collect.identity import Woven
from renwei.collect.imports import (
    PAPER,
    claims_name,
    finish_undoing,
    new_import_id,
    unfinished,
)
from renwei.collect.keeping import Prepared, current_states, in_turns, pack, prepare
from renwei.collect.reading import read, totals
from renwei.collect.records import Reading, ReadingWarning
from renwei.collect.refused import Kept, keep_refused, without_forgotten
from renwei.collect.states import order_keys, plan, seen_order
from renwei.core.errors import NotATable
from renwei.core.nouns import NOBODY
from renwei.core.shop import Shop


def bring(shop: Shop, request: ImportRequest) -> ImportAnswer:
    """Bring order files in, or say what would come in.

    Raises:
        BadInput, NotATable: A structural fault; nothing at all was changed.
    """
    columns = corrections(request.columns)
    reading = read_files(shop, request.files, request.as_, columns)
    insist_on_dates(reading)
    if request.dry_run:
        return _rehearse(shop, reading)
    at = shop.clock.now()
    finish_undoing(shop, at)
    digest = _digest(shop, request.files)
    resumed = unfinished(shop, digest)
    source = resumed or new_import_id(shop, at)
    body = _body(request, reading, digest, at)
    return _keep(shop, reading, source, at, body)


def insist_on_dates(reading: Reading) -> None:
    """Orders of no known time could be counted but not kept: the list of items came alone.

    Raises:
        NotATable: code `no_dates`.
    """
    if reading.orders and not any(o.created_at or o.paid_at for o in reading.orders):
        file = reading.files[0]
        columns = ", ".join([*file.mapping, *file.unmapped][:12])
        raise NotATable("no_dates", file=file.name, columns=columns)


def read_files(
    shop: Shop,
    files: Sequence[Path],
    layout: str = "",
    columns: Mapping[str, str] = MappingProxyType({}),
) -> Reading:
    """Read files as this shop's settings say."""
    settings = shop.settings
    paper = shop.store.papers.get(*SETTING)
    told = paper.body if paper is not None else {}
    return read(
        files,
        layout=layout or None,
        currency=settings.currency,
        zone=settings.zone if "zone" in told else None,
        region=settings.region if "region" in told else None,
        columns=columns,
        progress=lambda done, of: shop.progress("reading", done, of),
    )


def describe(shop: Shop, reading: Reading, import_id: str) -> ImportAnswer:
    """The answer, but for what is new in it."""
    found = totals(reading)
    return ImportAnswer(
        import_id=import_id,
        platform=reading.platform,
        encoding=reading.encoding,
        files=[info.name for info in reading.files],
        orders=found.orders,
        customers=found.customers,
        lines=found.lines,
        units=found.units,
        revenue_minor=found.revenue_minor,
        refunded_minor=found.refunded_minor,
        currency=found.currency,
        zone=found.zone,
        excluded=found.excluded,
        first_order=found.first_order,
        last_order=found.last_order,
        rejected=rejected(reading),
        warnings=[warned(shop, warning) for warning in reading.warnings],
    )


def warnings_of(woven: Woven) -> list[ReadingWarning]:
    """What weaving the buyers brought to light."""
    found = [
        ReadingWarning(
            code="placeholder_identifier",
            value=one.value,
            count=orders,
            values={"kind": one.kind},
        )
        for one, orders in woven.placeholders.most_common()
    ]
    if woven.shared:
        found.append(
            ReadingWarning(
                code="shared_contact",
                value=next(iter(woven.shared)).value,
                count=len(woven.shared),
            )
        )
    return found


def _rehearse(shop: Shop, reading: Reading) -> ImportAnswer:
    answer = describe(shop, reading, "")
    items = shop.store.items.by_code(KIND, [item_code(record) for record in reading.items])
    keys = order_keys(reading.orders, shop.store.log, shop.store.people.keyed)
    orders = [
        seen
        for order, key in zip(reading.orders, keys, strict=True)
        if (seen := seen_order(order, key=key, actor=NOBODY, items=items))
    ]
    planned = plan(orders, current_states(shop, orders), source="", at=shop.clock.now())
    answer.added, answer.updated = planned.added, planned.updated
    answer.duplicates = planned.duplicates
    answer.preview = [Understood(**msgspec.structs.asdict(info)) for info in reading.files]
    return answer


def _keep(
    shop: Shop, reading: Reading, source: str, at: datetime, body: dict[str, Any]
) -> ImportAnswer:
    papers, blobs = shop.store.papers, shop.store.blobs
    before = papers.get(PAPER, source)
    if before is None:
        papers.put(PAPER, source, body | {"state": "running"}, by="import", at=at)
    prepared = prepare(shop, reading, source=source, at=at)
    warnings = reading.warnings + warnings_of(prepared.woven)
    answer = describe(shop, reading, source)
    answer.warnings = [warned(shop, warning) for warning in warnings]
    _count(answer, prepared, before.body if before else {})
    kept = without_forgotten(shop, Kept(reading.refused, warnings), prepared.lost, reading.files)
    body |= {
        "totals": _totals(answer),
        "refused": len(kept.refused),
        "warnings": _by_code(warnings),
    }
    keep_refused(blobs, source, kept)
    if prepared.plan.events or before is None:
        blobs.put(claims_name(source), pack(prepared.claims))
    set_up(shop, reading, source, at)
    papers.put(PAPER, source, body | {"state": "storing"}, by="import", at=at)
    shop.progress("storing", int(0.85 * len(reading.orders)), len(reading.orders))
    in_turns(lambda events: shop.store.log.append(events, at), prepared.plan.events)
    papers.put(PAPER, source, body | {"state": "done"}, by="import", at=at)
    shop.progress("storing", len(reading.orders), len(reading.orders))
    return answer


def _count(answer: ImportAnswer, prepared: Prepared, before: Mapping[str, Any]) -> None:
    planned = prepared.plan
    answer.added, answer.updated = planned.added, planned.updated
    answer.duplicates = planned.duplicates
    counted = before.get("totals", {})
    # Broken off while its events came in: what they counted then is what it brings.
    if before.get("state") == "storing":
        answer.added, answer.updated = counted["added"], counted["updated"]
        answer.duplicates = counted["duplicates"]


def _totals(answer: ImportAnswer) -> dict[str, Any]:
    whole: dict[str, Any] = msgspec.to_builtins(answer)
    return {name: whole[name] for name in whole if name not in ("rejected", "warnings", "preview")}


def _by_code(warnings: Sequence[ReadingWarning]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for warning in warnings:
        counts[warning.code] = counts.get(warning.code, 0) + warning.count
    return counts


def _body(request: ImportRequest, reading: Reading, digest: str, at: datetime) -> dict[str, Any]:
    return {
        "digest": digest,
        "began": at.isoformat(),
        "layout": request.as_,
        "columns": corrections(request.columns),
        "platform": reading.platform,
        "files": [msgspec.to_builtins(info) for info in reading.files],
        "currency_known": reading.currency_known,
        "zone_known": reading.zone_known,
    }


def _digest(shop: Shop, files: Sequence[Path]) -> str:
    """What tells these files from others; keyed, so that it shows nothing."""
    whole = hashlib.blake2b(digest_size=32)
    for path in files:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, _hasher).digest())
    return shop.store.people.keyed(whole.hexdigest()).hex()


def _hasher() -> Any:
    return hashlib.blake2b(digest_size=32)
