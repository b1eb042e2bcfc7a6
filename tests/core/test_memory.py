"""The ledger in memory keeps what a ledger promises, short of surviving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from renwei.core.decide import decide
from renwei.core.nouns import NOBODY, Ask, Reason, Surface
from renwei.core.policies import Best
from renwei.core.slate import Slate
from renwei.testing import FixedPermits, MemoryLedger

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOME = Surface("home", (), "profiling", "order", 30 * DAY)


class Bought:
    name = "bought"

    def propose(self, ask: Ask) -> Slate:
        return Slate.of("bought", "popular", [1, 2], [2, 1])

    def reason(self, ask: Ask, item: int) -> Reason:
        return Reason("bought", {"city": "Hangzhou"}, (41,))

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        return 0.0


def test_decisions_are_found_by_id_person_and_time_and_given_to_nobody() -> None:
    ledger = MemoryLedger()
    made = [
        decide(
            Ask(person, HOME, AT + day * DAY),
            sources=[Bought()],
            guards=[],
            policy=Best(explore=0.0),
            permits=FixedPermits(),
            ledger=ledger,
        )
        for day, person in enumerate((7, 8, 7))
    ]
    assert ledger.get(made[0].id) == made[0]
    assert ledger.get("no such id") is None
    assert ledger.of([7]) == [made[2], made[0]]
    assert ledger.of([7], limit=1) == [made[2]]
    assert list(ledger.between(AT, AT + 2 * DAY)) == made[:2]
    assert list(ledger.between(AT, AT + 9 * DAY, "today")) == []
    assert ledger.forget([7]) == 2
    forgotten = ledger.get(made[0].id)
    assert forgotten is not None
    assert (forgotten.person, forgotten.reasons) == (NOBODY, (Reason("bought"),))
    assert forgotten.chosen == made[0].chosen
