"""Whether what sells here and now beats what sells in the whole shop, on the shop's own past.

Everybody who bought in the last 30 days is taken as if nothing were known of them: they get
what sold before those days in the whole shop, or in their slices, and what they bought that was
new to them says which was better: in a small place their own past would speak for the rest.
Sorts of slices come one after the other, each on top of those that won.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.core.shop import Shop
from renwei.learn.taste.measures import Gain, Hits, gain, hits
from renwei.recommend.local import KINDS, PLACES, telling
from renwei.recommend.pasts import Rows
from renwei.recommend.slices import DAY_US, MOST_ITEMS, Leaning, Takings, leaning, rates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Seat = tuple[str, int]
"""A slice: its sort and its number."""

SORTS = (*PLACES, "hour", "kind")
STEPS = ("region", "hour", *KINDS)
TRIED_DAYS = 30
K = 20
MOST_PEOPLE, FEWEST_PEOPLE = 4_000, 50
LEVEL = 0.99
"""Of five comparisons none may win by chance."""
ENOUGH_PEOPLE, MARGIN = 500, 0.1
"""In a shop of fewer the gain must be a tenth of what there was, as for rankers."""


@dataclass(frozen=True)
class Trial:
    """One sort of slice against what serves without it; means over people.

    `people` are those to whom it makes a difference. `why` says what became of it: serves,
    no_gain, few_people (to judge it by), or alike (its slices say nothing of their own).
    """

    step: str
    why: str
    people: int = 0
    recall: float = 0.0
    ndcg: float = 0.0
    recall_without: float = 0.0
    ndcg_without: float = 0.0
    gained: Gain | None = None

    def told(self) -> dict[str, Any]:
        """As the model card has it."""
        got = self.gained
        return {
            "slice": self.step, "why": self.why, "people": self.people,
            "recall": round(self.recall, 5), "recall_without": round(self.recall_without, 5),
            "ndcg": round(self.ndcg, 5), "ndcg_without": round(self.ndcg_without, 5),
            "gain": round(got.mean, 5) if got else None,
            "low": round(got.low, 5) if got else None,
            "high": round(got.high, 5) if got else None,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Cases:
    """Purchases by person, part of the day and kind of customer then: shape (cases,)."""

    who: Ints
    part: Ints
    kind: Ints
    came: list[Ints]

    @classmethod
    def of(cls, told: Takings, from_us: int, until_us: int) -> _Cases:
        taken = told.who * told.items + told.item
        rows = np.flatnonzero(told.between(from_us, until_us) & told.goal)
        rows = rows[~np.isin(taken[rows], taken[told.at_us < from_us])]
        people = np.unique(told.who[rows])
        if len(people) > MOST_PEOPLE:
            people = np.random.default_rng(1).choice(people, MOST_PEOPLE, replace=False)
            rows = rows[np.isin(told.who[rows], people)]
        key = (told.who[rows] * 4 + told.part[rows]) * len(KINDS) + told.kind[rows]
        order = np.argsort(key, kind="stable")
        seats, begins = np.unique(key[order], return_index=True)
        came = [np.unique(part) for part in np.split(told.item[rows[order]], begins[1:])]
        return cls(
            seats // len(KINDS) // 4, seats // len(KINDS) % 4, seats % len(KINDS),
            came if len(seats) else [],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Lists:
    """The best of each mix of slices, made once."""

    everywhere: Floats
    ways: Mapping[str, Leaning]
    kept: dict[tuple[Seat, ...], Ints] = field(default_factory=dict)

    def best(self, seats: tuple[Seat, ...]) -> Ints:
        found = self.kept.get(seats)
        if found is None:
            score = self.everywhere.copy()
            for sort, number in seats:
                score *= self.ways[sort].dense(number, len(score))
            first = np.argsort(-score, kind="stable")[:K]
            found = np.full(K, -1, dtype=np.int64)
            found[: len(first)] = np.where(score[first] > 0, first, -1)
            self.kept[seats] = found
        return found


def learn_local(
    shop: Shop, rows: Rows, at: datetime, edge_us: int
) -> tuple[dict[str, NDArray[Any]], dict[str, Any], dict[str, Any]]:
    """The table of slices that won, what its meta says of them, and the card's part.

    Columns slice, item, lift (times its share of the shop), takers (people), by slice and item.
    """
    told, numbers = Takings.of(shop, rows, at)
    found = tried(told, edge_us)
    serves = serving(found)
    sorts = [*PLACES] if "region" in serves else []
    sorts += ["hour"] if "hour" in serves else []
    sorts += ["kind"] if set(serves) & set(KINDS) else []
    everywhere = rates(told, edge_us) if sorts else np.zeros(len(numbers))
    table: dict[str, list[NDArray[Any]]] = {name: [] for name in _COLUMNS}
    slices: list[dict[str, Any]] = []
    for sort in sorts:
        _add(leaning(told, sort, edge_us), everywhere, table, slices)
    columns = {
        name: np.concatenate([np.zeros(0, dtype=kind), *table[name]]).astype(kind)
        for name, kind in _COLUMNS.items()
    }
    columns["item"] = numbers[columns["item"]]
    card = {"serves": serves, "trials": [trial.told() for trial in found]}
    return columns, {"serves": serves, "slices": slices}, card


def _add(
    way: Leaning,
    everywhere: Floats,
    table: dict[str, list[NDArray[Any]]],
    slices: list[dict[str, Any]],
) -> None:
    """What sells best in each slice; of the rest the slice says too little to be kept."""
    ends = np.searchsorted(way.slice, np.arange(len(way.names) + 1))
    for k in np.flatnonzero(way.apart).tolist():
        name, shown = way.names[k]
        own = np.arange(ends[k], ends[k + 1])
        rate = everywhere[way.item[own]] * way.lift[own]
        own = np.sort(own[np.argsort(-rate, kind="stable")[:MOST_ITEMS]])
        table["slice"].append(np.full(len(own), len(slices)))
        for column, values in (("item", way.item), ("lift", way.lift), ("takers", way.takers)):
            table[column].append(values[own])
        slices.append({
            "sort": way.sort, "name": name, "shown": shown or name,
            "rest": float(way.rest[k]), "people": int(way.people[k]),
        })  # fmt: skip


_COLUMNS = {"slice": np.int32, "item": np.int64, "lift": np.float32, "takers": np.int32}


def tried(told: Takings, edge_us: int) -> list[Trial]:
    """Every sort of slice in turn, on the days before a moment.

    Args:
        told: Everything that was taken.
        edge_us: Where the past ends, microseconds since 1970.
    """
    cut = edge_us - TRIED_DAYS * DAY_US
    ways = {sort: leaning(told, sort, cut) for sort in SORTS}
    lists = _Lists(rates(told, cut), ways)
    cases = _Cases.of(told, cut, edge_us)
    found: list[Trial] = []
    won: list[str] = []
    for step in STEPS:
        trial = _compared(step, won, (told, cases, lists))
        found.append(trial)
        if trial.why == "serves":
            won.append(step)
    return found


def serving(found: Sequence[Trial]) -> list[str]:
    """The sorts of slices that won."""
    return [trial.step for trial in found if trial.why == "serves"]


def _compared(step: str, won: Sequence[str], what: tuple[Takings, _Cases, _Lists]) -> Trial:
    told, cases, lists = what
    seats = {one: _seats(one, told, cases, lists.ways) for one in (*won, step)}
    own = [k for k, seat in enumerate(seats[step]) if seat is not None]
    people, row = np.unique(cases.who[own], return_inverse=True)
    if not own:
        return Trial(step, "alike" if len(cases.who) else "few_people")
    if len(people) < FEWEST_PEOPLE:
        return Trial(step, "few_people", len(people))

    def of(steps: Sequence[str]) -> tuple[Floats, Floats]:
        mixes = [tuple(s for one in steps if (s := seats[one][k]) is not None) for k in own]
        got = hits(np.array([lists.best(mix) for mix in mixes]), [cases.came[k] for k in own])
        return _by_person(got, row, len(people))

    recall, ndcg = of([*won, step])
    recall_without, ndcg_without = of(won)
    few = len(np.unique(cases.who)) < ENOUGH_PEOPLE
    gained = gain(ndcg, ndcg_without, level=LEVEL)
    least = MARGIN * float(ndcg_without.mean()) if few else 0.0
    serves = gained.low > least and recall.mean() >= recall_without.mean()
    return Trial(
        step, "serves" if serves else "no_gain", len(people), float(recall.mean()),
        float(ndcg.mean()), float(recall_without.mean()), float(ndcg_without.mean()), gained,
    )  # fmt: skip


def _by_person(got: Hits, row: Ints, people: int) -> tuple[Floats, Floats]:
    cases = np.bincount(row, minlength=people)
    recall, ndcg = (np.bincount(row, one, people) / cases for one in (got.recall, got.ndcg))
    return recall, ndcg


def _telling(own: Sequence[Seat], ways: Mapping[str, Leaning]) -> Seat | None:
    if not own:
        return None
    return own[telling([float(ways[sort].rest[number]) for sort, number in own])]


def _seats(
    step: str, told: Takings, cases: _Cases, ways: Mapping[str, Leaning]
) -> list[Seat | None]:
    """The slice of each case, None where there is none that says something of its own."""
    if step == "region":
        own = {sort: told.place[sort][cases.who].tolist() for sort in PLACES}
    elif step == "hour":
        own = {"hour": cases.part.tolist()}
    else:
        own = {"kind": np.where(cases.kind == KINDS.index(step), cases.kind, -1).tolist()}
    each: list[list[Seat]] = [[] for _ in cases.who]
    for sort, numbers in own.items():
        apart = [*ways[sort].apart.tolist(), False]
        for seats, number in zip(each, numbers, strict=True):
            if apart[number]:
                seats.append((sort, number))
    return [_telling(seats, ways) for seats in each]
