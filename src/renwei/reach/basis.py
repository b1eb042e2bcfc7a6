"""What the list is judged from: estimates as aligned columns, as of one time.

Everything here was learnt elsewhere and lies on the shelf; nothing is computed a person at
a time. One basis serves the whole shop and the single person alike (law 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from renwei.core.chance import u_many
from renwei.core.clock import to_us
from renwei.core.nouns import Item
from renwei.core.shop import Columns, Shop
from renwei.learn.interest import Interest, no_interest
from renwei.reach.interest import read_interest
from renwei.reach.lasts import bought_key, is_goods, ready_lasts

DAY_US = 86_400_000_000
STAGES = ("new", "active", "at_risk", "lost", "returning")
TIERS = ("high", "potential", "low")
"""As estimates name them; before the first estimates there are only these."""
FIRST_BASKET = 10_000.0
"""Minor units of an order in a shop that has neither orders nor prices yet."""
MINUTE_SHARE = 0.004
"""A minute of the human is worth this share of the shop's middle order (a start value)."""


@dataclass(frozen=True)
class Basis:
    """Columns by name. `people`, `needs`, `items`, `pairs` as the estimates are written.

    Attributes:
        at_us: The moment of the list.
        window_days: Of the estimates: probabilities and spend are within so many days.
        last: Columns of `lasts` aligned with `people` (zeros where a person has no row).
        bought: Sorted keys of what each person has bought.
        care_of: Catalogue number of the care about each product, by product number.
        asking: Catalogue number of the request for permission.
        alike: First product number with the same title, by product number.
        effects: What a contact does, by kind, as a change of log odds.
        interest: What people looked at and liked lately.
        crowd: People of the shop, where `people` holds only some of them; 0 means it holds all.
        model: Names of the models, for the record.
    """

    at_us: int
    window_days: float
    people: Mapping[str, Any]
    needs: Mapping[str, Any]
    items: Mapping[str, Any]
    pairs: Mapping[str, Any]
    last: Mapping[str, Any]
    bought: Any
    care_of: Any
    asking: int
    effects: Mapping[str, float]
    prices: Mapping[str, Any]
    alike: Any
    stages: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    model: str = ""
    position: int = 0
    interest: Interest = field(default_factory=no_interest)
    crowd: int = 0

    def __len__(self) -> int:
        return len(self.people["person"])

    @cached_property
    def basket(self) -> float:
        """The shop's middle order, in minor units."""
        orders = np.maximum(self.people["orders"], 1)
        means = self.people["spend_minor"] / orders
        if len(means):
            return float(np.median(means))
        # Before the first order an order is believed to be one of the middle thing on sale.
        known = self.prices["price"][self.prices["price"] > 0]
        return float(np.median(known)) if len(known) else FIRST_BASKET

    @property
    def minute_minor(self) -> float:
        """What a minute of the human costs, in minor units."""
        return self.basket * MINUTE_SHARE

    @cached_property
    def hair(self) -> Any:
        """Up to a thousandth of an order by which equals are told apart, the same each time.

        Newcomers often are equals to the cent, and no price can let in one of two equals.
        """
        return u_many(self.people["person"], "today/equals") * self.basket * 0.001

    @cached_property
    def history_days(self) -> float:
        """Days since the shop's first order."""
        first = self.people["first_us"]
        return max((self.at_us - int(first.min())) / DAY_US, 1.0) if len(first) else 1.0

    def row(self, person: int) -> int:
        """The row of a person, or -1."""
        return int(find(self.people["person"], np.array([person]))[0])

    def price(self, items: Any) -> Any:
        """The latest unit price of products, minor units, 0 where unknown; any shape."""
        return take(self.prices["price"], find(self.prices["item"], items), 0)

    def care(self, items: Any) -> Any:
        """The catalogue number of care about products, 0 where there is none; any shape."""
        known = (items > 0) & (items < len(self.care_of))
        return np.where(known, self.care_of[np.where(known, items, 0)], 0)

    def goods(self, items: Any) -> Any:
        """Whether items are things that can be talked about; any shape."""
        return self.group(items) > 0

    def group(self, items: Any) -> Any:
        """What lines are counted by: one number for products of one title; any shape.

        0 for postage and the like, which no line is about.
        """
        known = (items > 0) & (items < len(self.alike))
        return np.where(known, self.alike[np.where(known, items, 0)], 0)

    def about(self, item: int) -> int:
        """The product a catalogue number is about: its own, or the one cared for; else 0."""
        cared = np.flatnonzero(self.care_of == item)
        if item and len(cared):
            return int(cared[0])
        return item if find(self.prices["item"], np.array([item]))[0] >= 0 else 0

    def line_group(self, item: int) -> int:
        """What a line with this catalogue number is counted by."""
        return int(self.group(np.array([self.about(item)]))[0]) or item

    def in_season(self, items: Any) -> Any:
        """Whether the shop still sells an item: its silence is no longer than chance explains.

        At its own rate, three times the usual gap without a sale happens to one item in
        twenty; summer goods in winter are silent for longer.
        """
        rows = find(self.items["item"], items)
        gap = self.history_days / np.maximum(take(self.items["orders"], rows, 0), 1)
        silence = (self.at_us - take(self.items["last_us"], rows, 0)) / DAY_US
        return silence <= 3.0 * gap + 7.0

    def base_rate(self, items: Any) -> Any:
        """The chance that anybody of this shop buys each item within the window; any shape."""
        orders = take(self.items["orders"], find(self.items["item"], items), 0)
        each = orders / max(self.crowd or len(self), 1)
        return np.clip(each * self.window_days / self.history_days, 0.0, 1.0)

    def has_bought(self, persons: Any, items: Any) -> Any:
        """Whether each person ever bought each item; arrays of one shape."""
        return find(self.bought, bought_key(persons, items)) >= 0


def find(known: Any, wanted: Any) -> Any:
    """Rows of `wanted` (any shape) in the ascending column `known`; -1 where it is not there."""
    if not len(known):
        return np.full(np.shape(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[at] == wanted, at, -1)


def take(column: Any, rows: Any, otherwise: Any) -> Any:
    """The column at these rows; `otherwise` where a row is -1."""
    if not len(column):
        return np.full(np.shape(rows), otherwise)
    return np.where(rows >= 0, column[rows], otherwise)


def load_basis(shop: Shop, at: datetime, effects: Mapping[str, float]) -> Basis:
    """Read the shelf as of a time, for which the estimates are ready."""
    ready_lasts(shop, at)
    products = shop.store.items.all_items("product")
    basis = shared_basis(shop, at, effects, products)
    lasts = _columns(shop, "lasts")
    rows = find(lasts.columns["person"], basis.people["person"])
    names = _WANTED["lasts"].split()
    bought = shop.shelf.get("bought")
    return replace(
        basis,
        last={name: take(lasts.columns[name], rows, 0) for name in names if name != "person"},
        bought=bought.columns["key"] if bought is not None else basis.bought,
        model=_versions(*(_columns(shop, name) for name in ("people", "needs", "lasts"))),
        interest=read_interest(shop, at, products),
    )


def shared_basis(
    shop: Shop, at: datetime, effects: Mapping[str, float], products: list[Item]
) -> Basis:
    """The same without what each person bought last and is drawn to; quick to read."""
    people, needs = _columns(shop, "people"), _columns(shop, "needs")
    care_of, asking = _contacts(shop, products)
    return Basis(
        at_us=to_us(at),
        window_days=float(people.meta.get("window_days", 30)),
        people=people.columns,
        needs=needs.columns,
        items=_columns(shop, "items").columns,
        pairs=_by_item(_columns(shop, "pairs").columns),
        last={},
        bought=np.zeros(0, np.uint64),
        care_of=care_of,
        asking=asking,
        effects=effects,
        prices=_prices(products),
        alike=_alike(products),
        stages=tuple(people.meta.get("stages", STAGES)),
        tiers=tuple(people.meta.get("tiers", TIERS)),
        model=_versions(people, needs),
        position=int(people.meta.get("position", 0)),
    )


_WANTED = {
    "people": "person orders spend_minor first_us last_us gap_days p_alive p30 year_value stage "
    "tier hour spend_window_value spend_window_low spend_window_high",
    "needs": "person item times quantity last_us cycle_days p",
    "items": "item cycle_days buyers orders last_us",
    "pairs": "item with_item buyers lift",
    "lasts": "person item quantity lines last_us seq new_item refund_us refund_item refund_minor",
}
"""Columns that are read; a table that is not there counts as empty."""


def _columns(shop: Shop, name: str) -> Columns:
    held = shop.shelf.get(name)
    if held is not None:
        return held
    return Columns(
        name, "", {}, {column: np.zeros(0, np.int64) for column in _WANTED[name].split()}
    )


def _by_item(pairs: Mapping[str, Any]) -> dict[str, Any]:
    # Of pairs that many bought, the strongest first: what offers are taken from.
    order = np.lexsort(
        (pairs["with_item"], -pairs["lift"] * np.sqrt(pairs["buyers"]), pairs["item"])
    )
    return {name: np.asarray(column)[order] for name, column in pairs.items()}


def _versions(people: Columns, *others: Columns) -> str:
    """The model and the versions of the tables, so that a record can be looked up again."""
    tables = " ".join(f"{table.name}#{table.version}" for table in (people, *others))
    return f"{people.meta.get('model', '')} {tables}".strip()


def _contacts(shop: Shop, products: list[Item]) -> tuple[Any, int]:
    """Care and the request for permission are items too; they are entered where they lack."""
    store = shop.store.items
    have = {item.code: item.number for item in store.all_items("care")}
    missing = [p for p in products if str(p.number) not in have]
    if missing:
        care = [Item(0, "care", str(p.number), p.title, p.category) for p in missing]
        fresh = store.upsert(care)
        have |= {str(p.number): number for p, number in zip(missing, fresh, strict=True)}
    care_of = np.zeros(max((p.number for p in products), default=0) + 1, dtype=np.int64)
    for product in products:
        care_of[product.number] = have[str(product.number)]
    asking = store.by_code("permission", ["marketing"])[0]
    if not asking:
        asking = store.upsert([Item(0, "permission", "marketing", "permission")])[0]
    return care_of, asking


def _prices(products: list[Item]) -> dict[str, Any]:
    numbers = np.array([p.number for p in products], dtype=np.int64)
    order = np.argsort(numbers)
    price = np.array([p.price_minor for p in products], dtype=np.int64)
    return {"item": numbers[order], "price": price[order]}


def _alike(products: list[Item]) -> Any:
    alike = np.zeros(max((p.number for p in products), default=0) + 1, dtype=np.int64)
    first: dict[str, int] = {}
    for product in sorted(products, key=lambda p: p.number):
        title = product.title.strip().casefold()
        if is_goods(product):
            alike[product.number] = first.setdefault(title, product.number)
    return alike
