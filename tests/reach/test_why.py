from __future__ import annotations

import msgspec
import pytest
from tests.reach.shops import AT, DAY, Bench

from renwei.core.errors import UnknownName
from renwei.core.nouns import NOTHING
from renwei.reach.answers import TodayAnswer, TodayRequest, WhyRequest
from renwei.reach.operations import today, why


def ask(bench: Bench) -> TodayAnswer:
    return today(bench.shop, TodayRequest(limit=12))


def test_the_record_tells_inputs_candidates_odds_and_consent_and_replays(busy: Bench) -> None:
    for line in ask(busy).people:
        told = why(busy.shop, WhyRequest(decision=line.decision_id))
        assert (told.replays, told.replay, told.gone) == (True, "same", [])
        assert told.person == line.person
        assert sum(c.chosen for c in told.candidates) == 1
        assert NOTHING in [c.item for c in told.candidates]
        assert told.inputs["people"]["orders"] >= 1
        assert told.consent.endswith(":unknown")
        assert told.policy.startswith("hold-out@1 share=0.05")
        assert 0 < told.odds[0] <= 1
        assert [reason.text for reason in told.reasons] == [r.text for r in line.reasons]
        assert told.position == busy.store.log.position()
        assert msgspec.json.decode(msgspec.json.encode(told))["surface"] == "today"


def test_the_chosen_has_the_highest_score_unless_chance_chose(busy: Bench) -> None:
    for line in ask(busy).people:
        told = why(busy.shop, WhyRequest(decision=line.decision_id))
        if told.reasons[0].code != "exploring":
            assert told.candidates[0].chosen
            assert told.candidates[0].score_minor > 0


def test_the_price_of_a_place_on_the_list_is_shown(busy: Bench) -> None:
    line = ask(busy).people[-1]
    told = why(busy.shop, WhyRequest(decision=line.decision_id))
    assert told.prices_minor["today/lines"] > 0


def test_removals_are_told_by_guard_and_in_words(busy: Bench) -> None:
    ask(busy)
    made = busy.store.ledger.between(AT - DAY, AT + DAY, "today")
    removed = [decision for decision in made if decision.removed]
    assert removed
    for decision in removed[:10]:
        told = why(busy.shop, WhyRequest(decision=decision.id))
        assert told.removed
        for one in told.removed:
            assert one.text != f"reasons.removed_{one.guard}"
            assert one.title


def test_inputs_no_longer_kept_are_named_as_gone_and_the_draw_still_replays(busy: Bench) -> None:
    line = ask(busy).people[0]
    busy.shop.shelf.drop("needs")
    told = why(busy.shop, WhyRequest(decision=line.decision_id))
    assert told.gone == ["needs"]
    assert told.replay == "same"


def test_the_estimates_of_the_decision_are_shown_not_those_of_today(busy: Bench) -> None:
    line = ask(busy).people[0]
    before = why(busy.shop, WhyRequest(decision=line.decision_id)).inputs
    busy.order(int(busy.store.people.search(line.person)[0]), 0.01, [(3, 1)])
    ask(busy)
    assert why(busy.shop, WhyRequest(decision=line.decision_id)).inputs == before


def test_an_unknown_decision_is_a_clear_error(busy: Bench) -> None:
    with pytest.raises(UnknownName, match="unknown_decision"):
        why(busy.shop, WhyRequest(decision="0190-nothing"))
