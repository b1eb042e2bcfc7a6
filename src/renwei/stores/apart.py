"""What was ended for good, such as a key that was revoked: kept beside the master key.

An older copy of the data directory, put back, does not know of it; this file does. It holds
random ids, a line each, and only grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from renwei.stores import disk


class Apart:
    """Ids that were ended, in a file outside the data directory."""

    def __init__(self, keys: Path, workspace: str) -> None:
        self._path = keys / f"{workspace}.ended.txt"

    def add(self, names: Sequence[str]) -> None:
        """Remember, on disk before it returns.

        Raises:
            Unavailable: disk_full, read_only.
        """
        known = self.names()
        new = [name for name in names if name not in known]
        if new:
            disk.append_lines(self._path, new)

    def names(self) -> set[str]:
        """Everything that was ended."""
        return set(disk.whole_lines(self._path))
