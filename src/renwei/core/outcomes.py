"""Outcomes: events joined to the decisions they answer. Derived, never typed in.

A rule has a name and a version; run another rule over the same decisions and events and the
past is told anew. Decisions of `nothing` have outcomes too: without them no lift could be
measured against the people who were held out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from renwei.core.errors import UnknownName
from renwei.core.nouns import NOBODY, NOTHING, Decision, Event, Outcome, Surface

RETURN = "return"
"""An event that gives money back and names no order: it answers the last one credited."""

RULES: Mapping[str, slice] = {
    "latest@1": slice(-1, None),
    "first@1": slice(0, 1),
    "equal@1": slice(None),
}
"""Which of the decisions in whose window an event falls, oldest first, share it equally."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One outcome a root decision, in the order of the decisions, and how they came about.

    `unclaimed` counts goal events that no decision's window holds.
    """

    rows: tuple[Outcome, ...]
    rule: str
    at: datetime
    unclaimed: int = 0

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def derive(
    decisions: Iterable[Decision],
    events: Iterable[Event],
    surface: Surface,
    *,
    at: datetime,
    person_of: Mapping[int, int] | None = None,
    rule: str = "latest@1",
) -> Outcomes:
    """Join what happened to what was decided.

    A goal event counts for the decisions about its person made before it, not longer ago
    than the window; in a chain of decisions the root alone is credited, once. An event of
    kind `<goal>-change` tells the whole new state of the same order (body "order"); one that
    is no longer paid does not count, and refunds, whole or in part, lower the value. What
    belongs to nobody any more is left out on both sides.

    Args:
        decisions: Of this surface, and those taken inside them (`parent`), in any order.
        events: Of the goal, its changes and returns, in log order.
        surface: Whose goal, window and lateness count.
        at: What is known by then is used; later events are not looked at.
        person_of: The person of each actor; an actor that is not named is its own person.
        rule: How several decisions share one event; a name in RULES.

    Raises:
        UnknownName: There is no such rule.
    """
    if rule not in RULES:
        raise UnknownName.among("rule", rule, RULES)
    chains = _chains(decisions, surface)
    by_person: dict[int, list[tuple[datetime, _Chain]]] = defaultdict(list)
    for chain in chains:
        by_person[chain.root.person] += [(moment, chain) for moment in chain.moments]
    for moments in by_person.values():
        moments.sort(key=lambda pair: (pair[0], pair[1].root.id))
    persons, unclaimed = person_of or {}, 0
    for goal in _goals(events, surface, at):
        person = persons.get(goal.event.actor, goal.event.actor)
        near = _near(by_person.get(person, []), goal.event.at, surface)
        if goal.returned:
            _take_back(near, goal)
        elif goal.counts:
            unclaimed += not _credit(near, goal, RULES[rule], surface)
    return Outcomes(tuple([c.outcome(surface, at) for c in chains]), rule, at, unclaimed)


@dataclass(slots=True)
class _Goal:
    """An order as it stands: its first event, what it is worth now, whether it counts."""

    event: Event
    value: int
    counts: bool
    returned: bool = False


@dataclass(slots=True)
class _Chain:
    """A root decision, the moments of all decisions in its chain, and what it was credited."""

    root: Decision
    moments: list[datetime]
    value: int = 0
    first: Event | None = None

    def outcome(self, surface: Surface, at: datetime) -> Outcome:
        root, first = self.root, self.first
        item = root.chosen[0] if root.chosen else NOTHING
        if first is not None and first.item in root.chosen:
            item = first.item
        return Outcome(
            root.id,
            root.person,
            surface.name,
            item,
            first is not None,
            self.value,
            first.currency if first else "",
            first.at if first else None,
            at < max(self.moments) + surface.window + surface.lateness,
        )


def _chains(decisions: Iterable[Decision], surface: Surface) -> list[_Chain]:
    known = {decision.id: decision for decision in decisions}
    chains: dict[str, _Chain] = {}
    moments: dict[str, list[datetime]] = defaultdict(list)
    for decision in known.values():
        root, met = decision, {decision.id}
        while root.parent in known and root.parent not in met:
            root = known[root.parent]
            met.add(root.id)
        moments[root.id].append(decision.at)
        if root.surface == surface.name and root.person != NOBODY:
            chains.setdefault(root.id, _Chain(root, moments[root.id]))
    return list(chains.values())


def _goals(events: Iterable[Event], surface: Surface, at: datetime) -> list[_Goal]:
    orders: dict[str, _Goal] = {}
    returns: list[_Goal] = []
    for event in events:
        if event.at > at or event.actor == NOBODY:
            continue
        if event.kind == RETURN:
            returns.append(_Goal(event, -event.value_minor, counts=False, returned=True))
        elif event.kind in {surface.goal, f"{surface.goal}-change"}:
            key = str(event.body.get("order") or event.message_id.hex())
            counts = event.body.get("status", "paid") == "paid"
            value = event.value_minor - int(event.body.get("refunded") or 0) if counts else 0
            first = orders[key].event if key in orders else event
            orders[key] = _Goal(first, value, counts)
    # Returns come last: they answer orders that have been credited by then.
    in_time = sorted(orders.values(), key=lambda goal: (goal.event.at, goal.event.seq))
    return in_time + sorted(returns, key=lambda goal: (goal.event.at, goal.event.seq))


def _near(moments: list[tuple[datetime, _Chain]], at: datetime, surface: Surface) -> list[_Chain]:
    before = bisect_left(moments, at, key=lambda pair: pair[0])
    late: dict[str, _Chain] = {}
    for moment, chain in reversed(moments[:before]):
        if at > moment + surface.window + surface.lateness:
            break
        late.setdefault(chain.root.id, chain)
    return list(reversed(late.values()))


def _credit(near: list[_Chain], goal: _Goal, rule: slice, surface: Surface) -> bool:
    event = goal.event
    near = [c for c in near if any(m < event.at <= m + surface.window for m in c.moments)]
    winners = near[rule]
    for place, chain in enumerate(winners, 1):
        chain.first = chain.first or event
        if chain.first.currency == event.currency:
            # Shares differ by a cent at most and add up to the value.
            n = len(winners)
            chain.value += goal.value * place // n - goal.value * (place - 1) // n
    return bool(winners)


def _take_back(near: list[_Chain], goal: _Goal) -> None:
    paid = [c for c in near if c.first is not None and c.first.at < goal.event.at]
    for chain in paid[-1:]:
        chain.value = max(chain.value + goal.value, 0)
