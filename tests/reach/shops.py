"""A small shop with a real store and simple estimates, so that reach is tested by itself.

The estimates are rough but honest: they are folded from the log up to the asked time, so
that a new order, an undo or a later event acts on the list as it would in earnest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from renwei.core.chance import u
from renwei.core.clock import Frozen, to_us
from renwei.core.nouns import NOBODY, Consent, ConsentState, Event, Item
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Named
from renwei.core.words import Words
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

AT = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
STAGES = ["new", "active", "at_risk", "lost", "returning"]
TIERS = ["high", "potential", "low"]
KINDS = ("order", "order-change", "return")


class Bench:
    """A shop under test: put orders in, ask for lists."""

    def __init__(self, folder: Path, *, language: str = "en", products: int = 80) -> None:
        self.clock = Frozen(AT)
        self.store = open_store(folder / "data", keys=folder / "keys", clock=self.clock)
        settings = Settings(name="Pebble", zone="Asia/Shanghai", language=language)
        shop = Shop(
            store=self.store,
            clock=self.clock,
            settings=settings,
            words=Words.load(["renwei.core", "renwei.reach"]),
            shelf=ShelfFiles(folder / "data" / "estimates"),
            permits=HouseRules(
                people=self.store.people, counters=self.store.counters, zone=settings.zone
            ),
            language=language,
        )
        self.shop = replace(shop, ready_estimates=self.ready)
        self.items = self.store.items.upsert(
            [Item(0, "product", f"C{k}", f"Soap {k}", "", 2_000 + 100 * k) for k in range(products)]
        )
        self.count = 0
        self.waiting: list[Event] | None = None

    def without_hold_out(self) -> Bench:
        """Nobody is held out: for tests that look for one person on the list."""
        settings = replace(self.shop.settings, holdout=0.0)
        self.shop = replace(self.shop, settings=settings)
        return self

    def person(self, name: str, *, marketing: str = "") -> int:
        """Somebody new, known by a nick; returns the actor."""
        actor = self.store.people.actors([Named("nick", f"taobao:{name}")], AT)[0]
        self.store.people.keep_many([(actor, "name", name)])
        if marketing:
            self.consent(actor, marketing)
        return actor

    def consent(
        self, actor: int, state: str, purpose: str = "marketing", channel: str = "*"
    ) -> None:
        """State a consent, for every channel unless one is named, long ago."""
        given = Consent(purpose, channel, ConsentState(state), AT - 900 * DAY, "test")
        self.store.people.state_consent(actor, [given])

    def order(
        self,
        actor: int,
        days_ago: float,
        lines: Sequence[tuple[int, int]],
        *,
        refunded: int = 0,
        kind: str = "order",
        order: str = "",
        after: timedelta = timedelta(0),
    ) -> str:
        """An order of (index of product, quantity) lines, so many days before AT."""
        self.count += 1
        number = order or f"{self.count:016x}"
        body_lines = [[self.items[k], n, 2_000 + 100 * k, n * (2_000 + 100 * k)] for k, n in lines]
        value = sum(line[3] for line in body_lines)
        body = {
            "order": number,
            "platform": "taobao",
            "shop": "",
            "status": "refunded" if refunded >= value else "paid",
            "paid": None,
            "refunded": refunded,
            "shipping": 0,
            "lines": body_lines,
        }
        at = AT - timedelta(days=days_ago) + after
        message = self.store.people.keyed(f"{kind}|{number}|{self.count}")
        event = Event(actor, kind, at, message, 0, value, "CNY", body, "import:1")
        if self.waiting is None:
            self.store.log.append([event], AT)
        else:
            self.waiting.append(event)
        return number

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Bring the orders of this block in together: one write instead of many."""
        self.waiting = []
        yield
        events, self.waiting = self.waiting, None
        self.store.log.append(events, AT)

    def crowd(self, n: int = 240, seed: int = 1) -> list[int]:
        """Regulars with rhythms, newcomers, sleepers; drawn from `u`, the same each time."""
        names = [f"Guest {k}" for k in range(n)]
        actors = self.store.people.actors([Named("nick", f"taobao:{x}") for x in names], AT)
        rows = zip(actors, names, strict=True)
        self.store.people.keep_many([(actor, "name", name) for actor, name in rows])
        with self.at_once():
            for k, actor in enumerate(actors):
                self._regular(actor, k, seed * 1_000_003 + k)
        return actors

    def _regular(self, actor: int, k: int, seed: int) -> None:
        gap = 20 + 60 * u(seed, "gap")
        since = gap * (0.2 + 2.2 * u(seed, "since"))
        favourite = int(u(seed, "item") * len(self.items))
        for j in range(1 + int(8 * u(seed, "orders") ** 2)):
            more = int(u(seed, f"more{j}") * len(self.items))
            wobble = 1 + 0.3 * (u(seed, f"wobble{j}") - 0.5)
            self.order(actor, since + j * gap * wobble, [(favourite, 1 + k % 3), (more, 1)])

    def ready(self, at: datetime) -> None:
        """Fold the estimates as of a time."""
        position = self.store.log.position()
        held = self.shop.shelf.get("people")
        if held and held.meta["as_of"] == at.isoformat() and held.meta["position"] == position:
            return
        meta = {
            "model": "rough@1",
            "as_of": at.isoformat(),
            "position": position,
            "map_version": self.store.people.map_version(),
            "window_days": 30,
            "stages": STAGES,
            "tiers": TIERS,
            "currency": "CNY",
        }
        for name, columns in tables(self.store, at).items():
            self.shop.shelf.put(name, columns, meta)


def tables(store: Any, at: datetime) -> dict[str, dict[str, Any]]:
    """The estimates of the contract from the log up to a time, by rules of thumb."""
    history: dict[int, list[Event]] = defaultdict(list)
    events = [e for e in store.log.read(kinds=KINDS) if e.at <= at and e.actor != NOBODY]
    latest = {e.body["order"]: e.body for e in events}
    persons = dict(
        zip(
            [e.actor for e in events],
            store.people.persons_of([e.actor for e in events]),
            strict=True,
        )
    )
    for event in sorted(events, key=lambda e: e.at):
        if event.kind == "order" and latest[event.body["order"]]["status"] == "paid":
            history[persons[event.actor]].append(event)
    people, needs = [], []
    items: dict[int, list[int]] = defaultdict(list)
    sold: dict[int, int] = {}
    pairs: dict[tuple[int, int], set[int]] = defaultdict(set)
    for person in sorted(history):
        people.append(_person(person, history[person], at))
        needs += _needs(person, history[person], at)
        for event in history[person]:
            inside = [line[0] for line in event.body["lines"]]
            for item in inside:
                items[item].append(person)
                sold[item] = max(sold.get(item, 0), to_us(event.at))
            for a, b in permutations(dict.fromkeys(inside), 2):
                pairs[a, b].add(person)
    return {
        "items": _items(items, sold),
        "pairs": _columns(
            "item with_item buyers lift",
            [(a, b, len(who), 1.5) for (a, b), who in sorted(pairs.items())],
        ),
        "needs": _columns(
            "person item times quantity last_us cycle_days p due_low_us due_high_us", needs
        ),
        "people": _columns(
            "person orders spend_minor first_us last_us gap_days p_alive p30 year_value stage tier "
            "hour spend_window_value spend_window_low spend_window_high year_orders",
            people,
        ),
    }


def _person(person: int, orders: list[Event], at: datetime) -> tuple[float, ...]:
    first, last = orders[0].at, orders[-1].at
    n, spend = len(orders), sum(e.value_minor for e in orders)
    gap = ((last - first) / DAY + 50) / n
    silence = (at - last) / DAY
    late = silence / gap
    p30 = min(0.85, 30 / gap) * min(1.0, 2 ** (1.2 - late)) * n / (n + 1)
    stage = 0 if n == 1 else 1 if late < 1.3 else 2 if late < 3 else 3
    value = p30 * spend / n
    high = spend / n * (1.8 if p30 > 0.1 else 0.4)
    year = value * 8
    tier = 0 if year > 20_000 else 1 if year > 8_000 else 2
    hour = 10 + person % 11
    return (
        person, n, spend, to_us(first), to_us(last), gap, p30, p30, year, stage, tier, hour, value,
        0.0, max(high, value), p30 * 12,
    )  # fmt: skip


def _needs(person: int, orders: list[Event], at: datetime) -> list[tuple[float, ...]]:
    by_item: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for event in orders:
        for item, quantity, *_ in event.body["lines"]:
            by_item[item].append((event.at, quantity))
    found = []
    for item, bought in by_item.items():
        if len(bought) < 2:
            continue
        gap = (bought[-1][0] - bought[0][0]) / (len(bought) - 1)
        due = bought[-1][0] + gap
        ahead = abs((due - at) / DAY) / (gap / DAY + 1)
        p = 0.75 * 2 ** (-2 * ahead)
        low, high = to_us(due - 0.25 * gap), to_us(due + 0.25 * gap)
        quantity = float(np.mean([q for _, q in bought]))
        last = to_us(bought[-1][0])
        found.append((person, item, len(bought), quantity, last, gap / DAY, p, low, high))
    return sorted(found, key=lambda row: -row[6])


def _items(items: dict[int, list[int]], sold: dict[int, int]) -> dict[str, Any]:
    rows = []
    for item, who in sorted(items.items()):
        again = sum(who.count(p) > 1 for p in set(who))
        rows.append((item, 45.0, len(set(who)), again, len(who), sold[item]))
    return _columns("item cycle_days buyers repeat_buyers orders last_us", rows)


_FLOATS = {
    "gap_days", "p_alive", "p30", "hour", "cycle_days", "p", "quantity", "lift", "year_value",
    "year_orders", "spend_window_value", "spend_window_low", "spend_window_high",
}  # fmt: skip


def _columns(names: str, rows: Sequence[tuple[float, ...]]) -> dict[str, Any]:
    table = list(zip(*rows, strict=True)) or [()] * len(names.split())
    return {
        name: np.array(column, dtype=np.float64 if name in _FLOATS else np.int64)
        for name, column in zip(names.split(), table, strict=True)
    }
