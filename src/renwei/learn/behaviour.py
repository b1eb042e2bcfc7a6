"""What one event of behaviour adds to the sums that interests are read from.

Written once, because it is read twice: by the fold that keeps sums behind the log, and by an
answer that must know the events which the fold has not reached yet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from renwei.learn.interest import creator_number

OF_ITEM = ("view", "like", "unlike", "wish", "cart", "uncart", "checkout", "share", "comment")
OF_CREATOR = ("follow", "unfollow")
ASKING = ("page", "screen", "search", "track")
KINDS = (*OF_ITEM, *OF_CREATOR, *ASKING)
LONGEST_MS = 1_800_000
"""Nobody looks at one thing for longer: the page was left open."""
FOUND = 5
"""A search lifts so many things at most; one that finds half the shop says nothing."""

Row = tuple[str, int, int]
"""Name of the sum, item (or creator) number, amount."""

_HELP = re.compile(
    r"\b(?:help|support|refunds?|returns?|complain\w*|cancel\w*|contact us|faq|broken)\b"
    r"|客服|售后|退款|退货|换货|投诉|怎么退|人工|帮助|取消订单|过敏",
    re.IGNORECASE,
)


def rows_of(
    kind: str, item: int, body: Mapping[str, Any], found: Mapping[str, Sequence[int]]
) -> Iterator[Row]:
    """What an event adds; each row counts once.

    Args:
        kind: Of the event; kinds that are no behaviour add nothing.
        item: It is about, or 0.
        body: Of the event.
        found: The things that each keyword finds, see `found_by`.

    Example:
        >>> list(rows_of("view", 7, {"dwell_ms": 30_000}, {}))
        [('view', 7, 30000)]
    """
    if kind == "view":
        yield kind, item, min(max(_whole(body.get("dwell_ms")), 0), LONGEST_MS)
    elif kind in OF_ITEM:
        yield kind, item, 1
    elif kind in OF_CREATOR:
        creator = str(body.get("creator") or "")
        yield kind, creator_number(creator) if creator else 0, 1
    elif kind == "search":
        yield kind, 0, 1
        for one in found.get(keyword_of(body), ()):
            yield "sought", one, 1
    if asks_for_help(kind, body):
        yield "help", 0, 1


def keyword_of(body: Mapping[str, Any]) -> str:
    """What was searched for, "" where it is not told."""
    return str(body.get("keyword") or "").strip()


def found_by(keywords: Iterable[str], texts: Mapping[int, str]) -> dict[str, list[int]]:
    """The things that each keyword finds; none where it finds more than a tenth of them.

    Args:
        keywords: As typed; every word must occur.
        texts: What each thing is found by, in lower case.

    Example:
        >>> found_by(["clay mask"], {1: "mask of clay", 2: "soap"})
        {'clay mask': [1]}
    """
    answer = {}
    for keyword in keywords:
        words = keyword.casefold().split()
        hits = [number for number, text in texts.items() if all(word in text for word in words)]
        answer[keyword] = hits[:FOUND] if len(hits) <= max(FOUND, len(texts) // 10) else []
    return answer


def asks_for_help(kind: str, body: Mapping[str, Any]) -> bool:
    """Whether an event is a call for help: a page of returns, a search for "refund".

    Example:
        >>> asks_for_help("page", {"path": "/help/returns"}), asks_for_help("view", {"name": "help"})
        (True, False)
    """
    if kind not in ASKING:
        return False
    texts = (str(body.get(key) or "") for key in ("name", "path", "keyword"))
    return any(_HELP.search(re.sub(r"[/_-]", " ", text)) for text in texts)


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0
