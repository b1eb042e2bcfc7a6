"""The facts of everybody, as they stand now: what can be filtered by, and how much is filled.

Read once; then only people about whom something new came in are looked at again.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from renwei.core.nouns import NOBODY, Fact, Told
from renwei.core.shop import Shop
from renwei.core.store import Store

BRING = ("identify", "alias", "group", "answer", "order")
"""Kinds of events after which somebody's facts may be others."""
MOST_AGAIN = 2_000
AGAIN_AFTER = timedelta(minutes=10)
"""For facts that came in without an event or an import."""
_STRENGTH = {told: strength for strength, told in enumerate(reversed(Told))}


@dataclass(frozen=True)
class Facts:
    """By name, by person: the fact that counts."""

    named: Mapping[str, Mapping[int, Fact]]
    position: int
    map_version: int
    folded: int
    imports: int
    read_at: datetime
    pending: frozenset[int] = field(default_factory=frozenset)


_KEPT: WeakKeyDictionary[Store, Facts] = WeakKeyDictionary()
_LOCK = threading.Lock()


def facts_now(shop: Shop, name: str = "") -> Mapping[str, Mapping[int, Fact]]:
    """Facts by name and person; of one name where it is given."""
    with _LOCK:
        held = _KEPT.get(shop.store)
        old = held is None or not timedelta(0) <= shop.clock.now() - held.read_at < AGAIN_AFTER
        if held is None or old or held.imports != len(shop.store.papers.names("import")):
            held = _read(shop)
        else:
            held = _moved_on(shop, _remapped(shop, held))
        _KEPT[shop.store] = held
    return {name: held.named.get(name, {})} if name else held.named


def look_again(shop: Shop, person: int) -> None:
    """Somebody's facts were changed by hand: they count at once."""
    with _LOCK:
        held = _KEPT.get(shop.store)
        if held is not None:
            _KEPT[shop.store] = replace(held, named=_again(shop, held.named, [person]))


def _read(shop: Shop) -> Facts:
    store = shop.store
    position, folded = store.log.position(), store.tallies.position("profiles")
    version = store.people.map_version()
    found: dict[str, dict[int, Fact]] = defaultdict(dict)
    for person, fact in _all(shop):
        known = found[fact.name].get(person)
        # Rows come oldest first, so an equal strength means a later word.
        if known is None or _STRENGTH[fact.told] >= _STRENGTH[known.told]:
            found[fact.name][person] = fact
    imports = len(store.papers.names("import"))
    return Facts(dict(found), position, version, folded, imports, shop.clock.now())


def _all(shop: Shop) -> Iterator[tuple[int, Fact]]:
    people = shop.store.people
    rows = list(people.all_facts())
    actors = sorted({actor for actor, _ in rows})
    persons = dict(zip(actors, people.persons_of(actors), strict=True))
    for actor, fact in rows:
        if persons[actor] != NOBODY:
            yield persons[actor], fact


def let_go(shop: Shop) -> None:
    """Read everything anew next time."""
    with _LOCK:
        _KEPT.pop(shop.store, None)


def _remapped(shop: Shop, held: Facts) -> Facts:
    version = shop.store.people.map_version()
    if version == held.map_version:
        return held
    persons = sorted({person for of in held.named.values() for person in of})
    roots = zip(persons, shop.store.people.persons_of(persons), strict=True)
    moved = {person: root for person, root in roots if person != root}
    again = sorted({*moved, *moved.values()} - {NOBODY})
    rest = {
        name: {person: fact for person, fact in of.items() if person not in moved}
        for name, of in held.named.items()
    }
    return replace(held, named=_again(shop, rest, again), map_version=version)


def _moved_on(shop: Shop, held: Facts) -> Facts:
    store = shop.store
    position, folded = store.log.position(), store.tallies.position("profiles")
    if position == held.position and folded == held.folded:
        return held
    events = store.log.read(after=held.position, kinds=BRING)
    actors = sorted({event.actor for event in events} - {NOBODY})
    waiting = held.pending | (set(store.people.persons_of(actors)) - {NOBODY})
    if len(waiting) > MOST_AGAIN:
        return _read(shop)
    named = _again(shop, held.named, sorted(waiting))
    # Until the fold has passed the newest of these events, they are looked at once more.
    pending = frozenset() if folded >= position else frozenset(waiting)
    return replace(held, named=named, position=position, folded=folded, pending=pending)


def _again(
    shop: Shop, named: Mapping[str, Mapping[int, Fact]], persons: Iterable[int]
) -> dict[str, Mapping[int, Fact]]:
    found: dict[str, Mapping[int, Fact]] = dict(named)
    for person in shop.store.people.persons_of(list(persons)):
        own = shop.store.people.profile(person).facts
        touched = {name for name, of in found.items() if person in of} | set(own)
        for name in touched:
            if found.get(name, {}).get(person) != own.get(name):
                rest: dict[int, Any] = dict(found.get(name, {}))
                rest.pop(person, None)
                found[name] = rest | ({person: own[name]} if name in own else {})
    return found
