"""Refused events: kept, listed, tried again, bounded, cleared."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.collect.live.rooms import AT, SOURCE, Live, live_room

from renwei.collect.live.answers import (
    RejectedAnswer,
    RejectedReplayRequest,
    RejectedRequest,
    RejectedShowRequest,
)
from renwei.collect.live.operations import rejected, rejected_replay, rejected_show
from renwei.collect.live.rejected import A_MINUTE, KEEP, scrub, tidy
from renwei.core.errors import BadInput, UnknownName
from renwei.core.words import Words

BAD = {
    "type": "track",
    "event": "Liked",
    "userId": "u1",
    "timestamp": "soon",
    "properties": {"note": "张小美"},
}


def listed(live: Live, **asked: Any) -> RejectedAnswer:
    return rejected(live.shop, RejectedRequest(**asked))


def test_refused_events_are_listed_with_place_field_and_reason(live: Live) -> None:
    live.refuse({"type": "track", "event": "ok", "userId": "u"}, BAD, {"type": "x", "userId": "u"})
    late, early = listed(live).rejected[1], listed(live).rejected[0]
    assert [(one.index, one.field, one.code) for one in (early, late)] == [
        (1, "timestamp", "bad_timestamp"),
        (2, "type", "unknown_type"),
    ]
    assert early.text == "timestamp 'soon' is no time. Write it like 2026-11-20T18:30:00Z."
    assert (early.source, early.wire, early.at) == (SOURCE, "segment", AT)


def test_what_was_sent_is_sealed_on_disk_and_shown_on_asking(live: Live, tmp_path: Path) -> None:
    live.refuse(BAD)
    (one,) = listed(live).rejected
    shown = rejected_show(live.shop, RejectedShowRequest(rejected_id=one.id))
    assert json.loads(shown.raw) == BAD
    live.shop.store.close()
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file():
            assert "张小美".encode() not in file.read_bytes()
            assert b"\\u5f20\\u5c0f" not in file.read_bytes()


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    words = Words.load(["renwei.collect"])
    source = Path(__file__).resolve().parents[3] / "src/renwei"
    files = [*(source / "collect/live").glob("*.py"), *(source / "doors/foreign").glob("*.py")]
    text = "".join(file.read_text("utf-8") for file in files)
    for language in ("en", "zh"):
        known = {
            key.partition(".")[2] for key in words.keys(language) if key.startswith("refusals.")
        }
        assert {code for code in known if f'"{code}"' not in text} == set()
        assert {"bad_dwell", "nobody", "in_future", "event_too_large", "swapped_place"} <= known


def test_a_corrected_event_is_stored_at_its_time_and_leaves_the_list(live: Live) -> None:
    live.refuse(BAD, {"type": "x", "userId": "u"})
    one = listed(live).rejected[0]
    live.clock.advance(timedelta(hours=5))
    body = json.dumps({**BAD, "timestamp": "2026-11-20T03:00:00Z"})
    answer = rejected_replay(live.shop, RejectedReplayRequest(rejected_id=one.id, body=body))
    assert (answer.stored, answer.kind) == (True, "like")
    (event,) = live.events()
    assert (event.at, event.source) == (AT - timedelta(hours=1), SOURCE)
    assert [left.code for left in listed(live).rejected] == ["unknown_type"]


def test_an_event_that_is_still_wrong_stays_and_says_why(live: Live) -> None:
    live.refuse(BAD)
    (one,) = listed(live).rejected
    for body in ("", json.dumps({**BAD, "userId": ""})):
        with pytest.raises(BadInput) as fault:
            rejected_replay(live.shop, RejectedReplayRequest(rejected_id=one.id, body=body))
        assert fault.value.code == "still_rejected"
    assert listed(live).rejected == [one]
    assert not live.events()


def test_a_single_call_is_tried_again_as_the_call_it_was(live: Live) -> None:
    from renwei.collect.live.rejected import keep
    from renwei.core.clock import to_us
    from renwei.doors.foreign import segment

    body = json.dumps(
        {"event": "Liked", "timestamp": "2026-11-22T05:00:00Z", "userId": "u1"}
    ).encode()
    keep(live.shop, SOURCE, segment.parse(body, "track", received_us=to_us(AT)).refused, AT)
    (one,) = listed(live).rejected
    with pytest.raises(BadInput) as fault:
        rejected_replay(live.shop, RejectedReplayRequest(rejected_id=one.id))
    assert "more than a day ahead" in fault.value.values["reason"]


def test_an_unknown_id_is_told(live: Live) -> None:
    for name in ("", "x", "x.1", "x.y"):
        with pytest.raises(UnknownName):
            rejected_show(live.shop, RejectedShowRequest(rejected_id=name))


def test_the_list_goes_page_by_page_and_by_reason_and_time(live: Live) -> None:
    for n in range(5):
        live.clock.advance(timedelta(minutes=1))
        live.refuse(*[{**BAD, "n": n, "k": k} for k in range(3)], {"type": "x", "userId": "u"})
    seen: list[str] = []
    cursor, pages = "", 0
    while True:
        page = listed(live, limit=7, cursor=cursor)
        seen += [one.id for one in page.rejected]
        pages, cursor = pages + 1, page.next
        if not cursor:
            break
    assert (len(seen), len(set(seen)), pages) == (20, 20, 3)
    assert len(listed(live, code="unknown_type").rejected) == 5
    assert len(listed(live, since=AT + timedelta(minutes=4)).rejected) == 8


def test_a_flood_is_counted_and_says_so(live: Live) -> None:
    for _ in range(8):
        live.refuse(*[BAD for _ in range(100)])
    answer = listed(live, limit=500)
    assert len(answer.rejected) == A_MINUTE
    assert [(one.count, one.codes) for one in answer.counted] == [(300, {"bad_timestamp": 300})]
    live.clock.advance(timedelta(minutes=1))
    live.refuse(BAD)
    assert listed(live).rejected[0].at == live.clock.now()


def test_refused_events_go_after_thirty_days(live: Live) -> None:
    live.refuse(*[BAD for _ in range(600)])
    assert tidy(live.shop, AT + KEEP - timedelta(minutes=2)) == 0
    assert tidy(live.shop, AT + KEEP + timedelta(minutes=2)) == 2
    assert (listed(live).rejected, listed(live).counted) == ([], [])


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "track", "event": "x", "userId": "u1", "timestamp": "soon"},
        {"type": "x", "traits": {"email": "Mei@Example.com"}},
        {"type": "x", "properties": {"who": {"tel": "139 1234 5670"}}},
        {"type": "x", "note": "给张小美的"},
    ],
)
def test_forgetting_somebody_clears_what_was_refused_of_them(
    live: Live, bad: dict[str, Any]
) -> None:
    live.post(
        {
            "type": "identify",
            "userId": "u1",
            "traits": {"email": "mei@example.com", "phone": "13912345670", "name": "张小美"},
        }
    )
    live.refuse(bad, {"type": "x", "userId": "somebody-else"})
    person = live.person("user", "u1")
    assert person is not None
    live.forget(person, [scrub])
    first, second = listed(live).rejected
    raws = [
        rejected_show(live.shop, RejectedShowRequest(rejected_id=one.id)).raw
        for one in (first, second)
    ]
    assert raws[0] == ""
    assert "somebody-else" in raws[1]
    with pytest.raises(BadInput) as fault:
        rejected_replay(live.shop, RejectedReplayRequest(rejected_id=first.id))
    assert fault.value.code == "not_replayable"


def test_what_is_refused_of_somebody_forgotten_is_not_kept(live: Live) -> None:
    live.post({"userId": "u1", "event": "x"})
    person = live.person("user", "u1")
    assert person is not None
    live.forget(person, [scrub])
    live.refuse(BAD, {**BAD, "userId": "u2"})
    gone, kept = listed(live).rejected
    assert rejected_show(live.shop, RejectedShowRequest(rejected_id=gone.id)).raw == ""
    assert "u2" in rejected_show(live.shop, RejectedShowRequest(rejected_id=kept.id)).raw


def test_refused_events_are_there_after_a_restart(tmp_path: Path) -> None:
    with live_room(tmp_path) as live:
        live.refuse(BAD)
    with live_room(tmp_path) as live:
        assert len(listed(live).rejected) == 1
