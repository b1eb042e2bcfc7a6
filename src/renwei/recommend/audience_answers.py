"""What is asked of audiences and what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from renwei.core.operations import PRIVATE


class LearnAudience(msgspec.Struct, kw_only=True):
    """Learn anew who wants what, as of a time (default: now)."""

    at: datetime | None = None


class AudienceLearnt(msgspec.Struct, kw_only=True):
    """What was learnt: which way serves, and what it was worth on the last month.

    `trials` has for each way ("known signs", "new recent" ...) the items asked for, the mean
    buyers among the first 50, 100 and 200, and the gain over the simpler way with the lower
    end of its interval.
    """

    at: datetime
    purchases: int
    needed: int
    known: str
    new: str
    intervals_held: float
    trials: dict[str, Any]
    model: str


class AudienceForRequest(msgspec.Struct, kw_only=True):
    """Who is likely to want an item. `permitted` leaves out whom an offer may not reach."""

    id: str
    n: Annotated[int, msgspec.Meta(ge=1, le=500)] = 200
    kind: str = ""
    permitted: bool = False


class Cited(msgspec.Struct, kw_only=True):
    """An item that a reason rests on; `adds` in log odds."""

    id: str
    title: str
    adds: float


class WhyWanted(msgspec.Struct, kw_only=True):
    """Why a person stands there: a sentence, and the items behind it (at most three).

    `share` of all that the person's own past adds comes from these items.
    """

    code: str
    text: str
    evidence: list[Cited] = []
    share: float = 0.0


class Wanting(msgspec.Struct, kw_only=True):
    """One person of an audience.

    `chance` is that of buying within 30 days, null where it cannot be said. `consent` is the
    person's own word on marketing (given, unknown, withdrawn); `barred_by` names the guard that
    an offer would meet, "" where none. `reach` says by what they can be reached. `odds` is the
    chance with which a test drew this person, null outside of a test. `command` prepares what
    may be said now.
    """

    person: str
    name: Annotated[str, PRIVATE]
    rank: int
    chance: float | None
    score: float
    reason: WhyWanted
    orders: int
    last_order: datetime | None
    consent: str
    consent_text: str
    barred_by: str
    channels: list[str]
    reach: list[str]
    draft: Annotated[str, PRIVATE]
    command: str
    odds: float | None = None


class Buyers(msgspec.Struct, kw_only=True):
    """How many of the first so many will buy within 30 days, with an 80 % interval."""

    first: int
    buyers: float
    low: int
    high: int


class ItemAsked(msgspec.Struct, kw_only=True):
    """The item that was asked about; `available` is false when it is gone or out of stock."""

    id: str
    kind: str
    title: str
    category: str
    price_minor: int
    currency: str
    available: bool
    buyers: int


class AudienceForAnswer(msgspec.Struct, kw_only=True):
    """An audience, the likeliest first.

    `way`: signs, category or recent (what served best on the past), untaught (too little to
    learn from: an order of people, no chances), test (unlike anything sold: people drawn by
    chance), nobody. `new` says that nobody bought the item yet. `intervals_held` is how many in a hundred
    intervals held on the past (0 to 1). `consents` counts the people listed by their word.
    """

    item: ItemAsked
    at: datetime
    as_of: str
    way: str
    new: bool
    notes: list[WhyWanted]
    considered: int
    people: list[Wanting]
    expected: list[Buyers]
    horizon_days: int
    intervals_held: float
    consents: dict[str, int]
    salt: str
    model: str
