"""Learning the weights on the latest sessions, and whether they may serve.

The weights come from prefixes of the last part of the sessions, seen with the eyes of the time:
their neighbours come from the sessions before that part only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renwei.learn.sessions.choice import Choice, fit_choice
from renwei.learn.sessions.features import columns
from renwei.learn.sessions.model import PLAIN_WAYS, NextItem, Way, plain_scores
from renwei.learn.sessions.past import Bounds, Floats, Past
from renwei.learn.sessions.rows import Ints
from renwei.learn.sessions.signals import CUT, Prefix, best, read_signals
from renwei.learn.sessions.trial import Case, bootstrap_mean, cases_of, reciprocal

_FEWEST = 60


@dataclass(frozen=True)
class Learnt:
    """A model and how it came about.

    `gain` is the mean of the learnt way's reciprocal rank minus that of the better plain way, on
    sessions that it was not fitted on, with its 95 % interval; nan where there were too few.
    """

    model: NextItem
    cases: int
    covered: float
    gain: tuple[float, float, float]

    @property
    def way(self) -> Way:
        """Which of the ways serves."""
        return self.model.way


@dataclass(frozen=True)
class _Set:
    """The candidates of one case, their scores by the plain ways, and which of them came."""

    x: Floats
    plain: tuple[Floats, ...]
    target: int
    session: int


def learn_next_item(
    session: Ints,
    item: Ints,
    *,
    bounds: Bounds | None = None,
    share: float = 0.15,
    most: int = 3_000,
    ridge: float = 30.0,
    seed: int = 1,
) -> Learnt:
    """Return a model of a log of clicks in the order in which they happened.

    The learnt weights serve only if they beat the better plain way, the whole interval above
    zero: fitted on one half of the sessions they are judged on the other half, and the other way
    round. Then they are fitted on all.

    Args:
        session: Shape (clicks,). Equal numbers are the same session.
        item: Shape (clicks,). Item numbers from 0.
        bounds: What the past remembers.
        share: Of the sessions, the latest, whose prefixes are learnt from.
        most: Cases to learn from, drawn at random.
        ridge: Pull of the weights towards zero; see `fit_choice`.
        seed: Of the draw.
    """
    session, item = np.asarray(session, np.int64), np.asarray(item, np.int64)
    past = Past.of(session, item, bounds)
    before, after = _split(session, item, share)
    cases = cases_of(after, most, seed)
    eyes = Past.of(session[before], item[before], bounds)
    sets = [one for case in cases if (one := _seen(eyes, case))]
    covered = len(sets) / max(len(cases), 1)
    halves = [[one for one in sets if one.session % 2 == side] for side in (0, 1)]
    if min(len(half) for half in halves) < _FEWEST // 2:
        unknown = (float("nan"),) * 3
        return Learnt(NextItem(past, covered=covered or 0.5), len(sets), covered, unknown)
    fitted = [_fit(half, ridge) for half in halves]
    plain, gain = _judge(fitted, halves, seed)
    way: Way = "learnt" if gain[1] > 0 else plain
    choice = _fit(sets, ridge, fitted[0])
    return Learnt(NextItem(past, choice, way=way, covered=covered), len(sets), covered, gain)


def _split(session: Ints, item: Ints, share: float) -> tuple[Ints, list[Ints]]:
    """Places of the clicks of the sessions that began first, and the others session by session."""
    if not len(session):
        return session, []
    _, begin, same = np.unique(session, return_index=True, return_inverse=True)
    order = np.argsort(begin, kind="stable")
    number = np.empty(len(begin), np.int64)
    number[order] = np.arange(len(begin))
    of_click = number[same.ravel()]
    edge = int(len(begin) * (1 - share))
    late = np.flatnonzero(of_click >= edge)
    late = late[np.argsort(of_click[late], kind="stable")]
    ends = np.flatnonzero(np.diff(of_click[late])) + 1
    # A click of an early session after the first late one began would be a look ahead.
    dawn = int(begin[order[edge]]) if edge < len(begin) else len(session)
    early = np.flatnonzero((of_click < edge) & (np.arange(len(session)) < dawn))
    return early, np.split(item[late], ends)


def _seen(past: Past, case: Case) -> _Set | None:
    signals = best(read_signals(past, Prefix.of(case.clicks)), CUT)
    place = int(np.searchsorted(signals.item, case.target))
    if place == len(signals.item) or signals.item[place] != case.target:
        return None
    return _Set(columns(signals), tuple(plain_scores(signals).values()), place, case.session)


def _fit(sets: list[_Set], ridge: float, start: Choice | None = None) -> Choice:
    size = np.array([len(one.x) for one in sets])
    chosen = np.cumsum(size) - size + np.array([one.target for one in sets])
    x = np.concatenate([one.x for one in sets])
    return fit_choice(x, size, chosen, ridge=ridge, start=start)


def _judge(
    fitted: list[Choice], halves: list[list[_Set]], seed: int
) -> tuple[Way, tuple[float, float, float]]:
    """The better plain way, and what the weights of one half gain over it on the other half."""
    sets = [*halves[1], *halves[0]]
    valued = [fitted[0].value(one.x) for one in halves[1]]
    valued += [fitted[1].value(one.x) for one in halves[0]]
    ranks = np.array(
        [
            [_rank(score, one.target) for score in (value, *one.plain)]
            for value, one in zip(valued, sets, strict=True)
        ]
    )
    worth = reciprocal(ranks)
    best_plain = int(worth[:, 1:].mean(axis=0).argmax())
    better = worth[:, 0] - worth[:, 1 + best_plain]
    gain = bootstrap_mean(better, np.array([one.session for one in sets]), seed=seed)
    return PLAIN_WAYS[best_plain], gain


def _rank(score: Floats, target: int) -> int:
    ahead = score > score[target]
    ahead[:target] |= score[:target] == score[target]
    return int(ahead.sum()) + 1
