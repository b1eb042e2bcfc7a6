"""Audiences: saved questions over everybody, answered as of now whenever they are asked."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from renwei.core.chance import to_id
from renwei.core.errors import BadInput, Refused
from renwei.core.finding import person as find_person
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.people.crowd import crowd
from renwei.people.evaluating import KIND, Evaluation, rule_of
from renwei.people.listing import PersonLine, lines
from renwei.people.rules import Rule, checked, leaves, sentence

_NAME = re.compile(r"[^\s|/\\][^|/\\\n]{0,63}")
_Argument = msgspec.Meta(extra={"argument": True})


class AudiencesRequest(msgspec.Struct, kw_only=True):
    """Every saved audience."""


class AudienceRequest(msgspec.Struct, kw_only=True):
    """One audience; with a person, why that person is in it or not."""

    name: str
    person: str = ""
    limit: Annotated[int, msgspec.Meta(ge=0, le=500)] = 20


class AudienceSave(msgspec.Struct, kw_only=True):
    """A question to save: `rule` is JSON (see the guide). `try_only` answers without saving."""

    name: str
    rule: Annotated[Any, _Argument]
    note: str = ""
    by: str = ""
    try_only: bool = False


class AudienceDrop(msgspec.Struct, kw_only=True):
    """An audience that is no longer wanted."""

    name: str


class Saved(msgspec.Struct, kw_only=True):
    """One saved audience and how many fit it now."""

    name: str
    note: str
    text: str
    people: int
    expected_minor: int
    by: str
    since: datetime


class AudiencesAnswer(msgspec.Struct, kw_only=True):
    """All of them, by name."""

    at: datetime
    currency: str
    as_of: str
    audiences: list[Saved]


class Condition(msgspec.Struct, kw_only=True):
    """One condition of the rule in words, and whether the person that was asked about fits it."""

    text: str
    people: int
    fits: bool | None


class AudienceAnswer(msgspec.Struct, kw_only=True):
    """Who fits now: how many, some of them, and how each condition stands.

    `fits` answers for the person that was asked about; None where nobody was.
    """

    name: str
    note: str
    rule: dict[str, Any]
    text: str
    at: datetime
    currency: str
    as_of: str
    people: int
    expected_minor: int
    sample: list[PersonLine]
    conditions: list[Condition]
    person: str
    fits: bool | None


class AudienceDropped(msgspec.Struct, kw_only=True):
    """What was dropped."""

    name: str
    dropped: bool


@operation("audiences list", AudiencesRequest, http="GET /v1/audiences")
def audiences_list(shop: Shop, request: AudiencesRequest) -> AudiencesAnswer:
    """List saved audiences with how many fit each now."""
    at = shop.clock.now().astimezone(UTC)
    now = crowd(shop, at)
    evaluation, found = Evaluation(shop, now, at), []
    for name in shop.store.papers.names(KIND):
        paper = shop.store.papers.get(KIND, name)
        if paper is None:
            continue
        mask = evaluation.mask(paper.body["rule"])
        found.append(
            Saved(
                name=name,
                note=str(paper.body.get("note", "")),
                text=sentence(shop, paper.body["rule"]),
                people=int(mask.sum()),
                expected_minor=round(float(now.columns["year_value"][mask].sum())),
                by=paper.by,
                since=paper.at,
            )
        )
    return AudiencesAnswer(at=at, currency=now.currency, as_of=now.as_of, audiences=found)


@operation("audiences show", AudienceRequest, http="GET /v1/audiences/{name}")
def audiences_show(shop: Shop, request: AudienceRequest) -> AudienceAnswer:
    """Show who fits an audience now, and why.

    Raises:
        UnknownName: There is no such audience or person.
    """
    rule = rule_of(shop, request.name)
    paper = shop.store.papers.get(KIND, request.name)
    note = str(paper.body.get("note", "")) if paper else ""
    return _answer(shop, (request.name, note, rule), request.person, request.limit)


@operation("audiences save", AudienceSave, writes=True, http="POST /v1/audiences")
def audiences_save(shop: Shop, request: AudienceSave) -> AudienceAnswer:
    """Save a question over everybody under a name; earlier versions are kept.

    Raises:
        BadInput: The name or the rule cannot be; the rule's error names the field.
    """
    name = request.name.strip()
    if not _NAME.fullmatch(name):
        raise BadInput("bad_audience_name", name=request.name)
    rule = checked(_parsed(request.rule))
    answer = _answer(shop, (name, request.note, rule), "", 20, own=name)
    if not request.try_only:
        body = {"rule": rule, "note": request.note}
        by, at = request.by or "hand", shop.clock.now()
        shop.store.papers.put(KIND, name, body, by=by, at=at)
    return answer


@operation(
    "audiences drop",
    AudienceDrop,
    writes=True,
    destroys=True,
    http="DELETE /v1/audiences/{name}",
)
def audiences_drop(shop: Shop, request: AudienceDrop) -> AudienceDropped:
    """Drop an audience; people are untouched.

    Raises:
        UnknownName: There is none of that name.
        Refused: Another audience is made of it (code audience_used).
    """
    rule_of(shop, request.name)
    papers = shop.store.papers
    for other in papers.names(KIND):
        used = [leaf.get("audience") for leaf in leaves(rule_of(shop, other))]
        if other != request.name and request.name in used:
            raise Refused("audience_used", name=request.name, other=other)
    return AudienceDropped(name=request.name, dropped=papers.drop(KIND, request.name))


def _parsed(rule: Any) -> Any:
    """The rule as data; a text (as typed on the command line) is read as JSON."""
    if not isinstance(rule, str):
        return rule
    try:
        return msgspec.json.decode(rule)
    except msgspec.DecodeError as error:
        raise BadInput(
            "bad_rule", field="rule", found=rule[:80], wanted='{"stage": "at_risk"}'
        ) from error


def _answer(
    shop: Shop, kept: tuple[str, str, Rule], person: str, limit: int, own: str = ""
) -> AudienceAnswer:
    import numpy as np

    name, note, rule = kept
    at = shop.clock.now().astimezone(UTC)
    one = find_person(shop, person) if person else None
    now = crowd(shop, at)
    # A rule about itself is found out before it is saved.
    evaluation = Evaluation(shop, now, at, [own] if own else [])
    mask = evaluation.mask(rule)
    row = next(iter(now.rows([one]).tolist()), None) if one is not None else None
    rows = np.flatnonzero(mask)
    best = rows[np.argsort(-now.columns["year_value"][rows], kind="stable")][:limit]
    return AudienceAnswer(
        name=name,
        note=note,
        rule=dict(rule),
        text=sentence(shop, rule),
        at=at,
        currency=now.currency,
        as_of=now.as_of,
        people=len(rows),
        expected_minor=round(float(now.columns["year_value"][rows].sum())),
        sample=lines(shop, now, best, at),
        conditions=_conditions(evaluation, rule, row),
        person=to_id(one) if one is not None else "",
        fits=None if one is None else row is not None and bool(mask[row]),
    )


def _conditions(evaluation: Evaluation, rule: Rule, row: int | None) -> list[Condition]:
    found = []
    for leaf in leaves(rule):
        mask = evaluation.mask(leaf)
        fits = None if row is None else bool(mask[row])
        text = sentence(evaluation.shop, leaf)
        found.append(Condition(text=text, people=int(mask.sum()), fits=fits))
    return found
