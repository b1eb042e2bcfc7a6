"""What recommend can do, as operations: decide for one request or for several."""

from __future__ import annotations

import msgspec

from renwei.core.errors import RenweiError
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.recommend.answers import (
    BatchAnswer,
    BatchRequest,
    BatchRow,
    RecommendAnswer,
    RecommendRequest,
    Refusal,
)


@operation(
    "recommend",
    RecommendRequest,
    writes=True,
    http="POST /v1/recommend|GET /v1/recommend",
    scope="show",
)
def recommend(shop: Shop, request: RecommendRequest) -> RecommendAnswer:
    """Decide what to show somebody on a surface, with the reason of every item.

    Raises:
        UnknownName: unknown_surface.
        BadInput: bad_mode, bad_filter, bad_context.
    """
    from renwei.recommend import serving

    return serving.answer(shop, request)


@operation(
    "recommend batch", BatchRequest, writes=True, http="POST /v1/recommend/batch", scope="read"
)
def recommend_batch(shop: Shop, request: BatchRequest) -> BatchAnswer:
    """Answer several requests; one that is refused does not stop the others."""
    return BatchAnswer(answers=[_one(shop, k, body) for k, body in enumerate(request.requests)])


def _one(shop: Shop, index: int, body: dict[str, object]) -> BatchRow:
    try:
        asked = msgspec.convert(body, RecommendRequest)
    except msgspec.ValidationError as wrong:
        return BatchRow(index=index, refusal=Refusal(code="bad_field", text=str(wrong)))
    try:
        return BatchRow(index=index, answer=recommend(shop, asked))
    except RenweiError as fault:
        text = shop.say(f"errors.{fault.code}", **fault.values)
        return BatchRow(index=index, refusal=Refusal(code=fault.code, text=text))
