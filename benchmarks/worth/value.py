"""How well orders and spend of each customer are foreseen, by time split.

Run: .venv/bin/python benchmarks/worth/value.py --data CDNOW_master.txt

The file is split at --cut (an ISO date; default: the end of the file's 39th week, i.e. its
273rd day, counting the first; half its span where fewer than 30 days would remain). Models see what lies before; the --days after
it (default: to the end of the file) are scored once. All settings are frozen in the source.
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

import numpy as np
from benchmarks.worth import report
from benchmarks.worth.order_files import read_orders, read_time, show_time

from renwei.learn import score
from renwei.learn.cells import DAY_S, Floats, Histories, cells_of, histories
from renwei.learn.likelihood import Family, fit_orders
from renwei.learn.snapshots import Orders
from renwei.learn.value import Spread, fit_value, realised

METRICS = {
    "mae": score.mae,
    "rmse": score.rmse,
    "corr": score.corr,
    "total_ratio": score.total_ratio,
    "bias": score.bias,
}
FAMILIES: tuple[Family, ...] = ("bg", "mbg", "pareto")


def default_cut(time: Floats) -> float:
    first, last = float(time.min()), float(time.max())
    cut = first + (273 - 1) * DAY_S
    return cut if last - cut >= 30 * DAY_S else first + (last - first) / 2


def covered(actual: Floats, spread: Spread) -> Floats:
    return ((actual >= spread.low) & (actual <= spread.high)).astype(np.float64)


def rfm(orders: Orders, cut: float, days: float, past: Histories) -> Floats:
    """Regress orders on log recency, frequency and money at half the calibration period.

    It has the same past as the models: an earlier cut to learn on, scaled to the horizon.
    """
    first = float(orders.time.min())
    earlier = first + (cut - first) / 2
    before = histories(orders.person, orders.time, orders.value, as_of=earlier)
    if len(before.person) < 10:
        return past.x / np.maximum(past.T, 1) * days
    came, _ = realised(
        orders.person, orders.time, orders.value, person=before.person, window=(earlier, cut)
    )

    def columns(rows: Histories) -> Floats:
        recency = rows.T - rows.t_x
        logs = [np.log1p(a) for a in (recency, rows.x, rows.orders * rows.spend, rows.T)]
        return np.column_stack([np.ones(len(rows.x)), *logs, rows.x])

    weight, *_ = np.linalg.lstsq(columns(before), came, rcond=None)
    scale = days * DAY_S / max(cut - earlier, 1.0)
    return np.asarray(np.maximum(columns(past) @ weight * scale, 0.0))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--data", type=Path, required=True)
    ask.add_argument("--cut", help="ISO time; without a zone it is UTC")
    ask.add_argument("--days", type=float, help="hold-out; default: to the end of the file")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--json", action="store_true", help="accepted; output is always JSON")
    said = ask.parse_args()

    orders = read_orders(said.data)
    cut = read_time(said.cut) if said.cut else default_cut(orders.time)
    days = said.days or max((float(orders.time.max()) - cut) / DAY_S, 1.0)
    past = histories(orders.person, orders.time, orders.value, as_of=cut)
    if not len(past.person):
        sys.exit(f"No customer has an order by {show_time(cut)}; give a later --cut.")
    columns = (orders.person, orders.time, orders.value)
    came, spent = realised(*columns, person=past.person, window=(cut, cut + days * DAY_S))
    split = {"cut": show_time(cut), "days": round(days, 3)}

    guesses = {
        "zero": np.zeros(len(past.x)),
        "same_count": past.x + 0.0,
        "own_rate": past.x / np.maximum(past.T, 1) * days,
        "rfm": rfm(orders.until(cut), cut, days, past),
    }
    cells, where = cells_of(past.x, past.t_x / 7, past.T / 7)
    for family in FAMILIES:
        fit = fit_orders(cells, family)
        guesses[family] = fit.model.expected(cells, days / 7)[where]
        names = ("r", "alpha", "s", "beta") if family == "pareto" else ("r", "alpha", "a", "b")
        parameters = {
            k: round(float(v), 4) for k, v in zip(names, fit.model.parameters, strict=True)
        }
        report.show(
            "value",
            said.data,
            n=len(past.x),
            seed=said.seed,
            metrics=score.scores(METRICS, came, guesses[family], seed=said.seed),
            baselines={},
            model=family,
            parameters=parameters,
            log_likelihood=round(fit.log_likelihood, 1),
            **split,
        )
    model = fit_value(*columns, as_of=cut, horizon_days=days)
    told = model.forecast(past, days)
    metrics = score.scores(METRICS, came, told.orders.value, seed=said.seed)
    money = score.scores(METRICS, spent, told.spend.value, seed=said.seed)
    ones = np.ones(len(came))
    metrics["cover80"] = score.with_interval(
        lambda y, _: float(y.mean()), covered(came, told.orders), ones, seed=said.seed
    )
    money["cover80"] = score.with_interval(
        lambda y, _: float(y.mean()), covered(spent, told.spend), ones, seed=said.seed
    )
    metrics |= {f"spend_{name}": scored for name, scored in money.items()}
    report.show(
        "value",
        said.data,
        n=len(past.x),
        seed=said.seed,
        metrics=metrics,
        baselines={
            name: {k: m(came, guess) for k, m in METRICS.items()} for name, guess in guesses.items()
        },
        model="pareto",
        correction=round(model.correction, 4),
        **split,
    )


if __name__ == "__main__":
    main()
