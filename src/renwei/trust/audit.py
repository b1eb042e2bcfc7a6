"""The audit log: who looked at or changed what, whom, and when.

A look at a person is an event of that person ("viewed", in the log), so that forgetting her
gives it to nobody like everything else. Beside it lies one small paper a line, in order of
time, which names positions of the log and no person; what concerns nobody is a paper alone.
Neither holds names, numbers or texts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import msgspec

from renwei.core.chance import from_id, new_id, new_number, to_id
from renwei.core.clock import from_us, to_us
from renwei.core.nouns import NOBODY, Event
from renwei.core.shop import Shop
from renwei.core.store import Paper, Store

KIND, VIEWED = "audit", "viewed"
CONSOLE = "cli"
"""Who acts when no door says otherwise: whoever sits at the machine's own terminal."""

PORTRAIT = {"person": "portrait", "export-person": "export", "timeline": "timeline"}
"""What a look is called, where it is not called like its operation."""

CHANGES = frozenset(
    {
        "settings", "autonomy", "retention", "export", "forget", "import", "undo", "purge",
        "backup", "restore", "imports replay", "rejected replay", "audiences save",
        "audiences drop", "questions new", "questions close",
    }
)  # fmt: skip
"""Operations that are noted though they show nobody."""

ONE_LOOK = timedelta(minutes=10)
AGAIN_AND_AGAIN = frozenset({"next"})
"""What programs ask many times a second of one person; the ledger has every answer besides."""
NEVER = datetime.min.replace(tzinfo=UTC)
_SEEN = 100_000
_PERSONS = ("person", "kept", "gone")
_NEAR = 50_000
_TELLING = re.compile(r"@|\d{7,}")
_OUR_ID = re.compile(r"[akp][0-9a-z]{13}")
_NAME = re.compile(r"[0-9a-f]{16}(-[0-9a-f]{16})?")
_count = itertools.count()
_seen: WeakKeyDictionary[Store, dict[tuple[str, str, int], datetime]] = WeakKeyDictionary()
_current: ContextVar[str] = ContextVar("renwei_acting", default=CONSOLE)


class Acting(Protocol):
    """An account or a key."""

    @property
    def id(self) -> str:
        """What names it in the audit log."""
        ...


Who = Acting | str
Whom = int | str | Sequence[int | str] | Sequence[int] | None


@contextmanager
def acting(who: Who) -> Iterator[None]:
    """Operations done inside are noted as this account's or key's."""
    token = _current.set(_id(who))
    try:
        yield
    finally:
        _current.reset(token)


def current() -> str:
    """The account or key that acts now."""
    return _current.get()


def note(shop: Shop, who: Who, what: str, person: Whom = None, **values: Any) -> None:
    """Note that somebody did something; on disk before this returns.

    Args:
        shop: The workspace.
        who: An account, a key, or the id of one.
        what: A word: portrait, timeline, export, list, sign_in, key_created ...
        person: Whom it was about: a person's number, our id, an identifier, or several numbers.
        values: Short codes and counts; whatever looks like a phone or an e-mail is left out.
    """
    by, at = _id(who), shop.clock.now()
    body: dict[str, Any] = {"what": what, "by": by}
    actors = _actors(shop, person)
    if actors:
        appended = shop.store.log.append([_viewed(actor, by, what, at) for actor in actors], at)
        body |= {"seq": appended.position - len(actors) + 1, "n": len(actors)}
    kept = {name: value for name, value in values.items() if not _tells(value)}
    if kept:
        body["values"] = kept
    # Several at one time stay in order; other processes differ in the rest.
    name = f"{to_us(at):016x}-{next(_count) & 0xFFFFFFFF:08x}{new_number() & 0xFFFFFFFF:08x}"
    shop.store.papers.put(KIND, name, body, by="trust", at=at)


def note_answer(shop: Shop, who: Who, operation: str, request: Any, answer: Any) -> None:
    """Note what an operation showed or changed; every door calls it after every operation.

    Whoever an answer shows is found by its fields `person`, so a new operation is noted
    without anybody thinking of it. A list that is looked at again within ONE_LOOK (a page
    that renews itself) is noted for those alone who are new on it; so is what programs ask.
    """
    people = persons_in(answer)
    if not people and (operation not in CHANGES or not _changes(operation, request)):
        return
    what = word_of(operation)
    if len(people) > 1 or operation in AGAIN_AND_AGAIN:
        fresh = _not_just_seen(shop, _id(who), what, people)
        if not fresh:
            return
        people = fresh
    note(shop, who, what, people)


def word_of(operation: str) -> str:
    """What a look by an operation is called; its sentence is `audit.what.<word>`.

    Example:
        >>> word_of("person"), word_of("consent show")
        ('portrait', 'consent_show')
    """
    return PORTRAIT.get(operation, operation.replace(" ", "_").replace("-", "_"))


def persons_in(answer: Any) -> list[int]:
    """The persons that an answer shows, each once, in their order."""
    found: dict[int, None] = {}
    _collect(answer, found)
    return list(found)


def papers(shop: Shop, *, before: str = "") -> Iterator[Paper]:
    """Lines, newest first; `before` is the name of the last one seen."""
    for name in reversed(shop.store.papers.names(KIND)):
        if before and name >= before:
            continue
        paper = shop.store.papers.get(KIND, name)
        if paper is not None:
            yield paper


def people_of(shop: Shop, lines: Sequence[Paper]) -> dict[str, list[int]]:
    """By line: the persons it was about, as the map stands now; the forgotten are nobody."""
    spans = {
        paper.name: (int(paper.body["seq"]), int(paper.body["n"]))
        for paper in lines
        if "seq" in paper.body
    }
    wanted = sorted({seq for first, n in spans.values() for seq in range(first, first + n)})
    actor_at = _actors_at(shop, wanted)
    actors = sorted(set(actor_at.values()) - {NOBODY})
    person_of = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    return {
        name: [person_of.get(actor_at.get(seq, NOBODY), NOBODY) for seq in range(first, first + n)]
        for name, (first, n) in spans.items()
    }


def views_of(shop: Shop, person: int, *, until: datetime | None = None, limit: int) -> list[Event]:
    """Who looked at one person, newest first."""
    actors = shop.store.people.actors_of(person)
    return shop.store.log.of(actors, until=until, kinds=(VIEWED,), limit=limit)


def prune(shop: Shop, before: datetime) -> int:
    """Take lines older than a time off the list (retention); returns how many."""
    edge = f"{to_us(before):016x}"
    old = [name for name in shop.store.papers.names(KIND) if name < edge]
    for start in range(0, len(old), 500):
        with shop.store.together():
            for name in old[start : start + 500]:
                shop.store.papers.drop(KIND, name)
    return len(old)


def time_of(name: str) -> datetime:
    """When a line was written, by its name or a cursor.

    Raises:
        ValueError: That is neither.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return from_us(int(name[:16], 16))


def cursor_of(at: datetime) -> str:
    """A cursor behind which everything older than a time follows."""
    return f"{to_us(at):016x}"


def _id(who: Who) -> str:
    # Events call a key "key:k...": the same key.
    return (who if isinstance(who, str) else who.id).removeprefix("key:")


def _viewed(actor: int, by: str, what: str, at: datetime) -> Event:
    message = bytes.fromhex(new_id(at).replace("-", ""))
    return Event(actor, VIEWED, at, message, body={"by": by, "what": what}, source="audit")


def _actors(shop: Shop, person: Whom) -> list[int]:
    if person is None:
        return []
    named = [person] if isinstance(person, int | str) else person
    numbers = [number for one in named for number in _numbers(shop, one)]
    own = (shop.store.people.actors_of(one) for one in dict.fromkeys(numbers) if one != NOBODY)
    return [actors[0] for actors in own if actors]


def _numbers(shop: Shop, named: int | str) -> list[int]:
    if isinstance(named, int):
        return [named]
    number = from_id(named)
    return shop.store.people.search(named) if number is None else [number]


def _not_just_seen(shop: Shop, by: str, what: str, people: Sequence[int]) -> list[int]:
    """Those whom this account has not seen on such a list within a few minutes."""
    at = shop.clock.now()
    seen = _seen.setdefault(shop.store, {})
    if len(seen) > _SEEN:
        seen.clear()
    fresh = [
        person
        for person in people
        if not timedelta(0) <= at - seen.get((by, what, person), NEVER) < ONE_LOOK
    ]
    seen.update(dict.fromkeys(((by, what, person) for person in fresh), at))
    return fresh


def _changes(operation: str, request: Any) -> bool:
    """Whether settings were set and not only read."""
    field = {"settings": "value", "autonomy": "level"}.get(operation)
    if field is None:
        return True
    asked = request.get(field) if isinstance(request, Mapping) else getattr(request, field, "")
    return bool(asked)


def _tells(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    # An id of ours may hold seven digits in a row, and tells nothing.
    return not value or (not _OUR_ID.fullmatch(value) and _TELLING.search(value) is not None)


def _collect(value: Any, found: dict[int, None]) -> None:
    if isinstance(value, msgspec.Struct):
        fields: Iterable[tuple[Any, Any]] = (
            (name, getattr(value, name)) for name in value.__struct_fields__
        )
    elif isinstance(value, Mapping):
        fields = value.items()
    elif isinstance(value, list | tuple):
        for one in value:
            _collect(one, found)
        return
    else:
        return
    for name, part in fields:
        number = from_id(part) if name in _PERSONS and isinstance(part, str) else None
        if number is not None:
            found[number] = None
        else:
            _collect(part, found)


def _actors_at(shop: Shop, wanted: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for group in _groups(wanted):
        members = set(group)
        for event in shop.store.log.read(after=group[0] - 1, kinds=(VIEWED,)):
            if event.seq in members:
                found[event.seq] = event.actor
            if event.seq >= group[-1]:
                # Reading on would fetch another window of the log.
                break
    return found


def _groups(wanted: Sequence[int]) -> Iterator[list[int]]:
    """Positions that lie near each other are read at once."""
    group: list[int] = []
    for seq in wanted:
        if group and seq - group[0] >= _NEAR:
            yield group
            group = []
        group.append(seq)
    if group:
        yield group


def ids_of(persons: Iterable[int]) -> list[str]:
    """Persons as people see them; nobody has no id."""
    return [to_id(person) for person in persons if person != NOBODY]
