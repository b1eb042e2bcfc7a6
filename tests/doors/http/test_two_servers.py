"""Two servers on one directory: refused when both would do the same, let in when they share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.doors.http.served import Served, served

pytestmark = pytest.mark.slow


def up(server: Served, *options: str) -> subprocess.CompletedProcess[str]:
    """Start another server on the same directory, which must not stay."""
    line = [sys.executable, "-m", "renwei", "up", "--data", str(server.directory), "--no-browser"]
    return subprocess.run(
        [*line, *options],
        env=dict(server.env),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_second_whole_server_is_refused_in_one_sentence_that_says_who_is_there(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        port = str(urlsplit(server.url).port)
        # On another port, on the very same port, and for a part of the work.
        for options in (("--port", "0"), ("--port", port), ("--port", "0", "--only", "serve")):
            refused = up(server, *options)
            assert refused.returncode == 1
            assert refused.stdout == ""
            assert refused.stderr.count("\n") == 1
            for word in (str(server.process.pid), server.url, str(server.directory)):
                assert word in refused.stderr
        assert "--only serve" in refused.stderr
        refused = up(server, "--port", "0", "--lang", "zh")
        assert "已有一个服务在使用" in refused.stderr
        assert server.ask("GET", "/v1/readyz")[0] == 200


def test_one_that_serves_and_one_that_works_share_a_directory(tmp_path: Path) -> None:
    with served(tmp_path, "--only", "serve") as server:
        waiting = server.directory / "uploads" / "0" / "orders.csv"
        waiting.parent.mkdir(parents=True)
        waiting.touch()
        line = [sys.executable, "-m", "renwei", "up", "--data", str(server.directory)]
        with subprocess.Popen(
            [*line, "--only", "work"], env=dict(server.env), stderr=subprocess.PIPE, text=True
        ) as works:
            assert works.stderr is not None
            assert str(server.directory) in works.stderr.readline()
            refused = up(server, "--only", "work")
            # What somebody is looking at in the browser is not the worker's to clear.
            assert waiting.exists()
            assert str(works.pid) in refused.stderr
            works.terminate()
            assert works.wait(20) == 0
