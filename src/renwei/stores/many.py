"""Many rows in one statement.

The interpreter's lock is given away once a statement, not once a row: whoever parses meanwhile
is disturbed less, and a row costs a third less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from sqlite3 import Connection
from typing import Any

STEPS = (100, 10)
"""Rows of a statement: few sizes, so that each is prepared once. What is left goes one by one."""
_KEYS = (200, 20, 1)


def insert_many(connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Do a statement that ends in `VALUES (?, ...)` for each row, in order."""
    done = 0
    for size in STEPS:
        wide = _widened(sql, size)
        for start in range(done, len(rows) - size + 1, size):
            values = list(chain.from_iterable(rows[start : start + size]))
            connection.execute(wide, values)
            done = start + size
    if done < len(rows):
        connection.executemany(sql, rows[done:])


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
