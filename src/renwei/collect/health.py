"""The health report: what hurts most, three examples of it, and the one thing to do."""

from __future__ import annotations

from collections.abc import Sequence

from renwei.collect.answers import Fix, HealthAnswer, Problem
from renwei.collect.health_checks import CHECKS, Found
from renwei.collect.health_facts import Facts, Row, facts_of
from renwei.collect.refused import refused_of
from renwei.core.clock import from_us
from renwei.core.nouns import NOBODY
from renwei.core.shop import Shop

EXAMPLES = 3


def examine(shop: Shop) -> HealthAnswer:
    """Look at everything; the worst comes first."""
    facts = facts_of(shop)
    found = [problem for check in CHECKS if facts.rows and (problem := check(facts))]
    found.sort(key=lambda problem: (-problem.hurts, problem.code))
    return HealthAnswer(
        text=_summary(shop, facts, found),
        orders=len(facts.rows),
        problems=[_problem(facts, one) for one in found],
        checked=[check.__name__ for check in CHECKS],
    )


def _summary(shop: Shop, facts: Facts, found: Sequence[Found]) -> str:
    n = len(facts.rows)
    if n < 2:
        return shop.say(("health.empty", "health.single")[n])
    if not found:
        return shop.say("health.fine", orders=n)
    return shop.say("health.found", n=len(found), orders=n)


def _problem(facts: Facts, found: Found) -> Problem:
    named = {"count": found.count, "share": found.share, **found.values}
    say = facts.shop.say
    return Problem(
        code=found.code,
        text=say(f"health.problems.{found.code}", **named),
        count=found.count,
        share=round(found.share, 4),
        hurts=round(found.hurts, 4),
        examples=_examples(facts, found),
        fix=Fix(say(f"health.fixes.{found.code}", **named), found.command),
    )


def _examples(facts: Facts, found: Found) -> list[str]:
    if found.rows:
        return [_order(facts, row) for row in found.rows[:EXAMPLES]]
    if found.persons:
        step = 2 if found.code in ("duplicate_people", "shared_contacts") else 1
        chosen = found.persons[: EXAMPLES * step]
        shown = [_person(facts, person) for person in chosen]
        return [" = ".join(shown[k : k + step]) for k in range(0, len(shown), step)]
    if "warning" in found.values:
        return _warnings(facts, found)
    return list(found.words)


def _order(facts: Facts, row: Row) -> str:
    """An order that its owner recognises and nobody else does."""
    return facts.shop.say(
        "health.examples.order",
        number=_number(facts, row),
        id=row.source,
        row=row.row,
        at=from_us(row.at_us),
        amount=[row.value, facts.currency],
        title=_title(facts, row),
    )


def _number(facts: Facts, row: Row) -> str:
    """The end of the order's number; nobody's orders keep none."""
    people = facts.shop.store.people
    held = people.open(row.person).get("order", ()) if row.person != NOBODY else ()
    for number in held:
        key = people.keyed(f"order|{row.platform}|{row.shop}|{number}")
        if key[:8].hex() == row.name:
            return "…" + number[-6:]
    return "–"


def _title(facts: Facts, row: Row) -> str:
    item = facts.items.get(row.items[0]) if row.items else None
    return item.title if item else "–"


def _person(facts: Facts, person: int) -> str:
    opened = facts.vault.get(person, {})
    parts = [hidden(name) for name in opened.get("name", ())[:1]]
    parts += [hidden(nick.partition(":")[2]) for nick in opened.get("nick", ())[:1]]
    parts += [hidden(number.removeprefix("+86")) for number in opened.get("phone", ())[:1]]
    if not parts:
        parts = [hidden(address) for address in opened.get("email", ())[:1]]
    if not parts:
        parts = [number.partition(":")[2] for number in opened.get("customer", ())[:1]]
    return " ".join(parts)


def _warnings(facts: Facts, found: Found) -> list[str]:
    kept = [
        warning
        for name in found.values["imports"]
        for warning in refused_of(facts.shop.store.blobs, name).warnings
        if warning.code == found.values["warning"]
    ]
    return [
        facts.shop.say(
            "health.examples.cell",
            file=warning.file,
            row=warning.row,
            column=warning.column,
            # What lost its digits names nobody any more.
            value=warning.value if found.code == "lost_phones" else hidden(warning.value),
        )
        for warning in kept[:EXAMPLES]
    ]


def hidden(text: str) -> str:
    """A personal text that its owner recognises: both ends, and stars between.

    Example:
        >>> hidden("13912345678"), hidden("张小美"), hidden("小鹿爱护肤7")
        ('139****5678', '张*', '小***7')
    """
    if len(text) >= 10:
        return f"{text[:3]}****{text[-4:]}"
    if len(text) > 3:
        return f"{text[0]}***{text[-1]}"
    return text[:1] + "*"
