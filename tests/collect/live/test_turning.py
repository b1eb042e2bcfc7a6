"""What live events are in the log: kinds, open bodies, products, places, floods."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.collect.live.rooms import AT, SOURCE, Live, live_room

from renwei.collect.live.folding import rest_of
from renwei.collect.live.turning import open_path
from renwei.core.nouns import NOBODY

P = {"product_id": "p1", "name": "保湿面膜", "category": "面膜", "brand": "雪", "price": 59.9}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"event": "Product Viewed", "properties": P}, "view"),
        ({"event": "商品浏览", "properties": {"商品ID": "p1"}}, "view"),
        ({"event": "commodityDetail", "properties": {"commodity_id": "p1"}}, "view"),
        ({"type": "page", "name": "Mask", "properties": P}, "view"),
        ({"type": "screen", "name": "Mask", "properties": {"sku": "s1"}}, "view"),
        ({"event": "Looked closely", "properties": P}, "view"),
        ({"event": "商品曝光", "properties": P}, "shown"),
        ({"event": "Size Guide Failed", "properties": P}, "track"),
        ({"type": "page", "name": "Home"}, "page"),
        ({"type": "screen", "name": "Home"}, "screen"),
        ({"event": "Products Searched", "properties": {"query": "面膜"}}, "search"),
        ({"event": "anything", "properties": {"关键词": "面膜"}}, "search"),
        ({"type": "page", "name": "Search", "properties": {"keyword": "面膜"}}, "search"),
        ({"event": "点赞", "properties": P}, "like"),
        ({"event": "取消点赞", "properties": P}, "unlike"),
        ({"event": "评论", "properties": {"post_id": "x", "content": "好用"}}, "comment"),
        ({"event": "Product Shared", "properties": P}, "share"),
        ({"event": "收藏", "properties": P}, "wish"),
        ({"event": "关注", "properties": {"达人ID": "kol7"}}, "follow"),
        ({"event": "取消关注", "properties": {"达人ID": "kol7"}}, "unfollow"),
        ({"event": "加入购物车", "properties": P}, "cart"),
        ({"event": "Product Removed", "properties": P}, "uncart"),
        ({"event": "Checkout Started", "properties": {"products": [P]}}, "checkout"),
        ({"type": "identify", "traits": {"age": 31}}, "identify"),
        ({"type": "alias", "previousId": "a1"}, "alias"),
        ({"type": "group", "groupId": "g1"}, "group"),
        ({"event": "Badge Earned"}, "track"),
        ({"event": "Purchase"}, "track"),
    ],
)
def test_events_become_our_kinds(live: Live, event: dict[str, Any], kind: str) -> None:
    live.post({"userId": "u1", **event})
    assert [one.kind for one in live.events()] == [kind]


def test_a_view_keeps_its_product_dwell_list_and_place_in_it(live: Live) -> None:
    live.post({"userId": "u1", "event": "Product Viewed", "timestamp": AT.isoformat(),
               "properties": {**P, "dwell_ms": 8200, "list": "home", "position": 3}})  # fmt: skip
    (view,) = live.events()
    assert view.body["dwell_ms"] == 8200
    assert (view.body["list"], view.body["position"], view.body["name"]) == (
        "home",
        3,
        "Product Viewed",
    )
    item = live.shop.store.items.get([view.item])[0]
    assert item is not None
    assert (item.kind, item.code, item.title, item.category) == (
        "product",
        "p1",
        "保湿面膜",
        "面膜",
    )
    assert (item.price_minor, item.currency, item.facts["brand"]) == (5990, "CNY", "雪")
    assert (view.source, view.version, view.at) == (SOURCE, 1, AT)


def test_an_impression_is_no_look_and_keeps_the_decision_that_put_it_there(live: Live) -> None:
    decision = "019b76da-a800-7abc-8def-0123456789ab"
    for name in ("Product Impression", "Product Clicked", "Product Added"):
        told = {"product_id": "P1", "decision_id": decision, "position": 3}
        live.post({"userId": "u1", "event": name, "properties": told})
    other = {"product_id": "P1", "decision_id": "13912345678"}
    live.post({"userId": "u1", "event": "Product Impression", "properties": other})
    found = live.events()
    assert [event.kind for event in found] == ["shown", "view", "cart", "shown"]
    assert [event.body.get("decision") for event in found] == [decision] * 3 + [None]
    assert found[0].body["position"] == 3
    assert found[0].item == found[1].item > 0


@pytest.mark.parametrize(
    ("properties", "dwell"),
    [({"dwell": 12}, 12_000), ({"$event_duration": 9.5}, 9_500), ({"stay_time": 4000}, 4_000),
     ({"dwell": 3, "unit": "min"}, 180_000), ({"停留时长": "7秒"}, 7_000), ({"duration": 20}, 20_000)],
)  # fmt: skip
def test_the_length_of_a_look_is_read_in_its_unit(
    live: Live, properties: dict[str, Any], dwell: int
) -> None:
    live.post({"userId": "u1", "event": "Product Viewed", "properties": {**P, **properties}})
    assert live.events()[0].body["dwell_ms"] == dwell


def test_the_same_message_again_changes_nothing(live: Live) -> None:
    event = {"userId": "u1", "event": "Product Liked", "properties": P, "messageId": "m-1"}
    first, again = live.post(dict(event)), live.post(dict(event), later=60)
    other = live.post(dict(event), source="key:k2")
    assert (first.added, again.added, again.duplicates, other.added) == (1, 0, 1, 1)


def test_a_product_is_one_item_by_id_by_sku_and_as_files_call_it(live: Live) -> None:
    live.post({"userId": "u1", "event": "Product Viewed", "properties": P},
              {"userId": "u1", "event": "Product Viewed", "properties": {"productId": "p1"}})  # fmt: skip
    live.post({"userId": "u1", "event": "Product Viewed", "properties": {"product_id": "new", "sku": "p1"}},
              {"userId": "u1", "event": "Product Viewed", "properties": {"product_id": 7}},
              {"userId": "u1", "event": "Product Viewed", "properties": {"product_id": "7"}})  # fmt: skip
    numbers = [one.item for one in live.events()]
    assert numbers[0] == numbers[1] == numbers[2]
    assert numbers[3] == numbers[4] != numbers[0]
    assert len(live.shop.store.items.all_items()) == 2


def test_a_product_in_a_list_of_one_is_the_product(live: Live) -> None:
    live.post({"userId": "u1", "event": "view_item", "properties": {"items": [{"item_id": "p1", "item_name": "面膜"}]}},
              {"userId": "u1", "event": "add_to_cart", "properties": {"products": [{"id": "p1", "quantity": 2}]}},
              {"userId": "u1", "event": "view_item", "properties": {"items": [{"item_id": "p1"}, {"item_id": "p2"}]}})  # fmt: skip
    assert [(one.kind, one.item) for one in live.events()] == [
        ("view", 1),
        ("cart", 1),
        ("view", 0),
    ]


def test_a_price_that_changes_is_the_newest_after_a_minute(live: Live) -> None:
    live.post({"userId": "u1", "event": "Product Viewed", "properties": P})
    live.post(
        {"userId": "u1", "event": "Product Viewed", "properties": {**P, "price": 49}}, later=61
    )
    item = live.shop.store.items.all_items()[0]
    assert (item.price_minor, item.title) == (4900, "保湿面膜")


def test_a_product_of_sensors_comes_and_goes_without_a_person(live: Live) -> None:
    live.send(
        "sensors",
        {
            "type": "item_set",
            "item_type": "book",
            "item_id": "b1",
            "properties": {"title": "书", "price": 12},
        },
    )
    live.send("sensors", {"type": "item_delete", "item_type": "book", "item_id": "b1", "time": 1})
    (item,) = live.shop.store.items.all_items()
    assert (item.code, item.title, item.price_minor, item.facts["gone"]) == ("b1", "书", 1200, True)
    assert {one.actor for one in live.events()} == {NOBODY}
    assert not live.shop.store.people.all_persons()


def test_likes_of_posts_and_creators_say_on_what(live: Live) -> None:
    live.post({"userId": "u1", "event": "点赞", "properties": {"post_id": "note-1", "creator": "kol7"}},
              {"userId": "u1", "event": "点赞", "properties": {"达人": "kol7"}},
              {"userId": "u1", "event": "点赞", "properties": P})  # fmt: skip
    post, creator, item = (one.body for one in live.events())
    assert (post["on"], post["creator"], len(post["post"])) == ("post", "kol7", 16)
    assert "note-1" not in json.dumps(post["post"])
    assert (creator["on"], item["on"], item.get("post")) == ("creator", "item", None)


def test_comment_text_is_sealed_and_can_be_opened_until_forgotten(live: Live) -> None:
    live.post(
        {"userId": "u1", "event": "评论", "properties": {"post_id": "x", "content": "气死我了"}}
    )
    (comment,) = live.events()
    assert "气死" not in json.dumps(dict(comment.body), ensure_ascii=False)
    assert rest_of(live.shop, comment)["p"]["content"] == "气死我了"
    person = live.person("user", "u1")
    assert person is not None
    live.forget(person, ())
    (comment,) = live.events()
    assert (comment.actor, rest_of(live.shop, comment)) == (NOBODY, {})


def test_what_a_forgotten_user_sends_is_nobodys_and_holds_nothing(live: Live) -> None:
    live.post({"userId": "u1", "event": "Product Liked", "properties": P})
    person = live.person("user", "u1")
    assert person is not None
    live.forget(person, ())
    live.post({"userId": "u1", "event": "Product Liked", "properties": {**P, "note": "again"}})
    assert [one.actor for one in live.events()] == [NOBODY, NOBODY]
    assert "_" not in live.events()[1].body
    assert not live.shop.store.people.all_persons()


def test_a_search_for_a_number_is_sealed(live: Live) -> None:
    live.post({"userId": "u1", "event": "Search", "properties": {"query": "13912345670"}},
              {"userId": "u1", "event": "Search", "properties": {"query": "x" * 80}},
              {"userId": "u1", "event": "Search", "properties": {"query": "SPF 50 面膜"}})  # fmt: skip
    assert [one.body["keyword"] for one in live.events()] == ["", "", "SPF 50 面膜"]


def test_pages_keep_their_path_without_query_or_anybodys_number() -> None:
    assert open_path("https://a.b/m/面膜?phone=139#x") == "/m/面膜"
    assert open_path("/u/mei@example.com/orders") == "/u/#/orders"
    assert open_path("/u/139 1234 5670") == "/u/#"
    assert open_path("/u/%E5%BC%A0") == "/u/#"
    assert open_path("http://[broken") == ""


def test_context_is_short_and_structured(live: Live) -> None:
    live.post({"userId": "u1", "event": "x", "context": {
        "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148", "locale": "zh-CN",
        "network": {"type": "2G"}, "ip": "1.2.3.4", "library": {"name": "a"}, "note": "secret"}})  # fmt: skip
    (event,) = live.events()
    assert event.body["ctx"] == {"device": "mobile", "os": "ios", "net": "2g", "lang": "zh-CN"}
    assert rest_of(live.shop, event)["c"] == {
        "locale": "zh-CN",
        "network": {"type": "2G"},
        "note": "secret",
    }


def test_a_place_is_kept_only_with_consent_and_roughly(live: Live) -> None:
    where = {"lat": 30.274123, "lon": 120.155432}
    live.post({"userId": "u1", "event": "Location Updated", "properties": where})
    consent = {"consent": {"categoryPreferences": {"location": True}}}
    live.post({"userId": "u1", "event": "Agreed", "context": consent})
    live.post({"userId": "u1", "event": "Location Updated", "properties": where},
              {"userId": "u1", "event": "Product Viewed", "properties": P, "context": {"location": {"latitude": 30.2741, "longitude": 120.1554}}}, later=5)  # fmt: skip
    before, _, place, view, beside = live.events()
    assert (before.kind, before.body["place"]) == ("location", "no_consent")
    assert "30.27" not in json.dumps(rest_of(live.shop, before))
    assert (place.kind, place.body["lat"], place.body["lon"]) == ("location", 30.274, 120.155)
    assert (view.kind, beside.kind, beside.body["lat"]) == ("view", "location", 30.274)
    assert "120.15" not in json.dumps(dict(view.body)) + json.dumps(rest_of(live.shop, view))


def test_ten_thousand_likes_in_a_minute_are_flagged_and_an_upload_is_not(live: Live) -> None:
    like = {"userId": "bot", "event": "点赞", "properties": P, "timestamp": AT.isoformat()}
    for _ in range(10):
        live.post(*[dict(like) for _ in range(1_000)])
    upload = [
        {
            "userId": "phone",
            "event": "点赞",
            "properties": P,
            "timestamp": (AT - timedelta(minutes=n)).isoformat(),
        }
        for n in range(300)
    ]
    live.post(*upload)
    flagged = [one for one in live.events() if one.body.get("flood")]
    assert len(flagged) == 10_000 - 60
    bot = live.person("user", "bot")
    assert {live.shop.store.people.persons_of([one.actor])[0] for one in flagged} == {bot}


PRIVATE_TEXTS = (
    "mei.zhang@example.com",
    "13912345670",
    "+86 139-1234-5670",
    "浙江省杭州市西湖区花园路1号",
    "张小美",
)
NAMES = [
    "email",
    "phone",
    "name",
    "address",
    "product_id",
    "sku",
    "query",
    "category",
    "brand",
    "creator",
    "list",
    "position",
    "title",
    "path",
    "url",
    "variant",
    "keyword",
    "post_id",
    "comment",
    "note",
    "姓名",
    "手机号",
    "quantity",
    "price",
    "dwell_ms",
]
private = st.sampled_from(PRIVATE_TEXTS[:3])
anything = private | st.text(max_size=10) | st.integers(0, 10**12) | st.booleans()
properties = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), anything, max_size=8)
_LONG = re.compile(r"\d{7}")


def open_texts(value: Any) -> list[str]:
    """Every text and number of an open body, without what is sealed or ours."""
    if isinstance(value, Mapping):
        inner = [
            open_texts(v)
            for k, v in value.items()
            if k not in ("_", "dwell_ms", "with", "post", "group", "order", "lines", "paid")
        ]
        return [text for texts in inner for text in texts] + [str(k) for k in value]
    if isinstance(value, list | tuple):
        return [text for one in value for text in open_texts(one)]
    return [str(value)]


@given(
    kind=st.sampled_from(("track", "identify", "page", "screen", "group")),
    name=st.sampled_from(
        ("Product Viewed", "点赞", "Search", "加入购物车", "x", *PRIVATE_TEXTS[:3])
    ),
    said=properties,
    traits=properties,
)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_open_body_holds_an_address_or_a_number_of_somebody(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    name: str,
    said: dict[str, Any],
    traits: dict[str, Any],
) -> None:
    room = rooms(tmp_path_factory)
    before = room.shop.store.log.position()
    room.post(
        {
            "type": kind,
            "event": name,
            "name": name,
            "userId": "u-private",
            "groupId": "g",
            "properties": said,
            "traits": traits,
        }
    )
    for event in room.shop.store.log.read(after=before):
        for text in open_texts(dict(event.body)):
            assert "@" not in text, (text, event.body)
            assert not _LONG.search(re.sub(r"[ \-]", "", text)), (text, event.body)


def test_named_personal_fields_never_stand_open(live: Live) -> None:
    said = {"name": "张小美", "email": PRIVATE_TEXTS[0], "phone": PRIVATE_TEXTS[1], "address": PRIVATE_TEXTS[3],
            "receiver": "张小美", "note": "找张小美"}  # fmt: skip
    live.post({"userId": "u1", "event": "Signed Up", "properties": said},
              {"userId": "u1", "type": "identify", "traits": {**said, "contact_name": "张小美", "收货地址": PRIVATE_TEXTS[3]}})  # fmt: skip
    for event in live.events():
        text = json.dumps({k: v for k, v in event.body.items() if k != "facts"}, ensure_ascii=False)
        facts = event.body.get("facts", {})
        assert "张小美" not in text
        assert not facts.keys() & {
            "name",
            "email",
            "phone",
            "address",
            "contact_name",
            "收货地址",
            "note",
        }


_room: list[Live] = []


def rooms(factory: pytest.TempPathFactory) -> Live:
    """One workspace for all examples."""
    if not _room:
        context = live_room(Path(factory.mktemp("private")))
        _room.append(context.__enter__())
        _keep.append(context)
    return _room[0]


_keep: list[Any] = []


@pytest.fixture(scope="module", autouse=True)
def _closing() -> Any:
    yield
    while _keep:
        _room.pop()
        _keep.pop().__exit__(None, None, None)
