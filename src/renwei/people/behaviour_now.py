"""The sums of behaviour of everybody as of now: the fold's, and what it has not reached yet."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY
from renwei.core.shop import Shop
from renwei.core.store import Store
from renwei.learn.behaviour import KINDS
from renwei.people.intent import added

FOLD = "interests"
LOOKED_BACK_DAYS = 180
MOST_EVENTS = 20_000
AGAIN_AFTER = timedelta(hours=6)
_TRIES = 3


@dataclass(frozen=True)
class _Held:
    """Sums by actor, as plain columns, up to a position of the log."""

    columns: Mapping[str, Any]
    position: int
    read_at: datetime
    map_version: int = -1
    sums: Any = field(default=None)


_KEPT: WeakKeyDictionary[Store, _Held] = WeakKeyDictionary()
_LOCK = threading.Lock()


def behaviour_now(shop: Shop, at: datetime) -> Any:
    """Everybody's `Sums` (renwei.learn.interest), by person."""
    with _LOCK:
        held = _KEPT.get(shop.store)
        behind = shop.store.log.position() - held.position if held else 0
        old = held is not None and not timedelta(0) <= at - held.read_at < AGAIN_AFTER
        if held is None or old or not 0 <= behind <= MOST_EVENTS:
            held = _read(shop, at)
        held = _moved_on(shop, held)
        held = _by_person(shop, held)
        _KEPT[shop.store] = held
        return held.sums


_NAMES = ("actor", "name", "item", "n", "amount", "last_us")


def _read(shop: Shop, at: datetime) -> _Held:
    import numpy as np

    from renwei.learn.interest import CODE

    since = max(to_us(at) // 86_400_000_000 - LOOKED_BACK_DAYS, 0)
    for _ in range(_TRIES):
        position = shop.store.tallies.position(FOLD)
        sums = shop.store.tallies.columns((), since_day=since)
        if shop.store.tallies.position(FOLD) == position:
            break
    code = np.array([CODE.get(name, -1) for name in sums["name"]], dtype=np.int64)
    columns = {n: np.asarray(sums[n], dtype=np.int64) for n in _NAMES if n != "name"}
    columns = {n: column[code >= 0] for n, column in columns.items()}
    return _Held(columns | {"name": code[code >= 0]}, position, at)


def _moved_on(shop: Shop, held: _Held) -> _Held:
    import numpy as np

    from renwei.learn.interest import CODE

    position = shop.store.log.position()
    if position == held.position:
        return held
    events = [e for e in shop.store.log.read(after=held.position, kinds=KINDS) if e.actor]
    rows = added(shop, events, {event.actor: event.actor for event in events})
    if not rows:
        return replace(held, position=position)
    actor, name, item, n, amount, last = zip(*rows, strict=True)
    fresh = (actor, [CODE[one] for one in name], item, n, amount, last)
    columns = {
        key: np.concatenate([held.columns[key], np.array(values, dtype=np.int64)])
        for key, values in zip(_NAMES, fresh, strict=True)
    }
    return replace(held, columns=columns, position=position, sums=None)


def _by_person(shop: Shop, held: _Held) -> _Held:
    import numpy as np

    from renwei.learn.interest import Sums

    version = shop.store.people.map_version()
    if held.sums is not None and held.map_version == version:
        return held
    actors, row = np.unique(held.columns["actor"], return_inverse=True)
    persons = np.array(shop.store.people.persons_of(actors.tolist()), dtype=np.int64)
    who = persons[row] if len(actors) else held.columns["actor"]
    rest = {name: held.columns[name] for name in _NAMES if name != "actor"}
    sums = Sums(person=who, **rest)
    return replace(held, sums=sums.pick(sums.person != NOBODY), map_version=version)
