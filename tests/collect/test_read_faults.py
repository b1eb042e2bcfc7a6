from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect import files as f

from renwei.collect.reading import read, totals
from renwei.collect.records import Reading
from renwei.core.words import Words

_TYPED: dict[str, dict[str, str]] = {
    "taobao": {"买家实际支付金额": "money", "商品单价": "money", "宝贝数量": "count", "订单创建时间": "time", "订单付款时间": "time", "订单编号": "number"},
    "douyin": {"订单应付金额": "money", "商品单价": "money", "运费": "money", "商品数量": "count", "订单提交时间": "time", "主订单编号": "number"},
    "weidian": {"订单总价": "money", "商品单价": "money", "数量": "count", "下单时间": "time", "订单编号": "number"},
    "youzan": {"商品单价": "money", "商品数量": "count"},
    "shopify": {"Lineitem price": "money", "Lineitem quantity": "count", "Created at": "time", "Name": "number"},
    "woocommerce": {"Order Total Amount": "money", "Item Cost": "money", "Quantity": "count", "Order Date": "time", "Order Number": "number"},
    "generic_zh": {"实付金额": "money", "单价": "money", "件数": "count", "下单日期": "time", "单号": "number"},
    "generic_en": {"Order Amount": "money", "Unit Price": "money", "Qty": "count", "Order Date": "time", "Order ID": "number"},
}  # fmt: skip
_JUNK = {
    "money": ("abc", "12.3.4", "-5.00", "五十", "#REF!", "=SUM(A1:A9)"),
    "count": ("abc", "0", "-2", "1.5"),
    "time": ("2025-02-30", "abc", "2099-01-01 00:00:00", "1899-12-31 00:00:00", "2025-13-01"),
    "number": ("",),
}


@pytest.fixture(scope="module")
def desk() -> Path:
    return Path(tempfile.mkdtemp())


def _of(folder: Path, text: str, name: str = "o.csv") -> Reading:
    path = folder / name
    path.write_text(text, "utf-8")
    return read([path])


@given(
    st.integers(0, 10_000),
    st.sampled_from([5, 20]),
    st.sampled_from(sorted(_TYPED)),
    st.integers(1, 3),
)
@settings(max_examples=120, deadline=None)
def test_corrupting_cells_refuses_exactly_those_rows_and_columns(
    desk: Path, seed: int, n: int, name: str, k: int
) -> None:
    rng = random.Random(seed)
    rows = f.LAYOUTS[name](f.a_book(seed, n), f.PLAIN)
    wanted = set()
    for _ in range(k):
        column = rng.choice(sorted(_TYPED[name]))
        row = rng.randrange(1, len(rows))
        rows[row][rows[0].index(column)] = rng.choice(_JUNK[_TYPED[name][column]])
        wanted.add((row + 1, column))
    refused = read([f.csv_file(desk, rows)]).refused
    assert {(r.row, r.column) for r in refused} == wanted
    assert len(refused) == len(wanted)


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ("1,a@x.com,2025-01-03,Mask,1,abc", "Total", "bad_amount"),
        ("1,a@x.com,2025-01-03,Mask,1,-3", "Total", "negative_amount"),
        ("1,a@x.com,2025-02-30,Mask,1,10", "Order Date", "bad_date"),
        ("1,a@x.com,2099-01-01,Mask,1,10", "Order Date", "date_out_of_range"),
        ("1,a@x.com,1989-12-31,Mask,1,10", "Order Date", "date_out_of_range"),
        ("1,a@x.com,,Mask,1,10", "Order Date", "missing_date"),
        ("1,a@x.com,2025-01-03,Mask,two,10", "Qty", "bad_quantity"),
        ("1,a@x.com,2025-01-03,Mask,,10", "Qty", "missing_quantity"),
        ("1,a@x.com,2025-01-03,Mask,0,10", "Qty", "zero_quantity"),
        ("1,a@x.com,2025-01-03,Mask,-1,10", "Qty", "negative_quantity"),
        ("1,a@x.com,2025-01-03,Mask,1.5,10", "Qty", "fractional_quantity"),
        (",a@x.com,2025-01-03,Mask,1,10", "Order ID", "missing_order_number"),
        ("1,a@x.com,2025-01-03,Mask,1,", "Total", "missing_amount"),
        ("1,a@x.com,2025-01-03,Mask,with comma,1,10", "Qty", "bad_quantity"),
    ],
)
def test_each_fault_has_its_code_and_a_sentence_in_both_languages(
    tmp_path: Path, cells: str, column: str, code: str
) -> None:
    rest = "".join(f"{k},b{k}@x.com,2025-01-0{k},Mask,1,10\n" for k in range(2, 8))
    reading = _of(tmp_path, f"Order ID,Email,Order Date,Item Name,Qty,Total\n{cells}\n{rest}")
    (refused, *_) = [r for r in reading.refused if r.column == column]
    assert (refused.row, refused.code) == (2, code)
    assert refused.cells == cells.split(",")
    assert len(reading.orders) == 6
    words = Words.load(["renwei.collect"])
    values = {"file": refused.file, "row": 2, "column": column, "value": refused.value}
    for language in ("en", "zh"):
        said = words.say(f"refused.{code}", values, language)
        assert "2" in said
        assert column in said


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Total,Note\n"
        "1,a@x.com,2025-01-01,10,\n2,b@x.com,2025-01-02,10,one, two\n3,c@x.com,2025-01-03,10,,,\n",
    )
    assert [(r.row, r.code) for r in reading.refused] == [(3, "too_many_cells")]
    assert [o.number for o in reading.orders] == ["1", "3"]


def test_the_order_of_the_other_lines_stays_when_one_line_is_refused(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Item Name,Price,Qty,Total\n"
        "1,a@x.com,2025-01-01,Mask,10,1,30\n1,a@x.com,2025-01-01,Cream,20,x,30\n"
        "2,b@x.com,2025-01-01,Mask,10,1,30\n2,b@x.com,2025-01-01,Cream,20,1,30\n",
    )
    told = totals(reading)
    assert (told.orders, told.lines, told.revenue_minor) == (2, 3, 6000)


def test_an_order_whose_only_row_is_refused_does_not_come_in(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Total\n1,a@x.com,2025-01-01,abc\n2,b@x.com,2025-01-01,10\n",
    )
    assert [o.number for o in reading.orders] == ["2"]


def test_an_order_refused_in_the_list_is_not_brought_back_by_the_item_list(tmp_path: Path) -> None:
    book = f.a_book(1, 12, extras=False)
    at = next(k for k, s in enumerate(book) if s.state == "paid")
    rows = f.taobao_list(book)
    rows[at + 1][rows[0].index("买家实际支付金额")] = "abc"
    list_ = f.csv_file(tmp_path, rows, "list.csv", "gbk")
    detail = f.csv_file(tmp_path, f.taobao_detail(book), "detail.csv", "gbk")
    reading = read([detail, list_])
    assert totals(reading).orders == f.expected(book)["orders"] - 1
    assert [(r.row, r.column) for r in reading.refused] == [(at + 2, "买家实际支付金额")]


def test_the_rows_of_an_order_whose_amount_is_refused_are_said_to_be_left_out(
    tmp_path: Path,
) -> None:
    book = [s for s in f.a_book(3, 40) if s.state == "paid"]
    rows = f.shopify(book)
    several = next(s for s in book if len(s.pieces) > 1)
    at = next(k for k, row in enumerate(rows) if row[0] == f"#{several.number}")
    rows[at][rows[0].index("Total")] = "n.b."
    reading = read([f.csv_file(tmp_path, rows)])
    assert [(r.row, r.column) for r in reading.refused] == [(at + 1, "Total")]
    left = [w for w in reading.warnings if w.code == "order_incomplete"]
    assert [(w.row, w.value) for w in left] == [(at + 2, f"#{several.number}")]
    assert totals(reading).orders == len(book) - 1


def test_a_line_that_is_no_json_is_refused_and_the_rest_comes_in(tmp_path: Path) -> None:
    line = '{"order_id": "%d", "email": "a%d@x.com", "created_at": "2025-01-0%d", "total": 10}'
    lines = [line % (k, k, k) for k in range(1, 6)]
    lines[2] = lines[2][:30]
    reading = _of(tmp_path, "\n".join(lines) + "\n", "o.jsonl")
    assert [(r.row, r.code) for r in reading.refused] == [(3, "broken_line")]
    assert [o.number for o in reading.orders] == ["1", "2", "4", "5"]
    assert [o.row for o in reading.orders] == [1, 2, 4, 5]


def test_a_suborder_that_nobody_paid_is_no_line_of_a_counted_order(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "主订单编号,子订单编号,选购商品,商品数量,商品单价,订单应付金额,收件人手机号,订单提交时间,支付完成时间,订单状态\n"
        "1,11,面膜,1,10,10,13800000001,2025-01-01 10:00:00,2025-01-01 10:01:00,已完成\n"
        "1,12,精华,3,25,75,13800000001,2025-01-01 10:00:00,,已关闭\n"
        "2,21,面膜,2,10,20,13800000002,2025-01-02 10:00:00,2025-01-02 10:01:00,已完成\n",
    )
    told = totals(reading)
    assert (told.orders, told.lines, told.units, told.revenue_minor) == (2, 2, 3, 3000)


def test_a_quote_that_is_never_closed_takes_no_other_row_with_it(tmp_path: Path) -> None:
    rows = "".join(f"{k},a{k}@x.com,2025-01-0{k},Mask {k},10\n" for k in range(2, 9))
    text = (
        f'Order ID,Email,Order Date,Item Name,Total\n1,a1@x.com,2025-01-01,"5 inch pan,10\n{rows}'
    )
    reading = _of(tmp_path, text)
    assert [o.number for o in reading.orders] == [str(k) for k in range(1, 9)]
    assert reading.items[0].title == '"5 inch pan'


def test_a_file_whose_rows_all_lack_a_number_gives_refused_rows_and_no_order(
    tmp_path: Path,
) -> None:
    reading = _of(
        tmp_path, "订单号,买家昵称,下单时间,实付金额\n,甲,2025-01-01,10\n,乙,2025-01-02,12\n"
    )
    assert reading.orders == []
    assert [r.row for r in reading.refused] == [2, 3]
    assert totals(reading).orders == 0


def test_order_numbers_in_scientific_notation_never_make_one_order_of_many(
    tmp_path: Path,
) -> None:
    reading = _of(
        tmp_path,
        "订单号,买家昵称,下单时间,实付金额\n2.00E+16,甲,2025-01-01 10:00:00,10\n"
        "2.00E+16,乙,2025-01-02 10:00:00,12\nA3,丙,2025-01-03 10:00:00,10\n",
    )
    assert [(r.row, r.column, r.code) for r in reading.refused] == [
        (2, "订单号", "order_number_lost"),
        (3, "订单号", "order_number_lost"),
    ]
    assert [o.number for o in reading.orders] == ["A3"]


def _warned(reading: Reading) -> dict[str, int]:
    return {w.code: w.count for w in reading.warnings}


def test_phones_that_lost_digits_and_masked_values_are_warnings_and_no_identifiers(
    tmp_path: Path,
) -> None:
    reading = _of(
        tmp_path,
        "订单号,收货人,手机号,下单时间,实付金额\n"
        "A1,张**,1.38E+10,2025-01-01 10:00:00,10\nA2,王*,138****0000,2025-01-01 11:00:00,10\n"
        "A3,李雷,13800000001,2025-01-01 12:00:00,10\nA4,韩梅,12345,2025-01-01 13:00:00,10\n",
    )
    warned = _warned(reading)
    assert warned["phone_precision_lost"] == 1
    assert warned["masked_phone"] == 1
    assert warned["impossible_phone"] == 1
    assert warned["masked_name"] == 2
    assert reading.refused == []
    assert [[i.value for i in o.identifiers] for o in reading.orders] == [
        [],
        [],
        ["+8613800000001"],
        [],
    ]
    first = next(w for w in reading.warnings if w.code == "phone_precision_lost")
    assert (first.row, first.column, first.value) == (2, "手机号", "1.38E+10")


def test_lines_in_another_encoding_are_read_in_it_and_warned_about(tmp_path: Path) -> None:
    head = "订单号,买家昵称,下单时间,实付金额,商品名称\n".encode()
    utf8 = [f"A{k},小勇{k},2025-01-0{k} 10:00:00,10,面膜套装\n".encode() for k in range(1, 8)]
    gbk = ["B1,小芳,2025-01-08 10:00:00,10,美白精华\n".encode("gbk")]
    (tmp_path / "o.csv").write_bytes(head + b"".join(utf8 + gbk))
    reading = read([tmp_path / "o.csv"])
    assert _warned(reading)["mixed_encodings"] == 1
    assert reading.items[reading.orders[-1].lines[0][0]].title == "美白精华"
    (tmp_path / "p.csv").write_bytes(
        head.decode().encode("gbk")
        + b"".join(line.decode().encode("gbk") for line in utf8)
        + "C1,小强,2025-01-09 10:00:00,10,护手霜礼盒\n".encode()
    )
    reading = read([tmp_path / "p.csv"])
    assert reading.encoding == "gb18030"
    assert _warned(reading)["mixed_encodings"] == 1
    assert [i.title for i in reading.items] == ["面膜套装", "护手霜礼盒"]


def test_cells_that_look_like_formulas_are_kept_as_text_with_a_warning(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Item Name,Qty,Total\n"
        "1,a@x.com,2025-01-01,=cmd|' /C calc'!A0,1,10\n2,b@x.com,2025-01-02,Mask,1,10\n",
    )
    assert _warned(reading)["formula_cell"] == 1
    assert reading.items[0].title == "=cmd|' /C calc'!A0"


def test_several_currencies_are_warned_about_and_never_added_up(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Currency,Total\n1,a@x.com,2025-01-01,USD,10\n"
        "2,b@x.com,2025-01-02,USD,20\n3,c@x.com,2025-01-03,JPY,5000\n",
    )
    told = totals(reading)
    assert (told.orders, told.revenue_minor, told.currency) == (3, 3000, "USD")
    assert _warned(reading)["mixed_currencies"] == 1


def test_an_order_with_conflicting_totals_is_warned_about_and_counted_once(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "订单号,买家昵称,下单时间,实付金额\nA1,甲,2025-01-01 10:00:00,10\n"
        "A1,甲,2025-01-01 10:00:00,12\nA2,乙,2025-01-02 10:00:00,10\n",
    )
    assert _warned(reading)["conflicting_totals"] == 1
    assert totals(reading).orders == 2
    assert totals(reading).revenue_minor == 2000


def test_what_the_file_does_not_show_is_assumed_and_said(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Total\n1,a@x.com,2025-01-01,10\n2,b@x.com,2025-01-02,9\n",
    )
    assert {"currency_assumed", "zone_assumed"} <= _warned(reading).keys()
    assert not reading.currency_known
    assert not reading.zone_known


def test_an_unknown_status_is_said(tmp_path: Path) -> None:
    reading = _of(
        tmp_path,
        "Order ID,Email,Order Date,Status,Total\n1,a@x.com,2025-01-01,zzz,10\n2,b@x.com,2025-01-02,paid,9\n",
    )
    assert _warned(reading)["unknown_status"] == 1
    assert totals(reading).orders == 2
