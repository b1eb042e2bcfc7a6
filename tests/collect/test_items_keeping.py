from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.collect.catalogues import AT, catalogue, do, events, item, save

from renwei.collect.catalogue import keep_items
from renwei.collect.items.prices import lowest_price, prices
from renwei.collect.live.goods import Goods
from renwei.collect.records import ItemRecord, OrderRecord, Reading
from renwei.core.clock import Frozen
from renwei.core.errors import Ambiguous, BadInput, UnknownName
from renwei.core.nouns import NOBODY, Item
from renwei.core.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with catalogue(tmp_path) as shop:
        yield shop


def later(shop: Shop, **by: float) -> None:
    assert isinstance(shop.clock, Frozen)
    shop.clock.advance(timedelta(**by))


CREAM: dict[str, Any] = {
    "id": "A1", "title": "面霜 <50ml>", "category": "护肤", "price": "59.90", "stock": 12,
    "brand": "玉兰", "url": "https://shop.example/a1", "image": "https://shop.example/a1.jpg",
    "tags": ["新品", "new"], "attributes": {"颜色": "白", "weight": 50, "vegan": True},
    "language": "zh-CN", "repeat": "yes", "cost_minor": 2000,
}  # fmt: skip


def test_a_told_item_is_stored_as_the_contract_says(shop: Shop) -> None:
    answer = save(shop, CREAM)
    assert (answer.stored, answer.new, answer.refused) == (1, 1, [])
    kept = item(shop, "A1")
    assert (kept.title, kept.category) == ("面霜 <50ml>", "护肤")
    assert (kept.price_minor, kept.currency) == (5990, "CNY")
    for name in ("brand", "url", "image", "stock", "tags", "attributes", "language", "repeat"):
        assert kept.facts[name] == CREAM[name]
    assert kept.facts["first_seen"] == AT.isoformat()
    assert "available" not in kept.facts
    assert "gone" not in kept.facts


def test_telling_the_same_again_changes_and_writes_nothing(shop: Shop) -> None:
    save(shop, CREAM)
    position, kept = shop.store.log.position(), item(shop, "A1")
    later(shop, hours=1)
    answer = save(shop, CREAM)
    assert (answer.unchanged, answer.new, answer.changed) == (1, 0, 0)
    assert shop.store.log.position() == position
    assert item(shop, "A1") == kept


def test_price_and_stock_have_a_history_in_the_log(shop: Shop) -> None:
    save(shop, CREAM)
    later(shop, days=1)
    do(shop, "items change", id="A1", price="49.90", by="key:k1")
    later(shop, days=1)
    do(shop, "items change", id="A1", stock=0)
    kept = item(shop, "A1")
    told = events(shop, "price", "stock")
    assert [(e.kind, e.value_minor, dict(e.body)) for e in told] == [
        ("price", 5990, {"was": None}),
        ("stock", 0, {"now": 12, "was": None}),
        ("price", 4990, {"was": 5990}),
        ("stock", 0, {"now": 0, "was": 12}),
    ]
    assert {(e.actor, e.item) for e in told} == {(NOBODY, kept.number)}
    assert [e.currency for e in told if e.kind == "price"] == ["CNY", "CNY"]
    assert told[2].source == "key:k1"
    shown = do(shop, "items show", id="A1")
    assert [one.price for one in shown.prices] == ["59.90", "49.90"]
    assert [one.stock for one in shown.stocks] == [12, 0]
    assert shown.item.offered is False


def test_a_price_that_goes_there_and_back_is_two_changes(shop: Shop) -> None:
    for price in (100, 80, 100, 80):
        save(shop, {"id": "A", "price": price})
        later(shop, seconds=1)
    assert [e.value_minor for e in events(shop, "price")] == [10000, 8000, 10000, 8000]


def test_readers_learn_from_the_log_which_items_changed(shop: Shop) -> None:
    save(shop, CREAM, {"id": "B"})
    before = shop.store.log.position()
    do(shop, "items change", id="B", title="another")
    (event,) = shop.store.log.read(after=before)
    assert (event.kind, event.actor) == ("catalogue", NOBODY)
    assert event.body == {"items": [item(shop, "B").number]}


def test_what_is_left_out_of_a_whole_item_is_emptied_and_kept_in_a_partial_one(shop: Shop) -> None:
    save(shop, CREAM)
    do(shop, "items change", id="A1", title="面霜")
    assert item(shop, "A1").facts["brand"] == "玉兰"
    save(shop, {"id": "A1", "brand": None}, partial=True)
    assert "brand" not in item(shop, "A1").facts
    do(shop, "items put", id="A1", price="59.90")
    kept = item(shop, "A1")
    assert (kept.title, kept.category, kept.price_minor) == ("面霜", "", 5990)
    assert "stock" not in kept.facts
    assert "tags" not in kept.facts


def test_null_empties_one_field_over_patch(shop: Shop) -> None:
    save(shop, CREAM)
    did = do(shop, "items change", id="A1", stock=None, price=None)
    assert (did.item.stock, did.item.price, did.item.offered) == (None, None, True)


def test_a_removed_item_is_not_offered_keeps_its_past_and_comes_back(shop: Shop) -> None:
    save(shop, CREAM)
    number = item(shop, "A1").number
    assert do(shop, "items remove", id="A1").did == "removed"
    assert item(shop, "A1").facts["gone"] == AT.isoformat()
    later(shop, days=1)
    assert do(shop, "items remove", id="A1").did == "unchanged"
    assert item(shop, "A1").facts["gone"] == AT.isoformat()
    shown = do(shop, "items show", id="A1")
    assert (shown.item.gone, shown.item.offered, len(shown.prices)) == (True, False, 1)
    assert do(shop, "items list").items == []
    assert len(do(shop, "items list", gone=True).items) == 1
    with pytest.raises(UnknownName) as fault:
        do(shop, "items change", id="A1", title="x")
    assert fault.value.code == "item_gone"
    assert do(shop, "items put", id="A1", title="又来了").did == "back"
    assert item(shop, "A1").number == number
    assert [one.id for one in do(shop, "items list").items] == ["A1"]


def test_many_can_be_removed_in_one_list(shop: Shop) -> None:
    save(shop, CREAM, {"id": "B"})
    answer = save(
        shop, {"id": "A1", "gone": True}, {"id": "B", "gone": True}, {"id": "C", "gone": True}
    )
    assert (answer.removed, answer.stored) == (2, 2)
    assert [(one.index, one.code) for one in answer.refused] == [(2, "unknown_item")]
    assert item(shop, "A1").facts["brand"] == "玉兰"


def test_what_cannot_be_taken_is_named_and_the_rest_is_stored(shop: Shop) -> None:
    answer = save(
        shop, {"id": "A"}, {"id": "B", "price": 9.999}, "x", {"title": "no id"}, {"id": "C"}
    )
    assert (answer.stored, answer.new) == (2, 2)
    assert [(one.index, one.field, one.code) for one in answer.refused] == [
        (1, "price", "item_price_too_fine"),
        (2, "", "item_not_an_object"),
        (3, "id", "item_no_id"),
    ]
    assert answer.refused[0].id == "B"
    assert "9.999" in answer.refused[0].text


def test_a_list_of_which_nothing_can_be_taken_is_refused_as_a_whole(shop: Shop) -> None:
    with pytest.raises(BadInput) as fault:
        save(shop, {"id": ""}, {"id": "A", "stock": "many"})
    assert fault.value.code == "items_all_refused"
    assert [one["index"] for one in fault.value.values["refused"]] == [0, 1]


def test_of_two_that_are_the_same_the_later_one_counts_and_that_is_said(shop: Shop) -> None:
    answer = save(shop, {"id": "A", "price": 10}, {"id": "B"}, {"id": "A", "price": 20})
    assert answer.stored == 2
    assert [(one.index, one.by) for one in answer.again] == [(0, 2)]
    assert item(shop, "A").price_minor == 2000
    assert [e.value_minor for e in events(shop, "price")] == [2000]


def test_a_partial_list_changes_only_what_it_gives_and_makes_nothing(shop: Shop) -> None:
    save(shop, CREAM)
    answer = save(shop, {"id": "A1", "stock": 3}, {"id": "Z", "stock": 3}, partial=True)
    assert (answer.changed, answer.stored) == (1, 1)
    assert [one.code for one in answer.refused] == ["unknown_item"]
    assert item(shop, "A1").facts["stock"] == 3
    assert item(shop, "A1").title == CREAM["title"]
    assert shop.store.items.by_code("product", ["Z"]) == [0]


def test_several_skus_of_one_style_are_items_of_one_group(shop: Shop) -> None:
    skus = [{"id": f"D-{n}", "group": "D", "variant": v} for n, v in enumerate(("红/S", "红/M"))]
    assert save(shop, *skus).new == 2
    assert [one.variant for one in do(shop, "items list", query="d").items] == ["红/S", "红/M"]


def test_one_id_may_be_of_several_kinds_and_then_the_kind_must_be_said(shop: Shop) -> None:
    save(shop, {"id": "1", "kind": "video", "title": "v"}, {"id": "2", "kind": "歌曲"})
    assert do(shop, "items change", id="1", title="w").item.kind == "video"
    save(shop, {"id": "1", "kind": "product", "title": "p"})
    with pytest.raises(Ambiguous) as fault:
        do(shop, "items show", id="1")
    assert fault.value.values["kinds"] == "product, video"
    assert do(shop, "items show", id="1", kind="video").item.title == "w"
    answer = save(shop, {"id": "1", "title": "?"}, {"id": "3"})
    assert [one.code for one in answer.refused] == ["ambiguous_item"]
    assert [one.id for one in do(shop, "items list", kind="song").items] == ["2"]


def test_what_the_program_keeps_for_itself_is_no_item(shop: Shop) -> None:
    shop.store.items.upsert([Item(0, "permission", "marketing", "permission")])
    assert do(shop, "items list").total == 0
    with pytest.raises(UnknownName):
        do(shop, "items show", id="marketing")
    with pytest.raises(BadInput):
        do(shop, "items show", id="marketing", kind="permission")


# Told outranks seen.


def order_file(price: int, days: int, title: str = "面霜 订单里的名字") -> Reading:
    order = OrderRecord(
        platform="generic", shop="", number=f"o{days}", created_at=AT + timedelta(days=days),
        total_minor=price, currency="CNY", status="paid", paid_at=None, lines=[(0, 1, price, price)],
    )  # fmt: skip
    return Reading(
        platform="generic", encoding="utf-8", files=[], currency="CNY", zone="UTC",
        currency_known=True, zone_known=True, refused=[], warnings=[], orders=[order],
        items=[ItemRecord(title=title, code="A1", category="订单类目")],
    )  # fmt: skip


def test_orders_do_not_overwrite_what_the_shop_told(shop: Shop) -> None:
    keep_items(shop.store.items, order_file(7000, -30))
    seen = item(shop, "A1")
    assert (seen.price_minor, seen.title) == (7000, "面霜 订单里的名字")
    do(shop, "items change", id="A1", price="59.90")
    for days in (-60, 5):
        keep_items(shop.store.items, order_file(8000, days, "另一个名字"))
    kept = item(shop, "A1")
    assert (kept.price_minor, kept.title) == (5990, "另一个名字")
    save(shop, CREAM)
    keep_items(shop.store.items, order_file(9000, 9))
    kept = item(shop, "A1")
    assert (kept.title, kept.category, kept.price_minor) == ("面霜 <50ml>", "护肤", 5990)
    assert kept.number == seen.number
    assert kept.facts["first_seen"] < AT.isoformat()


def test_what_only_orders_showed_stays_when_an_item_is_told_whole(shop: Shop) -> None:
    keep_items(shop.store.items, order_file(7000, -30))
    save(shop, {"id": "A1", "stock": 4})
    kept = item(shop, "A1")
    assert (kept.title, kept.category, kept.price_minor) == ("面霜 订单里的名字", "订单类目", 7000)


def test_live_events_do_not_overwrite_what_the_shop_told(shop: Shop) -> None:
    save(shop, CREAM, {"id": "v1", "kind": "video", "title": "试用"})
    number, video = item(shop, "A1").number, item(shop, "v1", "video").number
    viewed = {"product_id": "A1", "name": "Cream!", "price": 1.0, "brand": "other", "variant": "x"}
    asked: list[tuple[dict[str, Any], bool]] = [(viewed, True), ({"product_id": "v1"}, True)]
    assert Goods().numbers(shop.store.items, asked, "CNY", AT) == [number, video]
    kept = item(shop, "A1")
    assert (kept.title, kept.price_minor, kept.facts["brand"]) == ("面霜 <50ml>", 5990, "玉兰")
    assert kept.facts["variant"] == "x"


# The lowest price of 30 days.


def test_the_lowest_price_counts_the_one_in_force_when_the_window_begins(shop: Shop) -> None:
    for day, price in ((0, 50), (10, 40), (50, 100), (60, 90)):
        assert isinstance(shop.clock, Frozen)
        shop.clock.at = AT + timedelta(days=day)
        save(shop, {"id": "A", "price": price})
    kept = item(shop, "A")

    def low(day: float, days: int = 30) -> int | None:
        return lowest_price(shop, kept, AT + timedelta(days=day), days)

    assert low(-1) is None
    assert low(0) == 5000
    assert low(20) == 4000
    assert low(70) == 4000
    assert low(79.9) == 4000
    assert low(81) == 9000
    assert low(70, days=15) == 9000
    assert low(59, days=5) == 10000


def test_a_long_history_is_read_from_the_log(shop: Shop) -> None:
    for price in range(40, 0, -1):
        save(shop, {"id": "A", "price": price})
        later(shop, hours=1)
    kept = item(shop, "A")
    assert len(kept.facts["prices"]) == 30
    assert len(prices(shop, kept)) == 40
    assert lowest_price(shop, kept, AT + timedelta(hours=1.5)) == 3900
    assert lowest_price(shop, kept, shop.clock.now()) == 100


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 90)), min_size=1, max_size=12))
def test_the_lowest_price_is_the_least_of_every_hour(
    shop: Shop, told: list[tuple[int, int]]
) -> None:
    assert isinstance(shop.clock, Frozen)
    code, known = f"L{shop.store.log.position()}", []
    for gap, price in told:
        later(shop, days=gap)
        save(shop, {"id": code, "price": price})
        known.append((shop.clock.now(), price * 100))
    until = shop.clock.now() + timedelta(days=7)
    since = until - timedelta(days=30)
    hours = [since + timedelta(hours=n) for n in range(30 * 24 + 1)]
    in_force = [[p for at, p in known if at <= hour][-1:] for hour in hours]
    wanted = min((p for some in in_force for p in some), default=None)
    assert lowest_price(shop, item(shop, code), until) == wanted


# Crashes and crowds.


def test_what_a_crash_cut_off_is_written_once_when_it_is_told_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CrashError(Exception):
        pass

    upsert = shop.store.items.upsert

    def broken(items: list[Item]) -> list[int]:
        if any(one.price_minor for one in items):
            raise CrashError
        return upsert(items)

    with monkeypatch.context() as patch:
        patch.setattr(shop.store.items, "upsert", broken)
        with pytest.raises(CrashError):
            save(shop, CREAM)
    assert len(events(shop, "price")) == 1
    assert do(shop, "items show", id="A1").item.offered is False
    later(shop, seconds=5)
    save(shop, CREAM)
    assert [e.value_minor for e in events(shop, "price")] == [5990]
    assert [e.body["now"] for e in events(shop, "stock")] == [12]
    assert do(shop, "items show", id="A1").item.offered is True


def test_many_writers_lose_no_change(shop: Shop) -> None:
    save(shop, *({"id": f"S{n}"} for n in range(20)))

    def work(name: str) -> None:
        for n in range(20):
            save(shop, {"id": f"S{n}", name: n}, partial=True)

    names = ("stock", "cost_minor", "price_minor")
    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(20):
        kept = item(shop, f"S{n}")
        assert (kept.facts["stock"], kept.facts["cost_minor"], kept.price_minor) == (n, n, n)


def test_a_list_shows_what_somebody_else_wrote(shop: Shop) -> None:
    assert do(shop, "items list").total == 0
    shop.store.items.upsert([Item(0, "product", "new", "来自订单")])
    assert [one.id for one in do(shop, "items list", query="订单").items] == ["new"]
    shop.store.items.upsert([replace(item(shop, "new"), title="改名")])
    assert [one.title for one in do(shop, "items list").items] == ["改名"]
    later(shop, minutes=6)
    assert do(shop, "items list", query="改名").total == 1


def test_a_list_comes_in_pages_that_neither_overlap_nor_miss(shop: Shop) -> None:
    save(shop, *({"id": f"S{n}", "category": "Ａ类" if n % 2 else "b"} for n in range(25)))
    found, after = [], ""
    while True:
        page = do(shop, "items list", limit=4, category="a类", after=after)
        assert page.total == 12
        found += [one.id for one in page.items]
        after = page.next
        if not after:
            break
    assert found == [f"S{n}" for n in range(1, 25, 2)]
    assert [one.id for one in do(shop, "items list", id=["S3", "S1", "?"]).items] == ["S1", "S3"]
    with pytest.raises(BadInput) as fault:
        do(shop, "items list", after="x")
    assert fault.value.code == "bad_cursor"


def test_five_thousand_items_are_stored_at_once(shop: Shop) -> None:
    items = [
        {"id": f"S{n}", "title": f"面霜 {n}", "price": n % 90, "stock": n} for n in range(5_000)
    ]
    assert save(shop, *items).new == 5_000
    assert do(shop, "items list", query="面霜 4999").total == 1
    assert len(shop.store.items.all_items()) == 5_000
    assert shop.store.integrity() == []
