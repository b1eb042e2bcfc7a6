"""Doctor: each thing that can ail a workspace is caused, and told with its fix."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import numpy as np
import pytest

from renwei.app import build
from renwei.app.upkeep import looking
from renwei.app.upkeep.doctor import CHECKS, DoctorRequest, doctor
from renwei.app.upkeep.operations import BackupRequest, backup
from renwei.app.upkeep.place import Place
from renwei.core.clock import Frozen
from renwei.core.errors import Unavailable
from renwei.core.nouns import Event
from renwei.core.shop import Shop
from renwei.core.store import Named
from renwei.core.words import LANGUAGES
from renwei.stores.shelf import ShelfFiles

Open = Callable[..., Shop]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0


@pytest.fixture
def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def made(tmp_path: Path, clock: Frozen) -> None:
    """A closed workspace; the files' times are those of the test's clock."""
    clock.at = datetime.now(UTC)
    with build.open_shop(tmp_path / "shop", clock=clock) as shop:
        (actor,) = shop.store.people.actors([Named("device", "x")], clock.at)
        shop.store.log.append([Event(actor, "view", clock.at, bytes(16))], clock.at)


def states(place: Place, port: int) -> dict[str, tuple[str, str, str]]:
    """What each check says, whether anything fails or not."""
    try:
        lines = msgspec.to_builtins(doctor(place, DoctorRequest(port=port)).lines)
    except Unavailable as fault:
        lines = fault.values["lines"]
    return {line["check"]: (line["state"], line["text"], line["fix"]) for line in lines}


def only(found: dict[str, tuple[str, str, str]], check: str, state: str) -> str:
    """That one check alone is not in order (but for a backup never made)."""
    odd = {name: line for name, line in found.items() if line[0] != "ok" and name != "backup"}
    assert set(odd) == {check}, odd
    assert odd[check][0] == state
    assert odd[check][2]
    return odd[check][1]


def test_a_workspace_in_order_is_told_so(made: None, place: Place, free: int) -> None:
    found = states(place, free)
    assert list(found) == [*CHECKS, "port"]
    assert {line[0] for name, line in found.items() if name != "backup"} == {"ok"}
    assert found["backup"][0] == "warn"


def test_a_missing_workspace_is_told_before_anything_else(place: Place, free: int) -> None:
    found = states(place, free)
    assert found == {"directory": ("fail", *found["directory"][1:])}
    place.directory.mkdir()
    assert states(place, free)["directory"][0] == "fail"
    assert not any(place.directory.iterdir())


def test_a_failing_check_ends_with_the_whole_list(made: None, place: Place, free: int) -> None:
    with (place.directory / "log.db").open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(8192))
    with pytest.raises(Unavailable) as caught:
        doctor(place, DoctorRequest(port=free))
    assert caught.value.values["n"] >= 1
    text = caught.value.values["text"]
    assert text.count("✓") >= 6
    assert "log.db" in states(place, free)["files"][1]
    assert states(place, free)["files"][0] == "fail"


def test_a_missing_and_a_wrong_key_are_told_by_name(
    made: None, place: Place, keys: Path, free: int
) -> None:
    (path,) = keys.glob("*.key")
    right = path.read_text()
    path.write_text(bytes(range(32)).hex())
    assert str(path) in states(place, free)["key"][1]
    path.unlink()
    found = states(place, free)
    assert (found["key"][0], str(path) in found["key"][1]) == ("fail", True)
    path.write_text(right)
    path.chmod(0o600)
    assert states(place, free)["key"][0] == "ok"


@pytest.mark.skipif(os.name == "nt", reason="rights are others there")
def test_files_and_keys_that_others_can_read_are_named(
    made: None, place: Place, keys: Path, free: int
) -> None:
    (place.directory / "state.db").chmod(0o644)
    assert "state.db" in only(states(place, free), "rights", "warn")
    for path in place.directory.iterdir():
        path.chmod(0o600)
    (path,) = keys.glob("*.key")
    path.chmod(0o640)
    assert str(path) in only(states(place, free), "key", "warn")


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
def test_a_directory_that_may_not_be_written_is_told(
    made: None, place: Place, tmp_path: Path
) -> None:
    for path in (*list(tmp_path.parents)[:2], tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    script = (
        "import os, sys; from pathlib import Path\n"
        "from renwei.app.upkeep import looking; from renwei.app.upkeep.place import Place\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "found = looking.rights(Place(Path(sys.argv[1])))\n"
        "print(found.state, found.code, found.values['where'])"
    )
    line = [sys.executable, "-c", script, str(place.directory)]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    assert said == ["fail", "closed", str(place.directory)]


def test_a_clock_set_back_or_to_another_century_is_told(
    made: None, place: Place, clock: Frozen, free: int
) -> None:
    clock.advance(-timedelta(hours=2))
    assert "set back" in only(states(place, free), "clock", "fail")
    clock.at = datetime(1970, 1, 1, tzinfo=UTC)
    assert "1970" in only(states(place, free), "clock", "fail")


def test_a_clock_that_jumps_is_told(
    made: None, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = [AT, AT + timedelta(seconds=90)]

    class Jumping:
        def now(self) -> datetime:
            return wall.pop(0)

    monkeypatch.setattr(looking, "WallClock", Jumping)
    assert looking.clock(place).code == "jumps"


def test_a_disk_that_is_nearly_full_is_told(
    made: None, place: Place, free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(place.directory)
    for left, state in ((100 << 20, "fail"), (700 << 20, "warn")):
        few = usage._replace(free=left)
        monkeypatch.setattr(shutil, "disk_usage", lambda path, few=few: few)
        assert "MB" in only(states(place, free), "disk", state)


def test_estimates_that_cannot_be_read_are_named(made: None, place: Place, free: int) -> None:
    shelf = ShelfFiles(place.directory / "estimates")
    shelf.put("people", {"person": np.array([1, 2])}, {})
    assert states(place, free)["estimates"][0] == "ok"
    (column,) = (place.directory / "estimates").rglob("person.npy")
    column.write_bytes(b"half")
    assert "people" in only(states(place, free), "estimates", "warn")


def test_what_was_left_half_done_is_told_unless_somebody_works(
    made: None, place: Place, free: int
) -> None:
    (place.directory / "aside-1.part").mkdir(mode=0o700)
    assert "aside-1" in only(states(place, free), "leftovers", "warn")
    with build.open_shop(place.directory, clock=place.clock):
        assert states(place, free)["leftovers"][0] == "ok"


def test_an_old_backup_is_told(
    made: None, place: Place, clock: Frozen, tmp_path: Path, free: int
) -> None:
    backup(place, BackupRequest(file=tmp_path / "b.tar.zst"))
    assert states(place, free)["backup"][0] == "ok"
    clock.advance(timedelta(days=40))
    assert states(place, free)["backup"][0] == "warn"


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """Starts a web server that always says the same; its port."""
    servers: list[HTTPServer] = []

    def start(body: bytes) -> int:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return int(servers[-1].server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_port_is_free_ours_or_taken(
    made: None, place: Place, free: int, answering: Callable[[bytes], int]
) -> None:
    assert states(place, free)["port"][0] == "ok"
    ours = answering(b'{"name":"renwei","version":"9.9"}')
    assert "9.9" in states(place, ours)["port"][1]
    for body in (b"hello", b"[]", b'{"name":"other"}', b""):
        taken = answering(body)
        assert str(taken) in only(states(place, taken), "port", "warn")
    assert only(states(place, 0), "port", "fail")
    with socket.socket() as dumb:
        dumb.bind(("127.0.0.1", 0))
        dumb.listen(0)
        assert only(states(place, dumb.getsockname()[1]), "port", "warn")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_and_every_fix_exists(language: str) -> None:
    known = build.words().keys(language)
    mine = sorted(key for key in known if key.startswith("upkeep.doctor."))
    good = ("ok", "none", "server", "writing", "recent", "free", "ours")
    for key in mine:
        name, code = key.split(".")[2:]
        if not code.endswith("_fix") and code not in good:
            assert f"{key}_fix" in known
        assert name in (*CHECKS, "port")
    assert len(mine) > 40


def test_a_server_at_work_is_told_and_not_disturbed(made: None, place: Place, free: int) -> None:
    script = (
        "import sys; from pathlib import Path; from renwei.app import build\n"
        "with build.open_shop(Path(sys.argv[1]), server=True):\n"
        "    print('up', flush=True); sys.stdin.read()\n"
    )
    line = [sys.executable, "-c", script, str(place.directory)]
    server = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        found = states(place, free)
        assert (found["work"][0], str(server.pid) in found["work"][1]) == ("ok", True)
        assert {line[0] for name, line in found.items() if name != "backup"} == {"ok"}
    finally:
        server.communicate()
    assert server.returncode == 0


def test_one_thing_that_keeps_many_looks_from_looking_is_told_once(
    made: None, place: Place, free: int
) -> None:
    with closing(sqlite3.connect(place.directory / "state.db")) as file:
        (version,) = file.execute("PRAGMA user_version").fetchone()
        file.execute(f"PRAGMA user_version = {version + 9}")
    with pytest.raises(Unavailable) as fault:
        doctor(place, DoctorRequest(port=free))
    assert fault.value.values["n"] == 1
    (line,) = [one for one in fault.value.values["lines"] if one["state"] == "fail"]
    assert (line["check"], "newer version" in line["text"]) == ("versions", True)


def test_a_directory_that_is_closed_to_us_is_told_in_a_line(
    made: None, place: Place, free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(self: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", closed)
    found = states(place, free)
    assert list(found) == ["directory"]
    state, text, _ = found["directory"]
    assert state == "fail"
    assert "(Permission denied)" in text


def test_lines_are_printed_as_they_are_said(
    made: None, place: Place, free: int, tmp_path: Path
) -> None:
    line = [sys.executable, "-m", "renwei", "doctor", "--data", str(place.directory)]
    told = subprocess.run(
        [*line, "--port", str(free), "--lang", "en"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    first = told.stdout.splitlines()[0]
    assert first == f"\N{CHECK MARK} Data directory: {place.directory}"
    assert "    Make one on another disk: renwei backup FILE" in told.stdout
