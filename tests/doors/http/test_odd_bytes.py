"""Whatever bytes come on whatever wire: refused or taken, never a fault of ours."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doors.http.calls import Answer, Inside
from tests.doors.http.conftest import key_of

from renwei.app.house import House
from renwei.doors.http.ingest_paths import PATHS

ROUND = settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
NAMES = (
    "type", "event", "userId", "anonymousId", "messageId", "timestamp", "sentAt", "properties",
    "traits", "context", "batch", "writeKey", "api_key", "distinct_id", "$set", "properties",
    "data", "data_list", "time", "_track_id", "lib", "login_id", "products", "price", "currency",
    "consent", "location", "uuid", "offset", "token", "$lib", "previousId", "groupId", "integrations",
)  # fmt: skip
KINDS = (
    "track", "identify", "page", "screen", "group", "alias", "$identify", "$create_alias",
    "track_signup", "profile_set", "item_set", "merge", "$pageview", "Order Completed",
)  # fmt: skip

scalars = (
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats()
    | st.text(max_size=20) | st.sampled_from(KINDS)
    | st.sampled_from(["2026-09-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "1e400", "-1"])
)  # fmt: skip
shapes = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=25,
)
events = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS) | scalars},
    optional=dict.fromkeys(sorted(set(NAMES) - {"type"}), shapes),
)
paths = st.sampled_from(sorted(PATHS))
wrappings = st.sampled_from(["plain", "gzip", "deflate", "cut", "form", "base64", "pixel"])


@pytest.fixture(scope="module")
def sender(calm: House) -> Inside:
    return Inside(calm, key_of(calm, "ingest"))


def send(sender: Inside, path: str, body: bytes, how: str) -> Answer:
    """Bytes on a wire, wrapped as an SDK might, or almost."""
    headers: Mapping[str, str] = {"content-type": "application/json"}
    if how == "gzip":
        body, headers = gzip.compress(body), {"content-encoding": "gzip"}
    elif how == "deflate":
        body, headers = zlib.compress(body), {"content-encoding": "deflate"}
    elif how == "cut":
        body, headers = gzip.compress(body)[:-5], {"content-encoding": "gzip"}
    elif how == "form":
        packed = base64.b64encode(gzip.compress(body))
        body = b"gzip=1&data_list=" + quote(packed).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
    elif how == "base64":
        body = b"data=" + quote(base64.b64encode(body)).encode()
    elif how == "pixel":
        path, body = f"{path}?data={quote_from_bytes(base64.b64encode(body))[:4000]}", b""
    methods = PATHS[path.partition("?")[0]].methods
    method = "GET" if how == "pixel" and "GET" in methods else methods[0]

    async def answered() -> Answer:
        return await asyncio.wait_for(sender.asked(method, path, body, headers), 20)

    return asyncio.run(answered())


def no_fault_of_ours(answer: Answer) -> None:
    assert answer.status < 500, answer.body
    assert b"Traceback" not in answer.body
    if answer.status >= 400:
        said = answer.json
        assert said["code"]
        assert said["status"] == answer.status
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_what_an_sdk_would_send_is_taken_however_it_is_wrapped(sender: Inside) -> None:
    event = {"type": "track", "event": "x", "userId": "u", "distinct_id": "u"}
    for how in ("plain", "gzip"):
        for path in ("/v1/track", "/capture"):
            answer = send(sender, path, json.dumps(event).encode(), how)
            assert answer.status == 200, (path, how, answer.body)


@ROUND
@given(path=paths, body=st.binary(max_size=300), how=wrappings)
def test_any_bytes_on_any_wire_are_no_fault_of_ours(
    sender: Inside, path: str, body: bytes, how: str
) -> None:
    no_fault_of_ours(send(sender, path, body, how))


@ROUND
@given(path=paths, body=shapes, how=wrappings)
def test_any_json_on_any_wire_is_no_fault_of_ours(
    sender: Inside, path: str, body: Any, how: str
) -> None:
    no_fault_of_ours(send(sender, path, json.dumps(body).encode(), how))


@settings(ROUND, max_examples=150)
@given(
    path=paths, many=st.lists(events, min_size=1, max_size=4), how=wrappings, batch=st.booleans()
)
def test_anything_that_looks_like_events_is_no_fault_of_ours(
    sender: Inside, path: str, many: list[Any], how: str, batch: bool
) -> None:
    body = {"batch": many} if batch else many[0] if len(many) == 1 else many
    no_fault_of_ours(send(sender, path, json.dumps(body).encode(), how))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"null", b"[" * 100_000, b'{"a":' * 50_000, b'"' + b"a" * 40_000 + b'"',
        b'{"batch":' + b"[" * 5_000 + b"]" * 5_000 + b"}", b"\xff\xfe{}", b"\xef\xbb\xbf{}",
        b'{"type":"track","event":"x","userId":"\\ud800"}', b"\x1f\x8b", b"\x1f\x8b\x08" + b"\0" * 50,
        b'{"type":"track","event":"x","userId":"u","properties":{"price":1e999}}',
        b'{"type":"track","event":"x","userId":"u","timestamp":"0000-00-00T00:00:00Z"}',
        b'{"type":"track","event":"x","userId":"u","timestamp":99999999999999999999}',
        gzip.compress(b"{}") * 3, gzip.compress(b"0" * (64 << 20)),
    ],
    ids=range(18),
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/capture", "/batch/", "/sa"])
def test_known_tricks_are_no_fault_of_ours(sender: Inside, path: str, body: bytes) -> None:
    answer = send(sender, path, body, "gzip" if body.startswith(b"\x1f\x8b") else "plain")
    no_fault_of_ours(answer)


@ROUND
@given(
    path=st.text(max_size=30), query=st.text(max_size=30),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"]),
)  # fmt: skip
def test_any_address_under_v1_is_no_fault_of_ours(
    reader: Inside, path: str, query: str, method: str
) -> None:
    place = f"/v1/{quote(path, safe='')}?{quote(query, safe='=&')}"
    answer = reader.ask(method, place)
    assert answer.status < 500, answer.body


@ROUND
@given(name=st.text(min_size=1, max_size=40))
def test_anybodys_name_can_be_asked_for(reader: Inside, name: str) -> None:
    for place in ("/v1/people/{}", "/v1/people/{}/consent", "/v1/decisions/{}", "/v1/imports/{}"):
        answer = reader.get(place.format(quote(name, safe="")))
        assert answer.status < 500, answer.body
