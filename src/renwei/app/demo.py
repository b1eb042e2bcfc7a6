"""The demo shop 人味小铺示例店: a generated cosmetics shop, written as platforms write files.

About 3,100 customers, 190 products and 24 months of orders in the Taobao layout (order list
and item detail, GBK) and, for the shop's own site, in the Shopify layout. Everybody in it is
invented. The same seed and end give the same files, byte for byte.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from renwei.app.demo_catalogue import Dice, Product, catalogue
from renwei.app.demo_orders import CLOSED, PAID, WAITING, Order, history
from renwei.app.demo_people import Person, invent
from renwei.app.demo_problems import Planted, Scene, plant

SHOP = "人味小铺示例店"
ZONE = timezone(timedelta(hours=8))
LIST_FILE = "demo_ExportOrderList.csv"
DETAIL_FILE = "demo_ExportOrderDetailList.csv"
WEB_FILE = "demo_orders_export.csv"
TRUTH_FILE = "demo_truth.json"

_LIST = "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,买家留言,收货人姓名,收货地址,运送方式,联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,物流公司,订单备注,宝贝总数量,店铺名称,订单关闭原因,退款金额"
_DETAIL = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码,类目"
_WEB = "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Billing Name,Phone,Refunded Amount,Vendor,Id"


@dataclass(frozen=True, slots=True)
class Shop:
    """The generated shop before it is written: oldest order first, times shop-local."""

    products: list[Product]
    people: list[Person]
    orders: list[Order]
    problems: Planted


def generate(*, seed: int = 20260101, until: datetime) -> Shop:
    """Invent the shop.

    Args:
        seed: Same seed and `until`, same shop.
        until: Aware; no order is later. The file begins 730 days before.

    Raises:
        ValueError: `until` carries no zone.
    """
    if until.tzinfo is None:
        raise ValueError("a time without a zone")
    local = until.astimezone(ZONE).replace(tzinfo=None, microsecond=0)
    dice = Dice(seed)
    products = catalogue(dice)
    people = invent(dice, products)
    orders = history(dice, people, products, until=local)
    problems = plant(Scene(dice, people, orders, products, local))
    return Shop(products, people, orders, problems)


def write_demo(directory: Path, *, seed: int = 20260101, until: datetime) -> list[Path]:
    """Write the demo shop's files; about 13,000 orders, a second or two.

    Args:
        directory: Made if missing; files of the same names are replaced.
        seed: Same seed and `until`, same bytes.
        until: Aware; the last moment that the files know of.

    Returns:
        The three order files, ready to import together or one after the other. Beside them
        lies demo_truth.json, see `planted`.
    """
    shop = generate(seed=seed, until=until)
    directory.mkdir(parents=True, exist_ok=True)
    market = [order for order in shop.orders if not order.web]
    web = [order for order in shop.orders if order.web]
    contents = {
        LIST_FILE: _table(_LIST, map(_list_row, market)).encode("gbk"),
        DETAIL_FILE: _table(_DETAIL, _detail_rows(market)).encode("gbk"),
        WEB_FILE: _table(_WEB, _web_rows(web)).encode("utf-8"),
    }
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    truth = _truth(shop, seed, until)
    (directory / TRUTH_FILE).write_text(
        json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return [directory / name for name in contents]


def planted(directory: Path) -> dict[str, Any]:
    """What the files in a directory hold: totals a right import gives, rhythms, problems.

    Keys: shop, seed, until, files, people (with any order), people_counted, products, taobao and shopify (orders, lines,
    units, revenue_minor, refunded_minor, closed_or_unpaid, refunded, first_order,
    last_order), shared_by_phone, rhythm_days by product code, problems by name.
    """
    truth: dict[str, Any] = json.loads((directory / TRUTH_FILE).read_text("utf-8"))
    return truth


def _table(header: str, rows: Iterable[list[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()


def _yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""


def _excel_text(number: str) -> str:
    return f'="{number}"'


def _list_row(order: Order) -> list[str]:
    person = order.person
    owed = order.goods_minor + order.postage_minor
    row = {
        "订单编号": _excel_text(order.number),
        "买家会员名": order.nick or person.nick,
        "买家支付宝账号": order.alipay or person.alipay,
        "买家应付货款": _yuan(order.goods_minor),
        "买家应付邮费": _yuan(order.postage_minor),
        "总金额": _yuan(owed),
        "买家实际支付金额": _yuan(order.total_minor if order.paid_at else 0),
        "订单状态": order.status,
        "买家留言": "",
        "收货人姓名": order.name or person.name,
        "收货地址": order.address or person.address,
        "运送方式": "快递",
        "联系手机": "'" + (order.phone or person.phone),
        "订单创建时间": _time(order.at),
        "订单付款时间": _time(order.paid_at),
        "宝贝标题": "，".join(product.title for product, _ in order.lines),
        "宝贝种类": str(len(order.lines)),
        "物流单号": "",
        "物流公司": "",
        "订单备注": order.note or person.skin,
        "宝贝总数量": str(sum(quantity for _, quantity in order.lines)),
        "店铺名称": SHOP,
        "订单关闭原因": _why_closed(order),
        "退款金额": _yuan(order.refunded_minor),
    }
    if "E" in order.phone:
        row["联系手机"] = order.phone
    if order.hidden:
        row |= dict.fromkeys(("买家会员名", "买家支付宝账号", "收货人姓名", "联系手机"), "")
    return list((row | order.spoiled).values())


def _why_closed(order: Order) -> str:
    if order.status != CLOSED:
        return "订单未关闭"
    return "退款" if order.paid_at else "买家未付款"


def _detail_rows(orders: list[Order]) -> Iterator[list[str]]:
    for order in orders:
        for k, (product, quantity) in enumerate(order.lines):
            yield [
                _excel_text(order.number),
                product.title,
                _yuan(product.price_minor),
                "一箱" if k == order.spoiled_line else str(quantity),
                "null",
                "颜色分类:默认",
                "",
                "",
                order.status,
                product.code,
                product.category,
            ]


def _web_rows(orders: list[Order]) -> Iterator[list[str]]:
    columns = _WEB.split(",")
    for k, order in enumerate(orders):
        head = _web_head(order)
        for line, (product, quantity) in enumerate(order.lines):
            row = {
                "Name": f"#{1001 + k}",
                "Email": order.person.email,
                "Created at": _time(order.at) + " +0800",
                "Lineitem quantity": str(quantity),
                "Lineitem name": product.title,
                "Lineitem price": _yuan(product.price_minor),
                "Lineitem sku": product.code,
                "Lineitem requires shipping": "true",
                "Lineitem taxable": "true",
                "Lineitem fulfillment status": "fulfilled",
            }
            # Later lines of an order leave most of it blank, as Shopify does.
            row |= head if line == 0 else {}
            yield [row.get(column, "") for column in columns]


def _web_head(order: Order) -> dict[str, str]:
    person = order.person
    shipped = order.paid_at is not None and order.status != PAID
    return {
        "Financial Status": _web_status(order),
        "Paid at": _time(order.paid_at) + " +0800" if order.paid_at else "",
        "Fulfillment Status": "fulfilled" if shipped else "unfulfilled",
        "Accepts Marketing": "yes" if person.accepts else "no",
        "Currency": "CNY",
        "Subtotal": _yuan(order.goods_minor - order.discount_minor),
        "Shipping": _yuan(order.postage_minor),
        "Taxes": "0.00",
        "Total": _yuan(order.total_minor),
        "Discount Amount": _yuan(order.discount_minor),
        "Billing Name": person.name,
        "Phone": f"+86 {person.phone}" if person.number % 3 else person.phone,
        "Refunded Amount": _yuan(order.refunded_minor),
        "Vendor": SHOP,
        "Id": order.number,
    }


def _web_status(order: Order) -> str:
    if order.paid_at is None:
        return "pending" if order.status == WAITING else "voided"
    if order.status == CLOSED:
        return "refunded"
    return "partially_refunded" if order.refunded_minor else "paid"


def _truth(shop: Shop, seed: int, until: datetime) -> dict[str, Any]:
    return {
        "shop": SHOP,
        "seed": seed,
        "until": until.isoformat(),
        "files": [LIST_FILE, DETAIL_FILE, WEB_FILE],
        "people": len({order.person.number for order in shop.orders}),
        "people_counted": len({order.person.number for order in shop.orders if order.counted}),
        "products": len(shop.products),
        "taobao": _totals([order for order in shop.orders if not order.web]),
        "shopify": _totals([order for order in shop.orders if order.web]),
        "shared_by_phone": len(_both(shop.orders)),
        "rhythm_days": {p.code: p.rhythm_days for p in shop.products if p.rhythm_days},
        "problems": shop.problems,
    }


def _totals(orders: list[Order]) -> dict[str, Any]:
    counted = [order for order in orders if order.counted]
    readable = [order for order in orders if not order.spoiled]
    lines = [
        quantity
        for order in counted
        for k, (_, quantity) in enumerate(order.lines)
        if k != order.spoiled_line
    ]
    times = [order.at for order in counted]
    return {
        "orders": len(counted),
        "lines": len(lines),
        "units": sum(lines),
        "revenue_minor": sum(order.total_minor for order in counted),
        "refunded_minor": sum(order.refunded_minor for order in counted),
        "closed_or_unpaid": sum(order.closed_or_unpaid for order in readable),
        "refunded": sum(order.refunded for order in readable),
        "first_order": _time(min(times)),
        "last_order": _time(max(times)),
    }


def _both(orders: list[Order]) -> set[int]:
    web = {order.person.number for order in orders if order.web}
    return web & {order.person.number for order in orders if not order.web}
