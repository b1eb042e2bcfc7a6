"""Whatever SDKs send becomes events that can be stored and folded; nothing breaks the group."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.collect.live.rooms import Live, live_room

FIELDS = """product_id sku name price quantity category brand currency order_id total revenue products items
query keyword lat lon latitude longitude dwell_ms dwell duration position creator post_id refund_amount age gender
city email phone birthday vip marketing_opt_in address openid tags $set $set_once alias distinct_id location
consent categoryPreferences device id os type network userAgent locale page path url op once traits"""
EVENTS = [
    "Product Viewed",
    "点赞",
    "Order Completed",
    "Order Refunded",
    "关注",
    "Search",
    "加入购物车",
    "x",
    "$identify",
    "Location",
]
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.sampled_from(["1e400", "-3", "59.9", "CNY", "JPY", "13912345670", "a@b.com", "男", "u1", "set_once"])
)  # fmt: skip
names = st.sampled_from(FIELDS.split()) | st.text(max_size=4)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
dictionaries = st.dictionaries(names, values, max_size=5)
ids = st.sampled_from(["u1", "u2", "a@b.com", "13912345670", "null"]) | st.text(max_size=5)
segment_events = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "identify", "page", "screen", "group", "alias", "merge"]), "userId": ids},
    optional={
        "event": st.sampled_from(EVENTS), "anonymousId": ids, "previousId": ids, "groupId": ids,
        "properties": dictionaries, "traits": dictionaries, "context": dictionaries,
    },
)  # fmt: skip
posthog_events = st.fixed_dictionaries(
    {
        "event": st.sampled_from([*EVENTS, "$create_alias", "$set", "$groupidentify", "$pageview"]),
        "distinct_id": ids,
    },
    optional={"properties": dictionaries, "$set": dictionaries},
)
sensors_events = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "profile_set", "profile_append", "profile_increment", "profile_unset",
                              "profile_delete", "profile_set_once", "track_signup", "item_set", "item_delete"]), "distinct_id": ids},
    optional={"event": st.sampled_from(EVENTS), "properties": dictionaries, "item_id": values, "original_id": ids, "identities": dictionaries},
)  # fmt: skip


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with live_room(tmp_path_factory.mktemp("anything")) as live:
        yield live


ANY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def sent(room: Live, wire: str, body: Any) -> None:
    before = room.shop.store.log.position()
    appended = room.send(wire, json.loads(json.dumps(body)))
    assert appended.position == before + appended.added
    for event in room.shop.store.log.read(after=before):
        assert event.kind
        assert json.dumps(dict(event.body))


@given(events=st.lists(segment_events, min_size=1, max_size=6))
@ANY
def test_any_segment_batch_is_stored_and_folded(room: Live, events: list[Any]) -> None:
    sent(room, "segment", {"batch": events})


@given(events=st.lists(posthog_events, min_size=1, max_size=6))
@ANY
def test_any_posthog_batch_is_stored_and_folded(room: Live, events: list[Any]) -> None:
    sent(room, "posthog", {"api_key": "k", "batch": events})


@given(events=st.lists(sensors_events, min_size=1, max_size=6))
@ANY
def test_any_sensors_batch_is_stored_and_folded(room: Live, events: list[Any]) -> None:
    sent(room, "sensors", events)
