"""Back-tests of each feature on the shop's own past, against an honest baseline.

Each trial serves windows of the past from what was known before each, and returns what the
feature and the baseline lost on the same rows. Nothing is read from after a window but what
is being foretold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from renwei.learn.calibrate import to_mean
from renwei.learn.cells import DAY_S, histories
from renwei.learn.chances import Way, fit_logistic
from renwei.learn.purchase import fit_purchase
from renwei.learn.score import log_losses
from renwei.learn.snapshots import Album, Snapshot
from renwei.learn.snapshots import Orders as Past
from renwei.learn.value import ValueForecast, fit_value, realised
from renwei.people.features import Floats, as_past
from renwei.people.frame import DAY_US, Frame, Ints, Orders
from renwei.people.needs import Purchases, learn_rhythms, needs_at, purchases
from renwei.people.together import hour_losses

DAYS = 30
_WAYS: tuple[Way, ...] = ("value", "logistic")
WINDOWS = 3
_LEAST = 20
_TAUGHT = 3
_NEXT_DAYS = 7.0
_TOP = 10


@dataclass(frozen=True)
class Trial:
    """What was lost on the same rows; shape (rows,) each.

    Attributes:
        person: Whose row.
        model, baseline: Losses; lower is better.
        happened: How often what was foretold happened, or did not, whichever is rarer.
        counts: The same of model and baseline as a shop would count it; see `readiness`.
    """

    person: Ints
    model: Floats
    baseline: Floats
    happened: int
    counts: tuple[float, float] | None = None


EMPTY = Trial(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), 0)


@dataclass(frozen=True)
class _Served:
    shot: Snapshot
    chance: Floats
    rfm: Floats


def next_purchase(orders: Orders, at_us: int, *, shuffle: int = 0) -> tuple[Trial, Trial]:
    """An order within 30 days, and the list of whom to contact; both against recency and frequency.

    The baseline is a line in log recency, frequency, age and money, taught on the same past
    and levelled alike: what a shop can do with a pivot table; or, where that does better, the
    same chance for everybody.

    Args:
        orders: As of `at_us`.
        at_us: Now.
        shuffle: A seed; not 0: who bought is dealt out anew within each window, so that
            nothing is left to foretell (a control that must fail).

    Returns:
        Log-loss of the chance; and missed buyers in a list of a tenth of the people.
    """
    past, parts, lists = as_past(orders), [], []
    level: list[Floats] = []
    named: list[Floats] = []
    chance = np.random.default_rng(shuffle)
    for served in _served(past, at_us / 1e6):
        came = served.shot.happened
        if shuffle:
            came = chance.permutation(came)
        who = served.shot.person
        losses = log_losses(came, served.chance), log_losses(came, served.rfm)
        parts.append((who, *losses, came))
        same = np.full(len(who), float(served.rfm.mean()))
        level.append(log_losses(came, same))
        named.append(_named(came, served))
        top = max(len(who) // 10, 1)
        taken = [came * (_rank(said) < top) for said in (served.chance, served.rfm)]
        lists.append((who, -taken[0], -taken[1], came))
    tried, listed = _joined(parts), _joined(lists)
    if level:
        same = np.concatenate(level)
        plain = _best([tried.baseline, same])
        ours, rfm, anybody, all_named = np.sum(named, axis=0) if named else np.zeros(4)
        counts = _of_100(ours, anybody if plain is same else rfm, all_named)
        tried = replace(tried, baseline=plain, counts=counts)
        lines = sum(max(len(part[0]) // 10, 1) for part in lists)
        listed = replace(listed, counts=_of_100(-listed.model.sum(), -listed.baseline.sum(), lines))
    return tried, listed


def _named(came: Floats, served: _Served) -> Floats:
    """Buyers among as many people as bought, named by model, by baseline and at random."""
    k = int(came.sum())
    hits = [float(came[_rank(said) < k].sum()) for said in (served.chance, served.rfm)]
    return np.array([*hits, k * k / max(len(came), 1), k])


def _of_100(ours: float, plain: float, count: float) -> tuple[float, float] | None:
    return (100 * float(ours / count), 100 * float(plain / count)) if count else None


def _served(past: Past, now: float) -> list[_Served]:
    served, album = [], Album(past, DAYS)
    for back in range(WINDOWS, 0, -1):
        cut = now - back * DAYS * DAY_S
        seen = past.until(cut)
        taught = _shots(seen, cut, album)
        if len(np.unique(seen.person)) < _LEAST or not taught:
            continue
        shot = album.at(cut)
        model = fit_purchase(seen, as_of=cut, days=DAYS, ways=_WAYS, album=album)
        rows = np.concatenate([_rfm(one) for one in taught])
        line = fit_logistic(rows, np.concatenate([one.happened for one in taught]))
        rfm = to_mean(expit(line.log_odds(_rfm(shot))), model.tide.mean)
        served.append(_Served(shot, model.forecast(shot).chance, rfm))
    return served


def _shots(seen: Past, cut: float, album: Album) -> list[Snapshot]:
    if not len(seen.time):
        return []
    first = float(seen.time.min()) + DAYS * DAY_S
    cuts = [cut - k * DAYS * DAY_S for k in range(1, _TAUGHT + 1)]
    shots = [album.at(at) for at in cuts if at >= first]
    return [one for one in shots if len(one.person) >= _LEAST]


def _rfm(shot: Snapshot) -> Floats:
    names = ("recency", "orders", "age", "money_mean")
    return np.column_stack([np.log1p(np.maximum(shot.columns[name], 0)) for name in names])


def value(orders: Orders, at_us: int, *, shuffle: int = 0) -> Trial:
    """Money of the next stretch (a quarter of the history, at most half a year).

    Against the best of four: the mean, an RFM table (each recency x frequency x money cell
    gets the mean that such people brought in the stretch before) a line in recency and
    past rate, and the middle of table and line. Losses are squared, of amounts cut at the top hundredth, so that one whale
    decides nothing.
    """
    past = as_past(orders)
    if not len(past.time):
        return EMPTY
    now = at_us / 1e6
    days = min(180.0, (now - float(past.time.min())) / DAY_S / 4)
    cut = now - days * DAY_S
    seen, before = past.until(cut), past.until(cut - days * DAY_S)
    if min(len(np.unique(seen.person)), len(np.unique(before.person))) < _LEAST:
        return EMPTY
    columns = seen.person, seen.time, seen.value
    model = fit_value(*columns, as_of=cut, horizon_days=days)
    said = model.forecast(histories(*columns, as_of=cut), days)
    came = _spent(past, said.person, (cut, now))
    then = np.unique(before.person)
    start = cut - days * DAY_S
    brought = _spent(seen, then, (start, cut))
    table = _from_table(_cells(before, then, start), brought, _cells(seen, said.person, cut))
    line = _line(_rates(before, then, start, days), brought, _rates(seen, said.person, cut, days))
    plain = [table, line, (table + line) / 2, np.full(len(table), brought.mean())]
    if shuffle:
        came = np.random.default_rng(shuffle).permutation(came)
    cap = max(float(np.quantile(came[came > 0], 0.99)), 1.0) if (came > 0).any() else 1.0
    capped = np.minimum(came, cap)
    losses = [
        (np.minimum(guess, cap) - capped) ** 2 / cap**2
        for guess in (said.spend.value, *plain, *(_levelled(one, said) for one in plain))
    ]
    plainest = _best(losses[1:])
    spent = max(float(capped.mean()), 1e-9)
    off = [100 * cap * float(np.sqrt(one.mean())) / spent for one in (losses[0], plainest)]
    return Trial(said.person, losses[0], plainest, _rarer(came > 0), (off[0], off[1]))


def _levelled(guess: Floats, said: ValueForecast) -> Floats:
    # To know that the shop grows is not to know anything of a person.
    return np.asarray(guess * (said.spend.value.sum() / max(float(guess.sum()), 1.0)))


def _best(losses: Sequence[Floats]) -> Floats:
    """The baseline that did best: chosen with hindsight, which only the baseline may have."""
    return min(losses, key=lambda rows: float(rows.mean()))


def _rates(past: Past, person: Ints, as_of: float, days: float) -> Floats:
    row, n = np.searchsorted(person, past.person), len(person)
    first, last = np.full(n, as_of), np.zeros(n)
    np.minimum.at(first, row, past.time)
    np.maximum.at(last, row, past.time)
    count = np.bincount(row, minlength=n).astype(np.float64)
    money = np.bincount(row, weights=past.value, minlength=n)
    age = (as_of - first) / DAY_S + 30
    return np.column_stack(
        [
            np.ones(n),
            money / age * days,
            count / age * days,
            np.log1p((as_of - last) / DAY_S),
            np.log1p(age),
            np.sqrt(money / age * days),
        ]
    )


def _line(x: Floats, brought: Floats, wanted: Floats) -> Floats:
    capped = np.minimum(brought, np.quantile(brought, 0.99))
    scale = np.maximum(np.sqrt((x**2).mean(axis=0)), 1e-9)
    z = np.minimum(x / scale, 20)
    weight = np.linalg.solve(z.T @ z + 10 * np.eye(x.shape[1]), z.T @ capped)
    return np.asarray(np.maximum(np.minimum(wanted / scale, 20) @ weight, 0))


def _spent(past: Past, person: Ints, window: tuple[float, float]) -> Floats:
    return realised(past.person, past.time, past.value, person=person, window=window)[1]


def _cells(past: Past, person: Ints, as_of: float) -> Ints:
    row = np.searchsorted(person, past.person)
    n = len(person)
    last = np.zeros(n)
    np.maximum.at(last, row, past.time)
    count = np.bincount(row, minlength=n)
    mean = np.bincount(row, weights=past.value, minlength=n) / np.maximum(count, 1)
    recency = np.digitize((as_of - last) / DAY_S, (15, 30, 60, 120, 240))
    money = np.digitize(mean, np.quantile(mean, (0.25, 0.5, 0.75)))
    return np.asarray((recency * 5 + np.digitize(count, (2, 3, 5, 9))) * 4 + money)


def _from_table(cell: Ints, brought: Floats, wanted: Ints) -> Floats:
    size = int(max(cell.max(), wanted.max())) + 1
    count = np.bincount(cell, minlength=size)
    # Thin cells lean on the mean of all, five people strong.
    total = np.bincount(cell, weights=brought, minlength=size) + 5 * brought.mean()
    return np.asarray((total / (count + 5))[wanted])


def next_need(frame: Frame, at_us: int, *, shuffle: int = 0) -> Trial:
    """The day of the next purchase of the same item, within a week, against the average gap.

    Rows are person-item pairs that were bought again within 90 days after the cut; a miss
    costs 1. The baseline is the better of two: the last purchase plus the item's average gap
    ("now" where that has passed), and the same number of days from today for everybody.
    """
    now = frame.as_of(at_us)
    bought = purchases(now, frame.lines(now))
    parts = [_need_rows(frame, bought, at_us - back * DAY_US, shuffle) for back in (180, 90)]
    return _by_misses(_joined([part for part in parts if part is not None]))


def _need_rows(
    frame: Frame, bought: Purchases, cut: int, shuffle: int
) -> tuple[Ints, Floats, Floats, Floats] | None:
    orders = frame.as_of(cut)
    then = purchases(orders, frame.lines(orders))
    if not len(then.begin):
        return None
    rhythms = learn_rhythms(then, cut)
    needs = needs_at(then, rhythms, cut, DAYS)
    following = _next_time(bought, cut, needs.person, needs.item)
    seen = (following > 0) & (following <= cut + 90 * DAY_US)
    if not seen.any():
        return None
    actual = following[seen]
    if shuffle:
        actual = np.random.default_rng(shuffle).permutation(actual)
    middle = (needs.due_low_us[seen] + needs.due_high_us[seen]) // 2
    row = np.searchsorted(rhythms.item, needs.item[seen])
    gap = _average_gaps(then, rhythms.item)[row] * DAY_US
    plain = np.maximum(needs.last_us[seen] + gap.astype(np.int64), cut)
    same = [np.full_like(actual, cut + days * DAY_US) for days in (7, 14, 21, 30, 45)]
    said: list[Ints] = [middle, plain, *same]
    misses = [(np.abs(one - actual) > _NEXT_DAYS * DAY_US).astype(np.float64) for one in said]
    return needs.person[seen], misses[0], _best(misses[1:]), 1 - misses[0]


def _next_time(bought: Purchases, cut: int, person: Ints, item: Ints) -> Ints:
    """When each pair was next bought after the cut; 0 where it never was."""
    later = np.flatnonzero(bought.at_us > cut)[::-1]
    first: dict[tuple[int, int], int] = {}
    columns = (bought.person[later], bought.item[later], bought.at_us[later])
    for who, what, when in zip(*(c.tolist() for c in columns), strict=True):
        first[who, what] = when  # rows run backwards: the earliest stays
    pairs = zip(person.tolist(), item.tolist(), strict=True)
    return np.array([first.get(pair, 0) for pair in pairs], dtype=np.int64)


def _average_gaps(then: Purchases, item: Ints) -> Floats:
    later = np.flatnonzero(then.pair[1:] == then.pair[:-1]) + 1
    days = (then.at_us[later] - then.at_us[later - 1]) / DAY_US
    row = np.searchsorted(item, then.item[later])
    count = np.bincount(row, minlength=len(item))
    total = np.bincount(row, weights=days, minlength=len(item))
    shop = float(days.mean()) if len(days) else 60.0
    return np.where(count > 0, total / np.maximum(count, 1), shop)


def recommend(frame: Frame, at_us: int, *, shuffle: int = 0) -> Trial:
    """Ten products: what the person buys, filled up with bestsellers, against bestsellers alone.

    The loss is the share of what was then bought in the next 30 days that the ten missed.
    """
    now = frame.as_of(at_us)
    bought = purchases(now, frame.lines(now))
    parts = [_picks(bought, at_us - back * DAYS * DAY_US, shuffle) for back in (3, 2, 1)]
    return _by_misses(_joined([part for part in parts if part is not None]))


def _by_misses(trial: Trial) -> Trial:
    """What was right, where a loss is a share that was missed."""
    if not len(trial.person):
        return trial
    right = [100 * (1 - float(loss.mean())) for loss in (trial.model, trial.baseline)]
    return replace(trial, counts=(right[0], right[1]))


def _picks(bought: Purchases, cut: int, shuffle: int) -> tuple[Ints, Floats, Floats, Floats] | None:
    before = bought.at_us <= cut
    after = ~before & (bought.at_us <= cut + DAYS * DAY_US)
    recent = before & (bought.at_us > cut - 90 * DAY_US)
    if not recent.any() or not after.any():
        return None
    items, count = np.unique(bought.item[recent], return_counts=True)
    best = items[np.argsort(-count, kind="stable")][:_TOP].tolist()
    own = _by_person(bought.person[before], bought.item[before])
    bag = {
        who: set(things)
        for who, things in _by_person(bought.person[after], bought.item[after]).items()
    }
    known = [who for who in bag if who in own]
    if not known:
        return None
    bags = [bag[who] for who in known]
    if shuffle:
        order = np.random.default_rng(shuffle).permutation(len(bags))
        bags = [bags[k] for k in order.tolist()]
    model, plain = [], []
    for who, things in zip(known, bags, strict=True):
        favourite = [i for i, _ in sorted(_counts(own[who]).items(), key=lambda p: (-p[1], p[0]))]
        picks = list(dict.fromkeys([*favourite, *best]))[:_TOP]
        model.append(1 - len(things & set(picks)) / min(len(things), _TOP))
        plain.append(1 - len(things & set(best)) / min(len(things), _TOP))
    missed = (np.array(plain) < 1).astype(np.float64)
    return np.array(known, dtype=np.int64), np.array(model), np.array(plain), missed


def _by_person(person: Ints, item: Ints) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for who, what in zip(person.tolist(), item.tolist(), strict=True):
        found.setdefault(who, []).append(what)
    return found


def _counts(things: Sequence[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for thing in things:
        counts[thing] = counts.get(thing, 0) + 1
    return counts


def send_time(orders: Orders, zone: str, *, shuffle: int = 0) -> Trial:
    """The hour of each person's latest order: own hours shrunk to the shop's, against the shop's."""
    person, model, plain = hour_losses(orders, zone, shuffle=shuffle)
    if not len(person):
        return EMPTY
    # Whoever sends by the odds hits the hour as often as the odds on it were high.
    right = [100 * float(np.exp(-loss).mean()) for loss in (model, plain)]
    return Trial(person, model, plain, len(person) // 2, (right[0], right[1]))


def _joined(parts: Sequence[tuple[Ints, Floats, Floats, Floats]]) -> Trial:
    if not parts:
        return EMPTY
    person, model, plain, came = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Trial(person, model, plain, _rarer(came > 0))


def _rarer(happened: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    return int(min(happened.sum(), len(happened) - happened.sum()))


def _rank(said: Floats) -> Ints:
    rank = np.empty(len(said), dtype=np.int64)
    rank[np.argsort(-said, kind="stable")] = np.arange(len(said))
    return rank
