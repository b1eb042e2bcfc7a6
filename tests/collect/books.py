"""Order books made up for tests: a list of `Sale`, and the pivot made by hand of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

Rows = list[list[str]]
MoneyText = Callable[[int], str]
TimeText = Callable[[datetime], str]

GOODS = (
    ("SKU-001", "玻尿酸保湿面膜 5片", "默认", 4900),
    ("SKU-002", "烟酰胺美白精华 30ml", "30ml", 12900),
    ("SKU-003", "口红 #豆沙，哑光", "豆沙", 6900),
    ("SKU-004", "Vitamin C Serum 30ml", "30ml", 13900),
    ("SKU-005", "化妆棉 200片", "200片", 1590),
    ("SKU-006", "身体乳 250ml", "250ml", 6500),
    ("SKU-007", "A醇晚霜 30g", "30g", 123456),
)


@dataclass(frozen=True)
class Piece:
    """One line of an order."""

    code: str
    title: str
    variant: str
    price: int
    quantity: int

    @property
    def worth(self) -> int:
        """Quantity x price in minor units."""
        return self.price * self.quantity


@dataclass(frozen=True)
class Sale:
    """One order as the shop remembers it. Money in minor units, `at` on the shop's clock."""

    number: str
    buyer: int
    at: datetime
    pieces: tuple[Piece, ...]
    state: str = "paid"
    shipping: int = 0
    discount: int = 0
    refund: int = 0
    name: str = "王芳"

    @property
    def goods(self) -> int:
        """What the lines are worth."""
        return sum(p.worth for p in self.pieces)

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.goods + self.shipping - self.discount

    @property
    def paid_at(self) -> datetime | None:
        """Ten minutes later, where it was paid."""
        return self.at + timedelta(minutes=10) if self.state in ("paid", "refunded") else None

    @property
    def phone(self) -> str:
        """A mobile that can exist."""
        return f"138{self.buyer:08d}"

    @property
    def email(self) -> str:
        """An address of its own."""
        return f"user{self.buyer}@example.com"

    @property
    def nick(self) -> str:
        """A nick of its own."""
        return f"小勇_{self.buyer}"

    @property
    def back(self) -> int:
        """What went back to the buyer."""
        return self.total if self.state == "refunded" else self.refund


@dataclass(frozen=True)
class Style:
    """How a file writes numbers and times."""

    money: MoneyText = lambda minor: f"{minor / 100:.2f}"
    time: TimeText = lambda at: at.strftime("%Y-%m-%d %H:%M:%S")
    extra: dict[str, str] = field(default_factory=dict)


PLAIN = Style()


def a_book(seed: int, n: int = 30, *, extras: bool = True, distinct: bool = False) -> list[Sale]:
    """Orders drawn from a seed; with `extras` some shipping, discounts and refunds.

    With `distinct` no order holds two lines of the same worth.
    """
    rng = random.Random(seed)
    at = datetime.fromisoformat("2025-03-01 09:05:00")
    sales = []
    for k in range(n):
        at += timedelta(minutes=rng.randint(30, 2000))
        picked = rng.sample(GOODS, rng.choice((1, 1, 2, 3)))
        pieces = tuple(Piece(*good, rng.choice((1, 1, 1, 2, 3))) for good in picked)
        if distinct and len({p.worth for p in pieces}) < len(pieces):
            pieces = pieces[:1]
        sale = Sale(
            number=f"2000000000{rng.randint(10**8, 10**9 - 1)}{k:03d}",
            buyer=rng.randint(1, max(2, n // 3)),
            at=at,
            pieces=pieces,
            state=rng.choice(("paid",) * 8 + ("unpaid", "closed", "refunded")),
        )
        if extras:
            sale = replace(
                sale,
                shipping=rng.choice((0, 0, 600, 1000)),
                discount=rng.choice((0, 0, 0, min(500, sale.goods // 2))),
            )
            if sale.state == "paid" and rng.random() < 0.15:
                sale = replace(sale, refund=min(1000, sale.total - 1))
        sales.append(sale)
    if not any(s.state == "paid" for s in sales):
        sales[0] = replace(sales[0], state="paid")
    return sales


def expected(book: Sequence[Sale]) -> dict[str, Any]:
    """The totals of a right reading."""
    counted = [s for s in book if s.state == "paid"]
    return {
        "orders": len(counted),
        "customers": len({s.buyer for s in counted}),
        "lines": sum(len(s.pieces) for s in counted),
        "units": sum(p.quantity for s in counted for p in s.pieces),
        "revenue_minor": sum(s.total for s in counted),
        "refunded_minor": sum(s.refund for s in counted),
        "closed_or_unpaid": sum(s.state in ("closed", "unpaid") for s in book),
        "refunded": sum(s.state == "refunded" for s in book),
        "first_order": min(s.at for s in counted).strftime("%Y-%m-%d %H:%M:%S"),
        "last_order": max(s.at for s in counted).strftime("%Y-%m-%d %H:%M:%S"),
    }
