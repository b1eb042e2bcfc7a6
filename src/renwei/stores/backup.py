"""A backup: one file with everything but the master key, and the way back.

A tar archive, zstd-compressed. Its first entry `about.json` says what it is; its last,
`manifest.json`, lists every other entry with size and SHA-256, so that an archive cut short or
changed is noticed. It is put back into an empty directory only: unpacked and checked beside
where it belongs, then moved there; the file that makes a directory a workspace comes last.
"""

from __future__ import annotations

import glob
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from renwei.core.errors import BadInput, Refused, Unavailable
from renwei.stores import disk
from renwei.stores.database import Database
from renwei.stores.embedded import EmbeddedStore
from renwei.stores.faults import told
from renwei.stores.keys import keys_folder, master_path
from renwei.stores.snapshot import FOLDERS, Moved

FORMAT = 1
ABOUT, MANIFEST = "about.json", "manifest.json"
LAST = "state.db"
PARTS = (*FOLDERS, "log.db", LAST)
RESTORING = ".restoring"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class About:
    """What a backup says of itself. `schema`: version of each database's tables."""

    format: int
    program: str
    workspace: str
    made: str
    position: int
    schema: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What was written. `size` in bytes, `key`: the file without which it is worth nothing."""

    file: Path
    size: int
    files: int
    events: int
    key: Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in the archive."""

    name: str
    size: int
    sha256: str


def back_up(
    store: EmbeddedStore, file: Path, *, program: str, at: datetime, moved: Moved
) -> BackedUp:
    """Write a backup of an open workspace while others write to it.

    Args:
        store: The workspace, open for writing.
        file: Where to; an earlier backup there stays until the new one is whole.
        program: Version of the program, for whoever reads it later.
        at: When, aware UTC.
        moved: Told (what, done, of) as it goes on.

    Raises:
        BadInput: `backup_inside`: the file would lie in the workspace, or beside the key.
        Unavailable: `disk_full` and its like; nothing half-written stays.
    """
    key = master_path(store.keys, store.workspace)
    for folder in (store.directory, key.parent):
        if file.resolve().is_relative_to(folder.resolve()):
            raise BadInput("backup_inside", path=str(file), folder=str(folder))
    with store.snapshot(moved) as aside:
        about = _about(aside, store.workspace, program, at)
        entries: list[Entry] = []

        def write(path: Path) -> None:
            # What a killed attempt left, and nobody else may read what is being written.
            for old in file.parent.glob(f"{glob.escape(file.name)}.????????{disk.ASIDE}"):
                old.unlink(missing_ok=True)
            path.touch(mode=0o600)
            for entry in _packed(path, aside, about):
                entries.append(entry)
                moved("packing", len(entries), 0)

        disk.place(file, write)
    return BackedUp(file, file.stat().st_size, len(entries), about.position, key)


def _about(aside: Path, workspace: str, program: str, at: datetime) -> About:
    schema, position = {}, 0
    for name in ("log", "state"):
        database = Database(aside / f"{name}.db", name, write=False)
        schema[name] = database.version()
        if name == "log":
            row = database.one("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
            position = int(row[0]) if row else 0
        database.close()
    return About(FORMAT, program, workspace, at.isoformat(), position, schema)


def _packed(path: Path, folder: Path, about: About) -> Iterator[Entry]:
    import pyarrow as pa

    names = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    names = [p for p in names if not p.name.endswith(("-wal", "-shm"))]
    with pa.CompressedOutputStream(str(path), "zstd") as out:
        archive = tarfile.open(fileobj=_Sink(out), mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        _add_bytes(archive, ABOUT, json.dumps(asdict(about)).encode())
        entries = []
        for source in names:
            name = source.relative_to(folder).as_posix()
            with source.open("rb") as file:
                hashed = _Hashed(file)
                info = tarfile.TarInfo(name)
                info.size, info.mode = source.stat().st_size, 0o600
                archive.addfile(info, hashed)
            entries.append(Entry(name, info.size, hashed.digest()))
            yield entries[-1]
        _add_bytes(archive, MANIFEST, json.dumps([asdict(entry) for entry in entries]).encode())
        archive.close()


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    archive.addfile(info, io.BytesIO(data))


class _Sink(io.RawIOBase):
    """What tarfile writes to: pyarrow's stream tells no number of bytes."""

    def __init__(self, out: Any) -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._out.write(data)
        return len(data)


class _Hashed(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()


def put_back(
    file: Path, directory: Path, *, keys: Path | None = None, settle: Callable[[Path], None]
) -> About:
    """Put a backup back into an empty directory, whole and checked, or not at all.

    Args:
        file: What `back_up` wrote.
        directory: Where to; missing or empty. What a killed attempt left there is replaced.
        keys: The folder of master keys, as `open_store` takes it.
        settle: Opens the unpacked workspace once, so that whoever was forgotten since is
            forgotten in it too, and checks it; raises where it is not sound.

    Raises:
        BadInput: `no_backup`, `not_a_backup`, `backup_damaged` (with the entry).
        Refused: `not_empty`.
        Unavailable: `newer_schema`, `key_missing`, `key_wrong`, `disk_full` and its like.
    """
    folder = keys_folder(keys)
    aside = _ready(directory)
    try:
        about = _unpacked(file, aside, folder)
        settle(aside)
        _move_in(aside, directory)
    except BaseException:
        with suppress(OSError):
            _clear(directory)
        raise
    return about


def _ready(directory: Path) -> Path:
    with told(directory):
        disk.make_folder(directory)
        _clear(directory)
        if any(directory.iterdir()):
            raise Refused("not_empty", path=str(directory))
        aside = directory / RESTORING
        aside.mkdir(mode=0o700)
    return aside


def _clear(directory: Path) -> None:
    """Remove what a restore that was not finished left."""
    if not (directory / RESTORING).is_dir() or (directory / LAST).exists():
        return
    for name in PARTS:
        path = directory / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    # Last: it is what tells that the others are ours.
    shutil.rmtree(directory / RESTORING)


def _move_in(aside: Path, directory: Path) -> None:
    if any(path.stat().st_size for path in aside.glob("*-wal")):
        raise Unavailable("damaged", path=str(aside), found="a file was not closed")
    with told(directory):
        # log.db first: without state.db beside it nobody takes this for a workspace.
        for name in ("log.db", *FOLDERS, LAST):
            if (aside / name).exists():
                (aside / name).replace(directory / name)
                disk.settle(directory)
        shutil.rmtree(aside, ignore_errors=True)


def _unpacked(file: Path, aside: Path, keys: Path) -> About:
    about: About | None = None
    found: dict[str, Entry] = {}
    listed: list[Entry] | None = None
    with _archive(file) as archive:
        for member in archive:
            data = archive.extractfile(member)
            if data is None or not member.isreg() or not _sound(member.name):
                raise BadInput("not_a_backup", path=str(file), found=member.name)
            if member.name == ABOUT:
                about = _read_about(data.read(_BLOCK), file)
                master_path(keys, about.workspace, there=True)
            elif about is None:
                raise BadInput("not_a_backup", path=str(file), found=member.name)
            elif member.name == MANIFEST:
                listed = [Entry(**entry) for entry in json.loads(data.read())]
            else:
                found[member.name] = _write(data, aside / member.name, member.name)
    if about is None:
        raise BadInput("not_a_backup", path=str(file), found="empty")
    if listed is None:
        raise BadInput("backup_damaged", path=str(file), found=MANIFEST)
    wrong = {entry.name for entry in listed} ^ found.keys()
    wrong |= {entry.name for entry in listed if found.get(entry.name) != entry}
    if wrong:
        raise BadInput("backup_damaged", path=str(file), found=min(wrong))
    return about


@contextmanager
def _archive(file: Path) -> Iterator[tarfile.TarFile]:
    import pyarrow as pa

    if not file.is_file():
        raise BadInput("no_backup", path=str(file))
    try:
        with (
            pa.CompressedInputStream(str(file), "zstd") as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            yield archive
    except (tarfile.TarError, EOFError, ValueError, pa.ArrowException) as error:
        raise BadInput("not_a_backup", path=str(file), found=str(error)[:80]) from error
    except OSError as error:
        # pyarrow says "ZSTD decompress failed" with no error number.
        if error.errno is None:
            raise BadInput("backup_damaged", path=str(file), found=str(error)[:80]) from error
        raise


def _sound(name: str) -> bool:
    parts = PurePosixPath(name).parts
    if name in (ABOUT, MANIFEST):
        return True
    return bool(parts) and parts[0] in PARTS and ".." not in parts and "\\" not in name


def _read_about(data: bytes, file: Path) -> About:
    try:
        about = About(**json.loads(data))
        schema = {name: int(version) for name, version in about.schema.items()}
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput("not_a_backup", path=str(file), found=str(error)[:80]) from error
    for name, version in schema.items():
        known = Database(Path(f"{name}.db"), name, write=False).known
        if version > known or about.format > FORMAT:
            raise Unavailable("newer_schema", path=str(file), found=version, known=known)
    return about


def _write(data: Any, path: Path, name: str) -> Entry:
    with told(path):
        disk.make_folder(path.parent)
        hashed, size = hashlib.sha256(), 0
        with path.open("xb") as out:
            path.chmod(0o600)
            while block := data.read(_BLOCK):
                hashed.update(block)
                size += out.write(block)
        disk.settle_file(path)
    return Entry(name, size, hashed.hexdigest())
