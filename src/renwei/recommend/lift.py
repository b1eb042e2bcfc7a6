"""Lift against the hold-out, as asked and answered; see `lifting` for how it is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from renwei.core.operations import operation
from renwei.core.shop import Shop


class LiftRequest(msgspec.Struct, kw_only=True):
    """What the last days say of one surface (or page:NAME), or of all of them ("")."""

    surface: Annotated[str, msgspec.Meta(max_length=70)] = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=730)] = 30


class LiftWhy(msgspec.Struct, kw_only=True):
    """A code and its sentence."""

    code: str
    text: str


class LiftMeasure(msgspec.Struct, kw_only=True):
    """One measure, a person: of those shown, of those held out, and apart with 80 % interval.

    `unit` is share, count or money (minor units of the row's currency). `people_needed` is how many
    people it takes until a difference of a tenth would show.
    """

    measure: str
    unit: str
    shown: float
    held: float
    difference: float
    low: float
    high: float
    verdict: LiftWhy
    people_needed: int | None


class LiftRow(msgspec.Struct, kw_only=True):
    """One surface, one page, or ("" ) all surfaces.

    Attributes:
        share: Of people held out, as it is now. since: When somebody was first shown something.
        shown, held: People in either group.
        contaminated: People who were shown both; left out.
        set_aside: Everybody who could have been shown both, those included.
        visits_by: "events" (what the app reports) or "requests" (where it reports nothing).
        total_minor, total_low_minor, total_high_minor: Money brought in these days by
            everybody shown, with its 80 % interval; None where it cannot be told.
        reason: Why there is nothing to compare, or nothing to believe; None otherwise.
    """

    surface: str
    share: float
    since: datetime | None
    shown: int
    held: int
    contaminated: int
    set_aside: int
    visits_by: str
    measures: list[LiftMeasure]
    total_minor: int | None
    total_low_minor: int | None
    total_high_minor: int | None
    reason: LiftWhy | None


class LiftAnswer(msgspec.Struct, kw_only=True):
    """Rows: all surfaces first, then each surface and page by name."""

    at: datetime
    since: datetime
    interval: float
    currency: str
    lifts: list[LiftRow]


@operation("recommend lift", LiftRequest, http="GET /v1/lift", scope="read")
def lift(shop: Shop, request: LiftRequest) -> LiftAnswer:
    """Compare people who see recommendations with those held out by chance, with intervals.

    Raises:
        UnknownName: unknown_surface.
    """
    from renwei.recommend import lifting

    return lifting.lift(shop, request)
