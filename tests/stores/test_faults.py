"""Faults are caused, not imagined: full disks, rights taken away, files cut short."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from renwei.core.errors import Unavailable
from renwei.core.nouns import Event
from renwei.core.store import Named
from renwei.core.words import Words
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.shelf import ShelfFiles

Open = Callable[[], EmbeddedStore]
Child = Callable[..., "subprocess.Popen[str]"]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0


def fault_at(
    directory: Path, keys: Path, *, create: bool = True, write: bool = True
) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        open_store(directory, keys=keys, create=create, write=write)
    return caught.value


def fill(store: EmbeddedStore) -> int:
    (actor,) = store.people.actors([Named("phone", "+8613800138000")], AT)
    store.log.append([Event(actor, "order", AT, bytes(16))], AT)
    return actor


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes there")
def test_a_full_disk_says_so_and_loses_nothing_acknowledged(reopen: Open, child: Child) -> None:
    process = child("fill", "600000")
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    assert lines[-1].split()[0] == "disk_full"
    acknowledged = 100 * (len(lines) - 1)
    assert acknowledged > 0
    store = reopen()
    assert len(list(store.log.read())) == store.log.position() == acknowledged
    assert store.integrity() == []
    assert store.log.append([Event(1, "order", AT, b"x" * 16)], AT).added == 1


@pytest.mark.skipif(not IS_ROOT, reason="mounting needs root")
def test_a_disk_that_is_really_full_says_so_at_every_part(tmp_path: Path, keys: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(small)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        store = open_store(small / "shop", keys=keys)
        actor = fill(store)
        with pytest.raises(Unavailable) as blob:
            store.blobs.put("big", bytes(3_000_000))
        with pytest.raises(Unavailable) as text:
            store.people.keep_many((actor, "note", "x" * 1000 + str(k)) for k in range(9_000))
        assert (blob.value.code, text.value.code) == ("disk_full", "disk_full")
        assert store.people.open(actor)["phone"] == ["+8613800138000"]
        assert store.blobs.names() == []
        assert not list((small / "shop").rglob("*.part"))
        store.close()
        again = open_store(small / "shop", keys=keys)
        assert again.log.position() == 1
        again.close()
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
@pytest.mark.parametrize("what", ["directory", "keys", "new"])
def test_a_directory_without_rights_is_named(what: str, tmp_path: Path, child: Child) -> None:
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    if what != "new":
        store = open_store(tmp_path / "shop", keys=tmp_path / "keys")
        fill(store)
        store.close()
        for path in (tmp_path / "shop", *(tmp_path / "shop").rglob("*")):
            path.chmod(0o777 if what == "keys" else 0o755)
        for path in (tmp_path / "keys", *(tmp_path / "keys").iterdir()):
            path.chmod(0o700 if what == "keys" else 0o755)
    process = child("write", "1", "nobody")
    assert process.stdout is not None
    code, where, *_ = process.stdout.readline().split()
    expected = {"directory": "read_only", "keys": "key_missing", "new": "read_only"}[what]
    assert (code, where.startswith(str(tmp_path))) == (expected, True)


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
def test_a_read_only_copy_can_be_read(reopen: Open, tmp_path: Path, child: Child) -> None:
    store = reopen()
    fill(store)
    store.close()
    for path in (*list(tmp_path.parents)[:2], tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o444)
    process = child("read", "0", "nobody")
    assert process.stdout is not None
    assert process.stdout.readline().split() == ["+8613800138000", "1"]


def test_a_file_is_no_directory(tmp_path: Path, keys: Path) -> None:
    (tmp_path / "orders.csv").write_text("x")
    assert fault_at(tmp_path / "orders.csv", keys).code == "not_a_workspace"
    assert fault_at(tmp_path / "orders.csv" / "below", keys).code == "not_a_workspace"


def test_nothing_is_made_where_nothing_may_be_made(tmp_path: Path, keys: Path) -> None:
    assert fault_at(tmp_path / "shop", keys, create=False).code == "not_a_workspace"
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path, keys: Path) -> None:
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = (tmp_path / "state.db").read_bytes()
    assert fault_at(tmp_path, keys).code == "not_a_workspace"
    assert (tmp_path / "state.db").read_bytes() == before


def test_a_file_of_other_bytes_is_damaged(reopen: Open, tmp_path: Path, keys: Path) -> None:
    reopen().close()
    (tmp_path / "shop" / "state.db").write_bytes(b"no database at all " * 500)
    fault = fault_at(tmp_path / "shop", keys)
    assert (fault.code, fault.values["path"]) == ("damaged", str(tmp_path / "shop" / "state.db"))


def test_a_missing_file_is_damage_and_not_a_new_beginning(
    reopen: Open, tmp_path: Path, keys: Path
) -> None:
    store = reopen()
    fill(store)
    store.close()
    (tmp_path / "shop" / "state.db").unlink()
    assert fault_at(tmp_path / "shop", keys).code == "damaged"


def test_a_page_that_was_overwritten_is_found(reopen: Open, tmp_path: Path) -> None:
    store = reopen()
    events = [Event(1, "order", AT, k.to_bytes(16, "big"), body={"k": k}) for k in range(3_000)]
    store.log.append(events, AT)
    store.close()
    path = tmp_path / "shop" / "log.db"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = bytes(range(256)) * 16
    path.write_bytes(data)
    assert reopen().integrity() != []


def test_a_lost_lake_file_is_found(store: EmbeddedStore) -> None:
    fill(store)
    store.log.seal(datetime(2027, 1, 1, tzinfo=UTC))
    (file,) = (store.directory / "lake").rglob("*.parquet")
    file.unlink()
    assert len(store.integrity()) == 1
    with pytest.raises(Unavailable) as fault:
        list(store.log.read())
    assert fault.value.code == "damaged"


def test_a_newer_schema_is_refused(reopen: Open, tmp_path: Path, keys: Path) -> None:
    reopen().close()
    with sqlite3.connect(tmp_path / "shop" / "log.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    fault = fault_at(tmp_path / "shop", keys)
    assert (fault.code, fault.values["found"]) == ("newer_schema", 99)
    reader = fault_at(tmp_path / "shop", keys, write=False)
    assert reader.code == "newer_schema"


def test_without_its_key_a_workspace_does_not_open(
    reopen: Open, tmp_path: Path, keys: Path
) -> None:
    store = reopen()
    fill(store)
    store.close()
    (key,) = keys.glob("*.key")
    assert key.stat().st_mode & 0o077 == 0
    saved = key.read_text()
    key.unlink()
    fault = fault_at(tmp_path / "shop", keys)
    assert (fault.code, fault.values["path"]) == ("key_missing", str(key))
    key.write_text("ab" * 32)
    assert fault_at(tmp_path / "shop", keys).code == "key_wrong"
    key.write_text(saved)
    reopen().close()


def test_keys_lie_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "elsewhere"))
    open_store(tmp_path / "shop").close()
    (key,) = (tmp_path / "elsewhere").glob("*.key")
    assert not list((tmp_path / "shop").rglob("*.key"))
    shutil.rmtree(tmp_path / "elsewhere")
    assert fault_at(tmp_path / "shop", tmp_path / "elsewhere").values["path"] == str(key)


def test_every_fault_has_a_sentence_with_its_values() -> None:
    words = Words.load(["renwei.stores"])
    values = {"path": "/p", "found": "F", "known": "K", "pid": "41", "name": "N"}
    for language in ("en", "zh"):
        for key in words.keys(language):
            sentence = words.say(key, values, language)
            assert "/p" in sentence or "N" in sentence
            assert "{" not in sentence


def test_a_key_inside_the_data_directory_is_refused(tmp_path: Path) -> None:
    shop, link = tmp_path / "shop", tmp_path / "link"
    assert fault_at(shop, shop / "keys").code == "key_inside"
    assert not shop.exists()
    open_store(shop, keys=tmp_path / "keys").close()
    shutil.move(tmp_path / "keys", shop / "keys")
    link.symlink_to(shop)
    for keys in (shop / "keys", link / "keys"):
        for write in (True, False):
            assert fault_at(shop, keys, write=write).code == "key_inside"


@pytest.mark.skipif(sys.platform == "win32", reason="rights are other things there")
def test_nobody_else_can_read_what_lies_in_the_data_directory(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir(mode=0o755)  # made by the owner, open to all
    before = os.umask(0o022)
    try:
        with closing(open_store(shop, keys=tmp_path / "keys")) as store:
            fill(store)
            store.log.seal(AT + timedelta(days=1))
            store.blobs.put("a", b"b")
            store.people.forget(store.people.all_persons()[0], AT)
            ShelfFiles(shop / "estimates").put("people", {"person": np.array([1])}, {})
            found = [*shop.iterdir(), *(tmp_path / "keys").iterdir(), tmp_path / "keys"]
            assert {path.name for path in found} >= {"log.db-wal", "lake", "blobs", "estimates"}
            assert [path for path in found if path.stat().st_mode & 0o077] == []
    finally:
        os.umask(before)
