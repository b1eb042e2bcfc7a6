"""What a contact is worth: the extra money it may bring, less the human's minutes.

gain = stake x lift(p, effect) x ripeness. `p` is the chance that she buys anyway and `effect`
a change of its log odds, so that who buys anyway and who never will are both worth little:
the list looks for those who can be moved today. `stake` is the order that may come, ripeness
whether today is the day. Effects begin as weak documented guesses and are learnt (see
outcomes_learnt). Every function takes rows of the basis and returns arrays of shape
(rows, candidates); an item number of 0 is no candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from renwei.core.nouns import Trait
from renwei.reach.basis import DAY_US, Basis, find, take

NEEDS_LOOKED_AT = 6
NEEDS_KEPT = 3
OFFERS_KEPT = 2
INTERESTS_LOOKED_AT = 4
INTERESTS_KEPT = 2
INTEREST_POINT = 0.04
"""A point of interest lets so much of what is missing to MOST_DRAWN come true: a guess, with the
effect of a word (see outcomes_learnt) the two numbers that this sort of contact starts from."""
MOST_DRAWN = 0.4
LEAST_POINTS = 1.5
"""A glance is no reason to speak to anybody: about two looks, or one that lasted."""
SURE = 0.97
"""Chances are not believed beyond this: nobody is certain to buy."""


UNHEARD_OF = 20.0
"""Orders beyond so many times the shop's middle one are not expected again."""


@dataclass(frozen=True, slots=True)
class Block:
    """Candidates of one source for some people, shape (rows, candidates)."""

    items: Any
    scores: Any
    groups: Any


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of contact: what permission must know of it and what it costs the human."""

    name: str
    kind: str
    trait: Trait
    minutes: int
    block: Callable[[Basis, Any], Block]


def lift(p: Any, effect: float) -> Any:
    """How much a contact that moves the log odds by `effect` raises a chance.

    Example:
        >>> [round(float(lift(p, 0.3)), 3) for p in (0.01, 0.5, 0.99)]
        [0.003, 0.074, 0.003]
    """
    p = np.clip(p, 0.0, SURE)
    moved = p * np.exp(effect)
    return moved / (1.0 - p + moved) - p


def since(basis: Basis, us: Any) -> Any:
    """Days from a time to the moment of the list; infinite where there was none."""
    return np.where(us > 0, (basis.at_us - us) / DAY_US, np.inf)


def between(days: Any, begin: float, full: float, fade: float, end: float) -> Any:
    """Ripeness: 0 before `begin`, 1 from `full` to `fade`, 0 after `end`, straight in between."""
    rise = (days - begin) / (full - begin)
    fall = (end - days) / (end - fade)
    return np.clip(np.minimum(rise, fall), 0.0, 1.0)


def baskets(basis: Basis, rows: Any) -> Any:
    """What an order of each person comes to, drawn to the shop's middle by one order.

    A single order for a whole wedding must not rule the list for months.
    """
    people = basis.people
    means = (people["spend_minor"][rows] + basis.basket) / (people["orders"][rows] + 1.0)
    return np.minimum(means, UNHEARD_OF * basis.basket)


def ripe_need(basis: Basis, last_us: Any, cycle_days: Any) -> Any:
    """1 when about one rhythm of the item has passed since she took it.

    It rises from three quarters of the rhythm on, so that a word comes before the last drop,
    and fades until twice the rhythm: by then she has bought elsewhere or has enough.
    """
    passed = since(basis, last_us) / np.maximum(cycle_days, 1.0)
    return between(passed, 0.75, 0.9, 1.3, 2.0)


def need(basis: Basis, rows: Any) -> Block:
    """What she buys again and again and should soon be out of."""
    needs = basis.needs
    person = basis.people["person"][rows]
    begin = np.searchsorted(needs["person"], person)
    end = np.searchsorted(needs["person"], person, side="right")
    at = begin[:, None] + np.arange(NEEDS_LOOKED_AT)
    at = np.where(at < end[:, None], at, -1)
    items = take(needs["item"], at, 0)
    ripe = ripe_need(basis, take(needs["last_us"], at, 0), take(needs["cycle_days"], at, 30.0))
    basket = baskets(basis, rows)[:, None]
    amount = take(needs["quantity"], at, 1.0) * basis.price(items)
    gain = need_gain(
        basis,
        basket,
        np.minimum(amount, 2.0 * basket),
        take(needs["p"], at, 0.0),
    )
    lost = basis.people["stage"][rows] == _index(basis.stages, "lost")
    sold = basis.goods(items) & basis.in_season(items)
    items = np.where((ripe > 0) & sold & ~lost[:, None], items, 0)
    return _best(items, np.where(items > 0, gain * ripe, 0.0), basis.group(items), NEEDS_KEPT)


def interest(basis: Basis, rows: Any) -> Block:
    """What she keeps looking at, likes or has in the cart, and has not bought since."""
    held = basis.interest
    if not len(held):
        none = np.zeros((len(rows), 0), dtype=np.int64)
        return Block(none, none.astype(np.float64), none)
    person = basis.people["person"][rows]
    begin = np.searchsorted(held.person, person)
    end = np.searchsorted(held.person, person, side="right")
    at = begin[:, None] + np.arange(INTERESTS_LOOKED_AT)
    at = np.where(at < end[:, None], at, -1)
    items, points = take(held.item, at, 0), take(held.points, at, 0.0)
    looked_us = take(held.last_us, at, 0)
    gain = interest_gain(basis, baskets(basis, rows)[:, None], items, points)
    gain = gain * ripe_interest(basis, looked_us)
    settled = basis.has_bought(person[:, None], items) & (
        basis.last["last_us"][rows][:, None] >= looked_us
    )
    sold = basis.goods(items) & (basis.in_season(items) | (find(basis.items["item"], items) < 0))
    items = np.where((points >= LEAST_POINTS) & (gain > 0) & sold & ~settled, items, 0)
    items = _unless_needed(basis, rows, items, gain)
    return _best(items, np.where(items > 0, gain, 0.0), basis.group(items), INTERESTS_KEPT)


def _unless_needed(basis: Basis, rows: Any, items: Any, gain: Any) -> Any:
    """Without what a reminder of a need is worth more for: an item is put forward once."""
    some = np.flatnonzero((items > 0).any(axis=1))
    if not len(some):
        return items
    needed = need(basis, rows[some])
    same = (items[some][:, :, None] == needed.items[:, None, :]) & (items[some] > 0)[:, :, None]
    better = same & (needed.scores[:, None, :] >= gain[some][:, :, None])
    items = items.copy()
    items[some] = np.where(better.any(axis=2), 0, items[some])
    return items


def interest_gain(basis: Basis, basket: Any, items: Any, points: Any) -> Any:
    """Minor units a word about something she is drawn to may bring, before ripeness."""
    usual = np.minimum(basis.base_rate(items), MOST_DRAWN)
    p = usual + (MOST_DRAWN - usual) * -np.expm1(-INTEREST_POINT * points)
    amount = np.minimum(basis.price(items), 2.0 * basket)
    return with_it(basket, amount) * lift(p, basis.effects["interest"])


def ripe_interest(basis: Basis, looked_us: Any) -> Any:
    """1 for a week after the last look, fading until three weeks have passed."""
    return between(since(basis, looked_us), -0.01, 0.0, 7.0, 21.0)


def need_gain(basis: Basis, basket: Any, amount: Any, p: Any) -> Any:
    """Minor units a reminder of a need may bring."""
    return with_it(basket, amount) * lift(p, basis.effects["need"])


def with_it(basket: Any, amount: Any) -> Any:
    """What an order for one thing comes to: who comes for it takes other things too."""
    return amount + 0.4 * np.maximum(basket - amount, 0.0)


def _best(items: Any, gains: Any, groups: Any, keep: int) -> Block:
    order = np.argsort(-gains, axis=1, kind="stable")[:, :keep]
    pick = np.take_along_axis
    return Block(pick(items, order, 1), pick(gains, order, 1), pick(groups, order, 1))


def care_gain(basis: Basis, rows: Any, effect: str, share_of_year: float) -> Any:
    """Minor units of a word of care: the next order, and a share of the year to come."""
    people = basis.people
    stake = baskets(basis, rows) + share_of_year * people["year_value"][rows]
    return stake * lift(people["p30"][rows], basis.effects[effect])


def first_order(basis: Basis, rows: Any) -> Block:
    """How the first thing she bought does, when she has had time to use it."""
    ripe = between(since(basis, basis.last["last_us"][rows]), 3, 7, 16, 35)
    ripe = np.where(basis.people["orders"][rows] == 1, ripe, 0.0)
    gain = care_gain(basis, rows, "first_order", 0.1)
    return _care(basis, basis.last["item"][rows], gain * ripe)


def checkup(basis: Basis, rows: Any) -> Block:
    """How something new to her does; she has bought here before."""
    ripe = between(since(basis, basis.last["last_us"][rows]), 5, 9, 16, 30)
    ripe = np.where(basis.people["orders"][rows] > 1, ripe, 0.0)
    gain = care_gain(basis, rows, "checkup", 0.0)
    return _care(basis, basis.last["new_item"][rows], gain * ripe)


def at_risk(basis: Basis, rows: Any) -> Block:
    """She is later than her own rhythm, and not yet lost."""
    gain = care_gain(basis, rows, "at_risk", 0.1)
    return _care(basis, basis.last["item"][rows], gain * lateness(basis, rows))


def lateness(basis: Basis, rows: Any) -> Any:
    """0 while she is on her rhythm, 1 from twice her usual gap on, fading from three and a half."""
    people = basis.people
    late = since(basis, people["last_us"][rows]) / np.maximum(people["gap_days"][rows], 1.0)
    risky = people["stage"][rows] == _index(basis.stages, "at_risk")
    return np.where(risky, between(np.nan_to_num(late), 1.0, 2.0, 3.5, 6.0), 0.0)


def refund(basis: Basis, rows: Any) -> Block:
    """Money went back lately: somebody should ask whether all is well."""
    days = since(basis, basis.last["refund_us"][rows])
    # A later order shows that all is well; a small part given back is no trouble.
    calm = basis.last["last_us"][rows] > basis.last["refund_us"][rows]
    share = basis.last["refund_minor"][rows] / np.maximum(baskets(basis, rows), 1.0)
    ripe = np.where(calm, 0.0, between(days, -0.01, 0, 10, 21)) * between(
        share, 0.1, 0.6, 9e9, 1e10
    )
    gain = care_gain(basis, rows, "refund", 0.1)
    return _care(basis, basis.last["refund_item"][rows], gain * ripe)


def _care(basis: Basis, products: Any, gain: Any) -> Block:
    items = np.where(gain > 0, basis.care(products), 0)
    groups = basis.group(products)
    return Block(items[:, None], np.where(items > 0, gain, 0.0)[:, None], groups[:, None])


def goes_with(basis: Basis, rows: Any) -> Block:
    """What buyers of her last thing took with it or soon after, and she has not."""
    person, last = basis.people["person"][rows], basis.last["item"][rows]
    pairs = basis.pairs
    begin = np.searchsorted(pairs["item"], last)
    end = np.searchsorted(pairs["item"], last, side="right")
    at = begin[:, None] + np.arange(OFFERS_KEPT)
    at = np.where(at < end[:, None], at, -1)
    items = take(pairs["with_item"], at, 0)
    p = pair_chance(basis, last[:, None], take(pairs["buyers"], at, 0))
    ripe = between(since(basis, basis.last["last_us"][rows]), 3, 6, 20, 40)[:, None]
    gain = offer_gain(basis, baskets(basis, rows)[:, None], items, p) * ripe
    fresh = ~basis.has_bought(person[:, None], items)
    sold = basis.goods(items) & basis.in_season(items)
    items = np.where(fresh & (gain > 0) & sold, items, 0)
    return Block(items, np.where(items > 0, gain, 0.0), basis.group(items))


def pair_chance(basis: Basis, item: Any, both: Any) -> Any:
    """The share of an item's buyers who took the other within a month, drawn to 0 by ten."""
    buyers = take(basis.items["buyers"], find(basis.items["item"], item), 0)
    return both / (buyers + 10.0)


def offer_gain(basis: Basis, basket: Any, items: Any, p: Any) -> Any:
    """Minor units an offer may bring."""
    return with_it(basket, basis.price(items)) * lift(p, basis.effects["goes_with"])


def permission(basis: Basis, rows: Any) -> Block:
    """A good customer who never said whether we may write."""
    people = basis.people
    ripe = between(since(basis, people["last_us"][rows]), 2, 4, 30, 60)
    good = (people["orders"][rows] >= 2) & (people["tier"][rows] != _index(basis.tiers, "low"))
    gain = np.where(good, asking_gain(basis, rows) * ripe, 0.0)
    items = np.where(gain > 0, basis.asking, 0)[:, None]
    return Block(items, gain[:, None], items)


def asking_gain(basis: Basis, rows: Any) -> Any:
    """Minor units that a yes may be worth: a quarter of what words over a year may move."""
    people = basis.people
    moved = lift(people["p30"][rows], basis.effects["permission"])
    return 0.25 * people["year_value"][rows] * moved


def _index(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -2


SORTS = (
    Sort("refund", "care", Trait.CARE, 4, refund),
    Sort("interest", "interest", Trait.CARE, 2, interest),
    Sort("need", "need", Trait.CARE, 2, need),
    Sort("at_risk", "care", Trait.CARE, 3, at_risk),
    Sort("first_order", "care", Trait.CARE, 3, first_order),
    Sort("checkup", "care", Trait.CARE, 2, checkup),
    Sort("goes_with", "offer", Trait.PROMOTION, 2, goes_with),
    Sort("permission", "permission", Trait.ASKS, 2, permission),
)
"""In the order in which they are asked: the first to name an item keeps it."""

BY_NAME = {sort.name: sort for sort in SORTS}


def net(basis: Basis, sort: Sort, block: Block, rows: Any) -> Any:
    """Scores of a block in grid steps, int64, the human's minutes paid; 0 where no candidate."""
    value = block.scores - sort.minutes * basis.minute_minor + basis.hair[rows][:, None]
    return np.where(block.items > 0, np.rint(value * 1024.0), 0).astype(np.int64)


def gain_of(block: Block, item: int) -> float:
    """The gain of one candidate of a block of one row, minor units, before the minutes.

    0 where it is none.
    """
    found = block.scores[0][block.items[0] == item]
    return float(found[0]) if len(found) else 0.0
