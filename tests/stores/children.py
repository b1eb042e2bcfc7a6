"""What child processes of the tests do; each prints a line when something is acknowledged."""

from __future__ import annotations

import hashlib
import os
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from renwei.core.errors import Unavailable
from renwei.core.nouns import Event
from renwei.core.store import Effect, Named
from renwei.core.tallies import Tally
from renwei.stores import database, disk, young
from renwei.stores.backup import back_up, put_back
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.keys import Keyring
from renwei.testing.store import decision

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def say(*words: object) -> None:
    print(*words, flush=True)


def event(k: int, actor: int = 1) -> Event:
    return Event(
        actor, "order", AT + timedelta(minutes=k), k.to_bytes(16, "big"), 1, k, "CNY", {"k": k}
    )


def append(store: EmbeddedStore, start: int) -> None:
    for k in range(start, start + 100_000, 5):
        store.log.append([event(n, 1 + n % 7) for n in range(k, k + 5)], AT)
        say(k + 5)


def keep(store: EmbeddedStore, start: int) -> None:
    for k in range(start, start + 100_000):
        (actor,) = store.people.actors([Named("phone", f"+86138{k:08d}")], AT)
        store.people.keep_many([(actor, "name", f"name {k}")])
        say(k + 1)


def seal(store: EmbeddedStore, start: int) -> None:
    for k in range(start, start + 100_000, 20):
        store.log.append([event(n, 1 + n % 7) for n in range(k, k + 20)], AT)
        say(k + 20)
        store.log.seal(AT + timedelta(days=1))


def record(store: EmbeddedStore, start: int) -> None:
    for k in range(start, start + 100_000):
        store.ledger.record_all(
            decision(person=k + 1, at=AT + timedelta(seconds=n)) for n in range(10)
        )
        say(k + 1)


def reserve(store: EmbeddedStore, start: int) -> None:
    until = AT + timedelta(days=30_000)
    while store.counters.reserve("sms", 1, start, at=AT, until=until):
        say("held")
    say("full")


def hold(store: EmbeddedStore, start: int) -> None:
    say(os.getpid())
    sys.stdin.read()


def write(store: EmbeddedStore, start: int) -> None:
    (actor,) = store.people.actors([Named("phone", f"+86139{start:08d}")], AT)
    store.log.append([event(start, actor)], AT)
    say("wrote")


def read(store: EmbeddedStore, start: int) -> None:
    (person,) = store.people.all_persons()
    say(*store.people.open(person)["phone"], len(store.log.of([person])))


def fill(store: EmbeddedStore, start: int) -> None:
    """Write under a limit on the size of files, as a full disk would stop it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (start, start))
    for k in range(1_000_000):
        events = [
            Event(1, "order", AT, (k * 100 + n).to_bytes(16, "big"), body={"x": "y" * 500})
            for n in range(100)
        ]
        store.log.append(events, AT)
        say(k)


def serve(store: EmbeddedStore, start: int) -> None:
    """A server: does what it is told, one line at a time, and answers each."""
    say(os.getpid())
    actors: list[int] = []
    for line in sys.stdin:
        word, *values = line.split()
        if word == "actor":
            actors = store.people.actors([Named("phone", values[0])], AT)
            say(*actors)
        elif word == "use":
            actors = [int(values[0])]
            sealed = store.people.seal_for_many([(actors[0], b"text")])
            say(sealed[0].hex() or "-", *store.people.persons_of(actors))
        elif word == "write":
            # By the number alone, as a server that resolved it a moment ago.
            k = int(values[0])
            store.log.append([event(k, actors[0])], AT)
            store.people.keep_many([(actors[0], "name", "李雷")])
            store.tallies.add("f", [Tally(actors[0], "view", 1, 1, 1, 1, 1)], k)
            made = decision(person=actors[0])
            store.ledger.record(made, [Effect(f"s{k}", "sms", made.id, b"x", AT)])
            (sealed_again,) = store.people.seal_for_many([(actors[0], b"again")])
            (last,) = list(store.log.read(after=store.log.position() - 1))
            found = store.ledger.get(made.id)
            assert found is not None
            say(last.actor, found.person, len(sealed_again), len(store.tallies.of(actors)))
        elif word == "paper":
            paper = store.papers.get("setting", "x")
            say(paper.body["n"] if paper else "-")
        elif word == "open":
            opened = store.people.open_for(actors[0], bytes.fromhex(values[0]))
            say(opened.decode() if opened is not None else "gone")


def guest(store: EmbeddedStore, start: int) -> None:
    """Writes as a guest until stdin ends."""
    (actor,) = store.people.actors([Named("phone", f"+86137{start:08d}")], AT)
    for k in range(start, start + 100_000, 5):
        store.log.append([event(1_000_000 + n, actor) for n in range(k, k + 5)], AT)
        say(k + 5)


def limited(start: int) -> None:
    """Files may not grow beyond so many bytes, as on a full disk; 0 is no limit."""
    if start:
        resource.setrlimit(resource.RLIMIT_FSIZE, (start, start))


def backup(store: EmbeddedStore, start: int) -> None:
    """Back up to a file, and stop for good at one step."""
    file, stop = Path(sys.argv[5]), sys.argv[6]

    def moved(what: str, done: int, of: int) -> None:
        if what == stop:
            say(what)
            time.sleep(60)

    limited(start)
    back_up(store, file, program="1", at=AT, moved=moved)


def restore(keys: Path, start: int) -> None:
    """Put a backup back, and stop for good before one step."""
    file, aim, stop = Path(sys.argv[5]), Path(sys.argv[6]), sys.argv[7]

    def pause(what: str) -> None:
        if what == stop:
            say(what)
            time.sleep(60)

    def settle(aside: Path) -> None:
        pause("settle")
        open_store(aside, keys=keys).close()

    def replace(path: Path, target: Path) -> None:
        if path.parent.name == ".restoring":
            pause(path.name)
        path.rename(target)

    Path.replace = replace  # type: ignore[assignment, method-assign]
    limited(start)
    put_back(file, aim, keys=keys, settle=settle)


def upgrade(directory: Path, keys: Path, stop: str) -> None:
    """Bring a directory up to date with one step more, and stop for good inside."""
    steps, copied, stepped = database._steps, disk.settle, database.Database._step

    def pause(what: str) -> None:
        if what == stop:
            say(what)
            time.sleep(60)

    def settle(folder: Path) -> None:
        if folder.name.endswith(".part"):
            pause("copy")
        copied(folder)

    def step(self: database.Database, number: int) -> None:
        if stop == "step":
            self._connection().execute("BEGIN IMMEDIATE")
            self._connection().execute("CREATE TABLE half (x)")
            pause("step")
        stepped(self, number)

    database._steps = lambda folder: [*steps(folder), "CREATE TABLE newest (x);"]
    disk.settle = settle
    database.Database._step = step  # type: ignore[method-assign]
    store = open_store(directory, keys=keys)
    say(*store.people.all_persons())
    store.close()


def tidy(store: EmbeddedStore, start: int) -> None:
    """Append, and stop for good when half of what is young is in order."""
    young.MANY, young.PARTS = 40, 4
    for k in range(start, start + 60):
        key = hashlib.blake2b(k.to_bytes(8, "big"), digest_size=16).digest()
        store.log.append([Event(1 + k % 7, "view", AT + timedelta(seconds=k), key)], AT)
        under_way = store._log._young._round
        if under_way is not None and len(under_way.left) == 2:
            say("slice")
            time.sleep(60)


def main() -> None:
    task, directory, keys, start = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    if task == "upgrade":
        upgrade(directory, keys, sys.argv[5])
        return
    if task == "restore":
        try:
            restore(keys, int(start))
        except Unavailable as fault:
            say(fault.code, fault.values["path"], fault.values.get("pid"))
        return
    if sys.argv[5:] == ["nobody"]:
        # What is imported later may lie where nobody may look.
        Keyring(bytes(32)).own.seal(b"", b"")
        os.setgid(65534)
        os.setuid(65534)
    try:
        store = open_store(directory, keys=keys, write=task != "read", server=task == "serve")
        TASKS[task](store, int(start))
        store.close()
    except Unavailable as fault:
        say(fault.code, fault.values["path"], fault.values.get("pid"))


TASKS = {
    f.__name__: f
    for f in (
        append,
        keep,
        seal,
        record,
        reserve,
        hold,
        write,
        read,
        fill,
        serve,
        guest,
        backup,
        tidy,
    )
}

if __name__ == "__main__":
    main()
