from __future__ import annotations

import os
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.doors.console.conftest import CHROMIUM
from tests.doors.http.served import Served, served
from tests.doors.snippet.shopping import Seen, Visit
from tests.doors.snippet.stand import Site, Stand, selling, standing

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser come last of all, these before those that keep one open to the end.

    A thread holds one Playwright at a time; this folder's ends with each of its files.
    """
    items.sort(
        key=lambda item: (
            "browser" in getattr(item, "fixturenames", ()),
            HERE not in item.path.parents,
        )
    )


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real `renwei up`."""
    with served(tmp_path_factory.mktemp("snippet")) as server:
        yield server


@pytest.fixture
def site() -> Iterator[Site]:
    """The shop's own web server, on another origin."""
    with selling() as site:
        yield site


@pytest.fixture
def stand() -> Iterator[Stand]:
    """The stand-in for our server."""
    with standing() as stand:
        yield stand


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser profile of its own; at the end no page has heard of a fault."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def opened(**more: Any) -> BrowserContext:
        context = browser.new_context(**more)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        contexts.append(context)
        return context

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def one(
    visit: Visit, server: Served, site: Site
) -> tuple[Callable[..., Page], Callable[[], list[Seen]]]:
    """A visitor of a shop whose pages talk to the real server: open a page, read what arrived."""
    made = msgspec.json.decode(
        server.ask(
            "POST", "/v1/keys", {"scope": "ingest", "name": "shop"},
            content_type="application/json", **server.with_key("admin"),
        )[2]
    )  # fmt: skip
    context = visit()

    def opened(path: str = "/", body: str = "<h1>Shop</h1>", **attributes: str) -> Page:
        page = context.new_page()
        page.goto(site.put(path, body + tag(server.url, made["key"], **attributes)))
        page.wait_for_function("window.renwei && renwei.version")
        return page

    def arrived() -> list[Seen]:
        found = []
        with server.store() as store:
            for event in store.log.read():
                if event.source != f"key:{made['id']}":
                    continue
                sealed = event.body.get("_")
                rest = store.people.open_for(event.actor, a2b_base64(sealed)) if sealed else b""
                code = store.items.get([event.item])[0] if event.item else None
                found.append(
                    Seen(
                        event.kind, event.at, dict(event.body), event.actor, event.value_minor or 0,
                        code.code if code else "", msgspec.json.decode(rest) if rest else {},
                    )
                )  # fmt: skip
        return found

    return opened, arrived


def tag(url: str, key: str, **attributes: str) -> str:
    """The line that a shop pastes."""
    more = "".join(f' data-{name.replace("_", "-")}="{text}"' for name, text in attributes.items())
    return f'<script async src="{url}/renwei.js" data-key="{key}"{more}></script>'
