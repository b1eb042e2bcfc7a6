"""CPU and memory to value ten million customers from weekly (x, t_x, T, count) cells.

Run: .venv/bin/python benchmarks/speed/value_cells.py [--customers 10000000]

Customers are drawn from a BG/NBD world (r .25, alpha 30 weeks, a .8, b 2.5; ages up to two
years) and folded to cells outside the timed part, as the frames would deliver them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# Tiny matrices: threads of the linear algebra only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from benchmarks.measured import show

from renwei.learn.cells import Cells, Floats
from renwei.learn.counts import order_quantile
from renwei.learn.likelihood import fit_orders

YEAR_WEEKS = 52.0
CHUNK = 500_000


def simulated(customers: int, seed: int) -> Cells:
    """Return weekly cells of simulated customers, drawn in chunks to stay small."""
    chance = np.random.default_rng(seed)
    found: dict[int, int] = {}
    for start in range(0, customers, CHUNK):
        n = min(CHUNK, customers - start)
        T = chance.integers(1, 105, n).astype(np.float64)
        x, t_x = _one_world(chance, T)
        key = (x * 1000 + t_x).astype(np.int64) * 1000 + T.astype(np.int64)
        for k, c in zip(*np.unique(key, return_counts=True), strict=True):
            found[int(k)] = found.get(int(k), 0) + int(c)
    key = np.array(list(found), dtype=np.int64)
    count = np.array(list(found.values()), dtype=np.float64)
    return Cells(
        (key // 1_000_000).astype(np.float64),
        (key // 1000 % 1000).astype(np.float64),
        (key % 1000).astype(np.float64),
        count,
    )


def _one_world(chance: np.random.Generator, T: Floats) -> tuple[Floats, Floats]:
    n = len(T)
    rate = np.maximum(chance.gamma(0.25, 1 / 30, n), 1e-12)
    leave = chance.beta(0.8, 2.5, n)
    x, t_x, at = np.zeros(n), np.zeros(n), np.zeros(n)
    here = np.arange(n)
    while len(here):
        at[here] += chance.exponential(1 / rate[here])
        here = here[at[here] <= T[here]]
        x[here] += 1
        t_x[here] = np.minimum(np.ceil(at[here]), T[here])
        here = here[chance.random(len(here)) > leave[here]]
    return np.minimum(x, 999), t_x


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--customers", type=int, default=10_000_000)
    ask.add_argument("--family", choices=("pareto", "bg", "mbg"), default="pareto")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--json", action="store_true", help="accepted; output is always JSON")
    said = ask.parse_args()
    cells = simulated(said.customers, said.seed)
    start = time.process_time()
    model = fit_orders(cells, said.family).model
    fitted = time.process_time()
    expected = model.expected(cells, YEAR_WEEKS)
    alive, none = model.alive(cells), model.none(cells, YEAR_WEEKS)
    low = order_quantile(model, cells, YEAR_WEEKS, 0.1)
    high = order_quantile(model, cells, YEAR_WEEKS, 0.9)
    done = time.process_time()
    assert all(len(a) == len(cells.x) for a in (alive, none, low, high))
    show(
        "value_cells",
        f"{int(cells.people)} customers, {said.family}",
        n=int(cells.people),
        cells=len(cells.x),
        seed=said.seed,
        fit_cpu_s=round(fitted - start, 2),
        parameters=[round(float(p), 4) for p in model.parameters],
        expected_per_customer=round(float(expected @ cells.count / cells.people), 4),
        per_second=cells.people / (done - start),
        cpu_s=done - start,
    )


if __name__ == "__main__":
    main()
