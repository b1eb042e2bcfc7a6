"""The catalogue: its list and files of items, then who wants an item, then one item.

The more special addresses come first.
"""

from __future__ import annotations

from renwei.doors.console.goods.audience import audience, learn
from renwei.doors.console.goods.list import bring, brought, goods
from renwei.doors.console.goods.one import change, one

__all__ = ["audience", "bring", "brought", "change", "goods", "learn", "one"]
