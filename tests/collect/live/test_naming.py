"""What apps call things, and what we understand by it."""

from __future__ import annotations

from typing import Any

import pytest

from renwei.collect.live.checking import fault_in
from renwei.collect.live.naming import (
    BEHAVIOUR,
    DAY_MS,
    ORDERS,
    dwell_of,
    event_kind,
    found,
    number_of,
    text_of,
)
from renwei.collect.live.times import instant_us, skew_us
from renwei.collect.live.traits import clean, consents_in, traits_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Product Viewed", "view"), ("product_viewed", "view"), ("PRODUCT VIEWED", "view"),
        ("productViewed", "view"), ("Product Added", "cart"), ("Product Removed", "uncart"),
        ("Checkout Started", "checkout"), ("Order Completed", "paid"), ("Order Refunded", "refunded"),
        ("Order Cancelled", "closed"), ("Order Updated", "changed"), ("Products Searched", "search"),
        ("Product Added to Wishlist", "wish"), ("Product Shared", "share"),
        ("ViewProduct", "view"), ("addToShoppingcart", "cart"), ("payOrder", "paid"),
        ("商品浏览", "view"), ("加入购物车", "cart"), ("提交订单", "checkout"), ("支付订单", "paid"),
        ("点赞", "like"), ("关注", "follow"), ("收藏", "wish"), ("搜索", "search"), ("取消关注", "unfollow"),
        ("Signed Up", ""), ("", ""),
    ],
)  # fmt: skip
def test_names_of_every_wire_and_language_are_known(name: str, kind: str) -> None:
    assert event_kind(name) == kind


def test_every_listed_name_leads_to_a_kind_that_something_reads() -> None:
    for name in ("Product Viewed", "点赞", "Order Completed"):
        assert event_kind(name) in BEHAVIOUR | ORDERS.keys()


@pytest.mark.parametrize(
    "key",
    [
        "product_id",
        "productId",
        "ProductId",
        "productID",
        "product id",
        "product-id",
        "item_id",
        "goods_id",
        "commodity_id",
        "商品ID",
    ],
)
def test_the_id_of_a_product_is_found_under_any_of_its_names(key: str) -> None:
    assert found({"other": 1, key: "p1"}, "product") == "p1"


@pytest.mark.parametrize(
    ("properties", "kind", "milliseconds"),
    [
        ({"dwell_ms": 1}, "view", 1),
        ({"dwellMs": "8200"}, "view", 8_200),
        ({"dwell_seconds": 12}, "view", 12_000),
        ({"dwell": 12.5}, "page", 12_500),
        ({"dwell": 1_799}, "page", 1_799_000),
        ({"dwell": 8_200}, "page", 8_200),
        ({"dwell": "2 min"}, "page", 120_000),
        ({"dwell": "3 days"}, "page", None),
        ({"dwell": True}, "page", None),
        ({"dwell": [1]}, "page", None),
        ({"duration": 30}, "screen", 30_000),
        ({"dwell_ms": 1e300}, "view", None),
    ],
)
def test_dwell_is_read_by_name_unit_and_likelihood(
    properties: dict[str, Any], kind: str, milliseconds: float | None
) -> None:
    looked = dwell_of(properties, kind)
    assert looked is not None
    assert looked[1] == milliseconds


def test_a_duration_of_something_else_is_no_dwell() -> None:
    assert dwell_of({"duration": 259_200}, "track") is None
    assert fault_in("track", "Subscription Started", {"duration": 259_200}, {}) is None


@pytest.mark.parametrize(
    "properties",
    [
        {"dwell_ms": DAY_MS},
        {"dwell_ms": 0},
        {"dwell": None},
        {"lat": 30, "lon": 120},
        {"lat": None, "lon": None},
        {"$latitude": 30_274_123, "$longitude": 120_155_432},
        {},
    ],
)
def test_what_can_be_is_no_fault(properties: dict[str, Any]) -> None:
    assert fault_in("page", "Home", properties, {}) is None


@pytest.mark.parametrize(
    "value", [None, True, [], {}, "x", "1e400", "nan", float("nan"), float("inf"), 10**400]
)
def test_what_is_no_number_is_none(value: Any) -> None:
    assert number_of(value) is None


def test_short_texts_are_made_of_texts_and_numbers_alone() -> None:
    assert [text_of(v) for v in (" a ", 7, 7.0, 7.5, True, None, ["a"], float("inf"))] == [
        "a",
        "7",
        "7",
        "7.5",
        "",
        "",
        "",
        "inf",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a@b.c",
        "张三＠qq",
        "13912345670",
        "1 3 9 1 2 3 4",
        "call +49-171-1234567",
        "１３９１２３４５",
        "x" * 65,
        "a%40b.com",
    ],
)
def test_texts_that_may_be_somebodys_never_stand_open(text: str) -> None:
    assert clean(text) == ""


@pytest.mark.parametrize("text", ["SPF 50+", "面膜 30ml x 2", "iPhone 15", "2026 新款", "保湿"])
def test_plain_words_stand_open(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    "value", ["", "x", "20261", "2026-13-01", "-5", "99999999999999999999", "2026-11-20T25:00:00Z"]
)
def test_what_is_no_time_is_none(value: str) -> None:
    assert instant_us(value) is None


def test_a_difference_of_less_than_two_seconds_is_the_way() -> None:
    assert [skew_us(us, 0) for us in (1_999_999, 2_000_000, -2_000_000)] == [
        0,
        2_000_000,
        -2_000_000,
    ]


def test_categories_of_consent_are_purposes_and_no_beats_yes() -> None:
    said = {
        "C0004": True,
        "advertising": False,
        "C0002": True,
        "unknown-thing": True,
        "必要": "yes",
    }
    found_consents = consents_in({"consent": {"categoryPreferences": said}})
    assert found_consents == [
        ("marketing", "*", False),
        ("profiling", "*", True),
        ("service", "*", True),
    ]


def test_names_that_say_personal_are_no_facts() -> None:
    told = traits_of(
        {
            "contactEmail2": "x",
            "身份证号": "y",
            "wechatId": "z",
            "parentPhone": 1,
            "favouriteColour": "red",
        }
    )
    assert told.facts == {"favourite_colour": "red"}
