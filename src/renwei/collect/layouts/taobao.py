"""Taobao and Tmall: ExportOrderList (one row an order) and ExportOrderDetailList (its items).

GBK; ids as `="..."`; phones with a leading apostrophe; commas inside fields written as `，`.
Either file may come alone: the list then gives one line an order (宝贝标题 joins titles that
may hold the same comma), the detail gives orders without buyer and time. Some shop systems
write one row an item with the order's total on each.
"""

from __future__ import annotations

from renwei.collect.layouts.layout import Layout

LAYOUT = Layout(
    name="taobao",
    marks=(
        "买家会员名",
        "买家支付宝账号",
        "买家应付货款",
        "买家应付邮费",
        "买家实际支付金额",
        "宝贝标题",
        "宝贝种类",
        "宝贝总数量",
        "外部系统编号",
        "套餐信息",
        "宝贝标题",
        "订单关闭原因",
        "买家实际支付积分",
    ),
    called=("exportorder", "淘宝", "天猫", "taobao", "tmall"),
    aliases=("tmall", "淘宝", "天猫"),
    fields={"套餐信息": "", "备注": "seller_note", "总金额": "total"},
    zone="Asia/Shanghai",
    currency="CNY",
)
