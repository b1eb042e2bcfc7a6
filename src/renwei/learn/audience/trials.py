"""Where the odds of an audience come from: the shop's own past, asked item by item.

Some months back the same question is asked for many items with what was known then, and
answered by who bought in the 30 days that followed. The older months teach what each sign adds;
the last one, which taught nothing, says how the chances must be turned, how far off whole items
are (the spread that intervals need), and whether all signs find more buyers than the simple
ways. A simple way serves unless they clearly do.

Items nobody had bought by then are asked too, and items that were sold are asked as if they
were new: their odds are learnt apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from renwei.learn.audience.odds import Odds, ends, laws
from renwei.learn.audience.signs import (
    DAY_US,
    EVIDENCE,
    LEAST_ALIKE,
    PEOPLE,
    SIGNS,
    Asked,
    Bools,
    Customers,
    Floats,
    Ints,
    Wares,
    ask,
    faded_looks,
)

HORIZON_DAYS = 30.0
WAYS: dict[str, tuple[str, ...]] = {
    "recent": (*PEOPLE, "level", "level_season"),
    "category": (*PEOPLE, "own", "own_recent", "category", "level", "level_season"),
    "signs": SIGNS,
}
"""From the simplest: what each way reads."""
TOPS = (50, 100, 200)
MOST_PEOPLE = 20_000
ITEMS_A_WINDOW, NEW_A_WINDOW, CHECKED = 100, 60, 300
SPREAD_FROM = 120
HARD, APART = 600, 300
"""People who did not buy, drawn from each of two layers of each item."""
ENOUGH = 150
"""Purchases to learn from; with fewer nothing is promised."""
SPREADS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.1, 1.3, 1.6, 2.0)
SURE_Z = 1.645
UNTAUGHT: dict[str, float] = {
    "orders": 0.3, "lately": 0.4, "own": 1.6, "near": 0.7, "alike": 0.7, "category": 0.2,
    "brand": 0.2, "looked": 2.0,
}  # fmt: skip
"""What signs add before a shop's past has said better: an order of people, no chances."""


@dataclass(frozen=True, eq=False)
class Bought:
    """Purchases as they happened: person and item from 0, columns of shape (rows,).

    `looks` are (person, item, at_us, weight) columns of what was looked at.
    """

    person: Ints
    item: Ints
    at_us: Ints
    people: int
    items: int
    looks: tuple[Ints, Ints, Ints, Floats] | None = None

    def before(self, now_us: int) -> Customers:
        """What was known at a moment."""
        now = Customers.as_of(
            self.person, self.item, self.at_us, now_us, people=self.people, items=self.items
        )
        return replace(now, looks=faded_looks(*self.looks, now_us)) if self.looks else now

    def after(self, now_us: int, days: float = HORIZON_DAYS) -> tuple[Ints, Ints]:
        """Who bought what in the days that followed: pairs, each once, sorted by item."""
        here = (self.at_us >= now_us) & (self.at_us < now_us + round(days * DAY_US))
        key = np.unique(self.item[here] * self.people + self.person[here])
        return key // self.people, key % self.people


@dataclass(frozen=True)
class Trial:
    """What a way was worth on items of the last month that had taught it nothing.

    Attributes:
        items: How many. hits: Mean buyers among the first 50, 100, 200.
        gain, gain_low: Buyers over the simpler way, the mean of the three, and the lower end of
            a 90 % interval; None for the simplest.
    """

    items: int
    hits: tuple[float, ...]
    gain: float | None = None
    gain_low: float | None = None


@dataclass(frozen=True)
class Learnt:
    """Odds of items that are sold and of items that are new; None where too little is known.

    Attributes:
        known, new: What serves. trials: By "known recent", "new signs" and so on.
        purchases: How many taught. needed: How many would be enough.
    """

    known: Odds | None
    new: Odds | None
    trials: dict[str, Trial]
    purchases: int
    needed: int = ENOUGH


@dataclass(frozen=True, eq=False)
class _Case:
    """One item at one moment with who bought it after: rows of people, kept ones alone."""

    signs: Floats
    came: Floats
    weight: Floats


def learn(bought: Bought, wares: Wares, now_us: int, *, seed: int = 1) -> Learnt:
    """Learn the odds from the months before a moment; nothing later is read.

    Args:
        bought: Everything that was bought.
        wares: What is known of the items.
        now_us: The moment.
        seed: Of the draws of items and people.
    """
    chance = np.random.default_rng([seed, 7])
    bought = _some_people(bought, chance)
    months = _months(bought, now_us)
    if len(months) < 2:
        return Learnt(None, None, {}, 0)
    cases: dict[str, list[_Case]] = {"known": [], "new": []}
    # With few people an item teaches little, and is asked for quickly.
    many = round(ITEMS_A_WINDOW * min(max(4_000 / max(bought.people, 1), 1.0), 6.0))
    for at_us in months[1:]:
        now, after = bought.before(at_us), bought.after(at_us)
        for kind, some in cases.items():
            for item in _drawn(now, after, kind, chance, many):
                some.append(_case(now, wares, after, (item, kind), chance))
    taught = sum(int(case.came.sum()) for case in cases["known"])
    if taught < ENOUGH:
        return Learnt(None, None, {}, taught)
    trials: dict[str, Trial] = {}
    now, after = bought.before(months[0]), bought.after(months[0])
    serving = {}
    for kind, some in cases.items():
        checked = _checked(now, wares, after, kind, chance)
        serving[kind] = _served(some, checked, trials, kind)
    return Learnt(serving["known"], serving["new"], trials, taught)


def untaught() -> Odds:
    """Odds to rank by where the past is too short to learn from; its chances mean nothing."""
    adds = np.array([UNTAUGHT.get(name, 0.0) for name in SIGNS])
    return Odds("untaught", adds, 0.0)


def _some_people(bought: Bought, chance: np.random.Generator) -> Bought:
    if bought.people <= MOST_PEOPLE:
        return bought
    kept = np.sort(chance.choice(bought.people, MOST_PEOPLE, replace=False))
    place = np.full(bought.people, -1)
    place[kept] = np.arange(MOST_PEOPLE)
    rows = place[bought.person] >= 0
    looks = bought.looks
    if looks is not None:
        seen = place[looks[0]] >= 0
        looks = place[looks[0][seen]], looks[1][seen], looks[2][seen], looks[3][seen]
    return Bought(
        place[bought.person[rows]],
        bought.item[rows],
        bought.at_us[rows],
        MOST_PEOPLE,
        bought.items,
        looks,
    )


def _months(bought: Bought, now_us: int) -> list[int]:
    """Moments with a horizon behind them, the newest first; the first months teach nobody."""
    if not len(bought.at_us):
        return []
    first = int(bought.at_us.min())
    step = round(HORIZON_DAYS * DAY_US)
    # Months after the last purchase of an old file would teach that nobody buys.
    now_us = min(now_us, int(bought.at_us.max()) + DAY_US)
    found = [now_us - k * step for k in range(1, 6)]
    return [at_us for at_us in found if at_us - first >= step]


def _drawn(
    now: Customers, after: tuple[Ints, Ints], kind: str, chance: np.random.Generator, n: int
) -> list[int]:
    """Items to ask for: those sold of late; as new ones, those first sold after and some others."""
    sold = np.flatnonzero(now.season > 0)
    if kind == "known":
        return [int(one) for one in chance.permutation(sold)[:n]]
    fresh = np.setdiff1d(np.unique(after[0]), np.flatnonzero(now.buyers))
    fresh = chance.permutation(fresh)[:NEW_A_WINDOW]
    return [int(one) for one in [*fresh, *chance.permutation(sold)[: NEW_A_WINDOW // 2]]]


def _came(now: Customers, after: tuple[Ints, Ints], item: int) -> Bools:
    begin, end = np.searchsorted(after[0], [item, item + 1])
    came = np.zeros(now.people, dtype=bool)
    came[after[1][begin:end]] = True
    return came


def _may(now: Customers, item: int, *, hidden: bool) -> Bools:
    """Who is asked about: customers by then; of an item looked at as new, who never had it."""
    may = now.there.copy()
    if hidden:
        may[now.person[now.rows_of(np.array([item]))]] = False
    return may


def _case(
    now: Customers,
    wares: Wares,
    after: tuple[Ints, Ints],
    what: tuple[int, str],
    chance: np.random.Generator,
) -> _Case:
    item, hidden = what[0], what[1] == "new"
    asked = ask(now, wares, item, hidden=hidden)
    may, came = _may(now, item, hidden=hidden), _came(now, after, item)
    # Most who do not buy are far from it; the odds are decided among those who are near.
    guess = np.where(may, asked.signs @ _GUESS, -np.inf)
    hard = may & (guess > np.sort(guess)[-min(HARD, len(guess))])
    rows, weights = [np.flatnonzero(may & came)], [np.ones(int((may & came).sum()))]
    for layer in (may & ~came & hard, may & ~came & ~hard):
        found = np.flatnonzero(layer)
        drawn = chance.permutation(found)[:APART]
        rows.append(drawn)
        weights.append(np.full(len(drawn), len(found) / max(len(drawn), 1)))
    taken = np.concatenate(rows)
    return _Case(asked.signs[taken], came[taken].astype(np.float64), np.concatenate(weights))


_GUESS = np.array([UNTAUGHT.get(name, 0.0) for name in SIGNS])


def fitted(cases: Sequence[tuple[Floats, Floats, Floats]], way: str) -> Odds:
    """Fit a way: logistic regression on (signs, came, weight); evidence adds or does nothing.

    A sign whose odds would be below zero is set to nothing, so that a reason is never what in
    truth spoke against somebody. A little ridge decides where the data cannot. Looks add what
    they usually do where the past had none: whoever begins to count them need not wait.
    """
    signs = np.concatenate([case[0] for case in cases])
    came = np.concatenate([case[1] for case in cases])
    weight = np.concatenate([case[2] for case in cases])
    read = [SIGNS.index(name) for name in WAYS[way]]
    x = signs[:, read]
    scale = np.maximum(x.std(axis=0), 1e-9)
    scale = np.where(scale <= 1e-9, np.inf, scale)
    x = x / scale
    share = float(np.clip((weight * came).sum() / weight.sum(), 1e-6, 0.5))
    start = np.append(np.zeros(len(read)), np.log(share / (1.0 - share)))

    def loss(at: Floats) -> tuple[float, Floats]:
        z = x @ at[:-1] + at[-1]
        value = weight @ (np.logaddexp(0.0, z) - came * z) + at[:-1] @ at[:-1]
        off = weight * (expit(z) - came)
        return float(value), np.append(x.T @ off + 2.0 * at[:-1], off.sum())

    never_less = {*EVIDENCE, *PEOPLE, "price"}
    bounds = [(0.0 if SIGNS[k] in never_less else None, None) for k in read] + [(None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    adds = np.zeros(len(SIGNS))
    adds[read] = found[:-1] / scale
    looked = SIGNS.index("looked")
    if not signs[:, looked].any():
        adds[looked] = UNTAUGHT["looked"]
    return Odds(way, adds, float(found[-1]))


@dataclass(frozen=True, eq=False)
class _Checked:
    """Items of the last month: everybody's signs, who may be asked about, and who came."""

    asked: Asked
    may: Bools
    came: Bools


def _checked(
    now: Customers,
    wares: Wares,
    after: tuple[Ints, Ints],
    kind: str,
    chance: np.random.Generator,
) -> list[_Checked]:
    found = []
    for item in _drawn(now, after, kind, chance, CHECKED):
        asked = ask(now, wares, item, hidden=kind == "new")
        if kind == "new" and asked.alikest < LEAST_ALIKE:
            continue
        may = _may(now, item, hidden=kind == "new")
        found.append(_Checked(asked, may, _came(now, after, item)))
    return found


def _served(
    cases: Sequence[_Case], checked: Sequence[_Checked], trials: dict[str, Trial], kind: str
) -> Odds | None:
    """The simplest way that no stronger one clearly beat."""
    if not checked or not sum(case.came.sum() for case in cases):
        return None
    best: tuple[Odds, Floats] | None = None
    for way in WAYS:
        odds = fitted([(case.signs, case.came, case.weight) for case in cases], way)
        hits = _hits(odds, checked)
        mean = tuple(round(float(one), 4) for one in hits.mean(axis=0))
        if best is None:
            best, trials[f"{kind} {way}"] = (odds, hits), Trial(len(checked), mean)
            continue
        apart = (hits - best[1]).mean(axis=1)
        gain = float(apart.mean())
        low = gain - SURE_Z * float(apart.std()) / float(np.sqrt(len(apart)))
        trials[f"{kind} {way}"] = Trial(len(checked), mean, round(gain, 4), round(low, 4))
        if low > 0:
            best = odds, hits
    return _turned(best[0], checked) if best else None


def _first(odds: Odds, one: _Checked) -> tuple[Floats, Floats]:
    """Scores of the first people of a list, and who of them came."""
    score = np.where(one.may, odds.score(one.asked), -np.inf)
    first = np.argsort(-score, kind="stable")[: min(2 * TOPS[-1], int(one.may.sum()))]
    return score[first], one.came[first].astype(np.float64)


def _hits(odds: Odds, checked: Sequence[_Checked]) -> Floats:
    came = (_first(odds, one)[1] for one in checked)
    return np.array([[one[:n].sum() for n in TOPS] for one in came])


def _turned(odds: Odds, checked: Sequence[_Checked]) -> Odds:
    """Turn the chances to what came of the first people of each list."""
    lists = [_first(odds, one) for one in checked]
    scores, came = (np.concatenate([one[k] for one in lists]) for k in (0, 1))
    slope, shift = _platt(scores, came)
    found = replace(odds, slope=slope, shift=shift)
    some = lists[:SPREAD_FROM]
    spread, held = spread_of([found.chance(one[0]) for one in some], [one[1] for one in some])
    return replace(found, spread=spread, held=held)


def _platt(score: Floats, came: Floats) -> tuple[float, float]:
    """Slope and shift of log odds, pulled towards 1 and 0 by one row's worth (Platt 1999)."""
    still = np.array([1.0, 0.0])

    def loss(at: Floats) -> tuple[float, Floats]:
        z, keep = at[0] * score + at[1], at - still
        value = float((np.logaddexp(0.0, z) - came * z).sum() + keep @ keep / 2)
        off = expit(z) - came
        return value, np.array([off @ score, off.sum()]) + keep

    bounds = [(0.05, 3.0), (None, None)]
    slope, shift = minimize(loss, still, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(slope), float(shift)


def spread_of(
    chances: Sequence[Floats], came: Sequence[Floats], *, coverage: float = 0.8
) -> tuple[float, float]:
    """How far whole items were off: the likeliest spread whose intervals hold often enough.

    Args:
        chances: Of each list its people's, the first first.
        came: Of each list whether they bought, aligned.
        coverage: Share of intervals that must hold.

    Returns:
        The spread, and the share of intervals that held.

    Example:
        >>> always = [np.full(50, 0.1)] * 40
        >>> spread_of(always, [np.repeat([1.0, 0.0], [5, 45])] * 40)
        (0.0, 1.0)
    """
    seen: dict[int, tuple[float, float]] = {}

    def tried(place: int) -> tuple[float, float]:
        if place not in seen:
            seen[place] = _tried(chances, came, SPREADS[place], coverage)
        return seen[place]

    best = 0
    # The likelihood rises to one top and falls after it.
    while best < len(SPREADS) - 1 and tried(best + 1)[0] > tried(best)[0]:
        best += 1
    while best < len(SPREADS) - 1 and tried(best)[1] < coverage:
        best += 1
    return SPREADS[best], round(tried(best)[1], 4)


def _tried(
    chances: Sequence[Floats], came: Sequence[Floats], spread: float, coverage: float
) -> tuple[float, float]:
    """Log likelihood of what came under a spread, and the share of intervals that held."""
    total, inside, n = 0.0, 0, 0
    for own, bought in zip(chances, came, strict=True):
        tops = [top for top in TOPS if top <= len(own)] or [len(own)]
        for top, law in zip(tops, laws(own, spread, tops, factors=11), strict=True):
            number = int(bought[:top].sum())
            low, high = ends(law, coverage)
            inside += low <= number <= high
            total += float(np.log(max(law[number], 1e-12)))
            n += 1
    return total, inside / max(n, 1)
