"""The clicks of past and living sessions, kept so that one more click is all the training.

Sessions are numbered 0, 1, 2 ... as they begin. Two tables hold everything: what each session
clicked, in order, and which sessions clicked each item, most recent last. Both are bounded: the
oldest sessions are forgotten, and a popular item remembers its most recent sessions only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from renwei.learn.sessions.rows import Entries, Ints, Rows

Floats = NDArray[np.float64]
_MOST_ITEMS = 2**31 - 1


@dataclass(frozen=True)
class Bounds:
    """How much is remembered.

    `sessions` the most recent ones, `clicks` of one session, `per_item` the sessions that an
    item leads to. `fast` and `slow` are the half-lives, in sessions, of the two popularities.
    """

    sessions: int = 500_000
    clicks: int = 100
    per_item: int = 2_000
    fast: float = 1_000.0
    slow: float = 20_000.0


class Past:
    """Which session clicked what, open at the end.

    Items are numbers from 0, as dense as the caller can make them: memory goes with the largest.

    Example:
        >>> past = Past()
        >>> for clicks in ([4, 7], [7, 4, 9]):
        ...     number = past.add(clicks)
        >>> past.clicks(1).tolist(), past.sessions_of(7).tolist()
        ([7, 4, 9], [0, 1])
        >>> past.click(0, 9), past.sessions_of(9).tolist()
        (True, [1, 0])
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        # A repeated click is kept as ~item, so that each item of a session is counted once.
        self._clicked = Rows(self.bounds.clicks)
        self._sessions = Rows(self.bounds.per_item)
        self.begun = 0
        self._count: Ints = np.zeros(16, np.int64)
        self._heat: Floats = np.zeros((2, 16))
        self._heat_at: Ints = np.zeros(16, np.int64)

    @classmethod
    def of(cls, session: Ints, item: Ints, bounds: Bounds | None = None) -> Past:
        """Return the past of a log of clicks in the order in which they happened.

        The same as opening each session at its first click and adding click by click, at the
        price of a few sorts.

        Args:
            session: Shape (clicks,). Any whole numbers; equal ones are the same session.
            item: Shape (clicks,). Item numbers from 0.
            bounds: What to remember.
        """
        past = cls(bounds)
        session, item = np.asarray(session, np.int64), np.asarray(item, np.int64)
        if len(session):
            past._fill(session, item)
        return past

    @property
    def oldest(self) -> int:
        """The number of the oldest session that is still remembered."""
        return max(0, self.begun - self.bounds.sessions)

    @property
    def items(self) -> int:
        """One more than the largest item number that was clicked."""
        seen = np.flatnonzero(self._count)
        return int(seen[-1]) + 1 if len(seen) else 0

    @property
    def room(self) -> int:
        """No item of this number or above was ever clicked; at most twice `items`."""
        return len(self._count)

    def open(self) -> int:
        """Begin a session and return its number; the oldest one is forgotten when it is full."""
        number = self.begun
        self.begun += 1
        self._clicked.clear(number % self.bounds.sessions)
        return number

    def click(self, session: int, item: int) -> bool:
        """Take one click of a session; False where the session is unknown or forgotten."""
        if not 0 <= item < _MOST_ITEMS:
            raise ValueError(f"Item numbers go from 0 to {_MOST_ITEMS - 1}, not {item}.")
        if not self.oldest <= session < self.begun:
            return False
        row = session % self.bounds.sessions
        self._forget_first(row)
        kept = self._clicked.row(row)
        again = bool((kept[len(kept) == self.bounds.clicks :] == item).any())
        self._clicked.append(row, ~item if again else item)
        if not (again or (self._sessions.row(item) == session).any()):
            self._sessions.append(item, session)
        self._warm(item)
        return True

    def add(self, items: Ints | list[int]) -> int:
        """Take a whole session at once; return its number."""
        number = self.open()
        for item in items:
            self.click(number, int(item))
        return number

    def clicks(self, session: int) -> Entries:
        """What a session clicked, in order; empty where it is forgotten."""
        if not self.oldest <= session < self.begun:
            return np.zeros(0, np.int32)
        raw = self._clicked.row(session % self.bounds.sessions)
        return np.where(raw < 0, ~raw, raw)

    def sessions_of(self, item: int, most: int | None = None) -> Entries:
        """Numbers of the remembered sessions that clicked the item, the latest last."""
        row = self._sessions.row(item)
        row = row[len(row) - most :] if most is not None and most < len(row) else row
        return row[row >= self.oldest]

    def spread(self, sessions: Ints) -> tuple[Ints, NDArray[np.bool_], Ints]:
        """The clicks of remembered sessions, flattened.

        Returns:
            The items; whether each is the item's first click in its session; clicks a session.
        """
        raw, size = self._clicked.flat(sessions % self.bounds.sessions)
        first = raw >= 0
        return np.where(first, raw, ~raw).astype(np.int64), first, size

    def log(self) -> tuple[Ints, Ints]:
        """All remembered clicks as session and item numbers, session by session: what to learn."""
        living = np.arange(self.oldest, self.begun)
        item, _, size = self.spread(living)
        return np.repeat(living, size), item

    def sizes(self, sessions: Ints) -> Ints:
        """How many clicks of each remembered session are kept, shape (n,)."""
        return self._clicked.sizes(sessions % self.bounds.sessions)

    def counts(self, items: Ints) -> Ints:
        """All clicks of each item so far, shape (n,)."""
        return np.where(items < len(self._count), self._count[self._known(items)], 0)

    def lengths(self, items: Ints) -> Ints:
        """To how many sessions each item leads, shape (n,); at most `per_item`."""
        return self._sessions.sizes(items)

    def heat(self, items: Ints) -> Floats:
        """Clicks of each item with the fast and the slow half-life, shape (2, n)."""
        known = self._known(items)
        age = self.begun - self._heat_at[known]
        cooled = self._heat[:, known] * self._fade(age)
        return np.where(items < len(self._count), cooled, 0.0)

    def nbytes(self) -> int:
        """Bytes of the arrays."""
        rest = self._count.nbytes + self._heat.nbytes + self._heat_at.nbytes
        return self._clicked.nbytes() + self._sessions.nbytes() + rest

    def save(self, folder: Path) -> None:
        """Write plain arrays into a folder, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in (("clicked", self._clicked), ("sessions", self._sessions)):
            size, pool = rows.packed()
            np.save(folder / f"{name}_size.npy", size)
            np.save(folder / f"{name}_pool.npy", pool)
        np.save(folder / "count.npy", self._count)
        np.save(folder / "heat.npy", self._heat)
        np.save(folder / "heat_at.npy", self._heat_at)
        about = {"begun": self.begun, "bounds": asdict(self.bounds)}
        (folder / "past.json").write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, mapped: bool = True) -> Past:
        """Return what `save` wrote; mapped pages are read when needed and never written back."""
        about = json.loads((folder / "past.json").read_text(encoding="utf-8"))
        past = cls(Bounds(**about["bounds"]))
        past.begun = about["begun"]
        mode: Literal["c"] | None = "c" if mapped else None
        past._clicked, past._sessions = (
            Rows.filled(
                longest,
                np.load(folder / f"{name}_size.npy"),
                np.load(folder / f"{name}_pool.npy", mmap_mode=mode),
            )
            for name, longest in (
                ("clicked", past.bounds.clicks),
                ("sessions", past.bounds.per_item),
            )
        )
        past._count = np.load(folder / "count.npy")
        past._heat = np.load(folder / "heat.npy")
        past._heat_at = np.load(folder / "heat_at.npy")
        return past

    def _known(self, items: Ints) -> Ints:
        return np.where(items < len(self._count), items, 0)

    def _fade(self, age: Ints) -> Floats:
        return np.asarray(np.exp2(-age / np.array([[self.bounds.fast], [self.bounds.slow]])))

    def _warm(self, item: int) -> None:
        if item >= len(self._count):
            more = max(item + 1, 2 * len(self._count)) - len(self._count)
            self._count = np.pad(self._count, (0, more))
            self._heat = np.pad(self._heat, ((0, 0), (0, more)))
            self._heat_at = np.pad(self._heat_at, (0, more))
        age = np.array([self.begun - int(self._heat_at[item])])
        self._heat[:, item] = self._heat[:, item] * self._fade(age)[:, 0] + 1
        self._heat_at[item] = self.begun
        self._count[item] += 1

    def _forget_first(self, row: int) -> None:
        """Before the oldest click of a full session goes, its next repeat becomes the first."""
        kept = self._clicked.row(row)
        if len(kept) == self.bounds.clicks:
            again = np.flatnonzero(kept == ~kept[0]) if kept[0] >= 0 else kept[:0]
            if len(again):
                kept[again[0]] = kept[0]

    def _fill(self, session: Ints, item: Ints) -> None:
        if item.min() < 0 or item.max() >= _MOST_ITEMS:
            raise ValueError(f"Item numbers go from 0 to {_MOST_ITEMS - 1}.")
        number = _in_order_of_first(session)
        self.begun = int(number.max()) + 1
        # How many sessions had begun when a click came: what its age is counted from.
        begun = np.maximum.accumulate(number) + 1
        taken = number >= begun - self.bounds.sessions
        number, item, begun = number[taken], item[taken], begun[taken]
        self._fill_heat(item, begun)
        by_session = np.argsort(number, kind="stable")
        kept = by_session[_last_of_each(number[by_session], self.bounds.clicks)]
        kept = kept[number[kept] >= self.oldest]
        first = _is_first(number[kept], item[kept])
        raw = np.where(first, item[kept], ~item[kept])
        rows = number[kept] % self.bounds.sessions
        turned = np.argsort(rows, kind="stable")
        size = np.bincount(rows, minlength=min(self.begun, self.bounds.sessions))
        self._clicked = Rows.filled(self.bounds.clicks, size, raw[turned])

        once = np.flatnonzero(_is_first(number, item))
        by_item = once[np.argsort(item[once], kind="stable")]
        kept = by_item[_last_of_each(item[by_item], self.bounds.per_item)]
        size = np.bincount(item[kept], minlength=len(self._count))
        self._sessions = Rows.filled(self.bounds.per_item, size, number[kept])

    def _fill_heat(self, item: Ints, begun: Ints) -> None:
        most = int(item.max()) + 1
        self._count = np.bincount(item, minlength=most)
        fade = self._fade(self.begun - begun)
        self._heat = np.stack([np.bincount(item, row, most) for row in fade])
        self._heat_at = np.full(most, self.begun, np.int64)


def _in_order_of_first(values: Ints) -> Ints:
    _, first, same = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[same.ravel()]


def _last_of_each(grouped: Ints, most: int) -> Ints:
    """Places of the last `most` entries of every run of equal values."""
    ends = np.flatnonzero(np.append(grouped[1:] != grouped[:-1], True)) + 1
    to_end = np.repeat(ends, np.diff(ends, prepend=0)) - np.arange(len(grouped))
    return np.flatnonzero(to_end <= most)


def _is_first(session: Ints, item: Ints) -> NDArray[np.bool_]:
    """Whether each click is the first of its item in its session, in the order given."""
    pair = session * (int(item.max()) + 1) + item
    first = np.zeros(len(pair), bool)
    first[np.unique(pair, return_index=True)[1]] = True
    return first
