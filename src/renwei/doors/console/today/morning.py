"""The list of this morning, kept while nothing happened that would change it.

Drawing a list judges the whole shop, which takes seconds in a large one, and a list that
changes under the hand that works through it is no help. So a drawn list stands until the day
ends, orders come in, people are merged or forgotten, or somebody on it says no. Marks are read
from the log, whoever made them: a page, a program or the command line.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from renwei.app import build
from renwei.app.house import House
from renwei.app.house import asked as request_of
from renwei.app.work import Job
from renwei.core.chance import from_id, to_id
from renwei.core.nouns import NOBODY
from renwei.core.shop import Progress, Shop, silent
from renwei.doors.console.kept import WAIT_S, stamp_of

UNDONE = "undone"

Ask = tuple[str, int, int]
"""Language, minutes (0: not asked), lines at most (0: as many as fit)."""


@dataclass
class Mark:
    """What was done today with somebody's line; `text` is what was sent, where we know it."""

    person: str
    decision: str
    done: str
    at: datetime
    name: str = ""
    text: str = ""


@dataclass
class Morning:
    """One shop's day at the console."""

    day: date
    marks: dict[str, Mark] = field(default_factory=dict)
    before: dict[str, Mark] = field(default_factory=dict)
    lists: dict[Ask, Any] = field(default_factory=dict)
    jobs: dict[Ask, Job] = field(default_factory=dict)
    position: int = 0
    map_version: int = 0
    noted: set[tuple[str, datetime]] = field(default_factory=set)
    stamp: Any = None
    guard: threading.Lock = field(default_factory=threading.Lock)
    drawing: threading.Lock = field(default_factory=threading.Lock)


_mornings: WeakKeyDictionary[House, Morning] = WeakKeyDictionary()
_guard = threading.Lock()


def morning_of(house: House) -> Morning:
    """Today's state with every mark made by now; lists that no longer hold are dropped."""
    shop = house.shop()
    zone = ZoneInfo(shop.settings.zone)
    day = house.clock.now().astimezone(zone).date()
    with _guard:
        held = _mornings.get(house)
        if held is None or held.day != day:
            held = _mornings[house] = Morning(day)
    with held.guard:
        _reread(held, shop)
        _follow(held, shop, zone)
        stamp = _stamp(house, shop)
        if held.stamp != stamp:
            held.lists.clear()
            held.stamp = stamp
    return held


def drawn(house: House, morning: Morning, ask: Ask) -> Any:
    """The list as answered by the operation, or None while it is being drawn.

    Raises:
        RenweiError: What the operation refused.
    """
    with morning.guard:
        held = morning.lists.get(ask)
        if held is not None and _agreed(house.shop(), held[0]) == held[1]:
            return held[0]
        job = morning.jobs.get(ask) or _begin(house, morning, ask)
        morning.jobs[ask] = job
    job.ended.wait(WAIT_S)
    if not job.ended.is_set():
        return None
    if job.error is not None:
        with morning.guard:
            morning.jobs.pop(ask, None)
        raise job.error
    return job.answer


def draw(house: House, morning: Morning, ask: Ask, progress: Progress = silent, **more: Any) -> Any:
    """Draw a list and let it stand; `more` is what else the operation is asked.

    Lists of one day share their lines and minutes, so they are drawn one after the other.
    """
    operation = build.operations()["today"]
    with morning.drawing:
        request = request_of(operation, {**asked(morning, ask), **more})
        answer = house.run(operation, request, ask[0], progress)
        shop = house.shop()
        with morning.guard:
            morning.stamp = _stamp(house, shop)
            morning.lists[ask] = (answer, _agreed(shop, answer))
            # A job that failed stays until somebody was told; one that is done is done.
            morning.jobs.pop(ask, None)
    return answer


def asked(morning: Morning, ask: Ask) -> Mapping[str, Any]:
    """What to ask the operation: what was done today has used up the lines of the day."""
    _, minutes, lines = ask
    done = [mark for mark in morning.marks.values() if mark.done == "done"]
    fields: dict[str, Any] = {}
    if minutes:
        fields["minutes"] = minutes
    if lines:
        # Whoever says how many minutes there are means those from now on.
        fields["limit"] = lines if minutes else max(lines - len(done), 0)
    return fields


def _begin(house: House, morning: Morning, ask: Ask) -> Job:
    return house.jobs.start("today", lambda progress: draw(house, morning, ask, progress))


def _stamp(house: House, shop: Shop) -> Any:
    """What a list depends on as a whole; cheap to ask."""
    held = shop.shelf.get("people")
    autonomy = shop.store.papers.get("autonomy", "today")
    return (
        held.version if held else "",
        autonomy.version if autonomy else 0,
        stamp_of(house, shop),
    )


def _agreed(shop: Shop, answer: Any) -> Any:
    """What the people of a list have said about being written to."""
    persons = [number for line in answer.people if (number := from_id(line.person)) is not None]
    return shop.store.people.consents_of(persons) if persons else []


def _reread(morning: Morning, shop: Shop) -> None:
    """After a merge or a forgetting the marks are read anew: the forgotten have none."""
    version = shop.store.people.map_version()
    if morning.map_version != version:
        morning.map_version, morning.position = version, 0
        morning.before, morning.marks = morning.marks, {}


def _follow(morning: Morning, shop: Shop, zone: ZoneInfo) -> None:
    last = shop.store.log.position()
    for event in shop.store.log.read(after=morning.position, kinds=("contact",)):
        if event.at.astimezone(zone).date() != morning.day:
            continue
        number = shop.store.people.persons_of([event.actor])[0]
        if number == NOBODY:
            continue
        person = to_id(number)
        done = str(event.body["done"])
        if done == UNDONE:
            morning.marks.pop(person, None)
            continue
        mark = Mark(person, str(event.body["decision"]), done, event.at)
        before = morning.marks.get(person) or morning.before.get(person)
        if before is not None and before.decision == mark.decision:
            mark.name, mark.text = before.name, before.text
        morning.marks[person] = mark
    morning.position = last
    morning.before = {}
