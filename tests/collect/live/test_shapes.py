"""What is worked out once for many events says what each of them would say."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from renwei.collect.live import made, shapes
from renwei.collect.live.made import new_event
from renwei.collect.live.naming import DWELL_KEYS, FIELDS, dwell_of, found
from renwei.collect.live.shapes import shape_of
from renwei.core.nouns import Event

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
NAMES = sorted({name for names in FIELDS.values() for name in names} | DWELL_KEYS)
VALUES = st.one_of(st.none(), st.integers(-5, 10**7), st.floats(), st.text(max_size=5))
PROPERTIES = st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=9)), VALUES)


@given(PROPERTIES, st.sampled_from(("view", "page", "track")))
def test_a_shape_misses_no_field_no_place_and_no_length_of_time(
    properties: dict[str, Any], kind: str
) -> None:
    shape = shape_of(properties)
    for field in FIELDS:
        assert field in shape.fields or found(properties, field) is None
    assert set(shape.dwell) == DWELL_KEYS & properties.keys()
    assert repr(dwell_of(properties, kind, shape.dwell)) == repr(dwell_of(properties, kind))
    assert bool(shape.places) == bool({"latitude", "longitude"} & shape.fields)
    assert list(shape.places) == [name for name in properties if name in shape.places]


def test_the_order_of_names_counts_and_values_do_not() -> None:
    assert shape_of({"dwell_s": 1, "dwell_ms": 2}).dwell == ("dwell_s", "dwell_ms")
    assert shape_of({"dwell_ms": 1, "dwell_s": 2}).dwell == ("dwell_ms", "dwell_s")
    assert shape_of({"sku": 1}) is shape_of({"sku": None})


def test_what_is_remembered_of_names_is_bounded() -> None:
    shape_of({"x" * 5_000: 1})
    for k in range(5_000):
        shape_of({f"name {k}": k})
    assert len(shapes._shapes) <= 2_000
    assert all(sum(map(len, names)) <= 4_000 for names in shapes._shapes)


def test_an_event_made_quickly_is_an_event() -> None:
    assert [(f.name, f.type) for f in dataclasses.fields(made._Open)] == [
        (f.name, f.type) for f in dataclasses.fields(Event)
    ]
    event = new_event(7, "view", AT, b"m", 3, 5, "CNY", {"name": "x"}, "key:k")
    assert type(event) is Event
    assert event == Event(7, "view", AT, b"m", 3, 5, "CNY", {"name": "x"}, "key:k")
    assert dataclasses.replace(event, seq=4).seq == 4
    assert not hasattr(event, "__dict__")
