"""Files that a browser sent, for as long as somebody looks at what they would bring.

They hold personal data: readable by us alone, inside the workspace, gone as soon as they
came in or were put away, at the latest after an hour.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from renwei.core.chance import new_number
from renwei.core.errors import BadInput, UnknownName
from renwei.stores.faults import told

KEPT = timedelta(hours=1)
MOST_BYTES = 512 * 1024 * 1024
"""All files of one upload together; a year of a large shop's orders is a tenth of it."""
_TOKEN = re.compile(r"[0-9a-f]{32}")
_NOTE = "job"


class Uploads:
    """The waiting files of one workspace.

    Args:
        directory: The data directory.
    """

    def __init__(self, directory: Path) -> None:
        self._folder = directory / "uploads"

    def keep(self, files: Iterable[tuple[str, BinaryIO]]) -> str:
        """Store files and return the token they are known by.

        Raises:
            BadInput: no_files; upload_too_large with the limit.
            Unavailable: disk_full, read_only.
        """
        token = f"{new_number():016x}{new_number():016x}"
        place = self._folder / token
        left, number = MOST_BYTES, 0
        try:
            with told(self._folder):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                place.mkdir(mode=0o700)
                for number, (name, file) in enumerate(files, 1):
                    left -= _copy(file, place / f"{number:03d}" / plain_name(name), left)
        except BaseException:
            self.drop(token)
            raise
        if not number:
            self.drop(token)
            raise BadInput("no_files")
        return token

    def paths(self, token: str) -> list[Path]:
        """The files of a token.

        Raises:
            UnknownName: unknown_upload: they came in already, or waited too long.
        """
        if _TOKEN.fullmatch(token):
            found = sorted((self._folder / token).glob("*/*"))
            if found:
                return found
        raise UnknownName("unknown_upload", name=token)

    def note(self, token: str, job: str) -> None:
        """Remember which job brings the files of a token in."""
        with told(self._folder):
            note = self._folder / token / _NOTE
            note.touch(mode=0o600)
            note.write_text(job, "ascii")

    def noted(self, token: str) -> str:
        """The job that brings the files of a token in; "" while none does."""
        note = self._folder / token / _NOTE
        return note.read_text("ascii") if _TOKEN.fullmatch(token) and note.is_file() else ""

    def drop(self, token: str) -> None:
        """Remove what a token stands for."""
        if _TOKEN.fullmatch(token):
            shutil.rmtree(self._folder / token, ignore_errors=True)

    def sweep(self, at: datetime) -> int:
        """Remove what waited too long; returns how many uploads."""
        return _removed(p for p in self._folder.glob("*") if _time(p) < (at - KEPT).timestamp())

    def clear(self) -> int:
        """Remove all: at a server's start nobody looks at what an earlier one was sent."""
        return _removed(self._folder.glob("*"))


def plain_name(name: str) -> str:
    r"""The last part of a name a browser sent, safe as a file's name.

    Example:
        >>> plain_name("../../etc/passwd"), plain_name("C:\\订单 5月.csv"), plain_name("..")
        ('passwd', '订单 5月.csv', 'file')
    """
    last = re.split(r"[\\/]", name)[-1]
    kept = "".join(c for c in last if c.isprintable() and c not in ':*?"<>|').strip(" .")
    # Most file systems allow 255 bytes.
    while len(kept.encode()) > 200:
        kept = kept[1:]
    return kept or "file"


def _removed(places: Iterable[Path]) -> int:
    found = list(places)
    for place in found:
        shutil.rmtree(place, ignore_errors=True)
    return len(found)


def _time(place: Path) -> float:
    # Another request may have removed it meanwhile.
    try:
        return place.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _copy(source: BinaryIO, to: Path, left: int) -> int:
    to.parent.mkdir(mode=0o700)
    size = 0
    with to.open("xb") as file:
        to.chmod(0o600)
        while block := source.read(1 << 20):
            size += len(block)
            if size > left:
                raise BadInput("upload_too_large", limit=MOST_BYTES >> 20)
            file.write(block)
    return size
