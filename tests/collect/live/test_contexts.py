"""A context that is read once says of each event what it would say alone."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.collect.live import contexts
from renwei.collect.live.contexts import Context, context_of
from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.reading import Moment, read, read_plain
from renwei.collect.live.turning import body_of, rest_of

NAMES = st.sampled_from(
    "locale userAgent ip os device network library page consent location timezone".split()  # noqa: SIM905
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8))
VALUES = st.one_of(LEAVES, st.dictionaries(st.sampled_from(("name", "type", "id", "wifi")), LEAVES))
CONTEXTS = st.dictionaries(NAMES, VALUES, max_size=5)


def event(context: Any, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Opened", "userId": "u1", "messageId": "m"} | {
        "context": context,
        **more,
    }


def turned(one: Incoming | Refusal, *, without_place: bool) -> tuple[dict[str, Any], Any]:
    assert isinstance(one, Incoming)
    body = body_of(one, "track", item=0, keyed=str.encode)
    rest = rest_of(one, body, without_place=without_place)
    return body, json.loads(rest) if rest else None


@given(CONTEXTS, st.booleans())
def test_a_shared_context_gives_the_same_event_as_its_own(
    context: dict[str, Any], without_place: bool
) -> None:
    sent = event(context)
    own = read_plain(sent, b"", 0, Moment(0), wire="segment")
    for _ in range(2):
        shared = read(json.dumps(sent).encode(), 0, Moment(0))
        if isinstance(own, Refusal):
            assert isinstance(shared, Refusal)
            assert (shared.field, shared.code) == (own.field, own.code)
            continue
        assert isinstance(shared, Incoming)
        assert shared.context == own.context
        expected = turned(own, without_place=without_place)
        assert turned(shared, without_place=without_place) == expected


@pytest.mark.parametrize("context", [[], 7, "x", True])
def test_a_context_that_is_no_object_is_refused_by_name(context: Any) -> None:
    refused = read(json.dumps(event(context)).encode(), 0, Moment(0))
    assert isinstance(refused, Refusal)
    assert (refused.field, refused.code) == ("context", "wrong_type")


@pytest.mark.parametrize("raw", [b'"x": 1e999999', b'"\xff": 1', b'"x": "\\ud800"'])
def test_a_context_that_cannot_be_read_costs_no_other_event(raw: bytes) -> None:
    sent = b'{"type": "track", "event": "Opened", "userId": "u1", "context": {%s}}' % raw
    assert isinstance(read(sent, 0, Moment(0)), Incoming | Refusal)
    assert isinstance(read(json.dumps(event({})).encode(), 0, Moment(0)), Incoming)


def test_whole_numbers_beyond_64_bits_are_kept() -> None:
    one = read(
        json.dumps(event({"timezone": 10**30}, properties={"n": 10**30})).encode(), 0, Moment(0)
    )
    _, rest = turned(one, without_place=False)
    assert rest == {"p": {"n": 10**30}, "c": {"timezone": 10**30}}


def test_what_names_somebody_or_is_long_is_not_remembered() -> None:
    named = msgspec.Raw(b'{"traits": {"email": "mei@example.com"}}')
    long = msgspec.Raw(json.dumps({"page": "x" * 3_000}).encode())
    for raw in (named, long):
        assert context_of(raw) == msgspec.json.decode(raw)
        assert context_of(raw) is not context_of(raw)
    for k in range(5_000):
        assert context_of(msgspec.Raw(b'{"k": %d}' % k)) == {"k": k}
    assert len(contexts._contexts) <= 2_000


def test_events_without_a_context_share_nothing() -> None:
    for raw in (b"", b"null", b"{}"):
        assert context_of(msgspec.Raw(raw)) == {}
    one = read(json.dumps(event(None)).encode(), 0, Moment(0))
    assert isinstance(one, Incoming)
    assert type(one.context) is Context
    assert turned(one, without_place=False) == ({"name": "Opened", "wire": "segment"}, None)
