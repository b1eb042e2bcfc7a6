from __future__ import annotations

import random
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.collect import files as f

from renwei.collect.reading import read, reread, totals
from renwei.collect.records import Reading

_QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_SEEDS = st.integers(0, 10_000)
_SIZES = st.sampled_from([2, 5, 20])
_NAMES = st.sampled_from(sorted(f.LAYOUTS))


def pivot(reading: Reading) -> dict[str, Any]:
    told = msgspec.to_builtins(totals(reading))
    return {**told, **told.pop("excluded")}


def differences(reading: Reading, wanted: dict[str, Any], without: tuple[str, ...] = ()) -> Any:
    told = pivot(reading)
    return {k: (told[k], v) for k, v in wanted.items() if k not in without and told[k] != v}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="module")
def desk() -> Path:
    return Path(tempfile.mkdtemp(prefix="订单"))


@given(_SEEDS, _SIZES, _NAMES)
@_QUICK
def test_a_book_reads_back_as_the_pivot_made_by_hand(
    desk: Path, seed: int, n: int, name: str
) -> None:
    book = f.a_book(seed, n)
    reading = read([f.csv_file(desk, f.LAYOUTS[name](book, f.PLAIN))])
    assert differences(reading, f.expected(book)) == {}
    assert reading.platform == name.split("_", maxsplit=1)[0]
    assert reading.refused == []


@given(_SEEDS, _NAMES, st.randoms(use_true_random=False))
@_QUICK
def test_the_order_of_columns_and_unknown_columns_change_nothing(
    desk: Path, seed: int, name: str, rng: random.Random
) -> None:
    book = f.a_book(seed, 8)
    rows = f.LAYOUTS[name](book, f.PLAIN)
    places = list(range(len(rows[0])))
    rng.shuffle(places)
    shuffled = [[row[k] for k in places] for row in rows]
    place = rng.randrange(len(places))
    for k, row in enumerate(shuffled):
        row.insert(place, "内部暗号" if k == 0 else rng.choice(["甲", "乙", ""]))
    reading = read([f.csv_file(desk, shuffled)])
    assert differences(reading, f.expected(book)) == {}


@given(_SEEDS, _NAMES)
@_QUICK
def test_title_blank_and_totals_rows_change_nothing(desk: Path, seed: int, name: str) -> None:
    book = f.a_book(seed, 8)
    rows = f.LAYOUTS[name](book, f.PLAIN)
    width = len(rows[0])
    blank, totals_row = [""] * width, ["合计", *[""] * (width - 3), "99", "1234.00"]
    rows = [["某某店订单导出"], *rows[:3], blank, *rows[3:], blank, totals_row]
    reading = read([f.csv_file(desk, rows)])
    assert differences(reading, f.expected(book)) == {}
    assert reading.refused == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("name", ["taobao", "generic_zh", "shopify"])
def test_encoding_and_delimiter_change_nothing(
    folder: Path, encoding: str, delimiter: str, name: str
) -> None:
    book = f.a_book(3, 12)
    path = f.csv_file(folder, f.LAYOUTS[name](book, f.PLAIN), "x.txt", encoding, delimiter)
    reading = read([path])
    assert differences(reading, f.expected(book)) == {}
    assert reading.files[0].delimiter == delimiter
    assert reading.encoding == {"gbk": "gb18030"}.get(encoding, encoding)


def _european(minor: int) -> str:
    return f"{minor / 100:,.2f}".translate(str.maketrans(",.", ".,"))


_MONEY = {
    "thousands": lambda m: f"{m / 100:,.2f}",
    "european": _european,
    "narrow blanks": lambda m: f"{m / 100:,.2f}".replace(",", "\u202f").replace(".", ","),
    "yen sign": lambda m: f"￥{m / 100:,.2f}",
    "yuan": lambda m: f"{m / 100:.2f}元",
    "full width": lambda m: f"{m / 100:.2f}".translate(
        str.maketrans("0123456789.", "０１２３４５６７８９．")
    ),
    "exponent": lambda m: f"{m / 100:.6e}",
    "code": lambda m: f"CNY {m / 100:,.2f}",
    "short": lambda m: f"{m / 100:.10g}",
}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
_TIMES = {
    "slashes": lambda a: f"{a.year}/{a.month}/{a.day} {a.hour}:{a.minute:02d}:{a.second:02d}",
    "points": lambda a: a.strftime("%d.%m.%Y %H:%M:%S"),
    "american": lambda a: a.strftime("%m/%d/%Y %I:%M:%S %p"),
    "british": lambda a: a.strftime("%d/%m/%Y %H:%M"),
    "chinese": lambda a: f"{a.year}年{a.month}月{a.day}日 {a.hour}时{a.minute:02d}分",
    "iso": lambda a: a.isoformat() + "+08:00",
    "serial": lambda a: repr((a - datetime(1899, 12, 30)).total_seconds() / 86_400),  # noqa: DTZ001
    "seconds": lambda a: str(int((a - _EPOCH).total_seconds()) - 8 * 3600),
    "milliseconds": lambda a: str((int((a - _EPOCH).total_seconds()) - 8 * 3600) * 1000),
    "compact": lambda a: a.strftime("%Y%m%d%H%M%S"),
    "named": lambda a: a.strftime("%b %d, %Y %I:%M %p"),
}


@pytest.mark.parametrize("money", sorted(_MONEY))
@pytest.mark.parametrize("name", ["taobao", "youzan", "woocommerce", "generic_en"])
def test_the_way_amounts_are_written_changes_nothing(folder: Path, money: str, name: str) -> None:
    book = f.a_book(5, 12)
    rows = f.LAYOUTS[name](book, f.Style(money=_MONEY[money]))
    assert (
        differences(read([f.csv_file(folder, rows)], zone="Asia/Shanghai"), f.expected(book)) == {}
    )


@pytest.mark.parametrize("time", sorted(_TIMES))
@pytest.mark.parametrize("name", ["taobao", "youzan", "woocommerce", "generic_en"])
def test_the_way_times_are_written_changes_nothing(folder: Path, time: str, name: str) -> None:
    book = f.a_book(6, 12)
    rows = f.LAYOUTS[name](book, f.Style(time=_TIMES[time]))
    reading = read([f.csv_file(folder, rows)], zone="Asia/Shanghai")
    assert differences(reading, f.expected(book)) == {}


@pytest.mark.parametrize("name", sorted(f.LAYOUTS))
def test_the_format_of_the_file_changes_nothing(folder: Path, name: str) -> None:
    book = f.a_book(11, 10)
    rows = f.LAYOUTS[name](book, f.PLAIN)
    wanted = f.expected(book)
    text = f.csv_file(folder, rows)
    json_lines = f.json_file(folder, rows)
    paths = [
        f.xlsx_file(
            folder, rows, titles=["某店", "导出时间：2026-01-01"], totals=["合计", "", "9.00"]
        ),
        f.xlsx_file(folder, rows, "typed.xlsx", typed=True),
        f.parquet_file(folder, rows),
        json_lines,
        f.gz_file(text),
        f.gz_file(json_lines),
        f.zip_file(folder, {"订单/orders.csv": f.csv_bytes(rows, "gbk")}),
    ]
    for path in paths:
        assert differences(read([path]), wanted) == {}, path.name


def test_a_json_array_and_nested_line_items_are_read(folder: Path) -> None:
    (folder / "orders.json").write_text(
        '[{"id": 7, "status": "completed", "currency": "EUR", "date_created": "2025-05-01T10:00:00",'
        ' "total": "30.00", "billing": {"email": "Ann@Example.com"}, "line_items": ['
        '{"id": 1, "name": "Mask", "quantity": 2, "price": 10.0, "total": "20.00"},'
        '{"id": 2, "name": "Cream", "quantity": 1, "price": 10.0, "total": "10.00"}]}]',
        "utf-8",
    )
    told = pivot(read([folder / "orders.json"]))
    assert (told["orders"], told["lines"], told["units"]) == (1, 2, 3)
    assert (told["revenue_minor"], told["currency"], told["customers"]) == (3000, "EUR", 1)


def test_merged_order_cells_of_a_workbook_belong_to_the_order_above(folder: Path) -> None:
    book = f.a_book(4, 15)
    path = f.xlsx_file(
        folder,
        f.youzan(book),
        titles=["有赞订单报表"],
        totals=["合计", *[""] * 6, "99.00"],
        merge=range(10),
    )
    reading = read([path])
    assert differences(reading, f.expected(book)) == {}
    assert reading.files[0].header_row == 2


def test_a_header_of_two_rows_with_merged_cells_is_one_header(folder: Path) -> None:
    import openpyxl

    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["订单号", "买家昵称", "下单时间", "实付金额", "商品信息", "", ""])
    sheet.append(["", "", "", "", "商品名称", "单价", "数量"])
    sheet.append(["A1", "小勇", "2025-01-02 10:00:00", "20.00", "面膜", "10.00", "2"])
    for column in range(1, 5):
        sheet.merge_cells(start_row=1, end_row=2, start_column=column, end_column=column)
    sheet.merge_cells(start_row=1, end_row=1, start_column=5, end_column=7)
    workbook.save(folder / "two.xlsx")
    told = pivot(read([folder / "two.xlsx"]))
    assert (told["orders"], told["units"], told["revenue_minor"]) == (1, 2, 2000)


def test_several_sheets_and_members_are_several_files(folder: Path) -> None:
    import openpyxl

    book = f.a_book(8, 12)
    half = len(book) // 2
    workbook = openpyxl.Workbook()
    for k, part in enumerate((book[:half], book[half:])):
        sheet = workbook.create_sheet(f"第{k + 1}页")
        for row in f.weidian(part):
            sheet.append(row)
    workbook.create_sheet("说明").append(["请勿修改", "本表", "谢谢"])
    workbook.save(folder / "parts.xlsx")
    assert differences(read([folder / "parts.xlsx"]), f.expected(book)) == {}
    members = {
        "一月.csv": f.csv_bytes(f.weidian(book[:half])),
        "二月.csv": f.csv_bytes(f.weidian(book[half:])),
        "__MACOSX/._一月.csv": b"\x00\x05",
    }
    assert differences(read([f.zip_file(folder, members)]), f.expected(book)) == {}


def test_a_table_without_a_header_is_understood_by_its_values(folder: Path) -> None:
    book = f.a_book(9, 40, extras=False)
    rows = f.generic_en(book)[1:]
    reading = read([f.csv_file(folder, rows)])
    told = pivot(reading)
    states = f.expected(book)
    assert told["orders"] + told["closed_or_unpaid"] + told["refunded"] == len(book)
    assert reading.files[0].header_row == 0
    assert "A" in reading.files[0].mapping
    assert told["units"] >= states["units"]


def test_headers_in_a_language_we_do_not_know_are_understood_by_values(folder: Path) -> None:
    book = f.a_book(9, 40, extras=False)
    paid = [s for s in book if s.state == "paid"]
    rows = [["हमारा", "ख", "ग", "घ", "ङ"]]
    rows += [
        [s.number[-9:], s.at.strftime("%Y-%m-%d %H:%M:%S"), s.email, f"{s.total / 100:.2f}", "x"]
        for s in paid
    ]
    told = pivot(read([f.csv_file(folder, rows)]))
    assert told["revenue_minor"] == sum(s.total for s in paid)
    assert told["customers"] == len({s.buyer for s in paid})


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(folder: Path) -> None:
    text = (
        "My shop\n"
        "\n"
        "Order ID,Email,Order Date,Note,Total\n"
        '1,a@x.com,2025-01-01,"two\nlines, and\nthree",10\n'
        "\n"
        "2,b@x.com,2025-01-02,,abc\n"
    )
    (folder / "o.csv").write_text(text, "utf-8")
    reading = read([folder / "o.csv"])
    assert [(r.row, r.column, r.code, r.value) for r in reading.refused] == [
        (6, "Total", "bad_amount", "abc")
    ]
    assert [o.row for o in reading.orders] == [4]


def test_progress_is_told_and_ends_at_the_rows_read(folder: Path) -> None:
    book = f.a_book(2, 30)
    rows = f.weidian(book)
    told: list[tuple[int, int]] = []
    read([f.csv_file(folder, rows)], progress=lambda done, whole: told.append((done, whole)))
    assert told[-1] == (len(rows) - 1, len(rows) - 1)
    assert all(done <= whole for done, whole in told)


@given(_SEEDS, st.sampled_from(["taobao", "douyin", "weidian", "generic_en"]))
@_QUICK
def test_corrected_refused_rows_come_in_on_replay(desk: Path, seed: int, name: str) -> None:
    book = f.a_book(seed, 8, extras=False)
    single = [s for s in book if len(s.pieces) == 1 and s.state == "paid"]
    if not single:
        return
    rows = f.LAYOUTS[name](book, f.PLAIN)
    at = next(k for k, row in enumerate(rows) if single[0].number in "".join(row))
    money = {"taobao": "买家实际支付金额", "douyin": "订单应付金额", "weidian": "订单总价"}
    column = rows[0].index(money.get(name, "Order Amount"))
    kept, rows[at][column] = rows[at][column], "abc"
    first = read([f.csv_file(desk, rows)])
    assert pivot(first)["orders"] == f.expected(book)["orders"] - 1
    for refused in first.refused:
        refused.cells[column] = kept
    again = reread(first.refused)
    assert [o.number for o in again.orders] == [single[0].number]
    assert again.orders[0].row == at + 1
    assert pivot(again)["revenue_minor"] == single[0].total
