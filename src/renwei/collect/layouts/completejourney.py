"""The Complete Journey (and till exports like it): one row a product of a basket.

`sales_value` is what the shop got for the row, its discounts taken off already.
"""

from __future__ import annotations

from renwei.collect.layouts.layout import Layout

LAYOUT = Layout(
    name="completejourney",
    marks=("household_id", "basket_id", "sales_value", "retail_disc", "coupon_match_disc"),
    least=3,
    aliases=("complete_journey", "dunnhumby"),
    fields={
        "sales_value": "line_amount",
        "retail_disc": "",
        "coupon_disc": "",
        "coupon_match_disc": "",
        "week": "",
        "transaction_timestamp": "created",
    },
    amounts="summed",
)
