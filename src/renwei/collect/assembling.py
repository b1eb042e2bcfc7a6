"""Several tables become one reading: lines join their orders, repeats are settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from renwei.collect.book import Book, book_of
from renwei.collect.buyers import Buyers
from renwei.collect.facts import Facts, facts_of
from renwei.collect.mapping import Mapped
from renwei.collect.records import (
    FileInfo,
    ItemRecord,
    OrderRecord,
    Reading,
    ReadingWarning,
    RefusedRow,
)
from renwei.collect.regions import region_of, region_shown
from renwei.collect.tables import Table, column_of
from renwei.collect.values import is_absent, is_formula
from renwei.collect.zones import Clock, zone_shown

_PROGRESS = {"unpaid": 0, "paid": 1, "closed": 2, "refunded": 3, "returned": 3}


def assemble(
    mapped: Sequence[Mapped], *, currency: str, zone: str | None, region: str | None
) -> Reading:
    """Make one reading of understood tables. Arguments as for `reading.read`."""
    facts = [facts_of(m, currency) for m in mapped]
    zone_name, zone_known = _zone(facts, zone)
    shown = region_shown(facts)
    clock = Clock(zone_name)
    buyers = Buyers(region or shown or region_of(currency, zone))
    books = [book_of(f, buyers, clock, _coin(f, currency)) for f in facts]
    warnings: list[ReadingWarning] = []
    orders, items = _joined(facts, books, warnings)
    coins = Counter(o.currency for o in orders)
    main = coins.most_common(1)[0][0] if coins else currency
    known = all(f.currency is not None or f.mapped.layout.currency for f in facts)
    _warn_tables(facts, books, warnings)
    warnings += [
        ReadingWarning(
            code,
            file,
            *buyers.rows[code, file, column][:1],
            column,
            buyers.rows[code, file, column][1],
            n,
        )
        for (code, file, column), n in buyers.seen.items()
    ]
    if len(coins) > 1:
        warnings.append(
            ReadingWarning(
                "mixed_currencies",
                value=", ".join(sorted(coins)),
                count=sum(coins.values()) - coins[main],
                values={"currency": main},
            )
        )
    if not known:
        warnings.append(ReadingWarning("currency_assumed", value=main))
    if not zone_known and any(f.times for f in facts):
        warnings.append(ReadingWarning("zone_assumed", value=zone_name))
    shops = Counter(o.shop for o in orders if o.shop)
    if len(shops) > 1:
        warnings.append(
            ReadingWarning("several_shops", value=", ".join(list(shops)[:5]), count=len(shops))
        )
    platforms = list(dict.fromkeys(m.layout.name for m in mapped))
    return Reading(
        platform="+".join(platforms),
        encoding=mapped[0].table.encoding,
        files=[_info(f) for f in facts],
        currency=main,
        zone=zone_name,
        currency_known=known,
        zone_known=zone_known,
        region=shown,
        items=items,
        orders=orders,
        refused=[row for book in books for row in book.refused],
        warnings=warnings,
    )


def retabulate(refused: Sequence[RefusedRow]) -> list[Table]:
    """Tables of the rows that were refused, one a file and header."""
    kept: dict[tuple[str, tuple[str, ...]], dict[int, list[str]]] = {}
    for row in refused:
        kept.setdefault((row.file, tuple(row.header)), {})[row.row] = row.cells
    tables = []
    for (file, header), rows in kept.items():
        numbers = sorted(rows)
        columns = [
            column_of(name, [(rows[n] + [""] * len(header))[k] for n in numbers])
            for k, name in enumerate(header)
        ]
        overflow = {
            i: rows[n][len(header) :] for i, n in enumerate(numbers) if any(rows[n][len(header) :])
        }
        at = np.array(numbers, dtype=np.int64)
        tables.append(Table(file, "", "utf-8", "", 0, columns, at, overflow))
    return tables


def _coin(facts: Facts, currency: str) -> str:
    return facts.mapped.layout.currency or currency


def _zone(facts: Sequence[Facts], zone: str | None) -> tuple[str, bool]:
    """The zone the files show, else the platform's, else the shop's, else the language's."""
    seen: set[tuple[int, int]] = set()
    for f in facts:
        for times in f.times.values():
            both = np.unique(np.stack([times.seconds[times.has], times.offset[times.has]]), axis=1)
            seen.update(zip(both[0].tolist(), both[1].tolist(), strict=True))
    shown = zone_shown(seen)
    if shown and not (shown == "UTC" and zone):
        return shown, True
    for f in facts:
        if f.mapped.layout.zone:
            return f.mapped.layout.zone, True
    # A table headed in simplified Chinese was written on a clock of China, as good as always.
    chinese = any(_SIMPLIFIED & set("".join(f.mapped.names)) for f in facts)
    return zone or ("Asia/Shanghai" if chinese else "UTC"), bool(zone)


_SIMPLIFIED = frozenset("订单时间状态实际买卖数")


def _joined(
    facts: Sequence[Facts], books: Sequence[Book], warnings: list[ReadingWarning]
) -> tuple[list[OrderRecord], list[ItemRecord]]:
    """Put the books together; a table of lines alone only adds to the orders it names."""
    alone = [f.mapped.only_lines for f in facts]
    if all(alone):
        alone = [False] * len(alone)
    mains = [b for b, a in zip(books, alone, strict=True) if not a]
    if len(books) == 1:
        return books[0].orders, books[0].items
    orders: dict[tuple[str, str, str], tuple[OrderRecord, Book]] = {}
    for book in mains:
        for order in book.orders:
            _settle(orders, order, book, warnings)
    by_number: dict[str, list[tuple[OrderRecord, Book]]] = {}
    for kept in orders.values():
        by_number.setdefault(kept[0].number, []).append(kept)
    source = {id(order): book for order, book in orders.values()}
    lost = {number for book in mains for number in book.lost}
    for book in (b for b, a in zip(books, alone, strict=True) if a):
        stray = 0
        for order in book.orders:
            for main, _ in by_number.get(order.number, []):
                main.lines, main.rough, source[id(main)] = order.lines, order.rough, book
            stray += order.number not in by_number and order.number not in lost
        if stray:
            file = book.orders[0].file
            warnings.append(ReadingWarning("lines_without_order", file, count=stray))
    kept_orders = [order for order, _ in orders.values()]
    return kept_orders, _renumbered(kept_orders, source)


def _settle(
    orders: dict[tuple[str, str, str], tuple[OrderRecord, Book]],
    order: OrderRecord,
    book: Book,
    warnings: list[ReadingWarning],
) -> None:
    """An order in two exports is one order: the further it has come, the newer."""
    key = (order.platform, order.number, order.shop)
    if key not in orders:
        orders[key] = (order, book)
        return
    old, old_book = orders[key]
    if old.total_minor != order.total_minor and old.status == order.status == "paid":
        warnings.append(
            ReadingWarning("conflicting_totals", order.file, order.row, value=order.number)
        )
    further = (_PROGRESS[order.status], order.refunded_minor) >= (
        _PROGRESS[old.status],
        old.refunded_minor,
    )
    newer, its_book, older, other = (
        (order, book, old, old_book) if further else (old, old_book, order, book)
    )
    if not newer.lines and older.lines:
        newer.lines, newer.rough, its_book = older.lines, older.rough, other
    orders[key] = (newer, its_book)


def _renumbered(orders: Iterable[OrderRecord], source: dict[int, Book]) -> list[ItemRecord]:
    """Number the items of several books as one list and point the lines at it."""
    items: list[ItemRecord] = []
    place: dict[tuple[str, str, str], int] = {}
    moved: dict[tuple[int, int], int] = {}
    for order in orders:
        book = source[id(order)]
        lines = []
        for item, *rest in order.lines:
            new = moved.get((id(book), item))
            if new is None:
                record = book.items[item]
                key = (record.code, "", "") if record.code else ("", record.title, record.variant)
                new = moved[id(book), item] = place.setdefault(key, len(items))
                if new == len(items):
                    items.append(record)
            lines.append((new, *rest))
        order.lines = lines  # type: ignore[assignment]
    return items


def _warn_tables(
    facts: Sequence[Facts], books: Sequence[Book], warnings: list[ReadingWarning]
) -> None:
    for f, book in zip(facts, books, strict=True):
        table = f.mapped.table
        if table.odd:
            warnings.append(
                ReadingWarning("mixed_encodings", table.file, table.odd[0], count=len(table.odd))
            )
        if book.repeated:
            warnings.append(ReadingWarning("repeated_rows", table.file, count=book.repeated))
        if f.events:
            warnings.append(ReadingWarning("events_skipped", table.file, count=f.events))
        for word, n in book.unknown_status.items():
            warnings.append(ReadingWarning("unknown_status", table.file, value=word, count=n))
        warnings += [
            ReadingWarning("conflicting_totals", o.file, o.row, value=o.number)
            for o in book.conflicts
        ]
        warnings += [
            ReadingWarning("order_incomplete", table.file, row, value=number)
            for row, number in book.incomplete
        ]
        for column in table.columns:
            risky = [is_formula(v) for v in column.values]
            if any(risky):
                rows = np.flatnonzero(column.spread(risky) & f.live)
                if len(rows):
                    first = int(rows[0])
                    warnings.append(
                        ReadingWarning(
                            "formula_cell",
                            table.file,
                            int(table.rows[first]),
                            column.name,
                            column.at(first),
                            len(rows),
                        )
                    )


def _info(facts: Facts) -> FileInfo:
    table, mapped = facts.mapped.table, facts.mapped
    live = max(int(facts.live.sum()), 1)
    fill = {
        c.name: round(
            float((c.spread([not is_absent(v) for v in c.values]) & facts.live).sum()) / live, 4
        )
        for c in table.columns
    }
    return FileInfo(
        name=table.file,
        layout=mapped.layout.name,
        encoding=table.encoding,
        delimiter=table.delimiter,
        header_row=table.header_row,
        sheet=table.sheet,
        rows=int(facts.live.sum()),
        mapping=mapped.names,
        unmapped=mapped.unmapped,
        fill=fill,
    )
