"""What was done with earlier lists: whom the human contacted, skipped or put off, and when.

Read as of a time: what was marked or listed later is not seen, so a list of the past comes
out as it would have then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from renwei.core.clock import from_us
from renwei.core.nouns import Decision, Event
from renwei.core.shop import Shop
from renwei.reach.facts import Past

LIST = "today-list"
"""The kind of Paper that names the decisions of each day's list."""

CONTACT = ("contact",)
DONE, SKIP, SNOOZE, UNDONE = "done", "skip", "snooze", "undone"


@dataclass(frozen=True, slots=True)
class Mark:
    """What the human did with a line: done, skip or snooze (until a time)."""

    decision: str
    person: int
    done: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One day's list as it last stood: its decisions, and those held out from it."""

    day: date
    at: datetime
    lines: tuple[str, ...]
    held: tuple[str, ...]
    holds: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """Marks that stand, by decision, and lists of earlier days, oldest first."""

    marks: Mapping[str, Mark] = field(default_factory=dict)
    lists: tuple[Listed, ...] = ()


def local_day(shop: Shop, at: datetime) -> date:
    """The shop's calendar day of a time."""
    return at.astimezone(ZoneInfo(shop.settings.zone)).date()


def read_history(shop: Shop, at: datetime) -> History:
    """Marks made by then and lists of the shop's days before that of `at`."""
    today = local_day(shop, at)
    lists = [one for one in _lists(shop) if one.day < today]
    return History(_marks(shop, at), tuple(lists))


def list_of(shop: Shop, day: date) -> Listed | None:
    """The list of one day as it last stood."""
    paper = shop.store.papers.get(LIST, day.isoformat())
    if paper is None:
        return None
    body = paper.body
    return Listed(
        day,
        datetime.fromisoformat(str(body["at"])),
        tuple(body["lines"]),
        tuple(body["held"]),
        tuple(body["holds"]),
    )


def keep_list(shop: Shop, listed: Listed) -> None:
    """Note a day's list; the last one of a day counts."""
    body = {
        "at": listed.at.isoformat(),
        "lines": list(listed.lines),
        "held": list(listed.held),
        "holds": list(listed.holds),
    }
    shop.store.papers.put(LIST, listed.day.isoformat(), body, by="today", at=listed.at)


def _lists(shop: Shop) -> list[Listed]:
    days = sorted(shop.store.papers.names(LIST))
    found = (list_of(shop, date.fromisoformat(day)) for day in days)
    return [one for one in found if one is not None]


def _marks(shop: Shop, at: datetime) -> dict[str, Mark]:
    events = [e for e in shop.store.log.read(kinds=CONTACT) if e.at <= at]
    actors = sorted({event.actor for event in events})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    return _standing(events, persons)


def marks_about(shop: Shop, person: int, at: datetime, past: Past | None = None) -> dict[str, Mark]:
    """The marks on lines about one person that stand at a time; `past` is hers, if read."""
    events = (past or Past(shop.store, person, at)).events(CONTACT, 500)
    return _standing(events, {event.actor: person for event in events})


def _standing(events: Sequence[Event], persons: Mapping[int, int]) -> dict[str, Mark]:
    marks: dict[str, Mark] = {}
    for event in sorted(events, key=lambda e: (e.at, e.seq)):
        decision, done = str(event.body["decision"]), str(event.body["done"])
        if done == UNDONE:
            marks.pop(decision, None)
            continue
        until = event.body.get("until")
        marks[decision] = Mark(
            decision, persons[event.actor], done, event.at, from_us(until) if until else None
        )
    return marks


def decisions_of(shop: Shop, ids: tuple[str, ...]) -> list[Decision]:
    """The decisions behind ids, each about who its person is by now; of the forgotten none."""
    found = [one for one in map(shop.store.ledger.get, ids) if one is not None and one.person]
    now = shop.store.people.persons_of([one.person for one in found])
    return [replace(one, person=who) for one, who in zip(found, now, strict=True) if who]


def recent_lists(shop: Shop, day: date, days: int) -> tuple[Listed, ...]:
    """The lists of so many days before a day, oldest first."""
    before = [list_of(shop, day - timedelta(days=k)) for k in range(days, 0, -1)]
    return tuple(one for one in before if one is not None)


def listed_since(shop: Shop, history: History, since: datetime) -> dict[int, datetime]:
    """When each person last stood on a list of an earlier day, from a time on."""
    last: dict[int, datetime] = {}
    for listed in history.lists:
        if listed.at >= since - timedelta(days=1):
            for decision in decisions_of(shop, listed.lines):
                last[decision.person] = decision.at
    return {person: at for person, at in last.items() if at >= since}
