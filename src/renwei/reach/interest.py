"""What people are drawn to, from the sums that the fold "interests" keeps behind the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Consent, ConsentState, Item, consent_by
from renwei.core.permission import HAND
from renwei.core.shop import Shop
from renwei.learn.interest import NAMES, Interest, Sums, interest_of, no_interest
from renwei.reach.facts import makers

DAY_US = 86_400_000_000
LOOKED_BACK_DAYS = 60
MOST_OF_A_CREATOR = 20
"""A follow lifts so many of a creator's things, the newest."""


def read_interest(shop: Shop, at: datetime, products: Sequence[Item]) -> Interest:
    """Everybody's interests as of a time; those who asked not to be profiled have none."""
    day = to_us(at) // DAY_US - LOOKED_BACK_DAYS
    columns = shop.store.tallies.columns(NAMES, since_day=max(day, 0))
    if not len(columns["actor"]):
        return no_interest()
    actors = sorted(set(columns["actor"]) - {NOBODY})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    sums = Sums.of({**columns, "person": [persons.get(a, NOBODY) for a in columns["actor"]]})
    sums = sums.pick(~np.isin(sums.person, _closed(shop, at, sorted(set(persons.values())))))
    return interest_of(sums, to_us(at), made_by(products))


def sums_of(shop: Shop, person: int, at: datetime) -> Sums:
    """The sums of one person, read where they are kept (see `is_closed`)."""
    day = to_us(at) // DAY_US - LOOKED_BACK_DAYS
    rows = shop.store.tallies.of(shop.store.people.actors_of(person), NAMES)
    rows = [row for row in rows if row.day >= day]
    names = ("name", "item", "n", "amount", "last_us")
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in names}
    return Sums.of(columns | {"person": [person] * len(rows)})


def made_by(products: Sequence[Item]) -> dict[int, list[int]]:
    """The newest items of each brand and creator, by the number follows are kept under."""
    found: dict[int, list[int]] = defaultdict(list)
    for product in sorted(products, key=lambda p: -p.number):
        for maker in makers(product):
            if len(found[maker]) < MOST_OF_A_CREATOR:
                found[maker].append(product.number)
    return dict(found)


def texts_of(products: Sequence[Item]) -> dict[int, str]:
    """What each item is found by, in lower case."""
    return {
        item.number: f"{item.title}|{item.category}|{item.facts.get('brand', '')}".casefold()
        for item in products
    }


def is_closed(shop: Shop, person: int, at: datetime) -> bool:
    """Whether somebody asked not to be profiled: then nothing they look at counts."""
    return person in _closed(shop, at, [person])


def _closed(shop: Shop, at: datetime, persons: Sequence[int]) -> list[int]:
    """Nobody, and those of these people who asked not to be profiled."""
    asked = [person for person in persons if person != NOBODY]
    said = zip(asked, shop.store.people.consents_of(asked), strict=True)
    return [NOBODY, *[person for person, consents in said if _withdrawn(consents, at)]]


def _withdrawn(consents: tuple[Consent, ...], at: datetime) -> bool:
    channels = ("*", HAND)
    return bool(consents) and any(
        consent_by(consents, "profiling", channel, at) is ConsentState.WITHDRAWN
        for channel in channels
    )
