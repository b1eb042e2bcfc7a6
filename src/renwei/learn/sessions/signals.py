"""What the clicks of other sessions say about the items that could come next in this one.

One reading of the sessions that share an item with this one gives every signal at once: how near
those sessions are, what they hold besides, and what followed in them directly, second or third.
All signals are sums over the items of this session, so that each item's part can be named.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.learn.sessions.past import Floats, Past
from renwei.learn.sessions.rows import Ints

# How many sessions each item of this session may bring, the last clicked item first.
QUOTA = (500, 300, 200, 150, 100, 100, 100, 100)
REACH = 30
CUT = 100
_MOST_CLICKS = 10_000
_NEAREST = 100
_FAR = 1e9


@dataclass(frozen=True)
class Prefix:
    """What a session has clicked, the latest item first.

    `item`, `step` (1 is the last click) and `count` have shape (distinct,), `length` counts
    clicks, and `run` how often the last item was clicked in a row.
    """

    item: Ints
    step: Ints
    count: Ints
    length: int
    run: int

    @classmethod
    def of(cls, clicks: Ints, without: int | None = None) -> Prefix:
        """Return the last `REACH` clicks of a session, as if `without` had not been among them."""
        recent = np.asarray(clicks, np.int64)
        if without is not None:
            recent = recent[recent != without]
        back = recent[-REACH:][::-1]
        item, first, count = np.unique(back, return_index=True, return_counts=True)
        order = np.argsort(first)
        other = np.flatnonzero(back != back[0]) if len(back) else back
        run = int(other[0]) if len(other) else len(back)
        return cls(item[order], first[order] + 1, count[order], len(back), run)


@dataclass(frozen=True)
class Met:
    """The sessions that share an item with this one, read click by click.

    `at` is the candidate of each click, `row` its session, `which` its place in the prefix plus
    one (0: not in it), `first` marks an item's first click in its session. `holds`, shape
    (sessions, distinct), says which items of the prefix a session holds.
    """

    number: Ints
    at: Ints
    row: Ints
    which: Ints
    first: NDArray[np.bool_]
    start: Ints
    holds: NDArray[np.bool_]


@dataclass(frozen=True)
class Signals:
    """Candidates and their signals; each signal has shape (candidates,).

    `near`, `nearest` and `lately` add up whole sessions by how near they are (all, the nearest,
    the recent). `kin` is cosine kinship with the prefix. `next` are shares of what came one, two,
    three clicks after the last item, `after_other` after the item before it, `before` just before
    the last item, `follow` over all items of the prefix by distance. `peaks` are the largest values
    of `near`, `kin` and `follow` among all candidates, also those that were left out since, and `read` what all was read from.
    """

    prefix: Prefix
    item: Ints
    near: Floats
    nearest: Floats
    lately: Floats
    kin: Floats
    kin_last: Floats
    with_last: Floats
    next: tuple[Floats, Floats, Floats]
    after_other: Floats
    before: Floats
    follow: Floats
    step: Floats
    count: Floats
    clicks: Floats
    fast: Floats
    slow: Floats
    sessions: int
    last_clicks: int
    peaks: tuple[float, float, float]
    read: tuple[Ints, Met]

    def take(self, kept: Ints) -> Signals:
        """The same for some of the candidates."""
        own: dict[str, Any] = {
            name: x[kept] for name, x in vars(self).items() if isinstance(x, np.ndarray)
        }
        one, two, three = self.next
        return replace(self, **own, next=(one[kept], two[kept], three[kept]))


def meet(past: Past, prefix: Prefix, own: int | None = None) -> tuple[Ints, Met]:
    """Return the candidates, and the sessions that lead to them.

    Args:
        past: All sessions so far.
        prefix: This session.
        own: Its number where it is in `past` itself: nobody is their own neighbour.
    """
    number = _sessions(past, prefix, own)
    items, first, size = past.spread(number)
    # An item that nobody clicked yet leads nowhere, but this session may come back to it.
    known = prefix.item < past.room
    both = np.concatenate([items, prefix.item[known]])
    place = np.zeros(past.room, np.int64)
    place[prefix.item[known]] = np.flatnonzero(known) + 1
    # The last writer of each item's cell stands for it: distinct items without a sort.
    mark = np.empty(past.room, np.int64)
    mark[both] = np.arange(len(both))
    candidates = np.sort(both[mark[both] == np.arange(len(both))])
    mark[candidates] = np.arange(len(candidates))
    candidates = np.concatenate([candidates, np.sort(prefix.item[~known])])
    row, which = np.repeat(np.arange(len(number)), size), place[items]
    holds = np.zeros((len(number), len(prefix.item)), bool)
    hit = which > 0
    holds[row[hit], which[hit] - 1] = True
    start = np.cumsum(size) - size
    return candidates, Met(number, mark[items], row, which, first, start, holds)


def read_signals(past: Past, prefix: Prefix, own: int | None = None) -> Signals:
    """Return all candidates that some session leads to, or this one holds, with their signals."""
    item, met = meet(past, prefix, own)
    n, place = len(item), np.zeros(len(item), np.int64)
    place[np.searchsorted(item, prefix.item)] = np.arange(1, len(prefix.item) + 1)
    near = 1.0 / np.sqrt(prefix.step)
    likeness = met.holds @ near
    closest = np.where(met.holds, prefix.step, _FAR).min(axis=1, initial=_FAR)
    pull = likeness / closest
    fade = np.exp2(-(past.begun - met.number) / (2 * past.bounds.fast))
    spoken = _own_clicks(past, item, own)
    reach = np.sqrt(_leads_to(past, item, spoken))
    kin_parts = _kin_parts(past, prefix, own)
    last = met.holds[:, :1].sum(axis=1).astype(float)
    with_last = _summed(met, last, n)
    steps = _steps(met, prefix, n)
    clicks_of = np.maximum(np.bincount(met.which, minlength=len(prefix.item) + 1), 1)
    heat = np.maximum(past.heat(item) - spoken, 0.0)
    near_sum = _summed(met, pull, n)
    kin = _summed(met, met.holds @ kin_parts, n) / reach
    return Signals(
        prefix=prefix,
        item=item,
        near=near_sum,
        nearest=_summed(met, _only_top(pull), n),
        lately=_summed(met, pull * fade, n),
        kin=kin,
        kin_last=with_last * (kin_parts[:1].sum()) / reach,
        with_last=with_last / max(last.sum(), 1.0),
        next=(steps[0], steps[1], steps[2]),
        after_other=steps[3],
        before=steps[4],
        follow=steps[5],
        step=np.append(0, prefix.step)[place].astype(float),
        count=np.append(0, prefix.count)[place].astype(float),
        clicks=np.maximum(past.counts(item) - spoken, 0.0),
        fast=heat[0],
        slow=heat[1],
        sessions=len(met.number),
        last_clicks=int(clicks_of[1]) if len(clicks_of) > 1 else 0,
        peaks=(_peak(near_sum), _peak(kin), _peak(steps[5])),
        read=(item, met),
    )


def parts(past: Past, signals: Signals, items: Ints, own: int | None = None) -> Floats:
    """Return what each item of the session adds to the kinship and the following of others.

    Args:
        past: What the signals were read from.
        signals: Of this session, whole or in part.
        items: Shape (items,). Distinct; what is no candidate gets nothing.
        own: As in `read_signals`.

    Returns:
        Shape (items, distinct). A row adds up to the `strength` of its item.
    """
    prefix, (candidates, met) = signals.prefix, signals.read
    wide, out = len(prefix.item), np.zeros((len(items), len(signals.prefix.item)))
    if not len(candidates):
        return out
    place = np.minimum(np.searchsorted(candidates, items), len(candidates) - 1)
    there = np.flatnonzero(candidates[place] == items)
    # The asked items get numbers of their own, and all others share the one after them.
    number = np.full(len(candidates), len(there))
    number[place[there]] = np.arange(len(there))
    few = replace(met, at=number[met.at])
    spoken = _own_clicks(past, items[there], own)
    reach = np.sqrt(_leads_to(past, items[there], spoken))[:, None]
    columns = [_summed(few, met.holds[:, k].astype(float), len(there) + 1) for k in range(wide)]
    kin = np.stack(columns, axis=1)[:-1] * _kin_parts(past, prefix, own) / reach
    follow = _follow_parts(few, prefix, len(there) + 1)[:-1]
    _, top_kin, top_follow = signals.peaks
    out[there] = kin / top_kin + follow / top_follow
    return out


def strength(signals: Signals) -> Floats:
    """Kinship plus following, each over its largest: what `parts` divides among the items."""
    _, kin, follow = signals.peaks
    return np.asarray(signals.kin / kin + signals.follow / follow)


def best(signals: Signals, most: int = CUT, also: Ints | None = None) -> Signals:
    """Keep this session's own items, those `also` named, and the strongest: `most` in all."""
    if len(signals.item) <= most:
        return signals
    order = strength(signals) + signals.near / signals.peaks[0] + 9.0 * (signals.count > 0)
    if also is not None:
        order += 9.0 * np.isin(signals.item, also)
    return signals.take(np.sort(np.argpartition(-order, most)[:most]))


def _sessions(past: Past, prefix: Prefix, own: int | None) -> Ints:
    lists = [past.sessions_of(int(x), q) for x, q in zip(prefix.item, QUOTA, strict=False)]
    if not lists:
        return np.zeros(0, np.int64)
    number = np.unique(np.concatenate(lists)).astype(np.int64)
    size = past.sizes(number)
    if (total := int(size.sum())) > _MOST_CLICKS:
        # Long sessions: each item brings the same smaller share of its own, the latest ones.
        share = _MOST_CLICKS / total
        lists = [one[-max(int(len(one) * share), 1) :] for one in lists if len(one)]
        number = np.unique(np.concatenate(lists)).astype(np.int64)
    return number if own is None else number[number != own]


def _own_clicks(past: Past, items: Ints, own: int | None) -> Floats:
    """How often this session itself clicked each item: what the past would not hold without it."""
    if own is None:
        return np.zeros(len(items))
    clicked = past.clicks(own)
    return np.asarray((clicked[:, None] == items).sum(axis=0), float)


def _leads_to(past: Past, items: Ints, spoken: Floats) -> Floats:
    """The number of other sessions of each item, at least 1."""
    return np.asarray(np.maximum(past.lengths(items) - (spoken > 0), 1), float)


def _kin_parts(past: Past, prefix: Prefix, own: int | None) -> Floats:
    others = _leads_to(past, prefix.item, _own_clicks(past, prefix.item, own))
    return np.asarray(1.0 / (prefix.step * np.sqrt(others)))


def _summed(met: Met, weight: Floats, n: int) -> Floats:
    """Add each session's weight to every item that it holds."""
    if not len(met.at):
        return np.zeros(n)
    return np.asarray(np.bincount(met.at, weight[met.row] * met.first, n), float)


def _only_top(pull: Floats) -> Floats:
    if len(pull) <= _NEAREST:
        return pull
    kept = np.zeros(len(pull))
    top = np.argpartition(-pull, _NEAREST)[:_NEAREST]
    kept[top] = pull[top]
    return kept


def _steps(met: Met, prefix: Prefix, n: int) -> list[Floats]:
    """How often each candidate came where, as shares.

    One, two, three clicks after the last item; one after the item before it; one before the last
    item; and the sum of `_follow_parts`.
    """
    out = [np.zeros(n) for _ in range(6)]
    clicks_of = np.maximum(np.bincount(met.which, minlength=len(prefix.item) + 3), 1)
    weight = np.append(0.0, 1.0 / prefix.step)
    weight = weight / clicks_of[: len(weight)]
    for gap in (1, 2, 3):
        source, target = _pairs(met, gap)
        out[gap - 1] = np.bincount(target[source == 1], minlength=n) / clicks_of[1]
        out[5] += np.bincount(target, weight[source] / gap, n)
        if gap == 1:
            out[3] = np.bincount(target[source == 2], minlength=n) / clicks_of[2]
    if len(met.at) > 1:
        joined = (met.row[1:] == met.row[:-1]) & (met.which[1:] == 1)
        out[4] = np.bincount(met.at[:-1][joined], minlength=n) / clicks_of[1]
    return out


def _follow_parts(met: Met, prefix: Prefix, n: int) -> Floats:
    wide = len(prefix.item)
    clicks_of = np.maximum(np.bincount(met.which, minlength=wide + 1), 1)
    weight = 1.0 / prefix.step / clicks_of[1:]
    out = np.zeros(n * wide)
    for gap in (1, 2, 3):
        source, target = _pairs(met, gap)
        out += np.bincount(target * wide + source - 1, weight[source - 1] / gap, n * wide)
    return out.reshape(n, wide)


def _pairs(met: Met, gap: int) -> tuple[Ints, Ints]:
    """Places in the prefix, and candidates that came `gap` clicks later in the same session."""
    if len(met.at) <= gap:
        return met.which[:0], met.at[:0]
    joined = (met.row[gap:] == met.row[:-gap]) & (met.which[:-gap] > 0)
    return met.which[:-gap][joined], met.at[gap:][joined]


def _peak(values: Floats) -> float:
    return max(float(values.max(initial=0.0)), 1e-12)
