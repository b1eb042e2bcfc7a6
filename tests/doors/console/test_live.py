from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.doors.console.inside import Person, a_house, hidden, text_of
from tests.doors.http.calls import Answer

from renwei.app.house import House
from renwei.trust import keys

VIEW = {
    "userId": "u1",
    "event": "Product Viewed",
    "properties": {"product_id": "C1", "name": "Soap", "dwell_ms": 12000},
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path, work=True) as house:
        yield house


@pytest.fixture
def owner(house: House) -> Person:
    return Person(house, "owner")


def sent(house: House, path: str, body: dict[str, Any]) -> None:
    """As an app sends it."""
    key = keys.create(house.shop(), "ingest", "app", house.clock.now())[1]
    basic = b64encode(f"{key}:".encode()).decode()
    answer = Person(house).ask(
        "POST", path, json.dumps(body).encode(), authorization=f"Basic {basic}"
    )
    assert answer.status == 200, answer.body


def settled(owner: Person, path: str, sign: str) -> Answer:
    """The page once what was sent has come through."""
    until = time.monotonic() + 10
    answer = owner.get(path)
    while sign not in text_of(answer) and time.monotonic() < until:
        time.sleep(0.05)
        answer = owner.get(path)
    assert sign in text_of(answer)
    return answer


def test_an_event_is_told_in_words_with_its_details(house: House, owner: Person) -> None:
    sent(house, "/v1/track", VIEW)
    page = text_of(settled(owner, "/live", "Soap"))
    assert "looked at · Soap" in page
    assert "12 s" in page


def test_only_what_came_since_is_asked_again(house: House, owner: Person) -> None:
    sent(house, "/v1/track", VIEW)
    settled(owner, "/live", "Soap")
    position = house.shop().store.log.position()
    nothing = owner.get(f"/live?after={position}", hx_request="true")
    assert nothing.status == 204
    sent(house, "/v1/track", {**VIEW, "event": "Product Liked"})
    part = owner.get(f"/live?after={position}", hx_request="true")
    assert part.status == 200
    assert part.body.decode().count("data-label") == 5, "one new line"


def test_a_refused_event_says_field_and_reason_and_comes_in_once_mended(
    house: House, owner: Person
) -> None:
    sent(house, "/v1/track", {**VIEW, "timestamp": "yesterday"})
    page = settled(owner, "/live/rejected", "yesterday")
    assert "timestamp" in text_of(page)
    place = page.body.decode().split('href="/live/rejected/')[1].split('"')[0]
    still = owner.post(f"/live/rejected/{place}", {"body": '{"type": "track"}'})
    assert still.status == 400
    assert "event" in text_of(still)
    broken = owner.post(f"/live/rejected/{place}", {"body": "{not json"})
    assert broken.status == 400
    mended = json.dumps({**VIEW, "type": "track"})
    assert owner.post(f"/live/rejected/{place}", {"body": mended}).status == 303
    settled(owner, "/live", "looked at · Soap")
    assert place not in owner.get("/live/rejected").body.decode()


def test_an_agent_sees_what_was_refused_and_mends_nothing(house: House) -> None:
    sent(house, "/v1/track", {**VIEW, "timestamp": "yesterday"})
    agent = Person(house, "agent")
    page = settled(agent, "/live/rejected", "yesterday")
    assert 'href="/live/rejected/' not in page.body.decode()


def test_a_viewer_sees_events_without_names(house: House) -> None:
    sent(
        house, "/v1/identify", {"userId": "u1", "traits": {"phone": "13800010001", "name": "李雷"}}
    )
    sent(house, "/v1/track", VIEW)
    viewer = Person(house, "viewer")
    page = text_of(settled(viewer, "/live", "Soap"))
    assert "李雷" not in page
    assert "13800010001" not in page


def test_the_page_says_how_to_connect_with_our_own_address(owner: Person) -> None:
    page = text_of(owner.get("/live"))
    assert "curl -u KEY: http://127.0.0.1:8400/v1/track" in page
    assert "analytics.write_key" in page


def test_the_question_form_of_a_customer_lands_on_the_profile(house: House, owner: Person) -> None:
    made = owner.post("/questions", {"fact": "skin"})
    question = made.headers["location"]
    page = owner.get(question).body.decode()
    link = page.split('href="/q/')[1].split('"')[0]
    customer = Person(house)
    form = customer.get(f"/q/{link}")
    assert form.status == 200
    fields = {
        "nonce": hidden(form, "nonce"),
        "choice": "dry",
        "phone": "13800010001",
        "consent": form.body.decode().split('name="consent" value="')[1].split('"')[0],
    }
    thanks = customer.raw(f"/q/{link}", fields)
    assert thanks.status == 200, text_of(thanks)
    facts = str(house.call("person", person="13800010001"))
    assert "skin" in facts
    assert "dry" in facts
    again = customer.raw(f"/q/{link}", fields)
    assert again.status == 200
    assert house.call("questions show", question=question.rpartition("/")[2]).answers == 1


def test_a_question_in_own_words_needs_no_technical_name(house: House, owner: Person) -> None:
    fields = {"text_zh": "喜欢什么香味？", "zh0": "玫瑰", "zh1": "柑橘", "en1": "Citrus"}
    made = owner.post("/questions", fields)
    assert made.status == 303, text_of(made)
    one = house.call(
        "questions list",
    ).questions[0]
    assert [count.label for count in one.counts][:2] == ["玫瑰", "柑橘"]
    few = owner.post("/questions", {"text_zh": "只有一个回答？", "zh0": "是"})
    assert few.status == 400


def test_a_closed_question_says_so_and_takes_nothing(house: House, owner: Person) -> None:
    question = owner.post("/questions", {"fact": "skin"}).headers["location"]
    link = owner.get(question).body.decode().split('href="/q/')[1].split('"')[0]
    owner.post(f"{question}/close")
    page = Person(house).get(f"/q/{link}")
    assert 'name="choice"' not in page.body.decode()


def test_a_made_up_link_is_a_page_not_a_form(house: House) -> None:
    answer = Person(house).get("/q/made-up")
    assert answer.status in (400, 403, 404)
    assert "Traceback" not in text_of(answer)


def test_a_code_in_the_answer_page_can_be_scanned(owner: Person) -> None:
    question = owner.post("/questions", {"fact": "skin"}).headers["location"]
    page = owner.get(question).body.decode()
    assert "<svg" in page
    assert "style=" not in page
