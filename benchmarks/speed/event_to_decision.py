"""From the POST of an event to the first answer about the person that knows it; and under an import.

The shop is the demo's: people with orders, their phone numbers as user ids of the app. One
process posts 500 single events a second and asks 50 times a second for the next decision about
a person whose event it just posted, each at its appointed moment, whatever was answered before
(latencies count from that moment, so that waiting in line counts). It asks again until the
answer's `knew.last_seen` has reached the event. "mixed" does the same while `renwei import`
brings in another demo's order files beside the server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.generator import event, request
from benchmarks.measured import percentile_us, show
from tests.doors.http.served import Served, make_keys, served, with_masters

from renwei.app.demo import write_demo

ROOT = Path(__file__).resolve().parents[2]


class Lines:
    """Keep-alive connections that are taken by whoever asks next."""

    def __init__(self, host: str, port: int) -> None:
        self._at = host, port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.refused = 0

    async def ask(self, data: bytes) -> bytes:
        """Send one request; the body of its answer."""
        while self._free and self._free[-1][0].at_eof():
            self._free.pop()[1].close()  # it lay idle for so long that the server closed it
        line = self._free.pop() if self._free else await asyncio.open_connection(*self._at)
        reader, writer = line
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        at = head.index(b"content-length:") + 15
        body = await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
        self._free.append(line)
        if head[9:12] != b"200":
            self.refused += 1
            if self.refused == 1:
                print(head, body, file=sys.stderr)
        return body


class Load:
    """What is posted and asked, and how long it took."""

    def __init__(self, server: Served, people: list[str], seed: int) -> None:
        parts = urlsplit(server.url)
        self._host = parts.netloc
        self.lines = Lines(str(parts.hostname), parts.port or 80)
        self._keys = server.keys
        self._people = people
        self._dice = random.Random(seed)
        self.posts: list[float] = []
        self.answers: list[float] = []
        self.known: list[float] = []
        self.asked = 0

    async def post(self, due: float) -> None:
        """One event of somebody."""
        one = event(self._dice, 0, 0) | {"userId": self._dice.choice(self._people)}
        body = json.dumps(one, ensure_ascii=False).encode()
        await self.lines.ask(request(self._host, "/v1/track", self._keys["ingest"], body))
        self.posts.append(time.perf_counter() - due)

    async def decide(self, due: float) -> None:
        """Post somebody's event and ask until a decision knows it."""
        person = self._dice.choice(self._people)
        one = event(self._dice, 0, 0) | {"userId": person}
        body = json.dumps(one, ensure_ascii=False).encode()
        await self.lines.ask(request(self._host, "/v1/track", self._keys["ingest"], body))
        happened = datetime.fromisoformat(one["timestamp"])
        head = (
            f"GET /v1/people/{person.replace('+', '%2B')}/next HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Authorization: Bearer {self._keys['read']}\r\n\r\n"
        ).encode()
        while True:
            self.asked += 1
            begun = time.perf_counter()
            answer = json.loads(await self.lines.ask(head))
            self.answers.append(time.perf_counter() - begun)
            seen = answer["knew"]["last_seen"]
            if seen and datetime.fromisoformat(seen) >= happened:
                self.known.append(time.perf_counter() - due)
                return


async def paced(a_second: float, until: float, work: Callable[[float], Awaitable[None]]) -> None:
    """Begin work at its appointed moments, whether or not what went before has ended."""
    begun, n = time.perf_counter(), 0
    tasks: set[asyncio.Task[None]] = set()
    while (due := begun + n / a_second) < until:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.ensure_future(_done(work, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        n += 1
    await asyncio.gather(*tasks)


async def _done(work: Callable[[float], Awaitable[None]], due: float) -> None:
    await work(due)


async def loaded(load: Load, given: argparse.Namespace, seconds: float) -> None:
    """Events and answers together; those asked for are among the events."""
    until = time.perf_counter() + seconds
    await asyncio.gather(
        paced(given.events - given.answers, until, load.post),
        paced(given.answers, until, load.decide),
    )


def measure(server: Served, people: list[str], given: argparse.Namespace, data: str) -> None:
    """One line: from event to decision, and the answers alone."""
    # Seeds of their own: an event that was posted before is a duplicate, and never known.
    seed = {"quiet": 1, "mixed": 3}[data]
    asyncio.run(loaded(Load(server, people, seed=seed), given, 3.0))  # warm
    importing = _import(server, given) if data == "mixed" else None
    load, cpu = Load(server, people, seed=seed + 1), _cpu_s(server)
    begun = time.perf_counter()
    asyncio.run(loaded(load, given, given.seconds))
    took_s = time.perf_counter() - begun
    more: dict[str, Any] = {}
    if importing is not None:
        more["import_ran_on"] = importing.poll() is None
        more["import_rc"] = importing.wait()
    show(
        "event_to_decision",
        data,
        took_s=load.known,
        per_second=len(load.known) / took_s,
        cpu_s=_cpu_s(server) - cpu,
        n=len(load.known),
        answers_p50_us=percentile_us(load.answers, 0.5),
        answers_p99_us=percentile_us(load.answers, 0.99),
        posts_p50_us=percentile_us(load.posts, 0.5),
        posts_p99_us=percentile_us(load.posts, 0.99),
        events_per_second=round((len(load.posts) + len(load.known)) / took_s, 1),
        asked_again=load.asked - len(load.known),
        refused=load.lines.refused,
        generator="benchmarks/speed/event_to_decision.py, same machine, open loop",
        rss_mb=round(server.rss_mb()),
        **more,
    )


def _import(server: Served, given: argparse.Namespace) -> subprocess.Popen[bytes]:
    files = [str(path) for path in sorted(given.other.iterdir()) if path.suffix == ".csv"]
    line = [sys.executable, "-m", "renwei", "import", *files, "--data", str(server.directory)]
    return subprocess.Popen(line, env=server.env, stdout=subprocess.DEVNULL)


def _cpu_s(server: Served) -> float:
    stat = Path(f"/proc/{server.process.pid}/stat").read_text("ascii")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _people(folder: Path, n: int) -> list[str]:
    from renwei.app.build import open_shop

    with with_masters(folder / "keys"), open_shop(folder / "data", write=False) as shop:
        persons = list(shop.store.people.all_persons())
        phones = [
            entry.get("phone", []) for entry in shop.store.people.open_many(persons, ["phone"])
        ]
    found = [numbers[0] for numbers in phones if numbers]
    random.Random(3).shuffle(found)
    return found[:n]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    parser.add_argument("--events", type=float, default=500)
    parser.add_argument("--answers", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--only", choices=("quiet", "mixed"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed, part in ((20260101, "first"), (7, "other")):
            (folder / part).mkdir()
            write_demo(folder / part, seed=seed, until=datetime.now(UTC))
        given.other = folder / "other"
        keys = make_keys(folder / "data", folder / "keys")
        env = os.environ | {"RENWEI_KEYS": str(folder / "keys")}
        files = [
            str(path) for path in sorted((folder / "first").iterdir()) if path.suffix == ".csv"
        ]
        for words in (["import", *files], ["today", "--json"]):
            line = [sys.executable, "-m", "renwei", *words, "--data", str(folder / "data")]
            subprocess.run(line, env=env, check=True, stdout=subprocess.DEVNULL)
        people = _people(folder, given.people)
        with served(folder, keys=keys) as server:
            for data in ("quiet", "mixed"):
                if given.only in (None, data):
                    measure(server, people, given, data)


if __name__ == "__main__":
    main()
