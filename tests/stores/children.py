"""What child processes of the tests do; each prints a line when something is acknowledged."""

from __future__ import annotations

import os
import resource
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from renwei.core.errors import Unavailable
from renwei.core.nouns import Event
from renwei.core.store import Effect, Named
from renwei.core.tallies import Tally
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


def main() -> None:
    task, directory, keys, start = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    if len(sys.argv) > 5:
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
    for f in (append, keep, seal, record, reserve, hold, write, read, fill, serve, guest)
}

if __name__ == "__main__":
    main()
