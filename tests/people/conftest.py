from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from renwei.core.clock import Frozen
from renwei.core.nouns import NOBODY, Event, Item
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Named
from renwei.core.words import Words
from renwei.people.learning import Learn, learn
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)


@dataclass
class Town:
    """A shop under construction: people by phone, orders by day before now."""

    shop: Shop
    keys: Path
    numbers: dict[str, int] = field(default_factory=dict)
    made: int = 0

    def actor(self, phone: str) -> int:
        if not phone:
            return NOBODY
        named = [Named("phone", phone)]
        return self.shop.store.people.actors(named, NOW, "test")[0]

    def person(self, phone: str) -> int:
        return self.shop.store.people.persons_of([self.actor(phone)])[0]

    def item(self, title: str, *, category: str = "", price: int = 1000) -> int:
        if title not in self.numbers:
            one = Item(0, "product", title, title, category, price, "CNY")
            self.numbers[title] = self.shop.store.items.upsert([one])[0]
        return self.numbers[title]

    def event(
        self,
        phone: str,
        at: datetime,
        lines: Sequence[tuple[str, int]] = (("soap", 1),),
        *,
        value: int = 1000,
        kind: str = "order",
        **body: Any,
    ) -> Event:
        self.made += 1
        key = body.pop("order", f"{self.made:016x}")
        rows = [[self.item(title), q, value // max(q, 1), value] for title, q in lines]
        whole = {"order": key, "platform": "taobao", "shop": "", "status": "paid", "refunded": 0}
        return Event(
            self.actor(phone),
            kind,
            at,
            self.made.to_bytes(8, "big"),
            value_minor=value,
            currency=body.pop("currency", "CNY"),
            body=whole | {"lines": rows} | body,
            source="test",
        )

    def add(self, *events: Event) -> None:
        self.shop.store.log.append(events, NOW)

    def buys(self, phone: str, *days_ago: float, title: str = "soap", value: int = 1000) -> None:
        self.add(
            *(
                self.event(phone, NOW - timedelta(days=d), [(title, 1)], value=value)
                for d in sorted(days_ago, reverse=True)
            )
        )

    def crowd(self, n: int, *, seed: int = 1, days: int = 500) -> None:
        """People with their own rhythm, some of whom leave."""
        dice = np.random.default_rng(seed)
        events = []
        for k in range(n):
            at = NOW - timedelta(days=float(dice.uniform(5, days)))
            gap = float(dice.choice([20, 40, 80]))
            title, spend = f"item {int(dice.integers(12))}", int(dice.integers(2_000, 20_000))
            while at < NOW:
                events.append(self.event(phone_of(k), at, [(title, 1)], value=spend))
                at += timedelta(days=max(gap * float(dice.lognormal(0, 0.3)), 1.0))
                if dice.random() < 0.12:
                    break
        self.add(*sorted(events, key=lambda e: e.at))

    def learn(self, at: datetime = NOW) -> Any:
        return learn(self.shop, Learn(at=at))


def phone_of(k: int) -> str:
    return f"+86139{k:08d}"


def build_town(folder: Path) -> Town:
    keys = folder / "keys"
    store = open_store(folder / "data", keys=keys)
    settings = Settings(zone="Asia/Shanghai", currency="CNY", language="en")
    shop = Shop(
        store=store,
        clock=Frozen(NOW),
        settings=settings,
        words=Words.load(["renwei.people", "renwei.app"]),
        shelf=ShelfFiles(store.directory / "estimates"),
        permits=HouseRules(people=store.people, zone=settings.zone),
    )

    def ready(at: datetime) -> None:
        held = shop.shelf.get("people")
        position = shop.store.log.position()
        if held is None or (held.meta["as_of"], held.meta["position"]) != (
            at.isoformat(),
            position,
        ):
            learn(shop, Learn(at=at))

    return Town(replace(shop, ready_estimates=ready), keys)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """As the learning job runs; many threads on small arrays only wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = build_town(tmp_path)
    yield made
    made.shop.store.close()  # type: ignore[attr-defined, unused-ignore]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two hundred people, learnt once; tests only read it."""
    made = build_town(tmp_path_factory.mktemp("crowded"))
    made.crowd(200)
    made.learn()
    yield made
    made.shop.store.close()  # type: ignore[attr-defined, unused-ignore]


@pytest.fixture
def phone() -> Callable[[int], str]:
    return phone_of
