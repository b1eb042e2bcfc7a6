"""Policies: what they refuse, how they are built again, and their odds in corners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from renwei.core.columns import Asks, Slates
from renwei.core.errors import UnknownName
from renwei.core.nouns import NOTHING, Ask, Surface
from renwei.core.policies import POLICIES, Best, FixedOdds, HoldOut, Wrappable, policy_named
from renwei.core.ports import Policy
from renwei.core.slate import Slate

AT = datetime(2026, 3, 1, tzinfo=UTC)
HOME = Surface("home", ("product",), "profiling", "order", timedelta(days=30), slots=3)


def slate(*items: int, scores: tuple[float, ...] = ()) -> Slate:
    return Slate.of("s", "new", list(items), list(scores) or [1.0] * len(items))


@pytest.mark.parametrize(
    "policy",
    [
        Best(),
        Best(explore=1 / 3, at_most=2),
        FixedOdds({NOTHING: 1, 5: 0.1}),
        FixedOdds({}),
        HoldOut(HoldOut(FixedOdds({5: 1}), 0.1, "in", control=5), 0.05, "today/holdout"),
    ],
    ids=lambda policy: policy.name,
)
def test_a_policy_is_built_again_from_its_name(policy: Policy) -> None:
    assert policy_named(policy.name) == policy


def test_an_unknown_policy_version_is_named_with_the_nearest_known() -> None:
    with pytest.raises(UnknownName) as unknown:
        policy_named("best@7 explore=0.1")
    assert unknown.value.values["name"] == "best@7"
    assert unknown.value.values["suggestion"] == "best@1"


def test_a_plugins_policy_is_built_by_whoever_knows_it() -> None:
    known = {**POLICIES, "mine@1": lambda settings, inner: Best(float(settings["e"]))}
    assert policy_named("mine@1 e=0.5", known) == Best(0.5)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Best(explore=share)
    with pytest.raises(ValueError, match="between 0 and 1"):
        HoldOut(Best(), share, "s")


@pytest.mark.parametrize("salt", ["", "two words", "a|b", "a=b"])
def test_a_salt_is_one_word(salt: str) -> None:
    with pytest.raises(ValueError, match="one word"):
        HoldOut(Best(), 0.1, salt)


@pytest.mark.parametrize("weight", [-1.0, float("inf"), float("nan")])
def test_weights_are_weights(weight: float) -> None:
    with pytest.raises(ValueError, match="negative or not a number"):
        FixedOdds({1: weight})


@pytest.mark.parametrize(
    ("policy", "offer", "position", "odds"),
    [
        (Best(0.1), slate(), -1, 1.0),
        (Best(0.1), slate(1, 2), -1, 0.0),
        (Best(0.1), slate(1, 2, scores=(1, 2)), 0, 0.05),
        (FixedOdds({1: 1}), slate(), -1, 1.0),
        (FixedOdds({1: 1}), slate(2), -1, 1.0),
        (FixedOdds({}), slate(2, NOTHING), 1, 1.0),
        (FixedOdds({1: 1}), slate(2), 0, 0.0),
        (FixedOdds({1: 1}), slate(2, NOTHING), 1, 1.0),
        (FixedOdds({1: 1, 2: 3}), slate(2, 1), 0, 0.75),
        (HoldOut(Best(0.0), 0.2, "h", control=9), slate(1, 2, scores=(1, 2)), 1, 1.0),
        (HoldOut(Best(0.0), 0.2, "h", control=1), slate(1, 2, scores=(1, 2)), 0, 0.2),
        (HoldOut(Best(0.0), 0.2, "h"), slate(1), -1, 0.2),
    ],
)
def test_first_odds_are_known_for_every_position_and_for_silence(
    policy: Wrappable, offer: Slate, position: int, odds: float
) -> None:
    assert policy.first_odds(offer, position) == pytest.approx(odds)
    if offer.items:
        columns = Slates(
            np.array([offer.items]),
            np.array([offer.scores]),
            live=np.ones((1, len(offer)), dtype=bool),
        )
        assert policy.first_odds_many(columns, np.array([position])).tolist() == pytest.approx(
            [odds]
        )


def test_a_hold_out_without_silence_on_offer_is_an_empty_answer_with_its_odds() -> None:
    policy = HoldOut(Best(0.0), 1.0, "h")
    picked = policy.choose(Ask(7, HOME, AT, 5), slate(1))
    assert (picked.positions, picked.odds) == ([], [1.0])
    columns = Slates(np.array([[1]]), np.array([[1024]]), live=np.ones((1, 1), dtype=bool))
    asks = Asks(np.array([7]), HOME, AT, units=np.array([5], dtype=np.uint64))
    many = policy.choose_many(asks, columns)
    assert (many.positions.tolist(), many.odds.tolist()) == ([[-1]], [[1.0]])


def test_a_visitor_without_a_name_is_held_out_by_the_draws_unit() -> None:
    policy = HoldOut(Best(0.0), 0.5, "h")
    held = [policy.holds(Ask(0, HOME, AT, unit)) for unit in range(1, 200)]
    assert 60 < sum(held) < 140


def test_groups_limit_one_answer_and_group_zero_is_no_group() -> None:
    grouped = Slate.of("s", "new", [1, 2, 3, 4], [4, 3, 2, 1], groups=[0, 0, 5, 5])
    picked = Best(0.0, at_most=1).choose(Ask(7, HOME, AT, 5, limit=4), grouped)
    assert [grouped.items[row] for row in picked.positions] == [1, 2, 3]


def test_what_chance_filled_is_marked_and_what_was_certain_is_not() -> None:
    ask, offer = Ask(7, HOME, AT, 5), slate(1, 2, scores=(2, 1))
    assert FixedOdds({1: 1, 2: 1}).choose(ask, offer).explored == (0,)
    assert FixedOdds({1: 1}).choose(ask, offer).explored == ()
    assert HoldOut(Best(0.0), 1.0, "h", control=2).choose(ask, offer).explored == (0,)
    assert HoldOut(Best(0.0), 1.0, "h").choose(ask, slate(1, NOTHING)).explored == ()
    assert Best(0.0).choose(ask, offer).explored == ()


@pytest.mark.parametrize("limit", [1, 3])
def test_a_ready_slate_is_chosen_from_as_if_it_came_anew(limit: int) -> None:
    policy = HoldOut(Best(explore=0.2), 0.1, "today/holdout")
    for scores in ((2.0, 5.0, 5.0, 0.0), (1.0, 1.0, 1.0, 1.0), (-3.0, -2.0, -4.0, 0.0)):
        ready = slate(8, 6, 3, NOTHING, scores=scores)
        ready.numbers = frozenset(ready.items)
        for unit in range(1, 200):
            ask = Ask(unit, HOME, AT, unit * 0x9E3779B9, limit)
            fresh = slate(8, 6, 3, NOTHING, scores=scores)
            assert policy.choose(ask, ready) == policy.choose(ask, fresh)
