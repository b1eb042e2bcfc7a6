"""CDNOW: customer, date, units, dollars between blanks; each row is one order.

The 1/10 sample has a second, renumbered customer id; the first one counts.
"""

from __future__ import annotations

from renwei.collect.layouts.layout import Layout

LAYOUT = Layout(
    name="cdnow",
    marks=("number_of_cds", "dollar_value"),
    least=2,
    called=("cdnow",),
    fields={"number_of_cds": "order_quantity", "dollar_value": "total", "sample_id": ""},
    currency="",
    names=("customer_id", "sample_id", "date", "number_of_cds", "dollar_value"),
)
