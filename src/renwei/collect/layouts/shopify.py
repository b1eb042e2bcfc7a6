"""Shopify order export: an order's later lines leave most cells blank.

`Name` is the number buyers see (#1001) and joins the lines. `Total` holds shipping and taxes;
`Refunded Amount` the part paid back. Times carry the shop's offset. A cancelled order counts
as closed even where its money was kept, since it is nobody's purchase any more.
"""

from __future__ import annotations

from renwei.collect.layouts.layout import Layout

LAYOUT = Layout(
    name="shopify",
    marks=(
        "Financial Status",
        "Fulfillment Status",
        "Lineitem quantity",
        "Lineitem name",
        "Lineitem price",
        "Lineitem sku",
        "Accepts Marketing",
        "Refunded Amount",
        "Lineitem requires shipping",
    ),
    least=3,
    whole_total=True,
    called=("shopify",),
    fields={
        "Name": "order",
        "Id": "",
        "Financial Status": "status",
        "Fulfillment Status": "",
        "Fulfilled at": "",
        "Total": "total",
        "Subtotal": "goods",
        "Taxes": "",
        "Shipping": "shipping",
        "Discount Amount": "discount",
        "Lineitem discount": "",
        "Lineitem compare at price": "",
        "Lineitem fulfillment status": "",
        "Billing Name": "buyer_name",
        "Shipping Name": "name",
        "Phone": "phone",
        "Billing Phone": "phone2",
        "Shipping Phone": "",
        "Outstanding Balance": "",
        "Vendor": "",
        "Location": "",
        "Source": "",
        "Payment ID": "",
        "Payment Reference": "",
        "Receipt Number": "",
        "Employee": "",
        "Tags": "",
    },
)
