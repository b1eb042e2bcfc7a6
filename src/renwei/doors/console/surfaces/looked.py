"""A look at what somebody would be shown, kept while nothing that it rests on has changed.

Asking records a decision, as for a shop's own page. Whoever reloads, turns back or changes the
language of the console is shown the same look again, and nothing more is recorded.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from renwei.app.house import House
from renwei.core.chance import from_id
from renwei.core.orders import ORDER_KINDS
from renwei.core.store import Store
from renwei.doors.console import gate
from renwei.doors.console.frame import Visit

KEPT = timedelta(minutes=10)
MOST = 100
"""So many looks are kept a shop."""
PAPERS = ("surface", "page", "autonomy")
"""Kinds of documents that what is shown depends on."""


@dataclass
class _Looks:
    guard: threading.Lock = field(default_factory=threading.Lock)
    kept: OrderedDict[Any, tuple[Any, datetime, Any]] = field(default_factory=OrderedDict)


_looks: WeakKeyDictionary[House, _Looks] = WeakKeyDictionary()
_guard = threading.Lock()


def looked(visit: Visit, name: str, /, **fields: Any) -> Any:
    """The answer of `recommend` or `page` as plain data, a look of before where nothing changed.

    Raises:
        RenweiError: Whatever the operation refuses.
    """
    gate.insist(visit.visitor, name, fields)
    with _guard:
        looks = _looks.setdefault(visit.house, _Looks())
    key = (name, visit.language, msgspec.json.encode(fields, order="sorted"))
    stamp, now = _stamp(visit, str(fields.get("user_id", ""))), visit.house.clock.now()
    with looks.guard:
        held = looks.kept.get(key)
        if held is None or held[0] != stamp or not timedelta(0) <= now - held[1] < KEPT:
            held = looks.kept[key] = (stamp, now, gate.ask(visit, name, fields))
        looks.kept.move_to_end(key)
        while len(looks.kept) > MOST:
            looks.kept.popitem(last=False)
    return plain(gate.shown(visit.visitor, held[2]))


def asked(visit: Visit, name: str, /, **fields: Any) -> Any:
    """The answer of an operation as plain data, the same for every role but for what is masked."""
    return plain(visit.call(name, **fields))


def plain(answer: Any) -> Any:
    """Dicts, lists and scalars, whoever looks."""
    return msgspec.to_builtins(answer, builtin_types=(datetime,))


def _version(store: Store, kind: str, name: str) -> int:
    paper = store.papers.get(kind, name)
    return paper.version if paper else 0


def _stamp(visit: Visit, person: str) -> Any:
    """Changes with what the person does or allows, and with what there is to be shown.

    Not with the whole log: being looked at here is an event of its own.
    """
    from renwei.recommend.goods import goods
    from renwei.recommend.moment import LOOKS, SHOWN

    shop = visit.house.shop()
    store, number = shop.store, from_id(person) or 0
    actors = store.people.actors_of(number) if number else []
    kinds = (*LOOKS, SHOWN, *ORDER_KINDS)
    now = shop.clock.now()
    last = [one.seq for one in store.log.of(actors, until=now, kinds=kinds, limit=1)]
    learnt = shop.shelf.get("taste-items")
    return (
        last,
        store.people.consents_of([number]) if number else (),
        store.people.map_version(),
        [_version(store, kind, name) for kind in PAPERS for name in store.papers.names(kind)],
        goods(store).mark,
        "" if learnt is None else learnt.version,
        shop.settings,
    )
