"""What sells in a region, at a part of the day and to a kind of customer, each leaning on the shop.

A slice with few purchases says what the whole shop says. How far it leans is learnt per sort of
slice, by how well the others of a slice foretell what each person took. What is kept of an item
is its lift: how many times its share of the shop is its share of the slice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import from_us
from renwei.core.nouns import Fact, Told
from renwei.core.shop import Shop
from renwei.recommend.local import HOURS_A_PART, KINDS, PARTS, PLACES, kind_of, named
from renwei.recommend.pasts import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_US = 86_400_000_000
QUARTER_US = 900_000_000
HALF_LIFE_DAYS, TASTE_HALF_LIFE_DAYS = 7.0, 60.0
"""Of what sells now, and of how a slice differs from the shop: tastes change more slowly."""
LOOK, BUY = 0.2, 1.0
FORGOTTEN = 5
"""Half-lives after which nothing is counted any more."""
LEAST_PEOPLE = 10
"""A slice of fewer people is none."""
THE_SHOP = 0.75
"""A slice with more of everything than this is the shop, and gets the list of the shop."""
MOST_PLACES = 300
MOST_ITEMS = 2_000
"""Of a slice so many items are kept, those that sell best in it; the rest leans on the shop."""
LEANS = np.geomspace(5.0, 1e5, 32)
"""In people of the shop. No slice leans on fewer: what one person takes is no taste of a place."""
_STRENGTH = {told: strength for strength, told in enumerate(reversed(Told))}


@dataclass(frozen=True, eq=False)
class Takings:
    """Interactions with small numbers, columns of shape (rows,), and what each row belongs to.

    Attributes:
        who, item: From 0 on. at_us: Microseconds since 1970. goal: Whether it is a purchase.
        kind: Of customer then: 0 the first order, 1 came again, 2 came often.
        part: Of the day in the shop's zone.
        place: By sort of place: shape (people,), -1 where nothing is known.
        names: Of the places, by sort: (key, as people write it).
        people, items: How many.
    """

    who: Ints
    item: Ints
    at_us: Ints
    goal: NDArray[np.bool_]
    kind: Ints
    part: Ints
    place: dict[str, Ints]
    names: dict[str, list[tuple[str, str]]]
    people: int
    items: int

    @classmethod
    def of(cls, shop: Shop, rows: Rows, at: datetime) -> tuple[Takings, Ints]:
        """Of everybody, with the numbers of the items: shape (items,)."""
        people, who = np.unique(rows.who, return_inverse=True)
        items, item = np.unique(rows.item, return_inverse=True)
        place, names = _places(shop, people, at)
        kind = kind_of(_orders_before(who, rows.at_us, rows.goal))
        part = parts_of(rows.at_us, shop.settings.zone)
        made = cls(
            who, item, rows.at_us, rows.goal, kind, part, place, names, len(people), len(items)
        )
        return made, items

    def between(self, from_us: int, to_us_: int) -> NDArray[np.bool_]:
        """Rows that happened in [from_us, to_us)."""
        inside: NDArray[np.bool_] = (self.at_us >= from_us) & (self.at_us < to_us_)
        return inside

    def slice_of(self, sort: str) -> tuple[Ints, list[tuple[str, str]]]:
        """The slice of every row for a sort of slice, -1 for none, and the names of the slices."""
        if sort == "hour":
            return self.part, [(part, "") for part in PARTS]
        if sort == "kind":
            return self.kind, [(kind, "") for kind in KINDS]
        return self.place[sort][self.who], self.names[sort]


@dataclass(frozen=True, eq=False)
class Leaning:
    """The slices of one sort as of a moment.

    Attributes:
        sort: Of the slices: hour, kind, or a sort of place.
        names: (key, as people write it) of each slice.
        lean: Weight of the shop that each slice begins with; infinite where slices say nothing.
        rest: Shape (slices,). Lift of an item that nobody of the slice took.
        people: Shape (slices,). apart: Whether it is something else than the shop.
        slice, item, lift, takers: Items taken in a slice, sorted by both: shape (rows,).
    """

    sort: str
    names: Sequence[tuple[str, str]]
    lean: float
    rest: Floats
    people: Ints
    apart: NDArray[np.bool_]
    slice: Ints
    item: Ints
    lift: Floats
    takers: Ints

    def dense(self, number: int, items: int) -> Floats:
        """The lift of every item in one slice: shape (items,)."""
        out = np.full(items, self.rest[number])
        own = slice(*np.searchsorted(self.slice, [number, number + 1]))
        out[self.item[own]] = self.lift[own]
        return out


def leaning(told: Takings, sort: str, as_of_us: int) -> Leaning:
    """What each slice of a sort says of each item, from what happened before a moment.

    The share of an item in a slice gets a Dirichlet prior around its share of the shop; the
    weight of the prior is chosen by leaving each person out and foretelling what they took.

    Source:
        MacKay & Peto (1995), Natural Language Engineering 1(3), doi:10.1017/S1351324900000218
        (the model); Zhai & Lafferty (2002), SIGIR, doi:10.1145/564376.564387 (leaving out).
    """
    own, names = told.slice_of(sort)
    if not names:
        none, never, no = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=bool)
        return Leaning(sort, names, float("inf"), never, none, no, none, none, never, none)
    who, place, item, weight = _weighted(told, own, as_of_us, TASTE_HALF_LIFE_DAYS)
    n = len(names)
    whole = _sums(item, weight, told.items)
    inside = place >= 0
    key, row = np.unique(place[inside] * told.items + item[inside], return_inverse=True)
    sums = _sums(row, weight[inside], len(key))
    takers = np.bincount(row, minlength=len(key))
    slice_, thing = key // told.items, key % told.items
    total = _sums(slice_, sums, n)
    people = np.bincount(np.unique(place[inside] * told.people + who[inside]) // told.people,
                         minlength=n)  # fmt: skip
    lean = _lean((who, place, item, weight), told.people, told.items, n)
    share: Floats = whole[thing] / whole.sum() if len(key) else sums
    if np.isfinite(lean):
        lift: Floats = (sums / share + lean) / (total[slice_] + lean)
        rest: Floats = lean / (total + lean)
    else:
        lift, rest = np.ones(len(key)), np.ones(n)
    apart = np.full(n, np.isfinite(lean)) & (total <= THE_SHOP * whole.sum())
    return Leaning(sort, names, lean, rest, people, apart, slice_, thing, lift, takers)


def rates(told: Takings, as_of_us: int, half_life_days: float = HALF_LIFE_DAYS) -> Floats:
    """What sells in the whole shop as of a moment: shape (items,)."""
    alike = np.zeros(len(told.who), dtype=np.int64)
    _, _, item, weight = _weighted(told, alike, as_of_us, half_life_days)
    return _sums(item, weight, told.items)


def _sums(place: Ints, weight: Floats, n: int) -> Floats:
    return np.bincount(place, weight, n).astype(np.float64)


def _weighted(
    told: Takings, own: Ints, as_of_us: int, half_life_days: float
) -> tuple[Ints, Ints, Ints, Floats]:
    """Person, slice, item and weight: what somebody takes again counts less each time."""
    rows = told.between(as_of_us - int(FORGOTTEN * half_life_days * DAY_US), as_of_us)
    who, item, place = told.who[rows], told.item[rows], own[rows]
    n = int(place.max(initial=0)) + 2
    key = ((who * n + place + 1) * told.items + item) * 2 + told.goal[rows]
    pair, row = np.unique(key, return_inverse=True)
    last = np.zeros(len(pair), dtype=np.int64)
    np.maximum.at(last, row, told.at_us[rows])
    times = np.bincount(row, minlength=len(pair))
    worth = np.where(pair % 2 == 1, BUY, LOOK) * np.log1p(times)
    faded = worth * 0.5 ** ((as_of_us - last) / DAY_US / half_life_days)
    both, row = np.unique(pair // 2, return_inverse=True)
    rest = both // told.items
    return rest // n, rest % n - 1, both % told.items, _sums(row, faded, len(both))


def _lean(rows: tuple[Ints, Ints, Ints, Floats], people: int, items: int, n: int) -> float:
    """The weight of the prior with which a slice's others foretell each person best."""
    who, place, item, weight = rows
    whole, mine = np.bincount(item, weight, items), np.bincount(who, weight, people)
    pair, at = np.unique(who * items + item, return_inverse=True)
    of_item = np.bincount(at, weight, len(pair))[at]
    left = whole.sum() - mine[who]
    share = (whole[item] - of_item) / np.where(left > 0, left, 1.0)
    # What nobody else took is foretold by no lean.
    known = (place >= 0) & (share > 1e-9)
    if not known.any():
        return float("inf")
    key, at = np.unique(np.maximum(place, 0) * items + item, return_inverse=True)
    others = np.bincount(at, weight * (place >= 0), len(key))[at] - weight
    seat, at = np.unique(who * (n + 1) + place + 1, return_inverse=True)
    own_total = np.bincount(at, weight, len(seat))[at]
    total = np.bincount(np.maximum(place, 0), weight * (place >= 0), n)[np.maximum(place, 0)]
    others, total = np.maximum(others, 0.0)[known], np.maximum(total - own_total, 0.0)[known]
    share, weight = share[known], weight[known]
    leans = LEANS * float(mine[mine > 0].mean())
    told = [float(weight @ np.log((others / share + lean) / (total + lean))) for lean in leans]
    best = int(np.argmax(told))
    return float(leans[best]) if told[best] > 0 else float("inf")


def parts_of(at_us: Ints, zone: str) -> Ints:
    """The part of the day of each time in a zone, shape (rows,).

    Example:
        >>> parts_of(np.array([0, 7 * 3_600_000_000]), "Asia/Shanghai").tolist()
        [1, 2]
    """
    place = ZoneInfo(zone)
    quarter, row = np.unique(at_us // QUARTER_US, return_inverse=True)
    hours = [from_us(int(one) * QUARTER_US).astimezone(place).hour for one in quarter.tolist()]
    return np.array(hours, dtype=np.int64)[row] // HOURS_A_PART if len(row) else row


def _orders_before(who: Ints, at_us: Ints, goal: NDArray[np.bool_]) -> Ints:
    """How many orders each row's person had made before it, shape (rows,)."""
    order = np.lexsort((at_us, who))
    w, a = who[order], at_us[order]
    first = np.ones(len(w), dtype=bool)
    first[1:] = (w[1:] != w[:-1]) | (a[1:] != a[:-1])
    group = np.cumsum(first) - 1
    ordered = np.bincount(group, goal[order]) > 0
    before: Ints = np.cumsum(ordered) - ordered
    owner = w[first]
    begins = np.searchsorted(owner, owner)
    out = np.empty(len(w), dtype=np.int64)
    out[order] = (before - before[begins])[group]
    return out


def _places(
    shop: Shop, people: Ints, at: datetime
) -> tuple[dict[str, Ints], dict[str, list[tuple[str, str]]]]:
    """Where everybody lives, as far as the shop was told before a time."""
    told: dict[tuple[int, str], Fact] = {}
    for actor, fact in shop.store.people.all_facts():
        if fact.name in PLACES and fact.at <= at:
            known = told.get((actor, fact.name))
            # Facts come oldest first, so an equal strength means a later word.
            if known is None or _STRENGTH[fact.told] >= _STRENGTH[known.told]:
                told[actor, fact.name] = fact
    actors = sorted({actor for actor, _ in told})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    by_sort: dict[str, dict[int, Fact]] = {sort: {} for sort in PLACES}
    ranked = sorted(told.items(), key=lambda one: (_STRENGTH[one[1].told], one[1].at))
    for (actor, name), fact in ranked:
        by_sort[name][persons[actor]] = fact
    found = {sort: _numbered(people, facts) for sort, facts in by_sort.items()}
    return {s: own for s, (own, _) in found.items()}, {s: names for s, (_, names) in found.items()}


def _numbered(people: Ints, facts: dict[int, Fact]) -> tuple[Ints, list[tuple[str, str]]]:
    """The number of everybody's place, and the places of enough people, most people first."""
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    keys: list[tuple[int, str]] = []
    for row, person in enumerate(people.tolist()):
        text = str(facts[person].value or "") if person in facts else ""
        key = next(iter(named(text)), "")
        if key:
            written[key][" ".join(text.split())] += 1
            keys.append((row, key))
    ranked = sorted(written, key=lambda one: (-written[one].total(), one))[:MOST_PLACES]
    names = [key for key in ranked if written[key].total() >= LEAST_PEOPLE]
    number = {key: k for k, key in enumerate(names)}
    own = np.full(len(people), -1, dtype=np.int64)
    for row, key in keys:
        own[row] = number.get(key, -1)
    return own, [(key, written[key].most_common(1)[0][0]) for key in names]
