"""A job asked for over HTTP is still there after the server was killed and started again."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.doors.conftest import ORDERS
from tests.doors.http.served import Served, served

pytestmark = pytest.mark.slow
LATER = ORDERS.replace("100", "200").encode("gb18030")


def begun(server: Served, body: bytes) -> str:
    head = server.with_key("write") | {"Prefer": "respond-async"}
    status, headers, _ = server.ask("POST", "/v1/imports?name=orders.csv", body, **head)
    assert status == 202
    return headers["location"]


def shown(server: Served, place: str) -> dict[str, Any]:
    head = server.with_key("write") | {"Accept-Language": "en"}
    status, _, body = server.ask("GET", place, None, **head)
    assert status == 200, body
    told: dict[str, Any] = json.loads(body)
    return told


def test_a_killed_server_still_knows_what_it_did_and_what_it_did_not_finish(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        done = begun(server, LATER)
        until = time.monotonic() + 60
        while (first := shown(server, done))["state"] == "running" and time.monotonic() < until:
            time.sleep(0.05)
        assert first["state"] == "done"
        refused = begun(server, b"\x00\x01 nothing of an order")
        while shown(server, refused)["state"] == "running" and time.monotonic() < until:
            time.sleep(0.05)
        cut = begun(server, LATER.replace(b"200", b"300"))
        server.kill()
    with served(tmp_path, keys=server.keys) as again:
        assert shown(again, done) == first
        then = shown(again, refused)
        assert (then["state"], then["problem"]["status"]) == ("failed", 400)
        told = shown(again, cut)
        # The machine may have been quicker than the kill.
        assert told["state"] in ("interrupted", "done")
        if told["state"] == "interrupted":
            assert told["problem"]["code"] == "job_interrupted"
            assert "Ask again" in told["problem"]["detail"]
        status, _, _ = again.ask("GET", done, None, **again.with_key("read"))
        assert status == 404
