"""Everybody in a list: searched by anything, filtered, counted, a page at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from renwei.core.chance import from_id, to_id
from renwei.core.clock import from_us
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import NOBODY
from renwei.core.operations import PRIVATE, operation
from renwei.core.shop import Shop
from renwei.people.crowd import SEEN, Crowd, crowd, with_people
from renwei.people.indexed import once, within

SORTS = {
    "seen": SEEN, "last_order": "last_us", "spend": "spend_minor", "orders": "orders",
    "value": "year_value",
}  # fmt: skip
OF_NAME = ("name", "nick", "customer", "user", "email", "phone")
_PLATFORM = ("nick", "customer")


class PeopleRequest(msgspec.Struct, kw_only=True):
    """Who is wanted; without anything, everybody, the last seen first.

    `where` are facts such as "skin_type=dry"; `cursor` is the `next` of the page before.
    """

    query: Annotated[str, msgspec.Meta(extra={"argument": True})] = ""
    stage: str = ""
    tier: str = ""
    audience: str = ""
    where: list[str] = []
    sort: str = "seen"
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    cursor: str = ""


class PersonLine(msgspec.Struct, kw_only=True):
    """One person in a list; `value_minor` is what is expected in the next 12 months."""

    person: str
    name: Annotated[str, PRIVATE]
    stage: str
    stage_text: str
    tier: str
    tier_text: str
    orders: int
    spend_minor: int
    last_order: datetime | None
    last_seen: datetime | None
    value_minor: int
    intent: str
    intent_text: str


class PeopleAnswer(msgspec.Struct, kw_only=True):
    """A page of people; `total` and the counts are of everybody whom the filter lets through.

    `by_stage` and `by_tier` count "" for those who never ordered. `next` is the cursor of the
    page after, "" on the last. `as_of` says when the estimates were made; orders since then
    are counted in. `note` says of how many who ordered the stage, tier and value are still being
    worked out, where there are such people: a filter by them does not find these yet.
    """

    at: datetime
    currency: str
    as_of: str
    total: int
    everybody: int
    by_stage: dict[str, int]
    by_tier: dict[str, int]
    people: list[PersonLine]
    next: str
    note: str = ""


@operation("people", PeopleRequest, http="GET /v1/people")
def people(shop: Shop, request: PeopleRequest) -> PeopleAnswer:
    """Find people by anything known of them, and list them.

    Raises:
        UnknownName: No such stage, tier, sort or audience.
        BadInput: A condition or the cursor cannot be read (codes bad_where, bad_cursor).
    """
    import numpy as np

    at = shop.clock.now().astimezone(UTC)
    now = crowd(shop, at)
    found = _found(shop, request.query, now) if request.query.strip() else None
    if found is not None:
        now = with_people(now, found)
    if request.sort not in SORTS:
        raise UnknownName.among("sort", request.sort, SORTS)
    mask = _asked(shop, request, now, at)
    if found is not None:
        among = np.zeros(len(now), dtype=bool)
        among[now.rows_of(found)] = True
        mask &= among
    column = now.columns[SORTS[request.sort]]
    rows = np.flatnonzero(mask)
    # By the column, the greatest first; equals by person, so that pages never overlap.
    order = rows[np.argsort(-column[rows].astype(np.float64), kind="stable")]
    page = order[_after(request.cursor, now, column[order], order) :][: request.limit + 1]
    more = len(page) > request.limit
    page = page[: request.limit]
    last = f"{column[page[-1]]!s}|{to_id(int(now.person[page[-1]]))}" if more else ""
    return PeopleAnswer(
        at=at,
        currency=now.currency,
        as_of=now.as_of,
        total=len(rows),
        everybody=len(now),
        by_stage=_counts(now.columns["stage"][rows], now.stages),
        by_tier=_counts(now.columns["tier"][rows], now.tiers),
        people=lines(shop, now, page, at),
        next=last,
        note=_note(shop, now),
    )


def _note(shop: Shop, now: Crowd) -> str:
    """What a filter by stage or tier cannot know yet: who ordered and has not been judged."""
    if not now.unjudged:
        return ""
    return shop.say("people.working_out", n=now.unjudged, m=len(now))


def lines(shop: Shop, now: Crowd, rows: Any, at: datetime) -> list[PersonLine]:
    """Some rows as people read them; only these people's names are opened."""
    from renwei.people.intent import intents

    persons = [int(person) for person in now.person[rows]]
    texts = shop.store.people.open_many(persons, list(OF_NAME)) if persons else []
    ordered = {p: int(now.columns["last_us"][r]) for p, r in zip(persons, rows, strict=True)}
    about = intents(shop, ordered, at)
    found = []
    for person, own, row in zip(persons, texts, rows.tolist(), strict=True):
        of = {name: column[row].item() for name, column in now.columns.items()}
        stage, tier = _word(now.stages, of["stage"]), _word(now.tiers, of["tier"])
        intent = about.get(person, "")
        found.append(
            PersonLine(
                person=to_id(person),
                name=display_name(own),
                stage=stage,
                stage_text=shop.say(f"stages.{stage}") if stage else "",
                tier=tier,
                tier_text=shop.say(f"tiers.{tier}") if tier else "",
                orders=of["orders"],
                spend_minor=of["spend_minor"],
                last_order=from_us(of["last_us"]) if of["last_us"] else None,
                last_seen=from_us(of[SEEN]) if of[SEEN] else None,
                value_minor=round(of["year_value"]),
                intent=intent,
                intent_text=shop.say(f"intents.{intent}") if intent else "",
            )
        )
    return found


def display_name(texts: dict[str, list[str]]) -> str:
    """What a person is called in a list: name, nick, else a number or address of theirs."""
    for kind in OF_NAME:
        for text in texts.get(kind, ()):
            return text.partition(":")[2] or text if kind in _PLATFORM else text
    return ""


def _asked(shop: Shop, request: PeopleRequest, now: Crowd, at: datetime) -> Any:
    import numpy as np

    from renwei.people.evaluating import evaluate, rule_of
    from renwei.people.rules import where_rule

    mask = np.ones(len(now), dtype=bool)
    for name, names, wanted in (
        ("stage", now.stages, request.stage),
        ("tier", now.tiers, request.tier),
    ):
        if wanted and wanted not in names:
            raise UnknownName.among(name, wanted, names)
        if wanted:
            mask &= now.columns[name] == names.index(wanted)
    rules = [where_rule(text) for text in request.where]
    if request.audience:
        rule_of(shop, request.audience)
        rules.append({"audience": request.audience})
    for rule in rules:
        mask &= evaluate(shop, now, rule, at)
    return mask


def _found(shop: Shop, query: str, now: Crowd) -> Any:
    """Everybody whom a question means: shape (people,), ascending; only some names are opened."""
    import numpy as np

    from renwei.people.names import AT_ONCE, index_names, named, phoned

    exact = shop.store.people.search(query)
    if not (exact and "@" in query):
        index_names(shop, AT_ONCE, now.person)
        known = np.concatenate([named(shop, query), phoned(shop, query)])
        exact = [*exact, *_of_order(shop, query.strip(), now)]
        there = within(known, now.person)
        # The index may be older than a merge, or than somebody's wish to be forgotten.
        exact += shop.store.people.persons_of(known[~there].tolist())
        found = once(np.concatenate([known[there], np.array(exact, dtype=np.int64)]))
    else:
        found = once(np.array(exact, dtype=np.int64))
    return found[found != NOBODY]


def _of_order(shop: Shop, number: str, now: Crowd) -> list[int]:
    """Who made the order of this number, as written; order numbers lie nowhere but in the vault."""
    from renwei.people.frame import order_key

    held = shop.shelf.get("order-keys")
    places = {*now.places, *(tuple(p) for p in (held.meta["places"] if held else ()))}
    found = []
    for platform, place in places:
        key = shop.store.people.keyed(f"order|{platform}|{place}|{number}")[:8].hex()
        if key in now.ordered:
            found.append(now.ordered[key])
        if held is not None:
            column, wanted = held.columns["key"], order_key(key)
            row = int(column.searchsorted(wanted))
            if row < len(column) and int(column[row]) == wanted:
                found.append(int(held.columns["person"][row]))
    return shop.store.people.persons_of(found)


def _after(cursor: str, now: Crowd, values: Any, order: Any) -> int:
    """How many rows come before and at the cursor."""
    import numpy as np

    if not cursor:
        return 0
    text, _, person_text = cursor.partition("|")
    person = from_id(person_text)
    try:
        value = float(text)
    except ValueError:
        person = None
        value = 0.0
    if person is None:
        raise BadInput("bad_cursor", found=cursor)
    same = (values == value) & (now.person[order] <= person)
    return int(np.count_nonzero((values > value) | same))


def _counts(codes: Any, names: tuple[str, ...]) -> dict[str, int]:
    import numpy as np

    counts = np.bincount(codes.astype(np.int64) + 1, minlength=len(names) + 1).tolist()
    return dict(zip((*names, ""), (*counts[1 : len(names) + 1], counts[0]), strict=True))


def _word(names: tuple[str, ...], code: int) -> str:
    return names[code] if 0 <= code < len(names) else ""
