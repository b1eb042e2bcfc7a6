"""How long the program takes to start: new processes, against a bare Python.

Run: .venv/bin/python benchmarks/speed/startup.py [--rounds 40] [--json]

Each round starts `python -c pass`, `python -c "import renwei"` and `renwei --help` in turn, so
that all three meet the same machine. `baselines` holds the bare Python's own time.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.measured import against, percentile_us, show

LINES = {
    "python": ["-c", "pass"],
    "import renwei": ["-c", "import renwei"],
    "renwei --help": ["-m", "renwei", "--help"],
}


def started(words: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of one process."""
    before, wall = _children_s(), time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - wall, _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    rounds = parser.parse_args().rounds
    for words in LINES.values():
        started(words)
    found = [{name: started(words) for name, words in LINES.items()} for _ in range(rounds)]
    took = {name: [one[name][0] for one in found] for name in LINES}
    bare = percentile_us(took["python"], 0.5)
    for name in ("import renwei", "renwei --help"):
        cpu_s = sum(one[name][1] for one in found)
        show(
            "startup",
            name,
            n=rounds,
            baselines=against(percentile_us(took[name], 0.5), {"python -c pass": bare}),
            took_s=took[name],
            per_second=rounds / sum(took[name]),
            cpu_s=cpu_s,
            rss_mb=None,
        )


if __name__ == "__main__":
    main()
