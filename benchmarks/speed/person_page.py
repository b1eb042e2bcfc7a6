"""One person's page (profile and timeline) read in process, on a store with 26,000 orders."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from benchmarks.measured import show

from renwei.core.clock import Frozen
from renwei.core.nouns import Event, Item
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Named
from renwei.core.words import Words
from renwei.people.learning import Learn, learn
from renwei.people.portrait import portrait_of
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

AT = datetime(2026, 6, 1, 2, tzinfo=UTC)


def shop_of(folder: Path, orders: int, people: int, seed: int) -> Shop:
    """A shop of orders at random times; some people order much more than others."""
    store = open_store(folder / "data", keys=folder / "keys")
    settings = Settings(zone="Asia/Shanghai", language="zh")
    dice = np.random.default_rng(seed)
    items = [Item(0, "product", f"C{k}", f"商品 {k}", f"类 {k % 12}", 3_000) for k in range(400)]
    numbers = store.items.upsert(items)
    named = [Named("phone", f"+86139{k:08d}") for k in range(people)]
    actors = store.people.actors(named, AT, "made-up")
    store.people.keep_many([(a, "name", f"客 {k}") for k, a in enumerate(actors)], "made-up")
    weight = dice.gamma(0.7, 1.0, people)
    who = dice.choice(people, orders, p=weight / weight.sum())
    days = np.sort(dice.uniform(0, 700, orders))[::-1]
    events = []
    for k in range(orders):
        lines = [[int(n), 1, 3_000, 3_000] for n in dice.choice(numbers, 20)]
        body = {"order": f"{k:016x}", "platform": "taobao", "status": "paid", "lines": lines}
        at = AT - timedelta(days=float(days[k]))
        events.append(
            Event(
                actors[who[k]], "order", at, k.to_bytes(16, "big"),
                value_minor=60_000, currency="CNY", body=body, source="made-up",
            )
        )  # fmt: skip
    for start in range(0, orders, 5_000):
        store.log.append(events[start : start + 5_000], AT)
    return Shop(
        store=store,
        clock=Frozen(AT),
        settings=settings,
        words=Words.load(["renwei.people"]),
        shelf=ShelfFiles(folder / "data" / "estimates"),
        permits=HouseRules(people=store.people, zone=settings.zone),
        language="zh",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=26_000)
    parser.add_argument("--people", type=int, default=4_400)
    parser.add_argument("--reads", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="accepted everywhere; always JSON")
    ask = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shop = shop_of(Path(folder), ask.orders, ask.people, ask.seed)
        learn(shop, Learn(at=AT))
        persons = shop.store.people.all_persons()
        dice = np.random.default_rng(ask.seed)
        took, cpu = [], time.process_time()
        for person in dice.choice(np.array(persons), ask.reads).tolist():
            begun = time.perf_counter()
            portrait_of(shop, person, AT)
            took.append(time.perf_counter() - begun)
        show(
            "profile",
            f"{ask.orders} orders, {len(persons)} people",
            n=ask.reads,
            seed=ask.seed,
            took_s=took,
            per_second=ask.reads / sum(took),
            cpu_s=time.process_time() - cpu,
        )
        shop.store.close()  # type: ignore[attr-defined, unused-ignore]


if __name__ == "__main__":
    main()
