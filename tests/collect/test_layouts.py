from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect import files as f

from renwei.collect.layouts import LAYOUTS, detect, named
from renwei.collect.reading import read, totals
from renwei.collect.records import Identifier, Reading

_DATA = Path(__file__).resolve().parents[2] / "../shared/data"
_needs_data = pytest.mark.skipif(not (_DATA / "orders").is_dir(), reason="shared/data is missing")


def pivot(reading: Reading) -> dict[str, Any]:
    told = msgspec.to_builtins(totals(reading))
    return {**told, **told.pop("excluded")}


def _of(folder: Path, text: str, name: str = "o.csv", **how: Any) -> Reading:
    path = folder / name
    path.write_text(text, "utf-8")
    return read([path], **how)


@_needs_data
@pytest.mark.parametrize("layout", ["taobao", "shopify"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_shared_order_files_give_the_expected_totals_to_the_cent(
    layout: str, turned: bool
) -> None:
    wanted = json.loads((_DATA / "orders/expected.json").read_text("utf-8"))[layout]
    names = wanted.pop("files")
    told = pivot(read([_DATA / "orders" / n for n in (names[::-1] if turned else names)]))
    assert {k: told[k] for k in wanted} == wanted


@_needs_data
@pytest.mark.slow
def test_online_retail_reads_as_its_usual_pivot() -> None:
    reading = read([_DATA / "online_retail/online_retail.csv.gz"], currency="GBP")
    told = pivot(reading)
    # Quantity > 0, price > 0 and no C invoice: 530,104 lines of 19,960 invoices.
    assert (told["orders"], told["customers"], told["lines"]) == (19960, 4338, 530104)
    assert (told["revenue_minor"], told["refunded"], told["zone"]) == (1066668454, 3836, "UTC")
    assert {r.code for r in reading.refused} == {
        *("zero_price", "negative_quantity", "negative_amount"),
    }


@_needs_data
def test_cdnow_reads_with_and_without_a_header() -> None:
    told = pivot(read([_DATA / "cdnow/CDNOW_master.txt.gz"]))
    assert (told["orders"], told["customers"], told["units"]) == (69659, 23570, 167881)
    told = pivot(read([_DATA / "cdnow/CDNOW_sample.txt"]))
    assert (told["orders"], told["customers"]) == (6919, 2357)


@_needs_data
@pytest.mark.parametrize(
    "name",
    [
        "completejourney/products.csv.gz",
        "completejourney/coupon_redemptions.csv.gz",
        "telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv",
        "hillstrom/hillstrom.csv.gz",
        "banking77/test.csv",
        "chinese_reviews/waimai_10k.csv.gz",
        "yoochoose_100k/yoochoose-clicks-100k_test.txt.gz",
    ],
)
def test_real_tables_of_other_things_are_not_taken_for_orders(name: str) -> None:
    from renwei.core.errors import NotATable

    with pytest.raises(NotATable, match="no_orders_in_table"):
        read([_DATA / name])


def test_every_layout_is_named_and_known_by_its_aliases() -> None:
    assert named("Tmall") is LAYOUTS["taobao"]
    assert named("online-retail") is LAYOUTS["uci"]
    assert named("微店") is LAYOUTS["weidian"]
    for name, layout in LAYOUTS.items():
        assert layout.name == name
        assert named(name) is layout


def test_a_layout_is_told_from_its_header_or_its_title() -> None:
    assert detect(["订单号", "金额"]).name == "generic"
    assert detect(["订单编号", "商品型号"], ["微店订单导出"]).name == "weidian"
    assert detect(["Order ID", "Total"], ["shopify.csv"]).name == "generic"


# --- Taobao


def test_the_taobao_list_and_detail_join_in_any_order(tmp_path: Path) -> None:
    book = f.a_book(5, 25)
    list_ = f.csv_file(tmp_path, f.taobao_list(book), "list.csv", "gbk")
    detail = f.csv_file(tmp_path, f.taobao_detail(book), "detail.csv", "gbk")
    wanted = f.expected(book)
    for paths in ([list_, detail], [detail, list_]):
        told = pivot(read(paths))
        assert {k: told[k] for k in wanted} == wanted
        assert (told["currency"], told["zone"]) == ("CNY", "Asia/Shanghai")


def test_the_taobao_list_alone_takes_titles_apart_only_where_that_is_safe(tmp_path: Path) -> None:
    mask, serum = (f.Piece(*f.GOODS[0], 1), f.Piece(*f.GOODS[1], 1))
    lipstick = f.Piece(*f.GOODS[2], 1)  # its title holds the joining comma itself
    sale = f.a_book(1, 1, extras=False)[0]
    book = [
        replace(sale, number="1", pieces=(mask, serum)),
        replace(sale, number="2", pieces=(mask, replace(serum, quantity=2))),
        replace(sale, number="3", pieces=(mask, lipstick)),
        replace(sale, number="4", pieces=(lipstick,)),
    ]
    reading = read([f.csv_file(tmp_path, f.taobao_list(book), encoding="gbk")])
    titles = [[reading.items[i].title for i, *_ in o.lines] for o in reading.orders]
    assert titles == [
        [mask.title, serum.title],
        [f"{mask.title}，{serum.title}"],
        [f"{mask.title}，{lipstick.title}"],
        [lipstick.title],
    ]
    assert [sum(line[1] for line in o.lines) for o in reading.orders] == [2, 3, 2, 1]
    assert [sum(line[3] for line in o.lines) for o in reading.orders] == [s.total for s in book]


def test_the_taobao_detail_alone_gives_orders_without_buyer_and_time(tmp_path: Path) -> None:
    book = f.a_book(6, 12, extras=False)
    told = pivot(read([f.csv_file(tmp_path, f.taobao_detail(book), encoding="gbk")]))
    wanted = f.expected(book)
    assert [told[k] for k in ("orders", "lines", "units", "revenue_minor")] == [
        wanted[k] for k in ("orders", "lines", "units", "revenue_minor")
    ]
    assert (told["customers"], told["first_order"]) == (0, "")


def test_buyers_are_known_by_nick_mail_and_phone(tmp_path: Path) -> None:
    book = f.a_book(5, 3)
    order = read([f.csv_file(tmp_path, f.taobao_list(book), encoding="gbk")]).orders[0]
    assert order.identifiers == (
        Identifier("email", book[0].email),
        Identifier("nick", f"taobao:{book[0].nick}"),
        Identifier("phone", f"+86{book[0].phone}"),
    )
    assert (order.number, order.name, order.shop) == (book[0].number, "王芳", "人味小铺")


# --- amounts: by evidence, not by the header

_DOUYIN = "主订单编号,子订单编号,选购商品,商品数量,商品单价,订单应付金额,收件人手机号,订单提交时间,订单状态\n"


def test_a_douyin_amount_repeated_on_each_suborder_counts_once(tmp_path: Path) -> None:
    text = _DOUYIN + "".join(
        f"{n},{n}{k},货{k},1,{10 * k}.00,30.00,1380000000{n},2025-01-0{n} 10:00:00,已完成\n"
        for n in range(1, 5)
        for k in (1, 2)
    )
    assert pivot(_of(tmp_path, text))["revenue_minor"] == 4 * 3000


def test_a_douyin_amount_of_each_suborder_is_summed_even_where_all_are_equal(
    tmp_path: Path,
) -> None:
    text = _DOUYIN + "".join(
        f"{n},{n}{k},货{k},1,10.00,10.00,1380000000{n},2025-01-0{n} 10:00:00,已完成\n"
        for n in range(1, 5)
        for k in (1, 2)
    )
    assert pivot(_of(tmp_path, text))["revenue_minor"] == 4 * 2000


@given(st.integers(0, 5000), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_totals_repeat_or_add_up_by_what_the_file_shows(
    tmp_path_factory: pytest.TempPathFactory, seed: int, summed: bool, priced: bool
) -> None:
    book = [s for s in f.a_book(seed, 25, distinct=True) if s.state == "paid"]
    rows = [["订单编号", "客户昵称", "下单时间", "商品名称", "单价", "数量", "订单总金额"]]
    for s in book:
        amounts = f.shares(s, s.total) if summed else [s.total] * len(s.pieces)
        rows += [
            [
                s.number,
                s.nick,
                str(s.at),
                p.title,
                f"{p.price / 100}",
                str(p.quantity),
                f"{a / 100:.2f}",
            ]
            for p, a in zip(s.pieces, amounts, strict=True)
        ]
    if not priced:
        rows = [row[:4] + row[5:] for row in rows]
    path = f.csv_file(tmp_path_factory.mktemp("o"), rows)
    assert pivot(read([path]))["revenue_minor"] == sum(s.total for s in book)


def test_shipping_that_the_total_leaves_out_is_added(tmp_path: Path) -> None:
    rows = "".join(
        f"A{k},甲{k},2025-01-0{k} 10:00:00,面膜,{10 * k},2,{8 if k % 2 else 0},{20 * k}\n"
        for k in range(1, 7)
    )
    head = "订单号,买家昵称,下单时间,商品名称,单价,数量,运费,订单金额\n"
    assert pivot(_of(tmp_path, head + rows))["revenue_minor"] == 100 * (20 * 21 + 3 * 8)
    rows = "".join(
        f"A{k},甲{k},2025-01-0{k} 10:00:00,面膜,{10 * k},2,8,{20 * k + 8}\n" for k in range(1, 7)
    )
    assert pivot(_of(tmp_path, head + rows))["revenue_minor"] == 100 * (20 * 21 + 6 * 8)


def test_without_totals_the_lines_are_added_up(tmp_path: Path) -> None:
    told = pivot(
        _of(
            tmp_path,
            "Receipt No,Date,Customer ID,Product,Qty,Unit Price\n1,2025-01-01 10:00,7,Tea,3,2.50\n"
            "1,2025-01-01 10:00,7,Cup,1,4.00\n2,2025-01-02 10:00,8,Tea,1,2.50\n",
        )
    )
    assert (told["orders"], told["lines"], told["revenue_minor"]) == (2, 3, 1400)


def test_amounts_in_fen_are_minor_units_already(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "订单号,买家昵称,下单时间,实付金额(分)\nA,甲,2025-01-01 10:00:00,5990\nB,乙,2025-01-01 10:00:00,100\n",
    )
    assert pivot(reading)["revenue_minor"] == 6090


def test_amounts_without_a_sign_are_in_the_currency_that_the_others_show(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Total\n1,a@x.com,2025-01-01,€10\n2,b@x.com,2025-01-02,9\n",
    )
    told = pivot(reading)
    assert (told["revenue_minor"], told["currency"], reading.currency_known) == (1900, "EUR", True)
    assert [w.code for w in reading.warnings] == ["zone_assumed"]


def test_yen_have_no_cents(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Currency,Total\n1,a@x.jp,2025-01-01,JPY,5000\n2,b@x.jp,2025-01-02,JPY,700\n",
    )
    assert (pivot(reading)["revenue_minor"], reading.currency) == (5700, "JPY")
    assert reading.currency_known


# --- refunds and states


def test_a_refunded_suborder_of_a_counted_order_is_a_partial_refund(tmp_path: Path) -> None:
    head = _DOUYIN.strip() + ",售后状态\n"
    rows = (
        "1,11,面膜,1,10.00,10.00,13800000001,2025-01-01 10:00:00,已完成,-\n"
        "1,12,精华,1,25.00,25.00,13800000001,2025-01-01 10:00:00,已关闭,退款成功\n"
        "2,21,面膜,1,10.00,10.00,13800000002,2025-01-02 10:00:00,已完成,-\n"
        "2,22,精华,2,25.00,50.00,13800000002,2025-01-02 10:00:00,已完成,-\n"
    )
    told = pivot(_of(tmp_path, head + rows))
    assert (told["orders"], told["revenue_minor"], told["refunded_minor"]) == (2, 9500, 2500)


def test_equal_refunds_of_suborders_add_up_where_amounts_do(tmp_path: Path) -> None:
    head = _DOUYIN.strip() + ",退款金额\n"
    rows = "".join(
        f"{n},{n}{k},货{k},1,{10 * k}.00,{10 * k}.00,1380000000{n},2025-01-0{n} 10:00:00,已完成,2.00\n"
        for n in range(1, 6)
        for k in (1, 2)
    )
    told = pivot(_of(tmp_path, head + rows))
    assert (told["revenue_minor"], told["refunded_minor"]) == (5 * 3000, 5 * 400)


def test_closed_unpaid_and_paid_back_orders_are_excluded_only(tmp_path: Path) -> None:
    told = pivot(
        _of(
            tmp_path,
            "订单号,买家昵称,下单时间,付款时间,订单状态,实付金额,退款金额\n"
            "1,甲,2025-01-01 10:00:00,2025-01-01 10:01:00,交易成功,10,0\n"
            "2,乙,2025-01-02 10:00:00,2025-01-02 10:01:00,交易成功,10,10\n"
            "3,丙,2025-01-03 10:00:00,2025-01-03 10:01:00,交易成功,10,4\n"
            "4,丁,2025-01-04 10:00:00,,交易关闭,10,0\n"
            "5,戊,2025-01-05 10:00:00,,等待买家付款,10,\n"
            "6,己,2025-01-06 10:00:00,2025-01-06 10:01:00,退款成功,10,10\n",
        )
    )
    assert (told["orders"], told["revenue_minor"], told["refunded_minor"]) == (2, 2000, 400)
    assert (told["closed_or_unpaid"], told["refunded"]) == (2, 2)
    assert told["last_order"] == "2025-01-03 10:00:00"


def test_a_cancelled_shopify_order_is_closed_and_consent_is_kept(tmp_path: Path) -> None:
    head = "Name,Email,Financial Status,Paid at,Accepts Marketing,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Refunded Amount,Cancelled at\n"
    reading = _of(
        tmp_path,
        head
        + "#1,a@x.com,paid,2025-01-01 10:00:00 -0500,yes,USD,10.00,2025-01-01 10:00:00 -0500,1,Tea,10.00,0.00,\n"
        "#2,b@x.com,paid,2025-07-01 10:00:00 -0400,no,USD,10.00,2025-07-01 10:00:00 -0400,1,Tea,10.00,0.00,2025-07-02 10:00:00 -0400\n"
        "#3,c@x.com,partially_refunded,2025-07-03 10:00:00 -0400,,USD,10.00,2025-07-03 10:00:00 -0400,1,Tea,10.00,4.00,\n",
    )
    told = pivot(reading)
    assert [o.status for o in reading.orders] == ["paid", "closed", "paid"]
    assert [o.accepts_marketing for o in reading.orders] == [True, False, None]
    assert (told["refunded_minor"], told["zone"]) == (400, "America/New_York")
    assert told["first_order"] == "2025-01-01 10:00:00"
    assert told["last_order"] == "2025-07-03 10:00:00"
    assert reading.orders[0].created_at is not None
    assert reading.orders[0].created_at.isoformat() == "2025-01-01T15:00:00+00:00"


def test_uci_cancellations_are_returned_and_corrections_refused(tmp_path: Path) -> None:
    book = [s for s in f.a_book(3, 30, extras=False) if s.state in ("paid", "refunded")]
    rows = f.uci(book)
    rows.append(["536414", "22139", "", "56", "2025-12-01 11:52:00", "0.0", "", "United Kingdom"])
    rows.append(["536589", "21777", "", "-10", "2025-12-01 16:50:00", "0.0", "", "United Kingdom"])
    rows.append(
        ["A563187", "B", "Adjust bad debt", "1", "2025-12-02 14:52:00", "-11062.06", "", "UK"]
    )
    reading = read([f.csv_file(tmp_path, rows)], currency="GBP")
    paid = [s for s in book if s.state == "paid"]
    told = pivot(reading)
    assert reading.platform == "uci"
    assert (told["orders"], told["revenue_minor"]) == (len(paid), sum(s.goods for s in paid))
    assert told["refunded"] == len(book) - len(paid)
    last = len(rows)
    assert [(r.row, r.code) for r in reading.refused] == [
        (last - 2, "zero_price"),
        (last - 1, "negative_quantity"),
        (last - 1, "zero_price"),
        (last, "negative_amount"),
    ]
    back = next(o for o in reading.orders if o.status == "returned")
    assert back.total_minor > 0
    assert all(line[1] > 0 and line[3] > 0 for line in back.lines)


# --- several files


def test_the_same_file_twice_is_one_file(tmp_path: Path) -> None:
    book = f.a_book(8, 12)
    one = f.csv_file(tmp_path, f.shopify(book), "a.csv")
    two = f.csv_file(tmp_path, f.shopify(book), "b.csv")
    assert pivot(read([one, two])) == pivot(read([one]))


def test_an_export_pasted_under_itself_counts_once_with_a_warning(tmp_path: Path) -> None:
    book = f.a_book(8, 12)
    for rows in (f.douyin(book), f.weidian(book), f.shopify(book)):
        reading = read([f.csv_file(tmp_path, rows + rows[1:])])
        wanted = f.expected(book)
        told = pivot(reading)
        assert {k: told[k] for k in wanted} == wanted
        assert [w.count for w in reading.warnings if w.code == "repeated_rows"] == [len(rows) - 1]


def test_a_newer_export_settles_what_became_of_an_order(tmp_path: Path) -> None:
    book = [replace(s, state="paid", refund=0) for s in f.a_book(8, 12)]
    later = [replace(book[0], state="refunded"), replace(book[1], refund=100), *book[2:]]
    old = f.csv_file(tmp_path, f.douyin(book), "old.csv")
    new = f.csv_file(tmp_path, f.douyin(later), "new.csv")
    wanted = f.expected(later)
    for paths in ([old, new], [new, old]):
        told = pivot(read(paths))
        assert {k: told[k] for k in wanted} == wanted


def test_files_of_several_platforms_are_read_together(tmp_path: Path) -> None:
    book = f.a_book(8, 12)
    reading = read(
        [
            f.csv_file(tmp_path, f.douyin(book), "a.csv"),
            f.csv_file(tmp_path, f.shopify(book), "b.csv"),
        ]
    )
    assert reading.platform == "douyin+shopify"
    assert pivot(reading)["orders"] == 2 * f.expected(book)["orders"]


# --- forced and assumed


def test_a_forced_layout_is_used(tmp_path: Path) -> None:
    book = f.a_book(8, 12)
    path = f.csv_file(tmp_path, f.generic_zh(book))
    reading = read([path], layout="weidian")
    assert (reading.platform, reading.zone) == ("weidian", "Asia/Shanghai")


def test_the_zone_is_the_files_then_the_platforms_then_the_shops_then_utc(tmp_path: Path) -> None:
    book = f.a_book(8, 4)
    assert read([f.csv_file(tmp_path, f.shopify(book))], zone="Europe/Paris").zone == "+08:00"
    assert read([f.csv_file(tmp_path, f.douyin(book))], zone="Europe/Paris").zone == "Asia/Shanghai"
    shops = read([f.csv_file(tmp_path, f.generic_en(book))], zone="Europe/Paris")
    assert (shops.zone, shops.zone_known) == ("Europe/Paris", True)
    nobodys = read([f.csv_file(tmp_path, f.generic_en(book))])
    assert (nobodys.zone, nobodys.zone_known) == ("UTC", False)
    at = nobodys.orders[0].created_at
    assert at is not None
    assert shops.orders[0].created_at != at


def test_the_mapping_is_shown(tmp_path: Path) -> None:
    reading = read([f.csv_file(tmp_path, f.douyin(f.a_book(8, 6)))])
    info = reading.files[0]
    assert info.mapping["主订单编号"] == "order"
    assert info.mapping["收件人手机号"] == "phone"
    assert info.mapping["达人昵称"] == "creator"
    assert info.fill["主订单编号"] == 1.0
    assert reading.orders[0].creator == "小美"


def test_a_day_and_a_time_of_day_in_two_columns_are_one_moment(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "单号,会员卡号,日期,时间,金额\n1,7,2025/1/3,08:05,10\n2,8,2025/1/4,9:15:30,20\n",
    )
    told = pivot(reading)
    assert (told["first_order"], told["last_order"]) == (
        "2025-01-03 08:05:00",
        "2025-01-04 09:15:30",
    )


def test_notes_under_the_table_are_skipped_and_lone_titles_are_not(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "订单号,买家昵称,下单时间,实付金额,商品名称,规格\n1,甲,2025-01-03 08:05:00,10,充电器,白\n"
        ",,,,数据线,\n2,乙,2025-01-04 08:05:00,12,充电器,白\n,,,22,,\n共 2 单,,,,,\n"
        "导出时间：2025-01-05 10:00:00,,,,,\n",
    )
    told = pivot(reading)
    assert reading.refused == []
    assert (told["orders"], told["lines"], told["revenue_minor"]) == (2, 3, 2200)


def test_thousands_that_nobody_quoted_are_refused_and_not_read_as_ones(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "姓名,电话,购买日期,商品,金额\n甲,13800000001,2025-01-03,面霜,￥1,280\n乙,13800000002,2025-01-04,面霜,￥99\n",
    )
    assert [(r.row, r.code) for r in reading.refused] == [(2, "too_many_cells")]
    assert pivot(reading)["revenue_minor"] == 9900


def test_columns_without_a_name_are_no_fault(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Total\n1,a@x.com,2025-01-01,10,x,y\n2,b@x.com,2025-01-02,9,x,y\n",
    )
    assert reading.refused == []
    assert pivot(reading)["orders"] == 2


@pytest.mark.parametrize("typed", [False, True])
def test_online_retail_as_a_workbook(tmp_path: Path, typed: bool) -> None:
    book = [s for s in f.a_book(3, 30, extras=False) if s.state in ("paid", "refunded")]
    told = pivot(read([f.xlsx_file(tmp_path, f.uci(book), typed=typed)]))
    paid = [s for s in book if s.state == "paid"]
    assert (told["orders"], told["revenue_minor"]) == (len(paid), sum(s.goods for s in paid))
    assert (told["customers"], told["refunded"]) == (
        len({s.buyer for s in paid}),
        len(book) - len(paid),
    )


def test_till_baskets_are_orders_by_what_each_row_took_in(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,coupon_match_disc,week,transaction_timestamp\n"
        "7,1,100,A,2.0,3.50,0.40,0.0,0.0,1,2017-01-28 19:06:53\n"
        "7,1,100,B,1.0,3.50,0.0,0.5,0.0,1,2017-01-28 19:06:53\n"
        "8,1,101,A,1.0,1.00,0.0,0.0,0.0,1,2017-01-29 19:06:53\n"
        "8,1,101,C,0.0,0.00,0.0,0.0,0.0,1,2017-01-29 19:06:53\n",
    )
    told = pivot(reading)
    assert reading.platform == "completejourney"
    assert (told["orders"], told["lines"], told["units"]) == (2, 3, 4)
    assert told["revenue_minor"] == 800
    assert [(r.row, r.column, r.code) for r in reading.refused] == [
        (5, "quantity", "zero_quantity")
    ]


def test_rows_without_an_order_number_are_orders_by_buyer_and_time(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "用户ID,商品名称,行为类型,时间戳,售价\n1,面膜,buy,1512189107,63.2\n1,精华,buy,1512189107,10\n"
        "1,面膜,pv,1512189200,63.2\n2,面膜,buy,1512189300,63.2\n",
    )
    told = pivot(reading)
    assert (told["orders"], told["lines"], told["customers"], told["revenue_minor"]) == (
        2,
        3,
        2,
        13640,
    )
    assert [w.code for w in reading.warnings if w.code == "events_skipped"] == ["events_skipped"]


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("Bestellnummer;Kunden-Nr.;Bestelldatum;Artikel;Menge;Einzelpreis;Gesamtbetrag", "cp1252"),
        ("N° commande;ID client;Date de commande;Produit;Quantité;Prix unitaire;Montant", "cp1252"),
        ("訂單編號;會員編號;訂單日期;商品名稱;數量;單價;訂單金額", "big5"),
    ],
)
def test_other_languages_and_their_encodings_are_read(
    tmp_path: Path, header: str, encoding: str
) -> None:
    name = "面膜組合" if encoding == "big5" else "Müsli für Kinder"
    rows = [
        f"B-{100 + k};K{k % 3};{k:02d}.03.2024;{name};2;1.234,50;2.469,00" for k in range(1, 20)
    ]
    path = tmp_path / "o.csv"
    path.write_bytes("\r\n".join([header, *rows, ""]).encode(encoding))
    reading = read([path])
    told = pivot(reading)
    assert reading.encoding == encoding
    assert (told["orders"], told["customers"], told["units"]) == (19, 3, 38)
    assert told["revenue_minor"] == 19 * 246900
    assert told["last_order"] == "2024-03-19 00:00:00"
    assert reading.items[0].title == name
