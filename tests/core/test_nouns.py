"""Small promises of the nouns, the clock, the errors and the slate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.core.clock import EPOCH, Frozen, WallClock, cpu_seconds, from_us, ticks, to_us
from renwei.core.columns import Asks, Slates, grid
from renwei.core.errors import BadInput, RenweiError, UnknownName
from renwei.core.nouns import Consent, ConsentState, Profile, Surface
from renwei.core.slate import Slate, join, to_grid

AT = datetime(2026, 3, 1, tzinfo=UTC)
G, U, W = ConsentState.GIVEN, ConsentState.UNKNOWN, ConsentState.WITHDRAWN


def test_a_profile_answers_by_the_latest_word_said_by_then() -> None:
    said = (
        Consent("marketing", "sms", G, AT, "form"),
        Consent("marketing", "*", W, AT + timedelta(days=2), "call"),
        Consent("marketing", "sms", G, AT + timedelta(days=4), "form"),
    )
    profile = Profile(7, (7,), {}, said, 1)
    asked = [profile.consent("marketing", "sms", AT + timedelta(days=d)) for d in (-1, 0, 3, 5)]
    assert asked == [U, G, W, G]
    assert profile.consent("marketing", "email", AT + timedelta(days=5)) is W
    assert profile.consent("care", "sms", AT + timedelta(days=5)) is U


@given(st.integers(-(2**52), 2**52))
def test_microseconds_and_times_are_each_others_inverse(us: int) -> None:
    assert to_us(from_us(us)) == us


def test_a_time_is_the_same_moment_in_every_zone_and_needs_one() -> None:
    there = AT.astimezone(timezone(timedelta(hours=8)))
    assert to_us(there) == to_us(AT)
    with pytest.raises(ValueError, match="zone"):
        to_us(AT.replace(tzinfo=None))


def test_a_frozen_clock_moves_when_told_and_the_wall_clock_by_itself() -> None:
    clock = Frozen(AT)
    clock.advance(timedelta(hours=-1))
    assert clock.now() == AT - timedelta(hours=1)
    assert WallClock().now() > EPOCH
    assert ticks() <= ticks()
    assert cpu_seconds() <= cpu_seconds()


def test_an_error_keeps_its_code_and_values_and_suggests_the_nearest_name() -> None:
    error = UnknownName.among("surface", "todey", ["today", "home"])
    assert (error.code, error.values["suggestion"]) == ("unknown_surface", "today")
    assert UnknownName.among("surface", "zzz", ["today"]).values["suggestion"] == ""
    assert isinstance(error, BadInput)
    assert str(RenweiError("plain")) == "plain"
    assert "todey" in str(error)


@given(st.lists(st.floats(-1e12, 1e12)))
def test_one_grid_for_python_and_numpy(scores: list[float]) -> None:
    assert grid(scores).tolist() == to_grid(scores)


def slate(source: str, items: list[int], **more: object) -> Slate:
    return Slate.of(source, f"{source}-code", items, [float(i) for i in items], **more)  # type: ignore[arg-type]


def test_the_first_to_name_an_item_keeps_it_with_its_columns() -> None:
    a = slate("a", [5, 3, 5], traits=[1, 2, 4])
    b = slate("b", [3, 9], groups=[7, 8])
    b.costs, a.model, b.model = {"sms": [1, 2]}, "m@1", "n@1"
    both = join([a, b, slate("c", []), slate("a", [11])])
    assert both.items == [5, 3, 9, 11]
    assert [both.source_names[k] for k in both.sources] == ["a", "a", "b", "a"]
    assert [both.code_names[k] for k in both.codes] == ["a-code", "a-code", "b-code", "a-code"]
    assert (both.traits, both.groups) == ([1, 2, 0, 0], [0, 0, 8, 0])
    assert (both.costs, both.model) == ({"sms": [0, 0, 2, 0]}, "m@1 n@1")
    assert a.items == [5, 3, 5]


def test_a_slate_of_many_words_keeps_each_rows_own() -> None:
    mixed = slate("a", [1, 2])
    mixed.codes, mixed.code_names = [1, 0], ("new", "popular")
    both = join([slate("b", [7]), mixed])
    assert [both.code_names[k] for k in both.codes] == ["b-code", "popular", "new"]


def test_a_slate_that_brings_its_numbers_is_taken_as_it_is() -> None:
    ready = slate("a", [1, 2])
    ready.numbers = frozenset(ready.items)
    assert join([ready]) is ready
    assert join([]) == Slate()


def test_columns_give_one_persons_rows() -> None:
    items = grid([[1, 0, 2]]) // 1024
    surface = Surface("home", (), "profiling", "order", timedelta(days=30))
    one, columns = Slates(items, items, costs={"sms": items}).slate(0)
    assert (one.items, columns, one.costs, one.sources) == ([1, 2], [0, 2], {"sms": [1, 2]}, [0, 0])
    asks = Asks(items[0], surface, AT)
    assert (len(asks), asks.ask(2).person, asks.ask(2).unit) == (3, 2, 0)
    assert len(Slates(items, items)) == 1
