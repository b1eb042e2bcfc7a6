"""kill -9 at any moment: what was acknowledged is there, once; the rest is whole or absent."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from renwei.core.store import Named
from renwei.stores.embedded import EmbeddedStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
Open = Callable[[], EmbeddedStore]
Child = Callable[..., "subprocess.Popen[str]"]


def killed(process: subprocess.Popen[str], after_s: float) -> int:
    """Kill once it works; the last number it acknowledged."""
    assert process.stdout is not None
    last = int(process.stdout.readline())
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    for line in process.stdout:
        # The kill may cut a line short; what is cut was not acknowledged.
        last = int(line) if line.endswith("\n") else last
    process.wait()
    return last


def appended(store: EmbeddedStore) -> int:
    numbers = [event.value_minor for event in store.log.read()]
    assert numbers == list(range(len(numbers)))
    sums: Counter[int] = Counter()
    for actor in range(1, 8):
        sums[actor] = len(store.log.of([actor], limit=1_000_000))
    assert sums.total() == len(numbers)
    return len(numbers)


def kept(store: EmbeddedStore) -> int:
    done = store.people.all_persons()
    for k in range(len(done)):
        person = store.people.find(Named("phone", f"+86138{k:08d}"))
        assert person is not None
        texts = store.people.open(person)
        # The last actor may have been cut off from its name; nobody else was.
        assert texts.get("name") == [f"name {k}"] or k == len(done) - 1
    last = store.people.find(Named("phone", f"+86138{len(done) - 1:08d}"))
    return len(done) - (last is not None and "name" not in store.people.open(last))


def recorded(store: EmbeddedStore) -> int:
    batches, rows = store._state_db.one("SELECT count(*), total(rows) FROM segments")
    assert rows == 10 * batches
    for person in {1, batches} - {0}:
        assert len(store.ledger.of([person])) == 10
    assert store.ledger.of([batches + 1]) == []
    return int(batches)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "count"),
    [("append", appended), ("keep", kept), ("seal", appended), ("record", recorded)],
)
def test_ten_kills_lose_and_double_nothing(
    task: str, count: Callable[[EmbeddedStore], int], reopen: Open, child: Child
) -> None:
    moments, done = random.Random(task), 0
    for _ in range(10):
        acknowledged = killed(child(task, str(done)), moments.uniform(0, 0.05))
        store = reopen()
        done = count(store)
        assert done >= acknowledged
        store.close()
    store = reopen()
    assert store.integrity() == []
    persons = Counter(d.person for d in store.ledger.between(AT, AT + timedelta(days=1)))
    assert persons == (dict.fromkeys(range(1, done + 1), 10) if task == "record" else {})
    # Whatever the kills left half-written was swept away.
    lake = store.directory / "lake"
    files = {path for path in lake.rglob("*") if path.is_file()}
    assert not [path for path in files if path.suffix == ".part"]
