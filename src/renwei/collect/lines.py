"""What was bought: order lines as tuples, items numbered once."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from renwei.collect.amounts import Paid, worth
from renwei.collect.facts import Facts, Ints, Mask, ids, texts
from renwei.collect.groups import Groups
from renwei.collect.packed import Part, parts
from renwei.collect.records import ItemRecord
from renwei.collect.values import minor

Line = tuple[int, int, int, int]
_JOINED = re.compile(r"[，；;\n]|(?<!\d),(?!\d)|、")


def lines_of(
    facts: Facts, groups: Groups, good: Mask, paid: Paid
) -> tuple[list[ItemRecord], list[list[Line]]]:
    """Items of the table and the lines of each order."""
    rows = np.flatnonzero(good & (groups.of >= 0) & _has_item(facts))
    lines: list[list[Line]] = [[] for _ in range(groups.n)]
    if not len(rows):
        return [], lines
    items, item_of = _items(facts, rows)
    if holds_whole_orders(facts):
        return _whole_orders(facts, groups, rows, paid, (items, item_of))
    quantity = facts.quantity.value[rows] if facts.quantity else np.ones(len(rows), np.int64)
    price, amount = _prices(facts, rows, quantity, groups, paid)
    order = groups.of[rows]
    packed = zip(
        item_of.tolist(),
        np.abs(quantity).tolist(),
        price.tolist(),
        np.abs(amount).tolist(),
        strict=True,
    )
    for n, line in zip(order.tolist(), packed, strict=True):
        lines[n].append(line)
    return items, lines


def holds_whole_orders(facts: Facts) -> bool:
    """Whether a row stands for an order and names its items only by the way."""
    return "quantity" not in facts.mapped.fields and not facts.present("suborder").any()


def _has_item(facts: Facts) -> Mask:
    named = facts.present("title") | facts.present("code")
    if not named.any():
        named = facts.present("quantity") | facts.present("price") | facts.present("order_quantity")
    return named


def _items(facts: Facts, rows: Ints) -> tuple[list[ItemRecord], Ints]:
    """Number the items: by code where there is one, else by title and variant."""
    fields = facts.mapped.fields
    words: dict[str, list[str]] = {}
    codes: dict[str, Ints] = {}
    for name in ("code", "title", "variant", "category"):
        if name in fields:
            words[name] = ids(fields[name]) if name == "code" else texts(fields[name])
            codes[name] = fields[name].codes[rows].astype(np.int64)
        else:
            words[name], codes[name] = [""], np.zeros(len(rows), dtype=np.int64)
    packed = np.zeros(len(rows), dtype=np.int64)
    for name in ("code", "title", "variant"):
        _, packed = np.unique(packed * len(words[name]) + codes[name], return_inverse=True)
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    items: list[ItemRecord] = []
    seen: dict[tuple[str, str, str], int] = {}
    number = np.empty(len(first), dtype=np.int64)
    for n in np.argsort(first, kind="stable").tolist():
        row = first[n]
        code, title, variant, category = (words[k][codes[k][row]] for k in words)
        key = (code, "", "") if code else ("", title, variant)
        if key not in seen:
            seen[key] = len(items)
            items.append(ItemRecord(code=code, title=title, variant=variant, category=category))
        elif title and not items[seen[key]].title:
            items[seen[key]].title = title
        number[n] = seen[key]
    return items, number[inverse]


def _prices(
    facts: Facts, rows: Ints, quantity: Ints, groups: Groups, paid: Paid
) -> tuple[Ints, Ints]:
    own, price = facts.money.get("line_amount"), facts.money.get("price")
    count = np.maximum(np.abs(quantity), 1)
    zero = np.zeros(len(rows), dtype=np.int64)
    unit = np.where(price.has[rows], price.value[rows], 0) if price else zero
    if own is not None:
        amount = np.where(own.has[rows], own.value[rows], unit * count)
    elif price is not None:
        each = worth(facts)
        amount = each.value[rows] if each is not None else unit * count
    elif paid.mode == "summed":
        amount = paid.per_row[rows]
    else:
        lone = groups.count(_mask(len(groups.of), rows))[groups.of[rows]] == 1
        amount = np.where(lone, paid.total[groups.of[rows]], 0)
    unit = np.where((unit == 0) & (price is None), amount // count, unit)
    return unit, amount


def _mask(n: int, rows: Ints) -> Mask:
    mask = np.zeros(n, dtype=bool)
    mask[rows] = True
    return mask


def _whole_orders(
    facts: Facts, groups: Groups, rows: Ints, paid: Paid, known: tuple[list[ItemRecord], Ints]
) -> tuple[list[ItemRecord], list[list[Line]]]:
    """Lines of a list that has one title and one quantity an order.

    Joined titles are taken apart only where that is safe: each says how many there are, or
    there are as many as the file says there are kinds and units. Several rows of an order are lines of their own.
    """
    items, item_of = known
    numbers = {(i.code, i.title, i.variant): n for n, i in enumerate(items)}
    kinds = _column(facts, "kinds", rows)
    units = facts.quantity.value[rows] if facts.quantity else np.ones(len(rows), np.int64)
    told = facts.quantity is not None
    order = groups.of[rows]
    count = np.bincount(order, minlength=groups.n)
    lines: list[list[Line]] = [[] for _ in range(groups.n)]
    for n, item, kind, unit in zip(
        order.tolist(), item_of.tolist(), kinds.tolist(), units.tolist(), strict=True
    ):
        title = items[item].title
        total = int(paid.total[n])
        if count[n] > 1:
            first = not lines[n]
            rest = max(1, unit - int(count[n]) + 1) if first else 1
            lines[n].append((item, rest, 0, 0))
            continue
        split = parts(title) or _joined(title, kind, unit)
        if split and (not told or unit == sum(part.quantity for part in split)):
            for part, amount in zip(split, _shares(facts, split, total), strict=True):
                key = (part.code, "", "") if part.code else ("", part.title, "")
                index = numbers.setdefault(key, len(items))
                if index == len(items):
                    items.append(ItemRecord(code=part.code, title=part.title))
                lines[n].append((index, part.quantity, amount // part.quantity, amount))
            continue
        lines[n].append((item, max(unit, 1), total // max(unit, 1), total))
    return _only_used(items, lines)


def _joined(title: str, kinds: int, units: int) -> Sequence[Part]:
    """Titles without numbers, one of each."""
    titles = [t.strip() for t in _JOINED.split(title) if t.strip()]
    return [Part(t, 1) for t in titles] if kinds > 1 and len(titles) == kinds == units else ()


def _shares(facts: Facts, split: Sequence[Part], total: int) -> list[int]:
    """The amount of each part as said, else the order's by the piece."""
    said = [part.amount for part in split if part.amount is not None]
    if len(said) == len(split):
        return [minor(amount, facts.places) for amount in said]
    pieces = sum(part.quantity for part in split)
    shares = [total // pieces * part.quantity for part in split]
    return [shares[0] + total - sum(shares), *shares[1:]]


def _only_used(
    items: list[ItemRecord], lines: list[list[Line]]
) -> tuple[list[ItemRecord], list[list[Line]]]:
    used = sorted({line[0] for order in lines for line in order})
    place = {item: n for n, item in enumerate(used)}
    return [items[n] for n in used], [[(place[x[0]], *x[1:]) for x in order] for order in lines]


def _column(facts: Facts, name: str, rows: Ints) -> Ints:
    column = facts.mapped.fields.get(name)
    if column is None:
        return np.ones(len(rows), dtype=np.int64)
    values = [int(t) if t.isdigit() else 1 for t in texts(column)]
    return np.array(values, dtype=np.int64)[column.codes[rows]]
