"""Every store keeps every contract; and a store that breaks one is caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from renwei.core.clock import Frozen
from renwei.core.nouns import Event
from renwei.core.store import Appended, Hold
from renwei.stores.counters import EmbeddedCounters
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.stores.log import EmbeddedLog
from renwei.testing.store import AT, CHECKS, check_counters, check_log, check_store

Make = Callable[[], EmbeddedStore]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Opens stores; what a check that failed left open is closed behind it."""
    numbers, opened = count(), []

    def one() -> EmbeddedStore:
        folder = tmp_path / f"shop {next(numbers)}"
        opened.append(open_store(folder, keys=tmp_path / "keys", clock=Frozen(AT)))
        return opened[-1]

    yield one
    for store in opened:
        store.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_embedded_store_keeps(check: Callable[[Make], None], make: Make) -> None:
    check(make)


def test_check_store_makes_every_check(make: Make) -> None:
    check_store(make)


def test_a_log_that_stores_twice_is_caught(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(self: EmbeddedLog, events: Sequence[Event], seen: datetime) -> Appended:
        renamed = [
            Event(e.actor, e.kind, e.at, e.message_id + bytes([self.position() % 256]), body=e.body)
            for e in events
        ]
        return honest(self, renamed, seen)

    honest = EmbeddedLog.append
    monkeypatch.setattr(EmbeddedLog, "append", twice)
    with pytest.raises(AssertionError, match="fresh tells which were new"):
        check_log(make)


def test_a_counter_without_a_limit_is_caught(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(
        self: EmbeddedCounters, key: str, amount: int, limit: int, *, at: datetime, until: datetime
    ) -> Hold | None:
        return honest(self, key, amount, 1 << 40, at=at, until=until)

    honest = EmbeddedCounters.reserve
    monkeypatch.setattr(EmbeddedCounters, "reserve", generous)
    with pytest.raises(AssertionError, match="never over the limit"):
        check_counters(make)
