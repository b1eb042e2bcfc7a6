"""Who wants an item: how many will buy, who they are and why, and what may be said to them.

Looking decides nothing and sends nothing. That these people were looked at is noted, as for
every list of people.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

from starlette.responses import RedirectResponse, Response

from renwei.app.house import House
from renwei.app.work import Job
from renwei.core.nouns import OUR_OWN
from renwei.doors.console import gate, kept
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.goods.one import place_of
from renwei.doors.console.surfaces.looked import asked
from renwei.recommend.goods import goods

TOPS = (50, 100, 200)
WARM = timedelta(minutes=10)
"""So long after it was asked once an answer comes quickly: what it rests on is in memory."""
MOST = 200
"""So many items are remembered a shop."""
FEW = 10
"""Below so many buyers a tenth of one says something."""

_Key = tuple[str, str, bool]
_asked: WeakKeyDictionary[House, dict[_Key, tuple[datetime, Job]]] = WeakKeyDictionary()
_guard = threading.Lock()


@page("GET /goods/~audience/{kind}/{code:path}", scope="read")
def audience(visit: Visit) -> Response:
    """The people who are likely to want an item, the likeliest first."""
    kind, code = visit.path["kind"], visit.path["code"]
    permitted = visit.query.get("permitted", "") == "yes"
    if not _is_warm(visit, (kind, code, permitted)):
        return kept.waiting(visit)
    there = kept.ready(visit)
    if there is not None:
        return there
    told = visit.query.get("n", "")
    n = int(told) if told in map(str, TOPS) else TOPS[0]
    answer = asked(visit, "audience-for", id=code, kind=kind, n=n, permitted=permitted)
    return visit.show(
        "goods/audience.html",
        answer=answer,
        item=answer["item"],
        home=place_of(kind, code),
        place=audience_of(kind, code),
        n=n,
        tops=[
            top for top, less in zip(TOPS, (0, *TOPS), strict=False) if answer["considered"] > less
        ],
        permitted=permitted,
        buyers=[_buyers(visit, one) for one in answer["expected"]],
        most=max((one["high"] for one in answer["expected"]), default=0),
        people=[_with_links(visit, one) for one in answer["people"]],
        notes={one["code"]: one["text"] for one in answer["notes"]},
        sayable=any(one["draft"] or one["command"] for one in answer["people"]),
    )


@page("POST /goods/~audience/{kind}/{code:path}", scope="write")
def learn(visit: Visit) -> Response:
    """Learn from the shop's past who wants what, then show this item's people."""
    place = audience_of(visit.path["kind"], visit.path["code"])
    job = visit.start("learn-audience")
    return RedirectResponse(f"/jobs/{job}?then={quote(place, safe='')}", 303)


def audience_of(kind: str, code: str) -> str:
    """The address of an item's people.

    Example:
        >>> audience_of("product", "a/b")
        '/goods/~audience/product/a%2Fb'
    """
    return f"/goods/~audience/{quote(kind)}/{quote(code, safe='')}"


def _is_warm(visit: Visit, key: _Key) -> bool:
    """Whether an answer comes quickly; if not, what it rests on is made ready beside the page.

    The first answer learns in place, which takes seconds. The answer itself is not kept: what
    somebody agreed to or refused a moment ago counts.
    """
    gate.insist(visit.visitor, "audience-for")
    kind, code, permitted = key
    now = visit.house.clock.now()
    with _guard:
        known = _asked.setdefault(visit.house, {})
        at, job = known.pop(key, (now, None))
        if job is None or job.state == "failed" or (job.ended.is_set() and now - at > WARM):
            fields: dict[str, Any] = {"id": code, "kind": kind, "permitted": permitted, "n": 1}
            at, job = now, visit.house.start("audience-for", visit.language, **fields)
        known[key] = (at, job)
        while len(known) > MOST:
            del known[next(iter(known))]
    return job.ended.wait(kept.WAIT_S)


def _buyers(visit: Visit, one: Mapping[str, Any]) -> dict[str, Any]:
    """How many of the first so many will buy: in words, and to the tenth where they are few."""
    n, low, high = one["buyers"], one["low"], one["high"]
    say = visit.say
    between = say("console.goods.audience.from_to", low=low, high=high)
    return {
        **one,
        "said": say("console.goods.audience." + ("about" if n >= 1 else "under_one"), n=round(n)),
        "to_the_tenth": f"{n:.1f}" if n < FEW else say("console.as.count", v=round(n)),
        "range": between if low < high else say("console.as.count", v=low),
    }


def _with_links(visit: Visit, one: Mapping[str, Any]) -> dict[str, Any]:
    why = one["reason"]
    parts = _parts(why["text"], [(cited["title"], cited["id"]) for cited in why["evidence"]])
    return {**one, "why": [(text, _to(visit, code, text)) for text, code in parts]}


def _parts(text: str, cited: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """A sentence in pieces, each with the code of the item that it names or "".

    Example:
        >>> _parts("Bought Rose, Lily.", [("Rose", "r"), ("Lily", "l")])
        [('Bought ', ''), ('Rose', 'r'), (', ', ''), ('Lily', 'l'), ('.', '')]
    """
    found: list[tuple[str, str]] = []
    for title, code in cited:
        before, named, after = text.partition(title) if title else (text, "", "")
        if named:
            found += [(before, ""), (named, code)]
            text = after
    return [*found, (text, "")]


def _to(visit: Visit, code: str, title: str) -> str:
    """The address of an item that a sentence names; several kinds may have its code."""
    if not code:
        return ""
    stock = goods(visit.house.shop().store)
    items = [stock.items[row] for row in stock.places.get(code, ())]
    fits = [item for item in items if item.kind not in OUR_OWN]
    best = min(fits, key=lambda one: (one.title != title, one.kind != "product"), default=None)
    return place_of(best.kind, code) if best else ""
