"""Needs with chances that came true on the shop's own past."""

from __future__ import annotations

from typing import Any

import numpy as np

from renwei.learn.calibrate import fit_platt
from renwei.learn.score import ece
from renwei.people.features import Floats
from renwei.people.frame import DAY_US, Frame, Ints
from renwei.people.needs import Needs, Purchases, Rhythms, learn_rhythms, needs_at, purchases

_ENOUGH = 100


def ripe_needs(
    frame: Frame, bought: Purchases, rhythms: Rhythms, now: tuple[int, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The table "needs" and its quality.

    Chances are set one window back, on what was then known, so that of the needs called
    30 % likely about 30 % are bought within the window.

    Args:
        frame: All orders.
        bought: As of now.
        rhythms: As of now.
        now: Microseconds since 1970, and the window in days.
    """
    at_us, days = now
    needs = needs_at(bought, rhythms, at_us, days)
    chance = needs.p
    quality: dict[str, Any] = {"pairs": len(needs.person)}
    checked = _looked_back(frame, bought, now)
    if checked is not None and checked[1].sum() >= _ENOUGH:
        said, came = checked
        half = np.arange(len(said)) % 2 == 0
        line = fit_platt(came[half], said[half])
        quality["ece"] = round(ece(came[~half], line(said[~half])), 4)
        quality["ece_raw"] = round(ece(came, said), 4)
        chance = fit_platt(came, said)(needs.p)
    order = np.lexsort((needs.item, -chance, needs.person))
    columns = {
        "person": needs.person[order],
        "item": needs.item[order],
        "times": needs.times[order].astype(np.int16),
        "quantity": needs.quantity[order].astype(np.float32),
        "last_us": needs.last_us[order],
        "cycle_days": needs.cycle_days[order].astype(np.float32),
        "p": chance[order].astype(np.float32),
        "due_low_us": needs.due_low_us[order],
        "due_high_us": needs.due_high_us[order],
    }
    return columns, quality


def _looked_back(
    frame: Frame, bought: Purchases, now: tuple[int, int]
) -> tuple[Floats, Floats] | None:
    """What would have been said one window ago, and what came; None without a past."""
    at_us, days = now
    cut = at_us - days * DAY_US
    orders = frame.as_of(cut)
    then = purchases(orders, frame.lines(orders))
    if not len(then.begin):
        return None
    needs = needs_at(then, learn_rhythms(then, cut), cut, days)
    after = bought.at_us > cut
    return needs.p, bought_again(needs, bought.person[after], bought.item[after])


def bought_again(needs: Needs, person: Ints, item: Ints) -> Floats:
    """1 where the need's person bought its item, shape (needs,)."""
    width = int(max(needs.item.max(initial=0), item.max(initial=0))) + 1
    # Persons are 63-bit numbers: number them before they are joined with items.
    known = np.unique(np.concatenate([needs.person, person]))
    said = np.searchsorted(known, needs.person) * width + needs.item
    came = np.searchsorted(known, person) * width + item
    return np.isin(said, came).astype(np.float64)
