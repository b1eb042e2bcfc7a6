"""What `doctor` looks at: each function looks at one thing and tells what it found."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from renwei.app.upkeep.operations import LAST_BACKUP, known_schemas, size_of
from renwei.app.upkeep.place import Place
from renwei.core.clock import WallClock, from_us, ticks
from renwei.stores.database import Database
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.keys import keys_folder, master_path
from renwei.stores.lock import look

FEW_BYTES, SOME_BYTES = 200 << 20, 1 << 30
YEARS = (2024, 2100)
AHEAD = timedelta(minutes=5)
BACKUP_AGE = timedelta(days=30)
OLDEST_SQLITE = (3, 38, 0)
SAMPLE_S, DRIFT_S = 0.1, 0.5
NAMES = ("state.db", "log.db")


@dataclass(frozen=True, slots=True)
class Found:
    """`state` is ok, warn or fail; `code` and `values` choose and fill the sentence."""

    state: str
    code: str = "ok"
    values: dict[str, Any] = field(default_factory=dict)


OK = Found("ok")


def _fail(code: str, **values: Any) -> Found:
    return Found("fail", code, values)


def _warn(code: str, **values: Any) -> Found:
    return Found("warn", code, values)


@contextmanager
def _read(place: Place) -> Iterator[EmbeddedStore]:
    with closing(
        open_store(place.directory, clock=place.clock, create=False, write=False)
    ) as store:
        yield store


def directory(place: Place) -> Found:
    """Whether there is a workspace."""
    if not place.directory.exists():
        return _fail("missing")
    if not all((place.directory / name).is_file() for name in NAMES):
        return _fail("nothing")
    return OK


def rights(place: Place) -> Found:
    """Whether we may write, and nobody else may read."""
    for path in (place.directory, *(place.directory / name for name in NAMES)):
        if not os.access(path, os.R_OK | os.W_OK):
            return _fail("closed", where=str(path))
    open_to_others = [path for path in _all(place.directory) if _mode(path) & 0o077]
    if os.name != "nt" and open_to_others:
        return _warn("open", where=str(open_to_others[0]), n=len(open_to_others))
    return OK


def disk(place: Place) -> Found:
    """Whether there is room to write, and to bring files up to date (which copies them)."""
    free = shutil.disk_usage(place.directory).free
    taken = sum((place.directory / name).stat().st_size for name in NAMES)
    values = {"free": size_of(free), "taken": size_of(taken)}
    if free < FEW_BYTES:
        return _fail("full", **values)
    if free < max(SOME_BYTES, 2 * taken):
        return _warn("little", **values)
    return Found("ok", "ok", values)


def key(place: Place) -> Found:
    """Whether the master key is there, right, outside the directory, and ours alone."""
    with _read(place) as store:
        path = master_path(keys_folder(), store.workspace)
    if os.name != "nt" and _mode(path) & 0o077:
        return _warn("open", where=str(path))
    return Found("ok", "ok", {"where": str(path)})


def clock(place: Place) -> Found:
    """Whether the clock is sane: its year, files and events of the future, jumps."""
    now = place.clock.now()
    if not YEARS[0] <= now.year < YEARS[1]:
        return _fail("year", now=_shown(now))
    newest = max(_last_event(place), *(_changed(place.directory / name) for name in NAMES))
    if newest > now + AHEAD:
        return _fail("behind", now=_shown(now), newest=_shown(newest))
    wall, mono = WallClock().now(), ticks()
    time.sleep(SAMPLE_S)
    drift = (WallClock().now() - wall).total_seconds() - (ticks() - mono)
    if abs(drift) > DRIFT_S:
        return _warn("jumps", seconds=round(drift, 1))
    return Found("ok", "ok", {"now": _shown(now)})


def versions(place: Place) -> Found:
    """Whether the program knows the files, and SQLite is new enough."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return _fail("sqlite", found=sqlite3.sqlite_version)
    for name, known in known_schemas().items():
        with closing(Database(place.directory / f"{name}.db", name, write=False)) as file:
            if file.version() < known:
                return _warn("older", found=file.version(), known=known)
    return Found("ok", "ok", {"sqlite": sqlite3.sqlite_version, "python": sys.version.split()[0]})


def work(place: Place) -> Found:
    """Who works in the directory now."""
    seen = look(place.directory)
    if seen.server:
        return Found("ok", "server", {"pid": seen.pid or "?"})
    if seen.writing:
        return Found("ok", "writing", {"pid": seen.pid or "?"})
    return OK


def files(place: Place) -> Found:
    """Whether every file is whole."""
    with _read(place) as store:
        problems = store.integrity()
    if problems:
        return _fail("damaged", n=len(problems), first=problems[0][:200])
    return OK


def estimates(place: Place) -> Found:
    """Whether what was learnt can be read."""
    from renwei.stores.shelf import ShelfFiles

    folder = place.directory / "estimates"
    shelf = ShelfFiles(folder)
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if _is(folder) else []
    for name in names:
        try:
            held = shelf.get(name)
            lengths = {len(column) for column in held.columns.values()} if held else set()
        except (OSError, ValueError):
            return _warn("unreadable", name=name)
        if len(lengths) > 1:
            return _warn("unreadable", name=name)
    return Found("ok", "ok" if names else "none", {"n": len(names)})


def leftovers(place: Place) -> Found:
    """Whether something half-done lies about that no running process owns."""
    seen = look(place.directory)
    if seen.writing:
        return OK
    loose = [*place.directory.glob("*.part"), *place.directory.glob(".restoring")]
    return _warn("found", where=str(loose[0])) if loose else OK


def backup(place: Place) -> Found:
    """Whether there is a backup that is not too old."""
    with _read(place) as store:
        paper = store.papers.get(*LAST_BACKUP)
        events = store.log.position()
    if paper is None:
        return _warn("never") if events else OK
    if place.clock.now() - paper.at > BACKUP_AGE:
        return _warn("old", day=f"{paper.at:%Y-%m-%d}")
    return Found("ok", "recent", {"day": f"{paper.at:%Y-%m-%d}"})


def port(place: Place, number: int) -> Found:
    """Whether the port is free, or answered by us."""
    if not 0 < number < 65_536:
        return _fail("none", port=number)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except PermissionError:
            return _warn("refused", port=number)
        except OSError:
            pass
        else:
            return Found("ok", "free", {"port": number})
    said = _answer(number)
    if said.get("name") == "renwei":
        return Found("ok", "ours", {"port": number, "version": said.get("version", "?")})
    return _warn("taken", port=number, other=number + 1)


def _answer(number: int) -> dict[str, Any]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=2)
    try:
        connection.request("GET", "/v1/version")
        said = msgspec.json.decode(connection.getresponse().read(10_000))
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return {}
    finally:
        connection.close()
    return said if isinstance(said, dict) else {}


def _last_event(place: Place) -> datetime:
    with closing(Database(place.directory / "log.db", "log", write=False)) as file:
        row = file.one(
            "SELECT max(seen_us) FROM events WHERE seq > (SELECT max(seq) - 100 FROM events)"
        )
    return from_us(row[0] or 0) if row else from_us(0)


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _is(path: Path) -> bool:
    return path.is_dir()


def _mode(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_mode
    return 0


def _all(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (path for path in folder.iterdir() if path.name != "logs")
