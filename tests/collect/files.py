"""Order books made up for tests, and the files that each platform would write of them.

A book is a list of `Sale`. `written(layout, book)` gives header and rows as text; `csv_file`,
`xlsx_file`, `parquet_file` and `json_file` put them on disk; `expected(book)` is the pivot
made by hand.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

Rows = list[list[str]]
MoneyText = Callable[[int], str]
TimeText = Callable[[datetime], str]

GOODS = (
    ("SKU-001", "玻尿酸保湿面膜 5片", "默认", 4900),
    ("SKU-002", "烟酰胺美白精华 30ml", "30ml", 12900),
    ("SKU-003", "口红 #豆沙，哑光", "豆沙", 6900),
    ("SKU-004", "Vitamin C Serum 30ml", "30ml", 13900),
    ("SKU-005", "化妆棉 200片", "200片", 1590),
    ("SKU-006", "身体乳 250ml", "250ml", 6500),
    ("SKU-007", "A醇晚霜 30g", "30g", 123456),
)


@dataclass(frozen=True)
class Piece:
    """One line of an order."""

    code: str
    title: str
    variant: str
    price: int
    quantity: int

    @property
    def worth(self) -> int:
        """Quantity x price in minor units."""
        return self.price * self.quantity


@dataclass(frozen=True)
class Sale:
    """One order as the shop remembers it. Money in minor units, `at` on the shop's clock."""

    number: str
    buyer: int
    at: datetime
    pieces: tuple[Piece, ...]
    state: str = "paid"
    shipping: int = 0
    discount: int = 0
    refund: int = 0
    name: str = "王芳"

    @property
    def goods(self) -> int:
        """What the lines are worth."""
        return sum(p.worth for p in self.pieces)

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.goods + self.shipping - self.discount

    @property
    def paid_at(self) -> datetime | None:
        """Ten minutes later, where it was paid."""
        return self.at + timedelta(minutes=10) if self.state in ("paid", "refunded") else None

    @property
    def phone(self) -> str:
        """A mobile that can exist."""
        return f"138{self.buyer:08d}"

    @property
    def email(self) -> str:
        """An address of its own."""
        return f"user{self.buyer}@example.com"

    @property
    def nick(self) -> str:
        """A nick of its own."""
        return f"小勇_{self.buyer}"

    @property
    def back(self) -> int:
        """What went back to the buyer."""
        return self.total if self.state == "refunded" else self.refund


@dataclass(frozen=True)
class Style:
    """How a file writes numbers and times."""

    money: MoneyText = lambda minor: f"{minor / 100:.2f}"
    time: TimeText = lambda at: at.strftime("%Y-%m-%d %H:%M:%S")
    extra: dict[str, str] = field(default_factory=dict)


PLAIN = Style()


def a_book(seed: int, n: int = 30, *, extras: bool = True, distinct: bool = False) -> list[Sale]:
    """Orders drawn from a seed; with `extras` some shipping, discounts and refunds.

    With `distinct` no order holds two lines of the same worth.
    """
    rng = random.Random(seed)
    at = datetime(2025, 3, 1, 9, 5)
    sales = []
    for k in range(n):
        at += timedelta(minutes=rng.randint(30, 2000))
        picked = rng.sample(GOODS, rng.choice((1, 1, 2, 3)))
        pieces = tuple(Piece(*good, rng.choice((1, 1, 1, 2, 3))) for good in picked)
        if distinct and len({p.worth for p in pieces}) < len(pieces):
            pieces = pieces[:1]
        sale = Sale(
            number=f"2000000000{rng.randint(10**8, 10**9 - 1)}{k:03d}",
            buyer=rng.randint(1, max(2, n // 3)),
            at=at,
            pieces=pieces,
            state=rng.choice(("paid",) * 8 + ("unpaid", "closed", "refunded")),
        )
        if extras:
            sale = replace(
                sale,
                shipping=rng.choice((0, 0, 600, 1000)),
                discount=rng.choice((0, 0, 0, min(500, sale.goods // 2))),
            )
            if sale.state == "paid" and rng.random() < 0.15:
                sale = replace(sale, refund=min(1000, sale.total - 1))
        sales.append(sale)
    if not any(s.state == "paid" for s in sales):
        sales[0] = replace(sales[0], state="paid")
    return sales


def expected(book: Sequence[Sale]) -> dict[str, Any]:
    """The totals of a right reading."""
    counted = [s for s in book if s.state == "paid"]
    return {
        "orders": len(counted),
        "customers": len({s.buyer for s in counted}),
        "lines": sum(len(s.pieces) for s in counted),
        "units": sum(p.quantity for s in counted for p in s.pieces),
        "revenue_minor": sum(s.total for s in counted),
        "refunded_minor": sum(s.refund for s in counted),
        "closed_or_unpaid": sum(s.state in ("closed", "unpaid") for s in book),
        "refunded": sum(s.state == "refunded" for s in book),
        "first_order": min(s.at for s in counted).strftime("%Y-%m-%d %H:%M:%S"),
        "last_order": max(s.at for s in counted).strftime("%Y-%m-%d %H:%M:%S"),
    }


_TAOBAO = {
    "paid": ("交易成功", "订单未关闭"),
    "unpaid": ("等待买家付款", "订单未关闭"),
    "closed": ("交易关闭", "买家未付款"),
    "refunded": ("交易关闭", "退款"),
}
_CHINESE = {"paid": "已完成", "unpaid": "待付款", "closed": "已关闭", "refunded": "已退款"}
_SHOPIFY = {"paid": "paid", "unpaid": "pending", "closed": "voided", "refunded": "refunded"}
_WOO = {
    "paid": "wc-completed",
    "unpaid": "wc-on-hold",
    "closed": "wc-cancelled",
    "refunded": "wc-refunded",
}


def taobao_list(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """ExportOrderList: one row an order."""
    header = "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,买家留言,收货人姓名,收货地址,运送方式,联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,物流公司,订单备注,宝贝总数量,店铺名称,订单关闭原因,退款金额"
    rows = [header.split(",")]
    for s in book:
        status, reason = _TAOBAO[s.state]
        rows.append(
            [
                f'="{s.number}"',
                s.nick,
                s.email,
                style.money(s.goods),
                style.money(s.shipping),
                style.money(s.goods + s.shipping),
                style.money(s.total),
                status,
                "",
                s.name,
                "浙江省 杭州市 西湖区 某路1号",
                "快递",
                f"'{s.phone}",
                style.time(s.at),
                style.time(s.paid_at) if s.paid_at else "",
                "，".join(p.title for p in s.pieces),
                str(len(s.pieces)),
                "",
                "",
                "",
                str(sum(p.quantity for p in s.pieces)),
                "人味小铺",
                reason,
                style.money(s.back),
            ]
        )
    return rows


def taobao_detail(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """ExportOrderDetailList: one row an item."""
    rows = [
        "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码".split(
            ","
        )
    ]
    for s in book:
        rows += [
            [f'="{s.number}"', p.title, style.money(p.price), str(p.quantity), "null"]
            + [f"颜色分类:{p.variant}", "", "", _TAOBAO[s.state][0], ""]
            for p in s.pieces
        ]
    return rows


def taobao_rows(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """A shop system's Taobao file: one row an item, the order's total on each."""
    rows = [
        "订单编号,买家会员名,买家实际支付金额,订单状态,联系手机,订单创建时间,订单付款时间,宝贝标题,商品单价,宝贝数量,退款金额".split(
            ","
        )
    ]
    for s in book:
        status = "退款成功" if s.state == "refunded" else _TAOBAO[s.state][0]
        rows += [
            [s.number, s.nick, style.money(s.total), status, s.phone, style.time(s.at)]
            + [style.time(s.paid_at) if s.paid_at else "", p.title, style.money(p.price)]
            + [str(p.quantity), style.money(s.back)]
            for p in s.pieces
        ]
    return rows


def shares(sale: Sale, whole: int) -> list[int]:
    """An order's amount split over its lines by worth, to the cent."""
    parts = [whole * p.worth // sale.goods for p in sale.pieces]
    parts[0] += whole - sum(parts)
    return parts


def douyin(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """抖音小店: one row a sub-order, tabs behind every value, amounts per sub-order."""
    rows = [
        "主订单编号,子订单编号,选购商品,商品规格,商品数量,商品ID,商家编码,商品单价,订单应付金额,运费,优惠总金额,收件人,收件人手机号,订单提交时间,支付完成时间,订单状态,售后状态,退款金额,达人昵称,小店名称".split(
            ","
        )
    ]
    for s in book:
        split = zip(
            s.pieces,
            shares(s, s.total),
            shares(s, s.shipping),
            shares(s, s.discount),
            shares(s, s.back),
            strict=True,
        )
        for k, (p, total, shipping, discount, back) in enumerate(split):
            cells = [
                s.number,
                f"{s.number}{k}",
                p.title,
                p.variant,
                str(p.quantity),
                f"35{p.code[-3:]}",
                p.code,
            ]
            cells += [
                style.money(p.price),
                style.money(total),
                style.money(shipping),
                style.money(discount),
            ]
            cells += [s.name, s.phone, style.time(s.at), style.time(s.paid_at) if s.paid_at else ""]
            cells += [
                {"paid": "已完成", "unpaid": "待支付", "closed": "已关闭", "refunded": "已关闭"}[
                    s.state
                ]
            ]
            cells += [
                "退款成功" if s.state == "refunded" else "-",
                style.money(back),
                "小美",
                "人味小铺",
            ]
            rows.append([c + "\t" for c in cells])
    return rows


def youzan(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """有赞: one row an item; what belongs to the order stands on its first row (merged)."""
    rows = [
        "订单号,订单状态,买家昵称,收货人,收货人手机号,下单时间,买家付款时间,订单实付金额,运费,订单退款金额,商品名称,商品规格,规格编码,商品单价,商品数量,归属店铺".split(
            ","
        )
    ]
    for s in book:
        whole = [s.number, _CHINESE[s.state], s.nick, s.name, s.phone, style.time(s.at)]
        whole += [style.time(s.paid_at) if s.paid_at else "", style.money(s.total)]
        whole += [style.money(s.shipping), style.money(s.back)]
        for k, p in enumerate(s.pieces):
            own = whole if k == 0 else [""] * len(whole)
            rows.append(
                [
                    *own,
                    p.title,
                    p.variant,
                    p.code,
                    style.money(p.price),
                    str(p.quantity),
                    "人味小铺",
                ]
            )
    return rows


def weidian(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """微店: like 有赞, everything repeated."""
    rows = [
        "订单编号,订单状态,收件人姓名,收件人手机,下单时间,付款时间,订单总价,运费,退款金额,商品名称,商品型号,型号编码,商品单价,数量".split(
            ","
        )
    ]
    for s in book:
        rows += [
            [s.number, _CHINESE[s.state], s.name, s.phone, style.time(s.at)]
            + [style.time(s.paid_at) if s.paid_at else "", style.money(s.total)]
            + [style.money(s.shipping), style.money(s.back), p.title, p.variant, p.code]
            + [style.money(p.price), str(p.quantity)]
            for p in s.pieces
        ]
    return rows


def shopify(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """Shopify: later lines of an order mostly blank."""
    header = "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Billing Name,Phone,Refunded Amount,Id,Cancelled at"
    rows = [header.split(",")]
    stamp: TimeText = lambda at: at.strftime("%Y-%m-%d %H:%M:%S +0800")  # noqa: E731
    for s in book:
        status = "partially_refunded" if s.refund else _SHOPIFY[s.state]
        whole = [status, stamp(s.paid_at) if s.paid_at else "", "fulfilled", "", "yes", "CNY"]
        whole += [
            style.money(s.goods - s.discount),
            style.money(s.shipping),
            "0.00",
            style.money(s.total),
        ]
        whole += ["", style.money(s.discount), "SF"]
        for k, p in enumerate(s.pieces):
            first = k == 0
            rows.append(
                [f"#{s.number}", s.email, *(whole if first else [""] * len(whole)), stamp(s.at)]
                + [
                    str(p.quantity),
                    p.title,
                    style.money(p.price),
                    "",
                    p.code,
                    "true",
                    "true",
                    "fulfilled",
                ]
                + ([s.name, s.phone, style.money(s.back), s.number, ""] if first else [""] * 5)
            )
    return rows


def woo_lines(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """WooCommerce, one row a line item, the order repeated."""
    rows = [
        "Order Number,Order Status,Order Date,First Name (Billing),Last Name (Billing),Email (Billing),Phone (Billing),Payment Method Title,Cart Discount Amount,Order Subtotal Amount,Order Shipping Amount,Order Refund Amount,Order Total Amount,SKU,Item #,Item Name,Quantity,Item Cost".split(
            ","
        )
    ]
    for s in book:
        rows += [
            [s.number, _WOO[s.state], style.time(s.at), "Fang", "Wang", s.email, s.phone, "Alipay"]
            + [style.money(s.discount), style.money(s.goods), style.money(s.shipping)]
            + [style.money(s.back), style.money(s.total), p.code, str(k + 1), p.title]
            + [str(p.quantity), style.money(p.price)]
            for k, p in enumerate(s.pieces)
        ]
    return rows


def woo_orders(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """WooCommerce, one row an order: no line items in it."""
    rows = [
        "order_id,order_number,date_created,status,order_currency,shipping_total,discount_total,order_total,refunded_total,billing_first_name,billing_email,billing_phone,payment_method_title".split(
            ","
        )
    ]
    rows += [
        [str(k), s.number, style.time(s.at), _WOO[s.state].removeprefix("wc-"), "CNY"]
        + [style.money(s.shipping), style.money(s.discount), style.money(s.total)]
        + [style.money(s.back), "Fang", s.email, s.phone, "Alipay"]
        for k, s in enumerate(book)
    ]
    return rows


def uci(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """Online Retail: lines only, cancelled invoices start with C."""
    rows = [
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country".split(
            ","
        )
    ]
    for s in book:
        back = s.state == "refunded"
        rows += [
            [
                ("C" if back else "") + s.number[-6:],
                p.code,
                p.title,
                str(-p.quantity if back else p.quantity),
            ]
            + [style.time(s.at), style.money(p.price), f"{s.buyer}.0", "United Kingdom"]
            for p in s.pieces
        ]
    return rows


def generic_zh(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """Some shop's own table: the total on every line."""
    rows = [
        "单号,客户昵称,手机号,下单日期,状态,商品名称,规格,单价,件数,运费,实付金额,已退款金额".split(
            ","
        )
    ]
    for s in book:
        rows += [
            [s.number, s.nick, s.phone, style.time(s.at), _CHINESE[s.state], p.title, p.variant]
            + [style.money(p.price), str(p.quantity), style.money(s.shipping)]
            + [style.money(s.total), style.money(s.back)]
            for p in s.pieces
        ]
    return rows


def generic_en(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """Some shop's own table: amounts per line, under a header that says order amount."""
    rows = [
        "Order ID,Customer Email,Order Date,Status,Product Name,SKU,Unit Price,Qty,Order Amount,Refund Amount".split(
            ","
        )
    ]
    for s in book:
        split = zip(s.pieces, shares(s, s.total), shares(s, s.back), strict=True)
        rows += [
            [s.number, s.email, style.time(s.at), _SHOPIFY[s.state], p.title, p.code]
            + [style.money(p.price), str(p.quantity), style.money(total), style.money(back)]
            for p, total, back in split
        ]
    return rows


LAYOUTS: dict[str, Callable[[Sequence[Sale], Style], Rows]] = {
    "taobao": taobao_rows,
    "douyin": douyin,
    "youzan": youzan,
    "weidian": weidian,
    "shopify": shopify,
    "woocommerce": woo_lines,
    "generic_zh": generic_zh,
    "generic_en": generic_en,
}


def csv_bytes(rows: Rows, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """Rows as a delimited file."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def csv_file(
    folder: Path,
    rows: Rows,
    name: str = "orders.csv",
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> Path:
    """Write a delimited file."""
    path = folder / name
    path.write_bytes(csv_bytes(rows, encoding, delimiter))
    return path


def xlsx_file(
    folder: Path,
    rows: Rows,
    name: str = "orders.xlsx",
    *,
    titles: Sequence[str] = (),
    totals: Sequence[Any] = (),
    merge: Sequence[int] = (),
    typed: bool = False,
) -> Path:
    """Write a workbook: title rows above, a totals row below, merged order cells between.

    Args:
        merge: Column numbers whose cells are merged over rows where they are blank.
        typed: Numbers and times as such, not as text.
    """
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for title in titles:
        sheet.append([title])
    start = len(titles) + 1
    for k, row in enumerate(rows):
        sheet.append([_typed(c) if typed and k else c for c in row])
    for column in merge:
        _merge(sheet, rows, column, start)
    for k, title in enumerate(titles):
        sheet.merge_cells(start_row=k + 1, end_row=k + 1, start_column=1, end_column=len(rows[0]))
        del title
    if totals:
        sheet.append(list(totals))
    path = folder / name
    book.save(path)
    return path


def _merge(sheet: Any, rows: Rows, column: int, start: int) -> None:
    first = 1
    for k in range(2, len(rows) + 1):
        if k == len(rows) or rows[k][column]:
            if k - first > 1:
                at = (start + first, start + k - 1)
                sheet.merge_cells(
                    start_row=at[0], end_row=at[1], start_column=column + 1, end_column=column + 1
                )
            first = k


def _typed(cell: str) -> Any:
    if len(cell) > 15:
        try:
            return datetime.strptime(cell, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
        except ValueError:
            return cell
    try:
        return float(cell) if cell.count(".") == 1 else int(cell) if len(cell) < 9 else cell
    except ValueError:
        return cell


def parquet_file(folder: Path, rows: Rows, name: str = "orders.parquet") -> Path:
    """Write a Parquet file with numbers and times typed where a whole column allows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {}
    for k, header in enumerate(rows[0]):
        cells = [_typed(row[k]) if row[k] else None for row in rows[1:]]
        kinds = {type(c) for c in cells if c is not None}
        columns[header] = cells if len(kinds) <= 1 else [row[k] for row in rows[1:]]
    path = folder / name
    pq.write_table(pa.table(columns), path)
    return path


def json_file(folder: Path, rows: Rows, name: str = "orders.jsonl") -> Path:
    """Write JSON lines."""
    path = folder / name
    docs = (dict(zip(rows[0], row, strict=True)) for row in rows[1:])
    path.write_text("\n".join(json.dumps(d, ensure_ascii=False) for d in docs), "utf-8")
    return path


def gz_file(path: Path) -> Path:
    """The same file gzipped beside it."""
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def zip_file(folder: Path, members: dict[str, bytes], name: str = "orders.zip") -> Path:
    """A zip of members."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path
