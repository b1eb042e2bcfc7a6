"""Memory of an idle server: with nobody in the shop, and with very many people stored."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.measured import show
from tests.doors.http.served import make_keys, served

from renwei.core.store import Named
from renwei.stores.embedded import open_store

AT = datetime(2026, 6, 1, tzinfo=UTC)
SLICE = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is JSON")
    parser.add_argument("--people", type=int, default=1_000_000)
    given = parser.parse_args()
    for people in (0, given.people):
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            keys = make_keys(folder / "data", folder / "keys")
            store = open_store(folder / "data", keys=folder / "keys")
            begun = time.perf_counter()
            for start in range(0, people, SLICE):
                names = range(start, min(start + SLICE, people))
                store.people.actors([Named("device", f"d{k:09d}") for k in names], AT)
            took = time.perf_counter() - begun
            store.close()
            with served(folder, keys=keys) as server:
                time.sleep(20)
                show(
                    "idle_memory",
                    f"{people} people",
                    took_s=[took or 1e-9],
                    per_second=people / took if people else None,
                    cpu_s=time.process_time(),
                    n=people,
                    rss_mb=round(server.rss_mb()),
                )


if __name__ == "__main__":
    main()
