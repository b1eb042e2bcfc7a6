"""Everything about one person in one document, for the person themselves: JSON and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from renwei.core.chance import to_id
from renwei.core.nouns import Event
from renwei.core.shop import Shop
from renwei.core.words import money
from renwei.people.portrait import portrait_of
from renwei.people.sealed import details

_ALL = 1_000_000


def dossier(shop: Shop, person: int, at: datetime) -> dict[str, Any]:
    """All that is held of a person, JSON-able: nothing is left out, nothing is masked."""
    store = shop.store
    profile = store.people.profile(person)
    events = store.log.of(profile.actors, limit=_ALL)
    page = msgspec.to_builtins(portrait_of(shop, profile.person, at))
    page.pop("touches")
    texts = store.people.open(profile.person)
    decisions = store.ledger.of(profile.actors, limit=_ALL)
    return {
        "person": to_id(profile.person),
        "at": at.isoformat(),
        "texts": texts,
        "portrait": page,
        "events": [
            event_row(event, order_names(shop, event, texts)) | {"details": details(shop, event)}
            for event in events
        ],
        "items": _titles(shop, events),
        "decisions": [msgspec.to_builtins(decision) for decision in decisions],
    }


def order_names(shop: Shop, event: Event, texts: Mapping[str, Sequence[str]]) -> str:
    """The number of an order as written, found among the person's own by its keyed hash."""
    wanted = str(event.body.get("order") or "")
    if not wanted:
        return ""
    platform, place = event.body.get("platform", ""), event.body.get("shop", "")
    for number in texts.get("order", ()):
        key = shop.store.people.keyed(f"order|{platform}|{place}|{number}")
        if key.hex().startswith(wanted):
            return number
    return ""


def event_row(event: Event, number: str) -> dict[str, Any]:
    """An event as it is handed out."""
    return {
        "seq": event.seq,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "order": number,
        "value_minor": event.value_minor,
        "currency": event.currency,
        "source": event.source,
        "body": dict(event.body),
    }


def readable(shop: Shop, data: Mapping[str, Any]) -> str:
    """The same for people, in both languages, one after the other."""
    return "\n\n".join(_in_language(shop, data, language) for language in ("zh", "en")) + "\n"


def _in_language(shop: Shop, data: Mapping[str, Any], language: str) -> str:
    def say(key: str, **values: Any) -> str:
        return shop.words.say(f"dossier.{key}", values, language)

    page = data["portrait"]
    lines = [say("title", person=data["person"]), "", say("identifiers")]
    for kind, texts in data["texts"].items():
        label = say(f"kind.{kind}")
        lines += [f"  {label if not label.startswith('dossier.') else kind}: {t}" for t in texts]
    lines += ["", say("facts")]
    lines += [f"  {f['name']}: {f['value']} ({f['told']}, {f['source']})" for f in page["facts"]]
    lines += ["", say("inferred")]
    lines += [f"  {p['kind']}: {p['value']} ({p['orders']})" for p in page["preferences"]]
    if page["stage"]:
        lines += ["  " + shop.words.say(f"stages.{page['stage']}", {}, language)]
    lines += ["", say("consents")]
    lines += [
        f"  {c['purpose']} / {c['channel']}: {c['state']} ({c['at'][:10]}, {c['source']})"
        for c in page["statements"]
    ] or ["  " + say("no_consents")]
    lines += ["", say("orders")]
    items: Mapping[str, str] = data["items"]
    for event in data["events"]:
        amount = money([event["value_minor"], event["currency"]])
        titles = [items.get(str(line[0]), "") for line in event["body"].get("lines") or ()]
        lines.append(f"  {event['at'][:10]} {event['kind']} {event['order']} {amount}")
        lines += [f"    {title}" for title in titles if title]
    lines += ["", say("decisions", n=len(data["decisions"]))]
    return "\n".join(lines)


def _titles(shop: Shop, events: Sequence[Event]) -> dict[str, str]:
    numbers = sorted({line[0] for e in events for line in e.body.get("lines") or ()})
    found = zip(numbers, shop.store.items.get(numbers), strict=True)
    return {str(number): item.title for number, item in found if item}
