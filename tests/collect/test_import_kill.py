"""kill -9 during an import: nothing lost, nothing doubled, a re-run completes it."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.collect.rooms import Room, Sale, person, write

ROUNDS = 10
ORDERS = 1_500


def book() -> list[Sale]:
    return [
        Sale(k, minute=17 * k, item=f"货品{k % 40}", **person(k % 600, email=f"b{k % 600}@x.cn"))
        for k in range(ORDERS)
    ]


def killed(folder: Path, file: Path, after_s: float) -> bool:
    """Start an import, kill it a while after it began to store; whether it had finished."""
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "kill_child.py"), str(folder), str(file)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line[0].isdigit():
            break
    time.sleep(after_s)
    child.kill()
    rest = child.stdout.read()
    child.wait()
    child.stdout.close()
    return "done" in rest


@pytest.mark.slow
def test_an_import_killed_anywhere_is_completed_by_a_re_run(tmp_path: Path) -> None:
    sales = book()
    file = write(tmp_path / "orders.csv", sales)
    whole = Room(tmp_path / "whole")
    started = time.monotonic()
    whole.bring(file)
    took_s = time.monotonic() - started
    expected = outcome(whole)
    whole.close()
    dice, broken = random.Random(1), 0
    for number in range(ROUNDS):
        folder = tmp_path / f"round_{number}"
        broken += not killed(folder, file, dice.uniform(0, 0.8 * took_s))
        room = Room(folder)
        assert room.events() in (0, ORDERS)
        answer = room.bring(file)
        assert answer.added + answer.duplicates == ORDERS
        assert answer.orders == ORDERS
        assert outcome(room) == expected
        states = [room.show(name).state for name in room.store.papers.names("import")]
        assert set(states) == {"done"}
        room.close()
    assert broken >= ROUNDS // 3


@pytest.mark.slow
def test_an_update_killed_half_way_keeps_every_order_whole(tmp_path: Path) -> None:
    sales = book()
    folder = tmp_path / "room"
    room = Room(folder)
    room.bring(write(tmp_path / "orders.csv", sales))
    room.close()
    file = write(tmp_path / "newer.csv", [replace(sale, refund="5.00") for sale in sales])
    dice = random.Random(2)
    for _ in range(3):
        killed(folder, file, dice.uniform(0, 1.0))
        room = Room(folder)
        refunds = [order[4] for order in room.orders().values()]
        assert len(refunds) == ORDERS
        assert set(refunds) in ({0}, {500})
        room.close()
    room = Room(folder)
    room.bring(file)
    assert {order[4] for order in room.orders().values()} == {500}
    room.close()


def outcome(room: Room) -> tuple[int, int, list[str], int]:
    """What must be the same however often it was tried: orders, people, merges, items."""
    people = room.store.people
    return (
        sum(value for _, value, *_ in room.orders().values()),
        len(people.all_persons()),
        sorted(merge.reason for merge in people.merges()),
        len(room.store.items.all_items()),
    )
