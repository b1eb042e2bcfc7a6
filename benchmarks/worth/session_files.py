"""Reading anonymous sessions and test prefixes, whatever the columns are called."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

import numpy as np

from renwei.learn.sessions.rows import Ints
from renwei.learn.sessions.trial import Case, cases_of

NAMES = {
    "session": ("session", "sessionid", "session_id", "user_session", "visit_id", "visitorid"),
    "item": ("item", "itemid", "item_id", "product_id", "productid", "sku"),
    "seq": ("seq", "time", "timestamp", "event_time", "at", "position", "timeframe", "order"),
}


class Sessions:
    """Sessions in the order of their last click, and numbers for the items of all files."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def read(self, path: Path) -> list[Ints]:
        """Return the clicks of each session of a CSV file, in the order in which they ended.

        Where `seq` only counts within a session, or is missing, the order of the file stands.
        """
        rows = list(_rows(path))
        if not rows:
            sys.exit(f"{path.name} has no clicks.")
        _, session = np.unique([row[0] for row in rows], return_inverse=True)
        item = np.array([self.of(row[1]) for row in rows], np.int64)
        seq = np.array([row[2] for row in rows])
        order = np.lexsort((np.arange(len(seq)), seq, session))
        begin = np.flatnonzero(np.diff(session[order], prepend=-1))
        clicks = np.split(item[order], begin[1:])
        end = np.append(begin[1:], len(order)) - 1
        starts, ends = seq[order][begin], seq[order][end]
        # Times of sessions lie further apart than any session lasts; places begin all alike.
        if np.ptp(starts) >= (ends - starts).max() and np.ptp(starts) > 0:
            ended = ends
        else:
            first = np.full(len(begin), len(order))
            np.minimum.at(first, session, np.arange(len(session)))
            ended = first.astype(float)
        return [clicks[k] for k in np.argsort(ended, kind="stable")]

    def read_cases(self, path: Path) -> list[Case]:
        """Return test cases: JSON lines of prefix and target, or all prefixes of a CSV file."""
        with _open(path) as file:
            start = file.read(1)
        if start != "{":
            return cases_of(self.read(path))
        cases: list[Case] = []
        with _open(path) as file:
            for place, line in enumerate(file, 1):
                if line.strip():
                    cases.append(self._case(json.loads(line), place, path, cases))
        if not cases:
            sys.exit(f"{path.name} has no test cases.")
        return cases

    def of(self, name: object) -> int:
        """The number of an item; a new one for a new name."""
        return self.number.setdefault(str(name), len(self.number))

    def _case(self, said: dict[str, object], place: int, path: Path, done: list[Case]) -> Case:
        prefix, target = said.get("prefix"), said.get("target")
        if not isinstance(prefix, list) or target is None:
            sys.exit(f'{path.name}, line {place}: needs {{"prefix": [...], "target": id}}.')
        clicks = np.array([self.of(name) for name in prefix], np.int64)
        before = done[-1] if done else None
        # One click more than the line before is the same session, and is drawn with it.
        same = before is not None and clicks.tolist() == [*before.clicks.tolist(), before.target]
        number = before.session if before and same else len(done)
        return Case(clicks, self.of(target), number)


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open("r", encoding="utf-8-sig", newline="")


def _rows(path: Path) -> Iterator[tuple[str, str, float]]:
    with _open(path) as file:
        head = file.readline()
        mark = max("\t;,", key=head.count)
        names = [name.strip().strip('"').lower() for name in head.split(mark)]
        place = {key: _column(names, words) for key, words in NAMES.items()}
        missing = [key for key in ("session", "item") if place[key] is None]
        if missing:
            sys.exit(f"{path.name}: no column for {' and '.join(missing)} among {names}.")
        who, what, when = (place[key] for key in NAMES)
        assert who is not None
        assert what is not None
        for line, row in enumerate(csv.reader(file, delimiter=mark), 2):
            if len(row) > max(who, what, when or 0):
                seq = float(line) if when is None else _moment(row[when], line, path)
                yield row[who], row[what], seq


def _column(names: list[str], words: tuple[str, ...]) -> int | None:
    return next((names.index(word) for word in words if word in names), None)


def _moment(text: str, line: int, path: Path) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.replace(" UTC", "+00:00")).timestamp()
    except ValueError:
        sys.exit(f"{path.name}, line {line}: {text!r} is neither a number nor an ISO time.")
