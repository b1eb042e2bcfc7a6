"""The bubble gauge: how varied is what somebody is shown, week by week, and what variety costs.

Three numbers of what was shown. How evenly it is spread over categories (entropy over the most
there could be); which share of it is from categories the person had neither bought nor looked at
before that week; which share the person had been shown already in the four weeks before. Beside
them stands the variety of what the person takes by themselves: a list that is narrower than its
reader is a bubble.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from renwei.core.chance import from_id, to_id, u
from renwei.core.clock import from_us, to_us
from renwei.core.errors import UnknownName
from renwei.core.nouns import NOBODY, OUR_OWN, Event
from renwei.core.orders import ORDER_KINDS, counted
from renwei.core.shop import Shop
from renwei.recommend.gauge import GaugeAnswer, GaugeRequest, GaugeWeek, GaugeWhy, VarietyCost
from renwei.recommend.goods import goods
from renwei.recommend.moment import LOOKS, SHOWN, WEIGHTS, person_of
from renwei.recommend.seen import decided, decided_for, items_of

WEEK_US = 7 * 86_400_000_000
REMEMBERED_US = 4 * WEEK_US
"""So long a thing counts as shown already."""
LEAST = 5
"""Things with a category without which nothing is said of a week."""
SAMPLE = 1_000
"""The gauge of the whole shop is the mean of so many people at most, drawn by chance."""
MOST_EVENTS = 2_000
NARROWER, DROP = 0.15, 0.1
"""Entropy by which what is shown is narrower than what is taken, or than it was: a bubble."""


@dataclass(frozen=True)
class _Shown:
    """What one person was shown: times and item numbers, oldest first."""

    at_us: list[int]
    items: list[int]


@dataclass(frozen=True)
class _Taken:
    """What one person did by themselves: categories with when first, and how often each."""

    first_us: Mapping[int, int]
    often: Mapping[int, int]


def gauge(shop: Shop, request: GaugeRequest) -> GaugeAnswer:
    """How varied recommendations are, for one person or for the shop, week by week.

    Raises:
        UnknownName: Nobody goes by that name (code unknown_person).
    """
    at = shop.clock.now().astimezone(UTC)
    person = _person(shop, request.person)
    of, many = _categories(shop)
    answer = GaugeAnswer(
        at=at,
        person=to_id(person) if person else "",
        measurable=False,
        reason=None,
        categories=many,
        counted_by="decided",
        people=0,
        sampled=0,
        entropy=None,
        own=None,
        new_categories=None,
        shown_again=None,
        state=None,
        weeks=[],
        variety_cost=costs(shop),
    )
    if many < 2:
        answer.reason = _why(shop, "no_categories" if not many else "single_category")
        return answer
    begin = to_us(at) - request.weeks * WEEK_US
    answer.counted_by, shown = _shown(shop, person, (begin - REMEMBERED_US, to_us(at)))
    held = {who: one for who, one in shown.items() if one.at_us[-1] >= begin}
    answer.people = len(held)
    if not held:
        answer.reason = _why(shop, "nothing_shown")
        return answer
    _filled(shop, answer, held, (of, begin))
    return answer


def entropy(categories: Iterable[int], of: int) -> float | None:
    """How evenly things are spread over categories: 0 is one alone, 1 is as evenly as can be.

    Shannon's entropy with the correction for few draws, over the most that so many things from
    so many categories could have; None for fewer than five things.

    Source:
        Miller (1955), Note on the bias of information estimates.

    Example:
        >>> entropy([1, 1, 1, 1, 1, 1], 4), entropy([1, 2, 3, 4, 1, 2, 3, 4], 4)
        (0.0, 1.0)
    """
    counts = Counter(categories)
    n = sum(counts.values())
    if n < LEAST or of < 2:
        return None
    plain = -sum(k / n * math.log(k / n) for k in counts.values())
    whole = plain + (len(counts) - 1) / (2 * n)
    return min(whole / math.log(min(of, n)), 1.0)


def costs(shop: Shop) -> list[VarietyCost]:
    """What variety costs, as measured on the shop's own past; empty where it was not."""
    held = shop.shelf.get("taste-items")
    curve = (held.meta.get("card") or {}).get("curve") or held.meta.get("curve") if held else None
    rows = sorted((dict(one) for one in curve or ()), key=lambda one: float(one["diversity"]))
    if not rows or not rows[0].get("any_ndcg") or float(rows[0]["diversity"]):
        return []
    base, covered = float(rows[0]["any_ndcg"]), float(rows[0].get("coverage") or 0)
    return [
        VarietyCost(
            diversity=float(one["diversity"]),
            lost=1.0 - float(one["any_ndcg"]) / base,
            coverage_times=float(one.get("coverage") or 0) / covered if covered else 1.0,
        )
        for one in rows
    ]


def _person(shop: Shop, text: str) -> int:
    if not text.strip():
        return NOBODY
    number = from_id(text) or 0
    if not (number and shop.store.people.actors_of(number)):
        number = person_of(shop, text.strip(), text.strip())
    if not number:
        raise UnknownName("unknown_person", name=text)
    return number


def _categories(shop: Shop) -> tuple[dict[int, int], int]:
    """The category of every item that has one, by item number; how many may be shown now.

    What is sold out or gone was shown and taken all the same.
    """
    stock = goods(shop.store)
    theirs = [item.kind not in OUR_OWN and item.kind != "module" for item in stock.items]
    rows = zip(
        stock.number.tolist(), stock.category.tolist(), stock.offered.tolist(), theirs, strict=True
    )
    some = [(number, category, offered) for number, category, offered, own in rows if own]
    of = {number: category for number, category, _ in some if category}
    return of, len({category for _, category, offered in some if category and offered})


def _shown(shop: Shop, person: int, span: tuple[int, int]) -> tuple[str, dict[int, _Shown]]:
    """What everybody (or one person) was shown: impressions where the app reports them."""
    since, until = span
    events = _impressions(shop, person)
    seen = [one for one in events if since <= to_us(one.at) < until and one.item]
    if seen:
        actors = list(dict.fromkeys(one.actor for one in seen))
        who = dict(zip(actors, shop.store.people.persons_of(actors), strict=True))
        return "shown", _grouped((who[one.actor], to_us(one.at), one.item) for one in seen)
    return "decided", _grouped(_decided(shop, person, span))


def _impressions(shop: Shop, person: int) -> Iterable[Event]:
    if not person:
        return shop.store.log.read(kinds=(SHOWN,))
    actors = shop.store.people.actors_of(person)
    return shop.store.log.of(actors, kinds=(SHOWN,), limit=20 * MOST_EVENTS)


def _decided(shop: Shop, person: int, span: tuple[int, int]) -> Iterable[tuple[int, int, int]]:
    since, until = from_us(span[0]), from_us(span[1])
    found = decided_for(shop, person, since, until) if person else decided(shop, since, until)
    rows = [(one.person, to_us(one.at), item) for one in found for item in items_of(one)]
    persons = list(dict.fromkeys(row[0] for row in rows))
    # A person who was merged since is one with whoever they were merged with.
    now = dict(zip(persons, shop.store.people.persons_of(persons), strict=True))
    return ((now[who], at, item) for who, at, item in rows)


def _grouped(rows: Iterable[tuple[int, int, int]]) -> dict[int, _Shown]:
    by: dict[int, list[tuple[int, int]]] = {}
    for who, at, item in rows:
        if who != NOBODY:
            by.setdefault(who, []).append((at, item))
    found = {}
    for who, held in by.items():
        held.sort()
        found[who] = _Shown([at for at, _ in held], [item for _, item in held])
    return found


def _filled(
    shop: Shop,
    answer: GaugeAnswer,
    held: Mapping[int, _Shown],
    how: tuple[Mapping[int, int], int],
) -> None:
    of, begin = how
    many = answer.categories
    sample = sorted(held, key=lambda who: u(who, "gauge"))[:SAMPLE]
    answer.sampled, answer.measurable = len(sample), True
    taken = {who: _taken(shop, who, of) for who in sample}
    weeks = round((to_us(answer.at) - begin) / WEEK_US)
    per = {who: _weekly(held[who], taken[who], of, (begin, weeks, many)) for who in sample}
    pooled = _pooled(held, of, begin) + [Counter[int]()] * weeks
    for k in range(weeks):
        people = [per[who][k] for who in sample]
        answer.weeks.append(_week(answer, people, begin + k * WEEK_US, pooled[k]))
    last = [_recent(held[who], of, to_us(answer.at) - REMEMBERED_US, many) for who in sample]
    answer.entropy = _mean(last)
    # Only people of whom both are known are compared.
    own = [entropy(_expanded(taken[who].often), many) for who in sample]
    both = [(a, b) for a, b in zip(last, own, strict=True) if a is not None and b is not None]
    answer.own = _mean([b for _, b in both])
    for name in ("new_categories", "shown_again"):
        setattr(answer, name, _mean([getattr(one, name) for one in answer.weeks[-4:]]))
    answer.state = _state(shop, answer, _mean([a for a, _ in both]))


@dataclass(frozen=True)
class _One:
    """One person in one week."""

    shown: int = 0
    entropy: float | None = None
    new: float | None = None
    shown_again: float | None = None


def _weekly(
    shown: _Shown, taken: _Taken, of: Mapping[int, int], span: tuple[int, int, int]
) -> list[_One]:
    """One person's weeks."""
    begin, weeks, many = span
    last: dict[int, int] = {}
    rows: list[list[tuple[int, bool]]] = [[] for _ in range(weeks)]
    for at, item in zip(shown.at_us, shown.items, strict=True):
        before, last[item] = last.get(item), at
        again = before is not None and at - before <= REMEMBERED_US
        if at >= begin:
            rows[min((at - begin) // WEEK_US, weeks - 1)].append((item, again))
    return [
        _one(row, taken, of, (begin + k * WEEK_US, many)) if row else _One()
        for k, row in enumerate(rows)
    ]


def _one(
    row: Sequence[tuple[int, bool]], taken: _Taken, of: Mapping[int, int], how: tuple[int, int]
) -> _One:
    since, many = how
    sorts = [of[item] for item, _ in row if item in of]
    new = [sort for sort in sorts if taken.first_us.get(sort, since) >= since]
    return _One(
        len(row),
        entropy(sorts, many),
        len(new) / len(sorts) if len(sorts) >= LEAST else None,
        sum(again for _, again in row) / len(row) if len(row) >= LEAST else None,
    )


def _week(
    answer: GaugeAnswer, people: Sequence[_One], since: int, pooled: Counter[int]
) -> GaugeWeek:
    return GaugeWeek(
        since=from_us(since),
        until=from_us(since + WEEK_US),
        people=sum(one.shown > 0 for one in people),
        shown=sum(one.shown for one in people),
        entropy=_mean([one.entropy for one in people]),
        pooled=entropy(_expanded(pooled), answer.categories),
        new_categories=_mean([one.new for one in people]),
        shown_again=_mean([one.shown_again for one in people]),
    )


def _pooled(held: Mapping[int, _Shown], of: Mapping[int, int], begin: int) -> list[Counter[int]]:
    """Of everybody together: how often each category was shown, by week."""
    found: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for one in held.values():
        for at, item in zip(one.at_us, one.items, strict=True):
            if at >= begin and item in of:
                found[(at - begin) // WEEK_US][of[item]] += 1
    return [found[k] for k in range(max(found, default=0) + 1)]


def _recent(shown: _Shown, of: Mapping[int, int], since: int, many: int) -> float | None:
    pairs = zip(shown.at_us, shown.items, strict=True)
    return entropy([of[item] for at, item in pairs if at >= since and item in of], many)


def _taken(shop: Shop, person: int, of: Mapping[int, int]) -> _Taken:
    """What somebody bought and looked at by themselves, by category."""
    actors = shop.store.people.actors_of(person)
    log = shop.store.log
    looks = log.of(actors, kinds=LOOKS, limit=MOST_EVENTS)
    orders = log.of(actors, kinds=ORDER_KINDS, limit=MOST_EVENTS)
    rows = [(to_us(one.at), one.item) for one in looks if one.kind in WEIGHTS]
    rows += [(to_us(one.at), line[0]) for one in counted(orders) for line in one.lines]
    first: dict[int, int] = {}
    often: Counter[int] = Counter()
    for at, item in rows:
        sort = of.get(item)
        if sort is not None:
            first[sort] = min(at, first.get(sort, at))
            often[sort] += 1
    return _Taken(first, often)


def _expanded(counts: Mapping[int, int]) -> Iterable[int]:
    return (sort for sort, n in counts.items() for _ in range(n))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _state(shop: Shop, answer: GaugeAnswer, shown: float | None) -> GaugeWhy | None:
    """Whether it is a bubble: narrower than its reader, or narrower than it was."""
    known = [one.entropy for one in answer.weeks if one.entropy is not None]
    if answer.entropy is None:
        return None
    half = len(known) // 2
    before, now = _mean(known[:half]), _mean(known[half:])
    if shown is not None and answer.own is not None and shown < answer.own - NARROWER:
        return _why(shop, "narrow")
    if before is not None and now is not None and now < before - DROP:
        return _why(shop, "narrowing")
    return _why(shop, "open")


def _why(shop: Shop, code: str) -> GaugeWhy:
    return GaugeWhy(code=code, text=shop.say(f"recommend.gauge.{code}"))
