"""What people were really shown, as the ledger says; looks of the team are left out.

Somebody who runs the shop and looks at a page with a customer's eyes records a decision like
any other. It stands in the ledger and counts as nothing that the customer was shown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

from renwei.core.chance import hash64
from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, NOTHING, Decision
from renwei.core.shop import Shop
from renwei.core.store import Store
from renwei.recommend.surfaces import names

VISIT = "console"
"""The visit that looks of the team belong to."""
Met = tuple[str, int, float]
BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
LATE = timedelta(hours=1)
"""A decision may be written so long after its time."""
MOST_KEPT = 500_000
MOST_OF_ONE = 5_000
_KEPT: WeakKeyDictionary[Store, tuple[datetime, dict[Met, int]]] = WeakKeyDictionary()
_LOCK = threading.Lock()
PAGE = "page:"
"""Surfaces of pages begin so; the others are places of recommendations."""


def decided(shop: Shop, since: datetime, until: datetime) -> Iterator[Decision]:
    """Decisions about what somebody known is shown, oldest first, without looks of the team."""
    yield from _shown(shop, shop.store.ledger.between(since, until))


def decided_for(shop: Shop, person: int, since: datetime, until: datetime) -> Iterator[Decision]:
    """The same of one person, newest first, at most MOST_OF_ONE."""
    actors = shop.store.people.actors_of(person)
    for decision in _shown(shop, shop.store.ledger.of(actors, limit=MOST_OF_ONE)):
        if since <= decision.at < until:
            yield decision


def _shown(shop: Shop, decisions: Iterable[Decision]) -> Iterator[Decision]:
    own = frozenset(names(shop))
    for decision in decisions:
        shown = decision.surface in own or decision.surface.startswith(PAGE)
        if shown and decision.person != NOBODY and not is_look(decision):
            yield decision


def met(shop: Shop, until: datetime, share: Callable[[Decision], float]) -> Mapping[Met, int]:
    """When each person was first shown something, by surface and the share held out then.

    Args:
        shop: Whose ledger.
        until: Decisions before this time.
        share: Of people held out when a decision was made.

    Returns:
        Microseconds by (surface, person as recorded, share). What was read once is kept, as long
        as that is not too much: a ledger only grows.
    """
    with _LOCK:
        held = _KEPT.get(shop.store)
        if held is None or held[0] > until:
            held = (BEGIN, {})
        rows = held[1]
        for decision in decided(shop, max(held[0] - LATE, BEGIN), until):
            key = (decision.surface, decision.person, share(decision))
            at_us = to_us(decision.at)
            rows[key] = min(at_us, rows.get(key, at_us))
        if len(rows) <= MOST_KEPT:
            _KEPT[shop.store] = (until, rows)
        return dict(rows)


def is_look(decision: Decision) -> bool:
    """Whether somebody of the team only looked."""
    return decision.unit == hash64(f"{decision.person}|{VISIT}")


def items_of(decision: Decision) -> list[int]:
    """The items that a recommendation showed; of a page none, its modules have their own."""
    if decision.surface.startswith(PAGE):
        return []
    return [item for item in decision.chosen if item != NOTHING]
