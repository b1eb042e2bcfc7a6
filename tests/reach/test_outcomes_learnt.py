from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reach.shops import AT, DAY, Bench

from renwei.core.chance import from_id, u
from renwei.reach.answers import DoneRequest, TodayRequest
from renwei.reach.history import keep_list, list_of, local_day
from renwei.reach.operations import done, today
from renwei.reach.outcomes_learnt import PRIORS, effects_of, posterior


def test_without_data_the_start_value_stands_and_says_it_is_unsure() -> None:
    for kind, start in PRIORS.items():
        one = posterior(kind, (0, 0, 0, 0))
        assert one.effect == start
        assert one.low < start < one.high
        assert not one.sure


counts = st.integers(0, 400)


@given(counts, counts, counts, counts)
def test_the_posterior_lies_between_start_value_and_data(a: int, b: int, c: int, d: int) -> None:
    contacted, held = max(a, b, 1), max(c, d, 1)
    ordered, held_ordered = min(a, b, contacted), min(c, d, held)
    one = posterior("need", (contacted, ordered, held, held_ordered))
    cells = (ordered, contacted - ordered, held_ordered, held - held_ordered)
    w, x, y, z = (cell + 0.5 for cell in cells)
    seen = math.log(w * z / (x * y))
    low, high = sorted((PRIORS["need"], seen))
    assert low - 1e-9 <= one.effect <= high + 1e-9
    assert one.low <= one.effect <= one.high


def test_three_lucky_orders_do_not_turn_the_list_round() -> None:
    assert posterior("checkup", (3, 3, 3, 0)).effect < 0.3
    assert not posterior("checkup", (3, 3, 3, 0)).sure


def test_much_data_outweighs_the_start_value() -> None:
    nothing = posterior("need", (20_000, 4_000, 20_000, 4_000))
    assert nothing.effect == pytest.approx(0, abs=0.05)
    strong = posterior("checkup", (20_000, 8_000, 20_000, 4_000))
    assert strong.effect == pytest.approx(math.log(8 / 12 * 16 / 4), abs=0.05)
    assert strong.sure


def test_a_contact_that_harms_is_not_reckoned_with() -> None:
    harm = posterior("need", (5_000, 500, 5_000, 1_500))
    assert harm.effect < 0
    assert effects_of([harm])["need"] == 0


def test_orders_after_contacts_are_learnt_from_when_their_window_has_passed(busy: Bench) -> None:
    answer = today(busy.shop, TodayRequest(limit=30))
    lines = [line for line in answer.people if line.kind == "need"]
    assert len(lines) >= 5
    for k, line in enumerate(lines):
        done(busy.shop, DoneRequest(decision=line.decision_id))
        if k % 2 == 0:
            busy.order(from_id(line.person) or 0, -9, [(k, 1)])

    def learned(days: int) -> tuple[int, int, float]:
        told = today(busy.shop, TodayRequest(at=AT + days * DAY, limit=30)).learned
        one = next(x for x in told if x.kind == "need")
        return one.contacted, one.held_out, one.effect

    assert learned(20)[0] == 0
    contacted, held, effect = learned(40)
    assert contacted == len(lines)
    assert held >= 0
    assert (effect != PRIORS["need"]) == (held > 0)


def test_who_is_held_out_for_weeks_counts_once_a_window(busy: Bench) -> None:
    for days in range(0, 28, 7):
        today(busy.shop, TodayRequest(at=AT + days * DAY, limit=200))
    told = today(busy.shop, TodayRequest(at=AT + 80 * DAY, limit=30)).learned
    held = {p for p in busy.store.people.all_persons() if u(p, "today/holdout") < 0.05}
    assert 0 < sum(one.held_out for one in told) <= len(held)


def test_a_days_list_names_lines_and_people_held_out(busy: Bench) -> None:
    answer = today(busy.shop, TodayRequest(limit=200))
    day = local_day(busy.shop, AT)
    listed = list_of(busy.shop, day)
    assert listed is not None
    assert list(listed.lines) == [line.decision_id for line in answer.people]
    held = [busy.store.ledger.get(one) for one in listed.held]
    assert held
    assert all(d is not None and u(d.person, "today/holdout") < 0.05 for d in held)
    keep_list(busy.shop, listed)
    assert list_of(busy.shop, day) == listed
