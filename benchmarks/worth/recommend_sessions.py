"""How often the next item of an anonymous session is among the first twenty named.

Run: .venv/bin/python benchmarks/worth/recommend_sessions.py --data CLICKS [--test CASES]

CLICKS is a CSV of session, item and seq (a time, a running number, or the place in the session).
CASES are JSON lines {"prefix": [...], "target": id}, or a CSV like CLICKS, all of whose prefixes
are asked. Without it the last tenth of the sessions is the test. Every plain way chooses among up
to 12 settings on the same prefixes of the last 15 % of the training sessions, and every list is
filled up with what is popular lately. The test is scored once.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# Tiny matrices: threads of the linear algebra only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from benchmarks.worth import report
from benchmarks.worth.session_files import Sessions

from renwei.learn.score import Scored
from renwei.learn.sessions.learning import learn_next_item
from renwei.learn.sessions.model import Allow, NextItem
from renwei.learn.sessions.neighbours import Fall, Vsknn
from renwei.learn.sessions.past import Bounds, Floats, Past
from renwei.learn.sessions.plain import ItemKnn, OwnItems, Plain, Rules, popular
from renwei.learn.sessions.rows import Ints
from renwei.learn.sessions.trial import (
    Case,
    bootstrap_mean,
    cases_of,
    gains,
    hits,
    rank_of,
    reciprocal,
)

N = 20
VALIDATED = 1_000
SHARE = 0.15
HALF_LIVES = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0)
FALLS: tuple[tuple[Fall, Fall], ...] = (
    ("div", "div"),
    ("linear", "div"),
    ("linear", "quadratic"),
    ("quadratic", "quadratic"),
)
SETTINGS: dict[str, tuple[Plain, ...]] = {
    "own_items": (OwnItems(),),
    "item_knn": tuple(
        ItemKnn(neighbours, fade, again)
        for neighbours, fade, again in product(
            (50, 500), ("div", "quadratic", "last"), (True, False)
        )
    ),
    "sequential_rules": tuple(
        Rules(window, fade) for window, fade in product((1, 2, 3, 5, 10), ("div", "quadratic"))
    ),
    "v_sknn": tuple(
        Vsknn(k, sample, weighting, decay)
        for (k, sample), (weighting, decay) in product(
            ((100, 1_000), (500, 1_000), (500, 5_000)),
            FALLS,
        )
    ),
}
METRICS: dict[str, Callable[[Ints], Floats]] = {
    "hr@20": hits,
    "mrr@20": reciprocal,
    "ndcg@20": gains,
}
Namer = Callable[[Ints], Ints]


@dataclass(frozen=True)
class Trial:
    """Ranks of the targets, the items shown, and the processor time of each request."""

    ranks: Ints
    shown: int
    took_us: Floats


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--data", type=Path, required=True)
    ask.add_argument("--test", type=Path)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--through", choices=("python", "http"), default="python")
    ask.add_argument("--cases", type=int, default=2_000, help="drawn, where asked through HTTP")
    ask.add_argument("--json", action="store_true", help="accepted; output is always JSON")
    said = ask.parse_args()
    run(said.data, said.test, said)


def run(data: Path, test: Path | None, args: argparse.Namespace) -> None:
    """Measure on one file and print a JSON line a model, the served one last."""
    seed = int(getattr(args, "seed", 1) or 1)
    files = Sessions()
    sessions = files.read(data)
    if test is None:
        cut = max(int(len(sessions) * 0.9), 1)
        sessions, late = sessions[:cut], sessions[cut:]
        cases = cases_of(late)
    else:
        cases = files.read_cases(test)
    if not cases:
        sys.exit("No session of the test has two clicks.")
    session, item = flat(sessions)
    catalogue = len(np.unique(item))
    known: dict[str, Any] = {"sessions": len(sessions), "items": catalogue}

    if getattr(args, "through", "python") == "http":
        _through_http(data, sessions, cases, args, known)
        return
    trials: dict[str, Trial] = {}
    for name, settings, namer in plain_ways(sessions, seed):
        trials[name] = trial = score(namer, cases)
        show(data, cases, trial, catalogue, seed, model=name, settings=settings, **known)

    begun = time.process_time()
    Past.of(session, item)
    indexed = time.process_time()
    learnt = learn_next_item(session, item, seed=seed)
    done = time.process_time()
    trial = score(served(learnt.model), cases)
    show(
        data,
        cases,
        trial,
        catalogue,
        seed,
        baselines={name: plain_metrics(one, catalogue) for name, one in trials.items()},
        model=f"next_item_{learnt.way}",
        index_cpu_s=round(indexed - begun, 3),
        learn_cpu_s=round(done - indexed, 3),
        learnt_from=learnt.cases,
        past_gain=[round(value, 5) for value in learnt.gain],
        better_than={name: against(trial, trials[name], cases, seed) for name in SETTINGS},
        new_only=new_only(learnt.model, cases),
        **known,
    )


def flat(sessions: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Session numbers and items, click by click."""
    return np.repeat(np.arange(len(sessions)), [len(s) for s in sessions]), np.concatenate(sessions)


def plain_ways(sessions: list[Ints], seed: int) -> Iterator[tuple[str, str, Namer]]:
    """Yield each plain way with the settings that did best on past prefixes, and what it names."""
    cut = max(int(len(sessions) * (1 - SHARE)), 1)
    before, whole = flat(sessions[:cut]), flat(sessions)
    asked = cases_of(sessions[cut:], VALIDATED, seed)
    then, now = (Past.of(*log, Bounds(len(sessions), 10**6, 10**6)) for log in (before, whole))
    yield "popularity", "", filled(None, now, popular(*whole)[0])
    chosen = choose({str(h): filled(None, then, popular(*before, h)[0]) for h in HALF_LIVES}, asked)
    hot_then, hot_now = (popular(*log, float(chosen))[0] for log in (before, whole))
    yield "decayed_popularity", f"half_life={chosen} sessions", filled(None, now, hot_now)
    for name, ways in SETTINGS.items():
        best = choose({str(way): filled(way, then, hot_then) for way in ways}, asked)
        yield name, best, filled({str(way): way for way in ways}[best], now, hot_now)


def choose(namers: dict[str, Namer], cases: list[Case]) -> str:
    """The key with the highest NDCG; of equals the first."""
    if len(namers) == 1 or not cases:
        return next(iter(namers))
    ndcg = {name: gains(score(namer, cases).ranks).mean() for name, namer in namers.items()}
    return max(ndcg, key=lambda name: ndcg[name])


def filled(way: Plain | None, past: Past, hot: Ints) -> Namer:
    """The first items by a way, then what is popular."""

    def name(clicks: Ints) -> Ints:
        if way is None:
            return hot[:N]
        # What nobody had clicked is unknown to every plain way, but to the session itself.
        known = clicks if isinstance(way, OwnItems) else clicks[clicks < past.room]
        item, points = way.score(past, known)
        if len(item) > 4 * N:
            top = np.flatnonzero(points >= np.partition(points, -N)[-N])
            item, points = item[top], points[top]
        first = item[np.lexsort((item, -points))[:N]]
        if len(first) == N:
            return first
        rest = hot[: 2 * N]
        return np.concatenate([first, rest[~np.isin(rest, first)]])[:N]

    return name


def _through_http(
    data: Path, sessions: Sequence[Ints], cases: list[Case], args: Any, known: dict[str, Any]
) -> None:
    """What visitors would be served who had just clicked the prefixes."""
    from benchmarks.worth.through_http import asked_of

    seed, most = int(getattr(args, "seed", 1) or 1), int(getattr(args, "cases", 2_000))
    if len(cases) > most:
        drawn = np.random.default_rng(seed).choice(len(cases), most, replace=False)
        cases = [cases[k] for k in np.sort(drawn).tolist()]
    asked, told = asked_of(sessions, cases, N)
    trial = Trial(np.array(asked.ranks), len(asked.shown), np.array(asked.took_s) * 1e6)
    show(data, cases, trial, known["items"], seed, model="through_http", **told, **known)


def served(model: NextItem) -> Namer:
    """What the model would show."""
    return lambda clicks: model.recommend(clicks, N).item


def score(namer: Namer, cases: list[Case]) -> Trial:
    """Ask for every case once."""
    ranks, took, shown = [], [], set()
    for case in cases:
        begun = time.thread_time_ns()
        items = namer(case.clicks)
        took.append((time.thread_time_ns() - begun) / 1e3)
        ranks.append(rank_of(items, case.target))
        shown.update(items.tolist())
    return Trial(np.array(ranks), len(shown), np.array(took))


def show(
    data: Path,
    cases: list[Case],
    trial: Trial,
    catalogue: int,
    seed: int,
    *,
    baselines: dict[str, dict[str, float]] | None = None,
    **more: Any,
) -> None:
    """Print one line."""
    of = np.array([case.session for case in cases])
    metrics = {
        name: Scored(*bootstrap_mean(metric(trial.ranks), of, seed=seed))
        for name, metric in METRICS.items()
    }
    share = trial.shown / catalogue
    metrics["coverage"] = Scored(share, share, share)
    metrics["request_p99_us"] = _p99(trial.took_us, seed)
    more["request_p50_us"] = round(float(np.median(trial.took_us)), 1)
    report.show(
        "recommend_sessions",
        data,
        n=len(cases),
        seed=seed,
        metrics=metrics,
        baselines=baselines or {},
        **more,
    )


def plain_metrics(trial: Trial, catalogue: int) -> dict[str, float]:
    """The metrics without intervals."""
    row = {name: float(metric(trial.ranks).mean()) for name, metric in METRICS.items()}
    p99 = float(np.quantile(trial.took_us, 0.99))
    return {**row, "coverage": trial.shown / catalogue, "request_p99_us": p99}


def against(ours: Trial, theirs: Trial, cases: list[Case], seed: int) -> dict[str, list[float]]:
    """By how much each metric is higher on the same cases: the mean and its 95 % interval."""
    of = np.array([case.session for case in cases])
    return {
        name: [
            round(value, 5)
            for value in bootstrap_mean(metric(ours.ranks) - metric(theirs.ranks), of, seed=seed)
        ]
        for name, metric in METRICS.items()
    }


def new_only(model: NextItem, cases: list[Case]) -> dict[str, float]:
    """The metrics where the items of the session may not be named, on new targets."""
    new = [case for case in cases if case.target not in case.clicks]
    if not new:
        return {}
    trial = score(lambda clicks: model.recommend(clicks, N, allow=Allow(repeats=False)).item, new)
    row = {name: round(float(metric(trial.ranks).mean()), 5) for name, metric in METRICS.items()}
    return {"n": len(new), **row}


def _p99(took_us: Floats, seed: int) -> Scored:
    chance = np.random.default_rng(seed)
    drawn = chance.integers(0, len(took_us), (100, len(took_us)))
    tails = np.quantile(took_us[drawn], 0.99, axis=1)
    low, high = np.quantile(tails, [0.025, 0.975])
    return Scored(float(np.quantile(took_us, 0.99)), float(low), float(high))


if __name__ == "__main__":
    main()
