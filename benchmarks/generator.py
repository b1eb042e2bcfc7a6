"""A load generator: N keep-alive connections on raw sockets, each sending its next request at once.

Run in a process of its own by the benchmarks; prebuilt bytes go out, the status and the length
of each answer are read, nothing else is done, so that it takes little from the machine that it
shares with the server. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

CATEGORIES = ("护肤", "彩妆", "母婴", "数码", "家居", "食品")


def event(dice: random.Random, people: int, user: int | None = None) -> dict[str, Any]:
    """A track call as an SDK sends it, about 450 bytes."""
    product = dice.randrange(400)
    now = time.time()
    return {
        "type": "track",
        "event": "Product Viewed",
        "userId": f"u{dice.randrange(people) if user is None else user}",
        "messageId": str(uuid.UUID(int=dice.getrandbits(128))),
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1e3) % 1000:03d}Z",
        "properties": {
            "product_id": f"P{product}", "name": f"商品 {product}", "price": 39.9,
            "category": CATEGORIES[product % 6], "dwell_ms": dice.randrange(500, 60_000),
        },
        "context": {
            "library": {"name": "analytics-python", "version": "2.4.0"},
            "locale": "zh-CN", "userAgent": "ShopApp/3.2 (iPhone; iOS 18.1)",
        },
        "integrations": {},
    }  # fmt: skip


def request(host: str, path: str, key: str, body: bytes) -> bytes:
    """The bytes of one POST."""
    basic = base64.b64encode(f"{key}:".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {basic}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def requests_of(given: argparse.Namespace) -> list[bytes]:
    """All requests of a run, built before it begins."""
    dice = random.Random(given.seed)
    host = f"{given.host}:{given.port}"
    if given.introduce:
        users = iter(range(given.people))
        built = []
        while some := [event(dice, 0, user) for user in _some(users, 100)]:
            body = json.dumps({"batch": some}, ensure_ascii=False).encode()
            built.append(request(host, "/v1/batch", given.key, body))
        return built
    if given.batch == 1:
        events = (event(dice, given.people) for _ in range(given.requests))
        bodies = (json.dumps(one, ensure_ascii=False).encode() for one in events)
        return [request(host, "/v1/track", given.key, body) for body in bodies]
    built = []
    for _ in range(given.requests):
        some = [event(dice, given.people) for _ in range(given.batch)]
        body = json.dumps({"batch": some}, ensure_ascii=False).encode()
        built.append(request(host, "/v1/batch", given.key, body))
    return built


def _some(users: Iterator[int], n: int) -> list[int]:
    return [user for _, user in zip(range(n), users, strict=False)]


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, left: Iterator[bytes], took_s: list[float], ended: asyncio.Future[None]):
        self._left = left
        self._took_s = took_s
        self.ended = ended
        self._buffer = b""
        self.refused = 0

    def connection_made(self, transport: Any) -> None:
        """Send the first request."""
        self._transport = transport
        self._next()

    def _next(self) -> None:
        data = next(self._left, None)
        if data is None:
            self._transport.close()
            return
        self._since = time.perf_counter()
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer; send the next request when it is whole."""
        buffer = self._buffer + data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = buffer
            return
        at = buffer.lower().index(b"content-length:") + 15
        length = int(buffer[at : buffer.index(b"\r\n", at)])
        if len(buffer) < end + 4 + length:
            self._buffer = buffer
            return
        self._buffer = b""
        self._took_s.append(time.perf_counter() - self._since)
        if buffer[9:12] != b"200":
            self.refused += 1
            if self.refused == 1:
                print(buffer.decode("utf-8", "replace"), file=sys.stderr)
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        """Note the end."""
        if not self.ended.done():
            self.ended.set_result(None)


async def run(given: argparse.Namespace) -> dict[str, Any]:
    """Send everything; wall time from the first byte to the last answer."""
    built = requests_of(given)
    left, took_s = iter(built), list[float]()
    loop = asyncio.get_running_loop()
    begun, cpu = time.perf_counter(), time.process_time()
    lines = [Line(left, took_s, loop.create_future()) for _ in range(given.connections)]
    for line in lines:
        await loop.create_connection(lambda line=line: line, given.host, given.port)  # type: ignore[misc]
    await asyncio.gather(*(line.ended for line in lines))
    return {
        "wall_s": time.perf_counter() - begun,
        "generator_cpu_s": time.process_time() - cpu,
        "requests": len(took_s),
        "refused": sum(line.refused for line in lines),
        "took_s": [round(one, 7) for one in took_s],
        "bytes": round(sum(map(len, built)) / max(len(built), 1)),
    }


def arguments() -> argparse.ArgumentParser:
    """What a benchmark tells the generator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--introduce", action="store_true", help="one event for each person")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(arguments().parse_args()))))
