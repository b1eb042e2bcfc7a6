"""A shop with a catalogue, orders and looks in a real store, learnt by the real operations."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from renwei.core.chance import u
from renwei.core.clock import Frozen, to_us
from renwei.core.nouns import Event, Item
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Named
from renwei.core.words import Words
from renwei.people.learning import Learn, learn
from renwei.recommend.answers import RecommendAnswer, RecommendRequest
from renwei.recommend.learning import LearnTaste, learn_taste
from renwei.recommend.serving import answer
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

AT = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SORTS = ("cream", "mask", "soap")
EACH = 12
"""Products of each sort; code "cream-3" is the fourth cream."""


class Bench:
    """A shop under test: items, orders and looks go in, recommendations come out."""

    def __init__(self, folder: Path, *, language: str = "en") -> None:
        self.clock = Frozen(AT)
        self.store = open_store(folder / "data", keys=folder / "keys", clock=self.clock)
        settings = Settings(name="Pebble", zone="Asia/Shanghai", language=language, holdout=0.0)
        self.shop = Shop(
            store=self.store,
            clock=self.clock,
            settings=settings,
            words=Words.load(["renwei.core", "renwei.people", "renwei.recommend"]),
            shelf=ShelfFiles(folder / "data" / "estimates"),
            permits=HouseRules(people=self.store.people, zone=settings.zone),
            language=language,
        )
        self.number: dict[str, int] = {}
        self.count = 0

    def items(self, *items: Item) -> None:
        """Put items into the catalogue."""
        for item, number in zip(items, self.store.items.upsert(items), strict=True):
            self.number[item.code] = number

    def catalogue(self) -> None:
        """Three sorts of products from two brands."""
        self.items(
            *(
                Item(
                    0,
                    "product",
                    f"{sort}-{k}",
                    f"{sort.capitalize()} {'ABCDEFGHIJKL'[k]}",
                    sort,
                    1_000 + 100 * k,
                    "CNY",
                    {"brand": "Pebble" if k % 2 else "River", "stock": 50},
                )
                for sort in SORTS
                for k in range(EACH)
            )
        )

    def who(self, name: str) -> int:
        """The actor of an app's user."""
        return self.store.people.actors([Named("user", name)], AT)[0]

    def event(self, who: str, kind: str, item: str = "", **body: Any) -> Event:
        """One event of a user, some `ago` before now."""
        ago = body.pop("ago", timedelta(0))
        self.count += 1
        message = self.store.people.keyed(f"e{self.count}")
        number = self.number[item] if item else 0
        return Event(self.who(who), kind, self.clock.now() - ago, message, number, 0, "", body)

    def saw(self, who: str, *items: str, dwell_ms: int = 20_000, ago: timedelta = DAY / 48) -> None:
        """Looks at items, one after the other."""
        views = [self.event(who, "view", item, dwell_ms=dwell_ms, ago=ago) for item in items]
        self.store.log.append(views, self.clock.now())

    def did(self, who: str, kind: str, item: str = "", **body: Any) -> None:
        """Something else."""
        self.store.log.append([self.event(who, kind, item, **body)], self.clock.now())

    def bought(self, who: str, items: Sequence[str], days_ago: float) -> Event:
        """An order of one of each."""
        at = self.clock.now() - timedelta(days=days_ago)
        lines = [[self.number[item], 1, 2_000, 2_000] for item in items]
        self.count += 1
        body = {
            "order": f"{self.count:016x}", "platform": "live", "shop": "", "status": "paid",
            "paid": None, "refunded": 0, "shipping": 0, "lines": lines,
        }  # fmt: skip
        message = self.store.people.keyed(f"o{self.count}")
        return Event(self.who(who), "order", at, message, 0, 2_000 * len(lines), "CNY", body)

    def crowd(self, n: int = 90) -> None:
        """People who each keep to one sort and come again about every month."""
        events = []
        for k in range(n):
            sort = SORTS[k % len(SORTS)]
            for month in range(5):
                pick = int(u(k * 97 + month, "pick") * (EACH - 4))
                codes = [f"{sort}-{pick}", f"{sort}-{pick + 1}"]
                codes += [f"{sort}-0"] if month % 2 else []
                days = 10 + 30 * month + 8 * u(k, "day", month)
                events.append(self.bought(f"u-{k}", list(dict.fromkeys(codes)), days))
        self.store.log.append(events, self.clock.now())

    def learnt(self) -> None:
        """Learn everything from what there is."""
        learn(self.shop, Learn(at=self.clock.now()))
        learn_taste(self.shop, LearnTaste(at=self.clock.now()))

    def ask(self, user: str = "", **fields: Any) -> RecommendAnswer:
        """One answer; exploration is off unless the surface is asked for by name."""
        return answer(self.shop, RecommendRequest(user_id=user, **fields))

    def calm(self) -> Bench:
        """Without chance and without hold-outs, so that one answer can be compared."""
        from renwei.recommend.surfaces import DEFAULTS, SurfaceRequest, surfaces_set

        for name in DEFAULTS:
            surfaces_set(self.shop, SurfaceRequest(name=name, place={"explore": 0.0, "holdout": 0}))
        return self

    def later(self, by: timedelta) -> None:
        """Let time pass."""
        self.clock.at = self.clock.now() + by

    def holding_out(self, share: float) -> Bench:
        """Hold a share of people out."""
        self.shop = replace(self.shop, settings=replace(self.shop.settings, holdout=share))
        return self


def grow(folder: Path, people: int = 90) -> dict[str, int]:
    """Make a shop with a crowd, learn from it, take chance out; returns its item numbers."""
    made = Bench(folder)
    made.catalogue()
    made.crowd(people)
    made.learnt()
    made.calm()
    made.store.close()
    return made.number


def copied(grown: tuple[Path, dict[str, int]], folder: Path) -> Bench:
    """A copy of a shop that was grown."""
    shutil.copytree(grown[0], folder / "copy")
    made = Bench(folder / "copy")
    made.number, made.count = dict(grown[1]), 1_000_000
    return made


def codes(answer_: RecommendAnswer) -> list[str]:
    """The ids of an answer, in order."""
    return [item.id for item in answer_.items]


__all__ = ["AT", "DAY", "EACH", "SORTS", "Bench", "codes", "copied", "grow", "to_us"]
