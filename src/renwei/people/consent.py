"""Consent as statements that are added and never rewritten: purpose, channel, proof, time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from renwei.core.chance import to_id
from renwei.core.errors import BadInput, UnknownName
from renwei.core.finding import person as find_person
from renwei.core.nouns import Consent, ConsentState
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.people.portrait import PURPOSES, consent_table
from renwei.people.sight import ConsentSeen

EVERY = "*"
_CHANNEL = re.compile(r"\*|[a-z][a-z0-9_-]{0,31}")
Optional = Annotated[str, msgspec.Meta(extra={"argument": True})]


class ConsentShow(msgspec.Struct, kw_only=True):
    """What one person agreed to."""

    person: str
    at: datetime | None = None


class ConsentGive(msgspec.Struct, kw_only=True):
    """A yes, with its proof."""

    person: str
    purpose: str
    source: str = ""
    channel: str = EVERY
    text_version: str = ""


class ConsentWithdraw(msgspec.Struct, kw_only=True):
    """A no; without a purpose, to everything."""

    person: str
    purpose: Optional = ""
    channel: str = EVERY
    source: str = "told"


class ConsentAnswer(msgspec.Struct, kw_only=True):
    """States by purpose and channel, and every statement, newest first."""

    person: str
    at: datetime
    states: dict[str, dict[str, str]]
    statements: list[ConsentSeen]


@operation("consent show", ConsentShow, http="GET /v1/people/{person}/consent")
def consent_show(shop: Shop, request: ConsentShow) -> ConsentAnswer:
    """What a person agreed to, for which purpose and channel, with proof."""
    at = (request.at or shop.clock.now()).astimezone(UTC)
    return _answer(shop, find_person(shop, request.person), at)


@operation("consent give", ConsentGive, writes=True, http="POST /v1/people/{person}/consent")
def consent_give(shop: Shop, request: ConsentGive) -> ConsentAnswer:
    """Note a yes. It needs a source: where and how it was said."""
    if not request.source.strip():
        raise BadInput("consent_source", purpose=request.purpose)
    purposes = [_purpose(request.purpose)]
    proof = request.source.strip(), request.text_version.strip()
    return _state(shop, request.person, purposes, request.channel, (ConsentState.GIVEN, *proof))


@operation(
    "consent withdraw", ConsentWithdraw, writes=True, http="DELETE /v1/people/{person}/consent"
)
def consent_withdraw(shop: Shop, request: ConsentWithdraw) -> ConsentAnswer:
    """Note a no. It counts at once, everywhere, for ever, until a later yes."""
    purposes = [_purpose(request.purpose)] if request.purpose else list(PURPOSES)
    said = ConsentState.WITHDRAWN, request.source.strip() or "told", ""
    return _state(shop, request.person, purposes, request.channel, said)


def _state(
    shop: Shop,
    text: str,
    purposes: list[str],
    channel: str,
    said: tuple[ConsentState, str, str],
) -> ConsentAnswer:
    word = channel.strip().lower()
    if not _CHANNEL.fullmatch(word):
        raise BadInput("bad_channel", name=channel)
    person, at = find_person(shop, text), shop.clock.now()
    state, source, version = said
    statements = [Consent(purpose, word, state, at, source, version) for purpose in purposes]
    actors = shop.store.people.actors_of(person)
    shop.store.people.state_consent(actors[0], statements)
    return _answer(shop, person, at)


def _answer(shop: Shop, person: int, at: datetime) -> ConsentAnswer:
    profile = shop.store.people.profile(person)
    return ConsentAnswer(
        person=to_id(profile.person),
        at=at,
        states=consent_table(profile, at),
        statements=[
            ConsentSeen(
                purpose=c.purpose, channel=c.channel, state=c.state.value, at=c.at,
                source=c.source, text_version=c.text_version,
            )
            for c in sorted(profile.consents, key=lambda c: c.at, reverse=True)
            if c.at <= at
        ],
    )  # fmt: skip


def _purpose(text: str) -> str:
    word = text.strip().lower()
    if word not in PURPOSES:
        raise UnknownName.among("purpose", text, PURPOSES)
    return word
