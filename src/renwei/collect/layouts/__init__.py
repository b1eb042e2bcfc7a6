"""The layouts known by name, one file each; anything else is read as `generic`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from renwei.collect.headers import plain
from renwei.collect.layouts import (
    cdnow,
    completejourney,
    douyin,
    generic,
    shopify,
    taobao,
    uci,
    weidian,
    woocommerce,
    youzan,
)
from renwei.collect.layouts.layout import Layout
from renwei.core.errors import UnknownName

LAYOUTS: dict[str, Layout] = {
    module.LAYOUT.name: module.LAYOUT
    for module in (
        taobao,
        douyin,
        youzan,
        weidian,
        shopify,
        woocommerce,
        uci,
        cdnow,
        completejourney,
        generic,
    )
}


def named(name: str) -> Layout:
    """The layout of that name or alias.

    Raises:
        UnknownName: code `unknown_layout`, with the nearest name.
    """
    key = name.strip().lower().replace("-", "_")
    for layout in LAYOUTS.values():
        if key == layout.name or key in layout.aliases:
            return layout
    raise UnknownName.among("layout", name, LAYOUTS)


def detect(header: Sequence[str], around: Iterable[str] = ()) -> Layout:
    """The layout whose telling headers are there.

    Args:
        header: Names as written.
        around: Texts near the table that may name the platform: title rows, sheet, file.
    """
    names = {plain(h) for h in header}
    nearby = " ".join(around).lower()
    best, best_score = LAYOUTS["generic"], 0.0
    for layout in LAYOUTS.values():
        score: float = sum(plain(mark) in names for mark in layout.marks)
        if not score:
            continue
        score += 2 * any(word in nearby for word in layout.called)
        if score >= layout.least and score > best_score:
            best, best_score = layout, score
    return best
