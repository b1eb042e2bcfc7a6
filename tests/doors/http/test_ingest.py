from __future__ import annotations

import base64
import gzip
import http.client
import json
import socket
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.doors.http.served import Served, served, with_masters

from renwei.app.build import open_shop
from renwei.core.store import Named
from renwei.doors.http.ingest_paths import PATHS
from renwei.trust import keys

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ANY: dict[str, Any] = {"userId": "u1", "event": "Opened", "type": "track"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("ingest")) as running:
        yield running


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def batch(*message_ids: str, **more: Any) -> dict[str, Any]:
    return {"batch": [{**ANY, "messageId": one} for one in message_ids], **more}


def code(body: bytes) -> str:
    return str(json.loads(body)["code"])


@pytest.mark.parametrize("path", sorted(path for path in PATHS if path.startswith("/v1/")))
def test_every_path_of_segment_takes_an_event_and_says_success(server: Served, path: str) -> None:
    before = len(server.events())
    kind = PATHS[path].kind
    one: dict[str, Any] = {
        "type": kind or "track",
        "userId": f"u-{path}",
        "event": "Opened",
        "name": "Home",
    }
    one |= {"groupId": "g1", "previousId": "before", "messageId": f"m-{path}"}
    one |= {"mergeProperties": [{"type": "email", "value": "a@shop.cn"}]} if kind == "merge" else {}
    body = {"batch": [one]} if not kind else one
    status, _, said = server.ask("POST", path, body, **basic(server.keys["ingest"]))
    assert (status, said) == (200, b'{"success":true}')
    assert len(server.events()) == before + 1


@pytest.mark.parametrize(
    ("place", "send"),
    [
        ("Basic user name", lambda key: ("/v1/track", ANY, basic(key))),
        ("Bearer", lambda key: ("/v1/track", ANY, {"Authorization": f"Bearer {key}"})),
        ("X-Write-Key", lambda key: ("/v1/track", ANY, {"X-Write-Key": key})),
        ("writeKey in a single body", lambda key: ("/v1/track", {**ANY, "writeKey": key}, {})),
        ("writeKey in a batch", lambda key: ("/v1/batch", batch("w1", writeKey=key), {})),
        ("writeKey in the query", lambda key: (f"/v1/track?writeKey={key}", ANY, {})),
        (
            "api_key of PostHog",
            lambda key: ("/capture/", {"api_key": key, "event": "e", "distinct_id": "d"}, {}),
        ),
        (
            "project of Sensors Data",
            lambda key: (f"/sa?project={key}", sensors_form(), FORM),
        ),
        ("token of Sensors Data", lambda key: (f"/sa?token={key}", sensors_form(), FORM)),
    ],
)
def test_a_key_is_found_wherever_its_sdk_puts_it(server: Served, place: str, send: Any) -> None:
    path, body, headers = send(server.keys["ingest"])
    assert server.ask("POST", path, body, **headers)[0] == 200, place
    path, body, headers = send("rw_i_" + "x" * 32)
    status, _, said = server.ask("POST", path, body, **headers)
    assert (status, code(said)) == (401, "bad_write_key"), place


def sensors_form(name: str = "ViewProduct") -> bytes:
    event = {
        "type": "track", "event": name, "distinct_id": "s1", "time": 1_780_000_000_000,
        "properties": {"$lib": "python"}, "_track_id": int.from_bytes(name.encode()[:4], "big"),
    }  # fmt: skip
    data = base64.b64encode(gzip.compress(json.dumps(event).encode()))
    return b"gzip=1&data=" + urllib.parse.quote(data).encode()


def test_without_a_key_nothing_is_stored_and_the_fault_says_so(server: Served) -> None:
    before = len(server.events())
    status, headers, said = server.ask("POST", "/v1/track", ANY)
    assert (status, code(said)) == (401, "no_write_key")
    assert headers["content-type"] == "application/problem+json"
    assert "basic" not in headers["www-authenticate"].lower()
    assert headers["x-request-id"] in json.loads(said)["instance"]
    assert server.ask("POST", "/v1/batch", b"{not json", **basic("nobody"))[0] == 401
    assert len(server.events()) == before


def test_a_key_that_may_only_read_stores_nothing(server: Served) -> None:
    before = len(server.events())
    status, _, said = server.ask("POST", "/v1/track", ANY, **basic(server.keys["read"]))
    assert (status, code(said)) == (403, "wrong_scope")
    assert len(server.events()) == before


def test_the_same_message_sent_again_changes_nothing(server: Served) -> None:
    key = basic(server.keys["ingest"])
    server.ask("POST", "/v1/batch", batch("same-1", "same-2"), **key)
    before = len(server.events())
    for _ in range(3):
        assert server.ask("POST", "/v1/batch", batch("same-1", "same-2"), **key)[0] == 200
    assert len(server.events()) == before
    said = server.ask("POST", "/v1/batch?strict=1", batch("same-1", "new-1"), **key)[2]
    assert [row["status"] for row in json.loads(said)["results"]] == ["duplicate", "stored"]


def test_strict_tells_of_each_event_and_refused_ones_are_kept(server: Served) -> None:
    events = [{**ANY, "messageId": "st-1"}, {"type": "trakc", "userId": "u"}]
    events += [{**ANY, "messageId": "st-2", "properties": {"dwell_ms": -3000}}]
    key = basic(server.keys["ingest"])
    status, _, said = server.ask("POST", "/v1/batch?strict=1", {"batch": events}, **key)
    answer = json.loads(said)
    assert (status, answer["success"]) == (200, False)
    assert [row["index"] for row in answer["results"]] == [0, 1, 2]
    assert [row["status"] for row in answer["results"]] == ["stored", "refused", "refused"]
    assert answer["results"][1]["code"] == "unknown_type"
    assert answer["results"][2]["field"] == "properties.dwell_ms"
    # Without strict an SDK hears what Segment says, and the rest is stored all the same.
    events[0]["messageId"] = "st-3"
    status, _, said = server.ask("POST", "/v1/batch", {"batch": events}, **key)
    assert (status, said) == (200, b'{"success":true}')


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "image/x"])
def test_what_a_body_is_is_told_by_its_bytes(server: Served, kind: str) -> None:
    key = basic(server.keys["ingest"]) | ({"Content-Type": kind} if kind else {})
    body = json.dumps(batch(f"ct-{kind}")).encode()
    before = len(server.events())
    assert server.ask("POST", "/v1/batch", gzip.compress(body), **key)[0] == 200
    plain = body.replace(b"ct-", b"plain-")
    assert server.ask("POST", "/v1/batch", plain, **key, Content_Encoding="gzip")[0] == 200
    assert len(server.events()) == before + 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "empty_body"),
        (b"{", "bad_json"),
        (b"\xff\xfe\x00", "bad_json"),
        (gzip.compress(b'{"batch":[]}')[:-6], "bad_gzip"),
        (b"\x1f\x8bgarbage", "bad_gzip"),
        (b'{"batch": 7}', "not_events"),
        (b"[" * 100_000, "bad_json"),
    ],
)
def test_a_broken_body_is_the_clients_mistake(server: Served, body: bytes, expected: str) -> None:
    status, _, said = server.ask("POST", "/v1/batch", body, **basic(server.keys["ingest"]))
    assert (status, code(said)) == (400, expected)


def test_a_batch_that_is_too_large_is_told_the_limit_and_its_size(server: Served) -> None:
    key = basic(server.keys["ingest"])
    body = json.dumps({"batch": [{**ANY, "properties": {"x": "y" * 30_000}}] * 150}).encode()
    status, headers, said = server.ask("POST", "/v1/batch", body, **key)
    assert (status, code(said)) == (413, "body_too_large")
    assert json.loads(said)["values"] == {"limit": 4 << 20, "size": len(body)}
    assert headers["connection"] == "close"


def test_a_bomb_is_cut_long_before_it_unfolds(server: Served) -> None:
    before = server.rss_mb()
    bomb = gzip.compress(b" " * (400 << 20), 9)
    status, _, said = server.ask("POST", "/v1/batch", bomb, **basic(server.keys["ingest"]))
    assert (status, code(said)) == (413, "body_too_large")
    assert server.rss_mb() < before + 60


def test_a_body_that_never_ends_is_not_read_to_its_end(server: Served) -> None:
    parts = urlsplit(server.url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as line:
        line.putrequest("POST", "/v1/batch")
        for name, value in basic(server.keys["ingest"]).items():
            line.putheader(name, value)
        line.putheader("Transfer-Encoding", "chunked")
        line.endheaders()
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        try:
            for _ in range(4_000):
                line.send(chunk)
        except OSError:
            pass
        else:
            raise AssertionError("all of it was read")


def test_browsers_of_any_site_may_post_with_a_write_key_and_with_no_other(server: Served) -> None:
    status, headers, _ = server.ask(
        "OPTIONS", "/v1/t", None, Origin="https://shop.example",
        Access_Control_Request_Headers="authorization,content-type",
    )  # fmt: skip
    assert status == 204
    assert headers["access-control-allow-origin"] == "*"
    assert "authorization" in headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in headers
    answers = {
        scope: server.ask("POST", "/v1/t", ANY, Origin="https://x.example", **basic(key))
        for scope, key in server.keys.items()
        if scope != "read"
    }
    shared = {scope: "access-control-allow-origin" in answers[scope][1] for scope in answers}
    assert shared == {"ingest": True, "write": False, "admin": False}


def test_other_methods_are_refused_with_those_that_exist(server: Served) -> None:
    status, headers, said = server.ask("GET", "/v1/track")
    assert (status, code(said), headers["allow"]) == (405, "wrong_method", "POST, OPTIONS")
    assert server.ask("DELETE", "/sa")[0] == 405


def test_analytics_next_finds_its_settings_under_its_key(server: Served) -> None:
    key = server.keys["ingest"]
    status, headers, said = server.ask("GET", f"/v1/projects/{key}/settings")
    home = json.loads(said)["integrations"]["Segment.io"]
    assert status == 200
    assert headers["access-control-allow-origin"] == "*"
    assert home["apiKey"] == key
    assert f"{home['protocol']}://{home['apiHost']}" == f"{server.url}/v1"
    assert server.ask("GET", "/v1/projects/nobody/settings")[0] == 401
    evil = server.ask("GET", f"/v1/projects/{key}/settings", Host='x"/<script>')
    assert evil[0] in (200, 400, 421)
    assert b"<script>" not in evil[2]


@pytest.mark.parametrize("path", ["/capture/", "/batch/", "/e/", "/i/v0/e/", "/i/v0/e", "/capture"])
def test_posthog_hears_what_it_hears_from_posthog(server: Served, path: str) -> None:
    one = {"event": "opened", "distinct_id": "p1", "uuid": f"u-{path}", "properties": {}}
    body = {"api_key": server.keys["ingest"], "batch": [one]} if "batch" in path else {
        "api_key": server.keys["ingest"], **one,
    }  # fmt: skip
    before = len(server.events())
    status, _, said = server.ask("POST", path, body)
    assert (status, json.loads(said)) == (
        200, {"status": "Ok"} if "/i/" in path else {"status": 1},
    )  # fmt: skip
    assert len(server.events()) == before + 1


@pytest.mark.parametrize("path", ["/decide/?v=3", "/flags/?v=2", "/decide", "/flags"])
def test_there_are_no_flags_and_that_is_said(server: Served, path: str) -> None:
    body = {"api_key": server.keys["ingest"], "distinct_id": "p1"}
    status, _, said = server.ask("POST", path, body)
    answer = json.loads(said)
    assert (status, answer["featureFlags"], answer["flags"]) == (200, {}, {})
    assert server.ask("POST", path, {"token": "nobody"})[0] == 401


def test_sensors_pixel_and_form_are_taken(server: Served) -> None:
    before = len(server.events())
    key = server.keys["ingest"]
    status, _, said = server.ask("POST", f"/sa?project={key}", sensors_form("A"), **FORM)
    assert (status, said) == (200, b"")
    event = {"type": "track", "event": "B", "distinct_id": "s2", "time": 1, "properties": {}}
    event["time"] = 1_780_000_000_001
    data = urllib.parse.quote(base64.b64encode(json.dumps(event).encode()))
    status, headers, said = server.ask("GET", f"/sa.gif?project={key}&data={data}&ext=crc%3D1")
    assert (status, headers["content-type"], said[:6]) == (200, "image/gif", b"GIF89a")
    assert len(server.events()) == before + 2


def test_a_pixel_carries_an_event_in_its_query(server: Served) -> None:
    before = len(server.events())
    key = server.keys["ingest"]
    data = base64.b64encode(json.dumps({**ANY, "messageId": "px-1", "writeKey": key}).encode())
    status, headers, _ = server.ask("GET", f"/pixel/v1/track?data={urllib.parse.quote(data)}")
    assert (status, headers["content-type"]) == (200, "image/gif")
    asked = f"writeKey={key}&anonymousId=a7&name=Home&properties.dwell_ms=3000&messageId=px-2"
    assert server.ask("GET", f"/pixel/v1/page?{asked}")[0] == 200
    found = server.events()
    assert len(found) == before + 2
    assert found[-1].body["dwell_ms"] == 3000
    assert server.ask("GET", "/pixel/v1/page?anonymousId=a7")[0] == 401


def test_a_key_that_was_revoked_takes_nothing_more(server: Served) -> None:
    with with_masters(server.masters), open_shop(server.directory) as shop:
        made, shown = keys.create(shop, "ingest", "short", datetime.now(UTC))
        assert server.ask("POST", "/v1/track", ANY, **basic(shown))[0] == 200
        keys.revoke(shop, made.id, datetime.now(UTC))
    time.sleep(keys.FRESH_S + 0.1)
    assert server.ask("POST", "/v1/track", ANY, **basic(shown))[0] == 401


def test_many_requests_on_one_connection_are_answered_in_their_order(server: Served) -> None:
    parts = urlsplit(server.url)
    assert parts.hostname is not None
    with closing(socket.create_connection((parts.hostname, parts.port or 80), 30)) as line:
        wanted = []
        for k in range(30):
            body = json.dumps(batch(f"pipe-{k}") if k % 3 else {"batch": 7}).encode()
            head = f"POST /v1/batch HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}"
            head += f"\r\nAuthorization: {basic(server.keys['ingest'])['Authorization']}\r\n\r\n"
            line.sendall(head.encode() + body)
            wanted.append(b"200" if k % 3 else b"400")
        said = b""
        while said.count(b"HTTP/1.1 ") < 30:
            said += line.recv(65_536)
        assert [part[:3] for part in said.split(b"HTTP/1.1 ")[1:]] == wanted


def test_an_event_of_this_moment_is_on_the_persons_page_within_a_second(server: Served) -> None:
    one = {
        "type": "identify", "userId": "fresh-1", "messageId": "fresh-1",
        "traits": {"gender": "female", "city": "杭州"},
    }  # fmt: skip
    begun = time.perf_counter()
    server.ask("POST", "/v1/identify", one, **basic(server.keys["ingest"]))
    with server.store() as store:
        while time.perf_counter() - begun < 5:
            person = store.people.find(Named("user", "fresh-1"))
            if person is not None and "gender" in store.people.profile(person).facts:
                break
            time.sleep(0.01)
        assert time.perf_counter() - begun < 1.0


def test_nothing_that_was_sent_above_made_the_server_stumble(server: Served) -> None:
    said = server.said.read_text("utf-8")
    assert "Traceback" not in said
    assert server.process.poll() is None
