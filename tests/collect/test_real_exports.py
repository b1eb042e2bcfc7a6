"""What exports of real shops do that a made-up table would not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.collect import files as f
from tests.collect.rooms import Room, digest

from renwei.collect.packed import parts
from renwei.collect.reading import Totals, read, totals
from renwei.collect.statuses import State, state_of
from renwei.core.errors import NotATable


def _totals(folder: Path, text: str, name: str = "o.csv", **how: Any) -> Totals:
    path = folder / name
    path.write_text(text, "utf-8")
    return totals(read([path], **how))


_WEIDIAN = (
    "订单编号,订单状态,下单时间,收件人手机,商品名称,商品型号,商品数量,实付金额,退款状态,退款金额\n"
)


def test_a_finished_refund_of_a_part_leaves_the_order_counted(tmp_path: Path) -> None:
    text = _WEIDIAN + (
        "8061,已完成,2026-03-01 09:08:07,13811110001,茶,默认,3,88.50,退款成功,29.50\n"
        "8062,已完成,2026-03-02 09:08:07,13811110002,茶,默认,1,29.50,退款成功,29.50\n"
        "8063,已关闭,2026-03-03 09:08:07,13811110003,茶,默认,1,37.50,退款成功,29.50\n"
    )
    found = _totals(tmp_path, text)
    assert (found.orders, found.revenue_minor, found.refunded_minor) == (1, 8850, 2950)
    assert found.excluded.refunded == 2


def test_buyers_without_an_account_are_not_one_customer(tmp_path: Path) -> None:
    text = "order_id,date,status,customer_id,billing_email,order_total\n" + "".join(
        f"{n},2026-03-0{n} 10:00:00,completed,0,{who}@example.com,10.00\n"
        for n, who in enumerate("abca", start=1)
    )
    assert _totals(tmp_path, text).customers == 3


def test_the_total_of_shopify_holds_the_shipping_even_where_it_was_given_free(
    tmp_path: Path,
) -> None:
    text = (
        "Name,Email,Financial Status,Currency,Subtotal,Shipping,Total,Created at,"
        "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n"
        "#1,a@example.com,paid,USD,52.00,6.00,52.00,2026-03-01 10:00:00 -0500,2,Print,26.00,P\n"
        "#2,b@example.com,paid,USD,26.00,6.00,32.00,2026-03-02 10:00:00 -0500,1,Print,26.00,P\n"
        "#3,c@example.com,paid,USD,78.00,6.00,78.00,2026-03-03 10:00:00 -0500,3,Print,26.00,P\n"
    )
    assert _totals(tmp_path, text).revenue_minor == 5200 + 3200 + 7800


@pytest.mark.parametrize("word", ["已出貨", "versendet", "verschickt", "處理中", "zugestellt"])
def test_more_words_for_a_paid_order_are_known(word: str) -> None:
    assert state_of(word) is State.PAID


def test_a_list_of_items_without_its_orders_is_refused_whole(tmp_path: Path) -> None:
    room = Room(tmp_path / "room")
    path = tmp_path / "ExportOrderDetailList.csv"
    path.write_text("订单编号,标题,价格,购买数量,订单状态\n11,洁面乳,59.00,1,交易成功\n", "utf-8")
    before = digest(room.folder)
    with pytest.raises(NotATable) as refused:
        room.bring(path)
    assert refused.value.code == "no_dates"
    assert digest(room.folder) == before
    room.close()


def test_the_items_of_a_document_belong_to_its_id(tmp_path: Path) -> None:
    documents = [
        {
            "id": f"o{n}",
            "created_at": "2026-01-05T10:00:00Z",
            "customer": {"email": "a@example.com"},
            "total": "15.00",
            "items": [
                {"sku": "a", "quantity": 1, "price": "10.00"},
                {"sku": "b", "quantity": 1, "price": "5.00"},
            ],
        }
        for n in (1, 2)
    ]
    text = "\n".join(json.dumps(d) for d in documents)
    found = _totals(tmp_path, text, "o.jsonl")
    assert (found.orders, found.lines, found.revenue_minor) == (2, 4, 3000)


def test_a_readme_beside_the_tables_of_an_archive_is_passed_over(tmp_path: Path) -> None:
    table = "订单号,下单时间,手机号,金额\n1,2026-01-05 10:00:00,13811138001,10.00\n".encode()
    both = f.zip_file(tmp_path, {"orders.csv": table, "说明.txt": "订单导出说明".encode()})
    assert totals(read([both])).orders == 1
    with pytest.raises(NotATable):
        read([f.zip_file(tmp_path, {"orders.csv": table, "b.csv": b"nothing"}, "x.zip")])


_SALES = "order id,date,customer phone,order total,country\n"


def test_a_phone_is_one_person_in_the_first_file_and_the_next(tmp_path: Path) -> None:
    room = Room(tmp_path / "room")
    for month in (1, 2):
        path = tmp_path / f"{month}.csv"
        path.write_text(
            f"{_SALES}{month},2026-0{month}-05 10:00:00,(212) 555-0101,$20.00,US\n", "utf-8"
        )
        room.bring(path)
    assert len(room.store.people.all_persons()) == 1
    room.close()


@pytest.mark.parametrize(
    ("country", "told", "phone", "number"),
    [
        ("DE", {}, "030 123456", "+4930123456"),
        ("United Kingdom", {}, "020 7946 0958", "+442079460958"),
        ("", {"currency": "TWD"}, "0912345678", "+886912345678"),
        ("", {"currency": "EUR", "zone": "Europe/Vienna"}, "0660 1234567", "+436601234567"),
        ("", {"region": "US"}, "(212) 555-0101", "+12125550101"),
        ("", {}, "13812345678", "+8613812345678"),
    ],
)
def test_phones_belong_where_the_file_or_the_shop_is(
    tmp_path: Path, country: str, told: dict[str, Any], phone: str, number: str
) -> None:
    path = tmp_path / "o.csv"
    path.write_text(f"{_SALES}1,2026-01-05 10:00:00,{phone},20.00,{country}\n", "utf-8")
    assert [i.value for i in read([path], **told).orders[0].identifiers] == [number]


def test_a_file_in_big5_is_read_with_the_phones_of_its_island(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    text = "訂單編號,訂單日期,收件者電話,訂單金額\nA1,2026/01/05 10:00,0912345678,598\n"
    path.write_bytes((text + "A2,2026/01/06 10:00,0922333444,299\n").encode("big5"))
    found = [order.identifiers[0].value for order in read([path]).orders]
    assert found == ["+886912345678", "+886922333444"]


def test_items_packed_into_one_cell_are_lines_of_their_own(tmp_path: Path) -> None:
    one = "id:1|name:Mug; big|product_id:7|sku:M|quantity:2|subtotal:40.00|total:40.00|meta:"
    two = "id:2|name:Tea|product_id:8|sku:T|quantity:1|subtotal:10.00|total:10.00|meta:"
    path = tmp_path / "woo.csv"
    path.write_text(
        "order_id,date,status,order_currency,billing_email,order_total,line_items\n"
        f'1,2026-03-01 10:00:00,completed,USD,a@example.com,55.00,"{one};{two}"\n'
        f'2,2026-03-02 10:00:00,completed,USD,b@example.com,10.00,"{two}"\n',
        "utf-8",
    )
    reading = read([path])
    found = totals(reading)
    assert (found.lines, found.units, found.revenue_minor) == (3, 4, 6500)
    assert [(i.code, i.title) for i in reading.items] == [("M", "Mug; big"), ("T", "Tea")]
    assert [line[1:] for line in reading.orders[0].lines] == [(2, 2000, 4000), (1, 1000, 1000)]


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("1× Mug, 2× Tea", [("Mug", 1), ("Tea", 2)]),
        ("面膜*2；口红 x1", [("面膜", 2), ("口红", 1)]),
        ('[{"name": "Mug", "quantity": 2}]', [("Mug", 2)]),
        ("口红 #豆沙，哑光", []),
        ("Tea, green; 2× Mug", []),
        ("[broken", []),
        ('[{"name": "Mug"}]', []),
        ("name:Mug|total:4", []),
        ("Frame 30x40", []),
        ("Frame 30 x 40", []),
        ("2x4 plank", []),
    ],
)
def test_a_cell_is_taken_apart_only_where_each_part_says_how_many(
    cell: str, wanted: list[tuple[str, int]]
) -> None:
    assert [(p.title, p.quantity) for p in parts(cell)] == wanted


def test_parts_without_amounts_share_the_total_to_the_cent(tmp_path: Path) -> None:
    text = "Order #,Date,Customer,Product(s),Items sold,N. Revenue,Status\n"
    path = tmp_path / "woo.csv"
    path.write_text(
        text + '1,2026-03-01 10:00:00,Ann Lee,"1× Mug, 2× Tea",3,10.00,completed\n', "utf-8"
    )
    assert [line[1:] for line in read([path]).orders[0].lines] == [(1, 334, 334), (2, 333, 666)]


def test_an_order_whose_only_date_is_refused_stays_out_whole(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        "订单号,下单时间,手机,商品,数量,实付\n"
        "1,2026-01-05 10:00,13811138001,茶,1,10\n"
        "2,someday,13811138002,茶,1,20\n"
        "2,,,壶,1,\n",
        "utf-8",
    )
    reading = read([path])
    assert (totals(reading).orders, totals(reading).revenue_minor) == (1, 1000)
    assert [(r.row, r.code) for r in reading.refused] == [(3, "bad_date")]
    assert [(w.row, w.value) for w in reading.warnings if w.code == "order_incomplete"] == [
        (4, "2")
    ]


@pytest.mark.parametrize("header", ["昵称", "姓名"])
def test_a_bare_name_is_the_buyer_where_the_file_has_nothing_better(
    tmp_path: Path, header: str
) -> None:
    rows = f"订单号,下单时间,{header},金额\n1,2026-01-05,小红,10\n2,2026-01-06,小红,5\n"
    assert _totals(tmp_path, rows).customers == 1


def test_a_clock_of_twelve_hours_puts_the_month_first_where_nothing_else_tells(
    tmp_path: Path,
) -> None:
    text = "order_id,order_date,email,total\n1,3/4/2026 9:03 PM,a@example.com,10\n"
    assert _totals(tmp_path, text).first_order == "2026-03-04 21:03:00"
    text = "order_id,order_date,email,total\n1,3/4/2026 21:03,a@example.com,10\n"
    assert _totals(tmp_path, text).first_order == "2026-04-03 21:03:00"


def test_a_corrected_list_of_items_alone_is_no_replay(tmp_path: Path) -> None:
    room = Room(tmp_path / "room")
    orders, items = tmp_path / "ExportOrderList.csv", tmp_path / "ExportOrderDetailList.csv"
    orders.write_text(
        "订单编号,买家会员名,买家实际支付金额,订单状态,订单创建时间,宝贝标题,宝贝总数量\n"
        "11,小红,59.00,交易成功,2026-01-05 08:00:01,洁面乳,1\n"
        "12,小明,59.00,交易成功,2026-01-06 08:00:01,洁面乳,1\n",
        "utf-8",
    )
    header = "订单编号,标题,价格,购买数量,订单状态\n12,洁面乳,59.00,1,交易成功\n"
    items.write_text(f"{header}11,面膜,30.00,1,\n11,洁面乳,29.00,one,\n", "utf-8")
    answer = room.bring(orders, items)
    assert [r.code for r in answer.rejected] == ["bad_quantity"]
    items.write_text(f"{header}11,面膜,30.00,1,\n11,洁面乳,29.00,1,\n", "utf-8")
    with pytest.raises(NotATable) as refused:
        room.replay(answer.import_id, items)
    assert refused.value.code == "no_dates"
    again = room.bring(orders, items)
    assert (again.lines, again.updated, again.rejected) == (3, 1, [])
    room.close()


def test_the_order_list_alone_does_not_blur_what_the_item_list_said(tmp_path: Path) -> None:
    room = Room(tmp_path / "room")
    orders, items = tmp_path / "ExportOrderList.csv", tmp_path / "ExportOrderDetailList.csv"
    orders.write_text(
        "订单编号,买家会员名,买家实际支付金额,订单状态,订单创建时间,宝贝标题,宝贝总数量\n"
        "11,小红,67.00,交易成功,2026-01-05 08:00:01,洁面乳,1\n"
        "12,小明,59.00,交易成功,2026-01-06 08:00:01,洁面乳,1\n",
        "utf-8",
    )
    items.write_text(
        "订单编号,标题,价格,购买数量,订单状态,商家编码\n"
        "11,洁面乳,59.00,1,交易成功,C1\n12,洁面乳,59.00,1,交易成功,C1\n",
        "utf-8",
    )
    assert room.bring(orders).added == 2
    assert room.bring(orders, items).updated == 2
    for files in ([orders], [orders, items], [orders]):
        answer = room.bring(*files)
        assert (answer.added, answer.updated, answer.duplicates) == (0, 0, 2)
    room.close()


def test_each_currency_of_a_file_has_its_own_minor_unit(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        "order_id,date,email,quantity,price,total,currency\n"
        "1,2026-01-05,a@example.com,2,10.00,20.00,USD\n"
        "2,2026-01-06,b@example.com,1,2500,2500,JPY\n"
        "3,2026-01-07,c@example.com,1,1.234,1.234,KWD\n"
        "4,2026-01-08,d@example.com,1,10.00,10.00,USD\n",
        "utf-8",
    )
    orders = read([path]).orders
    assert [o.total_minor for o in orders] == [2000, 2500, 1234, 1000]
    assert [o.lines[0][2:] for o in orders] == [
        (1000, 2000),
        (2500, 2500),
        (1234, 1234),
        (1000,) * 2,
    ]


def test_a_table_headed_in_chinese_was_written_on_a_chinese_clock(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        "订单号,买家昵称,实付金额,下单时间\nA1,小美,100.00,2026-08-01 20:15:00\n", "utf-8"
    )
    reading = read([path])
    assert (reading.zone, reading.zone_known) == ("Asia/Shanghai", False)
    assert "zone_assumed" in [warning.code for warning in reading.warnings]
    created = reading.orders[0].created_at
    assert created is not None
    assert created.hour == 12
    assert read([path], zone="Europe/Vienna").zone == "Europe/Vienna"


def test_quantities_that_are_no_numbers_are_refused_however_few_are_right(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    head = "订单号,买家昵称,商品名称,数量,实付金额,下单时间\n"
    rows = [f"A{k},小美,面膜,{q},100.00,2026-08-0{k} 20:15:00\n" for k, q in ((1, "x"), (2, "y"))]
    path.write_text(head + "".join(rows) + "A3,阿强,面膜,2,100.00,2026-08-03 20:15:00\n", "utf-8")
    reading = read([path])
    refused = [(one.row, one.column, one.code) for one in reading.refused]
    assert refused == [(2, "数量", "bad_quantity"), (3, "数量", "bad_quantity")]
    assert totals(reading).units == 2
