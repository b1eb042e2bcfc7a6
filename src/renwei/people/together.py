"""What is bought together, and at which hour people buy."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from renwei.core.clock import from_us
from renwei.people.features import Floats
from renwei.people.frame import DAY_US, Ints, Orders
from renwei.people.needs import Purchases
from renwei.people.zones import zone_named

_WITHIN_DAYS = 30
_ITEMS, _BASKET, _LEAST, _EACH = 400, 40, 5, 10
_FEW = 30
_HOUR_US = 3_600_000_000
_STRENGTHS = (2.0, 5.0, 10.0, 17.0, 30.0, 60.0, 120.0)


def pairs_of(bought: Purchases) -> dict[str, np.ndarray[tuple[int], np.dtype[np.generic]]]:
    """Items that the same people buy within 30 days of each other, more than chance says.

    Returns:
        Columns item, with_item, buyers (people who did) and lift (how many times as often as
        independent purchases would), the ten strongest of each item.
    """
    item, count = np.unique(bought.item[bought.begin], return_counts=True)
    top = np.sort(item[np.argsort(-count, kind="stable")[:_ITEMS]])
    keep = np.isin(bought.item, top)
    index = np.searchsorted(top, bought.item[keep])
    keys = _pairs(bought.person[keep], bought.at_us[keep], index)
    pair, buyers = np.unique(keys % _ITEMS**2, return_counts=True)
    first, second = pair // _ITEMS, pair % _ITEMS
    of_item = dict(zip(item.tolist(), count.tolist(), strict=True))
    popular = np.array([of_item[i] for i in top.tolist()], dtype=np.float64)
    people = max(len(np.unique(bought.person)), 1)
    lift = buyers * people / (popular[first] * popular[second]) if len(pair) else np.zeros(0)
    good = (buyers >= _LEAST) & (lift > 1.2)
    both = np.concatenate([first[good], second[good]]), np.concatenate([second[good], first[good]])
    n, strength = np.tile(buyers[good], 2), np.tile(lift[good], 2)
    # Thin pairs have wild lifts: rank by a lift that three purchases of chance pull to 1.
    rank = (n + 3) / (n / np.maximum(strength, 1e-9) + 3)
    order = np.lexsort((both[1], -rank, both[0]))
    order = order[_place(both[0][order]) < _EACH]
    return {
        "item": top[both[0][order]],
        "with_item": top[both[1][order]],
        "buyers": n[order].astype(np.int32),
        "lift": strength[order].astype(np.float32),
    }


def _pairs(person: Ints, at_us: Ints, index: Ints) -> Ints:
    """Who bought what with what within 30 days, each once: shape (pairs,).

    A number is that of the person, from 0 up, times ITEMS squared, plus first * ITEMS + second
    with first < second.
    """
    _, who = np.unique(person, return_inverse=True)
    order = np.lexsort((index, at_us, who))
    who, at_us, index = who[order], at_us[order], index[order]
    found, waiting, ahead = np.zeros(0, dtype=np.int64), [], 1
    while len(who) > ahead:
        same = who[ahead:] == who[:-ahead]
        row = np.flatnonzero(same & (at_us[ahead:] - at_us[:-ahead] <= _WITHIN_DAYS * DAY_US))
        if not len(row):
            break
        low = np.minimum(index[row], index[row + ahead])
        high = np.maximum(index[row], index[row + ahead])
        differ = low < high
        waiting.append((who[row] * _ITEMS**2 + low * _ITEMS + high)[differ])
        if ahead % _BASKET == 0:
            # Whoever bought nothing so far ahead bought nothing farther ahead either.
            stay = np.isin(who, who[row])
            who, at_us, index = who[stay], at_us[stay], index[stay]
            found, waiting = np.unique(np.concatenate([found, *waiting])), []
        ahead += 1
    return np.unique(np.concatenate([found, *waiting]))


def _place(group: Ints) -> Ints:
    first = np.ones(len(group), dtype=bool)
    first[1:] = group[1:] != group[:-1]
    begin = np.flatnonzero(first)
    return np.arange(len(group)) - begin[np.cumsum(first) - 1] if len(group) else group


def local_hours(at_us: Ints, zone: str) -> Ints:
    """Hour of the shop's day, 0 to 23, of each time."""
    stamp, where = np.unique(at_us // _HOUR_US, return_inverse=True)
    place = zone_named(zone)
    offset = [
        from_us(int(s) * _HOUR_US).astimezone(place).utcoffset() or timedelta(0)
        for s in stamp.tolist()
    ]
    seconds = np.array([o.total_seconds() for o in offset], dtype=np.int64)
    return np.asarray((at_us + seconds[where] * 1_000_000) // _HOUR_US % 24)


def best_hours(orders: Orders, zone: str) -> tuple[Ints, Floats, dict[str, float]]:
    """The hour at which each person is likeliest to order.

    Own hours are shrunk to the shop's curve (Dirichlet, strength chosen on each person's
    latest order). Where that does not beat the shop's own curve on those orders, everybody
    gets the shop's hour.

    Returns:
        Persons ascending, the middle of their best hour (10.5 is half past ten), and measured
        quality: gain in log-loss of the latest orders with its standard error, strength.
    """
    person, own, latest = _hours(orders, zone)
    if not len(person):
        return person, np.zeros(0), {"gain": 0.0, "error": 0.0, "strength": 0.0}
    before = _before(own, latest)
    curve = _curve(before)
    many = own.sum(axis=1) > 1
    loss, plain, strength = _tried(before[many], latest[many], curve)
    saved = plain - loss
    gain = float(saved.mean()) if len(saved) else 0.0
    error = float(saved.std() / np.sqrt(len(saved))) if len(saved) else 0.0
    personal = gain > 2 * error and len(saved) > 0
    shown = (_smooth(own) if personal else 0 * own) + strength * curve
    quality = {"gain": round(gain, 5), "error": round(error, 5), "strength": strength}
    return person, shown.argmax(axis=1) + 0.5, quality


def hour_losses(orders: Orders, zone: str, *, shuffle: int = 0) -> tuple[Ints, Floats, Floats]:
    """Log-loss of the hour of the latest order day: own hours shrunk, and the shop's curve.

    Returns:
        Persons on whom the strength was not chosen, and their two losses.
    """
    person, own, latest = _hours(orders, zone)
    before = _before(own, latest)
    many = np.flatnonzero(own.sum(axis=1) > 1)
    if len(many) < _FEW:
        return person[:0], np.zeros(0), np.zeros(0)
    if shuffle:
        latest = latest.copy()
        latest[many] = np.random.default_rng(shuffle).permutation(latest[many])
    loss, plain, _ = _tried(before[many], latest[many], _curve(before))
    return person[many][1::2], loss, plain


def _hours(orders: Orders, zone: str) -> tuple[Ints, Floats, Ints]:
    """Persons, orders by hour of shape (people, 24), and the latest hour; one order a day.

    Two invoices of one visit are one sign of a habit, not two.
    """
    known = orders.pick(orders.person != 0)
    order = np.lexsort((known.at_us, known.person))
    who, when = known.person[order], known.at_us[order]
    fresh = np.ones(len(who), dtype=bool)
    fresh[1:] = (who[1:] != who[:-1]) | (when[1:] // DAY_US != when[:-1] // DAY_US)
    who, hour = who[fresh], local_hours(when[fresh], zone)
    person, begin, count = np.unique(who, return_index=True, return_counts=True)
    n = len(person)
    own = np.bincount(np.repeat(np.arange(n), count) * 24 + hour, minlength=n * 24)
    return person, own.reshape(n, 24).astype(np.float64), hour[begin + count - 1]


def _before(own: Floats, latest: Ints) -> Floats:
    before = own.copy()
    before[np.arange(len(own)), latest] -= 1
    return before


def _curve(before: Floats) -> Floats:
    curve = _smooth(before.sum(axis=0) + 1.0)
    return np.asarray(curve / curve.sum())


def _tried(before: Floats, latest: Ints, curve: Floats) -> tuple[Floats, Floats, float]:
    """Losses on every second person, with the strength that suits the others."""
    if len(latest) < _FEW:
        return np.zeros(0), np.zeros(0), 1.0
    rows = np.arange(len(latest))
    known = _smooth(before)
    total = known.sum(axis=1)
    loss = {k: -np.log((known[rows, latest] + k * curve[latest]) / (total + k)) for k in _STRENGTHS}
    best = min(loss, key=lambda k: float(loss[k][::2].mean()))
    return loss[best][1::2], -np.log(curve[latest])[1::2], best


def _smooth(counts: Floats) -> Floats:
    return 0.5 * counts + 0.25 * (np.roll(counts, 1, axis=-1) + np.roll(counts, -1, axis=-1))
