"""UCI Online Retail: one row an invoice line, no totals.

An order is an invoice with at least one valid line; its total is the sum of quantity x price,
as a pivot made by hand shows it. Invoices that start with C take back an earlier sale: they
are `returned`, no orders. Lines with quantity <= 0 or without a price are stock corrections
(damages, samples, finds) and are refused with the reason; a pivot filters them likewise. A
blank customer is an order without identifiers. Also reads the headers of Online Retail II.
"""

from __future__ import annotations

from renwei.collect.layouts.layout import Layout

LAYOUT = Layout(
    name="uci",
    marks=("InvoiceNo", "StockCode", "InvoiceDate", "UnitPrice", "CustomerID", "Invoice"),
    least=3,
    aliases=("online_retail", "onlineretail", "uci_online_retail"),
    fields={
        "Invoice": "order",
        "InvoiceNo": "order",
        "StockCode": "code",
        "Description": "title",
        "Price": "price",
        "Customer ID": "customer",
    },
    returns="C",
    zero_price="refused",
)
