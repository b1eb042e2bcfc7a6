"""From the POST of a look to the next recommendation, which must be another one; and new items.

The shop is the demo's, with the ranker that `learn-taste` chose for it; people have orders, and
their phone numbers are the user ids of the app. Each try asks what somebody is shown, posts a look
of theirs at an item, asks again at once and compares both answers. "item" inserts a new item and
asks, with a filter that only it passes, until it is shown. One after another, on one connection.

Run: .venv/bin/python benchmarks/speed/freshness.py [--tries 500]
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.measured import show
from benchmarks.speed.event_to_decision import _cpu_s, _people
from tests.doors.http.served import Served, make_keys, served

from renwei.app.demo import write_demo

SURFACE = "bench-fresh"
N = 10


class Line:
    """One keep-alive connection with the keys of a server."""

    def __init__(self, server: Served) -> None:
        self._line = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        self._keys = server.keys

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of one request, which must be granted."""
        ingest = path == "/v1/track"
        key = self._keys["ingest" if ingest else "write"]
        word = (
            f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}" if ingest else f"Bearer {key}"
        )
        head = {"Authorization": word, "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        self._line.request(method, path, sent, head)
        answer = self._line.getresponse()
        said = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {said[:300]!r}")
        return json.loads(said)

    def shown(self, person: str, **more: Any) -> Any:
        """What somebody is shown now."""
        asked = {"user_id": person, "surface": SURFACE, "n": N, **more}
        return self.ask("POST", "/v1/recommend", asked)

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def looks(line: Line, server: Served, people: list[str], given: argparse.Namespace) -> None:
    """One line: from a look to the answer that knows it."""
    dice = random.Random(given.seed)
    items = [item["id"] for item in line.ask("GET", "/v1/items?limit=200")["items"]]
    took, changed, foreseen = list[float](), 0, 0
    for k in range(50):
        line.shown(people[k % len(people)])
    cpu = _cpu_s(server)
    for k in range(given.tries):
        person = dice.choice(people)
        before = line.shown(person)
        look = {
            "userId": person, "event": "Product Viewed", "messageId": f"fresh-{given.seed}-{k}",
            "properties": {"product_id": dice.choice(items), "dwell_ms": 15_000},
        }  # fmt: skip
        begun = time.perf_counter()
        line.ask("POST", "/v1/track", look)
        after = line.shown(person)
        took.append(time.perf_counter() - begun)
        changed += _said(before) != _said(after)
        foreseen += any(item["source"] == "foreseen" for item in before["items"])
    show(
        "freshness", "look to the next recommendation", took_s=took, cpu_s=_cpu_s(server) - cpu,
        n=len(took), changed=round(changed / len(took), 4),
        with_ranker=round(foreseen / len(took), 4),
    )  # fmt: skip


def _said(answer: Any) -> list[tuple[str, float, str]]:
    return [(item["id"], item["score"], item["reason"]["code"]) for item in answer["items"]]


def items(line: Line, server: Served, people: list[str], given: argparse.Namespace) -> None:
    """One line: from the insert of an item to an answer with it."""
    took, cpu = list[float](), _cpu_s(server)
    for k in range(min(given.tries, 200)):
        code = f"fresh-{given.seed}-{k}"
        item = {"id": code, "title": f"Fresh {k}", "category": code, "price": 10}
        begun = time.perf_counter()
        line.ask("POST", "/v1/items", {"items": [item]})
        wanted = f"category = '{code}'"
        while not line.shown(people[k % len(people)], filter=wanted)["items"]:
            pass
        took.append(time.perf_counter() - begun)
    show(
        "freshness", "new item to the first recommendation", took_s=took,
        cpu_s=_cpu_s(server) - cpu, n=len(took),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    parser.add_argument("--tries", type=int, default=500)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "orders").mkdir()
        write_demo(folder / "orders", seed=20260101, until=datetime.now(UTC))
        keys = make_keys(folder / "data", folder / "keys")
        env = os.environ | {"RENWEI_KEYS": str(folder / "keys")}
        files = [str(one) for one in sorted((folder / "orders").iterdir()) if one.suffix == ".csv"]
        place = json.dumps({"explore": 0, "holdout": 0, "repeats": "yes", "seen": 0})
        for words in (["import", *files], ["learn-taste"], ["surfaces", "set", SURFACE, place]):
            line = [sys.executable, "-m", "renwei", *words, "--data", str(folder / "data")]
            subprocess.run(line, env=env, check=True, stdout=subprocess.DEVNULL)
        people = _people(folder, given.people)
        with served(folder, keys=keys) as server, closing(Line(server)) as asking:
            looks(asking, server, people, given)
            items(asking, server, people, given)


if __name__ == "__main__":
    main()
