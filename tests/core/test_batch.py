"""The single call and the batch agree on choice, odds and the whole record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.core.batch import CHUNK, Decisions, decide_many
from renwei.core.chance import id_unit
from renwei.core.columns import Asks, Slates
from renwei.core.decide import BrokenPart, decide, replays
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


@pytest.mark.slow
@settings(max_examples=1_000, deadline=None)
@given(questions())
def test_single_and_batch_agree_on_choice_odds_and_record(question: dict[str, Any]) -> None:
    ledger = MemoryLedger()
    decisions = decide_many(**question, ledger=ledger)
    assert list(ledger.decisions.values()) == list(decisions)
    for row in range(len(decisions)):
        batch = decisions.row(row)
        assert fields(singly(question, decisions, row)) == fields(batch)


def many(n: int = 30, k: int = 6, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(11)
    items = np.argsort(rng.random((n, 20)), axis=1)[:, :k] + 1
    surface = Surface("home", ("product",), "profiling", "order", timedelta(days=30), slots=2)
    question: dict[str, Any] = {
        "asks": Asks(np.arange(1, n + 1), surface, AT, limit=2),
        "slates": Slates(
            items,
            rng.integers(1, 5, (n, k)) * 1024,
            (items % 2).astype(np.int64),
            (items % 3 == 0).astype(np.int64),
            source_names=("even", "odd"),
            code_names=("new", "popular"),
        ),
        "guards": [],
        "policy": Best(0.2),
        "permits": FixedPermits(),
        "ledger": MemoryLedger(),
    }
    return {**question, **changes}


class Blaming(Told):
    """Blames event 7; without it the score falls by one, but for multiples of five."""

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        return float(item % 5 == 0) * 99


def test_causes_are_asked_for_shown_items_alone_and_agree_with_the_single_call() -> None:
    # Item 15 alone is popular and cannot be blamed: among few people chance may pass it by.
    question = many(300)
    even, odd = Blaming("even", Slate()), Blaming("odd", Slate())
    decisions = decide_many(**question, sources=[even, odd])
    said = Counter[str]()
    for k, batch in enumerate(decisions):
        slate, _ = decisions.slates.slate(k)
        parts = [Blaming(name, slate.take(rows)) for name, rows in rows_by_source(slate).items()]
        single = decide(
            decisions.asks.ask(k),
            sources=parts,
            guards=[],
            policy=question["policy"],
            permits=question["permits"],
            ledger=MemoryLedger(),
        )
        assert (single.chosen, single.odds) == (batch.chosen, batch.odds)
        assert single.reasons == batch.reasons
        said.update(reason.code for reason in batch.reasons)
    assert {"bought", "new", "popular", "exploring"} <= set(said)


def rows_by_source(slate: Slate) -> dict[str, list[int]]:
    return {
        name: [row for row, source in enumerate(slate.sources) if source == k]
        for k, name in enumerate(slate.source_names)
    }


def test_a_source_that_is_not_given_has_its_own_word() -> None:
    decisions = decide_many(**many(), sources=[Blaming("even", Slate())])
    for decision in decisions:
        for item, reason in zip(decision.chosen, decision.reasons, strict=False):
            assert item % 2 == 0 or reason.code in {"new", "popular", "exploring"}


def test_a_ledger_may_take_the_columns_as_they_are() -> None:
    class Columnar(MemoryLedger):
        def record_columns(self, decisions: Decisions) -> int:
            self.columns = decisions
            return len(decisions)

    ledger = Columnar()
    decisions = decide_many(**many(ledger=ledger))
    assert ledger.columns is decisions
    assert ledger.decisions == {}


def test_an_item_that_stands_twice_in_a_row_counts_once() -> None:
    question = many(n=2, k=3)
    question["slates"].items[0] = [4, 4, 9]
    question["slates"].scores[0] = [1, 5 * 1024, 2]
    first = decide_many(**question).row(0)
    assert (first.items, first.scores) == ((4, 9, 0), (1, 2, 0))
    assert first.removed == ()


def test_units_of_their_own_make_decisions_differ_and_given_ones_are_kept() -> None:
    question = many()
    decisions = list(decide_many(**question))
    assert len({decision.unit for decision in decisions}) == len(decisions)
    assert all(decision.unit == id_unit(decision.id) for decision in decisions)
    question["asks"].units = np.where(np.arange(30) % 2, 77, 0)
    mixed = [decision.unit for decision in decide_many(**question)]
    assert mixed[1::2] == [77] * 15
    assert 77 not in mixed[::2]


def test_nobody_and_nothing_on_offer_are_answered_too() -> None:
    assert len(decide_many(**many(n=0))) == 0
    bare = decide_many(**many(n=3, k=0, policy=HoldOut(Best(0.2), 0.5, "h")))
    assert [decision.chosen for decision in bare] == [(0,)] * 3
    assert [decision.items for decision in bare] == [(0,)] * 3


def test_more_people_than_a_chunk_are_decided_as_one() -> None:
    n = CHUNK + 7
    decisions = decide_many(**many(n=n, k=3, policy=Best(0.0)))
    rows = list(decisions)
    assert [decision.person for decision in rows] == list(range(1, n + 1))
    assert rows[-1] == decisions.row(n - 1)
    assert all(replays(decision) == "same" for decision in rows[-20:])


@pytest.mark.parametrize("columns", [False, True])
def test_a_mask_that_does_not_fit_is_refused_and_nothing_is_recorded(*, columns: bool) -> None:
    class Short(NotOf):
        def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
            return [True]

        def _keeps_many(self, asks: Asks, slates: Slates) -> Any:
            return np.ones((1, 1), dtype=bool)

    question = many(guards=[Short(1, columns=columns)])
    with pytest.raises(BrokenPart) as refused:
        decide_many(**question)
    assert refused.value.code == "guard_mask"
    assert question["ledger"].decisions == {}


def test_slates_for_other_people_are_refused() -> None:
    question = many()
    question["asks"] = question["asks"].part(slice(0, 4))
    with pytest.raises(BrokenPart, match="slate_rows"):
        decide_many(**question)


def test_a_person_with_nothing_left_is_not_shown_to_a_guard() -> None:
    class Counting(NotOf):
        def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
            assert len(slate) > 0
            return [False] * len(slate)

    guards = [Counting(1, columns=False), Counting(2, columns=False)]
    decisions = list(decide_many(**many(guards=guards)))
    assert {removal.guard for d in decisions for removal in d.removed} == {"not-1"}
    assert {d.chosen for d in decisions} == {(0,)}
