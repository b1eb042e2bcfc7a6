"""Blobs: sealed files. A file's name is a keyed hash, so that names tell nothing either.

A file holds its sealed name (with a length of 4 bytes before it) and then the sealed bytes.
"""

from __future__ import annotations

from pathlib import Path

from renwei.stores import disk
from renwei.stores.faults import told
from renwei.stores.keys import Keyring


class EmbeddedBlobs:
    """Sealed files under `folder`."""

    def __init__(self, folder: Path, ring: Keyring) -> None:
        self._folder = folder
        self._ring = ring

    def put(self, name: str, data: bytes) -> None:
        """Store or replace, durable on return."""
        title = self._ring.own.seal(name.encode(), b"blob name")
        body = self._ring.own.seal(data, b"blob|" + name.encode())
        disk.place_bytes(self._path(name), len(title).to_bytes(4, "little") + title + body)

    def get(self, name: str) -> bytes | None:
        """The bytes, or None."""
        path = self._path(name)
        with told(path):
            try:
                stored = path.read_bytes()
            except FileNotFoundError:
                return None
        start = 4 + int.from_bytes(stored[:4], "little")
        return self._ring.own.open(stored[start:], b"blob|" + name.encode())

    def drop(self, name: str) -> bool:
        """Remove; tells whether it was there."""
        path = self._path(name)
        with told(path):
            there = path.is_file()
            disk.remove([path])
        return there

    def names(self, prefix: str = "") -> list[str]:
        """Names, sorted."""
        found = []
        for path in self._folder.glob("*/*.blob"):
            with told(path), path.open("rb") as file:
                title = file.read(int.from_bytes(file.read(4), "little"))
            found.append(self._ring.own.open(title, b"blob name").decode())
        return sorted(name for name in found if name.startswith(prefix))

    def seen(self) -> list[str]:
        """A line a file: its name, size and time; another file in its place has another."""
        found = []
        for path in sorted(self._folder.glob("*/*.blob")):
            with told(path):
                stat = path.stat()
            found.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}\n")
        return found

    def sweep(self) -> int:
        """Remove what a crash left half-written; returns the count."""
        return disk.sweep(self._folder, set(self._folder.glob("*/*.blob")))

    def _path(self, name: str) -> Path:
        digest = self._ring.hash("blob", name).hex()
        return self._folder / digest[:2] / f"{digest}.blob"
