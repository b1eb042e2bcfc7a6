"""How often each choice of a question was given: read once, then only what came since.

A question can be answered by everybody, and a page of questions shows the counts of all. So
answers are kept in memory as a few numbers each. Where somebody was forgotten or old answers
were dropped they are read anew: an answer of nobody counts otherwise than one of somebody.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

from renwei.collect.questions.answering import EVENT
from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Event
from renwei.core.shop import Shop
from renwei.core.store import Store


@dataclass(frozen=True)
class Counted:
    """Counts of one question: of each person the latest answer, of nobody each.

    `answers` are all that were given, `unnamed` those of nobody, `by_choice` what counts.
    """

    answers: int = 0
    people: int = 0
    unnamed: int = 0
    by_choice: Mapping[str, int] = field(default_factory=dict)


@dataclass
class _Given:
    """The answers to one question, columns of the same length, in log order."""

    actors: array[int] = field(default_factory=lambda: array("q"))
    at_us: array[int] = field(default_factory=lambda: array("q"))
    choices: array[int] = field(default_factory=lambda: array("q"))
    names: dict[str, int] = field(default_factory=dict)
    counted: tuple[tuple[int, int], Counted] | None = None

    def add(self, event: Event) -> None:
        choice = str(event.body.get("choice"))
        self.actors.append(event.actor)
        self.at_us.append(to_us(event.at))
        self.choices.append(self.names.setdefault(choice, len(self.names)))


@dataclass
class _Read:
    """What was read of one workspace up to a position; `mark` changes when it must be anew."""

    mark: tuple[int, int]
    position: int = 0
    given: dict[str, _Given] = field(default_factory=dict)


_reads: WeakKeyDictionary[Store, _Read] = WeakKeyDictionary()
_guard = Lock()


def counted(shop: Shop) -> Mapping[str, Counted]:
    """Counts by the id of the question; those without an answer are left out."""
    with _guard:
        read = _reads.get(shop.store)
        mark = _mark(shop)
        if read is None or read.mark != mark:
            read = _reads[shop.store] = _Read(mark)
        _read_on(shop, read)
        return {name: _counted(shop, given) for name, given in read.given.items()}


def _mark(shop: Shop) -> tuple[int, int]:
    """Changes when somebody is forgotten and when the oldest answers are dropped."""
    first = next(shop.store.log.read(kinds=(EVENT,)), None)
    return len(shop.store.people.forgotten()), first.seq if first else 0


def _read_on(shop: Shop, read: _Read) -> None:
    last = shop.store.log.position()
    if last > read.position:
        for event in shop.store.log.read(after=read.position, kinds=(EVENT,)):
            if event.seq <= last:
                read.given.setdefault(str(event.body.get("question")), _Given()).add(event)
        read.position = last


def _counted(shop: Shop, given: _Given) -> Counted:
    stands = (len(given.actors), shop.store.people.map_version())
    if given.counted is None or given.counted[0] != stands:
        given.counted = (stands, _count(shop, given))
    return given.counted[1]


def _count(shop: Shop, given: _Given) -> Counted:
    actors = sorted(set(given.actors) - {NOBODY})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    # Of answers of one moment the one that came later counts: rows are in log order.
    order = sorted(range(len(given.actors)), key=given.at_us.__getitem__)
    latest: dict[int, int] = {}
    counts: Counter[int] = Counter()
    for row in order:
        actor, choice = given.actors[row], given.choices[row]
        if actor == NOBODY:
            counts[choice] += 1
        else:
            latest[persons[actor]] = choice
    unnamed = sum(counts.values())
    counts.update(latest.values())
    by_choice = {name: counts[number] for name, number in given.names.items() if counts[number]}
    return Counted(len(given.actors), len(latest), unnamed, by_choice)
