"""The bubble gauge, as asked and answered; see `bubble` for how it is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from renwei.core.operations import operation
from renwei.core.shop import Shop


class GaugeRequest(msgspec.Struct, kw_only=True):
    """The gauge of one person, or ("" ) of the whole shop, over so many weeks."""

    person: Annotated[str, msgspec.Meta(max_length=200)] = ""
    weeks: Annotated[int, msgspec.Meta(ge=1, le=52)] = 8


class GaugeWeek(msgspec.Struct, kw_only=True):
    """One week [since, until). Numbers are None where too little was shown to tell.

    `pooled` is the entropy of everything that was shown to anybody, `entropy` that of what one
    person was shown: the mean of people.
    """

    since: datetime
    until: datetime
    people: int
    shown: int
    entropy: float | None = None
    pooled: float | None = None
    new_categories: float | None = None
    shown_again: float | None = None


class VarietyCost(msgspec.Struct, kw_only=True):
    """What one place of the slider costs and brings, against relevance alone, on the shop's past.

    `lost` is the share of NDCG@20 that is lost, `times` how many times as many items are shown.
    """

    diversity: float
    lost: float
    coverage_times: float


class GaugeWhy(msgspec.Struct, kw_only=True):
    """A code and its sentence."""

    code: str
    text: str


class GaugeAnswer(msgspec.Struct, kw_only=True):
    """The gauge week by week, oldest first.

    Attributes:
        measurable: Whether it can be told at all; `reason` says why not.
        counted_by: "shown" (impressions that the app reports) or "decided" (what was answered).
        people, sampled: People who were shown anything, and of how many the means are.
        entropy: Of the last four weeks; `own` is that of what the same people take themselves.
        state: open, narrowing, narrow, or "" where too little is known.
        variety_cost: Of variety, by place of the slider; empty until it was measured.
    """

    at: datetime
    person: str
    measurable: bool
    reason: GaugeWhy | None
    categories: int
    counted_by: str
    people: int
    sampled: int
    entropy: float | None
    own: float | None
    new_categories: float | None
    shown_again: float | None
    state: GaugeWhy | None
    weeks: list[GaugeWeek]
    variety_cost: list[VarietyCost]


@operation("recommend gauge", GaugeRequest, http="GET /v1/gauge", scope="read")
def gauge(shop: Shop, request: GaugeRequest) -> GaugeAnswer:
    """Show how varied recommendations are, for one person or for the shop, week by week.

    Raises:
        UnknownName: Nobody goes by that name (code unknown_person).
    """
    from renwei.recommend import bubble

    return bubble.gauge(shop, request)
