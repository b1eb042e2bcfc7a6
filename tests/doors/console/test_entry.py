from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.doors.console.inside import ROLES, Person, a_house, text_of, told
from tests.doors.http.conftest import AT

from renwei.app.house import House
from renwei.core.errors import BadInput
from renwei.trust import accounts

PASSWORD = "correct horse 电池"
ELSEWHERE = ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path) as house:
        yield house


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path, empty=True) as house:
        yield house


def begun(house: House, **fields: str) -> tuple[Person, Any]:
    link = accounts.first_welcome(house.shop(), AT)
    person = Person(house)
    who = {"email": "mei@example.com", "name": "Mei", "password": PASSWORD} | fields
    return person, person.post(f"/welcome/{link}", who)


def test_the_first_link_makes_the_owner_and_lets_them_in_once(fresh: House) -> None:
    link = accounts.first_welcome(fresh.shop(), AT)
    person = Person(fresh)
    assert person.get(f"/welcome/{link}").status == 200
    who = {"email": "mei@example.com", "name": "Mei", "password": PASSWORD}
    answer = person.post(f"/welcome/{link}", who)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert person.get("/settings/team").status == 200
    again = Person(fresh).post(f"/welcome/{link}", {**who, "email": "eve@example.com"})
    assert again.status in (400, 403, 404)
    assert "renwei" not in again.headers.get("set-cookie", "")


def test_a_short_password_is_said_beside_what_was_typed(fresh: House) -> None:
    _, answer = begun(fresh, password="short")
    assert answer.status == 400
    assert 'value="mei@example.com"' in answer.body.decode()
    assert 'role="alert"' in answer.body.decode()


def test_wrong_password_and_unknown_email_are_answered_alike(house: House) -> None:
    Person(house, "owner")
    said = []
    for email in ("owner@example.com", "nobody@example.com"):
        answer = Person(house).post("/sign-in", {"email": email, "password": "not it at all"})
        assert answer.status == 401
        said.append(text_of(answer))
    assert said[0].replace("owner@", "nobody@") == said[1]


def test_many_wrong_passwords_are_slowed_down_with_a_sentence(house: House) -> None:
    Person(house, "owner")
    stranger = Person(house)
    statuses = [
        stranger.post("/sign-in", {"email": "owner@example.com", "password": f"wrong {k}"}).status
        for k in range(12)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    right = stranger.post("/sign-in", {"email": "owner@example.com", "password": PASSWORD})
    assert right.status == 429


def test_sign_in_leads_back_to_where_one_wanted_to_be(house: House) -> None:
    Person(house, "owner")
    person = Person(house)
    sent = person.get("/people?q=mei&stage=new")
    assert sent.headers["location"] == "/sign-in?to=" + quote("/people?q=mei&stage=new", safe="")
    fields = {"email": "owner@example.com", "password": PASSWORD, "to": "/people?q=mei&stage=new"}
    assert person.post("/sign-in", fields).headers["location"] == "/people?q=mei&stage=new"


@pytest.mark.parametrize("to", ELSEWHERE)
def test_no_address_leads_out_of_the_console(house: House, to: str) -> None:
    owner = Person(house, "owner")
    assert owner.get(f"/sign-in?to={quote(to, safe='')}").headers["location"] == "/"
    assert owner.post("/language", {"language": "zh", "to": to}).headers["location"] == "/"
    person = Person(house)
    fields = {"email": "owner@example.com", "password": PASSWORD, "to": to}
    assert person.post("/sign-in", fields).headers["location"] == "/"
    job = house.start("version", by=_id(house, "owner@example.com"))
    assert job.ended.wait(30)
    answer = owner.get(f"/jobs/{job.id}?then={quote(to, safe='')}")
    assert answer.headers["location"] == "/"


def _id(house: House, email: str) -> str:
    team = house.call("team list").team
    return str(next(one.id for one in team if one.email == email))


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    Person(house, "owner")
    person = Person(house)
    answer = person.post("/sign-in", {"email": "owner@example.com", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_sign_out_ends_the_session_on_the_server_too(house: House) -> None:
    owner = Person(house, "owner")
    kept = dict(owner.cookies)
    owner.post("/sign-out")
    stale = Person(house, cookies=kept)
    assert stale.get("/people").status == 303


def test_a_part_of_a_page_whose_session_ended_takes_the_whole_page_to_sign_in(
    house: House,
) -> None:
    person = Person(house)
    headers = {"hx_request": "true", "hx_current_url": "http://127.0.0.1:8400/live?x=1"}
    answer = person.get("/live?after=1", **headers)
    assert answer.status == 204
    assert answer.headers["hx-redirect"] == "/sign-in?to=" + quote("/live?x=1", safe="")


def test_a_form_sent_after_the_session_ended_leads_back_to_its_page(house: House) -> None:
    person = Person(house)
    came = "http://127.0.0.1:8400/settings/team?x=1"
    answer = person.post("/settings/team", {"role": "viewer"}, referer=came)
    assert answer.headers["location"].endswith(quote("/settings/team?x=1", safe=""))
    other = person.post("/settings/team", {"role": "viewer"}, referer="https://evil.example/a")
    assert other.headers["location"].endswith(quote("/", safe=""))


def test_the_language_is_kept_in_this_browser_and_in_the_account(house: House) -> None:
    owner = Person(house, "owner", language="")
    assert 'lang="zh-CN"' in owner.get("/imports").body.decode()
    owner.post("/language", {"language": "en", "to": "/imports"})
    assert '<html lang="en">' in owner.get("/imports").body.decode()
    elsewhere = Person(house, cookies={"renwei": owner.cookies["renwei"]}, language="")
    assert '<html lang="en">' in elsewhere.get("/imports").body.decode()


def test_an_unknown_language_changes_nothing(house: House) -> None:
    owner = Person(house, "owner")
    owner.post("/language", {"language": "xx", "to": "/imports"})
    assert owner.cookies["lang"] == "en"


def test_a_reset_link_sets_a_new_password_and_ends_the_old_sessions(house: House) -> None:
    owner = Person(house, "owner")
    made = house.call("reset-password", email="owner@example.com")
    link = re.search(r"/reset/[\w-]+", str(made))
    assert link
    person = Person(house)
    assert person.get(link[0]).status == 200
    assert person.post(link[0], {"password": "short"}).status == 400
    answer = person.post(link[0], {"password": "another long one 7"})
    assert answer.status == 303
    assert person.get("/people").status == 200
    assert owner.get("/people").status == 303
    assert person.get(link[0]).status in (400, 403, 404)


def test_the_demo_door_stays_shut_where_there_is_no_demo(house: House) -> None:
    answer = Person(house).post("/enter-demo", {"to": "/"})
    assert answer.status == 403
    assert "renwei" not in answer.headers.get("set-cookie", "")


def test_a_job_is_shown_to_whoever_started_it_alone(house: House) -> None:
    owner, other = Person(house, "owner"), Person(house, "marketer")
    job = house.start("version", by=_id(house, "owner@example.com"))
    assert job.ended.wait(30)
    assert owner.get(f"/jobs/{job.id}?then=/imports").headers["location"] == "/imports"
    assert other.get(f"/jobs/{job.id}?then=/imports").status == 404


def test_a_running_job_says_how_far_it_is_and_survives_a_reload(house: House) -> None:
    import threading

    go = threading.Event()

    def work(progress: Any) -> str:
        progress("reading", 300, 1000)
        go.wait(30)
        raise BadInput("no_files")

    owner = Person(house, "owner")
    job = house.jobs.start("import", work, by=_id(house, "owner@example.com"))
    try:
        while not job.of:
            go.wait(0.01)
        for _ in range(2):
            page = text_of(owner.get(f"/jobs/{job.id}?then=/imports"))
            assert "Reading · 300 / 1,000" in page
        part = owner.get(f"/jobs/{job.id}?then=/imports", hx_request="true")
        assert "<html" not in part.body.decode()
        assert 'max="1000" value="300"' in part.body.decode()
        assert f"/jobs/{job.id}" in owner.get("/imports").body.decode()
    finally:
        go.set()
    assert job.ended.wait(30)
    part = owner.get(f"/jobs/{job.id}?then=/imports/done/x/JOB", hx_request="true")
    assert part.headers["hx-redirect"] == f"/imports/done/x/{job.id}"
    failed = owner.get(f"/imports/done/{'0' * 32}/{job.id}")
    assert failed.status == 400
    assert "No files" in text_of(failed) or "file" in text_of(failed)


def test_who_signs_in_is_told_nothing_about_others(house: House) -> None:
    for role in ROLES:
        assert told(Person(house, role)) == ""
