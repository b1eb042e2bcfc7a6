"""Pages of a large shop: what takes long is worked out behind the page, which shows the last."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.doors.console.inside import ROLES, Person, a_house, text_of
from tests.doors.console.looking import KEY
from tests.doors.http.calls import Answer

from renwei.app.house import House
from renwei.core.clock import Frozen
from renwei.core.errors import Unavailable
from renwei.core.nouns import Item

PLACES = {"/health": ("/health/problems", "problems"), "/questions": ("/questions", "next")}
BEING = {"en": "this page shows it in a moment", "zh": "稍等片刻"}


@pytest.fixture
def house(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    """A shop whose every answer about the whole is worked out in a child process."""
    monkeypatch.setattr("renwei.app.house.SMALL", 0)
    with a_house(tmp_path_factory.mktemp("large")) as house:
        yield house


def again(page: Answer) -> str:
    """The address that a page asks every second; "" where it is whole."""
    found = re.search(r'hx-get="(/(?:health/problems|questions)\?[^"]*)"', text(page))
    return found[1] if found else ""


def text(page: Answer) -> str:
    return page.body.decode()


def wait_for(person: Person, place: str) -> Answer:
    """The part that takes the place of what says that it is worked out."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        part = person.get(place, hx_request="true")
        if part.status != 204:
            return part
        time.sleep(0.1)
    raise AssertionError(f"{place} never came")


@pytest.mark.parametrize("page", list(PLACES))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_first_visit_says_that_it_is_being_worked_out_and_shows_it_by_itself(
    house: House, page: str, language: str
) -> None:
    owner = Person(house, "owner", language)
    first = owner.get(page)
    assert first.status == 200
    assert BEING[language] in text_of(first)
    assert not KEY.findall(text_of(first))
    place, id_ = PLACES[page]
    assert again(first).startswith(place)
    assert f'hx-target="#{id_}"' in text(first)
    part = wait_for(owner, again(first))
    assert f'id="{id_}"' in text(part)
    assert "<html" not in text(part)
    assert again(part) == ""
    whole = owner.get(page)
    assert again(whole) == ""
    assert BEING[language] not in text_of(whole)
    local = house.clock.now().astimezone(ZoneInfo(house.shop().settings.zone))
    assert f"{local:%Y-%m-%d %H:%M}" in text_of(whole)
    assert not KEY.findall(text_of(whole))


def test_health_of_a_large_shop_is_what_a_small_one_shows_and_its_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Person(house, "owner")
    wait_for(owner, "/health/problems?shown=")
    large = text(owner.get("/health"))
    monkeypatch.setattr("renwei.app.house.SMALL", 1_000)
    small = text(owner.get("/health"))
    said = r'<p class="note">As of [0-9: -]+\.</p>\n'
    assert len(re.findall(said, large)) == 1
    assert not re.findall(said, small)
    assert body(re.sub(said, "", large)) == body(small)


def body(page: str) -> str:
    """What stands between the head of a page and its end, blank lines left out."""
    inside = page[page.index("<main") : page.index("</main>")]
    return "\n".join(line for line in inside.splitlines() if line.strip())


@pytest.mark.parametrize("page", list(PLACES))
def test_what_is_known_stands_while_a_newer_answer_is_worked_out(house: House, page: str) -> None:
    owner = Person(house, "owner")
    place, _ = PLACES[page]
    wait_for(owner, f"{place}?shown=")
    clock = house.clock
    assert isinstance(clock, Frozen)
    clock.advance(timedelta(hours=2))
    old = owner.get(page)
    assert "a newer answer is being worked out" in text_of(old)
    assert BEING["en"] not in text_of(old)
    part = wait_for(owner, again(old))
    assert again(part) == ""
    assert "a newer answer" not in text_of(part)


def test_a_question_just_asked_is_not_offered_again_by_an_older_answer(house: House) -> None:
    owner = Person(house, "owner")
    # Beside the mask for dry skin that people bought: now their skin decides what suits them.
    house.shop().store.items.upsert([Item(0, "product", "oily-1", "控油乳")])
    wait_for(owner, "/questions?shown=")
    offered = 'name="fact" value="skin"'
    assert offered in text(owner.get("/questions"))
    owner.post("/questions", {"fact": "skin"})
    page = owner.get("/questions")
    assert again(page) == "", "the older answer stands"
    assert offered not in text(page)
    owner.post("/questions/skin/close", {})
    assert offered in text(owner.get("/questions"))


@pytest.mark.parametrize("role", ROLES)
def test_what_was_worked_out_for_all_is_masked_for_a_viewer(house: House, role: str) -> None:
    wait_for(Person(house, "owner"), "/health/problems?shown=")
    page = text_of(Person(house, role).get("/health"))
    # Both ends of a number tell the shop who is meant.
    assert ("138****0001" in page) == (role != "viewer")
    assert ("•••" in page) == (role == "viewer")


def test_what_cannot_be_worked_out_is_said_and_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> object:
        raise Unavailable("child_died", status=-9)

    owner = Person(house, "owner")
    with monkeypatch.context() as patched:
        patched.setattr("renwei.app.house.run_child", full)
        job = house.known("health", "en").job
        assert job is not None
        assert job.ended.wait(30)
        assert owner.get("/health").status == 500
    wait_for(owner, "/health/problems?shown=")
    assert "As of" in text_of(owner.get("/health"))
