"""What came in on a day: found by when it came, without looking through what came before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.stores.test_kinds import event, steps_of
from tests.stores.test_log import fresh_log

from renwei.stores.embedded import EmbeddedStore
from renwei.stores.log import EmbeddedLog

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KINDS = ("order", "view", "answer")


def numbers(log: EmbeddedLog, since: datetime, until: datetime, most: int) -> list[str]:
    return [body for _, _, body in log.arrived(since, until, most)[0]]


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    hours=st.lists(st.integers(0, 100), max_size=12),
    adrift=st.booleans(),
    seal=st.integers(0, 5),
    since=st.integers(0, 90),
    long=st.integers(0, 30),
    most=st.integers(1, 8),
)
def test_what_arrived_is_what_was_seen_in_that_time(
    hours: list[int], adrift: bool, seal: int, since: int, long: int, most: int
) -> None:
    with fresh_log() as log:
        for k, hour in enumerate(sorted(hours)):
            # Every other event may come under a time of somewhat earlier, as an import's do.
            early = timedelta(minutes=50) if adrift and k % 2 else timedelta(0)
            log.append([event(k, KINDS[k % 3])], AT + hour * HOUR - early)
        log.seal(AT + seal * DAY)
        begin, end = AT + since * HOUR, AT + (since + long) * HOUR
        wanted = [one for one in log.read() if one.seen and begin <= one.seen <= end]
        wanted.reverse()
        found, whole = log.arrived(begin, end, most)
        assert [row[0] for row in found] == [one.kind for one in wanted[:most]]
        assert whole == (len(wanted) <= most)
        assert all(row[1] == "a" for row in found)


def test_a_day_of_which_everything_is_sealed_is_told_from_its_files(store: EmbeddedStore) -> None:
    log = store.log
    assert isinstance(log, EmbeddedLog)
    for day in range(4):
        log.append([event(10 * day + k, "view") for k in range(5)], AT + day * DAY)
    log.seal(AT + 9 * DAY)
    others = [
        path
        for path in (store.directory / "lake" / "events").glob("*/*/*.parquet")
        if f"day={(AT + DAY).date()}" not in path.parts
    ]
    assert others
    for path in others:
        path.write_bytes(b"not to be read")
    midnight = AT.replace(hour=0) + DAY
    assert len(numbers(log, midnight, midnight + DAY - HOUR, 20)) == 5


@pytest.mark.parametrize("most", [1, 50, 10_000])
def test_a_quiet_day_costs_no_look_at_the_busy_ones_before(store: EmbeddedStore, most: int) -> None:
    log = store.log
    assert isinstance(log, EmbeddedLog)
    log.append([event(k, "view") for k in range(6_000)], AT - 3 * DAY)
    log.append([event(6_000 + k, "view") for k in range(40)], AT)
    log.append([event(7_000 + k, "view") for k in range(6_000)], AT + 3 * DAY)
    with steps_of(store) as steps:
        assert len(numbers(log, AT - HOUR, AT + HOUR, most)) == min(40, most)
    assert len(steps) < 3_000
    with steps_of(store) as steps:
        assert len(numbers(log, AT + 2 * DAY, AT + 4 * DAY, most)) == min(6_000, most)
    assert len(steps) < 3_000 + 20 * min(most, 6_000)


def test_of_a_sealed_day_no_file_is_opened_that_holds_only_older_events(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = store.log
    assert isinstance(log, EmbeddedLog)
    monkeypatch.setattr("renwei.stores.log.SEAL_ROWS", 50)
    log.append([event(k, "view") for k in range(500)], AT)
    log.seal(AT + DAY)
    files = {segment.path: segment for segment in log._segments()}
    assert len(files) > 10
    for path, segment in files.items():
        if segment.last_seq <= 450:
            (store.directory / path).write_bytes(b"not to be read")
    found, whole = log.arrived(AT - HOUR, AT + HOUR, 30)
    assert (len(found), whole) == (30, False)
