"""How well the people picked for an item foresee who buys it, against simple lists.

Run: .venv/bin/python benchmarks/worth/audience.py --data ../shared/data/online_retail.csv --format online-retail

The last 30 days are hidden. Items sold in the three months before are asked for with what was
known at the cut, drawn without a look at what came after; each list of people is scored by who
bought. "known": as they are. "new": first sold after the cut, and old ones asked as if they were
new (all their purchases hidden; who had bought them is not asked again).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from benchmarks.worth import report
from benchmarks.worth.interactions import Shop, read_events, read_retail
from benchmarks.worth.order_files import read_time, show_time

from renwei.learn.audience.odds import Odds, expected
from renwei.learn.audience.signs import DAY_US, Customers, Wares, ask
from renwei.learn.audience.trials import Bought, Learnt, learn
from renwei.learn.score import Scored
from renwei.learn.taste.titles import Catalogue, vectors

TOPS = (50, 100, 200)
List = Callable[[Customers, Wares, int, Any], Any]


def main() -> None:
    said = _asked()
    shop = read_retail(said.data) if said.format == "online-retail" else read_events(said.data)
    goals = shop.past.goals()
    bought = Bought(goals.user, goals.item, goals.at_us, shop.past.users, shop.past.items)
    last = int(goals.at_us.max())
    cut = int(read_time(said.cut) * 1e6) if said.cut else last - 30 * DAY_US
    wares = wares_of(shop, cut)
    began = time.process_time()
    learnt = learn(bought, wares, cut, seed=said.seed)
    learn_s = time.process_time() - began
    now, after = bought.before(cut), bought.after(cut, 30.0 + 1 / DAY_US)
    chance = np.random.default_rng(said.seed)
    sold = chance.permutation(np.flatnonzero(now.season > 0))
    fresh = np.setdiff1d(np.unique(after[0]), np.flatnonzero(now.buyers))
    asked = {
        "known": (learnt.known, sold[: said.items], False),
        "new": (learnt.new, sold[: said.items], True),
        "first_sold_after": (learnt.new, fresh, True),
    }
    for kind, (odds, items, hidden) in asked.items():
        if odds is not None and len(items):
            found = Lists(now, wares, after, odds, hidden=hidden).all(items)
            show(said, kind, found, learnt, {"cut": show_time(cut / 1e6), "learn_cpu_s": learn_s})


class Lists:
    """Lists of people for items, scored by who bought after the cut."""

    def __init__(
        self, now: Customers, wares: Wares, after: Any, odds: Odds, *, hidden: bool
    ) -> None:
        self.now, self.wares, self.after, self.odds, self.hidden = now, wares, after, odds, hidden

    def all(self, items: Any) -> dict[str, Any]:
        """Hits of every way, and what was expected."""
        hits: dict[str, list[list[float]]] = {}
        held, expects, ask_s = [], [], []
        for item in items.tolist():
            came, may = self.came(item), self.may(item)
            if self.hidden and self.unlike(item):
                continue
            began = time.process_time()
            asked = ask(self.now, self.wares, item, hidden=self.hidden)
            score = self.odds.score(asked)
            order = _first(score, may)
            chances = self.odds.chance(score[order])
            stated = [expected(chances[:n], self.odds.spread) for n in TOPS]
            ask_s.append(time.process_time() - began)
            hits.setdefault("ours", []).append([came[order[:n]].sum() for n in TOPS])
            for one in stated:
                number = came[order[: one.n]].sum()
                held.append(bool(one.low <= number <= one.high))
                missed = max(one.low - number, number - one.high, 0)
                expects.append((one.mean, one.high - one.low, one.high - one.low + 10.0 * missed))
            for name, ranked in self.simple(item).items():
                first = _first(ranked, may)
                hits.setdefault(name, []).append([came[first[:n]].sum() for n in TOPS])
        return {
            "hits": {name: np.array(rows, dtype=float) for name, rows in hits.items()},
            "held": held,
            "expects": np.array(expects),
            "ask_s": ask_s,
        }

    def came(self, item: int) -> Any:
        """Who bought it after the cut."""
        begin, end = np.searchsorted(self.after[0], [item, item + 1])
        found = np.zeros(self.now.people, bool)
        found[self.after[1][begin:end]] = True
        return found

    def may(self, item: int) -> Any:
        """Who is asked about."""
        may = self.now.orders > 0
        if self.hidden:
            may[self.now.person[self.now.rows_of(np.array([item]))]] = False
        return may

    def unlike(self, item: int) -> bool:
        """Whether nothing that was sold is like it."""
        return not self.wares.alike(item, self.now.buyers > 0).any()

    def simple(self, item: int) -> dict[str, Any]:
        """Scores of the simple lists; ties go to who bought last."""
        now = self.now
        recent = now.last_order_us / now.at_us
        own = np.zeros(now.people)
        if not self.hidden:
            rows = now.rows_of(np.array([item]))
            own[now.person[rows]] = now.last_us[rows] / now.at_us
        same = self.wares.same(self.wares.category, item)
        category = now.sums(same, now.times)
        return {
            "recent_buyers": recent,
            "frequent_buyers": now.orders + recent,
            "category_buyers": category + recent,
            "its_buyers_then_category": 1e6 * own + category + recent,
            "its_buyers_then_recent": 1e6 * own + recent,
        }


def show(
    said: argparse.Namespace,
    kind: str,
    found: dict[str, Any],
    learnt: Learnt,
    more: dict[str, Any],
) -> None:
    metrics: dict[str, Scored] = {}
    baselines: dict[str, dict[str, float]] = {}
    chance = np.random.default_rng(said.seed)
    for name, rows in found["hits"].items():
        for k, n in enumerate(TOPS):
            draws = chance.choice(rows[:, k], (1_000, len(rows))).mean(axis=1)
            low, high = np.quantile(draws, [0.025, 0.975])
            mean = float(rows[:, k].mean())
            if name == "ours":
                metrics[f"hits@{n}"] = Scored(mean, float(low), float(high))
            else:
                baselines.setdefault(name, {})[f"hits@{n}"] = mean
    best = max(baselines, key=lambda name: baselines[name]["hits@100"])
    apart = found["hits"]["ours"][:, 1] - found["hits"][best][:, 1]
    draws = chance.choice(apart, (1_000, len(apart))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    metrics["hits@100_over_best_simple"] = Scored(float(apart.mean()), float(low), float(high))
    held = np.array(found["held"]).reshape(-1, len(TOPS))
    expects = found["expects"].reshape(-1, len(TOPS), 3)
    blank = float("nan")
    for k, n in enumerate(TOPS):
        metrics[f"held@{n}"] = Scored(float(held[:, k].mean()), blank, blank)
        metrics[f"expected@{n}"] = Scored(float(expects[:, k, 0].mean()), blank, blank)
        metrics[f"width@{n}"] = Scored(float(expects[:, k, 1].mean()), blank, blank)
        metrics[f"interval_score@{n}"] = Scored(float(expects[:, k, 2].mean()), blank, blank)
    report.show(
        "audience",
        said.data,
        n=len(apart),
        seed=said.seed,
        metrics=metrics,
        baselines=baselines,
        model=kind,
        best_simple=best,
        ask_cpu_ms=round(1e3 * float(np.mean(found["ask_s"])), 2),
        past={name: vars(trial) for name, trial in learnt.trials.items() if name[:3] == kind[:3]},
        odds=_odds(learnt, kind),
        **more,
    )


def _odds(learnt: Learnt, kind: str) -> dict[str, Any]:
    from renwei.learn.audience.signs import SIGNS

    odds = learnt.known if kind == "known" else learnt.new
    if odds is None:
        return {}
    adds = {name: round(float(a), 3) for name, a in zip(SIGNS, odds.adds, strict=True) if a}
    return {
        "way": odds.way, "adds": adds, "slope": round(odds.slope, 3),
        "shift": round(odds.shift, 3), "spread": odds.spread,
    }  # fmt: skip


def wares_of(shop: Shop, cut: int) -> Wares:
    """What is written of items; without a category the last word of the title stands in."""
    known = shop.catalogue
    titles = known.titles or [""] * shop.past.items
    category = known.category
    if category is None:
        words = [(one.split() or [""])[-1].lower() for one in titles]
        _, category = np.unique(words, return_inverse=True)
    before = shop.past.before(cut)
    price = np.full(shop.past.items, np.nan)
    price[before.item] = np.log(np.maximum(before.value, 0.01))
    brand = known.brand if known.brand is not None else np.full(shop.past.items, -1)
    texts = vectors(shop.past.items, Catalogue(titles, None, known.brand))
    return Wares(texts, np.asarray(category, np.int64), brand, price)


def _first(score: Any, may: Any) -> Any:
    return np.argsort(-np.where(may, score, -np.inf), kind="stable")[: TOPS[-1]]


def _asked() -> argparse.Namespace:
    ask_ = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_.add_argument("--data", type=Path, required=True)
    ask_.add_argument("--format", choices=("online-retail", "events"), required=True)
    ask_.add_argument("--cut", help="ISO time; without a zone it is UTC")
    ask_.add_argument("--items", type=int, default=400)
    ask_.add_argument("--seed", type=int, default=1)
    ask_.add_argument("--json", action="store_true", help="accepted; output is always JSON")
    return ask_.parse_args()


if __name__ == "__main__":
    main()
