from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from starlette.requests import Request
from tests.doors.http.calls import Inside

from renwei.app import build
from renwei.core.errors import Ambiguous, BadInput, Refused, RenweiError, Unavailable, UnknownName
from renwei.doors.http import problems

NAME = "019b76da-a800-7000-8000-000000000000"


def request(path: str = "/v1/x") -> Request:
    return Request(
        {
            "type": "http",
            "path": path,
            "method": "GET",
            "headers": [],
            "state": {"request_id": NAME},
        }
    )


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (BadInput("bad_zone", found="x"), 400),
        (UnknownName("unknown_person", name="ann"), 404),
        (UnknownName("unknown_setting", name="colour"), 400),
        (Ambiguous("ambiguous_person", name="x", matches=["p1"]), 409),
        (Refused("not_allowed", scope="write"), 403),
        (Refused("no_key"), 401),
        (Refused("too_many", retry_after_s=7), 429),
        (Unavailable("in_use", path="/x"), 503),
        (Unavailable("disk_full", path="/x"), 503),
        (BadInput("too_large", most=5), 413),
    ],
)
def test_a_fault_has_the_status_its_kind_says(fault: RenweiError, status: int) -> None:
    answer = problems.answer_to(fault, request(), "en", named=["ann"])
    assert answer.status_code == status
    said = json.loads(bytes(answer.body))
    assert said["status"] == status
    assert said["code"] == fault.code
    assert said["type"] == f"/errors/{fault.code}"
    assert said["instance"] == f"urn:uuid:{NAME}"
    assert answer.headers["content-type"].startswith("application/problem+json")
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_status_and_every_code_of_this_door_has_words(language: str) -> None:
    keys = build.words().keys(language)
    assert {f"http.status.{status}" for status in problems.STATUSES} <= keys
    codes = {key for key in build.words().keys("en") if key.startswith("errors.")}
    assert codes <= keys


def test_a_problem_is_told_in_the_language_asked_for(reader: Inside) -> None:
    english = reader.get("/v1/people/nobody", accept_language="en-GB,en")
    chinese = reader.get("/v1/people/nobody", accept_language="zh-CN,zh;q=0.9,en;q=0.8")
    assert english.status == chinese.status == 404
    assert english.json["code"] == chinese.json["code"] == "unknown_person"
    assert english.json["detail"].startswith("Nobody goes by nobody.")
    assert english.headers["content-language"] == "en"
    assert "nobody" in chinese.json["detail"]
    assert any("一" <= sign <= "鿿" for sign in chinese.json["detail"])
    assert any("一" <= sign <= "鿿" for sign in chinese.json["title"])
    assert reader.get("/v1/people/nobody").headers["content-language"] == "zh"  # the shop's


def test_an_address_where_nothing_is_says_so_and_a_wrong_method_what_is_allowed(
    reader: Inside,
) -> None:
    nothing = reader.get("/v1/peeple")
    assert (nothing.status, nothing.json["code"]) == (404, "unknown_path")
    wrong = reader.ask("PATCH", "/v1/settings")
    assert (wrong.status, wrong.json["code"]) == (405, "wrong_method")
    assert wrong.headers["allow"] == "GET, HEAD, POST"
    assert reader.ask("POST", "/v1/livez").headers["allow"] == "GET, HEAD"
    assert reader.get("/v1").status == 404
    assert reader.get("/v1/people/").status in (404, 405)


@pytest.mark.parametrize(
    ("place", "body", "code", "field"),
    [
        ("GET /v1/tiers?limit=many", None, "wrong_type", "limit"),
        ("GET /v1/tiers?limit=9007199254740993", None, "wrong_type", "limit"),
        ("GET /v1/tiers?limit=1&limit=2", None, "given_twice", "limit"),
        ("GET /v1/tiers?colour=red", None, "unknown_field", "colour"),
        ("GET /v1/today?at=yesterday", None, "bad_field", "at"),
        ("GET /v1/today?at=0001-01-01T00:00:00Z", None, "wrong_type", "at"),
        ("GET /v1/today?minutes=0", None, "wrong_type", "minutes"),
        ("GET /v1/today?out=/tmp/x.xlsx", None, "unknown_field", "out"),
        ("POST /v1/settings", {"key": 1, "value": "x"}, "wrong_type", "key"),
        ("POST /v1/settings", {"key": "zone"}, "missing_field", "value"),
        ("POST /v1/settings", {"key": "zone", "value": "x", "by": "me"}, "unknown_field", "by"),
        ("POST /v1/settings", {"key": "zone", "value": "a\0b"}, "wrong_type", "value"),
        ("POST /v1/settings", {"key": "zone", "value": "\ud800"}, "bad_json", None),
        ("POST /v1/settings", b"[1]", "not_an_object", None),
        ("POST /v1/settings", b"{", "bad_json", None),
        ("POST /v1/settings", b"[" * 100_000, "bad_json", None),
        ("POST /v1/settings", {"key": "zone", "value": "Mars/Base"}, "bad_zone", None),
        ("POST /v1/settings", {"key": "colour", "value": "red"}, "unknown_setting", None),
    ],
)
def test_what_is_wrong_in_a_request_is_named(
    admin: Inside, place: str, body: object, code: str, field: str | None
) -> None:
    method, path = place.split(" ")
    answer = admin.ask(method, path, body, {"accept-language": "en"})
    assert answer.status == 400, answer.body
    assert answer.json["code"] == code
    assert answer.json["values"].get("field") == field
    if field:
        assert field in answer.json["detail"]


def test_a_body_of_another_kind_and_one_too_large_are_refused(admin: Inside) -> None:
    answer = admin.ask("POST", "/v1/settings", b"key=zone", {"content-type": "text/plain"})
    assert answer.status == 415
    large = admin.post("/v1/settings", b" " * ((1 << 20) + 1), content_type="application/json")
    assert large.status == 413
    assert large.headers["connection"] == "close"


def test_what_nobody_foresaw_is_a_500_with_an_id_that_the_log_has_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, "renwei.http")
    try:
        int("13800010001 x")
    except ValueError as broken:
        answer = problems.unexpected(broken, request(), "en")
    said = json.loads(bytes(answer.body))
    assert (answer.status_code, said["code"]) == (500, "unexpected")
    assert NAME in said["detail"]
    assert "13800010001" not in bytes(answer.body).decode() + caplog.text
    assert "Traceback" not in bytes(answer.body).decode()
    assert [record.__dict__["id"] for record in caplog.records] == [NAME]


def test_a_full_disk_is_said_as_such_and_when_to_come_again() -> None:
    answer = problems.unexpected(OSError(28, "No space left on device", "/data"), request(), "en")
    assert answer.status_code == 503
    assert json.loads(bytes(answer.body))["code"] == "disk_full"
    assert answer.headers["retry-after"] == "60"


def test_each_type_of_problem_has_a_page_in_both_languages(reader: Inside) -> None:
    page = reader.get("/errors/unknown_person", accept_language="en").body.decode()
    assert "unknown_person" in page
    assert build.words().template("errors.unknown_person", "zh")[:6] in page
    assert reader.get("/errors/no_such_code").status == 404


def test_no_page_of_an_error_lets_markup_through(reader: Inside, tmp_path: Path) -> None:
    answer = reader.get("/errors/%3Cscript%3E")
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
