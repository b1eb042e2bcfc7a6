"""What people were really shown, as the ledger says; looks of the team are left out.

Somebody who runs the shop and looks at a page with a customer's eyes records a decision like
any other. It stands in the ledger and counts as nothing that the customer was shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from renwei.core.chance import hash64
from renwei.core.nouns import NOBODY, NOTHING, Decision
from renwei.core.shop import Shop
from renwei.recommend.surfaces import names

VISIT = "console"
"""The visit that looks of the team belong to."""
PAGE = "page:"
"""Surfaces of pages begin so; the others are places of recommendations."""


def decided(shop: Shop, since: datetime, until: datetime) -> Iterator[Decision]:
    """Decisions about what somebody known is shown, oldest first, without looks of the team."""
    own = frozenset(names(shop))
    for decision in shop.store.ledger.between(since, until):
        shown = decision.surface in own or decision.surface.startswith(PAGE)
        if shown and decision.person != NOBODY and not is_look(decision):
            yield decision


def is_look(decision: Decision) -> bool:
    """Whether somebody of the team only looked."""
    return decision.unit == hash64(f"{decision.person}|{VISIT}")


def items_of(decision: Decision) -> list[int]:
    """The items that a recommendation showed; of a page none, its modules have their own."""
    if decision.surface.startswith(PAGE):
        return []
    return [item for item in decision.chosen if item != NOTHING]
