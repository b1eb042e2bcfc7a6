"""Bodies as Segment's and RudderStack's SDKs send them, and what becomes of them."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from renwei.core.clock import to_us
from renwei.core.errors import BadInput
from renwei.doors.foreign.opening import BATCH_LIMIT, Parsed
from renwei.doors.foreign.segment import parse

AT = datetime(2026, 11, 20, 4, 0, 10, tzinfo=UTC)
NOW = to_us(AT)

# analytics-python 2.4.0: one batch, nulls for what is not given, sentAt beside it.
PYTHON = {
    "batch": [
        {
            "integrations": {},
            "anonymousId": None,
            "properties": {"product_id": "p1", "dwell_ms": 8200},
            "timestamp": "2026-11-20T04:00:00.123456+00:00",
            "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
            "userId": "u1",
            "type": "track",
            "event": "Product Viewed",
            "messageId": "6b9fd9d0-1f0c-4c7a-9b3b-000000000001",
        },
        {
            "integrations": {},
            "anonymousId": None,
            "traits": {"email": "mei@example.com", "age": 31},
            "timestamp": "2026-11-20T04:00:01+00:00",
            "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
            "userId": "u1",
            "type": "identify",
            "messageId": "6b9fd9d0-1f0c-4c7a-9b3b-000000000002",
        },
    ],
    "sentAt": "2026-11-20T04:00:09.500000+00:00",
}
# analytics-next, one call an event: the kind is the path's, the write key lies in the body.
BROWSER = {
    "timestamp": "2026-11-20T04:00:05.000Z",
    "integrations": {},
    "type": "page",
    "properties": {"path": "/p/1", "referrer": "", "title": "Mask", "url": "https://s.example/p/1"},
    "context": {"page": {"path": "/p/1"}, "userAgent": "Mozilla/5.0", "locale": "zh-CN"},
    "messageId": "ajs-next-1",
    "anonymousId": "0e0f1b1a-1f0c-4c7a-9b3b-00000000000a",
    "userId": None,
    "writeKey": "wk_1",
    "sentAt": "2026-11-20T04:00:05.010Z",
    "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
}


def sent(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def batch(events: list[Any], **beside: Any) -> Parsed:
    return parse(sent({"batch": events, **beside}), "batch", received_us=NOW)


def track(**fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Liked", "userId": "u1", **fields}


def test_a_batch_of_the_python_sdk_keeps_ids_times_and_traits() -> None:
    parsed = parse(sent(PYTHON), "batch", received_us=NOW)
    view, identify = parsed.incoming
    assert not parsed.refused
    assert (view.kind, view.name, view.user_id, view.anonymous_id) == (
        "track",
        "Product Viewed",
        "u1",
        "",
    )
    assert view.message_id.endswith("0001")
    assert view.at_us == to_us(datetime(2026, 11, 20, 4, 0, 0, 123456, tzinfo=UTC))
    assert identify.traits == {"email": "mei@example.com", "age": 31}
    assert parsed.sent_at_us == to_us(datetime(2026, 11, 20, 4, 0, 9, 500000, tzinfo=UTC))


def test_a_browser_call_brings_its_key_and_its_page() -> None:
    parsed = parse(sent(BROWSER), "p", received_us=NOW)
    (page,) = parsed.incoming
    assert parsed.write_key == "wk_1"
    assert (page.kind, page.anonymous_id) == ("page", BROWSER["anonymousId"])
    assert page.context["locale"] == "zh-CN"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("t", "track"), ("i", "identify"), ("p", "page"), ("s", "screen"), ("track", "track")],
)
def test_the_path_says_the_kind_where_the_body_does_not(path: str, kind: str) -> None:
    parsed = parse(sent({"userId": "u1", "event": "Liked"}), path, received_us=NOW)
    assert [one.kind for one in parsed.incoming] == [kind]


@pytest.mark.parametrize("path", ["b", "batch", "import"])
def test_every_batch_path_reads_a_batch(path: str) -> None:
    assert len(parse(sent(PYTHON), path, received_us=NOW).incoming) == 2


def test_bodies_are_read_by_their_bytes_whatever_their_header_said() -> None:
    plain = sent(PYTHON)
    wanted = [one.message_id for one in parse(plain, "batch", received_us=NOW).incoming]
    b64 = base64.b64encode(plain).decode()
    for body in (
        gzip.compress(plain),
        b"\xef\xbb\xbf" + plain,
        b"\n  " + plain,
        f"data={quote(b64)}".encode(),
        b64.encode(),
        f"data={quote(plain.decode())}".encode(),
    ):
        read = parse(body, "batch", received_us=NOW)
        assert [one.message_id for one in read.incoming] == wanted


def test_a_pixel_has_its_event_in_the_query() -> None:
    data = base64.b64encode(sent({"event": "Mail Opened", "userId": "u1", "writeKey": "wk"}))
    parsed = parse(b"", "track", received_us=NOW, query={"data": data.decode()})
    assert parsed.incoming[0].name == "Mail Opened"
    assert parsed.write_key == "wk"


def test_a_clock_that_is_an_hour_ahead_is_put_right() -> None:
    hour = timedelta(hours=1)
    wrong = (AT - timedelta(seconds=30) + hour).isoformat()
    parsed = batch([track(timestamp=wrong)], sentAt=(AT + hour).isoformat())
    assert parsed.incoming[0].at_us == NOW - 30_000_000


def test_a_way_of_a_second_is_no_wrong_clock() -> None:
    own = AT - timedelta(minutes=5)
    parsed = batch(
        [track(timestamp=own.isoformat())], sentAt=(AT - timedelta(seconds=1)).isoformat()
    )
    assert parsed.incoming[0].at_us == to_us(own)


def test_an_upload_after_two_days_offline_keeps_the_times_of_its_events() -> None:
    times = [AT - timedelta(days=2) + timedelta(minutes=9 * n) for n in range(300)]
    parsed = batch(
        [track(timestamp=t.isoformat(), messageId=str(n)) for n, t in enumerate(times)],
        sentAt=AT.isoformat(),
    )
    assert [one.at_us for one in parsed.incoming] == [to_us(t) for t in times]


def test_the_time_of_the_device_goes_before_the_time_of_a_proxy() -> None:
    device = (AT - timedelta(hours=3)).isoformat()
    parsed = batch([track(timestamp=AT.isoformat(), originalTimestamp=device)])
    assert parsed.incoming[0].at_us == to_us(AT - timedelta(hours=3))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(1795147205, 5), (1795147205000, 5), ("1795147205000", 5), ("2026-11-20T12:00:05+08:00", 5),
     ("2026-11-20T04:00:05.123456789Z", 5.123456), ("2026-11-20 04:00:05", 5)],
)  # fmt: skip
def test_times_are_read_as_they_are_written(written: Any, seconds: float) -> None:
    (one,) = batch([track(timestamp=written)]).incoming
    assert one.at_us == to_us(AT.replace(second=0)) + round(seconds * 1e6)


FAULTS = [
    ("a text", "", "not_an_object"),
    (None, "", "not_an_object"),
    ({"type": "trakc", "userId": "u"}, "type", "unknown_type"),
    ({"userId": "u", "event": "x"}, "type", "no_type"),
    ({"type": "track", "userId": "u"}, "event", "no_name"),
    ({"type": "track", "event": "x"}, "userId", "nobody"),
    ({"type": "track", "event": "x", "userId": "undefined"}, "userId", "placeholder_id"),
    ({"type": "track", "event": "x", "anonymousId": "00000000-0000-0000-0000-000000000000"}, "anonymousId", "placeholder_id"),
    ({"type": "alias", "userId": "u"}, "previousId", "no_previous"),
    ({"type": "group", "userId": "u"}, "groupId", "no_group"),
    (track(properties="many"), "properties", "wrong_type"),
    (track(properties=[1]), "properties", "wrong_type"),
    (track(userId={"id": 1}), "userId", "wrong_type"),
    (track(userId=True), "userId", "wrong_type"),
    (track(event=7), "event", "wrong_type"),
    (track(userId="u" * 600), "userId", "too_long"),
    (track(event="e" * 400), "event", "too_long"),
    (track(timestamp="yesterday"), "timestamp", "bad_timestamp"),
    (track(timestamp="2099-01-01T00:00:00Z"), "timestamp", "in_future"),
    (track(timestamp=0), "timestamp", "too_old"),
    (track(timestamp="0001-01-01T00:00:00Z"), "timestamp", "too_old"),
    (track(properties={"dwell_ms": -3000}), "properties.dwell_ms", "bad_dwell"),
    (track(properties={"dwell": -3}), "properties.dwell", "bad_dwell"),
    (track(properties={"dwell": 3 * 86_400}), "properties.dwell", "bad_dwell"),
    (track(properties={"dwell_ms": 3 * 86_400_000}), "properties.dwell_ms", "bad_dwell"),
    (track(properties={"停留时长": "很久"}), "properties.停留时长", "bad_dwell"),
    (track(properties={"lat": 120.15, "lon": 30.27}), "properties.lat", "swapped_place"),
    (track(properties={"lat": 991, "lon": 30.27}), "properties.lat", "bad_place"),
    (track(properties={"latitude": "north", "longitude": 3}), "properties.latitude", "bad_place"),
    (track(context={"location": {"latitude": 130, "longitude": 40}}), "context.location.latitude", "swapped_place"),
    (track(properties={"text": "x" * 2_000_000}), "", "event_too_large"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "field", "code"), FAULTS, ids=[str(f[2]) + str(n) for n, f in enumerate(FAULTS)]
)
def test_one_faulty_event_is_refused_with_index_field_and_reason(
    bad: Any, field: str, code: str
) -> None:
    good = [track(messageId=f"m{n}") for n in range(4)]
    parsed = batch([good[0], good[1], bad, good[2], good[3]])
    assert [(one.index, one.field, one.code) for one in parsed.refused] == [(2, field, code)]
    assert [one.message_id for one in parsed.incoming] == ["m0", "m1", "m2", "m3"]
    assert [one.index for one in parsed.incoming] == [0, 1, 3, 4]
    assert parsed.refused[0].raw


def test_a_little_ahead_is_now_and_a_day_ahead_is_refused() -> None:
    ahead = batch([track(timestamp=(AT + timedelta(hours=23)).isoformat())])
    beyond = batch([track(timestamp=(AT + timedelta(hours=25)).isoformat())])
    assert ahead.incoming[0].at_us == NOW
    assert [one.code for one in beyond.refused] == ["in_future"]


def test_a_broken_line_of_many_is_refused_alone() -> None:
    lines = [sent(track(messageId=f"m{n}")) for n in range(600)]
    lines[511] = b'{"type": "track", "event": "Liked", "userId": '
    parsed = parse(b"\n".join(lines), "batch", received_us=NOW)
    assert [(one.index, one.code) for one in parsed.refused] == [(511, "bad_json")]
    assert len(parsed.incoming) == 599
    assert parsed.incoming[-1].index == 599


@pytest.mark.parametrize(
    "broken",
    [
        b'{"type": "track", "event": }',
        b'{"type": "track", "event": "x"',
        b'"type": 5}',
        b"nonsense",
    ],
)
def test_a_broken_line_of_a_list_costs_no_neighbour(broken: bytes) -> None:
    lines = [sent(track(messageId=f"m{n}")) for n in range(600)]
    lines[511] = broken
    body = b'{"batch": [\n' + b",\n".join(lines) + b'\n], "sentAt": null}'
    parsed = parse(body, "batch", received_us=NOW)
    assert [one.index for one in parsed.refused] == [511]
    assert parsed.refused[0].code in ("bad_json", "not_an_object")
    assert [one.message_id for one in parsed.incoming] == [f"m{n}" for n in range(600) if n != 511]


def test_a_broken_event_inside_a_list_is_refused_alone() -> None:
    good = sent(track(properties={"products": [{"sku": "a"}, {"sku": "b"}]}))
    body = (
        b'{"batch": ['
        + b", ".join([good, b'{"type": "track", "event": }', good])
        + b'], "sentAt": null}'
    )
    parsed = parse(body, "batch", received_us=NOW)
    assert [(one.index, one.code) for one in parsed.refused] == [(1, "bad_json")]
    assert [one.properties["products"][1]["sku"] for one in parsed.incoming] == ["b", "b"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b"   ", "empty_body"),
        (b"{", "bad_json"),
        (b"hello", "bad_json"),
        (b'{"batch": "x"}', "not_events"),
        (b"\x1f\x8bnothing", "bad_gzip"),
        (gzip.compress(b'{"batch":[]}')[:-6], "bad_gzip"),
        (gzip.compress(b" " * (BATCH_LIMIT + 1)), "body_too_large"),
        (b" " * (BATCH_LIMIT + 1), "body_too_large"),
        (b"data=%21%21", "bad_base64"),
        (b"\xff\xfe\xfd", "bad_json"),
    ],
)
def test_a_body_that_cannot_be_read_at_all_is_one_error(body: bytes, code: str) -> None:
    with pytest.raises(BadInput) as fault:
        parse(body, "batch", received_us=NOW)
    assert fault.value.code == code


def test_broken_json_is_told_with_its_line_and_column() -> None:
    with pytest.raises(BadInput) as fault:
        parse(b'{"userId": "u1",\n "event": x}', "track", received_us=NOW)
    assert (fault.value.values["line"], fault.value.values["column"]) == (2, 11)


def test_a_bomb_is_never_unpacked_whole() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    with pytest.raises(BadInput) as fault:
        parse(bomb, "batch", received_us=NOW)
    assert fault.value.code == "body_too_large"
    assert fault.value.values["size"] == BATCH_LIMIT + 1


def test_the_same_bytes_get_the_same_ids_and_other_bytes_others() -> None:
    event = track(timestamp=AT.isoformat())
    first, again = batch([event]), batch([event])
    other = batch([track(timestamp=AT.isoformat(), properties={"a": 1})])
    assert first.incoming[0].message_id == again.incoming[0].message_id
    assert first.incoming[0].message_id != other.incoming[0].message_id


def test_events_without_id_and_time_are_another_each_time() -> None:
    first = batch([track(), track()])
    later = parse(sent({"batch": [track()]}), "batch", received_us=NOW + 1)
    ids = {one.message_id for one in (*first.incoming, *later.incoming)}
    assert len(ids) == 3


def test_numbers_as_ids_are_texts() -> None:
    (one,) = batch([track(userId=42, messageId=7)]).incoming
    assert (one.user_id, one.message_id) == ("42", "7")


def test_an_odd_sent_at_costs_no_event() -> None:
    assert len(batch([track()], sentAt={"a": 1}, writeKey=5).incoming) == 1


def test_a_merge_of_rudderstack_names_its_identifiers() -> None:
    properties = [{"type": "email", "value": "a@b.com"}, {"type": "mobile", "value": "13912345670"}]
    body = sent({"mergeProperties": properties, "type": "merge"})
    (one,) = parse(body, "merge", received_us=NOW).incoming
    assert one.traits == {"email": "a@b.com", "mobile": "13912345670"}


def test_a_refused_single_call_remembers_what_it_was() -> None:
    parsed = parse(sent({"event": "x"}), "track", received_us=NOW)
    assert json.loads(parsed.refused[0].plain)["type"] == "track"
