"""The whole workspace as of one moment, in a folder aside, while others go on writing.

A fold's position (state.db) must never be ahead of the log, and an event's actor must be
known: so neither file may be older than the other. Both write locks are held while a read
transaction begins on each file and every other file gets a second name (a hard link); that
takes milliseconds. The copies are then made from the two read transactions.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from renwei.stores import disk
from renwei.stores.database import Database
from renwei.stores.faults import told

FOLDERS = ("lake", "blobs", "tombstones", "estimates")
ASIDE = "aside-*.part"
PAGES = 2_000
Moved = Callable[[str, int, int], None]


@contextmanager
def snapshot(directory: Path, files: tuple[Database, ...], moved: Moved) -> Iterator[Path]:
    """A folder with everything as of now, gone when the block ends.

    Args:
        directory: The workspace.
        files: Its databases, open for writing, in the order in which they are locked.
        moved: Told how many pages are copied, of how many.

    Raises:
        Unavailable: `disk_full` and its like, naming the path; nothing is left behind.
    """
    sweep(directory)
    aside = directory / ASIDE.replace("*", uuid.uuid4().hex[:8])
    try:
        with told(directory):
            aside.mkdir(mode=0o700)
        with ExitStack() as pins:
            with ExitStack() as held:
                for file in files:
                    held.enter_context(file.transaction())
                sources = [pins.enter_context(_pinned(file)) for file in files]
                for name in FOLDERS:
                    _link(directory / name, aside / name)
            for file, source in zip(files, sources, strict=True):
                copy(source, aside / file.path.name, moved)
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def sweep(directory: Path) -> None:
    """Remove what a killed snapshot left behind."""
    for aside in directory.glob(ASIDE):
        shutil.rmtree(aside, ignore_errors=True)


def copy(source: sqlite3.Connection, path: Path, moved: Moved | None = None) -> None:
    """Copy a database into a new file, durably, while others write to it."""

    def step(status: int, left: int, of: int) -> None:
        if moved:
            moved("copying", of - left, of)

    with told(path):
        path.touch(mode=0o600)
        target = sqlite3.connect(path, isolation_level=None)
        try:
            target.execute("PRAGMA journal_mode=OFF")
            target.execute("PRAGMA synchronous=OFF")
            source.backup(target, pages=PAGES, progress=step, sleep=0.001)
        finally:
            target.close()
        disk.settle_file(path)


@contextmanager
def _pinned(file: Database) -> Iterator[sqlite3.Connection]:
    """A connection that sees the file as it is now, whatever is written later."""
    connection = file.reading()
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield connection
    finally:
        connection.close()


def _link(source: Path, target: Path) -> None:
    with told(source):
        for folder, _, names in os.walk(source):
            here = target / Path(folder).relative_to(source)
            here.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in names:
                if name.startswith(".draft") or name.endswith(disk.ASIDE):
                    continue
                # What goes at this very moment is named by nobody any more.
                with suppress(FileNotFoundError):
                    _second_name(Path(folder) / name, here / name)


def _second_name(source: Path, target: Path) -> None:
    if source.suffix == ".jsonl":
        # The only files that grow in place.
        shutil.copyfile(source, target)
        return
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        # Some file systems know no second name.
        shutil.copyfile(source, target)
