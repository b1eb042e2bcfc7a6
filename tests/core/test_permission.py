"""The truth table of permission: who may be offered what, by which way, and who says no."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from renwei.core.nouns import Ask, Autonomy, Consent, ConsentState, Surface, Trait
from renwei.core.permission import (
    GUARDS,
    HouseRules,
    Standing,
    basis,
    contacts_key,
    pack,
    permission,
    standing_by,
    unpack,
    verdict,
)
from renwei.core.slate import Slate

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HAND = Surface("today", ("care",), "marketing", "order", 30 * DAY, disturbs=True)
SMS = replace(HAND, name="sms", channel="sms")
HOME = Surface("home", ("product",), "profiling", "order", 30 * DAY)
G, U, W = ConsentState.GIVEN, ConsentState.UNKNOWN, ConsentState.WITHDRAWN
SERVICE, CARE, ASKS, OFFER = Trait.SERVICE, Trait.CARE, Trait.ASKS, Trait.PROMOTION
AUTO, SENSITIVE = Trait.AUTOMATIC, Trait.SENSITIVE
PREPARE, ACT, OFF = Autonomy.PREPARE, Autonomy.ACT, Autonomy.OFF
gone, unknown = "consent_withdrawn", "consent_unknown"

# marketing, service, care -> what is said of SERVICE, CARE, ASKS, OFFER
BY_HAND = [
    ((U, U, U), ("", "", "", unknown)),
    ((G, U, U), ("", "", "", "")),
    ((W, U, U), ("", gone, gone, gone)),
    ((W, G, G), ("", gone, gone, gone)),
    ((W, W, U), (gone, gone, gone, gone)),
    ((U, W, U), (gone, "", "", unknown)),
    ((U, U, W), ("", gone, "", unknown)),
    ((G, U, W), ("", gone, "", "")),
    ((G, W, W), (gone, gone, "", "")),
]
SENT = [
    ((U, U, U), (unknown, unknown, unknown, unknown)),
    ((G, U, U), (unknown, unknown, "", "")),
    ((U, G, U), ("", unknown, unknown, unknown)),
    ((U, U, G), (unknown, "", unknown, unknown)),
    ((G, G, G), ("", "", "", "")),
    ((W, G, G), ("", gone, gone, gone)),
    ((W, W, W), (gone, gone, gone, gone)),
]


@pytest.mark.parametrize(("said", "answers"), BY_HAND)
def test_by_hand_unknown_leaves_service_care_and_asking_but_never_an_offer(
    said: tuple[ConsentState, ...], answers: tuple[str, ...]
) -> None:
    standing = Standing(said[0], said[1], said[2])
    for trait, answer in zip((SERVICE, CARE, ASKS, OFFER), answers, strict=True):
        assert verdict(HAND, PREPARE, standing, trait) == answer


@pytest.mark.parametrize(("said", "answers"), SENT)
@pytest.mark.parametrize("automatic", [False, True])
def test_what_is_sent_needs_consent_that_was_given(
    said: tuple[ConsentState, ...], answers: tuple[str, ...], *, automatic: bool
) -> None:
    standing = Standing(said[0], said[1], said[2])
    for trait, answer in zip((SERVICE, CARE, ASKS, OFFER), answers, strict=True):
        flagged = trait | AUTO if automatic else trait
        surface = HAND if automatic else SMS
        assert verdict(surface, ACT, standing, flagged) == answer


@pytest.mark.parametrize("autonomy", [Autonomy.SUGGEST, PREPARE])
def test_only_autonomy_to_act_lets_the_program_send(autonomy: Autonomy) -> None:
    willing = Standing(G, G, G, G)
    for trait in (SERVICE, CARE, ASKS, OFFER):
        assert verdict(SMS, autonomy, willing, trait | AUTO) == "autonomy"
        assert verdict(SMS, autonomy, willing, trait) == ""
        assert verdict(SMS, ACT, willing, trait | AUTO) == ""
        assert verdict(SMS, OFF, willing, trait) == "autonomy"
    assert verdict(HOME, OFF, willing, 0) == "autonomy"


@pytest.mark.parametrize("sensitive", [U, W])
def test_a_sensitive_fact_needs_its_own_consent(sensitive: ConsentState) -> None:
    standing = Standing(G, G, G, sensitive)
    for surface in (HAND, SMS, HOME):
        assert verdict(surface, ACT, standing, CARE | SENSITIVE) == "sensitive"
        assert verdict(surface, ACT, standing._replace(sensitive=G), CARE | SENSITIVE) == ""


def test_a_cap_spares_service_and_the_night_spares_what_is_done_by_hand() -> None:
    capped, asleep = Standing(G, G, G, capped=True), Standing(G, G, G, quiet=True)
    assert [verdict(HAND, PREPARE, capped, t) for t in (SERVICE, CARE, ASKS, OFFER)] == [
        "",
        "cap",
        "cap",
        "cap",
    ]
    assert verdict(HAND, PREPARE, asleep, OFFER) == ""
    assert verdict(SMS, PREPARE, asleep, SERVICE) == "quiet_hours"
    assert verdict(HAND, ACT, asleep, OFFER | AUTO) == "quiet_hours"


def test_a_candidate_that_says_nothing_of_itself_counts_as_an_offer() -> None:
    assert verdict(HAND, PREPARE, Standing(), Trait.NONE) == unknown
    assert verdict(HAND, PREPARE, Standing(), CARE | OFFER) == unknown
    assert verdict(HAND, PREPARE, Standing(care=W), CARE | SERVICE) == gone


def test_who_asked_is_not_disturbed_by_an_answer() -> None:
    for said in (U, W):
        assert verdict(HOME, PREPARE, Standing(said, said, said), OFFER) == ""
    assert verdict(HOME, ACT, Standing(), OFFER | AUTO) == unknown


def test_the_first_guard_in_order_is_the_one_that_is_named() -> None:
    worst = Standing(W, W, W, U, capped=True, quiet=True)
    trait = OFFER | AUTO | SENSITIVE
    assert verdict(SMS, OFF, worst, trait) == GUARDS[0]
    said = []
    for purpose, sensitive in ((U, U), (G, U), (G, G)):
        worst = worst._replace(purpose=purpose, sensitive=sensitive)
        said.append(verdict(SMS, OFF, worst, trait))
    assert said == list(GUARDS[1:4])
    assert verdict(SMS, ACT, worst, trait) == "cap"
    assert verdict(SMS, ACT, worst._replace(capped=False), trait) == "quiet_hours"


def test_every_standing_survives_packing() -> None:
    states = list(ConsentState)
    all_of_them = [
        Standing(a, b, c, d, capped, quiet)
        for a in states
        for b in states
        for c in states
        for d in states
        for capped in (False, True)
        for quiet in (False, True)
    ]
    codes = [pack(standing) for standing in all_of_them]
    assert [unpack(code) for code in codes] == all_of_them
    assert len(set(codes)) == len(codes) == 324


def consent(purpose: str, channel: str, state: ConsentState, days: int = 1) -> Consent:
    return Consent(purpose, channel, state, AT - days * DAY, "form")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((), U),
        ((consent("marketing", "*", G),), G),
        ((consent("marketing", "hand", G),), G),
        ((consent("marketing", "email", G),), G),
        ((consent("care", "*", G),), U),
        ((consent("marketing", "email", W),), W),
        ((consent("marketing", "email", W), consent("marketing", "*", G, 0)), G),
        ((consent("marketing", "email", W, 0), consent("marketing", "sms", G)), W),
        ((consent("marketing", "email", G, 0), consent("marketing", "email", W)), G),
        ((consent("*", "*", W), consent("marketing", "*", G, 3)), W),
        ((consent("*", "*", W, 3), consent("marketing", "*", G)), G),
        ((consent("*", "*", G),), U),
        ((consent("marketing", "*", G, -1),), U),
        ((consent("marketing", "*", W, 3), consent("marketing", "hand", G)), G),
        ((consent("marketing", "*", W), consent("marketing", "hand", G, 3)), W),
    ],
)
def test_what_people_said_by_then_counts_and_a_channel_closed_or_opened_does_so_for_the_hand(
    said: tuple[Consent, ...], expected: ConsentState
) -> None:
    assert standing_by(said, HAND, AT).purpose is expected


def test_a_withdrawal_from_everything_closes_service_too() -> None:
    standing = standing_by((consent("*", "*", W),), HAND, AT)
    assert standing == Standing(W, W, W, W)


class Told:
    """People and counters as told."""

    def __init__(self, said: dict[int, tuple[Consent, ...]], used: dict[str, int]) -> None:
        self.said = said
        self.booked = used

    def consents_of(self, persons: object) -> list[tuple[Consent, ...]]:
        assert isinstance(persons, list)
        return [self.said.get(person, ()) for person in persons]

    def used(self, key: str) -> int:
        return self.booked.get(key, 0)


def test_house_rules_read_consents_caps_limits_and_the_night() -> None:
    told = Told({1: (consent("marketing", "sms", G),)}, {contacts_key(2, AT, 7): 2, "sms": 90})
    rules = HouseRules(
        told,
        told,
        autonomy_of={"sms": ACT},
        contacts=(2, 7),
        zone="Asia/Shanghai",
        limits={"sms": 100},
    )
    assert rules.standing(Ask(1, SMS, AT)) == Standing(G)
    assert rules.standing(Ask(1, SMS, AT + DAY / 24)) == Standing(G, quiet=True)
    assert rules.standing(Ask(2, SMS, AT)) == Standing(capped=True)
    assert [unpack(c) for c in rules.standings(SMS, [1, 2, 3], AT)] == [
        Standing(G),
        Standing(capped=True),
        Standing(),
    ]
    assert (rules.autonomy(SMS), rules.autonomy(HAND)) == (ACT, PREPARE)
    assert rules.room(SMS, AT) == {"sms": 10}


def test_house_rules_without_counters_cap_nobody_and_a_day_may_have_its_quiet_hours_at_noon() -> (
    None
):
    rules = HouseRules(Told({}, {}), quiet=(12, 14), contacts=(0, 7), limits={"sms": 3})
    assert rules.standing(Ask(5, SMS, AT)) == Standing(quiet=True)
    assert rules.standing(Ask(5, SMS, AT + DAY / 12)) == Standing()
    assert rules.room(SMS, AT) == {"sms": 3}
    never = HouseRules(Told({}, {}), quiet=(0, 0))
    assert never.standing(Ask(5, SMS, AT.replace(hour=3))) == Standing()


def test_contacts_are_booked_by_periods() -> None:
    keys = {contacts_key(7, datetime(2026, 3, day, tzinfo=UTC), 7) for day in range(1, 29)}
    assert 4 <= len(keys) <= 5


def test_the_basis_names_the_purpose_that_was_relied_on() -> None:
    standing = Standing(U, G, W)
    assert [basis(HAND, standing, t) for t in (SERVICE, CARE, OFFER, 0)] == [
        "service:given",
        "care:withdrawn",
        "marketing:unknown",
        "marketing:unknown",
    ]
    assert basis(HOME, standing, OFFER) == ""


def test_nobodys_consent_is_read_where_nothing_needs_it() -> None:
    slate = Slate.of("s", "new", [1, 2], [1, 1])
    unread = HouseRules(None)  # type: ignore[arg-type]
    assert permission(Ask(1, HOME, AT), slate, unread) == ((), None)
