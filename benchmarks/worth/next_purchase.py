"""How well an order within the next days is foreseen for each known customer.

Run: .venv/bin/python benchmarks/worth/next_purchase.py --data ORDERS --cut 2011-11-09 --days 30

Known is who has a valid order by --cut (ISO time, without a zone UTC; default: the last order
minus --days). What lies after it is scored once; all settings are frozen in the source.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# Tiny matrices: threads of the linear algebra only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.worth import report
from benchmarks.worth.order_files import read_orders, read_time, show_time

from renwei.learn import score
from renwei.learn.cells import DAY_S
from renwei.learn.chances import Way
from renwei.learn.purchase import fit_purchase
from renwei.learn.snapshots import take_snapshot

METRICS = {
    "auc": score.auc,
    "logloss": score.logloss,
    "brier": score.brier,
    "ece": score.ece,
    "bias": score.bias,
}
BASELINES: tuple[Way, ...] = ("rate", "recency", "rfm", "value")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--data", type=Path, required=True)
    ask.add_argument("--cut", help="ISO time; without a zone it is UTC")
    ask.add_argument("--days", type=float, default=30.0)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--json", action="store_true", help="accepted; output is always JSON")
    said = ask.parse_args()

    orders = read_orders(said.data)
    last = float(orders.time.max())
    cut = read_time(said.cut) if said.cut else last - said.days * DAY_S
    if not (orders.time <= cut).any():
        sys.exit(f"No customer has an order by {show_time(cut)}; give a later --cut.")
    now = take_snapshot(orders, cut, said.days)
    split = {"cut": show_time(cut), "days": said.days, "rate": round(float(now.happened.mean()), 5)}
    if cut + said.days * DAY_S > last + DAY_S:
        print(f"The file ends {show_time(last)}, before the window does.", file=sys.stderr)

    baselines: dict[str, dict[str, float]] = {}
    for way in BASELINES:
        # The same snapshots, the same repair of the level: only the way differs.
        plain = fit_purchase(orders, as_of=cut, days=said.days, ways=(way,), seed=said.seed)
        chance = plain.forecast(now).chance
        metrics = score.scores(METRICS, now.happened, chance, seed=said.seed)
        baselines[way] = {name: scored.value for name, scored in metrics.items()}
        report.show(
            "next_purchase",
            said.data,
            n=len(now.person),
            seed=said.seed,
            metrics=metrics,
            baselines={},
            model=way,
            **split,
        )
    model = fit_purchase(orders, as_of=cut, days=said.days, seed=said.seed)
    report.show(
        "next_purchase",
        said.data,
        n=len(now.person),
        seed=said.seed,
        metrics=score.scores(METRICS, now.happened, model.forecast(now).chance, seed=said.seed),
        baselines=baselines,
        model=model.way,
        past_logloss={way: round(lost, 5) for way, lost in model.losses.items()},
        **split,
    )


if __name__ == "__main__":
    main()
