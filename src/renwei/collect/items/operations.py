"""What can be done with the catalogue: list, show, store, change, remove, import."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from typing import Any

import msgspec
from msgspec import UNSET

from renwei.collect.items import bringing
from renwei.collect.items.answers import (
    ItemAgain,
    ItemAnswer,
    ItemKept,
    ItemPatch,
    ItemPut,
    ItemRefused,
    ItemRemove,
    ItemsAnswer,
    ItemShow,
    ItemsImport,
    ItemsImported,
    ItemsList,
    ItemsSave,
    ItemsSaved,
    PricedThen,
    StockedThen,
)
from renwei.collect.items.checking import Draft, draft_of
from renwei.collect.items.finding import Asked, book, item_of
from renwei.collect.items.keeping import How, keep
from renwei.collect.items.kinds import kind_of
from renwei.collect.items.money import shown as shown_price
from renwei.collect.items.prices import lowest_price, prices, stocks
from renwei.collect.items.showing import shown
from renwei.core.errors import BadInput, RenweiError
from renwei.core.operations import operation
from renwei.core.shop import Shop

CONSOLE = "cli"
_KEY = re.compile(r"k[0-9a-z]{13}")
_COUNTED = ("new", "changed", "unchanged", "back", "removed")
_FIRST = 20


@operation("items list", ItemsList, http="GET /v1/items")
def list_items(shop: Shop, request: ItemsList) -> ItemsAnswer:
    """Items by words, kind and category, a page at a time.

    Raises:
        BadInput: bad_cursor, item_bad_kind.
    """
    if request.after and not (request.after.isdecimal() and len(request.after) < 16):
        raise BadInput("bad_cursor", found=request.after[:60])
    kept = book(shop.store)
    kept.refresh(shop)
    asked = Asked(
        query=request.query,
        kind=kind_of(request.kind),
        category=request.category,
        ids=tuple(request.id),
        gone=request.gone,
    )
    numbers = kept.find(asked)
    begin = bisect_right(numbers, int(request.after or 0))
    page = numbers[begin : begin + request.limit]
    found = [item for item in shop.store.items.get(page) if item is not None]
    following = str(page[-1]) if begin + len(page) < len(numbers) else ""
    return ItemsAnswer(items=[shown(one) for one in found], total=len(numbers), next=following)


@operation("items show", ItemShow, http="GET /v1/items/{id}")
def show_item(shop: Shop, request: ItemShow) -> ItemAnswer:
    """One item with the history of its price and stock.

    Raises:
        UnknownName: unknown_item.
        Ambiguous: ambiguous_item.
    """
    item = item_of(shop, request.id, kind_of(request.kind))
    return ItemAnswer(
        item=shown(item),
        prices=[
            PricedThen(
                at=one.at,
                price=shown_price(one.price_minor, one.currency),
                price_minor=one.price_minor,
                currency=one.currency,
            )
            for one in prices(shop, item)
        ],
        stocks=[StockedThen(at=one.at, stock=one.stock) for one in stocks(item)],
        lowest_30_days_minor=lowest_price(shop, item, shop.clock.now()),
    )


@operation("items save", ItemsSave, writes=True, http="POST /v1/items")
def save_items(shop: Shop, request: ItemsSave) -> ItemsSaved:
    """Store many items; what cannot be taken is named, the rest is stored.

    Raises:
        BadInput: items_all_refused, where not one could be taken.
    """
    drafts: list[tuple[int, Draft]] = []
    refused: list[tuple[int, RenweiError]] = []
    for index, given in enumerate(request.items):
        try:
            drafts.append((index, draft_of(_parsed(given), shop.settings.currency)))
        except BadInput as fault:
            refused.append((index, fault))
    kept = keep(shop, drafts, _how(shop, request.by, partial=request.partial))
    every = sorted([*refused, *kept.refused], key=lambda one: one[0])
    told = [_refused(shop, index, request.items[index], fault) for index, fault in every]
    if told and not kept.done:
        first = told[0]
        named = [msgspec.to_builtins(one) for one in told[:_FIRST]]
        raise BadInput(
            "items_all_refused", n=len(told), index=first.index, text=first.text, refused=named
        )
    counts = Counter(kept.done)
    return ItemsSaved(
        stored=len(kept.done),
        refused=told,
        again=[ItemAgain(index=index, by=by) for index, by in kept.again],
        text=shop.say("items.saved", stored=len(kept.done), refused=len(told), **_all(counts)),
        **_all(counts),
    )


@operation("items put", ItemPut, writes=True, http="PUT /v1/items/{id}")
def put_item(shop: Shop, request: ItemPut) -> ItemKept:
    """Store one item as a whole; one that was removed is back.

    Raises:
        BadInput: Any code item_...
        Ambiguous: ambiguous_item.
    """
    given = {name: value for name, value in _fields(request).items() if value is not None}
    return _one(shop, given, request.by, partial=False)


@operation("items change", ItemPatch, writes=True, http="PATCH /v1/items/{id}")
def change_item(shop: Shop, request: ItemPatch) -> ItemKept:
    """Change some fields of one item; null empties a field.

    Raises:
        UnknownName: unknown_item, item_gone.
        BadInput: Any code item_...
        Ambiguous: ambiguous_item.
    """
    given = {name: value for name, value in _fields(request).items() if value is not UNSET}
    return _one(shop, given, request.by, partial=True)


@operation("items remove", ItemRemove, writes=True, http="DELETE /v1/items/{id}")
def remove_item(shop: Shop, request: ItemRemove) -> ItemKept:
    """Never offer an item again; its past stays readable, and storing it anew brings it back.

    Raises:
        UnknownName: unknown_item.
        Ambiguous: ambiguous_item.
    """
    given = {"id": request.id, "kind": request.kind, "gone": True}
    return _one(shop, given, request.by, partial=True)


@operation("items import", ItemsImport, writes=True)
def bring(shop: Shop, request: ItemsImport) -> ItemsImported:
    """Bring a file of items in."""
    return bringing.bring(shop, request)


def _how(shop: Shop, by: str, *, partial: bool) -> How:
    source = f"key:{by}" if _KEY.fullmatch(by) else by or CONSOLE
    return How(partial=partial, source=source, at=shop.clock.now())


def _fields(request: Any) -> dict[str, Any]:
    named = msgspec.structs.fields(request)
    given = {one.name: getattr(request, one.name) for one in named if one.name != "by"}
    return given | {"attributes": _parsed(given.get("attributes"))}


def _one(shop: Shop, given: dict[str, Any], by: str, *, partial: bool) -> ItemKept:
    draft = draft_of(given, shop.settings.currency)
    kept = keep(shop, [(0, draft)], _how(shop, by, partial=partial))
    if kept.refused:
        raise kept.refused[0][1]
    return ItemKept(did=kept.done[0], item=shown(kept.items[0]))


def _parsed(given: Any) -> Any:
    """On the command line objects are JSON text."""
    if not isinstance(given, str):
        return given
    try:
        return msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError):
        return given


def _refused(shop: Shop, index: int, given: Any, fault: RenweiError) -> ItemRefused:
    code = given.get("id", "") if isinstance(given, dict) else ""
    return ItemRefused(
        index=index,
        id=str(code)[:200],
        field=str(fault.values.get("field", "")),
        code=fault.code,
        text=shop.say(f"errors.{fault.code}", **fault.values),
        values={name: value for name, value in fault.values.items() if name != "field"},
    )


def _all(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in _COUNTED}
