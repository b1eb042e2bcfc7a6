"""Weidian (微店) workbooks: like Youzan's, with 商品型号 and 收件人 columns."""

from __future__ import annotations

from renwei.collect.layouts.layout import Layout

LAYOUT = Layout(
    name="weidian",
    marks=(
        "商品型号",
        "微店订单号",
        "型号编码",
        "推广费",
        "分成金额",
        "微信号",
        "订单描述",
        "微店名称",
    ),
    least=1,
    called=("微店", "weidian"),
    aliases=("微店",),
    fields={
        "微店订单号": "order",
        "微店名称": "shop",
        "推广费": "",
        "分成金额": "",
        "订单描述": "note",
    },
    zone="Asia/Shanghai",
    currency="CNY",
)
