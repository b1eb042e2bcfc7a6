"""What is asked of recommend and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from renwei.recommend.surfaces import MOST

Id = Annotated[str, msgspec.Meta(max_length=200)]
Ids = Annotated[list[Id], msgspec.Meta(max_length=1_000)]


class Context(msgspec.Struct, kw_only=True, forbid_unknown_fields=False):
    """What the page knows: the item on it, the cart, the visit. Fields it does not know are let be."""

    item_id: Id = ""
    cart: Ids = []
    session_id: Id = ""
    query: Annotated[str, msgspec.Meta(max_length=500)] = ""
    hour: int | None = None
    region: Id = ""
    landing_item_id: Id = ""


class RecommendRequest(msgspec.Struct, kw_only=True):
    """What to show somebody on a surface.

    `context` is JSON: item_id, cart, session_id, query, hour (0 to 23; by the shop's clock, if not
    told), region (a place in words: 浙江省, Lyon), landing_item_id (where the visit began). Item
    and session may stand outside of it as well; `user` is another word for `user_id`.
    """

    user_id: Id = ""
    user: Id = ""
    anonymous_id: Id = ""
    surface: Id = "home"
    n: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 20
    mode: Id = ""
    item_id: Id = ""
    session_id: Id = ""
    context: Any = None
    filter: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    exclude_ids: Ids = []
    allow_seen: bool | None = None
    diversity: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    explain: bool = False


class WhyShown(msgspec.Struct, kw_only=True):
    """Why an item is there: a sentence for the customer, and the items that it rests on.

    `share` of the score is gone without them; `count` is how many people stand behind it.
    """

    code: str
    text: str
    evidence: list[str] = []
    share: float = 0.0
    count: int = 0


class ItemShown(msgspec.Struct, kw_only=True):
    """One item of an answer, ready to be drawn."""

    id: str
    kind: str
    title: str
    url: str
    image: str
    category: str
    brand: str
    price_minor: int
    currency: str
    rank: int
    score: float
    source: str
    reason: WhyShown
    propensity: float
    explored: bool


class Spoken(msgspec.Struct, kw_only=True):
    """What speaks for an item, by source, in thousandths; with `explain` alone."""

    id: str
    by_source: dict[str, float]


class Removed(msgspec.Struct, kw_only=True):
    """An item that would have stood there, and what took it out."""

    id: str
    guard: str
    text: str


class Note(msgspec.Struct, kw_only=True):
    """Something to know beside an answer: one_item, kind_empty, unknown_item, still_new."""

    code: str
    text: str


class RecommendAnswer(msgspec.Struct, kw_only=True):
    """One decision: items in order, or a reason for there being none or fewer than asked.

    `personal` says that the person's own past had a voice; `holdout` that this person gets
    what is popular, so that the effect of the rest can be measured.
    """

    decision_id: str
    surface: str
    mode: str
    at: datetime
    items: list[ItemShown]
    reason: WhyShown | None
    personal: bool
    holdout: bool
    model: str
    spoken: list[Spoken] = []
    removed: list[Removed] = []
    notes: list[Note] = []


class BatchRequest(msgspec.Struct, kw_only=True):
    """Several requests at once."""

    requests: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=100)]


class Refusal(msgspec.Struct, kw_only=True):
    """A request of a batch that was not answered."""

    code: str
    text: str


class BatchRow(msgspec.Struct, kw_only=True):
    """What became of one request of a batch: an answer or a refusal."""

    index: int
    answer: RecommendAnswer | None = None
    refusal: Refusal | None = None


class BatchAnswer(msgspec.Struct, kw_only=True):
    """In the order of the requests."""

    answers: list[BatchRow]
