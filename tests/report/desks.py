"""A shop with a real store and orders put straight into its log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from renwei.core.clock import Frozen, to_us
from renwei.core.nouns import NOBODY, Event, Item
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Named
from renwei.core.words import Words
from renwei.report.answers import ReportAnswer, ReportRequest, RowsAnswer, RowsRef, RowsRequest
from renwei.report.operations import report, report_rows
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

# A Sunday, 10:00 in Shanghai.
AT = datetime(2026, 6, 7, 2, tzinfo=UTC)
DAY = timedelta(days=1)
WORDS = Words.load(["renwei.core", "renwei.collect", "renwei.report"])


class Desk:
    """Orders in, reports out."""

    def __init__(self, folder: Path, *, language: str = "en", zone: str = "Asia/Shanghai") -> None:
        self.clock = Frozen(AT)
        self.store = open_store(folder / "data", keys=folder / "keys", clock=self.clock)
        self.shop = Shop(
            store=self.store,
            clock=self.clock,
            settings=Settings(name="Pebble", zone=zone, language=language),
            words=WORDS,
            shelf=ShelfFiles(folder / "data" / "estimates"),
            permits=HouseRules(people=self.store.people, counters=self.store.counters),
            language=language,
        )
        self.items = self.store.items.upsert(
            [
                Item(0, "product", f"C{k}", f"Soap {k}", "Bath" if k < 3 else "Face", 2_000)
                for k in range(6)
            ]
        )
        self.count = 0
        self.known: dict[str, int] = {}
        self.texts: list[tuple[int, str, str]] = []

    def say(self, language: str) -> None:
        self.shop = replace(self.shop, language=language)

    def actor(self, name: str) -> int:
        if not name:
            return NOBODY
        if name not in self.known:
            (self.known[name],) = self.store.people.actors([Named("nick", f"taobao:{name}")], AT)
        return self.known[name]

    def people(self, n: int) -> None:
        """Make p0 to p(n-1) known at once."""
        names = [f"p{k}" for k in range(n)]
        actors = self.store.people.actors([Named("nick", f"taobao:{one}") for one in names], AT)
        self.known |= dict(zip(names, actors, strict=True))

    def order(
        self,
        at: datetime,
        name: str = "",
        *,
        lines: Sequence[tuple[int, int, int]] = ((0, 1, 2_000),),
        value: int | None = None,
        **more: Any,
    ) -> Event:
        """An order of (place in the catalogue, quantity, amount) lines; not yet in the log."""
        self.count += 1
        platform, place = more.pop("platform", "taobao"), more.pop("place", "")
        number = f"N{self.count}"
        key = self.store.people.keyed(f"order|{platform}|{place}|{number}")
        actor = self.actor(name)
        if actor:
            self.texts.append((actor, "order", number))
        goods = sum(amount for _, _, amount in lines)
        body = {
            "order": key[:8].hex(),
            "platform": platform,
            "shop": place,
            "status": "paid",
            "paid": to_us(at),
            "refunded": 0,
            "shipping": 0,
            "lines": [[self.items[k], n, amount // n, amount] for k, n, amount in lines],
            "country": "",
            "row": self.count + 1,
            **more,
        }
        worth = goods if value is None else value
        return Event(actor, "order", at, key, 0, worth, "CNY", body, source="i-1")

    def changed(self, event: Event, at: datetime, **body: Any) -> Event:
        self.count += 1
        key = self.store.people.keyed(f"change|{self.count}")
        return replace(
            event, kind="order-change", at=at, message_id=key, body={**event.body, **body}
        )

    def put(self, *events: Event) -> None:
        self.store.people.keep_many(self.texts)
        self.texts.clear()
        self.store.log.append(events, self.clock.now())

    def steady(
        self,
        days: int,
        *,
        until: datetime = AT,
        mean: float = 20.0,
        seed: int = 7,
        only: Iterable[int] | None = None,
    ) -> list[Event]:
        """Poisson days of orders by some 300 customers between 9 and 21 o'clock, in the log."""
        rng = np.random.default_rng(seed)
        self.people(300)
        first = (until - days * DAY).astimezone(UTC).replace(hour=1, minute=0)
        events = []
        for day in range(days + 1):
            for _ in range(rng.poisson(mean)):
                at = first + day * DAY + timedelta(seconds=float(rng.uniform(0, 12 * 3600)))
                item, quantity = int(rng.integers(6)), int(rng.integers(1, 3))
                who = f"p{rng.integers(300)}"
                amount = quantity * (1_500 + 300 * item)
                lines = ((item, quantity, amount),)
                if at <= until and (only is None or day in only):
                    platform = "shopify" if rng.uniform() < 0.3 else "taobao"
                    events.append(
                        self.order(at, who, lines=lines, value=amount + 500, platform=platform)
                    )
        events.sort(key=lambda event: event.at)
        self.put(*events)
        return events

    def report(self, **fields: Any) -> ReportAnswer:
        return report(self.shop, ReportRequest(**fields))

    def rows(self, metric: str, since: datetime, until: datetime, **fields: Any) -> RowsAnswer:
        return report_rows(
            self.shop, RowsRequest(metric=metric, since=since, until=until, **fields)
        )

    def behind(self, ref: RowsRef | None, **fields: Any) -> RowsAnswer:
        assert ref is not None
        asked = RowsRequest(
            metric=ref.metric, since=ref.since, until=ref.until, at=ref.at, group=ref.group,
            limit=10_000, **fields,
        )  # fmt: skip
        return report_rows(self.shop, asked)


def figure(answer: ReportAnswer, metric: str) -> Any:
    (found,) = [one for one in answer.figures if one.metric == metric]
    return found
