from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from renwei.core.errors import BadInput, UnknownName
from renwei.people.consent import (
    ConsentGive,
    ConsentShow,
    ConsentWithdraw,
    consent_give,
    consent_show,
    consent_withdraw,
)

PHONE = "+8613700000001"


@pytest.fixture
def known(town: Any) -> Any:
    town.buys(PHONE, 3)
    return town


def test_what_was_never_said_is_unknown(known: Any) -> None:
    told = consent_show(known.shop, ConsentShow(person=PHONE))
    assert {state for states in told.states.values() for state in states.values()} == {"unknown"}
    assert told.statements == []


def test_a_yes_keeps_its_proof_wording_and_time(known: Any) -> None:
    ask = ConsentGive(
        person=PHONE, purpose="marketing", source="form", channel="email", text_version="v3"
    )
    told = consent_give(known.shop, ask)
    assert told.states["marketing"] == {"*": "unknown", "email": "given"}
    kept = told.statements[0]
    assert (kept.source, kept.text_version, kept.at) == ("form", "v3", known.shop.clock.now())


def test_a_yes_without_proof_is_refused(known: Any) -> None:
    with pytest.raises(BadInput) as caught:
        consent_give(known.shop, ConsentGive(person=PHONE, purpose="marketing", source=" "))
    assert caught.value.code == "consent_source"
    assert consent_show(known.shop, ConsentShow(person=PHONE)).statements == []


def test_a_withdrawal_without_purpose_closes_everything_and_history_stays(known: Any) -> None:
    consent_give(known.shop, ConsentGive(person=PHONE, purpose="marketing", source="form"))
    known.shop.clock.advance(timedelta(days=1))
    told = consent_withdraw(known.shop, ConsentWithdraw(person=PHONE))
    assert {states["*"] for states in told.states.values()} == {"withdrawn"}
    assert [s.state for s in told.statements].count("given") == 1
    known.shop.clock.advance(timedelta(days=1))
    later = consent_give(known.shop, ConsentGive(person=PHONE, purpose="care", source="call"))
    assert later.states["care"]["*"] == "given"
    assert later.states["marketing"]["*"] == "withdrawn"


def test_a_later_stop_to_everything_closes_a_channel_opened_before(known: Any) -> None:
    yes = ConsentGive(person=PHONE, purpose="marketing", source="form", channel="email")
    consent_give(known.shop, yes)
    known.shop.clock.advance(timedelta(days=1))
    told = consent_withdraw(known.shop, ConsentWithdraw(person=PHONE, purpose="marketing"))
    assert told.states["marketing"] == {"*": "withdrawn", "email": "withdrawn"}


def test_the_past_can_be_asked(known: Any) -> None:
    before = known.shop.clock.now()
    known.shop.clock.advance(timedelta(days=1))
    consent_give(known.shop, ConsentGive(person=PHONE, purpose="care", source="form"))
    told = consent_show(known.shop, ConsentShow(person=PHONE, at=before))
    assert told.states["care"]["*"] == "unknown"


def test_an_unknown_purpose_is_answered_with_the_nearest(known: Any) -> None:
    with pytest.raises(UnknownName) as caught:
        consent_give(known.shop, ConsentGive(person=PHONE, purpose="markting", source="x"))
    assert caught.value.values["suggestion"] == "marketing"


def test_a_channel_is_one_word(known: Any) -> None:
    with pytest.raises(BadInput):
        consent_withdraw(known.shop, ConsentWithdraw(person=PHONE, channel="e mail!"))


def test_consent_follows_a_merge(known: Any) -> None:
    known.buys("+8613700000002", 5)
    consent_withdraw(known.shop, ConsentWithdraw(person="+8613700000002", purpose="marketing"))
    a, b = known.person(PHONE), known.person("+8613700000002")
    known.shop.store.people.merge(a, b, reason="test", at=known.shop.clock.now())
    told = consent_show(known.shop, ConsentShow(person=PHONE))
    assert told.states["marketing"]["*"] == "withdrawn"
