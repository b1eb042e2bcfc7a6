"""Everybody as columns, as of now: what the list of people and the audiences are read from.

Put together once from the estimates and the sums, and then kept up with the log: an event of
a second ago changes its person's row without anything else being read again. Readers get one
whole state; a new one takes its place, and no column is ever changed under a reader.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Event
from renwei.core.shop import Columns, Shop
from renwei.core.store import Store
from renwei.learn.behaviour import KINDS as BEHAVIOUR
from renwei.people.indexed import once, within
from renwei.people.now import KINDS as ORDERS
from renwei.people.now import STAGES, TIERS, frame_of, made_anew, peers_now

if TYPE_CHECKING:
    from renwei.people.frame import Frame

COUNTED = {
    "orders": "int32", "spend_minor": "int64", "first_us": "int64", "last_us": "int64",
    "stage": "int8", "tier": "int8", "year_value": "float64", "p30": "float32",
}  # fmt: skip
SEEN = "seen_us"
FOLD = "interests"
PEOPLE_EVERY = timedelta(seconds=30)
"""People who came in without an event (a list of contacts) are looked for so often."""
MOST_EVENTS = 20_000
"""Farther behind the log than this, it is cheaper to begin anew."""
MOST_ANEW = 2_000
LOOKED_BACK_DAYS = 60
ALIVE = ("order", "identify", "location", *BEHAVIOUR)
"""Signs of life; what the team does, or a file tells anew of an old order, is none."""


@dataclass(frozen=True)
class Crowd:
    """Everybody now; columns of shape (people,), ascending by `person`.

    `stage` and `tier` index into the names, -1 where somebody never ordered; `as_of` is when
    the estimates were made.
    """

    person: Any
    columns: Mapping[str, Any]
    stages: tuple[str, ...]
    tiers: tuple[str, ...]
    as_of: str
    currency: str
    mark: tuple[Any, ...]
    position: int
    listed_at: datetime
    peers: Mapping[str, Any] = field(default_factory=dict)
    bought: tuple[tuple[int, int, int], ...] = ()
    """(person, item, microseconds) of what was ordered since the estimates were made."""
    taken: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """All that these people bought, as (item, microseconds) once a day: whose orders changed since
    then. Of them no estimate is read."""
    ordered: Mapping[str, int] = field(default_factory=dict)
    """Who made the orders since then, by the order's key; and from which platforms and shops."""
    places: frozenset[tuple[str, str]] = frozenset()

    def __len__(self) -> int:
        """How many people."""
        return len(self.person)

    def rows(self, persons: Iterable[int]) -> Any:
        """Rows of some people, ascending; those who are not there are left out."""
        import numpy as np

        return self.rows_of(np.array(sorted(set(persons)), dtype=np.int64))

    def rows_of(self, persons: Any) -> Any:
        """`rows` of an ascending array without repetitions."""
        return self.person.searchsorted(persons[within(persons, self.person)])

    @cached_property
    def unjudged(self) -> int:
        """How many ordered of whom neither stage nor tier was estimated yet."""
        import numpy as np

        ordered = np.flatnonzero((self.columns["orders"] > 0) & (self.columns["tier"] < 0))
        newer = once(np.array([person for person, _, _ in self.bought], dtype=np.int64))
        rows = self.rows_of(newer)
        more = rows[(self.columns["tier"][rows] < 0) & (self.columns["orders"][rows] <= 0)]
        return len(ordered) + len(more) + len(newer) - len(rows)


_KEPT: WeakKeyDictionary[Store, Crowd] = WeakKeyDictionary()
_LOCK = threading.Lock()


def crowd(shop: Shop, at: datetime) -> Crowd:
    """Everybody as of now; nothing is learnt."""
    with _LOCK:
        held = _KEPT.get(shop.store)
        position, mark = shop.store.log.position(), _mark(shop)
        behind = position - held.position if held else 0
        if held is None or held.mark[0] != mark[0] or not 0 <= behind <= MOST_EVENTS:
            held = _read(shop, at, mark)
        elif held.mark != mark:
            held = replace(_remapped(shop, held, at), mark=mark)
        if held.position < position:
            held = _moved_on(shop, held, at)
        if not timedelta(0) <= at - held.listed_at < PEOPLE_EVERY:
            held = replace(_joined(held, shop.store.people.all_persons()), listed_at=at)
        _KEPT[shop.store] = held
        return held


def with_people(held: Crowd, persons: Iterable[int]) -> Crowd:
    """The same with rows of people who came in since everybody was listed."""
    return _joined(held, persons)


def let_go(shop: Shop) -> None:
    """Read everything anew next time: two people were found not to be one."""
    with _LOCK:
        _KEPT.pop(shop.store, None)


def _mark(shop: Shop) -> tuple[Any, ...]:
    people = shop.shelf.get("people")
    return (people.version if people else "", shop.store.people.map_version())


def _read(shop: Shop, at: datetime, mark: tuple[Any, ...]) -> Crowd:
    import numpy as np

    people = shop.shelf.get("people")
    position = shop.store.log.position()
    everybody = np.array(shop.store.people.all_persons(), dtype=np.int64)
    meta: Mapping[str, Any] = people.meta if people else {}
    empty = Crowd(
        person=np.zeros(0, dtype=np.int64),
        columns={name: np.zeros(0, dtype=kind) for name, kind in _kinds().items()},
        stages=tuple(meta.get("stages", STAGES)),
        tiers=tuple(meta.get("tiers", TIERS)),
        as_of=str(meta.get("as_of", "")),
        currency=str(meta.get("currency") or shop.settings.currency),
        mark=mark,
        position=position,
        listed_at=at,
        peers=peers_now(people),
    )
    made = _joined(empty, everybody)
    if people is not None:
        made = _with_estimates(made, people)
    made = _seen_in_sums(shop, made)
    newer = shop.store.log.read(after=int(meta.get("position", 0)), kinds=ORDERS)
    return _ordered_anew(shop, made, at, [event for event in newer if event.kind != "return"])


def _remapped(shop: Shop, held: Crowd, at: datetime) -> Crowd:
    """With people who became one in one row, and without those who were forgotten."""
    import numpy as np

    roots = np.array(shop.store.people.persons_of(held.person.tolist()), dtype=np.int64)
    gone = roots != held.person
    if not gone.any():
        return held
    seen: dict[int, int] = {}
    for root, us in zip(roots[gone].tolist(), held.columns[SEEN][gone].tolist(), strict=True):
        seen[root] = max(us, seen.get(root, 0))
    ordered = roots[gone & (held.columns["orders"] > 0)].tolist()
    kept = {name: column[~gone] for name, column in held.columns.items()}
    now = dict(zip(held.person[gone].tolist(), roots[gone].tolist(), strict=True))
    left = replace(
        held,
        person=held.person[~gone],
        columns=kept,
        bought=tuple((now.get(who, who), item, us) for who, item, us in held.bought),
        taken={who: rows for who, rows in held.taken.items() if who not in now},
    )
    seen.pop(NOBODY, None)
    return _anew(shop, _seen(left, seen), at, ordered)


def _kinds() -> dict[str, str]:
    return {**COUNTED, SEEN: "int64"}


def _joined(held: Crowd, persons: Iterable[int]) -> Crowd:
    """With rows of people who have none yet."""
    import numpy as np

    wanted = np.asarray(persons if isinstance(persons, np.ndarray) else list(persons), np.int64)
    more = once(wanted[~within(wanted, held.person) & (wanted != NOBODY)])
    if not len(more):
        return held
    person = np.concatenate([held.person, more])
    order = np.argsort(person, kind="stable")
    columns = {}
    for name, kind in _kinds().items():
        blank = np.full(len(more), -1 if name in ("stage", "tier") else 0, dtype=kind)
        columns[name] = np.concatenate([held.columns[name], blank])[order]
    return replace(held, person=person[order], columns=columns)


def _with_estimates(held: Crowd, people: Columns) -> Crowd:
    import numpy as np

    at = np.searchsorted(held.person, people.columns["person"])
    at = np.minimum(at, max(len(held.person) - 1, 0))
    known = held.person[at] == people.columns["person"] if len(held.person) else at > 0
    columns = dict(held.columns)
    for name, kind in COUNTED.items():
        if name in people.columns:
            columns[name] = held.columns[name].copy()
            columns[name][at[known]] = np.asarray(people.columns[name])[known].astype(kind)
    columns[SEEN] = np.maximum(columns[SEEN], columns["last_us"])
    return replace(held, columns=columns)


def _seen_in_sums(shop: Shop, held: Crowd) -> Crowd:
    since = max(to_us(held.listed_at) // 86_400_000_000 - LOOKED_BACK_DAYS, 0)
    folded = shop.store.tallies.position(FOLD)
    sums = shop.store.tallies.columns((), since_day=since)
    rows = list(zip(sums["actor"], sums["last_us"], strict=True))
    if 0 < held.position - folded <= MOST_EVENTS:
        # What the fold has not reached yet was no less seen.
        young = shop.store.log.read(after=folded, kinds=ALIVE)
        rows += [(one.actor, to_us(one.at)) for one in young if one.at <= held.listed_at]
    actors = sorted({actor for actor, _ in rows})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    last: dict[int, int] = {}
    for actor, us in rows:
        person = persons[actor]
        if us > last.get(person, 0):
            last[person] = us
    last.pop(NOBODY, None)
    return _seen(held, last)


def _seen(held: Crowd, last: Mapping[int, int]) -> Crowd:
    """With people seen at these times (microseconds), by person."""
    import numpy as np

    if not last:
        return held
    held = _joined(held, last)
    rows = held.rows(last)
    when = np.array([last[person] for person in held.person[rows].tolist()], dtype=np.int64)
    column = held.columns[SEEN].copy()
    column[rows] = np.maximum(column[rows], when)
    return replace(held, columns={**held.columns, SEEN: column})


def _ordered_anew(shop: Shop, held: Crowd, at: datetime, events: Sequence[Event]) -> Crowd:
    """With the rows of people who ordered after their estimates were made."""
    actors = sorted({event.actor for event in events} - {NOBODY})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    lines = [
        (persons[event.actor], int(line[0]), to_us(event.at))
        for event in events
        if event.actor and event.kind != "return" and event.body.get("status", "paid") == "paid"
        for line in event.body.get("lines") or ()
    ]
    keys = {str(e.body.get("order")): persons[e.actor] for e in events if e.actor in persons}
    places = {(str(e.body.get("platform", "")), str(e.body.get("shop", ""))) for e in events}
    held = replace(
        held,
        bought=(*held.bought, *lines),
        ordered={**held.ordered, **keys},
        places=held.places | places,
    )
    return _anew(shop, held, at, persons.values())


def _anew(shop: Shop, held: Crowd, at: datetime, found: Iterable[int]) -> Crowd:
    persons = sorted(set(found) - {NOBODY})
    held = _joined(held, persons) if persons else held
    if not 0 < len(persons) <= MOST_ANEW:
        # A whole file came in: its people have to wait for the learning that it set off.
        return held
    columns = {name: column.copy() for name, column in held.columns.items()}
    taken = dict(held.taken)
    for row in held.rows(persons).tolist():
        person = int(held.person[row])
        frame = frame_of(shop, person, at)
        for name, value in made_anew(shop, person, at, held.peers, frame).items():
            if name in COUNTED:
                columns[name][row] = value
        columns[SEEN][row] = max(columns[SEEN][row], columns["last_us"][row])
        taken[person] = taken_in(frame, at)
    return replace(held, columns=columns, taken=taken)


def taken_in(frame: Frame, at: datetime) -> tuple[tuple[int, int], ...]:
    """What was bought by a time, each thing once a day: (item, microseconds)."""
    from renwei.people.needs import purchases

    orders = frame.as_of(at)
    found = purchases(orders, frame.lines(orders))
    return tuple(zip(found.item.tolist(), found.at_us.tolist(), strict=True))


def _moved_on(shop: Shop, held: Crowd, at: datetime) -> Crowd:
    """With everything that came in since."""
    position = shop.store.log.position()
    events = [event for event in shop.store.log.read(after=held.position) if event.actor]
    actors = sorted({event.actor for event in events})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    last: dict[int, int] = {}
    for event in events:
        person = persons[event.actor]
        if person != NOBODY and event.kind in ALIVE and event.at <= at:
            last[person] = max(last.get(person, 0), to_us(event.at))
    held = _seen(held, last)
    held = _ordered_anew(shop, held, at, [event for event in events if event.kind in ORDERS])
    return replace(held, position=position)
