"""A million decisions against the laws: odds, replay, permission, constraints, durability.

Run: OMP_NUM_THREADS=1 .venv/bin/python benchmarks/soak/decisions.py [--decisions 1000000]

Every question is drawn anew: slate, groups, traits, standing, prices, policy. Each decision is
replayed from its record. At the end the odds of each policy are held against the frequencies
(the worst deviation in standard errors is printed), and decisions recorded by a child process
that is killed with kill -9 again and again are looked for: what had been answered must be
there. One JSON object a line; `broken` is 0 where the laws hold.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from renwei.core.chance import mix
from renwei.core.decide import decide, replays
from renwei.core.nouns import NOTHING, Ask, Autonomy, ConsentState, Decision, Reason, Surface, Trait
from renwei.core.permission import Standing
from renwei.core.policies import Best, FixedOdds, HoldOut
from renwei.core.ports import Policy
from renwei.core.slate import Slate
from renwei.stores.embedded import open_store
from renwei.testing import FixedPermits, MemoryLedger

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SURFACES = [
    Surface("home", (), "profiling", "order", 30 * DAY, slots=3),
    Surface("today", (), "marketing", "order", 30 * DAY, disturbs=True),
    Surface("sms", (), "marketing", "order", 30 * DAY, disturbs=True, channel="sms"),
    Surface("page", (), "profiling", "order", 30 * DAY, slots=4, silence=False),
]
POLICIES: list[Policy] = [
    Best(0.05),
    Best(0.4, at_most=1),
    FixedOdds({1: 1, 2: 0.5, 3: 0.25, 4: 2, NOTHING: 0.1}),
    HoldOut(Best(0.2), 0.05, "soak/holdout"),
    HoldOut(Best(0.2), 0.3, "soak/control", control=2),
]
TRAITS = [0, *Trait, Trait.CARE | Trait.AUTOMATIC, Trait.PROMOTION | Trait.SENSITIVE]
STATES = list(ConsentState)


class Drawn:
    """A source with a slate of its own for each question."""

    name = "drawn"
    slate = Slate()

    def propose(self, ask: Ask) -> Slate:
        """The slate at hand."""
        return self.slate

    def reason(self, ask: Ask, item: int) -> Reason:
        """A cause that counts for odd items alone."""
        return Reason("cause", {}, (item,))

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        """Lower for odd items."""
        return -1e9 if item % 2 else 1e9


def laws(decisions: int, seed: int) -> dict[str, Any]:
    dice, source, ledger = random.Random(seed), Drawn(), MemoryLedger()
    broken: dict[str, int] = defaultdict(int)
    start = time.perf_counter()
    for k in range(decisions):
        n = dice.randrange(9)
        source.slate = Slate.of(
            "drawn",
            "popular",
            [dice.randrange(0, 9) for _ in range(n)],
            [dice.randrange(-2, 4) for _ in range(n)],
            traits=[int(dice.choice(TRAITS)) for _ in range(n)],
            groups=[dice.randrange(3) for _ in range(n)],
        )
        a, b, c, d = dice.choices(STATES, k=4)
        standing = Standing(a, b, c, d, dice.random() < 0.5, dice.random() < 0.5)
        permits = FixedPermits(standing, how_far=dice.choice(list(Autonomy)))
        ask = Ask(mix(k) >> 1, dice.choice(SURFACES), AT, limit=dice.randrange(1, 5))
        policy = dice.choice(POLICIES)
        decision = decide(
            ask, sources=[source], guards=[], policy=policy, permits=permits, ledger=ledger
        )
        for law in broken_laws(decision, ask, source.slate, standing, permits.how_far):
            broken[law] += 1
        ledger.decisions.clear()
    wall = time.perf_counter() - start
    return {
        "bench": "soak_laws",
        "decisions": decisions,
        "broken": sum(broken.values()),
        "laws": dict(broken),
        "per_second": round(decisions / wall),
        **measured(),
    }


def broken_laws(
    decision: Decision, ask: Ask, slate: Slate, standing: Standing, how_far: Autonomy
) -> list[str]:
    chosen, traits = decision.chosen, dict(zip(slate.items[::-1], slate.traits[::-1], strict=True))
    faults = {
        "replay": replays(decision) != "same",
        "odds": any(not 0 < p <= 1 + 1e-12 for p in decision.odds),
        "on offer": any(item not in decision.items for item in chosen if item != NOTHING),
        "nothing ends": NOTHING in chosen[:-1],
        "twice": len(set(chosen)) < len(chosen),
        "slots": len(chosen) > min(ask.limit, ask.surface.slots),
        "silence": ask.surface.silence and NOTHING not in decision.items,
        "kept or removed": {*decision.items, *[r.item for r in decision.removed], NOTHING}
        != {*slate.items, NOTHING},
        "reasons": len(decision.reasons) != sum(item != NOTHING for item in chosen)
        or any(r.code == "cause" and r.evidence[0] % 2 == 0 for r in decision.reasons),
        "permission": any(
            item and forbidden(traits[item], ask.surface, standing, how_far) for item in chosen
        ),
    }
    return [law for law, fault in faults.items() if fault]


def forbidden(trait: int, surface: Surface, standing: Standing, how_far: Autonomy) -> bool:
    """The least that must hold, written anew and apart from the kernel's own rules."""
    sent = bool(trait & Trait.AUTOMATIC) or (surface.disturbs and surface.channel != "hand")
    offer = not trait & (Trait.SERVICE | Trait.CARE | Trait.ASKS) or bool(trait & Trait.PROMOTION)
    if trait & Trait.SENSITIVE and standing.sensitive is not ConsentState.GIVEN:
        return True
    if how_far is Autonomy.OFF or (trait & Trait.AUTOMATIC and how_far is not Autonomy.ACT):
        return True
    if not (sent or surface.disturbs):
        return False
    if standing.purpose is ConsentState.WITHDRAWN and not trait & Trait.SERVICE:
        return True
    if offer and standing.purpose is not ConsentState.GIVEN:
        return True
    return sent and (standing.quiet or ConsentState.GIVEN not in standing[:3])


def frequencies(decisions: int, seed: int) -> dict[str, Any]:
    """Each policy on one slate: logged odds against what was played, in standard errors."""
    source, ledger, worst, paths = Drawn(), MemoryLedger(), 0.0, 0
    source.slate = Slate.of("drawn", "popular", [1, 2, 3, 4], [2, 2, 1, 0.5], groups=[1, 1, 2, 2])
    surface, rounds = SURFACES[0], max(decisions // len(POLICIES), 1)
    for number, policy in enumerate(POLICIES):
        played: dict[tuple[int, ...], int] = defaultdict(int)
        logged: dict[tuple[int, ...], float] = {}
        for k in range(rounds):
            ask = Ask(mix(seed + k * 8 + number) >> 1, surface, AT, limit=3)
            decision = decide(
                ask,
                sources=[source],
                guards=[],
                policy=policy,
                permits=FixedPermits(),
                ledger=ledger,
            )
            ledger.decisions.clear()
            for slot in range(len(decision.chosen)):
                played[decision.chosen[: slot + 1]] += 1
                logged[decision.chosen[: slot + 1]] = decision.odds[slot]
        for path, p in logged.items():
            n = played[path[:-1]] if len(path) > 1 else rounds
            if n * p * (1 - p) >= 25:
                paths += 1
                worst = max(worst, abs(played[path] / n - p) / (p * (1 - p) / n) ** 0.5)
    return {
        "bench": "soak_odds",
        "decisions": rounds * len(POLICIES),
        "paths": paths,
        "worst_standard_errors": round(worst, 2),
        # With a few hundred paths, 4.5 is passed by chance once in about a thousand runs.
        "broken": int(worst > 4.5),
        **measured(),
    }


def durability(rounds: int) -> dict[str, Any]:
    """Children that decide and answer are killed; every answer must be in the ledger."""
    lost = answers = 0
    with tempfile.TemporaryDirectory() as folder:
        for k in range(rounds):
            told = Path(folder) / "told"
            told.write_text("")
            args = [sys.executable, __file__, "--child", folder]
            with subprocess.Popen(args) as child:
                while child.poll() is None and len(told.read_bytes()) < 37 * (3 + k % 40):
                    time.sleep(0.002)
                os.kill(child.pid, signal.SIGKILL)
            store = open_store(Path(folder) / "data", keys=Path(folder) / "keys")
            ids = [line for line in told.read_text().split("\n")[:-1] if len(line) == 36]
            answers += len(ids)
            lost += sum(store.ledger.get(identity) is None for identity in ids)
            store.close()
    return {
        "bench": "soak_kills",
        "kills": rounds,
        "answers": answers,
        "broken": lost,
        **measured(),
    }


def child(folder: str) -> None:
    store, source = open_store(Path(folder) / "data", keys=Path(folder) / "keys"), Drawn()
    source.slate = Slate.of("drawn", "popular", [1, 2, 3], [3, 2, 1])
    with (Path(folder) / "told").open("a") as told:
        for k in range(1_000_000):
            decision = decide(
                Ask(k, SURFACES[0], AT),
                sources=[source],
                guards=[],
                policy=POLICIES[0],
                permits=FixedPermits(),
                ledger=store.ledger,
            )
            told.write(decision.id + "\n")
            told.flush()


def measured() -> dict[str, Any]:
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = time.process_time()
    return {"cpu_s": round(cpu, 1), "rss_mb": round(rss), "python": platform.python_version()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="always on: kept for sameness")
    parser.add_argument("--child", metavar="FOLDER", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child)
        return
    print(json.dumps(laws(args.decisions // 2, args.seed)), flush=True)
    print(json.dumps(frequencies(args.decisions - args.decisions // 2, args.seed)), flush=True)
    print(json.dumps(durability(args.kills)), flush=True)


if __name__ == "__main__":
    main()
