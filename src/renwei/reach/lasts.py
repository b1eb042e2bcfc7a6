"""What each person bought last, and what was given back: columns folded from the log.

Care is about something bought, so the list must know what that was. The estimates say when
and how much, these columns say what. They are kept on the shelf as `lasts` (one row a
person) and `bought` (one row a person and item), and folded anew when the log has moved on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from renwei.core.chance import GOLDEN
from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Event, Item
from renwei.core.shop import Shop
from renwei.core.store import Store

KINDS = ("order", "order-change", "return")
_Lines = Sequence[Sequence[int]]
_NO_LINES: _Lines = ()


def ready_lasts(shop: Shop, at: datetime) -> None:
    """Fold the log into `lasts` and `bought` unless they stand for this time and log already."""
    people = shop.shelf.get("people")
    if people is None:
        return
    mark = {key: people.meta.get(key) for key in ("as_of", "position", "map_version")}
    held, bought = shop.shelf.get("lasts"), shop.shelf.get("bought")
    if held is not None and bought is not None and _same(held.meta, mark):
        return
    until = datetime.fromisoformat(str(people.meta.get("as_of") or at.isoformat()))
    goods = {item.number for item in shop.store.items.all_items("product") if is_goods(item)}
    lasts, keys = fold(shop.store, until, goods)
    shop.shelf.put("bought", {"key": keys}, mark)
    shop.shelf.put("lasts", lasts, mark)


def _same(meta: Mapping[str, Any], mark: Mapping[str, Any]) -> bool:
    return all(meta.get(key) == value for key, value in mark.items())


_NO_GOODS = re.compile(
    r"postage|shipping|carriage|delivery|freight|\bfee\b|charges?$|commission|discount|voucher"
    r"|gift ?card|\bmanual\b|adjust|sample|donation|\btip\b|邮费|运费|快递费|补差|差价|补拍|专拍|链接"
    r"|赠品|小样|优惠券|红包|打赏|定金|押金",
    re.IGNORECASE,
)


def is_goods(item: Item) -> bool:
    """Whether an item is a thing one can talk about, not postage, a fee or a correction.

    Example:
        >>> [is_goods(Item(1, "product", "", title)) for title in ("POSTAGE", "Soap", "补差价专拍")]
        [False, True, False]
    """
    return bool(item.title.strip()) and not _NO_GOODS.search(item.title)


def fold(store: Store, until: datetime, goods: Collection[int]) -> tuple[dict[str, Any], Any]:
    """Read the log up to a time.

    Args:
        store: Whose log.
        until: Nothing that happened later is looked at.
        goods: Numbers of the items that can be talked about; other lines are passed over.

    Returns:
        Columns of shape (people,), ascending by person: item (the line that cost most of the
        last counted order), quantity, lines, last_us, seq (of the event), new_item (the dearest
        line never bought before, 0 without), refund_us, refund_item and refund_minor (the last
        time money went back, 0 without); and the sorted `bought_key` of every person and item.
    """
    rows, pairs = _folded(_states(store, until), goods)
    people = sorted(rows)
    columns = {"person": np.array(people, dtype=np.int64)}
    for name in _COLUMNS:
        columns[name] = np.array([rows[p][name] for p in people], dtype=np.int64)
    table = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return columns, np.sort(bought_key(table[:, 0], table[:, 1]))


def fold_one(
    person: int, events: Sequence[Event], goods: Collection[int]
) -> tuple[dict[str, Any], Any]:
    """The same for one person's orders and returns: columns of length 1, zeros without any."""
    orders: dict[str, tuple[Event, Event]] = {}
    states: list[tuple[datetime, Event]] = []
    for event in sorted(events, key=lambda e: e.seq):
        if event.kind == "return":
            states.append((event.at, event))
            continue
        order = str(event.body.get("order") or event.message_id.hex())
        orders[order] = (orders[order][0] if order in orders else event, event)
    states += [(first.at, event) for first, event in orders.values()]
    states.sort(key=lambda pair: (pair[0], pair[1].seq))
    rows, pairs = _folded([(person, event) for _, event in states], goods)
    row = rows.get(person, dict.fromkeys(_COLUMNS, 0))
    columns = {name: np.array([row[name]], dtype=np.int64) for name in _COLUMNS}
    table = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return columns, np.sort(bought_key(table[:, 0], table[:, 1]))


def _folded(
    states: Sequence[tuple[int, Event]], goods: Collection[int]
) -> tuple[dict[int, dict[str, int]], set[tuple[int, int]]]:
    rows: dict[int, dict[str, int]] = {}
    pairs: set[tuple[int, int]] = set()
    for person, event in states:
        row = rows.setdefault(person, dict.fromkeys(_COLUMNS, 0))
        lines = [line for line in event.body.get("lines") or _NO_LINES if line[0] in goods]
        if event.kind == "return":
            _note_return(row, event, lines)
            continue
        fresh = [line for line in lines if (person, int(line[0])) not in pairs]
        _note_order(row, event, lines, fresh)
        pairs.update((person, int(line[0])) for line in lines)
    return rows, pairs


_COLUMNS = (
    "item",
    "quantity",
    "lines",
    "last_us",
    "seq",
    "new_item",
    "refund_us",
    "refund_item",
    "refund_minor",
)


def bought_key(person: Any, item: Any) -> Any:
    """One uint64 for each person and item; arrays of one shape.

    Example:
        >>> bool(bought_key(np.array([1]), np.array([2])) == bought_key(np.array([2]), np.array([1])))
        False
    """
    x = np.asarray(person).astype(np.uint64) * np.uint64(GOLDEN) + np.asarray(item).astype(
        np.uint64
    )
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return x ^ (x >> np.uint64(31))


def _states(store: Store, until: datetime) -> list[tuple[int, Event]]:
    """The last known state of every order and every return, oldest first, with its person."""
    orders: dict[str, Event] = {}
    first_at: dict[str, datetime] = {}
    returns: list[Event] = []
    for event in store.log.read(kinds=KINDS):
        if event.at > until or event.actor == NOBODY:
            continue
        if event.kind == "return":
            returns.append(event)
            continue
        order = str(event.body.get("order") or event.message_id.hex())
        orders[order] = event
        first_at.setdefault(order, event.at)
    when = {id(event): first_at[order] for order, event in orders.items()}
    events = [*orders.values(), *returns]
    actors = sorted({event.actor for event in events})
    persons = dict(zip(actors, store.people.persons_of(actors), strict=True))
    gone = set(store.people.forgotten())
    found = [(persons[e.actor], e) for e in events if e.actor not in gone]
    found.sort(key=lambda pair: (when.get(id(pair[1]), pair[1].at), pair[1].seq))
    return found


def _note_order(row: dict[str, int], event: Event, lines: _Lines, fresh: _Lines) -> None:
    body = event.body
    main = _dearest(lines)
    refunded = int(body.get("refunded") or 0)
    if refunded or body.get("status") == "refunded":
        # A change is dated by when it became known; in a first export only the order's day is.
        row["refund_us"], row["refund_item"] = to_us(event.at), int(main[0])
        row["refund_minor"] = refunded or event.value_minor
    if body.get("status", "paid") != "paid" or not lines:
        return
    at = to_us(event.at)
    if event.kind == "order-change":
        at = int(body.get("paid") or at)
    row["item"], row["quantity"], row["new_item"] = int(main[0]), int(main[1]), 0
    if fresh:
        row["new_item"] = int(_dearest(fresh)[0])
    row["lines"], row["last_us"], row["seq"] = len(lines), at, event.seq


def _dearest(lines: _Lines) -> Sequence[int]:
    return max(lines, key=lambda line: (line[3], -line[0])) if lines else (0, 0, 0, 0)


def _note_return(row: dict[str, int], event: Event, lines: _Lines) -> None:
    item = int(_dearest(lines)[0])
    if item:
        row["refund_us"], row["refund_item"] = to_us(event.at), item
        row["refund_minor"] = abs(event.value_minor)
