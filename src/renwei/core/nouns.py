"""The nouns: eight of them, and no ninth without a decision note (docs/decisions/).

Event, Profile, Item, Surface, Decision, Outcome, Estimate, Audience. Whatever the program
knows, chooses or answers is one of these; ribs add kinds, never nouns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntFlag, StrEnum
from typing import Any

NOTHING = 0
"""The item number of `nothing`: silence, always on offer where silence is possible."""

NOBODY = 0
"""The actor of events whose person asked to be forgotten."""

OUR_OWN = frozenset(("permission", "care", "need", "offer", "nothing", "message"))
"""Kinds of items that the program itself puts beside a shop's: never shown as a catalogue."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Append-only, except forget; corrections are events too.

    `message_id` dedupes: the same id is stored once, whatever else differs. `body` is small
    and JSON-able and holds no personal data (names, numbers and texts live in the vault).
    `seq` and `seen` are set by the log: its position and the time of arrival.
    """

    actor: int
    kind: str
    at: datetime
    message_id: bytes
    item: int = 0
    value_minor: int = 0
    currency: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    version: int = 1
    seq: int = 0
    seen: datetime | None = None


class Told(StrEnum):
    """Where a fact comes from, the strongest first: a correction outranks what is told."""

    CORRECTED = "corrected"
    TOLD = "told"
    OBSERVED = "observed"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a person, with its source; the latest of the strongest wins."""

    name: str
    value: Any
    told: Told
    source: str
    at: datetime


class ConsentState(StrEnum):
    """What a person said. Unknown is not yes."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Consent:
    """One statement about one purpose and channel ("*" = every channel); kept for ever.

    Purposes: service, care, marketing, profiling, sensitive, location; a withdrawal for "*"
    closes every purpose, while nothing is ever given for "*". `text_version` names the wording
    agreed to, `source` the file, form or conversation that proves it.
    """

    purpose: str
    channel: str
    state: ConsentState
    at: datetime
    source: str
    text_version: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one person now and what they agreed to."""

    person: int
    actors: tuple[int, ...]
    facts: Mapping[str, Fact]
    consents: tuple[Consent, ...]
    map_version: int

    def consent(self, purpose: str, channel: str, at: datetime) -> ConsentState:
        """The latest statement by then; one for the channel outranks one for every channel."""
        return consent_by(self.consents, purpose, channel, at)


def consent_by(
    consents: tuple[Consent, ...], purpose: str, channel: str, at: datetime
) -> ConsentState:
    """The state of consent by a time; a withdrawal for every channel closes each channel."""
    if not consents:
        return ConsentState.UNKNOWN
    own = [c for c in consents if c.at <= at and _concerns(c, purpose)]
    latest: dict[str, Consent] = {}
    for consent in sorted(own, key=lambda c: c.at):
        latest[consent.channel] = consent
    every, here = latest.get("*"), latest.get(channel)
    if here and every:
        # The later word counts, so that "stop everything" stops what was allowed before.
        return here.state if here.at >= every.at else every.state
    chosen = here or every
    return chosen.state if chosen else ConsentState.UNKNOWN


def _concerns(consent: Consent, purpose: str) -> bool:
    if consent.purpose == "*":
        return consent.state is ConsentState.WITHDRAWN
    return consent.purpose == purpose


@dataclass(frozen=True, slots=True)
class Item:
    """Anything that can be shown, sent, said, bid or withheld. `number` is ours, from 1 up."""

    number: int
    kind: str
    code: str
    title: str
    category: str = ""
    price_minor: int = 0
    currency: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Trait(IntFlag):
    """What permission must know of a candidate; a column of the slate."""

    NONE = 0
    SERVICE = 1  # about an order under way: never capped, never marketing
    CARE = 2  # care about something bought, nothing offered
    ASKS = 4  # asks for permission
    PROMOTION = 8  # offers something: needs consent for marketing
    AUTOMATIC = 16  # the program itself would send it
    SENSITIVE = 32  # rests on a sensitive fact: needs its own consent


class Autonomy(StrEnum):
    """How far the program may go by itself on a surface; default prepare."""

    OFF = "off"
    SUGGEST = "suggest"
    PREPARE = "prepare"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class Surface:
    """A named place where something must be chosen for somebody.

    `goal` is the event kind that counts as success within `window`; outcomes stay
    provisional for `lateness` more, because refunds and uploads arrive late. `disturbs`
    marks surfaces that reach a person who did not ask: only those of `reach` may.
    """

    name: str
    kinds: tuple[str, ...]
    purpose: str
    goal: str
    window: timedelta
    lateness: timedelta = timedelta(days=2)
    slots: int = 1
    silence: bool = True
    disturbs: bool = False
    channel: str = "hand"
    version: int = 1


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the kernel: for whom, where, when, in which context.

    `unit` is what the draw sticks to (decision, session or person as 64 bits); 0 lets the
    kernel take the decision's own id. `sticky` is what lasting assignments (hold-outs, arms)
    stick to: 0 for the person, after a merge the person who was assigned first. `prices` are
    multipliers of shared limits, by counter, in grid steps a unit. `position` is the log's.
    `limit` is how many items are wanted, at most the surface's slots.
    """

    person: int
    surface: Surface
    at: datetime
    unit: int = 0
    limit: int = 1
    context: Mapping[str, Any] = field(default_factory=dict)
    prices: Mapping[str, int] = field(default_factory=dict)
    parent: str = ""
    position: int = 0
    map_version: int = 0
    sticky: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code and its values, a sentence at the door (`reasons.<code>`).

    `evidence` are sequence numbers of events or item numbers (at most three) whose removal
    lowered the score; empty for a source's own reason (popular, new, exploring).
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """A candidate that a guard took out before the draw."""

    item: int
    guard: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number about a subject, with an 80 % interval, the model's version and its time."""

    subject: int
    name: str
    value: float
    low: float
    high: float
    model: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen for whom, from what, with what odds, by which policy, and why.

    `items`, `scores`, `sources`, `codes` are what the policy saw: kept candidates only, in
    slate order; scores in steps of the grid, prices subtracted. `chosen` are item numbers in
    slot order and `odds` their probabilities, each conditional on the slots before it; NOTHING
    ends an answer. `reasons` stand for the shown items (NOTHING is not shown), in slot order.
    `policy` is the policy's whole name, settings included, so that the draw replays.
    `consent` is the basis that was relied on, such as "care:unknown".
    """

    id: str
    surface: str
    person: int
    at: datetime
    unit: int
    salt: str
    items: tuple[int, ...]
    scores: tuple[int, ...]
    sources: tuple[str, ...]
    codes: tuple[str, ...]
    removed: tuple[Removal, ...]
    chosen: tuple[int, ...]
    odds: tuple[float, ...]
    policy: str
    model: str = ""
    surface_version: int = 1
    prices: Mapping[str, int] = field(default_factory=dict)
    consent: str = ""
    position: int = 0
    map_version: int = 0
    reasons: tuple[Reason, ...] = ()
    groups: tuple[int, ...] = ()
    """What constraints within one answer count by, one a kept candidate; empty without."""
    parent: str = ""
    schema: int = 1
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An event joined to the decision it answers, valued by the surface's goal.

    Derived, never typed in. `provisional` until window and lateness have passed.
    """

    decision: str
    person: int
    surface: str
    item: int
    happened: bool
    value_minor: int
    currency: str
    at: datetime | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class Audience:
    """A saved question over profiles, kept up to date as events arrive."""

    name: str
    rule: Mapping[str, Any]
    version: int = 1
