from __future__ import annotations

import io
import json
import re
import time
import zipfile
from pathlib import Path

import pytest
from tests.doors.conftest import ORDERS
from tests.doors.http.calls import Answer, Inside
from tests.doors.http.conftest import key_of

from renwei.app.house import House
from renwei.core.shop import Progress
from renwei.doors.http import jobs

MORE = ORDERS.replace("1001,", "2001,").replace("1002,", "2002,").replace("1003,", "2003,")
LATER = MORE.replace("1004,", "2004,").encode("gb18030")


def form(*files: tuple[str, bytes], **fields: str) -> tuple[bytes, dict[str, str]]:
    """A form as a browser sends it."""
    edge, parts = "----edge", []
    for name, value in fields.items():
        parts.append(
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        )
    whole = "".join(parts).encode()
    for name, data in files:
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        whole += head.encode() + data + b"\r\n"
    kind = {"content-type": f"multipart/form-data; boundary={edge}", "prefer": "wait"}
    return whole + f"--{edge}--\r\n".encode(), kind


def left_over(admin: Inside) -> list[Path]:
    return list((admin.house.directory / "uploads").glob("*"))


def watched(admin: Inside, place: str) -> Answer:
    """A job until it ends."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        answer = admin.get(place)
        if answer.json["state"] != "running":
            return answer
        time.sleep(0.05)
    raise AssertionError(place)


def test_a_file_is_imported_as_a_job_that_can_be_watched(admin: Inside) -> None:
    begun = admin.ask("POST", "/v1/imports?name=orders.csv", LATER)
    assert begun.status == 202, begun.body
    assert begun.json["state"] == "running"
    assert begun.headers["location"] == f"/v1/jobs/{begun.json['id']}"
    ended = watched(admin, begun.headers["location"])
    assert ended.json["state"] == "done"
    assert ended.json["answer"]["added"] == 4
    assert ended.json["answer"]["files"] == ["orders.csv"]
    name = ended.json["answer"]["import_id"]
    listed = [one["import_id"] for one in admin.get("/v1/imports").json["imports"]]
    assert listed[0] == name
    assert admin.get(f"/v1/imports/{name}").json["totals"]["orders"] == 3
    assert left_over(admin) == []


def test_who_waits_gets_the_answer_itself(admin: Inside) -> None:
    answer = admin.ask("POST", "/v1/imports", LATER, {"prefer": "wait=60"})
    assert answer.status == 200
    assert answer.json["added"] == 4


def test_a_form_may_bring_several_files_and_say_how_to_read_them(admin: Inside) -> None:
    body, kind = form(("a.csv", LATER), ("../../b.csv", LATER), dry_run="true")
    answer = admin.ask("POST", "/v1/imports", body, kind)
    assert answer.status == 200, answer.body
    assert [one["name"] for one in answer.json["preview"]] == ["a.csv", "b.csv"]
    assert len(admin.get("/v1/imports").json["imports"]) == 1  # nothing was brought in
    assert left_over(admin) == []


def test_an_import_is_taken_back_once_it_is_confirmed(admin: Inside) -> None:
    name = admin.get("/v1/imports").json["imports"][0]["import_id"]
    place = f"/v1/imports/{name}/undo"
    asked = admin.post(place, {})
    assert (asked.status, asked.json["code"]) == (409, "needs_confirm")
    assert admin.post(place, {"confirm": False}).status == 409
    done = admin.post(place, {"confirm": True}, prefer="wait")
    assert done.status == 200, done.body
    assert done.json["orders"] == 4
    assert admin.get(f"/v1/imports/{name}").json["state"] == "undone"


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "no_files"), (b"\x00\x01\x02 nothing", None), (b"not,orders\n1,2\n", None)],
)
def test_what_is_no_order_file_is_a_clear_problem(
    admin: Inside, data: bytes, code: str | None
) -> None:
    answer = admin.ask("POST", "/v1/imports", data, {"prefer": "wait"})
    assert answer.status == 400, answer.body
    assert answer.json["detail"]
    if code:
        assert answer.json["code"] == code
    assert left_over(admin) == []


def test_a_zip_that_swells_is_refused(admin: Inside) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orders.csv", b"0" * (300 << 20))
    answer = admin.ask("POST", "/v1/imports", packed.getvalue(), {"prefer": "wait"})
    assert (answer.status, answer.json["code"]) == (400, "file_too_large")


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=nowhere", "text/csv"]
)
def test_a_form_that_is_none_is_no_fault_of_ours(admin: Inside, kind: str) -> None:
    answer = admin.ask("POST", "/v1/imports", b"--x\r\nrubbish", {"content-type": kind})
    assert answer.status in (202, 400)
    if answer.status == 202:
        assert watched(admin, answer.headers["location"]).json["problem"]["status"] == 400


def test_a_job_is_shown_to_who_began_it_and_to_administrators_alone(house: House) -> None:
    writer = Inside(house, key_of(house, "write"))
    begun = writer.ask("POST", "/v1/imports", LATER)
    place = begun.headers["location"]
    assert writer.get(place).status == 200
    assert writer.with_(key=key_of(house, "admin")).get(place).status == 200
    assert writer.with_(key=key_of(house, "write")).get(place).status == 404
    assert writer.with_(key=key_of(house, "read")).get(place).status == 404
    watched(writer, place)


def test_a_job_that_fails_says_why_in_the_language_asked_for(admin: Inside) -> None:
    begun = admin.ask("POST", "/v1/imports", b"not,orders\n1,2\n")
    ended = watched(admin, begun.headers["location"])
    assert ended.json["state"] == "failed"
    problem = ended.json["problem"]
    assert problem["status"] == 400
    chinese = admin.get(begun.headers["location"], accept_language="zh").json["problem"]
    assert chinese["code"] == problem["code"]
    assert re.search("[一-鿿]", chinese["detail"])


def test_a_job_tells_how_far_it_is(admin: Inside) -> None:
    def work(progress: Progress) -> int:
        progress("reading", 3, 10)
        time.sleep(0.5)
        return 7

    job = admin.house.jobs.start("import", work, by="")
    time.sleep(0.1)
    shown = admin.get(f"/v1/jobs/{job.id}", accept_language="en").json
    assert (shown["what"], shown["done"], shown["of"]) == ("Reading", 3, 10)
    job.ended.wait(5)
    assert admin.get(f"/v1/jobs/{job.id}").json["answer"] == 7


def test_patience_is_what_the_header_says() -> None:
    assert jobs.patience("wait=2", "GET") == 2
    assert jobs.patience("wait=999999", "POST") == jobs.LONGEST_S
    assert jobs.patience("respond-async", "GET") == 0
    assert jobs.patience("", "POST") == 0


def test_everything_about_a_person_can_be_taken_along(admin: Inside) -> None:
    as_json = admin.get("/v1/people/13800010001/export")
    assert as_json.headers["content-disposition"].endswith('.json"')
    assert "13800010001" in json.dumps(as_json.json, ensure_ascii=False)
    packed = admin.get("/v1/people/13800010001/export?format=zip")
    with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
        endings = sorted(Path(name).suffix for name in archive.namelist())
        data = next(name for name in archive.namelist() if name.endswith(".json"))
        assert set(json.loads(archive.read(data))) == set(as_json.json)
    assert endings == [".json", ".txt"]
    assert admin.get("/v1/people/13800010001/export?format=pdf").status == 400


def test_forgetting_over_http_needs_a_word_and_leaves_nobody(admin: Inside) -> None:
    assert admin.ask("DELETE", "/v1/people/13800010001").status == 409
    assert admin.get("/v1/people/13800010001").status == 200
    done = admin.ask("DELETE", "/v1/people/13800010001?confirm=true")
    assert done.status == 200
    assert done.json["counts"]["events"] >= 2
    assert admin.get("/v1/people/13800010001").status == 404
