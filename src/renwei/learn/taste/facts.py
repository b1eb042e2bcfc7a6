"""What is known of items and of people at a moment, as columns for the ranker.

Items' facts are fitted on the past and kept; a person's are taken from the history asked about,
so that a purchase of a minute ago counts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from renwei.learn.taste.personal import gaps
from renwei.learn.taste.source import State
from renwei.learn.taste.table import DAY_US, Asked, Bools, Floats, Ints, Past, baskets

NEVER_DAYS = 1_000.0
YEAR_DAYS = 365


@dataclass(frozen=True)
class ItemFacts(State):
    """Columns of shape (items,) at one moment, and how they are called in `names`.

    Attributes:
        names: Comma-separated names of the columns of `table`.
        table: Shape (items, columns), float32.
        rise: Shape (items,). How the item sells now over how it sold, to the power 1/2.
        price: Shape (items,). Logarithm of the median price, nan where none was seen.
        gap_days: Shape (items,). Usual days between two purchases by one person.
    """

    names: str
    table: Floats
    rise: Floats
    price: Floats
    gap_days: Floats

    @classmethod
    def fit(cls, past: Past, as_of_us: int) -> ItemFacts:
        """Count on the goal rows before `as_of_us`."""
        past = past.before(as_of_us).goals()
        age = past.age_days(as_of_us)
        first = first_of_pair(past)
        gap = gaps(past)
        columns: dict[str, Any] = {}
        for days in (3, 7, 14, 30, 60, 90):
            columns[f"buyers_{days}"] = _buyers(past, age <= days)
        columns["buyers"] = _buyers(past, np.ones(len(past), bool))
        week, three = (np.bincount(past.item, np.exp2(-age / h), past.items) for h in (7.0, 21.0))
        columns["heat_7"] = week
        for days in (7, 30, 90):
            columns[f"first_{days}"] = _count(past, first & (age <= days))
        columns["again_30"] = _count(past, ~first & (age <= 30))
        columns["again_share_30"] = (columns["again_30"] + 0.5) / (
            columns["first_30"] + columns["again_30"] + 1.0
        )
        for new, old, prior in ((7, 90, 7), (30, 90, 3), (7, 30, 2), (14, 60, 2)):
            columns[f"rise_{new}_{old}"] = (columns[f"buyers_{new}"] + 0.5) / (
                columns[f"buyers_{old}"] + prior
            )
        columns["rise_fast"] = (week + 0.5) / (three + 1.5)
        columns["last_days"] = _extreme(past, age, np.minimum, NEVER_DAYS)
        columns["first_days"] = _extreme(past, age, np.maximum, 0.0)
        columns["back_share"] = _back(past) / np.maximum(columns["buyers"], 1)
        columns["gap_days"] = gap
        columns["price"] = price = _median_price(past)
        columns["price_now"] = _price_now(past, age, price)
        columns["year_ago"] = _buyers(past, (age > YEAR_DAYS - 30) & (age <= YEAR_DAYS))
        rise = np.sqrt((week + 0.5) / (columns["buyers"] + 5.0)).astype(np.float32)
        table = np.column_stack(list(columns.values())).astype(np.float32)
        return cls(",".join(columns), table, rise, price, gap)

    def columns(self, item: Ints) -> dict[str, Floats]:
        """Each column at these items."""
        rows = np.asarray(self.table)[item]
        return {name: rows[:, k] for k, name in enumerate(self.names.split(","))}


@dataclass(frozen=True)
class PeopleFacts:
    """Columns by person, and the rows and baskets that they were taken from.

    Attributes:
        columns: Each of shape (people,).
        goals: The goal rows of the histories.
        basket: Shape (rows,). The basket of each goal row, 0 for the person's last one.
        first: Shape (rows,). Whether it is the person's first purchase of the item.
    """

    columns: dict[str, Floats]
    goals: Past
    basket: Ints
    first: Bools

    @classmethod
    def of(cls, asked: Asked) -> PeopleFacts:
        """Take them from histories."""
        goals, n = asked.past.goals(), len(asked)
        age = goals.age_days(asked.as_of_us)
        number = baskets(goals)
        last_number = np.zeros(n, np.int64)
        np.maximum.at(last_number, goals.user, number)
        from_last = last_number[goals.user] - number
        first = first_of_pair(goals)
        lines = np.bincount(goals.user, minlength=n).astype(np.float32)
        many = np.zeros(n, np.int64)
        np.maximum.at(many, goals.user, from_last + 1)
        newest, oldest = np.full(n, NEVER_DAYS, np.float32), np.zeros(n, np.float32)
        np.minimum.at(newest, goals.user, age)
        np.maximum.at(oldest, goals.user, age)
        gap = np.where(many > 1, (oldest - newest) / np.maximum(many - 1, 1), np.nan)
        lately = age <= 60
        mean, spread = _price_habits(goals, n)
        again = np.bincount(goals.user, ~first, n)
        again_60 = np.bincount(goals.user[lately], ~first[lately], n)
        columns: dict[str, Any] = {
            "baskets": many,
            "lines": lines,
            "items": np.bincount(goals.user, first, n),
            "basket_size": lines / np.maximum(many, 1),
            "again_share": again / np.maximum(lines, 1),
            "again_share_60": again_60
            / np.maximum(np.bincount(goals.user[lately], minlength=n), 1),
            "last_days": newest,
            "first_days": oldest,
            "gap_days": gap,
            "due": newest / np.maximum(gap, 1.0),
            "price": mean,
            "price_spread": spread,
        }
        columns = {name: column.astype(np.float32) for name, column in columns.items()}
        return cls(columns, goals, from_last, first)


def first_of_pair(past: Past) -> Bools:
    """Whether each row, in order of user and time, is the first of its user and item."""
    key = past.user * max(past.items, 1) + past.item
    _, place = np.unique(key, return_index=True)
    first = np.zeros(len(past), bool)
    # Rows are in the order of time within a user, so the first index is the earliest.
    first[place] = True
    return first


def _buyers(past: Past, keep: Bools) -> Floats:
    items = max(past.items, 1)
    pairs = np.unique(past.user[keep] * items + past.item[keep])
    return np.bincount(pairs % items, minlength=past.items).astype(np.float32)


def _count(past: Past, keep: Bools) -> Floats:
    return np.bincount(past.item[keep], minlength=past.items).astype(np.float32)


def _extreme(past: Past, age: Floats, pick: np.ufunc, blank: float) -> Floats:
    out = np.full(past.items, blank, np.float32)
    pick.at(out, past.item, age)
    return out


def _back(past: Past) -> Floats:
    items = max(past.items, 1)
    pair, count = np.unique(past.user * items + past.item, return_counts=True)
    return np.bincount(pair % items, count > 1, past.items).astype(np.float32)


def _median_price(past: Past) -> Floats:
    priced = np.isfinite(past.value) & (past.value > 0)
    item, value = past.item[priced], past.value[priced]
    order = np.lexsort((value, item))
    starts = np.searchsorted(item[order], np.arange(past.items + 1))
    middle = (starts[:-1] + starts[1:]) // 2
    out = np.full(past.items, np.nan, np.float32)
    seen = starts[1:] > starts[:-1]
    out[seen] = np.log(value[order][middle[seen]])
    return out


def _price_now(past: Past, age: Floats, price: Floats) -> Floats:
    # How dear it is now: the mean of two weeks over the median of all times, as a logarithm.
    now = (age <= 14) & np.isfinite(past.value) & (past.value > 0)
    n = np.bincount(past.item[now], minlength=past.items)
    total = np.bincount(past.item[now], past.value[now], past.items)
    out = np.full(past.items, np.nan, np.float32)
    out[n > 0] = np.log(total[n > 0] / n[n > 0]) - price[n > 0]
    return out


def _price_habits(goals: Past, n: int) -> tuple[Floats, Floats]:
    priced = np.isfinite(goals.value) & (goals.value > 0)
    user, price = goals.user[priced], np.log(goals.value[priced])
    count = np.maximum(np.bincount(user, minlength=n), 1)
    mean = np.bincount(user, price, n) / count
    spread = np.sqrt(np.maximum(np.bincount(user, price * price, n) / count - mean * mean, 0.0))
    mean[np.bincount(user, minlength=n) == 0] = np.nan
    return mean.astype(np.float32), spread.astype(np.float32)


def days_us(days: float) -> int:
    """Days in microseconds."""
    return int(days * DAY_US)
