"""What contacting people did: who was contacted, who ordered since, and who was left alone.

Lists whose window is over are compared with the people who were held out of them by chance;
the difference of the two shares has a 90 % interval (Newcombe 1998, method 10,
doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from renwei.core.clock import from_us, to_us
from renwei.core.nouns import NOBODY
from renwei.core.shop import Shop
from renwei.report.book import Book
from renwei.report.measures import Ledger

LIST, DONE, UNDONE = "today-list", "done", "undone"
WINDOW_DAYS = 30
LATENESS = timedelta(days=2)
LOOKED_BACK = timedelta(days=60)
Z90 = 1.6448536269514722


@dataclass(frozen=True)
class Contact:
    """A person who was contacted about a line of a list."""

    person: int
    decision: str
    at: datetime
    item: int


@dataclass(frozen=True)
class Effect:
    """Orders within the window among people contacted and people held out."""

    contacted: int
    ordered: int
    held_out: int
    held_ordered: int

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """Difference of the shares with its 90 % interval; None without both groups."""
        if not self.contacted or not self.held_out:
            return None
        p, q = self.ordered / self.contacted, self.held_ordered / self.held_out
        low_p, high_p = wilson(self.ordered, self.contacted)
        low_q, high_q = wilson(self.held_ordered, self.held_out)
        low = p - q - math.hypot(p - low_p, high_q - q)
        return p - q, low, p - q + math.hypot(high_p - p, q - low_q)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 90 % score interval of a share (Wilson 1927).

    Example:
        >>> [round(end, 3) for end in wilson(5, 10)]
        [0.269, 0.731]
    """
    share, z = hits / n, Z90
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def contacts(shop: Shop, book: Book, since: datetime, until: datetime) -> list[Contact]:
    """Contacts that were made in [since, until) and not taken back by then."""
    stands: dict[str, Contact] = {}
    events = [event for event in book.marks if event.at < until]
    actors = sorted({event.actor for event in events})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    for event in sorted(events, key=lambda e: (e.at, e.seq)):
        decision, done = str(event.body["decision"]), event.body["done"]
        stands.pop(decision, None)
        if done == DONE and event.actor != NOBODY:
            stands[decision] = Contact(persons[event.actor], decision, event.at, event.item)
    return [one for one in stands.values() if one.at >= since]


def ordered_since(
    ledger: Ledger, people: Iterable[tuple[int, datetime]], until_us: int, window: timedelta
) -> int:
    """How many of these (person, time) were followed by a counted order within the window."""
    orders = ledger.counted
    by_person = np.argsort(orders.person, kind="stable")
    person, at = orders.person[by_person], orders.at[by_person]
    found = 0
    for who, moment in people:
        low, high = np.searchsorted(person, [who, who + 1])
        since = to_us(moment)
        end = min(since + window // timedelta(microseconds=1), until_us)
        times = at[low:high]
        found += bool(((times > since) & (times <= end)).any())
    return found


def window_of(shop: Shop) -> timedelta:
    """How long after a contact an order counts as its outcome."""
    held = shop.shelf.get("people")
    days = float(held.meta.get("window_days") or WINDOW_DAYS) if held else WINDOW_DAYS
    return timedelta(days=days)


def effect(shop: Shop, book: Book, ledger: Ledger, at: datetime) -> Effect:
    """Lists of the last two months whose window is over: contacted against held out."""
    window = window_of(shop)
    ended = at - window - LATENESS
    papers = shop.store.papers
    days = [d for d in papers.names(LIST) if ended - LOOKED_BACK <= _day(d) <= ended]
    bodies = [paper.body for day in sorted(days) if (paper := papers.get(LIST, day))]
    lines = {str(line) for body in bodies for line in body["lines"]}
    made = [one for one in contacts(shop, book, ended - LOOKED_BACK, at) if one.decision in lines]
    treated = _apart([(one.person, one.at) for one in made if one.at <= ended], window)
    decisions = [shop.store.ledger.get(str(one)) for body in bodies for one in body["held"]]
    held = [(d.person, d.at) for d in decisions if d and d.person]
    # Who became one with somebody since has their orders under the other number.
    now = shop.store.people.persons_of([person for person, _ in held])
    alone = _apart([(who, at_) for who, (_, at_) in zip(now, held, strict=True) if who], window)
    until = to_us(at)
    return Effect(
        len(treated),
        ordered_since(ledger, treated, until, window),
        len(alone),
        ordered_since(ledger, alone, until, window),
    )


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=from_us(0).tzinfo)


def _apart(people: list[tuple[int, datetime]], window: timedelta) -> list[tuple[int, datetime]]:
    """One case a person and window: somebody held out for a month is one case, not thirty."""
    last: dict[int, datetime] = {}
    kept = []
    for person, at in sorted(people, key=lambda pair: pair[1]):
        if person not in last or at >= last[person] + window:
            last[person] = at
            kept.append((person, at))
    return kept
