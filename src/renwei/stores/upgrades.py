"""Copies of the databases from before their schema was changed, in case it goes wrong.

They hold what was known then, so they go as soon as anybody is forgotten.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from datetime import datetime
from pathlib import Path

from renwei.stores import disk
from renwei.stores.database import Database
from renwei.stores.faults import told
from renwei.stores.snapshot import copy

FOLDER = "before-upgrade"
KEPT = 2


def keep_copies(directory: Path, files: tuple[Database, ...], at: datetime) -> Path:
    """Copy databases into before-upgrade/, whole or not at all; the last two copies are kept.

    Raises:
        Unavailable: `disk_full` and its like; nothing was changed then.
    """
    versions = "-".join(f"{file.path.stem}{file.version()}" for file in files)
    place = directory / FOLDER / f"{at:%Y%m%dT%H%M%SZ}-{versions}"
    aside = place.with_name(place.name + disk.ASIDE)
    with told(directory):
        # What an upgrade that was killed left half-copied, at whatever second that was.
        for left in (directory / FOLDER).glob(f"*{disk.ASIDE}"):
            shutil.rmtree(left, ignore_errors=True)
        disk.make_folder(aside)
        try:
            for file in files:
                with closing(file.reading()) as source:
                    copy(source, aside / file.path.name)
            disk.settle(aside)
            shutil.rmtree(place, ignore_errors=True)
            os.replace(aside, place)  # noqa: PTH105 - a folder
            disk.settle(place.parent)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
    for old in copies(directory)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return place


def copies(directory: Path) -> list[Path]:
    """The copies there are, oldest first."""
    folder = directory / FOLDER
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.endswith(disk.ASIDE))


def drop_old_copies(directory: Path, before: datetime) -> int:
    """Remove copies made before a time: the change went well long since."""
    old = [path for path in copies(directory) if path.name < f"{before:%Y%m%dT%H%M%SZ}"]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return len(old)


def drop_copies(directory: Path) -> None:
    """Remove them all: somebody is being forgotten."""
    shutil.rmtree(directory / FOLDER, ignore_errors=True)
