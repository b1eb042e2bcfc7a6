"""Drawing up the list: judge the whole shop, price the shared limits, reserve, record.

The kernel is asked about everybody, on columns. What the guards leave is priced so that the
lines fit the limits; the reserve has the last word; only then are the decisions recorded,
one for each person of the shop, those of `nothing` included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import numpy as np

from renwei.core.batch import KEPT, Decisions, decide_many
from renwei.core.chance import hash64, u_many
from renwei.core.columns import Asks, Slates
from renwei.core.decide import BrokenPart
from renwei.core.errors import Unavailable
from renwei.core.nouns import NOTHING, Surface
from renwei.core.policies import Best, HoldOut
from renwei.core.shop import Shop
from renwei.reach.basis import Basis, load_basis
from renwei.reach.guards import Reserved, house_guards
from renwei.reach.history import (
    LIST,
    Listed,
    keep_list,
    list_of,
    local_day,
    read_history,
)
from renwei.reach.outcomes_learnt import Learnt, effects_of, keep_effects, learn_effects
from renwei.reach.plan import LINES, MINUTES, NEVER, WHAT, Limits, Line, Plan, Wanted, plan, within
from renwei.reach.score import SORTS
from renwei.reach.sources import Contact, contacts, slates

SURFACE = "today"
KINDS = ("care", "interest", "need", "offer", "permission", "nothing")
HOLDOUT_SALT = "today/holdout"
EXPLORED_SHARE = 0.04
"""About this share of the lines is chosen by chance, so that the formula can be proved wrong."""
MOST_EXPLORED = 0.05
"""More than this share of the people is never left to chance, however short the list."""
_DRAWING = Lock()


@dataclass(frozen=True)
class Drawn:
    """A list as drawn up: everybody's decision, and which rows are on the list, best first."""

    basis: Basis
    surface: Surface
    decisions: Decisions
    rows: list[int]
    sources: list[Contact]
    learnt: list[Learnt]
    held_out: int
    counts: dict[str, int]
    currency: str


class Nowhere:
    """A ledger for trying out: nothing is kept."""

    def record_columns(self, decisions: Decisions) -> int:
        """Count, and forget."""
        return len(decisions)


def surface_of(window_days: float) -> Surface:
    """The surface of the list: by hand, so that a person does the disturbing."""
    window = timedelta(days=window_days)
    return Surface(SURFACE, KINDS, "marketing", "order", window, disturbs=True)


def window_days(shop: Shop) -> float:
    """The window of the estimates in force."""
    people = shop.shelf.get("people")
    return float(people.meta.get("window_days", 30)) if people else 30.0


def draw_up(shop: Shop, at: datetime, limits: Limits) -> Drawn:
    """The list for a time: decided, reserved and recorded.

    Args:
        shop: The workspace.
        at: Nothing later is seen.
        limits: Lines, minutes and variety.
    """
    shop.ready_estimates(at)
    # Two lists of one day drawn at once would each give back what the other set aside.
    with _DRAWING:
        return _drawn(shop, at, limits)


def _drawn(shop: Shop, at: datetime, limits: Limits) -> Drawn:
    history = read_history(shop, at)
    surface = surface_of(window_days(shop))
    learnt = learn_effects(shop, history, at, surface)
    effects = effects_of(learnt)
    if at >= shop.clock.now() - timedelta(days=1):
        keep_effects(shop, effects, at)
    basis = load_basis(shop, at, effects)
    guards = house_guards(shop, history, surface, at)
    made, groups = slates(basis)
    asks = _asks(shop, basis, surface, at)
    limits = replace(limits, share=variety(basis))
    wanted = _wanted(shop, asks, made, groups, guards)
    held = u_many(asks.persons, HOLDOUT_SALT) < shop.settings.holdout
    wanted.scores[held] = NEVER
    planned = plan(wanted, limits)
    priced = tuple(int(c.removeprefix(WHAT)) for c in planned.prices if c.startswith(WHAT))
    made, groups = slates(basis, priced)
    asks = replace(asks, prices=planned.prices)
    policy = _policy(
        shop,
        min(limits.lines, max(len(planned.columns), 1)),
        int((made.items != 0).any(axis=1).sum()),
    )
    refused = _refused(asks, made, wanted, planned)
    trial = _trial(shop, asks, made, groups, [*guards, Reserved(refused), policy, held])
    chosen = within(trial, limits)
    for line in set(trial) - set(chosen):
        row = basis.row(line.person)
        refused[line.person] = frozenset(made.items[row].tolist()) - {NOTHING}
    guards.append(Reserved(refused))
    sources = contacts(basis, shop.store, priced)
    with _reserved(shop, at, limits, chosen) as holds:
        decisions = decide_many(
            asks,
            made,
            guards=guards,
            policy=policy,
            permits=shop.permits,
            ledger=shop.store.ledger,
            sources=sources,
        )
        rows = _listed(decisions, {line.person: k for k, line in enumerate(chosen)})
        would = _would_be_listed(decisions, held)
        ids = tuple(decisions.row(row).id for row in rows)
        held_ids = tuple(decisions.row(row).id for row in would)
        keep_list(shop, Listed(local_day(shop, at), at, ids, held_ids, tuple(holds)))
    return Drawn(
        basis=basis,
        surface=surface,
        decisions=decisions,
        rows=rows,
        sources=sources,
        learnt=learnt,
        held_out=int(held.sum()),
        counts=_counts(decisions),
        currency=_currency(shop),
    )


def _currency(shop: Shop) -> str:
    people = shop.shelf.get("people")
    return str((people.meta if people else {}).get("currency") or shop.settings.currency)


def variety(basis: Basis) -> float:
    """At most a fifth of the lines about one thing; half where there is little to choose from."""
    return 0.2 if len(basis.prices["item"]) > 50 else 0.5


def _asks(shop: Shop, basis: Basis, surface: Surface, at: datetime) -> Asks:
    persons = np.asarray(basis.people["person"], dtype=np.int64)
    # One draw a person and day: asked again on the same day, chance says the same.
    day = hash64(local_day(shop, at).isoformat())
    return Asks(
        persons,
        surface,
        at,
        units=persons.astype(np.uint64) ^ np.uint64(day),
        position=shop.store.log.position(),
        map_version=shop.store.people.map_version(),
    )


def _policy(shop: Shop, lines: int, people: int) -> HoldOut:
    # By the lines that minutes and variety leave, or chance alone would fill a short list.
    explore = min(EXPLORED_SHARE * min(lines, people) / max(people, 1), MOST_EXPLORED)
    return HoldOut(Best(float(f"{explore:.3g}")), shop.settings.holdout, HOLDOUT_SALT)


def _part(asks: Asks, made: Slates, rows: Any) -> tuple[Asks, Slates]:
    return asks.part(rows), made.part(rows)


def _wanted(shop: Shop, asks: Asks, made: Slates, groups: Any, guards: list[Any]) -> Wanted:
    """Scores of what the guards leave; only people with something worth while are asked."""
    rows = np.flatnonzero((made.scores > 0).any(axis=1))
    tried = _decide(shop, *_part(asks, made, rows), guards, Best(0.0))
    scores = np.full(made.scores.shape, NEVER, dtype=np.int64)
    scores[rows] = np.where(tried.verdicts == KEPT, made.scores[rows], NEVER)
    minutes = made.costs[MINUTES][slice(None)]
    return Wanted(scores, minutes, groups)


def _decide(shop: Shop, asks: Asks, made: Slates, guards: list[Any], policy: Any) -> Decisions:
    return decide_many(
        asks, made, guards=guards, policy=policy, permits=shop.permits, ledger=_NOWHERE
    )


_NOWHERE: Any = Nowhere()


def _refused(asks: Asks, made: Slates, wanted: Wanted, planned: Plan) -> dict[int, frozenset[int]]:
    """What would win at these prices without having a place, by person."""
    paid = _paid(asks, made)
    able = (wanted.scores > NEVER) & (paid > 0)
    refused: dict[int, frozenset[int]] = {}
    for row in np.flatnonzero(able.any(axis=1)).tolist():
        column = planned.columns.get(row)
        if column is not None:
            # Of her other candidates only those go that would take the place of the planned.
            able[row] &= paid[row] >= paid[row, column]
            able[row, column] = False
        items = frozenset(made.items[row][able[row]].tolist())
        if items:
            refused[int(asks.persons[row])] = items
    return refused


def _paid(asks: Asks, made: Slates) -> Any:
    paid = made.scores.copy()
    for counter, price in asks.prices.items():
        paid -= price * made.costs[counter]
    return paid


def _trial(shop: Shop, asks: Asks, made: Slates, groups: Any, rest: list[Any]) -> list[Line]:
    """Whom the policy would choose at these prices, before the reserve is asked."""
    *guards, policy, held = rest
    paid = _paid(asks, made)
    by_chance = u_many(asks.units, f"{SURFACE}/best") < policy.inner.explore
    able = ((paid > 0) & (made.items != 0)).any(axis=1) | by_chance
    rows = np.flatnonzero(able & ~held)
    tried = _decide(shop, *_part(asks, made, rows), guards, policy)
    minutes = made.costs[MINUTES][rows]
    lines = []
    for k in np.flatnonzero(tried.chosen[:, 0] > 0).tolist():
        column = int(tried.picked[k, 0])
        lines.append(
            Line(
                int(asks.persons[rows[k]]),
                int(tried.chosen[k, 0]),
                int(tried.scores[k, column]),
                int(minutes[k, column]),
                int(groups[rows[k], column]),
                bool(tried.explored[k, 0]),
            )
        )
    return lines


@contextmanager
def _reserved(
    shop: Shop, at: datetime, limits: Limits, chosen: list[Line]
) -> Iterator[Sequence[str]]:
    """What the list takes is set aside; given back where the list cannot be kept after all."""
    holds = _reserve(shop, at, limits, chosen)
    try:
        yield holds
    except BaseException:
        # Where not even that can be written, the next list takes a counter of its own.
        with suppress(Unavailable):
            for hold in holds:
                shop.store.counters.release(hold)
        raise


def _reserve(shop: Shop, at: datetime, limits: Limits, chosen: list[Line]) -> list[str]:
    """Set the lines and minutes of this list aside; a new list of a day replaces the one before.

    Raises:
        BrokenPart: The reserve has less room than the limits the list was planned with.
    """
    counters, day = shop.store.counters, local_day(shop, at)
    wanted = [(LINES, len(chosen), limits.lines)]
    if limits.minutes:
        wanted.append((MINUTES, sum(line.minutes for line in chosen), limits.minutes))
    # A list of the past (--at) is held in the present: it would else be over before it began.
    until = max(at, shop.clock.now()) + timedelta(days=1)
    holds = []
    with shop.store.together():
        before = list_of(shop, day)
        for hold in before.holds if before else ():
            counters.release(hold)
        number = len(shop.store.papers.history(LIST, day.isoformat())) + 1
        # What a list took that was never kept (the disk was full) is nobody's, and stays.
        while any(counters.used(f"{counter}/{day}/{number}") for counter in (LINES, MINUTES)):
            number += 1
        for counter, amount, limit in wanted:
            key = f"{counter}/{day}/{number}"
            held = counters.reserve(key, amount, limit, at=at, until=until)
            if held is None:
                raise BrokenPart("reserve_short", counter=key, amount=amount, limit=limit)
            holds.append(held.id)
    return holds


def _listed(decisions: Decisions, place: dict[int, int]) -> list[int]:
    rows = np.flatnonzero(decisions.chosen[:, 0] > 0).tolist()
    persons = {row: int(decisions.asks.persons[row]) for row in rows}
    return sorted((row for row in rows if persons[row] in place), key=lambda r: place[persons[r]])


def _would_be_listed(decisions: Decisions, held: Any) -> list[int]:
    """People held out who were worth a line at these prices: what the lines are compared with."""
    worth = ((decisions.scores > 0) & (decisions.verdicts == KEPT)).any(axis=1)
    return [int(row) for row in np.flatnonzero(worth & held)]


def _counts(decisions: Decisions) -> dict[str, int]:
    """How many people each guard left without anything, and how many were not worth it."""
    had = (
        decisions.slates.live if decisions.slates.live is not None else decisions.slates.items != 0
    )
    verdicts = np.where(had, decisions.verdicts, KEPT)
    silenced = had.any(axis=1) & ~((decisions.verdicts == KEPT) & had).any(axis=1)
    counts = {"people": len(decisions), "no_occasion": int((~had.any(axis=1)).sum())}
    first = np.max(verdicts, axis=1, initial=0)
    for number, guard in enumerate(decisions.guards, 1):
        n = int((silenced & (first == number)).sum())
        if n:
            counts[guard] = n
    listed = int((decisions.chosen[:, 0] > 0).sum())
    counts["listed"] = listed
    counts["less_worth"] = len(decisions) - sum(counts.values()) + counts["people"]
    return counts


def sort_minutes(name: str) -> int:
    """Minutes that one sort of contact takes the human."""
    return next(sort.minutes for sort in SORTS if sort.name == name)
