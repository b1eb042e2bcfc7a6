"""Refused events: kept sealed for 30 days, listed with their reasons, tried again, cleared.

They may hold personal data in any shape, so nothing of what was sent stands open. A flood is
counted, not stored one by one, and the list says so.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec

from renwei.collect.live.incoming import Refusal
from renwei.collect.live.reading import id_of
from renwei.collect.refused import holds, marks
from renwei.core.chance import new_id
from renwei.core.clock import from_us, to_us
from renwei.core.errors import UnknownName
from renwei.core.shop import Shop
from renwei.core.store import Named, Paper, People, Store

PAPER, MORE = "rejected", "rejected-more"
KEEP: Final = timedelta(days=30)
A_MINUTE, BYTES_A_MINUTE = 500, 4 << 20
"""Of one source; what is beyond is counted."""
_PAPERS = 5_000
_TIDY_S: Final = 3_600.0
_KINDS: Final = ("user", "anonymous", "device", "email", "phone", "openid", "unionid")
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_DEPTH: Final = 12
_STRINGS: Final = 400


class Kept(msgspec.Struct, kw_only=True):
    """One refused event as it is kept; `number` is its place in its paper."""

    number: int
    index: int
    field: str
    code: str
    wire: str
    values: dict[str, Any] = {}
    message_id: str = ""
    raw: bytes = b""
    plain: bytes = b""
    skew_us: int = 0


class _Pace:
    """How much of a source was stored in this minute, and when old papers were last dropped."""

    def __init__(self) -> None:
        self.minute: dict[str, tuple[int, int, int]] = {}
        self.tidied: datetime | None = None


_paces: WeakKeyDictionary[Store, _Pace] = WeakKeyDictionary()


def keep(shop: Shop, source: str, refusals: Sequence[Refusal], at: datetime) -> int:
    """Keep refused events durably; call it before the request is answered.

    Returns:
        How many were stored one by one; the others were counted.

    Raises:
        Unavailable: The store cannot be written now; nothing was kept.
    """
    if not refusals:
        return 0
    pace = _paces.setdefault(shop.store, _Pace())
    stored, counted = _within(pace, source, refusals, at)
    papers = shop.store.papers
    entries = _without_forgotten(shop.store.people, [_kept(k, one) for k, one in enumerate(stored)])
    with shop.store.together():
        if entries:
            body = _sealed(shop, entries) | {"source": source, "at": to_us(at)}
            papers.put(PAPER, new_id(at), body, by=source, at=at)
        if counted:
            _count(shop, source, counted, at)
    if pace.tidied is None or (at - pace.tidied).total_seconds() >= _TIDY_S:
        pace.tidied = at
        tidy(shop, at)
    return len(entries)


def _within(
    pace: _Pace, source: str, refusals: Sequence[Refusal], at: datetime
) -> tuple[list[Refusal], list[Refusal]]:
    minute = to_us(at) // 60_000_000
    last, n, size = pace.minute.get(source, (minute, 0, 0))
    if last != minute:
        n = size = 0
    stored: list[Refusal] = []
    counted: list[Refusal] = []
    for one in refusals:
        if n >= A_MINUTE or size + len(one.raw) > BYTES_A_MINUTE:
            counted.append(one)
            continue
        n, size = n + 1, size + len(one.raw)
        stored.append(one)
    if len(pace.minute) > 10_000:
        pace.minute.clear()
    pace.minute[source] = minute, n, size
    return stored, counted


def _kept(number: int, one: Refusal) -> Kept:
    return Kept(
        number=number,
        index=one.index,
        field=one.field[:200],
        code=one.code,
        wire=one.wire,
        values=one.values,
        message_id=one.message_id,
        raw=one.raw,
        plain=one.plain,
        skew_us=one.skew_us,
    )


def _sealed(shop: Shop, entries: Sequence[Kept]) -> dict[str, Any]:
    data = shop.store.people.seal_text(msgspec.msgpack.encode(entries))
    codes = sorted({one.code for one in entries})
    return {"n": len(entries), "codes": codes, "sealed": base64.b64encode(data).decode()}


def _count(shop: Shop, source: str, counted: Sequence[Refusal], at: datetime) -> None:
    """Add to the count of this source's minute; one version only, whatever comes."""
    papers, us = shop.store.papers, to_us(at) // 60_000_000 * 60_000_000
    name = f"{us}|{source}"
    held = papers.get(MORE, name)
    codes: dict[str, int] = dict(held.body["codes"]) if held else {}
    for one in counted:
        codes[one.code] = codes.get(one.code, 0) + 1
    papers.drop(MORE, name)
    body = {"source": source, "at": us, "n": sum(codes.values()), "codes": codes}
    papers.put(MORE, name, body, by=source, at=at)


# Reading.


def entries_of(shop: Shop, paper: Paper) -> list[Kept]:
    """The refused events of one paper."""
    data = shop.store.people.open_text(base64.b64decode(paper.body["sealed"]))
    return msgspec.msgpack.decode(data, type=list[Kept])


def newest(shop: Shop, *, before: str = "") -> Iterator[Paper]:
    """Papers of refused events, the newest first, from a name on."""
    papers = shop.store.papers
    for name in sorted(papers.names(PAPER), reverse=True):
        if not before or name <= before:
            paper = papers.get(PAPER, name)
            if paper is not None:
                yield paper


def counted(shop: Shop) -> list[dict[str, Any]]:
    """Minutes in which more was refused than was stored, the newest first."""
    papers = shop.store.papers
    bodies = [dict(p.body) for name in papers.names(MORE) if (p := papers.get(MORE, name))]
    return sorted(bodies, key=lambda body: int(body["at"]), reverse=True)


def one_of(shop: Shop, rejected: str) -> tuple[Paper, Kept]:
    """One refused event by its id, "<paper>.<number>".

    Raises:
        UnknownName: code `unknown_rejected`.
    """
    name, _, number = rejected.strip().lower().rpartition(".")
    paper = shop.store.papers.get(PAPER, name) if name else None
    if paper is not None and number.isdecimal():
        for one in entries_of(shop, paper):
            if one.number == int(number):
                return paper, one
    raise UnknownName("unknown_rejected", name=rejected[:80])


def let_go(shop: Shop, paper: Paper, number: int) -> None:
    """Drop one refused event: it was taken after all."""
    left = [one for one in entries_of(shop, paper) if one.number != number]
    _rewrite(shop, paper, left)


def _rewrite(shop: Shop, paper: Paper, entries: Sequence[Kept]) -> None:
    papers = shop.store.papers
    with shop.store.together():
        papers.drop(PAPER, paper.name)
        if entries:
            body = {**paper.body, **_sealed(shop, entries)}
            papers.put(PAPER, paper.name, body, by=paper.by, at=paper.at)


def tidy(shop: Shop, at: datetime) -> int:
    """Drop what is older than 30 days, and the oldest beyond a bound; returns papers dropped."""
    papers, since_us = shop.store.papers, to_us(at - KEEP)
    names = sorted(papers.names(PAPER))
    old = [name for name in names if _ms_of(name) * 1_000 < since_us]
    old += [name for name in names[: max(0, len(names) - _PAPERS)] if name not in set(old)]
    more = [name for name in papers.names(MORE) if int(name.partition("|")[0]) < since_us]
    for kind, some in ((PAPER, old), (MORE, more)):
        for name in some:
            papers.drop(kind, name)
    return len(old) + len(more)


def _ms_of(name: str) -> int:
    # The first 48 bits of a UUIDv7 are milliseconds since 1970.
    return int(name.replace("-", "")[:12], 16)


# Clearing.


def scrub(shop: Shop, texts: Sequence[str]) -> int:
    """Clear refused events that name somebody who was forgotten; returns how many.

    What is left of them is when they came and why they were refused.

    Args:
        shop: The workspace; its tombstones tell by which identifiers nobody goes any more.
        texts: What else tells somebody apart who is being forgotten.
    """
    wanted, people = marks(texts), shop.store.people
    if not wanted and not people.forgotten():
        return 0
    cleared = 0
    for name in shop.store.papers.names(PAPER):
        paper = shop.store.papers.get(PAPER, name)
        if paper is None:
            continue
        entries = entries_of(shop, paper)
        left = _without_forgotten(people, entries, wanted)
        gone = sum(a is not b for a, b in zip(entries, left, strict=True))
        if gone:
            _rewrite(shop, paper, left)
            cleared += gone
    return cleared


def _without_forgotten(
    people: People, entries: list[Kept], wanted: frozenset[str] = frozenset()
) -> list[Kept]:
    if not wanted and not people.forgotten():
        return entries
    return [_blank(one) if _names_forgotten(people, one, wanted) else one for one in entries]


def _names_forgotten(people: People, one: Kept, wanted: frozenset[str]) -> bool:
    texts = list(dict.fromkeys([*_texts(one), *(str(value) for value in one.values.values())]))
    if wanted and holds(texts, wanted):
        return True
    names = [Named(kind, text) for text in texts for kind in _KINDS if _may_be(kind, text)]
    names += [Named("email", text.lower()) for text in texts if "@" in text]
    return any(people.is_forgotten(names))


def _may_be(kind: str, text: str) -> bool:
    if not id_of(text) or len(text) > 512:
        return False
    return "@" in text if kind == "email" else kind != "phone" or text.startswith("+")


def _texts(one: Kept) -> list[str]:
    if not one.raw:
        return [one.message_id] if one.message_id else []
    try:
        value = msgspec.json.decode(one.raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        text = one.raw.decode("utf-8", "replace")
        return [_ESCAPED.sub(lambda match: chr(int(match[1], 16)), text), one.message_id]
    found = list(_strings(value, _DEPTH))[:_STRINGS]
    return [one.message_id, *found, *_phones(found)]


def _strings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)[:512]
    elif depth and isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner, depth - 1)
    elif depth and isinstance(value, list):
        for inner in value:
            yield from _strings(inner, depth - 1)


def _phones(texts: Iterable[str]) -> list[str]:
    from renwei.collect.values import phone

    likely = [text for text in texts if sum(c.isdigit() for c in text[:24]) >= 7 and len(text) < 24]
    return [number for text in likely if (number := phone(text))]


def _blank(one: Kept) -> Kept:
    return msgspec.structs.replace(one, values={}, message_id="", raw=b"", plain=b"")


def arrived_at(paper: Paper) -> datetime:
    """When the events of a paper came."""
    return from_us(int(paper.body["at"]))
