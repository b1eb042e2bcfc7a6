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


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add lines to a file that only grows, on disk when it returns; a line cut short goes."""
    with told(path):
        new = not path.exists()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not new:
            _mend(path)
        number = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        if new:
            settle(path.parent)


def whole_lines(path: Path) -> list[str]:
    """The lines of such a file; one that a crash cut short was never acknowledged."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    return [line for line in text[: text.rfind("\n") + 1].splitlines() if line]


def _mend(path: Path) -> None:
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end != len(data):
        os.truncate(path, end)


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
