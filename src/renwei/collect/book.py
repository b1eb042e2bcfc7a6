"""From facts to orders: rows are grouped, checked and written out as records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from renwei.collect.amounts import Paid, paid_of
from renwei.collect.buyers import Buyers
from renwei.collect.facts import Facts, Fault, Ints, Mask, ids, texts
from renwei.collect.groups import Groups, group, repeats
from renwei.collect.lines import holds_whole_orders, lines_of
from renwei.collect.provinces import province_of
from renwei.collect.records import ItemRecord, OrderRecord, RefusedRow, Status
from renwei.collect.statuses import State, reason_state, refund_state, state_of
from renwei.collect.values import is_scientific
from renwei.collect.zones import Clock

_STATUS: dict[State, Status] = {
    State.PAID: "paid",
    State.UNPAID: "unpaid",
    State.CLOSED: "closed",
    State.REFUNDED: "refunded",
}
_TEXTS = (
    "name",
    "first_name",
    "last_name",
    "note",
    "shop",
    "country",
    "creator",
    "accepts_marketing",
)
_YES = frozenset(
    [
        "yes",
        "true",
        "1",
        "y",
        "t",
        "是",
        "同意",
        "subscribed",
        "已订阅",
        "接受",
        "ja",
        "oui",
        "si",
        "sí",
        "on",
    ]
)
_NO = frozenset(
    [
        "no",
        "false",
        "0",
        "n",
        "f",
        "否",
        "不同意",
        "unsubscribed",
        "未订阅",
        "拒绝",
        "nein",
        "non",
        "off",
    ]
)


@dataclass(slots=True)
class Book:
    """What one table gave."""

    orders: list[OrderRecord] = field(default_factory=list)
    items: list[ItemRecord] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    """Orders that a refused row kept out: their lines elsewhere stay out too."""
    repeated: int = 0
    """Rows passed over since their order stands in the file before, unchanged."""
    unknown_status: Counter[str] = field(default_factory=Counter)
    conflicts: list[OrderRecord] = field(default_factory=list)
    incomplete: list[tuple[int, str]] = field(default_factory=list)
    """(row, number) of orders left out since the row with their amount was refused."""


def book_of(facts: Facts, buyers: Buyers, clock: Clock, currency: str) -> Book:
    """Write out the orders of one table.

    Args:
        facts: Its typed columns.
        buyers: Normalises identifiers.
        clock: Turns wall clock into UTC.
        currency: Where a row shows none.
    """
    groups = group(facts)
    repeated = 0
    if "order" in facts.mapped.fields:
        again = repeats(facts, groups)
        repeated = int(again.sum())
        facts.live &= ~again
    _required(facts, groups)
    good = facts.live.copy()
    for fault in facts.faults:
        good[fault.rows] = False
    book = Book(repeated=repeated)
    if not groups.n:
        book.refused = refusals(facts)
        return book
    states = _row_states(facts, groups, book)
    status, counted = _order_states(facts, groups, good, states)
    paid = paid_of(facts, groups, good, counted)
    _unpriced(facts, groups, good, (status, paid))
    for fault in facts.faults:
        good[fault.rows] = False
    paid.known &= ~_undated(facts, groups)
    alive = groups.any(good)
    status = _settled(facts, status, paid)
    refunded = _row_refunds(groups, good, states, paid)
    kept = (good, alive, good & counted)
    _write(book, facts, groups, kept, (status, paid, refunded), (buyers, clock, currency))
    book.refused = refusals(facts)
    book.lost |= {groups.numbers[n] for n in np.flatnonzero(~alive | ~paid.known)}
    book.incomplete = [
        (int(facts.mapped.table.rows[groups.first(good)[n]]), groups.numbers[n])
        for n in np.flatnonzero(groups.any(good) & ~paid.known)
    ]
    return book


def refusals(facts: Facts) -> list[RefusedRow]:
    """The faults as rows to keep, in the order of the file, one a row and column."""
    table = facts.mapped.table
    by_name = {c.name: c for c in reversed(table.columns)}
    found: dict[tuple[int, str], str] = {}
    for fault in facts.faults:
        for row in fault.rows:
            found.setdefault((int(row), fault.column), fault.code)
    header = table.header
    return [
        RefusedRow(
            file=table.file,
            row=int(table.rows[row]),
            column=column,
            code=code,
            value=by_name[column].at(row) if column in by_name else "",
            cells=table.cells(row),
            header=header,
        )
        for (row, column), code in sorted(found.items())
    ]


def _required(facts: Facts, groups: Groups) -> None:
    """A row without an order number, an order without any time, a line without a price."""
    facts.fault(groups.missing, "order", "missing_order_number")
    numbers = facts.mapped.fields.get("order")
    if numbers is not None:
        lost = numbers.spread([is_scientific(v) for v in numbers.values])
        facts.fault(lost, "order", "order_number_lost")
    names = [n for n in ("created", "paid_at") if n in facts.times]
    if names and groups.n:
        when = facts.present("created") | facts.present("paid_at")
        timeless = ~groups.any(when & facts.live)
        rows = facts.live & (groups.of >= 0) & timeless[np.maximum(groups.of, 0)]
        facts.fault(rows, names[0], "missing_date")
    item = facts.present("title") | facts.present("code")
    price = facts.money.get("price")
    totals = facts.money.keys() & {"paid", "total", "goods", "line_amount"}
    if price is not None and not totals:
        facts.fault(item & ~facts.present("price"), "price", "missing_amount")
        if facts.mapped.layout.zero_price == "refused":
            nothing = price.has & ((price.value if price.fine is None else price.fine) == 0)
            facts.fault(nothing & ~_takes_back(facts), "price", "zero_price")
    if "quantity" in facts.mapped.fields:
        facts.fault(item & ~facts.present("quantity"), "quantity", "missing_quantity")


def _undated(facts: Facts, groups: Groups) -> Mask:
    """Orders whose only date cannot be read: what is left of their rows has no time."""
    times = [facts.times[name] for name in ("created", "paid_at") if name in facts.times]
    if not times:
        return np.zeros(groups.n, dtype=bool)
    dated = np.zeros(groups.n, dtype=bool)
    for found in times:
        dated |= groups.any(found.has & facts.live)
    return ~dated


def _takes_back(facts: Facts) -> Mask:
    start, column = facts.mapped.layout.returns, facts.mapped.fields.get("order")
    if not start or column is None:
        return np.zeros(facts.rows, dtype=bool)
    return column.spread([t.upper().startswith(start) for t in ids(column)])


def _unpriced(
    facts: Facts, groups: Groups, good: Mask, found: tuple[NDArray[np.int8], Paid]
) -> None:
    """A counted order without any amount is refused at its first row, unless a fault says why."""
    status, paid = found
    never = (status == State.UNPAID) | (status == State.CLOSED)
    paid.known |= never
    lacking = ~paid.known & groups.any(good)
    names = [n for n in ("paid", "total", "goods", "line_amount", "price") if n in facts.money]
    if not lacking.any() or not names:
        return
    said = np.zeros(facts.rows, dtype=bool)
    for fault in facts.faults:
        said[fault.rows] |= fault.code in ("bad_amount", "negative_amount")
    lacking &= ~groups.any(said)
    first = groups.first(good)
    # Later lines of an order whose head has no number: the head is refused, that is enough.
    headless = np.zeros(facts.rows, dtype=bool)
    for fault in facts.faults:
        if fault.code == "missing_order_number":
            headless[np.minimum(fault.rows + 1, facts.rows - 1)] = True
    lacking &= ~headless[np.maximum(groups.first(facts.live), 0)]
    rows = first[lacking]
    column = facts.mapped.fields[names[0]].name
    facts.faults.append(Fault(rows, column, "missing_amount"))


def _row_states(facts: Facts, groups: Groups, book: Book) -> NDArray[np.int8]:
    """The state each row shows, by its status words."""
    fields = facts.mapped.fields
    states = np.zeros(facts.rows, dtype=np.int8)
    for name in ("status", "pay_status"):
        column = fields.get(name)
        if column is None:
            continue
        words = [state_of(t) for t in texts(column)]
        for word, state in zip(texts(column), words, strict=True):
            if state is State.UNKNOWN and word:
                book.unknown_status[word] += 1
        found = np.array(words, dtype=np.int8)[column.codes]
        stronger = (states == State.SILENT) | (found == State.UNPAID) & (states == State.PAID)
        states = np.where(stronger & (found != State.SILENT), found, states)
    if "refund_status" in fields:
        column = fields["refund_status"]
        found = np.array([refund_state(t) for t in texts(column)], dtype=np.int8)[column.codes]
        back = (found == State.REFUNDED) & ~((states == State.PAID) & _in_part(facts))
        states = np.where(back, State.REFUNDED, states)
    if "paid_at" in facts.times:
        states = _closed_after_payment(facts, groups, states)
    if "cancelled_at" in facts.times:
        gone = facts.present("cancelled_at") & (states != State.REFUNDED)
        states = np.where(gone & (states != State.UNPAID), State.CLOSED, states)
    return np.where(facts.live, states, State.SILENT).astype(np.int8)


def _in_part(facts: Facts) -> Mask:
    """Rows of which less was given back than they cost, whatever the after-sale status says."""
    back = facts.money.get("refund")
    cost = facts.money.get("paid") or facts.money.get("total")
    if back is None or cost is None:
        return np.zeros(facts.rows, dtype=bool)
    return back.has & cost.has & (back.value > 0) & (back.value < cost.value)


def _closed_after_payment(
    facts: Facts, groups: Groups, states: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Closed after it was paid means paid back, unless the reason says that nobody paid."""
    was_paid = facts.present("paid_at")
    if facts.mapped.layout.zone:  # Chinese platforms close an order only by giving money back
        states = np.where((states == State.CLOSED) & was_paid, State.REFUNDED, states)
    reason = facts.mapped.fields.get("close_reason")
    if reason is not None:
        told = np.array([reason_state(t) for t in texts(reason)], dtype=np.int8)[reason.codes]
        closed = (states == State.CLOSED) | (states == State.REFUNDED)
        states = np.where(closed & (told == State.CLOSED) & ~was_paid, State.CLOSED, states)
        states = np.where(
            (states == State.CLOSED) & (told == State.REFUNDED), State.REFUNDED, states
        )
    silent = (states == State.SILENT) | (states == State.UNKNOWN)
    if was_paid.any() and "status" not in facts.mapped.fields:
        never = ~groups.any(was_paid)[np.maximum(groups.of, 0)]
        states = np.where(silent & never, State.UNPAID, states)
    return states


def _order_states(
    facts: Facts, groups: Groups, good: Mask, states: NDArray[np.int8]
) -> tuple[NDArray[np.int8], Mask]:
    """The state of each order, and the rows whose amounts belong to it."""
    rows = facts.live
    has = {s: groups.any(rows & (states == s)) for s in State}
    paying = has[State.PAID] | has[State.UNKNOWN]
    status = np.full(groups.n, State.PAID, dtype=np.int8)
    for state in (State.UNPAID, State.CLOSED, State.REFUNDED):
        status[has[state] & ~paying] = state
    never = (states == State.CLOSED) | (states == State.UNPAID)
    mixed = (status == State.PAID)[np.maximum(groups.of, 0)] & (groups.of >= 0)
    refunded = (status == State.REFUNDED)[np.maximum(groups.of, 0)] & (groups.of >= 0)
    return status, ~(never & (mixed | refunded))


def _settled(facts: Facts, status: NDArray[np.int8], paid: Paid) -> NDArray[np.int8]:
    """An order whose whole total went back is refunded, whatever its status says."""
    whole = (paid.total > 0) & (paid.refunded >= paid.total) & (status == State.PAID)
    back = (status == State.CLOSED) & (paid.refunded > 0)
    return np.where(whole | back, State.REFUNDED, status).astype(np.int8)


def _row_refunds(groups: Groups, good: Mask, states: NDArray[np.int8], paid: Paid) -> Ints:
    """Refunds stated, or the amounts of refunded sub-orders where none is."""
    rows = good & (states == State.REFUNDED)
    own = groups.sum(paid.per_row, rows) if paid.mode == "summed" else paid.refunded
    return np.minimum(np.where(paid.refunded > 0, paid.refunded, own), paid.total)


def _write(
    book: Book,
    facts: Facts,
    groups: Groups,
    masks: tuple[Mask, Mask, Mask],
    money: tuple[NDArray[np.int8], Paid, Ints],
    tools: tuple[Buyers, Clock, str],
) -> None:
    good, alive, bought = masks
    status, paid, refunded = money
    buyers, clock, currency = tools
    layout, table = facts.mapped.layout, facts.mapped.table
    whole = groups.first(good)
    times = {name: _moments(facts, groups, name, clock) for name in ("created", "paid_at")}
    told = {name: _told(facts, groups, name) for name in _TEXTS}
    addresses, provinces = _address(facts, groups), _told(facts, groups, "province")
    known = buyers.of(facts, groups)
    coins = _coins(facts, groups, currency)
    book.items, lines = lines_of(facts, groups, bought, paid)
    whole_orders = holds_whole_orders(facts)
    for n in np.flatnonzero(alive & paid.known).tolist():
        number = groups.numbers[n]
        taken_back = bool(layout.returns) and number.upper().startswith(layout.returns)
        order = OrderRecord(
            number=number,
            platform=layout.name,
            status="returned" if taken_back else _STATUS[State(int(status[n]))],
            created_at=times["created"][n] or None,
            paid_at=times["paid_at"][n],
            total_minor=abs(int(paid.total[n])),
            currency=coins[n],
            refunded_minor=int(refunded[n]),
            shipping_minor=int(paid.shipping[n]),
            shop=told["shop"][n],
            lines=lines[n],
            rough=whole_orders and bool(lines[n]),
            identifiers=known[n],
            name=told["name"][n] or f"{told['first_name'][n]} {told['last_name'][n]}".strip(),
            address=addresses[n],
            note=told["note"][n],
            country=told["country"][n],
            province=province_of(provinces[n], addresses[n][:16]),
            creator=told["creator"][n],
            accepts_marketing=_consent(told["accepts_marketing"][n]),
            row=int(table.rows[whole[n]]),
            file=table.file,
        )
        book.orders.append(order)
        if paid.conflict[n]:
            book.conflicts.append(order)


def _moments(facts: Facts, groups: Groups, name: str, clock: Clock) -> list[datetime | None]:
    times = facts.times.get(name)
    if times is None:
        return [None] * groups.n
    first = groups.first(times.has)
    found: list[datetime | None] = [None] * groups.n
    seconds, offset = times.seconds[first].tolist(), times.offset[first].tolist()
    for n in np.flatnonzero(first >= 0).tolist():
        found[n] = clock.utc(seconds[n], offset[n])
    return found


def _told(facts: Facts, groups: Groups, name: str) -> list[str]:
    column = facts.mapped.fields.get(name)
    if column is None:
        return [""] * groups.n
    words = texts(column)
    first = groups.first(facts.present(name) & facts.live)
    codes = column.codes[np.maximum(first, 0)].tolist()
    return [words[c] if f >= 0 else "" for c, f in zip(codes, first.tolist(), strict=True)]


def _address(facts: Facts, groups: Groups) -> list[str]:
    parts = [_told(facts, groups, name) for name in ("province", "city", "district", "address")]
    return [
        " ".join(p for p in dict.fromkeys(group_) if p and not _inside(p, group_))
        for group_ in zip(*parts, strict=True)
    ]


def _inside(part: str, parts: tuple[str, ...]) -> bool:
    return any(part != other and part in other for other in parts)


def _coins(facts: Facts, groups: Groups, currency: str) -> list[str]:
    column = facts.currency
    if column is None:
        return [currency] * groups.n
    shown = {v for v in column.values if v}
    currency = shown.pop() if len(shown) == 1 else currency
    first = groups.first(column.spread([bool(v) for v in column.values]) & facts.live)
    codes = column.codes[np.maximum(first, 0)].tolist()
    return [
        column.values[c] if f >= 0 else currency for c, f in zip(codes, first.tolist(), strict=True)
    ]


def _consent(text: str) -> bool | None:
    word = text.strip().lower()
    return True if word in _YES else False if word in _NO else None
