"""The one best thing for one person now, or nothing: what is asked and what is answered."""

from __future__ import annotations

from datetime import datetime

import msgspec

from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.reach.answers import Person, Said


class NextRequest(msgspec.Struct, kw_only=True):
    """Whom to decide for."""

    person: str


class Known(msgspec.Struct, kw_only=True):
    """What the decision knew of the person at that moment.

    `looks` counts views of the last two months, `last_seen` is the newest event of any kind
    that was read; `as_of` is when the estimates were made ("" without any), and `fresh` says
    that the person's own row was made anew since, because of a later order.
    """

    position: int
    as_of: str
    fresh: bool
    orders: int
    last_order: datetime | None
    stage: str
    intent: str
    looks: int
    last_seen: datetime | None


class NextAnswer(msgspec.Struct, kw_only=True):
    """One decision. `line` is what to do, or None; then `why_not` says what spoke against it."""

    person: str
    at: datetime
    decision_id: str
    odds: float
    consent: str
    line: Person | None
    reasons: list[Said]
    why_not: list[Said]
    knew: Known


@operation("next", NextRequest, writes=True, http="GET /v1/people/{person}/next", scope="read")
def next_for(shop: Shop, request: NextRequest) -> NextAnswer:
    """Decide for one person now, with everything known by now; recorded like every decision.

    Raises:
        UnknownName: Nobody goes by that name (code unknown_person).
    """
    from renwei.reach import alone

    return alone.next_for(shop, request)
