"""kill -9 during an import, round after round: nothing lost, nothing doubled, a re-run completes.

Run: .venv/bin/python benchmarks/soak/kill_import.py [--rounds 200] [--orders 4000] [--seed 1]

A round imports a made-up file in a child process, kills it at a random moment, imports the
file again here and compares orders, money, people, merges and items with an import that was
never disturbed. One JSON object every 20 rounds and one at the end; the exit status is 1
where a round differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from renwei.collect.answers import ImportAnswer, ImportRequest
from renwei.collect.operations import bring
from renwei.collect.states import KINDS
from renwei.core.clock import WallClock
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.words import Words
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.shelf import ShelfFiles

HEADER = "order_id,created_at,status,nickname,name,phone,email,item,quantity,price,paid"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--orders", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:
        _import(given.folder, given.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        wrong = _soak(Path(folder), given.rounds, given.orders, given.seed)
    sys.exit(1 if wrong else 0)


def _soak(folder: Path, rounds: int, orders: int, seed: int) -> int:
    file = _write(folder / "orders.csv", orders)
    begun = time.perf_counter()
    _import(folder / "whole", file)
    took_s = time.perf_counter() - begun
    expected = _outcome(folder / "whole")
    dice, counts, cpu = random.Random(seed), Counter[str](), time.process_time()
    for number in range(1, rounds + 1):
        place = folder / f"round-{number}"
        ended = _killed(place, file, dice.uniform(0, took_s))
        before = _events(place)
        answer = _import(place, file)
        right = _outcome(place) == expected and answer.orders == expected["counted"]
        right = right and answer.added + answer.duplicates == orders
        counts["ended_before_the_kill" if ended else "killed"] += 1
        counts["nothing_stored_yet" if before == 0 else "all_events_stored"] += before in (
            0,
            orders,
        )
        counts["torn"] += before not in (0, orders)
        counts["wrong"] += not right
        if number % 20 == 0 or number == rounds:
            print(json.dumps(_line(number, orders, seed, counts, cpu)), flush=True)
    return counts["wrong"] + counts["torn"]


def _line(rounds: int, orders: int, seed: int, counts: Counter[str], cpu: float) -> dict[str, Any]:
    return {
        "bench": "kill_import",
        "rounds": rounds,
        "orders": orders,
        "seed": seed,
        **dict(sorted(counts.items())),
        "cpu_s": round(time.process_time() - cpu, 1),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _write(path: Path, orders: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER + "\n")
        writer = csv.writer(file)
        for k in range(orders):
            buyer = k * 7 % (orders // 3)
            day, hour = 1 + k // 24 % 28, k % 24
            writer.writerow(
                (
                    f"N{k:09d}", f"2026-{1 + k // 672 % 12:02d}-{day:02d} {hour:02d}:05:00",
                    "paid", f"buyer {buyer}", f"Name {buyer}", f"139{buyer:08d}",
                    f"b{buyer}@shop.cn", f"Item {k % 50}", 1 + k % 3, "10.00",
                    f"{10 * (1 + k % 3)}.00",
                )
            )  # fmt: skip
    return path


def _shop(store: EmbeddedStore) -> Shop:
    return Shop(
        store=store,
        clock=WallClock(),
        settings=Settings(),
        words=Words.load(["renwei.collect"]),
        shelf=ShelfFiles(store.directory / "estimates"),
        permits=HouseRules(people=store.people, counters=store.counters),
    )


def _open(folder: Path) -> EmbeddedStore:
    return open_store(folder / "data", keys=folder / "keys")


def _import(folder: Path, file: Path) -> ImportAnswer:
    folder.mkdir(exist_ok=True)
    store = _open(folder)
    try:
        return bring(_shop(store), ImportRequest(files=[file]))
    finally:
        store.close()


def _killed(folder: Path, file: Path, after_s: float) -> bool:
    """Whether the child had ended by itself before it was to be killed."""
    line = [sys.executable, __file__, "--in", str(folder), "--file", str(file)]
    child = subprocess.Popen(line)
    # The start of Python is no part of the import.
    while not (folder / "data" / "state.db").exists() and child.poll() is None:
        time.sleep(0.005)
    time.sleep(after_s)
    ended = child.poll() is not None
    child.kill()
    child.wait()
    return ended


def _events(folder: Path) -> int:
    store = _open(folder)
    n = sum(1 for _ in store.log.read(kinds=KINDS))
    store.close()
    return n


def _outcome(folder: Path) -> dict[str, Any]:
    """What must come out the same however often it was tried."""
    store = _open(folder)
    events = list(store.log.read(kinds=KINDS))
    people = store.people
    persons = people.persons_of([event.actor for event in events])
    found = {
        "events": len(events),
        "distinct": len({event.message_id for event in events}),
        "counted": sum(event.body["status"] == "paid" for event in events),
        "value": sum(event.value_minor for event in events),
        "buyers": len(set(persons)),
        "people": len(people.all_persons()),
        "orders_each": sorted(Counter(persons).values()),
        "merges": len(people.merges()),
        "items": len(store.items.all_items()),
        "states": sorted({_state(store, name) for name in store.papers.names("import")}),
        "sound": store.integrity(),
    }
    store.close()
    return found


def _state(store: EmbeddedStore, name: str) -> str:
    paper = store.papers.get("import", name)
    return str(paper.body["state"]) if paper else ""


if __name__ == "__main__":
    main()
