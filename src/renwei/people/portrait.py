"""One person's page, put together from the log, the vault and the estimates (law 8: by `at`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from renwei.core.chance import to_id
from renwei.core.clock import from_us
from renwei.core.finding import person as find_person
from renwei.core.nouns import NOTHING, Decision, Event, Item, Profile
from renwei.core.shop import Shop
from renwei.core.store import Merge
from renwei.people.correct import corrections, not_believed
from renwei.people.crowd import ALIVE
from renwei.people.intent import intent_with_evidence
from renwei.people.leanings import leanings
from renwei.people.now import STAGES, TIERS, fresh
from renwei.people.preferences import preferences
from renwei.people.sight import (
    ConsentSeen,
    FactSeen,
    MergeSeen,
    Need,
    Portrait,
    Preference,
    Spread,
    Touch,
)

PURPOSES = ("service", "care", "marketing", "profiling", "sensitive", "location")
IDENTIFIERS = (
    "phone", "email", "nick", "customer", "user", "openid", "unionid", "external_userid", "device",
    "anonymous",
)  # fmt: skip
TOUCHING = ("order", "order-change", "return", "contact")
TOUCHES = 20
_READ = 200
_NEEDS = 5


def portrait(shop: Shop, text: str, at: datetime, *, masked: bool = False) -> Portrait:
    """Everything known of the person who goes by `text`, as of a time.

    Raises:
        UnknownName, Ambiguous: See renwei.core.finding.
    """
    return portrait_of(shop, find_person(shop, text), at, masked=masked)


def portrait_of(shop: Shop, person: int, at: datetime, *, masked: bool = False) -> Portrait:
    """The same for a person's number."""
    store = shop.store
    profile = store.people.profile(person)
    person = profile.person
    events = store.log.of(profile.actors, until=at, kinds=TOUCHING, limit=_READ)
    newest = store.log.of(profile.actors, until=at, kinds=ALIVE, limit=1)
    decisions = [d for d in store.ledger.of(profile.actors, limit=TOUCHES) if d.at <= at]
    orders = standing_orders(events)
    items = _items(shop, orders, decisions, events)
    texts = store.people.open(person)
    told = _estimates(shop, person, items) | _fresh(shop, person, at)
    liked, note = _inferred(shop, profile, orders, items, at)
    intent, why = intent_with_evidence(shop, person, told["last_order"], at)
    return Portrait(
        person=to_id(person),
        at=at,
        currency=_currency(shop),
        zone=shop.settings.zone,
        name=next(iter(_masked(texts.get("name", []), masked=masked)), ""),
        identifiers={
            kind: _masked(texts[kind], masked=masked) for kind in IDENTIFIERS if texts.get(kind)
        },
        facts=[
            FactSeen(name=f.name, value=f.value, told=f.told.value, source=f.source, at=f.at)
            for f in sorted(profile.facts.values(), key=lambda f: f.name)
            if f.at <= at and f.value is not None
        ],
        preferences=liked,
        note=note,
        consent=consent_table(profile, at),
        statements=[
            ConsentSeen(
                purpose=c.purpose, channel=c.channel, state=c.state.value, at=c.at,
                source=c.source, text_version=c.text_version,
            )
            for c in sorted(profile.consents, key=lambda c: c.at, reverse=True)
            if c.at <= at
        ],
        merges=[merge_seen(m) for m in store.people.merges(person) if m.at <= at],
        touches=_touches(events, decisions, items),
        intent=intent,
        intent_text=shop.say(f"intents.{intent}") if intent else "",
        intent_evidence=why,
        last_seen=newest[0].at if newest else None,
        corrections=[one for one in corrections(shop, person) if one.at <= at],
        **told,
    )  # fmt: skip


def standing_orders(events: Sequence[Event]) -> list[Event]:
    """Counted orders as they stand after the changes among these events, newest first."""
    latest: dict[str, tuple[Event, datetime]] = {}
    for event in sorted(events, key=lambda e: e.seq):
        if event.kind in ("order", "order-change"):
            key = str(event.body.get("order"))
            first = latest[key][1] if key in latest else event.at
            latest[key] = (event, first)
    counted = [
        _at(event, first)
        for event, first in latest.values()
        if event.body.get("status", "paid") == "paid"
    ]
    return sorted(counted, key=lambda e: (e.at, e.seq), reverse=True)


def consent_table(profile: Profile, at: datetime) -> dict[str, dict[str, str]]:
    """State by purpose and channel; a purpose without a statement is unknown everywhere."""
    table: dict[str, dict[str, str]] = {}
    for purpose in PURPOSES:
        channels = sorted({c.channel for c in profile.consents if c.purpose == purpose} | {"*"})
        table[purpose] = {c: profile.consent(purpose, c, at).value for c in channels}
    return table


def merge_seen(merge: Merge) -> MergeSeen:
    """A merge as people read it."""
    return MergeSeen(
        id=merge.id,
        kept=to_id(merge.kept),
        gone=to_id(merge.gone),
        reason=merge.reason,
        at=merge.at,
        undone=merge.undone,
        values=dict(merge.values),
    )


def mask(text: str) -> str:
    """A text of which only the ends can be read.

    Example:
        >>> mask("+8613912345678"), mask("李雷"), mask("mei@example.com")
        ('+8********5678', '李*', 'm*************m')
    """
    shown = 4 if text.startswith("+") else 1
    if len(text) <= 2:
        return text[:1] + "*" * (len(text) - 1)
    ahead = 2 if text.startswith("+") else 1
    return text[:ahead] + "*" * max(len(text) - ahead - shown, 1) + text[-shown:]


def _masked(texts: list[str], *, masked: bool) -> list[str]:
    return [mask(text) for text in texts] if masked else texts


def _at(event: Event, first: datetime) -> Event:
    if event.at == first:
        return event
    return Event(
        event.actor, event.kind, first, event.message_id, event.item, event.value_minor,
        event.currency, event.body, event.source, event.version, event.seq, event.seen,
    )  # fmt: skip


def _items(
    shop: Shop, orders: Sequence[Event], decisions: Sequence[Decision], events: Sequence[Event]
) -> dict[int, Item]:
    numbers = {line[0] for order in orders for line in order.body.get("lines") or ()}
    numbers |= {line[0] for e in events[:TOUCHES] for line in e.body.get("lines") or ()}
    numbers |= {number for decision in decisions for number in decision.chosen}
    wanted = sorted(numbers - {NOTHING})
    found = zip(wanted, shop.store.items.get(wanted), strict=True)
    return {number: item for number, item in found if item is not None}


def _inferred(
    shop: Shop, profile: Profile, orders: Sequence[Event], items: dict[int, Item], at: datetime
) -> tuple[list[Preference], str]:
    if any(
        profile.consent("profiling", channel, at).value == "withdrawn" for channel in ("*", "hand")
    ):
        return [], shop.say("person.note.no_profiling")
    held = shop.shelf.get("items")
    edges = held.meta.get("price_edges_minor", ()) if held else ()
    liked = preferences(orders, items, zone=shop.settings.zone, price_edges=edges)
    liked += leanings(shop, profile.actors, at)
    wrong = not_believed(shop, profile.person)
    liked = [one for one in liked if (one.kind, one.value) not in wrong]
    for one in liked:
        one.text = _said(shop, one)
    key = "no_pattern" if len(orders) > 1 else "only"
    return liked, "" if liked else shop.say(f"person.note.{key}", n=len(orders))


def _said(shop: Shop, one: Preference) -> str:
    """A preference in words; what is only looked at is not said to be bought."""
    key = f"preferences.{one.kind}"
    if one.basis == "behaviour" and shop.words.has(f"preferences.looks_{one.kind}"):
        key = f"preferences.looks_{one.kind}"
    value = f"pages.person.{one.kind}_{one.value}"
    shown = shop.say(value) if shop.words.has(value) else one.value
    return shop.say(key, value=shown, n=one.events, seconds=one.seconds)


def _currency(shop: Shop) -> str:
    """That of the sums: of the estimates, which are in what most orders are in."""
    held = shop.shelf.get("people")
    return str((held.meta.get("currency") if held else "") or shop.settings.currency)


def _estimates(shop: Shop, person: int, items: dict[int, Item]) -> dict[str, Any]:
    held = shop.shelf.get("people")
    row = row_of(held.columns["person"], person) if held else None
    if held is None or row is None:
        return dict(_BLANK)
    column, meta = held.columns, held.meta
    stage, tier = meta["stages"][int(column["stage"][row])], meta["tiers"][int(column["tier"][row])]

    def spread(name: str) -> Spread:
        return Spread(
            **{
                end: round(float(column[f"{name}_{end}"][row]), 2)
                for end in ("value", "low", "high")
            }
        )

    return _BLANK | {
        "orders": int(column["orders"][row]),
        "spend_minor": int(column["spend_minor"][row]),
        "first_order": from_us(int(column["first_us"][row])),
        "last_order": from_us(int(column["last_us"][row])),
        "stage": stage,
        "stage_text": shop.say(f"stages.{stage}"),
        "tier": tier,
        "tier_text": shop.say(f"tiers.{tier}"),
        "chance_30_days": round(float(column["p30"][row]), 4),
        "window_days": int(meta["window_days"]),
        "window": spread("spend_window"),
        "value": spread("year"),
        "next_needs": _needs(shop, person, items),
        "as_of": str(meta["as_of"]),
        "model": str(meta["model"]),
    }


def _fresh(shop: Shop, person: int, at: datetime) -> dict[str, Any]:
    """What an order that the estimates do not know yet changes on the page."""
    row = fresh(shop, person, at)
    if row is None:
        return {"fresh": False}
    if not row["orders"]:
        # Everything was given back since.
        return _BLANK | {"fresh": True}
    held = shop.shelf.get("people")
    tier = TIERS[int(row["tier"])] if 0 <= row["tier"] < len(TIERS) else ""

    def spread(name: str) -> Spread:
        ends = {end: round(float(row.get(f"{name}_{end}", 0.0)), 2) for end in _ENDS}
        return Spread(**ends)

    found: dict[str, Any] = {
        "fresh": True,
        "orders": int(row["orders"]),
        "spend_minor": int(row["spend_minor"]),
        "first_order": from_us(int(row["first_us"])),
        "last_order": from_us(int(row["last_us"])),
        "stage": STAGES[int(row["stage"])],
        "stage_text": shop.say(f"stages.{STAGES[int(row['stage'])]}"),
        "tier": tier,
        "tier_text": shop.say(f"tiers.{tier}") if tier else "",
    }
    if held is not None and "p30" in row:
        chance = round(float(row["p30"]), 4)
        found |= {
            "chance_30_days": chance,
            "value": spread("year"),
            "window": spread("spend_window"),
        }
    return found


_ENDS = ("value", "low", "high")
_BLANK: dict[str, Any] = {
    "orders": 0, "spend_minor": 0, "first_order": None, "last_order": None, "stage": "",
    "stage_text": "", "tier": "", "tier_text": "", "chance_30_days": None, "window_days": 0,
    "window": None, "value": None, "next_needs": [], "as_of": "", "model": "",
}  # fmt: skip


def row_of(column: Any, person: int) -> int | None:
    """The row of a person in an ascending column, or None."""
    row = int(column.searchsorted(person))
    return row if row < len(column) and int(column[row]) == person else None


def _needs(shop: Shop, person: int, items: dict[int, Item]) -> list[Need]:
    held = shop.shelf.get("needs")
    if held is None:
        return []
    column = held.columns
    first = int(column["person"].searchsorted(person, "left"))
    last = min(int(column["person"].searchsorted(person, "right")), first + _NEEDS)
    found = []
    for row in range(first, last):
        number = int(column["item"][row])
        item = items.get(number) or next(iter(shop.store.items.get([number])), None)
        found.append(
            Need(
                item=number,
                code=item.code if item else "",
                title=item.title if item else "",
                times=int(column["times"][row]),
                quantity=round(float(column["quantity"][row]), 2),
                cycle_days=round(float(column["cycle_days"][row]), 1),
                chance=round(float(column["p"][row]), 4),
                due_low=from_us(int(column["due_low_us"][row])),
                due_high=from_us(int(column["due_high_us"][row])),
            )
        )
    return found


def _touches(
    events: Sequence[Event], decisions: Sequence[Decision], items: dict[int, Item]
) -> list[Touch]:
    def titles(numbers: Sequence[int]) -> list[str]:
        return [items[n].title for n in dict.fromkeys(numbers) if n in items]

    touches = [
        Touch(
            kind=event.kind,
            at=event.at,
            value_minor=event.value_minor,
            currency=event.currency,
            refunded_minor=int(event.body.get("refunded") or 0),
            status=str(event.body.get("done") or event.body.get("status") or ""),
            what=titles([line[0] for line in event.body.get("lines") or ()]),
            decision_id=str(event.body.get("decision") or ""),
        )
        for event in events[:TOUCHES]
    ]
    touches += [
        Touch(
            kind="decision",
            at=decision.at,
            what=titles(decision.chosen),
            decision_id=decision.id,
            surface=decision.surface,
            status="" if any(decision.chosen) else "nothing",
        )
        for decision in decisions
    ]
    touches.sort(key=lambda touch: touch.at, reverse=True)
    return touches[:TOUCHES]
