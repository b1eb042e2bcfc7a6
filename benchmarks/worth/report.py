"""One JSON object a line, in the shape all benchmarks share."""

from __future__ import annotations

import json
import math
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from renwei.learn.score import Scored


def show(
    bench: str,
    data: Path,
    *,
    n: int,
    seed: int,
    metrics: Mapping[str, Scored],
    baselines: Mapping[str, Mapping[str, float]],
    **more: Any,
) -> None:
    """Print one result to stdout."""
    row = {
        "bench": bench,
        "data": data.name,
        "n": n,
        "seed": seed,
        "metrics": {
            name: {"value": _short(s.value), "low": _short(s.low), "high": _short(s.high)}
            for name, s in metrics.items()
        },
        "baselines": {
            name: {key: _short(number) for key, number in row.items()}
            for name, row in baselines.items()
        },
        "cpu_s": round(time.process_time(), 2),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **more,
    }
    print(json.dumps(row), flush=True)


def _short(number: float) -> float | None:
    return None if math.isnan(number) else round(float(number), 5)
