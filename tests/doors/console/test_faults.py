from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.doors.console.inside import Person, a_house, text_of
from tests.doors.console.looking import HAN, KEY

from renwei.app.house import House
from renwei.core.errors import Refused, Unavailable
from renwei.doors.console import frame, screen


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with a_house(tmp_path_factory.mktemp("faults")) as house:
        yield house


@pytest.fixture(scope="module")
def owner(house: House) -> Person:
    return Person(house, "owner")


FAULTS = [
    (404, "GET", "/no-such-page", {}),
    (404, "GET", "/people/nobody-at-all", {}),
    (404, "GET", "/jobs/gone", {}),
    (405, "DELETE", "/people", {}),
    (405, "POST", "/flow", {}),
    (403, "POST", "/settings", {"origin": "https://evil.example"}),
    (413, "POST", "/settings", {"content_length": str(1 << 40)}),
    (400, "POST", "/imports", {"content_type": "multipart/form-data"}),
]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("status", "method", "place", "headers"), FAULTS, ids=[f"{f[0]} {f[2]}" for f in FAULTS]
)
def test_what_goes_wrong_is_a_page_with_an_id_to_copy(
    house: House, owner: Person, status: int, method: str, place: str,
    headers: dict[str, str], language: str,
) -> None:  # fmt: skip
    owner.cookies["lang"] = language
    answer = owner.ask(method, place, **headers)
    assert answer.status == status, text_of(answer)
    page = answer.body.decode()
    found = answer.headers["x-request-id"]
    assert f'data-copy="{found}"' in page
    said = re.search(r"<h1>(.*?)</h1>", page, re.S)
    assert said
    assert bool(HAN.search(said[1])) == (language == "zh")
    assert not KEY.findall(text_of(answer))
    assert "Traceback" not in page
    owner.cookies["lang"] = "en"


def test_what_nobody_foresaw_says_an_id_and_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(visit: frame.Visit) -> None:
        raise RuntimeError("the secret is 13800010001")

    one = frame.Registered("GET", "/diary", "read", broken)  # type: ignore[arg-type]
    monkeypatch.setattr(frame, "registered", lambda: [one])
    person = Person(house, "owner")
    answer = person.get("/diary")
    assert answer.status == 500
    assert "13800010001" not in text_of(answer)
    assert "RuntimeError" not in text_of(answer)
    assert answer.headers["x-request-id"] in text_of(answer)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Refused("too_many_tries", retry_after_s=30), 429),
        (Unavailable("disk_full", path="/somewhere"), 503),
    ],
    ids=["429", "503"],
)
def test_a_fault_that_passes_says_when_to_come_back(
    house: House, monkeypatch: pytest.MonkeyPatch, fault: Refused, status: int
) -> None:
    def refuses(visit: frame.Visit) -> None:
        raise fault

    one = frame.Registered("GET", "/diary", "read", refuses)  # type: ignore[arg-type]
    monkeypatch.setattr(frame, "registered", lambda: [one])
    answer = Person(house, "owner").get("/diary")
    assert answer.status == status
    assert int(answer.headers["retry-after"]) > 0


def test_a_part_of_a_page_says_its_fault_in_one_line(owner: Person) -> None:
    answer = owner.get("/people/nobody-at-all", hx_request="true")
    assert answer.status == 404
    assert answer.body.startswith(b'<p class="told bad"')


def test_programs_get_problem_documents_where_people_get_pages(owner: Person) -> None:
    answer = owner.get("/v1/no-such-thing")
    assert answer.status in (401, 404)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_role_reads_why_it_may_not_without_jargon(house: House) -> None:
    answer = Person(house, "viewer").get("/settings/team")
    assert answer.status == 403
    assert "Ask the owner" in text_of(answer)
    assert "admin" not in text_of(answer)


def test_both_languages_know_every_fault() -> None:
    for status in (400, 403, 404, 405, 413, 429, 500):
        assert screen.words().has(f"console.fault.{status}")
