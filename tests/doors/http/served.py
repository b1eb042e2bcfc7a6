"""A real server for tests: `renwei up` in a process of its own on a free port, with keys."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from renwei.core.nouns import Event
from renwei.stores.embedded import EmbeddedStore, open_store

STARTS_S = 40.0
_URL = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass
class Served:
    """A server under test; `keys` holds one key a scope: ingest, read, write, admin."""

    url: str
    directory: Path
    masters: Path
    keys: Mapping[str, str]
    process: subprocess.Popen[bytes]
    said: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: bytes | dict[str, Any] | None = None, **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request on a connection of its own: status, headers in lower case, body."""
        parts = urlsplit(self.url)
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as line:
            line.request(method, path, data, sent)
            answer = line.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, named, answer.read()

    def with_key(self, scope: str) -> dict[str, str]:
        """The header that carries the key of a scope."""
        return {"Authorization": f"Bearer {self.keys[scope]}"}

    @contextmanager
    def store(self) -> Iterator[EmbeddedStore]:
        """The workspace for reading beside the server."""
        with closing(open_store(self.directory, keys=self.masters, write=False)) as store:
            yield store

    def events(self) -> list[Event]:
        """Everything in the log."""
        with self.store() as store:
            return list(store.log.read())

    def rss_mb(self) -> float:
        """The memory that the server holds now (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def kill(self) -> None:
        """As a power cut does it."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As an operator does it; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def with_masters(masters: Path) -> Iterator[None]:
    """Open workspaces in this process with these master keys."""
    before = os.environ.get("RENWEI_KEYS")
    os.environ["RENWEI_KEYS"] = str(masters)
    try:
        yield
    finally:
        if before is None:
            del os.environ["RENWEI_KEYS"]
        else:
            os.environ["RENWEI_KEYS"] = before


def make_keys(directory: Path, masters: Path) -> dict[str, str]:
    """A new workspace (or an old one) with one key a scope."""
    from renwei.app.build import open_shop
    from renwei.trust import keys

    with with_masters(masters), open_shop(directory) as shop:
        at = datetime.now(UTC)
        return {
            scope: keys.create(shop, scope, f"test {scope}", at)[1]
            for scope in ("ingest", "read", "write", "admin")
        }


@contextmanager
def served(folder: Path, *options: str, keys: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Serve the workspace folder/data until the block ends; killed if it does not stop.

    Args:
        folder: An empty folder, or one that was served before (then pass its `keys` again).
        options: More options of `renwei up`.
        keys: What `make_keys` gave for this folder; made when missing.
    """
    directory, masters, said = folder / "data", folder / "keys", folder / "said.txt"
    keys = keys or make_keys(directory, masters)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RENWEI_", "LC_"))}
    env |= {"RENWEI_KEYS": str(masters), "LANG": "C.UTF-8"}
    line = [sys.executable, "-m", "renwei", "up", "--data", str(directory), "--port", "0"]
    with said.open("wb") as out:
        process = subprocess.Popen(
            [*line, "--no-browser", *options], env=env, stdout=out, stderr=out
        )
    try:
        url = _wait_for_url(process, said)
        server = Served(url, directory, masters, keys, process, said, env)
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_url(process: subprocess.Popen[bytes], said: Path) -> str:
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until:
        found = _URL.search(said.read_text("utf-8", "replace"))
        if found:
            return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(f"the server did not start: {said.read_text('utf-8', 'replace')}")


def _wait_until_ready(server: Served) -> None:
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until and server.process.poll() is None:
        try:
            if server.ask("GET", "/v1/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"the server is not ready: {server.said.read_text('utf-8', 'replace')}")
