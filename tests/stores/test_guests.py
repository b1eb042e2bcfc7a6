"""Commands beside a running server: each notices at once what the other wrote and forgot."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from renwei.core.errors import Unavailable
from renwei.core.nouns import NOBODY, Event
from renwei.core.store import Named
from renwei.stores import database
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.lock import Seen, look, take

Open = Callable[[], EmbeddedStore]
Child = Callable[..., "subprocess.Popen[str]"]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
PHONE = "+8613800138000"


def said(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def asked(process: subprocess.Popen[str], *words: object) -> list[str]:
    assert process.stdin is not None
    process.stdin.write(" ".join(map(str, words)) + "\n")
    process.stdin.flush()
    return said(process)


def killed(process: subprocess.Popen[str]) -> list[str]:
    """Kill; what was still acknowledged."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    return process.stdout.read().splitlines()


@pytest.fixture
def server(child: Child) -> subprocess.Popen[str]:
    process = child("serve", "0")
    assert said(process) == [str(process.pid)]
    return process


def test_a_command_writes_beside_a_server_which_sees_it_at_once(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path
) -> None:
    assert look(tmp_path / "shop") == Seen(server=True, writing=False, pid=str(server.pid))
    (first,) = asked(server, "actor", PHONE)
    guest = open_store(tmp_path / "shop", keys=keys)
    assert look(tmp_path / "shop").writing
    assert guest.people.actors([Named("phone", PHONE)], AT) == [int(first)]
    other = guest.people.actors([Named("phone", "+8613900139000")], AT)[0]
    guest.people.merge(other, int(first), reason="same_order", at=AT)
    assert asked(server, "use", first)[1] == str(other)
    for n in (1, 2):
        guest.papers.put("setting", "x", {"n": n}, by="me", at=AT)
        assert asked(server, "paper") == [str(n)]
    guest.people.unmerge(guest.people.merges()[0].id, AT)
    assert asked(server, "use", first)[1] == first
    guest.close()
    assert asked(server, "paper") == ["2"]


def test_a_server_never_writes_to_somebody_a_command_forgot(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path
) -> None:
    (number,) = asked(server, "actor", PHONE)
    sealed, _ = asked(server, "use", number)
    assert asked(server, "open", sealed) == ["text"]
    alive = asked(server, "write", 1)
    assert (alive[:2], alive[3]) == ([number, number], "1")
    guest = open_store(tmp_path / "shop", keys=keys)
    guest.forget(int(number), AT)
    # Everything the server held in memory of that number is of no use any more.
    assert asked(server, "open", sealed) == ["gone"]
    assert asked(server, "write", 2) == [str(NOBODY), str(NOBODY), "0", "0"]
    assert asked(server, "use", number) == ["-", str(NOBODY)]
    assert asked(server, "actor", PHONE) == [str(NOBODY)]
    assert guest.people.open(int(number)) == {}
    assert (guest.log.of([int(number)]), guest.ledger.of([int(number)])) == ([], [])
    assert guest.outbox.counts()["queued"] == 1
    assert guest.outbox.claim(AT, limit=9, lease_s=1) == []
    assert guest.integrity() == []
    guest.close()


def test_a_command_killed_while_forgetting_is_finished_by_the_next_one(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path
) -> None:
    (number,) = asked(server, "actor", PHONE)
    asked(server, "use", number)
    asked(server, "write", 1)
    guest = open_store(tmp_path / "shop", keys=keys)
    guest.people.forget(int(number), AT)  # and then the power goes: log and ledger still know
    assert len(guest.log.of([int(number)])) == 1
    guest.settle()
    assert (guest.log.of([int(number)]), guest.ledger.of([int(number)])) == ([], [])
    guest.close()


def test_guests_take_turns_and_are_told_whose_turn_it_is(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path, child: Child
) -> None:
    first = child("guest", "1")
    said(first)
    with pytest.raises(Unavailable) as fault:
        take(tmp_path / "shop", wait_s=0.1)
    assert (fault.value.code, fault.value.values["pid"]) == ("in_use", str(first.pid))
    killed(first)
    second = child("write", "7")
    assert said(second) == ["wrote"]
    third = open_store(tmp_path / "shop", keys=keys)
    assert third.people.find(Named("phone", "+8613900000007")) is not None
    third.close()


def test_killing_a_guest_costs_the_server_nothing_and_loses_nothing_acknowledged(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path, child: Child
) -> None:
    asked(server, "actor", PHONE)
    done, start = 0, 0
    for _ in range(3):
        guest = child("guest", str(start))
        said(guest)
        asked(server, "write", start + 1)
        time.sleep(0.02)
        lines = killed(guest)
        done = max(done, *(int(line) for line in lines if line.isdigit()), start + 5)
        start = done + 5
    assert asked(server, "paper") == ["-"]
    store = open_store(tmp_path / "shop", keys=keys)
    numbers = [e.value_minor for e in store.log.read() if e.value_minor >= 1_000_000]
    assert len(numbers) == len(set(numbers))
    assert store.integrity() == []
    store.close()


def test_killing_the_server_leaves_its_guest_at_work_and_the_next_server_waits(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path, child: Child
) -> None:
    guest = child("guest", "1")
    said(guest)
    killed(server)
    assert said(guest)
    with pytest.raises(Unavailable) as fault:
        take(tmp_path / "shop", server=True, wait_s=0.2)
    assert fault.value.values["pid"] == str(guest.pid)
    killed(guest)
    again = open_store(tmp_path / "shop", keys=keys, server=True)
    assert again.integrity() == []
    again.close()


def test_a_server_waits_for_a_command_that_works_alone(
    tmp_path: Path, store: EmbeddedStore, child: Child
) -> None:
    assert said(child("write", "1"))[0] == "in_use"
    starting = child("serve", "0")
    store.close()
    assert said(starting) == [str(starting.pid)]


def test_two_servers_share_a_directory_and_commands_still_take_turns(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path, child: Child
) -> None:
    worker = child("serve", "0")
    assert said(worker) == [str(worker.pid)]
    (number,) = asked(worker, "actor", PHONE)
    assert asked(server, "actor", PHONE) == [number]
    assert said(child("write", "7")) == ["wrote"]
    killed(worker)
    assert said(child("write", "8")) == ["wrote"]


def test_a_guest_sweeps_nothing_that_another_is_writing(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path
) -> None:
    loose = tmp_path / "shop" / "lake" / "events" / "day=2026-03-01" / "half.parquet"
    loose.parent.mkdir(parents=True)
    loose.write_bytes(b"half")
    open_store(tmp_path / "shop", keys=keys).close()
    assert loose.exists()
    killed(server)
    open_store(tmp_path / "shop", keys=keys, server=True).close()
    assert not loose.exists()


def test_a_guest_never_brings_files_up_to_date_under_an_older_server(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = database._steps
    monkeypatch.setattr(database, "_steps", lambda folder: [*steps(folder), "SELECT 1;"])
    with pytest.raises(Unavailable) as fault:
        open_store(tmp_path / "shop", keys=keys)
    assert fault.value.code == "older_server"


def test_events_of_two_processes_are_each_stored_once(
    server: subprocess.Popen[str], tmp_path: Path, keys: Path
) -> None:
    asked(server, "actor", PHONE)
    asked(server, "write", 77)
    guest = open_store(tmp_path / "shop", keys=keys)
    again = [Event(1, "order", AT, (77).to_bytes(16, "big")), Event(1, "order", AT, b"n" * 16)]
    assert guest.log.append(again, AT).fresh == (False, True)
    guest.close()
