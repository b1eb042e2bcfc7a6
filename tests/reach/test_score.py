from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reach.shops import AT, Bench

from renwei.core.clock import to_us
from renwei.reach.basis import Basis, find, load_basis, take
from renwei.reach.outcomes_learnt import PRIORS
from renwei.reach.score import BY_NAME, SORTS, between, lift, net, ripe_need


def basis_of(bench: Bench) -> Basis:
    bench.ready(AT)
    return load_basis(bench.shop, AT, PRIORS)


def candidates(bench: Bench, sort: str, actor: int) -> dict[int, float]:
    basis = basis_of(bench)
    block = BY_NAME[sort].block(basis, np.array([basis.row(actor)]))
    return {int(i): float(s) for i, s in zip(block.items[0], block.scores[0], strict=True) if i}


@given(st.floats(0, 1), st.floats(0, 2))
def test_a_contact_never_moves_a_chance_out_of_its_range(p: float, effect: float) -> None:
    assert 0 <= float(lift(p, effect)) <= 1 - min(p, 0.9) + 1e-12


@given(st.floats(0.01, 0.89))
def test_who_buys_anyway_and_who_never_will_gain_less_than_the_undecided(p: float) -> None:
    assert float(lift(p, 0.4)) <= float(lift(0.45, 0.4)) + 0.002


def test_ripeness_rises_stays_and_falls() -> None:
    days = np.array([0.0, 3, 5, 7, 10, 16, 25.5, 35, 90])
    assert between(days, 3, 7, 16, 35).round(2).tolist() == [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0]


def test_a_need_is_ripe_after_one_rhythm_and_fades_when_nothing_came(bench: Bench) -> None:
    bench.crowd(5)
    basis = basis_of(bench)
    day = 86_400_000_000
    now = to_us(AT)

    def at(days: float) -> float:
        return float(ripe_need(basis, now - int(days * day), 40.0))

    assert at(40) == 1
    assert at(33) == pytest.approx(0.5)
    assert at(20) == 0
    assert at(66) == pytest.approx(0.5)
    assert at(90) == 0


def test_a_need_is_put_forward_when_it_falls_due(bench: Bench) -> None:
    bench.crowd(40)
    ann = bench.person("Ann")
    for k in range(4):
        bench.order(ann, 38 + 40 * k, [(11, 2)])
    assert bench.items[11] in candidates(bench, "need", ann)


def test_a_need_just_met_is_not_put_forward(bench: Bench) -> None:
    bench.crowd(40)
    ann = bench.person("Ann")
    for k in range(4):
        bench.order(ann, 2 + 40 * k, [(11, 2)])
    assert candidates(bench, "need", ann) == {}


def test_what_is_bought_once_is_no_need(bench: Bench) -> None:
    bench.crowd(40)
    ann = bench.person("Ann")
    bench.order(ann, 40, [(11, 2)])
    assert candidates(bench, "need", ann) == {}


def test_a_newcomer_is_asked_about_the_first_thing_after_a_week_not_at_once(bench: Bench) -> None:
    bench.crowd(40)
    early, ripe = bench.person("Early"), bench.person("Ripe")
    bench.order(early, 1, [(3, 1)])
    bench.order(ripe, 9, [(3, 1)])
    assert candidates(bench, "first_order", early) == {}
    basis = basis_of(bench)
    assert list(candidates(bench, "first_order", ripe)) == [int(basis.care_of[bench.items[3]])]


def test_only_something_new_to_her_is_worth_a_checkup(bench: Bench) -> None:
    bench.crowd(40)
    new, old = bench.person("New"), bench.person("Old")
    bench.order(new, 60, [(3, 1)])
    bench.order(new, 10, [(3, 1), (5, 1)])
    bench.order(old, 60, [(3, 1)])
    bench.order(old, 10, [(3, 1)])
    basis = basis_of(bench)
    assert list(candidates(bench, "checkup", new)) == [int(basis.care_of[bench.items[5]])]
    assert candidates(bench, "checkup", old) == {}


def test_at_risk_is_by_her_own_rhythm_not_by_days(bench: Bench) -> None:
    bench.crowd(40)
    monthly, yearly = bench.person("Monthly"), bench.person("Yearly")
    for k in range(6):
        bench.order(monthly, 75 + 30 * k, [(3, 1)])
    for k in range(3):
        bench.order(yearly, 75 + 365 * k, [(3, 1)])
    assert candidates(bench, "at_risk", monthly)
    assert candidates(bench, "at_risk", yearly) == {}


def test_a_refund_asks_for_a_word_until_she_orders_again(bench: Bench) -> None:
    bench.crowd(40)
    sad, calm = bench.person("Sad"), bench.person("Calm")
    for actor in (sad, calm):
        bench.order(actor, 50, [(3, 1)])
        bench.order(actor, 6, [(4, 1)], refunded=2_400)
    bench.order(calm, 2, [(5, 1)])
    assert candidates(bench, "refund", sad)
    assert candidates(bench, "refund", calm) == {}


def test_what_she_has_is_not_offered(bench: Bench) -> None:
    for k in range(30):
        both = bench.person(f"Both {k}")
        bench.order(both, 10 + k, [(3, 1), (4, 1)])
    has, lacks = bench.person("Has"), bench.person("Lacks")
    bench.order(has, 90, [(4, 1)])
    for actor in (has, lacks):
        bench.order(actor, 8, [(3, 1)])
    assert bench.items[4] in candidates(bench, "goes_with", lacks)
    assert candidates(bench, "goes_with", has) == {}


def test_what_is_out_of_season_is_not_put_forward(bench: Bench) -> None:
    bench.crowd(40)
    for k in range(30):
        bench.order(bench.person(f"Summer {k}"), 150 + k, [(4, 1)])
    ann = bench.person("Ann")
    for k in range(3):
        bench.order(ann, 160 + 150 * k, [(4, 2), (3, 1)])
    assert bench.items[4] not in candidates(bench, "need", ann)


def test_permission_is_asked_of_good_customers_only(bench: Bench) -> None:
    bench.crowd(40)
    good, once = bench.person("Good"), bench.person("Once")
    for k in range(6):
        bench.order(good, 8 + 20 * k, [(30, 3)])
    bench.order(once, 8, [(30, 3)])
    assert candidates(bench, "permission", good)
    assert candidates(bench, "permission", once) == {}


def test_the_minutes_of_the_human_are_paid(bench: Bench) -> None:
    bench.crowd(60)
    basis = basis_of(bench)
    rows = np.arange(len(basis))
    for sort in SORTS:
        block = sort.block(basis, rows)
        there = block.items > 0
        cost = sort.minutes * basis.minute_minor
        gains = net(basis, sort, block, rows)[there] / 1024
        assert np.allclose(gains, block.scores[there] - cost, atol=basis.basket / 999)
        assert (net(basis, sort, block, rows)[~there] == 0).all()


def test_one_row_alone_scores_as_within_the_whole_shop(bench: Bench) -> None:
    bench.crowd(60)
    basis = basis_of(bench)
    rows = np.arange(len(basis))
    for sort in SORTS:
        whole = sort.block(basis, rows)
        for row in rows[::7]:
            alone = sort.block(basis, np.array([row]))
            assert alone.items[0].tolist() == whole.items[row].tolist()
            assert (
                net(basis, sort, alone, np.array([row]))[0].tolist()
                == net(basis, sort, whole, rows)[row].tolist()
            )


def test_an_empty_shop_has_no_rows_and_no_fault(bench: Bench) -> None:
    basis = basis_of(bench)
    assert len(basis) == 0
    assert basis.row(7) == -1
    assert basis.basket == 5_950  # the middle thing on sale


def test_find_and_take_know_what_is_not_there() -> None:
    known = np.array([2, 5, 9])
    rows = find(known, np.array([[5, 1], [9, 10]]))
    assert rows.tolist() == [[1, -1], [2, -1]]
    assert take(np.array([20, 50, 90]), rows, 0).tolist() == [[50, 0], [90, 0]]
    assert find(np.zeros(0), np.array([3])).tolist() == [-1]
