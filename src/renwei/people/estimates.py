"""From the frame to the four tables of estimates; pure, so that any past moment can be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from renwei.core.clock import to_us
from renwei.learn.cells import DAY_S, histories
from renwei.learn.chances import Way
from renwei.learn.purchase import PurchaseModel, fit_purchase
from renwei.learn.rhythm import Rhythm, fit_rhythm, units_of
from renwei.learn.snapshots import Album, Snapshot, take_snapshot
from renwei.learn.snapshots import Orders as Past
from renwei.learn.stage import STAGES, stages
from renwei.learn.tiers import HIGH as TOP
from renwei.learn.tiers import Borders, assign_tiers, find_borders
from renwei.learn.value import ValueForecast, fit_value, realised
from renwei.people.amounts import read_amounts
from renwei.people.features import Floats, as_past, persons_only
from renwei.people.frame import DAY_US, Frame, Ints, Lines, Orders
from renwei.people.likely import Ripe, ripe_at
from renwei.people.needs import Purchases, Rhythms, learn_rhythms, purchases
from renwei.people.ripe import ripe_needs
from renwei.people.spend import Moment, Window, coverage, learn_spend
from renwei.people.together import best_hours, pairs_of

TIERS = ("high", "potential", "low")
WINDOWS = (30, 45, 60, 90)
MODEL = "people@1"
ENOUGH_FOR_VALUE = 100
LEAST_PAST_DAYS = 30
_MONTH_US = 30 * DAY_US
_LEAST_PEOPLE = 20

Codes = np.ndarray[tuple[int], np.dtype[np.int8]]


@dataclass(frozen=True)
class Table:
    """Columns for the shelf and how they came about."""

    columns: dict[str, Any]
    meta: dict[str, Any]


@dataclass(frozen=True)
class Ripening:
    """What was bought when and the rhythm of each item: how ripe needs are at any moment."""

    bought: Purchases
    rhythms: Rhythms
    days: int

    def at(self, shot: Snapshot) -> Ripe:
        """The needs of everybody in a snapshot, at its moment."""
        when = round(shot.as_of * 1e6), self.days
        return ripe_at(self.bought, self.rhythms, shot.person, when)


def window_of(orders: Orders, at_us: int) -> int:
    """The window that suits the shop's rhythm: about its typical gap, 30 to 90 days.

    A short history gets a shorter window, because the window must have been lived through
    twice for its intervals to be checked.
    """
    past = as_past(orders)
    if not len(past.person):
        return WINDOWS[0]
    units = units_of(past.person, past.time, as_of=at_us / 1e6)
    many = units.gaps > 0
    typical = float(np.exp(np.median(units.log_sum[many] / units.gaps[many]))) if many.any() else 60
    span = (at_us - int(orders.at_us[0])) / DAY_US
    fits = [w for w in WINDOWS if 4 * w <= span] or [WINDOWS[0]]
    # Below two months most people have an empty window, and an interval says little.
    return min(fits, key=lambda w: abs(w - max(typical, 60.0)))


def estimate(
    frame: Frame, at: datetime, *, zone: str, tick: Callable[[int], None] = lambda done: None
) -> dict[str, Table]:
    """Everything the shelf holds, as of a time; nothing later is read.

    Returns:
        Tables "people", "needs", "items", "pairs", "purchases" and "order-keys".
    """
    at_us = to_us(at)
    orders = frame.as_of(at_us)
    days = window_of(orders, at_us)
    lines = frame.lines(orders)
    bought = purchases(orders, lines)
    rhythms = learn_rhythms(bought, at_us)
    people = _people(frame, orders, Ripening(bought, rhythms, days), (at_us, zone))
    tick(2)
    needs, needs_quality = ripe_needs(frame, bought, rhythms, (at_us, days))
    tick(3)
    meta = {"model": MODEL, "window_days": days}
    items = {
        "item": rhythms.item,
        "cycle_days": np.where(rhythms.used_up, np.exp(rhythms.log_gap), np.nan).astype(np.float32),
        "buyers": rhythms.buyers.astype(np.int32),
        "repeat_buyers": rhythms.again.astype(np.int32),
        "orders": rhythms.orders.astype(np.int32),
        "last_us": rhythms.last_us,
    }
    return {
        "people": people,
        "needs": Table(needs, meta | {"quality": needs_quality}),
        "items": Table(items, meta | {"quality": {}, "price_edges_minor": _price_edges(lines)}),
        "pairs": Table(pairs_of(bought), meta | {"quality": {}}),
        "order-keys": Table(
            dict(zip(("key", "person"), frame.placed(at_us), strict=True)),
            meta | {"quality": {}, "places": [list(place) for place in frame.places]},
        ),
        "purchases": Table(_purchases(bought), meta | {"quality": {}}),
    }


def _purchases(bought: Purchases) -> dict[str, Any]:
    """Who bought what, on how many days, and when last; sorted by person and item."""
    return {
        "person": bought.person[bought.begin],
        "item": bought.item[bought.begin],
        "times": (bought.last - bought.begin + 1).astype(np.int32),
        "last_us": bought.at_us[bought.last],
    }


def _people(frame: Frame, orders: Orders, ripening: Ripening, when: tuple[int, str]) -> Table:
    (at_us, zone), days = when, ripening.days
    past, as_of = as_past(orders), at_us / 1e6
    if not len(past.person):
        return Table(_no_people(), _meta(days, orders, {}, ["nobody"]))
    album = Album(past, days)
    now = album.at(as_of)
    model = fit_purchase(past, as_of=as_of, days=days, album=album)
    chance = model.forecast(now).chance
    month = chance if days == 30 else _month(past, as_of, model.way)
    windows = past_windows(album, as_of, model.way, ripening)
    present = Moment(now, chance, ripening.at(now), read_amounts(past, as_of))
    value, low, high = learn_spend(windows, present).interval(present)
    year = forecast_year(orders, at_us)
    before = _tiers_before(frame, at_us, now.person)
    borders = find_borders(year.spend.value, before=before[1])
    tier = _coded(assign_tiers(year.spend.value, borders, before=before[0]))
    _, hour, hour_quality = best_hours(orders, zone)
    rhythm = fit_rhythm(past.person, past.time, as_of=as_of)
    known = persons_only(orders)
    columns = {
        "person": now.person,
        "orders": now.columns["orders"].astype(np.int32),
        "spend_minor": now.columns["money"].astype(np.int64),
        "first_us": _edge(known, now.person, np.minimum),
        "last_us": _edge(known, now.person, np.maximum),
        **_rhythm(past, as_of, days, rhythm),
        "p_alive": year.alive.astype(np.float32),
        "p30": month.astype(np.float32),
        "p_window": chance.astype(np.float32),
        "spend_window_value": value,
        "spend_window_low": low,
        "spend_window_high": high,
        "year_orders": year.orders.value,
        "year_value": year.spend.value,
        "year_low": year.spend.low,
        "year_high": year.spend.high,
        "tier": tier,
        "hour": hour.astype(np.float32),
    }
    quality = {
        "window": _told(model, windows),
        "interval": measured_coverage(windows, present),
        "year": total_error(orders, at_us),
        "tiers": stability(tier, _coded(before[0])),
        "hour": hour_quality,
    }
    meta = _meta(days, orders, quality, _notes(len(now.person), windows))
    edges = [round(borders.high), round(borders.potential)]
    fit = {name: float(getattr(rhythm, name)) for name in ("mean", "within", "between", "leave")}
    fit["usual"] = float(rhythm.group_mean[0]) if len(rhythm.group_mean) else fit["mean"]
    return Table(
        columns, meta | {"tier_edges_minor": edges, "strange": frame.strange, "rhythm": fit}
    )


def _price_edges(lines: Lines) -> list[float]:
    """Unit prices below which a third and two thirds of what is bought lies."""
    if not len(lines.price):
        return []
    return [float(edge) for edge in np.quantile(lines.price, [1 / 3, 2 / 3])]


def past_windows(album: Album, as_of: float, way: Way, ripening: Ripening) -> list[Window]:
    """The three windows before `as_of`, oldest first, each served from before its start."""
    found, past, days = [], album.orders, album.days
    for back in (3, 2, 1):
        cut = as_of - back * days * DAY_S
        seen = past.until(cut)
        young = not len(seen.time) or seen.time.min() > cut - days * DAY_S
        if young or len(np.unique(seen.person)) < _LEAST_PEOPLE:
            continue
        shot = album.at(cut)
        model = fit_purchase(seen, as_of=cut, days=days, ways=(way,), album=album)
        chance = model.forecast(shot).chance
        ends = (cut, cut + days * DAY_S)
        _, spend = realised(past.person, past.time, past.value, person=shot.person, window=ends)
        moment = Moment(shot, chance, ripening.at(shot), read_amounts(seen, cut))
        found.append(Window(moment, spend))
    return found


def forecast_year(orders: Orders, at_us: int, days: float = 365) -> ValueForecast:
    """Orders and spend of everybody over the next 12 months."""
    known = persons_only(orders)
    columns = known.person, known.time_s, known.value
    # A young shop is judged as if its first month were over: what came in an hour does not
    # come in every hour of a year.
    as_of = max(at_us / 1e6, float(known.time_s[0]) + LEAST_PAST_DAYS * DAY_S)
    model = fit_value(*columns, as_of=as_of, horizon_days=days)
    return model.forecast(histories(*columns, as_of=as_of), days)


def total_error(orders: Orders, at_us: int) -> dict[str, float]:
    """How far the total expected lay from what came, on the latest stretch held out.

    The stretch is a third of the history, at most a year; 1.1 means 10 % too much was
    expected. Empty where the history is too short to hold out anything.
    """
    known = persons_only(orders)
    span = (at_us - int(known.at_us[0])) / DAY_US
    days = min(365.0, span / 3)
    cut = at_us - int(days * DAY_US)
    seen = known.at_us <= cut
    if len(np.unique(known.person[seen])) < 30:
        return {}
    expected = forecast_year(known.pick(seen), cut, days)
    after = known.pick(~seen & np.isin(known.person, expected.person))
    came = float(after.value.sum())
    return {
        "days": round(days, 1),
        "expected_minor": round(float(expected.spend.value.sum())),
        "came_minor": round(came),
        "ratio": round(float(expected.spend.value.sum()) / max(came, 1.0), 4),
    }


def measured_coverage(windows: list[Window], now: Moment) -> dict[str, float]:
    """The interval as it would have been set one window earlier, held against what came."""
    if len(windows) < 2:
        return {}
    return coverage(learn_spend(windows[:-1], now), windows[-1])


def stability(tier: Codes, before: Codes) -> dict[str, Any]:
    """Moves between tiers since a month ago: counts from (row) to (column), share that stayed."""
    known = before >= 0
    if not known.any():
        return {}
    moves = np.zeros((len(TIERS), len(TIERS)), dtype=np.int64)
    np.add.at(moves, (before[known], tier[known]), 1)
    return {"moves": moves.tolist(), "stayed": round(float(np.trace(moves) / moves.sum()), 4)}


def _rhythm(past: Past, as_of: float, days: int, rhythm: Rhythm) -> dict[str, Any]:
    units = units_of(past.person, past.time, as_of=as_of)
    return {
        "gap_days": rhythm.due(units, days).gap_days.astype(np.float32),
        "silence": rhythm.lateness(units).astype(np.float32),
        "stage": stages(units, rhythm),
    }


def _month(past: Past, as_of: float, way: Way) -> Floats:
    # What won on the longer window serves here: choosing again would cost more than it brings.
    model = fit_purchase(past, as_of=as_of, days=30, ways=(way,))
    return model.forecast(take_snapshot(past, as_of, 30)).chance


def _tiers_before(frame: Frame, at_us: int, person: Ints) -> tuple[Codes, Borders | None]:
    """A month ago: each person's tier in learn's order, -1 where unknown, and the borders."""
    earlier = at_us - _MONTH_US
    orders = persons_only(frame.as_of(earlier))
    before = np.full(len(person), -1, dtype=np.int8)
    if not len(orders):
        return before, None
    year = forecast_year(orders, earlier)
    borders = find_borders(year.spend.value)
    tier = assign_tiers(year.spend.value, borders)
    # A person may have lost every counted order since, by refunds.
    still = np.isin(year.person, person)
    before[np.searchsorted(person, year.person[still])] = tier[still]
    return before, borders


def _coded(tier: Codes) -> Codes:
    return np.where(tier < 0, tier, TOP - tier).astype(np.int8)


def _told(model: PurchaseModel, windows: list[Window]) -> dict[str, Any]:
    plainest = next(iter(model.losses), "")
    baseline, served = model.losses.get(plainest), model.losses.get(model.way)
    gain = None if baseline is None or served is None else round(baseline - served, 5)
    return {
        "method": model.way,
        "baseline": plainest,
        "losses": {way: round(loss, 5) for way, loss in model.losses.items()},
        "gain_logloss": gain,
        "buyers": int(sum((one.spend > 0).sum() for one in windows)),
    }


def _notes(people: int, windows: list[Window]) -> list[str]:
    notes = []
    if not windows:
        notes.append("not_enough")
    if people < ENOUGH_FOR_VALUE:
        notes.append("value_wide")
    return notes


def _meta(days: int, orders: Orders, quality: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    return {
        "model": MODEL,
        "window_days": days,
        "stages": list(STAGES),
        "tiers": list(TIERS),
        "orders": len(orders),
        "quality": quality,
        "notes": notes,
    }


def _edge(known: Orders, person: Ints, pick: Any) -> Ints:
    start = np.iinfo(np.int64).max if pick is np.minimum else 0
    found = np.full(len(person), start, dtype=np.int64)
    pick.at(found, np.searchsorted(person, known.person), known.at_us)
    return found


def _no_people() -> dict[str, Any]:
    kinds = {
        "person": np.int64, "orders": np.int32, "spend_minor": np.int64, "first_us": np.int64,
        "last_us": np.int64, "gap_days": np.float32, "silence": np.float32, "p_alive": np.float32,
        "p30": np.float32, "p_window": np.float32, "spend_window_value": np.float64,
        "spend_window_low": np.float64, "spend_window_high": np.float64,
        "year_orders": np.float64, "year_value": np.float64, "year_low": np.float64,
        "year_high": np.float64, "stage": np.int8, "tier": np.int8, "hour": np.float32,
    }  # fmt: skip
    return {name: np.zeros(0, dtype=kind) for name, kind in kinds.items()}
