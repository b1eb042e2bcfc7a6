"""One item: what is known of it, its prices, what stands beside it, and changing it by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.responses import Response

from renwei.core.errors import BadInput
from renwei.core.words import EXPONENTS
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.screen import sentence
from renwei.doors.console.surfaces.looked import asked

BESIDE = 6
"""Items shown of each list of others."""
_LONGEST = 9
"""Digits of a stock: no shelf holds more."""


@page("GET /goods/{kind}/{code:path}", scope="read")
def one(visit: Visit) -> Response:
    """An item with the history of its price, and what goes with it."""
    return _page(visit)


@page("POST /goods/{kind}/{code:path}", scope="write")
def change(visit: Visit) -> Response:
    """Change the stock and whether it may be shown; or delete it, or bring it back."""
    kind, code = visit.path["kind"], visit.path["code"]
    act = visit.fields.get("do", "save")
    if act == "remove":
        visit.call("items remove", id=code, kind=kind)
        return visit.back(place_of(kind, code), "console.goods.is_gone")
    if act == "back":
        visit.call("items save", items=[_as_told(visit, kind, code)])
        return visit.back(place_of(kind, code), "console.goods.is_back")
    stock = visit.fields.get("stock", "").strip()
    if stock and not (stock.isdecimal() and len(stock) <= _LONGEST):
        return _page(visit, visit.say("console.goods.bad_stock"))
    given: dict[str, Any] = {"stock": int(stock) if stock else None}
    given["available"] = visit.fields.get("available", "yes") == "yes"
    try:
        visit.call("items change", id=code, kind=kind, **given)
    except BadInput as fault:
        return _page(visit, sentence(visit, fault))
    return visit.back(place_of(kind, code), "console.goods.changed")


def _as_told(visit: Visit, kind: str, code: str) -> dict[str, Any]:
    """The item as the shop told it, to be stored as a whole: that brings it back."""
    item = asked(visit, "items show", id=code, kind=kind)["item"]
    told = {name: item[name] for name in item["told"] if item.get(name) is not None}
    # The price is told once, in minor units.
    told.pop("price", None)
    if item["price_minor"] is not None:
        told |= {"price_minor": item["price_minor"], "currency": item["currency"]}
    if told.get("first_seen"):
        told["first_seen"] = told["first_seen"].isoformat()
    return {"title": item["title"], "category": item["category"], **told, "id": code, "kind": kind}


def place_of(kind: str, code: str) -> str:
    """The address of an item."""
    return f"/goods/{quote(kind)}/{quote(code, safe='')}"


def _page(visit: Visit, fault: str = "") -> Response:
    kind, code = visit.path["kind"], visit.path["code"]
    answer = asked(visit, "items show", id=code, kind=kind)
    item = answer["item"]
    return visit.show(
        "goods/one.html",
        400 if fault else 200,
        answer=answer,
        item=item,
        here=place_of(kind, code),
        prices=_prices(visit, answer),
        beside=_beside(visit, kind, code),
        stock=visit.fields.get("stock", "" if item["stock"] is None else str(item["stock"])),
        fault=fault,
    )


def _prices(visit: Visit, answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """A chart of the price by time; None where there is nothing to draw."""
    prices = [one for one in answer["prices"] if one["currency"] == answer["item"]["currency"]]
    if len(prices) < len(("before", "now")):
        return None
    zone = ZoneInfo(visit.house.shop().settings.zone)
    unit = 10 ** EXPONENTS.get(answer["item"]["currency"], 2)
    points = [[_local(one["at"], zone), one["price_minor"] / unit] for one in prices]
    # The last price holds until now.
    points.append([_local(visit.house.clock.now(), zone), points[-1][1]])
    return {
        "xAxis": {"type": "time"},
        "yAxis": {"type": "value", "scale": True},
        "series": [
            {
                "type": "line",
                "step": "end",
                "name": visit.say("console.goods.price"),
                "data": points,
            }
        ],
    }


def _local(at: Any, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M:%S}"


def _beside(visit: Visit, kind: str, code: str) -> dict[str, list[tuple[Any, int]]]:
    """What was bought with it, with how many people did, and what is like it; as learnt last.

    Read from what was learnt: to look at an item is no reason to decide anything for anybody.
    """
    shop = visit.house.shop()
    number = shop.store.items.by_code(kind, [code])[0]
    found: dict[str, list[tuple[Any, int]]] = {}
    for name in ("goes", "alike"):
        held = shop.shelf.get(f"taste-{name}")
        if held is None:
            continue
        begin, end = held.columns["item"].searchsorted([number, number + 1])
        rows = held.columns["other"][begin:end], held.columns["weight"][begin:end]
        pairs = sorted(zip(*(row.tolist() for row in rows), strict=True), key=lambda two: -two[1])
        items = shop.store.items.get([other for other, _ in pairs[:BESIDE]])
        found[name] = [
            (item, round(weight))
            for item, (_, weight) in zip(items, pairs, strict=False)
            if item is not None
        ]
    return found
