"""Answers that take long in a large shop, kept until the orders or the people change.

A page asks for one and gets it, or None while it is being worked out; then it shows that and
looks again. What is asked twice at once is worked out once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from starlette.responses import Response

from renwei.app.asof import Known
from renwei.app.house import House
from renwei.app.work import Job
from renwei.core.shop import Shop
from renwei.doors.console import gate
from renwei.doors.console.frame import Visit

ORDERS = ("order", "order-change", "return")
WAIT_S = 0.15
"""A page waits so long before it shows that something is being worked out."""
MOST = 60
"""So many answers are kept a shop."""


@dataclass
class Watch:
    """How often orders came in, read on from where it was read last."""

    position: int = -1
    orders: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def stamp(self, shop: Shop) -> Any:
        """Changes when orders come or go, people are merged or forgotten, or settings change."""
        with self.guard:
            last = shop.store.log.position()
            # What came before anybody asked has changed nothing that was kept.
            if self.position < 0:
                self.position = last
            if last > self.position:
                newer = shop.store.log.read(after=self.position, kinds=ORDERS)
                self.orders += any(True for _ in newer)
                self.position = last
            return self.orders, shop.store.people.map_version(), shop.settings


@dataclass
class _Kept:
    stamp: Any
    at: datetime
    job: Job


@dataclass
class _Shelf:
    watch: Watch = field(default_factory=Watch)
    begun: dict[str, Job] = field(default_factory=dict)
    kept: OrderedDict[Any, _Kept] = field(default_factory=OrderedDict)
    guard: threading.Lock = field(default_factory=threading.Lock)


_shelves: WeakKeyDictionary[House, _Shelf] = WeakKeyDictionary()
_guard = threading.Lock()


def is_empty(house: House) -> bool:
    """Whether there is neither an order nor anybody in this shop; cheap to ask."""
    store = house.shop().store
    if next(iter(store.log.read(kinds=ORDERS)), None) is not None:
        return False
    return not len(store.people.all_persons())


def stamp_of(house: House, shop: Shop) -> Any:
    """What answers about the whole shop depend on; cheap to ask."""
    return _shelf(house).watch.stamp(shop)


def answer(visit: Visit, name: str, *, for_s: float = 600, **fields: Any) -> Any:
    """The answer of an operation, or None while it is being worked out.

    Args:
        visit: Who asks.
        name: An operation that reads.
        for_s: It may be as old as this.
        fields: What it is asked.

    Raises:
        RenweiError: What the operation refused.
    """
    gate.insist(visit.visitor, name)
    shelf, house = _shelf(visit.house), visit.house
    key = (name, visit.language, tuple(sorted(fields.items())))
    stamp, now = shelf.watch.stamp(house.shop()), house.clock.now()
    with shelf.guard:
        _drop_stale(shelf, stamp)
        held = shelf.kept.get(key)
        if held is None or not _holds(held, stamp, now - timedelta(seconds=for_s)):
            held = _Kept(stamp, now, house.start(name, visit.language, **fields))
            shelf.kept[key] = held
        shelf.kept.move_to_end(key)
        while len(shelf.kept) > MOST:
            shelf.kept.popitem(last=False)
    held.job.ended.wait(WAIT_S)
    if not held.job.ended.is_set():
        return None
    if held.job.error is not None:
        with shelf.guard:
            shelf.kept.pop(key, None)
        raise held.job.error
    return gate.shown(visit.visitor, held.job.answer)


def begun(visit: Visit, name: str, **fields: Any) -> bool:
    """Whether an operation was done once since the server started; else it is being done.

    What reads everybody first and then keeps up by itself is slow only this once.
    """
    gate.insist(visit.visitor, name)
    shelf = _shelf(visit.house)
    with shelf.guard:
        job = shelf.begun.get(name)
        if job is None or job.state == "failed":
            job = shelf.begun[name] = visit.house.start(name, visit.language, **fields)
    return job.ended.wait(WAIT_S)


def known(visit: Visit, name: str) -> Known:
    """What is known of the whole shop, as this visitor may see it; see `House.known`.

    Raises:
        RenweiError: Nothing is known, because of this.
    """
    gate.insist(visit.visitor, name)
    found = visit.house.known(name, visit.language)
    if found.error is not None and found.answer is None:
        raise found.error
    return replace(found, answer=gate.shown(visit.visitor, found.answer))


def is_newer(visit: Visit, found: Known) -> bool:
    """Whether a part that looks again every second has something else to show than it shows."""
    return found.job is None or visit.query.get("shown", "") != shown(found)


def shown(found: Known) -> str:
    """Which answer a page shows: its time, "" for none."""
    return found.at.isoformat() if found.at else ""


def waiting(visit: Visit) -> Response:
    """A page that looks again until the answer is there; its part says nothing yet."""
    if visit.partial:
        return Response(status_code=204)
    return visit.show("outline/working.html")


def ready(visit: Visit) -> Response | None:
    """What a page that waited is told: load anew."""
    if visit.partial and "waiting" in visit.query:
        return Response(headers={"HX-Refresh": "true"})
    return None


def _holds(held: _Kept, stamp: Any, since: datetime) -> bool:
    # Work under way is waited for, even if orders come in meanwhile.
    return not held.job.ended.is_set() or (held.stamp == stamp and held.at >= since)


def _drop_stale(shelf: _Shelf, stamp: Any) -> None:
    """What is stale may hold somebody who was forgotten since."""
    for key, held in list(shelf.kept.items()):
        if held.stamp != stamp and held.job.ended.is_set():
            del shelf.kept[key]


def _shelf(house: House) -> _Shelf:
    with _guard:
        return _shelves.setdefault(house, _Shelf())
