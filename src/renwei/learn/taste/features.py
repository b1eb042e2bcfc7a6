"""The columns that the ranker reads of a person and a candidate, each with its sentence.

Everything is taken from what happened before `asked.as_of_us`: the person's side from their
history, the items' side from `ItemFacts`, the rest from the scores of the sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from renwei.learn.taste.facts import ItemFacts, PeopleFacts
from renwei.learn.taste.said import Heard, at
from renwei.learn.taste.table import Asked, Bools, Floats, Ints

# Scores that are read as they are, over the 20th best, and as a rank among the new ones.
RANKED = ("ease", "lately", "factors", "alike", "sequel", "together")
SCORED = (*RANKED, "neighbours", "last_basket", "titles")
RISEN = ("neighbours", "titles", "factors")

OWN = {
    "own_count": "how often the person bought it",
    "own_share": "share of the person's baskets that hold it",
    "own_share_3": "share of the last three baskets that hold it",
    "own_share_6": "share of the last six baskets that hold it",
    "own_30": "purchases that fade with a half-life of 30 days",
    "own_90": "purchases that fade with a half-life of 90 days",
    "own_180": "purchases that fade with a half-life of 180 days",
    "own_90_share": "share of the item in the person's purchases that fade in 90 days",
    "own_last": "days since the person last bought it",
    "own_first": "days since the person first bought it",
    "own_gap": "the person's usual days between two purchases of it",
    "own_due": "days since the last purchase over the usual gap of the person",
    "own_due_item": "days since the last purchase over the usual gap of the item",
    "own_baskets_ago": "how many baskets ago the last one was",
    "own_baskets_ago_share": "the same over the number of baskets",
    "seen": "looks, likes and carts of it, fading with a half-life of 7 days",
}
PERSON = {
    "baskets": "baskets of the person",
    "lines": "purchases of the person",
    "items": "different items the person bought",
    "basket_size": "items in a basket of the person",
    "again_share": "share of the person's purchases that were of something bought before",
    "again_share_60": "the same in the last 60 days",
    "last_days": "days since the person's last purchase",
    "first_days": "days since the person's first purchase",
    "gap_days": "days between two baskets of the person",
    "due": "days since the last basket over the usual gap",
    "price": "mean logarithm of the prices the person pays",
    "price_spread": "how far these prices spread",
}
ITEM = {
    **{f"buyers_{d}": f"people who bought it in the last {d} days" for d in (3, 7, 14, 30, 60, 90)},
    "buyers": "people who ever bought it",
    "heat_7": "purchases that fade with a half-life of 7 days",
    **{
        f"first_{d}": f"first purchases of it by somebody in the last {d} days" for d in (7, 30, 90)
    },
    "again_30": "repeated purchases of it in the last 30 days",
    "again_share_30": "share of repeated ones in the last 30 days",
    "rise_7_90": "buyers of 7 days over those of 90",
    "rise_30_90": "buyers of 30 days over those of 90",
    "rise_7_30": "buyers of 7 days over those of 30",
    "rise_14_60": "buyers of 14 days over those of 60",
    "rise_fast": "purchases fading in 7 days over those fading in 21",
    "last_days": "days since anybody bought it",
    "first_days": "days since it was first bought",
    "back_share": "share of its buyers who bought it again",
    "gap_days": "usual days between two purchases of it by one person",
    "price": "logarithm of its median price",
    "price_now": "price of two weeks over its median price, as a logarithm",
    "year_ago": "people who bought it in the same 30 days a year ago",
}
BOTH = {
    "price_apart": "its price over what the person pays, as a logarithm",
    "price_apart_spread": "the same in units of how far the person's prices spread",
}
SAYS = {
    "ease": "weights from all items of the history, rising items first",
    "lately": "the same weights from the last weeks of the history, rising items first",
    "factors": "vectors of the person and the item",
    "alike": "what people alike have been buying lately",
    "sequel": "what people with such a history bought the month after",
    "together": "what shares baskets with the last weeks' items",
    "neighbours": "nearest items of the history",
    "last_basket": "nearest items of the last basket",
    "titles": "items like the last weeks' by title, category, brand and price",
}
FEATURES: dict[str, str] = {
    **OWN,
    **{f"person_{k}": v for k, v in PERSON.items()},
    **{f"item_{k}": v for k, v in ITEM.items()},
    **BOTH,
    **{f"{k}_score": f"score: {SAYS[k]}" for k in SCORED},
    **{f"{k}_top": f"over the 20th best score: {SAYS[k]}" for k in SCORED},
    **{f"{k}_rank": f"rank among what is new to the person: {SAYS[k]}" for k in RANKED},
    **{f"{k}_risen": f"times how the item rises: {SAYS[k]}" for k in RISEN},
    **{f"{k}_risen_top": f"over the 20th best, times how it rises: {SAYS[k]}" for k in RISEN},
    "neighbours_mean": "score of the nearest items over the number of items of the history",
}
TOP = 20
LEAST_TOP = 0.02
"""Of the best score: where few items have one at all, the 20th best says nothing."""


@dataclass(frozen=True)
class Pairs:
    """Candidates: person k's are rows ptr[k]:ptr[k + 1], by item number.

    `owned` says which of them the person has bought.
    """

    ptr: Ints
    person: Ints
    item: Ints
    owned: Bools

    @classmethod
    def of(cls, chosen: Bools, owned: Bools) -> Pairs:
        """From masks of shape (people, items)."""
        person, item = np.nonzero(chosen)
        ptr = np.searchsorted(person, np.arange(len(chosen) + 1))
        return cls(ptr, person, item, owned[person, item])

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> Pairs:
        """Candidates of people after people; at least one part."""
        if len(parts) == 1:
            return parts[0]
        starts = np.cumsum([0, *[len(part.ptr) - 1 for part in parts]])
        rows = np.cumsum([0, *[len(part) for part in parts]])
        ptr = [part.ptr[:-1] + row for part, row in zip(parts, rows[:-1], strict=True)]
        person = [part.person + k for part, k in zip(parts, starts[:-1], strict=True)]
        return cls(
            np.concatenate([*ptr, rows[-1:]]),
            np.concatenate(person),
            np.concatenate([part.item for part in parts]),
            np.concatenate([part.owned for part in parts]),
        )

    def __len__(self) -> int:
        """How many rows."""
        return len(self.person)

    def pick(self, rows: Bools) -> Pairs:
        """Some of the rows, of the same people."""
        person = self.person[rows]
        ptr = np.searchsorted(person, np.arange(len(self.ptr)))
        return Pairs(ptr, person, self.item[rows], self.owned[rows])


def features(
    asked: Asked,
    pairs: Pairs,
    *,
    scores: Heard,
    facts: ItemFacts,
    rows: Bools | None = None,
) -> Floats:
    """Return the table that the ranker reads, shape (rows, len(FEATURES)), float32.

    Args:
        asked: The histories.
        pairs: All candidates: ranks are taken among them.
        scores: By source of SCORED, shape (people, items) or as it was said.
        facts: Of the items, at the same moment.
        rows: Which of the pairs are wanted; default all.
    """
    wanted = pairs if rows is None else pairs.pick(rows)
    people = PeopleFacts.of(asked)
    out: dict[str, Any] = _own(asked, wanted, people, facts)
    for name in PERSON:
        out[f"person_{name}"] = people.columns[name][wanted.person]
    for name, column in facts.columns(wanted.item).items():
        out[f"item_{name}"] = column
    apart = out["item_price"] - out["person_price"]
    out["price_apart"] = apart
    out["price_apart_spread"] = apart / np.maximum(out["person_price_spread"], 0.2)
    out |= _scores(pairs, rows, scores, facts)
    out["neighbours_mean"] = out["neighbours_score"] / np.maximum(out["person_items"], 1)
    table = np.empty((len(wanted), len(FEATURES)), np.float32)
    for place, name in enumerate(FEATURES):
        table[:, place] = out.pop(name)
    return table


def _scores(pairs: Pairs, rows: Bools | None, scores: Heard, facts: ItemFacts) -> dict[str, Floats]:
    out: dict[str, Floats] = {}
    few = _OneEach.of(pairs, rows)

    def standing(score: Floats) -> tuple[Floats, Floats, Floats]:
        if few is not None:
            return (score[few.rows], *few.standing(score))
        rank, top = _standing(pairs, score)
        return (score, rank, top) if rows is None else (score[rows], rank[rows], top[rows])

    for name in SCORED:
        whole = at(scores[name], pairs.person, pairs.item)
        score, rank, top = standing(whole)
        out[f"{name}_score"] = score
        out[f"{name}_top"] = score / top
        if name in RANKED:
            out[f"{name}_rank"] = rank
        if name in RISEN:
            risen, _, top = standing(whole * facts.rise[pairs.item])
            out[f"{name}_risen"] = risen
            out[f"{name}_risen_top"] = risen / top
    return out


@dataclass(frozen=True)
class _OneEach:
    """One wanted row of each person at most: where it stands is counted, nothing is sorted.

    Shapes: rows (wanted,), ahead (pairs,): the wanted row of each row's person, or -1.
    """

    pairs: Pairs
    rows: Ints
    ahead: Ints

    @classmethod
    def of(cls, pairs: Pairs, rows: Bools | None) -> _OneEach | None:
        if rows is None or not len(pairs):
            return None
        wanted = np.flatnonzero(rows)
        person = pairs.person[wanted]
        if (np.diff(person) == 0).any():
            return None
        row_of = np.full(len(pairs.ptr) - 1, -1)
        row_of[person] = wanted
        return cls(pairs, wanted, row_of[pairs.person])

    def standing(self, score: Floats) -> tuple[Floats, Floats]:
        """As `_standing`, of the wanted rows."""
        pairs, person = self.pairs, self.pairs.person[self.rows]
        own, place = score[np.maximum(self.ahead, 0)], np.arange(len(pairs))
        # Of equal ones the first stands before; what is owned stands behind all.
        before = (score > own) | ((score == own) & (place < self.ahead))
        before |= pairs.owned[np.maximum(self.ahead, 0)]
        counted = before & ~pairs.owned & (self.ahead >= 0)
        n = len(pairs.ptr) - 1
        rank = np.bincount(pairs.person[counted], minlength=n)[person].astype(np.float32)
        size = np.diff(pairs.ptr)
        # Side by side, one person a row; what is missing stands last.
        table = np.full((n, max(int(size.max()), TOP)), -np.inf, np.float32)
        table[pairs.person, place - pairs.ptr[pairs.person]] = score
        top = np.partition(table, table.shape[1] - TOP, axis=1)[:, table.shape[1] - TOP]
        short = (size < TOP) & (size > 0)
        top[short] = np.where(np.isfinite(table[short]), table[short], np.inf).min(axis=1)
        top = np.maximum(top, np.float32(LEAST_TOP) * table.max(axis=1))
        return rank, np.maximum(top, np.float32(1e-6))[person]


def _standing(pairs: Pairs, score: Floats) -> tuple[Floats, Floats]:
    """Rank among the person's new candidates, and about the 20th best score of all, by row."""
    n = len(pairs.ptr) - 1
    order = np.lexsort((-score, pairs.person))
    size = np.diff(pairs.ptr)
    place = np.minimum(pairs.ptr[:-1] + TOP - 1, pairs.ptr[1:] - 1)
    top = np.full(n, 1.0, np.float32)
    having = size > 0
    best = score[order][pairs.ptr[:-1][having]]
    top[having] = np.maximum(score[order][place[having]], np.float32(LEAST_TOP) * best)
    new = ~pairs.owned[order]
    upto = np.concatenate([[0], np.cumsum(new)])
    rank = np.empty(len(pairs), np.float32)
    rank[order] = upto[:-1] - upto[pairs.ptr[:-1]][pairs.person[order]]
    # What is owned has no rank among the new: it stands behind all of them.
    rank[pairs.owned] = (upto[pairs.ptr[1:]] - upto[pairs.ptr[:-1]])[pairs.person[pairs.owned]]
    return rank, np.maximum(top, np.float32(1e-6))[pairs.person]


def _own(asked: Asked, pairs: Pairs, people: PeopleFacts, facts: ItemFacts) -> dict[str, Any]:
    goals, items = people.goals, max(asked.past.items, 1)
    age = goals.age_days(asked.as_of_us)
    key, place, count = np.unique(
        goals.user * items + goals.item, return_inverse=True, return_counts=True
    )
    own = pairs.person * items + pairs.item
    at = np.minimum(np.searchsorted(key, own), max(len(key) - 1, 0))
    has = key[at] == own if len(key) else np.zeros(len(own), bool)

    def total(amount: Any) -> Floats:
        sums = np.bincount(place, amount, len(key))
        return _at(sums, at, has, 0.0)

    def extreme(values: Floats, pick: np.ufunc, begin: float) -> Floats:
        found = np.full(len(key), begin, np.float32)
        pick.at(found, place, values)
        return _at(found, at, has, np.nan)

    many = np.maximum(people.columns["baskets"][pairs.person], 1.0)
    last = extreme(age, np.minimum, np.inf)
    first = extreme(age, np.maximum, 0.0)
    n = _at(count.astype(np.float32), at, has, 0.0)
    gap = np.where(n > 1, (first - last) / np.maximum(n - 1, 1), np.nan).astype(np.float32)
    ago = extreme(people.basket.astype(np.float32), np.minimum, np.inf)
    own_90 = total(np.exp2(-age / 90))
    person_90 = np.bincount(goals.user, np.exp2(-age / 90), len(asked))[pairs.person]
    usual = np.where(np.isnan(gap), people.columns["gap_days"][pairs.person], gap)
    return {
        "own_count": n,
        "own_share": n / many,
        "own_share_3": total((people.basket < 3).astype(np.float32)) / np.minimum(many, 3),
        "own_share_6": total((people.basket < 6).astype(np.float32)) / np.minimum(many, 6),
        "own_30": total(np.exp2(-age / 30)),
        "own_90": own_90,
        "own_180": total(np.exp2(-age / 180)),
        "own_90_share": own_90 / np.maximum(person_90, 1e-6),
        "own_last": last,
        "own_first": first,
        "own_gap": gap,
        "own_due": last / np.maximum(usual, 1),
        "own_due_item": last / facts.gap_days[pairs.item],
        "own_baskets_ago": ago,
        "own_baskets_ago_share": ago / many,
        "seen": _seen(asked, pairs),
    }


def _seen(asked: Asked, pairs: Pairs) -> Floats:
    looks = asked.past.pick(~asked.past.goal)
    # An empty choice of a sparse matrix stays one.
    if not len(looks) or not len(pairs):
        return np.zeros(len(pairs), np.float32)
    fade = np.exp2(-looks.age_days(asked.as_of_us) / 7.0)
    amounts = looks.matrix((looks.weight * fade).astype(np.float32))
    out: Floats = np.asarray(amounts[pairs.person, pairs.item]).ravel().astype(np.float32)
    return out


def _at(column: Any, place: Ints, has: Bools, blank: float) -> Floats:
    if not len(column):
        return np.full(len(place), blank, np.float32)
    return np.where(has, column[place], blank).astype(np.float32)
