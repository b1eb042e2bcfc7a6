"""What is seen of one person: the structs that the person page is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from renwei.core.operations import PRIVATE


class Spread(msgspec.Struct, kw_only=True):
    """A number with its 80 % interval."""

    value: float
    low: float
    high: float


class FactSeen(msgspec.Struct, kw_only=True):
    """A fact with where it comes from."""

    name: str
    value: Any
    told: str
    source: str
    at: datetime


class Evidence(msgspec.Struct, kw_only=True):
    """An order or another event behind something inferred."""

    seq: int
    at: datetime
    value_minor: int
    kind: str = "order"


class Preference(msgspec.Struct, kw_only=True):
    """Something inferred: what, how sure, and from which orders or other events.

    `kind` is category, item, brand, price, hour, keyword or creator; `basis` is orders or
    behaviour (looks, likes, searches, follows). `share` of the person's orders (or of what they
    did about things) show it; `confidence` is the share that at least holds with 80 %
    certainty; `evidence` are the newest three, of `orders` or of `events` lasting `seconds`.
    """

    kind: str
    value: str
    share: float
    orders: int
    confidence: float
    evidence: list[Evidence]
    basis: str = "orders"
    events: int = 0
    seconds: int = 0
    text: str = ""


class Need(msgspec.Struct, kw_only=True):
    """When the person is likely to need an item again."""

    item: int
    code: str
    title: str
    times: int
    quantity: float
    cycle_days: float
    chance: float
    due_low: datetime
    due_high: datetime


class ConsentSeen(msgspec.Struct, kw_only=True):
    """One statement, with its proof."""

    purpose: str
    channel: str
    state: str
    at: datetime
    source: Annotated[str, PRIVATE]
    text_version: str


class MergeSeen(msgspec.Struct, kw_only=True):
    """Two persons found to be one, and why."""

    id: str
    kept: str
    gone: str
    reason: str
    at: datetime
    undone: bool
    values: dict[str, Any]


class Touch(msgspec.Struct, kw_only=True):
    """Something between the shop and the person: order, change, return, contact or decision."""

    kind: str
    at: datetime
    value_minor: int = 0
    currency: str = ""
    refunded_minor: int = 0
    status: str = ""
    what: list[str] = []
    decision_id: str = ""
    surface: str = ""


class Correction(msgspec.Struct, kw_only=True):
    """One correction: of what, by whom, when; `before` is what was known until then."""

    id: str
    name: str
    value: Any
    before: Any
    removed: bool
    by: str
    at: datetime
    undone: bool


class Portrait(msgspec.Struct, kw_only=True):
    """Everything known of one person, with sources.

    Money is in minor units of `currency`; `value` is what is expected in the next 12 months,
    `window` within `window_days`. `note` says why nothing is inferred, else it is empty.
    `intent` is what the person is about just now (browsing, comparing, about_to_buy,
    needs_help or ""), with the events that say so; `corrections` are those made by hand, newest
    first. `fresh` says that stage and sums were made anew after an order that the estimates of
    `as_of` do not know yet.
    """

    person: str
    at: datetime
    currency: str
    zone: str
    name: Annotated[str, PRIVATE]
    identifiers: Annotated[dict[str, list[str]], PRIVATE]
    facts: list[FactSeen]
    preferences: list[Preference]
    note: str
    orders: int
    spend_minor: int
    first_order: datetime | None
    last_order: datetime | None
    stage: str
    stage_text: str
    tier: str
    tier_text: str
    chance_30_days: float | None
    window_days: int
    window: Spread | None
    value: Spread | None
    next_needs: list[Need]
    consent: dict[str, dict[str, str]]
    statements: list[ConsentSeen]
    merges: list[MergeSeen]
    touches: list[Touch]
    intent: str
    intent_text: str
    intent_evidence: list[Evidence]
    last_seen: datetime | None
    corrections: list[Correction]
    as_of: str
    model: str
    fresh: bool
