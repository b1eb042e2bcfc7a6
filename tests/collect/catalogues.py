"""A workspace whose catalogue is told things."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from renwei.app import build
from renwei.core.clock import Frozen
from renwei.core.nouns import Event, Item
from renwei.core.shop import Shop

AT = datetime(2026, 9, 1, 8, tzinfo=UTC)


@contextmanager
def catalogue(folder: Path) -> Iterator[Shop]:
    """An empty workspace, at 1 September 2026."""
    before = os.environ.get("RENWEI_KEYS")
    os.environ["RENWEI_KEYS"] = str(folder / "keys")
    try:
        with build.open_shop(folder / "data", clock=Frozen(AT), child=False) as shop:
            yield shop
    finally:
        os.environ.pop("RENWEI_KEYS")
        if before is not None:
            os.environ["RENWEI_KEYS"] = before


def do(shop: Shop, name: str, **fields: Any) -> Any:
    """One operation."""
    operation = build.operations()[name]
    request: Any = msgspec.convert(
        fields, operation.request, strict=False, dec_hook=lambda kind, value: kind(value)
    )
    return operation.call(shop, request)


def save(shop: Shop, *items: Any, partial: bool = False) -> Any:
    """Store items."""
    return do(shop, "items save", items=list(items), partial=partial)


def item(shop: Shop, code: str, kind: str = "product") -> Item:
    """An item as it is stored."""
    (found,) = shop.store.items.get(shop.store.items.by_code(kind, [code]))
    assert found is not None
    return found


def events(shop: Shop, *kinds: str) -> list[Event]:
    """What the log has of these kinds."""
    return list(shop.store.log.read(kinds=kinds))
