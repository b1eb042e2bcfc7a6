from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.soak.kill_ingest import is_wrong, soak


@pytest.mark.slow
def test_ten_kills_under_load_lose_nothing_acknowledged_and_double_nothing(tmp_path: Path) -> None:
    found = list(soak(tmp_path, rounds=10, clients=4, seed=7))
    assert [counts for counts in found if is_wrong(counts)] == []
    last = found[-1]
    assert last["acknowledged"] == last["sent"] > 500
    # Kills that hit nothing under way would prove nothing.
    assert sum(counts["waiting"] > 0 for counts in found) >= 8
    assert last["sound"]
