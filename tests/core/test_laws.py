"""The laws of the loop (DESIGN.md, section 1), each by its number."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.core.batch import decide_many
from renwei.core.chance import u, u_many
from renwei.core.columns import Asks, Slates
from renwei.core.decide import BrokenPart, decide, replay, replays
from renwei.core.nouns import (
    NOTHING,
    Ask,
    Autonomy,
    ConsentState,
    Decision,
    Event,
    Reason,
    Removal,
    Surface,
    Trait,
)
from renwei.core.outcomes import derive
from renwei.core.permission import GUARDS, Standing
from renwei.core.policies import Best, FixedOdds, HoldOut, assignment, sticky
from renwei.core.ports import Guard, Policy, Source
from renwei.core.slate import Slate
from renwei.core.store import Effect
from renwei.learn.features import rfm_features
from renwei.stores.embedded import EmbeddedStore, open_store
from renwei.testing import FixedPermits, MemoryLedger, check_policy

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOME = Surface("home", ("product",), "profiling", "order", timedelta(days=30), slots=3)
TODAY = Surface("today", ("care",), "marketing", "order", timedelta(days=30), disturbs=True)
GIVEN = ConsentState.GIVEN


@dataclass
class Shelf:
    """A source over a fixed slate; `lowers` is what the named cause is worth."""

    slate: Slate
    name: str = "shelf"
    cause: Reason = field(default_factory=lambda: Reason("bought", {"times": 3}, (41,)))
    lowers: float = 1.0

    def propose(self, ask: Ask) -> Slate:
        return self.slate

    def reason(self, ask: Ask, item: int) -> Reason:
        return self.cause

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        return self.slate.scores[self.slate.items.index(item)] / 1024 - self.lowers


@dataclass
class Without:
    """A guard that removes some items, and remembers what it was shown."""

    items: set[int]
    name: str = "stock"
    shown: list[list[int]] = field(default_factory=list)

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        self.shown.append(list(slate.items))
        return [item not in self.items for item in slate.items]


def shelf(items: Sequence[int], scores: Sequence[float], **columns: Any) -> Shelf:
    return Shelf(Slate.of("shelf", "popular", items, scores, **columns))


def run(
    *sources: Source,
    ask: Ask | None = None,
    guards: Sequence[Guard] = (),
    policy: Policy | None = None,
    permits: FixedPermits | None = None,
    ledger: Any = None,
    effects: Any = None,
) -> Decision:
    return decide(
        ask or Ask(7, HOME, AT),
        sources=sources,
        guards=guards,
        policy=policy or Best(explore=0.0),
        permits=permits or FixedPermits(),
        ledger=ledger or MemoryLedger(),
        effects=effects,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    opened = open_store(tmp_path / "shop", keys=tmp_path / "keys")
    yield opened
    opened.close()


def test_law_01_guards_run_before_the_draw() -> None:
    goods = shelf([1, 2, 3, 4], [4, 3, 2, 1])
    stock = Without({1, 2})
    for k in range(50):
        decision = run(goods, ask=Ask(k, HOME, AT), guards=[stock], policy=Best(explore=1.0))
        assert decision.items == (3, 4, NOTHING)
        assert decision.odds[0] == pytest.approx(1 / 3)
        assert decision.removed == (Removal(1, "stock"), Removal(2, "stock"))


def test_law_01_a_guard_answers_once_for_the_whole_slate_and_its_mask_must_fit() -> None:
    stock = Without({1})
    run(shelf([1, 2, 3], [1, 1, 1]), guards=[stock])
    assert stock.shown == [[1, 2, 3]]

    class Short(Without):
        def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
            return [True]

    ledger = MemoryLedger()
    with pytest.raises(BrokenPart) as refused:
        run(shelf([1, 2, 3], [1, 1, 1]), guards=[Short(set())], ledger=ledger)
    assert refused.value.values == {"guard": "stock", "rows": 3, "got": 1}
    assert ledger.decisions == {}


def test_law_01_the_odds_of_each_slot_are_conditional_and_under_the_constraints() -> None:
    check_policy(Best(explore=0.4, at_most=1), at_most=1, rounds=3_000)
    goods = shelf([1, 2, 3], [3, 2, 1], groups=[1, 1, 2])
    ask = Ask(7, replace(HOME, silence=False), AT, limit=3)
    decision = run(goods, ask=ask, policy=Best(explore=0.0, at_most=1))
    assert (decision.chosen, decision.odds) == ((1, 3), (1.0, 1.0))
    assert replays(decision) == "same"


def test_law_02_a_decision_is_durable_before_any_answer(store: EmbeddedStore) -> None:
    class Watched:
        """The store's ledger, read back by an eye of its own before the kernel goes on."""

        def __init__(self) -> None:
            self.seen: list[Decision | None] = []

        def record(self, decision: Decision, effects: Sequence[Effect] = ()) -> Decision:
            kept = store.ledger.record(decision, effects)
            self.seen.append(store.ledger.get(decision.id))
            return kept

    ledger = Watched()
    decision = run(shelf([1, 2], [2, 1]), ledger=ledger)
    assert ledger.seen == [decision]


def test_law_02_effects_are_recorded_with_their_decision_or_not_at_all(
    store: EmbeddedStore,
) -> None:
    def effects(decision: Decision) -> list[Effect]:
        return [Effect(f"send/{decision.id}", "sms", decision.id, b"{}", AT)]

    decision = run(shelf([1], [1]), ledger=store.ledger, effects=effects)
    claimed = store.outbox.claim(AT, limit=9, lease_s=60)
    assert [effect.decision for effect in claimed] == [decision.id]

    def failing(decision: Decision) -> list[Effect]:
        raise OSError("no template")

    with pytest.raises(OSError, match="no template"):
        run(shelf([1], [1]), ledger=store.ledger, effects=failing)
    assert len(store.ledger.of([7])) == 1


def test_law_03_a_draw_is_fixed_by_unit_salt_and_slot_alike_in_python_and_numpy() -> None:
    units = np.array([1, 2, 2**63, 2**64 - 1], dtype=np.uint64)
    for salt, slot in (("a", 0), ("today/holdout", 3)):
        assert u_many(units, salt, slot).tolist() == [u(int(x), salt, slot) for x in units]


def test_law_03_the_unit_is_recorded_and_the_same_unit_draws_the_same() -> None:
    goods, chance = shelf(range(1, 30), range(29)), Best(explore=1.0)
    first = run(goods, ask=Ask(7, HOME, AT, unit=99), policy=chance)
    again = run(goods, ask=Ask(8, HOME, AT, unit=99), policy=chance)
    assert (first.unit, first.chosen) == (99, again.chosen)
    own = [run(goods, policy=chance) for _ in range(40)]
    assert len({decision.unit for decision in own}) == 40
    assert len({decision.chosen for decision in own}) > 10


def test_law_03_a_hold_out_sticks_to_the_person_whatever_the_decision() -> None:
    policy, goods = HoldOut(Best(explore=0.0), 0.5, "home/holdout"), shelf([1], [1])
    for person in range(1, 40):
        answers = {run(goods, ask=Ask(person, HOME, AT), policy=policy).chosen for _ in range(5)}
        assert len(answers) == 1


def test_law_03_after_a_merge_the_earliest_assignment_wins() -> None:
    salt = "home/holdout"
    policy = HoldOut(Best(explore=0.0), 0.5, salt)
    held = next(p for p in range(1, 99) if policy.holds(Ask(p, HOME, AT)))
    free = next(p for p in range(1, 99) if not policy.holds(Ask(p, HOME, AT)))
    early = assignment(Ask(held, HOME, AT - timedelta(days=9)), salt, actor=held)
    late = assignment(Ask(free, HOME, AT), salt, actor=free)
    assert assignment(Ask(held, HOME, AT), salt, actor=held).message_id == early.message_id
    assert sticky([], salt, free) == free
    unit = sticky([late, early], salt, free)
    merged = run(shelf([1], [1]), ask=Ask(free, HOME, AT, sticky=unit), policy=policy)
    assert (unit, merged.chosen) == (held, (NOTHING,))
    assert replays(merged) == "same"


def test_law_04_nothing_is_offered_where_silence_is_possible() -> None:
    bad = shelf([1, 2], [-1, -2])
    assert run(bad).chosen == (NOTHING,)
    spoken = run(bad, ask=Ask(7, replace(HOME, silence=False), AT))
    assert (spoken.items, spoken.chosen) == ((1, 2), (1,))


def test_law_04_an_empty_answer_is_a_recorded_decision_of_nothing_with_its_removals() -> None:
    ledger = MemoryLedger()
    mute = replace(HOME, silence=False)
    decision = run(
        shelf([1, 2], [5, 5]), ask=Ask(7, mute, AT), guards=[Without({1, 2})], ledger=ledger
    )
    assert ledger.get(decision.id) is decision
    assert (decision.items, decision.chosen, decision.odds) == ((NOTHING,), (NOTHING,), (1.0,))
    assert [removal.item for removal in decision.removed] == [1, 2]
    assert run(ask=Ask(7, mute, AT)).chosen == (NOTHING,)


def test_law_04_a_hold_out_is_the_probability_of_nothing_by_a_sticky_unit() -> None:
    policy, goods = HoldOut(Best(explore=0.0), 0.05, "home/holdout"), shelf([1], [1])
    n = 4_000
    decisions = [run(goods, ask=Ask(p, HOME, AT), policy=policy) for p in range(1, n + 1)]
    held = sum(decision.chosen == (NOTHING,) for decision in decisions)
    assert held / n == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / n) ** 0.5)
    logged = {decision.chosen: decision.odds[0] for decision in decisions}
    assert logged == {(NOTHING,): pytest.approx(0.05), (1,): pytest.approx(0.95)}


def test_law_04_no_guard_removes_nothing() -> None:
    goods = shelf([1, NOTHING], [-3, 0.25])
    assert run(goods, guards=[Without({1, NOTHING})]).items == (NOTHING,)


@pytest.mark.parametrize(
    ("lowers", "said"), [(1.0, "bought"), (0.0, "popular"), (-2.0, "popular"), (0.0001, "popular")]
)
def test_law_05_a_cause_is_cited_only_if_the_score_is_lower_without_it(
    lowers: float, said: str
) -> None:
    decision = run(replace(shelf([1, 2], [2, 1]), lowers=lowers))
    assert [reason.code for reason in decision.reasons] == [said]


def test_law_05_only_shown_items_pay_for_a_reason() -> None:
    asked: list[int] = []

    class Asked(Shelf):
        def reason(self, ask: Ask, item: int) -> Reason:
            asked.append(item)
            return Reason("popular")

    ask = Ask(7, replace(HOME, silence=False), AT, limit=2)
    decision = run(Asked(Slate.of("shelf", "popular", [1, 2, 3], [1, 2, 3])), ask=ask)
    assert (asked, len(decision.reasons)) == ([3, 2], 2)
    assert run(shelf([1], [-1])).reasons == ()


def test_law_05_what_chance_chose_is_not_given_a_cause() -> None:
    goods = shelf([1, 2, 3, 4], [4, 1, 1, 1])
    for k in range(60):
        decision = run(goods, ask=Ask(k, HOME, AT), policy=Best(explore=1.0))
        expected = {1: ("bought",), NOTHING: ()}.get(decision.chosen[0], ("exploring",))
        assert tuple(reason.code for reason in decision.reasons) == expected


def test_law_05_a_price_does_not_stand_between_a_cause_and_its_score() -> None:
    goods = shelf([1], [5])
    goods.slate.costs = {"sms": [1]}
    ask = Ask(7, HOME, AT, prices={"sms": 2 * 1024})
    decision = run(replace(goods, lowers=1.0), ask=ask)
    assert (decision.scores, decision.reasons[0].code) == ((3 * 1024, 0), "bought")


def test_law_06_one_kernel_two_calls() -> None:
    # A thousand random questions are in test_batch.py; here the shape of the promise.
    n, rng = 300, np.random.default_rng(6)
    items = np.argsort(rng.random((n, 40)), axis=1)[:, :12] + 1
    slates = Slates(
        items, rng.integers(-3, 4, items.shape) * 1024, live=rng.random(items.shape) < 0.8
    )
    policy = HoldOut(Best(explore=0.3), 0.1, "home/holdout")
    asks = Asks(np.arange(1, n + 1), HOME, AT)
    batch = decide_many(
        asks,
        slates,
        guards=[Without({3, 5})],
        policy=policy,
        permits=FixedPermits(),
        ledger=MemoryLedger(),
    )
    for k, many in enumerate(batch):
        slate, _ = batch.slates.slate(k)
        one = run(Shelf(slate), ask=batch.asks.ask(k), guards=[Without({3, 5})], policy=policy)
        own_words = tuple(Reason(r.code if r.code == "exploring" else "") for r in one.reasons)
        assert replace(one, id=many.id, reasons=own_words) == many


def test_law_06_ties_break_by_item_number_on_a_fixed_grid() -> None:
    goods = shelf([9, 4, 6], [1.00001, 1.0, 0.99999])
    decision = run(goods)
    assert decision.scores == (1024, 1024, 1024, 0)
    assert decision.chosen == (4,)


def test_law_07_permission_comes_first_and_cannot_be_removed_or_reordered() -> None:
    offers = shelf([1, 2], [9, 9], traits=[Trait.PROMOTION, Trait.CARE])

    class Opener(Without):
        def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
            super().keeps(ask, slate)
            return [True] * len(slate)

    opener = Opener(set())
    decision = run(offers, ask=Ask(7, TODAY, AT), guards=[opener])
    assert opener.shown == [[2]]
    assert decision.removed == (Removal(1, "consent_unknown"),)
    assert (decision.chosen, decision.consent) == ((2,), "care:unknown")


@given(
    st.lists(st.sampled_from([*Trait, Trait.CARE | Trait.AUTOMATIC]), min_size=1, max_size=6),
    st.sampled_from(list(Autonomy)),
    st.builds(Standing, *[st.sampled_from(list(ConsentState))] * 4, st.booleans(), st.booleans()),
)
@settings(max_examples=300, deadline=None)
def test_law_07_withdrawn_is_never_listed_and_unknown_is_never_sent(
    traits: list[Trait], how_far: Autonomy, standing: Standing
) -> None:
    offers = shelf(range(1, len(traits) + 1), [9] * len(traits), traits=traits)
    permits = FixedPermits(standing, how_far=how_far)
    decision = run(offers, ask=Ask(7, TODAY, AT), permits=permits, policy=Best(explore=1.0))
    for item in decision.items[:-1]:
        trait = traits[item - 1]
        if standing.purpose is ConsentState.WITHDRAWN:
            assert trait & Trait.SERVICE
            assert standing.service is not ConsentState.WITHDRAWN
        if trait & Trait.AUTOMATIC:
            assert how_far is Autonomy.ACT
            assert GIVEN in standing[:3]
    assert {removal.guard for removal in decision.removed} <= set(GUARDS)


def test_law_08_time_and_chance_enter_the_core_by_the_clock_and_the_hash_alone() -> None:
    import renwei.core

    folder = Path(renwei.core.__file__).parent
    for path in sorted(folder.glob("*.py")):
        called = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        forbidden = {"now", "utcnow", "today", "random", "default_rng", "urandom", "uuid4"}
        allowed = {"clock.py": {"now"}, "chance.py": {"urandom"}}.get(path.name, set())
        assert called & forbidden <= allowed, path.name


def test_law_08_an_outcome_as_of_a_time_is_blind_to_what_came_later() -> None:
    decision = run(shelf([1], [1]))
    orders = [
        Event(7, "order", AT + timedelta(days=d), bytes([d]), value_minor=100, currency="CNY")
        for d in (1, 5, 20)
    ]
    for days in (0, 1, 6, 21):
        at = AT + timedelta(days=days)
        past = [event for event in orders if event.at <= at]
        assert derive([decision], orders, HOME, at=at) == derive([decision], past, HOME, at=at)


def test_law_08_a_feature_served_for_one_equals_the_batch_at_a_thousand_random_moments() -> None:
    rng = np.random.default_rng(8)
    person = rng.integers(1, 40, 600)
    at = rng.integers(0, 86_400 * 700, 600)
    value = rng.integers(100, 90_000, 600)
    for _ in range(1_000):
        who, as_of = int(rng.integers(1, 40)), float(rng.integers(86_400 * 30, 86_400 * 720))
        everyone, batch = rfm_features(person, at, value, as_of=as_of)
        own, row = (person == who) & (at <= as_of), np.flatnonzero(everyone == who)
        assert len(row) == own.any()
        if not own.any():
            continue
        known, online = rfm_features(person[own], at[own], value[own], as_of=as_of)
        assert known.tolist() == [who]
        for name, column in online.items():
            np.testing.assert_array_equal(column, batch[name][row], err_msg=name)


def test_law_09_shared_limits_enter_as_prices_that_are_recorded() -> None:
    goods = shelf([1, 2], [5.0, 4.0])
    goods.slate.costs = {"coupon": [1000, 0], "sms": [1, 1]}
    free = run(goods)
    dear = run(goods, ask=Ask(7, HOME, AT, prices={"coupon": 2, "minutes": 9}))
    assert (free.chosen, dear.chosen) == ((1,), (2,))
    assert dear.scores == (5 * 1024 - 2000, 4 * 1024, 0)
    assert dear.prices == {"coupon": 2, "minutes": 9}
    assert goods.slate.scores == [5 * 1024, 4 * 1024]


def test_law_09_a_limit_that_is_used_up_removes_before_the_draw() -> None:
    goods = shelf([1, 2, 3], [5, 4, 3])
    goods.slate.costs = {"coupon": [3, 2, 0]}
    decision = run(goods, permits=FixedPermits(left={"coupon": 2}))
    assert decision.removed == (Removal(1, "budget"),)
    assert decision.chosen == (2,)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(-3, 3), st.integers(0, 3)), max_size=9),
    st.integers(1, 4),
    st.integers(1, 2**64 - 1),
    st.sampled_from(
        [
            Best(0.5, at_most=1),
            FixedOdds({1: 1, 2: 0.1, 3: 0.7, NOTHING: 0.2}),
            HoldOut(Best(0.5), 0.4, "hold"),
            HoldOut(FixedOdds({4: 0.1}), 0.4, "hold", control=4),
        ]
    ),
)
@settings(max_examples=1_000, deadline=None)
def test_law_10_the_record_replays_to_the_same_choice_and_odds(
    rows: list[tuple[int, int, int]], limit: int, unit: int, policy: Policy
) -> None:
    goods = shelf([r[0] for r in rows], [r[1] for r in rows], groups=[r[2] for r in rows])
    decision = run(goods, ask=Ask(unit % 50, HOME, AT, unit=unit, limit=limit), policy=policy)
    assert replays(decision) == "same"


def test_law_10_the_record_holds_what_the_policy_saw(store: EmbeddedStore) -> None:
    first = shelf([1, 2], [2, 1], groups=[1, 2])
    second = Shelf(Slate.of("new", "new", [2, 3], [9, 1]), name="new")
    first.slate.model, second.slate.model = "value@1", "rank@2"
    surface = replace(HOME, version=4)
    ask = Ask(7, surface, AT, position=88, map_version=3, prices={"sms": 5}, parent="p")
    kept = run(first, second, ask=ask, guards=[Without({3})], ledger=store.ledger)
    decision = store.ledger.get(kept.id)
    assert decision == kept
    assert (decision.items, decision.scores) == ((1, 2, NOTHING), (2048, 1024, 0))
    assert decision.sources == ("shelf", "shelf", "silence")
    assert decision.codes == ("popular", "popular", "silence")
    assert decision.removed == (Removal(3, "stock"),)
    assert (decision.policy, decision.model) == ("best@1 explore=0.0", "value@1 rank@2")
    assert (decision.surface_version, decision.position, decision.map_version) == (4, 88, 3)
    assert (decision.prices, decision.parent, decision.salt) == ({"sms": 5}, "p", "home/best")
    assert replays(decision) == "same"


def test_law_10_a_replay_says_what_is_gone() -> None:
    decision = run(shelf([1, 2], [2, 1]), policy=HoldOut(Best(), 0.5, "hold"))
    assert replays(replace(decision, policy="best@0 explore=0.1")) == "policy"
    assert replays(replace(decision, odds=(0.123,))) == "different"
    assert replays(replace(decision, person=0, odds=(0.123,))) == "person"
    assert replay(decision).salt == decision.salt


def test_law_10_logged_odds_are_the_frequencies_actually_played() -> None:
    goods, n = shelf([1, 2, 3], [3, 2, 1]), 5_000
    firsts = [run(goods, ask=Ask(k, HOME, AT), policy=Best(explore=0.6)) for k in range(n)]
    played = Counter(decision.chosen[0] for decision in firsts)
    for item, p in {decision.chosen[0]: decision.odds[0] for decision in firsts}.items():
        assert played[item] / n == pytest.approx(p, abs=4 * (p * (1 - p) / n) ** 0.5)
