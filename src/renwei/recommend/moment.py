"""Who asks and what they did until now: read from the log at every request.

Nothing of a person is kept between requests, so the next answer knows the last click, and a
person who was forgotten is nobody at once. Looks count from a bounded window, newest first; what
somebody said of an item or a creator holds until they say otherwise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.nouns import ConsentState, Event
from renwei.core.orders import ORDER_KINDS, Purchase, counted
from renwei.core.shop import Shop
from renwei.core.store import Named
from renwei.learn.interest import creator_number

LOOKS = (
    "view",
    "like",
    "unlike",
    "wish",
    "cart",
    "uncart",
    "share",
    "comment",
    "follow",
    "unfollow",
)
SHOWN = "shown"
SAID = ("like", "unlike", "follow", "unfollow")
WEIGHTS: Mapping[str, float] = {
    "view": 1.0, "like": 2.0, "wish": 2.0, "cart": 3.0, "share": 1.0, "comment": 0.5,
}  # fmt: skip
UNDONE = {"unlike": "like", "uncart": "cart"}
BOUNCE_MS = 2_000
"""Whoever leaves sooner did not like what they saw."""
BOUNCED = 0.1
A_LOOK_MS = 20_000
LOOKED_BACK = timedelta(days=60)
SESSION = timedelta(minutes=30)
MOST_EVENTS = 400
MOST_ORDERS = 2_000
MOST_OF_ONE = 20
"""Of events about one item so many are read: a script does not take over a profile."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Moment:
    """One person (or nobody) at one moment.

    Attributes:
        person: 0 where nobody is known.
        unit: What draws stick to within a session.
        items: Item numbers touched, newest first, one row an item: shape (n,).
        weights: How much each was meant, before it fades. at_us: When last.
        events: Sequence numbers behind each item, newest first, at most three.
        session: Item numbers of this session, oldest first.
        bought: Purchases, newest first. follows: Numbers of creators and brands.
        shown: How often each item was shown lately without a click. dismissed: Not interested.
        looks: Each look as (item, at_us, how much was meant), newest first.
        personal: False where nothing of the person may be used.
    """

    at: datetime
    person: int = 0
    unit: int = 0
    items: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    at_us: tuple[int, ...] = ()
    events: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    session: tuple[int, ...] = ()
    bought: tuple[Purchase, ...] = ()
    follows: frozenset[int] = frozenset()
    shown: Mapping[int, int] = field(default_factory=dict)
    dismissed: frozenset[int] = frozenset()
    looks: tuple[tuple[int, int, float], ...] = ()
    personal: bool = True

    @property
    def known(self) -> bool:
        """Whether there is anything to go by."""
        return self.personal and bool(self.items or self.bought or self.follows)


def person_of(shop: Shop, user_id: str, anonymous_id: str) -> int:
    """Whom an app means: 0 where nobody goes by it, which is no fault of a visitor."""
    people = shop.store.people
    for kind, value in (("user", user_id), ("anonymous", anonymous_id)):
        if not value:
            continue
        found = people.find(Named(kind, value))
        if found:
            return found
        if kind == "user":
            others = people.search(value)
            if len(others) == 1:
                return others[0]
    return 0


def moment(shop: Shop, person: int, at: datetime, *, cool_days: int = 7) -> Moment:
    """Read a person as of now."""
    if not person:
        return Moment(at)
    people = shop.store.people
    if _is_closed(shop, person, at):
        return Moment(at, person, personal=False)
    actors = people.actors_of(person)
    log, held = shop.store.log, (*ORDER_KINDS, *SAID)
    # Apart from each other: an app reports more of what it shows than anybody does.
    shown = log.of(actors, until=at, kinds=(SHOWN,), limit=MOST_EVENTS)
    events = log.of(actors, until=at, kinds=LOOKS, limit=MOST_EVENTS)
    whole = log.of(actors, until=at, kinds=held, limit=MOST_ORDERS)
    events = [event for event in events if event.at > at - LOOKED_BACK]
    looks = [event for event in events if not event.body.get("flood")]
    said = [event for event in whole if event.kind in SAID and not event.body.get("flood")]
    items, weights, at_us, behind = _touched(looks)
    return Moment(
        at,
        person,
        items=items,
        weights=weights,
        at_us=at_us,
        events=behind,
        session=_session(looks, at),
        bought=tuple(counted(whole)),
        follows=_follows(said),
        shown=_unclicked(events, shown, at - timedelta(days=cool_days)),
        dismissed=_disliked(said),
        looks=_single(looks),
    )


def _touched(
    looks: Sequence[Event],
) -> tuple[tuple[int, ...], tuple[float, ...], tuple[int, ...], dict[int, tuple[int, ...]]]:
    """Items with what was meant by touching them, newest first."""
    meant: defaultdict[int, float] = defaultdict(float)
    times: Counter[int] = Counter()
    last: dict[int, int] = {}
    behind: dict[int, list[int]] = {}
    for event in looks:
        if not event.item or event.kind not in (*WEIGHTS, *UNDONE):
            continue
        times[event.item] += 1
        if times[event.item] > MOST_OF_ONE:
            continue
        # The second look says half as much as the first, the third a third.
        worth = meant_by(event)
        meant[event.item] += worth / times[event.item] if event.kind == "view" else worth
        last.setdefault(event.item, to_us(event.at))
        if event.kind in WEIGHTS:
            behind.setdefault(event.item, []).append(event.seq)
    kept = [item for item in last if meant[item] > 0]
    return (
        tuple(kept),
        tuple(meant[item] for item in kept),
        tuple(last[item] for item in kept),
        {item: tuple(behind.get(item, ())[:3]) for item in kept},
    )


def _single(looks: Sequence[Event]) -> tuple[tuple[int, int, float], ...]:
    """Looks one by one, not more than enough of any item."""
    times: Counter[int] = Counter()
    found = []
    for event in looks:
        if event.item and event.kind in WEIGHTS:
            times[event.item] += 1
            if times[event.item] <= MOST_OF_ONE:
                found.append((event.item, to_us(event.at), meant_by(event)))
    return tuple(found)


def meant_by(event: Event) -> float:
    """How much a look, like, cart ... was meant; below zero where it took something back."""
    if event.kind in UNDONE:
        return -WEIGHTS[UNDONE[event.kind]]
    if event.kind != "view":
        return WEIGHTS[event.kind]
    dwell = event.body.get("dwell_ms")
    if not isinstance(dwell, int | float):
        return WEIGHTS["view"]
    if dwell < BOUNCE_MS:
        return BOUNCED
    return WEIGHTS["view"] + min(float(dwell) / A_LOOK_MS, 3.0)


def _session(looks: Sequence[Event], at: datetime) -> tuple[int, ...]:
    """Items of the visit under way, oldest first: no gap in it is longer than half an hour."""
    before, found = at, []
    for event in looks:
        if before - event.at > SESSION:
            break
        before = event.at
        if event.item and event.kind in WEIGHTS and meant_by(event) > BOUNCED:
            found.append(event.item)
    return tuple(reversed(found))


def _follows(said: Sequence[Event]) -> frozenset[int]:
    latest: dict[int, str] = {}
    for event in said:
        if event.kind in ("follow", "unfollow") and event.body.get("creator"):
            latest.setdefault(creator_number(str(event.body["creator"])), event.kind)
    return frozenset(number for number, kind in latest.items() if kind == "follow")


def _disliked(said: Sequence[Event]) -> frozenset[int]:
    """What was disliked without ever having been liked: "not interested" holds."""
    net: Counter[int] = Counter()
    for event in said:
        net[event.item] += (event.kind == "like") - (event.kind == "unlike")
    return frozenset(item for item, likes in net.items() if item and likes < 0)


def _unclicked(events: Sequence[Event], shown: Sequence[Event], since: datetime) -> Counter[int]:
    """How often each item was shown since the person last touched it."""
    touched: dict[int, datetime] = {}
    for event in events:
        touched.setdefault(event.item, event.at)
    return Counter(
        event.item
        for event in shown
        if event.at >= since and (event.item not in touched or event.at > touched[event.item])
    )


def _is_closed(shop: Shop, person: int, at: datetime) -> bool:
    """Whether the person said that nothing may be inferred of them."""
    (consents,) = shop.store.people.consents_of([person])
    from renwei.core.nouns import consent_by

    return consent_by(consents, "profiling", "*", at) is ConsentState.WITHDRAWN
