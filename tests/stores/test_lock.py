"""One writing process a directory; readers and marked children pass."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from renwei.core.errors import Unavailable
from renwei.core.store import Named
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.lock import PARTS, child_environment, doing, hold, take

Open = Callable[[], EmbeddedStore]
Child = Callable[..., "subprocess.Popen[str]"]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def test_a_second_process_is_told_who_works_there(store: EmbeddedStore, child: Child) -> None:
    import os

    code, path, pid = said(child("write", "1"))
    assert (code, path, pid) == ("in_use", str(store.directory), str(os.getpid()))


def test_a_child_started_by_the_holder_may_write(store: EmbeddedStore, child: Child) -> None:
    environment = child_environment(store.directory)
    assert said(child("write", "1", **environment)) == ["wrote"]
    (person,) = store.people.all_persons()
    assert [event.actor for event in store.log.read()] == [person]
    assert store.people.find(Named("phone", "+8613900000001")) == person


def test_another_directory_is_not_unlocked_by_the_mark(
    store: EmbeddedStore, child: Child, tmp_path: Path
) -> None:
    environment = child_environment(tmp_path / "elsewhere")
    assert said(child("write", "1", **environment))[0] == "in_use"


def test_a_killed_holder_leaves_no_lock(tmp_path: Path, reopen: Open, child: Child) -> None:
    holder = child("append", "0")
    said(holder)
    with pytest.raises(Unavailable) as fault:
        take(tmp_path / "shop", wait_s=0.1)
    assert fault.value.values["pid"] == str(holder.pid)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert reopen().log.position() >= 5


def test_the_same_process_shares_its_lock_and_lets_go_at_last(
    tmp_path: Path, keys: Path, child: Child
) -> None:
    first = open_store(tmp_path / "shop", keys=keys)
    second = open_store(tmp_path / "shop", keys=keys)
    first.close()
    first.close()
    assert said(child("write", "1"))[0] == "in_use"
    second.close()
    assert said(child("write", "2")) == ["wrote"]


def test_a_reader_needs_no_lock_and_cannot_write(
    store: EmbeddedStore, tmp_path: Path, keys: Path
) -> None:
    (actor,) = store.people.actors([Named("phone", "+8613800138000")], AT)
    reader = open_store(tmp_path / "shop", keys=keys, write=False)
    assert reader.people.open(actor) == {"phone": ["+8613800138000"]}
    store.people.keep_many([(actor, "name", "李雷")])
    assert reader.people.open(actor)["name"] == ["李雷"]
    with pytest.raises(Unavailable) as fault:
        reader.papers.put("x", "y", {}, by="me", at=AT)
    assert fault.value.code == "read_only"
    reader.close()


def test_hold_lets_go_after_a_fault(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), hold(tmp_path):
        raise RuntimeError
    line = f"from renwei.stores.lock import take; from pathlib import Path; take(Path({str(tmp_path)!r}), wait_s=0)"
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0


DOES = """
import sys
from pathlib import Path
from renwei.core.errors import Unavailable
from renwei.stores.lock import doing
try:
    with doing(Path(sys.argv[1]), sys.argv[2:], where="http://here:1", wait_s=0):
        print("does it", flush=True)
        sys.stdin.read()
except Unavailable as error:
    print(error.code, error.values["pid"], error.values["where"])
"""


def doer(directory: Path, *parts: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-c", DOES, str(directory), *parts]
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_what_a_server_does_is_done_by_one_process_which_is_named(tmp_path: Path) -> None:
    with doer(tmp_path, *PARTS) as first:
        assert said(first) == ["does", "it"]
        for parts in (PARTS, PARTS[:1], PARTS[1:]):
            with doer(tmp_path, *parts) as second:
                assert said(second) == ["already_served", str(first.pid), "http://here:1"]
        first.kill()
    with doing(tmp_path, PARTS, wait_s=0):
        pass


def test_serving_and_working_may_be_two_processes(tmp_path: Path) -> None:
    with doer(tmp_path, "serving") as serves, doer(tmp_path, "working") as works:
        assert said(serves) == said(works) == ["does", "it"]
        with pytest.raises(Unavailable) as fault, doing(tmp_path, PARTS, wait_s=0):
            pass
        assert fault.value.values["pid"] == str(serves.pid)


def test_a_server_waits_for_the_one_that_is_just_ending(tmp_path: Path) -> None:
    with doer(tmp_path, *PARTS) as first:
        assert said(first) == ["does", "it"]
        assert first.stdin is not None
        first.stdin.close()
        with doing(tmp_path, PARTS, wait_s=10):
            pass


def test_an_error_of_the_one_who_does_it_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), doing(tmp_path / "new", PARTS):
        raise PermissionError
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    with doing(tmp_path / "new", PARTS, wait_s=0):
        pass
