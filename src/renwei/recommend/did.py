"""What people did since they were first shown something: visits, orders and money, by person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import from_us, to_us
from renwei.core.nouns import NOBODY, Event
from renwei.core.orders import ORDER_KINDS, counted
from renwei.core.outcomes import RETURN
from renwei.core.shop import Shop
from renwei.recommend.moment import LOOKS
from renwei.recommend.seen import decided

ACTIVE = (*LOOKS, "page", "screen", "search", "checkout")
"""What somebody does who is there."""
GAP_US = 30 * 60 * 1_000_000
"""A visit ends where nothing happens for so long."""
AGAIN_US = 12 * 3_600 * 1_000_000
"""Whoever is there so long after the first look came back."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Did:
    """Times and orders by person, sorted by time.

    Attributes:
        seen: When somebody was there, in microseconds.
        orders: When they ordered, and what was paid, less what was given back.
        visits_by: "events" or, in a shop whose app reports nothing, "requests".
    """

    seen: Mapping[int, Ints]
    orders: Mapping[int, tuple[Ints, Floats]]
    currency: str
    visits_by: str = "events"

    @classmethod
    def nothing(cls, shop: Shop) -> Self:
        """Where nobody was shown anything."""
        return cls({}, {}, shop.settings.currency)

    def of(self, people: Sequence[int], begin_us: Mapping[int, int]) -> dict[str, Floats]:
        """Each measure as a column aligned with people; only what came after their beginning.

        return is 1 for whoever came back, conversion 1 for whoever ordered.
        """
        rows = np.zeros((len(people), 4))
        for k, person in enumerate(people):
            begin = begin_us[person]
            times = self.seen.get(person, _NONE)
            times = times[np.searchsorted(times, begin, side="right") :]
            at, paid = self.orders.get(person, (_NONE, np.zeros(0)))
            paid = paid[np.searchsorted(at, begin, side="right") :]
            # The visit of the first look is a visit, though nothing else may have happened in it.
            visits = int((np.diff(np.append(begin, times)) > GAP_US).sum())
            back = len(times) and times[-1] >= begin + AGAIN_US
            rows[k] = bool(back), visits, len(paid) > 0, paid.sum()
        names = ("return", "visits", "conversion", "money")
        return {name: rows[:, k] for k, name in enumerate(names)}


def did(shop: Shop, people: Mapping[int, int], span: tuple[int, int]) -> Did:
    """What these people did in [since, until), read in one pass over the log.

    Args:
        shop: Whose log.
        people: When each was first shown anything, in microseconds.
        span: since, until.
    """
    actors = {a: p for p in people for a in shop.store.people.actors_of(p)}
    since, until = span
    seen: defaultdict[int, list[int]] = defaultdict(list)
    orders: defaultdict[int, list[Event]] = defaultdict(list)
    for event in shop.store.log.read(kinds=(*ACTIVE, *ORDER_KINDS)):
        person = actors.get(event.actor, NOBODY)
        if person == NOBODY:
            continue
        if event.kind in ORDER_KINDS:
            orders[person].append(event)
        elif since <= to_us(event.at) < until:
            seen[person].append(to_us(event.at))
    visits_by = "events"
    if not seen:
        visits_by = "requests"
        for decision in decided(shop, from_us(since), from_us(until)):
            person = actors.get(decision.person, NOBODY)
            if person != NOBODY:
                seen[person].append(to_us(decision.at))
    currency = _currency(shop, orders)
    return Did(
        {person: np.array(sorted(times), np.int64) for person, times in seen.items()},
        {person: _paid(events, currency, span) for person, events in orders.items()},
        currency,
        visits_by,
    )


def _currency(shop: Shop, orders: Mapping[int, Sequence[Event]]) -> str:
    """The shop's own, or where nobody paid in it the commonest one."""
    used = Counter(one.currency for events in orders.values() for one in events if one.currency)
    own = shop.settings.currency
    return own if own in used or not used else used.most_common(1)[0][0]


def _paid(events: Sequence[Event], currency: str, span: tuple[int, int]) -> tuple[Ints, Floats]:
    """Counted orders in one currency, by time, less what was given back until the end."""
    since, until = span
    mine = [event for event in events if event.currency in ("", currency)]
    orders = sorted((to_us(one.at), one.value_minor) for one in counted(mine))
    left = [paid for _, paid in orders]
    backs = sorted((to_us(one.at), one.value_minor) for one in mine if one.kind == RETURN)
    for at, amount in backs:
        if at < until:
            _take_back([k for k, one in enumerate(orders) if one[0] <= at], amount, left)
    found = [(at, paid) for (at, _), paid in zip(orders, left, strict=True) if since <= at < until]
    rows = np.array(found, dtype=np.float64).reshape(-1, 2)
    return rows[:, 0].astype(np.int64), rows[:, 1]


def _take_back(before: Sequence[int], amount: int, left: list[int]) -> None:
    """Book a return that names no order on one that equals it, else on the latest ones."""
    equal = [k for k in before if left[k] == amount]
    for k in equal[-1:] or reversed(before):
        part = min(left[k], amount)
        left[k] -= part
        amount -= part
