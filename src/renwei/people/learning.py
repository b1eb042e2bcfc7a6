"""The learning job: reads the orders, writes the estimates that every list stands on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

import renwei
from renwei.core.operations import operation
from renwei.core.shop import Shop

if TYPE_CHECKING:
    from renwei.people.frame import Frame


class Learn(msgspec.Struct, kw_only=True):
    """Learn the estimates anew, as of a time (default: now)."""

    at: datetime | None = None


class Learnt(msgspec.Struct, kw_only=True):
    """What was learnt, from how much, and how it did on the shop's own past."""

    at: datetime
    people: int
    orders: int
    needs: int
    items: int
    pairs: int
    window_days: int
    model: str
    quality: dict[str, Any]
    notes: list[str]
    seconds: float


NAMES_AT_LEARNING = 25_000


def _beside(shop: Shop, frame: Frame, at: datetime) -> None:
    """What pages show beside the estimates, where it is quick to make."""
    import numpy as np

    from renwei.people.flow import MOST_AT_LEARNING, keep_flow
    from renwei.people.names import index_names

    if abs(shop.clock.now() - at) > timedelta(days=1):
        return
    if len(np.unique(frame.person)) <= MOST_AT_LEARNING:
        keep_flow(shop, at, frame)
    index_names(shop, NAMES_AT_LEARNING, again=True)


@operation("learn", Learn, writes=True, child=True, http="POST /v1/estimates")
def learn(shop: Shop, request: Learn) -> Learnt:
    """Learn value, chances, rhythms, stages, tiers, needs and pairs; store them on the shelf.

    Readers see the versions before until the last file is in place: "people" is written last.
    """
    from renwei.core.clock import ticks
    from renwei.people.estimates import estimate
    from renwei.people.frame import Frame

    at = (request.at or shop.clock.now()).astimezone(UTC)
    started = ticks()
    steps = 4
    shop.progress("learn", 0, steps)
    map_version = shop.store.people.map_version()
    frame = Frame.read(shop.store, shop.settings.currency)
    shop.progress("learn", 1, steps)
    tick: Callable[[int], None] = lambda done: shop.progress("learn", done, steps)  # noqa: E731
    tables = estimate(frame, at, zone=shop.settings.zone, tick=tick)
    meta = {
        "as_of": at.isoformat(),
        "position": frame.position,
        "map_version": map_version,
        "currency": frame.currency,
        "program": renwei.__version__,
    }
    for name in ("items", "pairs", "purchases", "order-keys", "needs", "people"):
        table = tables[name]
        shop.shelf.put(name, table.columns, table.meta | meta)
    people = tables["people"]
    _beside(shop, frame, at)
    return Learnt(
        at=at,
        people=len(people.columns["person"]),
        orders=int(people.meta["orders"]),
        needs=len(tables["needs"].columns["person"]),
        items=len(tables["items"].columns["item"]),
        pairs=len(tables["pairs"].columns["item"]),
        window_days=int(people.meta["window_days"]),
        model=str(people.meta["model"]),
        quality=people.meta["quality"],
        notes=people.meta["notes"],
        seconds=round(ticks() - started, 3),
    )
