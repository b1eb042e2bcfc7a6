"""Operations that keep a workspace well: backup, restore, version."""

from __future__ import annotations

import platform
import sqlite3
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

import renwei
from renwei.app.upkeep.place import Place, bare
from renwei.core.errors import BadInput, Unavailable
from renwei.core.operations import operation

LAST_BACKUP = ("backup", "last")
"""The Paper that says when the last backup was made."""


class BackupRequest(msgspec.Struct, kw_only=True):
    """Where the backup goes: a file, or a folder that gets a dated one."""

    file: Path


class BackupAnswer(msgspec.Struct, kw_only=True):
    """What was written, and where the key lies that is not in it."""

    file: Path
    bytes: int
    files: int
    events: int
    made: datetime
    key: Path
    text: str


class RestoreRequest(msgspec.Struct, kw_only=True):
    """Which backup is put back into the (empty) data directory."""

    file: Path


class RestoreAnswer(msgspec.Struct, kw_only=True):
    """What is there now."""

    directory: Path
    made: datetime
    program: str
    events: int
    people: int
    forgotten: int
    text: str


class VersionRequest(msgspec.Struct, kw_only=True):
    """Nothing is asked."""


class VersionAnswer(msgspec.Struct, kw_only=True):
    """Versions of the program, its file formats, and what it runs on."""

    version: str
    schema: dict[str, int]
    python: str
    sqlite: str
    system: str


@operation("backup", BackupRequest, writes=True, scope="admin")
@bare
def backup(place: Place, request: BackupRequest) -> BackupAnswer:
    """Write everything but the key into one file, while a server goes on working."""
    from renwei.stores.backup import back_up
    from renwei.stores.embedded import open_store

    # A wrong directory must not become an empty workspace with a backup of nothing.
    if not (place.directory / "state.db").exists():
        raise Unavailable("no_workspace", path=str(place.directory))
    at = place.clock.now()
    file = request.file.expanduser().absolute()
    if file.is_dir():
        file /= f"renwei-{at:%Y%m%d-%H%M%S}.tar.zst"
    with closing(open_store(place.directory, clock=place.clock, create=False)) as store:
        done = back_up(store, file, program=renwei.__version__, at=at, moved=place.progress)
        body = {"file": str(done.file), "bytes": done.size}
        store.papers.put(*LAST_BACKUP, body, by="backup", at=at)
    return BackupAnswer(
        file=done.file,
        bytes=done.size,
        files=done.files,
        events=done.events,
        made=at,
        key=done.key,
        text=place.say(
            "upkeep.backup.done", file=str(done.file), size=size_of(done.size), kept=str(done.key)
        ),
    )


@operation("restore", RestoreRequest, writes=True, scope="admin")
@bare
def restore(place: Place, request: RestoreRequest) -> RestoreAnswer:
    """Put a backup back into an empty directory, whole and checked, or not at all."""
    from renwei.app import build
    from renwei.stores.backup import put_back
    from renwei.trust.accounts import after_restore

    found: dict[str, int] = {}

    def settle(aside: Path) -> None:
        with build.open_shop(aside, clock=place.clock) as shop:
            problems = shop.store.integrity()
            if problems:
                raise BadInput("backup_damaged", path=str(request.file), found=problems[0])
            after_restore(shop)
            found["people"] = len(shop.store.people.all_persons())
            found["forgotten"] = len(shop.store.people.forgotten())

    file = request.file.expanduser().absolute()
    about = put_back(file, place.directory, settle=settle)
    made = datetime.fromisoformat(about.made)
    values = {
        "directory": str(place.directory),
        "made": f"{made:%Y-%m-%d %H:%M} UTC",
        "n": found["people"],
    }
    return RestoreAnswer(
        directory=place.directory,
        made=made,
        program=about.program,
        events=about.position,
        people=found["people"],
        forgotten=found["forgotten"],
        text=place.say("upkeep.restore.done", **values),
    )


@operation("version", VersionRequest)
@bare
def version(place: Place, request: VersionRequest) -> VersionAnswer:
    """Say which program this is, what formats it writes, and what it runs on."""
    return VersionAnswer(
        version=renwei.__version__,
        schema=known_schemas(),
        python=sys.version.split()[0],
        sqlite=sqlite3.sqlite_version,
        system=f"{platform.system()} {platform.machine()}",
    )


def known_schemas() -> dict[str, int]:
    """The newest version of each file that this program writes."""
    from renwei.stores.database import Database

    return {name: Database(Path(name), name, write=False).known for name in ("log", "state")}


def size_of(size: float) -> str:
    """A number of bytes as people say it.

    Example:
        >>> size_of(999), size_of(12_345_678), size_of(3e12)
        ('999 B', '12.3 MB', '3,000 GB')
    """
    if size < 1_000:
        return f"{size:.0f} B"
    for unit in ("KB", "MB"):
        size /= 1_000
        if size < 1_000:
            return f"{size:.1f} {unit}" if size < 100 else f"{size:.0f} {unit}"
    return f"{size / 1_000:,.1f} GB" if size < 100_000 else f"{size / 1_000:,.0f} GB"
