"""Write the table of measured figures into both READMEs from benchmarks/results/*.jsonl.

The last line of a bench and data set in its file is the one that counts. With --check nothing
is written, and the exit status tells whether both READMEs are current.
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
HEADS = {
    "README.md": ("what", "data", "measured", "first figure of baselines", "not measured yet"),
    "README.zh.md": ("什么", "数据", "测得", "各基线的第一个数", "尚未测量"),
}
# Costs stand in every line; the table is about what was asked for.
COSTS = ("cpu_s", "rss_mb")
TIMED = {"p50_us": "p50", "p99_us": "p99"}
SHOWN = 4


def lines(folder: Path) -> list[dict[str, Any]]:
    """The latest measurement of each bench and data set, by name."""
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for text in path.read_text("utf-8").splitlines():
            if text.strip():
                one = json.loads(text)
                latest[str(one.get("bench")), str(one.get("data", ""))] = one
    return [latest[key] for key in sorted(latest)]


def table(measured: list[dict[str, Any]], head: tuple[str, ...]) -> str:
    """A Markdown table, one row a measurement."""
    what, data, figure, baseline, none = head
    if not measured:
        return f"*{none}*\n"
    rows = [f"| {what} | {data} | {figure} | {baseline} |", "|---|---|---|---|"]
    for one in measured:
        if not _figures(one):
            continue
        about = str(one.get("data", "")) + (f", n = {one['n']:,}" if one.get("n") else "")
        rows.append(f"| {one.get('bench')} | {about} | {_figures(one)} | {_baselines(one)} |")
    return "\n".join(rows) + "\n"


def _figures(one: dict[str, Any]) -> str:
    figures = {n: _number(v) for n, v in one.get("metrics", {}).items() if n not in COSTS}
    timed = {said: _span(one[name]) for name, said in TIMED.items() if one.get(name) is not None}
    if timed.get("p50") == timed.get("p99") and timed:
        timed = {"once": timed["p50"]}
    if not figures and not timed and one.get("per_second"):
        figures = {"per second": _number(one["per_second"])}
    return "; ".join(f"{name} {said}" for name, said in list((figures | timed).items())[:SHOWN])


def _span(us: float) -> str:
    """Microseconds as people say them."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if us >= size:
            return f"{us / size:.3g} {unit}"
    return f"{us:.3g} µs"


def _baselines(one: dict[str, Any]) -> str:
    (first, *_) = [*one.get("metrics", {}), ""]
    return "; ".join(
        f"{name} {_number(metrics[first])}"
        for name, metrics in one.get("baselines", {}).items()
        if first in metrics
    )


def _number(value: Any) -> str:
    if isinstance(value, dict):
        interval = f" ({_number(value['low'])} to {_number(value['high'])})"
        return _number(value["value"]) + (interval if value.get("low") is not None else "")
    if isinstance(value, int | float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"
    return str(value)


def renewed(text: str, inner: str) -> str:
    """A README with the table between its two marks replaced."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{inner}{END}{after}"


def main() -> int:
    """Write or check both READMEs."""
    measured = lines(ROOT / "benchmarks" / "results")
    stale = False
    for name, head in HEADS.items():
        path = ROOT / name
        text = path.read_text("utf-8")
        fresh = renewed(text, table(measured, head))
        if fresh != text:
            stale = True
            if "--check" not in sys.argv[1:]:
                path.write_text(fresh, encoding="utf-8")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
