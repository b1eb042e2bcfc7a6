"""The demo shop's two years of orders: needs fall due, people buy, some leave."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from renwei.app.demo_catalogue import Dice, Product
from renwei.app.demo_people import DAYS, Need, Person, around, hour_of

DONE = "交易成功"
SHIPPED = "卖家已发货，等待买家确认"
PAID = "买家已付款，等待卖家发货"
WAITING = "等待买家付款"
CLOSED = "交易关闭"

BUNDLES_WITHIN_DAYS = 9.0
# 618 and 双11: (month, first day, last day).
FESTIVALS = ((6, 10, 18), (11, 5, 11))


@dataclass(slots=True)
class Order:
    """One order as the platform would write it; empty texts are the person's own."""

    person: Person
    at: datetime
    lines: list[tuple[Product, int]]
    web: bool = False
    status: str = DONE
    number: str = ""
    postage_minor: int = 0
    discount_minor: int = 0
    refunded_minor: int = 0
    paid_at: datetime | None = None
    note: str = ""
    nick: str = ""
    alipay: str = ""
    phone: str = ""
    name: str = ""
    address: str = ""
    spoiled: dict[str, str] = field(default_factory=dict)
    spoiled_line: int | None = None
    hidden: bool = False
    """Written without nick, phone, name and account: nobody can say whose it was."""

    @property
    def goods_minor(self) -> int:
        """Prices times quantities."""
        return sum(product.price_minor * quantity for product, quantity in self.lines)

    @property
    def total_minor(self) -> int:
        """What the buyer owes: goods, postage, less discount."""
        return self.goods_minor + self.postage_minor - self.discount_minor

    @property
    def counted(self) -> bool:
        """Whether the order is one in the shop's books: paid, not closed, readable."""
        return self.status in (DONE, SHIPPED, PAID) and not self.spoiled

    @property
    def closed_or_unpaid(self) -> bool:
        """Never paid: closed before payment, or still waiting for it."""
        return self.paid_at is None

    @property
    def refunded(self) -> bool:
        """Paid and given back whole."""
        return self.status == CLOSED and self.paid_at is not None


def history(
    dice: Dice, people: list[Person], products: list[Product], *, until: datetime
) -> list[Order]:
    """Everything the people bought up to `until` (shop-local, no zone), oldest first."""
    start = (until - timedelta(days=DAYS)).replace(hour=0, minute=0, second=0, microsecond=0)
    extras = [p for p in products if not p.family.rhythm_days]
    presents = [p for p in extras if p.family.code == "GF"]
    orders: list[Order] = []
    for person in people:
        orders += _life(dice, person, extras, presents, start=start, until=until)
    orders.sort(key=lambda order: (order.at, order.person.number))
    for k, order in enumerate(orders):
        _settle(dice, order, until)
        order.number = _number(dice, k)
    return orders


def _life(
    dice: Dice,
    person: Person,
    extras: list[Product],
    presents: list[Product],
    *,
    start: datetime,
    until: datetime,
) -> list[Order]:
    orders: list[Order] = []
    while True:
        day = min(need.due for need in person.needs)
        at = _moment(dice, person, start, day)
        if at > until:
            return orders
        lines = _basket(dice, person, day, start)
        festival = _festival(at)
        if dice.chance(0.3 if festival else 0.12):
            lines.append((dice.pick(extras), 1))
        if at.month in (1, 2, 12) and dice.chance(0.05):
            lines.append((dice.pick(presents), 1))
        web = dice.chance(person.web_share)
        orders.append(Order(person, at, _distinct(lines), web=web))
        if not dice.chance(person.stays):
            return orders


def _basket(dice: Dice, person: Person, day: float, start: datetime) -> list[tuple[Product, int]]:
    lines = []
    for need in person.needs:
        # What will run out soon anyway goes into the same parcel.
        if need.due <= day + BUNDLES_WITHIN_DAYS:
            lines.append((need.product, person.quantity))
            need.due = _next_due(dice, person, need, day, start=start)
    return lines


def _next_due(dice: Dice, person: Person, need: Need, day: float, *, start: datetime) -> float:
    due = day + max(5.0, around(dice, need.gap_days, person.unevenness))
    months = need.product.family.months
    if not months or (start + timedelta(days=due)).month in months:
        return due
    # Out of season: nobody needs it before the first weeks of the next one.
    for ahead in range(400):
        if (start + timedelta(days=due + ahead)).month == months[0]:
            return due + ahead + 30.0 * dice.u()
    raise AssertionError("every season comes again")


def _moment(dice: Dice, person: Person, start: datetime, day: float) -> datetime:
    usual = dice.chance(0.65)
    hour = (person.hour + dice.below(3) - 1) % 24 if usual else hour_of(dice)
    whole = start + timedelta(days=math.floor(day))
    return whole + timedelta(hours=hour, minutes=dice.below(60), seconds=dice.below(60))


def _festival(at: datetime) -> bool:
    return any(at.month == month and low <= at.day <= high for month, low, high in FESTIVALS)


def _distinct(lines: list[tuple[Product, int]]) -> list[tuple[Product, int]]:
    merged: dict[str, tuple[Product, int]] = {}
    for product, quantity in lines:
        before = merged.get(product.code, (product, 0))[1]
        merged[product.code] = (product, before + quantity)
    return list(merged.values())


def _settle(dice: Dice, order: Order, until: datetime) -> None:
    age = until - order.at
    goods = order.goods_minor
    order.postage_minor = 0 if goods >= 5_900 else 800
    if dice.chance(0.45 if _festival(order.at) else 0.15):
        order.discount_minor = min(goods // 5, dice.pick((500, 1_000, 1_500, 2_000, 3_000)))
    if dice.chance(0.035):
        order.status = CLOSED if age > timedelta(days=2) else WAITING
        return
    order.paid_at = min(until, order.at + timedelta(seconds=20 + dice.below(1_500)))
    if age < timedelta(days=1.5):
        order.status = PAID
    elif age < timedelta(days=8):
        order.status = SHIPPED
    elif dice.chance(0.02):
        order.status, order.refunded_minor = CLOSED, order.total_minor
    elif dice.chance(0.015):
        order.refunded_minor = max(500, order.total_minor // 5 // 100 * 100)


def _number(dice: Dice, k: int) -> str:
    # Nineteen digits, more than a spreadsheet keeps: that is why platforms write ="...".
    return f"{3_120_000_000_000_000_000 + k * 173_000_000_000 + dice.below(100_000_000_000)}"
