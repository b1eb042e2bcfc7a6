from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.doors.http.calls import Answer, Inside
from tests.doors.http.conftest import key_of

from renwei.app import answered, build
from renwei.app.answered import Answered, Answers
from renwei.app.house import House
from renwei.core.clock import Frozen
from renwei.core.errors import BadInput, Refused

TURN = "/v1/autonomy"
SAID: dict[str, Any] = {"surface": "today", "level": "suggest"}


def turn(inside: Inside, key: str = "once", **more: Any) -> Answer:
    """Something that leaves a trace each time it is done."""
    return inside.post(TURN, SAID | more, idempotency_key=key)


def turns(inside: Inside) -> int:
    return len(inside.house.shop().store.papers.history("autonomy", "today"))


def test_the_same_request_twice_is_done_once_and_answered_the_same(admin: Inside) -> None:
    before = turns(admin)
    first, second = turn(admin), turn(admin)
    assert first.status == second.status == 200, first.body
    assert turns(admin) == before + 1
    assert second.body == first.body
    assert second.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"


def test_another_key_or_none_is_another_request(admin: Inside) -> None:
    before = turns(admin)
    turn(admin, "a")
    turn(admin, "b")
    admin.post(TURN, SAID)
    admin.post(TURN, SAID)
    assert turns(admin) == before + 4


def test_the_same_key_with_another_body_or_place_is_refused(admin: Inside) -> None:
    assert turn(admin).status == 200
    answer = turn(admin, level="off")
    assert (answer.status, answer.json["code"]) == (422, "repeat_differs")
    other = admin.post("/v1/settings", {"key": "minutes", "value": "5"}, idempotency_key="once")
    assert other.status == 422


def test_keys_of_one_caller_are_not_those_of_another(admin: Inside) -> None:
    turn(admin)
    other = admin.with_(key=key_of(admin.house, "admin"))
    assert "idempotency-replayed" not in turn(other).headers


def test_what_failed_may_be_tried_again_under_the_same_key(admin: Inside) -> None:
    wrong = turn(admin, level="loud")
    assert wrong.status == 400
    assert turn(admin).status == 200


def test_a_restart_keeps_what_was_answered(admin: Inside) -> None:
    first = turn(admin)
    again = Inside(admin.house, admin.key)  # an application of its own, as after a restart
    before = turns(again)
    assert turn(again).body == first.body
    assert turns(again) == before


def test_after_a_day_the_key_is_free_again(house: House) -> None:
    shop, at = house.shop(), house.clock.now()
    answers = Answers(at)
    assert answers.begin(shop, "me", "k", b"1") is None
    answers.end(shop, "me", "k", Answered(digest=b"1", at=at, boot="", status=200, body=b"x"))
    held = answers.begin(shop, "me", "k", b"1")
    assert held is not None
    assert held.body == b"x"
    assert isinstance(shop.clock, Frozen)
    shop.clock.advance(timedelta(hours=25))
    try:
        assert answered.sweep(shop) == 1
        assert answers.begin(shop, "me", "k", b"2") is None
    finally:
        shop.clock.advance(timedelta(hours=-25))


def test_one_that_was_under_way_when_the_server_stopped_is_not_done_again_unasked(
    house: House,
) -> None:
    shop, at = house.shop(), house.clock.now()
    before = Answers(at)
    assert before.begin(shop, "me", "k", b"1") is None
    with pytest.raises(Refused, match="repeat_running"):
        before.begin(shop, "me", "k", b"1")
    with pytest.raises(Refused, match="repeat_broken_off"):
        Answers(at).begin(shop, "me", "k", b"1")


def test_of_many_at_once_one_is_done_and_the_others_hear_of_it(admin: Inside) -> None:
    before = turns(admin)

    async def all_at_once() -> list[Answer]:
        said = {"idempotency-key": "once"}
        asked = (admin.asked("POST", TURN, SAID, said) for _ in range(8))
        return list(await asyncio.gather(*asked))

    answers = asyncio.run(all_at_once())
    assert turns(admin) == before + 1
    assert {answer.status for answer in answers} <= {200, 409}
    fresh = [a for a in answers if a.status == 200 and "idempotency-replayed" not in a.headers]
    assert len(fresh) == 1
    for answer in answers:
        if answer.status == 409:
            assert answer.json["code"] == "repeat_running"
            assert answer.headers["retry-after"] == "1"


def test_begin_lets_exactly_one_thread_through(house: House) -> None:
    shop, answers = house.shop(), Answers(house.clock.now())
    through: list[bool] = []
    start = threading.Barrier(6)

    def race() -> None:
        start.wait()
        try:
            through.append(answers.begin(shop, "me", "k", b"1") is None)
        except (Refused, BadInput):
            through.append(False)

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(through) == [False] * 5 + [True]


def test_what_is_shown_once_is_not_kept_for_who_asks_again(admin: Inside, tmp_path: Path) -> None:
    body = {"scope": "read"}
    first = admin.post("/v1/keys", body, idempotency_key="once")
    assert first.status == 200
    again = admin.post("/v1/keys", body, idempotency_key="once")
    assert (again.status, again.json["code"]) == (410, "repeat_gone")
    assert len([k for k in admin.get("/v1/keys").json["keys"] if k["scope"] == "read"]) == 1


def test_answers_from_before_somebody_was_forgotten_are_no_longer_kept(admin: Inside) -> None:
    turn(admin)
    assert admin.ask("DELETE", "/v1/people/13800010002?confirm=true").status == 200
    again = turn(admin)
    assert (again.status, again.json["code"]) == (410, "repeat_gone")
    blobs = admin.house.shop().store.blobs
    for name in blobs.names(answered.PREFIX):
        held = answered._read(admin.house.shop(), name)
        assert held is not None
        assert not held.body


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused(admin: Inside, key: str) -> None:
    answer = turn(admin, key)
    assert (answer.status, answer.json["code"]) == (400, "bad_repeat_key")


def test_reading_needs_no_such_key_and_ignores_one(admin: Inside) -> None:
    assert admin.get("/v1/imports", idempotency_key="once").status == 200
    assert admin.get("/v1/health", idempotency_key="once").status == 200


def test_the_scrubber_is_among_those_of_every_workspace(house: House) -> None:
    assert answered.scrub in house.shop().scrubbers
    assert build.operations()["forget"].destroys
