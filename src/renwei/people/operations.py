"""What this rib shows and mends: a person's page, merges, tiers and stages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from renwei.core.chance import to_id
from renwei.core.errors import BadInput, UnknownName
from renwei.core.finding import person as find_person
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.people import bands, crowd, facts_now
from renwei.people.now import settle
from renwei.people.portrait import merge_seen, portrait
from renwei.people.sight import MergeSeen, Portrait


class PersonRequest(msgspec.Struct, kw_only=True):
    """One person's page."""

    person: str
    at: datetime | None = None
    masked: bool = False


class MergesRequest(msgspec.Struct, kw_only=True):
    """Merges, of everybody or of one."""

    person: Annotated[str, msgspec.Meta(extra={"argument": True})] = ""


class MergesAnswer(msgspec.Struct, kw_only=True):
    """Newest first, undone ones too."""

    merges: list[MergeSeen]


class MergeRequest(msgspec.Struct, kw_only=True):
    """Two people who are one."""

    kept: str
    gone: str


class UnmergeRequest(msgspec.Struct, kw_only=True):
    """A merge to take back."""

    merge: str


class BandsRequest(msgspec.Struct, kw_only=True):
    """Tiers or stages; with `list`, the people of one of them."""

    at: datetime | None = None
    list: str = ""
    limit: int = 50


@operation("person", PersonRequest, http="GET /v1/people/{person}")
def person(shop: Shop, request: PersonRequest) -> Portrait:
    """Facts with source, preferences with evidence, stage, value, next need, consent, touches."""
    found = find_person(shop, request.person)
    at = settle(shop, request.at)
    return portrait(shop, to_id(found), at, masked=request.masked)


@operation("merges", MergesRequest, http="GET /v1/merges")
def merges(shop: Shop, request: MergesRequest) -> MergesAnswer:
    """Which identifiers were found to be one person, and why."""
    one = find_person(shop, request.person) if request.person else None
    return MergesAnswer(merges=[merge_seen(m) for m in shop.store.people.merges(one)])


@operation("merge", MergeRequest, writes=True, http="POST /v1/merges")
def merge(shop: Shop, request: MergeRequest) -> MergeSeen:
    """Make two people one, by hand; `unmerge` takes it back."""
    kept, gone = find_person(shop, request.kept), find_person(shop, request.gone)
    if kept == gone:
        raise BadInput("same_person", name=to_id(kept))
    made = shop.store.people.merge(kept, gone, reason="by_hand", at=shop.clock.now(), source="hand")
    return merge_seen(made)


@operation("unmerge", UnmergeRequest, writes=True, http="DELETE /v1/merges/{merge}")
def unmerge(shop: Shop, request: UnmergeRequest) -> MergeSeen:
    """Take a merge back: two people again."""
    known = [m.id for m in shop.store.people.merges()]
    if request.merge not in known:
        raise UnknownName.among("merge", request.merge, known)
    undone = shop.store.people.unmerge(request.merge, shop.clock.now())
    crowd.let_go(shop)
    facts_now.let_go(shop)
    return merge_seen(undone)


@operation("tiers", BandsRequest, http="GET /v1/tiers")
def tiers(shop: Shop, request: BandsRequest) -> bands.TiersAnswer:
    """Who will be worth most in the next 12 months, and what to do for each tier."""
    at = _at(shop, request.at)
    shop.ready_estimates(at)
    return bands.tiers(shop, at, wanted=request.list, limit=request.limit)


@operation("stages", BandsRequest, http="GET /v1/stages")
def stages(shop: Shop, request: BandsRequest) -> bands.StagesAnswer:
    """Where everybody stands by their own rhythm, and the flow between stages by month."""
    at = _at(shop, request.at)
    shop.ready_estimates(at)
    return bands.stages(shop, at, wanted=request.list, limit=request.limit)


def _at(shop: Shop, at: datetime | None) -> datetime:
    return (at or shop.clock.now()).astimezone(UTC)
