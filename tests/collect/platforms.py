"""What each platform would write of a made-up order book: header and rows as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.collect.books import PLAIN, Rows, Sale, Style, TimeText

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


def _header(names: str) -> list[str]:
    return names.split(",")


def taobao_list(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """ExportOrderList: one row an order."""
    header = "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,买家留言,收货人姓名,收货地址,运送方式,联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,物流公司,订单备注,宝贝总数量,店铺名称,订单关闭原因,退款金额"
    rows = [_header(header)]
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
        _header("订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码")
    ]
    for s in book:
        rows += [
            [
                f'="{s.number}"',
                p.title,
                style.money(p.price),
                str(p.quantity),
                "null",
                f"颜色分类:{p.variant}",
                "",
                "",
                _TAOBAO[s.state][0],
                "",
            ]
            for p in s.pieces
        ]
    return rows


def taobao_rows(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """A shop system's Taobao file: one row an item, the order's total on each."""
    rows = [
        _header(
            "订单编号,买家会员名,买家实际支付金额,订单状态,联系手机,订单创建时间,订单付款时间,宝贝标题,商品单价,宝贝数量,退款金额"
        )
    ]
    for s in book:
        status = "退款成功" if s.state == "refunded" else _TAOBAO[s.state][0]
        rows += [
            [
                s.number,
                s.nick,
                style.money(s.total),
                status,
                s.phone,
                style.time(s.at),
                style.time(s.paid_at) if s.paid_at else "",
                p.title,
                style.money(p.price),
                str(p.quantity),
                style.money(s.back),
            ]
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
        _header(
            "主订单编号,子订单编号,选购商品,商品规格,商品数量,商品ID,商家编码,商品单价,订单应付金额,运费,优惠总金额,收件人,收件人手机号,订单提交时间,支付完成时间,订单状态,售后状态,退款金额,达人昵称,小店名称"
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
        _header(
            "订单号,订单状态,买家昵称,收货人,收货人手机号,下单时间,买家付款时间,订单实付金额,运费,订单退款金额,商品名称,商品规格,规格编码,商品单价,商品数量,归属店铺"
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
        _header(
            "订单编号,订单状态,收件人姓名,收件人手机,下单时间,付款时间,订单总价,运费,退款金额,商品名称,商品型号,型号编码,商品单价,数量"
        )
    ]
    for s in book:
        rows += [
            [
                s.number,
                _CHINESE[s.state],
                s.name,
                s.phone,
                style.time(s.at),
                style.time(s.paid_at) if s.paid_at else "",
                style.money(s.total),
                style.money(s.shipping),
                style.money(s.back),
                p.title,
                p.variant,
                p.code,
                style.money(p.price),
                str(p.quantity),
            ]
            for p in s.pieces
        ]
    return rows


def shopify(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """Shopify: later lines of an order mostly blank."""
    header = "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Billing Name,Phone,Refunded Amount,Id,Cancelled at"
    rows = [_header(header)]
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
        _header(
            "Order Number,Order Status,Order Date,First Name (Billing),Last Name (Billing),Email (Billing),Phone (Billing),Payment Method Title,Cart Discount Amount,Order Subtotal Amount,Order Shipping Amount,Order Refund Amount,Order Total Amount,SKU,Item #,Item Name,Quantity,Item Cost"
        )
    ]
    for s in book:
        rows += [
            [
                s.number,
                _WOO[s.state],
                style.time(s.at),
                "Fang",
                "Wang",
                s.email,
                s.phone,
                "Alipay",
                style.money(s.discount),
                style.money(s.goods),
                style.money(s.shipping),
                style.money(s.back),
                style.money(s.total),
                p.code,
                str(k + 1),
                p.title,
                str(p.quantity),
                style.money(p.price),
            ]
            for k, p in enumerate(s.pieces)
        ]
    return rows


def woo_orders(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """WooCommerce, one row an order: no line items in it."""
    rows = [
        _header(
            "order_id,order_number,date_created,status,order_currency,shipping_total,discount_total,order_total,refunded_total,billing_first_name,billing_email,billing_phone,payment_method_title"
        )
    ]
    rows += [
        [
            str(k),
            s.number,
            style.time(s.at),
            _WOO[s.state].removeprefix("wc-"),
            "CNY",
            style.money(s.shipping),
            style.money(s.discount),
            style.money(s.total),
            style.money(s.back),
            "Fang",
            s.email,
            s.phone,
            "Alipay",
        ]
        for k, s in enumerate(book)
    ]
    return rows


def uci(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """Online Retail: lines only, cancelled invoices start with C."""
    rows = [
        _header("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country")
    ]
    for s in book:
        back = s.state == "refunded"
        rows += [
            [
                ("C" if back else "") + s.number[-6:],
                p.code,
                p.title,
                str(-p.quantity if back else p.quantity),
                style.time(s.at),
                style.money(p.price),
                f"{s.buyer}.0",
                "United Kingdom",
            ]
            for p in s.pieces
        ]
    return rows


def generic_zh(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """Some shop's own table: the total on every line."""
    rows = [
        _header(
            "单号,客户昵称,手机号,下单日期,状态,商品名称,规格,单价,件数,运费,实付金额,已退款金额"
        )
    ]
    for s in book:
        rows += [
            [
                s.number,
                s.nick,
                s.phone,
                style.time(s.at),
                _CHINESE[s.state],
                p.title,
                p.variant,
                style.money(p.price),
                str(p.quantity),
                style.money(s.shipping),
                style.money(s.total),
                style.money(s.back),
            ]
            for p in s.pieces
        ]
    return rows


def generic_en(book: Sequence[Sale], style: Style = PLAIN) -> Rows:
    """Some shop's own table: amounts per line, under a header that says order amount."""
    rows = [
        _header(
            "Order ID,Customer Email,Order Date,Status,Product Name,SKU,Unit Price,Qty,Order Amount,Refund Amount"
        )
    ]
    for s in book:
        split = zip(s.pieces, shares(s, s.total), shares(s, s.back), strict=True)
        rows += [
            [
                s.number,
                s.email,
                style.time(s.at),
                _SHOPIFY[s.state],
                p.title,
                p.code,
                style.money(p.price),
                str(p.quantity),
                style.money(total),
                style.money(back),
            ]
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
