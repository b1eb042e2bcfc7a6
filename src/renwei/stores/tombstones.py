"""Tombstones: the keyed hash and number of each forgotten actor, in files of their own.

A copy lies in the data directory and one beside the master key, outside it: neither an older
state.db nor an older copy of the whole directory, put back, brings a person back. They are
replayed on open. A tombstone tells nobody anything without the master key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from renwei.stores import disk

Stone = tuple[int, bytes]
"""Actor and keyed hash of its identifier."""


class Tombstones:
    """The two files, kept alike."""

    def __init__(self, directory: Path, keys: Path, workspace: str) -> None:
        self._paths = (
            directory / "tombstones" / "forgotten.jsonl",
            keys / f"{workspace}.forgotten.jsonl",
        )

    def read(self) -> list[Stone]:
        """Everybody forgotten, by either file."""
        return list(dict.fromkeys(stone for path in self._paths for stone in _read(path)))

    def add(self, stones: Sequence[Stone]) -> None:
        """Remember, on disk before it returns; what a file has already is not repeated."""
        for path in self._paths:
            known = set(_read(path))
            _append(path, [stone for stone in stones if stone not in known])

    def even(self) -> None:
        """Give each file what only the other has."""
        everybody = self.read()
        if any(len(_read(path)) != len(everybody) for path in self._paths):
            self.add(everybody)


def _read(path: Path) -> list[Stone]:
    return list(dict.fromkeys(_parsed(line) for line in disk.whole_lines(path)))


def _parsed(line: str) -> Stone:
    entry = json.loads(line)
    return int(entry["actor"]), bytes.fromhex(entry["hash"])


def _append(path: Path, stones: Sequence[Stone]) -> None:
    if stones:
        lines = (json.dumps({"hash": digest.hex(), "actor": actor}) for actor, digest in stones)
        disk.append_lines(path, lines)
