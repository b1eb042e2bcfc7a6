from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.app import build
from renwei.collect.items.checking import FIELDS, draft_of
from renwei.collect.items.money import price_of, shown
from renwei.core.errors import BadInput, RenweiError


def told(**fields: Any) -> dict[str, Any]:
    return draft_of({"id": "A", **fields}, "CNY").told


def code_of(**fields: Any) -> str:
    with pytest.raises(BadInput) as fault:
        draft_of({"id": "A", **fields}, "CNY")
    return fault.value.code


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"price": "59.90"}, (5990, "CNY")),
        ({"price": 59.9}, (5990, "CNY")),
        ({"price": 60}, (6000, "CNY")),
        ({"price": "¥1,059.90"}, (105990, "CNY")),
        ({"price": "€12.50"}, (1250, "EUR")),
        ({"price": "12.50", "currency": "usd"}, (1250, "USD")),
        ({"price": 500, "currency": "JPY"}, (500, "JPY")),
        ({"price": "1.234", "currency": "KWD"}, (1234, "KWD")),
        ({"price_minor": 5990}, (5990, "CNY")),
        ({"price_minor": 0}, (0, "CNY")),
        ({"price": "59.90", "price_minor": 5990}, (5990, "CNY")),
        ({"price": None}, None),
        ({"price": 0.1 + 0.2}, (30, "CNY")),
        ({"price": 3 * 19.99}, (5997, "CNY")),
    ],
)
def test_whole_units_and_minor_units_are_told_apart_by_the_field(
    given: dict[str, Any], wanted: tuple[int, str] | None
) -> None:
    assert price_of(given, "CNY") == wanted


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"price": 59.999}, "item_price_too_fine"),
        ({"price": "500.5", "currency": "JPY"}, "item_price_too_fine"),
        ({"price": -1}, "item_bad_price"),
        ({"price": "cheap"}, "item_bad_price"),
        ({"price": True}, "item_bad_price"),
        ({"price": "1e12"}, "item_bad_price"),
        ({"price": "9" * 400}, "item_bad_price"),
        ({"price_minor": 59.9}, "item_bad_price"),
        ({"price_minor": "5990"}, "item_bad_price"),
        ({"price_minor": -1}, "item_bad_price"),
        ({"price": "59.90", "price_minor": 59}, "item_two_prices"),
        ({"price": "€5", "currency": "CNY"}, "item_two_currencies"),
        ({"price": 5, "currency": "yuan"}, "item_bad_currency"),
    ],
)
def test_a_price_that_does_not_fit_is_refused_not_rounded(given: dict[str, Any], code: str) -> None:
    assert code_of(**given) == code


@given(st.integers(min_value=0, max_value=10**12), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_a_price_that_is_shown_can_be_told_again(minor: int, currency: str) -> None:
    again = price_of({"price": shown(minor, currency), "currency": currency}, "CNY")
    assert again == (minor, currency)


def test_markup_and_chinese_stay_text_on_one_line() -> None:
    title = "<b>面霜</b>\n 50ml\x00 & <script>alert(1)</script>"
    assert told(title=title)["title"] == "<b>面霜</b> 50ml & <script>alert(1)</script>"


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)", "ftp://example.com/a", "//example.com", "http://", "data:image/png,x",
        "https://exa mple.com", "http://[", "https://a.example/\"><x>", "x" * 9, 7, "http://a:99999/",
    ],
)  # fmt: skip
def test_only_http_addresses_are_links(link: Any) -> None:
    assert code_of(url=link) == "item_bad_link"


def test_links_with_chinese_paths_are_kept() -> None:
    assert told(url="https://shop.example/商品/1?a=1")["url"] == "https://shop.example/商品/1?a=1"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"stock": 1.5}, "item_bad_stock"),
        ({"stock": "3"}, "item_bad_stock"),
        ({"stock": 10**18}, "item_bad_stock"),
        ({"available": "yes"}, "item_bad_yes_no"),
        ({"tags": "a,b"}, "item_bad_tags"),
        ({"tags": ["x"] * 65}, "item_bad_tags"),
        ({"tags": ["x" * 65]}, "item_bad_tags"),
        ({"tags": [{}]}, "item_bad_tags"),
        ({"attributes": {f"a{n}": 1 for n in range(65)}}, "item_bad_attributes"),
        ({"attributes": ["a"]}, "item_bad_attributes"),
        ({"attributes": {"1a": 1}}, "item_attribute_name"),
        ({"attributes": {"a b": 1}}, "item_attribute_name"),
        ({"attributes": {"a": [1]}}, "item_attribute_value"),
        ({"attributes": {"a": "x" * 501}}, "item_attribute_value"),
        ({"attributes": {"a": 2**60}}, "item_attribute_value"),
        ({"attributes": {f"a{n}": "字" * 400 for n in range(60)}}, "item_too_large"),
        ({"language": "Chinese language"}, "item_bad_language"),
        ({"repeat": "often"}, "item_bad_yes_no"),
        ({"title": "x" * 501}, "item_bad_text"),
        ({"title": ["a"]}, "item_bad_text"),
        ({"brand": "\ud800"}, "item_bad_text"),
        ({"kind": "permission"}, "item_bad_kind"),
        ({"kind": "a/b"}, "item_bad_kind"),
        ({"kind": 3}, "item_bad_kind"),
        ({"first_seen": "yesterday"}, "item_bad_time"),
        ({"first_seen": "0001-01-01T00:00:00Z"}, "item_bad_time"),
        ({"gone": "yes"}, "item_bad_yes_no"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(fields: dict[str, Any], code: str) -> None:
    assert code_of(**fields) == code


def test_an_unknown_field_is_refused_with_the_nearest_known() -> None:
    with pytest.raises(BadInput) as fault:
        draft_of({"id": "A", "titel": "x"}, "CNY")
    assert fault.value.code == "item_unknown_field"
    assert fault.value.values["near"] == "title"


@pytest.mark.parametrize("code", ["", None, " ", "a\nb", "x" * 201, [], {}, 1.5, True, "\ud800"])
def test_what_cannot_be_an_id_is_refused(code: Any) -> None:
    with pytest.raises(BadInput) as fault:
        draft_of({"id": code}, "CNY")
    assert fault.value.code in ("item_no_id", "item_bad_id")


@pytest.mark.parametrize("code", ["x" * 200, "护肤-1", "a/b c", "A|红", 42, "😀"])
def test_long_and_chinese_ids_are_ids(code: Any) -> None:
    assert draft_of({"id": code}, "CNY").id == str(code)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
_ITEMS = st.dictionaries(
    st.sampled_from(FIELDS) | st.text(max_size=9), _VALUES, max_size=8
) | st.fixed_dictionaries({"id": st.text(min_size=1, max_size=9)}, optional={n: _VALUES for n in FIELDS if n != "id"})  # fmt: skip


@given(_ITEMS | _VALUES)
def test_whatever_is_told_is_an_item_or_a_refusal_that_can_be_said(given: Any) -> None:
    try:
        draft = draft_of(given, "CNY")
    except RenweiError as fault:
        for language in ("en", "zh"):
            said = build.words().say(f"errors.{fault.code}", fault.values, language)
            assert said != f"errors.{fault.code}"  # noqa: PT017 - either is right, neither must be mute
        json.dumps(fault.values)
    else:
        assert msgspec.json.decode(msgspec.json.encode(draft.told)) is not None
