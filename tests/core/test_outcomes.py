"""What happened is joined to what was decided: once, by a named rule, as far as it is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.core.errors import UnknownName
from renwei.core.nouns import NOTHING, Ask, Decision, Event, Outcome, Surface
from renwei.core.outcomes import Outcomes, derive
from renwei.core.policies import Best, HoldOut

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = Surface("today", ("care",), "marketing", "order", 30 * DAY, lateness=2 * DAY)
LATER = AT + 400 * DAY


def decision(
    name: str = "d",
    *,
    person: int = 7,
    day: float = 0,
    chosen: tuple[int, ...] = (1,),
    parent: str = "",
    surface: str = "today",
) -> Decision:
    return Decision(
        name, surface, person, AT + day * DAY, 1, "s", chosen, (1,) * len(chosen), (), (), (),
        chosen, (1.0,) * len(chosen), "best@1 explore=0.0", parent=parent,
    )  # fmt: skip


def order(
    day: float,
    value: int = 100,
    *,
    actor: int = 7,
    name: str = "",
    kind: str = "order",
    item: int = 0,
    currency: str = "CNY",
    **body: object,
) -> Event:
    name = name or f"o{day}"
    return Event(
        actor, kind, AT + day * DAY, f"{kind}{name}{body}".encode(), item, value, currency,
        body={"order": name, **body},
    )  # fmt: skip


def told(decisions: Sequence[Decision], events: Sequence[Event], **how: object) -> Outcomes:
    return derive(decisions, events, TODAY, **{"at": LATER, **how})  # type: ignore[arg-type]


def values(outcomes: Outcomes) -> dict[str, tuple[bool, int]]:
    return {row.decision: (row.happened, row.value_minor) for row in outcomes}


def test_an_order_in_the_window_answers_the_decision() -> None:
    outcomes = told([decision()], [order(3, 250)])
    assert outcomes.rows == (
        Outcome("d", 7, "today", 1, True, 250, "CNY", AT + 3 * DAY, provisional=False),
    )
    assert (len(outcomes), outcomes.rule, outcomes.unclaimed) == (1, "latest@1", 0)


@pytest.mark.parametrize(("day", "happened"), [(-1, 0), (0, 0), (0.001, 1), (30, 1), (30.001, 0)])
def test_the_window_opens_after_the_decision_and_closes_in_time(day: float, happened: int) -> None:
    outcomes = told([decision()], [order(day)])
    assert values(outcomes) == {"d": (bool(happened), 100 * happened)}
    assert outcomes.unclaimed == 1 - happened


def test_somebody_elses_order_and_another_kind_of_event_answer_nothing() -> None:
    outcomes = told([decision()], [order(3, actor=8), order(3, kind="click")])
    assert values(outcomes) == {"d": (False, 0)}
    assert outcomes.unclaimed == 1


def test_what_belongs_to_the_forgotten_is_joined_to_nobody() -> None:
    outcomes = told([decision("a", person=0), decision("b")], [order(3, actor=0)])
    assert values(outcomes) == {"b": (False, 0)}
    assert outcomes.unclaimed == 0


def test_an_actor_stands_for_its_person() -> None:
    assert values(told([decision()], [order(3, actor=8)], person_of={8: 7})) == {"d": (True, 100)}


def test_the_latest_decision_before_the_event_is_credited_and_the_rule_can_be_changed() -> None:
    decisions = [decision("b", day=5), decision("a"), decision("c", day=9)]
    events = [order(7, 101)]
    assert values(told(decisions, events)) == {"a": (False, 0), "b": (True, 101), "c": (False, 0)}
    first = told(decisions, events, rule="first@1")
    assert values(first) == {"a": (True, 101), "b": (False, 0), "c": (False, 0)}
    equal = told(decisions, events, rule="equal@1")
    assert values(equal) == {"a": (True, 50), "b": (True, 51), "c": (False, 0)}
    with pytest.raises(UnknownName) as unknown:
        told(decisions, events, rule="latest@2")
    assert unknown.value.values["suggestion"] == "latest@1"


def test_a_chain_is_credited_once_and_at_its_root() -> None:
    root = decision("root")
    child = decision("child", day=4, parent="root", surface="sms")
    grandchild = decision("grandchild", day=5, parent="child")
    orphan = decision("orphan", day=1, parent="gone", person=9)
    outcomes = told(
        [grandchild, child, root, orphan], [order(6, 80), order(6, 5, actor=9, name="y")]
    )
    assert values(outcomes) == {"root": (True, 80), "orphan": (True, 5)}
    late = told([root, grandchild, child], [order(34, 80)])
    assert values(late) == {"root": (True, 80)}


def test_parents_that_point_at_each_other_do_not_hang() -> None:
    ring = [decision("a", parent="b"), decision("b", parent="a")]
    assert sum(row.value_minor for row in told(ring, [order(1)])) in {100, 0}


def test_an_outcome_is_provisional_until_window_and_lateness_have_passed() -> None:
    edge = AT + 32 * DAY
    assert told([decision()], [], at=edge - DAY / 99).rows[0].provisional
    assert not told([decision()], [], at=edge).rows[0].provisional


def test_refunds_lower_the_value_and_what_is_no_longer_paid_does_not_count() -> None:
    paid = order(3, 250, name="x", status="paid")
    part = order(9, 250, name="x", kind="order-change", status="paid", refunded=100)
    whole = order(12, 250, name="x", kind="order-change", status="refunded", refunded=250)
    decided = [decision()]
    assert values(told(decided, [paid, part])) == {"d": (True, 150)}
    assert values(told(decided, [paid, part, whole])) == {"d": (False, 0)}
    before = told(decided, [paid, part, whole], at=AT + 4 * DAY)
    assert values(before) == {"d": (True, 250)}
    assert values(told(decided, [order(3, status="unpaid")])) == {"d": (False, 0)}


def test_a_late_payment_counts_at_the_time_of_the_order() -> None:
    unpaid = order(3, 250, name="x", status="unpaid")
    change = order(40, 250, name="x", kind="order-change", status="paid")
    rows = told([decision()], [unpaid, change]).rows
    assert (rows[0].value_minor, rows[0].at) == (250, AT + 3 * DAY)


def test_a_return_lowers_the_last_credited_decision_and_never_below_nothing() -> None:
    back = order(9, 60, kind="return")
    assert values(told([decision()], [order(3), back])) == {"d": (True, 40)}
    assert values(told([decision()], [order(3, 50), back])) == {"d": (True, 0)}
    assert values(told([decision()], [order(12), back])) == {"d": (True, 100)}
    assert values(told([decision()], [order(3), order(33, 60, kind="return")])) == {
        "d": (True, 100)
    }


def test_the_item_is_the_one_that_happened_where_it_was_shown() -> None:
    shown = decision(chosen=(4, 5))
    assert told([shown], [order(1, item=5)]).rows[0].item == 5
    assert told([shown], [order(1, item=6)]).rows[0].item == 4


def test_money_of_another_currency_is_not_added_up() -> None:
    rows = told([decision()], [order(1), order(2, 900, currency="USD"), order(3)]).rows
    assert (rows[0].value_minor, rows[0].currency) == (200, "CNY")


def test_the_held_out_have_outcomes_so_that_lift_can_be_measured() -> None:
    policy = HoldOut(Best(explore=0.0), 0.3, "today/holdout")
    people = range(1, 2_001)
    held = {p for p in people if policy.holds(Ask(p, TODAY, AT))}
    decisions = [
        decision(f"d{p}", person=p, chosen=(NOTHING,) if p in held else (1,)) for p in people
    ]
    # One in five buys anyhow; of those who were contacted, one in four.
    buyers = [p for p in people if p % 5 == 0 or (p not in held and p % 20 == 1)]
    outcomes = told(decisions, [order(3, actor=p, name=f"o{p}") for p in buyers])
    rate = {
        arm: [row.happened for row in outcomes if (row.person in held) is arm]
        for arm in (True, False)
    }
    share = {arm: sum(rows) / len(rows) for arm, rows in rate.items()}
    error = (0.2 * 0.8 / len(rate[True]) + 0.25 * 0.75 / len(rate[False])) ** 0.5
    assert share[False] - share[True] == pytest.approx(0.05, abs=4 * error)
    assert len(outcomes) == 2_000


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=6),
    st.lists(
        st.tuples(st.integers(1, 99), st.integers(1, 1_000)), max_size=6, unique_by=lambda o: o[0]
    ),
    st.sampled_from(["latest@1", "first@1", "equal@1"]),
)
def test_every_cent_is_credited_once_under_every_rule(
    days: list[int], orders: list[tuple[int, int]], rule: str
) -> None:
    decisions = [decision(f"d{k}", day=day) for k, day in enumerate(days)]
    outcomes = told(decisions, [order(day, value) for day, value in orders], rule=rule)
    inside = [v for day, v in orders if any(0 < day - start <= 30 for start in days)]
    assert sum(row.value_minor for row in outcomes) == sum(inside)
    assert outcomes.unclaimed == len(orders) - len(inside)
