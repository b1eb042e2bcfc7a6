"""What a contact does, by sort: learnt from who was contacted and who was held out.

Both groups stood on a list at the same prices; a fixed hash put some of them into the
hold-out. The log odds ratio of an order within the window (Haldane's correction; variance of
Woolf 1955, doi:10.1111/j.1469-1809.1955.tb01348.x) is drawn to a weak normal prior, so that
three lucky orders do not turn the list round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from renwei.core.nouns import NOTHING, Decision, Outcome, Surface
from renwei.core.outcomes import derive
from renwei.core.shop import Shop
from renwei.reach.history import DONE, History, decisions_of

PRIORS: Mapping[str, float] = {
    "refund": 0.30,
    "interest": 0.40,
    "need": 0.50,
    "at_risk": 0.35,
    "first_order": 0.30,
    "checkup": 0.15,
    "goes_with": 0.40,
    "permission": 0.25,
}
"""Start values, as a change of log odds: guesses, not measurements. A reminder in the week of a
need moves most, a word after a purchase least; published reminders raise orders by a third to
a half in odds at best."""

PRIOR_SD = 0.25
EFFECTS = "effects"
"""The kind of Paper that holds the effects a list last reckoned with."""
LOOKED_BACK = timedelta(days=180)
"""Older lists are no longer learnt from: people and shops change."""

Z80 = 1.2815515655446004


@dataclass(frozen=True, slots=True)
class Learnt:
    """One sort of contact: counts, and the effect with its 80 % interval (log odds)."""

    kind: str
    contacted: int
    ordered: int
    held_out: int
    held_ordered: int
    effect: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether there is data, and the interval says that contacts help or harm."""
        return bool(self.contacted and self.held_out) and (self.low > 0 or self.high < 0)


def learn_effects(shop: Shop, history: History, at: datetime, surface: Surface) -> list[Learnt]:
    """One row a sort, the prior alone where nothing has come to an end yet."""
    tables = {kind: [0, 0, 0, 0] for kind in PRIORS}
    # An answer counts when its window and the lateness of uploads have passed.
    ended = at - surface.window - surface.lateness
    ripe = [one for one in history.lists if ended - LOOKED_BACK <= one.at <= ended]
    done = [d for listed in ripe for d in listed.lines if _done(history, d)]
    held = [d for listed in ripe for d in listed.held]
    for column, ids in ((0, done), (2, held)):
        decisions = _apart(decisions_of(shop, tuple(ids)), surface)
        for decision, outcome in zip(
            decisions, _outcomes(shop, decisions, surface, at), strict=True
        ):
            kind = _kind_of(decision)
            if kind in tables and not outcome.provisional:
                tables[kind][column] += 1
                tables[kind][column + 1] += outcome.happened
    return [posterior(kind, table) for kind, table in tables.items()]


def _apart(decisions: list[Decision], surface: Surface) -> list[Decision]:
    """One decision a person and window: somebody held out for a month is one case, not thirty."""
    last: dict[int, datetime] = {}
    kept = []
    for decision in sorted(decisions, key=lambda d: d.at):
        if decision.person not in last or decision.at >= last[decision.person] + surface.window:
            last[decision.person] = decision.at
            kept.append(decision)
    return kept


def _outcomes(
    shop: Shop, decisions: list[Decision], surface: Surface, at: datetime
) -> Sequence[Outcome]:
    people = shop.store.people
    person_of = {a: d.person for d in decisions for a in people.actors_of(d.person)}
    kinds = (surface.goal, f"{surface.goal}-change", "return")
    events = shop.store.log.of(list(person_of), until=at, kinds=kinds, limit=1_000_000)
    events.sort(key=lambda event: event.seq)
    return derive(decisions, events, surface, at=at, person_of=person_of, rule="equal@1").rows


def effects_of(learnt: Sequence[Learnt]) -> dict[str, float]:
    """The effect to reckon with, by sort; a contact is never believed to do harm by guess."""
    return {one.kind: max(one.effect, 0.0) for one in learnt}


def keep_effects(shop: Shop, effects: Mapping[str, float], at: datetime) -> None:
    """Note what a list reckoned with, so that an answer about one person need not learn it."""
    held = shop.store.papers.get(EFFECTS, "today")
    if held is None or held.body != effects:
        shop.store.papers.put(EFFECTS, "today", dict(effects), by="today", at=at)


def kept_effects(shop: Shop) -> dict[str, float]:
    """What the last list reckoned with; the start values before the first."""
    held = shop.store.papers.get(EFFECTS, "today")
    return {**PRIORS, **(held.body if held else {})}


def posterior(kind: str, table: Sequence[int]) -> Learnt:
    """The prior and a table of (contacted, ordered, held out, ordered) put together.

    Example:
        >>> posterior("need", (0, 0, 0, 0)).effect
        0.5
    """
    contacted, ordered, held, held_ordered = table
    mean, variance = PRIORS[kind], PRIOR_SD**2
    if contacted and held:
        cells = (ordered, contacted - ordered, held_ordered, held - held_ordered)
        a, b, c, d = (cell + 0.5 for cell in cells)
        seen, noise = math.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d
        weight = variance / (variance + noise)
        mean, variance = mean + weight * (seen - mean), variance * (1 - weight)
    reach = Z80 * math.sqrt(variance)
    return Learnt(kind, contacted, ordered, held, held_ordered, mean, mean - reach, mean + reach)


def _done(history: History, decision: str) -> bool:
    mark = history.marks.get(decision)
    return mark is not None and mark.done == DONE


def _kind_of(decision: Decision) -> str:
    """The sort that was listed, or for a person held out the one that would have been."""
    if decision.chosen and decision.chosen[0] != NOTHING:
        return decision.sources[decision.items.index(decision.chosen[0])]
    rows = [k for k, item in enumerate(decision.items) if item != NOTHING]
    best = max(rows, key=lambda k: (decision.scores[k], -decision.items[k]), default=-1)
    return decision.sources[best] if best >= 0 else ""
