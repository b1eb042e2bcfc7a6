"""Everything in the workspace as CSV and JSON lines, so that leaving is easy."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from renwei.core.chance import to_id
from renwei.core.nouns import NOBODY, Event
from renwei.core.shop import Shop
from renwei.people.dossier import order_names

Row = Mapping[str, Any]
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BATCH = 500


def hand_out(shop: Shop, folder: Path) -> dict[str, int]:
    """Write every table as NAME.csv and NAME.jsonl; returns rows by name.

    Cells of the CSV that a spreadsheet would take for a formula begin with an apostrophe; the
    JSON lines hold the texts as they are.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    events = _Events(shop)
    tables: dict[str, Iterable[Row]] = {
        "people": _people(shop),
        "consents": _consents(shop),
        "facts": _facts(shop),
        "merges": _merges(shop),
        "items": _items(shop),
        "orders": events.orders(),
        "lines": events.lines(),
        "contacts": events.others(),
        "decisions": _decisions(shop),
    }
    counts = {}
    for done, (name, rows) in enumerate(tables.items()):
        shop.progress("exporting", done, len(tables))
        counts[name] = _write(folder, name, rows)
    return counts


def safe_cell(value: Any) -> Any:
    """A cell that no spreadsheet runs as a formula.

    Example:
        >>> safe_cell("=HYPERLINK(1)"), safe_cell("李雷"), safe_cell(-5)
        ("'=HYPERLINK(1)", '李雷', -5)
    """
    if isinstance(value, str) and value.startswith(_RISKY):
        return "'" + value
    if isinstance(value, dict | list | tuple):
        return msgspec.json.encode(value).decode()
    return value


def _write(folder: Path, name: str, rows: Iterable[Row]) -> int:
    count, table = 0, None
    # utf-8-sig: a spreadsheet program then reads Chinese without being told.
    with (
        open(folder / f"{name}.csv", "w", encoding="utf-8-sig", newline="", opener=_owned) as flat,
        open(folder / f"{name}.jsonl", "wb", opener=_owned) as whole,
    ):
        for row in rows:
            if table is None:
                table = csv.DictWriter(flat, list(row))
                table.writeheader()
            table.writerow({key: safe_cell(value) for key, value in row.items()})
            whole.write(msgspec.json.encode(row) + b"\n")
            count += 1
        for file in (flat, whole):
            file.flush()
            os.fsync(file.fileno())
    return count


def _owned(path: str, flags: int) -> int:
    # People's names and numbers: for whoever asked for them alone.
    return os.open(path, flags, 0o600)


def _who(shop: Shop, event: Event, known: dict[int, int]) -> str:
    if event.actor == NOBODY:
        return ""
    if event.actor not in known:
        known[event.actor] = shop.store.people.persons_of([event.actor])[0]
    return to_id(known[event.actor]) if known[event.actor] else ""


class _Events:
    """The log as tables; order numbers are looked up in the vault of their person."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._known: dict[int, int] = {}

    def orders(self) -> Iterator[Row]:
        people = self._shop.store.people
        for batch in _batches(self._shop.store.log.read(kinds=("order", "order-change", "return"))):
            actors = [event.actor for event in batch]
            persons = people.persons_of(actors)
            texts = people.open_many([p for p in persons if p], ["order"])
            opened = dict(zip([p for p in persons if p], texts, strict=True))
            for event, person in zip(batch, persons, strict=True):
                yield self._order(event, opened.get(person, {}))

    def _order(self, event: Event, texts: Mapping[str, Any]) -> Row:
        body = event.body
        return {
            "seq": event.seq,
            "kind": event.kind,
            "order_key": body.get("order", ""),
            "order": order_names(self._shop, event, texts),
            "person": _who(self._shop, event, self._known),
            "at": event.at.isoformat(),
            "status": body.get("status", ""),
            "value_minor": event.value_minor,
            "refunded_minor": body.get("refunded", 0),
            "shipping_minor": body.get("shipping", 0),
            "currency": event.currency,
            "platform": body.get("platform", ""),
            "shop": body.get("shop", ""),
            "source": event.source,
        }

    def lines(self) -> Iterator[Row]:
        for event in self._shop.store.log.read(kinds=("order", "order-change", "return")):
            for item, quantity, price, amount in event.body.get("lines") or ():
                yield {
                    "seq": event.seq,
                    "order_key": event.body.get("order", ""),
                    "item": item,
                    "quantity": quantity,
                    "price_minor": price,
                    "amount_minor": amount,
                    "currency": event.currency,
                }

    def others(self) -> Iterator[Row]:
        for event in self._shop.store.log.read():
            if event.kind not in ("order", "order-change", "return"):
                yield {
                    "seq": event.seq,
                    "kind": event.kind,
                    "person": _who(self._shop, event, self._known),
                    "at": event.at.isoformat(),
                    "item": event.item,
                    "value_minor": event.value_minor,
                    "body": dict(event.body),
                }


def _people(shop: Shop) -> Iterator[Row]:
    people = shop.store.people
    for batch in _batches(people.all_persons()):
        for person, texts in zip(batch, people.open_many(batch, []), strict=True):
            row: dict[str, Any] = {"person": to_id(person)}
            for name in ("name", "phone", "email", "nick", "customer", "address", "note"):
                row[name] = " | ".join(texts.get(name, []))
            row["texts"] = dict(texts)
            yield row


def _consents(shop: Shop) -> Iterator[Row]:
    for batch in _batches(shop.store.people.all_persons()):
        for person, said in zip(batch, shop.store.people.consents_of(batch), strict=True):
            for consent in said:
                yield {"person": to_id(person), **msgspec.to_builtins(consent)}


def _facts(shop: Shop) -> Iterator[Row]:
    for person in shop.store.people.all_persons():
        for fact in shop.store.people.profile(person).facts.values():
            yield {"person": to_id(person), **msgspec.to_builtins(fact)}


def _merges(shop: Shop) -> Iterator[Row]:
    for merge in shop.store.people.merges():
        row = msgspec.to_builtins(merge)
        yield row | {"kept": to_id(merge.kept), "gone": to_id(merge.gone)}


def _items(shop: Shop) -> Iterator[Row]:
    for item in shop.store.items.all_items():
        yield msgspec.to_builtins(item)


def _decisions(shop: Shop) -> Iterator[Row]:
    from renwei.core.clock import from_us

    for decision in shop.store.ledger.between(from_us(0), from_us(2**52)):
        row = msgspec.to_builtins(decision)
        yield row | {"person": to_id(decision.person) if decision.person else ""}


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
