"""What the buyer paid for each order, from whatever amounts the file has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renwei.collect.facts import Facts, Ints, Mask, Money
from renwei.collect.groups import Groups, Mode, mode_of, resolve

_TOTALS = ("paid", "total")


@dataclass(slots=True)
class Paid:
    """Per order, shape (orders,), in minor units."""

    total: Ints
    known: Mask
    refunded: Ints
    shipping: Ints
    conflict: Mask
    mode: Mode
    per_row: Ints
    """What each row adds where amounts are summed: to take closed sub-orders out."""


def worth(facts: Facts) -> Money | None:
    """Quantity x price of each row, or its own amount where the file has no price."""
    price, quantity, own = (
        facts.money.get("price"),
        facts.quantity if "quantity" in facts.mapped.fields else None,
        facts.money.get("line_amount"),
    )
    if price is not None:
        count = quantity.value if quantity is not None else np.ones(facts.rows, dtype=np.int64)
        has = price.has & (quantity.has if quantity is not None else True)
        fine = price.value * 10_000 if price.fine is None else price.fine
        return Money((fine * count + 5_000) // 10_000, has)
    return own


def paid_of(facts: Facts, groups: Groups, good: Mask, counted: Mask) -> Paid:
    """Work out totals, refunds and shipping.

    Args:
        facts: The typed columns.
        groups: Rows by order.
        good: Rows without a fault.
        counted: Rows that were not closed or left unpaid inside a counted order.
    """
    lines = worth(facts)
    distinct = _distinct_lines(facts, groups, good)
    prior = facts.mapped.layout.amounts
    total = np.zeros(groups.n, dtype=np.int64)
    known = np.zeros(groups.n, dtype=bool)
    conflict = np.zeros(groups.n, dtype=bool)
    mode: Mode = "repeated"
    per_row = np.zeros(facts.rows, dtype=np.int64)
    for name in _TOTALS:
        money = facts.money.get(name)
        if money is None or known.all() or not money.has.any():
            continue
        found = mode_of(money, groups, good, lines, prior) if distinct else "repeated"
        # A whole order's amount stays good on a row whose line cannot be taken.
        rows = good & counted if found == "summed" else facts.live
        value, has, differs = resolve(money, groups, rows, found)
        if not known.any():
            mode, conflict = found, differs & distinct | differs
            per_row = money.value if found == "summed" else per_row
        total = np.where(known, total, value)
        known |= has
    shipping = _shipping(facts, groups, good)
    total = _add_shipping(facts, groups, (total, known), shipping, good)
    refunded = _refunds(facts, groups, good, (total, mode))
    if not known.all():
        built, has = _built(facts, groups, good & counted, lines, shipping)
        if not known.any():
            mode, per_row = "summed", lines.value if lines is not None else per_row
        total, known = np.where(known, total, built), known | has
    return Paid(total, known, refunded, shipping, conflict, mode, per_row)


def _distinct_lines(facts: Facts, groups: Groups, good: Mask) -> bool:
    """Whether rows of one order are different lines, not the same order written twice."""
    rows = good & (groups.of >= 0)
    for name in ("suborder", "title", "code", "variant"):
        column = facts.mapped.fields.get(name)
        if column is None:
            continue
        first = groups.first(rows)
        same = column.codes[np.maximum(first, 0)][np.maximum(groups.of, 0)]
        if bool((rows & (column.codes != same)).any()):
            return True
    return (
        facts.mapped.fields.keys().isdisjoint(("suborder", "title", "code"))
        and "price" in facts.mapped.fields
    )


def _shipping(facts: Facts, groups: Groups, good: Mask) -> Ints:
    money = facts.money.get("shipping")
    if money is None:
        return np.zeros(groups.n, dtype=np.int64)
    mode = mode_of(money, groups, good, None)
    return resolve(money, groups, facts.live if mode == "repeated" else good, mode)[0]


def _discounts(facts: Facts, groups: Groups, good: Mask) -> Ints:
    money = facts.money.get("discount")
    if money is None:
        return np.zeros(groups.n, dtype=np.int64)
    mode = mode_of(money, groups, good, None)
    return resolve(money, groups, facts.live if mode == "repeated" else good, mode)[0]


def _add_shipping(
    facts: Facts, groups: Groups, totals: tuple[Ints, Mask], shipping: Ints, good: Mask
) -> Ints:
    """Add shipping to totals that evidently leave it out.

    Evident means: among orders with shipping, goods less discount meet the total to the cent
    without it more often than with it.
    """
    total, known = totals
    if facts.mapped.layout.whole_total:
        return total
    expected, complete = _goods(facts, groups, good)
    sent = known & (shipping > 0) & complete
    if not sent.any():
        return total
    net = expected - _discounts(facts, groups, good)
    without = int((np.abs(total - net) <= 1)[sent].sum())
    included = int((np.abs(total - net - shipping) <= 1)[sent].sum())
    if without > included and without >= 0.5 * sent.sum():
        return total + shipping
    return total


def _goods(facts: Facts, groups: Groups, good: Mask) -> tuple[Ints, Mask]:
    money = facts.money.get("goods")
    if money is not None and money.has.any():
        mode = mode_of(money, groups, good, worth(facts))
        value, has, _ = resolve(money, groups, good, mode)
        return value, has
    lines = worth(facts)
    if lines is None:
        return np.zeros(groups.n, dtype=np.int64), np.zeros(groups.n, dtype=bool)
    has = good & lines.has
    return groups.sum(lines.value, has), groups.count(has) == groups.count(good)


def _built(
    facts: Facts, groups: Groups, rows: Mask, lines: Money | None, shipping: Ints
) -> tuple[Ints, Mask]:
    """A total for files that have none: goods or lines, plus shipping, less discount."""
    goods = facts.money.get("goods")
    own = facts.money.get("line_amount")
    source = goods if goods is not None and goods.has.any() else own if own is not None else lines
    if source is None:
        return np.zeros(groups.n, dtype=np.int64), np.zeros(groups.n, dtype=bool)
    mode = mode_of(source, groups, rows, lines) if source is not lines else "summed"
    value, has, _ = resolve(source, groups, rows, mode)
    less = _discounts(facts, groups, rows) if source is goods or source is lines else 0
    # Below zero stands only what takes back an earlier sale.
    return np.where(value < 0, value, np.maximum(value + shipping - less, 0)), has


def _refunds(facts: Facts, groups: Groups, good: Mask, totals: tuple[Ints, Mode]) -> Ints:
    money = facts.money.get("refund")
    if money is None:
        return np.zeros(groups.n, dtype=np.int64)
    total, stated = totals
    added, _, _ = resolve(money, groups, good, "summed")
    once, _, _ = resolve(money, groups, facts.live, "repeated")
    if stated == "summed":  # where amounts are the line's, so are refunds, if they can be
        return np.where(added <= total, added, np.minimum(once, added))
    return added if mode_of(money, groups, good, None) == "summed" else once
