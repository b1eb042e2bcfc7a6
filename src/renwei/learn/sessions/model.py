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

Way = Literal["learnt", "neighbours"]
_HOT_FOR = 256
_HOT = 2_000


@dataclass(frozen=True)
class Picks:
    """A list, best first.

    `chance` is of being clicked next. `source` is "again" (of this session), "session" (by other
    sessions) or "popular".
    """

    item: Ints
    chance: Floats
    source: tuple[str, ...]


@dataclass(frozen=True)
class Cause:
    """An item of this session that speaks for another one.

    `share` of all that the session's items add, and what the chance is without the item.
    """

    item: int
    share: float
    chance_without: float


class NextItem:
    """Names the next item of a session.

    `way` is "learnt" where the weights have proved themselves, else "neighbours", which goes by
    the similarity of sessions alone. `covered` is how often the next item was a candidate.

    Example:
        >>> past = Past()
        >>> for clicks in ([1, 2, 3], [1, 2], [5, 6], [1, 2, 3]):
        ...     number = past.add(clicks)
        >>> NextItem(past).recommend(np.array([1]), 2, repeats=False).item.tolist()
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

    def recommend(
        self,
        clicks: Ints,
        n: int = 20,
        *,
        repeats: bool = True,
        allowed: NDArray[np.bool_] | None = None,
        exclude: Ints | None = None,
        own: int | None = None,
    ) -> Picks:
        """Return up to `n` items for a session that has clicked `clicks`, in order.

        Args:
            clicks: Shape (clicks,). Item numbers; unknown ones are ignored, none is no fault.
            n: How many. Fewer come only where fewer items are left.
            repeats: Whether items of this session may be named.
            allowed: Shape (items,). Which items may be named; those beyond its end may not.
            exclude: Item numbers that may not be named.
            own: The number of this session where `past` already has its clicks.
        """
        clicks = _whole(clicks)
        signals = self._signals(clicks, own)
        barred = clicks if not repeats else clicks[:0]
        if exclude is not None:
            barred = np.concatenate([barred, _whole(exclude)])
        free = _free(signals.item, barred, allowed)
        # What may not be shown goes before the cut, so that the list stays full.
        signals = best(signals.take(np.flatnonzero(free)) if not free.all() else signals)
        chance = self._chances(signals)
        order = np.lexsort((signals.item, -chance))[:n]
        item, chance = signals.item[order], chance[order]
        source = tuple("again" if own_item else "session" for own_item in signals.count[order] > 0)
        if len(item) == n:
            return Picks(item, chance, source)
        hot, warmth = self._popular(np.concatenate([barred, item]), n - len(item), allowed)
        return Picks(
            np.concatenate([item, hot]),
            np.concatenate([chance, np.minimum(warmth, chance.min(initial=1.0))]),
            source + ("popular",) * len(hot),
        )

    def chances(
        self, clicks: Ints, items: Ints, *, without: int | None = None, own: int | None = None
    ) -> Floats:
        """Return the chance of each of `items` to be clicked next, all items being allowed.

        Args:
            clicks: Shape (clicks,). This session, in order.
            items: Shape (items,). Which chances are wanted; 0 for what is no candidate.
            without: Answer as if this item had not been clicked in this session.
            own: As in `recommend`.
        """
        signals = best(self._signals(_whole(clicks), own, without), also=items)
        chance = self._chances(signals)
        if not len(chance):
            return np.zeros(len(items))
        place = np.minimum(np.searchsorted(signals.item, items), len(chance) - 1)
        return np.where(signals.item[place] == items, chance[place], 0.0)

    def because(
        self, clicks: Ints, items: Ints, *, most: int = 3, own: int | None = None
    ) -> list[tuple[Cause, ...]]:
        """Return for each item the items of this session that it rests on, the strongest first.

        A cause is cited only if the item's chance is lower without it: the whole scoring is done
        again for each of the `most` items of the session that add most to this list.
        """
        clicks, items = _whole(clicks), _whole(items)
        prefix = Prefix.of(clicks)
        added = parts(self.past, prefix, items, own)
        now = self.chances(clicks, items, own=own)
        asked = np.argsort(-added.sum(axis=0), kind="stable")[:most]
        without = {
            int(k): self.chances(clicks, items, without=int(prefix.item[k]), own=own) for k in asked
        }
        whole = np.maximum(added.sum(axis=1), 1e-12)
        out = []
        for row in range(len(items)):
            ranked = sorted(without, key=lambda k: (-added[row, k], k))
            out.append(
                tuple(
                    Cause(
                        int(prefix.item[k]),
                        float(added[row, k] / whole[row]),
                        float(without[k][row]),
                    )
                    for k in ranked
                    if added[row, k] > 0 and without[k][row] < now[row]
                )
            )
        return out

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

    def _signals(self, clicks: Ints, own: int | None, without: int | None = None) -> Signals:
        return read_signals(self.past, Prefix.of(clicks, without), own)

    def _chances(self, signals: Signals) -> Floats:
        if self.way == "learnt" and self.choice is not None:
            return self.covered * chances(self.choice.value(columns(signals)))
        return self.covered * signals.near / max(float(signals.near.sum()), 1e-12)

    def _popular(
        self, barred: Ints, n: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[Ints, Floats]:
        past = self.past
        age = past.begun - self._hot_at
        if self._hot_at < 0 or not 0 <= age < min(_HOT_FOR, past.begun // 16 + 1):
            self._hot, self._hot_at = _hottest(past, _HOT), past.begun
        hot = self._hot[_free(self._hot, barred, allowed)]
        if len(hot) < n and len(self._hot) == _HOT:
            every = _hottest(past, past.items)
            hot = every[_free(every, barred, allowed)]
        hot = hot[:n]
        warmth = past.heat(hot)[0]
        # What has cooled since the list was made is put in order of its warmth now.
        order = np.lexsort((hot, -warmth))
        share = warmth / max(float(warmth.sum()), 1e-12)
        return hot[order], (1 - self.covered) * share[order]


def with_past(model: NextItem, past: Past) -> NextItem:
    """Return a model with the same weights over another past."""
    return NextItem(past, model.choice, way=model.way, covered=model.covered)


def _whole(items: Ints) -> Ints:
    whole = np.asarray(items, np.int64).ravel()
    return whole[whole >= 0]


def _free(items: Ints, barred: Ints, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    free = ~np.isin(items, barred) if len(barred) else np.ones(len(items), bool)
    if allowed is not None:
        known = items < len(allowed)
        free &= known & allowed[np.where(known, items, 0)] if len(allowed) else False
    return free


def _hottest(past: Past, most: int) -> Ints:
    every = np.flatnonzero(past.counts(np.arange(past.room)))
    warmth = past.heat(every)[0]
    if len(every) > most:
        kept = np.argpartition(-warmth, most)[:most]
        every, warmth = every[kept], warmth[kept]
    return every[np.lexsort((every, -warmth))]
