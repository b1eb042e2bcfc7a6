from __future__ import annotations

from typing import Any

from tests.reach.shops import AT, Bench

from renwei.core.chance import from_id
from renwei.core.decide import decide
from renwei.core.nouns import NOTHING, Ask, Decision
from renwei.core.policies import policy_named
from renwei.core.slate import to_grid
from renwei.reach.answers import TodayRequest
from renwei.reach.basis import load_basis
from renwei.reach.guards import OVER_LIMIT, Reserved, house_guards
from renwei.reach.history import read_history
from renwei.reach.listing import Drawn, draw_up
from renwei.reach.operations import today
from renwei.reach.outcomes_learnt import PRIORS
from renwei.reach.plan import Limits
from renwei.reach.sources import contacts
from renwei.testing import check_guard, check_source


def variety(bench: Bench) -> Bench:
    """People for every sort of contact, so that each reason is met."""
    with bench.at_once():
        _variety(bench)
    return bench


def _variety(bench: Bench) -> None:
    for k in range(40):
        both = bench.person(f"Both {k}")
        bench.order(both, 40 + k, [(78, 1), (79, 1)])
    for k in range(6):
        guest = bench.person(f"Yes {k}", marketing="given")
        bench.order(guest, 8, [(78, 1)])
        sad = bench.person(f"Sad {k}")
        bench.order(sad, 70, [(70 + k, 1)])
        bench.order(sad, 5, [(70 + k, 3)], refunded=25_000)
        new = bench.person(f"New {k}")
        bench.order(new, 9, [(60 + k, 3)])
        tried = bench.person(f"Tried {k}")
        bench.order(tried, 11, [(50 + k, 3), (60 + k, 3)])
        bench.order(tried, 31, [(60 + k, 3)])


def drawn_for(bench: Bench, lines: int = 80) -> Drawn:
    return draw_up(bench.shop, AT, Limits(lines))


def test_every_source_keeps_its_promises(busy: Bench) -> None:
    variety(busy)
    drawn = drawn_for(busy)
    asks = [Ask(p, drawn.surface, AT) for p in busy.store.people.all_persons()[::4]]
    stranger = Ask(999, drawn.surface, AT)
    for source in drawn.sources:
        check_source(source, [*asks, stranger])


def test_every_guard_keeps_its_promises(busy: Bench) -> None:
    drawn = drawn_for(busy)
    asks = [drawn.decisions.asks.ask(k) for k in range(0, 240, 9)]
    slates = [source.propose(ask) for ask in asks for source in drawn.sources]
    for guard in house_guards(busy.shop, read_history(busy.shop, AT), drawn.surface, AT):
        check_guard(guard, asks[:6], slates[:30])


def test_the_whole_list_agrees_with_one_decision_after_another(busy: Bench) -> None:
    variety(busy)
    drawn = drawn_for(busy, 15)
    for row in range(len(drawn.decisions)):
        many = drawn.decisions.row(row)
        one = alone(busy, drawn, row, many)
        for part in ("chosen", "odds", "items", "scores", "removed", "consent", "reasons"):
            assert getattr(one, part) == getattr(many, part), part


def alone(bench: Bench, drawn: Drawn, row: int, many: Decision) -> Decision:
    guards: list[Any] = house_guards(bench.shop, read_history(bench.shop, AT), drawn.surface, AT)
    refused = frozenset(r.item for r in many.removed if r.guard == OVER_LIMIT)
    guards.append(Reserved({many.person: refused}))
    return decide(
        drawn.decisions.asks.ask(row),
        sources=drawn.sources,
        guards=guards,
        policy=policy_named(many.policy),
        permits=bench.shop.permits,
        ledger=bench.store.ledger,
    )


def test_without_the_named_cause_every_line_scores_less(busy: Bench) -> None:
    variety(busy)
    drawn = drawn_for(busy)
    named = {source.name: source for source in drawn.sources}
    met = set()
    for row in drawn.rows:
        decision = drawn.decisions.row(row)
        item, reason = decision.chosen[0], decision.reasons[0]
        source = named[decision.sources[decision.items.index(item)]]
        if reason.code == "exploring":
            continue
        ask = drawn.decisions.asks.ask(row)
        slate = source.propose(ask)
        score = slate.scores[slate.items.index(item)]
        assert to_grid([source.rescore(ask, item, reason)])[0] < score
        met.add(source.name)
    assert met >= {"need", "at_risk", "refund", "first_order", "permission"}


def test_without_the_orders_named_as_evidence_the_line_is_worth_less(busy: Bench) -> None:
    """The whole chain: the orders are taken back, the estimates are learnt anew."""
    variety(busy)
    drawn = drawn_for(busy, 30)
    # A late or refunded person is not worth less without her last order: only what a
    # purchase gave rise to can be taken away by taking back the purchase.
    caused = {"need", "first_order", "checkup", "goes_with", "permission"}
    before: dict[int, tuple[int, int]] = {}
    for row in drawn.rows:
        decision = drawn.decisions.row(row)
        item = decision.chosen[0]
        if decision.sources[decision.items.index(item)] in caused and decision.reasons[0].evidence:
            before[decision.person] = (item, _raw(drawn, row, item))
            take_back(busy, decision)
    assert len(before) >= 15
    after = drawn_for(busy, 30)
    for person, (item, score) in before.items():
        row = after.basis.row(person)
        assert row < 0 or _raw(after, row, item) < score


def _raw(drawn: Drawn, row: int, item: int) -> int:
    slates = drawn.decisions.slates
    found = [
        int(s) for i, s in zip(slates.items[row], slates.scores[row], strict=True) if i == item
    ]
    return found[0] if found else -(1 << 60)


def take_back(bench: Bench, decision: Decision) -> None:
    evidence = set(decision.reasons[0].evidence)
    product = int(decision.reasons[0].values.get("item", 0))
    for event in list(bench.store.log.of(bench.store.people.actors_of(decision.person))):
        holds = any(line[0] == product for line in event.body["lines"])
        if event.seq in evidence or (product and holds):
            lines = [(bench.items.index(line[0]), line[1]) for line in event.body["lines"]]
            value = 1 << 40
            bench.order(
                decision.person,
                0.5,
                lines,
                refunded=value,
                kind="order-change",
                order=event.body["order"],
            )


def test_a_reason_names_the_true_quantity_and_time_of_the_last_purchase(bench: Bench) -> None:
    bench.crowd(60)
    ann = bench.person("Ann")
    for k, n in enumerate((2, 5, 5, 5)):
        bench.order(ann, 42 + 41 * k, [(70, n)])
    bench.ready(AT)
    basis = load_basis(bench.shop, AT, PRIORS)
    need = next(c for c in contacts(basis, bench.store) if c.name == "need")
    reason = need.reason(Ask(ann, drawn_for(bench).surface, AT), bench.items[70])
    assert reason.code == "need_due"
    assert reason.values["days"] == 42
    assert reason.values["quantity"] == 2
    assert reason.values["cycle_days"] == 41
    assert len(reason.evidence) == 3


def test_the_sentence_says_it_as_a_shop_assistant_would(sure: Bench) -> None:
    sure.crowd(30)
    ann = sure.person("Ann")
    for k in range(4):
        sure.order(ann, 42 + 41 * k, [(70, 2)])
    answer = today(sure.shop, TodayRequest(limit=40))
    line = next(x for x in answer.people if x.name == "Ann")
    assert line.what == "Soap 70 (running out)"
    assert line.reasons[0].text == (
        "Bought 2 × Soap 70 6 weeks ago and comes back for it about every 41 days."
    )


def test_nothing_is_chosen_for_most(busy: Bench) -> None:
    chosen = drawn_for(busy, 10).decisions.chosen[:, 0]
    assert (chosen == NOTHING).sum() >= 230


def test_what_is_listed_is_what_was_recorded(busy: Bench) -> None:
    answer = today(busy.shop, TodayRequest(limit=12))
    for line in answer.people:
        kept = busy.store.ledger.get(line.decision_id)
        assert kept is not None
        assert kept.person == from_id(line.person)
        assert kept.chosen[0] != NOTHING
        assert kept.at == AT
