"""Everybody in front of one item: customers and wares as the mathematics of audiences takes them.

What is asked is answered from the estimates on the shelf ("people", "purchases") and the sums of
looks, held in memory until one of them changes; what is learnt is read from the log, order by
order, of at most a few thousand people.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from renwei.core.chance import u_many
from renwei.core.clock import to_us
from renwei.core.orders import ORDER_KINDS, Purchase, counted
from renwei.core.shop import Columns, Shop
from renwei.core.store import Store
from renwei.learn.audience.odds import Odds
from renwei.learn.audience.signs import DAY_US, LOOKED_BACK_DAYS, Customers, Wares, faded_looks
from renwei.learn.audience.trials import MOST_PEOPLE, Bought
from renwei.learn.taste.titles import Catalogue, vectors
from renwei.recommend.goods import Goods, goods
from renwei.recommend.pasts import STILL

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TABLE = "audience"
LOOKS = {"view": 0.3, "like": 1.0, "wish": 1.0, "cart": 2.0}
MOST_ORDERS = 200_000
"""Orders read to learn from; with more, of a sample of people."""
MOST_WRITTEN = 30_000
"""Items whose texts are compared: those with most buyers."""
AGAIN_AFTER_US = 3_600_000_000
Looks = tuple[Ints, Ints, Ints, Floats]


@dataclass(frozen=True, eq=False)
class Everybody:
    """The customers of a shop now, with the numbers behind the rows.

    Attributes:
        person: Our numbers, ascending: shape (people,). stock: The catalogue behind the items.
        at: Now. `now.at_us` is earlier in a shop that stands still: everybody is then asked
            about as of the last thing that was heard.
        now, wares: As the mathematics takes them; items are rows of `stock`.
        as_of: When the estimates were made, ISO; "" without any.
    """

    person: Ints
    stock: Goods
    at: datetime
    now: Customers
    wares: Wares
    as_of: str
    key: tuple[Any, ...]
    texts: Mapping[int, str]


_KEPT: WeakKeyDictionary[Store, Everybody] = WeakKeyDictionary()
_LOOKS: WeakKeyDictionary[Store, tuple[tuple[int, int], Looks]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def everybody(shop: Shop, at: datetime, row: int) -> Everybody:
    """What is known of all customers now; kept until orders, looks or the catalogue change.

    Args:
        shop: The workspace.
        at: Now.
        row: Of the catalogue: the item that is asked about, so that its text is read.
    """
    stock = goods(shop.store)
    people, bought = shop.shelf.get("people"), shop.shelf.get("purchases")
    key = (
        people.version if people else "",
        bought.version if bought else "",
        len(stock),
        shop.store.tallies.position("interests"),
        shop.store.people.map_version(),
    )
    with _LOCK:
        was = held = _KEPT.get(shop.store)
        if held is None or held.key != key or to_us(at) - to_us(held.at) > AGAIN_AFTER_US:
            held = _everybody(shop, (people, bought), stock, at, key)
            if was is not None and len(was.stock) == len(stock):
                held = replace(held, wares=was.wares, texts=was.texts)
        if held.texts.get(row) != _text(stock, row):
            written = _written(held.now.buyers, row)
            texts = {one: _text(stock, one) for one in written.tolist()}
            held = replace(held, stock=stock, wares=wares_of(stock, written), texts=texts)
        elif was is None or was.stock is not stock:
            # A price or a stock that changed: what is written stands.
            held = replace(held, stock=stock, wares=replace(held.wares, log_price=_priced(stock)))
        _KEPT[shop.store] = held
    # What somebody said a moment ago counts, however long the columns are kept.
    return replace(held, at=at)


def _everybody(
    shop: Shop,
    tables: tuple[Columns | None, Columns | None],
    stock: Goods,
    at: datetime,
    key: tuple[Any, ...],
) -> Everybody:
    people, bought = tables
    customers = _ints(people, "person")
    who, item, seen_us, weight = looks_of(shop, at)
    person = np.unique(np.concatenate([customers, who]))
    place = np.searchsorted(person, customers)
    orders, first, last = (np.zeros(len(person), dtype=np.int64) for _ in range(3))
    orders[place] = _ints(people, "orders")
    first[place], last[place] = _ints(people, "first_us"), _ints(people, "last_us")
    buyer, thing = _ints(bought, "person"), stock.rows(_ints(bought, "item"))
    own = np.minimum(np.searchsorted(person, buyer), max(len(person) - 1, 0))
    known = (thing >= 0) & (person[own] == buyer) if len(person) else thing < 0
    times, last_us = _ints(bought, "times"), _ints(bought, "last_us")
    seen = stock.rows(item)
    fine = seen >= 0
    looked = np.searchsorted(person, who[fine]), seen[fine], seen_us[fine], weight[fine]
    at_us = to_us(at)
    ends = max(int(last.max(initial=0)), int(seen_us.max(initial=0))) + 1
    if ends > 1 and at_us - ends > STILL.total_seconds() * 1e6:
        at_us = ends
    now = Customers(
        own[known],
        thing[known],
        times[known].astype(np.float64),
        last_us[known],
        orders.astype(np.float64),
        first,
        last,
        len(stock),
        at_us,
        faded_looks(*looked, at_us),
    )
    as_of = str(people.meta.get("as_of", "")) if people else ""
    return Everybody(person, stock, at, now, _no_wares(len(stock)), as_of, key, {})


def _no_wares(n: int) -> Wares:
    none = np.full(n, -1, dtype=np.int64)
    return Wares(None, none, none, np.full(n, np.nan))


def wares_of(stock: Goods, written: Ints) -> Wares:
    """What is known of items besides their buyers; texts of `written` rows alone."""
    titles = [""] * len(stock)
    for row in written.tolist():
        titles[row] = stock.items[row].title
    priced = _priced(stock)
    category, brand = (np.where(column > 0, column, -1) for column in (stock.category, stock.brand))
    some = np.zeros(len(stock), dtype=bool)
    some[written] = True
    told = Catalogue(titles, _packed(category, some), _packed(brand, some), _of(priced, some))
    return Wares(vectors(len(stock), told), category, brand, priced)


def _priced(stock: Goods) -> Floats:
    return np.where(stock.price > 0, np.log(np.maximum(stock.price, 1)), np.nan)


def _packed(column: Ints, some: NDArray[np.bool_]) -> Ints:
    _, place = np.unique(column, return_inverse=True)
    return np.where(some & (column >= 0), place, -1)


def _of(column: Floats, some: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.where(some, np.exp(column), np.nan).astype(np.float32)


def _written(buyers: Ints, row: int) -> Ints:
    if len(buyers) <= MOST_WRITTEN:
        return np.arange(len(buyers))
    best = np.argsort(-buyers, kind="stable")[:MOST_WRITTEN]
    return np.unique(np.append(best, row))


def _text(stock: Goods, row: int) -> str:
    item = stock.items[row]
    return "|".join((item.code, item.title, item.category, str(item.facts.get("brand", ""))))


def looks_of(shop: Shop, at: datetime) -> Looks:
    """Looks of late: person, item number, when (the day's last), weight."""
    # Who looked may be found to be somebody else, or be forgotten, without another look.
    mark = shop.store.tallies.position("interests"), shop.store.people.map_version()
    held = _LOOKS.get(shop.store)
    if held is not None and held[0] == mark:
        return held[1]
    since = to_us(at) // DAY_US - 6 * int(LOOKED_BACK_DAYS)
    sums = shop.store.tallies.columns(list(LOOKS), since_day=max(since, 0))
    actors, place = np.unique(np.asarray(sums["actor"], dtype=np.int64), return_inverse=True)
    persons = np.array(shop.store.people.persons_of(actors.tolist()), dtype=np.int64)
    worth = np.array([LOOKS[name] for name in sums["name"]], dtype=np.float64)
    n = np.asarray(sums["n"], dtype=np.float64)
    columns = (
        persons[place] if len(actors) else place.astype(np.int64),
        np.asarray(sums["item"], dtype=np.int64),
        np.asarray(sums["last_us"], dtype=np.int64),
        worth * np.log1p(np.maximum(n, 0.0)),
    )
    kept = (columns[0] > 0) & (columns[1] > 0)
    found = columns[0][kept], columns[1][kept], columns[2][kept], columns[3][kept]
    _LOOKS[shop.store] = mark, found
    return found


def bought_of_log(shop: Shop, at: datetime) -> tuple[Bought, Goods]:
    """Purchases as they happened by a time, of all customers or a sample; and the catalogue."""
    stock, chosen = goods(shop.store), _chosen(shop)
    made = _orders(shop, at, chosen)
    actors = sorted({one.actor for one in made})
    place = dict(zip(actors, _places(shop, chosen, actors).tolist(), strict=True))
    rows = [
        (place[one.actor], line[0], to_us(one.at))
        for one in made
        for line in one.lines
        if place[one.actor] >= 0 and line[0] > 0 and line[1] > 0
    ]
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    thing = stock.rows(table[:, 1])
    table, thing = table[thing >= 0], thing[thing >= 0]
    who, item, seen_us, weight = looks_of(shop, at)
    looked, looker = stock.rows(item), _among(chosen, who)
    fine = (looked >= 0) & (looker >= 0)
    looks = looker[fine], looked[fine], seen_us[fine], weight[fine]
    return Bought(table[:, 0], thing, table[:, 2], len(chosen), len(stock), looks), stock


def _chosen(shop: Shop) -> Ints:
    """Customers to learn from, ascending: all of them, or a sample with not too many orders."""
    people = shop.shelf.get("people")
    person, orders = _ints(people, "person"), _ints(people, "orders")
    order = np.argsort(u_many(person, "audience/sample"), kind="stable")
    few = min(MOST_PEOPLE, int((np.cumsum(orders[order]) <= MOST_ORDERS).sum()))
    return np.sort(person[order[:few]])


def _orders(shop: Shop, at: datetime, chosen: Ints) -> list[Purchase]:
    people = shop.shelf.get("people")
    events = (one for one in shop.store.log.read(kinds=ORDER_KINDS[:2]) if one.at <= at)
    if len(chosen) == len(_ints(people, "person")):
        return counted(list(events))
    wanted = {a for one in chosen.tolist() for a in shop.store.people.actors_of(one)}
    return counted([one for one in events if one.actor in wanted])


def _places(shop: Shop, chosen: Ints, actors: Sequence[int]) -> Ints:
    return _among(chosen, np.array(shop.store.people.persons_of(actors), dtype=np.int64))


def _among(chosen: Ints, persons: Ints) -> Ints:
    """Where each person stands among the chosen, -1 who is none of them."""
    if not len(chosen):
        return np.full(len(persons), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(chosen, persons), len(chosen) - 1)
    return np.where(chosen[at] == persons, at, -1)


def odds_of(meta: Any) -> Odds | None:
    """Odds as the shelf holds them."""
    if not meta:
        return None
    return Odds(
        str(meta["way"]),
        np.array(meta["adds"], dtype=np.float64),
        *(float(meta[name]) for name in ("base", "slope", "shift", "spread", "held")),
    )


def odds_to(odds: Odds | None) -> dict[str, Any]:
    """Odds as the shelf keeps them; {} for none."""
    if odds is None:
        return {}
    numbers = {name: getattr(odds, name) for name in ("base", "slope", "shift", "spread", "held")}
    return {"way": odds.way, "adds": [float(one) for one in odds.adds], **numbers}


def _ints(held: Columns | None, name: str) -> Ints:
    if held is None:
        return np.zeros(0, dtype=np.int64)
    return np.asarray(held.columns[name], dtype=np.int64)
