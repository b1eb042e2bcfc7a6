"""Sorted rows of (keyed hash, person) on the shelf: who is found under which piece of a text.

Of each index there is a large table and a small one. A question takes a few new people into the
small one, so that it never writes the whole index again; grown, it is merged into the large one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from renwei.core.shop import Columns, Shop

DONE, NEW = "-done", "-new"
MOST_NEW = 5_000
"""So many people stay in the small table."""
TAKEN_IN = 0
"""The key in the small table under which everybody stands who was taken in; no hash is 0."""
_CURRENT = {"history": False}
"""An index says nothing that older versions of it would be needed for."""


class Rows(NamedTuple):
    """Keys (uint64) and persons (int64), both of shape (rows,)."""

    key: Any
    person: Any


def under(shop: Shop, table: str, key: int) -> Any:
    """The people under a key: shape (people,), ascending, each once."""
    import numpy as np

    parts = [_slice(_rows(shop, name), key) for name in (table, table + NEW)]
    if not len(parts[1]):
        # A slice of the large table is ascending and holds nobody twice.
        return parts[0]
    return once(np.concatenate(parts))


def absent(shop: Shop, table: str, everybody: Any) -> Any:
    """Those of these people (ascending) who were not taken in yet, ascending."""
    import numpy as np

    missing, done = everybody, _done(shop, table)
    if np.array_equal(done, everybody):
        return everybody[:0]
    for known in (done, _taken_in(shop, table)):
        missing = missing[~within(missing, known)]
    return missing


def take_in(shop: Shop, table: str, fresh: Any, more: Rows) -> None:
    """Note people (ascending) as taken in, with the rows that lead to them."""
    import numpy as np

    young = _rows(shop, table + NEW)
    marks = Rows(np.full(len(fresh), TAKEN_IN, dtype=np.uint64), fresh)
    young = _merged(young, _sorted(_joined(more, marks)))
    taken = _slice(young, TAKEN_IN)
    if len(taken) <= MOST_NEW:
        _put(shop, table + NEW, young)
        return
    own = Rows(young.key[len(taken) :], young.person[len(taken) :])
    _put(shop, table, _merged(_rows(shop, table), own))
    done = _done(shop, table)
    _put_done(shop, table, np.insert(done, *_new_in(done, taken)), merges_counted(shop, table))
    _put(shop, table + NEW, Rows(young.key[:0], young.person[:0]))


def open_again(shop: Shop, table: str, persons: Sequence[int], *, merges: int) -> None:
    """Let these people count as not taken in; their rows stay, and `merges` is remembered."""
    import numpy as np

    gone = once(np.array(persons, dtype=np.int64))
    young = _rows(shop, table + NEW)
    stay = (young.key != TAKEN_IN) | ~within(young.person, gone)
    if not stay.all():
        _put(shop, table + NEW, Rows(young.key[stay], young.person[stay]))
    done = _done(shop, table)
    _put_done(shop, table, done[~within(done, gone)], merges)


def merges_counted(shop: Shop, table: str) -> int | None:
    """How many merges `open_again` was told of; None where nobody was ever taken in."""
    kept = shop.shelf.get(table + DONE)
    if kept is not None:
        return int(kept.meta.get("merges", 0))
    return None if shop.shelf.get(table + NEW) is None else 0


def within(wanted: Any, among: Any) -> Any:
    """Whether each number stands in an ascending array: shape of `wanted`, boolean.

    Example:
        >>> import numpy as np
        >>> within(np.array([1, 2, 9]), np.array([2, 3])).tolist()
        [False, True, False]
    """
    import numpy as np

    if not len(among):
        return np.zeros(len(wanted), dtype=bool)
    at = np.minimum(np.searchsorted(among, wanted), len(among) - 1)
    return among[at] == wanted


def once(numbers: Any) -> Any:
    """The numbers ascending, each once; of what is sorted already far quicker than by hashes."""
    import numpy as np

    found = np.sort(numbers, kind="stable")
    return found[np.append(True, found[1:] != found[:-1])[: len(found)]]


def _slice(rows: Rows, key: int) -> Any:
    import numpy as np

    begin, end = (int(rows.key.searchsorted(np.uint64(key), side)) for side in ("left", "right"))
    return rows.person[begin:end]


def _merged(rows: Rows, more: Rows) -> Rows:
    """Sorted rows with others, sorted too; what stands in both, once."""
    import numpy as np

    low, high = np.zeros(len(more.key), dtype=np.int64), np.full(len(more.key), len(rows.key))
    for _ in range(len(rows.key).bit_length()):
        # Every row of `more` halves where it may belong, all of them at once.
        middle = np.minimum((low + high) // 2, max(len(rows.key) - 1, 0))
        key, person = rows.key[middle], rows.person[middle]
        before = (key < more.key) | ((key == more.key) & (person < more.person))
        open_ = low < high
        low, high = (
            np.where(open_ & before, middle + 1, low),
            np.where(open_ & ~before, middle, high),
        )
    at = np.minimum(low, max(len(rows.key) - 1, 0))
    if len(rows.key):
        new = (rows.key[at] != more.key) | (rows.person[at] != more.person)
        low, more = low[new], Rows(more.key[new], more.person[new])
    return Rows(np.insert(rows.key, low, more.key), np.insert(rows.person, low, more.person))


def _new_in(done: Any, taken: Any) -> tuple[Any, Any]:
    """Where to put those who are not there yet, and who they are."""
    fresh = taken[~within(taken, done)]
    return done.searchsorted(fresh), fresh


def _joined(one: Rows, other: Rows) -> Rows:
    import numpy as np

    return Rows(np.concatenate([one.key, other.key]), np.concatenate([one.person, other.person]))


def _sorted(rows: Rows) -> Rows:
    """By key, then person, each pair once."""
    import numpy as np

    order = np.lexsort((rows.person, rows.key))
    key, person = rows.key[order], rows.person[order]
    new = np.append(True, (np.diff(key) != 0) | (np.diff(person) != 0))[: len(key)]
    return Rows(key[new], person[new])


def _rows(shop: Shop, table: str) -> Rows:
    import numpy as np

    held = shop.shelf.get(table)
    if held is None:
        return Rows(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
    return Rows(np.asarray(held.columns["key"]), np.asarray(held.columns["person"]))


def _done(shop: Shop, table: str) -> Any:
    import numpy as np

    kept: Columns | None = shop.shelf.get(table + DONE)
    return np.zeros(0, dtype=np.int64) if kept is None else np.asarray(kept.columns["person"])


def _taken_in(shop: Shop, table: str) -> Any:
    return _slice(_rows(shop, table + NEW), TAKEN_IN)


def _put(shop: Shop, table: str, rows: Rows) -> None:
    shop.shelf.put(table, {"key": rows.key, "person": rows.person}, _CURRENT)


def _put_done(shop: Shop, table: str, persons: Any, merges: int | None) -> None:
    shop.shelf.put(table + DONE, {"person": persons}, {**_CURRENT, "merges": merges or 0})
