"""What is wrong with the demo shop's records, on purpose, and how often.

Each function plants one fault that real exports have and returns how many there are, so that
the health report and the importer can be held to the true counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from renwei.app.demo_catalogue import Dice, Product
from renwei.app.demo_orders import Order
from renwei.app.demo_people import (
    PEOPLE,
    PLACEHOLDER_PHONE,
    Person,
    address_of,
    name_of,
    nick_of,
    phone_of,
)

Planted = dict[str, object]
FAKE_BURSTS, FAKES_A_BURST = 3, 24


class Scene:
    """The shop while problems are planted; nobody gets two of them."""

    def __init__(
        self,
        dice: Dice,
        people: list[Person],
        orders: list[Order],
        products: list[Product],
        until: datetime,
    ) -> None:
        self.dice, self.people, self.products, self.until = dice, people, products, until
        self.orders = orders
        self._taken: set[int] = set()
        self.of: dict[int, list[Order]] = defaultdict(list)
        for order in orders:
            self.of[order.person.number].append(order)

    def draw(self, n: int, fits: Callable[[list[Order]], bool]) -> list[list[Order]]:
        """The orders of n people who fit and have no problem yet; the marketplace's only."""
        chosen: list[list[Order]] = []
        start = self.dice.below(len(self.people))
        for k in range(len(self.people)):
            # A stride coprime to the number of people meets everybody once.
            number = (start + k * 1_009) % len(self.people)
            own = self.of[number]
            if number in self._taken or not own or any(order.web for order in own):
                continue
            if fits(own):
                self._taken.add(number)
                chosen.append(own)
                if len(chosen) == n:
                    break
        return chosen


def plant(scene: Scene) -> Planted:
    """Plant everything; returns counts by problem."""
    # The first changes which orders there are; the last needs to know everybody's.
    missing = _gap(scene)
    return {
        "gap_in_dates": missing,
        "placeholder_phone": _placeholder(scene),
        "family_phones": _families(scene),
        "same_phone_two_nicks": _two_nicks(scene),
        "orders_without_key": _no_key(scene),
        "scientific_phones": _scientific(scene),
        "masked_names": _masked(scene),
        "broken_rows": _broken(scene),
        "bulk_orders": _bulk(scene),
        "fake_orders": _fakes(scene),
        "products_without_category": sum(not p.category for p in scene.products),
    }


def _gap(scene: Scene) -> Planted:
    first = (scene.until - timedelta(days=270)).date()
    last = first + timedelta(days=6)
    for number, own in scene.of.items():
        scene.of[number] = [o for o in own if not first <= o.at.date() <= last]
    before = len(scene.orders)
    scene.orders[:] = [o for o in scene.orders if not first <= o.at.date() <= last]
    return {
        "first_day": str(first),
        "last_day": str(last),
        "days": 7,
        "orders_lost": before - len(scene.orders),
    }


def _placeholder(scene: Scene) -> Planted:
    people = scene.draw(60, lambda own: True)
    for own in people:
        for order in own:
            order.phone = PLACEHOLDER_PHONE
            order.alipay = order.person.email
    return {
        "phone": PLACEHOLDER_PHONE,
        "people": len(people),
        "orders": sum(map(len, people)),
    }


def _families(scene: Scene) -> Planted:
    people = scene.draw(60, lambda own: True)
    pairs = list(zip(people[::2], people[1::2], strict=True))
    for ours, theirs in pairs:
        surname = ours[0].person.name[0]
        other = name_of(scene.dice)
        while other[0] == surname:
            other = name_of(scene.dice)
        for order in ours + theirs:
            order.phone = ours[0].person.phone
            order.alipay = order.person.email
            order.address = ours[0].person.address
        for order in theirs:
            order.name = other
    return {"phones": len(pairs), "people": 2 * len(pairs)}


def _two_nicks(scene: Scene) -> Planted:
    people = scene.draw(40, lambda own: len(own) >= 4)
    for k, own in enumerate(people):
        second = nick_of(scene.dice, 10 * PEOPLE + k)
        for order in own[len(own) // 2 :]:
            order.nick = second
    return {"people": len(people)}


def _no_key(scene: Scene) -> Planted:
    people = scene.draw(150, lambda own: len(own) >= 2)
    for own in people:
        scene.dice.pick(own).hidden = True
    return {"orders": len(people)}


def _scientific(scene: Scene) -> Planted:
    people = scene.draw(25, lambda own: True)
    for own in people:
        for order in own:
            order.phone = "1.74E+10"
            order.alipay = order.person.email
    return {"people": len(people), "orders": sum(map(len, people))}


def _masked(scene: Scene) -> Planted:
    people = scene.draw(300, lambda own: True)
    for own in people:
        for order in own:
            order.name = order.person.name[0] + "**"
    return {"people": len(people), "orders": sum(map(len, people))}


def _broken(scene: Scene) -> Planted:
    settled = scene.draw(6, lambda own: own[0].counted and len(own[0].lines) > 1)
    cells = (
        ("买家实际支付金额", "abc"),
        ("买家实际支付金额", "待定"),
        ("买家实际支付金额", "#REF!"),
        ("订单创建时间", "2025-13-45 99:99:99"),
        ("订单创建时间", "上周二"),
    )
    for own, (column, value) in zip(settled, cells, strict=False):
        own[0].spoiled[column] = value
    settled[5][0].spoiled_line = 0
    columns = [column for column, _ in cells] + ["购买数量"]
    return {"rows": len(columns), "columns": columns}


def _bulk(scene: Scene) -> Planted:
    people = scene.draw(2, lambda own: own[-1].counted)
    cheap = [p for p in scene.products if p.family.code == "HD"]
    quantities = [80, 120]
    for own, quantity in zip(people, quantities, strict=True):
        own[-1].lines = [(scene.dice.pick(cheap), quantity)]
        own[-1].refunded_minor = 0
    return {"orders": len(people), "units": quantities}


def _fakes(scene: Scene) -> Planted:
    """Bursts of strangers who buy the same thing at the same address within ninety minutes."""
    dice = scene.dice
    rhythmless = [p for p in scene.products if p.family.code == "SE"]
    for burst in range(FAKE_BURSTS):
        product, address = dice.pick(rhythmless), address_of(dice)
        day = scene.until - timedelta(days=(400, 210, 75)[burst])
        start = day.replace(hour=22, minute=0, second=0, microsecond=0)
        for k in range(FAKES_A_BURST):
            person = _stranger(dice, PEOPLE + burst * FAKES_A_BURST + k, address)
            at = start + timedelta(seconds=k * 200 + dice.below(150))
            scene.orders.append(
                Order(
                    person,
                    at,
                    [(product, 1)],
                    number=f"3_990_{burst:03d}_{k:03d}_000_000_000".replace("_", ""),
                    paid_at=at + timedelta(seconds=15 + dice.below(20)),
                )
            )
    scene.orders.sort(key=lambda order: (order.at, order.person.number))
    return {"bursts": FAKE_BURSTS, "orders": FAKE_BURSTS * FAKES_A_BURST}


def _stranger(dice: Dice, number: int, address: str) -> Person:
    email = f"guest{number}@example.com"
    return Person(
        number=number,
        name=name_of(dice),
        nick=f"tb{dice.below(900_000) + 100_000}{number}",
        phone=phone_of(number),
        alipay=email,
        email=email,
        address=address,
        skin="",
        kind="once",
        since=0.0,
        hour=22,
        unevenness=0.5,
        stays=0.0,
    )
