"""Gorse's recommendation paths: the operation "recommend", answered in Gorse's shapes.

What is shown is a decision like every other, so it is recorded. Gorse's `write-back-type` is not
needed for that and let be. An answer that is empty has its reason in the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from renwei.collect.items.finding import Asked as Wanted
from renwei.collect.items.finding import book, item_of
from renwei.collect.items.showing import shown, time_in
from renwei.core.errors import BadInput
from renwei.core.nouns import Item
from renwei.doors.foreign.gorse import GorseFeedback, as_ids, as_scores, recommend_asked

if TYPE_CHECKING:
    from renwei.doors.http.gorse_paths import Asked

MOST = 100
_NEWEST = 1_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def for_user(asked: Asked) -> list[str]:
    """GET /api/recommend/{user}, of a category where it is named."""
    n, offset = _page(asked)
    fields = recommend_asked(
        user=asked.named["user"], n=n, offset=offset, categories=_categories(asked)
    )
    return as_ids(_decided(asked, fields), offset)


def neighbors(asked: Asked) -> list[dict[str, Any]]:
    """GET /api/item/{item}/neighbors: similar items."""
    n, offset = _page(asked)
    item = item_of(asked.house.shop(), asked.named["item"])
    fields = recommend_asked(
        item=item.code, surface="product", n=n, offset=offset, categories=_categories(asked)
    )
    return as_scores(_decided(asked, fields), offset)


def popular(asked: Asked) -> list[dict[str, Any]]:
    """GET /api/popular: what somebody is shown of whom nothing is known."""
    n, offset = _page(asked)
    fields = recommend_asked(n=n, offset=offset, categories=_categories(asked))
    return as_scores(_decided(asked, fields), offset)


def session(asked: Asked) -> list[dict[str, Any]]:
    """POST /api/session/recommend: from the feedback of a visit, the last item first."""
    n, offset = _page(asked)
    told: Sequence[GorseFeedback] = asked.told(list[GorseFeedback])
    fields = recommend_asked(n=n, offset=offset, categories=_categories(asked))
    seen = [one.item_id[:200] for one in told if one.item_id][-50:]
    if seen:
        fields["context"] = {"item_id": seen[-1], "cart": list(dict.fromkeys(seen))}
    return as_scores(_decided(asked, fields), offset)


def latest(asked: Asked) -> list[dict[str, Any]]:
    """GET /api/latest: the newest items on offer; the score is the second they came."""
    n, offset = _page(asked)
    shop, category = asked.house.shop(), next(iter(_categories(asked)), "")
    kept = book(shop.store)
    kept.refresh(shop)
    numbers = kept.find(Wanted(category=category))[-_NEWEST:]
    items = [item for item in shop.store.items.get(numbers) if item is not None]
    offered = [item for item in items if shown(item).offered]
    offered.sort(key=lambda item: (_since(item), item.number), reverse=True)
    page = offered[offset : offset + n]
    return [{"Id": item.code, "Score": _since(item).timestamp()} for item in page]


def _since(item: Item) -> datetime:
    return time_in(item.facts, "first_seen") or _LONG_AGO


def _decided(asked: Asked, fields: dict[str, Any]) -> Sequence[Any]:
    items: Sequence[Any] = asked.house.call("recommend", **fields).items
    return items


def _page(asked: Asked) -> tuple[int, int]:
    """How many are wanted and how many are skipped; together at most 100.

    Raises:
        BadInput: bad_field.
    """
    n, _ = asked.page()
    offset = asked.query.get("offset", "0")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 9):
        raise BadInput("bad_field", field="offset", found=offset[:40])
    return min(n, MOST), min(int(offset), MOST)


def _categories(asked: Asked) -> list[str]:
    named = asked.named.get("category", "")
    given = [named] if named else asked.query.getlist("category")
    return [text[:200] for text in given if text.strip()][:20]
