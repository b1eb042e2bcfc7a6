"""What recommendations and page orders bring, against the people held out of them by chance.

Everybody who was ever shown something belongs to one of two groups, by a number drawn once for
the person. What they did in the last days is compared, whoever came or stayed away in those days:
counting only people who were seen again would compare two different sorts of people.

For the same reason nobody is left out for what they did. Whoever was shown both is left out, and
with them everybody who could have been: a changed share moves everybody whose number lies
between the old and the new share, and somebody known by two names drew two numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renwei.core.chance import u
from renwei.core.clock import from_us, to_us
from renwei.core.errors import UnknownName
from renwei.core.nouns import NOBODY, Decision
from renwei.core.shop import Settings, Shop
from renwei.core.words import money
from renwei.learn.holdout import LEAST, LEVEL, Difference, Group, lopsided, means, shares
from renwei.recommend.did import Did, did
from renwei.recommend.lift import LiftAnswer, LiftMeasure, LiftRequest, LiftRow, LiftWhy
from renwei.recommend.seen import PAGE, met
from renwei.recommend.surfaces import HOLDOUT_SALT, KIND, names

PAGE_SALT = "page/control"
"""What pages draw their control by."""
PAGE_KIND, PAGE_SHARE = "page", 0.05
"""Documents of pages, and the share of people who get the default order if they do not say."""
MEASURES = ("return", "visits", "conversion", "money")
ALL = ""
"""Every surface of recommendations together."""


@dataclass
class _Seen:
    """One person on some surfaces: when first, by which names, and in which groups."""

    first_us: int
    names: set[int] = field(default_factory=set)
    groups: set[bool] = field(default_factory=set)


@dataclass
class _Trial:
    """One row to be: who was seen, and the shares that held meanwhile."""

    salt: str
    low: float = 1.0
    high: float = 0.0
    any: bool = False
    people: dict[int, _Seen] = field(default_factory=dict)

    def add(self, recorded: int, person: int, share: float, at_us: int) -> None:
        """Take one name of a person in; where nobody or everybody is held out nothing counts."""
        self.any = True
        if not 0 < share < 1:
            return
        self.low, self.high = min(self.low, share), max(self.high, share)
        held = self.people.setdefault(person, _Seen(at_us))
        held.first_us = min(held.first_us, at_us)
        held.names.add(recorded)
        held.groups.add(u(recorded, self.salt) < share)

    def split(self) -> tuple[list[int], list[int], int, int]:
        """People shown, people held out, how many were shown both, how many are left out."""
        shown: list[int] = []
        held: list[int] = []
        both = 0
        for person, one in self.people.items():
            both += len(one.groups) > 1
            drawn = u(next(iter(one.names)), self.salt)
            if len(one.names) > 1 or self.low <= drawn < self.high:
                continue
            (held if drawn < self.low else shown).append(person)
        return shown, held, both, len(self.people) - len(shown) - len(held)


def lift(shop: Shop, request: LiftRequest) -> LiftAnswer:
    """People who see recommendations against those held out by chance, with intervals.

    Raises:
        UnknownName: unknown_surface.
    """
    at = shop.clock.now().astimezone(UTC)
    since = at - timedelta(days=request.days)
    trials = _trials(shop, at, request.surface)
    people = {person for trial in trials.values() for person in trial.people}
    firsts: dict[int, int] = {}
    for trial in trials.values():
        for person, one in trial.people.items():
            firsts[person] = min(one.first_us, firsts.get(person, one.first_us))
    done = did(shop, firsts, (to_us(since), to_us(at))) if people else Did.nothing(shop)
    rows = [_row(shop, name, trial, done, to_us(since)) for name, trial in trials.items()]
    return LiftAnswer(at=at, since=since, interval=LEVEL, currency=done.currency, lifts=rows)


def _trials(shop: Shop, at: datetime, wanted: str) -> dict[str, _Trial]:
    """What was shown to whom, by row."""
    pages = {f"{PAGE}{name}" for name in ("home", *shop.store.papers.names(PAGE_KIND))}
    known = {*names(shop), *pages}
    if wanted and wanted not in known:
        raise UnknownName.among("surface", wanted, known)
    shares_ = _Shares(shop)
    now = _People(shop)
    found = {} if wanted else {ALL: _Trial(HOLDOUT_SALT)}
    if wanted:
        found[wanted] = _Trial(PAGE_SALT if wanted.startswith(PAGE) else HOLDOUT_SALT)
    first = met(shop, at + timedelta(microseconds=1), shares_.of)
    for (name, recorded, share), at_us in first.items():
        person, of_page = now[recorded], name.startswith(PAGE)
        if person == NOBODY or (wanted and name != wanted):
            continue
        trial = found.setdefault(name, _Trial(PAGE_SALT if of_page else HOLDOUT_SALT))
        trial.add(recorded, person, share, at_us)
        if not wanted and not of_page:
            found[ALL].add(recorded, person, share, at_us)
    return dict(sorted(found.items()))


class _People(dict[int, int]):
    """Who somebody is by now: people found to be one are one."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self._people = shop.store.people

    def __missing__(self, person: int) -> int:
        self[person] = found = self._people.persons_of([person])[0]
        return found


class _Shares:
    """The share of people held out when a decision was made, by the documents of then."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        papers = shop.store.papers.history("setting", "shop")
        self._set = [
            (one.at, float(one.body["holdout"])) for one in papers if "holdout" in one.body
        ]
        self._of: dict[tuple[str, int], float | None] = {}

    def of(self, decision: Decision) -> float:
        """As it was then."""
        key = (decision.surface, decision.surface_version)
        if key not in self._of:
            self._of[key] = self._written(*key)
        own = self._of[key]
        return self._shops(decision.at) if own is None else own

    def now(self, surface: str) -> float:
        """As it is now; of all surfaces the shop's own."""
        page = surface.startswith(PAGE)
        kind, name = (PAGE_KIND, surface.removeprefix(PAGE)) if page else (KIND, surface)
        paper = self._shop.store.papers.get(kind, name) if name else None
        own = paper.body.get("control" if page else "holdout") if paper else None
        if own is None:
            return PAGE_SHARE if page else self._shop.settings.holdout
        return float(own)

    def _written(self, surface: str, version: int) -> float | None:
        page = surface.startswith(PAGE)
        kind, name = (PAGE_KIND, surface.removeprefix(PAGE)) if page else (KIND, surface)
        paper = self._shop.store.papers.get(kind, name, version) if version else None
        told = paper.body.get("control" if page else "holdout") if paper else None
        if told is None:
            return PAGE_SHARE if page else None
        return float(told)

    def _shops(self, at: datetime) -> float:
        """The shop's own share at a time: the first one that was ever set held before, too."""
        for since, share in self._set:
            if since <= at:
                return share
        return self._shop.settings.holdout if not self._set else Settings().holdout


def _row(shop: Shop, name: str, trial: _Trial, done: Did, since_us: int) -> LiftRow:
    shown, held, both, set_aside = trial.split()
    row = LiftRow(
        surface=name,
        share=_Shares(shop).now(name),
        since=from_us(min(one.first_us for one in trial.people.values())) if trial.people else None,
        shown=len(shown),
        held=len(held),
        contaminated=both,
        set_aside=set_aside,
        visits_by=done.visits_by,
        measures=[],
        total_minor=None,
        total_low_minor=None,
        total_high_minor=None,
        reason=None,
    )
    if not trial.people:
        row.reason = _why(shop, "no_holdout" if trial.any else "no_visits")
        return row
    begin = {person: max(one.first_us, since_us) for person, one in trial.people.items()}
    columns = [done.of(people, begin) for people in (shown, held)]
    row.measures = [
        _measure(shop, name_, done.currency, [side[name_] for side in columns])
        for name_ in MEASURES
    ]
    if lopsided(len(held), len(shown) + len(held), _expected(trial)):
        row.reason = _why(
            shop, "lopsided", held=len(held), people=len(shown) + len(held), share=_expected(trial)
        )
    spent = row.measures[-1]
    if row.reason is None and spent.verdict.code != "not_enough":
        row.total_minor = round(spent.difference * len(shown))
        row.total_low_minor = round(spent.low * len(shown))
        row.total_high_minor = round(spent.high * len(shown))
    return row


def _expected(trial: _Trial) -> float:
    """The share of those who are kept that should be held out."""
    return trial.low / (trial.low + 1 - trial.high)


def _measure(
    shop: Shop, name: str, currency: str, sides: Sequence[NDArray[np.float64]]
) -> LiftMeasure:
    share = name in ("return", "conversion")
    if share:
        hits = [(int((side > 0).sum()), len(side)) for side in sides]
        apart = shares(hits[0], hits[1], looks=len(MEASURES))
    else:
        groups = [Group.of(side) for side in sides]
        apart = means(groups[0], groups[1], looks=len(MEASURES))
    both = [float(side.mean()) if len(side) else 0.0 for side in sides]
    unit = "share" if share else ("money" if name == "money" else "count")
    return LiftMeasure(
        measure=name,
        unit=unit,
        shown=both[0],
        held=both[1],
        difference=apart.value,
        low=apart.low,
        high=apart.high,
        verdict=_verdict(shop, name, apart, (unit, currency)),
        people_needed=apart.needed,
    )


def _verdict(shop: Shop, name: str, apart: Difference, how: tuple[str, str]) -> LiftWhy:
    code = apart.verdict
    if code in ("clear", "leaning"):
        code = f"{code}_{'more' if apart.value > 0 else 'less'}"
    values = {part: _said(shop, getattr(apart, part), *how) for part in ("value", "low", "high")}
    measure = shop.say(f"recommend.lift.measures.{name}")
    return _why(shop, code, measure=measure, least=LEAST, **values)


def _said(shop: Shop, value: float, unit: str, currency: str) -> str:
    """A difference with its sign, as people write it."""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    size = abs(value)
    if unit == "money":
        return sign + money([round(size), currency], shop.language)
    if unit == "share":
        return shop.say("recommend.lift.points", n=f"{sign}{100 * size:.1f}")
    return shop.say("recommend.lift.times", n=f"{sign}{size:.2f}")


def _why(shop: Shop, code: str, **values: Any) -> LiftWhy:
    return LiftWhy(code=code, text=shop.say(f"recommend.lift.{code}", **values))
