"""Gorse's items: the same catalogue, in Gorse's shapes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from renwei.collect.items.checking import draft_of
from renwei.collect.items.finding import Asked as Wanted
from renwei.collect.items.finding import book, item_of
from renwei.collect.items.keeping import How, keep
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Item
from renwei.core.shop import Shop
from renwei.doors.foreign.gorse import (
    GorseItem,
    GorsePatch,
    item_changed,
    item_shown,
    item_told,
)

if TYPE_CHECKING:
    from renwei.doors.http.gorse_paths import Asked


def listed(asked: Asked) -> dict[str, Any]:
    """GET /api/items: a page, and the cursor of the next."""
    n, after = asked.page()
    shop = asked.house.shop()
    kept = book(shop.store)
    kept.refresh(shop)
    numbers = kept.find(Wanted())
    begin = bisect_right(numbers, after)
    page = numbers[begin : begin + n]
    found = [item for item in shop.store.items.get(page) if item is not None]
    more = begin + len(page) < len(numbers)
    return {"Cursor": str(page[-1]) if more else "", "Items": [item_shown(one) for one in found]}


def shown(asked: Asked) -> dict[str, Any]:
    """GET /api/item/{item}."""
    return item_shown(_standing(asked.house.shop(), asked.named["item"]))


def stored(asked: Asked) -> dict[str, int]:
    """POST and PUT /api/items: insert, overwrite what exists; all or none."""
    return _stored(asked, asked.told(list[GorseItem]))


def stored_one(asked: Asked) -> dict[str, int]:
    """POST and PUT /api/item."""
    return _stored(asked, [asked.told(GorseItem)])


def changed(asked: Asked) -> dict[str, int]:
    """PATCH /api/item/{item}."""
    patch = asked.told(GorsePatch)
    return _told(asked, [item_changed(asked.named["item"], patch)], partial=True)


def removed(asked: Asked) -> dict[str, int]:
    """DELETE /api/item/{item}: never offered again; its feedback stays in the log."""
    return _told(asked, [{"id": asked.named["item"], "gone": True}], partial=True)


def category_added(asked: Asked) -> dict[str, int]:
    """PUT /api/item/{item}/category/{category}: the category where there is none, else a tag."""
    item, category = _standing(asked.house.shop(), asked.named["item"]), asked.named["category"]
    if not item.category or item.category == category:
        told: dict[str, Any] = {"category": category}
    else:
        told = {"tags": list(dict.fromkeys([*item.facts.get("tags", ()), category]))}
    return _told(asked, [{"id": item.code, "kind": item.kind, **told}], partial=True)


def category_dropped(asked: Asked) -> dict[str, int]:
    """DELETE /api/item/{item}/category/{category}."""
    item, category = _standing(asked.house.shop(), asked.named["item"]), asked.named["category"]
    tags = [tag for tag in item.facts.get("tags", ()) if tag != category]
    told: dict[str, Any] = {"tags": tags or None}
    if item.category == category:
        told = {"category": None}
    return _told(asked, [{"id": item.code, "kind": item.kind, **told}], partial=True)


def _standing(shop: Shop, code: str) -> Item:
    item = item_of(shop, code)
    if item.facts.get("gone"):
        raise UnknownName("item_gone", name=code)
    return item


def _stored(asked: Asked, items: Sequence[GorseItem]) -> dict[str, int]:
    return _told(asked, [item_told(one) for one in items], partial=False)


def _told(asked: Asked, told: Sequence[dict[str, Any]], *, partial: bool) -> dict[str, int]:
    shop = asked.house.shop()
    drafts = []
    for index, one in enumerate(told):
        try:
            drafts.append((index, draft_of(one, shop.settings.currency)))
        except BadInput as fault:
            if len(told) > 1:
                field = f"[{index}].{fault.values.get('field', '')}"
                raise BadInput(fault.code, **{**fault.values, "field": field}) from None
            raise
    how = How(partial=partial, source=asked.caller.id, at=shop.clock.now())
    kept = keep(shop, drafts, how)
    if kept.refused:
        raise kept.refused[0][1]
    return {"RowAffected": len(kept.done)}
