from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from tests.doors.http.calls import Inside
from tests.doors.http.conftest import key_of

from renwei.app.house import House
from renwei.core.errors import Refused
from renwei.doors.http import around, calling, hosts
from renwei.doors.http.pace import Pace


async def whole(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(
        f"{len(body)} {request.url.scheme} {request.client and request.client.host}"
    )


async def breaks(request: Request) -> Response:
    raise ValueError("13800010001")


async def framed(request: Request) -> Response:
    return PlainTextResponse("q", headers={"content-security-policy": "frame-ancestors *"})


@pytest.fixture(scope="module")
def plain(calm: House) -> Inside:
    """A small application with the layer around it."""
    app = Starlette(
        routes=[
            Route("/whole", whole, methods=["GET", "POST"]),
            Route("/breaks", breaks),
            Route("/framed", framed),
        ],
        middleware=around.around(calm),
    )
    return Inside(calm, app=app)


def test_every_answer_has_its_own_id_and_headers_that_keep_browsers_safe(reader: Inside) -> None:
    places = ("/v1/livez", "/v1/nothing", "/v1/people/x", "/v1/docs", "/files/app.css", "/sign-in")
    answers = [reader.get(place) for place in places]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == len(places)
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in answer.headers
    assert answers[1].json["instance"].endswith(answers[1].headers["x-request-id"])


def test_a_page_may_say_itself_who_frames_it(plain: Inside) -> None:
    assert plain.get("/framed").headers["content-security-policy"] == "frame-ancestors *"


def test_what_nobody_caught_becomes_an_answer_with_an_id(
    plain: Inside, caplog: pytest.LogCaptureFixture
) -> None:
    answer = plain.get("/breaks")
    assert answer.status == 500
    assert answer.headers["x-request-id"] in answer.body.decode()
    assert answer.headers["content-security-policy"]
    assert "13800010001" not in answer.body.decode() + caplog.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8400", 200),
        ("localhost:8400", 200),
        ("LOCALHOST", 200),
        ("localhost.", 200),
        ("[::1]:8400", 200),
        ("evil.example:8400", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("169.254.169.254", 421),
    ],
)
def test_over_loopback_only_a_loopback_name_is_answered(
    reader: Inside, host: str, status: int
) -> None:
    answer = reader.get("/v1/livez", host=host)
    assert answer.status == status
    if status == 421:
        assert answer.json["code"] == "wrong_host"


def test_over_the_network_or_behind_a_proxy_other_names_are_ours(calm: House) -> None:
    inside = Inside(calm)
    outside = inside.with_(server=("192.0.2.7", 8400))
    assert outside.get("/v1/livez", host="shop.example").status == 200
    inside.app.state.proxies = ("127.0.0.1/32",)
    assert inside.get("/v1/livez", host="shop.example").status == 200
    inside.app.state.proxies = ()
    inside.app.state.names = ("shop.example",)
    assert inside.get("/v1/livez", host="shop.example").status == 200


def test_the_very_address_that_is_served_is_ours(calm: House) -> None:
    other = Inside(calm, server=("127.0.0.2", 8400))
    assert other.get("/v1/livez", host="127.0.0.2:8400").status == 200
    assert other.get("/v1/livez", host="127.0.0.3:8400").status == 421


def test_forwarded_headers_are_believed_from_listed_proxies_alone(plain: Inside) -> None:
    said = {"x_forwarded_for": "198.51.100.9, 203.0.113.5", "x_forwarded_proto": "https"}
    stranger = plain.with_(client=("203.0.113.5", 1), server=("192.0.2.7", 1))
    assert stranger.get("/whole", **said).body == b"0 http 203.0.113.5"
    plain.app.state.proxies = ("203.0.113.0/24",)
    try:
        answer = stranger.get("/whole", **said)
        assert answer.body == b"0 https 198.51.100.9"
        assert "strict-transport-security" in answer.headers
        forged = stranger.get("/whole", x_forwarded_for="1.2.3.4, nonsense")
        assert forged.body == b"0 http 203.0.113.5"
        other = plain.with_(client=("192.0.2.99", 1), server=("192.0.2.7", 1))
        assert other.get("/whole", **said).body == b"0 http 192.0.2.99"
    finally:
        plain.app.state.proxies = ()


def test_who_says_a_false_length_is_refused(plain: Inside) -> None:
    assert plain.post("/whole", b"x", content_length="-1").status == 400
    assert plain.post("/whole", b"x", content_length="1e3").status == 400
    too_long = plain.post("/whole", b"x", content_length=str(around.MOST_BYTES + 1))
    assert too_long.status == 413


def test_a_body_without_a_length_is_counted_as_it_comes(
    plain: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(around, "MOST_BYTES", 10)
    sent = plain.ask(
        "POST", "/whole", b"x" * 11, {"transfer-encoding": "chunked", "content-length": "5"}
    )
    assert sent.status == 413
    assert plain.ask("POST", "/whole", b"x" * 9).body.startswith(b"9")


def test_a_body_that_stands_still_is_given_up(
    plain: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(around, "SLOWEST_S", 0.05)

    async def slowly() -> list[Any]:
        said: list[Any] = []

        async def receive() -> Any:
            await asyncio.sleep(60)

        async def send(message: Any) -> None:
            said.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/whole", "query_string": b"",
            "root_path": "", "scheme": "http", "server": ("127.0.0.1", 1), "client": ("::1", 2),
            "http_version": "1.1",
            "headers": [(b"host", b"localhost"), (b"content-length", b"5")],
        }  # fmt: skip
        await plain.app(scope, receive, send)
        return said

    start = asyncio.run(slowly())[0]
    assert start["status"] == 408


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(record.getMessage()))


@pytest.fixture
def access() -> Iterator[Kept]:
    log, kept = logging.getLogger("renwei.access"), Kept()
    before = log.level
    log.addHandler(kept)
    log.setLevel(logging.INFO)
    yield kept
    log.removeHandler(kept)
    log.setLevel(before)


def test_the_access_log_tells_what_was_asked_and_of_nobody(reader: Inside, access: Kept) -> None:
    far = reader.with_(client=("203.0.113.77", 4), server=("192.0.2.7", 1))
    for path in (
        "/v1/people/13800010001", "/v1/people?query=13800010001&limit=5", "/v1/people/小美",
        "/v1/peeple/13800010001", "/v1/tiers?13800010001=1", "/v1/tiers?limit=13800010001",
        "/people?q=小美", "/who/mei@example.com",
    ):  # fmt: skip
        far.get(path)
    assert len(access.lines) == 8
    whole = json.dumps(access.lines, ensure_ascii=False)
    for telling in ("13800010001", "小美", "mei@", "203.0.113.77"):
        assert telling not in whole
    first, second = access.lines[:2]
    assert first["route"] == "/v1/people/{person}"
    assert (first["status"], first["method"], first["from"]) == (200, "GET", "203.0.113.0/24")
    assert "limit=5" in second["query"]
    assert len({line["id"] for line in access.lines}) == 8


def test_nothing_is_written_where_nobody_listens(reader: Inside) -> None:
    log = logging.getLogger("renwei.access")
    assert not log.isEnabledFor(logging.INFO)
    assert reader.get("/v1/livez").status == 200


def test_a_caller_may_burst_and_then_keep_the_pace() -> None:
    pace = Pace(per_s=0.5, burst=5)
    for _ in range(5):
        pace.check("a")
    with pytest.raises(Refused) as refused:
        pace.check("a")
    assert refused.value.code == "too_many"
    assert 1 <= refused.value.values["retry_after_s"] <= 2
    pace.check("b")


def test_too_many_calls_of_one_key_are_told_when_to_come_again(
    admin: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "Pace", lambda *_: Pace(per_s=2, burst=300))
    paced = Inside(admin.house, key=admin.key)

    async def storm() -> list[int]:
        answers = [await paced.asked("GET", "/v1/jobs/none") for _ in range(320)]
        limited = [answer for answer in answers if answer.status == 429]
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in limited)
        return [answer.status for answer in answers]

    statuses = asyncio.run(storm())
    assert statuses[-1] == 429
    assert set(statuses) == {404, 429}
    assert statuses[:300] == [404] * 300


@pytest.mark.parametrize(
    ("header", "name"),
    [("a.example:80", "a.example"), ("[2001:db8::1]", "2001:db8::1"), ("", ""), (":80", "")],
)
def test_a_host_is_its_name_alone(header: str, name: str) -> None:
    assert hosts.host_of(header) == name


def test_who_leaves_before_the_end_of_a_body_is_no_fault_of_ours(
    reader: Inside, caplog: pytest.LogCaptureFixture
) -> None:
    async def leaves() -> list[Any]:
        said: list[Any] = []
        left = [{"type": "http.request", "body": b"{", "more_body": True}]

        async def receive() -> Any:
            return left.pop() if left else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            said.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/v1/settings", "query_string": b"",
            "root_path": "", "scheme": "http", "server": ("127.0.0.1", 1), "client": ("::1", 2),
            "http_version": "1.1",
            "headers": [
                (b"host", b"localhost"), (b"content-length", b"500"),
                (b"authorization", f"Bearer {key_of(reader.house, 'admin')}".encode()),
            ],
        }  # fmt: skip
        await reader.app(scope, receive, send)
        return said

    assert asyncio.run(leaves()) == []
    assert caplog.records == []
