"""From a table to fields: every column gets its meaning, or stays unmapped and is said so."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from renwei.collect.dates import looks_like_clocks, looks_like_dates
from renwei.collect.headers import field_of, plain, synonyms
from renwei.collect.layouts.layout import Layout
from renwei.collect.tables import Column, Table
from renwei.collect.values import amount, is_absent, is_email, phone, tidy
from renwei.core.errors import NotATable

AMOUNTS = ("paid", "total", "goods", "line_amount", "price")
BUYERS = (
    "customer",
    "nick",
    "openid",
    "unionid",
    "external_userid",
    "email",
    "phone",
    "phone2",
    "device",
    "anonymous",
)
ITEMS = ("title", "code", "quantity", "price", "line_amount")
_SAMPLE = 400
# Headers under which some shops write a number and others a name.
_EITHER = frozenset(("customer", "client", "cliente", "kunden", "buyer", "uid"))


@dataclass(slots=True)
class Mapped:
    """A table whose columns have meanings: field -> column."""

    table: Table
    layout: Layout
    fields: dict[str, Column]

    @property
    def names(self) -> dict[str, str]:
        """Header as written -> field."""
        names: dict[str, str] = {}
        for field, column in self.fields.items():
            if field in BUYERS or column.name not in names:
                names[column.name] = field
        return names

    @property
    def unmapped(self) -> list[str]:
        """Headers that mean nothing to us."""
        used = {id(column) for column in self.fields.values()}
        return [column.name for column in self.table.columns if id(column) not in used]

    @property
    def only_lines(self) -> bool:
        """Whether the table holds order lines alone: no buyer, no time, no total."""
        has = self.fields.keys()
        whole = {"created", "paid_at", "paid", "total", *BUYERS}
        return "order" in has and not has & whole and bool(has & set(ITEMS))


def understand(table: Table, layout: Layout, region: str) -> Mapped:
    """Give every column its field.

    Raises:
        NotATable: code `no_orders_in_table`: the columns of an order are not there.
    """
    fields = _by_name(table, layout)
    _join_clock(table, fields)
    mapped = Mapped(table, layout, fields)
    _settle_buyer(fields)
    # Where some headers are known and an order's are not, it is another kind of table.
    if not _is_order_book(fields) and (len(fields) >= 3 or len(fields) == 0):
        _by_values(mapped, region)
        _settle_buyer(fields)
    if "product_id" in fields and "code" not in fields:
        fields["code"] = fields["product_id"]
    if not _is_order_book(fields):
        raise NotATable(
            "no_orders_in_table",
            file=table.file,
            columns=", ".join(table.header[:12]),
            missing=", ".join(_missing(fields)),
            header=list(table.header),
        )
    return mapped


def _by_name(table: Table, layout: Layout) -> dict[str, Column]:
    overrides = {plain(name): field for name, field in layout.fields.items()}
    order = {name: n for n, name in enumerate(synonyms())}
    ranked: list[tuple[bool, int, int, str, Column]] = []
    for n, column in enumerate(table.columns):
        name = plain(column.name)
        field = overrides[name] if name in overrides else field_of(column.name)
        if field:
            rank = -1 if name in overrides else order.get(name, len(order))
            ranked.append((_is_empty(column), rank, n, field, column))
    fields: dict[str, Column] = {}
    for empty, _, _, field, column in sorted(ranked, key=lambda entry: entry[:3]):
        if not (empty and field in ("product_id", "code")):
            fields.setdefault(field, column)
    return fields


def _join_clock(table: Table, fields: dict[str, Column]) -> None:
    """A day in one column and the time of day in another are one moment."""
    day = fields.get("created")
    if day is None or ":" in "".join(_some(day)):
        return
    used = {id(c) for c in fields.values()}
    for column in table.columns:
        if id(column) not in used and _share(_some(column), _is_clock) >= 0.9:
            width = len(column.values)
            both = day.codes.astype(np.int64) * width + column.codes
            pairs, codes = np.unique(both, return_inverse=True)
            texts = [
                f"{tidy(day.values[p // width])} {tidy(column.values[p % width])}".strip()
                for p in pairs.tolist()
            ]
            fields["created"] = Column(day.name, codes.astype(np.int32), texts)
            return


def _is_clock(text: str) -> bool:
    return re.fullmatch(r"\d{1,2}[:：]\d{2}([:：]\d{2})?(\s*[AaPp][Mm])?", tidy(text)) is not None


def _is_empty(column: Column) -> bool:
    return len(column.values) < 50 and all(is_absent(v) for v in column.values)


def _settle_buyer(fields: dict[str, Column]) -> None:
    """A buyer's name is the buyer's key only where the file has nothing better."""
    column = fields.get("customer")
    if (
        column is not None
        and plain(column.name) in _EITHER
        and _share(_some(column), _is_name) > 0.5
    ):
        fields.setdefault("buyer_name", fields.pop("customer"))
    if "buyer_name" in fields:
        if not any(f in fields for f in BUYERS):
            fields["nick"] = fields["buyer_name"]
        fields.setdefault("name", fields["buyer_name"])


def _is_order_book(fields: dict[str, Column]) -> bool:
    return not _missing(fields)


def _missing(fields: dict[str, Column]) -> list[str]:
    has = fields.keys()
    buyer = bool(has & {*BUYERS, "name"})
    time = "created" in has or "paid_at" in has
    missing = [] if has & set(AMOUNTS) else ["total"]
    if "order" in has:
        if not (buyer or time or has & {"title", "code", "quantity"}):
            missing.append("created")
    else:
        missing += [] if buyer and time else ["order"] if time else ["order", "created"]
    return missing


def _by_values(mapped: Mapped, region: str) -> None:
    """Judge the columns without a name by what they hold."""
    fields = mapped.fields
    used = {id(c) for c in fields.values()}
    free = [c for c in mapped.table.columns if id(c) not in used and not _is_empty(c)]
    _take(free, fields, "created", lambda v: looks_like_dates(v) >= 0.8, unless="paid_at")
    _take(free, fields, "created", lambda v: looks_like_clocks(v) >= 0.9, unless="paid_at")
    _take(free, fields, "email", lambda v: _share(v, lambda t: is_email(tidy(t))) >= 0.6)
    _take(free, fields, "phone", lambda v: _share(v, lambda t: _is_phone(t, region)) >= 0.6)
    if "created" in fields:
        _order_and_customer(free, fields)
    _numbers(free, fields)
    texts = [c for c in free if _share(_some(c), lambda t: bool(re.search(r"[^\W\d_]", t))) > 0.8]
    if "title" not in fields and texts:
        fields["title"] = max(texts, key=lambda c: sum(map(len, _some(c))) / len(_some(c)))


def _take(
    free: list[Column],
    fields: dict[str, Column],
    field: str,
    test: Callable[[Sequence[str]], bool],
    *,
    unless: str = "",
) -> None:
    if field in fields or unless in fields:
        return
    for column in free:
        if test(_some(column)):
            fields[field] = column
            free.remove(column)
            return


def _some(column: Column) -> list[str]:
    return [v for v in column.values[:_SAMPLE] if not is_absent(v)] or [""]


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / len(values)


def _is_phone(text: str, region: str) -> bool:
    digits = re.sub(r"[\s\-()+]", "", tidy(text))
    return 10 <= len(digits) <= 15 and digits.isdigit() and bool(phone(text, region))


def _order_and_customer(free: list[Column], fields: dict[str, Column]) -> None:
    """An order number settles its time; a customer comes back at other times."""
    time = fields["created"].codes.astype(np.int64)
    rows = max(len(time), 1)
    ids = [c for c in free if _share(_some(c), _is_id) >= 0.9]
    settled = [c for c in ids if _pairs(c, time) == len(np.unique(c.codes))]
    if "order" not in fields and settled:
        order = max(settled, key=lambda c: (len(c.values), _share(_some(c), _is_long)))
        if len(order.values) >= 0.2 * rows:
            fields["order"] = order
            free.remove(order)
            ids.remove(order)
    if any(f in fields for f in BUYERS) or not ids or "order" not in fields:
        return
    key = fields["order"]
    orders = len(np.unique(key.codes))
    owners = [c for c in ids if _pairs(key, c.codes.astype(np.int64)) == orders]
    owners = [c for c in owners if 1 < len(c.values) < orders or len(ids) == 1]
    if owners:
        fields["customer"] = max(owners, key=lambda c: len(c.values))
        free.remove(fields["customer"])


def _pairs(column: Column, other: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    width = int(other.max(initial=0)) + 1
    return len(np.unique(column.codes.astype(np.int64) * width + other))


def _is_name(text: str) -> bool:
    return not any(c.isdigit() for c in text)


def _is_id(text: str) -> bool:
    return bool(re.fullmatch(r"[\w#\-]{2,40}", tidy(text))) and any(c.isdigit() for c in text)


def _is_long(text: str) -> bool:
    return len(tidy(text)) >= 5


def _numbers(free: list[Column], fields: dict[str, Column]) -> None:
    numeric = [c for c in free if _share(_some(c), lambda t: amount(t) is not None) >= 0.9]
    small = [c for c in numeric if _share(_some(c), _is_small_whole) >= 0.95]
    large = [c for c in numeric if c not in small]
    if "quantity" not in fields and small:
        fields["quantity"] = small[0]
        free.remove(small[0])
    if any(f in fields for f in AMOUNTS):
        return
    lettered = all(re.fullmatch(r"[A-Z]{1,2}", c.name) for c in free)
    if not lettered:
        large = [c for c in large if _share(_some(c), lambda t: "." in t or "," in t) > 0.3]
    elif not large:
        large = [c for c in small if c is not fields.get("quantity")]
    if len(large) >= 2 and "quantity" in fields:
        first, second = sorted(large[:2], key=_mean)
        fields["price"], fields["line_amount"] = first, second
    elif large:
        fields["total"] = large[-1]
    for column in large:
        if any(column is taken for taken in fields.values()):
            free.remove(column)


def _mean(column: Column) -> float:
    numbers = [float(amount(v) or 0) for v in _some(column)]
    return sum(numbers) / len(numbers)


def _is_small_whole(text: str) -> bool:
    value = amount(text)
    return (
        value is not None
        and value == value.to_integral_value()
        and abs(value) < 10_000
        and "." not in text
    )
