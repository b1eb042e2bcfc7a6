"""The checks of the health report: each looks at one thing and says how often and how bad.

`hurts` puts them in order: the share of revenue that is touched, times how much of its use
is lost: an order of nobody is lost to every list, an item without category only to some.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from renwei.collect.health_facts import Facts, Row
from renwei.collect.names import agree, is_masked, plain
from renwei.collect.states import ANONYMOUS, PLACEHOLDER
from renwei.core.chance import to_id
from renwei.core.clock import from_us

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
RARE = 0.01
"""Chance below which a pattern is not put down to luck."""


@dataclass(slots=True)
class Found:
    """A problem: how often, of how many, how bad, and what to show and do."""

    code: str
    count: int
    share: float
    hurts: float
    rows: Sequence[Row] = ()
    persons: Sequence[int] = ()
    words: Sequence[str] = ()
    command: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def no_customer_key(facts: Facts) -> Found | None:
    """Orders that name no buyer."""
    return _orders("no_customer_key", facts, [r for r in facts.rows if r.marks & ANONYMOUS], 1.0)


def placeholder_contacts(facts: Facts) -> Found | None:
    """Orders with a phone or e-mail that stands for nobody."""
    rows = [r for r in facts.rows if r.marks & PLACEHOLDER]
    return _orders("placeholder_contacts", facts, rows, 0.5)


def duplicate_people(facts: Facts) -> Found | None:
    """Buyers who look like one person: a shared contact or address, and one name."""
    pairs = list(dict.fromkeys(_twins(facts)))
    if not pairs:
        return None
    people = sorted({person for pair in pairs for person in pair})
    rows = [row for person in people for row in facts.by_person[person]]
    first = pairs[0]
    return Found(
        "duplicate_people",
        len(pairs),
        len(people) / len(facts.by_person),
        facts.worth(rows),
        persons=[person for pair in pairs[:3] for person in pair],
        command=f"renwei merge {to_id(first[0])} {to_id(first[1])}",
    )


def _twins(facts: Facts) -> Iterator[tuple[int, int]]:
    for group in _groups(facts, "phone", "email", "address"):
        for one, other in pairwise(group):
            if (one, other) not in facts.apart and _one_name(facts, one, other):
                yield one, other


def shared_contacts(facts: Facts) -> Found | None:
    """One phone or e-mail, several names: a family, or a clerk's shortcut."""
    groups = [
        group
        for group in _groups(facts, "phone", "email")
        if any(not _one_name(facts, group[0], other) for other in group[1:])
    ]
    if not groups:
        return None
    people = {person for group in groups for person in group}
    rows = [row for person in people for row in facts.by_person[person]]
    return Found(
        "shared_contacts",
        len(groups),
        len(people) / len(facts.by_person),
        0.1 * facts.worth(rows),
        persons=[person for group in groups[:3] for person in group[:2]],
    )


def _groups(facts: Facts, *names: str) -> list[list[int]]:
    found: list[list[int]] = []
    for name in names:
        users: dict[str, list[int]] = defaultdict(list)
        for person, opened in facts.vault.items():
            for text in opened.get(name, ()):
                if not is_masked(text):
                    users[plain(text)].append(person)
        found += [sorted(group) for group in users.values() if len(group) > 1]
    return found


def _one_name(facts: Facts, one: int, other: int) -> bool:
    """Whether both have a full name in common."""
    mine = [plain(name) for name in facts.vault[one].get("name", ())]
    theirs = [plain(name) for name in facts.vault[other].get("name", ())]
    pairs = ((a, b) for a in mine for b in theirs if not is_masked(a) and not is_masked(b))
    return any(agree(a, b) for a, b in pairs)


def items_without_category(facts: Facts) -> Found | None:
    """Sold items of no category."""
    sold = {item for row in facts.rows for item in row.items}
    bare = sorted(item for item in sold if item in facts.items and not facts.items[item].category)
    if not bare:
        return None
    worth = sum(row.bare_minor for row in facts.rows) / facts.revenue
    return Found(
        "items_without_category",
        len(bare),
        len(bare) / len(sold),
        0.3 * min(worth, 1.0),
        words=[facts.items[item].title or facts.items[item].code for item in bare[:3]],
    )


def date_gaps(facts: Facts) -> Found | None:
    """Days in a row without any order, where luck does not explain it."""
    days = sorted({facts.day(row) for row in facts.rows})
    if len(days) < 10:
        return None
    span = days[-1] - days[0] + 1
    # Half the mean rate: quiet seasons are no gap.
    rate = 0.5 * len(facts.rows) / span
    gaps = [
        (a, b)
        for a, b in pairwise(days)
        if b - a > 5 and len(days) * math.exp(-rate * (b - a - 1)) < RARE
    ]
    missing = sum(b - a - 1 for a, b in gaps)
    if not gaps:
        return None
    gaps.sort(key=lambda gap: gap[0] - gap[1])
    say = facts.shop.say
    return Found(
        "date_gaps",
        len(gaps),
        missing / span,
        missing / span,
        words=[
            say(
                "health.examples.gap",
                first=from_us((a + 1) * DAY_US),
                last=from_us((b - 1) * DAY_US),
                days=b - a - 1,
            )
            for a, b in gaps[:3]
        ],
        values={"days": missing},
    )


def bulk_orders(facts: Facts) -> Found | None:
    """Quantities far beyond what buyers here take: resale, a typing error, or padding."""
    amounts = [row.most for row in facts.rows if row.most > 0]
    if len(amounts) < 20:
        return None
    logs = sorted(math.log(amount) for amount in amounts)
    middle = median(logs)
    spread = 1.4826 * median(abs(value - middle) for value in logs)
    most = max(30.0, math.exp(middle + 6 * spread))
    rows = sorted((r for r in facts.rows if r.most >= most), key=lambda row: -row.most)
    return _orders("bulk_orders", facts, rows, 0.5)


def fake_orders(facts: Facts) -> Found | None:
    """Strangers who within two hours buy the same basket and are never seen again."""
    by_basket: dict[int, list[Row]] = defaultdict(list)
    for row in facts.rows:
        if row.items and row.person:
            by_basket[row.basket].append(row)
    rows: list[Row] = []
    for same in by_basket.values():
        once = [row for row in same if len(facts.by_person[row.person]) == 1]
        if len(once) >= 8:
            rows += _bursts(once, same, 120 * MINUTE_US)
    return _orders("fake_orders", facts, rows, 1.0)


def _bursts(once: list[Row], same: list[Row], within_us: int) -> Iterable[Row]:
    """Orders in windows that hold far more of them than their usual rate would put there."""
    span = max(same[-1].at_us - same[0].at_us, within_us)
    first, found = 0, dict[int, Row]()
    for last, row in enumerate(once):
        while row.at_us - once[first].at_us > within_us:
            first += 1
        n = last - first + 1
        usual = max((len(same) - n) * within_us / span, 0.01)
        if n >= 8 and n > 6 * usual:
            found |= {id(one): one for one in once[first : last + 1]}
    return found.values()


def order_bursts(facts: Facts) -> Found | None:
    """One buyer, five or more orders within ten minutes."""
    rows: list[Row] = []
    for own in facts.by_person.values():
        first = 0
        found: dict[int, Row] = {}
        for last, row in enumerate(own):
            while row.at_us - own[first].at_us > 10 * MINUTE_US:
                first += 1
            if last - first >= 4:
                found |= {id(one): one for one in own[first : last + 1]}
        rows += found.values()
    return _orders("order_bursts", facts, rows, 0.5)


def lost_phones(facts: Facts) -> Found | None:
    """Phone numbers that a spreadsheet turned into 1.38E+10."""
    return _warned("lost_phones", facts, "phone_precision_lost", 0.7)


def conflicting_totals(facts: Facts) -> Found | None:
    """Orders that stand in a file with different totals."""
    return _warned("conflicting_totals", facts, "conflicting_totals", 1.0)


def refused_rows(facts: Facts) -> Found | None:
    """Rows that wait to be corrected."""
    waiting = [paper for paper in facts.imports if paper.body.get("refused")]
    count = sum(paper.body["refused"] for paper in waiting)
    if not count:
        return None
    rows = max(sum(info["rows"] for paper in facts.imports for info in paper.body["files"]), count)
    worst = max(waiting, key=lambda paper: paper.body["refused"])
    say = facts.shop.say
    return Found(
        "refused_rows",
        count,
        count / rows,
        count / rows,
        words=[
            say("health.examples.refused", id=paper.name, n=paper.body["refused"])
            for paper in waiting[:3]
        ],
        command=f"renwei imports show {worst.name}",
    )


def empty_fields(facts: Facts) -> Found | None:
    """Columns of the newest files that next to nobody fills."""
    columns = [
        (info["mapping"].get(header, ""), header, share)
        for paper in facts.newest
        for info in paper.body["files"]
        for header, share in info["fill"].items()
    ]
    # Columns for what seldom happens are rightly empty.
    rare = ("refund", "close_reason", "cancelled_at", "note", "seller_note", "discount", "phone2")
    empty = [header for means, header, share in columns if share < 0.02 and means not in rare]
    known = [header for means, header, _ in columns if means]
    lost = [header for header in empty if header in known]
    if not empty:
        return None
    return Found(
        "empty_fields",
        len(empty),
        len(empty) / len(columns),
        0.2 * len(lost) / max(len(known), 1) + 0.01 * len(empty) / len(columns),
        words=[*lost, *(header for header in empty if header not in lost)][:3],
    )


def currency_assumed(facts: Facts) -> Found | None:
    """No file showed the currency and nobody set it."""
    return _assumed("currency_assumed", facts, "currency", facts.currency, 0.3)


def zone_assumed(facts: Facts) -> Found | None:
    """No file showed the time zone and nobody set it."""
    return _assumed("zone_assumed", facts, "zone", facts.shop.settings.zone, 0.05)


def consent_unknown(facts: Facts) -> Found | None:
    """Buyers of whom nobody knows whether they may be written to."""
    from renwei.core.nouns import ConsentState, consent_by

    persons = sorted(facts.by_person)
    if not persons:
        return None
    at = facts.shop.clock.now()
    stated = facts.shop.store.people.consents_of(persons)
    unknown = [
        person
        for person, said in zip(persons, stated, strict=True)
        if all(
            consent_by(said, "marketing", channel, at) is ConsentState.UNKNOWN
            for channel in {one.channel for one in said} | {"*"}
        )
    ]
    if not unknown:
        return None
    rows = [row for person in unknown for row in facts.by_person[person]]
    share = len(unknown) / len(persons)
    return Found(
        "consent_unknown", len(unknown), share, 0.2 * facts.worth(rows), persons=unknown[:3]
    )


def _orders(code: str, facts: Facts, rows: list[Row], weight: float) -> Found | None:
    if not rows:
        return None
    share = len(rows) / len(facts.rows)
    return Found(code, len(rows), share, weight * facts.worth(rows), rows=rows)


def _warned(code: str, facts: Facts, warning: str, weight: float) -> Found | None:
    of = [paper for paper in facts.newest if paper.body.get("warnings", {}).get(warning)]
    count = sum(paper.body["warnings"][warning] for paper in of)
    if not count:
        return None
    rows = max(sum(info["rows"] for paper in of for info in paper.body["files"]), count)
    return Found(
        code,
        count,
        count / rows,
        weight * count / rows,
        words=[paper.name for paper in of[:3]],
        command=f"renwei imports show {of[0].name}",
        values={"warning": warning, "imports": [paper.name for paper in of]},
    )


def _assumed(code: str, facts: Facts, name: str, taken: str, weight: float) -> Found | None:
    flag = f"{name}_known"
    blind = any(not paper.body.get(flag, True) for paper in facts.imports)
    if not blind or facts.setting(name):
        return None
    n = len(facts.rows)
    return Found(
        code,
        n,
        1.0,
        weight,
        words=[taken],
        command=f"renwei settings {name} {taken}",
        values={"taken": taken},
    )


CHECKS: tuple[Callable[[Facts], Found | None], ...] = (
    no_customer_key,
    duplicate_people,
    placeholder_contacts,
    lost_phones,
    shared_contacts,
    fake_orders,
    order_bursts,
    bulk_orders,
    refused_rows,
    conflicting_totals,
    items_without_category,
    date_gaps,
    empty_fields,
    currency_assumed,
    zone_assumed,
    consent_unknown,
)
