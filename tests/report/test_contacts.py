"""What contacts did, against the people who were left alone by chance."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.desks import AT, DAY, Desk

from renwei.core.nouns import Decision, Event
from renwei.report.contacts import Effect, wilson


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_the_interval_holds_the_difference_and_stays_between_minus_one_and_one(
    a: int, b: int, c: int, d: int
) -> None:
    difference = Effect(b, min(a, b), d, min(c, d)).difference
    assert difference is not None
    middle, low, high = difference
    assert -1 <= low <= middle <= high <= 1


def test_without_both_groups_there_is_no_difference() -> None:
    assert Effect(10, 5, 0, 0).difference is None
    assert Effect(0, 0, 10, 5).difference is None


def test_nine_in_ten_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(6)
    held, tries = 0, 2_000
    for _ in range(tries):
        a, c = int(rng.binomial(40, 0.30)), int(rng.binomial(25, 0.15))
        difference = Effect(40, a, 25, c).difference
        assert difference is not None
        held += difference[1] <= 0.15 <= difference[2]
    assert held / tries > 0.9 - 3 * math.sqrt(0.09 / tries)


def test_a_share_is_never_certain() -> None:
    assert wilson(0, 5)[1] > 0.2
    assert wilson(5, 5)[0] < 0.8


def decision(desk: Desk, number: int, person: int, at: object, chosen: int) -> Decision:
    made = Decision(
        id=f"01a1f78a-5300-76d9-b2b6-1d5b68324{number:03x}", surface="today", person=person,
        at=at, unit=person, salt="today", items=(0, 1), scores=(0, 1),  # type: ignore[arg-type]
        sources=("", "need"), codes=("", "due"), removed=(), chosen=(chosen,), odds=(1.0,),
        policy="best@1",
    )  # fmt: skip
    desk.store.ledger.record(made)
    return made


@pytest.mark.parametrize(("contacted", "alone"), [(18, 1), (9, 9)])
def test_lists_whose_window_is_over_are_compared_with_those_held_out(
    desk: Desk, contacted: int, alone: int
) -> None:
    then = AT - 40 * DAY
    day = (then + timedelta(hours=8)).date().isoformat()
    lines: list[str] = []
    held: list[str] = []
    for k in range(40):
        person = desk.actor(f"c{k}")
        made = decision(desk, k, person, then, k % 2)
        (lines if k % 2 else held).append(made.id)
        if k % 2:
            key = desk.store.people.keyed(f"contact|{k}")
            mark = {"decision": made.id, "done": "done", "until": None}
            desk.put(Event(person, "contact", then + timedelta(hours=1), key, body=mark))
        buys = (k // 2) < (contacted if k % 2 else alone)
        if buys:
            desk.put(desk.order(then + 5 * DAY, f"c{k}"))
    body = {"at": then.isoformat(), "lines": lines, "held": held, "holds": []}
    desk.store.papers.put("today-list", day, body, by="today", at=then)
    seen = desk.report().contacts
    assert seen is not None
    assert (seen.ended_contacted, seen.ended_ordered) == (20, contacted)
    assert (seen.held_out, seen.held_ordered) == (20, alone)
    clear = contacted != alone
    assert ("still holds nought" in seen.text) != clear
    assert f"{contacted} of 20 ordered" in seen.text


def test_a_list_whose_window_is_open_says_nothing_yet(desk: Desk) -> None:
    then = AT - 10 * DAY
    made = decision(desk, 1, desk.actor("ann"), then, 0)
    day = (then + timedelta(hours=8)).date().isoformat()
    body = {"at": then.isoformat(), "lines": [], "held": [made.id], "holds": []}
    desk.store.papers.put("today-list", day, body, by="today", at=then)
    desk.put(desk.order(AT - 5 * DAY, "ann"))
    seen = desk.report().contacts
    assert seen is not None
    assert (seen.held_out, seen.difference) == (0, None)


def test_who_is_left_alone_for_a_month_is_one_case(desk: Desk) -> None:
    ann, held = desk.actor("ann"), []
    for back in (60, 55, 50, 45):
        then = AT - back * DAY
        made = decision(desk, back, ann, then, 0)
        held.append(made.id)
        day = (then + timedelta(hours=8)).date().isoformat()
        body = {"at": then.isoformat(), "lines": [], "held": [made.id], "holds": []}
        desk.store.papers.put("today-list", day, body, by="today", at=then)
    desk.put(desk.order(AT - 44 * DAY, "ann"))
    seen = desk.report().contacts
    assert seen is not None
    assert (seen.held_out, seen.held_ordered) == (1, 1)


def test_the_orders_of_somebody_held_out_who_became_one_with_another_count(desk: Desk) -> None:
    then = AT - 40 * DAY
    made = decision(desk, 1, desk.actor("ann"), then, 0)
    day = (then + timedelta(hours=8)).date().isoformat()
    body = {"at": then.isoformat(), "lines": [], "held": [made.id], "holds": []}
    desk.store.papers.put("today-list", day, body, by="today", at=then)
    desk.put(desk.order(then + 5 * DAY, "ann"))
    desk.store.people.merge(desk.actor("anna"), desk.actor("ann"), reason="phone", at=AT)
    seen = desk.report().contacts
    assert seen is not None
    assert (seen.held_out, seen.held_ordered) == (1, 1)
