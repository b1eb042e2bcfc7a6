"""Backup and restore: one moment, whole, checked; forgotten people stay forgotten."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from renwei.core.errors import BadInput, RenweiError
from renwei.core.nouns import NOBODY, Event
from renwei.core.shop import silent
from renwei.core.store import Named
from renwei.core.tallies import Tally
from renwei.stores.backup import BackedUp, back_up, put_back
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.testing.store import decision

Open = Callable[[], EmbeddedStore]
Child = Callable[..., "subprocess.Popen[str]"]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PHONES = [f"+8613800138{k:03d}" for k in range(20)]
IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0


def fill(store: EmbeddedStore) -> list[int]:
    actors = store.people.actors([Named("phone", phone) for phone in PHONES], AT)
    store.people.keep_many([(actor, "name", f"客户 {k}") for k, actor in enumerate(actors)])
    events = [Event(a, "order", AT, bytes([k] * 16)) for k, a in enumerate(actors)]
    store.log.append(events[::2], AT)
    store.log.seal(AT + timedelta(seconds=1))
    store.log.append(events[1::2], AT + timedelta(days=1))
    store.ledger.record_all(decision(person=actor) for actor in actors)
    store.ledger.record(decision(person=actors[0]))
    store.blobs.put("refused/1", "客户 13800138000".encode())
    store.tallies.add("f", [Tally(actors[0], "view", 1, 1, 2, 3, 4)], 20)
    return actors


def told(store: EmbeddedStore) -> object:
    """Everything that a reader can see."""
    people = store.people.all_persons()
    return (
        [(e.seq, e.actor, e.message_id) for e in store.log.read()],
        [store.people.open(person) for person in people],
        sorted(d.id for d in store.ledger.between(AT, AT + timedelta(days=1))),
        [store.blobs.get(name) for name in store.blobs.names()],
        store.tallies.of(people),
        store.tallies.position("f"),
    )


def to(file: Path, store: EmbeddedStore) -> BackedUp:
    return back_up(store, file, program="1", at=AT, moved=silent)


def opened(keys: Path) -> Callable[[Path], None]:
    def settle(aside: Path) -> None:
        with closing(open_store(aside, keys=keys)) as store:
            assert store.integrity() == []

    return settle


def restored(file: Path, directory: Path, keys: Path) -> EmbeddedStore:
    put_back(file, directory, keys=keys, settle=opened(keys))
    return open_store(directory, keys=keys)


def entries(file: Path) -> dict[str, bytes]:
    with (
        pa.CompressedInputStream(str(file), "zstd") as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        return {m.name: (archive.extractfile(m) or io.BytesIO()).read() for m in archive}


def packed(file: Path, parts: dict[str, bytes]) -> None:
    with pa.CompressedOutputStream(str(file), "zstd") as out:
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            for name, body in parts.items():
                info = tarfile.TarInfo(name)
                info.size = len(body)
                archive.addfile(info, io.BytesIO(body))
        out.write(data.getvalue())


def refusal(file: Path, directory: Path, keys: Path) -> str:
    with pytest.raises(RenweiError) as caught:
        put_back(file, directory, keys=keys, settle=opened(keys))
    if caught.value.code != "not_empty":
        # Nothing half-done stays, and the next attempt may begin.
        assert not directory.exists() or not any(directory.iterdir())
    return caught.value.code


def test_everything_comes_back_and_the_key_is_told_apart(
    store: EmbeddedStore, tmp_path: Path, keys: Path
) -> None:
    fill(store)
    before = told(store)
    done = to(tmp_path / "b.tar.zst", store)
    assert (done.size, done.events) == ((tmp_path / "b.tar.zst").stat().st_size, 20)
    key = done.key.read_text().strip()
    parts = entries(tmp_path / "b.tar.zst")
    assert not any(key.encode() in body or bytes.fromhex(key) in body for body in parts.values())
    assert not any(b"13800138000" in body for body in parts.values())
    manifest = json.loads(parts["manifest.json"])
    assert {entry["name"] for entry in manifest} | {"manifest.json", "about.json"} == set(parts)
    again = restored(tmp_path / "b.tar.zst", tmp_path / "again", keys)
    assert told(again) == before
    assert not list((tmp_path / "again").rglob("*.part"))
    assert not list(store.directory.glob("*.part"))
    assert {p.stat().st_mode & 0o77 for p in (tmp_path / "again").rglob("*")} == {0}
    again.close()


def test_a_backup_is_of_one_moment_while_others_write(
    store: EmbeddedStore, tmp_path: Path, keys: Path
) -> None:
    stop, errors = threading.Event(), list[Exception]()

    def write() -> None:
        n = 0
        try:
            while not stop.is_set():
                (actor,) = store.people.actors([Named("device", str(n))], AT)
                store.log.append([Event(actor, "view", AT, n.to_bytes(16, "big"))], AT)
                with store.together():
                    position = store.log.position()
                    store.tallies.add("f", [Tally(actor, "view", 1, 1, 1, 1, 1)], position)
                if n % 7 == 0:
                    store.log.seal(AT + timedelta(seconds=1))
                n += 1
        except Exception as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    files = [tmp_path / f"{k}.tar.zst" for k in range(6)]
    try:
        for file in files:
            to(file, store)
    finally:
        stop.set()
        thread.join()
    assert errors == []
    for k, file in enumerate(files):
        again = restored(file, tmp_path / f"again {k}", keys)
        events = list(again.log.read())
        known = set(again.people.all_persons())
        # A fold never stands ahead of the log, and the actor of each event is known.
        assert again.tallies.position("f") <= again.log.position() == len(events)
        assert {event.actor for event in events} <= known
        assert len(events) - len(again.tallies.of(sorted(known))) in (0, 1)
        again.close()


def test_whoever_was_forgotten_since_stays_forgotten(
    store: EmbeddedStore, tmp_path: Path, keys: Path
) -> None:
    actors = fill(store)
    to(tmp_path / "b.tar.zst", store)
    store.forget(actors[3], AT)
    again = restored(tmp_path / "b.tar.zst", tmp_path / "again", keys)
    assert again.people.actors([Named("phone", PHONES[3])], AT) == [NOBODY]
    assert again.people.open(actors[3]) == {}
    assert (again.log.of([actors[3]]), again.ledger.of([actors[3]])) == ([], [])
    assert len(again.people.all_persons()) == 19
    again.close()


def test_a_backup_is_put_back_into_an_empty_directory_only(
    store: EmbeddedStore, tmp_path: Path, keys: Path
) -> None:
    fill(store)
    to(tmp_path / "b.tar.zst", store)
    assert refusal(tmp_path / "b.tar.zst", store.directory, keys) == "not_empty"
    assert len(store.people.all_persons()) == 20
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("x")
    assert refusal(tmp_path / "b.tar.zst", tmp_path / "mine", keys) == "not_empty"
    assert (tmp_path / "mine" / "note.txt").read_text() == "x"
    (tmp_path / "empty").mkdir()
    restored(tmp_path / "b.tar.zst", tmp_path / "empty", keys).close()


@pytest.mark.parametrize("place", ["shop/b.tar.zst", "shop/deep/b", "keys/b.tar.zst"])
def test_a_backup_lies_neither_in_the_data_nor_with_the_key(
    place: str, store: EmbeddedStore, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as caught:
        to(tmp_path / place, store)
    assert caught.value.code == "backup_inside"
    assert not (tmp_path / place).exists()


def test_what_is_no_backup_or_was_changed_is_refused_and_leaves_nothing(
    store: EmbeddedStore, tmp_path: Path, keys: Path
) -> None:
    fill(store)
    good = tmp_path / "b.tar.zst"
    to(good, store)
    parts = entries(good)
    bad, aim = tmp_path / "bad.tar.zst", tmp_path / "aim"
    assert refusal(tmp_path / "nothing", aim, keys) == "no_backup"
    for data in (b"", b"hello", good.read_bytes()[:5_000], good.read_bytes()[:-300]):
        bad.write_bytes(data)
        assert refusal(bad, aim, keys) in {"not_a_backup", "backup_damaged"}
    cut = good.read_bytes()
    bad.write_bytes(cut[:9_000] + bytes([cut[9_000] ^ 1]) + cut[9_001:])
    assert refusal(bad, aim, keys) in {"not_a_backup", "backup_damaged"}
    packed(bad, {k: v for k, v in parts.items() if k != "manifest.json"})
    assert refusal(bad, aim, keys) == "backup_damaged"
    packed(bad, {k: v for k, v in parts.items() if "blob" not in k})
    assert refusal(bad, aim, keys) == "backup_damaged"
    name = next(k for k in parts if "blob" in k)
    packed(bad, parts | {name: parts[name][:-1] + b"x"})
    assert refusal(bad, aim, keys) == "backup_damaged"
    for evil in ("../evil", "/evil/x", "lake/../../evil", "other.txt"):
        packed(bad, {"about.json": parts["about.json"], evil: b"x"})
        assert refusal(bad, aim, keys) == "not_a_backup"
    assert not (tmp_path / "evil").exists()


def test_a_backup_of_a_newer_program_or_another_key_is_refused(
    store: EmbeddedStore, tmp_path: Path, keys: Path
) -> None:
    fill(store)
    good, bad = tmp_path / "b.tar.zst", tmp_path / "bad.tar.zst"
    key = to(good, store).key
    parts = entries(good)
    about = json.loads(parts["about.json"])
    newer = about | {"schema": {"log": 1, "state": 99}}
    packed(bad, {"about.json": json.dumps(newer).encode()})
    assert refusal(bad, tmp_path / "aim", keys) == "newer_schema"
    shutil.copytree(keys, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / key.name).unlink()
    assert refusal(good, tmp_path / "aim", tmp_path / "elsewhere") == "key_missing"
    (tmp_path / "elsewhere" / key.name).write_text(bytes(range(32)).hex())
    assert refusal(good, tmp_path / "aim", tmp_path / "elsewhere") == "key_wrong"


def test_an_older_schema_is_brought_up_to_date_on_the_way_back(
    store: EmbeddedStore, tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    to(tmp_path / "b.tar.zst", store)
    from renwei.stores import database

    steps = database._steps
    monkeypatch.setattr(
        database, "_steps", lambda folder: [*steps(folder), "CREATE TABLE newest (x);"]
    )
    again = restored(tmp_path / "b.tar.zst", tmp_path / "again", keys)
    assert again._state_db.rows("SELECT * FROM newest") == []
    assert len(again.people.all_persons()) == 20
    assert not list((tmp_path / "again").glob("before-upgrade"))
    again.close()


def test_a_restore_killed_half_way_begins_anew(
    store: EmbeddedStore, tmp_path: Path, keys: Path, child: Child
) -> None:
    fill(store)
    before = told(store)
    to(tmp_path / "b.tar.zst", store)
    aim = tmp_path / "aim"
    for stop in ("settle", "log.db", "lake", "blobs", "state.db"):
        process = child("restore", "0", str(tmp_path / "b.tar.zst"), str(aim), stop)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == stop
        process.send_signal(signal.SIGKILL)
        process.wait()
        if stop in ("lake", "blobs", "state.db"):
            # What is there so far is taken for a workspace by nobody.
            with pytest.raises(RenweiError):
                open_store(aim, keys=keys)
    again = restored(tmp_path / "b.tar.zst", aim, keys)
    assert told(again) == before
    again.close()


def test_a_backup_killed_half_way_leaves_the_one_before_and_is_swept(
    reopen: Open, tmp_path: Path, keys: Path, child: Child
) -> None:
    store = reopen()
    fill(store)
    file = tmp_path / "b.tar.zst"
    to(file, store)
    whole = file.read_bytes()
    store.close()
    for stop in ("copying", "packing"):
        process = child("backup", "0", str(file), stop)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == stop
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert file.read_bytes() == whole
        assert list((tmp_path / "shop").glob("aside-*.part"))
    store = reopen()
    assert not list((tmp_path / "shop").glob("aside-*.part"))
    restored(file, tmp_path / "again", keys).close()


def test_a_full_disk_stops_a_backup_and_a_restore_in_one_sentence(
    store: EmbeddedStore, tmp_path: Path, keys: Path, child: Child
) -> None:
    actors = fill(store)
    store.people.keep_many([(actors[0], "note", os.urandom(300_000).hex())])
    to(tmp_path / "b.tar.zst", store)
    store.close()
    process = child("backup", "200000", str(tmp_path / "c.tar.zst"), "-")
    assert process.stdout is not None
    assert process.stdout.read().split()[-3] == "disk_full"
    assert not (tmp_path / "c.tar.zst").exists()
    process = child("restore", "200000", str(tmp_path / "b.tar.zst"), str(tmp_path / "aim"), "-")
    assert process.stdout is not None
    assert process.stdout.read().split()[-3] == "disk_full"
    assert not any((tmp_path / "aim").iterdir())


def test_a_backup_works_beside_a_server(
    tmp_path: Path, keys: Path, child: Child, reopen: Open
) -> None:
    server = child("serve", "0")
    assert server.stdout is not None
    assert server.stdin is not None
    server.stdout.readline()
    server.stdin.write("actor +8613800138000\nwrite 1\n")
    server.stdin.flush()
    server.stdout.readline()
    server.stdout.readline()
    with closing(reopen()) as guest:
        to(tmp_path / "b.tar.zst", guest)
    with closing(restored(tmp_path / "b.tar.zst", tmp_path / "again", keys)) as again:
        assert again.log.position() == 1


def test_a_backup_is_read_by_nobody_else_from_its_first_byte_and_sweeps_a_killed_one(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    file, left = tmp_path / "b[1].tar.zst", tmp_path / "b[1].tar.zst.0123abcd.part"
    left.write_bytes(b"half")
    left.chmod(0o600)
    other = tmp_path / "b[1].tar.zst.0123abcd.part.keep"
    other.write_bytes(b"somebody's")
    modes: set[int] = set()

    def moved(what: str, done: int, of: int) -> None:
        modes.update(path.stat().st_mode & 0o777 for path in tmp_path.glob("*.part"))

    back_up(store, file, program="1", at=AT, moved=moved)
    assert modes == {0o600}
    assert not left.exists()
    assert other.exists()
    assert file.stat().st_mode & 0o777 == 0o600
