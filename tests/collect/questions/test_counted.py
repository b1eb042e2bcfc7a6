"""Counts of answers: those of every answer there is, with none of them read twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.collect.questions.test_questions import Stall

from renwei.collect.questions.counted import Counted, counted
from renwei.core.nouns import NOBODY, Event
from renwei.core.store import Log

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
Line = tuple[int, str, str, int]
"""Whose answer (0: nobody's), to which question, which choice, how many hours ago."""
LINES = st.lists(
    st.tuples(
        st.integers(0, 4), st.sampled_from(["skin", "hair"]), st.sampled_from("abc"),
        st.integers(0, 3),
    ),
    max_size=12,
)  # fmt: skip


class Asked(Stall):
    """A shop whose answers are written straight into the log."""

    def people(self) -> list[int]:
        return [NOBODY, *(self.person(f"+861391234567{k}") for k in range(4))]

    def hear(self, lines: list[Line]) -> None:
        people, start = self.people(), self.store.log.position()
        events = [
            Event(
                people[who],
                "answer",
                AT - timedelta(hours=ago),
                (start + k).to_bytes(16, "big"),
                body={"question": question, "fact": question, "choice": choice},
                source=f"form:{question}",
            )
            for k, (who, question, choice, ago) in enumerate(lines)
        ]
        self.store.log.append(events, AT)

    def counted(self) -> dict[str, Counted]:
        return dict(counted(self.shop))


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path)
    yield made
    made.store.close()


def by_hand(asked: Asked) -> dict[str, Counted]:
    """The same from every answer in the log."""
    found = {}
    events = sorted(asked.store.log.read(kinds=("answer",)), key=lambda e: (e.at, e.seq))
    for name in {str(one.body["question"]) for one in events}:
        own = [one for one in events if one.body["question"] == name]
        latest = {
            asked.store.people.persons_of([one.actor])[0]: one.body["choice"]
            for one in own
            if one.actor != NOBODY
        }
        alone = Counter(str(one.body["choice"]) for one in own if one.actor == NOBODY)
        found[name] = Counted(
            len(own), len(latest), alone.total(), dict(alone + Counter(latest.values()))
        )
    return found


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(first=LINES, later=LINES, turn=st.sampled_from(["", "merge", "forget", "drop"]))
def test_counts_are_those_of_all_answers_whatever_happened_between(
    tmp_path_factory: pytest.TempPathFactory, first: list[Line], later: list[Line], turn: str
) -> None:
    asked = Asked(tmp_path_factory.mktemp("counted"))
    asked.hear(first)
    assert asked.counted() == by_hand(asked)
    people = asked.people()
    if turn == "merge":
        asked.store.people.merge(people[1], people[2], reason="human", at=AT)
    elif turn == "forget":
        asked.store.forget(people[1], AT)
    elif turn == "drop":
        asked.store.log.drop_before(AT + timedelta(days=1))
    assert asked.counted() == by_hand(asked)
    asked.hear(later)
    assert asked.counted() == by_hand(asked)
    asked.store.close()


def test_no_answer_is_read_twice(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    real = type(asked.store.log).read

    def noted(log: Log, **asks: Any) -> Iterator[Event]:
        for event in real(log, **asks):  # type: ignore[arg-type]
            read.append(event.seq)
            yield event

    monkeypatch.setattr(type(asked.store.log), "read", noted)
    asked.hear([(k % 5, "skin", "a", 0) for k in range(40)])
    asked.counted()
    assert set(read) == set(range(1, 41))
    read.clear()
    asked.hear([(1, "skin", "b", 0)])
    before = asked.counted()
    for _ in range(5):
        assert asked.counted() == before
    # Whether the oldest still stands is asked each time.
    assert [seq for seq in read if seq != 1] == [41]
    assert before["skin"].answers == 41
