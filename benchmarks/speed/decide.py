"""The kernel's speed: one decision from sources and from columns, and a million at once.

Run: OMP_NUM_THREADS=1 .venv/bin/python benchmarks/speed/decide.py [--people 1000000] [--json]

One JSON object a line. `ledger` says where decisions were recorded: "memory", or "embedded"
(SQLite, synced to disk one by one). `baselines` are what a choice costs without guards, odds
and record, over the same candidates in the same run: the highest score alone, and a draw by
weight. The last line decides again, one by one, a sample of the people of the batch and counts
in how many choice, odds and record are the same, and how many of the first hundred came back
from the disk unchanged.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from benchmarks.measured import against, percentile_us, show

from renwei.core.batch import Decisions, decide_many
from renwei.core.columns import Asks, Slates, grid
from renwei.core.decide import decide
from renwei.core.nouns import NOTHING, Ask, Reason, Surface, Trait
from renwei.core.permission import HouseRules
from renwei.core.policies import Best, HoldOut
from renwei.core.ports import Guard, Source
from renwei.core.slate import Slate
from renwei.stores.embedded import open_store
from renwei.testing import MemoryLedger

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOME = Surface("home", ("product",), "profiling", "order", timedelta(days=30))
TODAY = Surface("today", ("care",), "marketing", "order", timedelta(days=30), disturbs=True)
READ_BACK = 100
POPULAR = Reason("popular")
POLICY = HoldOut(Best(explore=0.05), 0.05, "bench/holdout")


class Liked:
    """An ordinary source: scores its 25 items anew for each person."""

    def __init__(self, name: str, first: int, n: int = 25) -> None:
        self.name = name
        self.items = list(range(first, first + n))

    def propose(self, ask: Ask) -> Slate:
        """Its 25 items, scored for this person."""
        scores = [(item * 7 + ask.person) % 101 / 3 for item in self.items]
        return Slate.of(self.name, "popular", self.items, scores)

    def reason(self, ask: Ask, item: int) -> Reason:
        """That the person bought it."""
        return Reason("bought", {"item": item}, (item,))

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        """Lower without it."""
        return -1.0


class Ready(Liked):
    """A source with a slate that was built beforehand, `nothing` and the set of items too."""

    def __init__(self, name: str, n: int) -> None:
        super().__init__(name, 1, n)
        self.items.append(NOTHING)
        self.slate = super().propose(Ask(5, HOME, AT))
        self.slate.numbers = frozenset(self.slate.items)

    def propose(self, ask: Ask) -> Slate:
        """The same slate for everybody."""
        return self.slate

    def reason(self, ask: Ask, item: int) -> Reason:
        """Its own word, as codes are given where milliseconds matter."""
        return POPULAR


class InStock:
    """A guard with one look-up a candidate."""

    name = "stock"

    def __init__(self, gone: frozenset[int]) -> None:
        self.gone = gone

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        """What is not gone."""
        gone = self.gone
        return [item not in gone for item in slate.items]


class AllThere(InStock):
    """A guard that sees at one glance that nothing is gone."""

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        """All at once where it can."""
        if slate.numbers is not None and self.gone.isdisjoint(slate.numbers):
            return [True] * len(slate)
        return super().keeps(ask, slate)


class SaidNothing:
    """People of whom no consent is known."""

    def consents_of(self, persons: Sequence[int]) -> list[Any]:
        """Nothing, of each."""
        return [()] * len(persons)


class ColumnMemory(MemoryLedger):
    """Keeps a batch as columns."""

    def record_columns(self, decisions: Decisions) -> int:
        """Keep them."""
        self.columns = decisions
        return len(decisions)


RULES = HouseRules(SaidNothing())


def timed(work: Callable[[Any], object], over: Sequence[Any]) -> list[float]:
    took = []
    for one in over:
        start = time.perf_counter_ns()
        work(one)
        took.append((time.perf_counter_ns() - start) / 1e9)
    return took


def single(kind: str, ledger: Any, where: str, rounds: int) -> None:
    columnar = kind == "columnar"
    sources: list[Source] = (
        [Ready("ready", 200)] if columnar else [Liked(f"s{k}", 25 * k + 1) for k in range(4)]
    )
    guards: list[Guard] = [AllThere(frozenset({999}))] if columnar else [InStock(frozenset({3, 9}))]
    asks = [Ask(person, HOME, AT) for person in range(1, rounds + 1)]

    def one(ask: Ask) -> None:
        decide(ask, sources=sources, guards=guards, policy=POLICY, permits=RULES, ledger=ledger)

    candidates = 200 if columnar else 100
    cpu = time.process_time()
    took = timed(one, asks)
    cpu = time.process_time() - cpu
    show(
        "decide",
        f"{candidates} candidates, {kind}, ledger in {where}",
        n=rounds,
        candidates=candidates,
        ledger=where,
        baselines=against(percentile_us(took, 0.5), bare(sources, asks)),
        took_s=took,
        per_second=rounds / sum(took),
        cpu_s=cpu,
    )


def bare(sources: Sequence[Source], asks: Sequence[Ask]) -> dict[str, float | None]:
    """The same candidates, and nothing but a choice."""
    slates = [source.propose(asks[0]) for source in sources]
    scores = [score for slate in slates for score in slate.scores]
    rows, dice = range(len(scores)), random.Random(1)
    weights = [max(score, 0) + 1 for score in scores]
    highest = timed(lambda ask: max(rows, key=scores.__getitem__), asks)
    drawn = timed(lambda ask: dice.choices(rows, weights), asks)
    return {"highest score": percentile_us(highest, 0.5), "draw": percentile_us(drawn, 0.5)}


def batch(people: int, ledger: Any, where: str, k: int = 20) -> Decisions:
    chance = np.random.default_rng(1)
    # One of 250 neighbours a column, so that no item stands twice in a row.
    items = chance.integers(0, 250, (people, k)) + 250 * np.arange(k) + 1
    scores = grid(chance.normal(0, 40, (people, k)))
    traits = chance.choice(np.array([Trait.CARE, Trait.PROMOTION, Trait.SERVICE]), (people, k))
    asks = Asks(np.arange(1, people + 1), TODAY, AT)
    wall, cpu = time.perf_counter(), time.process_time()
    decisions = decide_many(
        asks,
        Slates(items, scores, traits=traits, source_names=("ready",), code_names=("popular",)),
        guards=[],
        policy=POLICY,
        permits=RULES,
        ledger=ledger,
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    highest = sum(timed(lambda part: scores[part].argmax(axis=1), [slice(0, people)]))
    show(
        "decide_many",
        f"{people} people, {k} candidates, ledger in {where}",
        n=people,
        candidates=k,
        ledger=where,
        baselines=against(wall * 1e6, {"highest score": round(highest * 1e6, 1)}),
        took_s=[wall],
        per_second=people / wall,
        cpu_s=cpu,
    )
    return decisions


def agreement(decisions: Decisions, kept: Any, sample: int) -> None:
    class Row(Liked):
        slate = Slate()

        def propose(self, ask: Ask) -> Slate:
            return self.slate

        def reason(self, ask: Ask, item: int) -> Reason:
            return Reason("popular")

    source, ledger = Row("ready", 1), MemoryLedger()
    rows = np.random.default_rng(2).choice(
        len(decisions), min(sample, len(decisions)), replace=False
    )
    same, back, cpu = 0, 0, time.process_time()
    for seen, k in enumerate(rows.tolist()):
        many = decisions.row(k)
        source.slate, _ = decisions.slates.slate(k)
        one = decide(
            decisions.asks.ask(k),
            sources=[source],
            guards=[],
            policy=POLICY,
            permits=RULES,
            ledger=ledger,
        )
        same += replace(one, id=many.id) == many
        # Reading one row back out of a sealed segment takes milliseconds: a few are enough.
        if seen < READ_BACK:
            back += kept.get(many.id) == many
    show(
        "decide_agrees",
        f"{len(rows)} of {len(decisions)} people, one by one",
        n=len(rows),
        same=same,
        read_back=back,
        cpu_s=time.process_time() - cpu,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--sample", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="always on: kept for sameness")
    args = parser.parse_args()
    for kind in ("sources", "columnar"):
        single(kind, MemoryLedger(), "memory", args.rounds)
    batch(args.people, ColumnMemory(), "memory")
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "data", keys=Path(folder) / "keys")
        for kind in ("sources", "columnar"):
            single(kind, store.ledger, "an embedded store", 1_000)
        decisions = batch(args.people, store.ledger, "an embedded store")
        agreement(decisions, store.ledger, args.sample)
        store.close()


if __name__ == "__main__":
    main()
