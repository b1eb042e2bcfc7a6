"""Whatever comes over a foreign wire is events, refusals, or one error of ours."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.core.clock import cpu_seconds
from renwei.core.errors import RenweiError
from renwei.doors.foreign import posthog, segment, sensors
from renwei.doors.foreign.opening import Parsed

NOW = 1_795_147_210_000_000
KINDS = ("track", "identify", "page", "batch", "b", "t", "import", "merge", "")
Parse = Callable[[bytes], Parsed]
WIRES: dict[str, Parse] = {
    "segment": lambda body: segment.parse(body, "batch", received_us=NOW),
    "single": lambda body: segment.parse(body, "track", received_us=NOW),
    "posthog": lambda body: posthog.parse(body, received_us=NOW),
    "sensors": lambda body: sensors.parse(body, received_us=NOW),
}
wires = pytest.mark.parametrize("wire", WIRES)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12) | st.sampled_from(["track", "identify", "u1", "2026-11-20T04:00:00Z", "13912345670"])
)  # fmt: skip
NAMES = """type event userId anonymousId messageId timestamp properties traits context batch sentAt
distinct_id $set dwell_ms lat lon time identities data originalTimestamp product_id"""
keys = st.text(max_size=6) | st.sampled_from(NAMES.split())
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=25)  # fmt: skip
good = st.fixed_dictionaries(
    {"type": st.just("track"), "event": st.just("Liked"), "userId": st.text("ab", min_size=1), "distinct_id": st.just("u")}
)  # fmt: skip


def read(wire: str, body: bytes) -> Parsed | None:
    try:
        return WIRES[wire](body)
    except RenweiError:
        return None


@wires
@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_an_error_of_ours(wire: str, body: bytes) -> None:
    read(wire, body)
    read(wire, b"data=" + body)
    read(wire, b"\x1f\x8b" + body)
    read(wire, gzip.compress(body))


@wires
@given(value=values)
@settings(max_examples=200)
def test_any_json_is_read_or_refused(wire: str, value: Any) -> None:
    body = json.dumps(value).encode()
    parsed = read(wire, body)
    again = read(wire, body)
    assert parsed == again
    if isinstance(value, dict) and "batch" not in value and "data" not in value:
        assert parsed is not None
        assert len(parsed.incoming) + len(parsed.refused) == 1


@wires
@given(events=st.lists(values | good, max_size=8))
@settings(max_examples=200)
def test_every_element_of_a_batch_is_taken_or_refused_at_its_place(
    wire: str, events: list[Any]
) -> None:
    body = json.dumps(events if wire == "sensors" else {"batch": events}).encode()
    parsed = read(wire, body)
    assert parsed is not None
    places = sorted([one.index for one in parsed.incoming] + [one.index for one in parsed.refused])
    assert places == list(range(len(events)))
    for index, event in enumerate(events):
        if isinstance(event, dict) and event.keys() == {"type", "event", "userId", "distinct_id"}:
            assert index in [one.index for one in parsed.incoming]


@wires
def test_depth_breaks_nothing(wire: str) -> None:
    for body in (b"[" * 300_000, b'{"a":' * 200_000, b'{"batch":[' + b"[" * 300_000):
        assert read(wire, body) is None
    deep = (
        b'{"type":"track","event":"x","distinct_id":"u","userId":"u","properties":{"a":'
        + b"[" * 3_000
        + b"]" * 3_000
        + b"}}"
    )
    parsed = read(wire, b'{"batch":[' + deep + b"]}")
    assert parsed is None or not parsed.incoming


def test_a_body_made_to_be_mended_for_ever_is_given_up() -> None:
    begun = b'{"type":"track","event":"x","a":{"b":"' + b"c" * 1_500 + b'"},'
    body = b'{"batch":[' + begun * 1_900 + b"]}"
    before = cpu_seconds()
    assert read("segment", body) is None
    assert cpu_seconds() - before < 5


@given(cut=st.integers(1, 4_000), mark=st.binary(min_size=1, max_size=3))
def test_a_batch_that_was_damaged_never_yields_more_events_than_it_had(
    cut: int, mark: bytes
) -> None:
    event = {
        "type": "track",
        "event": "Liked",
        "userId": "u1",
        "properties": {"products": [{"sku": 1}, {"sku": 2}]},
    }
    body = json.dumps({"batch": [event] * 40}).encode()
    damaged = body[:cut] + mark + body[cut + len(mark) :]
    parsed = read("segment", damaged)
    if parsed is not None:
        assert len(parsed.incoming) <= 40
        assert len(parsed.incoming) + len(parsed.refused) >= 1
