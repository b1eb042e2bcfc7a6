"""Pages of the console over HTTP in a shop with many people: first call and later calls.

The shop is generated order rows that `renwei import` brings in and `renwei learn` learns from;
the server is a process of its own. A page that is being worked out when it is first opened is
asked again until it is whole; that wait is told apart as `whole_ms`.

Run: .venv/bin/python benchmarks/speed/console_pages.py [--keep FOLDER] [--rest SECONDS]
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from benchmarks.measured import show
from tests.doors.http.served import Served, make_keys, served

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
HEADER = ["订单编号", "买家昵称", "手机号", "商品名称", "数量", "实付金额", "下单时间", "订单状态"]
WORKING = (b"waiting=1", b'hx-get="/health/problems', b'hx-get="/questions')
"""What stands on a page that asks again by itself until it is whole."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="make the shop here once, and use it again")
    parser.add_argument("--rest", type=float, default=30, help="seconds until learnt, warm, idle")
    given = parser.parse_args()
    with nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        with served(folder, keys=make_shop(folder, given.people)) as server:
            time.sleep(given.rest)
            walk(server, given.people, given.times)


def make_shop(folder: Path, people: int) -> dict[str, str]:
    """A shop that was brought in and learnt from, unless it lies there; its keys by scope."""
    made = folder / "made.json"
    if made.exists():
        return dict(json.loads(made.read_text("ascii")))
    keys = make_keys(folder / "data", folder / "keys")
    write_orders(folder / "orders.csv", people)
    env = os.environ | {"RENWEI_KEYS": str(folder / "keys")}
    for line in (["import", str(folder / "orders.csv")], ["learn"]):
        command = [sys.executable, "-m", "renwei", *line, "--json"]
        where = ["--data", str(folder / "data")]
        subprocess.run([*command, *where], check=True, env=env, stdout=sys.stderr)
    made.write_text(json.dumps(keys), "ascii")
    return keys


def write_orders(path: Path, people: int) -> None:
    """Some two orders a person over two years."""
    dice = np.random.default_rng(1)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADER)
        number = 0
        for person, orders in enumerate(dice.geometric(0.5, size=people).tolist()):
            days = np.sort(dice.uniform(0, 730, size=orders))
            for ago in days.tolist():
                number += 1
                at = UNTIL - timedelta(days=ago)
                goods = f"商品 {int(dice.integers(0, 200))}"
                said = [f"{at:%Y-%m-%d %H:%M:%S}", "交易成功"]
                phone = f"139{person:08d}"
                out.writerow([number, f"客{person}", phone, goods, 1, "59.00", *said])


def walk(server: Served, people: int, times: int) -> None:
    """Open every page, first and again, as an owner."""
    line = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=120)
    cookie = owner(server, line)
    person = quote("13900000007")
    for page in (
        "/", "/people", "/people?stage=active", f"/people/{person}", "/flow", "/report", "/imports",
        "/health", "/live", "/decisions", "/questions", "/diary", "/settings",
    ):  # fmt: skip
        begun = time.perf_counter()
        first, body = ask(line, page, cookie)
        while any(mark in body for mark in WORKING):
            time.sleep(0.3)
            _, body = ask(line, page, cookie)
        whole = time.perf_counter() - begun
        before = server_cpu_s(server)
        took = [ask(line, page, cookie)[0] for _ in range(times)]
        show(
            "console_page",
            f"{re.sub(r'[0-9]{11}', 'PERSON', page)}, {people} people",
            took_s=took,
            cpu_s=server_cpu_s(server) - before,
            first_ms=round(1000 * first, 1),
            whole_ms=round(1000 * whole, 1),
            kib=round(len(body) / 1024),
            n=times,
            rss_mb=round(server.rss_mb()),
        )


def server_cpu_s(server: Served) -> float:
    """Processor time the server has used so far."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def owner(server: Served, line: http.client.HTTPConnection) -> str:
    """Become the owner by the one-time link, or sign in again; the session's cookie."""
    found = re.search(r"/welcome/\S+", server.said.read_text("utf-8", "replace"))
    form = urlencode({"email": "a@example.com", "name": "A", "password": "soap-and-water-7"})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    line.request("POST", found[0] if found else "/sign-in", form, kind)
    answer = line.getresponse()
    answer.read()
    return str(answer.getheader("Set-Cookie", "")).partition(";")[0]


def ask(line: http.client.HTTPConnection, page: str, cookie: str) -> tuple[float, bytes]:
    """One page, following redirections; seconds and body."""
    begun = time.perf_counter()
    while True:
        line.request("GET", page, headers={"Cookie": cookie, "Accept-Language": "zh"})
        answer = line.getresponse()
        body = answer.read()
        if answer.status not in (302, 303):
            break
        page = str(answer.getheader("Location"))
    if answer.status != 200:
        raise SystemExit(f"{page}: {answer.status}")
    return time.perf_counter() - begun, body


if __name__ == "__main__":
    main()
