"""Who will likely be listed, told from the past alone: a need that is ripe, a stake, a lateness.

Whoever is listed differs from the crowd: the list looks for people with much at stake whose
need is ripe or who are late. An interval that holds for everybody on average may fail for
them, so they are groups of their own when its level is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from renwei.people.features import Floats
from renwei.people.frame import DAY_US, Ints
from renwei.people.needs import Needs, Purchases, Rhythms, needs_at

Bools = NDArray[np.bool_]

CHANCES = (0.2, 0.35, 0.5, 0.65, 0.8)
_TOP_VALUE = (0.9, 0.98)
_TOP_STAKE = 0.9
_TOP_NEED = (0.9, 0.97)
_TOP_LATE = 0.95


@dataclass(frozen=True)
class Ripe:
    """Needs of people at a moment, shape (people,); zeros where nothing is needed.

    Attributes:
        chance: That the likeliest need of each is bought within the window.
        now: The same where the need is ripe at the moment, less the further it is from that.
    """

    chance: Floats
    now: Floats


def until(bought: Purchases, at_us: int) -> Purchases:
    """What had been bought by a time; pairs are numbered anew."""
    keep = bought.at_us <= at_us
    pair = bought.pair[keep]
    fresh = np.ones(len(pair), dtype=bool)
    fresh[1:] = pair[1:] != pair[:-1]
    number = np.cumsum(fresh) - 1
    columns = (bought.person[keep], bought.item[keep], bought.at_us[keep], bought.quantity[keep])
    return Purchases(*columns, number, np.flatnonzero(fresh))


def ripe_at(bought: Purchases, rhythms: Rhythms, person: Ints, when: tuple[int, int]) -> Ripe:
    """How ripe the needs of `person` (ascending) are at a moment.

    Args:
        bought: Purchases; those after the moment are passed over.
        rhythms: Of items.
        person: Whom to tell of; others are passed over.
        when: The moment in microseconds since 1970, and the window in days.
    """
    at_us, days = when
    needs = needs_at(until(bought, at_us), rhythms, at_us, days)
    chance, now = np.zeros(len(person)), np.zeros(len(person))
    known = np.isin(needs.person, person)
    row = np.searchsorted(person, needs.person[known])
    np.maximum.at(chance, row, needs.p[known])
    np.maximum.at(now, row, (needs.p * _ripeness(needs, at_us))[known])
    return Ripe(chance, now)


def _ripeness(needs: Needs, at_us: int) -> Floats:
    """1 about one rhythm after the last purchase, 0 before three quarters and after two."""
    passed = (at_us - needs.last_us) / DAY_US / np.maximum(needs.cycle_days, 1.0)
    return np.clip(np.minimum((passed - 0.75) / 0.15, (2.0 - passed) / 0.7), 0.0, 1.0)


def groups_of(chance: Floats, value: Floats, usual: Floats, late: Floats, ripe: Ripe) -> Bools:
    """Groups, each of which an interval must hold for; they overlap, shape (groups, people).

    Args:
        chance: Of an order within the window; below 0.2 a person is in no group.
        value: What she is expected to spend.
        usual: What she spends if she orders.
        late: Days since the last order over her usual gap, nan where there is none.
        ripe: Her needs.
    """
    able = chance >= CHANCES[0]
    edges = (*CHANCES, np.inf)
    stake = usual * chance * (1 - chance)
    need = usual * ripe.now * (1 - ripe.chance)
    waits = np.nan_to_num(late) >= 1
    groups = [able]
    groups += [(chance >= a) & (chance < b) for a, b in pairwise(edges)]
    groups += [able & _top(value, share) for share in _TOP_VALUE]
    groups += [able & _top(stake, _TOP_STAKE)]
    groups += [able & _top(need, share) for share in _TOP_NEED]
    groups += [able & waits, able & _top(stake * waits, _TOP_LATE)]
    return np.array(groups)


def _top(number: Floats, share: float) -> Bools:
    if not len(number):
        return np.zeros(0, dtype=bool)
    return np.asarray((number >= np.quantile(number, share)) & (number > 0))
