"""One person at this moment: the shop's estimates as they lie there, her own orders and looks live.

An answer about one person must not load what the whole list is judged from. What all people
share is read once a version of the estimates and kept; her own row is read, or made anew with
the stored fit where she ordered after it was written. The formulae are those of the list.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from renwei.core.clock import to_us
from renwei.core.nouns import Event, Item
from renwei.core.orders import ORDER_KINDS, Purchase, counted
from renwei.core.shop import Columns, Shop
from renwei.core.store import Store
from renwei.learn.behaviour import KINDS, found_by, keyword_of, rows_of
from renwei.learn.interest import COLUMNS, Interest, Sums, interest_of
from renwei.learn.standing import peers_of, rhythm_of, standing
from renwei.reach.basis import Basis, shared_basis
from renwei.reach.facts import Past
from renwei.reach.history import CONTACT, History, listed_since, local_day, recent_lists
from renwei.reach.interest import is_closed, made_by, sums_of, texts_of
from renwei.reach.lasts import fold_one, is_goods
from renwei.reach.outcomes_learnt import kept_effects

CATALOGUE_S = 30
"""New products are looked for so often, or at once where somebody looked at one."""
_LOOKED_BACK = timedelta(days=60)
_TRIES = 3
FRESH = "fresh@1"


@dataclass(frozen=True)
class Shared:
    """What is the same for everybody, of one version of the estimates and the catalogue."""

    basis: Basis
    people: Columns | None
    peers: Mapping[str, Any]
    made_by: Mapping[int, Sequence[int]]
    texts: Mapping[int, str]
    goods: frozenset[int]
    families: Mapping[int, int]
    mark: tuple[str, ...]
    read_at: datetime
    listed: Mapping[int, datetime]
    day: date
    written: int
    """Up to where the catalogue's changes are in it."""

    @property
    def as_of(self) -> str:
        """When the estimates were made, "" where there are none."""
        return str(self.people.meta.get("as_of", "")) if self.people else ""


@dataclass(frozen=True)
class Present:
    """One person now: a basis of one row, and what it already knows.

    `past` is what the log says of her, read once for all who ask.
    """

    basis: Basis
    shared: Shared
    sums: Sums
    orders: tuple[Purchase, ...]
    last_us: int
    past: Past


_KEPT: WeakKeyDictionary[Store, Shared] = WeakKeyDictionary()
_LOCK = threading.Lock()


def present(shop: Shop, person: int, at: datetime) -> Present:
    """Read one person as of now; nothing is learnt."""
    sums, events, past = _live(shop, person, at)
    items = {*sums.item.tolist(), *[event.item for event in events]}
    shared = _shared(shop, at, items)
    behaved = _joined(sums, events, (person, shared.texts))
    orders = past.orders()
    interest = interest_of(behaved, to_us(at), shared.made_by)
    row = _row(shared, person, orders, at)
    basis = _one(shared, person, (row, orders), at, interest)
    newest = [to_us(event.at) for event in (*past.events(KINDS, 1), *orders[:1])]
    return Present(basis, shared, behaved, tuple(counted(orders)), max(newest, default=0), past)


def _shared(shop: Shop, at: datetime, items: set[int]) -> Shared:
    mark = _mark(shop)
    with _LOCK:
        held = _KEPT.get(shop.store)
        if held is None or held.mark != mark or not _serves(shop, held, at, items):
            held = _KEPT[shop.store] = _read(shop, at, mark, held)
        return held


def _mark(shop: Shop) -> tuple[str, ...]:
    tables = (shop.shelf.get(name) for name in ("people", "needs", "items", "pairs"))
    return tuple("" if table is None else table.version for table in tables)


def _serves(shop: Shop, held: Shared, at: datetime, items: set[int]) -> bool:
    if held.day != local_day(shop, at):
        return False
    age = (at - held.read_at) / timedelta(seconds=1)
    # A creator's number is no item and never comes in: such a look may wait a second.
    fresh = any(0 < item < 1 << 32 and item not in held.texts for item in items)
    return 0 <= age < (1 if fresh else CATALOGUE_S)


def _read(shop: Shop, at: datetime, mark: tuple[str, ...], held: Shared | None) -> Shared:
    day, effects = local_day(shop, at), kept_effects(shop)
    lists = History(lists=recent_lists(shop, day, 4))
    listed = listed_since(shop, lists, at - timedelta(days=3))
    written, fresh = shop.store.items.changed(held.written if held else 0)
    same = held is not None and held.mark == mark
    if held is not None and same and not fresh and held.basis.effects == effects:
        # Of a large catalogue the rest would keep every answer waiting for nothing.
        return replace(held, read_at=at, listed=listed, day=day)
    people = shop.shelf.get("people")
    products = shop.store.items.all_items("product")
    as_of = datetime.fromisoformat(str(people.meta["as_of"])) if people else at
    peers = peers_of(people.columns, to_us(as_of)) if people and not (held and same) else {}
    return Shared(
        basis=shared_basis(shop, at, effects, products),
        people=people,
        peers=held.peers if held and same else peers,
        made_by=made_by(products),
        texts=texts_of(products),
        goods=frozenset(product.number for product in products if is_goods(product)),
        families=_families(products),
        mark=mark,
        read_at=at,
        listed=listed,
        day=day,
        written=written,
    )


def _families(products: Sequence[Item]) -> dict[int, int]:
    """Items of one category have one number; 0 where there is none."""
    numbers: dict[str, int] = {"": 0}
    return {p.number: numbers.setdefault(p.category, len(numbers)) for p in products}


def _live(shop: Shop, person: int, at: datetime) -> tuple[Sums, list[Event], Past]:
    """The sums of a person, the events that no sum knows yet, and what the log says of her."""
    store = shop.store
    for _ in range(_TRIES):
        position = store.tallies.position("interests")
        sums = sums_of(shop, person, at)
        past = Past(store, person, at, at_once=(*KINDS, *ORDER_KINDS, *CONTACT))
        if store.tallies.position("interests") == position:
            break
    if is_closed(shop, person, at):
        return sums.pick(sums.person < 0), [], past
    # Of a flood the fold believes a few; until it has, none of it counts.
    newer = [
        event
        for event in past.events(KINDS, 200)
        if event.seq > position and event.at > at - _LOOKED_BACK and not event.body.get("flood")
    ]
    return sums, newer, past


def _joined(sums: Sums, events: Sequence[Event], about: tuple[int, Mapping[int, str]]) -> Sums:
    """Sums with what these events add to them."""
    person, texts = about
    words = {keyword_of(event.body) for event in events if event.kind == "search"} - {""}
    found = found_by(words, texts)
    rows = [
        (person, name, item, 1, amount, to_us(event.at))
        for event in events
        for name, item, amount in rows_of(event.kind, event.item, event.body, found)
    ]
    if not rows:
        return sums
    more = Sums.of(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)))
    return Sums(*(np.concatenate([getattr(sums, c), getattr(more, c)]) for c in COLUMNS))


def _row(
    shared: Shared, person: int, events: Sequence[Event], at: datetime
) -> dict[str, float] | int:
    """Her row of the estimates, or one made anew where she ordered after they were written."""
    people = shared.people
    if people is not None:
        row = int(np.searchsorted(people.columns["person"], person))
        known = row < len(people.columns["person"]) and people.columns["person"][row] == person
        if known and all(event.seq <= int(people.meta["position"]) for event in events):
            return row
    orders = counted(events)
    meta: Mapping[str, Any] = people.meta if people else {}
    made = standing(
        np.array([to_us(order.at) / 1e6 for order in orders]),
        np.array([order.value_minor for order in orders], dtype=np.int64),
        as_of=to_us(at) / 1e6,
        rhythm=rhythm_of(meta.get("rhythm")),
        peers=shared.peers,
    )
    edges = [float(edge) for edge in meta.get("tier_edges_minor", ())]
    year = made.get("year_value", 0.0)
    # Tiers stand from high to low: each edge not reached is a step down.
    made["tier"] = sum(year < edge for edge in edges) if edges else len(shared.basis.tiers) - 1
    return made


def _one(
    shared: Shared,
    person: int,
    known: tuple[dict[str, float] | int, Sequence[Event]],
    at: datetime,
    interest: Interest,
) -> Basis:
    row, events = known
    whole = shared.basis
    people: dict[str, Any] = {}
    for name, column in whole.people.items():
        if isinstance(row, int):
            people[name] = np.asarray(column[row : row + 1])
        else:
            people[name] = np.array([row.get(name, 0)]).astype(column.dtype)
    people["person"] = np.array([person], dtype=np.int64)
    last, bought = fold_one(person, events, shared.goods)
    made = replace(
        whole,
        at_us=to_us(at),
        people=people,
        needs=_needs(whole, person, events),
        last=last,
        bought=bought,
        interest=interest,
        crowd=len(whole),
        model=whole.model if isinstance(row, int) else f"{whole.model} {FRESH}",
    )
    # These are of the whole shop, whoever is asked about.
    made.__dict__["basket"], made.__dict__["history_days"] = whole.basket, whole.history_days
    return made


def _needs(whole: Basis, person: int, events: Sequence[Event]) -> dict[str, Any]:
    """Her needs; what she took after the estimates were written has just been met."""
    begin = int(np.searchsorted(whole.needs["person"], person))
    end = int(np.searchsorted(whole.needs["person"], person, side="right"))
    needs = {name: np.array(column[begin:end]) for name, column in whole.needs.items()}
    for order in counted([event for event in events if event.seq > whole.position]):
        for line in order.lines:
            mine = needs["item"] == line[0]
            needs["last_us"][mine] = np.maximum(needs["last_us"][mine], to_us(order.at))
    return needs
