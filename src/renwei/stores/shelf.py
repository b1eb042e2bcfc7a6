"""Estimates as versioned, memory-mapped numpy files: a reader sees one whole version.

FOLDER/<name>/<version>/ holds one .npy a column and meta.json; the file `current`
beside the versions names the one in force and is swapped by rename. A crash at any moment
leaves the version before.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from renwei.core.shop import Columns
from renwei.stores.disk import make_folder

_KEPT_S = 90 * 86_400
_DRAFT_S = 3_600
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_POINTER = "current"
_FILES = "files"


class ShelfFiles:
    """The shelf of one data directory; `folder` is where it lies, made when first written.

    Example:
        >>> import tempfile
        >>> shelf = ShelfFiles(Path(tempfile.mkdtemp()))
        >>> _ = shelf.put("people", {"person": np.array([7])}, {"model": "value@1"})
        >>> shelf.get("people").columns["person"].tolist()
        [7]
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._open: dict[str, tuple[tuple[int, int], Columns]] = {}
        self._pointers: dict[str, str] = {}

    def put(
        self,
        name: str,
        columns: Mapping[str, Any],
        meta: Mapping[str, Any],
        *,
        files: Callable[[Path], None] | None = None,
    ) -> Columns:
        """Write a new version and point to it; versions older than 90 days go.

        Args:
            name: What the estimates are of: lower-case letters, digits, "_" and "-".
            columns: Aligned one-dimensional arrays of numbers or booleans, by name.
            meta: JSON-able; with "history" false only the version in use is kept, older ones
                go after an hour.
            files: Writes into a folder what is no column; only its current version is kept.

        Raises:
            ValueError: A name is no word, an array holds objects, or lengths differ.
        """
        arrays = {_word(key): _plain(key, value) for key, value in columns.items()}
        if len({len(array) for array in arrays.values()}) > 1:
            raise ValueError(f"columns of {name!r} differ in length")
        folder = self._root / _word(name)
        make_folder(folder)
        draft = folder / f".draft-{os.getpid()}-{threading.get_ident()}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        for key, array in arrays.items():
            with (draft / f"{key}.npy").open("wb") as file:
                np.save(file, array)
                _to_disk(file)
        with (draft / "meta.json").open("w", encoding="utf-8") as file:
            json.dump(dict(meta), file, ensure_ascii=False)
            _to_disk(file)
        if files is not None:
            (draft / _FILES).mkdir(mode=0o700)
            files(draft / _FILES)
            _all_to_disk(draft / _FILES)
        _sync_folder(draft)
        version = _moved(draft, folder)
        _point(folder, version)
        self._drop_old(folder, version, _KEPT_S if meta.get("history", True) else _DRAFT_S)
        return self._load(name, version)

    def get(self, name: str, version: str = "") -> Columns | None:
        """The current (or one) version, or None; columns are read-only memory maps."""
        pointer = self._pointer(name)
        mark, held = _born(pointer), self._open.get(name)
        if mark == _UNBORN and not version:
            return None
        # After a `drop` numbers begin anew, so a number alone says nothing.
        if held is not None and held[0] == mark and version in ("", held[1].version):
            return held[1]
        wanted = version or _pointed(self._root / name)
        if not wanted.isdigit():
            return None
        try:
            found = self._load(name, wanted)
        except FileNotFoundError:
            return None
        if not version:
            # Replaced meanwhile, it is another file by now and is read at the next call.
            self._open[name] = (mark, found)
        return found

    def _pointer(self, name: str) -> str:
        # An answer asks four times: paths made anew would cost more than the question.
        known = self._pointers.get(name)
        if known is None:
            known = self._pointers[name] = str(self._root / _word(name) / _POINTER)
        return known

    def drop(self, name: str = "") -> None:
        """Remove every version of a name (or of all names): forget, undo."""
        folders = [self._root / _word(name)] if name else [*_folders(self._root)]
        for folder in folders:
            self._open.pop(folder.name, None)
            # The pointer goes first: a crash half-way leaves nothing that could be read.
            with suppress(FileNotFoundError):
                (folder / _POINTER).unlink()
                _sync_folder(folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _load(self, name: str, version: str) -> Columns:
        folder = self._root / name / version
        meta = json.loads((folder / "meta.json").read_text("utf-8"))
        columns = {path.stem: _mapped(path) for path in sorted(folder.glob("*.npy"))}
        files = folder / _FILES
        return Columns(name, version, meta, columns, files if files.is_dir() else None)

    def _drop_old(self, folder: Path, current: str, kept_s: int) -> None:
        # Ages are told by the files alone: no clock is asked.
        newest = (folder / current).stat().st_mtime
        for version in _versions(folder):
            old = folder / version
            if version != current and newest - old.stat().st_mtime > kept_s:
                shutil.rmtree(old, ignore_errors=True)
            elif version != current and newest - old.stat().st_mtime > _DRAFT_S:
                # A model is large and is learnt anew each day; an answer under way is done.
                shutil.rmtree(old / _FILES, ignore_errors=True)
        for draft in folder.glob(".draft-*"):
            # A young one may be another process's, under way.
            with suppress(FileNotFoundError):
                if newest - draft.stat().st_mtime > _DRAFT_S:
                    shutil.rmtree(draft, ignore_errors=True)


def _word(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for estimates")
    return name


def _plain(key: str, value: Any) -> np.ndarray[Any, Any]:
    array = np.ascontiguousarray(value)
    if array.dtype.kind not in "biuf" or array.ndim != 1:
        raise ValueError(f"column {key!r} is no row of numbers")
    return array


def _mapped(path: Path) -> np.ndarray[Any, Any]:
    # An empty file cannot be mapped.
    mode: Any = "r" if path.stat().st_size > 128 else None
    # As a plain array: each slice of a `memmap` costs as much again as the slice.
    return np.asarray(np.load(path, mmap_mode=mode, allow_pickle=False))


def _versions(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.isdigit())


def _moved(draft: Path, folder: Path) -> str:
    """Put a draft under the next number; which one."""
    while True:
        version = f"{max((int(v) for v in _versions(folder)), default=0) + 1:08d}"
        try:
            draft.rename(folder / version)
        except OSError:
            # Another process was quicker, or there is another reason that stays.
            if not (folder / version).exists():
                raise
            continue
        return version


def _folders(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from sorted(path for path in root.iterdir() if path.is_dir())


_UNBORN = (0, 0)


def _born(path: str) -> tuple[int, int]:
    """What tells one file of a path from the next; zeros where there is none."""
    try:
        stat = os.stat(path)  # noqa: PTH116 - a Path would cost more than the question
    except FileNotFoundError:
        return _UNBORN
    return stat.st_mtime_ns, stat.st_ino


def _pointed(folder: Path) -> str:
    try:
        return (folder / _POINTER).read_text("utf-8").strip()
    except FileNotFoundError:
        return ""


def _point(folder: Path, version: str) -> None:
    _sync_folder(folder)
    draft = folder / f".{_POINTER}-{os.getpid()}-{threading.get_ident()}"
    with draft.open("w", encoding="utf-8") as file:
        file.write(version)
        _to_disk(file)
    draft.replace(folder / _POINTER)
    _sync_folder(folder)


def _to_disk(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _all_to_disk(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            _sync_folder(path)
            continue
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # Windows cannot open a folder; there the rename itself is ordered.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
