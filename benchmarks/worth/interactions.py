"""Read interactions for the benchmarks: UCI Online Retail, or events as CSV or Parquet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.worth.order_files import _open, _stamp, read_time

from renwei.learn.taste.table import WEIGHTS, Past, baskets
from renwei.learn.taste.titles import Catalogue

PRODUCT = re.compile(r"^\d{5}")
GOALS = {"purchase", "buy", "order", "transaction", "bought", "sale"}
ALIASES = {
    "user": ("user", "user_id", "userid", "visitorid", "customer"),
    "item": ("item", "item_id", "itemid", "product_id", "product"),
    "time": ("time", "timestamp", "event_time", "at", "date"),
    "kind": ("kind", "event", "event_type", "type", "behavior"),
    "value": ("value", "price", "amount"),
    "title": ("title", "name", "description"),
    "category": ("category", "category_code", "category_id"),
    "brand": ("brand",),
}


@dataclass(frozen=True)
class Shop:
    """Everything read.

    Attributes:
        past: All rows of all files, one a basket, item and kind.
        catalogue: What is known of items.
        segment: Shape (users,). Country, -1 unknown.
        test_from_us: When the rows of a test file begin; None without one.
    """

    past: Past
    catalogue: Catalogue
    segment: np.ndarray[Any, np.dtype[np.int64]]
    test_from_us: int | None


def read_retail(path: Path) -> Shop:
    """UCI Online Retail: customers known, not cancelled, quantity and price above 0, products."""
    rows = []
    seen: dict[str, float] = {}
    with _open(path) as file:
        for row in csv.DictReader(file):
            invoice, customer, code = row["InvoiceNo"], row["CustomerID"], row["StockCode"]
            if not customer or invoice[:1] in "Cc" or not PRODUCT.match(code):
                continue
            price = float(row["UnitPrice"])
            if float(row["Quantity"]) <= 0 or price <= 0:
                continue
            stamp = row["InvoiceDate"]
            if stamp not in seen:
                seen[stamp] = _stamp(stamp)
            rows.append((customer, code, seen[stamp], price, row["Description"], row["Country"]))
    users, items, times, prices, titles, countries = zip(*rows, strict=True)
    names, item = _numbers(items)
    past = Past.of(_numbers(users)[1], item, (np.array(times) * 1e6).astype(np.int64), value=prices)
    title = dict(zip(items, titles, strict=True))
    segment = np.full(past.users, -1)
    segment[_numbers(users)[1]] = _numbers(countries)[1]
    catalogue = Catalogue([title[str(name)] for name in names])
    return Shop(_one_a_basket(past), catalogue, segment, None)


def read_events(path: Path, test: Path | None = None) -> Shop:
    """Columns user, item, time, kind, value (the last two optional), CSV or Parquet.

    The goal is purchases where there are any, else every event. A test file follows in time.
    """
    columns = _columns(path)
    split = len(columns["user"])
    if test:
        later = _columns(test)
        columns = {name: [*columns[name], *later.get(name, [""] * 0)] for name in columns}
    n = len(columns["user"])
    kind = [str(one).strip().lower() for one in columns.get("kind") or [""] * n]
    goal = np.array([one in GOALS for one in kind])
    goal = goal if goal.any() else np.ones(n, bool)
    weight = [1.0 if own else WEIGHTS.get(one, 0.1) for one, own in zip(kind, goal, strict=True)]
    times = _times(columns["time"])
    names, item = _numbers(columns["item"])
    past = Past.of(
        _numbers(columns["user"])[1],
        item,
        times,
        weight=weight,
        goal=goal,
        value=[_float(one) for one in columns.get("value") or [""] * n],
    )
    catalogue = Catalogue(
        _of_items(columns.get("title"), item, len(names)) or (),
        _codes(_of_items(columns.get("category"), item, len(names))),
        _codes(_of_items(columns.get("brand"), item, len(names))),
    )
    begins = int(times[split:].min()) if test and split < n else None
    return Shop(_one_a_basket(past), catalogue, np.full(past.users, -1), begins)


def _columns(path: Path) -> dict[str, list[Any]]:
    if path.suffix in {".parquet", ".pq"}:
        import pyarrow.parquet as pq

        table = {k: v.to_pylist() for k, v in zip(*_arrow(pq.read_table(path)), strict=True)}
    else:
        with _open(path) as file:
            reader = csv.reader(file)
            head = [name.strip().lstrip("\ufeff").lower() for name in next(reader)]
            rows = [row for row in reader if len(row) == len(head)]
        table = {name: [row[k] for row in rows] for k, name in enumerate(head)}
    found = {}
    for name, aliases in ALIASES.items():
        own = next((alias for alias in aliases if alias in table), None)
        if own:
            found[name] = table[own]
    missing = {"user", "item", "time"} - set(found)
    if missing:
        raise SystemExit(
            f"{path.name} has no column {', '.join(sorted(missing))}: it has {[*table]}"
        )
    return found


def _arrow(table: Any) -> tuple[list[str], list[Any]]:
    return [name.lower() for name in table.column_names], list(table.columns)


def _times(cells: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    seen: dict[Any, int] = {}
    for cell in cells:
        if cell not in seen:
            seen[cell] = _time_us(cell)
    return np.array([seen[cell] for cell in cells], np.int64)


def _time_us(cell: Any) -> int:
    if hasattr(cell, "timestamp"):
        return int(cell.timestamp() * 1e6)
    number = _float(cell)
    if np.isfinite(number):
        # Seconds, milliseconds or microseconds since 1970, told apart by their size.
        return int(number * (1e6 if number < 1e11 else 1e3 if number < 1e14 else 1))
    return int(read_time(str(cell).strip().removesuffix(" UTC")) * 1e6)


def _one_a_basket(past: Past) -> Past:
    key = (baskets(past) * max(past.items, 1) + past.item) * 2 + past.goal
    if not past.goal.all():
        return past
    rows = np.sort(np.unique(key, return_index=True)[1])
    return past.pick(rows)


def _numbers(names: Iterable[Any]) -> tuple[Any, Any]:
    found, number = np.unique(np.array([str(name) for name in names]), return_inverse=True)
    return found, number.astype(np.int64)


def _of_items(cells: list[Any] | None, item: Any, n: int) -> list[str] | None:
    if cells is None:
        return None
    out = [""] * n
    for cell, number in zip(cells, item, strict=True):
        out[number] = "" if cell is None else str(cell)
    return out


def _codes(cells: list[str] | None) -> Any:
    if cells is None:
        return None
    number = _numbers(cells)[1]
    number[[not cell for cell in cells]] = -1
    return number


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")
