"""kill -9 of the server under load, round after round: nothing acknowledged lost, nothing doubled.

Run: .venv/bin/python benchmarks/soak/kill_ingest.py [--rounds 200] [--clients 6] [--seed 1]

A round starts `renwei up`, sends again what the last round had no answer for, posts single
events and batches from several connections, and kills the server at a random moment. Then the
log is read: every event that was answered with 200 must be there, none twice. At the end the
sums that the folds keep must be those of the log. One JSON object every 20 rounds; the exit
status is 1 where anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.measured import peak_mb
from tests.doors.http.served import Served, make_keys, served

BASE = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = 200


class Sender:
    """Numbers events, posts them, and remembers which were acknowledged."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._numbers = itertools.count()
        self._guard = threading.Lock()
        self.acknowledged: set[int] = set()
        self.waiting: list[list[int]] = []
        self.sent = 0

    def again(self, server: Served) -> None:
        """Post what had no answer, until it has one."""
        waiting, self.waiting = self.waiting, []
        with closing(_line(server)) as line:
            for numbers in waiting:
                assert self._post(line, numbers), "a server that lives must answer"

    def load(self, server: Served, dice: random.Random) -> None:
        """Post until the server is gone."""
        with closing(_line(server)) as line:
            while self._one(line, dice):
                pass

    def _one(self, line: http.client.HTTPConnection, dice: random.Random) -> bool:
        """Post some new events; whether they were answered."""
        size = dice.choice((1, 1, 1, 5, 50))
        with self._guard:
            numbers = [next(self._numbers) for _ in range(size)]
            self.sent += size
        try:
            answered = self._post(line, numbers)
        except (OSError, http.client.HTTPException):
            answered = False
        if not answered:
            with self._guard:
                self.waiting.append(numbers)
        return answered

    def _post(self, line: http.client.HTTPConnection, numbers: list[int]) -> bool:
        body = json.dumps({"batch": [_event(number) for number in numbers]}).encode()
        line.request("POST", "/v1/batch", body, {"X-Write-Key": self._key})
        answer = line.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            return False
        with self._guard:
            self.acknowledged.update(numbers)
        return True


def _event(number: int) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Viewed",
        "userId": f"u{number % PEOPLE}",
        "messageId": f"n-{number}",
        # The time tells the number: it is all of an event that stands open and unique.
        "timestamp": (BASE + timedelta(seconds=number)).isoformat(),
        "properties": {"product_id": f"P{number % 40}", "dwell_ms": 1_000},
    }


def _line(server: Served) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)


class Ledger:
    """What is in the log, read on from where it was read to."""

    def __init__(self) -> None:
        self.found: Counter[int] = Counter()
        self._after = 0

    def read(self, server: Served) -> None:
        """Count the new events."""
        with server.store() as store:
            for event in store.log.read(after=self._after):
                self._after = event.seq
                if event.kind == "view":
                    self.found[round((event.at - BASE).total_seconds())] += 1


def soak(folder: Path, rounds: int, clients: int, seed: int) -> Iterator[dict[str, Any]]:
    """Counts after each round; `lost` and `doubled` must be 0."""
    keys = make_keys(folder / "data", folder / "keys")
    dice, sender, ledger = random.Random(seed), Sender(keys["ingest"]), Ledger()
    for number in range(1, rounds + 1):
        with served(folder, keys=keys) as server:
            sender.again(server)
            posting = [
                threading.Thread(target=sender.load, args=(server, random.Random(dice.random())))
                for _ in range(clients)
            ]
            for thread in posting:
                thread.start()
            time.sleep(dice.uniform(0.02, 0.6))
            server.kill()
            for thread in posting:
                thread.join()
            ledger.read(server)
        yield _counts(number, sender, ledger)
    with served(folder, keys=keys) as server:
        sender.again(server)
        ledger.read(server)
        counts = _counts(rounds, sender, ledger)
        counts["missing_after_sending_again"] = sender.sent - len(ledger.found)
        counts["sums_differ_by"] = _folded(server) - sender.sent
        counts["sound"] = not _integrity(server)
        yield counts


def _counts(number: int, sender: Sender, ledger: Ledger) -> dict[str, Any]:
    return {
        "rounds": number,
        "sent": sender.sent,
        "acknowledged": len(sender.acknowledged),
        "lost": len(sender.acknowledged - ledger.found.keys()),
        "doubled": sum(n > 1 for n in ledger.found.values()),
        "waiting": sum(map(len, sender.waiting)),
    }


def _folded(server: Served) -> int:
    with server.store() as store:
        until = time.monotonic() + 60
        while store.tallies.position("interests") < store.log.position():
            assert time.monotonic() < until, "the folds did not follow"
            time.sleep(0.05)
        return sum(store.tallies.columns(["view"])["n"])


def _integrity(server: Served) -> list[str]:
    with server.store() as store:
        return store.integrity()


def is_wrong(counts: dict[str, Any]) -> bool:
    """Whether anything was lost or doubled."""
    wrong = counts["lost"] or counts["doubled"]
    wrong = wrong or counts.get("missing_after_sending_again") or counts.get("sums_differ_by")
    return bool(wrong) or not counts.get("sound", True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    given = parser.parse_args()
    wrong, last = False, 0
    with tempfile.TemporaryDirectory() as folder:
        for counts in soak(Path(folder), given.rounds, given.clients, given.seed):
            wrong = wrong or is_wrong(counts)
            if counts["rounds"] % 20 == 0 or is_wrong(counts) or "sound" in counts:
                told = {"clients": given.clients, "seed": given.seed, "rss_mb": peak_mb()}
                print(json.dumps({"bench": "kill_ingest", **counts, **told}), flush=True)
            last = counts["rounds"]
    assert last == given.rounds
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
