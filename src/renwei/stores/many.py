"""Many rows in few statements.

SQLite works without the interpreter's lock, and each statement has to get it back afterwards,
from threads that parse: half a millisecond each time. A row costs a third less, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from sqlite3 import Connection
from typing import Any

MOST = 512
"""Rows of a statement at most; the others have a half, a quarter ... and are prepared once."""
_KEYS = (512, 64, 8, 1)


def insert_many(connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Do a statement that ends in `VALUES (?, ...)` for each row, in order."""
    done, size = 0, MOST
    while done < len(rows):
        while size > len(rows) - done:
            size //= 2
        values = list(chain.from_iterable(rows[done : done + size]))
        connection.execute(_widened(sql, size), values)
        done += size


def in_lists(sql: str, keys: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """A statement that ends in `IN (?)` for many keys: statements with the keys of each.

    Example:
        >>> list(in_lists("SELECT k FROM t WHERE k IN (?)", ["a"]))
        [('SELECT k FROM t WHERE k IN (?)', ['a'])]
    """
    most = _KEYS[0]
    for start in range(0, len(keys), most):
        some = list(keys[start : start + most])
        size = min(size for size in _KEYS if size >= len(some))
        # The same key twice finds nothing more.
        some += some[:1] * (size - len(some))
        yield _listed(sql, size), some


@cache
def _widened(sql: str, size: int) -> str:
    head, word, values = sql.rpartition("VALUES")
    return head + word + ",".join([values] * size)


@cache
def _listed(sql: str, size: int) -> str:
    return f"{sql.removesuffix('(?)')}({','.join('?' * size)})"
