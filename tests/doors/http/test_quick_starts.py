"""What the pages tell a developer to paste: each SDK, those very lines, a real server."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from tests.doors.console.conftest import CHROMIUM
from tests.doors.http.conftest import NODE, not_tried
from tests.doors.http.served import Served, served

from renwei.core.nouns import Event
from renwei.core.store import Named

pytestmark = pytest.mark.slow
DOCS = Path(__file__).resolve().parents[3] / "docs"
ADDRESS = "http://127.0.0.1:8400"
WEB = {
    "@segment/analytics-next": (
        "umd/index.js",
        "import { AnalyticsBrowser } from '@segment/analytics-next'",
        "const { AnalyticsBrowser } = AnalyticsNext",
    ),
    "posthog-js": ("array.full.js", "import posthog from 'posthog-js'", ""),
}
"""The script of a package, its import, and the same where no bundler ran."""


def blocks(language: str) -> dict[str, str]:
    """Code by the package that its first line installs."""
    text = (DOCS / language / "live.md").read_text("utf-8")
    found = re.findall(
        r"```(?:python|js)\n(?:#|//) (?:pip|npm) install (\S+)\n(.*?)```", text, re.S
    )
    return dict(found)


LINES = blocks("en")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as running:
        yield running


def pointed(lines: str, server: Served) -> str:
    assert ADDRESS in lines
    return lines.replace(ADDRESS, server.url).replace("KEY", server.keys["ingest"])


def arrived(server: Served) -> dict[str, Event]:
    """What u1 did, by kind, once the view is there; and the vault knows the e-mail."""
    with server.store() as store:
        until = time.monotonic() + 15
        while True:
            person = store.people.find(Named("user", "u1"))
            events = store.log.of(store.people.actors_of(person)) if person else []
            kinds = {event.kind: event for event in events}
            texts = store.people.open(person) if person else {}
            known = texts.get("email") == ["mei@example.com"] and texts.get("name") == ["Mei"]
            if ({"view", "identify"} <= set(kinds) and known) or time.monotonic() > until:
                break
            time.sleep(0.05)
    assert known, (texts, list(kinds))
    return kinds


def check(server: Served) -> None:
    view = arrived(server)["view"]
    assert view.body["dwell_ms"] == 12_000
    assert view.item
    status, _, body = server.ask("GET", "/v1/events?limit=20", None, **server.with_key("read"))
    assert status == 200
    assert b'"view"' in body
    assert server.ask("GET", "/v1/rejected", None, **server.with_key("read"))[2].count(b'"id"') == 0


def test_both_languages_tell_the_same_lines() -> None:
    assert blocks("zh") == LINES
    assert len(LINES) == 7


@pytest.mark.parametrize(
    "package",
    ["segment-analytics-python", "rudder-sdk-python", "posthog", "SensorsAnalyticsSDK"],
)
def test_a_python_sdk_by_the_lines_of_the_page(server: Served, package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", pointed(LINES[package], server)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    check(server)


def test_the_sdk_for_node_by_the_lines_of_the_page(server: Served, node: str) -> None:
    script = pointed(LINES["@segment/analytics-node"], server)
    done = subprocess.run(
        [node, "--input-type=module", "-e", script],
        cwd=NODE, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    check(server)


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """The shop's own site, on an origin that is not ours."""
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}"
        web.shutdown()
        thread.join()


@pytest.mark.parametrize("package", list(WEB))
def test_a_browser_sdk_by_the_lines_of_the_page(
    server: Served, tmp_path: Path, node: str, package: str
) -> None:
    if not CHROMIUM:
        not_tried("chromium is missing")
    name, imports, instead = WEB[package]
    shutil.copytree((NODE / "node_modules" / package / "dist" / name).parent, tmp_path / "sdk")
    lines = pointed(LINES[package], server)
    assert imports in lines
    # posthog-js sends nothing for a browser without a window, which it takes for a robot.
    script = lines.replace(imports, instead).replace(
        "{ api_host", "{ opt_out_useragent_filter: true, api_host"
    )
    (tmp_path / "index.html").write_text(
        f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Shop</title>'
        f'<script src="sdk/{Path(name).name}"></script><script>{script}</script>',
        encoding="utf-8",
    )
    wrong: list[str] = []
    with site(tmp_path) as url, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(url)
        try:
            check(server)
        finally:
            browser.close()
    assert wrong == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/decide/?v=3", "/flags/?v=2&config=true"])
def test_who_asks_for_flags_is_told_that_there_are_none_however_they_ask(
    server: Served, path: str, method: str
) -> None:
    key = server.keys["ingest"]
    if method == "GET":
        status, headers, body = server.ask("GET", f"{path}&api_key={key}")
        assert (status, headers["access-control-allow-origin"]) == (200, "*")
        return
    import base64

    packed = base64.b64encode(f'{{"token": "{key}", "distinct_id": "u1"}}'.encode())
    for sent in (b"data=" + packed.replace(b"=", b"%3D"), packed):
        status, headers, body = server.ask("POST", path, sent)
        assert (status, headers["access-control-allow-origin"]) == (200, "*")
        assert b'"featureFlags":{}' in body


def test_posthog_js_finds_its_configuration_under_its_key(server: Served) -> None:
    key = server.keys["ingest"]
    status, headers, body = server.ask("GET", f"/array/{key}/config")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert b'"sessionRecording":false' in body
    status, headers, body = server.ask("GET", f"/array/{key}/config.js")
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert f'all["{key}"]='.encode() in body
    assert headers["access-control-allow-origin"] == "*"
    assert server.ask("GET", "/array/nobody/config.js")[0] == 401
    assert server.ask("POST", f"/array/{key}/config", b"{}")[0] == 405
    assert server.ask("OPTIONS", f"/array/{key}/config")[0] == 204
