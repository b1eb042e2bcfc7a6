"""Shops whose truth is known, for tests that a model finds it again."""

from __future__ import annotations

import numpy as np

from renwei.learn.snapshots import Orders

DAY = 86_400.0


def rhythmic(people: int = 300, days: int = 360, seed: int = 0, gap: float = 40.0) -> Orders:
    """Everyone buys to their own clock, which differs from person to person."""
    chance = np.random.default_rng(seed)
    person: list[int] = []
    time: list[float] = []
    for who, own in enumerate(chance.lognormal(np.log(gap), 0.5, people)):
        at = chance.uniform(0, own)
        while at < days:
            person.append(who)
            time.append(at * DAY)
            at += own * chance.lognormal(0, 0.12)
    value = chance.lognormal(8, 0.4, len(person)).round()
    return Orders(np.array(person, dtype=np.int64), np.array(time), value)


def pareto_world(
    people: int,
    weeks: int,
    seed: int,
    r: float = 0.6,
    alpha: float = 10.0,
    s: float = 0.6,
    beta: float = 12.0,
) -> Orders:
    """The world that Pareto/NBD describes; all join on the first day."""
    chance = np.random.default_rng(seed)
    rate = chance.gamma(r, 1 / alpha, people)
    life = chance.exponential(1 / chance.gamma(s, 1 / beta, people))
    person: list[int] = []
    time: list[float] = []
    for who in range(people):
        person.append(who)
        time.append(0.0)
        n = chance.poisson(rate[who] * min(life[who], weeks))
        at = chance.uniform(0, min(life[who], weeks), n)
        person.extend([who] * n)
        time.extend((at * 7 * DAY).tolist())
    value = chance.lognormal(8, 0.4, len(person)).round()
    return Orders(np.array(person, dtype=np.int64), np.array(time), value)


def shuffled(orders: Orders, seed: int) -> Orders:
    """The same orders, each given to a random buyer: what anyone did says nothing any more."""
    person = np.random.default_rng(seed).permutation(orders.person)
    return Orders(person, orders.time, orders.value, orders.extra)
