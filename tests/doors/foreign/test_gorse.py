from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.collect.items.checking import draft_of
from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.reading import Moment
from renwei.core.errors import BadInput
from renwei.doors.foreign.gorse import (
    GorseFeedback,
    GorseItem,
    as_ids,
    as_scores,
    decoded,
    feedback_back,
    feedback_event,
    item_changed,
    item_told,
    labels_of,
    recommend_asked,
)
from renwei.doors.foreign.gorse import GorsePatch as Patch

NOW = Moment(1_788_249_600_000_000)


def feedback(**fields: Any) -> GorseFeedback:
    made = {"feedback_type": "like", "user_id": "u1", "item_id": "A1"} | fields
    return GorseFeedback(**made)


def event(overwrite: bool = False, **fields: Any) -> Incoming:
    found = feedback_event(feedback(**fields), 0, NOW, overwrite=overwrite)
    assert isinstance(found, Incoming)
    return found


def test_an_item_keeps_what_gorse_clients_say_of_it() -> None:
    body = b"""{"ItemId": "A1", "IsHidden": true, "Categories": ["skin", "gift"], "Comment": "Cream",
        "Timestamp": "2026-01-02T03:04:05Z", "Labels": {"topics": ["dry"], "brand": {"name": "Y"}},
        "Unknown": 1}"""
    told = item_told(decoded(body, GorseItem))
    draft = draft_of(told, "CNY")
    assert draft.told == {
        "available": False, "title": "Cream", "category": "skin", "tags": ["gift", "dry"],
        "attributes": {"brand.name": "Y"}, "first_seen": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip


def test_gos_zero_time_stands_for_none() -> None:
    told = item_told(GorseItem(item_id="A", timestamp="0001-01-01T00:00:00Z"))
    assert "first_seen" not in told
    assert event(timestamp="0001-01-01T00:00:00Z").at_us is None


def test_a_patch_tells_only_what_it_names() -> None:
    assert item_changed("A", Patch()) == {"id": "A"}
    assert item_changed("A", Patch(is_hidden=False)) == {"id": "A", "available": True}
    told = item_changed("A", Patch(labels=["x"], comment=""))
    assert told == {"id": "A", "title": None, "tags": ["x"], "attributes": None}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=600),
    lambda inner: st.lists(inner, max_size=80) | st.dictionaries(st.text(max_size=90), inner),
    max_leaves=30,
)


@given(_JSON, st.lists(st.text(max_size=300), max_size=80), st.text(max_size=600))
def test_whatever_the_labels_an_item_can_be_taken(
    labels: Any, categories: list[str], comment: str
) -> None:
    item = GorseItem(item_id="A", labels=labels, categories=categories, comment=comment)
    try:
        draft_of(item_told(item), "CNY")
    except BadInput as fault:
        assert fault.code == "item_too_large"  # noqa: PT017 - the one thing that cannot be cut


def test_labels_that_are_numbers_in_lists_are_left_out() -> None:
    assert labels_of({"embedding": [0.1, 0.2], "n": 3}) == ([], {"n": 3})


def test_feedback_is_a_track_event_named_by_its_type() -> None:
    names = {kind: event(feedback_type=kind).name for kind in ("star", "read", "cart", "五星")}
    assert names == {
        "star": "Product Liked", "read": "Product Viewed", "cart": "Product Added", "五星": "五星",
    }  # fmt: skip
    one = event(feedback_type="star", value=4.0, timestamp="2026-08-01T00:00:00Z")
    assert (one.kind, one.user_id, one.wire) == ("track", "u1", "gorse")
    assert one.at_us == 1_785_542_400_000_000
    assert one.properties["product_id"] == "A1"
    assert one.properties["feedback_type"] == "star"


def test_feedback_is_known_by_user_item_type_and_time() -> None:
    at = "2026-08-01T00:00:00Z"
    one = event(timestamp=at)
    assert event(timestamp="2026-08-01T08:00:00+08:00", value=2.0).message_id == one.message_id
    others = (
        event(timestamp="2026-08-01T00:00:01Z"),
        event(timestamp=at, user_id="u2"),
        event(timestamp=at, item_id="A2"),
        event(timestamp=at, feedback_type="star"),
        event(),
    )
    assert len({one.message_id, *(other.message_id for other in others)}) == 6
    put = event(True, timestamp=at, value=2.0)
    assert put.message_id != one.message_id
    assert put.message_id == event(True, timestamp=at, value=2.0).message_id


def test_feedback_that_no_event_can_be_is_refused() -> None:
    for wrong in ({"user_id": ""}, {"timestamp": "soon"}, {"timestamp": "2099-01-01T00:00:00Z"}):
        found = feedback_event(feedback(**wrong), 0, NOW, overwrite=False)
        assert isinstance(found, Refusal)


def test_likes_and_carts_can_be_taken_back_and_looks_cannot() -> None:
    found = feedback_back(feedback(feedback_type="star"), NOW)
    assert isinstance(found, Incoming)
    assert found.name == "Product Unliked"
    with pytest.raises(BadInput) as fault:
        feedback_back(feedback(feedback_type="read"), NOW)
    assert fault.value.code == "feedback_stays"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "bad_json"),
        (b"[]", "bad_field"),
        (b'{"ItemId": 3}', "bad_field"),
        (b"\xff", "bad_json"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(body: bytes, code: str) -> None:
    with pytest.raises(BadInput) as fault:
        decoded(body, GorseItem)
    assert fault.value.code == code


@given(st.binary(max_size=60) | _JSON.map(lambda v: repr(v).encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for kind in (GorseItem, list[GorseFeedback]):
        try:
            decoded(body, kind)
        except BadInput as fault:
            assert fault.code in ("bad_json", "bad_field")  # noqa: PT017 - either is right


# Recommendations.


@dataclass
class Line:
    id: str
    score: float


def test_answers_take_gorses_shapes() -> None:
    lines = [Line("A", 0.9), Line("B", 0.5), Line("C", 0.1)]
    assert as_ids(lines) == ["A", "B", "C"]
    assert as_scores(lines, offset=1) == [{"Id": "B", "Score": 0.5}, {"Id": "C", "Score": 0.1}]
    plain = msgspec.to_builtins(lines)
    assert as_ids(plain, 2) == ["C"]
    assert as_scores([]) == []


def test_paths_ask_for_what_they_skip_as_well() -> None:
    assert recommend_asked(user="u", n=10, offset=95)["n"] == 100
    assert recommend_asked(n=0)["n"] == 1
    two = recommend_asked(user="u", categories=["a", "it's"])
    assert two["filter"] == "category in ('a', 'it''s')"
    assert recommend_asked(item="A", surface="product") == {
        "surface": "product", "n": 10, "mode": "similar", "context": {"item_id": "A"},
    }  # fmt: skip
