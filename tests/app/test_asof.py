"""Answers about the whole shop: kept with their time, sealed, and never in a visitor's way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.doors.console.inside import a_house, reopened

from renwei.app import asof, build, finished
from renwei.app.asof import FRESH_FOR, REST, Known
from renwei.app.house import House
from renwei.app.upkeep.retention import embedded
from renwei.core.clock import Frozen
from renwei.core.errors import Unavailable
from renwei.core.nouns import Event
from renwei.core.operations import Operation
from renwei.core.shop import Progress

NAME = "asof/health|en"


class Looker:
    """Does operations when it is let, and counts; `fault` is raised instead of an answer."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.store = embedded(house.shop().store)
        self.let = threading.Event()
        self.let.set()
        self.times = 0
        self.fault: Exception | None = None
        self.asof = asof.AsOf(self.store, house.jobs.start, self.do)

    def do(self, operation: Operation, language: str, progress: Progress) -> Any:
        self.times += 1
        assert self.let.wait(30)
        if self.fault is not None:
            raise self.fault
        return operation.call(self.house.shop(language), operation.request())

    def ask(self, language: str = "en") -> Known:
        return self.asof.ask(build.operations()["health"], language, self.house.clock.now())

    def asked(self, language: str = "en") -> Known:
        """Asked again once what is under way is through."""
        found = self.ask(language)
        if found.job is None:
            return found
        assert found.job.ended.wait(30)
        return self.ask(language)

    def pass_by(self, time: timedelta) -> None:
        clock = self.house.clock
        assert isinstance(clock, Frozen)
        clock.advance(time)

    def happens(self) -> None:
        """An event comes in that no file brought."""
        at, position = self.house.clock.now(), self.store.log.position()
        self.store.log.append([Event(7, "view", at, position.to_bytes(16, "big"))], at)


@contextmanager
def a_looker(folder: Path) -> Iterator[Looker]:
    with a_house(folder) as house:
        yield Looker(house)


@pytest.fixture
def looker(tmp_path: Path) -> Iterator[Looker]:
    with a_looker(tmp_path) as one:
        yield one


def test_the_first_visit_is_answered_at_once_and_says_that_it_is_worked_out(
    looker: Looker,
) -> None:
    looker.let.clear()
    found = looker.ask()
    assert found.answer is None
    assert found.at is None
    assert found.job is not None
    assert looker.ask().job is found.job, "what is under way is not begun twice"
    looker.let.set()
    assert found.job.ended.wait(30)
    known = looker.ask()
    assert known.answer == looker.house.call("health", "en")
    assert known.at == looker.house.clock.now()
    assert (known.job, looker.times) == (None, 1)


def test_what_is_known_is_shown_while_a_newer_one_is_worked_out(looker: Looker) -> None:
    first = looker.asked()
    looker.happens()
    looker.pass_by(REST)
    looker.let.clear()
    found = looker.ask()
    assert (found.answer, found.at) == (first.answer, first.at)
    assert found.job is not None
    looker.let.set()
    assert found.job.ended.wait(30)
    assert looker.ask().at == looker.house.clock.now()


def test_nothing_is_worked_out_anew_while_nothing_came_in(looker: Looker) -> None:
    looker.asked()
    looker.pass_by(FRESH_FOR - timedelta(seconds=1))
    for _ in range(5):
        assert looker.asked().job is None
    assert looker.times == 1
    looker.pass_by(timedelta(seconds=1))
    looker.asked()
    assert looker.times == 2


def test_events_that_never_stop_cost_one_look_a_minute(looker: Looker) -> None:
    looker.asked()
    for _ in range(12):
        looker.pass_by(REST / 6)
        looker.happens()
        looker.asked()
    assert looker.times == 3


@pytest.mark.parametrize("what", ["import", "setting", "merge"])
def test_files_settings_and_merges_show_at_the_next_visit(looker: Looker, what: str) -> None:
    looker.asked()
    now = looker.house.clock.now()
    if what == "merge":
        one, other = looker.store.people.all_persons()[:2]
        looker.store.people.merge(one, other, reason="human", at=now)
    else:
        looker.store.papers.put(what, "shop", {}, by="test", at=now)
    job = looker.ask().job
    assert job is not None
    assert job.ended.wait(30)


def test_each_language_has_its_own_answer(looker: Looker) -> None:
    english, chinese = looker.asked("en"), looker.asked("zh")
    assert english.answer.text != chinese.answer.text
    assert english.answer.orders == chinese.answer.orders
    assert looker.times == 2


def test_an_answer_outlives_the_server(tmp_path: Path) -> None:
    with a_looker(tmp_path) as looker:
        first = looker.asked()
    with reopened(tmp_path) as house:
        again = Looker(house)
        found = again.ask()
        assert (found.answer, found.at) == (first.answer, first.at)
        assert again.times == 0


def test_a_look_that_fails_leaves_what_was_known_and_is_tried_at_the_next_visit(
    looker: Looker,
) -> None:
    looker.fault = Unavailable("disk_full", path="x")
    found = looker.asked()
    assert (found.answer, found.error) == (None, looker.fault)
    looker.fault = None
    first = looker.asked()
    assert first.error is None
    looker.pass_by(FRESH_FOR)
    looker.fault = Unavailable("disk_full", path="x")
    found = looker.asked()
    assert (found.answer, found.error) == (first.answer, looker.fault)
    looker.fault = None
    assert looker.asked().at == looker.house.clock.now()


def test_what_was_answered_before_somebody_was_forgotten_is_gone(looker: Looker) -> None:
    looker.asked()
    assert looker.store.blobs.get(NAME) is not None
    person = looker.store.people.all_persons()[0]
    looker.store.forget(person, looker.house.clock.now())
    looker.let.clear()
    found = looker.ask()
    assert found.answer is None
    assert finished.scrub(looker.house.shop(), []) == 0
    assert looker.store.blobs.get(NAME) is None
    looker.let.set()
    assert found.job is not None
    assert found.job.ended.wait(30)
    assert looker.ask().answer is not None


def test_who_is_forgotten_while_it_is_worked_out_is_in_no_answer(looker: Looker) -> None:
    looker.let.clear()
    found = looker.ask()
    looker.store.forget(looker.store.people.all_persons()[0], looker.house.clock.now())
    looker.let.set()
    assert found.job is not None
    assert found.job.ended.wait(30)
    assert looker.store.blobs.get(NAME) is None


def test_what_another_version_left_is_worked_out_anew(looker: Looker) -> None:
    looker.store.blobs.put(NAME, b"not what we write")
    assert looker.asked().answer is not None
    assert looker.times == 1


def test_a_large_shop_is_read_in_a_child_and_a_small_one_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def noted(operation: Operation, shop: Any, request: Any) -> Any:
        begun.append(operation.name)
        return operation.call(shop, request)

    monkeypatch.setattr("renwei.app.house.run_child", noted)
    with a_house(tmp_path) as house:
        known = house.known("health", "en")
        assert known.answer.orders == 3
        assert (known.at, known.job, begun) == (None, None, [])
        monkeypatch.setattr("renwei.app.house.SMALL", 1)
        job = house.known("health", "en").job
        assert job is not None
        assert job.ended.wait(30)
        assert house.known("health", "en").answer == known.answer
        assert house.call("questions suggest", "en").best is None
        assert begun == ["health", "questions suggest"]
