"""What every benchmark of speed prints: one JSON object a line, in one shape."""

from __future__ import annotations

import json
import platform
import resource
from collections.abc import Mapping, Sequence
from typing import Any


def show(
    bench: str,
    data: str,
    *,
    took_s: Sequence[float] = (),
    per_second: float | None = None,
    cpu_s: float,
    **more: Any,
) -> None:
    """Print one line to stdout.

    Args:
        bench: What was measured.
        data: On what; with `bench` it tells one line from every other.
        took_s: Wall time of each try; percentiles come from it, null without.
        per_second: How many a second; null where it makes no sense.
        cpu_s: Processor time of what was measured.
        more: Further fields, such as the count `n`, or `baselines`.
    """
    row = {
        "bench": bench,
        "data": data,
        **more,
        "p50_us": percentile_us(took_s, 0.5),
        "p99_us": percentile_us(took_s, 0.99),
        "per_second": None if per_second is None else round(per_second, 1),
        "cpu_s": round(cpu_s, 2),
        "rss_mb": more.get("rss_mb", peak_mb()),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    print(json.dumps(row, ensure_ascii=False), flush=True)


def percentile_us(took_s: Sequence[float], share: float) -> float | None:
    """The time that this share of the tries did not exceed, in microseconds; None of none.

    Example:
        >>> percentile_us([0.003, 0.001, 0.002], 0.5)
        2000.0
    """
    if not took_s:
        return None
    in_order = sorted(took_s)
    return round(in_order[min(int(share * len(in_order)), len(in_order) - 1)] * 1e6, 1)


def against(p50_us: float | None, baselines: Mapping[str, float | None]) -> dict[str, Any]:
    """`baselines` with how many times longer the measured took than each."""
    return {
        name: {"p50_us": own, "ratio": round(p50_us / own, 2) if p50_us and own else None}
        for name, own in baselines.items()
    }


def peak_mb() -> int:
    """The most memory this process has held."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
