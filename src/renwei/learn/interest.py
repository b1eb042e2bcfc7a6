"""How much somebody is drawn to each thing, and what they are about, from sums of behaviour.

Points are a start value and no measurement: a look counts by its logarithm and by the time it
lasted, a like or a cart more, and all of it fades with a half-life of a week, a follow with one
of two months. What points are worth in money is learnt from outcomes elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from renwei.learn.cells import Floats, Ints

NAMES = (
    "view", "like", "unlike", "wish", "cart", "uncart", "checkout", "share", "comment", "search",
    "follow", "unfollow", "sought", "help",
)  # fmt: skip
CODE = {name: code for code, name in enumerate(NAMES)}
POINTS = {
    "like": 2.0, "wish": 2.0, "cart": 3.0, "checkout": 1.0, "share": 1.0, "comment": 0.5,
    "sought": 1.0, "follow": 1.0,
}  # fmt: skip
UNDONE = {"unlike": "like", "uncart": "cart", "unfollow": "follow"}
HALF_LIFE_DAYS, FOLLOW_HALF_LIFE_DAYS = 7.0, 60.0
A_LOOK_MS = 20_000.0
DAY_US = 86_400_000_000

INTENTS = ("", "browsing", "comparing", "about_to_buy", "needs_help")
LATELY_DAYS, SOON_DAYS = 7, 3


@dataclass(frozen=True)
class Sums:
    """Sums of behaviour, columns of shape (rows,): one row a person, name, item and day.

    `name` indexes into NAMES; `amount` of looks is milliseconds; `last_us` microseconds.
    """

    person: Ints
    name: Ints
    item: Ints
    n: Ints
    amount: Ints
    last_us: Ints

    def __len__(self) -> int:
        """How many rows."""
        return len(self.person)

    def pick(self, rows: NDArray[np.bool_] | Ints) -> Sums:
        """Some of them, by mask or rows."""
        return Sums(*(getattr(self, name)[rows] for name in COLUMNS))

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[object]]) -> Sums:
        """From columns in which names are words; names that are unknown are left out."""
        import numpy as np

        code = np.array([CODE.get(str(name), -1) for name in columns["name"]], dtype=np.int64)
        ints = {
            name: np.asarray(columns[name], dtype=np.int64) for name in COLUMNS if name != "name"
        }
        return cls(**ints, name=code).pick(code >= 0)

    def added_up(self) -> Sums:
        """One row a person, name, item and day, however many rows brought it."""
        import numpy as np

        day = self.last_us // DAY_US
        order = np.lexsort((day, self.item, self.name, self.person))
        keys = np.stack([self.person, self.name, self.item, day])[:, order]
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (np.diff(keys, axis=1) != 0).any(axis=0)
        begin = np.flatnonzero(fresh)
        if len(begin) == len(order):
            return self
        n, amount = (np.add.reduceat(c[order], begin) for c in (self.n, self.amount))
        last = np.maximum.reduceat(self.last_us[order], begin)
        person, name, item = keys[:3, fresh]
        return Sums(person, name, item, n, amount, last)


COLUMNS = ("person", "name", "item", "n", "amount", "last_us")


@dataclass(frozen=True)
class Interest:
    """What each person is drawn to: shape (pairs,), sorted by person and falling points.

    Attributes:
        person, item: Numbers.
        points: See the module; always positive.
        views, dwell_ms: Looks, and how long they lasted together.
        last_us: When the person last did anything about the item.
    """

    person: Ints
    item: Ints
    points: Floats
    views: Ints
    dwell_ms: Ints
    last_us: Ints

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.person)


def creator_number(name: str) -> int:
    """The number under which sums of a creator or brand are kept: positive, 63 bits.

    Example:
        >>> creator_number("Pebble ") == creator_number("pebble")
        True
    """
    digest = blake2b(f"creator|{name.strip().casefold()}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1 or 1


def no_interest() -> Interest:
    """Nobody is drawn to anything."""
    import numpy as np

    none = np.zeros(0, dtype=np.int64)
    return Interest(none, none, np.zeros(0), none, none, none)


def interest_of(sums: Sums, at_us: int, made_by: Mapping[int, Sequence[int]]) -> Interest:
    """Add sums up by person and item.

    Args:
        sums: Rows whose last event lies after `at_us` are left out whole (law: no leak).
        at_us: Now.
        made_by: Items of each creator, by the number that follows are kept under.

    Example:
        >>> one = np.array([1])
        >>> looked = Sums(one, one * CODE["view"], one * 5, one * 3, one * 94_000, one)
        >>> interest_of(looked, 1, {}).points.round(2).tolist()
        [3.13]
    """
    import numpy as np

    sums = _standing(sums.pick(sums.last_us <= at_us).added_up())
    sums = _spread_follows(sums, made_by)
    worth = _points(sums, at_us)
    about = (sums.item > 0) & (worth > 0)
    sums, worth = sums.pick(about), worth[about]
    if not len(sums):
        return no_interest()
    pair, row = _pairs(sums.person, sums.item)
    looks = sums.name == CODE["view"]
    last = np.zeros(len(pair), dtype=np.int64)
    np.maximum.at(last, row, sums.last_us)
    points: Floats = np.bincount(row, weights=worth, minlength=len(pair)).astype(np.float64)
    views = _sum(row, np.where(looks, sums.n, 0), len(pair))
    dwell = _sum(row, np.where(looks, sums.amount, 0), len(pair))
    person, item = sums.person[pair], sums.item[pair]
    order = np.lexsort((item, -points, person))
    return Interest(
        person[order], item[order], points[order], views[order], dwell[order], last[order]
    )


def intents_of(
    sums: Sums, at_us: int, last_order: Mapping[int, int], group: Mapping[int, int]
) -> tuple[Ints, Ints]:
    """What each person is about, as an index into INTENTS.

    A call for help within three days comes first; then something in the cart that no order
    followed; then comparing: two things of one kind looked at three times or more within a
    week, or one thing three times; then browsing: anything at all within a week.

    Args:
        sums: Of these people.
        at_us: Now; rows whose last event lies later are left out.
        last_order: Microseconds of each person's last order: what came before it is settled.
        group: The kind (category) of each item; items of no known kind count as one kind.

    Returns:
        Persons ascending and their intents; people without recent behaviour have no row.
    """
    import numpy as np

    lately = (sums.last_us <= at_us) & (sums.last_us > at_us - LATELY_DAYS * DAY_US)
    sums = sums.pick(lately)
    ordered = np.array([last_order.get(p, 0) for p in sums.person.tolist()], dtype=np.int64)
    open_ = (sums.last_us > ordered) | (sums.name == CODE["help"])
    sums = sums.pick(open_)
    person = np.unique(sums.person)
    intent = np.ones(len(person), dtype=np.int64)
    sums = _standing(sums)
    row = np.searchsorted(person, sums.person)
    intent[_comparing(sums, row, group)] = INTENTS.index("comparing")
    soon = sums.last_us > at_us - SOON_DAYS * DAY_US
    carts = soon & np.isin(sums.name, (CODE["cart"], CODE["checkout"]))
    intent[row[carts]] = INTENTS.index("about_to_buy")
    intent[row[soon & (sums.name == CODE["help"])]] = INTENTS.index("needs_help")
    return person, intent


def _comparing(sums: Sums, row: Ints, group: Mapping[int, int]) -> Ints:
    import numpy as np

    looks = sums.name == CODE["view"]
    person, item, n = row[looks], sums.item[looks], sums.n[looks]
    pair, at = _pairs(person, item)
    times = _sum(at, n, len(pair))
    again = person[pair][times >= 3]
    kind = np.array([group.get(i, 0) for i in item[pair].tolist()], dtype=np.int64)
    family, of = _pairs(person[pair], kind)
    things = _sum(of, np.ones(len(pair), dtype=np.int64), len(family))
    looked = _sum(of, times, len(family))
    several = person[pair][family][(things >= 2) & (looked >= 3)]
    return np.unique(np.concatenate([again, several])).astype(np.int64)


def _standing(sums: Sums) -> Sums:
    """Without what was taken back later: a like by an unlike, a follow by an unfollow."""
    import numpy as np

    keep = np.ones(len(sums), dtype=bool)
    for undo, done in UNDONE.items():
        undone = sums.name == CODE[undo]
        keep &= ~undone
        if undone.any():
            mine = np.flatnonzero(sums.name == CODE[done])
            taken = _last_of(sums, undone)
            keep[mine] &= np.array(
                [
                    sums.last_us[k] > taken.get((int(sums.person[k]), int(sums.item[k])), 0)
                    for k in mine.tolist()
                ],
                dtype=bool,
            )
    return sums.pick(keep)


def _last_of(sums: Sums, rows: NDArray[np.bool_]) -> dict[tuple[int, int], int]:
    last: dict[tuple[int, int], int] = {}
    mine = sums.pick(rows)
    columns = (mine.person.tolist(), mine.item.tolist(), mine.last_us.tolist())
    for person, item, us in zip(*columns, strict=True):
        last[person, item] = max(last.get((person, item), 0), us)
    return last


def _spread_follows(sums: Sums, made_by: Mapping[int, Sequence[int]]) -> Sums:
    """A follow of a creator becomes one of each of the creator's items."""
    import numpy as np

    follows = np.flatnonzero(sums.name == CODE["follow"])
    if not len(follows):
        return sums
    rows, items = [], []
    for k in follows.tolist():
        made = made_by.get(int(sums.item[k]), ())
        rows += [k] * len(made)
        items += list(made)
    spread = sums.pick(np.array(rows, dtype=np.int64))
    rest = sums.pick(sums.name != CODE["follow"])
    spread = Sums(
        spread.person, spread.name, np.array(items, dtype=np.int64), spread.n, spread.amount,
        spread.last_us,
    )  # fmt: skip
    return Sums(*(np.concatenate([getattr(s, c) for s in (rest, spread)]) for c in COLUMNS))


def _points(sums: Sums, at_us: int) -> Floats:
    import numpy as np

    each = np.array([POINTS.get(name, 0.0) for name in NAMES])[sums.name]
    # The third look says less than the first; a search three times over no more than three.
    looks = np.log1p(sums.n) + np.log1p(sums.amount / A_LOOK_MS)
    worth = np.where(sums.name == CODE["view"], looks, each * np.minimum(sums.n, 3))
    half = np.where(sums.name == CODE["follow"], FOLLOW_HALF_LIFE_DAYS, HALF_LIFE_DAYS)
    age = (at_us - sums.last_us) / DAY_US
    return np.asarray(worth * 0.5 ** (age / half))


def _pairs(a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """A row of each distinct pair, and the pair that each row belongs to."""
    import numpy as np

    if not len(a):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    order = np.lexsort((b, a))
    fresh = np.ones(len(a), dtype=bool)
    fresh[1:] = (np.diff(a[order]) != 0) | (np.diff(b[order]) != 0)
    row = np.empty(len(a), dtype=np.int64)
    row[order] = np.cumsum(fresh) - 1
    return order[fresh], row


def _sum(row: Ints, amount: Ints, size: int) -> Ints:
    import numpy as np

    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, row, amount)
    return total
