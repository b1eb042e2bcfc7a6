"""What may be done to a person: the kernel's own guards, first in order and for everybody.

No source, guard, policy or plugin is asked before these, and none can remove or reorder
them. One pure function, `verdict`, is the whole law for one kind of candidate and one
person's standing; the single call and the batch both ask it, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from renwei.core.clock import EPOCH
from renwei.core.nouns import (
    Ask,
    Autonomy,
    Consent,
    ConsentState,
    Surface,
    Trait,
    consent_by,
)
from renwei.core.slate import Slate

GIVEN, UNKNOWN, WITHDRAWN = ConsentState.GIVEN, ConsentState.UNKNOWN, ConsentState.WITHDRAWN
HAND = "hand"
"""The channel of what a person does by hand; the program sends nothing there."""

GUARDS = (
    "consent_withdrawn",
    "consent_unknown",
    "sensitive",
    "autonomy",
    "cap",
    "quiet_hours",
    "budget",
)
"""The names removals are booked under, in the order in which they are asked."""

_STATES = (UNKNOWN, GIVEN, WITHDRAWN)


class Standing(NamedTuple):
    """What one person allows on one surface at one moment. Unknown is not yes.

    `purpose` is the surface's own; `capped` says that they were contacted often enough,
    `quiet` that it is their night.
    """

    purpose: ConsentState = UNKNOWN
    service: ConsentState = UNKNOWN
    care: ConsentState = UNKNOWN
    sensitive: ConsentState = UNKNOWN
    capped: bool = False
    quiet: bool = False


def pack(standing: Standing) -> int:
    """A standing as a small number, for columns.

    Example:
        >>> unpack(pack(Standing(care=GIVEN, quiet=True))) == Standing(care=GIVEN, quiet=True)
        True
    """
    code = 0
    for state in standing[:4]:
        code = 3 * code + _STATES.index(state)
    return code << 2 | standing.capped << 1 | standing.quiet


def unpack(code: int) -> Standing:
    """The inverse of `pack`."""
    rest, states = code >> 2, []
    for _ in range(4):
        rest, state = divmod(rest, 3)
        states.append(_STATES[state])
    sensitive, care, service, purpose = states
    return Standing(purpose, service, care, sensitive, bool(code & 2), bool(code & 1))


class Permits(Protocol):
    """Says what is permitted; the kernel asks it, and nobody else decides it."""

    def autonomy(self, surface: Surface) -> Autonomy:
        """How far the program may go by itself on a surface."""
        ...

    def standing(self, ask: Ask) -> Standing:
        """What this person allows here and now."""
        ...

    def standings(self, surface: Surface, persons: Sequence[int], at: datetime) -> Sequence[int]:
        """`pack(standing)` of many persons, aligned."""
        ...

    def room(self, surface: Surface, at: datetime) -> Mapping[str, int]:
        """Units left of shared limits, by counter; a counter that is not named is open."""
        ...


def verdict(surface: Surface, autonomy: Autonomy, standing: Standing, trait: int) -> str:
    """The guard that removes such a candidate, or "" where it may be offered.

    By hand, unknown consent leaves service, care and a request for permission, never an
    offer; withdrawn consent leaves service about an order under way. What leaves by a
    channel, or by itself, needs consent that was given; by itself it also needs autonomy to
    act. A candidate on a disturbing surface that says nothing of itself counts as an offer.

    Example:
        >>> from datetime import timedelta
        >>> today = Surface("today", (), "marketing", "order", timedelta(30), disturbs=True)
        >>> verdict(today, Autonomy.PREPARE, Standing(), Trait.CARE)
        ''
        >>> verdict(today, Autonomy.PREPARE, Standing(), Trait.PROMOTION)
        'consent_unknown'
    """
    automatic = bool(trait & Trait.AUTOMATIC)
    disturbs = surface.disturbs or automatic
    sent = automatic or surface.channel != HAND
    kind = _kind(trait)
    own = _own_consent(standing, kind)
    refused = {
        "consent_withdrawn": disturbs
        and (own is WITHDRAWN or (kind is not Trait.SERVICE and standing.purpose is WITHDRAWN)),
        "consent_unknown": disturbs and own is not GIVEN and (sent or kind is Trait.PROMOTION),
        "sensitive": bool(trait & Trait.SENSITIVE) and standing.sensitive is not GIVEN,
        "autonomy": autonomy is Autonomy.OFF or (automatic and autonomy is not Autonomy.ACT),
        "cap": disturbs and standing.capped and kind is not Trait.SERVICE,
        "quiet_hours": disturbs and standing.quiet and sent,
    }
    return next((guard for guard in GUARDS[:-1] if refused[guard]), "")


def _kind(trait: int) -> Trait:
    # The strictest flag counts: care that offers something is an offer.
    for kind in (Trait.PROMOTION, Trait.ASKS, Trait.CARE, Trait.SERVICE):
        if trait & kind:
            return kind
    return Trait.PROMOTION


def _own_consent(standing: Standing, kind: Trait) -> ConsentState:
    if kind is Trait.SERVICE:
        return standing.service
    return standing.care if kind is Trait.CARE else standing.purpose


def basis(surface: Surface, standing: Standing, trait: int = Trait.PROMOTION) -> str:
    """The consent that a candidate rests on, for the record; "" where it needs none.

    Example:
        >>> from datetime import timedelta
        >>> today = Surface("today", (), "marketing", "order", timedelta(30), disturbs=True)
        >>> basis(today, Standing(care=GIVEN), Trait.CARE)
        'care:given'
    """
    if not concerns(surface, [trait]):
        return ""
    kind = _kind(trait)
    purpose = {Trait.SERVICE: "service", Trait.CARE: "care"}.get(kind, surface.purpose)
    return f"{purpose}:{_own_consent(standing, kind).value}"


def concerns(surface: Surface, traits: Sequence[int]) -> bool:
    """Whether anybody's consent must be read at all for candidates with these traits."""
    return surface.disturbs or any(trait & _PERSONAL for trait in traits)


_PERSONAL = int(Trait.AUTOMATIC | Trait.SENSITIVE)


def permission(ask: Ask, slate: Slate, permits: Permits) -> tuple[Sequence[str], Standing | None]:
    """The guard that removes each candidate ("" keeps), shape (candidates,) or empty for all.

    Also the standing it was read from, or None where nobody's consent was needed.
    """
    surface = ask.surface
    autonomy = permits.autonomy(surface)
    standing = permits.standing(ask) if concerns(surface, slate.traits) else None
    if standing is None and autonomy is not Autonomy.OFF and not slate.costs:
        return (), None
    traits = slate.traits or [0] * len(slate)
    says = {t: verdict(surface, autonomy, standing or Standing(), t) for t in set(traits)}
    verdicts = [says[trait] for trait in traits]
    for counter, left in _rooms(slate.costs, permits, ask):
        costs = slate.costs[counter]
        verdicts = [
            v or ("budget" if cost > left else "") for v, cost in zip(verdicts, costs, strict=True)
        ]
    return (verdicts if any(verdicts) else ()), standing


def _rooms(costs: Mapping[str, object], permits: Permits, ask: Ask) -> list[tuple[str, int]]:
    if not costs:
        return []
    room = permits.room(ask.surface, ask.at)
    return [(counter, room[counter]) for counter in costs if counter in room]


class ConsentsOf(Protocol):
    """The part of People that permission reads."""

    def consents_of(self, persons: Sequence[int]) -> list[tuple[Consent, ...]]:
        """The statements of many persons, aligned."""
        ...


class UsedOf(Protocol):
    """The part of Counters that permission reads."""

    def used(self, key: str) -> int:
        """Used plus held."""
        ...


def contacts_key(person: int, at: datetime, days: int) -> str:
    """The counter in which contacts with a person are booked, by periods of so many days."""
    return f"contacts/{person}/{days}/{(at - EPOCH) // timedelta(days=days)}"


@dataclass(frozen=True)
class HouseRules:
    """Permits as a shop sets them: consents from People, caps and budgets from Counters.

    Args:
        people: Whose statements count.
        counters: Where contacts and shared limits are booked; None where nothing is limited.
        autonomy_of: By surface; default prepare.
        contacts: At most so many contacts in so many days, or None.
        quiet: From and to, in hours of the shop's day, such as (21, 9); equal hours: never.
        zone: The shop's.
        limits: Shared limits by counter, in units.
    """

    people: ConsentsOf
    counters: UsedOf | None = None
    autonomy_of: Mapping[str, Autonomy] = field(default_factory=dict)
    contacts: tuple[int, int] | None = None
    quiet: tuple[int, int] = (21, 9)
    zone: str = "UTC"
    limits: Mapping[str, int] = field(default_factory=dict)

    def autonomy(self, surface: Surface) -> Autonomy:
        """As set for the surface, else prepare: a person presses send."""
        return self.autonomy_of.get(surface.name, Autonomy.PREPARE)

    def standing(self, ask: Ask) -> Standing:
        """From the person's statements by ask.at and what the counters say."""
        return unpack(self.standings(ask.surface, [ask.person], ask.at)[0])

    def standings(self, surface: Surface, persons: Sequence[int], at: datetime) -> Sequence[int]:
        """Many at once; people who said nothing cost one look-up."""
        quiet = self._quiet(at)
        silent = pack(Standing(quiet=quiet))
        codes = [
            pack(standing_by(consents, surface, at)._replace(quiet=quiet)) if consents else silent
            for consents in self.people.consents_of(persons)
        ]
        if self.contacts is None or self.counters is None:
            return codes
        most, days = self.contacts
        over = [self.counters.used(contacts_key(p, at, days)) >= most for p in persons]
        return [code | capped << 1 for code, capped in zip(codes, over, strict=True)]

    def room(self, surface: Surface, at: datetime) -> Mapping[str, int]:
        """What the limits leave."""
        if self.counters is None:
            return self.limits
        return {key: limit - self.counters.used(key) for key, limit in self.limits.items()}

    def _quiet(self, at: datetime) -> bool:
        start, end = self.quiet
        hour = at.astimezone(ZoneInfo(self.zone)).hour
        return start <= hour < end if start <= end else hour >= start or hour < end


def standing_by(consents: tuple[Consent, ...], surface: Surface, at: datetime) -> Standing:
    """What statements made by a time allow on a surface, before caps and quiet hours."""

    def state(purpose: str) -> ConsentState:
        known = consent_by(consents, purpose, surface.channel, at)
        if known is GIVEN or surface.channel != HAND:
            return known
        # A hand may take any channel: one that was closed closes it, one that was opened
        # opens it (whoever writes the line names that channel).
        states = {consent_by(consents, purpose, one.channel, at) for one in consents}
        return next((one for one in (WITHDRAWN, GIVEN) if one in states), known)

    return Standing(state(surface.purpose), state("service"), state("care"), state("sensitive"))
