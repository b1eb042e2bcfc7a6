"""How well lists foresee what known customers buy, against simple ways tuned alike.

Run: .venv/bin/python benchmarks/worth/recommend.py --data FILE --format online-retail

Everything before --cut (default: the last event minus 30 days, or minus a fifth of a short file)
may be learnt from; what comes after is scored once. "any": repeats count. "discover": only what
is new to the person. The last line is what the shop would be served.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from benchmarks.worth import report
from benchmarks.worth.interactions import Shop, read_events, read_retail
from benchmarks.worth.order_files import read_time, show_time

from renwei.learn.score import Scored
from renwei.learn.taste.baselines import BASELINES, tuned
from renwei.learn.taste.measures import Hits, coverage, gini, hits, interval
from renwei.learn.taste.source import best
from renwei.learn.taste.table import DAY_US, Asked, Past
from renwei.learn.taste.taste import QUESTIONS, Plan, Question, Ranked, Taste, targets_of
from renwei.learn.taste.titles import Alikeness, Catalogue
from renwei.learn.taste.variety import Candidates, price_curve, strongest_within

K = 20
STRENGTHS = (0.001, 0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.05)
SMALL = {"shops": 20, "customers": 300, "purchases": 3_000}


def main() -> None:
    said = _asked()
    if said.format == "sessions":
        from benchmarks.worth.recommend_sessions import run

        run(said.data, said.test, said)
        return
    shop = (
        read_retail(said.data)
        if said.format == "online-retail"
        else read_events(said.data, said.test)
    )
    cut, horizon = _cut(shop, said.cut)
    read_s = time.process_time()
    test = Test(shop.past, cut, horizon, shop.segment)
    if not len(test.users):
        sys.exit(f"Nobody has events on both sides of {show_time(cut / 1e6)}; give another --cut.")
    split = {"cut": show_time(cut / 1e6), "days": horizon, "read_cpu_s": round(read_s, 2)}
    if said.through == "http":
        _through_http(shop, test, said, split)
        return
    baselines = _baselines(shop, test, said, split)

    began = time.process_time()
    titles = Alikeness.fit(shop.past.items, _known(shop, cut))
    plan = plan_of(horizon, said.seed)
    taste = Taste.fit(shop.past, cut, titles=titles, segment=shop.segment, plan=plan)
    lists = {question: taste.rank(test.asked, question, k=K) for question in QUESTIONS}
    pipeline_s = time.process_time() - began
    _diversity(taste, test, lists, said, split)
    if not said.no_small:
        _small_shops(shop, cut, horizon, said)
    metrics: dict[str, Scored] = {}
    for question in QUESTIONS:
        metrics |= test.metrics(question, lists[question].items, said.seed)
    report.show(
        "recommend",
        said.data,
        n=len(test.users),
        seed=said.seed,
        metrics=metrics,
        baselines=baselines,
        model={question: choice.way for question, choice in taste.choices.items()},
        past=_said(taste),
        pipeline_cpu_s=round(pipeline_s, 2),
        **split,
    )


def _through_http(shop: Shop, test: Test, said: argparse.Namespace, split: Any) -> None:
    """What an app would be served that had sent this past, and asked now."""
    from benchmarks.worth.through_http import lists_of

    known = _known(shop, test.cut)
    found, told = lists_of(shop.past, known, test.users, test.cut, K)
    metrics: dict[str, Scored] = {}
    for question in QUESTIONS:
        metrics |= test.metrics(question, found[question], said.seed)
    report.show(
        "recommend_through_http",
        said.data,
        n=len(test.users),
        seed=said.seed,
        metrics=metrics,
        baselines={},
        **told,
        **split,
    )


def plan_of(horizon: float, seed: int) -> Plan:
    """The windows in units of the horizon."""
    default = Plan()
    scale = horizon / default.horizon_days
    return Plan(
        horizon_days=horizon,
        windows=tuple((a * scale, b * scale) for a, b in default.windows),
        checked=tuple((a * scale, b * scale) for a, b in default.checked),
        seed=seed,
    )


class Test:
    """Who is tested, on what, and the metrics of lists for them."""

    __test__ = False

    def __init__(self, past: Past, cut: int, days: float, segment: Any = None) -> None:
        self.cut, self.days = cut, days
        before = past.before(cut)
        later = past.between(cut, cut + round(days * DAY_US) + 1).goals()
        self.users = np.intersect1d(before.goals().user, later.user)
        self.asked = Asked.of(before, self.users, cut, segment=segment)
        self.seen = np.unique(before.item)
        self.catalogue = len(self.seen)
        self.all: dict[Question, Any] = {}
        self.targets: dict[Question, Any] = {}
        self.rows: dict[Question, Any] = {}
        whole = days + 1 / DAY_US
        for question in QUESTIONS:
            self.all[question] = targets = targets_of(past, self.asked, whole, question)
            self.rows[question] = np.flatnonzero([len(one) > 0 for one in targets])
            self.targets[question] = [targets[row] for row in self.rows[question]]

    def hits(self, question: Question, lists: Any) -> Hits:
        """Of those who have a target."""
        return hits(lists[self.rows[question]], self.targets[question])

    def metrics(self, question: Question, lists: Any, seed: int) -> dict[str, Scored]:
        """By name, with intervals over people."""
        found = self.hits(question, lists)
        out = {}
        named = (("recall@20", found.recall), ("ndcg@20", found.ndcg), ("mrr", found.mrr))
        for name, values in named:
            low, high = interval(values, seed=seed)
            mean = float(values.mean()) if len(values) else float("nan")
            out[f"{question}_{name}"] = Scored(mean, low, high)
        shown = lists[self.rows[question]]
        blank = float("nan")
        among = np.where(shown >= 0, np.searchsorted(self.seen, shown), -1)
        wide, uneven = coverage(among, self.catalogue), gini(among, self.catalogue)
        out[f"{question}_coverage"] = Scored(wide, blank, blank)
        out[f"{question}_gini"] = Scored(uneven, blank, blank)
        return out


def _asked() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--data", type=Path, required=True)
    ask.add_argument("--format", choices=("online-retail", "events", "sessions"), required=True)
    ask.add_argument("--cut", help="ISO time; without a zone it is UTC")
    ask.add_argument("--test", type=Path, help="what follows --data in time; or test prefixes")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--no-small", action="store_true", help="leave the small shops out")
    ask.add_argument("--through", choices=("python", "http"), default="python")
    ask.add_argument("--json", action="store_true", help="accepted; output is always JSON")
    return ask.parse_args()


def _cut(shop: Shop, said: str | None) -> tuple[int, float]:
    first, last = int(shop.past.at_us.min()), int(shop.past.at_us.max())
    span = (last - first) / DAY_US
    horizon = 30.0 if span >= 120 else span / 5
    if said:
        cut = int(read_time(said) * 1e6)
    elif shop.test_from_us is not None:
        cut = shop.test_from_us
    else:
        return last - round(horizon * DAY_US), horizon
    if not first < cut <= last:
        sys.exit(
            f"--cut must lie within the file: {show_time(first / 1e6)} to {show_time(last / 1e6)}."
        )
    return cut, min(horizon, (last - cut) / DAY_US)


def _known(shop: Shop, cut: int) -> Catalogue:
    """Titles of items seen before the cut; the others have none yet."""
    seen = set(np.unique(shop.past.before(cut).item).tolist())
    titles = [one if k in seen else "" for k, one in enumerate(shop.catalogue.titles)]
    return Catalogue(titles, shop.catalogue.category, shop.catalogue.brand)


def _baselines(
    shop: Shop, test: Test, said: argparse.Namespace, split: dict[str, Any]
) -> dict[str, dict[str, float]]:
    """Each tuned on the horizon before the cut, fitted again on everything, scored once."""
    out: dict[str, dict[str, float]] = {}
    back = test.cut - round(test.days * DAY_US)
    past_test = Test(shop.past.before(test.cut), back, test.days)
    for name in BASELINES:
        metrics: dict[str, Scored] = {}
        chosen: dict[str, Any] = {}
        began = time.process_time()
        fits: dict[str, Any] = {}
        for question in QUESTIONS:
            if name == "personal_frequency" and question == "discover":
                continue
            found = tuned(name, shop.past, past_test.asked, past_test.all[question], question, fits)
            source = found.fit(shop.past.before(test.cut), test.cut)
            lists = _lists(source.score(test.asked), test, question)
            metrics |= test.metrics(question, lists, said.seed)
            chosen[question] = found.settings
        out[name] = {key: scored.value for key, scored in metrics.items()}
        report.show(
            "recommend",
            said.data,
            n=len(test.users),
            seed=said.seed,
            metrics=metrics,
            baselines={},
            model=name,
            settings=chosen,
            tune_and_fit_cpu_s=round(time.process_time() - began, 2),
            **split,
        )
    return out


def _lists(scores: Any, test: Test, question: Question) -> Any:
    if question == "discover":
        scores = np.where(test.asked.owned(), -np.inf, scores)
    return best(np.where(scores != 0, scores, -np.inf), K)


def _diversity(
    taste: Taste,
    test: Test,
    lists: dict[Question, Ranked],
    said: argparse.Namespace,
    split: dict[str, Any],
) -> None:
    """The price of giving a share to the rest of the shelf; no strength is chosen here."""
    for question in QUESTIONS:
        if taste.choices[question].way == "crowd":
            continue
        wide = taste.rank(test.asked, question, k=200)
        people = []
        for row in test.rows[question]:
            has = wide.items[row] >= 0
            people.append(Candidates(wide.items[row][has], wide.scores[row][has]))
        curve = price_curve(
            people,
            test.targets[question],
            items=test.asked.past.items,
            strengths=STRENGTHS,
            catalogue=test.catalogue,
        )
        at = {f"at_{loss:.0%}_loss": strongest_within(curve, loss) for loss in (0.01, 0.02)}
        report.show(
            "recommend_diversity",
            said.data,
            n=len(people),
            seed=said.seed,
            metrics={},
            baselines={},
            model=question,
            curve=[_rounded(vars(one)) for one in curve],
            **{name: _rounded(vars(one)) for name, one in at.items()},
            **split,
        )


def _small_shops(shop: Shop, cut: int, horizon: float, said: argparse.Namespace) -> None:
    """Many small shops cut out of the big one: what would serve, and against what sells."""
    apart: dict[Question, list[float]] = {question: [] for question in QUESTIONS}
    served: dict[str, int] = {}
    for number in range(SMALL["shops"]):
        small = _small(shop.past, cut, number)
        test = Test(small, cut, horizon)
        if len(test.users) < 2:
            continue
        taste = Taste.fit(small, cut, plan=plan_of(horizon, said.seed))
        for question in QUESTIONS:
            ours = taste.rank(test.asked, question, k=K).items
            crowd = taste.rank(test.asked, question, k=K, way="crowd").items
            way = f"{question}: {taste.choices[question].way}"
            served[way] = served.get(way, 0) + 1
            gained = test.hits(question, ours).ndcg - test.hits(question, crowd).ndcg
            apart[question].append(float(gained.mean()) if len(gained) else 0.0)
    report.show(
        "recommend_small_shops",
        said.data,
        n=SMALL["shops"],
        seed=said.seed,
        metrics={},
        baselines={},
        model=served,
        ndcg_over_decayed_popularity={q: [round(one, 4) for one in v] for q, v in apart.items()},
        worse={q: sum(one < 0 for one in v) for q, v in apart.items()},
        **SMALL,
    )


def _small(past: Past, cut: int, number: int) -> Past:
    """300 customers known before the cut with at most 3,000 purchases before it."""
    chance = np.random.default_rng([said_seed(past), number])
    before = past.before(cut)
    known = np.unique(before.goals().user)
    users = chance.choice(known, min(SMALL["customers"], len(known)), replace=False)
    own = np.flatnonzero(np.isin(past.user, users))
    early = own[past.at_us[own] < cut]
    share = min(1.0, SMALL["purchases"] / max(len(early), 1))
    # Lines are thinned on both sides of the cut alike.
    return past.pick(np.sort(own[chance.random(len(own)) < share]))


def said_seed(past: Past) -> int:
    """The same small shops for the same data."""
    return len(past)


def _said(taste: Taste) -> dict[str, Any]:
    return {
        question: {
            "ndcg": {way: round(one, 5) for way, one in choice.ndcg.items()},
            "gains": {way: _rounded(vars(one)) for way, one in choice.gains.items()},
            "labelled": choice.labelled,
        }
        for question, choice in taste.choices.items()
    }


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(one, 5) if isinstance(one, float) else one for name, one in row.items()}


if __name__ == "__main__":
    main()
