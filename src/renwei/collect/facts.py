"""Columns become numbers and times here; a cell that cannot be one is a fault of its row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from renwei.collect.dates import moments
from renwei.collect.headers import plain, unit_of
from renwei.collect.mapping import Mapped
from renwei.collect.tables import Column
from renwei.collect.values import (
    amount,
    currency_in,
    decimal_mark,
    is_absent,
    minor,
    tidy,
    whole_ids,
)
from renwei.core.words import EXPONENTS

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
MONEY = ("paid", "total", "goods", "line_amount", "price", "shipping", "discount", "refund")
_EITHER_SIGN = ("discount", "refund")
_TOTALS = re.compile(
    r"^(本页|全部|订单)?(合计|总计|小计|汇总|共计|总和|total|totals|grandtotal|sum|subtotal|gesamt|summe|totale|totaal)(金额|行)?$"
)
_FOOTER = re.compile(
    r"^(导出|制表|打印|备注|说明|注|共\s*\d+|数据|截止|统计)|exported|generated|^共|^总共"
)


@dataclass(slots=True)
class Fault:
    """Rows whose cell of `column` cannot be taken."""

    rows: Ints
    column: str
    code: str


@dataclass(slots=True)
class Money:
    """Minor units per row; `has` is False where the cell is blank or faulty.

    `fine` holds prices in 10,000ths of a minor unit: 144 pads at .001 are worth .14, not 0.
    """

    value: Ints
    has: Mask
    fine: Ints | None = None


@dataclass(slots=True)
class Times:
    """Wall-clock seconds since 1970 and minutes east of UTC (NO_OFFSET where not shown)."""

    seconds: Ints
    offset: Ints
    has: Mask


@dataclass(slots=True)
class Facts:
    """What the rows of a mapped table say, as arrays of shape (rows,)."""

    mapped: Mapped
    live: Mask
    """False for rows that are skipped: blank, titles, totals, a header again."""
    money: dict[str, Money] = field(default_factory=dict)
    times: dict[str, Times] = field(default_factory=dict)
    quantity: Money | None = None
    currency: Column | None = None
    """Currency codes, "" where a row shows none."""
    faults: list[Fault] = field(default_factory=list)
    places: int = 2
    """Digits of the currency's minor unit."""
    events: int = 0
    """Rows skipped because they are views or carts, not purchases."""

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return len(self.live)

    def present(self, name: str) -> Mask:
        """Where a field has a value; all False where the table has no such field."""
        column = self.mapped.fields.get(name)
        if column is None:
            return np.zeros(self.rows, dtype=bool)
        return column.spread([not is_absent(v) for v in column.values])

    def fault(self, where: Mask, name: str, code: str) -> None:
        """Note the live rows in `where` as faulty in the column of a field."""
        rows = np.flatnonzero(where & self.live)
        if len(rows):
            column = self.mapped.fields.get(name)
            self.faults.append(Fault(rows, column.name if column else "", code))


def facts_of(mapped: Mapped, currency: str) -> Facts:
    """Read every typed column of a table.

    Args:
        mapped: The table and its meanings.
        currency: The shop's, used for signs that several currencies share.
    """
    facts = Facts(mapped, np.ones(len(mapped.table.rows), dtype=bool))
    _skip(facts)
    _read_times(facts)
    _read_money(facts, currency)
    _read_quantity(facts)
    _overflow(facts)
    return facts


def texts(column: Column) -> list[str]:
    """The distinct texts of a column without spreadsheet wrapping, blanks as ""."""
    return ["" if is_absent(v) else tidy(v) for v in column.values]


def ids(column: Column) -> list[str]:
    """The distinct ids of a column."""
    return whole_ids(column.values)


def _skip(facts: Facts) -> None:
    table, fields = facts.mapped.table, facts.mapped.fields
    filled = np.zeros(facts.rows, dtype=np.int32)
    again = np.zeros(facts.rows, dtype=np.int32)
    words = np.zeros(facts.rows, dtype=bool)
    for column in table.columns:
        filled += column.spread([bool(v.strip()) for v in column.values])
        again += column.spread([tidy(v) == column.name != "" for v in column.values])
        words |= column.spread(
            [len(v) < 20 and bool(_TOTALS.match(plain(v))) for v in column.values]
        )
    facts.live &= filled > 0
    facts.live &= ~((again >= 2) & (again >= 0.6 * filled))
    who = np.zeros(facts.rows, dtype=bool)
    for name in ("created", "paid_at", "title", "code", "nick", "customer", "email", "phone"):
        if name in fields:
            who |= facts.present(name) & ~_totals_words(fields[name])
    numbered = np.zeros(facts.rows, dtype=bool)
    if "order" in fields:
        numbered = facts.present("order") & ~_totals_words(fields["order"])
    facts.live &= ~(words & ~who & ~numbered) & ~(words & ~numbered & ~_dated(facts))
    if "order" in fields:
        _skip_edges(facts, filled, who | numbered)
    _skip_events(facts)


def _dated(facts: Facts) -> Mask:
    return facts.present("created") | facts.present("paid_at")


def _totals_words(column: Column) -> Mask:
    return column.spread([len(v) < 20 and bool(_TOTALS.match(plain(v))) for v in column.values])


def _skip_edges(facts: Facts, filled: NDArray[np.int32], tied: Mask) -> None:
    """Drop notes (one cell in a wide table) and a totals row that has no label."""
    wide = len(facts.mapped.table.columns) >= 4
    numbers = facts.mapped.fields["order"]
    for row in np.flatnonzero(facts.live & (filled == 1)).tolist() if wide else ():
        number = tidy(numbers.at(row))
        if not tied[row] or len(number) > 40 or _FOOTER.search(number):
            facts.live[row] = False
    alive = np.flatnonzero(facts.live)
    if len(alive) > 1 and not tied[alive[-1]] and not facts.present("order")[alive[-1]]:
        facts.live[alive[-1]] = False


def _skip_events(facts: Facts) -> None:
    column = facts.mapped.fields.get("event")
    if column is None:
        return
    bought = [
        bool(re.search(r"buy|purchase|order|购买|支付|成交|下单", v, re.I)) for v in column.values
    ]
    if any(bought):
        other = facts.live & ~column.spread(bought)
        facts.events = int(other.sum())
        facts.live &= ~other


def _read_times(facts: Facts) -> None:
    for name in ("created", "paid_at", "cancelled_at"):
        column = facts.mapped.fields.get(name)
        if column is None:
            continue
        used = _used(facts, column)
        read = moments([v if u else "" for v, u in zip(column.values, used, strict=True)])
        has = column.spread([s is not None for s in read.seconds])
        seconds = np.array([s or 0 for s in read.seconds], dtype=np.int64)[column.codes]
        offset = np.array(read.offset, dtype=np.int64)[column.codes]
        facts.times[name] = Times(seconds, offset, has & facts.live)
        if name != "cancelled_at":
            for code in ("bad_date", "date_out_of_range"):
                facts.fault(column.spread([f == code for f in read.fault]), name, code)


def _used(facts: Facts, column: Column) -> list[bool]:
    """Which distinct texts stand in rows that are not skipped."""
    used = np.zeros(len(column.values), dtype=bool)
    used[column.codes[facts.live]] = True
    return list(used)


def _read_money(facts: Facts, currency: str) -> None:
    fields = facts.mapped.fields
    columns = {name: fields[name] for name in MONEY if name in fields}
    mark = decimal_mark(v for c in columns.values() for v in c.values)
    facts.currency = _currencies(facts, columns, currency)
    facts.places = places = _places(facts, currency)
    finer = _finer(facts, places)
    for name, column in columns.items():
        read = [None if is_absent(v) else _within(amount(v, mark)) for v in column.values]
        absent = [is_absent(v) for v in column.values]
        if name not in ("paid", "total") and not _is_numeric(facts, column, read, absent):
            del fields[name]
            continue
        scaled = [_scaled(v, column.name, places) for v in read]
        value = np.array([abs(v) if name in _EITHER_SIGN else v for v in scaled], dtype=np.int64)
        has = column.spread([v is not None for v in read]) & facts.live
        facts.money[name] = Money(value[column.codes] // finer, has)
        if name == "price":
            fine = [_scaled(v, column.name, places + 4) for v in read]
            facts.money[name].fine = np.array(fine, dtype=np.int64)[column.codes] // finer
        wrong = [v is None and not a for v, a in zip(read, absent, strict=True)]
        facts.fault(column.spread(wrong), name, "bad_amount")
        below = column.spread([v is not None and v < 0 for v in read]) & has & ~_returns(facts)
        # Where a whole column of refunds is written below zero, the sign is its custom.
        above = has & (facts.money[name].value > 0) & ~below
        custom = name == "discount" or (below.sum() > 1 and not above.any())
        if name not in _EITHER_SIGN or not custom:
            facts.fault(below, name, "negative_amount")


def _within(value: Decimal | None) -> Decimal | None:
    """Nothing costs a hundred million million: an id stands where an amount should."""
    return value if value is not None and abs(value) < 10**12 else None


def _is_numeric(
    facts: Facts, column: Column, read: Sequence[Decimal | None], absent: Sequence[bool]
) -> bool:
    present = facts.live & column.spread([not a for a in absent])
    good = present & column.spread([v is not None for v in read])
    return bool(good.sum() >= 0.5 * present.sum())


def _scaled(value: Decimal | None, header: str, places: int) -> int:
    if value is None:
        return 0
    unit = unit_of(header)
    if unit in ("分", "cents", "cent"):
        return minor(value, places - 2)
    return minor(value * (10_000 if unit == "万元" else 1), places)


def _places(facts: Facts, currency: str) -> int:
    codes = set(facts.currency.values) - {""} if facts.currency else set()
    return max(EXPONENTS.get(code, 2) for code in codes or {currency})


def _finer(facts: Facts, places: int) -> Ints:
    """By what the unit taken for the whole table is finer than that of each row's currency."""
    if facts.currency is None:
        return np.ones(facts.rows, dtype=np.int64)
    own = [places - EXPONENTS.get(v, 2) if v else 0 for v in facts.currency.values]
    return np.power(10, np.array(own, dtype=np.int64))[facts.currency.codes]


def _currencies(facts: Facts, columns: dict[str, Column], shop: str) -> Column | None:
    """The currency column, else what the amounts or their headers show."""
    given = facts.mapped.fields.get("currency")
    if given is not None:
        known = [_currency_name(v, shop) for v in texts(given)]
        return Column(given.name, given.codes, known)
    for column in columns.values():
        shown = [currency_in(v, shop) for v in column.values]
        if any(shown):
            return Column(column.name, column.codes, shown)
    for column in columns.values():
        code = _currency_name(unit_of(column.name), shop)
        if code:
            return Column(column.name, np.zeros(facts.rows, dtype=np.int32), [code])
    return None


def _currency_name(text: str, shop: str) -> str:
    text = text.strip()
    if len(text) == 3 and text.isascii() and text.isalpha():
        return "CNY" if text.upper() == "RMB" else text.upper()
    return currency_in(text + "1", shop) if text and len(text) <= 4 else ""


def _returns(facts: Facts) -> Mask:
    start, column = facts.mapped.layout.returns, facts.mapped.fields.get("order")
    if not start or column is None:
        return np.zeros(facts.rows, dtype=bool)
    return column.spread([t.upper().startswith(start) for t in ids(column)])


def _read_quantity(facts: Facts) -> None:
    name = "quantity" if "quantity" in facts.mapped.fields else "order_quantity"
    column = facts.mapped.fields.get(name)
    if column is None:
        return
    read = [
        None
        if is_absent(v)
        else _counted(re.sub(r"\s*[件个盒支瓶套包只条]$|^[x×]\s*", "", tidy(v)))
        for v in column.values
    ]
    absent = [is_absent(v) for v in column.values]
    # A header that says quantity is believed: what is no number is refused row by row, unless
    # a long column never holds one and so is about something else.
    present = column.spread([not a for a in absent]) & facts.live
    if present.sum() >= 8 and not any(v is not None for v in read):
        del facts.mapped.fields[name]
        return
    broken = [v is not None and v != v.to_integral_value() for v in read]
    parts = column.spread(broken) & facts.live
    weighed = bool(parts.sum() > 0.1 * facts.live.sum() and parts.sum() > 3)
    whole = [0 if v is None else max(round(v), 1) if v > 0 else round(v) for v in read]
    has = column.spread([v is not None for v in read]) & facts.live
    facts.quantity = Money(np.array(whole, dtype=np.int64)[column.codes], has)
    _fault_quantities(facts, column, name, (read, absent, broken if not weighed else None))


def _counted(text: str) -> Decimal | None:
    value = amount(text)
    return value if value is not None and abs(value) < 10**9 else None


def _fault_quantities(
    facts: Facts,
    column: Column,
    name: str,
    found: tuple[Sequence[Decimal | None], Sequence[bool], Sequence[bool] | None],
) -> None:
    read, absent, broken = found
    sold = ~_returns(facts)
    tests: tuple[tuple[str, Callable[[Decimal | None, bool], bool]], ...] = (
        ("bad_quantity", lambda v, a: v is None and not a),
        ("negative_quantity", lambda v, a: v is not None and v < 0),
        ("zero_quantity", lambda v, a: v is not None and v == 0 and name == "quantity"),
    )
    for code, test in tests:
        wrong = column.spread([test(v, a) for v, a in zip(read, absent, strict=True)])
        facts.fault(wrong & sold, name, code)
    if broken is not None:
        positive = [b and v is not None and v > 0 for b, v in zip(broken, read, strict=True)]
        facts.fault(column.spread(positive) & sold, name, "fractional_quantity")


def _overflow(facts: Facts) -> None:
    rows = [row for row in facts.mapped.table.overflow if facts.live[row]]
    if rows:
        facts.faults.append(Fault(np.array(rows, dtype=np.int64), "", "too_many_cells"))
    blank = facts.mapped.table.header
    lines = [
        row
        for row in facts.mapped.table.overflow
        if not facts.live[row] and not any(facts.mapped.table.cells(row)[: len(blank)])
    ]
    if lines:
        facts.faults.append(Fault(np.array(lines, dtype=np.int64), "", "broken_line"))
