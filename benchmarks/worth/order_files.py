"""Read order files for the benchmarks into plain columns."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from renwei.learn.snapshots import Orders

UCI = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID")
# Of each order: distinct items, units, items new to the buyer, mean unit price.
EXTRA = ("lines", "units", "first_time", "price")
FORMATS = ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M")


def read_orders(path: Path) -> Orders:
    """Read the CDNOW format, UCI Online Retail, or anything `renwei import` reads.

    CDNOW: customer, yyyymmdd, units, dollars (or old id, new id, ...), split by white space,
    with or without a header. Only valid orders come back: no cancellation, no line with a
    quantity or price <= 0, no line without a customer. Times without a zone are UTC.
    """
    with _open(path) as file:
        head = file.readline()
    cells = head.lstrip("\ufeff").strip().split(",")
    if set(UCI) <= {cell.strip('"') for cell in cells}:
        return _uci(path)
    words = head.split()
    if len(words) in (4, 5) and "," not in head:
        return _cdnow(path)
    return _imported(path)


def read_time(text: str) -> float:
    """Return seconds since 1970 of an ISO time; without a zone it is UTC."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def show_time(at: float) -> str:
    """Return an ISO time in UTC."""
    return datetime.fromtimestamp(at, tz=UTC).isoformat()


def _open(path: Path) -> io.TextIOBase:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="")
    return path.open(encoding="utf-8", errors="replace", newline="")


def _cdnow(path: Path) -> Orders:
    person, day, units, dollars = [], [], [], []
    with _open(path) as file:
        for line in file:
            words = line.split()
            if len(words) not in (4, 5) or not words[-3].isdigit():
                continue
            person.append(words[-4])
            day.append(words[-3])
            units.append(float(words[-2]))
            dollars.append(float(words[-1]))
    dates = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in day], dtype="datetime64[s]")
    return Orders(
        person=_numbers(person),
        time=dates.astype(np.float64),
        value=np.rint(np.array(dollars) * 100),
        extra={"units": np.array(units)},
    )


def _uci(path: Path) -> Orders:
    orders: dict[tuple[str, str], list[Any]] = {}
    bought: set[tuple[str, str]] = set()
    lines = sorted(_uci_lines(path), key=lambda line: line[2])
    for customer, invoice, at, item, units, price in lines:
        order = orders.setdefault((customer, invoice), [at, 0.0, set(), 0.0, 0.0, 0.0, 0])
        order[1] += units * price
        order[2].add(item)
        order[3] += units
        order[4] += (customer, item) not in bought
        order[5] += price
        order[6] += 1
        bought.add((customer, item))
    rows = list(orders.values())
    return Orders(
        person=_numbers([customer for customer, _ in orders]),
        time=np.array([row[0] for row in rows], dtype=np.float64),
        value=np.rint(np.array([row[1] for row in rows]) * 100),
        extra={
            name: np.array(column, dtype=np.float64)
            for name, column in zip(
                EXTRA,
                (
                    [len(row[2]) for row in rows],
                    [row[3] for row in rows],
                    [row[4] for row in rows],
                    [row[5] / row[6] for row in rows],
                ),
                strict=True,
            )
        },
    )


def _uci_lines(path: Path) -> Iterator[tuple[str, str, float, str, float, float]]:
    seen: dict[str, float] = {}
    with _open(path) as file:
        for row in csv.DictReader(file):
            invoice, customer = row["InvoiceNo"], row["CustomerID"]
            if not customer or invoice[:1] in "Cc":
                continue
            units, price = float(row["Quantity"]), float(row["UnitPrice"])
            if units <= 0 or price <= 0:
                continue
            stamp = row["InvoiceDate"]
            if stamp not in seen:
                seen[stamp] = _stamp(stamp)
            yield customer, invoice, seen[stamp], row["StockCode"], units, price


def _stamp(text: str) -> float:
    for form in FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return read_time(text)


def _imported(path: Path) -> Orders:
    """Read anything else as the product's own import does."""
    from renwei.collect.reading import read

    names: list[str] = []
    rows: list[list[float]] = []
    bought: set[tuple[str, int]] = set()
    paid = [order for order in read([path]).orders if order.status == "paid"]
    for order in sorted(paid, key=lambda o: (_when(o.created_at or o.paid_at), o.number)):
        at = order.created_at or order.paid_at
        lines = [line for line in order.lines if line[1] > 0 and line[2] > 0]
        if not order.identifiers or at is None or (order.lines and not lines):
            continue
        who = sorted(order.identifiers)[0]
        name = f"{who.kind}:{who.value}"
        fresh = sum((name, line[0]) not in bought for line in lines)
        bought.update((name, line[0]) for line in lines)
        units, prices = [line[1] for line in lines], [line[2] / 100 for line in lines]
        names.append(name)
        rows.append(
            [
                at.timestamp(),
                order.total_minor,
                len({line[0] for line in lines}),
                sum(units),
                fresh,
                sum(prices) / max(len(prices), 1),
            ]
        )
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 6)
    extra = {name: table[:, k] for k, name in enumerate(EXTRA, start=2)}
    return Orders(_numbers(names), table[:, 0], table[:, 1], extra)


def _when(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0


def _numbers(names: list[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    _, number = np.unique(np.array(names), return_inverse=True)
    return number.astype(np.int64)
