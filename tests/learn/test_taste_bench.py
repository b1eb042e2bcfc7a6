from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.worth.interactions import read_events, read_retail
from tests.learn.shelves import middle, shop

from renwei.learn.taste.table import Past

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("recall@20", "ndcg@20", "mrr", "coverage", "gini")


def event_rows(past: Past) -> list[dict[str, Any]]:
    return [
        {
            "user": f"u{user}",
            "item": f"i{item}",
            "time": datetime.fromtimestamp(at / 1e6, tz=UTC).isoformat(),
            "kind": "purchase" if goal else "view",
            "value": value,
        }
        for user, item, at, goal, value in zip(
            past.user, past.item, past.at_us, past.goal, past.value, strict=True
        )
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    return path


def run(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/worth/recommend.py"), *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=check,
    )


@pytest.mark.slow
def test_the_last_line_is_what_would_be_served(tmp_path: Path) -> None:
    past = shop(120, 60, 240, looks=True)
    path = write(tmp_path / "events.csv", event_rows(past))
    done = run("--data", str(path), "--format", "events", "--no-small", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    last = rows[-1]
    assert last["bench"] == "recommend"
    assert set(last["metrics"]) == {f"{q}_{name}" for q in ("any", "discover") for name in NAMES}
    assert set(last["baselines"]) == {
        "popularity",
        "decayed_popularity",
        "personal_frequency",
        "item_knn",
        "ease",
    }
    assert set(last["model"].values()) <= {"crowd", "blend", "trees"}
    recall = last["metrics"]["any_recall@20"]
    assert 0 < recall["low"] <= recall["value"] <= recall["high"] <= 1
    # Aisles and repeats were put into the data, so plain bestsellers must be beaten.
    assert recall["value"] > last["baselines"]["popularity"]["any_recall@20"]
    curve = next(row for row in rows if row["bench"] == "recommend_diversity")["curve"]
    assert curve[0]["ndcg_ratio"] == 1.0
    assert "any_recall@20" in rows[0]["metrics"]


@pytest.mark.slow
def test_a_test_file_is_the_rest_of_the_same_file(tmp_path: Path) -> None:
    past = shop(60, 40, 200)
    cut = middle(past)
    whole = write(tmp_path / "whole.csv", event_rows(past))
    rows = event_rows(past)
    early = write(
        tmp_path / "early.csv", [r for r, at in zip(rows, past.at_us, strict=True) if at < cut]
    )
    late = write(
        tmp_path / "late.csv", [r for r, at in zip(rows, past.at_us, strict=True) if at >= cut]
    )
    begins = datetime.fromtimestamp(int(past.at_us[past.at_us >= cut].min()) / 1e6, tz=UTC)
    words = ("--format", "events", "--no-small")
    one = run("--data", str(whole), "--cut", begins.isoformat(), *words)
    two = run("--data", str(early), "--test", str(late), *words)
    first, second = (json.loads(done.stdout.splitlines()[-1]) for done in (one, two))
    assert first["metrics"] == second["metrics"]
    assert first["n"] == second["n"]


def test_csv_and_parquet_are_read_alike(tmp_path: Path) -> None:
    rows = event_rows(shop(20, 12, 60, looks=True))
    one = read_events(write(tmp_path / "e.csv", rows)).past
    two = read_events(write(tmp_path / "e.parquet", rows)).past
    for name in ("user", "item", "at_us", "weight", "value", "goal"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert not one.goal.all()
    assert one.goal.any()


def test_without_purchases_every_event_is_the_goal(tmp_path: Path) -> None:
    rows = [{"user_id": k % 3, "product_id": k, "timestamp": 1_600_000_000 + k} for k in range(9)]
    past = read_events(write(tmp_path / "e.csv", rows)).past
    assert past.goal.all()
    assert past.at_us.min() == 1_600_000_000_000_000


def test_a_file_without_users_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", [{"item": 1, "time": 5}])
    with pytest.raises(SystemExit, match="no column user"):
        read_events(path)


def test_a_cut_outside_the_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", event_rows(shop(10, 12, 60)))
    done = run("--data", str(path), "--format", "events", "--cut", "2001-01-01", check=False)
    assert done.returncode == 1
    assert "--cut must lie within the file" in done.stderr


def test_retail_lines_that_are_no_sale_are_left_out(tmp_path: Path) -> None:
    line = {
        "InvoiceNo": "536365", "StockCode": "85123A", "Description": "HEART", "Quantity": "6",
        "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": "2.55", "CustomerID": "17850.0",
        "Country": "United Kingdom",
    }  # fmt: skip
    wrong: list[dict[str, str]] = [
        {"InvoiceNo": "C536365"},
        {"CustomerID": ""},
        {"Quantity": "-1"},
        {"UnitPrice": "0"},
        {"StockCode": "POST"},
    ]
    rows = [line, line, *[{**line, **one} for one in wrong], {**line, "StockCode": "22423"}]
    found = read_retail(write(tmp_path / "r.csv", rows))
    assert len(found.past) == 2
    assert list(found.catalogue.titles) == ["HEART", "HEART"]
