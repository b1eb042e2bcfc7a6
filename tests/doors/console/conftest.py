"""A real server on a small shop, and a real browser in front of it."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from tests.doors.conftest import renwei

from renwei.app.demo import DETAIL_FILE, LIST_FILE, WEB_FILE, write_demo

CHROMIUM = next(
    (p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(p).exists()), ""
)
AXE = Path(__file__).resolve().parents[3] / ".ci/web/node_modules/axe-core/axe.min.js"
PASSWORD = "correct horse battery"
BUYERS = 200
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
BROKEN: defaultdict[str, list[str]] = defaultdict(list)
"""Faults of scripts, by the address of the page."""

_SERVING = re.compile(r"http://127\.0\.0\.1:\d+(?:/welcome/\S+)?")


@dataclass
class Server:
    """A running `renwei up`: where it listens, and the link its owner begins with."""

    url: str
    welcome: str
    data: Path
    keys: Path
    cookies: list[Any] = field(default_factory=list)

    def cli(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """A command beside the running server."""
        return renwei(self.keys, *argv, "--data", str(self.data))


@contextmanager
def serving(data: Path, keys: Path, *argv: str, **named: str) -> Iterator[Server]:
    """`renwei up` on a directory, until the block ends; with a demo, wherever it has its place."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RENWEI_", "LC_"))}
    env |= {"RENWEI_KEYS": str(keys), "LANG": "C.UTF-8"} | named
    command = [sys.executable, "-m", "renwei", "up", "--port", "0", "--no-browser", *argv]
    demo = "--demo" in argv
    process = subprocess.Popen(
        command if demo else [*command, "--data", str(data)],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    said: list[str] = []
    try:
        yield Server(*_addresses(process, said, owned=not demo), data, keys)
    finally:
        process.terminate()
        process.wait(30)
        if process.stderr:
            process.stderr.close()


def _addresses(process: subprocess.Popen[str], said: list[str], *, owned: bool) -> tuple[str, str]:
    url = welcome = ""
    for line in process.stderr or ():
        said.append(line)
        for found in _SERVING.findall(line):
            if "/welcome/" in found:
                welcome = found
            else:
                url = url or found
        if url and (welcome or not owned):
            break
    else:
        pytest.fail("the server did not start: " + "".join(said))
    # What it says later must not fill the pipe.
    threading.Thread(target=said.extend, args=(process.stderr or (),), daemon=True).start()
    return url, welcome


def small_shop(folder: Path) -> list[Path]:
    """The order files of the demo shop, of its first buyers only."""
    write_demo(folder / "whole", until=datetime.now(UTC))
    listed = _rows(folder / "whole" / LIST_FILE, "gbk")
    nicks = list(dict.fromkeys(row["买家会员名"] for row in listed))[:BUYERS]
    kept = [row for row in listed if row["买家会员名"] in set(nicks)]
    numbers = {row["订单编号"] for row in kept}
    details = [r for r in _rows(folder / "whole" / DETAIL_FILE, "gbk") if r["订单编号"] in numbers]
    web = _rows(folder / "whole" / WEB_FILE, "utf-8")
    emails = set(list(dict.fromkeys(row["Email"] for row in web))[:60])
    web = [row for row in web if row["Email"] in emails]
    tables = ((LIST_FILE, kept, "gbk"), (DETAIL_FILE, details, "gbk"), (WEB_FILE, web, "utf-8"))
    return [_written(folder / name, rows, encoding) for name, rows, encoding in tables]


def _rows(path: Path, encoding: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding), newline="")))


def _written(path: Path, rows: Sequence[dict[str, str]], encoding: str) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser come last of all.

    Playwright's loop runs in this thread from the first of them on, and tests that call the
    application without a network run loops of their own.
    """
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium; without one these tests are skipped, in CI they fail."""
    if not CHROMIUM:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing: CI must run the browser tests")
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    """A shop of some three hundred people, served, with its owner signed in."""
    folder = tmp_path_factory.mktemp("console")
    keys, data = folder / "keys", folder / "shop"
    files = [str(path) for path in small_shop(folder)]
    done = renwei(keys, "import", *files, "--data", str(data))
    assert done.returncode == 0, done.stderr
    with serving(data, keys) as server:
        _begin(browser, server)
        yield server


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    """A shop of its first minute: served, its owner signed in, nothing in it."""
    folder = tmp_path_factory.mktemp("empty")
    with serving(folder / "shop", folder / "keys") as server:
        _begin(browser, server)
        yield server


def _begin(browser: Browser, server: Server) -> None:
    """Become the owner by the one-time link, as a person does."""
    context = browser.new_context(viewport=WIDE, locale="en-GB")
    page = context.new_page()
    page.goto(server.welcome)
    page.fill("input[name=email]", "owner@example.com")
    page.fill("input[name=name]", "Mei")
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button.first")
    page.wait_for_url(f"{server.url}/")
    server.cookies = context.cookies()
    context.close()


Open = Callable[..., Page]


def opener(browser: Browser, server: Server) -> Iterator[Open]:
    """A function that opens a page as the owner, in a language and at a width."""
    contexts = []

    def opened(
        path: str, language: str = "en", size: Any = WIDE, scheme: Any = "light", **more: Any
    ) -> Page:
        context = browser.new_context(viewport=size, color_scheme=scheme, **more)
        contexts.append(context)
        others = [one for one in server.cookies if one["name"] != "lang"]
        chosen: Any = {"name": "lang", "value": language, "url": server.url}
        context.add_cookies([*others, chosen])
        page = context.new_page()
        page.on("pageerror", lambda error: BROKEN[page.url].append(str(error)))
        go(page, server.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()


def go(page: Page, url: str) -> None:
    """Open an address and wait until what is worked out is there."""
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == 200, f"{url}: {answer.status}"
    page.wait_for_selector("[hx-get*='waiting=1']", state="detached", timeout=60_000)


@pytest.fixture
def open_page(browser: Browser, console: Server) -> Iterator[Open]:
    """Opens pages of the shop: open_page("/people", "zh", PHONE)."""
    yield from opener(browser, console)


@pytest.fixture
def open_empty(browser: Browser, empty: Server) -> Iterator[Open]:
    """Opens pages of the shop that holds nothing yet."""
    yield from opener(browser, empty)
