"""The next item of a session: candidates from other sessions, chosen between by learnt weights.

A click enters the past at once and is all the training that neighbours need. The weights of the
signals change slowly; they are learnt again when somebody asks for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from renwei.learn.sessions.choice import Choice, chances
from renwei.learn.sessions.features import columns
from renwei.learn.sessions.past import Floats, Past
from renwei.learn.sessions.rows import Ints
from renwei.learn.sessions.signals import Prefix, Signals, best, parts, read_signals

Way = Literal["learnt", "neighbours", "kin"]
PLAIN_WAYS: tuple[Way, ...] = ("neighbours", "kin")
_HOT_FOR = 256
_HOT = 2_000


@dataclass(frozen=True)
class Cause:
    """An item of this session that speaks for another one.

    `share` of all that the session's items add, and what the chance is without the item.
    """

    item: int
    share: float
    chance_without: float


@dataclass(frozen=True)
class Picks:
    """A list, best first.

    `chance` is of being clicked next, given that it is one of those that may be named. `source`
    is "again" (of this session), "session" (by other sessions) or "popular". `causes` has a row
    an item where causes were asked for.
    """

    item: Ints
    chance: Floats
    source: tuple[str, ...]
    causes: tuple[tuple[Cause, ...], ...] = ()


@dataclass(frozen=True)
class Allow:
    """What may be named.

    `repeats`: items of this session too. `only`, shape (items,): a mark for each item number;
    those beyond its end may not. `never`: item numbers.
    """

    repeats: bool = True
    only: NDArray[np.bool_] | None = None
    never: Ints | None = None

    def barred(self, clicks: Ints) -> Ints:
        """Numbers of the items that may not be named in this session, whatever `only` says."""
        own = clicks[:0] if self.repeats else clicks
        return own if self.never is None else np.concatenate([own, _whole(self.never)])

    def free(self, items: Ints, barred: Ints) -> NDArray[np.bool_]:
        """Which of these items may be named, shape (n,)."""
        free = ~np.isin(items, barred) if len(barred) else np.ones(len(items), bool)
        if self.only is not None:
            known = items < len(self.only)
            free &= known & np.append(self.only, False)[np.where(known, items, 0)]
        return free


_ANY = Allow()


class NextItem:
    """Names the next item of a session.

    `way` is "learnt" where the weights have proved themselves, else "neighbours", which goes by
    the similarity of sessions alone, or "kin", by that of items. `covered` is how often the next item was a candidate.

    Example:
        >>> past = Past()
        >>> for clicks in ([1, 2, 3], [1, 2], [5, 6], [1, 2, 3]):
        ...     number = past.add(clicks)
        >>> NextItem(past).recommend(np.array([1]), 2, allow=Allow(repeats=False)).item.tolist()
        [2, 3]
    """

    def __init__(
        self,
        past: Past,
        choice: Choice | None = None,
        *,
        way: Way | None = None,
        covered: float = 0.8,
    ) -> None:
        if way == "learnt" and choice is None:
            raise ValueError("The learnt way needs its weights.")
        self.past = past
        self.choice = choice
        self.way: Way = way or ("neighbours" if choice is None else "learnt")
        self.covered = covered
        self._hot: Ints = np.zeros(0, np.int64)
        self._hot_at = -1
        self._all_heat = 1.0

    def recommend(
        self,
        clicks: Ints,
        n: int = 20,
        *,
        allow: Allow = _ANY,
        own: int | None = None,
        causes: int = 0,
    ) -> Picks:
        """Return up to `n` items for a session that has clicked `clicks`, in order.

        Args:
            clicks: Shape (clicks,). Item numbers; unknown ones are ignored, none is no fault.
            n: How many. Fewer come only where fewer items are left.
            allow: What may be named.
            own: The number of this session where `past` already has its clicks.
            causes: How many causes to look for at most, as in `because`.
        """
        clicks = _whole(clicks)
        signals = self._signals(clicks, allow, own)
        chance = self._chances(signals)
        order = np.lexsort((signals.item, -chance))[:n]
        item, chance = signals.item[order], chance[order]
        source = tuple("again" if inside else "session" for inside in signals.count[order] > 0)
        if len(item) < n:
            barred = np.concatenate([allow.barred(clicks), item])
            hot, share = self._popular(allow, barred, n - len(item))
            left = 1 - self.covered if len(item) else 1.0
            item = np.concatenate([item, hot])
            chance = np.concatenate([chance, np.minimum(left * share, chance.min(initial=1.0))])
            source += ("popular",) * len(hot)
        if not causes:
            return Picks(item, chance, source)
        found = self._causes(clicks, signals, item, causes, allow=allow, own=own)
        return Picks(item, chance, source, found)

    def chances(
        self,
        clicks: Ints,
        items: Ints,
        *,
        allow: Allow = _ANY,
        own: int | None = None,
        without: int | None = None,
    ) -> Floats:
        """Return the chance of each of `items` to be clicked next; 0 for what is no candidate.

        Args:
            clicks: Shape (clicks,). This session, in order.
            items: Shape (items,). Which chances are wanted.
            allow: What else may be named.
            own: As in `recommend`.
            without: Answer as if this item had not been clicked in this session.
        """
        signals = self._signals(_whole(clicks), allow, own, without=without, also=items)
        return _of(signals, self._chances(signals), items)

    def because(
        self,
        clicks: Ints,
        items: Ints,
        *,
        most: int = 3,
        allow: Allow = _ANY,
        own: int | None = None,
    ) -> tuple[tuple[Cause, ...], ...]:
        """Return for each item the items of this session that it rests on, the strongest first.

        A cause is cited only if the item's chance is lower without it: the whole scoring is done
        again for each of the `most` items of the session that add most to this list. `items` are
        distinct.
        """
        clicks, items = _whole(clicks), _whole(items)
        signals = self._signals(clicks, allow, own, also=items)
        return self._causes(clicks, signals, items, most, allow=allow, own=own)

    def save(self, folder: Path) -> None:
        """Write plain arrays into a folder, which is made if needed."""
        self.past.save(folder)
        if self.choice is not None:
            stacked = np.stack([self.choice.weight, self.choice.middle, self.choice.spread])
            np.save(folder / "choice.npy", stacked)
        about = {"way": self.way, "covered": self.covered, "choice": self.choice is not None}
        (folder / "model.json").write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, mapped: bool = True) -> NextItem:
        """Return what `save` wrote; `mapped` as in `Past.load`."""
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        choice = Choice(*np.load(folder / "choice.npy")) if about["choice"] else None
        past = Past.load(folder, mapped=mapped)
        return cls(past, choice, way=about["way"], covered=about["covered"])

    def _signals(
        self,
        clicks: Ints,
        allow: Allow,
        own: int | None,
        *,
        without: int | None = None,
        also: Ints | None = None,
    ) -> Signals:
        signals = read_signals(self.past, Prefix.of(clicks, without), own)
        free = allow.free(signals.item, allow.barred(clicks))
        # What may not be shown goes before the cut, so that the list stays full.
        if not free.all():
            signals = signals.take(np.flatnonzero(free))
        return best(signals, also=also)

    def _causes(
        self,
        clicks: Ints,
        signals: Signals,
        items: Ints,
        most: int,
        *,
        allow: Allow,
        own: int | None,
    ) -> tuple[tuple[Cause, ...], ...]:
        added = parts(self.past, signals, items, own)
        now = _of(signals, self._chances(signals), items)
        asked = np.argsort(-added.sum(axis=0), kind="stable")[:most]
        inside = signals.prefix.item
        without = {
            int(k): self.chances(clicks, items, allow=allow, own=own, without=int(inside[k]))
            for k in asked
        }
        share = added / np.maximum(added.sum(axis=1), 1e-12)[:, None]

        def cited(row: int) -> tuple[Cause, ...]:
            lower = [k for k in without if added[row, k] > 0 and without[k][row] < now[row]]
            lower.sort(key=lambda k: (-added[row, k], k))
            return tuple(
                Cause(int(inside[k]), float(share[row, k]), float(without[k][row])) for k in lower
            )

        return tuple(cited(row) for row in range(len(items)))

    def _chances(self, signals: Signals) -> Floats:
        if self.way == "learnt" and self.choice is not None:
            return self.covered * chances(self.choice.value(columns(signals)))
        score = plain_scores(signals)[self.way]
        return self.covered * score / max(float(score.sum()), 1e-12)

    def _popular(self, allow: Allow, barred: Ints, n: int) -> tuple[Ints, Floats]:
        past = self.past
        age = past.begun - self._hot_at
        if self._hot_at < 0 or not 0 <= age < min(_HOT_FOR, past.begun // 16 + 1):
            self._hot, self._hot_at = _hottest(past, _HOT), past.begun
            self._all_heat = max(float(past.heat(np.arange(past.room))[0].sum()), 1e-12)
        hot = self._hot[allow.free(self._hot, barred)]
        if len(hot) < n and len(self._hot) == _HOT:
            every = _hottest(past, past.items)
            hot = every[allow.free(every, barred)]
        hot = hot[:n]
        warmth = past.heat(hot)[0]
        # What has cooled since the list was made is put in order of its warmth now.
        order = np.lexsort((hot, -warmth))
        return hot[order], np.minimum(warmth[order] / self._all_heat, 1.0)


def plain_scores(signals: Signals) -> dict[Way, Floats]:
    """The scores of the ways that need no weights, in the order of `PLAIN_WAYS`."""
    return {"neighbours": signals.near, "kin": signals.kin}


def with_past(model: NextItem, past: Past) -> NextItem:
    """Return a model with the same weights over another past."""
    return NextItem(past, model.choice, way=model.way, covered=model.covered)


def _whole(items: Ints) -> Ints:
    whole = np.asarray(items, np.int64).ravel()
    return whole[whole >= 0]


def _of(signals: Signals, chance: Floats, items: Ints) -> Floats:
    if not len(chance):
        return np.zeros(len(items))
    place = np.minimum(np.searchsorted(signals.item, items), len(chance) - 1)
    return np.where(signals.item[place] == items, chance[place], 0.0)


def _hottest(past: Past, most: int) -> Ints:
    every = np.flatnonzero(past.counts(np.arange(past.room)))
    warmth = past.heat(every)[0]
    if len(every) > most:
        kept = np.argpartition(-warmth, most)[:most]
        every, warmth = every[kept], warmth[kept]
    return every[np.lexsort((every, -warmth))]
