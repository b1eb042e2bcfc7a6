"""What recommend learns from the shop's own past: who is near what, and what is taken now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

import renwei
from renwei.core.nouns import OUR_OWN
from renwei.core.operations import operation
from renwei.core.shop import Columns, Shop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from renwei.recommend.pasts import Rows

DAY_US = 86_400_000_000
POPULAR_HALF_LIFE_DAYS = 7.0
BUY_HALF_LIFE_DAYS = 180.0
LOOK, BUY = 0.2, 1.0
LOOKED_BACK_DAYS = 60
MODEL = "taste@1"


RANKED = 10_000
"""Among more items a ranking takes tens of milliseconds; a shop must ask for it."""


class LearnTaste(msgspec.Struct, kw_only=True):
    """Learn what recommendations stand on anew, as of a time (default: now).

    `most_items` says up to how many items a ranker is learnt; the last word holds.
    """

    at: datetime | None = None
    most_items: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] | None = None


class TasteLearnt(msgspec.Struct, kw_only=True):
    """What was learnt, and from how much."""

    at: datetime
    items: int
    people: int
    purchases: int
    looks: int
    neighbours: int
    alike: int
    together: int
    ways: dict[str, str]
    model: str
    seconds: float


@operation("learn-taste", LearnTaste, writes=True, child=True, http="POST /v1/taste")
def learn_taste(shop: Shop, request: LearnTaste) -> TasteLearnt:
    """Learn which items are near each other and what is popular; keep it on the shelf."""
    import numpy as np

    from renwei.core.clock import ticks, to_us
    from renwei.recommend.attraction import learn_attraction
    from renwei.recommend.forecast import keep_in
    from renwei.recommend.local import TABLE
    from renwei.recommend.pasts import edge_us, rows_of_log
    from renwei.recommend.ranking import card_of, ranker_of, visits_card
    from renwei.recommend.trying import learn_local
    from renwei.recommend.visits import learn_visits

    at = (request.at or shop.clock.now()).astimezone(UTC)
    started = ticks()
    shop.progress("learn", 0, 4)
    # What is bought together and how soon again is learnt with everything else of orders.
    shop.ready_estimates(at)
    position = shop.store.log.position()
    rows = rows_of_log(shop.store, at)
    edge = edge_us(rows, at)
    taken = _taken(shop, rows, edge)
    shop.progress("learn", 1, 4)
    near, alike, goes = _near(taken), _alike(shop), _goes(shop)
    shop.progress("learn", 2, 4)
    limit = _limit(shop, request)
    taste = ranker_of(shop, rows, edge, limit=limit)
    shop.progress("learn", 3, 4)
    card = card_of(taste, rows, at, limit=limit)
    meta: dict[str, Any] = {
        "as_of": at.isoformat(),
        "position": position,
        "model": MODEL,
        "program": renwei.__version__,
        "weights": {},
        "still_us": max(to_us(at) - edge, 0),
        "most_items": limit,
        "card": card,
    }
    card["visits"] = visits_card(learn_visits(shop, at, meta))
    card["attraction"] = learn_attraction(shop, at, meta)
    sliced, of_slices, card["local"] = learn_local(shop, rows, at, edge)
    shop.shelf.put(TABLE, sliced, meta | of_slices)
    people, own = np.unique(rows.who), np.unique(rows.item)
    if taste is None:
        shop.shelf.drop("taste")
    else:
        shop.shelf.put("taste", {"item": own}, meta, files=lambda to: keep_in(to, taste, people))
    for name, table in (("near", near), ("alike", alike), ("goes", goes)):
        shop.shelf.put(f"taste-{name}", table, meta)
    items = _items(shop, taken, at)
    shop.shelf.put("taste-items", items, meta)
    return TasteLearnt(
        at=at,
        items=len(items["item"]),
        people=len(set(taken["person"].tolist())),
        purchases=int((taken["kind"] == 1).sum()),
        looks=int((taken["kind"] == 0).sum()),
        neighbours=len(near["item"]),
        alike=len(alike["item"]),
        together=len(goes["item"]),
        ways=card["ways"],
        model=MODEL,
        seconds=round(ticks() - started, 3),
    )


def _limit(shop: Shop, request: LearnTaste) -> int:
    """Up to how many items are ranked: as asked now, else as asked last."""
    held = shop.shelf.get("taste-items")
    before = int(held.meta.get("most_items", RANKED)) if held is not None else RANKED
    return before if request.most_items is None else request.most_items


def _taken(shop: Shop, rows: Rows, now: int) -> dict[str, NDArray[Any]]:
    """Who took or looked at what, and when last: one row a person, item and kind."""
    import numpy as np

    bought = _bought(rows.pick(rows.goal))
    since = now // DAY_US - LOOKED_BACK_DAYS
    sums = shop.store.tallies.columns(["view", "like", "wish", "cart"], since_day=max(since, 0))
    actor = np.asarray(sums["actor"], dtype=np.int64)
    actors, place = np.unique(actor, return_inverse=True)
    persons = np.array(shop.store.people.persons_of(actors.tolist()), dtype=np.int64)
    looked = {
        "person": persons[place] if len(actors) else actor,
        "item": np.asarray(sums["item"], dtype=np.int64),
        "times": np.asarray(sums["n"], dtype=np.int64),
        "last_us": np.asarray(sums["last_us"], dtype=np.int64),
    }
    kinds = [np.ones(len(bought["person"]), dtype=np.int8), np.zeros(len(actor), dtype=np.int8)]
    both = {name: np.concatenate([bought[name], looked[name]]) for name in looked}
    both["kind"] = np.concatenate(kinds)
    fine = (both["person"] > 0) & (both["item"] > 0) & (both["last_us"] <= now)
    return {name: column[fine] for name, column in both.items()} | {"now": np.array([now])}


def _bought(rows: Rows) -> dict[str, NDArray[Any]]:
    """How often each person bought each thing, and when last."""
    import numpy as np

    # Numbers of persons fill 63 bits: nothing may be multiplied with them.
    people, who = np.unique(rows.who, return_inverse=True)
    most = int(rows.item.max(initial=0)) + 1
    pair, place = np.unique(who * most + rows.item, return_inverse=True)
    last = np.zeros(len(pair), dtype=np.int64)
    np.maximum.at(last, place, rows.at_us)
    times = np.bincount(place, minlength=len(pair)).astype(np.int64)
    return {"person": people[pair // most], "item": pair % most, "times": times, "last_us": last}


def _columns(held: Columns | None, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    import numpy as np

    if held is None:
        return {name: np.zeros(0, dtype=np.int64) for name in names}
    return {name: np.asarray(held.columns[name], dtype=np.int64) for name in names}


def _weights(taken: dict[str, NDArray[Any]], half_life: float) -> NDArray[Any]:
    import numpy as np

    age = (taken["now"][0] - taken["last_us"]) / DAY_US
    worth = np.where(taken["kind"] == 1, BUY, LOOK)
    faded: NDArray[Any] = worth * np.log1p(taken["times"]) * 0.5 ** (age / half_life)
    return faded


def _near(taken: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    import numpy as np

    from renwei.learn.near import by_takers

    items, thing = np.unique(taken["item"], return_inverse=True)
    _, who = np.unique(taken["person"], return_inverse=True)
    pair, place = np.unique(who * max(len(items), 1) + thing, return_inverse=True)
    weight = np.bincount(place, _weights(taken, BUY_HALF_LIFE_DAYS), minlength=len(pair))
    n = max(len(items), 1)
    found = by_takers(pair // n, pair % n, weight.astype(np.float64), n) if len(pair) else None
    return _table(found, items)


def _alike(shop: Shop) -> dict[str, NDArray[Any]]:
    import numpy as np

    from renwei.learn.near import by_texts

    shown = [i for i in shop.store.items.all_items() if i.title and i.kind not in OUR_OWN]
    texts = [f"{i.title} {i.category} {i.facts.get('brand', '')} {i.kind}" for i in shown]
    numbers = np.array([item.number for item in shown], dtype=np.int64)
    return _table(by_texts(texts) if shown else None, numbers)


def _table(found: Any, numbers: NDArray[Any]) -> dict[str, NDArray[Any]]:
    import numpy as np

    none = np.zeros(0, dtype=np.int64)
    if found is None or not len(found.one):
        return {"item": none, "other": none, "weight": np.zeros(0, dtype=np.float32)}
    return {
        "item": numbers[found.one],
        "other": numbers[found.other],
        "weight": found.weight.astype(np.float32),
    }


def _goes(shop: Shop) -> dict[str, NDArray[Any]]:
    """What is bought with what within 30 days; the weight is how many people did."""
    import numpy as np

    pairs = _columns(shop.shelf.get("pairs"), ("item", "with_item", "buyers"))
    order = np.lexsort((pairs["with_item"], -pairs["buyers"], pairs["item"]))
    return {
        "item": pairs["item"][order],
        "other": pairs["with_item"][order],
        "weight": pairs["buyers"][order].astype(np.float32),
    }


def _items(shop: Shop, taken: dict[str, NDArray[Any]], at: datetime) -> dict[str, NDArray[Any]]:
    import numpy as np

    items, thing = np.unique(taken["item"], return_inverse=True)
    rate = np.bincount(thing, _weights(taken, POPULAR_HALF_LIFE_DAYS), minlength=len(items))
    buyers = np.bincount(thing, taken["kind"] == 1, minlength=len(items))
    known = shop.shelf.get("items")
    cycle = np.full(len(items), np.nan, dtype=np.float32)
    if known is not None and len(known.columns["item"]):
        own = np.asarray(known.columns["item"])
        place = np.minimum(np.searchsorted(own, items), len(own) - 1)
        same = own[place] == items
        cycle[same] = np.asarray(known.columns["cycle_days"])[place[same]]
    return {
        "item": items,
        "popular": rate.astype(np.float32),
        "buyers": buyers.astype(np.int32),
        "cycle_days": cycle,
    }
