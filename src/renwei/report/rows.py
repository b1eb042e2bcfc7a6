"""The rows behind a number: exactly those, and they add up to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from renwei.core.chance import to_id
from renwei.core.clock import from_us, to_us
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import NOBODY
from renwei.core.shop import Shop
from renwei.report.answers import OrderRow, RowsAnswer, RowsRequest
from renwei.report.book import STATUSES, Book, Bools, Ints, order_name, read_book
from renwei.report.causes import DIMENSIONS, REST
from renwei.report.contacts import contacts
from renwei.report.measures import NUMBERS, TOLD, Ledger
from renwei.report.phrases import amount_text
from renwei.report.spans import checked, local_text, zone_named

LATE, SINCE, RETURNS = "late_refunds", "refunds_since", "returns"
CONTACTED = "contacted"
UNITS: Mapping[str, str] = {
    **{name: unit for name, (unit, _) in NUMBERS.items()},
    **dict.fromkeys(TOLD, "count"),
    "refunded": "money",
    LATE: "money",
    SINCE: "money",
    RETURNS: "money",
    CONTACTED: "count",
}
MOST = 10_000


@dataclass(frozen=True)
class Behind:
    """Rows of the book behind a number, aligned: who, when placed, what each adds.

    `first` is the row of an order's first event, which says where it stands in its file.
    """

    person: Ints
    at: Ints
    row: Ints
    amount: Ints
    known: Ints | None = None

    def pick(self, mask: Bools | Ints) -> Behind:
        """Some of them."""
        known = None if self.known is None else self.known[mask]
        return Behind(self.person[mask], self.at[mask], self.row[mask], self.amount[mask], known)


def rows(shop: Shop, request: RowsRequest) -> RowsAnswer:
    """The rows behind a number, newest first, and their sums.

    Raises:
        UnknownName: No such number or group (codes unknown_metric, unknown_group).
        BadInput: The span ends before it begins (code report_span).
    """
    if request.metric not in UNITS:
        raise UnknownName.among("metric", request.metric, UNITS)
    since, until = checked(request.since), checked(request.until)
    if until < since:
        raise BadInput("report_span", since=since.isoformat(), until=until.isoformat())
    at = checked(request.at or shop.clock.now())
    book = read_book(shop.store)
    currency = book.main_currency(shop.settings.currency)
    if request.metric == CONTACTED:
        return _contacted(shop, request, (book, currency))
    ledger = Ledger(book.as_of(to_us(at), currency))
    span = to_us(since), to_us(until)
    found = behind(book, ledger, request.metric, span, at_us=to_us(at), currency=currency)
    if request.group:
        found = _narrowed(shop, (book, ledger), found, request, span[0])
    order = np.lexsort((found.row, -found.at))
    found = found.pick(order)
    answer = _answer(shop, request, found, (book, currency))
    shown = slice(max(request.offset, 0), max(request.offset, 0) + _limit(request))
    some = found.pick(np.arange(len(found.at))[shown])
    answer.rows = order_rows(shop, book, some)
    answer.more = shown.stop < len(found.at)
    return answer


def _limit(request: RowsRequest) -> int:
    return MOST * 100 if request.out else min(max(request.limit, 1), MOST)


def behind(
    book: Book,
    ledger: Ledger,
    metric: str,
    span: tuple[int, int],
    *,
    at_us: int,
    currency: str,
) -> Behind:
    """The rows of one number over [since, until), in microseconds."""
    since, until = span
    if metric in (LATE, SINCE):
        late = book.late(at_us, currency)
        if metric == LATE:
            mask = (late.known >= since) & (late.known < until) & (late.placed < since)
        else:
            mask = (late.known >= until) & (late.placed >= since) & (late.placed < until)
        return Behind(
            book.persons[late.first], late.placed, late.row, late.amount, late.known
        ).pick(mask)
    if metric == RETURNS:
        back = book.returns(since, min(until, at_us + 1), currency)
        columns = book.columns
        return Behind(book.persons[back], columns["at"][back], back, columns["value"][back])
    if metric in ("refunded_orders", "not_counted"):
        orders = ledger.uncounted(since, until, refunded=metric == "refunded_orders")
        return Behind(orders.person, orders.at, orders.row, np.ones(len(orders), np.int64))
    mask = ledger.within(since, until)
    new, returning = ledger.buyers(mask, since)
    orders = ledger.counted
    masks = {"new": new, "returning": returning, "refunded": mask & (orders.refunded > 0)}
    masks["unnamed"] = mask & (orders.person == NOBODY)
    orders = orders.pick(masks.get(metric, mask))
    amounts = {
        "revenue": orders.value,
        "aov": orders.value,
        "items_per_order": orders.units,
        "refunded": orders.refunded,
    }
    amount = amounts.get(metric, np.ones(len(orders), np.int64))
    return Behind(orders.person, orders.at, orders.row, amount)


def _narrowed(
    shop: Shop, held: tuple[Book, Ledger], found: Behind, request: RowsRequest, since: int
) -> Behind:
    book, ledger = held
    dimension, _, group = request.group.partition(":")
    if dimension not in DIMENSIONS or ":" not in request.group:
        raise UnknownName.among("group", dimension, DIMENSIONS)
    if dimension in ("place", "country"):
        names = ["/".join(filter(None, place)) for place in book.places]
        names = names if dimension == "place" else book.countries
        numbers = [k for k, name in enumerate(names) if name == group]
        return found.pick(np.isin(book.columns[dimension][found.row], numbers))
    if dimension == "buyer":
        debut = dict(zip(ledger.counted.person.tolist(), ledger.debut.tolist(), strict=True))
        kinds = [
            "unnamed" if who == NOBODY else "new" if debut.get(who, 0) >= since else "returning"
            for who in found.person.tolist()
        ]
        return found.pick(np.array([kind == group for kind in kinds], dtype=bool))
    return _by_lines(shop, book, found, request)


def _by_lines(shop: Shop, book: Book, found: Behind, request: RowsRequest) -> Behind:
    """Orders that hold a product or category; money is then that of their lines."""
    dimension, _, group = request.group.partition(":")
    which, lines = book.lines_of(found.row)
    if group == REST:
        rest = (book.columns["value"] - book.columns["goods"])[found.row]
        return Behind(found.person, found.at, found.row, rest, found.known).pick(rest != 0)
    wanted = _items(shop, dimension, group)
    mine = np.isin(lines[:, 0], wanted)
    amount = np.zeros(len(found.at), np.int64)
    column = 3 if UNITS[request.metric] == "money" else 1
    np.add.at(amount, which[mine], lines[mine, column])
    held = np.zeros(len(found.at), dtype=bool)
    held[which[mine]] = True
    if request.metric not in ("revenue", "aov", "items_per_order"):
        amount = found.amount
    return Behind(found.person, found.at, found.row, amount, found.known).pick(held)


def _items(shop: Shop, dimension: str, group: str) -> list[int]:
    if dimension == "item":
        return [int(group)] if group.isascii() and group.isdigit() and len(group) < 19 else []
    return [one.number for one in shop.store.items.all_items("product") if one.category == group]


def _answer(shop: Shop, request: RowsRequest, found: Behind, about: tuple[Book, str]) -> RowsAnswer:
    book, currency = about
    unit, n = UNITS[request.metric], len(found.at)
    people = len(set(found.person.tolist()) - {NOBODY})
    amount = int(found.amount.sum())
    values: dict[str, Callable[[], float | None]] = {
        "aov": lambda: amount / n if n else None,
        "items_per_order": lambda: amount / n if n else None,
        "new": lambda: people,
        "returning": lambda: people,
    }
    value = values.get(request.metric, lambda: amount)()
    label = shop.say(f"report.metric.{request.metric}")
    return RowsAnswer(
        metric=request.metric,
        label=label,
        group=request.group,
        since=checked(request.since),
        until=checked(request.until),
        at=checked(request.at or shop.clock.now()),
        zone=shop.settings.zone,
        currency=currency,
        unit=unit,
        value=value,
        orders=n,
        people=people,
        units=int(book.columns["units"][found.row].sum()),
        amount=amount,
        text=shop.say(
            "report.rows.text", label=label, value=amount_text(unit, value, currency), n=n
        ),
        rows=[],
        offset=max(request.offset, 0),
    )


def order_rows(shop: Shop, book: Book, found: Behind) -> list[OrderRow]:
    """Rows as people read them, with order numbers and product titles."""
    zone = zone_named(shop.settings.zone)
    numbers = order_numbers(shop, book, found)
    which, lines = book.lines_of(found.row)
    wanted = np.unique(lines[:, 0]).tolist()
    titles = {
        number: item.title
        for number, item in zip(wanted, shop.store.items.get(wanted), strict=True)
        if item
    }
    texts: list[list[str]] = [[] for _ in found.at]
    for k, line in zip(which.tolist(), lines.tolist(), strict=True):
        texts[k].append(f"{titles.get(line[0], line[0])} × {line[1]}")
    col = book.columns
    made = []
    for k, row in enumerate(found.row.tolist()):
        platform, place = book.places[int(col["place"][row])]
        person = int(found.person[k])
        made.append(
            OrderRow(
                order=order_name(int(col["order"][row])),
                number=numbers[k],
                person=to_id(person) if person != NOBODY else "",
                at=local_text(int(found.at[k]), zone),
                platform=platform,
                shop=place,
                status=STATUSES[int(col["status"][row])],
                items="; ".join(texts[k]),
                units=int(col["units"][row]),
                paid_minor=int(col["value"][row]),
                refunded_minor=int(col["refunded"][row]),
                amount=int(found.amount[k]),
                known="" if found.known is None else local_text(int(found.known[k]), zone),
                import_id=book.sources[int(col["source"][row])],
                file_row=int(col["file_row"][row]),
            )
        )
    return made


def order_numbers(shop: Shop, book: Book, found: Behind) -> list[str]:
    """Order numbers as written, from the vault; "" where nobody holds them any more."""
    people = sorted(set(found.person.tolist()) - {NOBODY})
    opened = shop.store.people.open_many(people, ["order"])
    texts = {who: held.get("order", []) for who, held in zip(people, opened, strict=True)}
    keyed, col = shop.store.people.keyed, book.columns
    known: dict[tuple[int, int], dict[str, str]] = {}
    numbers = []
    for person, row in zip(found.person.tolist(), found.row.tolist(), strict=True):
        place = int(col["place"][row])
        if (person, place) not in known:
            before = "|".join(("order", *book.places[place]))
            known[person, place] = {
                keyed(f"{before}|{text}")[:8].hex(): text for text in texts.get(person, ())
            }
        numbers.append(known[person, place].get(order_name(int(col["order"][row])), ""))
    return numbers


def _contacted(shop: Shop, request: RowsRequest, about: tuple[Book, str]) -> RowsAnswer:
    zone = zone_named(shop.settings.zone)
    made = contacts(shop, about[0], checked(request.since), checked(request.until))
    made = sorted({one.person: one for one in made}.values(), key=lambda one: one.at, reverse=True)
    empty = np.zeros(0, np.int64)
    answer = _answer(shop, request, Behind(empty, empty, empty, empty), about)
    answer.value, answer.amount, answer.people = len(made), len(made), len(made)
    label = shop.say(f"report.metric.{CONTACTED}")
    answer.text = shop.say("report.rows.people", label=label, n=len(made))
    start = answer.offset
    some: Sequence[object] = made[start : start + _limit(request)]
    answer.more = start + len(some) < len(made)
    answer.rows = [
        OrderRow(
            order=one.decision,
            person=to_id(one.person),
            at=from_us(to_us(one.at)).astimezone(zone).isoformat(timespec="seconds"),
            status="done",
            amount=1,
        )
        for one in made[start : start + len(some)]
    ]
    return answer
