"""What the program did by itself on a day, and what it did not dare.

Behind every line stands an operation that shows what it is about.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from renwei.app.upkeep.retention import embedded
from renwei.collect.live import rejected
from renwei.core.nouns import Event
from renwei.core.shop import Shop
from renwei.people.zones import zone_named

if TYPE_CHECKING:
    from renwei.stores.outlines import Outline

PATIENCE = timedelta(days=7)
"""So long may nobody answer the lists before a reminder; in the meantime nothing is sent."""

LIST, CONTACT, ANSWER, LIVE = "today-list", "contact", "answer", "key:"
_PAPERS = (
    "import", "receipt", "setting", "autonomy", "consent-text", "question", "fold_skipped",
)  # fmt: skip
_MOST = 20_000
"""Of what came in that day at most so many events are counted."""

_BEHIND = {
    "proposed": "decisions",
    "left_in_peace": "decisions",
    "import": "imports list",
    "setting": "settings",
    "autonomy": "autonomy",
    "consent-text": "texts",
    "question": "questions list",
    "receipt": "audit",
    "answers": "questions list",
    "took_in": "events",
    "took_in_more": "events",
    "rejected": "rejected",
    "flood": "suspicious",
    "place": "texts",
    "unread_rows": "imports list",
}


class DiaryEntry(msgspec.Struct, kw_only=True):
    """One line: what, how often, in words, and the operation (with fields) that shows it."""

    what: str
    count: int
    text: str
    operation: str = ""
    fields: dict[str, Any] = {}


class Diary(msgspec.Struct, kw_only=True):
    """One day of the shop: done for the shop, and left to a person or left alone.

    `reminder` is there when lists have waited a week for somebody; nothing was sent.
    """

    day: str
    since: datetime
    until: datetime
    did: list[DiaryEntry]
    did_not_dare: list[DiaryEntry]
    reminder: DiaryEntry | None = None


@dataclass
class _Page:
    """Counts of one day."""

    did: Counter[str] = field(default_factory=Counter)
    not_dared: Counter[str] = field(default_factory=Counter)


def day_of(shop: Shop, at: datetime) -> Diary:
    """The shop's day that holds `at`, up to `at`.

    Decisions for people come from the ledger, the last of the day for each: chosen, or nothing;
    what guards removed was not dared. The rest comes from papers and from the log.
    """
    local = at.astimezone(zone_named(shop.settings.zone))
    since = local.replace(hour=0, minute=0, second=0, microsecond=0)
    page = _Page()
    _decided(shop, since, at, page)
    _papers(shop, since, at, page)
    _arrived(shop, since, at, page)
    _refused(shop, since, at, page)
    marks = [event for event in shop.store.log.read(kinds=(CONTACT,)) if event.at <= at]
    stands = {str(event.body["decision"]): event for event in marks if event.at >= since}
    page.did.update(f"contact_{event.body.get('done', 'done')}" for event in stands.values())
    page.did.pop("contact_undone", None)
    span = {"since": since.isoformat(), "until": at.isoformat()}
    return Diary(
        day=f"{local:%Y-%m-%d}",
        since=since,
        until=at,
        did=_entries(shop, "diary.did", page.did, span),
        did_not_dare=_entries(shop, "diary.not_dared", page.not_dared, span),
        reminder=_reminder(shop, marks, at),
    )


def _decided(shop: Shop, since: datetime, at: datetime, page: _Page) -> None:
    """Of each person the last decision for something and the last for nothing.

    A list that was drawn up ten times in a day is one list.
    """
    made = embedded(shop.store).ledger.outline(since, at + timedelta(microseconds=1))
    last = made.pick(_last(made))
    chosen = int(last.chosen.sum())
    page.did["proposed"] += chosen
    page.did["left_in_peace"] += len(last) - chosen
    for guard, removed in last.guards.items():
        page.not_dared[guard] += int(removed.sum())


def _last(made: Outline) -> Any:
    """The row of the last decision for each surface, person, and something or nothing."""
    import numpy as np

    keys = (made.chosen, made.person, made.surface)
    order = np.lexsort((np.arange(len(made)), *keys))
    ends = np.zeros(len(made), dtype=bool)
    ends[-1:] = True
    for key in keys:
        ends[:-1] |= np.diff(key[order].astype(np.int64)) != 0
    return order[ends]


def _papers(shop: Shop, since: datetime, at: datetime, page: _Page) -> None:
    papers = shop.store.papers
    for kind in _PAPERS:
        for name in papers.names(kind):
            versions = [one for one in papers.history(kind, name) if since <= one.at <= at]
            page.did[kind] += len(versions)
            if kind == "import" and versions:
                # The newest version stands for the others.
                page.not_dared["unread_rows"] += int(versions[0].body.get("refused") or 0)


def _arrived(shop: Shop, since: datetime, at: datetime, page: _Page) -> None:
    """What came in from apps, sites and forms, and what of it was left alone."""
    rows, whole = embedded(shop.store).log.arrived(since, at, _MOST)
    for kind, source, body in rows:
        if kind == ANSWER:
            page.did["answers"] += 1
        elif source.startswith(LIVE):
            page.did["took_in"] += 1
            # Most bodies say neither, and reading them all takes longer than counting.
            if '"flood"' in body or '"no_consent"' in body:
                said = msgspec.json.decode(body)
                page.not_dared["flood"] += bool(said.get("flood"))
                page.not_dared["place"] += said.get("place") == "no_consent"
    if not whole and page.did["took_in"]:
        page.did["took_in_more"] = page.did.pop("took_in")


def _refused(shop: Shop, since: datetime, at: datetime, page: _Page) -> None:
    for paper in rejected.newest(shop):
        arrived = rejected.arrived_at(paper)
        if arrived < since:
            break
        if arrived <= at:
            page.not_dared["rejected"] += int(paper.body.get("n") or 0)


def _reminder(shop: Shop, marks: list[Event], at: datetime) -> DiaryEntry | None:
    """One line when the lists of a week were left lying; it goes with the next mark."""
    zone = zone_named(shop.settings.zone)
    today = at.astimezone(zone).date()
    lists = sorted(day for day in shop.store.papers.names(LIST) if day <= today.isoformat())
    if not lists:
        return None
    begun = date.fromisoformat(lists[0])
    marked = max((event.at.astimezone(zone).date() for event in marks), default=begun)
    last = max(marked, begun)
    if today - last < PATIENCE:
        return None
    paper = shop.store.papers.get(LIST, lists[-1])
    waiting = len(paper.body["lines"]) if paper else 0
    text = shop.say("diary.reminder", day=last.isoformat(), n=waiting, days=(today - last).days)
    return DiaryEntry(what="reminder", count=waiting, text=text, operation="today")


def _entries(shop: Shop, key: str, counts: Counter[str], span: dict[str, Any]) -> list[DiaryEntry]:
    found = []
    for what, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if n <= 0:
            continue
        made = DiaryEntry(what=what, count=n, text=_sentence(shop, key, what, n))
        made.operation = _BEHIND.get(what, "decisions")
        if what.startswith("contact_"):
            made.operation, made.fields = "report-rows", {"metric": "contacted", **span}
        elif made.operation == "decisions":
            made.fields = {"day": str(span["since"])[:10]}
        elif what == "rejected":
            made.fields = {"since": span["since"]}
        found.append(made)
    return found


def _sentence(shop: Shop, key: str, what: str, n: int) -> str:
    named = f"{key}.{what}"
    return shop.say(named if shop.words.has(named) else f"{key}.other", n=n, what=what)
