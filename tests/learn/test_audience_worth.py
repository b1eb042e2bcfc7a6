"""The benchmark of audiences runs on a file of events and says how much better it is."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.learn.test_audience import EACH, SORTS, world
from tests.learn.test_worth_scripts import in_shape, run

BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


def events_file(path: Path) -> Path:
    """Purchases of a made-up shop."""
    bought = world(seed=4, people=500, days=260)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user", "item", "time", "title", "category"])
        for person, item, at_us in zip(bought.person, bought.item, bought.at_us, strict=True):
            at = BEGAN + timedelta(microseconds=int(at_us))
            sort = int(item) // EACH
            title = f"{SORTS[sort]} {'abcdefghij'[int(item) % EACH] * 3}"
            writer.writerow([f"u{person}", f"i{item}", at.isoformat(), title, f"c{sort}"])
    return path


def test_the_benchmark_compares_with_simple_lists_and_says_what_ranges_held(tmp_path: Path) -> None:
    path = events_file(tmp_path / "events.csv")
    rows = run("worth/audience.py", "--data", str(path), "--format", "events", "--items", "30")
    names = {
        f"{what}@{n}" for what in ("hits", "held", "expected", "width") for n in (50, 100, 200)
    }
    by_kind = {row["model"]: row for row in rows}
    assert {"known", "new"} <= set(by_kind)
    for row in by_kind.values():
        in_shape(row, "audience", names | {"hits@100_over_best_simple"})
        assert {"recent_buyers", "category_buyers"} <= set(row["baselines"])
    known = by_kind["known"]
    ours = known["metrics"]["hits@50"]["value"]
    assert ours > 2 * known["baselines"]["recent_buyers"]["hits@50"]
    # Thirty items of one shop share their month, so that they miss together.
    assert known["metrics"]["held@50"]["value"] >= 0.6
