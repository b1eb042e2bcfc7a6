"""Many rows in one statement are the same rows."""

from __future__ import annotations

import hmac
import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from renwei.stores.keys import Keyring
from renwei.stores.many import MOST, in_lists, insert_many

COUNTS = st.one_of(st.integers(0, 20), st.integers(0, 3 * MOST))


@given(COUNTS)
def test_any_number_of_rows_is_stored_once_and_in_order(count: int) -> None:
    rows = [(bytes([k % 251]), k) for k in range(count)]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (key BLOB, number INTEGER)")
        insert_many(connection, "INSERT INTO t (key, number) VALUES (?, ?)", rows)
        assert connection.execute("SELECT key, number FROM t ORDER BY rowid").fetchall() == rows


@given(st.sets(st.integers(0, 900)), st.lists(st.integers(0, 900), max_size=1_200))
def test_keys_asked_for_together_are_found_as_one_by_one(held: set[int], asked: list[int]) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (key INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO t VALUES (?)", ((key,) for key in held))
        found = [
            row[0]
            for sql, some in in_lists("SELECT key FROM t WHERE key IN (?)", asked)
            for row in connection.execute(sql, some)
        ]
    assert set(found) == held & set(asked)


def test_few_statements_serve_every_number_of_rows() -> None:
    seen: list[str] = []
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (number INTEGER)")
        connection.set_trace_callback(seen.append)
        insert_many(connection, "INSERT INTO t (number) VALUES (?)", [(k,) for k in range(1_303)])
    # 512 + 512 + 256 + 16 + 4 + 2 + 1
    assert sum(line.startswith("INSERT") for line in seen) == 7


@given(st.binary(min_size=32, max_size=32), st.text(max_size=90))
def test_hashes_are_hmac_sha256_of_purpose_and_text(master: bytes, text: str) -> None:
    ring = Keyring(master)
    prk = hmac.digest(bytes(32), master, "sha256")
    key = hmac.digest(prk, b"renwei hash\x01", "sha256")
    message = f"keyed|{text}".encode()
    for _ in range(2):
        assert ring.hash("keyed", text) == hmac.digest(key, message, "sha256")[:16]
