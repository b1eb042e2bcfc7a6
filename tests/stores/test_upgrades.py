"""An older schema: copies first, then the change; a newer one is left alone."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from renwei.core.clock import Frozen
from renwei.core.errors import Unavailable
from renwei.core.store import Named
from renwei.stores import database
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.upgrades import copies

Open = Callable[[], EmbeddedStore]
Child = Callable[..., "subprocess.Popen[str]"]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0


def newer(monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    """A program that knows more steps."""
    steps = STEPS
    monkeypatch.setattr(database, "_steps", lambda folder: [*steps(folder), *more])


STEPS = database._steps


def version_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    connection.close()
    return found


def test_a_copy_of_both_files_is_made_before_their_schema_changes(
    store: EmbeddedStore, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (actor,) = store.people.actors([Named("phone", "+8613800138000")], AT)
    store.close()
    assert copies(store.directory) == []
    known = version_of(store.directory / "state.db")
    newer(monkeypatch, "CREATE TABLE newest (x);")
    open_store(store.directory, keys=keys, clock=Frozen(AT)).close()
    (kept,) = copies(store.directory)
    assert version_of(store.directory / "state.db") == known + 1
    assert version_of(kept / "state.db") == known
    assert {path.name for path in kept.iterdir()} == {"state.db", "log.db"}
    assert {path.stat().st_mode & 0o77 for path in (kept, *kept.iterdir())} == {0}
    with sqlite3.connect(kept / "state.db") as raw:
        assert raw.execute("SELECT actor FROM actors").fetchall() == [(actor,)]
    raw.close()
    # Opened again there is nothing to do, and no further copy.
    open_store(store.directory, keys=keys, clock=Frozen(AT + timedelta(days=1))).close()
    assert copies(store.directory) == [kept]


def test_the_last_two_copies_are_kept(
    store: EmbeddedStore, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    for n in range(1, 5):
        newer(monkeypatch, *(f"CREATE TABLE newest{k} (x);" for k in range(n)))
        clock = Frozen(AT + timedelta(days=n))
        open_store(store.directory, keys=keys, clock=clock).close()
    kept = copies(store.directory)
    assert [path.name[:8] for path in kept] == ["20260304", "20260305"]


def test_forgetting_somebody_takes_the_copies_too(
    store: EmbeddedStore, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (actor,) = store.people.actors([Named("phone", "+8613800138000")], AT)
    store.close()
    newer(monkeypatch, "CREATE TABLE newest (x);")
    again = open_store(store.directory, keys=keys)
    assert len(copies(store.directory)) == 1
    again.forget(actor, AT)
    assert copies(store.directory) == []
    again.close()


def test_a_change_that_fails_leaves_the_file_as_it_was_and_the_copy_beside_it(
    store: EmbeddedStore, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    known = version_of(store.directory / "state.db")
    newer(monkeypatch, "CREATE TABLE newest (x); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        open_store(store.directory, keys=keys)
    assert version_of(store.directory / "state.db") == known
    assert len(copies(store.directory)) == 1
    newer(monkeypatch)
    open_store(store.directory, keys=keys).close()


def test_a_newer_file_is_refused_and_not_copied(
    store: EmbeddedStore, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    newer(monkeypatch, "CREATE TABLE newest (x);")
    open_store(store.directory, keys=keys).close()
    before = copies(store.directory)
    newer(monkeypatch)
    with pytest.raises(Unavailable) as fault:
        open_store(store.directory, keys=keys)
    assert fault.value.code == "newer_schema"
    assert copies(store.directory) == before


@pytest.mark.skipif(not IS_ROOT, reason="mounting needs root")
def test_without_room_for_the_copy_nothing_is_changed(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=2200k", "tmpfs", str(small)]
    if subprocess.run(line, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        store = open_store(small / "shop", keys=keys)
        (actor,) = store.people.actors([Named("phone", "+8613800138000")], AT)
        for k in range(13):
            store.people.keep_many([(actor, "note", f"{k} " + "x" * 100_000)])
            store._state_db.truncate()
        store.close()
        known = version_of(small / "shop" / "state.db")
        newer(monkeypatch, "CREATE TABLE newest (x);")
        with pytest.raises(Unavailable) as fault:
            open_store(small / "shop", keys=keys)
        assert fault.value.code == "disk_full"
        newer(monkeypatch)
        assert version_of(small / "shop" / "state.db") == known
        assert copies(small / "shop") == []
        again = open_store(small / "shop", keys=keys)
        assert len(again.people.open(actor)["note"]) == 13
        again.close()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_change_killed_half_way_is_made_again_from_the_start(
    reopen: Open, child: Child, keys: Path, tmp_path: Path
) -> None:
    store = reopen()
    (actor,) = store.people.actors([Named("phone", "+8613800138000")], AT)
    store.close()
    path = tmp_path / "shop" / "state.db"
    known = version_of(path)
    for stop in ("copy", "step"):
        process = child("upgrade", "0", stop)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == stop
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert version_of(path) == known
    process = child("upgrade", "0", "-")
    assert process.stdout is not None
    assert process.stdout.readline().strip() == str(actor)
    process.wait()
    assert version_of(path) == known + 1
    assert not list((tmp_path / "shop" / "before-upgrade").glob("*.part"))
