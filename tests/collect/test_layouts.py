from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
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
