"""What stands on pages that name one thing, for every role: decisions, questions, health, diary."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.doors.console.inside import ROLES, Person, a_house, text_of
from tests.doors.console.looking import KEY

from renwei.app.house import House


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A small shop with a decision and two questions."""
    with a_house(tmp_path_factory.mktemp("shown")) as house:
        owner = Person(house, "owner")
        owner.post("/questions", {"fact": "skin"})
        owner.post("/questions", {"text_en": "Which scent?", "en0": "Rose", "en1": "Lemon"})
        house.call("next", person="13800010001")
        yield house


@pytest.fixture(scope="module")
def people(house: House) -> dict[str, Person]:
    return {role: Person(house, role) for role in ROLES}


def linked(person: Person, page: str, pattern: str) -> list[str]:
    """Addresses on a page that look so."""
    return list(dict.fromkeys(re.findall(rf'href="({pattern})"', person.get(page).body.decode())))


PLACES = {
    "decisions": ("/decisions?person=13800010001", r"/decisions/[\w-]+"),
    "questions": ("/questions", r"/questions/[\w-]+"),
    "imports": ("/imports", r"/imports/i-[\w-]+"),
    "people": ("/people", r"/people/p[\w]+"),
    "days": ("/diary", r"/diary\?day=[\d-]+"),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", list(PLACES))
def test_one_thing_can_be_opened_by_every_role_that_reads(
    people: dict[str, Person], name: str, role: str
) -> None:
    page, pattern = PLACES[name]
    found = linked(people["owner"], page, pattern)
    assert found, f"nothing to open on {page}"
    for place in found[:3]:
        answer = people[role].get(place)
        assert answer.status == 200, f"{place}: {text_of(answer)}"
        assert not KEY.findall(text_of(answer)), place


def test_a_decision_says_why_from_what_and_that_it_draws_the_same(
    people: dict[str, Person],
) -> None:
    place = linked(people["owner"], "/decisions?person=13800010001", r"/decisions/[\w-]+")[0]
    page = text_of(people["owner"].get(place))
    assert "comes out the same" in page
    assert "What was possible" in page
    assert "at_risk" not in page
    assert "silence" not in page


def test_health_tells_problems_lights_and_the_step_one_stands_on(
    people: dict[str, Person], house: House
) -> None:
    owner = people["owner"]
    page = text_of(owner.get("/health"))
    assert "You are here" in page or "you are here" in page.lower()
    assert 'hx-get="/health/lights"' in owner.get("/health").body.decode()
    owner.get("/health/lights", hx_request="true")
    job = house.lately("readiness", "en")
    assert job.ended.wait(120)
    part = owner.get("/health/lights", hx_request="true")
    assert part.status == 200
    assert part.body.decode().count('class="light') >= 5
    whole = owner.get("/health?lights=1")
    assert whole.body.decode().count('class="light') >= 5, "without scripts too"


def test_lights_are_tried_anew_when_files_came_in_since(
    people: dict[str, Person], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    people["owner"].get("/health/lights")
    first = house.lately("readiness", "en")
    assert first.ended.wait(120)
    people["owner"].get("/health/lights")
    assert house.lately("readiness", "en") is first
    monkeypatch.setattr(first, "begun", first.begun.replace(year=2020))
    monkeypatch.setattr("renwei.app.house.LATELY", first.since.max - first.since.min)
    people["owner"].get("/health/lights")
    assert house.lately("readiness", "en") is not first


def test_a_day_of_the_diary_can_be_turned_back_and_nonsense_is_refused(
    people: dict[str, Person],
) -> None:
    assert people["owner"].get("/diary?day=2026-09-19").status == 200
    assert people["owner"].get("/diary?day=someday").status == 400
    assert people["owner"].get("/diary?day=9999-12-31").status in (200, 400)
    assert people["owner"].get("/diary?day=0001-01-01").status in (200, 400)


@pytest.mark.parametrize("query", ["?day=x", "?person=nobody-at-all", "?day=2020-01-01"])
def test_decisions_that_are_not_there_are_said(people: dict[str, Person], query: str) -> None:
    answer = people["owner"].get(f"/decisions{query}")
    assert answer.status in (200, 400, 404)
    assert "Traceback" not in text_of(answer)


@pytest.mark.parametrize(
    "place", ["/live?after=-1", "/live?after=99999999999999999999", "/live?after=x"]
)
def test_an_odd_position_is_no_fault_of_ours(people: dict[str, Person], place: str) -> None:
    assert people["owner"].get(place).status in (200, 400)


def test_every_line_of_the_diary_leads_to_what_it_tells_of(people: dict[str, Person]) -> None:
    owner = people["owner"]
    page = owner.get("/diary").body.decode()
    lines = page[page.index('<div class="grid">') :].split("</main>")[0]
    found = re.findall(r'<li><a href="([^"]+)"', lines)
    assert found
    for place in found:
        assert owner.get(place.replace("&amp;", "&")).status in (200, 303), place
