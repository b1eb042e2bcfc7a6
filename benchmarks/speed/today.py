"""Today's list for many people from stored estimates, records included; then one by one.

The shelf is made up: people, needs, items, pairs and last orders with plausible numbers. The
list is drawn up for everybody, which writes one decision a person; a sample is decided again
by the single call and must get the same choice and the same odds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from benchmarks.measured import peak_mb, show

from renwei.core.clock import Frozen, cpu_seconds, ticks, to_us
from renwei.core.decide import decide
from renwei.core.nouns import Item
from renwei.core.permission import HouseRules
from renwei.core.policies import policy_named
from renwei.core.shop import Settings, Shop
from renwei.core.words import Words
from renwei.reach.answers import TodayRequest
from renwei.reach.guards import OVER_LIMIT, Reserved, house_guards
from renwei.reach.history import read_history
from renwei.reach.lasts import bought_key
from renwei.reach.listing import Drawn, draw_up
from renwei.reach.operations import today
from renwei.reach.plan import Limits
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

AT = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
DAY_US = 86_400_000_000
PRODUCTS = 400
ANSWER_ROWS = 10_000


class Forgetful:
    """A ledger that keeps nothing: for deciding a sample again."""

    def record(self, decision: Any, effects: Any = ()) -> Any:
        """Hand it back."""
        return decision


def shop_of(folder: Path, people: int, seed: int) -> Shop:
    store = open_store(folder / "data", keys=folder / "keys")
    settings = Settings(name="Pebble", zone="Asia/Shanghai", language="zh")
    shelf = ShelfFiles(folder / "data" / "estimates")
    items = [Item(0, "product", f"C{k}", f"商品 {k}", "", 2_000 + 70 * k) for k in range(PRODUCTS)]
    numbers = np.array(store.items.upsert(items))
    meta = {
        "model": "made-up@1",
        "as_of": AT.isoformat(),
        "position": store.log.position(),
        "map_version": store.people.map_version(),
        "window_days": 60,
        "stages": ["new", "active", "at_risk", "lost", "returning"],
        "tiers": ["high", "potential", "low"],
        "currency": "CNY",
    }
    for name, columns in tables(people, numbers, np.random.default_rng(seed)).items():
        shelf.put(name, columns, meta)
    permits = HouseRules(people=store.people, counters=store.counters, zone=settings.zone)
    words = Words.load(["renwei.reach"])
    return Shop(store, Frozen(AT), settings, words, shelf, permits, "zh")


def tables(n: int, items: Any, dice: Any) -> dict[str, dict[str, Any]]:
    at = to_us(AT)
    person = np.unique(dice.integers(1, 1 << 62, size=n + n // 1000 + 10))[:n]
    orders = dice.geometric(0.35, size=n)
    gap = dice.gamma(4, 12, size=n)
    silence = gap * dice.exponential(1.5, size=n)
    last = at - (silence * DAY_US).astype(np.int64)
    basket = dice.lognormal(9.2, 0.5, size=n)
    p30 = np.clip(30 / (gap + 30) * np.exp2(-silence / (2 * gap)), 0.002, 0.9)
    value = p30 * basket
    people = {
        "person": person,
        "orders": orders.astype(np.int32),
        "spend_minor": (orders * basket).astype(np.int64),
        "first_us": last - (gap * orders * DAY_US).astype(np.int64),
        "last_us": last,
        "gap_days": gap.astype(np.float32),
        "p_alive": p30.astype(np.float32),
        "p30": p30.astype(np.float32),
        "spend_window_value": value,
        "spend_window_low": np.zeros(n),
        "spend_window_high": 2.2 * value,
        "year_value": 8 * value,
        "stage": np.select([orders == 1, silence < 1.3 * gap, silence < 3 * gap], [0, 1, 2], 3),
        "tier": dice.integers(0, 3, size=n).astype(np.int8),
        "hour": (10 + 10 * dice.random(n)).astype(np.float32),
    }
    favourite = items[dice.integers(0, len(items), size=n)]
    needy = np.flatnonzero(orders > 1)
    at_row = np.sort(np.concatenate([needy, needy[::2]]))
    cycle = gap[at_row]
    due = last[at_row] + (cycle * DAY_US).astype(np.int64)
    needs = {
        "person": person[at_row],
        "item": items[dice.integers(0, len(items), size=len(at_row))],
        "times": np.minimum(orders[at_row], 30_000).astype(np.int16),
        "quantity": dice.integers(1, 4, size=len(at_row)).astype(np.float32),
        "last_us": last[at_row],
        "cycle_days": cycle.astype(np.float32),
        "p": np.clip(p30[at_row] * 0.8, 0, 1).astype(np.float32),
        "due_low_us": due - (0.2 * cycle * DAY_US).astype(np.int64),
        "due_high_us": due + (0.2 * cycle * DAY_US).astype(np.int64),
    }
    refund = np.where(dice.random(n) < 0.01, last + DAY_US, 0)
    lasts = {
        "person": person, "item": favourite, "quantity": np.ones(n, np.int64),
        "lines": np.ones(n, np.int64), "last_us": last, "seq": np.arange(1, n + 1),
        "new_item": np.where(dice.random(n) < 0.5, favourite, 0),
        "refund_us": np.where(refund <= at, refund, 0), "refund_item": favourite, "refund_minor": basket.astype(np.int64),
    }  # fmt: skip
    pair = np.stack([np.repeat(items, 3), items[dice.integers(0, len(items), size=3 * len(items))]])
    pair = np.unique(pair[:, pair[0] != pair[1]], axis=1)
    buyers = max(n // len(items), 1)
    return {
        "items": {
            "item": items, "cycle_days": np.full(len(items), 45.0),
            "buyers": np.full(len(items), buyers), "orders": np.full(len(items), 2 * buyers),
            "last_us": np.full(len(items), at - DAY_US),
        },
        "pairs": {
            "item": pair[0], "with_item": pair[1], "buyers": np.full(pair.shape[1], buyers // 10),
            "lift": np.full(pair.shape[1], 1.5, np.float32),
        },
        "needs": needs,
        "bought": {"key": np.sort(bought_key(person, favourite))},
        "lasts": lasts,
        "people": people,
    }  # fmt: skip


def measure(people: int, seed: int, sample: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = shop_of(Path(folder), people, seed)
        cpu, wall = cpu_seconds(), ticks()
        answer = today(shop, TodayRequest(limit=25))
        took, cpu = ticks() - wall, cpu_seconds() - cpu
        peak = peak_mb()
        differing = again(shop, sample, seed)
        shop.store.close()
    show(
        "today",
        f"{people} people",
        n=people,
        seed=seed,
        lines=len(answer.people),
        sample=sample,
        sample_differs=differing,
        rss_mb=peak,
        took_s=[took],
        per_second=people / took,
        cpu_s=cpu,
    )


def again(shop: Shop, sample: int, seed: int) -> int:
    """How many of a sample the single call decides otherwise than the list did."""
    drawn = draw_up(shop, AT, Limits(25))
    rows = np.random.default_rng(seed).choice(
        len(drawn.decisions), size=min(sample, len(drawn.decisions)), replace=False
    )
    rows = np.union1d(rows, drawn.rows)
    return sum(_differs(shop, drawn, int(row)) for row in rows)


def _differs(shop: Shop, drawn: Drawn, row: int) -> bool:
    many = drawn.decisions.row(row)
    guards = [*house_guards(shop, read_history(shop, AT), drawn.surface, AT)]
    refused = frozenset(r.item for r in many.removed if r.guard == OVER_LIMIT)
    guards.append(Reserved({many.person: refused}))
    ledger: Any = Forgetful()
    one = decide(
        replace(drawn.decisions.asks.ask(row), unit=many.unit),
        sources=drawn.sources,
        guards=guards,
        policy=policy_named(many.policy),
        permits=shop.permits,
        ledger=ledger,
    )
    same = ("chosen", "odds", "items", "scores", "removed", "consent", "reasons")
    return any(getattr(one, name) != getattr(many, name) for name in same)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="*", default=[3_100, 1_000_000])
    parser.add_argument("--sample", type=int, default=ANSWER_ROWS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="accepted everywhere")
    given = parser.parse_args()
    for size in given.people:
        measure(size, given.seed, given.sample)
