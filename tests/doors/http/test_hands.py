from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.doors.http.served import Served, served

from renwei.core.decide import replays

# By the system and not by what the program says of itself, which might be wrong.
pytestmark = pytest.mark.skipif(os.name != "posix", reason="hands need POSIX sockets")
CALLED_S = 90.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a small catalogue that may call two hands."""
    with served(tmp_path_factory.mktemp("hands"), "--hands", "2") as made:
        items = [
            {"id": f"i-{k}", "title": f"Item {k}", "category": f"c{k % 4}", "price": 10 + k}
            for k in range(40)
        ]
        status, _, body = made.ask(
            "POST", "/v1/items", json.dumps({"items": items}).encode(), **_key(made, "write")
        )
        assert status < 300, body
        yield made


def _key(server: Served, scope: str) -> dict[str, str]:
    return {**server.with_key(scope), "content_type": "application/json"}


def ask(server: Served, **fields: Any) -> tuple[int, dict[str, Any]]:
    status, _, body = server.ask("POST", "/v1/recommend", fields, **_key(server, "read"))
    return status, json.loads(body)


def hands(server: Served) -> int:
    _, _, body = server.ask("GET", "/v1/metrics", None, **server.with_key("read"))
    found = re.search(rb"^renwei_hands (\d+)", body, re.MULTILINE)
    assert found
    return int(found[1])


def processes(server: Served) -> list[int]:
    """Numbers of the hands' processes, as Linux tells them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"renwei.app.hand" in line and str(server.directory).encode() in line:
                found.append(int(entry.name))
    return found


def crowd(server: Served, requests: int = 400) -> list[tuple[int, dict[str, Any]]]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda k: ask(server, user_id=f"u-{k % 20}", n=5), range(requests)))


def called(server: Served) -> None:
    """Have requests wait for each other until there are two hands."""
    until = time.monotonic() + CALLED_S
    while hands(server) < 2 and time.monotonic() < until:
        crowd(server)
        time.sleep(0.5)
    assert hands(server) == 2


def test_nobody_is_called_for_requests_that_come_one_by_one(server: Served) -> None:
    assert hands(server) == 0
    for k in range(120):
        assert ask(server, user_id=f"u-{k}", n=5)[0] == 200
    assert hands(server) == 0


def test_what_hands_refuse_is_refused_as_the_server_does(server: Served) -> None:
    wrong: list[dict[str, Any]] = [
        {"filter": "price <"}, {"surface": "no-such"}, {"mode": "sideways"},
        {"context": {"cart": 5}}, {"n": -1}, {"nonsense": 1},
    ]  # fmt: skip
    refused = [ask(server, user_id="u-1", **one) for one in wrong]
    codes = [said.get("code") for _, said in refused]
    assert codes[:3] == ["bad_filter", "unknown_surface", "bad_mode"]
    called(server)
    for fields, (status, said) in zip(wrong, refused, strict=True):
        again, answer = ask(server, user_id="u-1", **fields)
        assert again == status
        assert {**answer, "instance": ""} == {**said, "instance": ""}


def test_a_crowd_calls_hands_and_what_they_decide_is_recorded(server: Served) -> None:
    called(server)
    answers = crowd(server, 60)
    assert {status for status, _ in answers} == {200}
    ids = [answer["decision_id"] for _, answer in answers]
    assert len(set(ids)) == 60
    with server.store() as store:
        for one in ids:
            decision = store.ledger.get(one)
            assert decision is not None
            assert replays(decision) == "same"


def test_hands_know_what_came_in_just_now(server: Served) -> None:
    called(server)
    key = _key(server, "write")
    new = {"items": [{"id": "fresh", "title": "Fresh", "category": "only-this", "price": 5}]}
    assert server.ask("POST", "/v1/items", new, **key)[0] < 300
    _, answer = ask(server, user_id="u-1", n=5, filter="category = 'only-this'")
    assert [item["id"] for item in answer["items"]] == ["fresh"]
    change = {"place": {"filter": "category = 'c1'", "explore": 0, "holdout": 0}}
    assert server.ask("POST", "/v1/surfaces/home", change, **key)[0] < 300
    for _ in range(4):
        _, answer = ask(server, user_id="u-1", n=5)
        assert {item["category"] for item in answer["items"]} == {"c1"}
    assert server.ask("POST", "/v1/settings", {"key": "language", "value": "zh"}, **_key(server, "admin"))[0] < 300  # fmt: skip
    _, answer = ask(server, user_id="u-1", n=100)
    assert re.search("[\u4e00-\u9fff]", answer["reason"]["text"])


def test_hands_know_the_last_look_and_who_was_forgotten(server: Served) -> None:
    called(server)
    plain = {"place": {"explore": 0, "holdout": 0}}
    assert server.ask("POST", "/v1/surfaces/plain", plain, **_key(server, "write"))[0] < 300
    look = {"userId": "u-77", "event": "Product Viewed", "properties": {"product_id": "i-3"}}
    assert server.ask("POST", "/v1/track", look, **_key(server, "ingest"))[0] == 200
    for _ in range(4):
        assert ask(server, user_id="u-77", surface="plain", n=5)[1]["personal"]
    gone = server.ask("DELETE", "/v1/people/u-77?confirm=true", None, **server.with_key("admin"))
    assert gone[0] == 200, gone
    for _ in range(4):
        assert not ask(server, user_id="u-77", surface="plain", n=5)[1]["personal"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nobody_waits_for_hands_that_were_killed(server: Served) -> None:
    called(server)
    stop, failed = threading.Event(), list[int]()

    def keep_asking() -> None:
        while not stop.is_set():
            status, _ = ask(server, user_id="u-3", n=5)
            if status != 200:
                failed.append(status)

    threads = [threading.Thread(target=keep_asking) for _ in range(6)]
    for one in threads:
        one.start()
    time.sleep(0.5)
    for pid in processes(server):
        os.kill(pid, signal.SIGKILL)
    time.sleep(1.0)
    stop.set()
    for one in threads:
        one.join(30)
        assert not one.is_alive()
    assert failed == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_hands_end_with_their_server_however_it_ends(tmp_path: Path) -> None:
    with served(tmp_path, "--hands", "2") as other:
        item = {"items": [{"id": "i", "title": "I", "price": 5}]}
        assert other.ask("POST", "/v1/items", item, **_key(other, "write"))[0] < 300
        called(other)
        assert len(processes(other)) == 2
        other.kill()
        until = time.monotonic() + 20
        while processes(other) and time.monotonic() < until:
            time.sleep(0.1)
        assert processes(other) == []


def test_a_page_tells_whoever_has_it_that_it_is_the_same(server: Served) -> None:
    called(server)
    path, key = "/v1/page/home?user_id=u-9&session_id=s", server.with_key("read")
    status, named, body = server.ask("GET", path, None, **key)
    assert (status, json.loads(body)["etag"]) == (200, named["etag"].strip('"'))
    again = server.ask("GET", path, None, if_none_match=named["etag"], **key)
    assert (again[0], again[2]) == (304, b"")
    assert server.ask("GET", path, None, if_none_match='"old"', **key)[0] == 200
