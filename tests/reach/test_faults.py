"""A list that could not be written leaves the day in order: the next one is drawn as if first."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.reach.shops import AT, Bench

from renwei.core.errors import Unavailable
from renwei.reach.answers import TodayAnswer, TodayRequest
from renwei.reach.history import list_of, local_day
from renwei.reach.operations import today

IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0


def ask(bench: Bench) -> TodayAnswer:
    return today(bench.shop, TodayRequest(limit=20))


def people(answer: TodayAnswer) -> list[tuple[str, str]]:
    return [(line.person, line.what) for line in answer.people]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 24 MB."""
    small = tmp_path / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(small)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield small
    # Lazily: estimates that a test still holds are mapped from there.
    subprocess.run(["umount", "-l", str(small)], check=True)


def fill_up(disk: Path, free: int) -> Path:
    """A file that leaves so many bytes free."""
    stuffing = disk / "stuffing"
    left = os.statvfs(disk)
    stuffing.write_bytes(bytes(max(left.f_bavail * left.f_frsize - free, 0)))
    return stuffing


@pytest.mark.skipif(not IS_ROOT, reason="mounting needs root")
def test_after_a_full_disk_the_same_days_list_is_drawn_again(small_disk: Path) -> None:
    bench = Bench(small_disk)
    with closing(bench.store):
        bench.crowd()
        first = people(ask(bench))
        assert first
        failed = 0
        for free in (0, 8_000, 40_000, 80_000, 160_000, 320_000):
            stuffing = fill_up(small_disk, free)
            try:
                ask(bench)
            except Unavailable as fault:
                failed += fault.code == "disk_full"
            stuffing.unlink()
            assert people(ask(bench)) == first
        assert failed


def test_a_list_that_was_not_kept_holds_nothing_back(busy: Bench, tmp_path: Path) -> None:
    first = people(ask(busy))
    before = list_of(busy.shop, local_day(busy.shop, AT))
    # The list's paper is refused where decisions and reserve have been written already.
    refuse = "CREATE TRIGGER refuse BEFORE INSERT ON papers BEGIN SELECT RAISE(ABORT, 'no'); END"
    with closing(sqlite3.connect(tmp_path / "data" / "state.db")) as other, other:
        other.execute(refuse)
    with pytest.raises(sqlite3.IntegrityError):
        ask(busy)
    assert list_of(busy.shop, local_day(busy.shop, AT)) == before
    with closing(sqlite3.connect(tmp_path / "data" / "state.db")) as other, other:
        other.execute("DROP TRIGGER refuse")
    assert people(ask(busy)) == first
    used = busy.store.counters.used
    numbers = [used(f"today/lines/2026-06-01/{number}") for number in range(1, 6)]
    assert sorted(numbers)[-2:] == [0, len(first)]
