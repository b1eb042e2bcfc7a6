"""What only a real socket shows."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from tests.doors.http.served import Served, served

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("wire")) as server:
        yield server


def raw(server: Served, data: bytes) -> bytes:
    """Bytes as they are, and what comes back until the server closes or falls silent."""
    parts = urlsplit(server.url)
    said = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=1) as line:
        line.sendall(data)
        try:
            while piece := line.recv(65536):
                said += piece
        except TimeoutError:
            pass
    return said


def test_a_host_that_is_not_ours_is_refused_on_loopback(server: Served) -> None:
    for path in ("/v1/livez", "/", "/v1/people/x"):
        status, headers, body = server.ask("GET", path, Host="evil.example")
        assert status == 421
        assert headers["content-type"].startswith("application/problem+json")
        assert json.loads(body)["code"] == "wrong_host"


def test_who_announces_too_much_is_told_before_sending_it(server: Served) -> None:
    head = (
        f"POST /v1/settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1 << 40}\r\n"
        f"Authorization: Bearer {server.keys['admin']}\r\nConnection: close\r\n\r\n"
    )
    assert raw(server, head.encode()).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_is_counted_and_taken(server: Served) -> None:
    body = b'{"key": "minutes", "value": "30"}'
    head = (
        "POST /v1/settings HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        f"Authorization: Bearer {server.keys['admin']}\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\n\r\n{len(body):x}\r\n"
    )
    said = raw(server, head.encode() + body + b"\r\n0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b'"value":30' in said


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /v1/people/%ff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /v1/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /files/..%2f..%2fpages.py HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /v1/livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"GET /v1/livez HTTP/1.1\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
    ids=range(8),
)
def test_odd_requests_are_the_clients_mistake(server: Served, data: bytes) -> None:
    said = raw(server, data)
    assert not said.startswith(b"HTTP/1.1 5"), said[:200]
    assert b"root:" not in said
    assert server.ask("GET", "/v1/livez")[0] == 200


def test_a_head_is_a_get_without_its_body(server: Served) -> None:
    status, headers, body = server.ask("HEAD", "/v1/livez")
    assert (status, body) == (200, b"")
    assert headers["content-length"] == "15"


def test_many_at_once_are_all_answered(server: Served) -> None:
    paths = ["/v1/people/nobody", "/v1/imports", "/v1/settings", "/v1/today", "/v1/livez"] * 20

    def asked(path: str) -> int:
        return server.ask("GET", path, None, **server.with_key("read"))[0]

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(asked, paths))
    assert [status for status in statuses if status not in (200, 404)] == []


def test_what_was_answered_under_a_key_outlives_a_kill(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    body = {"surface": "today", "level": "off"}
    with served(folder) as first:
        said = {**first.with_key("admin"), "Idempotency-Key": "once"}
        before = first.ask("POST", "/v1/autonomy", body, **said)
        assert before[0] == 200
        first.kill()
    with served(folder, keys=first.keys) as second:
        after = second.ask("POST", "/v1/autonomy", body, **said)
        assert after[1]["idempotency-replayed"] == "true"
        assert after[2] == before[2]
        with second.store() as store:
            assert len(store.papers.history("autonomy", "today")) == 1
