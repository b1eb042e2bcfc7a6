"""The chance that each person orders within a window, chosen and levelled on the past alone.

Several ways are fitted to snapshots of the past. The plainest is served unless a stronger one
was clearly better on windows it had not seen. Who is likelier than whom comes from that way; how
likely people are on the whole comes from the shop's level in its latest weeks, because a season
moves everybody and last quarter's labels do not know it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from renwei.learn.calibrate import to_mean
from renwei.learn.cells import DAY_S, Floats, Ints
from renwei.learn.chances import Chance, Way, fit_way, trees_run
from renwei.learn.score import log_losses
from renwei.learn.snapshots import Album, Orders, Snapshot, sampled
from renwei.learn.tide import Tide, read_tide

WAYS: tuple[Way, ...] = ("rfm", "value", "logistic", "mean")
SNAPSHOTS = 12
CHECKS = 2
ROWS = 250_000
LEAST_PEOPLE = 20
TREES_FROM = 2_000
# A gain must be this many standard errors before more machinery is worth it.
CLEAR = 1.28
TENTH = 1.2816


@dataclass(frozen=True)
class Forecast:
    """Chances within the window, all of shape (people,).

    Attributes:
        person: Numbers, ascending.
        chance: P(an order within the window).
        low, high: 80 % interval of that chance for what the season may do.
    """

    person: Ints
    chance: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class PurchaseModel:
    """A way chosen on the past, with the shop's level.

    Attributes:
        way: What is served. losses: Mean log-loss of each way on past windows it had not seen;
            empty where there was one way, or a past too short to compare.
        days: The window. tide: The shop's level.
    """

    way: Way
    losses: Mapping[str, float]
    days: float
    tide: Tide
    _fitted: Chance

    def forecast(self, now: Snapshot) -> Forecast:
        """Forecast everyone in a snapshot taken with the same window."""
        raw = self._fitted(now)
        slack = float(np.exp(TENTH * self.tide.error))
        return Forecast(
            person=now.person,
            chance=to_mean(raw, self.tide.mean),
            low=to_mean(raw, self.tide.mean / slack),
            high=to_mean(raw, min(self.tide.mean * slack, 0.995)),
        )


@dataclass(frozen=True)
class BackTest:
    """Windows of the past, forecast from before each; shape (rows,) each.

    Attributes:
        person: Whose row. happened: 0 or 1.
        chance: As would have been served. baseline: A line in log recency, frequency and money, levelled alike.
    """

    person: Ints
    happened: Floats
    chance: Floats
    baseline: Floats


def fit_purchase(
    orders: Orders,
    *,
    as_of: float,
    days: float,
    ways: Sequence[Way] = WAYS,
    seed: int = 1,
    album: Album | None = None,
) -> PurchaseModel:
    """Fit on orders up to `as_of`; with a short past the value model alone is served.

    Args:
        orders: Nothing after `as_of` is read.
        as_of: Seconds since 1970.
        days: The window that chances are for.
        ways: To choose from, plainest first; a single one is served without a comparison.
        seed: Of the trees.
        album: Of the same orders and window, where several models share their past.

    Raises:
        ValueError: Nobody has an order by `as_of`.
    """
    past = orders.until(as_of)
    tide = read_tide(past.person, past.time, as_of=as_of, days=days)
    shots = _shots(past, as_of, days, album)
    trees = bool(shots) and len(shots[0].person) >= TREES_FROM and trees_run()
    if not shots or not any(shot.happened.any() for shot in shots):
        return PurchaseModel("value", {}, days, tide, lambda shot: shot.chance)
    way, losses = _choose(shots, days, ways, seed=seed, trees=trees)
    return PurchaseModel(way, losses, days, tide, fit_way(way, shots, seed=seed, trees=trees))


def back_test(
    orders: Orders, *, as_of: float, days: float, windows: int = 3, seed: int = 1
) -> BackTest:
    """Serve the last `windows` windows before `as_of` from what was known before each.

    Windows do not overlap; those with fewer than 20 people known before are left out, so the
    answer may have no row.
    """
    parts: list[tuple[Ints, Floats, Floats, Floats]] = []
    past = orders.until(as_of)
    album = Album(past, days)
    for back in range(1, windows + 1):
        cut = as_of - back * days * DAY_S
        if len(np.unique(past.person[past.time <= cut])) < LEAST_PEOPLE:
            break
        now = album.at(cut)
        model = fit_purchase(past, as_of=cut, days=days, seed=seed, album=album)
        plain = fit_purchase(past, as_of=cut, days=days, ways=("rfm",), seed=seed, album=album)
        parts.append(
            (now.person, now.happened, model.forecast(now).chance, plain.forecast(now).chance)
        )
    if not parts:
        none = np.empty(0)
        return BackTest(np.empty(0, dtype=np.int64), none, none, none)
    person, *rest = (np.concatenate(column) for column in zip(*parts, strict=True))
    return BackTest(person, *rest)


def _shots(past: Orders, as_of: float, days: float, album: Album | None) -> list[Snapshot]:
    """Return past snapshots whose windows are over, newest first, of people enough to learn from."""
    if not len(past.time):
        return []
    part = sampled(past, ROWS // SNAPSHOTS)
    if album is None or part is not past:
        album = Album(part, days)
    past = part
    first, step = float(past.time.min()), max(days / 2, 7.0) * DAY_S
    cuts = [as_of - days * DAY_S - k * step for k in range(SNAPSHOTS)]
    enough = [c for c in cuts if c >= first + min(days, 28.0) * DAY_S]
    shots: list[Snapshot] = []
    for cut in enough:
        if len(np.unique(past.person[past.time <= cut])) < LEAST_PEOPLE:
            break
        shots.append(album.at(cut))
    return shots


def _choose(
    shots: Sequence[Snapshot], days: float, ways: Sequence[Way], *, seed: int, trees: bool
) -> tuple[Way, dict[str, float]]:
    """Return the plainest way that no later one clearly beats, and the losses compared."""
    if len(ways) == 1:
        return ways[0], {}
    lost: dict[Way, list[Floats]] = {way: [] for way in ways}
    for back in range(CHECKS):
        tested = [s for s in shots if abs(s.as_of - shots[0].as_of + back * days * DAY_S) < 1]
        if not tested or not 0 < tested[0].happened.mean() < 1:
            continue
        known = [s for s in shots if s.as_of + days * DAY_S <= tested[0].as_of + 1]
        if not known:
            continue
        for way in ways:
            chance = fit_way(way, known, seed=seed, trees=trees)(tested[0])
            # The level is repaired elsewhere; here it is who is likelier than whom.
            chance = to_mean(chance, float(tested[0].happened.mean()))
            lost[way].append(log_losses(tested[0].happened, chance))
    if not lost[ways[0]]:
        return "value", {}
    loss = {way: np.concatenate(parts) for way, parts in lost.items()}
    best = ways[0]
    for way in ways[1:]:
        less = loss[best] - loss[way]
        if less.mean() > CLEAR * less.std() / np.sqrt(len(less)):
            best = way
    return best, {way: float(rows.mean()) for way, rows in loss.items()}
