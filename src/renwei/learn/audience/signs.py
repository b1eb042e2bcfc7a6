"""Who is likely to want one item: signs of every customer at once, added up, one item at a time.

The score is a sum, in log odds, over what a customer did: how lively they are, whether they had
the item before, and how near what they bought is to it, by who buys what, by what is written
about it, by category and brand. Each part comes from a few purchases that can be named, so a
reason is what the score was made of. An item that nobody has bought yet has no buyers to learn
from; then what is written about it carries the sum alone, with odds of its own.

See `odds` for what the signs add, and `trials` for where that comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DAY_US = 86_400_000_000
HALF_LIFE_DAYS, LATE_HALF_LIFE_DAYS = 180.0, 30.0
LOOK_HALF_LIFE_DAYS, LOOKED_BACK_DAYS = 14.0, 60.0
MOST_OF_ONE = 500
"""Who bought more things than this (a reseller) says nothing of what goes together."""
NEAR_KEPT, ALIKE_KEPT = 50, 50
LEAST_ALIKE = 0.1
UNLIKE = 0.2
"""A new item whose nearest is not even this alike (cosine) is like nothing that was sold."""
DOUBT = 1.0
"""Added below the fraction of a cosine: one buyer in common proves little."""

PEOPLE = ("orders", "recent", "lately", "pace")
EVIDENCE = ("own", "own_recent", "near", "near_late", "alike", "category", "brand", "looked")
LEVEL = ("price", "level", "level_season")
SIGNS = (*PEOPLE, *EVIDENCE, *LEVEL)


@dataclass(frozen=True, eq=False)
class Customers:
    """What a shop knows of its customers at one moment; people and items are numbers from 0.

    Attributes:
        person, item: Who bought what, each pair once, sorted by person: shape (pairs,).
        times: On how many days. last_us: When last.
        orders: Orders of each person, 0 for who is no customer yet: shape (people,).
        first_us, last_order_us: Of each person.
        items: How many items there are. at_us: The moment.
        looks: Looks at items lately, as (person, item, weight) columns.
    """

    person: Ints
    item: Ints
    times: Floats
    last_us: Ints
    orders: Floats
    first_us: Ints
    last_order_us: Ints
    items: int
    at_us: int
    looks: tuple[Ints, Ints, Floats] = field(
        default_factory=lambda: (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    )

    @classmethod
    def as_of(
        cls, person: Ints, item: Ints, at_us: Ints, now_us: int, *, people: int, items: int
    ) -> Customers:
        """From purchases as they happened, in any order; what came at `now_us` or later is dropped.

        Example:
            >>> day = DAY_US
            >>> two = Customers.as_of(
            ...     np.array([0, 0, 1]), np.array([3, 3, 3]), np.array([0, day, 9 * day]),
            ...     5 * day, people=2, items=4,
            ... )
            >>> two.times.tolist(), two.orders.tolist()
            ([2.0], [2.0, 0.0])
        """
        before = at_us < now_us
        person, item, at_us = person[before], item[before], at_us[before]
        pair, place = np.unique(person * max(items, 1) + item, return_inverse=True)
        days = np.unique(place * 100_000 + at_us // DAY_US)
        last = np.zeros(len(pair), np.int64)
        np.maximum.at(last, place, at_us)
        baskets = np.unique(np.stack([person, at_us]), axis=1)
        first = np.full(people, now_us, np.int64)
        np.minimum.at(first, person, at_us)
        newest = np.zeros(people, np.int64)
        np.maximum.at(newest, person, at_us)
        return cls(
            pair // max(items, 1),
            pair % max(items, 1),
            np.bincount(days // 100_000, minlength=len(pair)).astype(np.float64),
            last,
            np.bincount(baskets[0], minlength=people).astype(np.float64),
            first,
            newest,
            items,
            now_us,
        )

    @property
    def people(self) -> int:
        """How many."""
        return len(self.orders)

    @cached_property
    def age_days(self) -> Floats:
        """Of each pair: days since it was last bought."""
        return (self.at_us - self.last_us) / DAY_US

    @cached_property
    def weight(self) -> Floats:
        """What each pair counts now: often bought more, long ago less."""
        return np.asarray(np.log1p(self.times) * np.exp2(-self.age_days / HALF_LIFE_DAYS))

    @cached_property
    def late_weight(self) -> Floats:
        """The same with a short memory."""
        return np.asarray(np.log1p(self.times) * np.exp2(-self.age_days / LATE_HALF_LIFE_DAYS))

    @cached_property
    def begins(self) -> Ints:
        """Where each person's pairs begin: shape (people + 1,)."""
        return np.searchsorted(self.person, np.arange(self.people + 1))

    @cached_property
    def _by_item(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.item, kind="stable")
        return order, np.searchsorted(self.item[order], np.arange(self.items + 1))

    def rows_of(self, items: Ints) -> Ints:
        """The pairs of some items, item by item."""
        order, ptr = self._by_item
        return order[_ranges(ptr[items], ptr[items + 1])]

    @cached_property
    def buyers(self) -> Ints:
        """Of each item, ever."""
        return np.diff(self._by_item[1])

    @cached_property
    def month(self) -> Floats:
        """Buyers of each item in the last 30 days."""
        return summed(self.item, (self.age_days <= 30).astype(np.float64), self.items)

    @cached_property
    def season(self) -> Floats:
        """Buyers of each item in the last 90 days."""
        return summed(self.item, (self.age_days <= 90).astype(np.float64), self.items)

    @cached_property
    def there(self) -> Bools:
        """Who may be asked about: customers, and who looked at something lately."""
        found = self.orders > 0
        found[self.looks[0]] = True
        return found

    def active(self, days: float) -> Bools:
        """Who ordered within so many days."""
        since = self.at_us - self.last_order_us
        return (self.orders > 0) & (since <= days * DAY_US)

    @cached_property
    def lively(self) -> Floats:
        """Signs of PEOPLE: shape (people, 4)."""
        since = np.minimum((self.at_us - self.last_order_us) / DAY_US, 3_650.0)
        known = np.maximum((self.at_us - self.first_us) / DAY_US, 0.0)
        signs = np.column_stack(
            [
                np.log1p(self.orders),
                np.exp(-since / 30.0),
                np.exp(-since / 120.0),
                np.log1p(30.0 * self.orders / (known + 30.0)),
            ]
        )
        return np.asarray(signs * (self.orders > 0)[:, None])

    @cached_property
    def _shared(self) -> tuple[Floats, Floats]:
        """Weights of pairs for who buys what, and the length of each item's column."""
        breadth = np.diff(self.begins)
        rare = np.where(breadth <= MOST_OF_ONE, 1.0 / np.log2(2.0 + breadth), 0.0)
        weight = self.weight * rare[self.person]
        return weight, np.sqrt(summed(self.item, weight**2, self.items))

    def near(self, item: int) -> Floats:
        """How near each item is to one, by who buys both: shape (items,), the 50 nearest.

        Source:
            Item-to-item cosine (Sarwar and others 2001, doi:10.1145/371920.372071), each person
            weighted down by how much they buy, and doubted where few buy both.
        """
        weight, norm = self._shared
        rows = self.rows_of(np.array([item]))
        who = self.person[rows]
        counts = self.begins[who + 1] - self.begins[who]
        beside = _ranges(self.begins[who], self.begins[who + 1])
        both = np.repeat(weight[rows], counts) * weight[beside]
        cosine = summed(self.item[beside], both, self.items) / (norm[item] * norm + DOUBT)
        cosine[item] = 0.0
        return strongest(cosine, NEAR_KEPT, 1e-4)

    def sums(self, strength: Floats, weight: Floats) -> Floats:
        """For each person the sum of `weight` times strength over what they bought."""
        some = np.flatnonzero(strength)
        if len(some) <= 500:
            rows = self.rows_of(some)
            adds = weight[rows] * strength[self.item[rows]]
            return summed(self.person[rows], adds, self.people)
        return summed(self.person, weight * strength[self.item], self.people)


@dataclass(frozen=True, eq=False)
class Wares:
    """What is known of items besides who buys them, columns of shape (items,).

    Attributes:
        texts: Rows of length 1 (scipy sparse, items x features), see `taste.titles.vectors`.
        category, brand: Numbers, -1 unknown. log_price: nan unknown.
    """

    texts: Any
    category: Ints
    brand: Ints
    log_price: Floats

    def alike(self, item: int, sold: Bools) -> Floats:
        """How alike each item that was sold is to one, by what is written: shape (items,)."""
        found = np.asarray((self.texts @ self.texts[[item]].T).todense(), dtype=np.float64).ravel()
        found[item] = 0.0
        return strongest(np.where(sold, found, 0.0), ALIKE_KEPT, LEAST_ALIKE)

    def same(self, column: Ints, item: int) -> Floats:
        """1 for the others that share the item's category or brand."""
        found = np.asarray((column == column[item]) & (column >= 0), dtype=np.float64)
        found[item] = 0.0
        return found


@dataclass(frozen=True, eq=False)
class Asked:
    """One item in front of all customers.

    Attributes:
        item: Which. hidden: As if nobody had bought it yet.
        strengths: By evidence ("near", "alike", "category", "brand"), shape (items,).
        signs: Shape (people, len(SIGNS)).
    """

    item: int
    hidden: bool
    strengths: dict[str, Floats]
    signs: Floats

    @property
    def alikest(self) -> float:
        """How alike the nearest item is that was sold."""
        return float(self.strengths["alike"].max(initial=0.0))


def ask(now: Customers, wares: Wares, item: int, *, hidden: bool = False) -> Asked:
    """Read the signs of every customer for one item.

    Args:
        now: The customers at a moment.
        wares: What is known of the items.
        item: Which.
        hidden: Look at it as at a new item.
    """
    new = hidden or not now.buyers[item]
    none = np.zeros(now.items)
    strengths = {
        "near": none if new else now.near(item),
        "alike": wares.alike(item, now.buyers > 0),
        "category": wares.same(wares.category, item),
        "brand": wares.same(wares.brand, item),
    }
    return Asked(item, new, strengths, signs_of(now, wares, item, strengths, new=new))


def signs_of(
    now: Customers, wares: Wares, item: int, strengths: dict[str, Floats], *, new: bool
) -> Floats:
    """The signs of everybody for one item, given what is near it: shape (people, len(SIGNS))."""
    signs = dict.fromkeys(SIGNS, np.zeros(now.people))
    signs |= dict(zip(PEOPLE, now.lively.T, strict=True))
    if not new:
        rows = now.rows_of(np.array([item]))
        own, recent = np.zeros(now.people), np.zeros(now.people)
        own[now.person[rows]] = np.log1p(now.times[rows])
        recent[now.person[rows]] = np.exp(-now.age_days[rows] / 45.0)
        signs |= {"own": own, "own_recent": recent}
    for name, scale in (("near", 4.0), ("alike", 1.0), ("category", 1.0), ("brand", 1.0)):
        signs[name] = np.log1p(scale * now.sums(strengths[name], now.weight))
    signs["near_late"] = np.log1p(4.0 * now.sums(strengths["near"], now.late_weight))
    signs["looked"] = np.log1p(_looked(now, item, strengths))
    signs["price"] = _price_gap(now, wares, item)
    signs |= {
        name: np.full(now.people, level) for name, level in _levels(now, item, new, strengths)
    }
    return np.column_stack([signs[name] for name in SIGNS])


def _looked(now: Customers, item: int, strengths: dict[str, Floats]) -> Floats:
    """Looks at the item itself, and less at what is near or alike."""
    who, what, weight = now.looks
    if not len(who):
        return np.zeros(now.people)
    strength = 0.5 * np.maximum(strengths["near"], strengths["alike"])
    strength[item] = 1.0
    return summed(who, weight * strength[what], now.people)


def _price_gap(now: Customers, wares: Wares, item: int) -> Floats:
    """How far the price is from what each person usually pays, in doublings, negative."""
    price = wares.log_price
    if not np.isfinite(price[item]):
        return np.zeros(now.people)
    usual = usual_price(now, wares)
    gap = -np.abs(usual - price[item]) / np.log(2.0)
    return np.where(np.isfinite(gap), np.maximum(gap, -5.0), -1.0)


def usual_price(now: Customers, wares: Wares) -> Floats:
    """The mean logarithm of what each person's items cost, nan unknown; made once a moment."""
    held: Floats | None = now.__dict__.get("_usual_price")
    if held is None:
        price = wares.log_price[now.item]
        seen = np.isfinite(price)
        total = summed(now.person[seen], price[seen], now.people)
        count = np.bincount(now.person[seen], minlength=now.people)
        held = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        now.__dict__["_usual_price"] = held
    return held


def _levels(
    now: Customers, item: int, new: bool, strengths: dict[str, Floats]
) -> list[tuple[str, float]]:
    """How much it sells among those who came lately; of a new item, how much its like does."""
    found = []
    for name, sold, days in (("level", now.month, 30.0), ("level_season", now.season, 90.0)):
        amount = float(sold[item])
        if new:
            alike = strengths["alike"]
            amount = float(alike @ sold / alike.sum()) if alike.any() else float(np.median(sold))
        found.append((name, float(np.log((amount + 0.5) / (now.active(days).sum() + 1.0)))))
    return found


def faded_looks(
    person: Ints, item: Ints, at_us: Ints, weight: Floats, now_us: int
) -> tuple[Ints, Ints, Floats]:
    """Looks before a moment, of the last 60 days, each worth half as much after two weeks."""
    age = (now_us - at_us) / DAY_US
    here = (age > 0) & (age <= LOOKED_BACK_DAYS)
    faded = weight[here] * np.exp2(-age[here] / LOOK_HALF_LIFE_DAYS)
    return person[here], item[here], faded


def strongest(values: Floats, k: int, least: float) -> Floats:
    """The k greatest where they stand, 0 elsewhere and below `least`."""
    kept = np.where(values >= least, values, 0.0)
    if np.count_nonzero(kept) > k:
        edge = np.partition(kept, -k)[-k]
        kept = np.where(kept >= edge, kept, 0.0)
    return kept


def _ranges(starts: Ints, ends: Ints) -> Ints:
    lengths = ends - starts
    shift = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    found: Ints = np.arange(int(lengths.sum())) + shift
    return found


def summed(place: Ints, amount: Floats, n: int) -> Floats:
    """Sums of amounts by place: shape (n,)."""
    return np.asarray(np.bincount(place, amount, n), dtype=np.float64)
