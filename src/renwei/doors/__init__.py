"""The doors: how people and programs come in. They know operations, operations do not know them."""

from __future__ import annotations
