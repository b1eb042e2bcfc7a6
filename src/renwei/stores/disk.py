"""Files that are either whole and on disk, or not there: write aside, fsync, rename, fsync."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from renwei.stores.faults import told

ASIDE = ".part"


def place(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file beside `path`, then put it there durably, replacing the old.

    Args:
        path: Where it should be; folders are made.
        write: Fills the path that it is given.
    """
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{ASIDE}")
    with told(path):
        make_folder(path.parent)
        try:
            write(aside)
            aside.chmod(0o600)
            settle_file(aside)
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        settle(path.parent)


def place_bytes(path: Path, data: bytes) -> None:
    """`place` for bytes at hand."""

    def write(aside: Path) -> None:
        aside.write_bytes(data)

    place(path, write)


def settle_file(path: Path) -> None:
    """Make what a file holds durable."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def settle(folder: Path) -> None:
    """Make the names in a folder durable (Windows has no such call and needs none)."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, and the folders that became empty with them up to the second parent."""
    for path in paths:
        path.unlink(missing_ok=True)
        # A folder that is not empty refuses to go, and should stay.
        with suppress(OSError):
            for folder in list(path.parents)[:2]:
                folder.rmdir()


def sweep(folder: Path, known: set[Path]) -> int:
    """Remove every file under a folder that is not known; returns the count."""
    if not folder.is_dir():
        return 0
    loose = [path for path in folder.rglob("*") if path.is_file() and path not in known]
    remove(loose)
    return len(loose)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    settle(folder.parent)
