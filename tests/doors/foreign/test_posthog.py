"""Bodies as PostHog's SDKs send them, and what becomes of them."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from renwei.collect.live.incoming import Incoming
from renwei.core.clock import to_us
from renwei.core.errors import BadInput
from renwei.doors.foreign.posthog import parse

AT = datetime(2026, 11, 20, 4, 0, 10, tzinfo=UTC)
NOW = to_us(AT)


def sent(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "event": name,
        "distinct_id": "u1",
        "properties": {"$lib": "posthog-python"},
        "timestamp": "2026-11-20T04:00:00+00:00",
        "uuid": f"uuid-{name}",
        **fields,
    }


def one(name: str, **fields: Any) -> Incoming:
    body = {"api_key": "phc_1", "batch": [event(name, **fields)], "sent_at": AT.isoformat()}
    (found,) = parse(sent(body), received_us=NOW).incoming
    return found


def test_a_batch_of_the_python_sdk_keeps_key_ids_and_times() -> None:
    body = {
        "api_key": "phc_1",
        "historical_migration": False,
        "sent_at": AT.isoformat(),
        "batch": [event("Product Viewed")],
    }
    for raw in (sent(body), gzip.compress(sent(body))):
        parsed = parse(raw, received_us=NOW)
        (view,) = parsed.incoming
        assert parsed.write_key == "phc_1"
        assert (view.kind, view.name, view.user_id) == ("track", "Product Viewed", "u1")
        assert (view.message_id, view.wire) == ("uuid-Product Viewed", "posthog")
        assert view.at_us == to_us(AT.replace(second=0))


def test_a_single_capture_is_one_event() -> None:
    parsed = parse(sent({**event("Liked"), "api_key": "phc_1"}), received_us=NOW)
    assert (parsed.write_key, len(parsed.incoming)) == ("phc_1", 1)


def test_a_form_of_base64_and_a_list_with_the_token_inside_are_read() -> None:
    plain = sent([event("Liked", properties={"token": "phc_2", "$current_url": "https://a.b/c"})])
    encoded = quote(base64.b64encode(plain).decode())
    parsed = parse(f"data={encoded}&compression=base64".encode(), received_us=NOW)
    assert parsed.write_key == "phc_2"
    assert parsed.incoming[0].context["page"] == {"url": "https://a.b/c"}


def test_identify_names_the_visitor_and_what_is_known() -> None:
    found = one(
        "$identify",
        properties={
            "$anon_distinct_id": "a1",
            "$set": {"age": 31},
            "$set_once": {"first": "ad", "age": 1},
        },
    )
    assert (found.kind, found.user_id, found.anonymous_id) == ("identify", "u1", "a1")
    assert found.traits == {"first": "ad", "age": 31}
    assert found.context["once"] == ["first"]


def test_set_beside_an_event_is_a_trait() -> None:
    assert one("Liked", properties={"$set": {"city": "Hangzhou"}}).traits == {"city": "Hangzhou"}


def test_an_alias_names_both_ids() -> None:
    found = one("$create_alias", properties={"distinct_id": "a1", "alias": "u1"}, distinct_id="a1")
    assert (found.kind, found.user_id, found.previous_id) == ("alias", "u1", "a1")


def test_a_dangerous_merge_is_an_explicit_one() -> None:
    found = one("$merge_dangerously", properties={"alias": "u2"})
    assert (found.kind, found.user_id, found.previous_id) == ("merge", "u1", "u2")


@pytest.mark.parametrize(
    ("properties", "ids"),
    [
        ({"$device_id": "u1"}, ("", "u1")),
        ({"$is_identified": False}, ("", "u1")),
        ({"$device_id": "d1"}, ("u1", "d1")),
        ({}, ("u1", "")),
    ],
)
def test_a_visitor_is_told_from_a_user_by_evidence(
    properties: dict[str, Any], ids: tuple[str, str]
) -> None:
    found = one("Liked", properties=properties)
    assert (found.user_id, found.anonymous_id) == ids


@pytest.mark.parametrize(
    ("name", "properties", "kind", "shown"),
    [
        ("$pageview", {"title": "Masks", "$pathname": "/m"}, "page", "Masks"),
        ("$pageview", {"$pathname": "/m"}, "page", "/m"),
        ("$screen", {"$screen_name": "Home"}, "screen", "Home"),
        ("$autocapture", {"$event_type": "click"}, "track", "$autocapture"),
        ("$groupidentify", {"$group_key": "g1", "$group_set": {"n": 1}}, "group", "$groupidentify"),
    ],
)
def test_presets_are_pages_screens_and_groups(
    name: str, properties: dict[str, Any], kind: str, shown: str
) -> None:
    found = one(name, properties=properties)
    assert (found.kind, found.name) == (kind, shown)


def test_an_offset_says_how_long_ago() -> None:
    body = {"api_key": "k", "batch": [{**event("Liked"), "timestamp": None, "offset": 5_000}]}
    (found,) = parse(sent(body), received_us=NOW).incoming
    assert found.at_us == NOW - 5_000_000


def test_a_wrong_clock_is_put_right_by_sent_at() -> None:
    wrong = AT + timedelta(days=400)
    body = {
        "api_key": "k",
        "sent_at": wrong.isoformat(),
        "batch": [event("Liked", timestamp=(wrong - timedelta(minutes=1)).isoformat())],
    }
    (found,) = parse(sent(body), received_us=NOW).incoming
    assert found.at_us == NOW - 60_000_000


def test_faulty_events_are_refused_alone_and_can_be_tried_again() -> None:
    bad = [
        5,
        event("", distinct_id="u2"),
        event("Liked", distinct_id=None),
        event("Liked", timestamp="2099-01-01"),
        event("Liked", properties=3),
    ]
    parsed = parse(sent({"api_key": "k", "batch": [event("a"), *bad, event("b")]}), received_us=NOW)
    assert [(r.index, r.code) for r in parsed.refused] == [
        (1, "not_an_object"), (2, "no_name"), (3, "nobody"), (4, "in_future"), (5, "wrong_type"),
    ]  # fmt: skip
    assert [i.name for i in parsed.incoming] == ["a", "b"]
    assert json.loads(parsed.refused[2].raw)["event"] == "Liked"
    assert json.loads(parsed.refused[2].plain)["type"] == "track"


def test_a_broken_event_of_a_batch_is_refused_alone() -> None:
    body = b'{"batch": [' + sent(event("a")) + b', {"event": nope}, ' + sent(event("b")) + b"]}"
    parsed = parse(body, received_us=NOW)
    assert [(r.index, r.code) for r in parsed.refused] == [(1, "bad_json")]
    assert [i.index for i in parsed.incoming] == [0, 2]


@pytest.mark.parametrize(
    ("body", "code"), [(b"5", "bad_json"), (b"{]", "bad_json"), (b"", "empty_body")]
)
def test_a_body_without_events_is_one_error(body: bytes, code: str) -> None:
    with pytest.raises(BadInput) as fault:
        parse(body, received_us=NOW)
    assert fault.value.code == code
