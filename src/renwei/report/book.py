"""Every order the log knows as numpy columns, as they stood at any moment.

Reading a year of orders takes the better part of a second, and a page asks for them again
and again; so the last workspace read stays in memory and only what is newer is read. A
withdrawal or a forgetting moves the log's position without leaving an event there: where the
count of newer events does not explain the position, everything is read anew. Where an app sent
so many that counting them takes long, it is read anew when an import or somebody forgotten has
come or gone since.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Event
from renwei.core.store import Store

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

KINDS = ("order", "order-change", "return")
CONTACT = "contact"
READ = (*KINDS, CONTACT)
STATUSES = ("paid", "unpaid", "closed", "refunded", "returned")
PAID, REFUNDED = STATUSES.index("paid"), STATUSES.index("refunded")
_COLUMNS = (
    "seq", "actor", "kind", "at", "value", "currency", "order", "status", "refunded",
    "place", "country", "source", "file_row", "lines",
)  # fmt: skip
_NEWER = 20_000
"""More news than this are not counted one by one."""


@dataclass(frozen=True)
class Standing:
    """Orders of one currency as they stood at a time, oldest first; shape (orders,).

    `at` is when the order was placed, `row` the row of the book that holds its state, `place`
    an index into `Book.places`, `goods` the sum of its lines' amounts in minor units, `known`
    when the state became known. All states are here; `counted` marks the paid ones.
    """

    person: Ints
    at: Ints
    value: Ints
    refunded: Ints
    status: Ints
    place: Ints
    country: Ints
    units: Ints
    goods: Ints
    row: Ints

    def __len__(self) -> int:
        """How many."""
        return len(self.at)

    def pick(self, mask: Any) -> Standing:
        """Some of them, by mask or rows."""
        columns = (getattr(self, name) for name in self.__dataclass_fields__)
        return Standing(*(column[mask] for column in columns))

    @property
    def counted(self) -> Bools:
        """Which of them count: paid, whether or not a part was given back."""
        return np.asarray(self.status == PAID)


@dataclass(frozen=True)
class Late:
    """Money given back on known orders: one row a change; shape (changes,)."""

    first: Ints
    """Row of the order's first event."""
    row: Ints
    known: Ints
    placed: Ints
    amount: Ints


@dataclass
class Book:
    """The log's orders, changes and returns as columns, in log order."""

    columns: dict[str, Ints]
    lines: Ints
    """Shape (lines, 4): item, quantity, price, amount."""
    places: list[tuple[str, str]]
    currencies: list[str]
    countries: list[str]
    sources: list[str]
    position: int
    marks: list[Event] = field(default_factory=list)
    """What was done with lines of lists, in log order."""
    mark: int = 0
    persons: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        """Rows: orders, changes and returns."""
        return len(self.columns["seq"])

    def main_currency(self, wanted: str) -> str:
        """The shop's currency, or where no order is in it the commonest one."""
        if wanted in self.currencies or not len(self):
            return wanted
        counts = np.bincount(self.columns["currency"], minlength=len(self.currencies))
        return self.currencies[int(counts.argmax())]

    def as_of(self, at_us: int, currency: str) -> Standing:
        """Every order in a currency as it stood at a time."""
        col = self.columns
        if currency not in self.currencies:
            return Standing(*(np.zeros(0, np.int64) for _ in range(10)))
        keep = (col["at"] <= at_us) & (col["kind"] != KINDS.index("return"))
        keep &= col["currency"] == self.currencies.index(currency)
        known = np.flatnonzero(keep)
        keys, which = np.unique(col["order"][known], return_inverse=True)
        first, last = np.full(len(keys), -1), np.full(len(keys), -1)
        last[which] = known
        first[which[::-1]] = known[::-1]
        order = np.lexsort((col["seq"][first], col["at"][first]))
        first, last = first[order], last[order]
        return Standing(
            person=self.persons[first],
            at=col["at"][first],
            value=col["value"][last],
            refunded=col["refunded"][last],
            status=col["status"][last],
            place=col["place"][last],
            country=col["country"][last],
            units=col["units"][last],
            goods=col["goods"][last],
            row=last,
        )

    def lines_of(self, rows: Ints) -> tuple[Ints, Ints]:
        """The lines of states: index into `rows` of shape (lines,), and (lines, 4)."""
        count = self.columns["lines"][rows]
        which = np.repeat(np.arange(len(rows)), count)
        inside = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        return which, self.lines[self.columns["begin"][rows][which] + inside]

    def late(self, at_us: int, currency: str) -> Late:
        """Every giving back that became known after its order did, by then."""
        col = self.columns
        empty = np.zeros(0, np.int64)
        if currency not in self.currencies:
            return Late(empty, empty, empty, empty, empty)
        keep = (col["kind"] != KINDS.index("return")) & (col["at"] <= at_us)
        known = np.flatnonzero(keep & (col["currency"] == self.currencies.index(currency)))
        rows = known[np.lexsort((col["seq"][known], col["order"][known]))]
        status = col["status"][rows]
        whole = np.where(status == REFUNDED, col["value"][rows], 0)
        back = np.maximum(col["refunded"][rows], whole)
        same = np.zeros(len(rows), dtype=bool)
        same[1:] = col["order"][rows][1:] == col["order"][rows][:-1]
        grown = np.zeros(len(rows), np.int64)
        grown[1:] = back[1:] - back[:-1]
        begins = np.maximum.accumulate(np.where(same, 0, np.arange(len(rows))))
        took = same & (grown > 0)
        first = rows[begins[took]]
        return Late(first, rows[took], col["at"][rows][took], col["at"][first], grown[took])

    def returns(self, since_us: int, until_us: int, currency: str) -> Ints:
        """Rows of cancellations written as documents of their own, in [since, until)."""
        col = self.columns
        if currency not in self.currencies:
            return np.zeros(0, np.int64)
        mask = (col["kind"] == KINDS.index("return")) & (col["at"] >= since_us)
        mask &= (col["at"] < until_us) & (col["currency"] == self.currencies.index(currency))
        return np.flatnonzero(mask)


class _Rows:
    """Columns under construction; goes on where a book ends."""

    def __init__(self, held: Book | None) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.marks = list(held.marks) if held else []
        self.lines = array("q")
        self.offset = len(held.lines) if held else 0
        self.places = _Words(held.places if held else [])
        self.currencies = _Words(held.currencies if held else [])
        self.countries = _Words(held.countries if held else [])
        self.sources = _Words(held.sources if held else [])

    def add(self, event: Event) -> None:
        if event.kind == CONTACT:
            self.marks.append(event)
            return
        body: Mapping[str, Any] = event.body
        lines: Sequence[Sequence[int]] = body.get("lines") or ()
        self.rows.append(
            (
                event.seq,
                event.actor,
                KINDS.index(event.kind),
                to_us(event.at),
                event.value_minor,
                self.currencies[event.currency],
                _signed(body["order"]),
                STATUSES.index(body["status"]),
                body.get("refunded") or 0,
                self.places[body.get("platform") or "", body.get("shop") or ""],
                self.countries[body.get("country") or ""],
                self.sources[event.source.partition("/")[0]],
                body.get("row") or 0,
                len(lines),
            )
        )
        self.lines.extend(chain.from_iterable(lines))

    def columns(self) -> tuple[dict[str, Ints], Ints]:
        """Aligned columns, and the lines of shape (lines, 4)."""
        table = np.array(self.rows, dtype=np.int64).reshape(-1, len(_COLUMNS)).T.copy()
        columns = dict(zip(_COLUMNS, table, strict=True))
        flat = np.frombuffer(self.lines, dtype=np.int64) if len(self.lines) else np.zeros(0, int)
        lines = flat.reshape(-1, 4)
        ends = np.cumsum(columns["lines"])
        begin = ends - columns["lines"]
        for name, column in (("units", 1), ("goods", 3)):
            sums = np.append(0, np.cumsum(lines[:, column]))
            columns[name] = sums[ends] - sums[begin]
        columns["begin"] = begin + self.offset
        return columns, lines


class _Words(dict[Any, int]):
    """Words and their numbers; a new word gets the next one."""

    def __init__(self, held: Iterable[Any]) -> None:
        super().__init__({word: number for number, word in enumerate(held)})

    def __missing__(self, word: Any) -> int:
        self[word] = number = len(self)
        return number


_lock = Lock()
_held: dict[tuple[str, int], Book] = {}


def read_book(store: Store) -> Book:
    """The orders of a workspace, as the log stands now."""
    directory = store.directory
    name = (str(directory), directory.stat().st_ino if directory.exists() else 0)
    with _lock:
        book = _newer(store, _held.get(name))
        _held.clear()
        _held[name] = book
    who = _persons(store, book.columns["actor"])
    return Book(**{**vars(book), "persons": who})


def _newer(store: Store, held: Book | None) -> Book:
    position, mark = store.log.position(), _mark(store)
    if held is None or held.position > position:
        return _book(store.log.read(kinds=READ), None, position, mark)
    if held.position == position:
        return held
    if position - held.position <= _NEWER:
        events = list(store.log.read(after=held.position))
        if len(events) == position - held.position:
            return _book((one for one in events if one.kind in READ), held, position, mark)
    elif mark == held.mark:
        return _book(store.log.read(after=held.position, kinds=READ), held, position, mark)
    return _book(store.log.read(kinds=READ), None, position, mark)


def _mark(store: Store) -> int:
    """Changes whenever events were taken back or given to nobody."""
    papers = store.papers
    found = ((name, papers.get("import", name)) for name in papers.names("import"))
    versions = tuple((name, paper.version) for name, paper in found if paper is not None)
    return hash((len(store.people.forgotten()), versions))


def _book(events: Iterable[Event], held: Book | None, position: int, mark: int) -> Book:
    rows = _Rows(held)
    for event in events:
        rows.add(event)
    columns, lines = rows.columns()
    if held is not None:
        columns = {name: np.append(held.columns[name], columns[name]) for name in columns}
        lines = np.vstack((held.lines, lines))
    return Book(
        columns=columns,
        lines=lines,
        places=list(rows.places),
        currencies=list(rows.currencies),
        countries=list(rows.countries),
        sources=list(rows.sources),
        position=position,
        marks=rows.marks,
        mark=mark,
    )


def _signed(key: str) -> int:
    number = int(key, 16) & 0xFFFFFFFFFFFFFFFF
    return number - (1 << 64) if number >> 63 else number


def order_name(key: int) -> str:
    """What stands for an order in event bodies: 16 hex digits.

    Example:
        >>> order_name(-1)
        'ffffffffffffffff'
    """
    return f"{key & 0xFFFFFFFFFFFFFFFF:016x}"


def _persons(store: Store, actors: Ints) -> Ints:
    unique, which = np.unique(actors, return_inverse=True)
    if not len(unique):
        return actors
    numbers = unique.tolist()
    who = dict(zip(numbers, store.people.persons_of(numbers), strict=True))
    for gone in (*store.people.forgotten(), NOBODY):
        who[gone] = NOBODY
    return np.array([who[number] for number in numbers], dtype=np.int64)[which]
