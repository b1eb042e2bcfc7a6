"""In the demo somebody strolls through the shop while the live page is looked at.

A demo has no app that sends anything, and a page on which nothing ever moves shows nobody what
it is for. So each look, every other second at most, makes one event of an invented visitor, by
the way that every event comes in; when nobody looks, nobody strolls.
"""

from __future__ import annotations

import asyncio
import functools
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from renwei.app.demo_catalogue import Dice, Product, catalogue
from renwei.app.house import House
from renwei.collect.live.incoming import Incoming
from renwei.core.chance import new_id, new_number
from renwei.core.clock import ticks
from renwei.core.errors import RenweiError

EVERY_S = 2.0
VISITORS = 12
WIRE = "demo"
SOURCE = "console"
STEPS = ("view", "view", "search", "view", "like", "view", "cart")


@dataclass
class _Walk:
    at: float = -EVERY_S
    steps: int = 0


_walks: WeakKeyDictionary[House, _Walk] = WeakKeyDictionary()


def stroll(house: House) -> bool:
    """One step in a demo shop; False elsewhere, and where the last one was just now."""
    if not house.demo:
        return False
    walk, now = _walks.setdefault(house, _Walk()), ticks()
    if now - walk.at < EVERY_S:
        return False
    walk.at, walk.steps = now, walk.steps + 1
    step = _step(walk.steps, message=new_id(house.clock.now()))

    async def taken() -> None:
        await house.intake.take(SOURCE, [step])

    # A demo on a full disk stands still; the page says what is wrong by itself.
    with suppress(RenweiError):
        asyncio.run(taken())
    return True


def _step(number: int, *, message: str) -> Incoming:
    goods = _goods()
    product = goods[new_number() % len(goods)]
    what = STEPS[number % len(STEPS)]
    told: dict[str, tuple[str, dict[str, Any]]] = {
        "view": ("Product Viewed", {"dwell_ms": 3_000 + new_number() % 40_000}),
        "search": ("Products Searched", {"query": product.family.category}),
        "like": ("Product Liked", {}),
        "cart": ("Product Added", {"quantity": 1}),
    }
    name, properties = told[what]
    if what != "search":
        properties = {"product_id": product.code, "name": product.title, **properties}
    return Incoming(
        index=0,
        kind="track",
        name=name,
        message_id=message,
        anonymous_id=f"demo-visitor-{1 + new_number() % VISITORS}",
        properties=properties,
        size=200,
        wire=WIRE,
    )


@functools.cache
def _goods() -> tuple[Product, ...]:
    return tuple(catalogue(Dice(20260101)))
