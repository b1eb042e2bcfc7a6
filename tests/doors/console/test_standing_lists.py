"""Today's list and other long answers, without a browser: what stands, and what changes them."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from starlette.requests import Request
from tests.doors.http.calls import Inside
from tests.doors.http.conftest import _stocked, house, session_of

from renwei.app.house import House
from renwei.core.errors import UnknownName
from renwei.doors.console import gate, kept
from renwei.doors.console.amounts import hour, rounded
from renwei.doors.console.frame import Visit
from renwei.doors.console.people.person import laid_flat
from renwei.doors.console.today import morning
from renwei.trust import accounts

__all__ = ["_stocked", "house"]
ASK = ("zh", 0, 25)


def inside(house: House, role: str) -> Inside:
    """The house's pages, seen by somebody of this role."""
    token = session_of(house, role)
    headers = {"cookie": f"renwei={token}; lang=zh", "x-csrf-token": accounts.csrf_of(token)}
    return Inside(house, headers=headers)


def visit_of(house: House) -> Visit:
    """A visit of the owner's to the first page."""
    token = session_of(house, "owner")
    cookie = (b"cookie", f"renwei={token}".encode())
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": [cookie]}
    request = Request(scope | {"query_string": b"", "server": ("127.0.0.1", 80), "scheme": "http"})
    return Visit(request, house, gate.visitor(house, request), "zh")


def listed(house: House) -> Any:
    """The list of the day, however long it takes."""
    today = morning.morning_of(house)
    while (answer := morning.drawn(house, today, ASK)) is None:
        pass
    return answer


def test_a_list_stands_while_nothing_happens_and_is_drawn_anew_after_a_no(house: House) -> None:
    first = listed(house)
    assert first.people
    assert listed(house) is first
    person = first.people[0].person
    house.call("consent withdraw", person=person)
    again = listed(house)
    assert again is not first
    assert person not in [line.person for line in again.people]


def test_a_mark_leaves_the_list_as_it_is_wherever_it_was_made(house: House) -> None:
    first = listed(house)
    line = first.people[0]
    house.call("skip", decision=line.decision_id)
    assert listed(house) is first
    assert morning.morning_of(house).marks[line.person].done == "skip"
    house.call("skip", decision=line.decision_id, undo=True)
    assert line.person not in morning.morning_of(house).marks


def test_who_is_forgotten_is_gone_from_what_was_done_today(house: House) -> None:
    line = listed(house).people[0]
    house.call("done", decision=line.decision_id, text="你好")
    pages = inside(house, "owner")
    assert line.name in pages.get("/").body.decode()
    house.call("forget", person=line.person)
    listed(house)
    body = pages.get("/").body.decode()
    assert line.name not in body
    assert line.person not in body
    assert not morning.morning_of(house).marks


def test_a_merge_draws_the_list_anew(house: House) -> None:
    first = listed(house)
    house.call("merge", kept="13800010001", gone="13800010002")
    assert listed(house) is not first


def test_lists_drawn_at_once_share_the_day_without_a_fault(house: House) -> None:
    today = morning.morning_of(house)
    asks = [(language, minutes, 0) for language in ("zh", "en") for minutes in (0, 5, 20)]
    with ThreadPoolExecutor(len(asks)) as pool:
        answers = list(pool.map(lambda ask: morning.draw(house, today, ask), asks))
    assert all(answer.people is not None for answer in answers)
    assert set(today.lists) == set(asks)


def test_what_was_done_today_uses_up_the_lines_of_the_next_list(house: House) -> None:
    line = listed(house).people[0]
    house.call("done", decision=line.decision_id)
    today = morning.morning_of(house)
    assert morning.asked(today, ASK) == {"limit": 24}
    assert morning.asked(today, ("zh", 30, 0)) == {"minutes": 30}


def test_a_viewer_sees_masked_names_and_can_mark_and_export_nothing(house: House) -> None:
    decision = listed(house).people[0].decision_id
    seen = inside(house, "viewer")
    body = seen.get("/").body.decode()
    assert "<article" in body
    assert not re.search("张小美|李强|13800010001", body)
    assert "textarea" not in body
    assert f"/today/{decision}/done" not in body
    assert seen.post(f"/today/{decision}/done").status == 403
    assert seen.get("/today.xlsx").status == 403


def test_a_marketer_marks_and_a_word_that_is_no_mark_is_refused(house: House) -> None:
    decision = listed(house).people[0].decision_id
    hers = inside(house, "marketer")
    assert hers.post(f"/today/{decision}/done").status == 303
    assert hers.post(f"/today/{decision}/eat").status == 404
    assert hers.post("/today/nobody/done").status == 404


def test_a_form_from_elsewhere_changes_nothing(house: House) -> None:
    decision = listed(house).people[0].decision_id
    owner = inside(house, "owner")
    cookie = {"cookie": owner.headers["cookie"]}
    assert owner.with_(headers=cookie).post(f"/today/{decision}/skip").status == 403
    assert not morning.morning_of(house).marks


@pytest.mark.parametrize("path", ["/", "/people", "/flow", "/report", "/today.xlsx"])
def test_who_is_not_signed_in_is_asked_to(house: House, path: str) -> None:
    answer = Inside(house).get(path)
    assert answer.status == 303
    assert answer.headers["location"].startswith("/sign-in?to=")


def test_long_answers_are_worked_out_once_and_kept_until_people_change(house: House) -> None:
    visit = visit_of(house)

    def asked() -> Any:
        while (answer := kept.answer(visit, "tiers")) is None:
            pass
        return answer

    with ThreadPoolExecutor(4) as pool:
        answers = [job.result() for job in [pool.submit(asked) for _ in range(4)]]
    assert all(answer is answers[0] for answer in answers)
    house.call("merge", kept="13800010001", gone="13800010002")
    assert asked() is not answers[0]


def test_a_long_answer_that_is_refused_is_refused_each_time(house: House) -> None:
    visit = visit_of(house)

    def asked() -> None:
        while kept.answer(visit, "tiers", list="golden") is None:
            pass

    for _ in range(2):
        with pytest.raises(UnknownName):
            asked()


def test_an_answer_too_old_is_worked_out_anew(house: House) -> None:
    visit = visit_of(house)

    def asked(for_s: float) -> Any:
        while (answer := kept.answer(visit, "tiers", for_s=for_s)) is None:
            pass
        return answer

    first = asked(600)
    assert asked(600) is first
    assert asked(-1) is not first


def test_money_is_rounded_by_its_own_unit_and_hours_are_near_or_dated(house: House) -> None:
    assert rounded(123456, "CNY", "en") == "¥1,235"
    assert rounded(815, "JPY", "en") == "JP¥815"
    assert rounded(-150, "CNY", "zh") == "-¥2"
    said = hour(replace(visit_of(house), language="en"), date(2026, 9, 20))
    assert said("2026-09-20T20:30:00+08:00") == "today, 20:30"
    assert said("2026-09-21T09:00:00+08:00") == "tomorrow, 09:00"
    assert said("2026-09-25T09:00:00+08:00") == "25 Sep 2026, 09:00"


def test_what_reads_everybody_first_is_begun_once_and_then_stays_begun(house: House) -> None:
    visit = visit_of(house)
    while not kept.begun(visit, "people", limit=1):
        pass
    jobs = len(house.jobs.running())
    assert kept.begun(visit, "people", limit=1)
    assert len(house.jobs.running()) == jobs == 0


def test_one_who_alone_answers_a_question_is_shown_at_once(house: House) -> None:
    pages = inside(house, "owner")
    while (answer := pages.get("/people?q=13800010002")).status == 200:
        assert b"waiting=1" in answer.body
    assert answer.status == 303
    assert re.fullmatch(r"/people/p\w{13}", answer.headers["location"])


def test_what_was_sent_is_laid_flat_one_value_a_line() -> None:
    sent = {"properties": {"query": "sun", "tags": ["a", 2], "none": None}, "ip": "1.2.3.4"}
    assert laid_flat(sent) == [
        ("properties.query", "sun"),
        ("properties.tags", "a, 2"),
        ("ip", "1.2.3.4"),
    ]
