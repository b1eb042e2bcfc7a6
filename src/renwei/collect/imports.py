"""Imports after the fact: their names and list, undoing one, clearing them of the forgotten.

Undoing takes back all that an import alone said. What a later import said as well stays, as
if the undone one had never been: the claims of every import that stands are laid anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from renwei.collect.answers import UndoAnswer
from renwei.collect.evidence import take_back
from renwei.collect.keeping import (
    Claims,
    merge_all,
    pack,
    persons_apart,
    remember_apart,
    text_mark,
    unpack,
)
from renwei.collect.records import FileInfo
from renwei.collect.refused import Orphans, drop_refused, keep_refused, refused_of, scrubbed
from renwei.collect.states import ANONYMOUS, CHANGES, KINDS, plan, states
from renwei.collect.zones import zone_named
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import NOBODY
from renwei.core.shop import Shop
from renwei.core.store import Paper

PAPER = "import"
_TEXTS = ("name", "recipient", "address", "order", "note", "phone", "email")


def new_import_id(shop: Shop, at: datetime) -> str:
    """A name that is short enough to type: the shop's day and a number."""
    day = at.astimezone(zone_named(shop.settings.zone)).strftime("%Y%m%d")
    taken = set(shop.store.papers.names(PAPER))
    number = 1
    while f"i-{day}-{number}" in taken:
        number += 1
    return f"i-{day}-{number}"


def import_paper(shop: Shop, import_id: str) -> Paper:
    """The record of an import.

    Raises:
        UnknownName: code `unknown_import`, with the nearest name.
    """
    paper = shop.store.papers.get(PAPER, import_id.strip().lower())
    if paper is None:
        raise UnknownName.among("import", import_id, shop.store.papers.names(PAPER))
    return paper


def all_imports(shop: Shop) -> list[Paper]:
    """Every import, in the order in which they were begun."""
    papers = shop.store.papers
    found = [paper for name in papers.names(PAPER) if (paper := papers.get(PAPER, name))]
    return sorted(found, key=lambda paper: (paper.body["began"], len(paper.name), paper.name))


def standing(shop: Shop) -> list[Paper]:
    """Imports whose orders are in the workspace."""
    return [paper for paper in all_imports(shop) if paper.body["state"] in ("done", "storing")]


def unfinished(shop: Shop, digest: str) -> str | None:
    """The import of the same files that was broken off, if there is one."""
    for paper in all_imports(shop):
        if paper.body["digest"] == digest and paper.body["state"] in ("running", "storing"):
            return paper.name
    return None


def claims_of(shop: Shop, import_id: str) -> Claims:
    """What an import says beyond the events it brought."""
    return unpack(shop.store.blobs.get(claims_name(import_id)))


def claims_name(import_id: str) -> str:
    """The blob that holds the claims."""
    return f"imports/{import_id}/claims"


def replaying_name(import_id: str) -> str:
    """The blob that holds a replay which is being written."""
    return f"imports/{import_id}/replaying"


def undo(shop: Shop, import_id: str) -> UndoAnswer:
    """Take an import back.

    Raises:
        UnknownName: No such import.
        BadInput: code `already_undone`.
    """
    paper = import_paper(shop, import_id)
    if paper.body["state"] == "undone":
        raise BadInput("already_undone", import_id=paper.name)
    at = shop.clock.now()
    _mark(shop, paper, "undoing", at)
    return _take_back(shop, paper.name, at)


def finish_undoing(shop: Shop, at: datetime) -> None:
    """Complete what a crash broke off, before anything new comes in."""
    for paper in all_imports(shop):
        if paper.body["state"] == "undoing":
            _take_back(shop, paper.name, at)


def scrub(shop: Shop, texts: Sequence[str]) -> int:
    """Clear what imports keep of the forgotten; returns refused rows and examples removed.

    Gone are rows that hold any of the texts, that name an identifier of somebody who was
    forgotten, or whose order is held by nobody since; and what claims say of such people.

    Args:
        shop: The workspace.
        texts: What tells somebody apart who is being forgotten; none to go by tombstones alone.
    """
    removed, gone = 0, frozenset(shop.store.people.forgotten())
    orders: Orphans | None = None
    blobs = shop.store.blobs
    for paper in all_imports(shop):
        # A replay that was broken off holds rows as well; it can be tried again.
        blobs.drop(replaying_name(paper.name))
        files = msgspec.convert(paper.body["files"], list[FileInfo])
        kept = refused_of(blobs, paper.name)
        if kept.refused and gone and not texts and orders is None:
            orders = _orphans(shop)
        left, count = scrubbed(shop, kept, files, texts=texts, orders=orders)
        if count:
            keep_refused(blobs, paper.name, left)
            body = {**paper.body, "refused": len(left.refused)}
            shop.store.papers.put(PAPER, paper.name, body, by="forget", at=shop.clock.now())
        removed += count
        claims = claims_of(shop, paper.name)
        if gone & set(claims.actors):
            blobs.put(claims_name(paper.name), pack(claims.without(gone)))
    return removed


def _orphans(shop: Shop) -> Orphans:
    """Orders that the log gave to nobody, although their file named a buyer."""
    bodies = [
        event.body
        for event in shop.store.log.read(kinds=KINDS)
        if event.actor == NOBODY and not event.body.get("marks", 0) & ANONYMOUS
    ]
    return Orphans(
        frozenset(str(body["order"]) for body in bodies),
        frozenset(str(body["shop"]) for body in bodies),
    )


def _mark(shop: Shop, paper: Paper, state: str, at: datetime) -> None:
    body = {**paper.body, "state": state}
    shop.store.papers.put(PAPER, paper.name, body, by="undo", at=at)


def _take_back(shop: Shop, source: str, at: datetime) -> UndoAnswer:
    remember_apart(shop, at)
    others = [paper for paper in standing(shop) if paper.name != source]
    claims = {paper.name: claims_of(shop, paper.name) for paper in others}
    log = shop.store.log
    orders, changes = log.withdraw(source), log.withdraw(source + CHANGES)
    kept = _lay_anew(shop, others, claims, at)
    counts = _withdraw_people(shop, source, others, claims, at)
    take_back(shop, others=bool(others))
    drop_refused(shop.store.blobs, source)
    for name in (claims_name(source), replaying_name(source)):
        shop.store.blobs.drop(name)
    shop.shelf.drop()
    _mark(shop, import_paper(shop, source), "undone", at)
    return UndoAnswer(
        import_id=source,
        orders=orders,
        changes=changes,
        kept=kept,
        people=counts["actors"],
        merges=counts["merges"],
        texts=counts["texts"],
    )


def _lay_anew(shop: Shop, others: Sequence[Paper], claims: dict[str, Claims], at: datetime) -> int:
    """Append what other imports say of orders that were known before them; returns orders."""
    log = shop.store.log
    wanted = frozenset(seen.name for one in claims.values() for seen in one.known)
    if not wanted:
        return 0
    for paper in others:
        log.withdraw(paper.name + CHANGES)
    current = states(log.read(kinds=KINDS), wanted)
    laid = 0
    for paper in others:
        began = datetime.fromisoformat(paper.body["began"])
        planned = plan(claims[paper.name].known, current, source=paper.name, at=began)
        log.append(planned.events, at)
        current |= states(planned.events)
        laid += planned.added
    return laid


def _withdraw_people(
    shop: Shop,
    source: str,
    others: Sequence[Paper],
    claims: dict[str, Claims],
    at: datetime,
) -> dict[str, int]:
    people = shop.store.people
    still = {event.actor for event in shop.store.log.read()} - {NOBODY}
    for claim in claims.values():
        still |= set(claim.actors)
    texts = _texts_said(shop, still, claims)
    apart = persons_apart(shop)
    left = sorted(still)
    with shop.store.together():
        counts = dict(people.withdraw(source, left))
        people.withdraw(f"import:{source}", left)
        # Actors that an undone import had brought stayed for this one's sake until now.
        for paper in all_imports(shop):
            if paper.body["state"] == "undone":
                counts["actors"] += people.withdraw(paper.name, left)["actors"]
        for paper in others:
            claim = claims[paper.name]
            people.keep_many(texts[paper.name], paper.name)
            people.state_many(claim.consents)
            people.learn_many(claim.facts)
            merge_all(people, claim.links, paper.name, at, apart)
    return counts


def _texts_said(
    shop: Shop, still: set[int], claims: dict[str, Claims]
) -> dict[str, list[tuple[int, str, str]]]:
    """Texts that imports which stand say as well; each is sealed once, under its first."""
    found: dict[str, list[tuple[int, str, str]]] = {name: [] for name in claims}
    if not any(claim.texts for claim in claims.values()):
        return found
    people = shop.store.people
    persons = sorted(set(people.persons_of(sorted(still))) - {NOBODY})
    for opened in people.open_many(persons, _TEXTS):
        held = [(name, text) for name in _TEXTS for text in opened.get(name, ())]
        for name, text in held:
            mark = text_mark(people, name, text)
            for source in (one for one, claim in claims.items() if mark in claim.texts):
                found[source].append((claims[source].texts[mark], name, text))
    return found
