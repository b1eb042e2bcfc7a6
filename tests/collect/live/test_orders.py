"""Orders that events speak of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.collect.live.rooms import Live, live_room
from tests.collect.rooms import Sale, write

from renwei.collect.answers import ImportRequest
from renwei.collect.operations import bring
from renwei.core.nouns import Event

A: dict[str, Any] = {"product_id": "p1", "name": "面膜", "price": 59.9, "quantity": 2}
B: dict[str, Any] = {"sku": "s2", "name": "洁面", "price": "20.10"}
ORDER: dict[str, Any] = {
    "order_id": "A-1",
    "total": 149.9,
    "revenue": 139.9,
    "shipping": 10,
    "currency": "CNY",
    "products": [A, B],
}


def say(live: Live, event: str, user: str = "u1", later: float = 60, **properties: Any) -> None:
    live.post({"userId": user, "event": event, "properties": properties}, later=later)


def orders(live: Live) -> list[Event]:
    return live.events("order", "order-change")


def test_an_order_is_kept_as_an_import_keeps_it(live: Live) -> None:
    say(live, "Order Completed", **ORDER)
    (order,) = orders(live)
    body = order.body
    assert (order.kind, order.value_minor, order.currency) == ("order", 14990, "CNY")
    assert (body["platform"], body["shop"], body["status"], body["refunded"], body["shipping"]) == (
        "live",
        "",
        "paid",
        0,
        1000,
    )
    codes = [item.code for item in live.shop.store.items.all_items()]
    assert codes == ["p1", "s2"]
    assert [line[1:] for line in body["lines"]] == [[2, 5990, 11980], [1, 2010, 2010]]
    assert body["order"] == order.message_id[:8].hex()
    assert "A-1" not in str({k: v for k, v in body.items() if k != "_"})
    assert live.opened("u1")["order"] == ["A-1"]


@pytest.mark.parametrize(
    ("properties", "value"),
    [
        ({"revenue": 100, "shipping": 10, "tax": 5}, 11500),
        ({"value": 42.5}, 4250),
        ({"products": [A], "discount": 9.8}, 11000),
        ({"订单号": "9", "实付金额": "88.80"}, 8880),
        ({"total": 5000, "currency": "JPY"}, 5000),
    ],
)
def test_what_the_buyer_paid_is_found(live: Live, properties: dict[str, Any], value: int) -> None:
    said: dict[str, Any] = {"order_id": "A-1", **properties}
    say(live, "支付订单", **said)
    assert [one.value_minor for one in orders(live)] == [value]


def test_an_order_told_twice_counts_once(live: Live) -> None:
    say(live, "Order Completed", **ORDER)
    say(live, "Order Paid", **ORDER)
    say(live, "Order Completed", user="u2", **ORDER)
    assert len(orders(live)) == 1


def test_a_purchase_without_number_counts_by_its_message(live: Live) -> None:
    event = {"userId": "u1", "event": "Purchase", "properties": {"value": 10}, "messageId": "x"}
    live.post(dict(event))
    live.post(dict(event))
    live.post({**event, "messageId": "y"})
    assert [one.value_minor for one in orders(live)] == [1000, 1000]


def test_a_whole_refund_and_two_parts(live: Live) -> None:
    say(live, "Order Completed", **ORDER)
    say(live, "Order Refunded", order_id="A-1", refund_amount=20)
    say(live, "Order Refunded", order_id="A-1", products=[B])
    _, first, second = orders(live)
    assert [(one.kind, one.body["status"], one.body["refunded"]) for one in (first, second)] == [
        ("order-change", "paid", 2000),
        ("order-change", "paid", 4010),
    ]
    say(live, "Order Refunded", order_id="A-1")
    assert (orders(live)[-1].body["status"], orders(live)[-1].body["refunded"]) == (
        "refunded",
        14990,
    )
    assert orders(live)[-1].value_minor == 14990


def test_a_refund_sent_twice_is_one(live: Live) -> None:
    say(live, "Order Completed", **ORDER)
    refund = {
        "userId": "u1",
        "event": "Order Refunded",
        "properties": {"order_id": "A-1", "refund_amount": 20},
        "messageId": "r",
    }
    live.post(dict(refund))
    live.post(dict(refund))
    assert [one.body["refunded"] for one in orders(live)] == [0, 2000]


def test_two_refunds_in_one_batch_add_up(live: Live) -> None:
    part = {
        "userId": "u1",
        "event": "Order Refunded",
        "properties": {"order_id": "A-1", "refund_amount": 20},
    }
    live.post(
        {"userId": "u1", "event": "Order Completed", "properties": ORDER}, dict(part), dict(part)
    )
    assert [one.body["refunded"] for one in orders(live)] == [0, 2000, 4000]


def test_a_cancelled_order_is_closed_and_never_paid_again(live: Live) -> None:
    say(live, "Order Completed", **ORDER)
    say(live, "Order Cancelled", order_id="A-1")
    say(live, "Order Completed", **ORDER)
    assert [one.body["status"] for one in orders(live)] == ["paid", "closed"]
    assert orders(live)[-1].body["lines"] == orders(live)[0].body["lines"]


def test_an_order_that_a_file_brought_is_not_counted_again(tmp_path: Path) -> None:
    with live_room(tmp_path) as live:
        file = write(tmp_path / "orders.csv", [Sale(1001, day=-20)])
        bring(live.shop, ImportRequest(files=[file]))
        (imported,) = orders(live)
        number = live.opened_of(imported.actor)["order"][0]
        say(live, "Order Completed", order_id=number, total=imported.value_minor / 100)
        assert len(orders(live)) == 1
        say(live, "Order Refunded", order_id=number)
        change = orders(live)[-1]
        assert (change.kind, change.body["status"], change.actor) == (
            "order-change",
            "refunded",
            imported.actor,
        )
        assert change.body["platform"] == imported.body["platform"]


def test_an_order_that_an_app_sent_is_not_counted_again_by_a_file(tmp_path: Path) -> None:
    with live_room(tmp_path) as live:
        file = write(tmp_path / "orders.csv", [Sale(1001, day=-20)])
        other = tmp_path / "other"
        other.mkdir()
        with live_room(other) as there:
            bring(there.shop, ImportRequest(files=[file]))
            (imported,) = orders(there)
            number = there.opened_of(imported.actor)["order"][0]
        say(live, "Order Completed", order_id=number, total=imported.value_minor / 100)
        answer = bring(live.shop, ImportRequest(files=[file]))
        assert (answer.added, answer.updated + answer.duplicates) == (0, 1)
        assert len({event.body["order"] for event in orders(live)}) == 1
