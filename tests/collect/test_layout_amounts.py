from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect import files as f

from renwei.collect.reading import read, totals
from renwei.collect.records import Reading


def pivot(reading: Reading) -> dict[str, Any]:
    told = msgspec.to_builtins(totals(reading))
    return {**told, **told.pop("excluded")}


def _of(folder: Path, text: str, name: str = "o.csv", **how: Any) -> Reading:
    path = folder / name
    path.write_text(text, "utf-8")
    return read([path], **how)


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
