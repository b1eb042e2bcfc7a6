"""Recommendations over 100,000 items: the whole chain in process, and over HTTP.

Everything is in a real store: items, 20,000 people's orders and looks in the log, neighbours
(50 an item) and popularity on the shelf; requests are drawn from people with a history. In
process is what a door calls: who, history, voices, guards, order, reasons, and the decision
durable on disk before the answer. "home" is a feed with variety and at most four of a
category; "product" and "cart" have an item on the page. Processor times are of this process.

Run: .venv/bin/python benchmarks/speed/recommend.py [--keep FOLDER] [--only process]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from benchmarks.generator import Line
from benchmarks.measured import percentile_us, show
from tests.doors.http.served import Served, make_keys, served, with_masters

from renwei.app.build import open_shop
from renwei.core.nouns import Event, Item
from renwei.core.shop import Shop
from renwei.core.store import Named
from renwei.recommend.answers import RecommendRequest
from renwei.recommend.serving import answer
from renwei.recommend.surfaces import SurfaceRequest, surfaces_set

CATEGORIES, BRANDS, NEAR = 400, 2_000, 50
ORDERS, LOOKS, SHOWN = 8, 24, 12
"""Of each person, on average."""
CHUNK = 20_000
Ask = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--connections", type=int, default=12)
    parser.add_argument("--keep", type=Path, help="make the shop here once, and use it again")
    parser.add_argument("--hands", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", choices=("process", "http"))
    parser.add_argument("--load", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load:
        print(json.dumps(asyncio.run(_load(given))))
        return
    with nullcontext(given.keep) if given.keep else TemporaryDirectory() as name:
        folder = Path(str(name))
        keys = _keys(folder, given)
        data = f"{given.items} items, {given.people} people"
        with with_masters(folder / "keys"):
            if given.only != "http":
                for surface in ("home", "product", "cart"):
                    in_process(folder, surface, given, data)
        if given.only != "process":
            with served(folder, "--hands", str(given.hands), keys=keys) as server:
                over_http(server, given, data)


def _keys(folder: Path, given: argparse.Namespace) -> dict[str, str]:
    kept = folder / "bench-keys.json"
    if kept.is_file():
        held: dict[str, str] = json.loads(kept.read_text("utf-8"))
        return held
    keys = make_keys(folder / "data", folder / "keys")
    with with_masters(folder / "keys"), open_shop(folder / "data") as shop:
        made(shop, given.items, given.people)
    kept.write_text(json.dumps(keys), "utf-8")
    return keys


# The shop.


def made(shop: Shop, n: int, people: int) -> None:
    """Fill a shop: catalogue, tables, people with what they did."""
    chance = np.random.default_rng(1)
    now = datetime.now(UTC)
    shop.store.items.upsert([_item(k, now) for k in range(n)])
    numbers = np.array([item.number for item in shop.store.items.all_items("product")])
    names = [Named("user", f"u{k}") for k in range(people)]
    actors = shop.store.people.actors(names, now)
    for start in range(0, people, CHUNK // 40):
        some = actors[start : start + CHUNK // 40]
        events = [event for actor in some for event in _past(actor, numbers, chance, now)]
        shop.store.log.append(events, now)
    _tables(shop, numbers, chance, now)
    place = {"diversity": 0.2, "per_category": 4}
    surfaces_set(shop, SurfaceRequest(name="home", place=place))


def _item(k: int, now: datetime) -> Item:
    facts = {
        "brand": f"brand {k % BRANDS}",
        "stock": k % 50,
        "url": f"/p/{k}",
        "image": f"/i/{k}.jpg",
        "attributes": {"size": ("S", "M", "L")[k % 3], "vegan": k % 2 == 0},
        "first_seen": (now - timedelta(hours=k % 20_000)).isoformat(),
    }
    category = f"category {k % CATEGORIES}"
    return Item(0, "product", f"p{k}", f"商品 {k} of {category}", category, 990 + k % 500 * 100,
                "CNY", facts)  # fmt: skip


def _tables(shop: Shop, numbers: Any, chance: np.random.Generator, now: datetime) -> None:
    """Neighbours mostly of the same category, popularity by Zipf's law, cycles for a third."""
    n, at = len(numbers), {"as_of": now.isoformat(), "position": shop.store.log.position()}
    # As if learnt just now, so that a server does not begin to learn while it is measured.
    meta = {"model": "taste@1", "weights": {}, **at}
    one = np.repeat(np.arange(n), NEAR)
    near = (one + CATEGORIES * chance.integers(1, 200, len(one))) % n
    for name, other in (
        ("near", np.where(chance.random(len(one)) < 0.3, chance.integers(0, n, len(one)), near)),
        ("alike", near),
        ("goes", chance.integers(0, n, len(one))),
    ):
        pairs = np.unique(one * n + other)
        weight = chance.random(len(pairs)) * (30 if name == "goes" else 1)
        table = {"item": numbers[pairs // n], "other": numbers[pairs % n]}
        shop.shelf.put(f"taste-{name}", {**table, "weight": weight.astype(np.float32)}, meta)
    rank = chance.permutation(n) + 1.0
    cycle = np.where(chance.random(n) < 0.3, chance.uniform(14, 90, n), np.nan)
    columns = {
        "item": numbers, "popular": (1_000 / rank).astype(np.float32),
        "buyers": (2_000 / rank).astype(np.int32), "cycle_days": cycle.astype(np.float32),
    }  # fmt: skip
    shop.shelf.put("taste-items", columns, meta)


def _past(actor: int, numbers: Any, chance: np.random.Generator, now: datetime) -> Iterator[Event]:
    """Orders, looks and impressions of somebody who keeps to three categories."""
    own = chance.integers(0, CATEGORIES, 3)

    def things(n: int) -> list[int]:
        rows = own[chance.integers(0, 3, n)] + CATEGORIES * chance.integers(0, 100, n)
        return [int(number) for number in numbers[rows % len(numbers)]]

    def ago(days: float) -> datetime:
        return now - timedelta(days=float(chance.exponential(days)) + 0.001)

    def key() -> bytes:
        return bytes(chance.bytes(16))

    for k in range(int(chance.poisson(ORDERS))):
        lines = [[number, 1, 2_000, 2_000] for number in dict.fromkeys(things(3))]
        body = {
            "order": f"{actor * 1_000 + k:016x}", "platform": "live", "shop": "",
            "status": "paid", "paid": None, "refunded": 0, "shipping": 0, "lines": lines,
        }  # fmt: skip
        yield Event(actor, "order", ago(60), key(), 0, 2_000 * len(lines), "CNY", body)
    for number in things(int(chance.poisson(LOOKS))):
        body = {"dwell_ms": int(chance.integers(500, 60_000))}
        yield Event(actor, "view", ago(7), key(), number, 0, "", body)
    for number in things(int(chance.poisson(SHOWN))):
        yield Event(actor, "shown", ago(3), key(), number, 0, "", {})


def asks(given: argparse.Namespace, surface: str, seed: int) -> list[Ask]:
    """Requests of people with a past."""
    dice = random.Random(seed)
    found = []
    for _ in range(given.requests):
        one: Ask = {"user_id": f"u{dice.randrange(given.people)}", "surface": surface, "n": 20}
        one["session_id"] = f"s{dice.randrange(10**9)}"
        if surface != "home":
            one["item_id"] = f"p{dice.randrange(given.items)}"
        if surface == "cart":
            cart = [f"p{dice.randrange(given.items)}" for _ in range(3)]
            one["context"] = {"cart": cart}
        if surface == "home" and dice.random() < 0.2:
            one["filter"] = "stock > 0 and price <= 200"
        found.append(one)
    return found


# In process.


def in_process(folder: Path, surface: str, given: argparse.Namespace, data: str) -> None:
    """One line: a surface asked in this process, one request after another."""
    with open_shop(folder / "data") as shop:
        began = time.process_time()
        answer(shop, RecommendRequest(user_id="u0"))
        first = time.process_time() - began
        for one in asks(given, surface, 7)[:100]:
            answer(shop, RecommendRequest(**one))
        took, spent, personal = list[float](), list[float](), 0
        for one in asks(given, surface, 8):
            request = RecommendRequest(**one)
            wall, cpu = time.perf_counter(), time.process_time()
            found = answer(shop, request)
            took.append(time.perf_counter() - wall)
            spent.append(time.process_time() - cpu)
            personal += found.personal
    show(
        "recommend",
        f"{surface}, in process, {data}",
        took_s=took,
        per_second=len(took) / sum(took),
        cpu_s=sum(spent),
        n=len(took),
        cpu_p50_us=percentile_us(spent, 0.5),
        cpu_p99_us=percentile_us(spent, 0.99),
        personal=round(personal / len(took), 3),
        first_cpu_ms=round(first * 1e3),
        load=os.getloadavg()[0],
    )


# Over HTTP.


def over_http(server: Served, given: argparse.Namespace, data: str) -> None:
    """One line: two in three ask for the home feed, one in three for a product page."""
    parts = urlsplit(server.url)
    one, other = asks(given, "home", 9), asks(given, "product", 10)
    mixed = [other[k] if k % 3 == 2 else ask for k, ask in enumerate(one)]
    with TemporaryDirectory() as name:
        file = Path(name) / "asks.json"
        for part, some in (("warm", mixed[:400]), ("measured", mixed)):
            if part == "measured" and given.hands:
                _until_hands(server, given.hands)
            built = [_posted(parts.netloc, server.keys["read"], ask) for ask in some]
            file.write_text(json.dumps(built), "utf-8")
            cpu = _cpu_s(server)
            line = [sys.executable, __file__, "--load", parts.netloc, str(file)]
            line += ["--connections", str(given.connections)]
            done = subprocess.run(line, check=True, capture_output=True, text=True)
            if part == "measured":
                _told(json.loads(done.stdout), server, _cpu_s(server) - cpu, data)


def _told(said: dict[str, Any], server: Served, cpu_s: float, data: str) -> None:
    show(
        "recommend",
        f"mixed, over HTTP, {data}",
        took_s=said["took_s"],
        per_second=len(said["took_s"]) / said["wall_s"],
        cpu_s=cpu_s,
        n=len(said["took_s"]),
        cpu_mean_us=round(cpu_s / len(said["took_s"]) * 1e6),
        refused=said["refused"],
        generator="benchmarks/speed/recommend.py, same machine, closed loop",
        generator_cpu_s=round(said["cpu_s"], 2),
        rss_mb=round(_rss_mb(server)),
        hands=len(_hands(server)),
        load=os.getloadavg()[0],
    )


def _posted(host: str, key: str, ask: Ask) -> str:
    body = json.dumps(ask)
    return (
        f"POST /v1/recommend HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


async def _load(given: argparse.Namespace) -> dict[str, Any]:
    """The generator, in a process of its own: each connection sends its next ask at once."""
    where, file = given.load
    host, _, port = where.rpartition(":")
    texts: Sequence[str] = json.loads(Path(file).read_text("utf-8"))
    left, took = iter([text.encode() for text in texts]), list[float]()
    loop = asyncio.get_running_loop()
    began, cpu = time.perf_counter(), time.process_time()
    lines = [Line(left, took, loop.create_future()) for _ in range(given.connections)]
    for line in lines:
        await loop.create_connection(lambda line=line: line, host, int(port))  # type: ignore[misc]
    await asyncio.gather(*(line.ended for line in lines))
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "refused": sum(line.refused for line in lines),
        "took_s": took,
    }


def _cpu_s(server: Served) -> float:
    """Of the server and its hands, in seconds."""
    ticks = 0
    for pid in (server.process.pid, *_hands(server)):
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _hands(server: Served) -> list[int]:
    """Numbers of the processes that decide beside the server."""
    pid, found = server.process.pid, []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children = (task / "children").read_text("ascii").split()
        found += [int(one) for one in children if "hand" in _line_of(one)]
    return found


def _line_of(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text("utf-8")


def _rss_mb(server: Served) -> float:
    """Of the server and its hands together; pages that they share count for each."""
    pages = 0
    for pid in (server.process.pid, *_hands(server)):
        pages += int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _until_hands(server: Served, wanted: int) -> None:
    """Hands are called while a crowd lasts; what is measured is what comes after."""
    until = time.monotonic() + 60
    while len(_hands(server)) < wanted and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(4)


if __name__ == "__main__":
    main()
