"""Which feature is worth switching on now: tried on the shop's own past, with an interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from renwei.core.operations import operation
from renwei.core.shop import Shop

FEATURES = ("next_purchase", "list", "next_need", "value", "send_time", "recommend")
_LEAST_PEOPLE = 100
_LEVEL = 0.98
"""Of the interval: with six lights a narrower one would now and then show green on noise."""
_CLEAR = 0.75
"""How much of the interval's half-width a gain must be to be called weak, not nothing."""


class ReadinessRequest(msgspec.Struct, kw_only=True):
    """How ready each feature is, as of a time."""

    at: datetime | None = None


class Light(msgspec.Struct, kw_only=True):
    """One feature: its light, the gain over the honest baseline, and what is still missing.

    `light` is ready, weak or not_yet. `gain` is in `unit`, positive is better than `baseline`;
    `low` and `high` are its 98 % interval. `ours` and `plain` are the same as a shop counts it:
    of a hundred, how many the feature and the baseline would have had right (for value: by how
    much each was off, of every hundred spent). `needed` and `needed_orders` are about how many
    more customers and orders it takes (None: on this trend it never will be better).
    """

    feature: str
    text: str
    light: str
    light_text: str
    baseline: str
    unit: str
    people: int
    happened: int
    gain: float | None
    low: float | None
    high: float | None
    needed: int | None
    needed_orders: int | None
    ours: float | None
    plain: float | None
    sentence: str


class Question(msgspec.Struct, kw_only=True):
    """The one question that would unlock most, and how much."""

    question: str
    text: str
    people: int
    unlocks: str


class Level(msgspec.Struct, kw_only=True):
    """A step up; none is needed for those below it."""

    level: int
    text: str
    cost: str
    time: str
    unlocks: str
    here: bool


class ReadinessAnswer(msgspec.Struct, kw_only=True):
    """Lights, the one question to ask next, and where the shop stands."""

    at: datetime
    customers: int
    orders: int
    lights: list[Light]
    question: Question | None
    level: int


class LevelsRequest(msgspec.Struct, kw_only=True):
    """The five levels."""


class LevelsAnswer(msgspec.Struct, kw_only=True):
    """From a file alone (0) up to ads (4); staying at 0 for ever is fine."""

    level: int
    levels: list[Level]


@operation("readiness", ReadinessRequest, child=True, http="GET /v1/readiness")
def readiness(shop: Shop, request: ReadinessRequest) -> ReadinessAnswer:
    """Try every feature on the shop's own past against the honest baseline."""
    from renwei.people.frame import Frame

    at = (request.at or shop.clock.now()).astimezone(UTC)
    frame = Frame.read(shop.store, shop.settings.currency)
    orders = frame.as_of(at)
    customers = len(set(orders.person.tolist()) - {0})
    return ReadinessAnswer(
        at=at,
        customers=customers,
        orders=len(orders),
        lights=lights(shop, frame, at, customers=customers),
        question=question(shop, at),
        level=level_of(shop),
    )


@operation("levels", LevelsRequest, http="GET /v1/levels")
def levels(shop: Shop, request: LevelsRequest) -> LevelsAnswer:
    """What each level costs, how long it takes and what it unlocks."""
    here = level_of(shop)
    return LevelsAnswer(
        level=here,
        levels=[
            Level(
                level=k,
                text=shop.say(f"levels.{k}.text"),
                cost=shop.say(f"levels.{k}.cost"),
                time=shop.say(f"levels.{k}.time"),
                unlocks=shop.say(f"levels.{k}.unlocks"),
                here=k == here,
            )
            for k in range(5)
        ],
    )


def lights(
    shop: Shop, frame: Any, at: datetime, *, customers: int, shuffle: int = 0
) -> list[Light]:
    """A light for each feature.

    Args:
        shop: For words and the zone.
        frame: All orders.
        at: Nothing later is read.
        customers: Known by then; below a hundred nothing is tried.
        shuffle: A seed; not 0: labels are dealt out anew, and every light must go out.
    """
    from renwei.core.clock import to_us
    from renwei.people import trials

    at_us = to_us(at)
    orders = frame.as_of(at)
    each = max(len(orders) / max(customers, 1), 1.0)
    if customers < _LEAST_PEOPLE:
        return [_light(shop, name, trials.EMPTY, customers, each) for name in FEATURES]
    both: list[trials.Trial] = []

    def purchase(which: int) -> trials.Trial:
        if not both:
            both.extend(trials.next_purchase(orders, at_us, shuffle=shuffle))
        return both[which]

    tries: dict[str, Callable[[], trials.Trial]] = {
        "next_purchase": lambda: purchase(0),
        "list": lambda: purchase(1),
        "next_need": lambda: trials.next_need(frame, at_us, shuffle=shuffle),
        "value": lambda: trials.value(orders, at_us, shuffle=shuffle),
        "send_time": lambda: trials.send_time(orders, shop.settings.zone, shuffle=shuffle),
        "recommend": lambda: trials.recommend(frame, at_us, shuffle=shuffle),
    }
    found = []
    for done, name in enumerate(FEATURES):
        shop.progress("trying", done, len(FEATURES))
        found.append(_light(shop, name, tries[name](), customers, each))
    return found


def _light(shop: Shop, name: str, trial: Any, customers: int, each: float) -> Light:
    from renwei.learn.readiness import light, paired_gain, still_needed

    gain = None
    if len(trial.person):
        gain = paired_gain(trial.baseline, trial.model, unit=trial.person, level=_LEVEL)
    said, needed = "not_yet", None
    if gain is not None:
        verdict = light(gain, happened=trial.happened)
        said = "not_yet" if verdict == "not_enough" or _is_noise(gain) else verdict
        needed = still_needed(gain) if verdict != "not_enough" else None
    if said == "not_yet" and needed is None and customers < 2 * _LEAST_PEOPLE:
        needed = max(_LEAST_PEOPLE - customers, 0) or None
    more = None if needed is None else math.ceil(needed * each)
    low, value, high = _numbers(name, trial, gain)
    ours, plain = trial.counts or (None, None)
    return Light(
        feature=name,
        text=shop.say(f"features.{name}"),
        light=said,
        light_text=shop.say(f"lights.{said}"),
        baseline=shop.say(f"baselines.{name}"),
        unit=shop.say(f"units.{name}"),
        people=gain.n if gain else customers,
        happened=int(trial.happened),
        gain=value,
        low=low,
        high=high,
        needed=0 if said == "ready" else needed,
        needed_orders=0 if said == "ready" else more,
        ours=None if ours is None else round(ours, 2),
        plain=None if plain is None else round(plain, 2),
        sentence=_sentence(shop, name, said, counts=trial.counts, gain=gain, more=more or 0)
        if gain
        else _untried(shop, name, customers, more or 0),
    )


def _numbers(name: str, trial: Any, gain: Any) -> tuple[float | None, ...]:
    """Low, middle and high of a gain in the unit of the feature."""
    if gain is None:
        return (None, None, None)
    scale = 100.0
    if name in ("next_purchase", "value", "send_time"):
        # Of what the baseline lost.
        scale = 100 / max(float(trial.baseline.mean()), 1e-12)
    if name == "list":
        # Buyers caught in a list of a tenth of the people: per hundred on the list.
        scale = 1000
    return tuple(round(v * scale, 4) for v in (gain.low, gain.value, gain.high))


def _untried(shop: Shop, name: str, customers: int, more: int) -> str:
    values = {
        "feature": shop.say(f"features.{name}"),
        "baseline": shop.say(f"baselines.{name}"),
        "people": customers,
        "orders": more,
    }
    tail = shop.say(f"light_next.{'more' if more else 'open'}", **values)
    return shop.say("light_sentence.untried", next=tail, **values)


def _sentence(
    shop: Shop,
    name: str,
    said: str,
    *,
    counts: tuple[float, float] | None,
    gain: Any,
    more: int,
) -> str:
    """What was tried, in numbers that somebody who keeps a shop would count."""
    ours, plain = counts or (0.0, 0.0)
    better = plain - ours if name == "value" else ours - plain
    few = 0 if abs(better) >= 1 else 1
    values: dict[str, Any] = {
        "feature": shop.say(f"features.{name}"),
        "light": shop.say(f"lights.{said}"),
        "baseline": shop.say(f"baselines.{name}"),
        "people": gain.n,
        "orders": more,
        "ours": f"{ours:.{few}f}",
        "plain": f"{plain:.{few}f}",
    }
    values["counts"] = shop.say(f"light_counts.{name}", **values)
    if gain.value <= 0:
        sure = "none"
    elif said == "ready":
        # Odds can be nearer to what happened where both would have named the same people.
        sure = "beyond" if better >= 0.05 else "nearer"
    else:
        sure = "chance"
    ending = "ready" if said == "ready" else "more" if more else "open"
    values["sure"] = shop.say(f"light_sure.{sure}")
    values["next"] = shop.say(f"light_next.{ending}", **values)
    return shop.say("light_sentence.tried", **values)


def _is_noise(gain: Any) -> bool:
    # Of lights on pure noise one in two would otherwise glow weakly.
    return bool(gain.value < _CLEAR * (gain.value - gain.low))


def question(shop: Shop, at: datetime) -> Question | None:
    """The one question to ask next: the one that opens most expected value.

    Permission opens offers to everybody who has not said yes; an address opens a channel to
    those without one; one attribute opens tastes to those of whom nothing can be inferred.
    """
    held = shop.shelf.get("people")
    if held is None or not len(held.columns["person"]):
        return None
    persons = [int(p) for p in held.columns["person"]]
    value = [float(v) for v in held.columns["year_value"]]
    orders = [int(n) for n in held.columns["orders"]]
    said = shop.store.people.consents_of(persons)
    known = shop.store.people.open_many(persons, ["phone", "email"])
    asks = {
        "permission": [
            not any(c.purpose == "marketing" and c.at <= at for c in own) for own in said
        ],
        "address": [not texts for texts in known],
        "attribute": [n < 2 for n in orders],
    }
    # A yes opens an offer at once; a taste only helps to choose it, an address to deliver it.
    weight = {"permission": 1.0, "address": 0.5, "attribute": 0.5}
    worth = {
        name: weight[name] * sum(v for v, open_ in zip(value, mask, strict=True) if open_)
        for name, mask in asks.items()
    }
    best = max(worth, key=lambda name: worth[name])
    if worth[best] <= 0:
        return None
    count = sum(asks[best])
    currency = str(held.meta.get("currency") or shop.settings.currency)
    amount = [round(worth[best] / weight[best]), currency]
    return Question(
        question=best,
        text=shop.say(f"questions.{best}.text"),
        people=count,
        unlocks=shop.say(f"questions.{best}.unlocks", people=count, amount=amount),
    )


def level_of(shop: Shop) -> int:
    """0 while there is only a file; 1 once somebody answered a question."""
    answers = shop.store.log.read(kinds=("answer",))
    return int(next(answers, None) is not None)
