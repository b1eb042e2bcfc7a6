"""Bodies as 神策's SDKs send them, and what becomes of them."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from renwei.collect.live.incoming import Incoming
from renwei.core.clock import to_us
from renwei.core.errors import BadInput
from renwei.doors.foreign.sensors import parse

AT = datetime(2026, 11, 20, 4, 0, 10, tzinfo=UTC)
NOW = to_us(AT)
MS = NOW // 1_000


def form(value: Any, name: str = "data", *, packed: bool = True) -> bytes:
    data = json.dumps(value, ensure_ascii=False).encode()
    text = base64.b64encode(gzip.compress(data) if packed else data).decode()
    return f"{name}={quote(text, safe='')}&gzip={int(packed)}".encode()


def record(kind: str = "track", **fields: Any) -> dict[str, Any]:
    # SensorsAnalyticsSDK 1.11.0, without its library block.
    return {
        "type": kind,
        "time": MS - 5_000,
        "distinct_id": "u1",
        "properties": {"$lib": "python", "$lib_version": "1.11.0"},
        "lib": {"$lib": "python", "$lib_method": "code"},
        **({"event": "ViewProduct"} if kind == "track" else {}),
        **fields,
    }


def one(kind: str = "track", **fields: Any) -> Incoming:
    (found,) = parse(form(record(kind, **fields)), received_us=NOW).incoming
    return found


@pytest.mark.parametrize("packed", [True, False])
def test_a_form_with_one_record_is_one_event(packed: bool) -> None:
    (found,) = parse(form(record(), packed=packed), received_us=NOW).incoming
    assert (found.kind, found.name, found.user_id) == ("track", "ViewProduct", "u1")
    assert found.at_us == NOW - 5_000_000


def test_a_list_of_records_is_a_batch_and_the_project_is_the_key() -> None:
    body = form([record(), record(event="Liked")], "data_list")
    parsed = parse(body, received_us=NOW, query={"project": "shop"})
    assert [one.name for one in parsed.incoming] == ["ViewProduct", "Liked"]
    assert parsed.write_key == "shop"


def test_a_pixel_has_its_record_in_the_query() -> None:
    text = base64.b64encode(json.dumps(record()).encode()).decode()
    parsed = parse(b"", received_us=NOW, query={"data": text, "token": "k"})
    assert (len(parsed.incoming), parsed.write_key) == (1, "k")


def test_signing_up_names_the_visitor() -> None:
    found = one("track_signup", event="$SignUp", distinct_id="u9", original_id="cookie")
    assert (found.kind, found.user_id, found.previous_id) == ("alias", "u9", "cookie")


@pytest.mark.parametrize(
    ("kind", "op"),
    [("profile_set", "set"), ("profile_set_once", "set_once"), ("profile_increment", "increment"),
     ("profile_append", "append"), ("profile_unset", "unset"), ("profile_delete", "delete")],
)  # fmt: skip
def test_profile_calls_are_traits_with_their_way(kind: str, op: str) -> None:
    found = one(kind, properties={"vip": 1, "$is_login_id": True})
    assert (found.kind, found.traits, found.context["op"]) == ("identify", {"vip": 1}, op)


def test_login_and_cookie_of_id_mapping_are_user_and_visitor() -> None:
    found = one(
        identities={
            "$identity_login_id": "u7",
            "$identity_cookie_id": "c7",
            "$identity_mobile": "13912345670",
        },
        distinct_id="u7",
    )
    assert (found.user_id, found.anonymous_id) == ("u7", "c7")
    assert found.traits == {"phone": "13912345670"}


def test_a_record_with_only_a_cookie_is_a_visitor() -> None:
    found = one(identities={"$identity_cookie_id": "c7"}, distinct_id="c7")
    assert (found.user_id, found.anonymous_id) == ("", "c7")


@pytest.mark.parametrize(
    ("event", "kind", "name"),
    [
        ("$pageview", "page", "首页"),
        ("$AppViewScreen", "screen", "首页"),
        ("$WebPageLeave", "page", "首页"),
        ("$AppClick", "track", "$AppClick"),
    ],
)
def test_presets_are_pages_and_screens(event: str, kind: str, name: str) -> None:
    found = one(event=event, properties={"$title": "首页", "$event_duration": 12.5})
    assert (found.kind, found.name) == (kind, name)


def test_history_keeps_its_time_and_a_wrong_clock_is_put_right() -> None:
    day = 86_400_000
    history = one(time=MS - 900 * day, time_free=True, _flush_time=MS - 900 * day)
    wrong = one(time=MS + 30 * day - 2_000, _flush_time=MS + 30 * day)
    assert history.at_us == NOW - 900 * day * 1_000
    assert wrong.at_us == NOW - 2_000_000


def test_a_product_is_no_event_of_a_person() -> None:
    found = one("item_set", item_type="book", item_id="b1", properties={"price": 12})
    assert (found.name, found.user_id, found.properties["product_id"]) == ("$item_set", "", "b1")


def test_faulty_records_are_refused_alone() -> None:
    bad = [
        7,
        record("tracked"),
        record(event=""),
        record(distinct_id=""),
        record(time="soon"),
        record("item_set", item_id=""),
        record(properties={"$event_duration": -3}, event="$pageview"),
    ]
    parsed = parse(form([record(), *bad, record()], "data_list"), received_us=NOW)
    assert [(r.index, r.code) for r in parsed.refused] == [
        (1, "not_an_object"), (2, "unknown_type"), (3, "no_name"), (4, "nobody"),
        (5, "bad_timestamp"), (6, "no_item"), (7, "bad_dwell"),
    ]  # fmt: skip
    assert [i.index for i in parsed.incoming] == [0, 8]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"data=", "empty_body"),
        (b"data=%%%", "bad_base64"),
        (b"data=bm90IGpzb24=", "bad_json"),
        (b"data=NQ==", "not_events"),
    ],
)
def test_a_form_without_records_is_one_error(body: bytes, code: str) -> None:
    with pytest.raises(BadInput) as fault:
        parse(body, received_us=NOW)
    assert fault.value.code == code
