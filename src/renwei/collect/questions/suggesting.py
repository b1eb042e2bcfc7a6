"""Which one question to ask next: the one whose answer would decide over most of what is sold.

The measure is as simple as can be and is said with the result: what people of whom the answer
is not known spent in the last year on goods where the answer decides which one suits. A fact
decides where the catalogue holds goods for at least two of its answers; goods are told by their
titles and categories. It promises no gain; it says where asking could matter at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from renwei.collect.questions.answering import EVENT
from renwei.collect.questions.asked import templates, words_of_goods
from renwei.collect.states import KINDS
from renwei.core.nouns import NOBODY, Event
from renwei.core.shop import Shop

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Suggested:
    """What one question could decide: money in minor units of the shop's orders.

    `goods` counts products that suit one of the answers, `decides` is what people who have not
    answered spent on them in a year, `people` how many those are.
    """

    fact: str
    goods: int
    choices: int
    people: int
    known: int
    buyers: int
    decides: int
    revenue: int
    currency: str


def suggested(shop: Shop, at: datetime) -> list[Suggested]:
    """Every question that could decide something, the most telling first."""
    spent, currency = _spent(shop, at)
    known = answered(shop)
    revenue = sum(sum(items.values()) for items in spent.values())
    found = []
    for fact in templates():
        suits = _suits(shop, fact)
        choices = len({choice for chosen in suits.values() for choice in chosen})
        if choices < 2:
            continue
        people = {
            who: sum(amount for item, amount in items.items() if item in suits)
            for who, items in spent.items()
            if who not in known.get(fact, ())
        }
        open_ = {who: amount for who, amount in people.items() if amount > 0}
        found.append(
            Suggested(
                fact=fact,
                goods=len(suits),
                choices=choices,
                people=len(open_),
                known=len(known.get(fact, set()) & spent.keys()),
                buyers=len(spent),
                decides=sum(open_.values()),
                revenue=revenue,
                currency=currency,
            )
        )
    found = [one for one in found if one.decides > 0]
    return sorted(found, key=lambda one: (-one.decides, one.fact))


def answered(shop: Shop) -> Mapping[str, Set[int]]:
    """Who has answered what: persons by fact, whatever they answered."""
    actors: dict[str, set[int]] = defaultdict(set)
    for event in shop.store.log.read(kinds=(EVENT, "identify")):
        if event.actor == NOBODY:
            continue
        for fact in _facts(event):
            actors[fact].add(event.actor)
    everybody = sorted(set().union(*actors.values())) if actors else []
    persons = dict(zip(everybody, shop.store.people.persons_of(everybody), strict=True))
    return {fact: {persons[actor] for actor in found} for fact, found in actors.items()}


def _facts(event: Event) -> list[str]:
    if event.kind == EVENT:
        return [str(event.body.get("fact"))]
    told = event.body.get("facts")
    return list(told) if isinstance(told, dict) else []


def _suits(shop: Shop, fact: str) -> dict[int, set[str]]:
    """The products that suit an answer, and which."""
    words = words_of_goods()[fact]
    found: dict[int, set[str]] = {}
    for item in shop.store.items.all_items("product"):
        text = f"{item.title} {item.category}".lower()
        chosen = {value for value, own in words.items() if any(word in text for word in own)}
        if chosen:
            found[item.number] = chosen
    return found


def _spent(shop: Shop, at: datetime) -> tuple[dict[int, Counter[int]], str]:
    """What each person spent on each product in the year before, in the commonest currency."""
    latest: dict[str, tuple[Event, datetime, int]] = {}
    for event in shop.store.log.read(kinds=KINDS):
        if event.kind != "return":
            name = str(event.body["order"])
            _, first, actor = latest.get(name, (event, event.at, event.actor))
            latest[name] = (event, first, actor)
    counted = [
        (event, actor)
        for event, first, actor in latest.values()
        if at - YEAR <= first <= at and event.body["status"] == "paid" and actor != NOBODY
    ]
    coins = Counter(event.currency for event, _ in counted)
    currency = max(coins, key=lambda code: coins[code], default=shop.settings.currency)
    actors = sorted({actor for _, actor in counted})
    persons = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
    spent: dict[int, Counter[int]] = defaultdict(Counter)
    for event, actor in counted:
        if event.currency == currency:
            for item, _, _, amount in event.body["lines"]:
                spent[persons[actor]][int(item)] += int(amount)
    return dict(spent), currency
