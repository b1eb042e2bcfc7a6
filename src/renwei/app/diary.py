"""What the program did by itself on a day, and what it did not dare."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import msgspec

from renwei.core.shop import Shop
from renwei.people.zones import zone_named


class DiaryEntry(msgspec.Struct, kw_only=True):
    """One line: what, how often, in words."""

    what: str
    count: int
    text: str


class Diary(msgspec.Struct, kw_only=True):
    """One day of the shop: done for the shop, and left to a person or left alone."""

    day: str
    since: datetime
    until: datetime
    did: list[DiaryEntry]
    did_not_dare: list[DiaryEntry]


def day_of(shop: Shop, at: datetime) -> Diary:
    """The shop's day that holds `at`, up to `at`.

    Decisions for people come from the ledger: chosen, or nothing; what guards removed was not
    dared. Imports, answers and what the human did come from the log.
    """
    local = at.astimezone(zone_named(shop.settings.zone))
    since = local.replace(hour=0, minute=0, second=0, microsecond=0)
    did: Counter[str] = Counter()
    not_dared: Counter[str] = Counter()
    for decision in shop.store.ledger.between(since, at + timedelta(microseconds=1)):
        did["proposed" if any(decision.chosen) else "left_in_peace"] += 1
        not_dared.update({removal.guard for removal in decision.removed})
    for paper in _papers(shop, since, at):
        did[paper] += 1
    for event in shop.store.log.read(kinds=("contact",)):
        if since <= event.at <= at:
            did[f"contact_{event.body.get('done', 'done')}"] += 1
    return Diary(
        day=f"{local:%Y-%m-%d}",
        since=since,
        until=at,
        did=_entries(shop, "diary.did", did),
        did_not_dare=_entries(shop, "diary.not_dared", not_dared),
    )


def _papers(shop: Shop, since: datetime, at: datetime) -> list[str]:
    papers, found = shop.store.papers, []
    for kind in ("import", "receipt", "setting", "autonomy"):
        for name in papers.names(kind):
            found += [kind for paper in papers.history(kind, name) if since <= paper.at <= at]
    return found


def _entries(shop: Shop, key: str, counts: Counter[str]) -> list[DiaryEntry]:
    return [
        DiaryEntry(what=what, count=n, text=_sentence(shop, key, what, n))
        for what, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _sentence(shop: Shop, key: str, what: str, n: int) -> str:
    named = f"{key}.{what}"
    return shop.say(named if shop.words.has(named) else f"{key}.other", n=n, what=what)
