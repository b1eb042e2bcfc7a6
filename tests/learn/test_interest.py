from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.learn.behaviour import FOUND, found_by, rows_of
from renwei.learn.interest import (
    CODE,
    DAY_US,
    HALF_LIFE_DAYS,
    INTENTS,
    NAMES,
    Sums,
    creator_number,
    intents_of,
    interest_of,
    no_interest,
)
from renwei.learn.standing import MOST, peers_of, rhythm_of, standing

NOW = 1_000 * DAY_US


def sums(*rows: tuple[int, str, int, int, int, float]) -> Sums:
    """Rows of person, name, item, n, amount, days ago."""
    table: Any = list(zip(*rows, strict=True)) or [()] * 6
    names = ("person", "name", "item", "n", "amount")
    last = [NOW - round(days * DAY_US) for days in table[5]]
    return Sums.of({**dict(zip(names, table[:5], strict=True)), "last_us": last})


def points(*rows: tuple[int, str, int, int, int, float]) -> dict[tuple[int, int], float]:
    found = interest_of(sums(*rows), NOW, {})
    return dict(
        zip(
            zip(found.person.tolist(), found.item.tolist(), strict=True),
            found.points.tolist(),
            strict=True,
        )
    )


def test_nothing_is_no_interest() -> None:
    assert len(interest_of(sums(), NOW, {})) == len(no_interest()) == 0


def test_points_halve_in_a_week() -> None:
    fresh, old = points((1, "like", 5, 1, 1, 0)), points((1, "like", 5, 1, 1, HALF_LIFE_DAYS))
    assert old[1, 5] == pytest.approx(fresh[1, 5] / 2)


def test_longer_looks_and_more_of_them_count_more() -> None:
    short, long, twice = (
        points((1, "view", 5, n, ms, 0))[1, 5] for n, ms in ((1, 1_000), (1, 60_000), (2, 60_000))
    )
    assert 0 < short < long < twice


def test_a_row_that_knows_of_later_events_is_left_out() -> None:
    assert points((1, "view", 5, 9, 99_000, -0.01)) == {}


@pytest.mark.parametrize(("done", "undo"), [("like", "unlike"), ("cart", "uncart")])
def test_what_is_taken_back_later_counts_no_more(done: str, undo: str) -> None:
    assert points((1, done, 5, 1, 1, 2), (1, undo, 5, 1, 1, 1)) == {}
    assert (1, 5) in points((1, done, 5, 1, 1, 1), (1, undo, 5, 1, 1, 2))
    assert (1, 5) in points((1, done, 5, 1, 1, 2), (1, undo, 6, 1, 1, 1))
    assert (1, 5) in points((1, done, 5, 1, 1, 2), (2, undo, 5, 1, 1, 1))


def test_a_follow_lifts_each_thing_of_the_creator() -> None:
    creator = creator_number("Pebble")
    rows = sums((1, "follow", creator, 1, 1, 0), (2, "follow", 77, 1, 1, 0))
    found = interest_of(rows, NOW, {creator: [4, 9]})
    assert list(zip(found.person.tolist(), found.item.tolist(), strict=True)) == [(1, 4), (1, 9)]


_ROWS = st.lists(
    st.tuples(
        st.integers(1, 3), st.sampled_from(NAMES), st.integers(0, 4), st.integers(1, 5),
        st.integers(0, 90_000), st.integers(0, 30).map(float),
    ),
    max_size=25,
)  # fmt: skip


@given(_ROWS)
def test_people_do_not_change_each_other(rows: list[tuple[int, str, int, int, int, float]]) -> None:
    whole = points(*rows)
    for person in (1, 2, 3):
        alone = points(*[row for row in rows if row[0] == person])
        assert {key: value for key, value in whole.items() if key[0] == person} == pytest.approx(
            alone
        )


@given(_ROWS, st.randoms())
def test_the_order_of_rows_does_not_matter(
    rows: list[tuple[int, str, int, int, int, float]], dice: Any
) -> None:
    mixed = list(rows)
    dice.shuffle(mixed)
    assert points(*mixed) == pytest.approx(points(*rows))
    a, b = (intents_of(sums(*r), NOW, {}, {}) for r in (rows, mixed))
    assert a[0].tolist() == b[0].tolist()
    assert a[1].tolist() == b[1].tolist()


@given(_ROWS)
def test_rows_cut_up_add_up_to_the_same(
    rows: list[tuple[int, str, int, int, int, float]],
) -> None:
    pieces = [(p, name, i, 1, 0, d) for p, name, i, n, _, d in rows for _ in range(n - 1)]
    pieces += [(p, name, i, 1, amount, d) for p, name, i, _, amount, d in rows]
    assert points(*pieces) == pytest.approx(points(*rows))


def test_pairs_are_sorted_by_person_and_falling_points() -> None:
    found = interest_of(
        sums((2, "view", 1, 1, 0, 1), (1, "view", 1, 1, 0, 5), (1, "cart", 2, 1, 1, 0)), NOW, {}
    )
    assert found.person.tolist() == [1, 1, 2]
    assert found.item.tolist() == [2, 1, 1]


def intent(*rows: tuple[int, str, int, int, int, float], ordered: int = 0) -> str:
    person, code = intents_of(sums(*rows), NOW, {1: ordered}, {1: 7, 2: 7, 3: 8})
    return INTENTS[int(code[0])] if len(person) else ""


def test_intent_is_what_was_done_last_and_strongest() -> None:
    assert intent() == ""
    assert intent((1, "view", 1, 1, 0, 1)) == "browsing"
    assert intent((1, "view", 1, 1, 0, 8)) == ""
    assert intent((1, "view", 1, 2, 0, 1), (1, "view", 2, 1, 0, 1)) == "comparing"
    assert intent((1, "view", 1, 2, 0, 1), (1, "view", 3, 1, 0, 1)) == "browsing"
    assert intent((1, "view", 3, 3, 0, 1)) == "comparing"
    assert intent((1, "cart", 1, 1, 1, 1)) == "about_to_buy"
    assert intent((1, "cart", 1, 1, 1, 4)) == "browsing"
    assert intent((1, "cart", 1, 1, 1, 1), ordered=NOW - DAY_US // 2) == ""
    assert intent((1, "cart", 1, 1, 1, 1), (1, "help", 0, 1, 1, 2)) == "needs_help"
    assert intent((1, "help", 0, 1, 1, 1), ordered=NOW - DAY_US // 2) == "needs_help"


def test_a_search_that_finds_too_much_finds_nothing() -> None:
    texts = {k: f"soap {k}" for k in range(100)}
    assert found_by(["soap", "soap 99", "nothing"], texts) == {
        "soap": [], "soap 99": [99], "nothing": [],
    }  # fmt: skip
    assert len(found_by(["soap 1"], texts)["soap 1"]) == 0
    assert len(found_by(["soap"], dict.fromkeys(range(5), "soap"))["soap"]) == FOUND


def test_events_add_their_rows_and_others_none() -> None:
    assert list(rows_of("search", 0, {"keyword": "mask"}, {"mask": [3, 4]})) == [
        ("search", 0, 1), ("sought", 3, 1), ("sought", 4, 1),
    ]  # fmt: skip
    assert list(rows_of("search", 0, {"keyword": "退款"}, {})) == [("search", 0, 1), ("help", 0, 1)]
    assert list(rows_of("follow", 0, {}, {})) == [("follow", 0, 1)]
    assert list(rows_of("order", 5, {}, {})) == []
    assert {name for name in NAMES if name not in CODE} == set()


def test_a_newcomer_has_a_row_without_a_stage() -> None:
    none = np.zeros(0)
    row = standing(none, none.astype(np.int64), as_of=0.0, rhythm=rhythm_of(None), peers={})
    assert (row["orders"], row["spend_minor"], row["stage"]) == (0, 0, -1)


def test_peers_are_those_with_as_many_orders() -> None:
    orders = np.repeat([1, 2, 4], 10)
    columns = {
        "orders": orders,
        "last_us": np.full(30, NOW),
        "spend_minor": orders * 1_000,
        "p30": np.repeat([0.1, 0.3, 0.6], 10),
        "year_value": np.repeat([2_000.0, 5_000.0, 9_000.0], 10),
    }
    peers = peers_of(columns, NOW)
    assert peers["p30"][[0, 1, 2, 3, 4, MOST]].tolist() == [0.1, 0.1, 0.3, 0.3, 0.6, 0.6]
    row = standing(
        np.array([1.0, 2.0]), np.array([500, 500]), as_of=3.0, rhythm=rhythm_of(None), peers=peers
    )
    assert (row["p30"], row["year_value"]) == (0.3, 2_500.0)
    assert peers_of({name: column[:0] for name, column in columns.items()}, NOW)[
        "p30"
    ].tolist() == [0.0] * (MOST + 1)
