"""Any other table of orders: headers by synonyms, columns by what they hold."""

from __future__ import annotations

from renwei.collect.layouts.layout import Layout

LAYOUT = Layout(name="generic", aliases=("any", "other", "通用"))
