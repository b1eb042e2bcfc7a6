"""The single call and the batch agree on choice, odds and the whole record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.core.batch import Decisions, decide_many
from renwei.core.columns import Asks, Slates
from renwei.core.decide import decide
from renwei.core.nouns import Ask, Autonomy, ConsentState, Decision, Reason, Surface
from renwei.core.permission import Standing
from renwei.core.policies import Best, FixedOdds, HoldOut
from renwei.core.ports import Guard, Policy
from renwei.core.slate import Picked, Slate
from renwei.testing.memory import FixedPermits, MemoryLedger

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATES = list(ConsentState)


class Told:
    """A source that puts forward what it was told, and blames event 7 for even items."""

    def __init__(self, name: str, slate: Slate) -> None:
        self.name = name
        self.slate = slate

    def propose(self, ask: Ask) -> Slate:
        return self.slate

    def reason(self, ask: Ask, item: int) -> Reason:
        return Reason("bought", {"item": item}, (7,)) if item % 2 == 0 else Reason("new")

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        return self.slate.scores[self.slate.items.index(item)] / 1024 - item % 3


class NotOf:
    """A guard: no items of one residue."""

    def __init__(self, residue: int, *, columns: bool) -> None:
        self.name = f"not-{residue}"
        self.residue = residue
        if columns:
            self.keeps_many = self._keeps_many

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        return [item % 5 != self.residue for item in slate.items]

    def _keeps_many(self, asks: Asks, slates: Slates) -> Any:
        return slates.items % 5 != self.residue


class Plain:
    """A policy without a twin for columns: the lowest score, for certain."""

    name = "lowest@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        row = min(range(len(slate)), key=lambda k: (slate.scores[k], slate.items[k]))
        return Picked([row], [1.0], "lowest")


POLICIES: list[Policy] = [
    Best(0.3),
    Best(0.0),
    Best(0.5, at_most=1),
    Best(1.0, at_most=2),
    FixedOdds({0: 1.0, 3: 0.3, 4: 0.1, 7: 2.5}),
    FixedOdds({9: 0.2, 10: 0.7}),
    HoldOut(Best(0.4, at_most=1), 0.3, "hold"),
    HoldOut(FixedOdds({1: 0.3, 2: 0.4}), 0.4, "hold", control=2),
    HoldOut(HoldOut(Best(0.2), 0.2, "inner", control=3), 0.2, "outer"),
    Plain(),
]


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    people, k = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    cells = st.lists(
        st.lists(st.integers(0, 12), min_size=k, max_size=k), min_size=people, max_size=people
    )

    def column(top: int, low: int = 0) -> Any:
        rows = st.lists(st.integers(low, top), min_size=k, max_size=k)
        return np.array(draw(st.lists(rows, min_size=people, max_size=people)), dtype=np.int64)

    maybe = st.booleans()
    traits = np.array([0, 1, 2, 4, 8, 18, 40, 32])[column(7)] if draw(maybe) else None
    items = np.array(draw(cells), dtype=np.int64)
    slates = Slates(
        items,
        column(4, -2) * draw(st.sampled_from([1, 500])),
        column(1) if draw(maybe) else None,
        column(1) if draw(maybe) else None,
        traits,
        column(2) if draw(maybe) else None,
        # Zero is `nothing` where it is live, and padding where it is not.
        draw(st.sampled_from([None, np.ones((people, k), dtype=bool)])),
        ("a", "b"),
        ("new", "popular"),
        {"sms": column(3)} if draw(maybe) else {},
        "value@1",
    )
    surface = Surface(
        "today",
        ("product",),
        "marketing",
        "order",
        timedelta(30),
        slots=draw(st.integers(1, 4)),
        silence=draw(maybe),
        disturbs=draw(maybe),
        channel=draw(st.sampled_from(["hand", "sms"])),
    )
    asks = Asks(
        np.array(draw(st.lists(st.integers(1, 9), min_size=people, max_size=people))),
        surface,
        AT,
        units=np.arange(1, people + 1, dtype=np.uint64) * draw(st.integers(1, 2**50)),
        sticky=draw(st.sampled_from([None, np.arange(people)])),
        limit=draw(st.integers(1, 4)),
        prices=draw(st.sampled_from([{}, {"sms": 700}])),
        position=5,
        map_version=2,
    )
    standing = st.builds(Standing, *[st.sampled_from(STATES)] * 4, st.booleans(), st.booleans())
    permits = FixedPermits(
        by_person={person: draw(standing) for person in range(1, 10)},
        how_far=draw(st.sampled_from(list(Autonomy))),
        left=draw(st.sampled_from([{}, {"sms": 1}])),
    )
    guards: list[Guard] = [
        NotOf(1, columns=draw(maybe)),
        NotOf(draw(st.integers(2, 4)), columns=True),
    ]
    return {
        "asks": asks,
        "slates": slates,
        "guards": guards[: draw(st.integers(0, 2))],
        "policy": draw(st.sampled_from(POLICIES)),
        "permits": permits,
    }


def singly(question: dict[str, Any], decisions: Decisions, row: int) -> Decision:
    slates: Slates = question["slates"]
    whole = replace(slates, live=slates.items != 0) if slates.live is None else slates
    slate, _ = whole.slate(row)
    single = decide(
        replace(decisions.asks.ask(row), limit=question["asks"].limit),
        sources=[Told("whole", slate)],
        guards=question["guards"],
        policy=question["policy"],
        permits=question["permits"],
        ledger=MemoryLedger(),
    )
    return replace(single, id=decisions.row(row).id)


def fields(decision: Decision) -> dict[str, Any]:
    return asdict(decision)


@settings(max_examples=1_000, deadline=None)
@given(questions())
def test_single_and_batch_agree_on_choice_odds_and_record(question: dict[str, Any]) -> None:
    ledger = MemoryLedger()
    decisions = decide_many(**question, ledger=ledger)
    assert list(ledger.decisions.values()) == list(decisions)
    for row in range(len(decisions)):
        batch = decisions.row(row)
        assert fields(singly(question, decisions, row)) == fields(batch)
