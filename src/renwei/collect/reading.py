"""Order files in, one `Reading` out: encoding, layout, dates and amounts are found, not asked.

A structural fault (no table, no orders, locked, unreadable) raises before anything is
returned. A faulty row is refused by row, column and reason, and the rest comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from renwei.collect.records import OrderRecord, Reading, RefusedRow
from renwei.core.errors import BadInput

if TYPE_CHECKING:
    from renwei.collect.layouts.layout import Layout

Progress = Callable[[int, int], None]


class Excluded(msgspec.Struct):
    """Orders that do not count: never paid or closed, and paid back whole or taken back."""

    closed_or_unpaid: int = 0
    refunded: int = 0


class Totals(msgspec.Struct):
    """What a pivot made by hand shows for the counted orders. Money in minor units.

    `first_order` and `last_order` are "YYYY-MM-DD HH:MM:SS" on the shop's clock, by creation
    (else payment), "" where no order shows a time.
    """

    orders: int
    customers: int
    lines: int
    units: int
    revenue_minor: int
    refunded_minor: int
    currency: str
    zone: str
    excluded: Excluded
    first_order: str
    last_order: str


def read(
    paths: Sequence[Path],
    *,
    layout: str | None = None,
    currency: str = "CNY",
    zone: str | None = None,
    region: str | None = None,
    columns: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
) -> Reading:
    """Read order files, in any order, of one shop or several.

    Args:
        paths: CSV, TSV, Excel, Parquet, JSON lines, or gz and zip of these.
        layout: Name of the layout; found out where it is None.
        currency: The shop's, for files that show none (ISO 4217).
        zone: The shop's, for files that show none (IANA name or +08:00).
        region: Where phone numbers without a country code belong, such as CN; what the files
            show, else the shop's zone or currency, where it is None.
        columns: Header -> field, where a column means something else; "" leaves it out.
        progress: Told (rows done, rows expected) now and then.

    Raises:
        BadInput: A path cannot be read, nothing was given.
        NotATable: A file is no table of orders; the code says why.
        UnknownName: No such layout or zone.

    Example:
        >>> reading = read([Path("ExportOrderList.csv")])  # doctest: +SKIP
        >>> totals(reading).revenue_minor  # doctest: +SKIP
        32856086
    """
    from renwei.collect.assembling import assemble
    from renwei.collect.layouts import named
    from renwei.collect.opening import How, opened
    from renwei.collect.regions import HOME

    if not paths:
        raise BadInput("no_files")
    forced: Layout | None = named(layout) if layout else None
    mapped = opened([Path(p) for p in paths], How(forced, region or HOME, columns), progress)
    return assemble(mapped, currency=currency, zone=zone, region=region)


def reread(
    refused: Sequence[RefusedRow],
    *,
    layout: str | None = None,
    currency: str = "CNY",
    zone: str | None = None,
    region: str | None = None,
    columns: Mapping[str, str] = MappingProxyType({}),
) -> Reading:
    """Read refused rows again, from the cells that were kept with them.

    Rows keep their file and number. A row refused in several columns is read once.

    Raises:
        BadInput: Nothing was given.
        NotATable: The kept cells hold no orders.
    """
    from renwei.collect.assembling import assemble, retabulate
    from renwei.collect.layouts import detect, named
    from renwei.collect.opening import How
    from renwei.collect.regions import HOME

    if not refused:
        raise BadInput("nothing_to_replay")
    how = How(named(layout) if layout else None, region or HOME, columns)
    mapped = [
        how.meaning(table, how.layout or detect(table.header, [table.file]))
        for table in retabulate(refused)
    ]
    return assemble(mapped, currency=currency, zone=zone, region=region)


def totals(reading: Reading) -> Totals:
    """Totals of the counted orders.

    Amounts in another currency than the reading's are left out of the sums (a warning says
    so). Customers are distinct buyers by their best identifier; orders of nobody count none.
    """
    counted = [o for o in reading.orders if o.status == "paid"]
    states = [o.status for o in reading.orders]
    ours = [o for o in counted if o.currency == reading.currency]
    times = [at for o in counted if (at := o.created_at or o.paid_at) is not None]
    return Totals(
        orders=len(counted),
        customers=_customers(counted),
        lines=sum(len(o.lines) for o in counted),
        units=sum(line[1] for o in counted for line in o.lines),
        revenue_minor=sum(o.total_minor for o in ours),
        refunded_minor=sum(o.refunded_minor for o in ours),
        currency=reading.currency,
        zone=reading.zone,
        excluded=Excluded(
            states.count("closed") + states.count("unpaid"),
            states.count("refunded") + states.count("returned"),
        ),
        first_order=_local(min(times, default=None), reading.zone),
        last_order=_local(max(times, default=None), reading.zone),
    )


_BEST = ("customer", "nick", "unionid", "openid", "external_userid", "email", "phone")


def _customers(orders: Sequence[OrderRecord]) -> int:
    """Distinct buyers: an order known by a lesser identifier joins whom that one belongs to."""
    owner: dict[tuple[str, str], str] = {}
    people: set[str] = set()
    loose: list[list[tuple[str, str]]] = []
    for order in orders:
        known: list[tuple[str, str]] = sorted(
            ((i.kind, i.value) for i in order.identifiers),
            key=lambda pair: _BEST.index(pair[0]) if pair[0] in _BEST else len(_BEST),
        )
        if known and known[0][0] in ("customer", "nick"):
            people.add(known[0][1])
            for pair in known[1:]:
                owner.setdefault(pair, known[0][1])
        elif known:
            loose.append(known)
    for pairs in loose:
        who = next((owner[pair] for pair in pairs if pair in owner), ":".join(pairs[0]))
        people.add(who)
        for pair in pairs:
            owner.setdefault(pair, who)
    return len(people)


def _local(at: datetime | None, zone: str) -> str:
    if at is None:
        return ""
    from renwei.collect.zones import zone_named

    return at.astimezone(zone_named(zone)).strftime("%Y-%m-%d %H:%M:%S")
