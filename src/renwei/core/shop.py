"""The shop: what an operation is handed. Built in app/build.py, the only place objects meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from renwei.core.clock import Clock
from renwei.core.permission import Permits
from renwei.core.store import Store
from renwei.core.words import Words


@dataclass(frozen=True, slots=True)
class Settings:
    """What the shop says of itself (a Paper with history; see docs, settings)."""

    name: str = ""
    zone: str = "UTC"
    currency: str = "CNY"
    language: str = "zh"
    region: str = "CN"
    holdout: float = 0.05
    minutes: int = 0
    """The human's time for today's list; 0 means no limit."""


@dataclass(frozen=True, slots=True)
class Columns:
    """One version of estimates: aligned numpy columns, memory-mapped, and how they came about.

    `meta` holds model@version, as_of (ISO), position (of the log), and measured quality.
    `files` is where a model lies that is more than columns, or None.
    """

    name: str
    version: str
    meta: Mapping[str, Any]
    columns: Mapping[str, Any]
    files: Path | None = None


class Shelf(Protocol):
    """Versioned estimate files; a reader sees one whole version or the one before."""

    def put(
        self,
        name: str,
        columns: Mapping[str, Any],
        meta: Mapping[str, Any],
        *,
        files: Callable[[Path], None] | None = None,
    ) -> Columns:
        """Write a new version and point to it; old versions are kept 90 days.

        `files` writes what is no column into a folder that comes and goes with the version.
        """
        ...

    def get(self, name: str, version: str = "") -> Columns | None:
        """The current (or one) version, or None."""
        ...

    def drop(self, name: str = "") -> None:
        """Remove every version of a name (or of all names): forget, undo."""
        ...


Progress = Callable[[str, int, int], None]
"""(what, done, of): `of` is 0 while unknown."""


def silent(what: str, done: int, of: int) -> None:
    """No progress shown."""


@dataclass
class Shop:
    """One workspace as operations see it.

    `ready_estimates(at)` makes sure that estimates as of that time exist and returns
    nothing; `scrubbers` remove texts of a forgotten person from what ribs keep beside the
    store's own contracts (refused rows), each returning how many it removed; `performer` runs
    operations by name.
    """

    store: Store
    clock: Clock
    settings: Settings
    words: Words
    shelf: Shelf
    permits: Permits
    language: str = "en"
    progress: Progress = silent
    ready_estimates: Callable[[datetime], None] = lambda at: None
    scrubbers: Sequence[Callable[[Shop, Sequence[str]], int]] = field(default_factory=tuple)
    performer: Callable[[Shop, str, Mapping[str, Any]], Any] | None = None

    def perform(self, name: str, /, **fields: Any) -> Any:
        """Do an operation of another rib by its name, on this shop; returns its answer.

        Ribs never import each other; what one needs decided by another it asks in the words
        that every door uses.

        Raises:
            RuntimeError: The shop was put together without operations.
        """
        if self.performer is None:
            raise RuntimeError(f"nobody here performs {name!r}")
        return self.performer(self, name, fields)

    def say(self, key: str, **values: Any) -> str:
        """A sentence in the user's language."""
        return self.words.say(key, values, self.language)
