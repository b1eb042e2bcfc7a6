"""Douyin shop (抖音小店): one row a sub-order, 主订单编号 joins them.

Ids and values end in a tab so that spreadsheets keep them as text. Amounts usually belong to
the sub-order and are summed; the file's own evidence decides. Status and refunds are the
sub-order's: a refunded one inside a counted order is a partial refund.
"""

from __future__ import annotations

from renwei.collect.layouts.layout import Layout

LAYOUT = Layout(
    name="douyin",
    marks=(
        "主订单编号",
        "子订单编号",
        "选购商品",
        "达人昵称",
        "达人ID",
        "小店名称",
        "流量体裁",
        "流量来源",
        "APP渠道",
        "广告渠道",
        "订单应付金额",
        "是否修改过地址",
        "旗帜颜色",
        "平台实际承担优惠金额",
        "商家实际承担优惠金额",
        "达人实际承担优惠金额",
    ),
    called=("抖音", "抖店", "douyin", "doudian"),
    aliases=("doudian", "抖音", "抖店", "抖音小店"),
    fields={
        "主订单编号": "order",
        "商品ID": "product_id",
        "商品金额": "line_amount",
        "商家编码": "code",
        "订单提交时间": "created",
        "支付完成时间": "paid_at",
        "订单应付金额": "total",
        "支付金额": "paid",
        "优惠总金额": "discount",
        "手续费": "",
        "订单类型": "",
        "订单完成时间": "",
        "取消原因": "close_reason",
        "买家昵称": "nick",
    },
    zone="Asia/Shanghai",
    currency="CNY",
    amounts="summed",
)
