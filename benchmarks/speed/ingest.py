"""Durable ingest over HTTP, single events and batches of 100, beside a bare probe.

Server, generator and probe are processes of their own on this machine; the generator is
benchmarks/generator.py. The probe is raw ASGI under the same uvicorn that puts the bytes it
gets into SQLite by group commit, with no parsing, no check, no identities and no dedupe.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.measured import show
from tests.doors.http.served import served

ROOT = Path(__file__).resolve().parents[2]
NAMED = "benchmarks/generator.py, same machine, keep-alive raw sockets"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    parser.add_argument("--single", type=int, default=30_000)
    parser.add_argument("--batches", type=int, default=1_500)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--probe-server", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.probe_server:
        _serve_probe(given.probe_server)
        return
    cases = (
        ("single", 1, given.single, given.connections),
        ("batch of 100", 100, given.batches, min(given.connections, 8)),
    )
    bare = dict(_probe(cases, given.people))
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        port, key = urlsplit(server.url).port, server.keys["ingest"]
        idle_mb = server.rss_mb()
        generate(port, key, people=given.people, introduce=True)
        for seed, (name, batch, requests, connections) in enumerate(cases, start=2):
            before = _cpu_s(server.process.pid)
            found = generate(
                port, key, batch=batch, requests=requests, people=given.people,
                connections=connections, seed=seed,
            )  # fmt: skip
            cpu_s = _cpu_s(server.process.pid) - before
            told = {"idle_rss_mb": round(idle_mb), "rss_mb": round(server.rss_mb())}
            _line(name, batch, connections, found, bare[name], cpu_s=cpu_s, **told)
            _settle(server)


def generate(port: int | None, key: str, **options: Any) -> dict[str, Any]:
    """Run the generator to its end."""
    line = [sys.executable, str(ROOT / "benchmarks" / "generator.py"), f"--port={port}"]
    line += [f"--key={key}"]
    for name, value in options.items():
        line += [f"--{name}"] if value is True else [f"--{name}={value}"]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _line(
    name: str, batch: int, connections: int, found: dict[str, Any], bare: float, **more: Any
) -> None:
    events_s = found["requests"] * batch / found["wall_s"]
    show(
        "ingest",
        name,
        took_s=found["took_s"],
        per_second=found["requests"] / found["wall_s"],
        events_per_second=round(events_s),
        n=found["requests"],
        refused=found["refused"],
        bytes_a_request=found["bytes"],
        connections=connections,
        generator=NAMED,
        generator_cpu_s=round(found["generator_cpu_s"], 2),
        bare_events_per_second=round(bare),
        ratio_to_bare=round(events_s / bare, 2),
        **more,
    )


def _settle(server: Any) -> None:
    """Let the folds catch up, so that the next case starts from a quiet server."""
    with server.store() as store:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            last = store.log.position()
            if all(store.tallies.position(f) >= last for f in ("profiles", "interests")):
                return
            time.sleep(0.1)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _probe(
    cases: tuple[tuple[str, int, int, int], ...], people: int
) -> Iterator[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as folder, _probe_server(Path(folder)) as port:
        for seed, (name, batch, requests, connections) in enumerate(cases, start=2):
            found = generate(
                port, "probe", batch=batch, requests=requests // 2, people=people,
                connections=connections, seed=seed,
            )  # fmt: skip
            yield name, found["requests"] * batch / found["wall_s"]


@contextmanager
def _probe_server(folder: Path) -> Iterator[int]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    (folder / "port").write_text(str(port), "ascii")
    child = subprocess.Popen([sys.executable, __file__, "--probe-server", str(folder)])
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait()


def _serve_probe(folder: Path) -> None:
    import asyncio
    import queue
    import sqlite3
    import threading

    import msgspec
    import uvicorn

    waiting: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()
    listed = msgspec.json.Decoder(list[msgspec.Raw]).decode
    envelope = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def write() -> None:
        database = sqlite3.connect(folder / "probe.db", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        while True:
            group = [waiting.get()]
            while not waiting.empty() and len(group) < 1_000:
                group.append(waiting.get())
            rows: list[tuple[bytes]] = []
            for body, _ in group:
                batch = envelope(body).get("batch") if body.startswith(b'{"batch"') else None
                rows += [(bytes(raw),) for raw in listed(batch)] if batch else [(body,)]
            database.execute("BEGIN")
            database.executemany("INSERT INTO events (body) VALUES (?)", rows)
            database.execute("COMMIT")
            group[0][1].get_loop().call_soon_threadsafe(_resolve, [future for _, future in group])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.put((body, future))
        await future
        length = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": b"ok"})

    threading.Thread(target=write, daemon=True).start()
    port = int((folder / "port").read_text("ascii"))
    uvicorn.run(
        app, port=port, http="httptools", loop="asyncio", lifespan="off", log_level="error",
        access_log=False,
    )  # fmt: skip


def _resolve(futures: list[Any]) -> None:
    for future in futures:
        future.set_result(None)


if __name__ == "__main__":
    main()
