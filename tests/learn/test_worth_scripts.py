from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.worth.order_files import read_orders, read_time
from tests.learn.worlds import pareto_world

ROOT = Path(__file__).resolve().parents[2]
HEAD = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]


def cdnow_file(path: Path, people: int, header: bool = True) -> Path:
    shop = pareto_world(people, 60, seed=people)
    start = datetime(2023, 1, 1, tzinfo=UTC).timestamp()
    lines = ["customer_id date units dollars"] if header else []
    for who, at, value in zip(shop.person, shop.time, shop.value, strict=True):
        day = datetime.fromtimestamp(start + at, tz=UTC).strftime("%Y%m%d")
        lines.append(f"{who:05d} {day} 1 {value / 100:.2f}")
    text = "\r\n".join(lines) + "\r\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def run(script: str, *words: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(ROOT / f"benchmarks/{script}"), *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_shape(row: dict[str, Any], bench: str, names: set[str]) -> None:
    assert row["bench"] == bench
    assert names <= set(row["metrics"])
    assert all(set(scored) == {"value", "low", "high"} for scored in row["metrics"].values())
    assert row["baselines"]
    assert {"data", "n", "seed", "cpu_s", "rss_mb"} <= set(row)


@pytest.mark.parametrize(("people", "name"), [(8, "few.txt"), (300, "some.txt.gz")])
def test_value_prints_the_served_model_last(tmp_path: Path, people: int, name: str) -> None:
    path = cdnow_file(tmp_path / name, people)
    rows = run("worth/value.py", "--data", str(path), "--json")
    in_shape(rows[-1], "value", {"mae", "rmse", "corr", "total_ratio", "cover80"})
    assert rows[-1]["data"] == name
    assert rows[-1]["n"] == people
    assert rows[-1]["cut"] == "2023-09-30T00:00:00+00:00"


@pytest.mark.parametrize(("people", "days"), [(8, "30"), (60, "14")])
@pytest.mark.slow
def test_next_purchase_prints_the_served_model_last(tmp_path: Path, people: int, days: str) -> None:
    path = cdnow_file(tmp_path / "orders.txt", people, header=False)
    rows = run("worth/next_purchase.py", "--data", str(path), "--cut", "2023-11-01", "--days", days)
    in_shape(rows[-1], "next_purchase", {"auc", "logloss", "brier", "ece"})
    assert rows[-1]["n"] == people
    assert rows[-1]["cut"] == "2023-11-01T00:00:00+00:00"


def test_value_cells_values_everybody() -> None:
    rows = run("speed/value_cells.py", "--customers", "20000", "--json")
    assert rows[-1]["n"] == 20_000
    assert rows[-1]["cells"] < 20_000


def uci_file(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    return path


def test_only_valid_orders_are_read(tmp_path: Path) -> None:
    path = uci_file(
        tmp_path / "uci.csv",
        [
            ["1", "A", "x", "2", "2011-01-03 10:00:00", "1.50", "17850.0", "UK"],
            ["1", "B", "x", "1", "2011-01-03 10:00:00", "4.00", "17850.0", "UK"],
            ["2", "A", "x", "5", "2011-02-03 10:00:00", "1.00", "17850.0", "UK"],
            ["C3", "A", "x", "-5", "2011-02-04 10:00:00", "1.00", "17850.0", "UK"],
            ["4", "A", "x", "1", "2011-02-05 10:00:00", "0", "13000.0", "UK"],
            ["5", "A", "x", "-1", "2011-02-05 10:00:00", "2", "13000.0", "UK"],
            ["6", "A", "x", "1", "2011-02-05 10:00:00", "2", "", "UK"],
        ],
    )
    got = read_orders(path)
    assert got.person.tolist() == [0, 0]
    assert got.value.tolist() == [700, 500]
    assert got.time.tolist() == [read_time("2011-01-03T10:00"), read_time("2011-02-03T10:00Z")]
    assert got.extra["lines"].tolist() == [2, 1]
    assert got.extra["first_time"].tolist() == [2, 0]


def test_the_five_column_sample_is_read_by_its_new_numbers(tmp_path: Path) -> None:
    path = tmp_path / "sample.txt"
    path.write_text(" 00004 0001 19970101  2   29.33\r\n 00004 0001 19970118  2   29.73\r\n")
    got = read_orders(path)
    assert got.value.tolist() == [2933, 2973]
    assert np.diff(got.time).tolist() == [17 * 86_400]
