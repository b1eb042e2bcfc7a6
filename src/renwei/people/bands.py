"""Tiers and stages: how many, worth how much, moving where; and who is in each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from renwei.core.chance import to_id
from renwei.core.clock import to_us
from renwei.core.errors import UnknownName
from renwei.core.operations import PRIVATE
from renwei.core.shop import Columns, Shop
from renwei.people.zones import zone_named

MONTHS = 12


class Listed(msgspec.Struct, kw_only=True):
    """A person of a band that was asked for."""

    person: str
    name: Annotated[str, PRIVATE]
    value_minor: int
    low_minor: int
    high_minor: int


class Tier(msgspec.Struct, kw_only=True):
    """One tier: people, what they are expected to bring, and what to do for them.

    `budget_share` is its share of expected value, `staff_share` of what can be won soon.
    """

    tier: str
    text: str
    people: int
    expected_minor: int
    spent_minor: int
    budget_share: float
    staff_share: float
    strategy: str


class TiersAnswer(msgspec.Struct, kw_only=True):
    """Tiers of expected value; `held_out` is how far the total lay off when tried on the past."""

    at: datetime
    currency: str
    tiers: list[Tier]
    edges_minor: list[int]
    moves: list[list[int]]
    stayed: float | None
    held_out: dict[str, float]
    error_text: str
    listed: list[Listed]


class Stage(msgspec.Struct, kw_only=True):
    """One stage of life."""

    stage: str
    text: str
    people: int
    expected_minor: int


class Month(msgspec.Struct, kw_only=True):
    """Where people stood at the end of a month, and from where they came.

    `moves[a][b]` counts people from stage a to stage b; `joined[b]` those not known before.
    """

    month: str
    counts: list[int]
    moves: list[list[int]]
    joined: list[int]


class StagesAnswer(msgspec.Struct, kw_only=True):
    """Stages now, and the flow between them by month, oldest first; stages in order of `order`."""

    at: datetime
    currency: str
    order: list[str]
    stages: list[Stage]
    flow: list[Month]
    listed: list[Listed]


def tiers(shop: Shop, at: datetime, *, wanted: str = "", limit: int = 50) -> TiersAnswer:
    """The tiers as of the estimates on the shelf."""
    import numpy as np

    held = _people(shop)
    names: list[str] = list(held.meta["tiers"])
    column = held.columns
    code, year = np.asarray(column["tier"]), np.asarray(column["year_value"])
    soon = year * np.asarray(column["p_window"]) * (1 - np.asarray(column["p_window"]))
    quality = held.meta["quality"]
    ratio = quality.get("year", {}).get("ratio")
    found = []
    for k, name in enumerate(names):
        mine = code == k
        found.append(
            Tier(
                tier=name,
                text=shop.say(f"tiers.{name}"),
                people=int(mine.sum()),
                expected_minor=round(float(year[mine].sum())),
                spent_minor=int(column["spend_minor"][mine].sum()),
                budget_share=_share(year, mine),
                staff_share=_share(soon, mine),
                strategy=shop.say(f"tier_strategy.{name}"),
            )
        )
    error = shop.say("tiers_error.none")
    if ratio is not None:
        error = shop.say("tiers_error.said", off=abs(ratio - 1), days=quality["year"]["days"])
    moved = quality.get("tiers", {})
    return TiersAnswer(
        at=at,
        currency=str(held.meta["currency"] or shop.settings.currency),
        tiers=found,
        edges_minor=[int(edge) for edge in held.meta.get("tier_edges_minor", [])],
        moves=moved.get("moves", []),
        stayed=moved.get("stayed"),
        held_out=quality.get("year", {}),
        error_text=error,
        listed=_listed(shop, held, "tier", names, (wanted, limit)),
    )


def stages(shop: Shop, at: datetime, *, wanted: str = "", limit: int = 50) -> StagesAnswer:
    """The stages as of the estimates on the shelf, and how people moved before."""
    import numpy as np

    held = _people(shop)
    names: list[str] = list(held.meta["stages"])
    code, year = np.asarray(held.columns["stage"]), np.asarray(held.columns["year_value"])
    listed = _listed(shop, held, "stage", names, (wanted, limit))
    return StagesAnswer(
        at=at,
        currency=str(held.meta["currency"] or shop.settings.currency),
        order=names,
        stages=[
            Stage(
                stage=name,
                text=shop.say(f"stages.{name}"),
                people=int((code == k).sum()),
                expected_minor=round(float(year[code == k].sum())),
            )
            for k, name in enumerate(names)
        ],
        flow=[] if wanted else flow(shop, at),
        listed=listed,
    )


def flow(shop: Shop, at: datetime) -> list[Month]:
    """Stages at the ends of the last twelve months and now; each reads only what was known then."""
    from renwei.people.frame import Frame

    frame = Frame.read(shop.store, shop.settings.currency)
    found: list[Month] = []
    before: tuple[Any, Any] | None = None
    for name, end in month_ends(at, shop.settings.zone):
        now = _stages_at(frame, end)
        if now is None:
            continue
        if before is not None:
            found.append(_month(name, before, now))
        before = now
    return found


def month_ends(at: datetime, zone: str) -> list[tuple[str, datetime]]:
    """The ends of the last whole months in the shop's zone, and `at` itself, oldest first."""
    local = at.astimezone(zone_named(zone))
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ends = [(f"{local:%Y-%m}", at)]
    for _ in range(MONTHS):
        last = first - timedelta(microseconds=1)
        ends.append((f"{last:%Y-%m}", last))
        first = last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return ends[::-1]


def _stages_at(frame: Any, end: datetime) -> tuple[Any, Any] | None:
    from renwei.learn.rhythm import fit_rhythm, units_of
    from renwei.learn.stage import stages as stages_of
    from renwei.people.features import as_past

    past, as_of = as_past(frame.as_of(end)), to_us(end) / 1e6
    if not len(past.person):
        return None
    units = units_of(past.person, past.time, as_of=as_of)
    return units.unit, stages_of(units, fit_rhythm(past.person, past.time, as_of=as_of))


def _month(name: str, before: tuple[Any, Any], now: tuple[Any, Any]) -> Month:
    import numpy as np

    from renwei.learn.stage import STAGES

    size = len(STAGES)
    known = np.isin(now[0], before[0])
    came = np.isin(before[0], now[0])
    moves = np.zeros((size, size), dtype=np.int64)
    np.add.at(moves, (before[1][came], now[1][known]), 1)
    return Month(
        month=name,
        counts=np.bincount(now[1], minlength=size).tolist(),
        moves=moves.tolist(),
        joined=np.bincount(now[1][~known], minlength=size).tolist(),
    )


def _people(shop: Shop) -> Columns:
    held = shop.shelf.get("people")
    if held is None:
        raise UnknownName("no_estimates")
    return held


def _share(amount: Any, mine: Any) -> float:
    return round(float(amount[mine].sum() / max(float(amount.sum()), 1e-9)), 4)


def _listed(
    shop: Shop, held: Columns, column: str, names: list[str], asked: tuple[str, int]
) -> list[Listed]:
    import numpy as np

    wanted, limit = asked
    if not wanted:
        return []
    if wanted not in names:
        raise UnknownName.among(column, wanted, names)
    rows = np.flatnonzero(np.asarray(held.columns[column]) == names.index(wanted))
    year = np.asarray(held.columns["year_value"])[rows]
    rows = rows[np.argsort(-year, kind="stable")][: max(limit, 0)]
    persons = [int(p) for p in np.asarray(held.columns["person"])[rows]]
    texts = shop.store.people.open_many(persons, ["name"])
    return [
        Listed(
            person=to_id(person),
            name=next(iter(text.get("name", [])), ""),
            value_minor=round(float(held.columns["year_value"][row])),
            low_minor=round(float(held.columns["year_low"][row])),
            high_minor=round(float(held.columns["year_high"][row])),
        )
        for person, text, row in zip(persons, texts, rows.tolist(), strict=True)
    ]
