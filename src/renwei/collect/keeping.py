"""From a reading to the store: people, texts, consents, items, merges, then the events.

The order is fixed on purpose: everything that events refer to is there before they are. All of
it comes in short transactions, because a server may answer from the same files meanwhile. A
process killed anywhere leaves an import that does not say "done"; the same files brought again
take up its name and complete it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec

from renwei.collect.catalogue import keep_items
from renwei.collect.consent import Observed, statements
from renwei.collect.identity import Known, Link, Mention, Woven, weave
from renwei.collect.records import Identifier, OrderRecord, Reading
from renwei.collect.states import (
    ANONYMOUS,
    KINDS,
    PLACEHOLDER,
    Plan,
    Seen,
    State,
    order_keys,
    plan,
    seen_order,
    states,
)
from renwei.core.clock import ticks
from renwei.core.nouns import NOBODY, Consent, Fact, Told
from renwei.core.shop import Shop
from renwei.core.store import Named, People

TURN, LEAST, MOST = 200, 25, 20_000
"""Rows of the first turn, and of the smallest and the largest."""
HOLD_S = 0.02
"""So long a turn may take: whoever else writes in these files waits for it."""
Row = TypeVar("Row")
APART = ("identity", "apart")
"""The paper that remembers which merges a human undid."""


class Claims(msgspec.Struct, array_like=True):
    """What an import says beyond the events it brought; no personal data.

    Kept so that an earlier import can be undone: what this one says too must stay.
    """

    known: list[Seen] = []
    actors: list[int] = []
    links: list[tuple[int, int, str, int]] = []
    consents: list[tuple[int, Consent]] = []
    texts: dict[bytes, int] = {}
    """Actor by mark of each text: a keyed hash that shows nothing."""
    facts: list[tuple[int, Fact]] = []

    def without(self, gone: Set[int]) -> Claims:
        """The same, saying nothing of these actors; their orders are nobody's."""
        return Claims(
            known=[
                msgspec.structs.replace(seen, actor=NOBODY) if seen.actor in gone else seen
                for seen in self.known
            ],
            actors=[actor for actor in self.actors if actor not in gone],
            links=[link for link in self.links if link[0] not in gone and link[1] not in gone],
            consents=[said for said in self.consents if said[0] not in gone],
            texts={mark: actor for mark, actor in self.texts.items() if actor not in gone},
            facts=[fact for fact in self.facts if fact[0] not in gone],
        )

    def add(self, other: Claims) -> None:
        """Take in what a replay of refused rows says too."""
        self.known += other.known
        self.actors = sorted({*self.actors, *other.actors})
        self.links += other.links
        self.consents += other.consents
        self.texts |= other.texts
        self.facts += other.facts


@dataclass(slots=True)
class Prepared:
    """A reading whose people, texts and items are stored and whose events are not yet."""

    plan: Plan
    orders: list[Seen]
    claims: Claims
    woven: Woven
    lost: list[OrderRecord]
    """Orders of people who asked to be forgotten: held by nobody, no text is kept."""


def prepare(shop: Shop, reading: Reading, *, source: str, at: datetime) -> Prepared:
    """Store everything of a reading but its events, and say which events are to come."""
    people, whole = shop.store.people, len(reading.orders)

    def told(share: float) -> None:
        shop.progress("storing", int(share * whole), whole)

    told(0.0)
    mentions = [Mention(order.identifiers, order.name) for order in reading.orders]
    known = known_identifiers(people, mentions)
    remember_apart(shop, at)
    woven = weave(mentions, known, persons_apart(shop))
    lost = _lost(people, mentions, known)
    kept = [one for one in woven.identifiers() if one not in lost]
    numbers = people.actors([Named(one.kind, one.value) for one in kept], at, source)
    actors = dict(zip(kept, numbers, strict=True)) | dict.fromkeys(lost, NOBODY)
    holders = [NOBODY if primary is None else actors[primary] for primary in woven.primary]
    texts = _texts(reading, holders, woven, lost)
    told(0.2)
    in_turns(partial(people.keep_many, source=source), texts)
    told(0.5)
    marks = {text_mark(people, name, text): actor for actor, name, text in texts}
    stated = _state_consents(shop, reading, holders, source)
    facts = _facts(reading, holders, source)
    in_turns(people.learn_many, facts)
    links = _numbered(woven.links, actors)

    def merge(some: Sequence[tuple[int, int, str, int]]) -> None:
        with shop.store.together():
            merge_all(people, some, source, at)

    in_turns(merge, links)
    if known:
        links = _numbered(weave(mentions, {}).links, actors)
    told(0.7)
    items = keep_items(shop.store.items, reading)
    orders = _seen(shop, reading, holders, items, woven)
    planned = plan(orders, current_states(shop, orders), source=source, at=at)
    claims = Claims(planned.known, sorted(set(numbers)), links, stated, marks, facts)
    gone = [
        order
        for order, primary in zip(reading.orders, woven.primary, strict=True)
        if primary in lost
    ]
    return Prepared(planned, orders, claims, woven, gone)


def known_identifiers(people: People, mentions: Sequence[Mention]) -> dict[Identifier, Known]:
    """What the workspace knows of the identifiers that these orders name."""
    everybody = {one for mention in mentions for one in mention.identifiers}
    persons: dict[Identifier, int] = {}
    if people.all_persons():
        for one in everybody:
            person = people.find(Named(one.kind, one.value))
            if person:
                persons[one] = person
    unique = list(dict.fromkeys(persons.values()))
    names = {
        person: frozenset(opened.get("name", ()))
        for person, opened in zip(unique, people.open_many(unique, ["name"]), strict=True)
    }
    return {one: Known(person, names[person]) for one, person in persons.items()}


def persons_apart(shop: Shop) -> list[tuple[int, int]]:
    """Pairs of persons whose merge a human undid."""
    people = shop.store.people
    pairs = sorted(_said_apart(shop))
    ones = people.persons_of([a for a, _ in pairs])
    others = people.persons_of([b for _, b in pairs])
    return [pair for pair in zip(ones, others, strict=True) if pair[0] != pair[1]]


def remember_apart(shop: Shop, at: datetime) -> None:
    """Put undone merges on paper, so that they stay undone when their import goes."""
    pairs = _said_apart(shop)
    paper = shop.store.papers.get(*APART)
    if len(pairs) > (len(paper.body["pairs"]) if paper else 0):
        shop.store.papers.put(*APART, {"pairs": sorted(pairs)}, by="import", at=at)


def _said_apart(shop: Shop) -> set[tuple[int, int]]:
    paper = shop.store.papers.get(*APART)
    pairs = {(int(a), int(b)) for a, b in paper.body["pairs"]} if paper else set()
    return pairs | {(one.kept, one.gone) for one in shop.store.people.merges() if one.undone}


def current_states(shop: Shop, orders: Sequence[Seen]) -> dict[str, State]:
    """The state of those of these orders that the log holds."""
    held = shop.store.log.has([seen.key for seen in orders])
    wanted = frozenset(
        seen.key[:8].hex() for seen, is_held in zip(orders, held, strict=True) if is_held
    )
    return states(shop.store.log.read(kinds=KINDS), wanted) if wanted else {}


def pack(claims: Claims) -> bytes:
    """Claims as bytes for a sealed blob."""
    return zlib.compress(msgspec.msgpack.encode(claims), 1)


def unpack(data: bytes | None) -> Claims:
    """The inverse of `pack`; empty where there was no blob."""
    return msgspec.msgpack.decode(zlib.decompress(data), type=Claims) if data else Claims()


def _lost(
    people: People, mentions: Sequence[Mention], known: dict[Identifier, Known]
) -> set[Identifier]:
    """Identifiers of people who were forgotten, and new ones that only name the same people.

    A forgotten phone next to an account that is known here was shared: the account stays.
    """
    if not people.forgotten():
        return set()
    asked = {one for mention in mentions for one in mention.identifiers if one not in known}
    gone = forgotten_among(people, asked)
    beside: set[Identifier] = set()
    for mention in mentions:
        named = set(mention.identifiers)
        if named & gone and not named & known.keys():
            beside |= named
    return gone | beside


def forgotten_among(people: People, identifiers: set[Identifier]) -> set[Identifier]:
    """Which of these identifiers belong to somebody who was forgotten."""
    asked = sorted(identifiers)
    gone = people.is_forgotten([Named(one.kind, one.value) for one in asked])
    return {one for one, is_gone in zip(asked, gone, strict=True) if is_gone}


def text_mark(people: People, name: str, text: str) -> bytes:
    """What stands for a text in claims."""
    return people.keyed(f"text|{name}|{text}")[:8]


def _texts(
    reading: Reading, holders: Sequence[int], woven: Woven, lost: set[Identifier]
) -> list[tuple[int, str, str]]:
    found: dict[tuple[int, str, str], None] = {}
    about = zip(reading.orders, holders, woven.loose, woven.gifts, strict=True)
    for order, actor, loose, is_gift in about:
        if actor == NOBODY:
            continue
        texts = [("recipient" if is_gift else "name", order.name)]
        texts += [("address", order.address), ("note", order.note)]
        texts += [("order", order.number)]
        texts += [(one.kind, one.value) for one in loose if one not in lost]
        for name, text in texts:
            if text:
                found[actor, name, text] = None
    return list(found)


def _facts(reading: Reading, holders: Sequence[int], source: str) -> list[tuple[int, Fact]]:
    """Where a buyer lives and through whom they came, as their latest order shows."""
    latest: dict[tuple[int, str], Fact] = {}
    for order, actor in zip(reading.orders, holders, strict=True):
        at = order.created_at or order.paid_at
        if actor == NOBODY or at is None:
            continue
        told = (
            ("country", order.country),
            ("province", order.province),
            ("creator", order.creator),
        )
        for name, value in told:
            held = latest.get((actor, name))
            if value and (held is None or held.at <= at):
                latest[actor, name] = Fact(name, value, Told.OBSERVED, f"import:{source}", at)
    return [(actor, fact) for (actor, _), fact in latest.items()]


def _state_consents(
    shop: Shop, reading: Reading, holders: Sequence[int], source: str
) -> list[tuple[int, Consent]]:
    observed: list[Observed] = []
    for order, actor in zip(reading.orders, holders, strict=True):
        at = order.created_at or order.paid_at
        if order.accepts_marketing is not None and actor != NOBODY and at is not None:
            observed.append((actor, at, order.accepts_marketing))
    if not observed:
        return []
    people = shop.store.people
    actors = sorted({actor for actor, _, _ in observed})
    person_of = dict(zip(actors, people.persons_of(actors), strict=True))
    persons = sorted(set(person_of.values()))
    existing = dict(zip(persons, people.consents_of(persons), strict=True))
    proof = f"import:{source}"
    in_turns(people.state_many, list(statements(observed, person_of, existing, proof)))
    return statements(observed, person_of, {}, proof)


def in_turns(write: Callable[[Sequence[Row]], object], rows: Sequence[Row]) -> None:
    """Write many rows in short transactions, so that whoever else writes gets a turn."""
    start, size = 0, TURN
    while start < len(rows):
        begun = ticks()
        write(rows[start : start + size])
        start += size
        took_s = ticks() - begun
        if took_s > HOLD_S:
            size = max(size // 2, LEAST)
        elif took_s < HOLD_S / 2:
            size = min(size * 2, MOST)


def merge_all(
    people: People,
    rows: Sequence[tuple[int, int, str, int]],
    source: str,
    at: datetime,
    apart: Sequence[tuple[int, int]] = (),
) -> None:
    """Make pairs of actors one person each, where they are not yet and may be."""
    for kept, gone, reason, orders in rows:
        one, other = people.persons_of([kept, gone])
        divided = {(one, other), (other, one)} & _persons(people, apart) if apart else ()
        if one != other and not divided:
            people.merge(
                kept,
                gone,
                reason=reason,
                at=at,
                source=source,
                values={"orders": orders, "import": source},
            )


def _persons(people: People, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    ones = people.persons_of([one for one, _ in pairs])
    return set(zip(ones, people.persons_of([other for _, other in pairs]), strict=True))


def _numbered(
    links: Sequence[Link], actors: dict[Identifier, int]
) -> list[tuple[int, int, str, int]]:
    rows = []
    for link in links:
        kept, gone = actors.get(link.kept, NOBODY), actors.get(link.gone, NOBODY)
        if NOBODY not in (kept, gone):
            rows.append((kept, gone, link.reason, link.orders))
    return rows


def _seen(
    shop: Shop, reading: Reading, holders: Sequence[int], items: Sequence[int], woven: Woven
) -> list[Seen]:
    keys = order_keys(reading.orders, shop.store.log, shop.store.people.keyed)
    found = []
    for order, key, actor, primary in zip(
        reading.orders, keys, holders, woven.primary, strict=True
    ):
        seen = seen_order(
            order,
            key=key,
            actor=actor,
            items=items,
            marks=_marks(order, primary, woven),
        )
        if seen is not None:
            found.append(seen)
    return found


def _marks(order: OrderRecord, primary: Identifier | None, woven: Woven) -> int:
    odd = any(one in woven.placeholders for one in order.identifiers)
    return ANONYMOUS * (primary is None) + PLACEHOLDER * odd
