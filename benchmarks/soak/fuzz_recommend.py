"""A hundred thousand odd requests for recommendations, through the whole application.

Run: OMP_NUM_THREADS=1 .venv/bin/python benchmarks/soak/fuzz_recommend.py [--requests 100000]

Users unknown, endless, of emoji or NUL; broken filters; nested contexts; numbers that are none.
Every answer is a valid list, or a refusal with a code and a sentence. One JSON object a line a
thousand requests, the last with the sums; `broken` is 0 where that holds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.measured import peak_mb
from tests.recommend.odd import asking, tried
from tests.recommend.shops import grow

ROUND = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    given = parser.parse_args()
    statuses, codes = Counter[int](), Counter[str]()
    known = personal = broken = 0
    began, cpu = time.perf_counter(), time.process_time()
    with TemporaryDirectory() as name:
        folder = Path(name)
        grow(folder)
        with asking(folder) as inside:
            for start in range(0, given.requests, ROUND):
                told = tried(inside, min(ROUND, given.requests - start), given.seed + start)
                statuses += told.statuses
                codes += told.codes
                known, personal = known + told.known, personal + told.personal
                broken += len(told.broken)
                for line in told.broken[:5]:
                    print(line, file=sys.stderr)
                said = {
                    "bench": "fuzz_recommend", "n": sum(statuses.values()), "broken": broken,
                    "statuses": statuses, "codes": codes, "known": known,
                    "personal_share": round(personal / max(known, 1), 4),
                    "wall_s": round(time.perf_counter() - began, 1),
                    "cpu_s": round(time.process_time() - cpu, 1),
                    "rss_mb": peak_mb(), "load": os.getloadavg()[0],
                }  # fmt: skip
                print(json.dumps(said), flush=True)
    sys.exit(broken > 0)


if __name__ == "__main__":
    main()
