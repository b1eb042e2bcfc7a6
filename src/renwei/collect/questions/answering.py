"""The form and its answer: one choice becomes a fact, an event, and a consent with its wording.

What tells of somebody's health is kept only with a tick of its own; "rather not say" needs
none. Whoever answers by the link of everybody may leave a phone number or a nick; who leaves
neither is counted and nothing more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from renwei.collect.questions.asked import CLOSED, NOT_SAID, PURPOSE, SENSITIVE, Question
from renwei.collect.questions.links import opened
from renwei.collect.wordings import agreed, wording
from renwei.core.chance import new_id
from renwei.core.clock import to_us
from renwei.core.errors import BadInput, Refused, UnknownName
from renwei.core.nouns import NOBODY, Consent, ConsentState, Event, Fact, Told
from renwei.core.shop import Shop
from renwei.core.store import Named

EVENT: Final = "answer"
_LONGEST: Final = 64


class FormChoice(msgspec.Struct):
    """One choice as it is shown."""

    value: str
    label: str


class Form(msgspec.Struct, kw_only=True):
    """What the page of a question shows; it tells nothing of whoever opens it.

    `nonce` comes back with the answer, so that a form sent twice is one answer. `consent_text`
    is what the tick agrees to; `consent_needed` when an answer is not kept without it.
    """

    question: str
    token: str
    shop: str
    text: str
    choices: list[FormChoice]
    consent_needed: bool
    consent_text: str
    consent_version: str
    purpose: str
    asks_identity: bool
    state: str
    language: str
    nonce: str


class Identity(msgspec.Struct, kw_only=True, frozen=True):
    """What somebody says of themselves on the link of everybody; all of it may be empty."""

    phone: str = ""
    email: str = ""
    nick: str = ""


class Answered(msgspec.Struct, kw_only=True):
    """What became of an answer. `how`: link, phone, email, nick, or nobody."""

    question: str
    fact: str
    choice: str
    person: int
    how: str
    consent: str
    again: bool
    text: str


def form_for(shop: Shop, token: str, language: str) -> Form:
    """The form behind a link; changes nothing.

    Raises:
        UnknownName: Not a link of this workspace (code unknown_link).
    """
    question, person = opened(shop, token)

    def say(key: str) -> str:
        return shop.words.say(f"question.{key}", {"shop": shop.settings.name}, language)

    asked = wording(shop, question.purpose, language)
    choices = [
        FormChoice(one.value, question.label(one.value, language)) for one in question.choices
    ]
    return Form(
        question=question.id,
        token=token,
        shop=shop.settings.name,
        text=question.text(language),
        choices=[*choices, FormChoice(NOT_SAID, say(NOT_SAID))],
        consent_needed=question.sensitive,
        consent_text=asked.text,
        consent_version=asked.version,
        purpose=question.purpose,
        asks_identity=person == NOBODY,
        state=question.state,
        language=language,
        nonce=new_id(shop.clock.now()),
    )


def answer(
    shop: Shop,
    token: str,
    choice: str,
    identity: Identity | None = None,
    *,
    consent: str = "",
    at: datetime,
    nonce: str = "",
) -> Answered:
    """Keep an answer: on the profile at once, durable when this returns.

    The latest answer of a person counts; earlier ones stay in the log and in the history of
    the fact.

    Args:
        shop: Where.
        token: Of the link.
        choice: A value of the question's choices, or "rather_not_say".
        identity: Only read where the link names nobody.
        consent: `consent_version` of the form where the tick was set, else "".
        at: When it was given.
        nonce: Of the form; the same one twice is one answer.

    Raises:
        UnknownName: Not a link, or not a choice (codes unknown_link, unknown_choice).
        Refused: The question is closed, or its own consent was not given (codes
            question_closed, consent_needed); nothing was kept.
        BadInput: The phone number or e-mail cannot be (codes bad_phone, bad_email).
    """
    question, person = opened(shop, token)
    if question.state == CLOSED:
        raise Refused("question_closed")
    values = [one.value for one in question.choices]
    if choice not in (*values, NOT_SAID):
        raise UnknownName.among("choice", choice[:_LONGEST], [*values, NOT_SAID])
    consent = agreed(shop, question.purpose, consent)
    if question.sensitive and choice != NOT_SAID and not consent:
        raise Refused("consent_needed")
    named, how = ([], "link") if person != NOBODY else _identified(shop, identity or Identity())
    actor = shop.store.people.actors_of(person)[0] if person != NOBODY else NOBODY
    source = f"form:{question.id}"
    if named:
        (actor,) = shop.store.people.actors(named, at, source)
        if actor == NOBODY:
            how = "nobody"
    event = _event(shop, question, (actor, choice, how), at, nonce)
    again = shop.store.log.has([event.message_id])[0]
    if not again:
        # The event comes last: what breaks off before it is done anew by the same form.
        if actor != NOBODY:
            _keep(shop, question, actor, choice, (consent, source), at)
        shop.store.log.append([event], shop.clock.now())
    who = shop.store.people.persons_of([actor])[0] if actor != NOBODY else NOBODY
    return Answered(
        question=question.id,
        fact=question.fact,
        choice=choice,
        person=who,
        how=how,
        consent=consent if actor != NOBODY and choice != NOT_SAID else "",
        again=again,
        text=shop.say("question.thanks"),
    )


def _keep(
    shop: Shop,
    question: Question,
    actor: int,
    choice: str,
    proof: tuple[str, str],
    at: datetime,
) -> None:
    people, (version, source) = shop.store.people, proof
    with shop.store.together():
        people.learn_facts(actor, [Fact(question.fact, choice, Told.TOLD, source, at)])
        if version and choice != NOT_SAID:
            purpose = SENSITIVE if question.sensitive else question.purpose or PURPOSE
            given = Consent(purpose, "*", ConsentState.GIVEN, at, source, version)
            people.state_consent(actor, [given])


def _event(
    shop: Shop, question: Question, said: tuple[int, str, str], at: datetime, nonce: str
) -> Event:
    actor, choice, how = said
    once = nonce or f"{to_us(at)}|{choice}|{actor}"
    return Event(
        actor,
        EVENT,
        at,
        shop.store.people.keyed(f"answer|{question.id}|{once}"),
        body={"question": question.id, "fact": question.fact, "choice": choice, "how": how},
        source=f"form:{question.id}",
    )


def _identified(shop: Shop, identity: Identity) -> tuple[list[Named], str]:
    """Whom somebody says they are: the phone before the e-mail before the nick."""
    from renwei.collect.regions import region_of
    from renwei.collect.values import is_email, phone

    if identity.phone.strip():
        number = phone(identity.phone, region_of(shop.settings.currency, shop.settings.zone))
        if not number:
            raise BadInput("bad_phone", found=identity.phone[:_LONGEST])
        return [Named("phone", number)], "phone"
    if identity.email.strip():
        address = identity.email.strip().lower()
        if not is_email(address) or len(address) > 254:
            raise BadInput("bad_email", found=identity.email[:_LONGEST])
        return [Named("email", address)], "email"
    nick = " ".join(identity.nick.split())[:_LONGEST]
    return ([_nick(shop, nick)], "nick") if nick else ([], "nobody")


def _nick(shop: Shop, nick: str) -> Named:
    """The account that goes by a nick where exactly one does, else a nick of our own form."""
    for platform in ("taobao", "douyin", "weidian", "youzan", "wechat"):
        if shop.store.people.find(Named("nick", f"{platform}:{nick}")) is not None:
            return Named("nick", f"{platform}:{nick}")
    return Named("nick", f"form:{nick}")
