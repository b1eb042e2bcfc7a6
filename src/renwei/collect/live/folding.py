"""The fold "profiles": what events say of people becomes facts, vault texts, consents, merges.

It runs behind the log, in the order of arrival, inside the transaction that moves its position.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from renwei.collect.live.joining import Joiner
from renwei.collect.live.resolving import ONE_SPACE, contact
from renwei.collect.live.suspicious import flagged
from renwei.collect.live.traits import IDENTIFIERS, INVALID, is_close, traits_of
from renwei.collect.regions import region_of
from renwei.core.errors import Unavailable
from renwei.core.nouns import NOBODY, Consent, ConsentState, Event, Fact, Told
from renwei.core.shop import Shop

FOLD: Final = "profiles"
_ABOUT_PEOPLE: Final = frozenset(("facts", "texts", "consent", "with", "op", "numbered"))
_OF_NAMES: Final = ("name", "called", "first_name", "last_name")
_LIST: Final = 50


def fold(shop: Shop, events: Sequence[Event]) -> None:
    """Take in what these events say of people; called inside `store.together()`."""
    joiner = Joiner(shop)
    for event in events:
        if event.actor == NOBODY or _ABOUT_PEOPLE.isdisjoint(event.body):
            continue
        body = event.body
        if body.get("with"):
            others = [int(other) for other in body["with"]]
            _join(joiner, event, others)
        if body.get("numbered"):
            # The customer stays who they were, and so in or out of every hold-out.
            customer, source = int(body["numbered"]), event.source
            joiner.join(customer, [event.actor], "same_customer", event.at, source=source)
        if body.get("facts") or body.get("op") == "delete":
            _learn(shop, event, body.get("facts", {}))
        if body.get("consent"):
            _state(shop, event, body["consent"])
        if body.get("texts"):
            _keep(shop, event, joiner)
    _weigh(shop, events)
    if events:
        joiner.note(events[-1].at)


def rest_of(shop: Shop, event: Event) -> dict[str, Any]:
    """What was sealed of an event: p (properties), t (traits), c (context); {} once shredded."""
    sealed = event.body.get("_")
    if not sealed or event.actor == NOBODY:
        return {}
    try:
        data = shop.store.people.open_for(event.actor, a2b_base64(str(sealed)))
    except (Unavailable, ValueError):
        return {}
    return dict(msgspec.json.decode(data)) if data else {}


def _join(joiner: Joiner, event: Event, others: Sequence[int]) -> None:
    how = str(event.body.get("how", ""))
    one_space = event.body.get("wire") in ONE_SPACE
    joiner.join(event.actor, others, how, event.at, source=event.source, one_space=one_space)


# Facts.


def _learn(shop: Shop, event: Event, told: Mapping[str, Any]) -> None:
    people, how = shop.store.people, str(event.body.get("op", "set"))
    known = people.profile(people.persons_of([event.actor])[0]).facts
    kept_once = set(told) if how == "set_once" else set(event.body.get("once", ()))
    if how == "delete":
        told = dict.fromkeys(known)
    new: dict[str, Any] = {}
    for name, value in told.items():
        held = known[name].value if name in known else None
        if name in kept_once and held is not None:
            continue
        new[name] = _changed(how, held, value)
        # A valid value takes back the invalid one before, and the other way round.
        other = name.removeprefix(INVALID) if name.startswith(INVALID) else INVALID + name
        if new[name] is not None and other in known:
            new[other] = None
    facts = [
        Fact(name, value, Told.TOLD, event.source, event.at)
        for name, value in new.items()
        if not _is_old(known.get(name), value, event)
    ]
    people.learn_facts(event.actor, facts)


def _is_old(held: Fact | None, value: Any, event: Event) -> bool:
    """Whether a word adds nothing: the same again, or nothing where nothing was known."""
    if held is None:
        return value is None
    return held.value == value and type(held.value) is type(value) and held.at <= event.at


def _changed(how: str, held: Any, value: Any) -> Any:
    """The value after a profile call of 神策: set, increment, append, unset, delete."""
    if how in ("unset", "delete"):
        return None
    if how == "increment":
        both = [number for number in (held, value) if type(number) in (int, float)]
        return sum(both) if type(value) in (int, float) else held
    if how == "append":
        before = held if isinstance(held, list) else [] if held is None else [held]
        return list(dict.fromkeys([*before, value]))[-_LIST:]
    return value


# Consents.


def _state(shop: Shop, event: Event, said: Iterable[Sequence[Any]]) -> None:
    """State what changed; the same word again, or an older one, adds nothing."""
    people = shop.store.people
    held = people.consents_of(people.persons_of([event.actor]))[0]
    new = []
    for purpose, channel, given in said:
        state = ConsentState.GIVEN if given else ConsentState.WITHDRAWN
        latest = max(
            (c for c in held if c.purpose == purpose and c.channel == channel and c.at <= event.at),
            key=lambda c: c.at,
            default=None,
        )
        if latest is None or latest.state is not state:
            new.append(Consent(str(purpose), str(channel), state, event.at, event.source))
    if new:
        people.state_consent(event.actor, new)


# Personal texts and the identifiers among them.


def _keep(shop: Shop, event: Event, joiner: Joiner) -> None:
    people = shop.store.people
    told = traits_of(rest_of(shop, event).get("t") or {})
    close = {name: value for name, value in told.facts.items() if is_close(name)}
    if close:
        _learn(shop, event, close)
    names = _names(told.texts)
    texts = [(event.actor, "name", name) for name in names or _said(told.texts, "called")]
    texts += [
        (event.actor, kind, text)
        for kind, text in told.texts
        if kind not in IDENTIFIERS and kind not in _OF_NAMES
    ]
    people.keep_many(texts, event.source)
    region = region_of(shop.settings.currency, shop.settings.zone)
    for kind, text in told.texts:
        if kind in IDENTIFIERS:
            _recognise(shop, event, joiner, (kind, text, region, names))


def _said(texts: Sequence[tuple[str, str]], kind: str) -> list[str]:
    return [text for name, text in texts if name == kind]


def _names(texts: Sequence[tuple[str, str]]) -> list[str]:
    """The real name, where one is told; a name made up for an app says nothing of anybody."""
    parts = [*_said(texts, "first_name"), *_said(texts, "last_name")]
    return _said(texts, "name") or ([" ".join(parts)] if parts else [])


def _recognise(
    shop: Shop, event: Event, joiner: Joiner, told: tuple[str, str, str, list[str]]
) -> None:
    """A contact makes one person of what names it, unless it is somebody else's or nobody's."""
    kind, text, region, names = told
    people = shop.store.people
    named = contact(kind, text, region)
    if named is None:
        joiner.left["placeholder"] += 1
        people.keep_many([(event.actor, kind, text)], event.source)
        return
    actor = people.actors([named], event.at, event.source)[0]
    if actor == NOBODY:
        return
    joiner.join(event.actor, [actor], f"same_{kind}", event.at, source=event.source, names=names)
    one, other = people.persons_of([event.actor, actor])
    if one != other:
        # Shared with somebody else: a way to reach this person all the same.
        people.keep_many([(event.actor, kind, named.value)], event.source)


def _weigh(shop: Shop, events: Sequence[Event]) -> None:
    rows = flagged(events)
    if rows:
        shop.store.tallies.add(FOLD, rows, events[-1].seq)
