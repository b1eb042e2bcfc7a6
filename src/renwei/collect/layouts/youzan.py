"""Youzan (有赞) workbooks: title rows above the header, merged order cells, a totals row."""

from __future__ import annotations

from renwei.collect.layouts.layout import Layout

LAYOUT = Layout(
    name="youzan",
    marks=(
        "全部商品名称",
        "商品实际成交金额",
        "商品已退款金额",
        "归属店铺",
        "订单实付金额",
        "粉丝昵称",
        "商品种类数",
        "商品发货状态",
        "商品规格",
        "订单商品状态",
        "下单网点",
        "商品优惠后小计",
        "买家付款时间",
        "外部支付流水号",
        "商家订单备注",
    ),
    called=("有赞", "youzan"),
    aliases=("有赞",),
    fields={
        "商品实际成交金额": "line_amount",
        "商品优惠后小计": "line_amount",
        "应收订单金额": "total",
    },
    zone="Asia/Shanghai",
    currency="CNY",
)
