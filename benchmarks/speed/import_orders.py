"""How fast order files come in: from nothing, and once more when all of it is known.

Run: OMP_NUM_THREADS=1 .venv/bin/python benchmarks/speed/import_orders.py \
         [--data FILE...] [--rounds 3] [--json]

Without --data the files are UCI Online Retail where it lies beside the repository (see
RETAIL), else those of the generated demo shop.

One JSON object a line: "import" from an empty workspace, "import-again" of the same file,
"health" of what came in, "undo" of it. Each round runs in a process of its own, so that
rss_mb is the peak of that round. per_second counts lines of the file that became order lines.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.measured import peak_mb, show

from renwei.app.demo import write_demo
from renwei.collect.answers import HealthRequest, ImportRequest, UndoRequest
from renwei.collect.operations import bring, health, undo
from renwei.core.clock import WallClock
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.words import Words
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

RETAIL = (
    Path(__file__).resolve().parents[3]
    / "shared"
    / "data"
    / "online_retail"
    / "online_retail.csv.gz"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", default=None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:
        print(json.dumps(_round(given.folder, given.data)))
        return
    with tempfile.TemporaryDirectory() as made:
        data = given.data or [RETAIL] if given.data or RETAIL.exists() else _demo(Path(made))
        measured = [_child(data) for _ in range(given.rounds)]
        for name in measured[0]:
            _show(name, data, [one[name] for one in measured])


def _demo(folder: Path) -> list[Path]:
    return write_demo(folder, until=datetime(2026, 1, 1, tzinfo=UTC))


def _child(data: list[Path]) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, __file__, "--in", folder, "--data", *map(str, data)]
        out = subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout
    found: dict[str, dict[str, float]] = json.loads(out)
    return found


def _round(folder: Path, data: list[Path]) -> dict[str, dict[str, float]]:
    store = open_store(folder / "data", keys=folder / "keys")
    marks: dict[str, float] = {}

    def told(what: str, done: int, of: int) -> None:
        marks.setdefault(what, time.perf_counter())

    shop = Shop(
        store=store,
        clock=WallClock(),
        settings=Settings(),
        words=Words.load(["renwei.collect"]),
        shelf=ShelfFiles(folder / "data" / "estimates"),
        permits=HouseRules(people=store.people, counters=store.counters),
        progress=told,
    )
    found: dict[str, dict[str, float]] = {}
    begun = time.perf_counter()
    found["import"], answer = _timed(lambda: bring(shop, ImportRequest(files=data)))
    found["import"] |= {
        "reading_s": round(marks["storing"] - begun, 3),
        "lines": answer.lines,
        "orders": answer.added,
    }
    found["import-again"], again = _timed(lambda: bring(shop, ImportRequest(files=data)))
    found["import-again"] |= {"lines": again.lines, "orders": again.added}
    found["health"], _ = _timed(lambda: health(shop, HealthRequest()))
    found["undo"], _ = _timed(lambda: undo(shop, UndoRequest(answer.import_id)))
    store.close()
    return found


def _timed(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    return {
        "wall_s": round(time.perf_counter() - wall, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        "rss_mb": peak_mb(),
    }, answer


def _show(name: str, data: list[Path], rounds: list[dict[str, float]]) -> None:
    first, walls = rounds[0], [one["wall_s"] for one in rounds]
    more: dict[str, Any] = {key: first[key] for key in ("lines", "orders") if key in first}
    if "reading_s" in first:
        more["reading_s"] = statistics.median(one["reading_s"] for one in rounds)
    show(
        name,
        "+".join(path.name for path in data),
        rounds=len(rounds),
        **more,
        rss_mb=max(one["rss_mb"] for one in rounds),
        took_s=walls,
        per_second=first["lines"] / statistics.median(walls) if "lines" in first else None,
        cpu_s=statistics.median(one["cpu_s"] for one in rounds),
    )


if __name__ == "__main__":
    main()
