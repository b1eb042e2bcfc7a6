"""What the health report looks at: orders, buyers, items and imports, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from functools import cached_property
from typing import Any

from renwei.collect.catalogue import KIND
from renwei.collect.imports import standing
from renwei.collect.keeping import persons_apart
from renwei.collect.states import KINDS
from renwei.collect.zones import zone_named
from renwei.core.clock import from_us, to_us
from renwei.core.nouns import NOBODY, Event, Item
from renwei.core.shop import Shop
from renwei.core.store import Paper

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Row:
    """One order as it stands. `basket` is the same for the same items in the same numbers."""

    name: str
    actor: int
    at_us: int
    source: str
    row: int
    marks: int
    platform: str = ""
    shop: str = ""
    value: int = 0
    counted: bool = False
    basket: int = 0
    most: int = 0
    items: tuple[int, ...] = ()
    bare_minor: int = 0
    person: int = NOBODY


@dataclass
class Facts:
    """Everything that the checks look at. `rows` are counted orders, oldest first."""

    shop: Shop
    rows: list[Row]
    items: Mapping[int, Item]
    imports: list[Paper]
    currency: str
    revenue: int = field(init=False)

    def __post_init__(self) -> None:
        self.revenue = max(sum(row.value for row in self.rows), 1)

    def worth(self, rows: list[Row]) -> float:
        """The share of revenue that these orders make."""
        return sum(row.value for row in rows) / self.revenue

    def day(self, row: Row) -> int:
        """The day of an order on the shop's clock, counted from 1970."""
        local = from_us(row.at_us).astimezone(self._clock)
        return local.toordinal() - _EPOCH

    @cached_property
    def _clock(self) -> tzinfo:
        return zone_named(self.shop.settings.zone)

    @cached_property
    def by_person(self) -> dict[int, list[Row]]:
        """Counted orders by person, nobody's left out."""
        found: dict[int, list[Row]] = {}
        for row in self.rows:
            if row.person != NOBODY:
                found.setdefault(row.person, []).append(row)
        return found

    @cached_property
    def vault(self) -> dict[int, dict[str, list[str]]]:
        """Names, addresses and contacts of buyers."""
        persons = sorted(self.by_person)
        names = ["name", "address", "phone", "email", "nick", "customer"]
        opened = self.shop.store.people.open_many(persons, names)
        return dict(zip(persons, opened, strict=True))

    @cached_property
    def newest(self) -> list[Paper]:
        """The newest import of each platform: a better export takes the place of a worse one."""
        found: dict[str, Paper] = {}
        for paper in self.imports:
            found[paper.body["platform"]] = paper
        return list(found.values())

    @cached_property
    def apart(self) -> set[tuple[int, int]]:
        """Pairs of persons that a human said are two, both ways round."""
        pairs = persons_apart(self.shop)
        return {*pairs, *((b, a) for a, b in pairs)}

    def setting(self, name: str) -> Any:
        """A setting that was shown or said, or None where it is assumed."""
        paper = self.shop.store.papers.get("setting", "shop")
        return paper.body.get(name) if paper else None


def facts_of(shop: Shop) -> Facts:
    """Read the workspace."""
    items = {item.number: item for item in shop.store.items.all_items(KIND)}
    bare = {number for number, item in items.items() if not item.category}
    found: dict[str, Row] = {}
    currencies: dict[str, int] = {}
    for event in shop.store.log.read(kinds=KINDS):
        if event.kind == "return":
            continue
        name = str(event.body["order"])
        row = found.get(name)
        if row is None:
            row = found[name] = Row(
                name,
                event.actor,
                to_us(event.at),
                event.source.partition("/")[0],
                int(event.body.get("row", 0)),
                int(event.body.get("marks", 0)),
                str(event.body["platform"]),
                str(event.body["shop"]),
            )
        _update(row, event, bare)
        currencies[event.currency] = currencies.get(event.currency, 0) + 1
    rows = sorted((row for row in found.values() if row.counted), key=lambda row: row.at_us)
    actors = sorted({row.actor for row in rows} - {NOBODY})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    for row in rows:
        row.person = persons.get(row.actor, NOBODY)
    main = max(currencies, key=lambda code: currencies[code], default=shop.settings.currency)
    return Facts(shop, rows, items, standing(shop), main)


def _update(row: Row, event: Event, bare: set[int]) -> None:
    body = event.body
    lines = body["lines"]
    row.value = max(event.value_minor - int(body["refunded"]), 0)
    row.counted = body["status"] == "paid"
    row.basket = hash(tuple(sorted((line[0], line[1]) for line in lines)))
    row.most = max((line[1] for line in lines), default=0)
    row.items = tuple(line[0] for line in lines)
    row.bare_minor = sum(line[3] for line in lines if line[0] in bare)
