"""Which facts there are of people: how often filled, with what, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from renwei.core.nouns import Fact
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.people.crowd import crowd
from renwei.people.facts_now import facts_now

INVALID = "invalid:"
_TOP = 8


class AttributesRequest(msgspec.Struct, kw_only=True):
    """All attributes, the most filled first; `top` values of each are named."""

    top: Annotated[int, msgspec.Meta(ge=0, le=50)] = _TOP


class Frequent(msgspec.Struct, kw_only=True):
    """A value and how many people have it."""

    value: Any
    people: int


class Attribute(msgspec.Struct, kw_only=True):
    """One fact that exists of somebody.

    `filled` is the share of everybody; `kind` is text, number, yes_no, list or mixed; `told`
    counts people by where the fact comes from; `invalid` counts values that could not be read.
    """

    name: str
    text: str
    people: int
    filled: float
    kind: str
    told: dict[str, int]
    different: int
    top: list[Frequent]
    invalid: int
    invalid_top: list[Frequent]


class AttributesAnswer(msgspec.Struct, kw_only=True):
    """Exactly the attributes that there are."""

    at: datetime
    everybody: int
    attributes: list[Attribute]


@operation("attributes", AttributesRequest, http="GET /v1/attributes")
def attributes(shop: Shop, request: AttributesRequest) -> AttributesAnswer:
    """Show which facts are known of people, how often, and with which values."""
    at = shop.clock.now().astimezone(UTC)
    everybody = len(crowd(shop, at))
    named = facts_now(shop)
    names = {name.removeprefix(INVALID) for name, of in named.items() if of}
    found = [_attribute(shop, name, named, (everybody, request.top)) for name in names]
    found.sort(key=lambda one: (-one.people, one.name))
    return AttributesAnswer(at=at, everybody=everybody, attributes=found)


def _attribute(
    shop: Shop, name: str, named: Mapping[str, Mapping[int, Fact]], shown: tuple[int, int]
) -> Attribute:
    everybody, top = shown
    facts = [fact for fact in named.get(name, {}).values() if fact.value is not None]
    wrong = [fact.value for fact in named.get(INVALID + name, {}).values()]
    values = [one for fact in facts for one in _each(fact.value)]
    filled = round(len(facts) / max(everybody, 1), 4)
    return Attribute(
        name=name,
        text=shop.say("attributes.filled", name=name, share=filled),
        people=len(facts),
        filled=filled,
        kind=_kind(values),
        told=dict(Counter(fact.told.value for fact in facts)),
        different=len(set(map(str, values))),
        top=_frequent(values, top),
        invalid=len(wrong),
        invalid_top=_frequent(wrong, top),
    )


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _frequent(values: list[Any], top: int) -> list[Frequent]:
    first: dict[str, Any] = {}
    counts: Counter[str] = Counter()
    for value in values:
        first.setdefault(str(value), value)
        counts[str(value)] += 1
    order = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:top]
    return [Frequent(value=first[text], people=n) for text, n in order]


def _kind(values: list[Any]) -> str:
    kinds = {_kind_of(value) for value in values}
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "text"


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "yes_no"
    return "number" if isinstance(value, int | float) else "text"
