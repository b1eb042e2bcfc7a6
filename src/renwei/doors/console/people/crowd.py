"""Everybody: found by anything, filtered, sorted, a page at a time, and kept as audiences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from renwei.core.errors import BadInput
from renwei.doors.console import kept
from renwei.doors.console.amounts import whole
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.people.called import Called

SORTS = ("seen", "last_order", "spend", "orders", "value")
FILTERS = ("q", "stage", "tier", "audience", "sort")
SIZE = 50


@page("GET /people", scope="read")
def people(visit: Visit) -> Response:
    """A list of people; a question that only one person answers leads to that person."""
    if not kept.begun(visit, "people", limit=1):
        return kept.waiting(visit)
    there = kept.ready(visit)
    if there is not None:
        return there
    asked, where = _asked(visit), _where(visit)
    cursor = visit.query.get("cursor", "")
    answer = visit.call(
        "people",
        query=asked["q"],
        stage=asked["stage"],
        tier=asked["tier"],
        audience=asked["audience"],
        where=where,
        sort=asked["sort"] or SORTS[0],
        limit=SIZE,
        cursor=cursor,
    )
    if asked["q"] and answer.total == 1 and not cursor and not where:
        return RedirectResponse(f"/people/{answer.people[0].person}", 303)
    return visit.show(
        "people/list.html",
        answer=answer,
        asked=asked,
        where=where,
        cursor=cursor,
        sorts=SORTS,
        stages=[stage for stage in answer.by_stage if stage],
        audiences=visit.call("audiences list").audiences,
        filtered=any(asked[name] for name in ("stage", "tier", "audience")) or bool(where),
        place=lambda **changes: _place({**asked, **changes}, where),
        whole=whole(visit),
        names=Called(visit),
    )


@page("GET /people/attributes", scope="read")
def attributes(visit: Visit) -> Response:
    """What is known of people, how often, and with which values: each leads to who has it."""
    if not kept.begun(visit, "attributes"):
        return visit.show("people/attributes_wait.html") if visit.partial else kept.waiting(visit)
    asked, where = _asked(visit), _where(visit)
    return visit.show(
        "people/attributes_part.html" if visit.partial else "people/attributes.html",
        attributes=visit.call("attributes").attributes,
        names=Called(visit),
        place=lambda **changes: _place({**asked, **changes}, where),
    )


@page("POST /people/audiences", scope="write")
def save(visit: Visit) -> Response:
    """Keep the filter under a name: whoever fits it from now on is in it."""
    fields = visit.fields
    rules: list[dict[str, Any]] = [
        {name: fields[name]} for name in ("stage", "tier", "audience") if fields.get(name)
    ]
    for text in visit.form.getlist("where"):
        name, _, value = str(text).partition("=")
        rules.append({"fact": name, "is": value})
    if not rules:
        raise BadInput("audience_of_all")
    name = fields.get("name", "").strip()
    by = visit.visitor.id if visit.visitor else ""
    rule = rules[0] if len(rules) == 1 else {"all": rules}
    visit.call("audiences save", name=name, rule=rule, by=by)
    return visit.back(f"/people?{urlencode({'audience': name})}", "console.people.saved", name=name)


@page("GET /people/audiences", scope="read")
def audiences(visit: Visit) -> Response:
    """Every saved audience: the question in words, how many fit it now, what they are worth."""
    answer = visit.call("audiences list")
    return visit.show("people/audiences.html", answer=answer, whole=whole(visit))


@page("POST /people/audiences/drop", scope="write")
def drop(visit: Visit) -> Response:
    """Drop a saved audience; people are untouched."""
    name = visit.fields.get("name", "")
    visit.call("audiences drop", name=name)
    return visit.back("/people/audiences", "console.people.dropped", name=name)


def _asked(visit: Visit) -> dict[str, str]:
    return {name: visit.query.get(name, "").strip() for name in FILTERS}


def _where(visit: Visit) -> list[str]:
    kept = [one for one in visit.request.query_params.getlist("where") if "=" in one]
    fact, value = visit.query.get("fact", ""), visit.query.get("is", "").strip()
    return [*kept, f"{fact}={value}"] if fact and value else kept


def _place(asked: Mapping[str, str], where: list[str]) -> str:
    kept = [(name, value) for name, value in asked.items() if value]
    kept += [("where", text) for text in where]
    return f"/people?{urlencode(kept)}" if kept else "/people"
